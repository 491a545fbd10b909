/** The engine's own generated functions: lazy flags, second-chance memory access, entering a code page. */
import {
  add,
  and,
  call,
  eq,
  eqz,
  extendU,
  geU,
  i32,
  i64,
  leU,
  ltS,
  ltU,
  ne,
  or,
  shl,
  shrU,
  STATE_BASE,
  stateLoad,
  sub,
  wrap,
  xor,
} from '../isa/expression.ts';
import type { Expr, IntegerType } from '../isa/expression.ts';
import { cellI32, cellI64, tlbEntry } from './cells.ts';
import { exitCode } from './exit.ts';
import * as L from './layout.ts';
import { buildWalk, WALK_SIGNATURE } from './table-walk.ts';
import type { FunctionBuilder, ModuleBuilder, Signature } from './wasm.ts';

/** What the host supplies; `descriptor` is made by `accessDescriptor`. */
export const IMPORTS: Readonly<Record<string, Signature>> = {
  /** (VA, descriptor) to a host address that holds the bytes, or -1. */
  readMemory: { parameters: ['i64', 'i32'], results: ['i32'] },
  /** (VA, descriptor): the bytes stand in the store buffer. 0 when stored, -1 when refused. */
  writeMemory: { parameters: ['i64', 'i32'], results: ['i32'] },
  /** VA of an instruction to its code page, or -1. */
  fetch: { parameters: ['i64'], results: ['i32'] },
  /** Fills the predecoded record at this address. */
  decode: { parameters: ['i32'], results: [] },
};

/** Size in bits 7:0, ACCESS_* flags in 15:8, element size minus one in 23:16. */
export function accessDescriptor(size: number, flags: number, element: number): number {
  return size | (flags << 8) | ((element - 1) << 16);
}
export const descriptorSize = (descriptor: number): number => descriptor & 0xff;
export const descriptorFlags = (descriptor: number): number => (descriptor >> 8) & 0xff;
export const descriptorElement = (descriptor: number): number => ((descriptor >> 16) & 0xff) + 1;

export function declareCoreFunctions(module: ModuleBuilder): void {
  module.declareFunction('packFlags', { parameters: [], results: ['i32'] });
  module.declareFunction('readSlow', { parameters: ['i64', 'i32', 'i32'], results: ['i32'] });
  module.declareFunction('writeSlow', { parameters: ['i64', 'i32', 'i32'], results: ['i32'] });
  module.declareFunction('walk', WALK_SIGNATURE);
  module.declareFunction('enterAt', { parameters: ['i64', 'i32'], results: ['i32'] });
}

/** `guardedPages`: the processor has FEAT_BTI. */
export function buildCoreFunctions(module: ModuleBuilder, guardedPages: boolean): void {
  buildPackFlags(module.defineFunction('packFlags'));
  buildReadSlow(module.defineFunction('readSlow'));
  buildWriteSlow(module.defineFunction('writeSlow'));
  buildWalk(module.defineFunction('walk'));
  buildEnterAt(module.defineFunction('enterAt'), guardedPages);
}

/** The lazy flags as NZCV in bits 3:0. */
function buildPackFlags(f: FunctionBuilder): void {
  const kind = f.let(cellI32(L.FLAG_KIND));
  const a = f.let(cellI64(L.FLAG_A));
  const b = f.let(cellI64(L.FLAG_B));
  const when = (value: number, body: () => void): void => {
    f.if(eq(kind, i32(value)), body);
  };
  when(L.FLAGS_SUB64, () => {
    f.return(packSub(f, a, b));
  });
  when(L.FLAGS_SUB32, () => {
    f.return(packSub(f, wrap(a), wrap(b)));
  });
  when(L.FLAGS_LOGICAL64, () => {
    f.return(packNZ(a));
  });
  when(L.FLAGS_LOGICAL32, () => {
    f.return(packNZ(wrap(a)));
  });
  when(L.FLAGS_ADD64, () => {
    f.return(packAdd(f, a, b));
  });
  when(L.FLAGS_ADD32, () => {
    f.return(packAdd(f, wrap(a), wrap(b)));
  });
  f.return(wrap(a));
}

function zeroOf<T extends IntegerType>(e: Expr<T>): Expr<T> {
  const zero: Expr = e.type === 'i32' ? i32(0) : i64(0);
  return zero as Expr<T>;
}

function packNZ<T extends IntegerType>(result: Expr<T>): Expr<'i32'> {
  return or(shl(ltS(result, zeroOf(result)), i32(3)), shl(eqz(result), i32(2)));
}

function packSub<T extends IntegerType>(f: FunctionBuilder, a: Expr<T>, b: Expr<T>): Expr<'i32'> {
  const result = f.let(sub(a, b));
  const overflow = ltS(and(xor(a, b), xor(a, result)), zeroOf(a));
  return or(packNZ(result), or(shl(geU(a, b), i32(1)), overflow));
}

function packAdd<T extends IntegerType>(f: FunctionBuilder, a: Expr<T>, b: Expr<T>): Expr<'i32'> {
  const result = f.let(add(a, b));
  const overflow = ltS(and(xor(result, a), xor(result, b)), zeroOf(a));
  return or(packNZ(result), or(shl(ltU(result, a), i32(1)), overflow));
}

const PAGE_MASK = i64(-L.PAGE_BYTES);

const sizeOf = (descriptor: Expr<'i32'>): Expr<'i32'> => and(descriptor, i32(0xff));
const flagOf = (descriptor: Expr<'i32'>, flag: number): Expr<'i32'> =>
  and(descriptor, i32(flag << 8));
const offsetInPage = (va: Expr<'i64'>): Expr<'i32'> => and(wrap(va), i32(L.PAGE_BYTES - 1));

/** An access after a miss of the fast tag, and the TLB entry of its page, filled where the engine can do so. */
interface SlowAccess {
  readonly entry: Expr<'i32'>;
  readonly tag: Expr<'i32'>;
  /** Offsets in the page, of the first byte and behind the last. */
  readonly first: Expr<'i32'>;
  readonly end: Expr<'i32'>;
  /** To its element. */
  readonly isAligned: Expr<'i32'>;
  /** The entry is for its page, which holds all of it. */
  readonly isInPage: Expr<'i32'>;
}

function slowAccess(f: FunctionBuilder): SlowAccess {
  const va = f.parameter(0, 'i64');
  const descriptor = f.parameter(1, 'i32');
  const tlb = f.parameter(2, 'i32');
  const entry = f.let(tlbEntry(tlb, va));
  const slowTag = f.variable(stateLoad('i64', 'i64.load', entry, L.TLB_SLOW_TAG));
  const isOfPage = eq(and(slowTag.value, PAGE_MASK), and(va, PAGE_MASK));
  f.if(eqz(and(isOfPage, ne(slowTag.value, i64(L.NO_SLOW_TAG)))), () => {
    f.if(call('i32', 'walk', va, tlb), () => {
      f.set(slowTag, stateLoad('i64', 'i64.load', entry, L.TLB_SLOW_TAG));
    });
  });
  const tag = slowTag.value;
  const first = f.let(offsetInPage(va));
  const end = f.let(add(first, sizeOf(descriptor)));
  const elementMask = and(shrU(descriptor, i32(16)), i32(0xff));
  return {
    entry,
    tag: f.let(wrap(tag)),
    first,
    end,
    isAligned: eqz(and(first, elementMask)),
    isInPage: and(isOfPage, leU(end, i32(L.PAGE_BYTES))),
  };
}

const allOf = (tag: Expr<'i32'>, bits: number): Expr<'i32'> => eq(and(tag, i32(bits)), i32(bits));

/** The access touches no byte of the page's watched range. */
function isBesideWatched(f: FunctionBuilder, { entry, first, end }: SlowAccess): Expr<'i32'> {
  const shift = Math.log2(L.TLB_ENTRY_BYTES / L.TLB_WATCHED_BYTES);
  const inTlbs = sub(sub(entry, STATE_BASE), i32(L.TLB));
  const at = f.let(add(STATE_BASE, shrU(inTlbs, i32(shift))));
  const low = stateLoad('i32', 'i32.load16_u', at, L.TLB_WATCHED);
  const high = stateLoad('i32', 'i32.load16_u', at, L.TLB_WATCHED + 2);
  return or(leU(end, low), geU(first, high));
}

/**
 * Loads inside one page are made here when they are unaligned in Normal memory, or aligned beside
 * watched bytes; all others by the host.
 */
function buildReadSlow(f: FunctionBuilder): void {
  const va = f.parameter(0, 'i64');
  const descriptor = f.parameter(1, 'i32');
  const access = slowAccess(f);
  const { entry, tag, isAligned, isInPage } = access;
  const host = add(wrap(va), stateLoad('i32', 'i32.load', entry, L.TLB_ADDEND));
  f.if(isInPage, () => {
    const mayBeUnaligned = and(
      allOf(tag, L.SLOW_UNALIGNED),
      eqz(flagOf(descriptor, L.ACCESS_ALIGNED)),
    );
    f.if(and(allOf(tag, L.SLOW_READ), or(isAligned, mayBeUnaligned)), () => {
      f.return(host);
    });
    f.if(and(allOf(tag, L.SLOW_READ_BESIDE), isAligned), () => {
      f.if(isBesideWatched(f, access), () => {
        f.return(host);
      });
    });
  });
  f.return(call('i32', 'readMemory', va, descriptor));
}

/**
 * As `readSlow` for stores. A page that holds code takes stores here too, as long as they touch
 * no granule with predecoded instructions. Returns STORE_BUFFER when the host has to store.
 */
function buildWriteSlow(f: FunctionBuilder): void {
  const va = f.parameter(0, 'i64');
  const descriptor = f.parameter(1, 'i32');
  const access = slowAccess(f);
  const { entry, tag, first, end, isAligned, isInPage } = access;
  const mayBeUnaligned = and(
    allOf(tag, L.SLOW_UNALIGNED),
    eqz(flagOf(descriptor, L.ACCESS_ALIGNED)),
  );
  const isZeroBlock = ne(flagOf(descriptor, L.ACCESS_ZERO_BLOCK), i32(0));
  const isRefused = f.variable(i32(1));
  f.if(and(isInPage, allOf(tag, L.SLOW_WRITE)), () => {
    const zeroBlockRefused = and(isZeroBlock, eqz(allOf(tag, L.SLOW_UNALIGNED)));
    f.set(isRefused, or(eqz(or(isAligned, mayBeUnaligned)), zeroBlockRefused));
  });
  f.if(and(isInPage, allOf(tag, L.SLOW_WRITE_BESIDE)), () => {
    f.set(isRefused, eqz(and(and(isAligned, eqz(isZeroBlock)), isBesideWatched(f, access))));
  });
  f.if(eqz(isRefused.value), () => {
    const codePage = f.let(stateLoad('i32', 'i32.load', entry, L.TLB_CODE_PAGE));
    const host = add(wrap(va), stateLoad('i32', 'i32.load', entry, L.TLB_ADDEND));
    f.if(eqz(codePage), () => {
      f.return(host);
    });
    const granules = f.let(stateLoad('i64', 'i64.load', codePage, L.CODE_PAGE_GRANULES));
    const shift = Math.log2(L.GRANULE_BYTES);
    const at = (offset: Expr<'i32'>): Expr<'i64'> =>
      shrU(granules, extendU(shrU(offset, i32(shift))));
    const touched = and(or(at(first), at(sub(end, i32(1)))), i64(1));
    f.if(eqz(touched), () => {
      f.return(host);
    });
  });
  f.return(i32(L.STORE_BUFFER));
}

/** Returns BRANCH_TARGET where the previous instruction was an indirect branch that this one may refuse. */
function checkBranchTarget(f: FunctionBuilder, record: Expr<'i32'>, budget: Expr<'i32'>): void {
  const retired = sub(cellI64(L.RETIRED_AT_END), extendU(budget));
  f.if(eq(cellI64(L.BTYPE_RETIRED), retired), () => {
    f.if(eqz(stateLoad('i32', 'i32.load16_u', record, L.RECORD_HANDLER)), () => {
      f.callProcedure('decode', record);
    });
    const allowed = stateLoad('i32', 'i32.load8_u', record, L.RECORD_BRANCH_TYPES);
    f.if(eqz(and(shrU(allowed, cellI32(L.BTYPE)), i32(1))), () => {
      f.return(i32(-exitCode.of('BRANCH_TARGET')));
    });
  });
}

/**
 * Makes `va` the PC and finds its record. Returns the record's address, or an exit code negated;
 * PC, PAGE and PAGE_VA are up to date in memory either way.
 *
 * The second parameter is what is left of the budget: by it an indirect branch from the instruction before is
 * known, which an instruction in a guarded page may refuse.
 */
function buildEnterAt(f: FunctionBuilder, guardedPages: boolean): void {
  const va = f.parameter(0, 'i64');
  f.storeTo('i64.store', STATE_BASE, L.PC, va);
  f.if(ne(and(wrap(va), i32(3)), i32(0)), () => {
    f.return(i32(-exitCode.of('PC_ALIGNMENT')));
  });
  const pageVa = f.let(and(va, PAGE_MASK));
  const index = and(wrap(shrU(va, i64(12))), i32(L.FETCH_TLB_ENTRIES - 1));
  const offset = shl(index, i32(Math.log2(L.FETCH_TLB_ENTRY_BYTES)));
  const entry = f.let(add(cellI32(L.FETCH_TLB_BASE), offset));
  const page = f.variable(stateLoad('i32', 'i32.load', entry, L.FETCH_PAGE));
  f.if(ne(stateLoad('i64', 'i64.load', entry, L.FETCH_TAG), pageVa), () => {
    f.set(page, call('i32', 'fetch', va));
    f.if(ltS(page.value, i32(0)), () => {
      f.return(i32(-exitCode.of('HOST_FAULT')));
    });
  });
  f.storeTo('i32.store', STATE_BASE, L.PAGE, page.value);
  f.storeTo('i64.store', STATE_BASE, L.PAGE_VA, pageVa);
  const record = f.let(add(page.value, shl(offsetInPage(va), i32(3))));
  if (guardedPages) {
    const guarded = f.let(stateLoad('i32', 'i32.load', entry, L.FETCH_GUARDED));
    f.storeTo('i32.store', STATE_BASE, L.GUARDED_PAGE, guarded);
    f.if(guarded, () => {
      checkBranchTarget(f, record, f.parameter(1, 'i32'));
    });
  }
  f.return(record);
}
