/**
 * The engine's TLBs hold 4 KB pages whatever the size of the block or page they were made from. An
 * address that TLBI names stands for all of its block, so the large ones are remembered.
 */

const PAGE_BITS = 12;
/** More are not told apart: every TLBI by VA then forgets everything. */
const MOST_REMEMBERED = 512;

export class LargeMappings {
  readonly #known = new Set<bigint>();
  readonly #sizes = new Set<number>();
  #overflow = false;

  /** Pages of the block or page of 2^sizeBits bytes that holds `va` may be in a TLB. */
  add(va: bigint, sizeBits: number): void {
    if (sizeBits <= PAGE_BITS || this.#overflow) return;
    if (this.#known.size >= MOST_REMEMBERED) {
      this.#overflow = true;
      return;
    }
    this.#sizes.add(sizeBits);
    this.#known.add(key(va, sizeBits));
  }

  /** Whether `va` is in one of them; bits 63:56 take no part. */
  has(va: bigint): boolean {
    if (this.#overflow) return true;
    for (const sizeBits of this.#sizes) if (this.#known.has(key(va, sizeBits))) return true;
    return false;
  }

  /** The TLBs are empty. */
  clear(): void {
    this.#known.clear();
    this.#sizes.clear();
    this.#overflow = false;
  }
}

/** The number of the block, and its size in the low bits that it leaves free. */
function key(va: bigint, sizeBits: number): bigint {
  const shift = BigInt(sizeBits);
  return ((BigInt.asUintN(56, va) >> shift) << shift) | BigInt(sizeBits);
}
