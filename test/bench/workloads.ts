/** Millions of guest instructions a second, ours and QEMU's, on programs that both end with the same result. */
import { loadGuest } from './elf-guest.ts';
import type { Variables } from './elf-guest.ts';
import { createMachine, runToExit } from './our-machine.ts';
import { runOnQemu } from './qemu.ts';
import type { Result } from './report.ts';

/** Iterations that take QEMU several times its start-up. */
const WORKLOADS = [
  { name: 'integer-mix', iterations: 10_000, mmu: 0, atLeast: 0.2 },
  { name: 'integer-mix', iterations: 10_000, mmu: 1, atLeast: 0.18 },
  { name: 'memory', iterations: 4_000, mmu: 0, atLeast: undefined },
  { name: 'memory', iterations: 4_000, mmu: 1, atLeast: undefined },
  { name: 'calls', iterations: 16_000, mmu: 1, atLeast: undefined },
  { name: 'double-fp', iterations: 400_000, mmu: 1, atLeast: undefined },
] as const;
const RUNS = 3;

export interface Measured {
  readonly instructions: number;
  /** Of the guest's own work, start-up excluded. */
  readonly ours: number;
  readonly theirs: number | undefined;
}

/**
 * Milliseconds of a guest here and on QEMU, the best of several runs, which alternate so that both meet
 * the same load of the host.
 * @throws Error when the guest computes something else on QEMU than on our machine
 */
export function measureGuest(name: string, variables: Variables, withQemu: boolean): Measured {
  const guest = loadGuest(name, variables);
  const { output, instructions } = runToExit(createMachine(guest)); // warms up
  const ours: number[] = [];
  const whole: number[] = [];
  const startUp: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    ours.push(runToExit(createMachine(guest)).milliseconds);
    if (!withQemu) continue;
    startUp.push(runOnQemu(loadGuest(name, { ...variables, iterations: 1 })).milliseconds);
    const theirs = runOnQemu(guest);
    if (theirs.output !== output) {
      throw new Error(`${name} prints ${theirs.output} on QEMU and ${output} on our machine`);
    }
    whole.push(theirs.milliseconds);
  }
  return {
    instructions,
    ours: Math.min(...ours),
    theirs: withQemu ? Math.min(...whole) - Math.min(...startUp) : undefined,
  };
}

export function measureWorkloads(withQemu: boolean): Result[] {
  return WORKLOADS.map(({ name, iterations, mmu, atLeast }) => {
    const { instructions, ours, theirs } = measureGuest(name, { iterations, mmu }, withQemu);
    return {
      name: `${name}, MMU ${mmu === 1 ? 'on' : 'off'}`,
      unit: 'MIPS',
      ours: instructions / ours / 1000,
      theirs: theirs === undefined ? undefined : instructions / theirs / 1000,
      target: atLeast === undefined ? undefined : { kind: 'ratio', atLeast },
    };
  });
}
