/** RAM as the GIC reads and writes its tables in it. */
export interface PhysicalMemory {
  /** `length` bytes from the physical address, or undefined where not all of them are RAM. */
  read(PA: bigint, length: number): Uint8Array | undefined;
  /** False, and nothing written, where not all of it is RAM. */
  write(PA: bigint, bytes: Uint8Array): boolean;
}
