/* Typed arrays indexed through `wordIndex` and `byteIndex`, which stay inside them. */
/* eslint-disable @typescript-eslint/no-non-null-assertion */
/**
 * The state of every interrupt of a GICv2, shared by the distributor and the CPU interfaces. Arm GIC
 * architecture specification version 2.0 (IHI 0048), "Interrupt handling and prioritization".
 *
 * INTIDs 0 to 15 are software-generated (SGI), 16 to 31 private (PPI), both banked for each processor;
 * those from 32 are shared (SPI). States are kept as words of 32 interrupts.
 */

export const MOST_PROCESSORS = 8;
export const SGIS = 16;
export const FIRST_SPI = 32;
/** As many as QEMU's `virt` board has: 32 banked and 256 shared. */
export const INTERRUPTS = 288;
/** Words of 32 interrupts. */
export const WORDS = INTERRUPTS / 32;
export const SPURIOUS = 1023;

/** SGIs are edge-triggered and, as in a GIC-400, always enabled. */
const SGI_BITS = 0xffff;
const STORED_WORDS = MOST_PROCESSORS + WORDS - 1;
const PRIORITIES = MOST_PROCESSORS * 32 + INTERRUPTS - FIRST_SPI;

/** The banked word of a processor, or the shared word behind them. */
function wordIndex(cpu: number, word: number): number {
  return word === 0 ? cpu : MOST_PROCESSORS - 1 + word;
}
function byteIndex(cpu: number, INTID: number): number {
  return INTID < FIRST_SPI ? 32 * cpu + INTID : 32 * (MOST_PROCESSORS - 1) + INTID;
}

/** States that are one bit for each interrupt. */
export type BitState = 'enabled' | 'group1' | 'latch' | 'active' | 'level' | 'edge';

interface SavedStates {
  readonly bits: Readonly<Record<BitState, readonly number[]>>;
  readonly priority: readonly number[];
  readonly targets: readonly number[];
  readonly sources: readonly number[];
}

const words = (): Uint32Array => new Uint32Array(STORED_WORDS);

export class InterruptStates {
  readonly cpus: number;
  readonly #bits: Readonly<Record<BitState, Uint32Array>> = {
    enabled: words(),
    group1: words(),
    /** Pending by an edge, an SGI, or a write to GICD_ISPENDR. */
    latch: words(),
    active: words(),
    /** Of the input. */
    level: words(),
    edge: words(),
  };
  readonly #priority = new Uint8Array(PRIORITIES);
  readonly #targets = new Uint8Array(INTERRUPTS - FIRST_SPI);
  /** For each processor and SGI, the processors that have sent it. */
  readonly #sources = new Uint8Array(MOST_PROCESSORS * SGIS);

  constructor(cpus: number) {
    this.cpus = cpus;
    this.reset();
  }

  /** Inputs keep their level: devices drive them. */
  reset(): void {
    for (const state of ['group1', 'latch', 'active'] as const) this.#bits[state].fill(0);
    for (const state of ['enabled', 'edge'] as const) {
      this.#bits[state].fill(0);
      this.#bits[state].fill(SGI_BITS, 0, MOST_PROCESSORS);
    }
    this.#priority.fill(0);
    this.#targets.fill(0);
    this.#sources.fill(0);
  }

  /** 32 interrupts from INTID 32 * `word`, as `cpu` sees them; zero beyond the last. */
  word(state: BitState, cpu: number, word: number): number {
    return word < WORDS ? this.#bits[state][wordIndex(cpu, word)]! : 0;
  }
  setWord(state: BitState, cpu: number, word: number, value: number): void {
    if (word < WORDS) this.#bits[state][wordIndex(cpu, word)] = value;
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

  /** 0 is the highest; zero for interrupts that do not exist. */
  priority(cpu: number, INTID: number): number {
    return INTID < INTERRUPTS ? this.#priority[byteIndex(cpu, INTID)]! : 0;
  }
  setPriority(cpu: number, INTID: number, priority: number): void {
    if (INTID < INTERRUPTS) this.#priority[byteIndex(cpu, INTID)] = priority;
  }

  /** The processors that an interrupt goes to, as a mask; those of a banked one see themselves. */
  targets(cpu: number, INTID: number): number {
    if (INTID < FIRST_SPI) return 1 << cpu;
    return INTID < INTERRUPTS ? this.#targets[INTID - FIRST_SPI]! : 0;
  }
  setTargets(INTID: number, mask: number): void {
    if (INTID < FIRST_SPI || INTID >= INTERRUPTS) return;
    this.#targets[INTID - FIRST_SPI] = mask & ((1 << this.cpus) - 1);
  }

  /**
   * Whether the interrupt goes to `cpu`. A uniprocessor GIC sends every SPI to the one processor,
   * whatever GICD_ITARGETSR<n> holds.
   */
  isTarget(cpu: number, INTID: number): boolean {
    return this.cpus === 1 || ((this.targets(cpu, INTID) >>> cpu) & 1) === 1;
  }

  /** The processors whose SGI is pending at `cpu`, as a mask. */
  sources(cpu: number, SGI: number): number {
    return this.#sources[SGIS * cpu + SGI]!;
  }
  setSources(cpu: number, SGI: number, mask: number): void {
    this.#sources[SGIS * cpu + SGI] = mask;
    this.set('latch', cpu, SGI, mask !== 0);
  }

  /** An input. A rising edge makes an edge-triggered interrupt pending. */
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
    for (let word = 0; word < WORDS; word += 1) {
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

  saveState(): SavedStates {
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
      targets: [...this.#targets],
      sources: [...this.#sources],
    };
  }

  restoreState(state: unknown): void {
    const saved = state as SavedStates;
    for (const name of ['enabled', 'group1', 'latch', 'active', 'level', 'edge'] as const) {
      this.#bits[name].set(saved.bits[name]);
    }
    this.#priority.set(saved.priority);
    this.#targets.set(saved.targets);
    this.#sources.set(saved.sources);
  }
}
