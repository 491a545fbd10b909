/** C arithmetic (C11 6.3 and 6.5) on what DWARF types hold. Integers are bigints, floats numbers. */
import { littleEndian, toLittleEndian } from '../symbols/location.ts';
import { stripTypedefs, type BaseType, type Type } from '../symbols/types.ts';
import {
  DOUBLE,
  FLOAT,
  INT,
  INT128,
  LONG,
  UNSIGNED_INT,
  UNSIGNED_INT128,
  UNSIGNED_LONG,
} from './builtin-types.ts';
import { ExpressionError } from './expression-error.ts';
import type { ArithmeticOperator, ComparisonOperator } from './syntax.ts';

/** A number with the arithmetic type that C gives it. */
export type Scalar =
  | { readonly kind: 'integer'; readonly type: BaseType; readonly value: bigint }
  | { readonly kind: 'float'; readonly type: BaseType; readonly value: number };

export function integer(type: BaseType, value: bigint): Scalar {
  return { kind: 'integer', type, value: wrap(type, value) };
}

export function float(type: BaseType, value: number): Scalar {
  return { kind: 'float', type, value: type.byteSize === 4 ? Math.fround(value) : value };
}

export function isSigned({ encoding }: BaseType): boolean {
  return encoding === 'signed' || encoding === 'signedChar';
}

/** The value that an integer type stores for `value`: modulo its width. */
export function wrap(type: BaseType, value: bigint): bigint {
  if (type.encoding === 'boolean') return value === 0n ? 0n : 1n;
  return isSigned(type)
    ? BigInt.asIntN(type.byteSize * 8, value)
    : BigInt.asUintN(type.byteSize * 8, value);
}

/** The base type that an arithmetic value of this type has; undefined for records, pointers and so on. */
export function arithmeticType(type: Type): BaseType | undefined {
  const actual = stripTypedefs(type);
  if (actual.kind === 'base') return actual.encoding === 'complexFloat' ? undefined : actual;
  if (actual.kind === 'enum') return integerTypeOf(actual.byteSize, actual.isSigned);
  return undefined;
}

export function decode(type: BaseType, bytes: Uint8Array, position: number): Scalar {
  if (type.encoding === 'float')
    return { kind: 'float', type, value: decodeFloat(bytes, position) };
  const bits = littleEndian(bytes);
  const value = isSigned(type) ? BigInt.asIntN(type.byteSize * 8, bits) : bits;
  return { kind: 'integer', type, value };
}

export function encode(scalar: Scalar, position: number): Uint8Array {
  const { byteSize } = scalar.type;
  if (scalar.kind === 'integer') return toLittleEndian(scalar.value, byteSize);
  return encodeFloat(scalar.value, byteSize, position);
}

const view = new DataView(new ArrayBuffer(8));

export function decodeFloat(bytes: Uint8Array, position = 0): number {
  switch (bytes.length) {
    case 2:
      return decodeHalf(littleEndian(bytes));
    case 4:
      view.setUint32(0, Number(littleEndian(bytes)));
      return view.getFloat32(0);
    case 8:
      view.setBigUint64(0, littleEndian(bytes));
      return view.getFloat64(0);
    case 16:
      return decodeQuad(littleEndian(bytes));
    default:
      throw new ExpressionError(
        `Floating-point values of ${bytes.length} bytes are not supported.`,
        position,
      );
  }
}

function encodeFloat(value: number, byteSize: number, position: number): Uint8Array {
  if (byteSize === 4) {
    view.setFloat32(0, value);
    return toLittleEndian(BigInt(view.getUint32(0)), 4);
  }
  if (byteSize === 8) {
    view.setFloat64(0, value);
    return toLittleEndian(view.getBigUint64(0), 8);
  }
  throw new ExpressionError(
    `Floating-point values of ${byteSize} bytes cannot be written.`,
    position,
  );
}

function decodeHalf(bits: bigint): number {
  const raw = Number(bits);
  const sign = raw & 0x8000 ? -1 : 1;
  const exponent = (raw >> 10) & 31;
  const fraction = raw & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return (
    sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
  );
}

/** IEEE binary128, rounded to a double. */
function decodeQuad(bits: bigint): number {
  const sign = bits >> 127n ? -1 : 1;
  const exponent = Number((bits >> 112n) & 0x7fffn);
  const fraction = BigInt.asUintN(112, bits);
  if (exponent === 0x7fff) return fraction === 0n ? sign * Infinity : NaN;
  if (exponent === 0) return sign * 0;
  const mantissa = Number((1n << 112n) | fraction) / 2 ** 112;
  return sign * mantissa * 2 ** (exponent - 16383);
}

/** C11 6.3.1.1: integers narrower than int become int. */
export function promote(scalar: Scalar): Scalar {
  if (scalar.kind === 'float') return scalar;
  const { type, value } = scalar;
  if (type.byteSize < 4) return { kind: 'integer', type: INT, value };
  return { kind: 'integer', type: integerTypeOf(type.byteSize, isSigned(type)), value };
}

export function integerTypeOf(byteSize: number, signed: boolean): BaseType {
  if (byteSize <= 4) return signed || byteSize < 4 ? INT : UNSIGNED_INT;
  if (byteSize <= 8) return signed ? LONG : UNSIGNED_LONG;
  return signed ? INT128 : UNSIGNED_INT128;
}

/** C11 6.3.1.8, usual arithmetic conversions. */
export function commonType(a: Scalar, b: Scalar): BaseType {
  if (a.kind === 'float' || b.kind === 'float') {
    const sizes = [a, b].map(({ kind, type }) => (kind === 'float' ? type.byteSize : 0));
    return Math.max(...sizes) <= 4 ? FLOAT : DOUBLE;
  }
  const left = promote(a).type;
  const right = promote(b).type;
  if (left.byteSize !== right.byteSize) return left.byteSize > right.byteSize ? left : right;
  return isSigned(left) ? right : left;
}

export function convert(scalar: Scalar, to: BaseType): Scalar {
  if (to.encoding === 'float') return float(to, Number(scalar.value));
  if (scalar.kind === 'integer') return integer(to, scalar.value);
  if (to.encoding === 'boolean') return integer(to, scalar.value === 0 ? 0n : 1n);
  return integer(to, Number.isFinite(scalar.value) ? BigInt(Math.trunc(scalar.value)) : 0n);
}

export function isTrue({ value }: Scalar): boolean {
  return typeof value === 'bigint' ? value !== 0n : value !== 0;
}

export function compare(operator: ComparisonOperator, left: Scalar, right: Scalar): boolean {
  const type = commonType(left, right);
  const a = convert(left, type).value;
  const b = convert(right, type).value;
  switch (operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

export function arithmetic(
  operator: ArithmeticOperator,
  left: Scalar,
  right: Scalar,
  position: number,
): Scalar {
  if (operator === '<<' || operator === '>>') return shift(operator, left, right, position);
  const type = commonType(left, right);
  const a = convert(left, type);
  const b = convert(right, type);
  if (a.kind === 'float' || b.kind === 'float') {
    return float(type, floatArithmetic(operator, Number(a.value), Number(b.value), position));
  }
  return integer(type, integerArithmetic(operator, a.value, b.value, position));
}

function integerArithmetic(
  operator: Exclude<ArithmeticOperator, '<<' | '>>'>,
  a: bigint,
  b: bigint,
  position: number,
): bigint {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '/':
    case '%':
      if (b === 0n) throw new ExpressionError('Division by zero.', position);
      return operator === '/' ? a / b : a % b;
  }
}

function floatArithmetic(
  operator: Exclude<ArithmeticOperator, '<<' | '>>'>,
  a: number,
  b: number,
  position: number,
): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    default:
      throw new ExpressionError(`"${operator}" needs integers.`, position);
  }
}

function shift(operator: '<<' | '>>', left: Scalar, right: Scalar, position: number): Scalar {
  if (left.kind === 'float' || right.kind === 'float') {
    throw new ExpressionError(`"${operator}" needs integers.`, position);
  }
  const { type, value } = promote(left) as Scalar & { kind: 'integer' };
  const bits = BigInt(type.byteSize * 8);
  if (right.value < 0n || right.value >= bits) {
    throw new ExpressionError(
      `A shift of ${right.value} bits is outside 0 to ${bits - 1n}.`,
      position,
    );
  }
  return integer(type, operator === '<<' ? value << right.value : value >> right.value);
}
