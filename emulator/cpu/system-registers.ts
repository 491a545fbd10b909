/**
 * The system registers of one processor: a slot each in the engine's register file, and the effects
 * that the layers owning them have registered under their names.
 *
 * Nothing here checks permissions: that is `sysregs/access-rules.ts`, before an access gets here.
 */
import {
  FIRST_FREE_SLOT,
  FPCR_SLOT,
  FPSR_SLOT,
  POINTER_KEY_SLOT,
  UNKNOWN_SLOT,
} from '../engine/layout.ts';
import type { CpuState } from '../engine/cpu-state.ts';
import { MDCR_EBWE, MDSCR_EMBWE } from './debug/enable-and-routing.ts';
import { pointerKeyRegisters, writtenValue } from '../sysregs/definitions.ts';
import { DEBUG_REGISTERS_OF_A_BANK } from '../sysregs/processor-model.ts';
import { elIsInHost, redirections } from '../sysregs/virtualization-host.ts';
import type { ImplementedRegister, ImplementedRegisters } from '../sysregs/definitions.ts';
import type { Direction, ExceptionLevel } from '../sysregs/sysreg.ts';

/** What a register does beyond keeping a value. */
export interface RegisterEffects {
  /** The value of a read by an instruction; absent: the stored value. */
  read?(): bigint;
  /** The value a debugger sees; needed where `read` has side effects, otherwise `read` serves. */
  peek?(): bigint;
  /** What is stored; absent: the register's writable bits change. Both are 64-bit values. */
  store?(written: bigint, current: bigint): bigint;
  /** After the value was stored. */
  written?(value: bigint, previous: bigint): void;
  /** An access that is allowed needs none of these: they serve the debugger and the hypervisor. */
  readonly direct?: boolean;
}

export interface RegisterEntry {
  readonly name: string;
  readonly slot: number;
  readonly register: ImplementedRegister;
  effects: RegisterEffects | undefined;
  /** What EL2 reaches by this name while HCR_EL2.E2H is 1. */
  host: { readonly entry: RegisterEntry; readonly fromEL0: boolean } | undefined;
  /** This is another name, of EL2, for that register. */
  readonly aliasOf: RegisterEntry | undefined;
  /** Breakpoint and watchpoint registers: the ones that this name reaches, by MDSELR_EL1.BANK. */
  banks: readonly (RegisterEntry | undefined)[] | undefined;
  /** Allowed accesses by instructions are told to `ProcessingElement.accessObserver`, so none runs in place. */
  isObserved: boolean;
}

/** Kept in the register file without being accessible by MRS and MSR on this PE (it has no EL3). */
const HIDDEN = ['SP_EL2'] as const;

/** Slots that generated code knows. */
const FIXED_SLOTS: ReadonlyMap<string, number> = new Map([
  ['FPCR', FPCR_SLOT],
  ['FPSR', FPSR_SLOT],
  ...pointerKeyRegisters.map((name, n) => [name, POINTER_KEY_SLOT + n] as const),
]);

export class SystemRegisters {
  readonly implemented: ImplementedRegisters;
  readonly #state: CpuState;
  readonly #byName = new Map<string, RegisterEntry>();
  readonly #byRegister = new Map<ImplementedRegister, RegisterEntry>();
  readonly #hidden = new Map<string, number>();
  readonly #slotHCR: number;
  readonly #slotMDCR: number;
  readonly #slotMDSCR: number;
  readonly #slotMDSELR: number | undefined;
  /** Banks that have a register. */
  #banks = 1;

  constructor(state: CpuState, implemented: ImplementedRegisters) {
    this.implemented = implemented;
    this.#state = state;
    let next = FIRST_FREE_SLOT;
    const allocate = (name: string): number => {
      const fixed = FIXED_SLOTS.get(name);
      if (fixed !== undefined) return fixed;
      if (next === UNKNOWN_SLOT) throw new RangeError('the system-register file is full');
      next += 1;
      return next - 1;
    };
    for (const register of implemented.all) {
      const { name } = register.reg;
      const entry: RegisterEntry = {
        name,
        slot: allocate(name),
        register,
        effects: undefined,
        host: undefined,
        aliasOf: undefined,
        banks: undefined,
        isObserved: false,
      };
      this.#byName.set(name, entry);
      this.#byRegister.set(register, entry);
    }
    for (const name of HIDDEN) this.#hidden.set(name, allocate(name));
    this.#slotHCR = this.slotOf('HCR_EL2');
    this.#slotMDCR = this.slotOf('MDCR_EL2');
    this.#slotMDSCR = this.slotOf('MDSCR_EL1');
    this.#slotMDSELR = this.#byName.get('MDSELR_EL1')?.slot;
    this.#findBanks();
    if (implemented.aliases.length > 0) this.#redirect();
  }

  #findBanks(): void {
    for (const entry of this.#byName.values()) {
      const { array } = entry.register.reg;
      if (array === undefined || !array.template.startsWith('DBG')) continue;
      this.#banks = Math.max(this.#banks, 1 + Math.floor(array.index / DEBUG_REGISTERS_OF_A_BANK));
    }
    if (this.#banks === 1) return;
    for (const entry of this.#byName.values()) {
      const { array } = entry.register.reg;
      if (array === undefined || !array.template.startsWith('DBG')) continue;
      if (array.index >= DEBUG_REGISTERS_OF_A_BANK) continue;
      entry.banks = Array.from({ length: this.#banks }, (_, bank) =>
        this.#byName.get(
          array.template.replace('<n>', `${array.index + bank * DEBUG_REGISTERS_OF_A_BANK}`),
        ),
      );
    }
  }

  /** Arm ARM, EffectiveMDSELR_EL1_BANK(). A reserved value selects bank 0. */
  #bank(EL: ExceptionLevel): number {
    if (this.#banks === 1 || this.#slotMDSELR === undefined) return 0;
    if ((this.#state.sysreg(this.#slotMDCR) & MDCR_EBWE) === 0n) return 0;
    if (EL === 1 && (this.#state.sysreg(this.#slotMDSCR) & MDSCR_EMBWE) === 0n) return 0;
    const BANK = Number((this.#state.sysreg(this.#slotMDSELR) >> 4n) & 3n);
    return BANK < this.#banks ? BANK : 0;
  }

  /** The bank that is selected has no such register: the access is UNDEFINED. */
  isBeyond(entry: RegisterEntry, EL: ExceptionLevel): boolean {
    const { banks } = entry;
    return banks !== undefined && banks[this.#bank(EL)] === undefined;
  }

  #redirect(): void {
    const { aliases } = this.implemented;
    for (const { name, host, alias, fromEL0 } of redirections) {
      const entry = this.#byName.get(name);
      const register = aliases.find(({ reg }) => reg.name === alias);
      if (entry === undefined || register === undefined) continue;
      entry.host = { entry: this.entry(host), fromEL0 };
      this.#byRegister.set(register, {
        name: alias,
        slot: UNKNOWN_SLOT,
        register,
        effects: undefined,
        host: undefined,
        aliasOf: entry,
        banks: undefined,
        isObserved: false,
      });
    }
  }

  get entries(): Iterable<RegisterEntry> {
    return this.#byName.values();
  }

  has(name: string): boolean {
    return this.#byName.has(name) || this.#hidden.has(name);
  }

  /** @throws RangeError when the processor does not implement the register. */
  slotOf(name: string): number {
    const slot = this.#byName.get(name)?.slot ?? this.#hidden.get(name);
    if (slot === undefined) throw new RangeError(`${name} is not implemented on this processor`);
    return slot;
  }

  /** The register that an MRS (`read`) or MSR (`write`) with this packed encoding names. */
  byEncoding(encoding: number, direction: Direction): RegisterEntry | undefined {
    const register = this.implemented.byEncoding(encoding, direction);
    return register && this.#byRegister.get(register);
  }

  /** The register that an access at this EL by the name of `entry` reaches, HCR_EL2 and MDSELR_EL1 being as they are. */
  reached(entry: RegisterEntry, EL: ExceptionLevel): RegisterEntry {
    if (entry.aliasOf !== undefined) return entry.aliasOf;
    if (entry.banks !== undefined) return entry.banks[this.#bank(EL)] ?? entry;
    const { host } = entry;
    if (host === undefined || (EL === 0 && !host.fromEL0)) return entry;
    return elIsInHost(this.#state.sysreg(this.#slotHCR), EL) ? host.entry : entry;
  }

  entry(name: string): RegisterEntry {
    const entry = this.#byName.get(name);
    if (entry === undefined) throw new RangeError(`${name} is not implemented on this processor`);
    return entry;
  }

  /**
   * Registers the effects of a register. Ignored for a register this processor does not have, so
   * that an owner can name all of its registers.
   * @throws TypeError when the register has effects already.
   */
  own(name: string, effects: RegisterEffects): void {
    const entry = this.#byName.get(name);
    if (entry === undefined) return;
    if (entry.effects !== undefined) throw new TypeError(`${name} has two owners`);
    entry.effects = effects;
  }

  /** Accesses to the registers that fulfil the condition are observed from now on. */
  observe(matches: (register: ImplementedRegister) => boolean): void {
    for (const entry of this.#byName.values()) entry.isObserved = matches(entry.register);
  }

  /** The stored value, without effects. */
  raw(name: string): bigint {
    return this.#state.sysreg(this.slotOf(name));
  }
  /** Replaces the stored value, without masks and effects. */
  setRaw(name: string, value: bigint): void {
    this.#state.setSysreg(this.slotOf(name), BigInt.asUintN(64, value));
  }

  readEntry(entry: RegisterEntry): bigint {
    return entry.effects?.read?.() ?? this.#state.sysreg(entry.slot);
  }
  writeEntry(entry: RegisterEntry, written: bigint): void {
    const previous = this.#state.sysreg(entry.slot);
    const value =
      entry.effects?.store?.(written, previous) ?? writtenValue(entry.register, previous, written);
    this.#state.setSysreg(entry.slot, value);
    entry.effects?.written?.(value, previous);
  }

  /** As an MRS or MSR that is allowed. */
  read(name: string): bigint {
    return this.#hidden.has(name) ? this.raw(name) : this.readEntry(this.entry(name));
  }
  write(name: string, value: bigint): void {
    if (this.#hidden.has(name)) this.setRaw(name, value);
    else this.writeEntry(this.entry(name), BigInt.asUintN(64, value));
  }

  /** What a debugger sees; never a side effect. */
  peek(name: string): bigint {
    if (this.#hidden.has(name)) return this.raw(name);
    const { effects, slot } = this.entry(name);
    return effects?.peek?.() ?? effects?.read?.() ?? this.#state.sysreg(slot);
  }

  /** Every register takes its reset value; effects are not run. */
  reset(): void {
    for (const { slot, register } of this.#byName.values()) {
      this.#state.setSysreg(slot, register.reset);
    }
    for (const slot of this.#hidden.values()) this.#state.setSysreg(slot, 0n);
  }
}
