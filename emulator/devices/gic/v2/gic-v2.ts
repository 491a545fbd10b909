/**
 * A GICv2: one distributor and a CPU interface for each of up to 8 processors. Arm GIC architecture
 * specification version 2.0 (IHI 0048), with the Virtualization Extensions and without the Security
 * Extensions; both interrupt groups are there.
 */
import type { DeviceEvents, IrqLine } from '../../device.ts';
import { InterruptInputs } from '../interrupt-controller.ts';
import type {
  CpuInterfaceDescription,
  InterruptController,
  InterruptDescription,
  InterruptOutputs,
} from '../interrupt-controller.ts';
import { FIRST_SPI, MOST_PROCESSORS } from '../interrupt-states.ts';
import { VirtualInterface } from '../virtual-interface.ts';
import { BankedFrame } from './banked-frame.ts';
import type { RegisterFrame } from './banked-frame.ts';
import { GicCpuInterface } from './cpu-interface.ts';
import { GicDistributor } from './distributor.ts';
import { GicV2Interrupts, INTERRUPTS } from './interrupts.ts';
import { HypervisorFrame, VirtualFrame } from './virtual-frames.ts';

export interface GicV2Options {
  /** The interrupt inputs of each processor. */
  readonly outputs: readonly InterruptOutputs[];
  /** The processor that makes an access. Default: 0. */
  readonly accessingCpu?: () => number;
  /** The private peripheral interrupt that a virtual CPU interface raises for its hypervisor. */
  readonly maintenancePPI: number;
  readonly events: DeviceEvents;
}

export class GicV2 implements InterruptController {
  readonly version = 2;
  readonly distributor: GicDistributor;
  /** GICC_*. */
  readonly cpuInterface: BankedFrame;
  /** GICH_* and GICV_*. */
  readonly hypervisorFrame: BankedFrame;
  readonly virtualFrame: BankedFrame;
  readonly #interfaces: readonly GicCpuInterface[];
  readonly #interrupts: GicV2Interrupts;
  readonly #inputs: InterruptInputs;

  /** @throws RangeError for no processor or more than 8 */
  constructor({ outputs, accessingCpu = () => 0, maintenancePPI, events }: GicV2Options) {
    const cpus = outputs.length;
    if (cpus < 1 || cpus > MOST_PROCESSORS) {
      throw new RangeError(`A GICv2 has 1 to ${MOST_PROCESSORS} processors, not ${cpus}`);
    }
    const interrupts = new GicV2Interrupts(cpus);
    this.#interrupts = interrupts;
    const changed = (): void => {
      this.#update();
    };
    this.#inputs = new InterruptInputs(interrupts, changed);
    this.distributor = new GicDistributor({ interrupts, accessingCpu, changed, events });
    this.#interfaces = outputs.map(({ irq, fiq }, cpu) => {
      const forwardedGroups = (): number => this.distributor.forwardedGroups;
      return new GicCpuInterface({ cpu, interrupts, forwardedGroups, irq, fiq, changed, events });
    });
    const virtual = outputs.map(({ virq, vfiq }, cpu) => {
      return new VirtualInterface({
        isGicV2: true,
        deactivatePhysical: (pINTID) => {
          if (pINTID >= INTERRUPTS) return;
          interrupts.set('active', cpu, pINTID, false);
          changed();
        },
        virq,
        vfiq,
        maintenance: this.ppi(cpu, maintenancePPI),
        events,
      });
    });
    const banked = (name: string, frames: readonly RegisterFrame[]): BankedFrame =>
      new BankedFrame(name, frames, accessingCpu, events);
    this.cpuInterface = banked('GIC CPU interface', this.#interfaces);
    this.hypervisorFrame = banked(
      'GIC virtual interface control',
      virtual.map((each) => new HypervisorFrame(each)),
    );
    this.virtualFrame = banked(
      'GIC virtual CPU interface',
      virtual.map((each) => new VirtualFrame(each)),
    );
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
  interrupts(): readonly InterruptDescription[] {
    return this.#interrupts.describe();
  }
  cpuInterfaces(): readonly CpuInterfaceDescription[] {
    return this.#interfaces.map((each) => each.describe());
  }

  wouldSignal(SPI: number): boolean {
    return this.#interfaces.some((each) => each.wouldSignal(FIRST_SPI + SPI));
  }
}
