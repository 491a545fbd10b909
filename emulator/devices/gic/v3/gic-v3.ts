/**
 * A GICv3: distributor, ITS, and a redistributor and CPU interface for each of up to 8 processors. Arm
 * GIC architecture specification (IHI 0069). Affinity routing is always on, and there is one Security
 * state.
 */
import type { DeviceEvents, IrqLine } from '../../device.ts';
import { InterruptInputs } from '../interrupt-controller.ts';
import type {
  CpuInterfaceDescription,
  InterruptController,
  InterruptDescription,
  InterruptOutputs,
} from '../interrupt-controller.ts';
import { FIRST_SPI, MOST_PROCESSORS, SPURIOUS } from '../interrupt-states.ts';
import type { Candidate, Group } from '../priorities.ts';
import type { RegisterAccesses } from '../register-access.ts';
import { VirtualInterface } from '../virtual-interface.ts';
import { GicV3CpuInterface } from './cpu-interface.ts';
import type { IccRegister, IcvRegister, SgiRequest } from './cpu-interface.ts';
import { GicV3Distributor } from './distributor.ts';
import { affinityOf, GicV3Interrupts, INTERRUPTS } from './interrupts.ts';
import { Its } from './its.ts';
import type { PhysicalMemory } from '../../physical-memory.ts';
import { Redistributor, RedistributorFrames } from './redistributor.ts';
import { ichRegisters, icvRegisters } from './virtual-registers.ts';
import type { IchRegister } from './virtual-registers.ts';

export interface GicV3Options {
  /** The interrupt inputs of each processor. */
  readonly outputs: readonly InterruptOutputs[];
  /** The private peripheral interrupt that a virtual CPU interface raises for its hypervisor. */
  readonly maintenancePPI: number;
  /** RAM, where LPIs have their tables. */
  readonly memory: PhysicalMemory;
  readonly events: DeviceEvents;
}

interface Processor {
  readonly redistributor: Redistributor;
  readonly cpuInterface: GicV3CpuInterface;
  readonly virtualInterface: VirtualInterface;
}

/** The system registers of one processor. */
export interface GicSystemRegisters {
  readonly ICC: RegisterAccesses<IccRegister>;
  /** What a guest of EL2 software has in their place. */
  readonly ICV: RegisterAccesses<IcvRegister>;
  readonly ICH: RegisterAccesses<IchRegister>;
}

export class GicV3 implements InterruptController {
  readonly version = 3;
  readonly distributor: GicV3Distributor;
  readonly redistributors: RedistributorFrames;
  readonly its: Its;
  readonly #processors: readonly Processor[];
  readonly #interrupts: GicV3Interrupts;
  readonly #inputs: InterruptInputs;
  readonly #events: DeviceEvents;

  /** @throws RangeError for no processor or more than 8 */
  constructor({ outputs, memory, maintenancePPI, events }: GicV3Options) {
    const cpus = outputs.length;
    if (cpus < 1 || cpus > MOST_PROCESSORS) {
      throw new RangeError(`This GICv3 has 1 to ${MOST_PROCESSORS} processors, not ${cpus}`);
    }
    this.#events = events;
    const interrupts = new GicV3Interrupts({ cpus, oneOfN: (INTID) => this.#oneOfN(INTID) });
    this.#interrupts = interrupts;
    const changed = (): void => {
      this.#update();
    };
    this.#inputs = new InterruptInputs(interrupts, changed);
    this.distributor = new GicV3Distributor({ interrupts, changed, events });
    this.#processors = outputs.map(({ irq, fiq, virq, vfiq }, cpu) => {
      const deactivate = (INTID: number): void => {
        if (INTID < INTERRUPTS) interrupts.set('active', cpu, INTID, false);
      };
      return {
        redistributor: new Redistributor({
          cpu,
          isLast: cpu === cpus - 1,
          interrupts,
          memory,
          changed,
          events,
        }),
        cpuInterface: new GicV3CpuInterface({
          cpu,
          highestPending: (groups) => this.#highestPending(cpu, groups),
          activate: (INTID) => {
            this.#activate(cpu, INTID);
          },
          deactivate,
          sendSgi: (request) => {
            this.#sendSgi(cpu, request);
          },
          irq,
          fiq,
          changed,
          events,
        }),
        virtualInterface: new VirtualInterface({
          isGicV2: false,
          deactivatePhysical: (pINTID) => {
            deactivate(pINTID);
            changed();
          },
          virq,
          vfiq,
          maintenance: this.ppi(cpu, maintenancePPI),
          events,
        }),
      };
    });
    this.redistributors = new RedistributorFrames(
      this.#processors.map(({ redistributor }) => redistributor),
      this.#processors.flatMap((each) => [each.cpuInterface, each.virtualInterface]),
      events,
      changed,
    );
    this.its = new Its({
      memory,
      LPIs: (processor) => this.#processors[processor]?.redistributor.LPIs,
      changed,
      events,
    });
    this.#update();
  }

  #processor(cpu: number): Processor {
    const processor = this.#processors[cpu];
    if (processor === undefined) throw new TypeError(`the GIC has no processor ${cpu}`);
    return processor;
  }

  systemRegisters(cpu: number): GicSystemRegisters {
    const { cpuInterface, virtualInterface } = this.#processor(cpu);
    return {
      ICC: cpuInterface.registers,
      ICV: icvRegisters(virtualInterface),
      ICH: ichRegisters(virtualInterface),
    };
  }

  #update(): void {
    for (const { cpuInterface } of this.#processors) cpuInterface.update();
  }

  spi(SPI: number): IrqLine {
    return this.#inputs.spi(SPI);
  }
  ppi(cpu: number, PPI: number): IrqLine {
    return this.#inputs.ppi(cpu, PPI);
  }

  #group(cpu: number, INTID: number): Group {
    return this.#interrupts.has('group1', cpu, INTID) ? 1 : 0;
  }

  #highestPending(cpu: number, enabledGroups: number): Candidate | undefined {
    const { redistributor } = this.#processor(cpu);
    if (!redistributor.isAwake) return undefined;
    const groups = enabledGroups & this.distributor.forwardedGroups;
    if (groups === 0) return undefined;
    const INTID = this.#interrupts.highestPending(cpu, groups);
    const LPI = (groups & 2) !== 0 ? redistributor.LPIs.highestPending : undefined;
    if (INTID === SPURIOUS) return LPI;
    const priority = this.#interrupts.priority(cpu, INTID);
    if (LPI !== undefined && LPI.priority < priority) return LPI;
    return { INTID, priority, group: this.#group(cpu, INTID) };
  }

  /**
   * IMPLEMENTATION DEFINED: of the processors that take part, the first that would be signalled now, or
   * else the first.
   */
  #oneOfN(INTID: number): number {
    const group = this.#group(0, INTID);
    const priority = this.#interrupts.priority(0, INTID);
    const participates = ({ redistributor, cpuInterface }: Processor): boolean =>
      redistributor.isAwake &&
      redistributor.participates(group) &&
      cpuInterface.isGroupEnabled(group);
    const willing = this.#processors.findIndex((processor) => {
      return participates(processor) && processor.cpuInterface.passes({ priority, group });
    });
    return willing >= 0 ? willing : this.#processors.findIndex(participates);
  }

  interrupts(): readonly InterruptDescription[] {
    const LPIs = this.#processors.flatMap(({ redistributor: { LPIs: each, cpu } }) => {
      return each.describe(cpu);
    });
    return [...this.#interrupts.describe(), ...LPIs.sort((a, b) => a.INTID - b.INTID)];
  }
  cpuInterfaces(): readonly CpuInterfaceDescription[] {
    return this.#processors.map(({ cpuInterface }) => cpuInterface.describe());
  }

  wouldSignal(SPI: number): boolean {
    const INTID = FIRST_SPI + SPI;
    const interrupts = this.#interrupts;
    const group = this.#group(0, INTID);
    if (((this.distributor.forwardedGroups >>> group) & 1) === 0) return false;
    if (!interrupts.has('enabled', 0, INTID) || interrupts.has('active', 0, INTID)) return false;
    return this.#processors.some(({ redistributor, cpuInterface }, cpu) => {
      return (
        redistributor.isAwake &&
        interrupts.isTarget(cpu, INTID) &&
        cpuInterface.passes({ priority: interrupts.priority(cpu, INTID), group })
      );
    });
  }

  #activate(cpu: number, INTID: number): void {
    if (INTID >= INTERRUPTS) {
      this.#processor(cpu).redistributor.LPIs.setPending(INTID, false);
      return;
    }
    this.#interrupts.set('active', cpu, INTID, true);
    this.#interrupts.set('latch', cpu, INTID, false);
  }

  /** An SGI reaches a target where it is configured for the same group. */
  #sendSgi(sender: number, { group, INTID, target }: SgiRequest): void {
    let reached = false;
    for (let cpu = 0; cpu < this.#processors.length; cpu += 1) {
      const affinity = affinityOf(cpu);
      const isTarget =
        target.kind === 'everyone else'
          ? cpu !== sender
          : affinity >>> 8 === target.cluster &&
            (affinity & 0xff) >>> 4 === target.RS &&
            ((target.list >>> (affinity & 0xf)) & 1) === 1;
      if (!isTarget) continue;
      reached = true;
      if (this.#group(cpu, INTID) === group) this.#interrupts.set('latch', cpu, INTID, true);
    }
    if (!reached && target.kind === 'list') {
      this.#events.guestError(
        'GIC CPU interface',
        `SGI ${INTID} names no processor: cluster 0x${target.cluster.toString(16)}, target list 0x${target.list.toString(16)}`,
      );
    }
    this.#update();
  }
}
