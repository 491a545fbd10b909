/**
 * Memory types and cacheability, as bytes in the encoding of MAIR_ELx.Attr<n>. Arm ARM, "MAIR_EL1"
 * and "Combining the stage 1 and stage 2 memory attributes".
 */

export interface MemoryAttributes {
  /** Encoded as MAIR_ELx.Attr<n>. */
  readonly Attr: number;
  /** SH: 0 Non-shareable, 2 Outer Shareable, 3 Inner Shareable. */
  readonly SH: number;
}

export const DEVICE_nGnRnE = 0x00;
export const NORMAL_NON_CACHEABLE = 0x44;
/** Read-Allocate, No Write-Allocate, as an instruction cache is. */
export const NORMAL_WRITE_THROUGH = 0xaa;
/** Non-transient, Read-Allocate and Write-Allocate. */
export const NORMAL_WRITE_BACK = 0xff;

export const NON_SHAREABLE = 0;
export const OUTER_SHAREABLE = 2;
export const INNER_SHAREABLE = 3;

/** Bits 7:4 are zero for the Device types, whose kind is in bits 3:2: nGnRnE, nGnRE, nGRE, GRE. */
export function isDevice(Attr: number): boolean {
  return (Attr & 0xf0) === 0;
}

/** Attr0 to Attr7. */
export function memoryAttributeBytes(MAIR: bigint): readonly number[] {
  return Array.from({ length: 8 }, (_, n) => Number((MAIR >> BigInt(8 * n)) & 0xffn));
}

/** Inner and Outer Non-cacheable. */
function isNonCacheable(Attr: number): boolean {
  return (Attr & 0xf0) === 0x40 && ((Attr & 0x0f) === 0x04 || (Attr & 0x0f) === 0);
}

/** Device and Non-cacheable memory is Outer Shareable whatever SH says. Arm ARM, EffectiveShareability(). */
export function effectiveShareability({ Attr, SH }: MemoryAttributes): number {
  return isDevice(Attr) || isNonCacheable(Attr) ? OUTER_SHAREABLE : SH;
}

/**
 * Stage 2 MemAttr[3:0] as a MAIR byte with allocation hints set. `cacheDisabled` is HCR_EL2.CD or ID
 * for the kind of access. MemAttr[1:0] = 0 for Normal memory is reserved and taken as Non-cacheable.
 */
export function stage2Attr(MemAttr: number, cacheDisabled: boolean): number {
  const outer = MemAttr >>> 2;
  const inner = MemAttr & 3;
  if (outer === 0) return inner << 2;
  if (cacheDisabled) return NORMAL_NON_CACHEABLE;
  const nibble = (kind: number): number => (kind <= 1 ? 0b0100 : (kind << 2) | 0b11);
  return (nibble(outer) << 4) | nibble(inner);
}

/** Of one of outer and inner: Non-cacheable, then Write-Through, is stronger; stage 1 gives the hints. */
function combineCacheability(stage1: number, stage2: number): number {
  const NON_CACHEABLE = 0b0100;
  if (stage1 === NON_CACHEABLE || stage2 === NON_CACHEABLE) return NON_CACHEABLE;
  // 0b00RW and 0b10RW: Write-Through, transient or not.
  if ((stage1 & 0b0100) === 0) return stage1;
  if ((stage2 & 0b1100) === 0b1000) return 0b1000 | (stage1 & 3);
  return stage1;
}

/** Arm ARM, CombineS1S2Desc(). */
export function combineAttributes(
  stage1: MemoryAttributes,
  stage2: MemoryAttributes,
): MemoryAttributes {
  const SH =
    stage1.SH === OUTER_SHAREABLE || stage2.SH === OUTER_SHAREABLE
      ? OUTER_SHAREABLE
      : Math.max(stage1.SH, stage2.SH);
  if (isDevice(stage1.Attr) || isDevice(stage2.Attr)) {
    // The more restrictive type has the lower encoding.
    const Attr = Math.min(
      isDevice(stage1.Attr) ? stage1.Attr : 0xff,
      isDevice(stage2.Attr) ? stage2.Attr : 0xff,
    );
    return { Attr, SH: OUTER_SHAREABLE };
  }
  const Attr =
    (combineCacheability(stage1.Attr >>> 4, stage2.Attr >>> 4) << 4) |
    combineCacheability(stage1.Attr & 15, stage2.Attr & 15);
  return { Attr, SH: effectiveShareability({ Attr, SH }) };
}
