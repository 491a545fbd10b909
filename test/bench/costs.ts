/** Nanoseconds that a single event takes, ours and QEMU's, the loop around it taken off. */
import { measureGuest } from './workloads.ts';
import type { Result } from './report.ts';

/** Numbers are those of `guests/costs.c`. */
const LOOP = 0;
const EVENTS = [
  { kind: 1, name: 'TLB miss: a walk of 3 levels, and 1/256 TLBI VMALLE1', iterations: 300_000 },
  { kind: 7, name: 'TLBI VAE1 with its barriers', iterations: 100_000 },
  { kind: 2, name: 'SVC and ERET: exception entry and return', iterations: 300_000 },
  { kind: 3, name: 'MRS and MSR of TPIDR_EL1', iterations: 5_000_000 },
  { kind: 4, name: 'MSR DAIFSet and DAIFClr', iterations: 1_000_000 },
  { kind: 5, name: 'MRS of CNTVCT_EL0', iterations: 5_000_000 },
  { kind: 6, name: 'MRS and MSR of TTBR0_EL1, ISB', iterations: 200_000 },
] as const;

export function measureCosts(withQemu: boolean): Result[] {
  const loopIterations = 10_000_000;
  const loop = measureGuest('costs', { iterations: loopIterations, mmu: 1, kind: LOOP }, withQemu);
  const perEvent = (whole: number, loopMilliseconds: number, iterations: number): number =>
    Math.max(0, (whole / iterations - loopMilliseconds / loopIterations) * 1e6);
  return EVENTS.map(({ kind, name, iterations }) => {
    const event = measureGuest('costs', { iterations, mmu: 1, kind }, withQemu);
    const ours = perEvent(event.ours, loop.ours, iterations);
    const theirs =
      event.theirs === undefined || loop.theirs === undefined
        ? undefined
        : perEvent(event.theirs, loop.theirs, iterations);
    // A busy host can make the loop alone slower than the loop with the event in it.
    const isLost = ours === 0 || theirs === 0;
    return { name, unit: 'ns', ours, theirs, note: isLost ? 'lost in the noise of the host' : '' };
  });
}
