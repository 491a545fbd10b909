/** What generated code reads of its processor's bank. */
import { add, and, i32, i64, shrU, STATE_BASE, stateLoad, wrap } from '../isa/expression.ts';
import type { Expr } from '../isa/expression.ts';
import * as L from './layout.ts';

export function cellI32(offset: number): Expr<'i32'> {
  return stateLoad('i32', 'i32.load', STATE_BASE, offset);
}
export function cellI64(offset: number): Expr<'i64'> {
  return stateLoad('i64', 'i64.load', STATE_BASE, offset);
}

/** Address of the TLB entry of a VA. */
export function tlbEntry(tlb: Expr<'i32'>, va: Expr<'i64'>): Expr<'i32'> {
  const index = and(wrap(shrU(va, i64(7))), i32((L.TLB_ENTRIES - 1) * L.TLB_ENTRY_BYTES));
  return add(tlb, index);
}
