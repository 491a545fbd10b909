/* Typed arrays indexed through `wordIndex` and `byteIndex`, which stay inside them. */
/* eslint-disable @typescript-eslint/no-non-null-assertion */
/**
 * The state of every SGI, PPI and SPI, shared by the distributor and what is behind it. Arm GIC
 * architecture specifications (IHI 0048 and IHI 0069), "Interrupt handling and prioritization".
 *
 * INTIDs 0 to 15 are software-generated (SGI), 16 to 31 private (PPI), both banked for each processor;
 * those from 32 are shared (SPI). States are kept as words of 32 interrupts. Where an interrupt goes
 * differs between GICv2 and GICv3.
 */

import type { InterruptDescription } from './interrupt-controller.ts';

export const MOST_PROCESSORS = 8;
export const SGIS = 16;
export const FIRST_SPI = 32;
export const SPURIOUS = 1023;

/** SGIs are edge-triggered. */
const SGI_BITS = 0xffff;

/** The banked word of a processor, or the shared word behind them. */
function wordIndex(cpu: number, word: number): number {
  return word === 0 ? cpu : MOST_PROCESSORS - 1 + word;
}
function byteIndex(cpu: number, INTID: number): number {
  return INTID < FIRST_SPI ? 32 * cpu + INTID : 32 * (MOST_PROCESSORS - 1) + INTID;
}

const BIT_STATES = ['enabled', 'group1', 'latch', 'active', 'level', 'edge'] as const;
/** States that are one bit for each interrupt. */
export type BitState = (typeof BIT_STATES)[number];

export interface SavedStates {
  readonly bits: Readonly<Record<BitState, readonly number[]>>;
  readonly priority: readonly number[];
}

export interface InterruptStatesOptions {
  /** Number of processors, 1 to 8. */
  readonly cpus: number;
  /** Number of INTIDs, a multiple of 32. */
  readonly INTIDs: number;
  /** The bits of a priority that are implemented. */
  readonly priorityMask: number;
}

export abstract class InterruptStates {
  readonly cpus: number;
  readonly INTIDs: number;
  /** Words of 32 interrupts. */
  readonly words: number;
  readonly #priorityMask: number;
  readonly #bits: Readonly<Record<BitState, Uint32Array>>;
  readonly #priority: Uint8Array;

  constructor({ cpus, INTIDs, priorityMask }: InterruptStatesOptions) {
    this.cpus = cpus;
    this.INTIDs = INTIDs;
    this.words = INTIDs / 32;
    this.#priorityMask = priorityMask;
    const words = (): Uint32Array => new Uint32Array(MOST_PROCESSORS + this.words - 1);
    this.#bits = {
      enabled: words(),
      group1: words(),
      /** Pending by an edge, an SGI, or a write to ISPENDR. */
      latch: words(),
      active: words(),
      /** Of the input. */
      level: words(),
      edge: words(),
    };
    this.#priority = new Uint8Array(MOST_PROCESSORS * 32 + INTIDs - FIRST_SPI);
  }

  /** Whether the interrupt is offered to `cpu`. */
  abstract isTarget(cpu: number, INTID: number): boolean;

  /** Everything but the levels of the inputs, whose devices drive them. */
  reset(): void {
    for (const state of ['enabled', 'group1', 'latch', 'active'] as const) {
      this.#bits[state].fill(0);
    }
    this.#bits.edge.fill(0);
    this.#bits.edge.fill(SGI_BITS, 0, MOST_PROCESSORS);
    this.#priority.fill(0);
  }

  /** 32 interrupts from INTID 32 * `word`, as `cpu` sees them; zero beyond the last. */
  word(state: BitState, cpu: number, word: number): number {
    return word < this.words ? this.#bits[state][wordIndex(cpu, word)]! : 0;
  }
  setWord(state: BitState, cpu: number, word: number, value: number): void {
    if (word < this.words) this.#bits[state][wordIndex(cpu, word)] = value;
  }
  /** Changes one interrupt. */
  set(state: BitState, cpu: number, INTID: number, value: boolean): void {
    const index = wordIndex(cpu, INTID >>> 5);
    const bit = 1 << (INTID & 31);
    const { [state]: bits } = this.#bits;
    bits[index] = value ? bits[index]! | bit : bits[index]! & ~bit;
  }
  has(state: BitState, cpu: number, INTID: number): boolean {
    return ((this.word(state, cpu, INTID >>> 5) >>> (INTID & 31)) & 1) === 1;
  }

  /** Pending: latched, or level-sensitive with an asserted input. */
  pendingWord(cpu: number, word: number): number {
    const levelSensitive = this.word('level', cpu, word) & ~this.word('edge', cpu, word);
    return this.word('latch', cpu, word) | levelSensitive;
  }
  isPending(cpu: number, INTID: number): boolean {
    return ((this.pendingWord(cpu, INTID >>> 5) >>> (INTID & 31)) & 1) === 1;
  }

  /** 0 is the highest; zero for interrupts that do not exist. */
  priority(cpu: number, INTID: number): number {
    return INTID < this.INTIDs ? this.#priority[byteIndex(cpu, INTID)]! : 0;
  }
  setPriority(cpu: number, INTID: number, priority: number): void {
    if (INTID < this.INTIDs) this.#priority[byteIndex(cpu, INTID)] = priority & this.#priorityMask;
  }

  /** An input. A rising edge makes an edge-triggered interrupt pending. False when nothing changed. */
  setLevel(cpu: number, INTID: number, asserted: boolean): boolean {
    if (this.has('level', cpu, INTID) === asserted) return false;
    this.set('level', cpu, INTID, asserted);
    if (asserted && this.has('edge', cpu, INTID)) this.set('latch', cpu, INTID, true);
    return true;
  }

  /**
   * The pending interrupt of highest priority that the distributor forwards to `cpu`, or SPURIOUS; of
   * equal ones the lowest INTID. `groups` has bit n set while interrupts of group n are forwarded.
   */
  highestPending(cpu: number, groups: number): number {
    let best = SPURIOUS;
    let bestPriority = 0x100;
    for (let word = 0; word < this.words; word += 1) {
      const group1 = this.word('group1', cpu, word);
      const forwarded = ((groups & 1) !== 0 ? ~group1 : 0) | ((groups & 2) !== 0 ? group1 : 0);
      let candidates =
        this.pendingWord(cpu, word) &
        this.word('enabled', cpu, word) &
        ~this.word('active', cpu, word) &
        forwarded;
      while (candidates !== 0) {
        const bit = 31 - Math.clz32(candidates & -candidates);
        candidates &= candidates - 1;
        const INTID = 32 * word + bit;
        const priority = this.priority(cpu, INTID);
        if (priority < bestPriority && this.isTarget(cpu, INTID)) {
          best = INTID;
          bestPriority = priority;
        }
      }
    }
    return best;
  }

  /** Interrupts that are pending, active or `isShown`, for people. */
  protected describeWhere(
    isShown: (cpu: number, INTID: number) => boolean,
  ): InterruptDescription[] {
    const cpus = Array.from({ length: this.cpus }, (_, cpu) => cpu);
    const found: InterruptDescription[] = [];
    for (let INTID = 0; INTID < this.INTIDs; INTID += 1) {
      for (const cpu of INTID < FIRST_SPI ? cpus : [0]) {
        const pending = this.isPending(cpu, INTID);
        const active = this.has('active', cpu, INTID);
        if (!pending && !active && !isShown(cpu, INTID)) continue;
        found.push({
          INTID,
          cpu: INTID < FIRST_SPI ? cpu : undefined,
          pending,
          active,
          enabled: this.has('enabled', cpu, INTID),
          group: this.has('group1', cpu, INTID) ? 1 : 0,
          priority: this.priority(cpu, INTID),
          trigger: this.has('edge', cpu, INTID) ? 'edge' : 'level',
          targets: INTID < FIRST_SPI ? [cpu] : cpus.filter((each) => this.isTarget(each, INTID)),
        });
      }
    }
    return found;
  }

  protected saveStates(): SavedStates {
    const { enabled, group1, latch, active, level, edge } = this.#bits;
    return {
      bits: {
        enabled: [...enabled],
        group1: [...group1],
        latch: [...latch],
        active: [...active],
        level: [...level],
        edge: [...edge],
      },
      priority: [...this.#priority],
    };
  }
  protected restoreStates(saved: SavedStates): void {
    for (const name of BIT_STATES) this.#bits[name].set(saved.bits[name]);
    this.#priority.set(saved.priority);
  }
}
