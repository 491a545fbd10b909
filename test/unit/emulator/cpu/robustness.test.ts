/**
 * A guest of nothing but random words, in a processor whose system registers hold random values, ends no
 * run by an error. `FUZZ_INSTRUCTIONS=10000000` in the environment makes it a long one.
 */
import { ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import { requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { implementedRegisters } from '../../../../emulator/sysregs/definitions.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { seededRandom } from '../../../support/random.ts';

const INSTRUCTIONS = BigInt(process.env['FUZZ_INSTRUCTIONS'] ?? 50_000);
const seed = Math.floor(Math.random() * 2 ** 32);

const RAM = 0x4000_0000n;
const RAM_BYTES = 0x2_0000;
const DEVICES_END = 0x1000_0000n;
const BUDGET = 2000;
/** Runs with other words, and with another processor. */
const RUNS_OF_A_PROGRAM = 20;
const RUNS_OF_A_PROCESSOR = 200;

describe(`A processor that executes random words (seed ${seed})`, () => {
  it('goes on, whatever is in its system registers', function () {
    this.timeout(Number(INSTRUCTIONS / 5n) + 60_000);
    const random = seededRandom(seed);
    const word = (): number => Math.floor(random() * 2 ** 32);
    const wide = (): bigint => (BigInt(word()) << 32n) | BigInt(word());
    const below = (limit: number): number => Math.floor(random() * limit);
    const profile = { ...v8_0, model: requireCpuModel('max-supported') };
    const names = implementedRegisters(profile).all.map(({ reg }) => reg.name);
    const isDevice = (PA: bigint): boolean => PA < DEVICES_END;

    let retired = 0n;
    while (retired < INSTRUCTIONS) {
      const pe = new ProcessingElement({
        profile,
        memory: [{ base: RAM, size: RAM_BYTES }],
        bus: {
          read: (PA) => (isDevice(PA) ? BigInt(word()) : undefined),
          write: isDevice,
          peek: () => 0n,
        },
        startEL: below(2) === 0 ? 1 : 2,
        semihosting: below(2) === 0,
      });
      for (let run = 0; run < RUNS_OF_A_PROCESSOR && retired < INSTRUCTIONS; run += 1) {
        if (run % RUNS_OF_A_PROGRAM === 0) {
          const words = Uint32Array.from({ length: RAM_BYTES / 4 }, word);
          pe.engine.writePhysical(RAM, new Uint8Array(words.buffer));
        }
        const name = names[below(names.length)] ?? '';
        pe.registers.write(name, below(2) === 0 ? wide() : 1n << BigInt(below(64)));
        if (below(8) === 0) pe.registers.write('VBAR_EL1', RAM + BigInt(below(RAM_BYTES)));
        if (below(8) === 0) pe.registers.write('VBAR_EL2', RAM + BigInt(below(RAM_BYTES)));
        for (let n = 0; n < 31; n += 1) {
          pe.state.setX(n, below(2) === 0 ? RAM + BigInt(below(RAM_BYTES)) : wide());
        }
        if (below(3) === 0) pe.state.PC = RAM + BigInt(below(RAM_BYTES / 4) * 4);

        const before = pe.state.retired;
        const event = pe.run(BUDGET);
        retired += pe.state.retired - before;
        if (event.kind === 'halt') pe.completeInstruction();
        else if (event.kind === 'el2') pe.exceptionReturn();
        // A run that ends at once each time would be endless.
        retired += 1n;
      }
    }
  });
});
