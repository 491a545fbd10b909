/** What comes into the machine from outside, and when: with the image, everything that a run depends on. */

/** @see Machine.replay */
export type RecordedInput =
  | {
      readonly kind: 'console';
      /** Instructions retired since reset. */
      readonly retired: bigint;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'powerKey'; readonly retired: bigint };

/** The inputs since reset, in order. */
export class InputRecord {
  #inputs: RecordedInput[] = [];

  get all(): readonly RecordedInput[] {
    return this.#inputs;
  }

  add(input: RecordedInput): void {
    this.#inputs.push(input);
  }

  reset(): void {
    this.#inputs = [];
  }

  /** The record of another machine whose guest goes on here. */
  restore(inputs: readonly RecordedInput[]): void {
    this.#inputs = [...inputs];
  }

  /** The run goes back to an earlier moment: what came after it has not come. */
  truncate(retired: bigint): void {
    this.#inputs = this.#inputs.filter((input) => input.retired <= retired);
  }
}
