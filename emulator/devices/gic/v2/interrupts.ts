/* Typed arrays indexed by processor, SGI and SPI, which stay inside them. */
/* eslint-disable @typescript-eslint/no-non-null-assertion */
/** The interrupts of a GICv2: SPIs go to the processors in a mask, an SGI knows who sent it. */
import type { InterruptDescription } from '../interrupt-controller.ts';
import { FIRST_SPI, InterruptStates, MOST_PROCESSORS, SGIS } from '../interrupt-states.ts';
import type { SavedStates } from '../interrupt-states.ts';

/** As many as QEMU's `virt` board has: 32 banked and 256 shared. */
export const INTERRUPTS = 288;
/** As in a GIC-400, SGIs are always enabled. */
export const SGI_BITS = 0xffff;

interface SavedInterrupts extends SavedStates {
  readonly targets: readonly number[];
  readonly sources: readonly number[];
}

export class GicV2Interrupts extends InterruptStates {
  readonly #targets = new Uint8Array(INTERRUPTS - FIRST_SPI);
  /** For each processor and SGI, the processors that have sent it. */
  readonly #sources = new Uint8Array(MOST_PROCESSORS * SGIS);

  constructor(cpus: number) {
    super({ cpus, INTIDs: INTERRUPTS, priorityMask: 0xff });
    this.reset();
  }

  override reset(): void {
    super.reset();
    for (let cpu = 0; cpu < MOST_PROCESSORS; cpu += 1) this.setWord('enabled', cpu, 0, SGI_BITS);
    this.#targets.fill(0);
    this.#sources.fill(0);
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

  /** Those that are enabled, SGIs apart, and all that are pending or active. */
  describe(): InterruptDescription[] {
    return this.describeWhere((cpu, INTID) => INTID >= SGIS && this.has('enabled', cpu, INTID));
  }

  saveState(): SavedInterrupts {
    return {
      ...this.saveStates(),
      targets: [...this.#targets],
      sources: [...this.#sources],
    };
  }
  restoreState(state: unknown): void {
    const saved = state as SavedInterrupts;
    this.restoreStates(saved);
    this.#targets.set(saved.targets);
    this.#sources.set(saved.sources);
  }
}
