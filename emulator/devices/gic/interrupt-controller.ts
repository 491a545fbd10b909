/** What a GIC of either version is to the board. */
import type { IrqLine } from '../device.ts';
import type { InterruptStates } from './interrupt-states.ts';
import { FIRST_SPI } from './interrupt-states.ts';

/** The interrupt inputs of one processor. */
export interface InterruptOutputs {
  readonly irq: IrqLine;
  readonly fiq: IrqLine;
  /** For a guest of EL2 software. */
  readonly virq: IrqLine;
  readonly vfiq: IrqLine;
}

export interface InterruptController {
  /** The input of shared peripheral interrupt `SPI`, INTID 32 + `SPI`. */
  spi(SPI: number): IrqLine;
  /** The input of a processor's private peripheral interrupt `PPI`, INTID 16 + `PPI`. */
  ppi(cpu: number, PPI: number): IrqLine;
  /** Whether an assertion of shared peripheral interrupt `SPI` reaches a processor now. */
  wouldSignal(SPI: number): boolean;
}

const FIRST_PPI = 16;
const PPIS = 16;

/** The inputs of a GIC. `changed` is told when one of them has changed a state. */
export class InterruptInputs {
  readonly #interrupts: InterruptStates;
  readonly #changed: () => void;

  constructor(interrupts: InterruptStates, changed: () => void) {
    this.#interrupts = interrupts;
    this.#changed = changed;
  }

  spi(SPI: number): IrqLine {
    return this.#input(0, FIRST_SPI + SPI, this.#interrupts.INTIDs - FIRST_SPI, SPI);
  }
  ppi(cpu: number, PPI: number): IrqLine {
    return this.#input(cpu, FIRST_PPI + PPI, PPIS, PPI);
  }

  #input(cpu: number, INTID: number, count: number, n: number): IrqLine {
    if (!Number.isInteger(n) || n < 0 || n >= count) {
      throw new RangeError(`There is no interrupt input ${n} of ${count}`);
    }
    return {
      set: (asserted) => {
        if (this.#interrupts.setLevel(cpu, INTID, asserted)) this.#changed();
      },
    };
  }
}
