/**
 * The address map of the board: that of QEMU's `virt` machine, so that guests and tools built for
 * it run unchanged. Addresses are physical; lengths are in bytes.
 */

export interface MapEntry {
  readonly base: bigint;
  readonly length: number;
}

export interface InterruptingMapEntry extends MapEntry {
  /** Shared peripheral interrupt number (INTID - 32), level sensitive. */
  readonly SPI: number;
}

export const GIC_DISTRIBUTOR: MapEntry = { base: 0x0800_0000n, length: 0x1_0000 };
/** Of a GICv2. */
export const GIC_CPU_INTERFACE: MapEntry = { base: 0x0801_0000n, length: 0x1_0000 };
/** GICv2m frame of a GICv2. */
export const GIC_MSI_FRAME: MapEntry = { base: 0x0802_0000n, length: 0x1000 };
/** The SPIs that it can raise: the first, and how many. */
export const MSI_FRAME_FIRST_SPI = 48;
export const MSI_FRAME_SPIS = 64;
/** GICH and GICV of a GICv2, for a guest at EL2. */
export const GIC_HYPERVISOR_FRAME: MapEntry = { base: 0x0803_0000n, length: 0x1_0000 };
export const GIC_VIRTUAL_FRAME: MapEntry = { base: 0x0804_0000n, length: 0x1_0000 };
/** Of a GICv3: the translater's page is the second one. */
export const GIC_ITS: MapEntry = { base: 0x0808_0000n, length: 0x2_0000 };
/** Of a GICv3: room for the frames of 123 processors. */
export const GIC_REDISTRIBUTORS: MapEntry = { base: 0x080a_0000n, length: 0xf6_0000 };
export const PL011_UART: InterruptingMapEntry = { base: 0x0900_0000n, length: 0x1000, SPI: 1 };
export const PL031_RTC: InterruptingMapEntry = { base: 0x0901_0000n, length: 0x1000, SPI: 2 };
export const PL061_GPIO: InterruptingMapEntry = { base: 0x0903_0000n, length: 0x1000, SPI: 7 };
/** Transport n is at base + n * length and has SPI + n, edge triggered. */
export const VIRTIO_MMIO: InterruptingMapEntry = { base: 0x0a00_0000n, length: 0x200, SPI: 16 };
export const VIRTIO_TRANSPORTS = 32;
/** Every device of the board under the name that people know it by, ascending. */
export const BOARD_DEVICES: readonly (MapEntry & { readonly name: string })[] = [
  { name: 'GIC distributor', ...GIC_DISTRIBUTOR },
  { name: 'GIC CPU interface', ...GIC_CPU_INTERFACE },
  { name: 'GICv2m frame', ...GIC_MSI_FRAME },
  { name: 'GIC virtual interface control', ...GIC_HYPERVISOR_FRAME },
  { name: 'GIC virtual CPU interface', ...GIC_VIRTUAL_FRAME },
  { name: 'GIC ITS', ...GIC_ITS },
  { name: 'GIC redistributors', ...GIC_REDISTRIBUTORS },
  { name: 'UART (PL011)', ...PL011_UART },
  { name: 'real time clock (PL031)', ...PL031_RTC },
  { name: 'GPIO (PL061)', ...PL061_GPIO },
  {
    name: 'virtio transports',
    base: VIRTIO_MMIO.base,
    length: VIRTIO_MMIO.length * VIRTIO_TRANSPORTS,
  },
];
/** What a VMM emulates for a guest under a hypervisor, in whole pages: all devices but the GIC. */
export const VMM_DEVICES: readonly { readonly base: bigint; readonly size: bigint }[] = [
  PL011_UART,
  PL031_RTC,
  PL061_GPIO,
  { base: VIRTIO_MMIO.base, length: VIRTIO_MMIO.length * VIRTIO_TRANSPORTS },
].map(({ base, length }) => ({ base, size: BigInt(length) }));
/** The pin of the GPIO controller that the power key drives high. */
export const POWER_KEY_PIN = 3;
export const RAM_BASE = 0x4000_0000n;
/** 128 MiB. */
export const DEFAULT_RAM_BYTES = 128 * 1024 * 1024;

/** Private peripheral interrupts of the generic timers (INTID - 16). */
export const PPI_VIRTUAL_TIMER = 11;
export const PPI_NONSECURE_PHYSICAL_TIMER = 14;
/** Nothing drives it: there is no Secure state. */
export const PPI_SECURE_PHYSICAL_TIMER = 13;
export const PPI_HYPERVISOR_PHYSICAL_TIMER = 10;
/** INTID 28, where the processor has FEAT_VHE. */
export const PPI_HYPERVISOR_VIRTUAL_TIMER = 12;
/** Of the virtual CPU interface, for a guest at EL2. */
/** INTID 21: the profiling buffer management interrupt (Arm BSA, recommended PPIs). */
export const PPI_PROFILING_BUFFER = 5;
export const PPI_GIC_MAINTENANCE = 9;
/** INTID 23: overflow of a performance counter. */
export const PPI_PERFORMANCE_MONITORS = 7;

const FIRST_PPI = 16;
const FIRST_SPI = 32;
/** What is behind an interrupt of the board, by INTID. */
export const INTERRUPT_SOURCES: ReadonlyMap<number, string> = new Map([
  [FIRST_PPI + PPI_PERFORMANCE_MONITORS, 'performance monitors'],
  [FIRST_PPI + PPI_GIC_MAINTENANCE, 'GIC maintenance'],
  [FIRST_PPI + PPI_HYPERVISOR_PHYSICAL_TIMER, 'EL2 physical timer'],
  [FIRST_PPI + PPI_HYPERVISOR_VIRTUAL_TIMER, 'EL2 virtual timer'],
  [FIRST_PPI + PPI_VIRTUAL_TIMER, 'virtual timer'],
  [FIRST_PPI + PPI_SECURE_PHYSICAL_TIMER, 'Secure physical timer'],
  [FIRST_PPI + PPI_NONSECURE_PHYSICAL_TIMER, 'physical timer'],
  [FIRST_SPI + PL011_UART.SPI, 'UART'],
  [FIRST_SPI + PL031_RTC.SPI, 'real time clock'],
  [FIRST_SPI + PL061_GPIO.SPI, 'GPIO'],
  ...Array.from({ length: VIRTIO_TRANSPORTS }, (_, n): [number, string] => [
    FIRST_SPI + VIRTIO_MMIO.SPI + n,
    `virtio transport ${n}`,
  ]),
]);
