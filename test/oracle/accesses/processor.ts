/** Runs access cases on a processing element of ours. */
import { ProcessingElement } from '../../../emulator/cpu/pe.ts';
import type { CpuModel } from '../../../emulator/sysregs/cpu-model.ts';
import { v8_0 } from '../../../emulator/sysregs/processor-model.ts';
import * as shared from '../layout.ts';
import * as L from './layout.ts';

/** Exceptions count too, so this is more than any case takes. */
const BUDGET = 10;
const BRK_0 = 0xd420_0000;
/** PSTATE at EL2 with SP_EL2, DAIF masked: where the harness is. */
const EL2h = 0x3c9n;
const ALL_COUNTERS = 0xffff_ffffn;

export class AccessProcessor {
  readonly #pe: ProcessingElement;

  constructor(model: CpuModel) {
    this.#pe = new ProcessingElement({
      profile: { ...v8_0, model },
      memory: [
        { base: BigInt(shared.CODE), size: shared.CODE_BYTES },
        { base: BigInt(L.DATA), size: 0x1000 },
      ],
      bus: { read: () => undefined, write: () => false, peek: () => undefined },
      startEL: 2,
      semihosting: false,
      // QEMU zeroes a block of Device memory.
      unalignedDeviceAccess: 'allow',
    });
    this.#pe.exceptionHook = () => true;
  }

  /** The output records of `count` input records. */
  run(inputs: BigUint64Array, count: number): BigUint64Array {
    const code = new Uint32Array(2 * count);
    for (let n = 0; n < count; n += 1) {
      code[2 * n] = Number(inputs[(n * L.INPUT_BYTES + L.WORD) / 8] ?? 0n);
      code[2 * n + 1] = BRK_0;
    }
    this.#pe.reset();
    const bytes = new Uint8Array(code.buffer);
    if (!this.#pe.engine.writePhysical(BigInt(shared.CODE), bytes)) throw new TypeError('no RAM');
    const outputs = new BigUint64Array((count * L.OUTPUT_BYTES) / 8);
    for (let n = 0; n < count; n += 1) {
      this.#runCase(
        inputs.subarray((n * L.INPUT_BYTES) / 8, ((n + 1) * L.INPUT_BYTES) / 8),
        outputs.subarray((n * L.OUTPUT_BYTES) / 8, ((n + 1) * L.OUTPUT_BYTES) / 8),
      );
    }
    return outputs;
  }

  #runCase(input: BigUint64Array, output: BigUint64Array): void {
    const { state, registers } = this.#pe;
    const pe = this.#pe;
    const given = (offset: number): bigint => input[offset / 8] ?? 0n;
    for (const name of L.ZEROED) if (registers.has(name)) registers.write(name, 0n);
    for (const name of ['PMCNTENCLR_EL0', 'PMINTENCLR_EL1', 'PMOVSCLR_EL0']) {
      registers.write(name, ALL_COUNTERS);
    }
    registers.write('VBAR_EL1', BigInt(L.EL1_VECTORS));
    registers.write('VBAR_EL2', BigInt(L.EL2_VECTORS));
    L.CONTROLS.forEach((name, n) => {
      registers.write(name, given(L.FIRST_CONTROL + 8 * n));
    });
    registers.write('ELR_EL2', given(L.PC));
    registers.write('SPSR_EL2', given(L.SPSR));
    state.setX(0, given(L.X0));
    pe.exceptionReturn();
    let event = pe.run(BUDGET);
    while (event.kind === 'unimplemented' && event.resumable) event = pe.run(BUDGET);
    if (event.kind !== 'exceptionTaken') {
      throw new Error(`an access case ended as ${event.kind} at 0x${state.PC.toString(16)}`);
    }
    const { targetEL, vector } = event.exception;
    output[0] = state.X(0);
    const base = targetEL === 1 ? L.EL1_VECTORS : L.EL2_VECTORS;
    output[L.VECTOR / 8] = (targetEL === 1 ? 0n : 16n) + ((vector - BigInt(base)) >> 7n);
    L.REGISTERS.forEach((name, n) => {
      const hidden = targetEL === 1 && /^(ESR|ELR|SPSR)_EL2$/.test(name);
      output[L.FIRST_REGISTER / 8 + n] = hidden || !registers.has(name) ? 0n : registers.read(name);
    });
    pe.pokeRegister('PSTATE', EL2h);
  }
}
