/** Guest RAM by physical address, inside the engine's memory. */
import { PAGE_BYTES } from './layout.ts';

/** Base and size are multiples of 4 KiB. */
export interface RamRegion {
  readonly base: bigint;
  readonly size: number;
}

interface Placed extends RamRegion {
  readonly host: number;
  readonly start: number;
}

export class Ram {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #regions: readonly Placed[];

  constructor(memory: ArrayBuffer, start: number, regions: readonly RamRegion[]) {
    this.#bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
    let host = start;
    this.#regions = regions.map(({ base, size }) => {
      if (base % BigInt(PAGE_BYTES) !== 0n || size % PAGE_BYTES !== 0) {
        throw new RangeError(`RAM at 0x${base.toString(16)}, ${size} bytes: not whole pages`);
      }
      const placed = { base, size, host, start: Number(base) };
      host += size;
      return placed;
    });
  }

  static hostBytes(regions: readonly RamRegion[]): number {
    return regions.reduce((sum, { size }) => sum + size, 0);
  }

  get regions(): readonly RamRegion[] {
    return this.#regions;
  }

  #find(pa: bigint): Placed | undefined {
    for (const region of this.#regions) {
      if (pa >= region.base && pa < region.base + BigInt(region.size)) return region;
    }
    return undefined;
  }

  /** Offset in the engine's memory, or undefined where there is no RAM. */
  hostAddress(pa: bigint): number | undefined {
    const region = this.#find(pa);
    return region && region.host + Number(pa - region.base);
  }

  /** As `hostAddress`, for a physical address as a number, below 2^53. */
  hostOffset(pa: number): number | undefined {
    for (const { start, size, host } of this.#regions) {
      if (pa >= start && pa < start + size) return host + (pa - start);
    }
    return undefined;
  }

  /** The 32-bit word at an offset that `hostAddress` returned, unsigned. */
  word(host: number): number {
    return this.#view.getUint32(host, true);
  }

  /** Physical address of an offset that `hostAddress` returned. */
  physicalAddress(host: number): bigint {
    for (const region of this.#regions) {
      if (host >= region.host && host < region.host + region.size) {
        return region.base + BigInt(host - region.host);
      }
    }
    throw new RangeError(`0x${host.toString(16)} is not in guest RAM`);
  }

  /** A view of `length` bytes, or undefined when they are not all in one RAM region. */
  view(pa: bigint, length: number): Uint8Array | undefined {
    const region = this.#find(pa);
    if (!region || pa + BigInt(length) > region.base + BigInt(region.size)) return undefined;
    const host = region.host + Number(pa - region.base);
    return this.#bytes.subarray(host, host + length);
  }
  /** A copy of `length` bytes, or undefined when they are not all in one RAM region. */
  read(pa: bigint, length: number): Uint8Array | undefined {
    return this.view(pa, length)?.slice();
  }
  write(pa: bigint, bytes: Uint8Array): boolean {
    const view = this.view(pa, bytes.length);
    view?.set(bytes);
    return view !== undefined;
  }
  /** Zeroes all RAM. */
  clear(): void {
    for (const { host, size } of this.#regions) this.#bytes.fill(0, host, host + size);
  }
}
