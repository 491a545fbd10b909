/**
 * The device tree of the board: what it shares with QEMU's `virt` machine reads as there. What this
 * board lacks (flash, PCIe, PMU, fw_cfg) is not in it, nor is a seed: `kaslr-seed` would make
 * Linux move itself.
 */
import { CPU_OFF, CPU_ON, CPU_SUSPEND } from './psci.ts';
import { cells64 } from './flattened-device-tree.ts';
import type { DeviceTreeNode, PropertyValue } from './flattened-device-tree.ts';
import {
  GIC_CPU_INTERFACE,
  GIC_DISTRIBUTOR,
  GIC_HYPERVISOR_FRAME,
  GIC_ITS,
  GIC_MSI_FRAME,
  GIC_REDISTRIBUTORS,
  GIC_VIRTUAL_FRAME,
  PL011_UART,
  PL031_RTC,
  PL061_GPIO,
  POWER_KEY_PIN,
  PPI_GIC_MAINTENANCE,
  PPI_HYPERVISOR_PHYSICAL_TIMER,
  PPI_NONSECURE_PHYSICAL_TIMER,
  PPI_SECURE_PHYSICAL_TIMER,
  PPI_VIRTUAL_TIMER,
  VIRTIO_MMIO,
  VIRTIO_TRANSPORTS,
} from './virt-map.ts';
import type { InterruptingMapEntry, MapEntry } from './virt-map.ts';

export interface BoardConfiguration {
  /** Number of processors, 1 to 8. */
  readonly cpus: number;
  readonly ram: readonly { readonly base: bigint; readonly size: number }[];
  /**
   * Exception level at which the guest starts. At 2 it is its own hypervisor: it calls PSCI by SMC, and
   * the interrupt controller has the Virtualization Extensions.
   */
  readonly el: 1 | 2;
  /** Version of the interrupt controller. */
  readonly gic: 2 | 3;
  /** The kernel's command line; none when empty. */
  readonly bootargs: string;
  /** Physical addresses of the first byte and behind the last one. */
  readonly initrd?: { readonly start: bigint; readonly end: bigint };
}

const PHANDLE_CLOCK = 1;
const PHANDLE_GIC = 2;
const PHANDLE_GPIO = 3;
const PHANDLE_MSI = 4;
const PHANDLE_FIRST_CPU = 5;

/** PSCI function identifiers of the SMC64 calling convention. */
const SMC64 = 0x4000_0000;
/** Interrupt specifiers of a GIC: kind, number, flags. */
const GIC_SPI = 0;
const GIC_PPI = 1;
const EDGE_RISING = 1;
const LEVEL_HIGH = 4;
const CLOCK_HZ = 24_000_000;
/** Linux input event code. */
const KEY_POWER = 116;

const cells = (...values: readonly number[]): PropertyValue => ({ cells: values });
const hex = (value: bigint): string => value.toString(16);

export function boardDeviceTree(board: BoardConfiguration): DeviceTreeNode {
  return {
    name: '',
    properties: {
      'interrupt-parent': cells(PHANDLE_GIC),
      model: 'linux,dummy-virt',
      '#size-cells': cells(2),
      '#address-cells': cells(2),
      compatible: 'linux,dummy-virt',
    },
    children: [
      psci(board),
      ...board.ram.map(memory),
      ...virtioTransports(),
      gpioKeys(),
      gpio(),
      primecell('pl031', PL031_RTC, ['apb_pclk']),
      primecell('pl011', PL011_UART, ['uartclk', 'apb_pclk']),
      interruptController(board),
      processors(board),
      timer(board),
      clock(),
      chosen(board),
    ],
  };
}

const range = ({ base, length }: MapEntry): number[] => cells64(base, BigInt(length));

function psci({ el }: BoardConfiguration): DeviceTreeNode {
  return {
    name: 'psci',
    properties: {
      cpu_on: cells(CPU_ON + SMC64),
      cpu_off: cells(CPU_OFF),
      cpu_suspend: cells(CPU_SUSPEND + SMC64),
      method: el === 2 ? 'smc' : 'hvc',
      compatible: ['arm,psci-1.0', 'arm,psci-0.2', 'arm,psci'],
    },
  };
}

function memory({ base, size }: BoardConfiguration['ram'][number]): DeviceTreeNode {
  return {
    name: `memory@${hex(base)}`,
    properties: { reg: cells(...cells64(base, BigInt(size))), device_type: 'memory' },
  };
}

function primecell(
  kind: string,
  entry: InterruptingMapEntry,
  clockNames: readonly string[],
  more: Readonly<Record<string, PropertyValue>> = {},
): DeviceTreeNode {
  return {
    name: `${kind}@${hex(entry.base)}`,
    properties: {
      'clock-names': clockNames,
      clocks: cells(...clockNames.map(() => PHANDLE_CLOCK)),
      interrupts: cells(GIC_SPI, entry.SPI, LEVEL_HIGH),
      reg: cells(...range(entry)),
      compatible: [`arm,${kind}`, 'arm,primecell'],
      ...more,
    },
  };
}

function virtioTransports(): DeviceTreeNode[] {
  return Array.from({ length: VIRTIO_TRANSPORTS }, (_, n) => {
    const base = VIRTIO_MMIO.base + BigInt(n * VIRTIO_MMIO.length);
    return {
      name: `virtio_mmio@${hex(base)}`,
      properties: {
        'dma-coherent': true,
        interrupts: cells(GIC_SPI, VIRTIO_MMIO.SPI + n, EDGE_RISING),
        reg: cells(...range({ base, length: VIRTIO_MMIO.length })),
        compatible: 'virtio,mmio',
      },
    };
  });
}

function gpio(): DeviceTreeNode {
  return primecell('pl061', PL061_GPIO, ['apb_pclk'], {
    phandle: cells(PHANDLE_GPIO),
    'gpio-controller': true,
    '#gpio-cells': cells(2),
  });
}

function gpioKeys(): DeviceTreeNode {
  const poweroff = {
    name: 'poweroff',
    properties: {
      gpios: cells(PHANDLE_GPIO, POWER_KEY_PIN, 0),
      'linux,code': cells(KEY_POWER),
      label: 'GPIO Key Poweroff',
    },
  };
  return { name: 'gpio-keys', properties: { compatible: 'gpio-keys' }, children: [poweroff] };
}

function interruptController({ el, gic }: BoardConfiguration): DeviceTreeNode {
  return {
    name: `intc@${hex(GIC_DISTRIBUTOR.base)}`,
    properties: {
      phandle: cells(PHANDLE_GIC),
      ...(el === 2 && { interrupts: cells(GIC_PPI, PPI_GIC_MAINTENANCE, LEVEL_HIGH) }),
      ...(gic === 2 ? gicV2(el) : gicV3),
      ranges: true,
      '#size-cells': cells(2),
      '#address-cells': cells(2),
      'interrupt-controller': true,
      '#interrupt-cells': cells(3),
    },
    children: [gic === 2 ? msiFrame : interruptTranslationService],
  };
}

function gicV2(el: 1 | 2): Readonly<Record<string, PropertyValue>> {
  const frames = [GIC_DISTRIBUTOR, GIC_CPU_INTERFACE];
  if (el === 2) frames.push(GIC_HYPERVISOR_FRAME, GIC_VIRTUAL_FRAME);
  return { reg: cells(...frames.flatMap(range)), compatible: 'arm,cortex-a15-gic' };
}

const gicV3: Readonly<Record<string, PropertyValue>> = {
  reg: cells(...range(GIC_DISTRIBUTOR), ...range(GIC_REDISTRIBUTORS)),
  '#redistributor-regions': cells(1),
  compatible: 'arm,gic-v3',
};

const msiFrame: DeviceTreeNode = {
  name: `v2m@${hex(GIC_MSI_FRAME.base)}`,
  properties: {
    phandle: cells(PHANDLE_MSI),
    reg: cells(...range(GIC_MSI_FRAME)),
    'msi-controller': true,
    compatible: 'arm,gic-v2m-frame',
  },
};

const interruptTranslationService: DeviceTreeNode = {
  name: `its@${hex(GIC_ITS.base)}`,
  properties: {
    phandle: cells(PHANDLE_MSI),
    reg: cells(...range(GIC_ITS)),
    '#msi-cells': cells(1),
    'msi-controller': true,
    compatible: 'arm,gic-v3-its',
  },
};

function processors({ cpus }: BoardConfiguration): DeviceTreeNode {
  const indices = Array.from({ length: cpus }, (_, cpu) => cpu);
  const cores = indices.map((cpu) => ({
    name: `core${cpu}`,
    properties: { cpu: cells(PHANDLE_FIRST_CPU + cpu) },
  }));
  const cluster = { name: 'cluster0', properties: {}, children: cores };
  const socket = { name: 'socket0', properties: {}, children: [cluster] };
  return {
    name: 'cpus',
    properties: { '#size-cells': cells(0), '#address-cells': cells(1) },
    children: [
      { name: 'cpu-map', properties: {}, children: [socket] },
      ...indices.map((cpu) => ({
        name: `cpu@${cpu}`,
        properties: {
          phandle: cells(PHANDLE_FIRST_CPU + cpu),
          reg: cells(cpu),
          ...(cpus > 1 && { 'enable-method': 'psci' }),
          compatible: 'arm,armv8',
          device_type: 'cpu',
        },
      })),
    ],
  };
}

function timer({ cpus, gic }: BoardConfiguration): DeviceTreeNode {
  // Of a GICv2 only: the processors that the interrupt is private to, as a mask.
  const flags = LEVEL_HIGH | (gic === 2 ? ((1 << cpus) - 1) << 8 : 0);
  const PPIs = [
    PPI_SECURE_PHYSICAL_TIMER,
    PPI_NONSECURE_PHYSICAL_TIMER,
    PPI_VIRTUAL_TIMER,
    PPI_HYPERVISOR_PHYSICAL_TIMER,
  ];
  return {
    name: 'timer',
    properties: {
      interrupts: cells(...PPIs.flatMap((PPI) => [GIC_PPI, PPI, flags])),
      'always-on': true,
      compatible: ['arm,armv8-timer', 'arm,armv7-timer'],
    },
  };
}

function clock(): DeviceTreeNode {
  return {
    name: 'apb-pclk',
    properties: {
      phandle: cells(PHANDLE_CLOCK),
      'clock-output-names': 'clk24mhz',
      'clock-frequency': cells(CLOCK_HZ),
      '#clock-cells': cells(0),
      compatible: 'fixed-clock',
    },
  };
}

function chosen({ bootargs, initrd }: BoardConfiguration): DeviceTreeNode {
  return {
    name: 'chosen',
    properties: {
      'stdout-path': `/pl011@${hex(PL011_UART.base)}`,
      ...(bootargs !== '' && { bootargs }),
      ...(initrd && {
        'linux,initrd-start': cells(...cells64(initrd.start)),
        'linux,initrd-end': cells(...cells64(initrd.end)),
      }),
    },
  };
}
