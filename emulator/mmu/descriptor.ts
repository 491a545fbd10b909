/**
 * Translation table descriptors. Arm ARM, "VMSAv8-64 descriptor formats".
 *
 * A descriptor is two unsigned words: bits 31:0 and bits 63:32. Addresses have at most 48 bits, so they
 * are exact as numbers.
 */

/** Reads descriptors; `low` and `high` hold the last one that was read. */
export interface TableReader {
  /** Reads the 8 bytes at a physical address; false is an external abort. */
  read(PA: number): boolean;
  readonly low: number;
  readonly high: number;
  /**
   * Writes bits 31:0 of the descriptor at a physical address, as hardware management of the Access flag and of
   * dirty state does. Absent for a look that changes nothing.
   */
  readonly update?: ((PA: number, low: number) => void) | undefined;
}

const TWO_32 = 2 ** 32;

export type DescriptorKind = 'invalid' | 'table' | 'leaf';

/**
 * Arm ARM, AArch64.DecodeDescriptorType(). Bits 1:0 are 0b11 for a table or a page and 0b01 for a
 * block, which exists from `firstBlockLevel` to level 2.
 */
export function descriptorKind(
  low: number,
  level: number,
  firstBlockLevel: number,
): DescriptorKind {
  if ((low & 1) === 0) return 'invalid';
  if ((low & 2) !== 0) return level === 3 ? 'leaf' : 'table';
  return level < 3 && level >= firstBlockLevel ? 'leaf' : 'invalid';
}

/** Bits 47:12. What is below the granule or the block is ignored by whoever uses the address. */
export function outputAddress(low: number, high: number): number {
  return (high & 0xffff) * TWO_32 + ((low & 0xffff_f000) >>> 0);
}

/** Bit 10 of a leaf. */
export function accessFlag(low: number): boolean {
  return (low & (1 << 10)) !== 0;
}

/** The leaf with its Access flag set. */
export const withAccessFlag = (low: number): number => (low | (1 << 10)) >>> 0;

/** Bit 51 of a leaf, DBM: what is read-only is clean, and can be written. */
export function dirtyBitModifier(high: number): boolean {
  return (high & (1 << 19)) !== 0;
}

/** Bit 7: AP[2] of a stage 1 leaf, which says read-only; S2AP[1] of a stage 2 leaf, which says writable. */
export const WRITE_PERMISSION_BIT = 1 << 7;

/** Bit 11 of a stage 1 leaf: for one ASID only. */
export function notGlobal(low: number): boolean {
  return (low & (1 << 11)) !== 0;
}

/** Bits 9:8 of a leaf, SH: 0 Non-shareable, 2 Outer Shareable, 3 Inner Shareable. */
export function shareability(low: number): number {
  return (low >>> 8) & 3;
}

/** Bits 4:2 of a stage 1 leaf, AttrIndx. */
export function attributeIndex(low: number): number {
  return (low >>> 2) & 7;
}

/** Bits 5:2 of a stage 2 leaf, MemAttr. */
export function stage2MemAttr(low: number): number {
  return (low >>> 2) & 15;
}

/** Bits 7:6: AP[2:1] of a stage 1 leaf, S2AP of a stage 2 leaf. */
export function accessPermissions(low: number): number {
  return (low >>> 6) & 3;
}

/** Bit 54: UXN, or XN where a regime has one privilege, or XN of stage 2. */
export function executeNever(high: number): boolean {
  return (high & (1 << 22)) !== 0;
}

/** Bit 53 of a stage 1 leaf. */
export function privilegedExecuteNever(high: number): boolean {
  return (high & (1 << 21)) !== 0;
}

/** Bit 50 of a stage 1 leaf, GP. */
export function guardedPage(high: number): boolean {
  return (high & (1 << 18)) !== 0;
}

/**
 * Bits 63:59 of a stage 1 table descriptor: NSTable, APTable[1:0], UXNTable, PXNTable. Those of all
 * tables on the way are combined with OR.
 */
export function tableAttributes(high: number): number {
  return high >>> 27;
}

/** No write at any EL. */
export const APTABLE_READ_ONLY = 1 << 3;
/** No access at EL0. */
export const APTABLE_NO_EL0 = 1 << 2;
export const UXNTABLE = 1 << 1;
export const PXNTABLE = 1 << 0;
