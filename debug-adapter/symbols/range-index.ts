/**
 * Finds which of many half-open address ranges holds an address. Where ranges overlap, the one that
 * starts last wins, which is the innermost when they nest.
 */
export class RangeIndex<T> {
  #entries: { low: bigint; high: bigint; value: T }[] = [];
  #lows = new BigUint64Array(0);
  #highs = new BigUint64Array(0);
  /** Highest end of all ranges up to each one: tells a backward search where to stop. */
  #reach = new BigUint64Array(0);
  #sorted = true;

  get size(): number {
    return this.#entries.length;
  }

  /** Empty ranges are ignored. */
  add(low: bigint, high: bigint, value: T): void {
    if (high <= low) return;
    this.#entries.push({ low, high, value });
    this.#sorted = false;
  }

  /** The range that holds `address`, or undefined. */
  find(
    address: bigint,
  ): { readonly low: bigint; readonly high: bigint; readonly value: T } | undefined {
    if (!this.#sorted) this.#sort();
    for (let i = this.#lastAtOrBelow(address); i >= 0; i--) {
      if ((this.#reach[i] ?? 0n) <= address) return undefined;
      if ((this.#highs[i] ?? 0n) > address) return this.#entries[i];
    }
    return undefined;
  }

  /** All ranges that share an address with [low, high), in ascending order. */
  *overlapping(low: bigint, high: bigint): Generator<T> {
    if (!this.#sorted) this.#sort();
    let first = this.#lastAtOrBelow(low);
    if (first < 0) first = 0;
    while (first > 0 && (this.#reach[first - 1] ?? 0n) > low) first--;
    for (let i = first; i < this.#entries.length; i++) {
      if ((this.#lows[i] ?? 0n) >= high) return;
      const entry = this.#entries[i];
      if (entry !== undefined && entry.high > low) yield entry.value;
    }
  }

  #lastAtOrBelow(address: bigint): number {
    let low = 0;
    let high = this.#lows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#lows[middle] ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #sort(): void {
    this.#entries.sort((a, b) =>
      a.low < b.low ? -1 : a.low > b.low ? 1 : compareDown(a.high, b.high),
    );
    const count = this.#entries.length;
    this.#lows = new BigUint64Array(count);
    this.#highs = new BigUint64Array(count);
    this.#reach = new BigUint64Array(count);
    let reach = 0n;
    for (const [i, { low, high }] of this.#entries.entries()) {
      this.#lows[i] = low;
      this.#highs[i] = high;
      if (high > reach) reach = high;
      this.#reach[i] = reach;
    }
    this.#sorted = true;
  }
}

function compareDown(a: bigint, b: bigint): number {
  return a > b ? -1 : a < b ? 1 : 0;
}
