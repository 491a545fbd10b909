/**
 * Functions of the Arm ARM's shared pseudocode, under their names there. Those that compute on
 * registers build expressions; those that compute on instruction fields are plain functions.
 */
import type { Emitter, Operand } from './instruction.ts';
import {
  add,
  and,
  clz,
  constantLike,
  divS,
  divU,
  eq,
  eqz,
  extendS,
  extendU,
  i32,
  i64,
  mul,
  negate,
  not,
  or,
  rotl,
  rotr,
  select,
  shl,
  shrS,
  shrU,
  signExtend,
  sub,
  wrap,
  xor,
  zeroExtend,
} from './expression.ts';
import type { Expr, IntegerType } from './expression.ts';

// -- fields

/** Two's complement value of the low `width` bits (at most 32). */
export function SignExtend(value: number, width: number): number {
  return (value << (32 - width)) >> (32 - width);
}

/** A mask of `count` ones, 0 to 64. */
export function Ones(count: number): bigint {
  return (1n << BigInt(count)) - 1n;
}

export interface BitMasks {
  /** For logical immediates and the bitfield moves' rotated field. */
  readonly wmask: bigint;
  /** For the bitfield moves: the bits that come from the source. */
  readonly tmask: bigint;
}

/**
 * Arm ARM, DecodeBitMasks(). `immediate` is TRUE for logical immediates, where an element of all
 * ones is reserved. Undefined where the encoding is reserved. Masks are unsigned, `width` bits.
 */
export function DecodeBitMasks(
  immN: number,
  imms: number,
  immr: number,
  immediate: boolean,
  width: 32 | 64,
): BitMasks | undefined {
  const lengthBits = (immN << 6) | (~imms & 0x3f);
  const length = 31 - Math.clz32(lengthBits);
  if (length < 1) return undefined;
  const elementSize = 1 << length;
  if (elementSize > width) return undefined;
  const levels = elementSize - 1;
  if (immediate && (imms & levels) === levels) return undefined;
  const S = imms & levels;
  const R = immr & levels;
  const difference = (S - R) & levels;
  const welement = rotateRight(Ones(S + 1), R, elementSize);
  const telement = Ones(difference + 1);
  return {
    wmask: replicate(welement, elementSize, width),
    tmask: replicate(telement, elementSize, width),
  };
}

function rotateRight(value: bigint, amount: number, width: number): bigint {
  const low = value >> BigInt(amount);
  const high = value << BigInt(width - amount);
  return BigInt.asUintN(width, low | high);
}

function replicate(element: bigint, elementSize: number, width: number): bigint {
  let result = 0n;
  for (let lsb = 0; lsb < width; lsb += elementSize) result |= element << BigInt(lsb);
  return result;
}

// -- registers by width

/** X[n, 64] or X[n, 32], with 31 as the zero register. */
export function X(e: Emitter, register: Operand, sf: number): Expr<IntegerType> {
  return sf ? e.x(register) : e.w(register);
}

/** As X, with 31 as the stack pointer. */
export function XOrSP(e: Emitter, register: Operand, sf: number): Expr<IntegerType> {
  return sf ? e.xOrSp(register) : e.wOrSp(register);
}

/** A 32-bit immediate operand sign-extended to the operation's width. */
export function immediateOf(e: Emitter, operand: Operand, sf: number): Expr<IntegerType> {
  return sf ? extendS(e.imm32(operand)) : e.imm32(operand);
}

/** A 64-bit immediate operand truncated to the operation's width. */
export function wideImmediateOf(e: Emitter, operand: Operand, sf: number): Expr<IntegerType> {
  return sf ? e.imm64(operand) : wrap(e.imm64(operand));
}

/** A shift amount, given as i32, in the type of the value to be shifted. */
function amountLike<T extends IntegerType>(value: Expr<T>, amount: Expr<'i32'>): Expr<T> {
  return (value.type === 'i64' ? extendU(amount) : amount) as Expr<T>;
}

// -- shifts and extensions

/** Arm ARM, DecodeShift(): LSL, LSR, ASR, ROR. */
export type ShiftType = 0 | 1 | 2 | 3;
/** In a variant: the amount is 0, so that the kind of shift does not matter. */
export const NO_SHIFT = -1;

const SHIFTS = [shl, shrU, shrS, rotr] as const;

/** A value shifted by an amount below its width; `type` as in `shift`, or NO_SHIFT. */
export function ShiftValue(
  value: Expr<IntegerType>,
  type: number,
  amount: Expr<'i32'>,
): Expr<IntegerType> {
  const shift = SHIFTS[type];
  return shift ? shift(value, amountLike(value, amount)) : value;
}

/** Arm ARM, ShiftReg(). */
export function ShiftReg(
  e: Emitter,
  register: Operand,
  type: number,
  amount: Operand,
  sf: number,
): Expr<IntegerType> {
  const value = X(e, register, sf);
  return type === NO_SHIFT ? value : ShiftValue(value, type, e.imm32(amount));
}

/** Arm ARM, ExtendReg(), before the left shift: `option` is UXTB 0 ... SXTX 7. */
export function ExtendReg(
  e: Emitter,
  register: Operand,
  option: number,
  sf: number,
): Expr<IntegerType> {
  if (!sf) {
    const value = e.w(register);
    if (option === 0) return zeroExtend(value, 8);
    if (option === 1) return zeroExtend(value, 16);
    if (option === 4) return signExtend(value, 8);
    if (option === 5) return signExtend(value, 16);
    return value;
  }
  switch (option) {
    case 0:
      return zeroExtend(e.x(register), 8);
    case 1:
      return zeroExtend(e.x(register), 16);
    case 2:
      return extendU(e.w(register));
    case 4:
      return signExtend(e.x(register), 8);
    case 5:
      return signExtend(e.x(register), 16);
    case 6:
      return extendS(e.w(register));
    default:
      return e.x(register);
  }
}

// -- arithmetic

export interface SumAndFlags {
  readonly result: Expr<IntegerType>;
  /** N, Z, C, V in bits 3:0. */
  readonly nzcv: Expr<'i32'>;
}

/** Arm ARM, AddWithCarry(); `carryIn` is 0 or 1. */
export function AddWithCarry(
  e: Emitter,
  x: Expr<IntegerType>,
  y: Expr<IntegerType>,
  carryIn: Expr<'i32'>,
): SumAndFlags {
  const operand1 = e.let(x);
  const operand2 = e.let(y);
  const result = e.let(add(add(operand1, operand2), amountLike(operand1, carryIn)));
  const signBit = constantLike(result, result.type === 'i64' ? 63 : 31);
  // The carry out of the top bit is the majority of the operands' top bits and the carry into it,
  // which shows in the result as a 0 where exactly one operand bit was set.
  const carries = or(and(operand1, operand2), and(or(operand1, operand2), not(result)));
  const overflows = and(xor(operand1, result), xor(operand2, result));
  const bit = (value: Expr<IntegerType>): Expr<'i32'> => toI32(shrU(value, signBit));
  const nzcv = or(
    or(shl(bit(result), i32(3)), shl(eqz(result), i32(2))),
    or(shl(bit(carries), i32(1)), bit(overflows)),
  );
  return { result, nzcv };
}

function toI32(value: Expr<IntegerType>): Expr<'i32'> {
  return value.type === 'i64' ? wrap(value as Expr<'i64'>) : (value as Expr<'i32'>);
}

/** Bits 127:64 of the unsigned product. */
export function UMULH(e: Emitter, x: Expr<'i64'>, y: Expr<'i64'>): Expr<'i64'> {
  const half = i64(32);
  const lowHalf = (value: Expr<'i64'>): Expr<'i64'> => e.let(zeroExtend(value, 32));
  const highHalf = (value: Expr<'i64'>): Expr<'i64'> => e.let(shrU(value, half));
  const x0 = lowHalf(x);
  const x1 = highHalf(x);
  const y0 = lowHalf(y);
  const y1 = highHalf(y);
  // Each partial sum is at most (2^32-1)^2 + 2*(2^32-1), which fits in 64 bits.
  const middle = e.let(add(mul(x1, y0), shrU(mul(x0, y0), half)));
  const other = e.let(add(mul(x0, y1), zeroExtend(middle, 32)));
  return add(add(mul(x1, y1), shrU(middle, half)), shrU(other, half));
}

/** Bits 127:64 of the signed product. */
export function SMULH(e: Emitter, x: Expr<'i64'>, y: Expr<'i64'>): Expr<'i64'> {
  const operand1 = e.let(x);
  const operand2 = e.let(y);
  const high = UMULH(e, operand1, operand2);
  // A negative operand counts as 2^64 too much when it is read as unsigned.
  const correction1 = and(shrS(operand1, i64(63)), operand2);
  const correction2 = and(shrS(operand2, i64(63)), operand1);
  return sub(sub(high, correction1), correction2);
}

/** Rounds towards zero; division by zero gives 0. */
export function UnsignedQuotient(
  e: Emitter,
  x: Expr<IntegerType>,
  y: Expr<IntegerType>,
): Expr<IntegerType> {
  const dividend = e.let(x);
  const divisor = e.let(y);
  const byZero = e.let(eqz(divisor));
  const quotient = divU(dividend, select(byZero, constantLike(divisor, 1), divisor));
  return select(byZero, constantLike(divisor, 0), quotient);
}

/** Rounds towards zero; division by zero gives 0 and the most negative number by -1 itself. */
export function SignedQuotient(
  e: Emitter,
  x: Expr<IntegerType>,
  y: Expr<IntegerType>,
): Expr<IntegerType> {
  const dividend = e.let(x);
  const divisor = e.let(y);
  const byZero = e.let(eqz(divisor));
  const byMinusOne = e.let(eq(divisor, constantLike(divisor, -1)));
  // WebAssembly traps on both divisors; by 1 it never does.
  const safeDivisor = select(or(byZero, byMinusOne), constantLike(divisor, 1), divisor);
  const quotient = divS(dividend, safeDivisor);
  return select(byZero, constantLike(divisor, 0), select(byMinusOne, negate(dividend), quotient));
}

// -- bits

/** Arm ARM, BitReverse(). */
export function BitReverse(e: Emitter, value: Expr<IntegerType>): Expr<IntegerType> {
  let result = value;
  for (const [distance, mask] of [
    [1, 0x5555555555555555n],
    [2, 0x3333333333333333n],
    [4, 0x0f0f0f0f0f0f0f0fn],
  ] as const) {
    result = swapNeighbours(e.let(result), distance, mask);
  }
  return ReverseBytes(e, result, result.type === 'i64' ? 8 : 4);
}

/** Reverses the order of the bytes inside each container of 2, 4 or 8 bytes. */
export function ReverseBytes(
  e: Emitter,
  value: Expr<IntegerType>,
  container: 2 | 4 | 8,
): Expr<IntegerType> {
  if (value.type === 'i32' && container === 4) {
    const word = e.let(value as Expr<'i32'>);
    return or(and(rotl(word, i32(8)), i32(0x00ff00ff)), and(rotl(word, i32(24)), i32(0xff00ff00)));
  }
  let result = swapNeighbours(e.let(value), 8, 0x00ff00ff00ff00ffn);
  if (container >= 4) result = swapNeighbours(e.let(result), 16, 0x0000ffff0000ffffn);
  if (container === 8) result = rotl(result, constantLike(result, 32));
  return result;
}

/** Exchanges groups of `distance` bits; `mask` selects every other group from bit 0. */
function swapNeighbours(
  value: Expr<IntegerType>,
  distance: number,
  mask: bigint,
): Expr<IntegerType> {
  const amount = constantLike(value, distance);
  const selected = constantLike(value, mask);
  return or(and(shrU(value, amount), selected), shl(and(value, selected), amount));
}

/** Arm ARM, CountLeadingSignBits(). */
export function CountLeadingSignBits(e: Emitter, value: Expr<IntegerType>): Expr<IntegerType> {
  const operand = e.let(value);
  const sign = shrS(operand, constantLike(operand, operand.type === 'i64' ? 63 : 31));
  return sub(clz(xor(operand, sign)), constantLike(operand, 1));
}
