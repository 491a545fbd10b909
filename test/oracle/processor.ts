/** Runs batches on a processing element of ours, with the translation tables of the harness. */
import { ProcessingElement } from '../../emulator/cpu/pe.ts';
import type { CpuModel } from '../../emulator/sysregs/cpu-model.ts';
import { SPSR_BTYPE } from '../../emulator/cpu/pstate.ts';
import { pointerKeyRegisters } from '../../emulator/sysregs/definitions.ts';
import { v8_0 } from '../../emulator/sysregs/processor-model.ts';
import { slotAddress } from './batch.ts';
import type { Batch } from './batch.ts';
import * as L from './layout.ts';
import { hashSandbox, seedSandbox } from './sandbox.ts';
import { TABLES_RAM, TRANSLATION_REGISTERS, writeTables } from './translation-tables.ts';

/** What the harness writes before each case. */
const ZEROED = [
  'TPIDR_EL0',
  'TPIDRRO_EL0',
  'TPIDR_EL1',
  'PAR_EL1',
  'CSSELR_EL1',
  'CNTKCTL_EL1',
  'CNTV_CVAL_EL0',
  'CNTP_CVAL_EL0',
  'DBGBVR0_EL1',
  'DBGWVR0_EL1',
  'ESR_EL1',
  'FAR_EL1',
] as const;

/** Registers that have bits of the case's own. */
const PER_CASE = ['TCR_EL1', 'SCTLR_EL1'] as const;
const HARNESS_VALUES = new Map(TRANSLATION_REGISTERS);

/** Exceptions count too, so this is more than any case takes. */
const BUDGET = 200;

export class TestedProcessor {
  readonly #pe: ProcessingElement;
  readonly #slots: Readonly<
    Record<'SP_EL0' | 'SPSR_EL1' | 'ELR_EL1' | 'ESR_EL1' | 'FAR_EL1', number>
  >;

  readonly #hasPointerAuthentication: boolean;
  /** What was written to PER_CASE last. */
  readonly #perCase = new Map<string, bigint>();
  readonly #zeroed: readonly { readonly name: string; readonly slot: number }[];

  constructor(model: CpuModel) {
    const pe = new ProcessingElement({
      profile: { ...v8_0, model },
      memory: [
        TABLES_RAM,
        { base: BigInt(L.CODE), size: L.CODE_BYTES },
        { base: BigInt(L.SANDBOX), size: L.SANDBOX_BYTES },
      ],
      bus: { read: () => undefined, write: () => false, peek: () => undefined },
      startEL: 1,
      semihosting: false,
    });
    pe.exceptionHook = () => true;
    writeTables((PA, descriptor) => {
      pe.engine.writePhysical(PA, new Uint8Array(BigUint64Array.of(descriptor).buffer));
    });
    this.#pe = pe;
    this.#hasPointerAuthentication = model.features.has('FEAT_PAuth');
    const slot = (name: string): number => pe.registers.slotOf(name);
    this.#zeroed = ZEROED.map((name) => ({ name, slot: slot(name) }));
    this.#slots = {
      SP_EL0: slot('SP_EL0'),
      SPSR_EL1: slot('SPSR_EL1'),
      ELR_EL1: slot('ELR_EL1'),
      ESR_EL1: slot('ESR_EL1'),
      FAR_EL1: slot('FAR_EL1'),
    };
  }

  /** The output records of the cases `first` to `first + count - 1`. */
  run(batch: Batch, first: number, count: number): Uint8Array {
    const pe = this.#pe;
    pe.reset();
    this.#perCase.clear();
    for (const [name, value] of TRANSLATION_REGISTERS) pe.registers.write(name, value);
    pe.registers.write('CPACR_EL1', 3n << 20n);
    pe.registers.write('VBAR_EL1', 0n);
    const code = new Uint8Array(batch.code.buffer);
    if (!pe.engine.writePhysical(BigInt(L.CODE), code)) throw new TypeError('no RAM for code');
    const outputs = new Uint8Array(count * L.RECORD_BYTES);
    for (let n = 0; n < count; n += 1) {
      this.#runCase(
        new BigUint64Array(batch.inputs.buffer, (first + n) * L.RECORD_BYTES, L.RECORD_BYTES / 8),
        new BigUint64Array(outputs.buffer, n * L.RECORD_BYTES, L.RECORD_BYTES / 8),
        first + n,
      );
    }
    return outputs;
  }

  #runCase(input: BigUint64Array, output: BigUint64Array, index: number): void {
    const pe = this.#pe;
    const { state, registers } = pe;
    const value = (offset: number): bigint => input[offset / 8] ?? 0n;
    const sandbox = this.#sandboxWords();
    seedSandbox(sandbox, Number(value(L.SEED) & 0xffff_ffffn));

    const EL = value(L.EL) === 1n ? 1 : 0;
    for (const { name, slot } of this.#zeroed) {
      if (state.sysreg(slot) !== 0n) registers.write(name, 0n);
    }
    for (const name of PER_CASE) {
      const wanted = (HARNESS_VALUES.get(name) ?? 0n) | value(L[name]);
      if (this.#perCase.get(name) === wanted) continue;
      this.#perCase.set(name, wanted);
      registers.write(name, wanted);
    }
    if (this.#hasPointerAuthentication) {
      pointerKeyRegisters.forEach((name, n) => {
        registers.write(name, value(L.KEYS + 8 * n));
      });
    }
    // As the harness returns from EL1.
    state.setSysreg(this.#slots.ELR_EL1, value(L.PC));
    state.setSysreg(this.#slots.SPSR_EL1, value(L.NZCV) | 0x3c0n | BigInt(EL << 2));
    const NZCV = Number((value(L.NZCV) >> 28n) & 0xfn);
    const extensions = Number(value(L.NZCV) & SPSR_BTYPE);
    pe.setPstate({ EL, SPSel: 0, NZCV, DAIF: 0xf, SS: 0, IL: false, extensions });
    state.SP = value(L.SP);
    state.PC = value(L.PC);
    registers.write('FPCR', value(L.FPCR));
    registers.write('FPSR', value(L.FPSR));
    state.clearExclusiveMonitor();
    pe.eventRegister = false;
    for (let n = 0; n < 31; n += 1) state.setX(n, input[n] ?? 0n);
    for (let n = 0; n < 32; n += 1) {
      state.setV(n, input[L.V / 8 + 2 * n] ?? 0n, input[L.V / 8 + 2 * n + 1] ?? 0n);
    }

    this.#runToException(index);

    for (let n = 0; n < 31; n += 1) output[n] = state.X(n);
    for (let n = 0; n < 32; n += 1) {
      const { lo, hi } = state.V(n);
      output[L.V / 8 + 2 * n] = lo;
      output[L.V / 8 + 2 * n + 1] = hi;
    }
    const slots = this.#slots;
    output[L.SP / 8] = state.sysreg(slots.SP_EL0);
    output[L.SPSR / 8] = state.sysreg(slots.SPSR_EL1);
    output[L.ELR / 8] = state.sysreg(slots.ELR_EL1);
    output[L.ESR / 8] = state.sysreg(slots.ESR_EL1);
    output[L.FAR / 8] = state.sysreg(slots.FAR_EL1);
    output[L.FPCR / 8] = registers.raw('FPCR');
    output[L.FPSR / 8] = registers.raw('FPSR');
    output[L.VECTOR / 8] = state.PC >> 7n;
    hashSandbox(sandbox, new Uint32Array(output.buffer, output.byteOffset + L.HASH, 4));
  }

  #runToException(index: number): void {
    for (;;) {
      const event = this.#pe.run(BUDGET);
      switch (event.kind) {
        case 'exceptionTaken':
          return;
        case 'wfi':
        case 'wfe':
          break;
        case 'unimplemented':
          if (event.resumable) break;
          throw new Error(`0x${slotAddress(index).toString(16)}: ${event.what} is not implemented`);
        default:
          throw new Error(`case at 0x${slotAddress(index).toString(16)} ended as ${event.kind}`);
      }
    }
  }

  #sandboxWords(): Uint32Array {
    const bytes = this.#pe.engine.ram.view(BigInt(L.SANDBOX), L.SANDBOX_BYTES);
    if (bytes === undefined) throw new TypeError('no RAM for the sandbox');
    return new Uint32Array(bytes.buffer, bytes.byteOffset, L.SANDBOX_BYTES / 4);
  }

  /** The sandbox as the last case left it. */
  sandbox(): Uint8Array {
    const words = this.#sandboxWords();
    return new Uint8Array(words.buffer, words.byteOffset, L.SANDBOX_BYTES).slice();
  }
}
