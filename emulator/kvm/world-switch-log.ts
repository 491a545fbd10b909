/**
 * What the hypervisor did, in order: a bounded ring of events and counters that never forget.
 */
import { AccessCounts } from './access-counts.ts';
import type { AccessCount } from './access-counts.ts';

export type WorldSwitchEventKind =
  | 'trapDbg'
  | 'trap'
  | 'trapFp'
  | 'fpSave'
  | 'fpLoad'
  | 'drain'
  | 'speSave'
  | 'speLoad'
  | 'hostActivity'
  | 'undef'
  | 'enter'
  | 'exit'
  | 'load'
  | 'put'
  | 'bundleSave'
  | 'bundleLoad'
  | 'mdcrWrite'
  | 'mdscrWrite'
  | 'flagSet'
  | 'flagClear'
  /** An access to what belongs to user space. */
  | 'mmio'
  | 'inject'
  | 'debugExit'
  | 'contextSwitch'
  | 'warning'
  | 'policy'
  | 'guestDebug'
  | 'deviceAttribute'
  /** Breakpoints or watchpoints of the guest have other physical numbers than their own. */
  | 'remap'
  /** Breakpoints or watchpoints of the guest have no slot and are compared in software. */
  | 'evict';

/**
 * Which copy of the debug registers an event is about: guest, debugger ("external"), host, or the guest's and the
 * debugger's together ("shared").
 */
export type BundleCopy = 'G' | 'X' | 'H' | 'S';

export interface WorldSwitchEvent {
  /** Monotonic from 0 at reset. */
  readonly seq: number;
  readonly vcpu: number;
  readonly pcpu: number;
  readonly kind: WorldSwitchEventKind;
  readonly guestPC: bigint;
  /** PSTATE.EL of the guest. */
  readonly EL: number;
  readonly reg?: string;
  readonly direction?: 'read' | 'write';
  readonly old?: bigint;
  readonly new?: bigint;
  /** ESR_ELx.EC of an exit or of an injected exception. */
  readonly EC?: number;
  readonly copy?: BundleCopy;
  /** What is in the FP registers: (a) the host thread's state, (b) the vCPU's, (c) nobody's, (d) another thread's. */
  readonly fp?: 'a' | 'b' | 'c' | 'd';
  readonly policy: string;
  readonly ownerBefore: string;
  readonly ownerAfter: string;
  readonly dirtyBefore: boolean;
  readonly dirtyAfter: boolean;
  /** MDCR_EL2 as it was last written. */
  readonly TDA: boolean;
  readonly TDE: boolean;
  /** One line for people. */
  readonly text: string;
}

export interface SwitchCounters {
  entries: number;
  exits: number;
  loads: number;
  puts: number;
  hostTicks: number;
  contextSwitches: number;
  bundleSaves: Record<BundleCopy, number>;
  bundleLoads: Record<BundleCopy, number>;
  injections: number;
  debugExits: number;
  warnings: number;
}

function noCounts(): SwitchCounters {
  return {
    entries: 0,
    exits: 0,
    loads: 0,
    puts: 0,
    hostTicks: 0,
    contextSwitches: 0,
    bundleSaves: { G: 0, X: 0, H: 0, S: 0 },
    bundleLoads: { G: 0, X: 0, H: 0, S: 0 },
    injections: 0,
    debugExits: 0,
    warnings: 0,
  };
}

/** The log without its events: what a snapshot keeps. */
export interface WorldSwitchLogState {
  readonly nextSeq: number;
  readonly counters: SwitchCounters;
  readonly traps: readonly (readonly [string, number])[];
  readonly exits: readonly (readonly [number, number])[];
  readonly places: readonly AccessCount[];
  readonly uncountedAccesses: number;
}

export class WorldSwitchLog {
  readonly capacity: number;
  readonly accesses = new AccessCounts();
  #events: WorldSwitchEvent[] = [];
  #nextSeq = 0;
  #counters = noCounts();
  readonly #traps = new Map<string, number>();
  readonly #exits = new Map<number, number>();

  constructor(capacity = 16_384) {
    this.capacity = capacity;
  }

  get counters(): SwitchCounters {
    return this.#counters;
  }

  /** Guest accesses that trapped, by register. */
  get traps(): ReadonlyMap<string, number> {
    return this.#traps;
  }

  /** Exits by exception class. */
  get exitsByClass(): ReadonlyMap<number, number> {
    return this.#exits;
  }

  get totalTraps(): number {
    let total = 0;
    for (const count of this.#traps.values()) total += count;
    return total;
  }

  countTrap(register: string): void {
    this.#traps.set(register, (this.#traps.get(register) ?? 0) + 1);
  }

  countExit(EC: number): void {
    this.#exits.set(EC, (this.#exits.get(EC) ?? 0) + 1);
  }

  append(event: Omit<WorldSwitchEvent, 'seq'>): WorldSwitchEvent {
    const complete: WorldSwitchEvent = { seq: this.#nextSeq, ...event };
    this.record(complete);
    return complete;
  }

  /** As `append`, for an event that has `nextSeq` for its seq: events are frequent. */
  record(event: WorldSwitchEvent): void {
    this.#nextSeq += 1;
    this.#events.push(event);
    // Drop in large pieces: shifting an array at each event would cost more than the events.
    if (this.#events.length >= 2 * this.capacity) this.#events = this.#events.slice(-this.capacity);
  }

  /** Events in memory, those included that are about to be dropped: less than twice the capacity. */
  get eventsInMemory(): number {
    return this.#events.length;
  }

  /** seq of the oldest event still held; equal to `nextSeq` when there is none. */
  get firstSeq(): number {
    return this.#nextSeq - Math.min(this.#events.length, this.capacity);
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Events with seq >= since, oldest first, at most `limit`. */
  events(since: number, limit: number): readonly WorldSwitchEvent[] {
    const start = Math.max(since, this.firstSeq) - (this.#nextSeq - this.#events.length);
    return this.#events.slice(start, start + Math.max(0, limit));
  }

  reset(): void {
    this.#events = [];
    this.#nextSeq = 0;
    this.#counters = noCounts();
    this.#traps.clear();
    this.#exits.clear();
    this.accesses.reset();
  }

  saveState(): WorldSwitchLogState {
    const { bundleSaves, bundleLoads, ...counts } = this.#counters;
    return {
      nextSeq: this.#nextSeq,
      counters: { ...counts, bundleSaves: { ...bundleSaves }, bundleLoads: { ...bundleLoads } },
      traps: [...this.#traps],
      exits: [...this.#exits],
      places: this.accesses.all,
      uncountedAccesses: this.accesses.uncounted,
    };
  }

  /** Events of a future that is being undone go; earlier ones stay. */
  restoreState(state: WorldSwitchLogState): void {
    const kept = this.#events.filter(({ seq }) => seq < state.nextSeq);
    const last = kept.at(-1);
    // A log from elsewhere has no events that lead up to this state.
    this.#events = last !== undefined && last.seq === state.nextSeq - 1 ? kept : [];
    this.#nextSeq = state.nextSeq;
    const { bundleSaves, bundleLoads, ...counts } = state.counters;
    this.#counters = {
      ...counts,
      bundleSaves: { ...bundleSaves },
      bundleLoads: { ...bundleLoads },
    };
    this.#traps.clear();
    for (const [register, count] of state.traps) this.#traps.set(register, count);
    this.#exits.clear();
    for (const [EC, count] of state.exits) this.#exits.set(EC, count);
    this.accesses.restore(state.places, state.uncountedAccesses);
  }
}
