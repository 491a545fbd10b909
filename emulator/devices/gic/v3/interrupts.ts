/* Typed arrays indexed by SPI, which stays inside them. */
/* eslint-disable @typescript-eslint/no-non-null-assertion */
/** SGIs, PPIs and SPIs of a GICv3 with affinity routing. LPIs are apart: `lpis.ts`. */
import type { InterruptDescription } from '../interrupt-controller.ts';
import { FIRST_SPI, InterruptStates } from '../interrupt-states.ts';
import type { SavedStates } from '../interrupt-states.ts';
import { PRIORITY_MASK } from '../priorities.ts';

/** As many as QEMU's `virt` board has with this GIC: 32 banked and 224 shared. */
export const INTERRUPTS = 256;
/** GICD_IROUTER<n>.Interrupt_Routing_Mode: to any one participating processor. */
export const IROUTER_IRM = 2 ** 31;
const AFF3 = 0xff;
const LOW_WRITABLE = 0x80ff_ffff;

interface SavedInterrupts extends SavedStates {
  readonly routes: readonly (readonly [number, number])[];
}

export interface GicV3InterruptsOptions {
  readonly cpus: number;
  /** The processor that a 1 of N interrupt is offered to now; -1 for none. */
  readonly oneOfN: (INTID: number) => number;
}

/** Affinities of the processors: Aff0 is the index, the others are 0. */
export const affinityOf = (cpu: number): number => cpu;

export class GicV3Interrupts extends InterruptStates {
  /** GICD_IROUTER<n>, bits 31:0 and 39:32. */
  readonly #low = new Uint32Array(INTERRUPTS - FIRST_SPI);
  readonly #high = new Uint32Array(INTERRUPTS - FIRST_SPI);
  readonly #oneOfN: (INTID: number) => number;

  constructor({ cpus, oneOfN }: GicV3InterruptsOptions) {
    super({ cpus, INTIDs: INTERRUPTS, priorityMask: PRIORITY_MASK });
    this.#oneOfN = oneOfN;
    this.reset();
  }

  override reset(): void {
    super.reset();
    this.#low.fill(0);
    this.#high.fill(0);
  }

  /** GICD_IROUTER<INTID>, the word at bits 31:0 or 63:32; zero where there is none. */
  route(INTID: number, upper: boolean): number {
    if (INTID < FIRST_SPI || INTID >= INTERRUPTS) return 0;
    return (upper ? this.#high : this.#low)[INTID - FIRST_SPI]!;
  }
  setRoute(INTID: number, upper: boolean, word: number): void {
    if (INTID < FIRST_SPI || INTID >= INTERRUPTS) return;
    if (upper) this.#high[INTID - FIRST_SPI] = word & AFF3;
    else this.#low[INTID - FIRST_SPI] = word & LOW_WRITABLE;
  }

  isTarget(cpu: number, INTID: number): boolean {
    if (INTID < FIRST_SPI) return true;
    const low = this.route(INTID, false);
    if ((low & IROUTER_IRM) !== 0) return this.#oneOfN(INTID) === cpu;
    return this.route(INTID, true) === 0 && low === affinityOf(cpu);
  }

  describe(): InterruptDescription[] {
    return this.describeWhere((cpu, INTID) => this.has('enabled', cpu, INTID));
  }

  saveState(): SavedInterrupts {
    const routes = Array.from(this.#low, (low, n) => [low, this.#high[n]!] as const);
    return { ...this.saveStates(), routes };
  }
  restoreState(state: unknown): void {
    const saved = state as SavedInterrupts;
    this.restoreStates(saved);
    saved.routes.forEach(([low, high], n) => {
      this.#low[n] = low;
      this.#high[n] = high;
    });
  }
}
