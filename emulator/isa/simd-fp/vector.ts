/** Vectors of elements: shapes, halves, narrowing and widening, on WebAssembly's 128-bit operators. */
import {
  V128_ZERO,
  extendS,
  extractLane,
  replaceLane,
  shuffle,
  simd,
  splat,
  v128,
  wrap,
} from '../expression.ts';
import type { Expr, LaneType } from '../expression.ts';
import type { Emitter, Operand } from '../instruction.ts';

export type Vector = Expr<'v128'>;
/** log2 of the element size in bytes, as most `size` fields hold it. */
export type ElementSize = 0 | 1 | 2 | 3;
export type IntegerShape = 'i8x16' | 'i16x8' | 'i32x4' | 'i64x2';
export type FloatShape = 'f32x4' | 'f64x2';

const INTEGER_SHAPES = ['i8x16', 'i16x8', 'i32x4', 'i64x2'] as const;

export function integerShape(size: number): IntegerShape {
  const shape = INTEGER_SHAPES[size];
  if (shape === undefined) throw new RangeError(`no elements of size ${size}`);
  return shape;
}
export function floatShape(N: number): FloatShape {
  return N === 64 ? 'f64x2' : 'f32x4';
}
/** Element size in bits. */
export function bitsOf(size: number): number {
  return 8 << size;
}

/** The operator `op` of the shape that `size` selects, such as `add` on `i16x8`. */
export function onElements(size: number, op: string, ...args: readonly Expr[]): Vector {
  return simd(`${integerShape(size)}.${op}`, ...args);
}

/** A constant with every element equal to the low bits of `value`. */
export function everyElement(size: number, value: bigint | number): Vector {
  const bytes = new Uint8Array(16);
  const element = BigInt.asUintN(bitsOf(size), BigInt(value));
  for (let index = 0; index < 16; index += 1) {
    bytes[index] = Number((element >> BigInt(8 * (index & ((1 << size) - 1)))) & 0xffn);
  }
  return v128(bytes);
}
export const V128_ONES = everyElement(0, 0xff);

/** Every element equal to `value`'s low bits. */
export function duplicate(size: number, value: Expr<'i64'>): Vector {
  const shape = integerShape(size);
  return shape === 'i64x2' ? splat(shape, value) : splat(shape, wrap(value));
}

export function element(size: number, vector: Vector, lane: number, signed = false): Expr {
  const shape = integerShape(size);
  return extractLane(shape, vector, lane, signed);
}

/** The element in 64 bits. */
export function element64(
  size: number,
  vector: Vector,
  lane: number,
  signed: boolean,
): Expr<'i64'> {
  const value = element(size, vector, lane, signed);
  if (value.type === 'i64') return value as Expr<'i64'>;
  const narrow = value as Expr<'i32'>;
  return signed
    ? extendS(narrow)
    : ({ type: 'i64', op: 'i64.extend_i32_u', args: [narrow] } as const);
}

export function withElement(size: number, vector: Vector, lane: number, value: Expr): Vector {
  const shape = integerShape(size);
  return replaceLane(shape, vector, lane, value as Expr<LaneType<typeof shape>>);
}

/** The low 64 bits, the rest zero. */
export function lowHalf(vector: Vector): Vector {
  return simd(
    'v128.and',
    vector,
    v128(Uint8Array.from({ length: 16 }, (_, i) => (i < 8 ? 255 : 0))),
  );
}
/** Bits 127:64 moved to 63:0, the rest zero. */
export function highHalf(vector: Vector): Vector {
  return shuffle(vector, V128_ZERO, [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
}
/** The low halves of two vectors side by side. */
export function concatenateLow(low: Vector, high: Vector): Vector {
  return shuffle(low, high, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
}

/** Chooses whole elements: `lanes[i]` indexes the elements of `a` followed by those of `b`. */
export function chooseElements(
  size: number,
  a: Vector,
  b: Vector,
  lanes: readonly number[],
): Vector {
  const bytes = 1 << size;
  return shuffle(
    a,
    b,
    lanes.flatMap((lane) => Array.from({ length: bytes }, (_, byte) => lane * bytes + byte)),
  );
}

/** The low (`part` 0) or high half of a vector, each element doubled in width. */
export function widen(size: number, vector: Vector, part: number, signed: boolean): Vector {
  const half = part === 1 ? 'high' : 'low';
  const sign = signed ? 's' : 'u';
  return simd(`${integerShape(size + 1)}.extend_${half}_${integerShape(size)}_${sign}`, vector);
}
/** Products of the low or high halves in elements of double width. */
export function widenMultiply(
  size: number,
  n: Vector,
  m: Vector,
  part: number,
  signed: boolean,
): Vector {
  const half = part === 1 ? 'high' : 'low';
  const sign = signed ? 's' : 'u';
  return simd(`${integerShape(size + 1)}.extmul_${half}_${integerShape(size)}_${sign}`, n, m);
}

/** The low halves of the elements of width `size + 1`, in bits 63:0; bits 127:64 are zero. */
export function narrow(size: number, vector: Vector): Vector {
  const count = 8 >> size;
  const lanes = Array.from({ length: 2 * count }, (_, i) => (i < count ? 2 * i : 2 * count));
  return chooseElements(size, vector, V128_ZERO, lanes);
}

/** Arm ARM, Elem[] writes of the "2" forms: the result goes to bits 127:64, 63:0 are kept. */
export function writeNarrow(e: Emitter, Rd: Operand, Q: number, narrowed: Vector): void {
  e.setV(Rd, Q ? concatenateLow(e.v(Rd), narrowed) : narrowed);
}

/** The elements that an instruction works on: a vector of 64 or 128 bits, or one scalar. */
export interface Lanes {
  readonly size: number;
  /** Elements that may take part; a vector of 64 bits has only half as many. */
  readonly count: number;
  /** The vector with the elements outside the operation zeroed. */
  readonly active: (vector: Vector) => Vector;
  /** Writes the register; elements outside the operation become zero. */
  readonly write: (Rd: Operand, value: Vector) => void;
}

/** Operand for `vectorLanes`: whether bits 127:64 take part. */
export function upperHalf(Q: number): number {
  return Q ? -1 : 0;
}

/** `upper` is an operand made by `upperHalf`, so that both widths share one shape of code. */
export function vectorLanes(e: Emitter, size: number, upper: Operand): Lanes {
  const mask = e.let(replaceLane('i64x2', V128_ONES, 1, extendS(e.imm32(upper))));
  const active = (vector: Vector): Vector => simd('v128.and', vector, mask);
  return {
    size,
    count: 16 >> size,
    active,
    write(Rd, value) {
      e.setV(Rd, active(value));
    },
  };
}

export function scalarLanes(e: Emitter, size: number): Lanes {
  const bytes = Uint8Array.from({ length: 16 }, (_, i) => (i < 1 << size ? 255 : 0));
  return {
    size,
    count: 1,
    active: (vector) => simd('v128.and', vector, v128(bytes)),
    write(Rd, value) {
      writeScalar(e, size, Rd, element(size, value, 0));
    },
  };
}

/** Writes B, H, S or D; `value` is i64 for D and i32 otherwise. */
export function writeScalar(e: Emitter, size: number, Rd: Operand, value: Expr): void {
  switch (size) {
    case 0:
      e.setB(Rd, value as Expr<'i32'>);
      break;
    case 1:
      e.setH(Rd, value as Expr<'i32'>);
      break;
    case 2:
      e.setS(Rd, value as Expr<'i32'>);
      break;
    default:
      e.setD(Rd, value as Expr<'i64'>);
  }
}
/** Reads B, H, S or D as bits; i64 for D and i32 otherwise. */
export function readScalar(e: Emitter, size: number, Rn: Operand): Expr {
  switch (size) {
    case 0:
      return e.b(Rn);
    case 1:
      return e.h(Rn);
    case 2:
      return e.s(Rn);
    default:
      return e.d(Rn);
  }
}

/** 64 bits of zero beside a 64-bit value. */
export function fromLow(value: Expr<'i64'>): Vector {
  return replaceLane('i64x2', V128_ZERO, 0, value);
}

/** Writes all 128 bits, or the low 64 and zeroes the rest. */
export function writeCount(e: Emitter, Rd: Operand, Q: number, value: Vector): void {
  e.setV(Rd, Q ? value : lowHalf(value));
}
