/**
 * A GICv2: one distributor and a CPU interface for each of up to 8 processors. Arm GIC architecture
 * specification version 2.0 (IHI 0048). There are no Security Extensions and no Virtualization
 * Extensions; both interrupt groups are there.
 */
import type { DeviceEvents, IrqLine } from '../../device.ts';
import { InterruptInputs } from '../interrupt-controller.ts';
import type { InterruptController, InterruptOutputs } from '../interrupt-controller.ts';
import { FIRST_SPI, MOST_PROCESSORS } from '../interrupt-states.ts';
import { BankedCpuInterface, GicCpuInterface } from './cpu-interface.ts';
import { GicDistributor } from './distributor.ts';
import { GicV2Interrupts } from './interrupts.ts';

export interface GicV2Options {
  /** The interrupt inputs of each processor. */
  readonly outputs: readonly InterruptOutputs[];
  /** The processor that makes an access. Default: 0. */
  readonly accessingCpu?: () => number;
  readonly events: DeviceEvents;
}

export class GicV2 implements InterruptController {
  readonly distributor: GicDistributor;
  readonly cpuInterface: BankedCpuInterface;
  readonly #interfaces: readonly GicCpuInterface[];
  readonly #inputs: InterruptInputs;

  /** @throws RangeError for no processor or more than 8 */
  constructor({ outputs, accessingCpu = () => 0, events }: GicV2Options) {
    const cpus = outputs.length;
    if (cpus < 1 || cpus > MOST_PROCESSORS) {
      throw new RangeError(`A GICv2 has 1 to ${MOST_PROCESSORS} processors, not ${cpus}`);
    }
    const interrupts = new GicV2Interrupts(cpus);
    const changed = (): void => {
      this.#update();
    };
    this.#inputs = new InterruptInputs(interrupts, changed);
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

  spi(SPI: number): IrqLine {
    return this.#inputs.spi(SPI);
  }
  ppi(cpu: number, PPI: number): IrqLine {
    return this.#inputs.ppi(cpu, PPI);
  }
  wouldSignal(SPI: number): boolean {
    return this.#interfaces.some((each) => each.wouldSignal(FIRST_SPI + SPI));
  }
}
