/**
 * Element-wise integer operations of Advanced SIMD, shared by the vector and the scalar encoding
 * classes. Unless said otherwise they work for all element sizes; none keeps elements apart from
 * the rest, so the caller masks what does not take part (`Lanes`).
 */
import { V128_ZERO, call, i32, simd, sub, vectorTest } from '../expression.ts';
import type { Expr } from '../expression.ts';
import type { Emitter } from '../instruction.ts';
import { FPSR_QC } from './floating-point.ts';
import {
  V128_ONES,
  bitsOf,
  concatenateLow,
  element,
  element64,
  everyElement,
  integerShape,
  narrow,
  onElements,
  widen,
  widenMultiply,
  withElement,
} from './vector.ts';
import type { Lanes, Vector } from './vector.ts';

const and = (a: Vector, b: Vector): Vector => simd('v128.and', a, b);
const orV = (a: Vector, b: Vector): Vector => simd('v128.or', a, b);
const xor = (a: Vector, b: Vector): Vector => simd('v128.xor', a, b);
const not = (a: Vector): Vector => simd('v128.not', a);
const andNot = (a: Vector, b: Vector): Vector => simd('v128.andnot', a, b);
/** Where `mask` is set `a`, else `b`. */
export const bitSelect = (mask: Vector, a: Vector, b: Vector): Vector =>
  simd('v128.bitselect', a, b, mask);

/** All ones in elements whose top bit is set. */
function signMask(size: number, v: Vector): Vector {
  return onElements(size, 'shr_s', v, i32(bitsOf(size) - 1));
}
const minimum = (size: number): Vector => everyElement(size, 1n << BigInt(bitsOf(size) - 1));
const maximum = (size: number): Vector => everyElement(size, (1n << BigInt(bitsOf(size) - 1)) - 1n);

/** FPSR.QC where any bit of `mask` is set. */
export function saturatedIf(e: Emitter, mask: Vector): void {
  e.if(vectorTest('v128.any_true', mask), () => {
    e.accumulateFPSR(i32(FPSR_QC));
  });
}

// -- comparison

export type Comparison = 'eq' | 'gt' | 'ge' | 'lt' | 'le';

export function compare(
  size: number,
  op: Comparison,
  unsigned: boolean,
  a: Vector,
  b: Vector,
): Vector {
  if (op === 'eq') return onElements(size, 'eq', a, b);
  if (!unsigned) return onElements(size, size === 3 ? `${op}_s` : `${op}_s`, a, b);
  if (size < 3) return onElements(size, `${op}_u`, a, b);
  const flip = minimum(3);
  return onElements(3, `${op}_s`, xor(a, flip), xor(b, flip));
}

/** CMTST. */
export function test(size: number, a: Vector, b: Vector): Vector {
  return onElements(size, 'ne', and(a, b), V128_ZERO);
}

// -- addition and subtraction

/** SHADD, UHADD, and with `round` SRHADD, URHADD. */
export function halvingAdd(
  size: number,
  unsigned: boolean,
  round: boolean,
  a: Vector,
  b: Vector,
): Vector {
  const half = onElements(size, unsigned ? 'shr_u' : 'shr_s', xor(a, b), i32(1));
  return round
    ? onElements(size, 'sub', orV(a, b), half)
    : onElements(size, 'add', and(a, b), half);
}

/** SHSUB, UHSUB. */
export function halvingSub(size: number, unsigned: boolean, a: Vector, b: Vector): Vector {
  const half = onElements(size, unsigned ? 'shr_u' : 'shr_s', xor(a, b), i32(1));
  return onElements(size, 'sub', half, andNot(b, a));
}

/** SQADD, UQADD; sets FPSR.QC. The operands' inactive elements are zero. */
export function saturatingAdd(
  e: Emitter,
  size: number,
  unsigned: boolean,
  x: Vector,
  y: Vector,
): Vector {
  const a = e.let(x);
  const b = e.let(y);
  const sum = e.let(onElements(size, 'add', a, b));
  const overflow = unsigned
    ? orV(and(a, b), andNot(orV(a, b), sum))
    : and(xor(a, sum), xor(b, sum));
  const mask = e.let(signMask(size, overflow));
  saturatedIf(e, mask);
  const limit = unsigned ? V128_ONES : xor(signMask(size, a), maximum(size));
  return bitSelect(mask, limit, sum);
}

/** SQSUB, UQSUB; sets FPSR.QC. */
export function saturatingSub(
  e: Emitter,
  size: number,
  unsigned: boolean,
  x: Vector,
  y: Vector,
): Vector {
  const a = e.let(x);
  const b = e.let(y);
  const difference = e.let(onElements(size, 'sub', a, b));
  const overflow = unsigned
    ? orV(andNot(b, a), and(orV(b, not(a)), difference))
    : and(xor(a, b), xor(a, difference));
  const mask = e.let(signMask(size, overflow));
  saturatedIf(e, mask);
  const limit = unsigned ? V128_ZERO : xor(signMask(size, a), maximum(size));
  return bitSelect(mask, limit, difference);
}

/** SUQADD: unsigned values added to a signed accumulator with signed saturation; sets FPSR.QC. */
export function signedPlusUnsigned(
  e: Emitter,
  size: number,
  n: Vector,
  accumulator: Vector,
): Vector {
  const d = e.let(accumulator);
  const sum = e.let(onElements(size, 'add', d, n));
  const mask = e.let(compare(size, 'lt', false, sum, d));
  saturatedIf(e, mask);
  return bitSelect(mask, maximum(size), sum);
}

/** USQADD: signed values added to an unsigned accumulator with unsigned saturation; sets FPSR.QC. */
export function unsignedPlusSigned(
  e: Emitter,
  size: number,
  value: Vector,
  accumulator: Vector,
): Vector {
  const n = e.let(value);
  const d = e.let(accumulator);
  const sum = e.let(onElements(size, 'add', d, n));
  const negative = e.let(signMask(size, n));
  const wrapped = bitSelect(
    negative,
    compare(size, 'gt', true, sum, d),
    compare(size, 'lt', true, sum, d),
  );
  const mask = e.let(wrapped);
  saturatedIf(e, mask);
  return bitSelect(mask, not(negative), sum);
}

// -- minimum, maximum, absolute difference (elements of 8 to 32 bits)

export function extremum(
  size: number,
  unsigned: boolean,
  max: boolean,
  a: Vector,
  b: Vector,
): Vector {
  return onElements(size, `${max ? 'max' : 'min'}_${unsigned ? 'u' : 's'}`, a, b);
}

/** SABD, UABD. */
export function absoluteDifference(size: number, unsigned: boolean, a: Vector, b: Vector): Vector {
  return onElements(
    size,
    'sub',
    extremum(size, unsigned, true, a, b),
    extremum(size, unsigned, false, a, b),
  );
}

// -- multiplication

/** MUL on elements of 8 to 32 bits. */
export function multiply(size: number, a: Vector, b: Vector): Vector {
  if (size > 0) return onElements(size, 'mul', a, b);
  const low = simd('i16x8.mul', a, b);
  const high = simd('i16x8.mul', simd('i16x8.shr_u', a, i32(8)), simd('i16x8.shr_u', b, i32(8)));
  return orV(and(low, everyElement(1, 0xff)), simd('i16x8.shl', high, i32(8)));
}

/** PMUL: products over GF(2), 8 bits. */
export function polynomialMultiply(e: Emitter, x: Vector, y: Vector): Vector {
  return polynomial(e, 0, 8, x, y);
}
/** PMULL of bytes already widened to 16 bits. */
export function polynomialMultiplyWide(e: Emitter, x: Vector, y: Vector): Vector {
  return polynomial(e, 1, 8, x, y);
}
function polynomial(e: Emitter, size: number, bits: number, x: Vector, y: Vector): Vector {
  const a = e.let(x);
  const b = e.let(y);
  const result = e.variable(V128_ZERO);
  for (let bit = 0; bit < bits; bit += 1) {
    const selected = signMask(size, onElements(size, 'shl', b, i32(bitsOf(size) - 1 - bit)));
    e.set(result, xor(result.value, and(onElements(size, 'shl', a, i32(bit)), selected)));
  }
  return result.value;
}

/** SQDMULH, and with `round` SQRDMULH, on elements of 16 or 32 bits; sets FPSR.QC. */
export function doublingMultiplyHigh(
  e: Emitter,
  size: number,
  round: boolean,
  x: Vector,
  y: Vector,
): Vector {
  const a = e.let(x);
  const b = e.let(y);
  const wide = size + 1;
  const bits = bitsOf(size);
  const half = (part: number): Vector => {
    const product = widenMultiply(size, a, b, part, true);
    const rounded = round
      ? onElements(wide, 'add', product, everyElement(wide, 1n << BigInt(bits - 2)))
      : product;
    return narrow(size, onElements(wide, 'shr_s', rounded, i32(bits - 1)));
  };
  const result = e.let(concatenateLow(half(0), half(1)));
  // The one overflow is the square of the most negative number; it comes out as that number.
  const mask = e.let(onElements(size, 'eq', result, minimum(size)));
  saturatedIf(e, mask);
  return xor(result, mask);
}

/** SQRDMLAH, and with `subtract` SQRDMLSH, on elements of 16 or 32 bits; sets FPSR.QC. */
export function roundingDoublingMultiplyAccumulateHigh(
  e: Emitter,
  size: number,
  subtract: boolean,
  x: Vector,
  y: Vector,
  accumulator: Vector,
): Vector {
  const a = e.let(x);
  const b = e.let(y);
  const c = e.let(accumulator);
  const wide = size + 1;
  const bits = bitsOf(size);
  // Half of what the Arm ARM's pseudocode computes, which fits the wide elements.
  const half = (part: number): Vector => {
    const product = widenMultiply(size, a, b, part, true);
    const scaled = onElements(wide, 'shl', widen(size, c, part, true), i32(bits - 1));
    const sum = onElements(wide, subtract ? 'sub' : 'add', scaled, product);
    const rounded = onElements(wide, 'add', sum, everyElement(wide, 1n << BigInt(bits - 2)));
    const high = e.let(onElements(wide, 'shr_s', rounded, i32(bits - 1)));
    return narrow(size, saturateToNarrow(e, size, 'SQXTN', high));
  };
  return concatenateLow(half(0), half(1));
}

/** SQDMULL of one half, in elements of double width; sets FPSR.QC. */
export function doublingMultiplyLong(
  e: Emitter,
  size: number,
  n: Vector,
  m: Vector,
  part: number,
): Vector {
  const product = widenMultiply(size, n, m, part, true);
  const doubled = e.let(onElements(size + 1, 'shl', product, i32(1)));
  const mask = e.let(onElements(size + 1, 'eq', doubled, minimum(size + 1)));
  saturatedIf(e, mask);
  return xor(doubled, mask);
}

// -- shifts

/** SSHL, USHL and their rounding and saturating forms: a signed amount in each element's low byte. */
export function shiftByRegister(
  e: Emitter,
  lanes: Lanes,
  { unsigned, rounding, saturating }: { unsigned: boolean; rounding: boolean; saturating: boolean },
  n: Vector,
  m: Vector,
): Vector {
  const { size, count } = lanes;
  const values = e.let(lanes.active(n));
  const amounts = e.let(m);
  const result = e.variable(V128_ZERO);
  const flag = (on: boolean): Expr<'i32'> => i32(on ? 1 : 0);
  for (let lane = 0; lane < count; lane += 1) {
    const shifted = call(
      'i64',
      'ShiftElement',
      element64(size, values, lane, !unsigned),
      element(0, amounts, lane << size, true) as Expr<'i32'>,
      flag(unsigned),
      flag(rounding),
      flag(saturating),
      i32(bitsOf(size)),
    );
    const value: Expr = size === 3 ? shifted : { type: 'i32', op: 'i32.wrap_i64', args: [shifted] };
    e.set(result, withElement(size, result.value, lane, value));
  }
  return result.value;
}

/**
 * A right shift by an immediate of 1 to the element's size. WebAssembly takes amounts modulo the
 * size, so `full` says statically that the amount is the size itself.
 */
export function shiftRight(
  size: number,
  unsigned: boolean,
  round: boolean,
  value: Vector,
  amount: Expr<'i32'>,
  full: boolean,
): Vector {
  const op = unsigned ? 'shr_u' : 'shr_s';
  const kept = full
    ? unsigned
      ? V128_ZERO
      : signMask(size, value)
    : onElements(size, op, value, amount);
  if (!round) return kept;
  const last = and(onElements(size, 'shr_u', value, sub(amount, i32(1))), everyElement(size, 1));
  return onElements(size, 'add', kept, last);
}

export type SaturatingShift = 'SQSHL' | 'UQSHL' | 'SQSHLU';

/** Left shift by an immediate below the element's size with saturation; sets FPSR.QC. */
export function saturatingShiftLeft(
  e: Emitter,
  size: number,
  kind: SaturatingShift,
  value: Vector,
  amount: Expr<'i32'>,
): Vector {
  const n = e.let(value);
  const shifted = e.let(onElements(size, 'shl', n, amount));
  const back = kind === 'SQSHL' ? 'shr_s' : 'shr_u';
  const changed = onElements(size, 'ne', onElements(size, back, shifted, amount), n);
  const negative = signMask(size, n);
  const mask = e.let(kind === 'SQSHLU' ? orV(changed, negative) : changed);
  saturatedIf(e, mask);
  const limit =
    kind === 'SQSHL' ? xor(negative, maximum(size)) : kind === 'UQSHL' ? V128_ONES : not(negative);
  return bitSelect(mask, limit, shifted);
}

// -- narrowing

export type Narrowing = 'SQXTN' | 'UQXTN' | 'SQXTUN';

/** Elements of double width brought into the range of `size`, still at double width; sets FPSR.QC. */
export function saturateToNarrow(e: Emitter, size: number, kind: Narrowing, value: Vector): Vector {
  const wide = size + 1;
  const n = e.let(value);
  const bits = bitsOf(size);
  const constant = (v: bigint): Vector => everyElement(wide, v);
  const largest = constant((1n << BigInt(kind === 'SQXTN' ? bits - 1 : bits)) - 1n);
  const smallest = kind === 'SQXTN' ? constant(-(1n << BigInt(bits - 1))) : V128_ZERO;
  const above = e.let(compare(wide, 'gt', kind === 'UQXTN', n, largest));
  if (kind === 'UQXTN') {
    saturatedIf(e, above);
    return bitSelect(above, largest, n);
  }
  const below = e.let(compare(wide, 'lt', false, n, smallest));
  saturatedIf(e, orV(above, below));
  return bitSelect(above, largest, bitSelect(below, smallest, n));
}

// -- one operand

/** ABS and SQABS. */
export function absolute(e: Emitter, size: number, saturating: boolean, value: Vector): Vector {
  const result = e.let(onElements(size, 'abs', value));
  return saturating ? withoutMinimum(e, size, result) : result;
}
/** NEG and SQNEG. */
export function negated(e: Emitter, size: number, saturating: boolean, value: Vector): Vector {
  const result = e.let(onElements(size, 'neg', value));
  return saturating ? withoutMinimum(e, size, result) : result;
}
function withoutMinimum(e: Emitter, size: number, result: Vector): Vector {
  const mask = e.let(onElements(size, 'eq', result, minimum(size)));
  saturatedIf(e, mask);
  return xor(result, mask);
}

/** Number of ones in each element. */
function populationCount(size: number, value: Vector): Vector {
  const bytes = simd('i8x16.popcnt', value);
  if (size === 0) return bytes;
  const halves = simd('i16x8.extadd_pairwise_i8x16_u', bytes);
  return size === 1 ? halves : simd('i32x4.extadd_pairwise_i16x8_u', halves);
}
/** CNT. */
export function countBits(value: Vector): Vector {
  return populationCount(0, value);
}
/** CLZ on elements of 8 to 32 bits. */
export function countLeadingZeros(e: Emitter, size: number, value: Vector): Vector {
  let smeared = value;
  for (let distance = 1; distance < bitsOf(size); distance *= 2) {
    smeared = e.let(smeared);
    smeared = orV(smeared, onElements(size, 'shr_u', smeared, i32(distance)));
  }
  return onElements(size, 'sub', everyElement(size, bitsOf(size)), populationCount(size, smeared));
}
/** CLS on elements of 8 to 32 bits. */
export function countLeadingSignBits(e: Emitter, size: number, value: Vector): Vector {
  const n = e.let(value);
  const changes = xor(n, onElements(size, 'shr_s', n, i32(1)));
  return onElements(size, 'sub', countLeadingZeros(e, size, changes), everyElement(size, 1));
}
/** RBIT: the bits of each byte reversed. */
export function reverseBits(e: Emitter, value: Vector): Vector {
  let result = value;
  for (const [distance, mask] of [
    [1, 0x55],
    [2, 0x33],
    [4, 0x0f],
  ] as const) {
    const v = e.let(result);
    const selected = everyElement(0, mask);
    result = orV(
      and(simd('i8x16.shr_u', v, i32(distance)), selected),
      simd('i8x16.shl', and(v, selected), i32(distance)),
    );
  }
  return result;
}

/** Sums of adjacent elements in elements of double width. */
export function addPairsLong(size: number, unsigned: boolean, value: Vector): Vector {
  const sign = unsigned ? 'u' : 's';
  if (size < 2)
    return simd(`${integerShape(size + 1)}.extadd_pairwise_${integerShape(size)}_${sign}`, value);
  const even = unsigned
    ? and(value, everyElement(3, 0xffffffff))
    : simd('i64x2.shr_s', simd('i64x2.shl', value, i32(32)), i32(32));
  const odd = simd(unsigned ? 'i64x2.shr_u' : 'i64x2.shr_s', value, i32(32));
  return simd('i64x2.add', even, odd);
}

/** Low halves of `n` and `m` (`part` 0) or high ones, widened and combined. */
export function longOperation(
  size: number,
  op: 'add' | 'sub',
  unsigned: boolean,
  n: Vector,
  m: Vector,
  part: number,
): Vector {
  return onElements(size + 1, op, widen(size, n, part, !unsigned), widen(size, m, part, !unsigned));
}
/** SABDL, UABDL. */
export function absoluteDifferenceLong(
  size: number,
  unsigned: boolean,
  n: Vector,
  m: Vector,
  part: number,
): Vector {
  return widen(size, absoluteDifference(size, unsigned, n, m), part, false);
}

export const bits = { and, or: orV, xor, not, andNot };
