/** How often labels are executed: breakpoints of the machine that count and never stop. */
import type { DebuggedMachine } from './machine.ts';

interface Counter {
  readonly id: number;
  count: number;
}

export class ExecutionCounts {
  readonly #machine: DebuggedMachine;
  readonly #counters = new Map<bigint, Counter>();

  constructor(machine: DebuggedMachine) {
    this.#machine = machine;
  }

  /** Counts from the first call for the address on. */
  countOf(address: bigint): number {
    let counter = this.#counters.get(address);
    if (counter === undefined) {
      const created: Counter = {
        id: this.#machine.addBreakpoint(address, () => {
          created.count += 1;
          return false;
        }),
        count: 0,
      };
      counter = created;
      this.#counters.set(address, counter);
    }
    return counter.count;
  }

  /** The guest starts again. */
  reset(): void {
    for (const counter of this.#counters.values()) counter.count = 0;
  }
}
