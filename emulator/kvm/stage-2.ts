/**
 * Stage 2 of a guest whose VMM has devices: identity, but for the regions that belong to user space. An access to
 * one of those is an exit. Arm ARM, "VMSAv8-64 translation table format descriptors", stage 2; VTCR_EL2.
 *
 * The tables are the hypervisor's own memory, which no address of the guest leads to: a walk reads them
 * through the bus that `behind` makes.
 */
import type { Bus } from '../cpu/memory-access.ts';

/** Intermediate physical addresses, in bytes. Bases and sizes are multiples of 4 KiB. */
export interface IpaRegion {
  readonly base: bigint;
  readonly size: bigint;
}

/** Where the tables are: the last gigabyte of 40-bit physical addresses. */
const TABLES = 0xff_c000_0000n;
const PAGE_BYTES = 4096n;
const ENTRY_BYTES = 8;
const ENTRIES = 512;
const LEVEL1_SHIFT = 30n;
const LEVEL3_SHIFT = 12n;
/** 1024 entries of 1 GiB: two tables one after the other, for 40-bit addresses. */
const LEVEL1_ENTRIES = 2 * ENTRIES;

const INVALID = 0n;
const TABLE = 0b11n;
const BLOCK = 0b01n;
const PAGE = 0b11n;
/** AF; SH = 0b11, Inner Shareable; S2AP = 0b11, read and write; MemAttr = 0b1111: stage 1 decides. */
const ATTRIBUTES = (1n << 10n) | (0b11n << 8n) | (0b11n << 6n) | (0b1111n << 2n);

/** T0SZ = 24, SL0 = 1 (level 1), walks Normal cacheable and Inner Shareable, TG0 = 4 KiB, PS = 40 bits, RES1. */
const VTCR_EL2 =
  24n | (1n << 6n) | (1n << 8n) | (1n << 10n) | (3n << 12n) | (2n << 16n) | (1n << 31n);

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const overlaps = (a: IpaRegion, b: IpaRegion): boolean =>
  a.base < b.base + b.size && b.base < a.base + a.size;
const contains = (outer: IpaRegion, inner: IpaRegion): boolean =>
  inner.base >= outer.base && inner.base + inner.size <= outer.base + outer.size;

export class Stage2 {
  readonly VTCR_EL2 = VTCR_EL2;
  /** VTTBR_EL2 without the VMID. */
  readonly BADDR = TABLES;
  /** Not mapped: user space's, and the tables themselves. */
  readonly #holes: readonly IpaRegion[];
  readonly #descriptors: bigint[] = [];

  /** @throws RangeError for a region that is not made of pages */
  constructor(userspace: readonly IpaRegion[]) {
    for (const { base, size } of userspace) {
      if (base % PAGE_BYTES !== 0n || size % PAGE_BYTES !== 0n || size <= 0n) {
        throw new RangeError(
          `A region of user space is made of pages of 4 KiB; ${hex(size)} bytes at ${hex(base)} are not.`,
        );
      }
    }
    this.#holes = [...userspace, { base: TABLES, size: 1n << LEVEL1_SHIFT }];
    this.#fill(0, LEVEL1_ENTRIES, LEVEL1_SHIFT, 0n);
  }

  /** Makes the entries of a table that begins at index `first`. @returns its physical address */
  #fill(first: number, count: number, shift: bigint, base: bigint): bigint {
    for (let n = 0; n < count; n += 1) this.#descriptors[first + n] = INVALID;
    for (let n = 0; n < count; n += 1) {
      const region = { base: base + (BigInt(n) << shift), size: 1n << shift };
      this.#descriptors[first + n] = this.#descriptor(region, shift);
    }
    return TABLES + BigInt(first * ENTRY_BYTES);
  }

  #descriptor(region: IpaRegion, shift: bigint): bigint {
    if (this.#holes.some((hole) => contains(hole, region))) return INVALID;
    if (!this.#holes.some((hole) => overlaps(hole, region))) {
      return region.base | ATTRIBUTES | (shift === LEVEL3_SHIFT ? PAGE : BLOCK);
    }
    return this.#fill(this.#descriptors.length, ENTRIES, shift - 9n, region.base) | TABLE;
  }

  #read(PA: bigint, size: number): bigint | undefined {
    if (PA < TABLES || size !== ENTRY_BYTES) return undefined;
    return this.#descriptors[Number(PA - TABLES) / ENTRY_BYTES];
  }

  /** A bus that has the tables beside what `bus` has. */
  behind(bus: Bus): Bus {
    return {
      read: (PA, size) => this.#read(PA, size) ?? bus.read(PA, size),
      write: (PA, size, value) => bus.write(PA, size, value),
      peek: (PA, size) => this.#read(PA, size) ?? bus.peek(PA, size),
    };
  }
}
