/** The devices of the board, at their addresses and with their interrupts wired. */
import {
  GIC_CPU_INTERFACE,
  GIC_DISTRIBUTOR,
  GIC_HYPERVISOR_FRAME,
  GIC_ITS,
  GIC_MSI_FRAME,
  GIC_REDISTRIBUTORS,
  GIC_VIRTUAL_FRAME,
  INTERRUPT_SOURCES,
  MSI_FRAME_FIRST_SPI,
  MSI_FRAME_SPIS,
  PL011_UART,
  PL031_RTC,
  PL061_GPIO,
  POWER_KEY_PIN,
  PPI_GIC_MAINTENANCE,
  PPI_HYPERVISOR_PHYSICAL_TIMER,
  PPI_HYPERVISOR_VIRTUAL_TIMER,
  PPI_NONSECURE_PHYSICAL_TIMER,
  PPI_PERFORMANCE_MONITORS,
  PPI_PROFILING_BUFFER,
  PPI_VIRTUAL_TIMER,
} from '../board/virt-map.ts';
import type { MapEntry } from '../board/virt-map.ts';
import type { ProcessingElement } from '../cpu/pe.ts';
import type { DmaMemory } from '../devices/physical-memory.ts';
import type { SystemBus } from '../devices/bus.ts';
import type { Device, DeviceEvents, IrqLine } from '../devices/device.ts';
import type {
  CpuInterfaceDescription,
  InterruptController,
  InterruptDescription,
} from '../devices/gic/interrupt-controller.ts';
import { GicV2 } from '../devices/gic/v2/gic-v2.ts';
import { GicV2MsiFrame } from '../devices/gic/v2/msi-frame.ts';
import { GicV3 } from '../devices/gic/v3/gic-v3.ts';
import { Pl011 } from '../devices/pl011.ts';
import { Pl031 } from '../devices/pl031.ts';
import { Pl061 } from '../devices/pl061.ts';
import { VirtioSlots } from './virtio-slots.ts';
import type { VirtioOptions } from './virtio-slots.ts';
import { connectGicRegisters } from './gic-registers.ts';

export type GicVersion = 2 | 3;

export interface BoardDevicesOptions {
  /** In the order of their numbers. */
  readonly pes: readonly ProcessingElement[];
  /** The processor that makes an access. */
  readonly accessingCpu: () => number;
  readonly bus: SystemBus;
  readonly gic: GicVersion;
  /** PPI of the profiling buffer management interrupt, 0 to 15. Default: that of INTID 21. */
  readonly profilingPPI?: number | undefined;
  /** A byte that the guest sent by its UART. */
  readonly transmit: (byte: number) => void;
  /** Nanoseconds of virtual time since reset. */
  readonly now: () => bigint;
  /** Seconds since 1970 at reset. */
  readonly startTime: bigint;
  readonly events: DeviceEvents;
  readonly virtio: VirtioOptions;
  /** The guest ends by the exit device. */
  readonly exit: (status: number) => void;
}

export interface InterruptView {
  readonly version: GicVersion;
  readonly cpuInterfaces: readonly CpuInterfaceDescription[];
  /** `source`: what the board has there, such as `virtual timer`. */
  readonly interrupts: readonly (InterruptDescription & { readonly source?: string })[];
}

export class BoardDevices {
  readonly uart: Pl011;
  readonly rtc: Pl031;
  readonly #gic: InterruptController;
  readonly #gpio: Pl061;
  readonly #virtio: VirtioSlots;

  constructor(options: BoardDevicesOptions) {
    const { pes, bus, transmit, now, startTime, events, exit } = options;
    // The GIC comes first: a reset or a restored state of the others drives its inputs.
    const gic = attachGic(options);
    this.#gic = gic;
    this.uart = new Pl011({ transmit, irq: gic.spi(PL011_UART.SPI), events });
    this.rtc = new Pl031({ now, startTime, irq: gic.spi(PL031_RTC.SPI), events });
    this.#gpio = new Pl061({ irq: gic.spi(PL061_GPIO.SPI), events });
    bus.attach(PL011_UART.base, PL011_UART.length, this.uart);
    bus.attach(PL031_RTC.base, PL031_RTC.length, this.rtc);
    bus.attach(PL061_GPIO.base, PL061_GPIO.length, this.#gpio);
    this.#virtio = new VirtioSlots({
      plugged: options.virtio,
      bus,
      memory: dmaMemory(pes),
      spi: (SPI) => gic.spi(SPI),
      events,
      transmit,
      exit,
    });
    for (const { cpu, timers, spe, pmu, registers } of pes) {
      timers.connect('CNTV', gic.ppi(cpu, PPI_VIRTUAL_TIMER));
      timers.connect('CNTP', gic.ppi(cpu, PPI_NONSECURE_PHYSICAL_TIMER));
      timers.connect('CNTHP', gic.ppi(cpu, PPI_HYPERVISOR_PHYSICAL_TIMER));
      if (registers.has('CNTHV_CTL_EL2')) {
        timers.connect('CNTHV', gic.ppi(cpu, PPI_HYPERVISOR_VIRTUAL_TIMER));
      }
      const profiling = gic.ppi(cpu, options.profilingPPI ?? PPI_PROFILING_BUFFER);
      spe.connect((asserted) => {
        profiling.set(asserted);
      });
      const overflow = gic.ppi(cpu, PPI_PERFORMANCE_MONITORS);
      pmu.connect((asserted) => {
        overflow.set(asserted);
      });
    }
  }

  /** The interrupt controller, for people. */
  get interrupts(): InterruptView {
    const { version } = this.#gic;
    return {
      version,
      cpuInterfaces: this.#gic.cpuInterfaces(),
      interrupts: this.#gic.interrupts().map((interrupt) => {
        const source = INTERRUPT_SOURCES.get(interrupt.INTID);
        return { ...interrupt, ...(source !== undefined && { source }) };
      }),
    };
  }

  /** Whether a character from the console would interrupt the guest. */
  get inputInterrupts(): boolean {
    const { console, consoleSPI } = this.#virtio;
    if (console?.isReady === true && this.#gic.wouldSignal(consoleSPI)) return true;
    return this.uart.receiveInterruptEnabled && this.#gic.wouldSignal(PL011_UART.SPI);
  }

  /** Characters from whoever sits at the console. */
  receive(bytes: Uint8Array): void {
    const { console } = this.#virtio;
    if (console?.isReady === true) console.receive(bytes);
    else this.uart.receive(bytes);
  }

  /** The power key is pressed and released, in no time: a guest that looks at the edge sees it. */
  pressPowerKey(): void {
    this.#gpio.setInput(POWER_KEY_PIN, true);
    this.#gpio.setInput(POWER_KEY_PIN, false);
  }
}

function dmaMemory([pe]: readonly ProcessingElement[]): DmaMemory {
  if (pe === undefined) throw new TypeError('a board has a processor');
  const { engine } = pe;
  return {
    contains: (PA, length) => engine.ram.view(PA, length) !== undefined,
    read: (PA, length) => engine.readPhysical(PA, length),
    write: (PA, bytes) => engine.writePhysical(PA, bytes),
  };
}

function attachGic({
  pes,
  accessingCpu,
  bus,
  gic: version,
  events,
}: BoardDevicesOptions): InterruptController {
  const outputs = pes.map(({ pendingInterrupts }) => {
    const input = (name: 'irq' | 'fiq' | 'virq' | 'vfiq'): IrqLine => ({
      set(asserted) {
        pendingInterrupts[name] = asserted;
      },
    });
    return { irq: input('irq'), fiq: input('fiq'), virq: input('virq'), vfiq: input('vfiq') };
  });
  const [boot] = pes;
  if (boot === undefined) throw new TypeError('a board has a processor');
  if (version === 2) {
    const gic = new GicV2({ outputs, accessingCpu, maintenancePPI: PPI_GIC_MAINTENANCE, events });
    const attach = ({ base, length }: MapEntry, device: Device): void => {
      bus.attach(base, length, device);
    };
    attach(GIC_DISTRIBUTOR, gic.distributor);
    attach(GIC_CPU_INTERFACE, gic.cpuInterface);
    attach(
      GIC_MSI_FRAME,
      new GicV2MsiFrame({
        firstSPI: MSI_FRAME_FIRST_SPI,
        SPIs: MSI_FRAME_SPIS,
        spi: (SPI) => gic.spi(SPI),
        events,
      }),
    );
    if (boot.startEL === 2) {
      attach(GIC_HYPERVISOR_FRAME, gic.hypervisorFrame);
      attach(GIC_VIRTUAL_FRAME, gic.virtualFrame);
    }
    return gic;
  }
  const memory = {
    read: (PA: bigint, length: number) => boot.engine.readPhysical(PA, length),
    write: (PA: bigint, bytes: Uint8Array) => boot.engine.writePhysical(PA, bytes),
  };
  const gic = new GicV3({
    outputs,
    memory,
    maintenancePPI: PPI_GIC_MAINTENANCE,
    events,
  });
  bus.attach(GIC_DISTRIBUTOR.base, GIC_DISTRIBUTOR.length, gic.distributor);
  bus.attach(GIC_REDISTRIBUTORS.base, gic.redistributors.length, gic.redistributors);
  bus.attach(GIC_ITS.base, GIC_ITS.length, gic.its);
  for (const pe of pes) connectGicRegisters(pe, gic.systemRegisters(pe.cpu));
  return gic;
}
