/**
 * The tables of one batch: regions of random descriptors in which a walk finds its way from anywhere, and
 * roots for stage 2 and the EL2 regime that map what the harness needs and are random otherwise.
 */
import type { RandomBits } from '../random-bits.ts';
import * as L from './layout.ts';

/** A root that maps the harness's image, and the fields of TCR_EL2 or VTCR_EL2 that go with it. */
export interface BuiltRoot {
  readonly base: number;
  readonly granuleBits: 12 | 14 | 16;
  readonly inputBits: number;
  readonly startLevel: number;
}

const TABLE_OR_PAGE = 3n;
const BLOCK = 1n;
const AF = 1n << 10n;
const INNER_SHAREABLE = 3n << 8n;
/** At stage 1: AttrIndx 0, read-only at every EL. */
const STAGE1_IMAGE = AF | INNER_SHAREABLE | (3n << 6n);
/** Of stage 2; all ones are Normal Write-Back. */
const MEM_ATTR = 0xfn << 2n;
/** At stage 2: Normal Write-Back, S2AP read and write. */
const STAGE2_IMAGE = AF | INNER_SHAREABLE | (3n << 6n) | MEM_ATTR;

const flag = (bits: RandomBits, percent: number, position: number): bigint =>
  bits.below(100) < percent ? 1n << BigInt(position) : 0n;

function randomAddress(bits: RandomBits, tables: number): bigint {
  const page = (): number => (bits.oneIn(2) ? bits.below(128) * 4096 : bits.below(8) * 0x1_0000);
  const choice = bits.below(100);
  if (choice < 60) return BigInt(tables + page());
  if (choice < 85) return BigInt(bits.oneIn(2) ? L.DATA : L.DATA + bits.below(4) * 4096);
  if (choice < 91) return 0x4000_0000n;
  if (choice < 95) return BigInt(L.HOLE + bits.below(0x1000) * 0x1_0000);
  if (choice < 97) return BigInt(bits.below(0x8_0000)) << 12n;
  return (BigInt(bits.next() & 0xffff) << 32n) | BigInt(bits.next() & 0xffff_f000);
}

function randomKind(bits: RandomBits): bigint {
  const choice = bits.below(100);
  if (choice < 86) return TABLE_OR_PAGE;
  return choice < 94 ? BLOCK : choice < 97 ? 0n : 2n;
}

/** Non-shareable, Outer and Inner Shareable; 1 is reserved. */
const SHAREABILITIES = [0, 2, 3] as const;

/** AttrIndx or MemAttr, NS, AP or S2AP, SH, AF, nG; and of the upper ones what both stages have. */
function randomAttributes(bits: RandomBits): bigint {
  const SH = BigInt(bits.pick(SHAREABILITIES)) << 8n;
  const low = BigInt(bits.next() & 0x8fc) | SH | (bits.oneIn(12) ? 0n : AF);
  return low | flag(bits, 5, 51) | flag(bits, 5, 52) | flag(bits, 12, 54) | flag(bits, 30, 56);
}

function randomStage1(bits: RandomBits): bigint {
  let descriptor = randomKind(bits) | randomAddress(bits, L.STAGE1_RANDOM) | randomAttributes(bits);
  descriptor |= flag(bits, 12, 53);
  // NSTable, APTable, UXNTable, PXNTable
  for (const position of [59, 60, 61, 62, 63]) descriptor |= flag(bits, 6, position);
  return descriptor;
}

/** MemAttr[3:0] at bits 5:2: Device, or Normal; an inner part of 0 beside an outer one is reserved. */
function randomMemAttr(bits: RandomBits): bigint {
  const outer = bits.below(4);
  const inner = outer === 0 ? bits.below(4) : 1 + bits.below(3);
  return BigInt((outer << 4) | (inner << 2));
}

/** Bit 53 stays clear: it means something on a processor with FEAT_XNX only. */
function randomStage2(bits: RandomBits): bigint {
  const kind = randomKind(bits);
  let attributes = randomAttributes(bits);
  if (!bits.oneIn(3)) attributes |= 3n << 6n;
  attributes = (attributes & ~MEM_ATTR) | (bits.oneIn(3) ? randomMemAttr(bits) : MEM_ATTR);
  return kind | randomAddress(bits, L.STAGE2_RANDOM) | attributes;
}

/** What stage 2 says of a page or block of memory that stage 1 tables and data are in. */
function identityAtStage2(bits: RandomBits, address: bigint, kind: bigint): bigint {
  if (bits.oneIn(20)) return randomStage2(bits);
  let attributes = INNER_SHAREABLE;
  attributes |= bits.oneIn(5) ? BigInt(bits.below(4)) << 6n : 3n << 6n;
  attributes |= bits.oneIn(5) ? randomMemAttr(bits) : MEM_ATTR;
  attributes |= (bits.oneIn(25) ? 0n : AF) | flag(bits, 10, 54);
  return address | attributes | kind;
}

function identityAtStage1(bits: RandomBits, address: bigint, kind: bigint): bigint {
  return bits.oneIn(3) ? randomStage1(bits) : address | randomAttributes(bits) | kind;
}

interface Range {
  readonly first: number;
  readonly end: number;
}
const IMAGE: Range = { first: L.IMAGE, end: L.IMAGE + L.IMAGE_BYTES };
const DATA: Range = { first: L.DATA, end: L.DATA + 0x1_0000 };
const STAGE1_RANDOM: Range = { first: L.STAGE1_RANDOM, end: L.STAGE1_RANDOM + L.RANDOM_BYTES };

interface Stage {
  random(bits: RandomBits): bigint;
  identity(bits: RandomBits, address: bigint, kind: bigint): bigint;
  readonly image: bigint;
  /** What is mapped to itself, beside the image. */
  readonly mapped: readonly Range[];
}
const STAGE1: Stage = {
  random: randomStage1,
  identity: identityAtStage1,
  image: STAGE1_IMAGE,
  mapped: [DATA],
};
const STAGE2: Stage = {
  random: randomStage2,
  identity: identityAtStage2,
  image: STAGE2_IMAGE,
  mapped: [DATA, STAGE1_RANDOM],
};

const STAGE2_ROOTS = 8;
const EL2_ROOTS = 6;
/** Of a larger table only some entries are random; the others are invalid. */
const DENSE_ENTRIES = 1024;
const SPARSE_ENTRIES = 64;

export class Tables {
  /** From L.TABLES on. */
  readonly memory = new BigUint64Array(L.TABLES_BYTES / 8);
  /** The image's three tables, for L.IMAGE_TABLES. */
  readonly imageTables = imageTables();
  readonly stage2: readonly BuiltRoot[];
  readonly EL2: readonly BuiltRoot[];
  #nextFree = L.BUILT;

  constructor(bits: RandomBits) {
    const fill = (from: number, random: (bits: RandomBits) => bigint): void => {
      const first = (from - L.TABLES) / 8;
      for (let n = 0; n < L.RANDOM_BYTES / 8; n += 1) this.memory[first + n] = random(bits);
    };
    fill(L.STAGE1_RANDOM, randomStage1);
    fill(L.STAGE2_RANDOM, randomStage2);
    this.stage2 = Array.from({ length: STAGE2_ROOTS }, () => this.#stage2Root(bits));
    this.EL2 = Array.from({ length: EL2_ROOTS }, () => this.#EL2Root(bits));
  }

  /** The 64 bits at a physical address, as far as the batch knows them. */
  descriptor(PA: bigint): bigint | undefined {
    const address = Number(PA);
    if (address >= L.TABLES && address < L.TABLES + L.TABLES_BYTES) {
      return this.memory[(address - L.TABLES) / 8];
    }
    return this.imageTables[(address - L.IMAGE_TABLES) / 8];
  }

  #stage2Root(bits: RandomBits): BuiltRoot {
    const shapes = [
      { granuleBits: 12, startLevel: 1, least: 31, most: 40 },
      { granuleBits: 12, startLevel: 2, least: 31, most: 34 },
      { granuleBits: 14, startLevel: 2, least: 31, most: 36 },
      { granuleBits: 16, startLevel: 2, least: 31, most: 40 },
      { granuleBits: 16, startLevel: 3, least: 31, most: 32 },
    ] as const;
    const { granuleBits, startLevel, least, most } = bits.pick(shapes);
    const inputBits = least + bits.below(most - least + 1);
    const base = this.#build(bits, STAGE2, granuleBits, inputBits, startLevel, 0);
    return { base, granuleBits, inputBits, startLevel };
  }

  #EL2Root(bits: RandomBits): BuiltRoot {
    const granuleBits = bits.pick([12, 14, 16] as const);
    const inputBits = 31 + bits.below(18);
    const startLevel = 4 - Math.ceil((inputBits - granuleBits) / (granuleBits - 3));
    const base = this.#build(bits, STAGE1, granuleBits, inputBits, startLevel, 0);
    return { base, granuleBits, inputBits, startLevel };
  }

  /** A table for the addresses from `from` on, of which `inputBits` bits are left; gives its address. */
  #build(
    bits: RandomBits,
    stage: Stage,
    granuleBits: 12 | 14 | 16,
    inputBits: number,
    level: number,
    from: number,
  ): number {
    const low = granuleBits + (granuleBits - 3) * (3 - level);
    const entries = 2 ** (inputBits - low);
    const table = this.#allocate(8 * entries);
    const first = (table - L.TABLES) / 8;
    if (entries <= DENSE_ENTRIES) {
      for (let n = 0; n < entries; n += 1) this.memory[first + n] = stage.random(bits);
    } else {
      for (let n = 0; n < SPARSE_ENTRIES; n += 1) {
        this.memory[first + bits.below(entries)] = stage.random(bits);
      }
    }
    const size = 2 ** low;
    const overlaps = (address: number, { first: start, end }: Range): boolean =>
      address < end && address + size > start;
    const indices = new Set<number>();
    for (const range of [IMAGE, ...stage.mapped]) {
      for (let at = range.first - (range.first % size); at < range.end; at += size) {
        const index = (at - from) / size;
        if (index >= 0 && index < entries) indices.add(index);
      }
    }
    for (const index of indices) {
      const address = from + index * size;
      const isImage = overlaps(address, IMAGE);
      if (level === 3) {
        this.memory[first + index] = isImage
          ? BigInt(address) | stage.image | TABLE_OR_PAGE
          : stage.identity(bits, BigInt(address), TABLE_OR_PAGE);
      } else if (!isImage && level >= (granuleBits === 12 ? 1 : 2) && bits.oneIn(2)) {
        this.memory[first + index] = stage.identity(bits, BigInt(address), BLOCK);
      } else {
        const next = this.#build(bits, stage, granuleBits, low, level + 1, address);
        this.memory[first + index] = BigInt(next) | TABLE_OR_PAGE;
      }
    }
    return table;
  }

  #allocate(bytes: number): number {
    // A table is aligned to its size, or to 64 bytes.
    const size = Math.max(bytes, 4096);
    const table = Math.ceil(this.#nextFree / size) * size;
    this.#nextFree = table + size;
    if (this.#nextFree > L.BUILT + L.BUILT_BYTES) throw new RangeError('no room for more tables');
    return table;
  }
}

/** Maps the image alone, for 39-bit addresses with 4 KB granules. */
function imageTables(): BigUint64Array {
  const tables = new BigUint64Array((3 * 4096) / 8);
  const [level1, level2, level3] = [0, 512, 1024];
  tables[level1 + (L.IMAGE >>> 30)] = BigInt(L.IMAGE_TABLES + 8 * level2) | TABLE_OR_PAGE;
  tables[level2 + ((L.IMAGE >>> 21) & 511)] = BigInt(L.IMAGE_TABLES + 8 * level3) | TABLE_OR_PAGE;
  for (let page = L.IMAGE; page < L.IMAGE + L.IMAGE_BYTES; page += 4096) {
    tables[level3 + ((page >>> 12) & 511)] = BigInt(page) | STAGE1_IMAGE | TABLE_OR_PAGE;
  }
  return tables;
}
