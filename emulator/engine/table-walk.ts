/**
 * The translation table walk of the engine: what most TLB misses need, without a host call. It knows data
 * in Normal memory behind a 4 KB granule, stage 1 alone, tables and data in the first region of RAM. All
 * else, every fault among it, is the host's, whose walk is the whole one and the judge of this one.
 *
 * What it reads of the regime stands in a descriptor for each TLB, which the host fills when it has
 * answered for a miss, and which goes whenever the TLB is emptied.
 */
import {
  add,
  and,
  eq,
  eqz,
  extendU,
  geU,
  gtU,
  i32,
  i64,
  ne,
  not,
  or,
  select,
  shl,
  shrS,
  shrU,
  STATE_BASE,
  stateLoad,
  sub,
  wrap,
} from '../isa/expression.ts';
import type { Expr } from '../isa/expression.ts';
import { tlbEntry } from './cells.ts';
import * as L from './layout.ts';
import type { Ram } from './ram.ts';
import { DATA_TLBS } from './tlb.ts';
import type { DataTlbIndex } from './tlb.ts';
import type { FunctionBuilder } from './wasm.ts';

/** Where walks start for the addresses of one range. */
export interface WalkRange {
  /** Physical address of the first table. */
  readonly table: number;
  readonly startLevel: number;
  /** Width of the input address, in bits. */
  readonly inputBits: number;
  /** Width of the output address, in bits. */
  readonly outputBits: number;
  readonly ignoresTopByte: boolean;
}

/** A regime as the engine's walk needs it; a range that it leaves to the host is undefined. */
export interface TableWalk {
  /** Addresses with bit 55 clear. */
  readonly lower: WalkRange | undefined;
  readonly upper: WalkRange | undefined;
  /** What each value of AP[2:1] permits: 1 to read, 2 to write. */
  readonly permissions: readonly [number, number, number, number];
  /** Whether MAIR_ELx.Attr0 to Attr7 are Normal memory. */
  readonly normal: readonly boolean[];
  /** nG marks what is for one ASID. */
  readonly hasASIDs: boolean;
}

const UNKNOWN = 0;
const USABLE = 1;
const LEFT_TO_HOST = 2;

const STATUS = 0; // i32
const PERMISSIONS = 4; // i32: two bits for each value of AP[2:1]
const NORMAL = 8; // i32: a bit for each attribute index
const NG_MASK = 12; // i32: the nG bit of a descriptor, or 0
const RANGES = 16; // lower, upper
const RANGE_BYTES = 16;
const TABLE = 0; // i32: host address of the first table; 0: walks of this range are the host's
const START_SHIFT = 4; // i32: of the index into the first table
const INPUT_BITS = 8; // i32
const IGNORED_BITS = 12; // i32: at the top of the address

const PAGE_BITS = 12;
const LEVEL_BITS = 9;
const LARGEST_BLOCK_BITS = 30;

// Arm ARM, "VMSAv8-64 descriptor formats"
const OUTPUT_ADDRESS = 0xffff_ffff_f000n;
const APTABLE = 3n << 61n;
const AF = 1n << 10n;
const NG = 1 << 11;

const walkCell = (walk: Expr<'i32'>, offset: number): Expr<'i32'> =>
  stateLoad('i32', 'i32.load', walk, offset);

/** walk(va, tlb): installs the TLB entry of the page of `va` and returns 1, or 0 where that is the host's. */
export const WALK_SIGNATURE = { parameters: ['i64', 'i32'], results: ['i32'] } as const;

export function buildWalk(f: FunctionBuilder): void {
  const va = f.parameter(0, 'i64');
  const tlb = f.parameter(1, 'i32');
  const leaveToHostIf = (condition: Expr<'i32'>): void => {
    f.if(condition, () => {
      f.return(i32(0));
    });
  };
  const inTlbs = sub(sub(tlb, STATE_BASE), i32(L.TLB));
  const scaled = shrU(inTlbs, i32(Math.log2(L.TLB_BYTES / L.WALK_BYTES)));
  const walk = f.let(add(STATE_BASE, add(scaled, i32(L.WALKS))));
  leaveToHostIf(ne(walkCell(walk, STATUS), i32(USABLE)));

  const upper = f.let(and(wrap(shrU(va, i64(55))), i32(1)));
  const range = f.let(add(walk, shl(upper, i32(Math.log2(RANGE_BYTES)))));
  const table = f.variable(walkCell(range, RANGES + TABLE));
  leaveToHostIf(eqz(table.value));
  const inputBits = f.let(extendU(walkCell(range, RANGES + INPUT_BITS)));
  const ignored = f.let(extendU(walkCell(range, RANGES + IGNORED_BITS)));
  // All bits above the input address are bit 55.
  const above = shrS(shl(va, ignored), add(ignored, inputBits));
  leaveToHostIf(ne(above, sub(i64(0), extendU(upper))));
  const unused = f.let(sub(i64(64), inputBits));
  const address = f.let(shrU(shl(va, unused), unused));

  const ramHost = f.let(stateLoad('i32', 'i32.load', STATE_BASE, L.RAM_HOST));
  const ramBase = f.let(stateLoad('i64', 'i64.load', STATE_BASE, L.RAM_BASE));
  const ramBytes = f.let(stateLoad('i64', 'i64.load', STATE_BASE, L.RAM_BYTES));
  const hostAddress = (pa: Expr<'i64'>): Expr<'i32'> => {
    const offset = f.let(sub(pa, ramBase));
    leaveToHostIf(geU(offset, ramBytes));
    return f.let(add(wrap(offset), ramHost));
  };

  const shift = f.variable(walkCell(range, RANGES + START_SHIFT));
  const indexMask = f.variable(i32(-1));
  const descriptor = f.variable(i64(0));
  const isTable = f.variable(i32(1));
  f.while(
    () => isTable.value,
    () => {
      const index = and(wrap(shrU(address, extendU(shift.value))), indexMask.value);
      const at = add(table.value, shl(index, i32(3)));
      f.set(descriptor, stateLoad('i64', 'i64.load', at, 0));
      const low = f.let(wrap(descriptor.value));
      leaveToHostIf(eqz(and(low, i32(1))));
      const bit1 = ne(and(low, i32(2)), i32(0));
      f.set(isTable, and(bit1, gtU(shift.value, i32(PAGE_BITS))));
      f.if(isTable.value, () => {
        leaveToHostIf(ne(and(descriptor.value, i64(APTABLE)), i64(0)));
        f.set(table, hostAddress(and(descriptor.value, i64(OUTPUT_ADDRESS))));
        f.set(shift, sub(shift.value, i32(LEVEL_BITS)));
        f.set(indexMask, i32(2 ** LEVEL_BITS - 1));
      });
    },
  );

  const low = f.let(wrap(descriptor.value));
  const isPage = f.let(eq(shift.value, i32(PAGE_BITS)));
  leaveToHostIf(ne(isPage, and(shrU(low, i32(1)), i32(1))));
  leaveToHostIf(gtU(shift.value, i32(LARGEST_BLOCK_BITS)));
  leaveToHostIf(eqz(and(low, i32(Number(AF)))));
  const attributeIndex = and(shrU(low, i32(2)), i32(7));
  leaveToHostIf(eqz(and(shrU(walkCell(walk, NORMAL), attributeIndex), i32(1))));
  const inLeaf = f.let(sub(shl(i64(1), extendU(shift.value)), i64(1)));
  const output = and(and(descriptor.value, i64(OUTPUT_ADDRESS)), not(inLeaf));
  const inLeafPages = and(and(address, inLeaf), i64(-L.PAGE_BYTES));
  const host = f.let(hostAddress(or(output, inLeafPages)));
  const codeMap = stateLoad('i32', 'i32.load', STATE_BASE, L.CODE_MAP);
  const hasCode = stateLoad('i32', 'i32.load8_u', add(codeMap, shrU(host, i32(PAGE_BITS))), 0);
  leaveToHostIf(hasCode);

  const AP = and(shrU(low, i32(6)), i32(3));
  const permitted = and(shrU(walkCell(walk, PERMISSIONS), shl(AP, i32(1))), i32(3));
  const permissions = f.let(permitted);
  const page = f.let(and(va, i64(-L.PAGE_BYTES)));
  const entry = f.let(tlbEntry(tlb, va));
  const tagFor = (permission: number): Expr<'i64'> =>
    select(and(permissions, i32(permission)), page, i64(L.NO_TAG));
  f.storeTo('i64.store', entry, L.TLB_READ_TAG, tagFor(L.SLOW_READ));
  f.storeTo('i64.store', entry, L.TLB_WRITE_TAG, tagFor(L.SLOW_WRITE));
  const toNotGlobal = i32(Math.log2(NG / L.SLOW_NOT_GLOBAL));
  const notGlobal = shrU(and(low, walkCell(walk, NG_MASK)), toNotGlobal);
  const slow = or(or(permissions, i32(L.SLOW_UNALIGNED)), notGlobal);
  f.storeTo('i64.store', entry, L.TLB_SLOW_TAG, or(page, extendU(slow)));
  f.storeTo('i32.store', entry, L.TLB_ADDEND, sub(host, wrap(page)));
  f.storeTo('i32.store', entry, L.TLB_CODE_PAGE, i32(0));

  f.if(eqz(isPage), () => {
    f.if(
      eq(shift.value, i32(L.LARGE_UNIT_BITS)),
      () => {
        const unit = f.let(largeUnit(va));
        const at = f.let(add(STATE_BASE, shrU(unit, i32(3))));
        const known = stateLoad('i32', 'i32.load8_u', at, L.LARGE_MAPPINGS);
        const bit = shl(i32(1), and(unit, i32(7)));
        f.storeTo('i32.store8', at, L.LARGE_MAPPINGS, or(known, bit));
      },
      () => {
        f.storeTo('i32.store', STATE_BASE, L.HUGE_MAPPING, i32(1));
      },
    );
  });
  f.return(i32(1));
}

/** Number of the bit of LARGE_MAPPINGS that stands for `va`: from its bit 55 and its lower half. */
function largeUnit(va: Expr<'i64'>): Expr<'i32'> {
  const half = L.LARGE_UNITS / 2;
  const inHalf = and(wrap(shrU(va, i64(L.LARGE_UNIT_BITS))), i32(half - 1));
  const isUpper = and(wrap(shrU(va, i64(55))), i32(1));
  return or(inHalf, shl(isUpper, i32(Math.log2(half))));
}
function largeUnitOf(va: bigint): number {
  const half = L.LARGE_UNITS / 2;
  const inHalf = Number((va >> BigInt(L.LARGE_UNIT_BITS)) & BigInt(half - 1));
  return inHalf + Number((va >> 55n) & 1n) * half;
}

/**
 * The host's side of one processor's walks, and which pages of its TLBs were made from something larger:
 * an address that TLBI names stands for all of its block.
 */
export class TableWalks {
  readonly #view: DataView;
  readonly #ram: Ram;

  /** `stateBase` is the start of the processor's bank, `codeMap` the address of the memory's CODE_MAP. */
  constructor(memory: ArrayBuffer, stateBase: number, ram: Ram, codeMap: number) {
    this.#view = new DataView(memory, stateBase, L.BANK_BYTES);
    this.#ram = ram;
    const [first] = ram.regions;
    const host = first && ram.hostAddress(first.base);
    if (host === undefined) return;
    this.#view.setBigUint64(L.RAM_BASE, first?.base ?? 0n, true);
    this.#view.setBigUint64(L.RAM_BYTES, BigInt(first?.size ?? 0), true);
    this.#view.setInt32(L.RAM_HOST, host, true);
    this.#view.setInt32(L.CODE_MAP, codeMap - (host >>> PAGE_BITS), true);
  }

  /** Whether `set` was called since the last `forget`. */
  isKnown(tlb: DataTlbIndex): boolean {
    return this.#view.getInt32(walkOf(tlb) + STATUS, true) !== UNKNOWN;
  }

  /** How a TLB may be filled; undefined: by the host alone. */
  set(tlb: DataTlbIndex, regime: TableWalk | undefined): void {
    const view = this.#view;
    const walk = walkOf(tlb);
    view.setInt32(walk + STATUS, regime === undefined ? LEFT_TO_HOST : USABLE, true);
    if (regime === undefined) return;
    const { permissions, normal, hasASIDs } = regime;
    const packed = permissions.reduce((sum, value, AP) => sum | ((value & 3) << (2 * AP)), 0);
    view.setInt32(walk + PERMISSIONS, packed, true);
    const mask = normal.reduce((sum, value, index) => sum | (value ? 1 << index : 0), 0);
    view.setInt32(walk + NORMAL, mask, true);
    view.setInt32(walk + NG_MASK, hasASIDs ? NG : 0, true);
    this.#setRange(walk + RANGES, regime.lower);
    this.#setRange(walk + RANGES + RANGE_BYTES, regime.upper);
  }

  #setRange(at: number, range: WalkRange | undefined): void {
    const view = this.#view;
    const [first] = this.#ram.regions;
    const end = first === undefined ? 0 : Number(first.base) + first.size;
    const table = range && this.#ram.hostOffset(range.table);
    // An output address beyond the regime's is a fault, and a table elsewhere is the bus's.
    const isInside = range !== undefined && range.table < end && end <= 2 ** range.outputBits;
    view.setInt32(at + TABLE, isInside && table !== undefined ? table : 0, true);
    if (range === undefined) return;
    view.setInt32(at + START_SHIFT, PAGE_BITS + LEVEL_BITS * (3 - range.startLevel), true);
    view.setInt32(at + INPUT_BITS, range.inputBits, true);
    view.setInt32(at + IGNORED_BITS, range.ignoresTopByte ? 8 : 0, true);
  }

  /** The regimes, or what stands in the way of walks, may have changed. */
  forget(): void {
    for (const tlb of DATA_TLBS) this.#view.setInt32(walkOf(tlb) + STATUS, UNKNOWN, true);
  }

  // -- larger mappings

  /** Pages of the block or page of 2^sizeBits bytes that holds `va` may be in a TLB. */
  addMapping(va: bigint, sizeBits: number): void {
    if (sizeBits <= PAGE_BITS) return;
    if (sizeBits > L.LARGE_UNIT_BITS) {
      this.#view.setInt32(L.HUGE_MAPPING, 1, true);
      return;
    }
    const unit = largeUnitOf(va);
    const at = L.LARGE_MAPPINGS + (unit >> 3);
    this.#view.setUint8(at, this.#view.getUint8(at) | (1 << (unit & 7)));
  }

  /** Whether `va` may be in one of them; bits 63:56 take no part. */
  mayBeLarge(va: bigint): boolean {
    if (this.#view.getInt32(L.HUGE_MAPPING, true) !== 0) return true;
    const unit = largeUnitOf(va);
    return ((this.#view.getUint8(L.LARGE_MAPPINGS + (unit >> 3)) >> (unit & 7)) & 1) === 1;
  }

  /** The TLBs are empty. */
  forgetMappings(): void {
    for (let at = 0; at < L.LARGE_UNITS / 8; at += 8) {
      this.#view.setBigUint64(L.LARGE_MAPPINGS + at, 0n, true);
    }
    this.#view.setInt32(L.HUGE_MAPPING, 0, true);
  }
}

const walkOf = (tlb: DataTlbIndex): number => L.WALKS + tlb * L.WALK_BYTES;
