/** The debugger's breakpoints and watchpoints of a machine, with the callbacks that decide whether they stop it. */
import type { ProcessingElement } from '../cpu/pe.ts';

export interface WatchHit {
  readonly old: Uint8Array;
  readonly new: Uint8Array;
  readonly isWrite: boolean;
}

export interface WatchRange {
  readonly address: bigint;
  /** In bytes. */
  readonly length: number;
  readonly access: 'read' | 'write' | 'readWrite';
}

interface Watchpoint extends WatchRange {
  readonly id: number;
  /** Of each processor. */
  readonly peIds: readonly number[];
  readonly onHit: ((hit: WatchHit) => boolean) | undefined;
}

/** The bytes of a watchpoint before the access. */
export interface WatchedBytes {
  readonly watchpoint: Watchpoint;
  readonly old: Uint8Array;
}

export class DebugPoints {
  readonly #pes: readonly ProcessingElement[];
  /** The processor that makes an access. */
  readonly #accessing: () => ProcessingElement;
  readonly #breakpoints = new Map<bigint, Map<number, (() => boolean) | undefined>>();
  readonly #addressOf = new Map<number, bigint>();
  readonly #watchpoints = new Map<number, Watchpoint>();
  #nextId = 1;

  constructor(pes: readonly ProcessingElement[], accessing: () => ProcessingElement) {
    this.#pes = pes;
    this.#accessing = accessing;
  }

  addBreakpoint(va: bigint, onHit?: () => boolean): number {
    const id = this.#nextId++;
    let here = this.#breakpoints.get(va);
    if (!here) this.#breakpoints.set(va, (here = new Map<number, (() => boolean) | undefined>()));
    here.set(id, onHit);
    this.#addressOf.set(id, va);
    for (const pe of this.#pes) pe.machineBreakpoints.add(va);
    return id;
  }

  removeBreakpoint(id: number): void {
    const va = this.#addressOf.get(id);
    if (va === undefined) return;
    this.#addressOf.delete(id);
    for (const pe of this.#pes) pe.machineBreakpoints.remove(va);
    const here = this.#breakpoints.get(va);
    here?.delete(id);
    if (here?.size === 0) this.#breakpoints.delete(va);
  }

  /** Asks every breakpoint at `pc`; the ids of those that say stop. */
  breakpointsThatStop(pc: bigint): number[] {
    const ids: number[] = [];
    for (const [id, onHit] of this.#breakpoints.get(pc) ?? []) if (onHit?.() ?? true) ids.push(id);
    return ids;
  }

  addWatchpoint(range: WatchRange, onHit?: (hit: WatchHit) => boolean): number {
    const id = this.#nextId++;
    const peIds = this.#pes.map((pe) => pe.machineWatchpoints.add(range));
    this.#watchpoints.set(id, { ...range, id, peIds, onHit });
    return id;
  }

  removeWatchpoint(id: number): void {
    const watchpoint = this.#watchpoints.get(id);
    if (!watchpoint) return;
    this.#watchpoints.delete(id);
    this.#pes.forEach((pe, cpu) => {
      pe.machineWatchpoints.remove(watchpoint.peIds[cpu] ?? 0);
    });
  }

  /** Every watchpoint that an access touches, with its bytes as they are now. */
  watchedBytes(address: bigint, size: number, isWrite: boolean): WatchedBytes[] {
    const touched: WatchedBytes[] = [];
    for (const watchpoint of this.#watchpoints.values()) {
      if (watchpoint.access === (isWrite ? 'read' : 'write')) continue;
      const end = watchpoint.address + BigInt(watchpoint.length);
      if (address >= end || watchpoint.address >= address + BigInt(size)) continue;
      touched.push({ watchpoint, old: this.#bytes(watchpoint) });
    }
    return touched;
  }

  /** After the access: asks each; the ids of those that say stop. */
  watchpointsThatStop(touched: readonly WatchedBytes[], isWrite: boolean): number[] {
    return touched
      .filter(({ watchpoint, old }) => {
        return watchpoint.onHit?.({ old, new: this.#bytes(watchpoint), isWrite }) ?? true;
      })
      .map(({ watchpoint }) => watchpoint.id);
  }

  #bytes({ address, length }: WatchRange): Uint8Array {
    return this.#accessing().peekVirtual(address, length).slice();
  }
}
