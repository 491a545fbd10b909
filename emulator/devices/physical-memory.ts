/** RAM as devices reach it: physical addresses, each access checked. */
export interface PhysicalMemory {
  /** `length` bytes from the physical address, or undefined where not all of them are RAM. */
  read(PA: bigint, length: number): Uint8Array | undefined;
  /** False, and nothing written, where not all of it is RAM. */
  write(PA: bigint, bytes: Uint8Array): boolean;
}

/** What a device needs beside that which is handed addresses by a driver: it checks them first. */
export interface DmaMemory extends PhysicalMemory {
  /** Whether all of it is RAM. */
  contains(PA: bigint, length: number): boolean;
}
