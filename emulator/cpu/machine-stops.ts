/**
 * Breakpoints and watchpoints of the debugger, by virtual address. The guest cannot see them and
 * they use no debug register.
 */

export type WatchedDirection = 'read' | 'write' | 'readWrite';

export interface MachineWatchpoint {
  readonly address: bigint;
  /** In bytes. */
  readonly length: number;
  readonly access: WatchedDirection;
}

export interface IdentifiedWatchpoint extends MachineWatchpoint {
  readonly id: number;
}

export class MachineBreakpoints {
  readonly #counts = new Map<bigint, number>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** An address may be added more than once; it stays until it was removed as often. */
  add(va: bigint): void {
    this.#counts.set(va, (this.#counts.get(va) ?? 0) + 1);
    this.#changed();
  }
  remove(va: bigint): void {
    const count = this.#counts.get(va) ?? 0;
    if (count > 1) this.#counts.set(va, count - 1);
    else this.#counts.delete(va);
    this.#changed();
  }
  has(va: bigint): boolean {
    return this.#counts.has(va);
  }
  get addresses(): Iterable<bigint> {
    return this.#counts.keys();
  }
}

export class MachineWatchpoints {
  readonly #watchpoints = new Map<number, IdentifiedWatchpoint>();
  readonly #changed: () => void;
  #nextId = 1;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Returns the id that events carry and `remove` takes. */
  add(watchpoint: MachineWatchpoint): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#watchpoints.set(id, { ...watchpoint, id });
    this.#changed();
    return id;
  }
  remove(id: number): void {
    this.#watchpoints.delete(id);
    this.#changed();
  }
  get isEmpty(): boolean {
    return this.#watchpoints.size === 0;
  }
  get all(): Iterable<IdentifiedWatchpoint> {
    return this.#watchpoints.values();
  }

  /** The first watchpoint that the access touches. */
  hit(address: bigint, size: number, isWrite: boolean): IdentifiedWatchpoint | undefined {
    for (const watchpoint of this.#watchpoints.values()) {
      if (watchpoint.access === (isWrite ? 'read' : 'write')) continue;
      const end = watchpoint.address + BigInt(watchpoint.length);
      if (address < end && watchpoint.address < address + BigInt(size)) return watchpoint;
    }
    return undefined;
  }
}
