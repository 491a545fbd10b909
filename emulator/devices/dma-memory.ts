/** RAM as a device reaches it by DMA: physical addresses, each access checked. */
export interface DmaMemory {
  /** Whether all of it is RAM. */
  contains(PA: bigint, length: number): boolean;
  /** `length` bytes from the physical address, or undefined where not all of them are RAM. */
  read(PA: bigint, length: number): Uint8Array | undefined;
  /** False, and nothing written, where not all of it is RAM. */
  write(PA: bigint, bytes: Uint8Array): boolean;
}
