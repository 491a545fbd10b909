/**
 * How long the host waits while the guest does, so that a guest's second of waiting is a second of the user's. A guest
 * that executes is never held up; what it is late by is not made up for by later waits, but for the little that timers
 * of the host come late.
 */

/** Milliseconds by which virtual time may lag behind before the rest is forgotten. */
const MOST_LAG = 250;
const NANOSECONDS = 1e6;

export class Pacing {
  /** Two moments that are the same, by the wall clock (milliseconds) and in the guest (virtual nanoseconds). */
  #wall = 0;
  #virtual = 0n;

  /** The guest begins to run. */
  begin(wall: number, virtual: bigint): void {
    this.#wall = wall;
    this.#virtual = virtual;
  }

  /** What the guest's clock should say, in nanoseconds. */
  virtualAt(wall: number): bigint {
    return this.#virtual + BigInt(Math.floor((wall - this.#wall) * NANOSECONDS));
  }

  /** Milliseconds from now, when the guest's clock says `virtual`, to the guest's event at `until`. */
  delay(now: number, virtual: bigint, until: bigint): number {
    const lag = Number(this.virtualAt(now) - virtual) / NANOSECONDS;
    if (lag > MOST_LAG) this.begin(now - MOST_LAG, virtual);
    return Math.max(0, this.#wall - now + Number(until - this.#virtual) / NANOSECONDS);
  }
}
