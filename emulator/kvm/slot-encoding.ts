/** From what a debugger asks for to DBGBCR/DBGBVR and DBGWCR/DBGWVR values. Arm ARM, the registers' pages. */

export type WatchAccess = 'read' | 'write' | 'readWrite';

const ALL = 0xffff_ffff_ffff_ffffn;
/** PMC and PAC = 0b11: EL1 and EL0. */
const PxC_EL1_EL0 = 3n << 1n;
const E = 1n;
const BAS_ALL_BREAKPOINT = 0xfn << 5n;
const LSC: Readonly<Record<WatchAccess, bigint>> = { read: 1n, write: 2n, readWrite: 3n };
const MAXIMUM_MASK = 31;

export interface RegisterPair {
  /** DBGBVR or DBGWVR. */
  readonly value: bigint;
  /** DBGBCR or DBGWCR. */
  readonly control: bigint;
}

/** An instruction at `va`, at EL1 and EL0. @returns why not, in one sentence */
export function breakpointRegisters(va: bigint): RegisterPair | string {
  if ((va & 3n) !== 0n) {
    return `0x${va.toString(16)} is not the address of an instruction: it is not a multiple of 4.`;
  }
  return { value: va & ALL, control: BAS_ALL_BREAKPOINT | PxC_EL1_EL0 | E };
}

/**
 * Bytes [address, address + length). Inside one doubleword the byte select expresses any range; a longer one
 * has to be a power of two, aligned to its size.
 * @returns why not, in one sentence
 */
export function watchpointRegisters(
  address: bigint,
  length: number,
  access: WatchAccess,
): RegisterPair | string {
  if (!Number.isInteger(length) || length < 1) return 'A watchpoint watches at least one byte.';
  const base = (LSC[access] << 3n) | PxC_EL1_EL0 | E;
  const offset = Number(address & 7n);
  if (offset + length <= 8) {
    const BAS = BigInt(((1 << length) - 1) << offset);
    return { value: address & ALL & ~7n, control: base | (BAS << 5n) };
  }
  const MASK = Math.log2(length);
  const aligned = Number.isInteger(MASK) && (address & (BigInt(length) - 1n)) === 0n;
  if (!aligned || MASK > MAXIMUM_MASK) {
    return `No DBGWVR and DBGWCR can watch ${length} bytes at 0x${address.toString(16)}: a range lies inside one aligned doubleword, or its size is a power of two up to 2 GiB and its address a multiple of that.`;
  }
  return { value: address & ALL, control: base | (0xffn << 5n) | (BigInt(MASK) << 24n) };
}
