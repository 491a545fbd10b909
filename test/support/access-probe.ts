/** Executes single instructions on a processor to see whether they are allowed, UNDEFINED or trapped. */
import assert from 'node:assert/strict';
import { ProcessingElement } from '../../emulator/cpu/pe.ts';
import type { Direction } from '../../emulator/sysregs/sysreg.ts';
import { mrsOpcode, msrOpcode } from '../../emulator/sysregs/sysreg.ts';
import type { ProcessorProfile } from '../../emulator/sysregs/processor-model.ts';

const CODE = 0x4000_0000n;
const CODE_BYTES = 0x4_0000;
/** Where X0 points for instructions that need an address. */
export const PROBE_DATA = CODE + BigInt(CODE_BYTES);
const VECTORS = PROBE_DATA + 0x1000n;
const DAIF = 0x3c0n;

export type ProbeOutcome =
  | { readonly kind: 'executed' }
  | {
      readonly kind: 'exception';
      readonly targetEL: 1 | 2;
      readonly EC: number;
      readonly ISS: number;
      /** The return address is that of the instruction. */
      readonly returnsToIt: boolean;
    };

export const EXECUTED: ProbeOutcome = { kind: 'executed' };

/** `executed`, or `EL<target> EC 0x<EC>` with the ISS where it is not 0. */
export function outcomeText(outcome: ProbeOutcome): string {
  if (outcome.kind === 'executed') return 'executed';
  const { targetEL, EC, ISS } = outcome;
  return `EL${targetEL} EC 0x${EC.toString(16)}${ISS === 0 ? '' : ` ISS 0x${ISS.toString(16)}`}`;
}

export class AccessProbe {
  readonly pe: ProcessingElement;
  /** Where each word that was ever executed stands. */
  readonly #addresses = new Map<number, bigint>();

  constructor(profile: ProcessorProfile) {
    this.pe = new ProcessingElement({
      profile,
      memory: [{ base: CODE, size: CODE_BYTES + 0x2000 }],
      bus: { read: () => undefined, write: () => false, peek: () => undefined },
      startEL: 2,
      semihosting: false,
      unalignedDeviceAccess: 'allow',
    });
    this.pe.exceptionHook = () => true;
    this.reset({});
  }

  /** Cold reset, then the registers in the order given. */
  reset(registers: Readonly<Record<string, bigint>>): void {
    const { pe } = this;
    pe.reset();
    for (const name of ['VBAR_EL1', 'VBAR_EL2']) pe.registers.write(name, VECTORS);
    for (const [name, value] of Object.entries(registers)) pe.registers.write(name, value);
  }

  #addressOf(word: number): bigint {
    const known = this.#addresses.get(word);
    if (known !== undefined) return known;
    const address = CODE + 4n * BigInt(this.#addresses.size);
    const bytes = new Uint8Array(Uint32Array.of(word).buffer);
    assert.ok(this.pe.engine.writePhysical(address, bytes) && address < PROBE_DATA);
    this.#addresses.set(word, address);
    return address;
  }

  /** One instruction at this EL, with X0. */
  execute(word: number, EL: 0 | 1 | 2, X0 = 0n, SPSel: 0 | 1 = EL === 0 ? 0 : 1): ProbeOutcome {
    const { pe } = this;
    pe.pokeRegister('PSTATE', DAIF | BigInt((EL << 2) | SPSel));
    const address = this.#addressOf(word);
    pe.state.PC = address;
    pe.state.setX(0, X0);
    const end = pe.state.retired + 1n;
    for (;;) {
      const event = pe.run(Number(end - pe.state.retired));
      if (event.kind === 'exceptionTaken') {
        const { targetEL, EC = -1, ISS = 0, preferredReturn } = event.exception;
        const returnsToIt = preferredReturn === address;
        return { kind: 'exception', targetEL, EC, ISS, returnsToIt };
      }
      if (event.kind === 'unimplemented' && event.resumable) continue;
      if (event.kind === 'budget' || event.kind === 'wfi' || event.kind === 'wfe') return EXECUTED;
      assert.fail(`0x${word.toString(16)} ended as ${event.kind}`);
    }
  }

  /** MRS, or an MSR that writes what a debugger reads there. */
  access(
    register: { readonly encoding: number },
    direction: Direction,
    EL: 0 | 1 | 2,
    value = 0n,
  ): ProbeOutcome {
    const word = direction === 'read' ? mrsOpcode(register, 0) : msrOpcode(register, 0);
    return this.execute(word, EL, value);
  }
}
