/**
 * Arm ARM floating-point functions over the emitter. Each takes the host's operator where its
 * result and the flags are the architecture's beyond doubt, and calls the runtime otherwise.
 *
 * The test for arithmetic: default rounding, no flushing, IXC already set and a result that is a
 * normal number well above the smallest one; then inexact is the only exception there can be.
 */
import {
  V128_ZERO,
  and,
  call,
  convert,
  eqz,
  extendS,
  extendU,
  f32Bits,
  f32FromBits,
  f64Bits,
  f64FromBits,
  floatBinary,
  floatCompare,
  floatUnary,
  i32,
  i64,
  ltU,
  or,
  select,
  shrU,
  signExtend,
  simd,
  sub,
  vectorTest,
  wrap,
  xor,
} from '../expression.ts';
import type { Conversion, Expr, FloatBinary, FloatType, FloatUnary } from '../expression.ts';
import type { Emitter } from '../instruction.ts';
import {
  DOUBLE,
  FPCR_FZ,
  FPCR_RMODE,
  FPCR_RMODE_LSB,
  FPRounding,
  FPSR_IXC,
  HALF,
  SINGLE,
  infinity,
  powerOfTwo,
  signBit,
} from './floating-point.ts';
import type { FPFormat } from './floating-point.ts';
import {
  concatenateLow,
  element,
  everyElement,
  floatShape,
  highHalf,
  withElement,
} from './vector.ts';
import type { Vector } from './vector.ts';

/** Bits of a value: i32 for half and single, i64 for double precision. */
export type FPBits = Expr;
export function formatOf(N: number): FPFormat {
  return N === 64 ? DOUBLE : N === 32 ? SINGLE : HALF;
}
/** WebAssembly has operators for single and double precision only. */
function hostHas(N: number): boolean {
  return N !== 16;
}
export function bitsType(N: number): 'i32' | 'i64' {
  return N === 64 ? 'i64' : 'i32';
}
export function constantBits(N: number, value: bigint): FPBits {
  return N === 64 ? i64(value) : i32(Number(BigInt.asIntN(32, value)));
}
function toFloat(N: number, bits: FPBits): Expr<FloatType> {
  return N === 64 ? f64FromBits(bits as Expr<'i64'>) : f32FromBits(bits as Expr<'i32'>);
}
function fromFloat(N: number, value: Expr<FloatType>): FPBits {
  return N === 64 ? f64Bits(value as Expr<'f64'>) : f32Bits(value as Expr<'f32'>);
}

/** FPCR.RMode as an FPRounding. */
export function FPRoundingMode(e: Emitter): Expr<'i32'> {
  return and(shrU(e.FPCR(), i32(FPCR_RMODE_LSB)), i32(3));
}
function noFlushing(e: Emitter): Expr<'i32'> {
  return eqz(and(e.FPCR(), i32(FPCR_FZ)));
}
/** Round to nearest, no flushing, IXC already set: inexact results need no more work. */
function inexactIsFree(e: Emitter): Expr<'i32'> {
  const control = and(e.FPCR(), i32(FPCR_RMODE | FPCR_FZ));
  const notSticky = xor(and(e.FPSR(), i32(FPSR_IXC)), i32(FPSR_IXC));
  return eqz(or(control, notSticky));
}
/** A normal number of at least twice the smallest one: neither special nor possibly tiny. */
function isPlain(N: number, bits: FPBits): Expr<'i32'> {
  const { E, F } = formatOf(N);
  const mask = 2 ** E - 1;
  const field =
    N === 64
      ? and(wrap(shrU(bits as Expr<'i64'>, i64(F))), i32(mask))
      : and(shrU(bits as Expr<'i32'>, i32(F)), i32(mask));
  return ltU(sub(field, i32(2)), i32(mask - 2));
}
function isNumber(N: number, bits: FPBits): Expr<'i32'> {
  return floatCompare('eq', toFloat(N, bits), toFloat(N, bits));
}

// -- sign bit

export function FPNeg(N: number, bits: FPBits): FPBits {
  return N === 64
    ? xor(bits as Expr<'i64'>, i64(signBit(DOUBLE)))
    : xor(bits as Expr<'i32'>, constantBits(N, signBit(formatOf(N))) as Expr<'i32'>);
}
export function FPAbs(N: number, bits: FPBits): FPBits {
  return N === 64
    ? and(bits as Expr<'i64'>, i64(signBit(DOUBLE) - 1n))
    : and(bits as Expr<'i32'>, i32(Number(signBit(formatOf(N)) - 1n)));
}

/** Each element with its sign flipped, or cleared. */
export function FPNegVector(N: number, vector: Vector): Vector {
  return simd('v128.xor', vector, everyElement(Math.log2(N / 8), signBit(formatOf(N))));
}
export function FPAbsVector(N: number, vector: Vector): Vector {
  return simd('v128.and', vector, everyElement(Math.log2(N / 8), signBit(formatOf(N)) - 1n));
}

// -- arithmetic

export type BinaryName =
  | 'FPAdd'
  | 'FPSub'
  | 'FPMul'
  | 'FPMulX'
  | 'FPDiv'
  | 'FPMax'
  | 'FPMin'
  | 'FPMaxNum'
  | 'FPMinNum'
  | 'FPRecipStepFused'
  | 'FPRSqrtStepFused';

/** FPMulX differs from FPMul only in results that are not plain. */
const ROUNDED: Partial<Record<BinaryName, FloatBinary>> = {
  FPAdd: 'add',
  FPSub: 'sub',
  FPMul: 'mul',
  FPMulX: 'mul',
  FPDiv: 'div',
};
/** Exact whenever neither operand is a NaN; WebAssembly orders zeros as the Arm ARM does. */
const CHOSEN: Partial<Record<BinaryName, FloatBinary>> = {
  FPMax: 'max',
  FPMin: 'min',
  FPMaxNum: 'max',
  FPMinNum: 'min',
};

export function FPBinary(e: Emitter, name: BinaryName, N: number, a: FPBits, b: FPBits): FPBits {
  const x = e.let(a);
  const y = e.let(b);
  const soft = call(bitsType(N), `${name}${N}`, x, y);
  const op = ROUNDED[name] ?? CHOSEN[name];
  if (op === undefined || !hostHas(N)) return e.let(soft);
  const result = e.variable(fromFloat(N, floatBinary(op, toFloat(N, x), toFloat(N, y))));
  const exact =
    ROUNDED[name] === undefined
      ? and(noFlushing(e), isNumber(N, result.value))
      : and(inexactIsFree(e), isPlain(N, result.value));
  e.if(eqz(exact), () => {
    e.set(result, soft);
  });
  return result.value;
}

export function FPSqrt(e: Emitter, N: number, bits: FPBits): FPBits {
  const x = e.let(bits);
  if (!hostHas(N)) return e.let(call(bitsType(N), `FPSqrt${N}`, x));
  const result = e.variable(fromFloat(N, floatUnary('sqrt', toFloat(N, x))));
  e.if(eqz(and(inexactIsFree(e), isPlain(N, result.value))), () => {
    e.set(result, call(bitsType(N), `FPSqrt${N}`, x));
  });
  return result.value;
}

/** addend + op1 * op2, rounded once. */
export function FPMulAdd(e: Emitter, N: number, addend: FPBits, op1: FPBits, op2: FPBits): FPBits {
  return e.let(call(bitsType(N), `FPMulAdd${N}`, addend, op1, op2));
}

export type UnaryName = 'FPRecipEstimate' | 'FPRSqrtEstimate' | 'FPRecpX';

export function FPUnary(e: Emitter, name: UnaryName, N: number, bits: FPBits): FPBits {
  return e.let(call(bitsType(N), `${name}${N}`, bits));
}

// -- comparisons

const NZCV_EQUAL = 0b0110;
const NZCV_LESS = 0b1000;
const NZCV_GREATER = 0b0010;

/** NZCV in bits 3:0. */
export function FPCompare(
  e: Emitter,
  N: number,
  a: FPBits,
  b: FPBits,
  signalNaNs: number,
): Expr<'i32'> {
  const x = e.let(a);
  const y = e.let(b);
  const soft = call('i32', `FPCompare${N}`, x, y, i32(signalNaNs));
  if (!hostHas(N)) return e.let(soft);
  const fx = toFloat(N, x);
  const fy = toFloat(N, y);
  const result = e.variable(i32(0));
  const equal = floatCompare('eq', fx, fy);
  const less = floatCompare('lt', fx, fy);
  const greater = floatCompare('gt', fx, fy);
  e.if(
    and(noFlushing(e), or(equal, or(less, greater))),
    () => {
      const unequal = select(less, i32(NZCV_LESS), i32(NZCV_GREATER));
      e.set(result, select(equal, i32(NZCV_EQUAL), unequal));
    },
    () => {
      e.set(result, soft);
    },
  );
  return result.value;
}

export type ComparisonName = 'FPCompareEQ' | 'FPCompareGE' | 'FPCompareGT';
const COMPARISON = { FPCompareEQ: 'eq', FPCompareGE: 'ge', FPCompareGT: 'gt' } as const;

/** All ones where the comparison holds, else zero. */
export function FPCompareElement(
  e: Emitter,
  name: ComparisonName,
  N: number,
  a: FPBits,
  b: FPBits,
): FPBits {
  const x = e.let(a);
  const y = e.let(b);
  if (!hostHas(N)) {
    return e.let(and(sub(i32(0), call('i32', `${name}${N}`, x, y)), i32(0xffff)));
  }
  const fx = toFloat(N, x);
  const fy = toFloat(N, y);
  const holds = e.variable(floatCompare(COMPARISON[name], fx, fy));
  const numbers = and(floatCompare('eq', fx, fx), floatCompare('eq', fy, fy));
  e.if(eqz(and(noFlushing(e), numbers)), () => {
    e.set(holds, call('i32', `${name}${N}`, x, y));
  });
  const mask = sub(i32(0), holds.value);
  return N === 64 ? extendS(mask) : mask;
}

// -- rounding and conversion

/** Static rounding of an instruction, or the mode that FPCR selects. */
export type Rounding = keyof typeof FPRounding | 'FPCR';

function roundingExpr(e: Emitter, rounding: Rounding): Expr<'i32'> {
  return rounding === 'FPCR' ? FPRoundingMode(e) : i32(FPRounding[rounding]);
}
const HOST_ROUNDING: Partial<Record<Rounding, FloatUnary>> = {
  TIEEVEN: 'nearest',
  FPCR: 'nearest',
  POSINF: 'ceil',
  NEGINF: 'floor',
  ZERO: 'trunc',
};
/** FPCR selects neither flushing nor, where it matters, another rounding than to nearest. */
function defaultControl(e: Emitter, rounding: Rounding): Expr<'i32'> {
  return eqz(and(e.FPCR(), i32(rounding === 'FPCR' ? FPCR_RMODE | FPCR_FZ : FPCR_FZ)));
}

/** `exact`: raise Inexact when the value changes (FRINTX). */
export function FPRoundInt(
  e: Emitter,
  N: number,
  bits: FPBits,
  rounding: Rounding,
  exact: boolean,
): FPBits {
  const x = e.let(bits);
  const soft = call(
    bitsType(N),
    `FPRoundInt${N}`,
    x,
    roundingExpr(e, rounding),
    i32(exact ? 1 : 0),
  );
  const op = HOST_ROUNDING[rounding];
  if (op === undefined || !hostHas(N)) return e.let(soft);
  const value = toFloat(N, x);
  const result = e.variable(fromFloat(N, floatUnary(op, value)));
  // A NaN equals nothing, so both tests refuse it.
  const same = floatCompare('eq', exact ? toFloat(N, result.value) : value, value);
  e.if(eqz(and(defaultControl(e, rounding), same)), () => {
    e.set(result, soft);
  });
  return result.value;
}

/** To an integer of `width` bits (16, 32 or 64) with `fbits` fraction bits; i32 or i64 result by `width`. */
export function FPToFixed(
  e: Emitter,
  N: number,
  bits: FPBits,
  fbits: Expr<'i32'>,
  unsigned: boolean,
  rounding: Rounding,
  width: number,
): FPBits {
  const x = e.let(bits);
  const soft = call(
    'i64',
    `FPToFixed${N}`,
    x,
    fbits,
    i32(unsigned ? 1 : 0),
    roundingExpr(e, rounding),
    i32(width),
  );
  const narrow = (value: Expr<'i64'>): FPBits => (width === 64 ? value : wrap(value));
  const op = HOST_ROUNDING[rounding];
  const isInteger = fbits.op === 'const' && fbits.immediate === 0;
  if (op === undefined || !isInteger || !hostHas(N)) return e.let(narrow(soft));
  const type = width === 64 ? 'i64' : 'i32';
  const float = N === 64 ? 'f64' : 'f32';
  const sign = unsigned ? 'u' : 's';
  const value = toFloat(N, x);
  const rounded = e.let(floatUnary(op, value));
  const truncate = `${type}.trunc_sat_${float}_${sign}` as Conversion;
  const result = e.variable(convert(truncate, rounded));
  // In range, strictly: the bound is a power of two that is no result itself.
  const format = formatOf(N);
  const bound = toFloat(N, constantBits(N, powerOfTwo(format, width - (unsigned ? 0 : 1))));
  const zero = toFloat(N, constantBits(N, 0n));
  const inRange = unsigned
    ? and(floatCompare('ge', rounded, zero), floatCompare('lt', rounded, bound))
    : floatCompare('lt', floatUnary('abs', rounded), bound);
  const silent = or(and(shrU(e.FPSR(), i32(4)), i32(1)), floatCompare('eq', rounded, value));
  e.if(eqz(and(defaultControl(e, rounding), and(inRange, silent))), () => {
    e.set(result, narrow(soft));
  });
  return result.value;
}

/** From an integer with `fbits` fraction bits, by FPCR's rounding: an i64, an i32, or the low 16 bits of one. */
export function FixedToFP(
  e: Emitter,
  N: number,
  value: Expr,
  fbits: Expr<'i32'>,
  unsigned: boolean,
  width?: 16,
): FPBits {
  const x = e.let(value);
  const integer = (given: Expr<'i32'>): Expr<'i64'> =>
    unsigned ? extendU(given) : extendS(width === undefined ? given : signExtend(given, width));
  const wide = x.type === 'i64' ? (x as Expr<'i64'>) : integer(x as Expr<'i32'>);
  const soft = call(
    bitsType(N),
    `FixedToFP${N}`,
    wide,
    fbits,
    i32(unsigned ? 1 : 0),
    FPRoundingMode(e),
  );
  if (!(fbits.op === 'const' && fbits.immediate === 0) || !hostHas(N)) return e.let(soft);
  const float = N === 64 ? 'f64' : 'f32';
  const conversion = `${float}.convert_${x.type}_${unsigned ? 'u' : 's'}` as Conversion;
  const direct = fromFloat(N, convert(conversion, x) as Expr<FloatType>);
  if (N === 64 && x.type === 'i32') return e.let(direct);
  const result = e.variable(direct);
  e.if(eqz(inexactIsFree(e)), () => {
    e.set(result, soft);
  });
  return result.value;
}

/** Between half, single and double precision. */
export function FPConvert(
  e: Emitter,
  from: 16 | 32 | 64,
  to: 16 | 32 | 64,
  bits: Expr,
  rounding: Rounding = 'FPCR',
): Expr {
  const x = e.let(bits);
  const type = to === 64 ? 'i64' : 'i32';
  const soft = call(type, `FPConvert${from}To${to}`, x, roundingExpr(e, rounding));
  if (from === 32 && to === 64) {
    const wide = convert('f64.promote_f32', toFloat(32, x)) as Expr<'f64'>;
    const result = e.variable(f64Bits(wide));
    e.if(eqz(and(noFlushing(e), isNumber(32, x))), () => {
      e.set(result, soft as Expr<'i64'>);
    });
    return result.value;
  }
  if (from === 64 && to === 32 && rounding === 'FPCR') {
    const demoted = convert('f32.demote_f64', toFloat(64, x)) as Expr<'f32'>;
    const result = e.variable(f32Bits(demoted));
    e.if(eqz(and(inexactIsFree(e), isPlain(32, result.value))), () => {
      e.set(result, soft as Expr<'i32'>);
    });
    return result.value;
  }
  return e.let(soft);
}

// -- vectors

/** Applies a function of lanes to the first `count` elements; the others are zero. */
export function mapLanes(
  e: Emitter,
  N: number,
  count: number,
  sources: readonly Vector[],
  compute: (...lanes: FPBits[]) => FPBits,
): Vector {
  const size = Math.log2(N / 8);
  const inputs = sources.map((source) => e.let(source));
  const result = e.variable(V128_ZERO);
  for (let lane = 0; lane < count; lane += 1) {
    const value = compute(...inputs.map((input) => element(size, input, lane)));
    e.set(result, withElement(size, result.value, lane, value));
  }
  return result.value;
}

/** `lanes` elements of a check vector decide; the low half stands in for an unused upper half. */
function allPlain(e: Emitter, N: number, result: Vector, count: number): Expr<'i32'> {
  const format = formatOf(N);
  const size = N === 64 ? 3 : 2;
  const shape = floatShape(N);
  const checked = e.let(simd(`${shape}.abs`, usedHalf(N, result, count)));
  const smallest = everyElement(size, powerOfTwo(format, 2 - format.bias));
  const above = simd(`${shape}.ge`, checked, smallest);
  const below = simd(`${shape}.lt`, checked, everyElement(size, infinity(format)));
  return vectorTest('i64x2.all_true', allOnesOnly(simd('v128.and', above, below)));
}
/** Zero in every 64-bit half that is not all ones, for `i64x2.all_true`. */
function allOnesOnly(mask: Vector): Vector {
  return simd('i64x2.eq', mask, everyElement(0, 0xff));
}
function usedHalf(N: number, vector: Vector, count: number): Vector {
  return count * N === 128
    ? vector
    : simd('i64x2.splat', { type: 'i64', op: 'i64x2.extract_lane', args: [vector], immediate: 0 });
}
function allNumbers(e: Emitter, N: number, vector: Vector, count: number): Expr<'i32'> {
  const used = e.let(usedHalf(N, vector, count));
  return vectorTest('i64x2.all_true', allOnesOnly(simd(`${floatShape(N)}.eq`, used, used)));
}

/** FPBinary on `count` elements of N bits; elements beyond are zero. */
export function FPBinaryVector(
  e: Emitter,
  name: BinaryName,
  N: number,
  count: number,
  n: Vector,
  m: Vector,
): Vector {
  const soft = (a: FPBits, b: FPBits): FPBits => e.let(call(bitsType(N), `${name}${N}`, a, b));
  const op = ROUNDED[name] ?? CHOSEN[name];
  if (op === undefined || !hostHas(N)) return mapLanes(e, N, count, [n, m], soft);
  const x = e.let(n);
  const y = e.let(m);
  const result = e.variable(simd(`${floatShape(N)}.${op}`, x, y));
  const exact =
    ROUNDED[name] === undefined
      ? and(noFlushing(e), allNumbers(e, N, result.value, count))
      : and(inexactIsFree(e), allPlain(e, N, result.value, count));
  e.if(eqz(exact), () => {
    e.set(result, mapLanes(e, N, count, [x, y], soft));
  });
  return result.value;
}

/** FPCompareElement on `count` elements. */
export function FPCompareVector(
  e: Emitter,
  name: ComparisonName,
  N: number,
  count: number,
  n: Vector,
  m: Vector,
): Vector {
  if (!hostHas(N)) {
    return mapLanes(e, N, count, [n, m], (a, b) => FPCompareElement(e, name, N, a, b));
  }
  const x = e.let(n);
  const y = e.let(m);
  const result = e.variable(simd(`${floatShape(N)}.${COMPARISON[name]}`, x, y));
  const numbers = and(allNumbers(e, N, x, count), allNumbers(e, N, y, count));
  e.if(eqz(and(noFlushing(e), numbers)), () => {
    const lane = (a: FPBits, b: FPBits): FPBits => {
      const mask = sub(i32(0), call('i32', `${name}${N}`, a, b));
      return e.let(N === 64 ? extendS(mask) : mask);
    };
    e.set(result, mapLanes(e, N, count, [x, y], lane));
  });
  return result.value;
}

export function FPSqrtVector(e: Emitter, N: number, count: number, n: Vector): Vector {
  if (!hostHas(N)) return mapLanes(e, N, count, [n], (a) => FPSqrt(e, N, a));
  const x = e.let(n);
  const result = e.variable(simd(`${floatShape(N)}.sqrt`, x));
  e.if(eqz(and(inexactIsFree(e), allPlain(e, N, result.value, count))), () => {
    const soft = (a: FPBits): FPBits => e.let(call(bitsType(N), `FPSqrt${N}`, a));
    e.set(result, mapLanes(e, N, count, [x], soft));
  });
  return result.value;
}

/**
 * One half of a fused multiply-add of single precision, as single precision in bits 63:0: the
 * product is exact in double precision and the sum is rounded to odd there, so that the second
 * rounding is the only one.
 */
function fusedHalf(e: Emitter, n: Vector, m: Vector, d: Vector): Vector {
  const wide = (v: Vector): Vector => e.let(simd('f64x2.promote_low_f32x4', v));
  const product = e.let(simd('f64x2.mul', wide(n), wide(m)));
  const addend = wide(d);
  const sum = e.let(simd('f64x2.add', product, addend));
  const fromAddend = e.let(simd('f64x2.sub', sum, product));
  const lostOfProduct = simd('f64x2.sub', product, simd('f64x2.sub', sum, fromAddend));
  const lostOfAddend = simd('f64x2.sub', addend, fromAddend);
  const lost = e.let(simd('f64x2.add', lostOfProduct, lostOfAddend));
  const one = everyElement(3, 1);
  const isEven = simd('i64x2.eq', simd('v128.and', sum, one), V128_ZERO);
  const inexact = simd('v128.and', simd('f64x2.ne', lost, V128_ZERO), isEven);
  // One step away from zero where the lost part has the sum's sign, else one towards it.
  const signs = simd('i64x2.shr_s', simd('v128.xor', sum, lost), i32(63));
  const step = simd('v128.and', simd('v128.or', signs, one), inexact);
  return simd('f32x4.demote_f64x2_zero', simd('i64x2.add', sum, step));
}

/** d + n * m, or d - n * m, on `count` elements, each rounded once. */
export function FPMulAddVector(
  e: Emitter,
  N: number,
  count: number,
  n: Vector,
  m: Vector,
  d: Vector,
  negate: boolean,
): Vector {
  const op1 = e.let(negate ? FPNegVector(N, n) : n);
  const op2 = e.let(m);
  const addend = e.let(d);
  const lanes = (): Vector =>
    mapLanes(e, N, count, [addend, op1, op2], (z, x, y) => FPMulAdd(e, N, z, x, y));
  if (N !== 32) return lanes();
  const result = e.variable(V128_ZERO);
  e.if(inexactIsFree(e), () => {
    const low = fusedHalf(e, op1, op2, addend);
    const fused =
      count === 2
        ? low
        : concatenateLow(low, fusedHalf(e, highHalf(op1), highHalf(op2), highHalf(addend)));
    e.set(result, fused);
  });
  // Zero, as when the fast path was not taken, is not plain either.
  e.if(eqz(allPlain(e, N, result.value, count)), () => {
    e.set(result, lanes());
  });
  return result.value;
}
