/**
 * A GICv2: one distributor and a CPU interface for each of up to 8 processors. Arm GIC architecture
 * specification version 2.0 (IHI 0048). There are no Security Extensions and no Virtualization
 * Extensions; both interrupt groups are there.
 */
import type { DeviceEvents, IrqLine } from '../device.ts';
import { BankedCpuInterface, GicCpuInterface } from './cpu-interface.ts';
import { GicDistributor } from './distributor.ts';
import { FIRST_SPI, INTERRUPTS, InterruptStates, MOST_PROCESSORS } from './interrupt-states.ts';

export interface InterruptOutputs {
  readonly irq: IrqLine;
  readonly fiq: IrqLine;
}

export interface GicV2Options {
  /** The interrupt inputs of each processor. */
  readonly outputs: readonly InterruptOutputs[];
  /** The processor that makes an access. Default: 0. */
  readonly accessingCpu?: () => number;
  readonly events: DeviceEvents;
}

const FIRST_PPI = 16;
const PPIS = 16;

export class GicV2 {
  readonly distributor: GicDistributor;
  readonly cpuInterface: BankedCpuInterface;
  readonly #interfaces: readonly GicCpuInterface[];
  readonly #interrupts: InterruptStates;

  /** @throws RangeError for no processor or more than 8 */
  constructor({ outputs, accessingCpu = () => 0, events }: GicV2Options) {
    const cpus = outputs.length;
    if (cpus < 1 || cpus > MOST_PROCESSORS) {
      throw new RangeError(`A GICv2 has 1 to ${MOST_PROCESSORS} processors, not ${cpus}`);
    }
    this.#interrupts = new InterruptStates(cpus);
    const interrupts = this.#interrupts;
    const changed = (): void => {
      this.#update();
    };
    this.distributor = new GicDistributor({ interrupts, accessingCpu, changed, events });
    this.#interfaces = outputs.map(({ irq, fiq }, cpu) => {
      const forwardedGroups = (): number => this.distributor.forwardedGroups;
      return new GicCpuInterface({ cpu, interrupts, forwardedGroups, irq, fiq, changed, events });
    });
    this.cpuInterface = new BankedCpuInterface(this.#interfaces, accessingCpu, events);
    this.#update();
  }

  #update(): void {
    for (const each of this.#interfaces) each.update();
  }

  /** The input of shared peripheral interrupt `SPI`, INTID 32 + `SPI`. */
  spi(SPI: number): IrqLine {
    return this.#input(0, FIRST_SPI + SPI, INTERRUPTS - FIRST_SPI, SPI);
  }

  /** The input of a processor's private peripheral interrupt `PPI`, INTID 16 + `PPI`. */
  ppi(cpu: number, PPI: number): IrqLine {
    return this.#input(cpu, FIRST_PPI + PPI, PPIS, PPI);
  }

  /** Whether an assertion of shared peripheral interrupt `SPI` reaches a processor now. */
  wouldSignal(SPI: number): boolean {
    return this.#interfaces.some((each) => each.wouldSignal(FIRST_SPI + SPI));
  }

  #input(cpu: number, INTID: number, count: number, n: number): IrqLine {
    if (!Number.isInteger(n) || n < 0 || n >= count) {
      throw new RangeError(`There is no interrupt input ${n} of ${count}`);
    }
    return {
      set: (asserted) => {
        if (this.#interrupts.setLevel(cpu, INTID, asserted)) this.#update();
      },
    };
  }
}
