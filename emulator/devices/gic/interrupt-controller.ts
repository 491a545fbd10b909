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

/** An interrupt as a person wants to see it. */
export interface InterruptDescription {
  readonly INTID: number;
  /** The processor whose own it is; undefined for an SPI. */
  readonly cpu: number | undefined;
  readonly pending: boolean;
  readonly active: boolean;
  readonly enabled: boolean;
  readonly group: 0 | 1;
  readonly priority: number;
  readonly trigger: 'edge' | 'level';
  /** The processors that it is offered to. */
  readonly targets: readonly number[];
}

/** The CPU interface of one processor. */
export interface CpuInterfaceDescription {
  readonly cpu: number;
  /** Only interrupts of a higher priority, which is a lower number, are signalled. */
  readonly priorityMask: number;
  /** 0xff while no interrupt is active. */
  readonly runningPriority: number;
  /** What is signalled to the processor. */
  readonly signals: 'IRQ' | 'FIQ' | undefined;
}

export interface InterruptController {
  readonly version: 2 | 3;
  /** Interrupts that are enabled, pending or active, ascending by INTID and processor. */
  interrupts(): readonly InterruptDescription[];
  cpuInterfaces(): readonly CpuInterfaceDescription[];
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
