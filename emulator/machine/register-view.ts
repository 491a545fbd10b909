/** Every register of a processor by its Arm ARM name, for people: no traps, no side effects of reading. */
import type { ProcessingElement } from '../cpu/pe.ts';
import { byName } from '../sysregs/catalogue.ts';

export interface RegisterGroup {
  readonly name: string;
  readonly kind: 'general' | 'FP/SIMD' | 'system';
  readonly registers: readonly string[];
}

/** Groups of the catalogue under the titles people look for, in display order. */
const SYSTEM_GROUPS: readonly (readonly [title: string, groups: readonly string[]])[] = [
  ['Exceptions', ['exception', 'PSTATE']],
  ['System control', ['system', 'virtualisation']],
  ['Memory management', ['MMU']],
  ['Debug', ['debug', 'obsolete']],
  ['Floating point', ['FP']],
  ['Timers', ['timer', 'generic']],
  ['Identification', ['ID']],
  ['Interrupt controller', ['GIC']],
  ['Performance monitors', ['PMU']],
  ['Profiling and trace', ['SPE', 'TRBE', 'trace', 'BRBE']],
];

const GENERAL = [...Array.from({ length: 31 }, (_, n) => `X${n}`), 'SP', 'PC', 'NZCV', 'PSTATE'];
const VECTORS = [...Array.from({ length: 32 }, (_, n) => `V${n}`), 'FPCR', 'FPSR'];
/** Shown with the general-purpose and FP/SIMD registers. */
const SHOWN_ELSEWHERE = new Set(['NZCV', 'FPCR', 'FPSR']);

/** What the hypervisor answers in place of the processor, because the guest's own value is elsewhere. */
export interface GuestRegisters {
  /** The guest's value, or undefined where the processor's is the guest's. */
  readGuestRegister(name: string): bigint | undefined;
  /** False where the processor's register is the guest's. */
  writeGuestRegister(name: string, value: bigint): boolean;
}

export class RegisterView {
  readonly #pe: ProcessingElement;
  readonly #guest: GuestRegisters | undefined;
  readonly groups: readonly RegisterGroup[];

  constructor(pe: ProcessingElement, guest: GuestRegisters | undefined) {
    this.#pe = pe;
    this.#guest = guest;
    this.groups = registerGroups(pe);
  }

  read(name: string): bigint | undefined {
    const { state } = this.#pe;
    const numbered = /^([XV])(\d+)$/.exec(name);
    if (numbered) {
      const n = Number(numbered[2]);
      if (numbered[1] === 'X') return n <= 30 ? state.X(n) : undefined;
      if (n > 31) return undefined;
      const elsewhere = this.#guest?.readGuestRegister(name);
      if (elsewhere !== undefined) return elsewhere;
      const { lo, hi } = state.V(n);
      return (hi << 64n) | lo;
    }
    switch (name) {
      case 'SP':
        return state.SP;
      case 'PC':
        return state.PC;
      case 'PSTATE':
        return this.#guest?.readGuestRegister('PSTATE') ?? this.#pe.peekRegister('PSTATE');
      default:
        if (!this.#pe.registers.has(name)) return undefined;
        return this.#guest?.readGuestRegister(name) ?? this.#pe.peekRegister(name);
    }
  }

  /** Why the register cannot be written, in one sentence, or undefined when it was. */
  write(name: string, value: bigint): string | undefined {
    const { state } = this.#pe;
    const numbered = /^([XV])(\d+)$/.exec(name);
    if (numbered && this.read(name) !== undefined) {
      const n = Number(numbered[2]);
      if (numbered[1] === 'X') state.setX(n, BigInt.asUintN(64, value));
      else if (this.#guest?.writeGuestRegister(name, BigInt.asUintN(128, value)) !== true)
        state.setV(n, BigInt.asUintN(64, value), BigInt.asUintN(64, value >> 64n));
      return undefined;
    }
    switch (name) {
      case 'SP':
        state.SP = BigInt.asUintN(64, value);
        return undefined;
      case 'PC':
        if ((value & 3n) !== 0n) return 'PC has to be a multiple of 4.';
        state.PC = BigInt.asUintN(64, value);
        return undefined;
      case 'PSTATE':
        break;
      default: {
        const register = byName(name);
        if (register === undefined || !this.#pe.registers.has(name)) {
          return `${name} is not implemented on this processor.`;
        }
        if (register.access === 'RO') return `${name} is read-only.`;
      }
    }
    if (this.#guest?.writeGuestRegister(name, value) === true) return undefined;
    try {
      this.#pe.pokeRegister(name, value);
    } catch (error) {
      if (error instanceof RangeError) return `${error.message}.`;
      throw error;
    }
    return undefined;
  }
}

function registerGroups(pe: ProcessingElement): readonly RegisterGroup[] {
  const implemented = [...pe.registers.entries].map(({ register }) => register.reg);
  const titled = SYSTEM_GROUPS.map(([name, groups]) => ({
    name,
    kind: 'system' as const,
    registers: implemented
      .filter(({ group, name: register, access }) => {
        return groups.includes(group) && access !== 'WO' && !SHOWN_ELSEWHERE.has(register);
      })
      .map(({ name: register }) => register),
  }));
  const shown = new Set([...SHOWN_ELSEWHERE, ...titled.flatMap(({ registers }) => registers)]);
  const other = implemented.filter(({ name, access }) => access !== 'WO' && !shown.has(name));
  return [
    { name: 'General', kind: 'general', registers: GENERAL },
    { name: 'FP/SIMD', kind: 'FP/SIMD', registers: VECTORS },
    ...titled,
    { name: 'Other', kind: 'system' as const, registers: other.map(({ name }) => name) },
  ].filter(({ registers }) => registers.length > 0) as readonly RegisterGroup[];
}
