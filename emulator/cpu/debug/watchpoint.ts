/**
 * Watchpoints: when DBGWCR<n>_EL1 and DBGWVR<n>_EL1 generate a Watchpoint exception.
 *
 * Arm ARM, "DBGWCR<n>_EL1", AArch64.WatchpointMatch() and AArch64.WatchpointByteMatch().
 *
 * CONSTRAINED UNPREDICTABLE choices: LSC 0b00, MASK 1 and 2 and a reserved HMC:SSC:PAC behave as
 * disabled; with MASK, BAS and the masked bits of DBGWVR are ignored; a BAS that is not contiguous
 * fires for each selected byte. The FAR is the first watched byte of the access.
 */
import {
  conditionsInclude,
  executionConditions,
  isReservedCombination,
} from './execution-conditions.ts';
import { describeConditions } from './execution-conditions.ts';
import { linkedBreakpointNumber, linkVerdict, silent } from './breakpoint.ts';
import type { BreakpointRegisters, DebugContext, DebugResources, Verdict } from './breakpoint.ts';
import type { ExceptionLevel } from '../pstate.ts';

export interface WatchpointRegisters extends BreakpointRegisters {
  DBGWCR(n: number): bigint;
  DBGWVR(n: number): bigint;
}

export interface WatchedAccess {
  readonly address: bigint;
  /** In bytes. */
  readonly size: number;
  readonly isWrite: boolean;
  /** EL0 for LDTR, STTR and relatives, else the current EL. */
  readonly EL: ExceptionLevel;
}

const DBGWCR_E = 1n;
const DBGWCR_WT = 1n << 20n;
const LSC_LOAD = 1;
const LSC_STORE = 2;

const loadStoreControl = (DBGWCR: bigint): number => Number((DBGWCR >> 3n) & 3n);
const byteAddressSelect = (DBGWCR: bigint): number => Number((DBGWCR >> 5n) & 0xffn);
const addressMask = (DBGWCR: bigint): number => Number((DBGWCR >> 24n) & 0x1fn);

/** `[start, end)` in bytes; the watched bytes lie in it. */
export interface WatchedRange {
  readonly start: bigint;
  readonly end: bigint;
  readonly reads: boolean;
  readonly writes: boolean;
}

/** The bytes that watchpoint n watches, or why it never fires. */
export function watchedRange(
  n: number,
  DBGWCR: bigint,
  DBGWVR: bigint,
  resources: DebugResources,
): WatchedRange | string {
  if (n >= resources.watchpoints) return `watchpoint ${n} is not implemented`;
  if ((DBGWCR & DBGWCR_E) === 0n) return 'DBGWCR.E is 0';
  const LSC = loadStoreControl(DBGWCR);
  if (LSC === 0) return 'LSC 0b00 is reserved: neither loads nor stores';
  if (isReservedCombination(executionConditions(DBGWCR), resources)) {
    return 'HMC, SSC and PAC are a reserved combination';
  }
  const direction = { reads: (LSC & LSC_LOAD) !== 0, writes: (LSC & LSC_STORE) !== 0 };
  const MASK = addressMask(DBGWCR);
  if (MASK === 1 || MASK === 2) return `MASK ${MASK} is reserved`;
  if (MASK !== 0) {
    const start = (DBGWVR >> BigInt(MASK)) << BigInt(MASK);
    return { start, end: start + (1n << BigInt(MASK)), ...direction };
  }
  const { base, select } = selectedBytes(DBGWCR, DBGWVR);
  if (select === 0) return 'BAS selects no byte';
  const first = 31 - Math.clz32(select & -select);
  const last = 31 - Math.clz32(select);
  return { start: base + BigInt(first), end: base + BigInt(last) + 1n, ...direction };
}

/** Bit i of `select` watches the byte at base + i. */
function selectedBytes(DBGWCR: bigint, DBGWVR: bigint): { base: bigint; select: number } {
  const BAS = byteAddressSelect(DBGWCR);
  const wordAligned = (DBGWVR & 4n) !== 0n;
  return wordAligned
    ? { base: DBGWVR & ~3n, select: BAS & 0xf }
    : { base: DBGWVR & ~7n, select: BAS };
}

const TOP_BYTE_IGNORED = (1n << 56n) - 1n;

/**
 * The offset in bytes of the first watched byte of the access, or undefined. With `topByteIgnored`
 * (TCR_ELx.TBI applies to the address) bits 63:56 take no part.
 */
export function firstWatchedByte(
  DBGWCR: bigint,
  DBGWVR: bigint,
  address: bigint,
  size: number,
  topByteIgnored: boolean,
): number | undefined {
  const start = topByteIgnored ? address & TOP_BYTE_IGNORED : address;
  const value = topByteIgnored ? DBGWVR & TOP_BYTE_IGNORED : DBGWVR;
  const MASK = addressMask(DBGWCR);
  if (MASK >= 3) {
    const low = (value >> BigInt(MASK)) << BigInt(MASK);
    const high = low + (1n << BigInt(MASK));
    if (start >= high || start + BigInt(size) <= low) return undefined;
    return start >= low ? 0 : Number(low - start);
  }
  const { base, select } = selectedBytes(DBGWCR, value);
  const distance = base - start;
  if (distance >= BigInt(size) || distance <= -8n) return undefined;
  for (let bit = 0; bit < 8; bit += 1) {
    if (((select >>> bit) & 1) === 0) continue;
    const offset = Number(distance) + bit;
    if (offset >= 0 && offset < size) return offset;
  }
  return undefined;
}

export type WatchpointVerdict =
  | { readonly fires: true; readonly offset: number }
  | { readonly fires: false; readonly because: string };

/** Whether watchpoint n fires for the access, without the global enables. */
export function watchpointVerdict(
  n: number,
  access: WatchedAccess,
  registers: WatchpointRegisters,
  context: DebugContext,
  resources: DebugResources,
  topByteIgnored: boolean,
): WatchpointVerdict {
  if (n >= resources.watchpoints) {
    return { fires: false, because: `watchpoint ${n} is not implemented` };
  }
  const DBGWCR = registers.DBGWCR(n);
  const DBGWVR = registers.DBGWVR(n);
  const range = watchedRange(n, DBGWCR, DBGWVR, resources);
  if (typeof range === 'string') return { fires: false, because: range };
  if (!(access.isWrite ? range.writes : range.reads)) {
    return { fires: false, because: `LSC does not select ${access.isWrite ? 'stores' : 'loads'}` };
  }
  const eligible = watchpointContextVerdict(n, access.EL, registers, context, resources);
  if (!eligible.fires) return eligible;
  const offset = firstWatchedByte(DBGWCR, DBGWVR, access.address, access.size, topByteIgnored);
  return offset === undefined
    ? { fires: false, because: 'the access touches no watched byte' }
    : { fires: true, offset };
}

/** The part of the verdict that does not depend on the address: conditions and link. */
export function watchpointContextVerdict(
  n: number,
  accessEL: ExceptionLevel,
  registers: WatchpointRegisters,
  context: DebugContext,
  resources: DebugResources,
): Verdict {
  const DBGWCR = registers.DBGWCR(n);
  const conditions = executionConditions(DBGWCR);
  if (!conditionsInclude(conditions, accessEL, context.secure)) {
    const levels = describeConditions(conditions, context.secure);
    return silent(`HMC, SSC and PAC select ${levels}, not EL${accessEL}`);
  }
  return (DBGWCR & DBGWCR_WT) !== 0n
    ? linkVerdict(linkedBreakpointNumber(DBGWCR), registers, context, resources)
    : { fires: true };
}
