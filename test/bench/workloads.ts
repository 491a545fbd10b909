/** Millions of guest instructions a second, ours and QEMU's, on programs that both end with the same result. */
import { loadGuest } from './elf-guest.ts';
import { createMachine, runToExit } from './our-machine.ts';
import { runOnQemu } from './qemu.ts';
import type { Result } from './report.ts';

/** Iterations that take QEMU several times its start-up. */
const WORKLOADS = [
  { name: 'integer-mix', iterations: 10_000, atLeast: 0.2 },
  { name: 'memory', iterations: 4_000, atLeast: undefined },
  { name: 'calls', iterations: 16_000, atLeast: undefined },
  { name: 'double-fp', iterations: 400_000, atLeast: undefined },
] as const;
const RUNS = 3;

export function best(runs: number, measure: () => number): number {
  return Math.min(...Array.from({ length: runs }, measure));
}

/** @throws Error when the guest computes something else on QEMU than on our machine */
export function measureWorkloads(withQemu: boolean): Result[] {
  return WORKLOADS.map(({ name, iterations, atLeast }) => {
    const guest = loadGuest(name, iterations);
    const { output, instructions } = runToExit(createMachine(guest)); // warms up
    const ours = best(RUNS, () => runToExit(createMachine(guest)).milliseconds);
    const result: Result = {
      name,
      unit: 'MIPS',
      ours: instructions / ours / 1000,
      ...(atLeast !== undefined && { target: { kind: 'ratio', atLeast } }),
    };
    if (!withQemu) return result;
    const startUp = best(RUNS, () => runOnQemu(loadGuest(name, 1)).milliseconds);
    const whole = best(RUNS, () => {
      const run = runOnQemu(guest);
      if (run.output !== output) {
        throw new Error(`${name} prints ${run.output} on QEMU and ${output} on our machine`);
      }
      return run.milliseconds;
    });
    return { ...result, theirs: instructions / (whole - startUp) / 1000 };
  });
}
