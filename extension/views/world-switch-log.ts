/** The events of the hypervisor that a view keeps: the newest ones, without gaps, as the adapter's log has them. */
import type { WorldSwitchResponse, WorldSwitchRow } from '../../debug-adapter/custom-requests.ts';

export type RegisterTotals = WorldSwitchResponse['totals'][number];

export class WorldSwitchLog {
  readonly #capacity: number;
  #events: WorldSwitchRow[] = [];
  #totals: readonly RegisterTotals[] = [];
  /** Events below this sequence number were cleared away by the user. */
  #clearedBelow = 0;
  #nextSeq = 0;
  #revision = 0;

  /** @param capacity events kept at most */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Oldest first; sequence numbers follow each other. */
  get events(): readonly WorldSwitchRow[] {
    return this.#events;
  }

  /** Over the whole run, whatever was cleared or dropped. */
  get totals(): readonly RegisterTotals[] {
    return this.#totals;
  }

  /** Events that happened since the last clearing and are older than what is kept. */
  get dropped(): number {
    return (this.#events[0]?.seq ?? this.#nextSeq) - this.#clearedBelow;
  }

  /** Another number after every change. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether the user has cleared events away and none came since. */
  get isCleared(): boolean {
    return this.#clearedBelow > 0 && this.#clearedBelow === this.#nextSeq;
  }

  /** The `since` of the next request, when the adapter's log goes up to `nextSeq`. */
  since(nextSeq: number): number {
    return Math.max(this.#nextSeq, nextSeq - this.#capacity);
  }

  /** Whether the adapter has events that are missing here. */
  isBehind(nextSeq: number): boolean {
    return nextSeq > this.#nextSeq;
  }

  append({ events, nextSeq, totals }: WorldSwitchResponse): void {
    this.#revision++;
    this.#totals = totals;
    const fresh = events.filter(({ seq }) => seq >= Math.max(this.#nextSeq, this.#clearedBelow));
    // Events between were skipped or had left the adapter's ring: what comes before them is no longer connected.
    if (fresh[0] !== undefined && fresh[0].seq !== this.#nextSeq) this.#events = [];
    this.#events.push(...fresh);
    this.#events.splice(0, this.#events.length - this.#capacity);
    this.#nextSeq = Math.max(this.#nextSeq, nextSeq);
  }

  /** Forgets what was shown; what comes next is shown. */
  clear(): void {
    this.#revision++;
    this.#events = [];
    this.#clearedBelow = this.#nextSeq;
  }

  /** The guest starts again, and its log with it. */
  restart(): void {
    this.#revision++;
    this.#events = [];
    this.#totals = [];
    this.#clearedBelow = 0;
    this.#nextSeq = 0;
  }
}
