/**
 * The address map of the board: that of QEMU's `virt` machine, so that guests and tools built for
 * it run unchanged. Addresses are physical; lengths are in bytes.
 */

export interface MapEntry {
  readonly base: bigint;
  readonly length: number;
  /** Shared peripheral interrupt number (INTID - 32), level sensitive. */
  readonly SPI?: number;
}

export const PL011_UART: MapEntry = { base: 0x0900_0000n, length: 0x1000, SPI: 1 };
export const PL031_RTC: MapEntry = { base: 0x0901_0000n, length: 0x1000, SPI: 2 };
export const PL061_GPIO: MapEntry = { base: 0x0903_0000n, length: 0x1000, SPI: 7 };
export const RAM_BASE = 0x4000_0000n;
/** 128 MiB. */
export const DEFAULT_RAM_BYTES = 128 * 1024 * 1024;

/** Private peripheral interrupts of the generic timers (INTID - 16). */
export const PPI_VIRTUAL_TIMER = 11;
export const PPI_NONSECURE_PHYSICAL_TIMER = 14;
export const PPI_HYPERVISOR_PHYSICAL_TIMER = 10;
