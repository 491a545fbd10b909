/**
 * How often each MRS and MSR of the guest reached a register that MDCR_EL2 can take from it, and how often the
 * hypervisor took the access: counted by the address of the instruction.
 */
import type { Direction } from '../sysregs/sysreg.ts';

export interface AccessCount {
  /** VA of the instruction. */
  readonly pc: bigint;
  readonly register: string;
  readonly direction: Direction;
  /** Accesses that trapped to EL2. */
  readonly trapped: number;
  /** Accesses that the processor made itself. */
  readonly straight: number;
}

type Counter = { -readonly [Field in keyof AccessCount]: AccessCount[Field] };

/** A guest that writes its code as it runs could have any number of places. */
const MOST_PLACES = 16_384;

function keyOf({
  pc,
  register,
  direction,
}: Pick<AccessCount, 'pc' | 'register' | 'direction'>): string {
  return `${pc.toString(36)} ${direction} ${register}`;
}

export class AccessCounts {
  /** By address; one address can hold different instructions in the course of a run. */
  readonly #places = new Map<string, Counter>();
  #uncounted = 0;

  count(pc: bigint, register: string, direction: Direction, how: 'trapped' | 'straight'): void {
    const key = keyOf({ pc, register, direction });
    let counter = this.#places.get(key);
    if (counter === undefined) {
      if (this.#places.size === MOST_PLACES) {
        this.#uncounted += 1;
        return;
      }
      counter = { pc, register, direction, trapped: 0, straight: 0 };
      this.#places.set(key, counter);
    }
    counter[how] += 1;
  }

  /** In the order in which the places were first reached. */
  get all(): readonly AccessCount[] {
    return [...this.#places.values()].map((counter) => ({ ...counter }));
  }

  /** Accesses at places beyond those that are counted. */
  get uncounted(): number {
    return this.#uncounted;
  }

  reset(): void {
    this.#places.clear();
    this.#uncounted = 0;
  }

  restore(all: readonly AccessCount[], uncounted: number): void {
    this.reset();
    this.#uncounted = uncounted;
    for (const place of all) this.#places.set(keyOf(place), { ...place });
  }
}
