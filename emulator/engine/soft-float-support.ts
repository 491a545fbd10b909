/**
 * Building blocks of the software floating point: Arm ARM "Floating-point functions", written as
 * generators of WebAssembly. Values travel as bits, zero-extended to i64; mantissas are i64 with
 * the leading one in bit 63, so that a value is mantissa * 2^(exponent - 63).
 */
import {
  add,
  and,
  call,
  clz,
  eq,
  eqz,
  extendU,
  geS,
  geU,
  gtU,
  i32,
  i64,
  leS,
  ltU,
  mul,
  ne,
  or,
  select,
  shl,
  shrS,
  shrU,
  STATE_BASE,
  signExtend,
  stateLoad,
  sub,
  wrap,
  xor,
  zeroExtend,
} from '../isa/expression.ts';
import type { Expr } from '../isa/expression.ts';
import type { Variable } from '../isa/instruction.ts';
import { runtimeFunction } from '../isa/runtime-functions.ts';
import * as FP from '../isa/simd-fp/floating-point.ts';
import type { FPFormat } from '../isa/simd-fp/floating-point.ts';
import * as L from './layout.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';
import type { FunctionBuilder } from './wasm.ts';

export type Bits = Expr<'i64'>;
export type Int = Expr<'i32'>;
export type Formats = readonly FPFormat[];

export const ARITHMETIC_FORMATS: Formats = [FP.HALF, FP.SINGLE, FP.DOUBLE];

const FPCR_ADDRESS = L.SYSTEM_REGISTERS + 8 * L.FPCR_SLOT;
const FPSR_ADDRESS = L.SYSTEM_REGISTERS + 8 * L.FPSR_SLOT;

export function FPCR(): Int {
  return stateLoad('i32', 'i32.load', STATE_BASE, FPCR_ADDRESS);
}
export function FPSR(): Int {
  return stateLoad('i32', 'i32.load', STATE_BASE, FPSR_ADDRESS);
}
/** Sets cumulative exception bits. */
export function raise(f: FunctionBuilder, bits: Int | number): void {
  const mask = typeof bits === 'number' ? i32(bits) : bits;
  f.storeTo('i32.store', STATE_BASE, FPSR_ADDRESS, or(FPSR(), mask));
}
/** FPCR.RMode as an FPRounding. */
export function FPRoundingMode(): Int {
  return and(shrU(FPCR(), i32(FP.FPCR_RMODE_LSB)), i32(3));
}
export function flagFPCR(mask: number): Int {
  return ne(and(FPCR(), i32(mask)), i32(0));
}

/** A function whose name and signature are declared in `isa/runtime-functions.ts`. */
export function declared(
  name: string,
  build: (f: FunctionBuilder) => void,
): RuntimeFunctionDefinition {
  const { parameters, result } = runtimeFunction(name);
  return { name, parameters, result, build };
}

/** A parameter that holds a floating-point value, as i64. */
export function operand(f: FunctionBuilder, index: number, { N }: FPFormat): Bits {
  return N === 64 ? f.parameter(index, 'i64') : f.let(extendU(f.parameter(index, 'i32')));
}
export function returnBits(f: FunctionBuilder, { N }: FPFormat, value: Bits): void {
  f.return(N === 64 ? value : wrap(value));
}

// -- classification

export function magnitude(format: FPFormat, value: Bits): Bits {
  return and(value, i64(FP.signBit(format) - 1n));
}
export function signOf(format: FPFormat, value: Bits): Int {
  return wrap(shrU(value, i64(format.N - 1)));
}
/** Zero or one as the sign of a result whose other bits are `value`. */
export function withSign(format: FPFormat, sign: Int, value: Bits): Bits {
  return or(shl(extendU(sign), i64(format.N - 1)), value);
}
export function isNaN(format: FPFormat, value: Bits): Int {
  return gtU(magnitude(format, value), i64(FP.infinity(format)));
}
export function isInfinity(format: FPFormat, value: Bits): Int {
  return eq(magnitude(format, value), i64(FP.infinity(format)));
}
export function isZero(format: FPFormat, value: Bits): Int {
  return eqz(magnitude(format, value));
}
export function isSNaN(format: FPFormat, value: Bits): Int {
  return and(isNaN(format, value), eqz(and(value, i64(FP.quietBit(format)))));
}

/**
 * Denormal inputs become zero of their sign: with FPCR.FZ, which raises IDC, and in half precision with FPCR.FZ16, which
 * does not.
 */
export function flushInputs(f: FunctionBuilder, format: FPFormat, values: readonly Bits[]): Bits[] {
  const flushed = values.map((value) => f.variable(value));
  f.if(flagFPCR(flushControl(format)), () => {
    for (const variable of flushed) {
      const size = magnitude(format, variable.value);
      // Magnitudes 1 .. 2^F - 1 are the denormals.
      f.if(ltU(sub(size, i64(1)), i64((1n << BigInt(format.F)) - 1n)), () => {
        f.set(variable, and(variable.value, i64(FP.signBit(format))));
        if (format.N !== 16) raise(f, FP.FPSR_IDC);
      });
    }
  });
  return flushed.map(({ value }) => value);
}

/** The bit of FPCR that flushes denormal numbers of the format. */
export function flushControl({ N }: FPFormat): number {
  return N === 16 ? FP.FPCR_FZ16 : FP.FPCR_FZ;
}

export function returnInvalid(f: FunctionBuilder, format: FPFormat): void {
  raise(f, FP.FPSR_IOC);
  returnBits(f, format, i64(FP.defaultNaN(format)));
}

/** Exact zero from operands of different signs: negative only when rounding towards minus infinity. */
export function exactZero(format: FPFormat): Bits {
  return withSign(format, eq(FPRoundingMode(), i32(FP.FPRounding.NEGINF)), i64(0));
}

/** Arm ARM, FPProcessNaN(): the operand is a NaN. */
export function processNaN(f: FunctionBuilder, format: FPFormat, value: Bits): Bits {
  f.if(eqz(and(value, i64(FP.quietBit(format)))), () => {
    raise(f, FP.FPSR_IOC);
  });
  return select(
    flagFPCR(FP.FPCR_DN),
    i64(FP.defaultNaN(format)),
    or(value, i64(FP.quietBit(format))),
  );
}

/** Arm ARM, FPProcessNaNs() and FPProcessNaNs3(): returns from the function if any value is a NaN. */
export function returnIfNaN(f: FunctionBuilder, format: FPFormat, values: readonly Bits[]): void {
  f.if(anyNaN(format, values), () => {
    returnBits(f, format, selectedNaN(f, format, values));
  });
}

export function anyNaN(format: FPFormat, values: readonly Bits[]): Int {
  return values.map((value) => isNaN(format, value)).reduce((a, b) => or(a, b));
}

/** The NaN that results when at least one value is one: signalling before quiet, then by position. */
export function selectedNaN(f: FunctionBuilder, format: FPFormat, values: readonly Bits[]): Bits {
  const chosen = f.variable(i64(0));
  for (const test of [isNaN, isSNaN]) {
    for (const value of [...values].reverse()) {
      f.if(test(format, value), () => {
        f.set(chosen, value);
      });
    }
  }
  return processNaN(f, format, chosen.value);
}

// -- order

/** Bits as a signed integer. */
export function signExtended({ N }: FPFormat, value: Bits): Bits {
  return N === 64 ? value : signExtend(value, N);
}
/** Bits as a signed integer that orders like the values, -0 below +0. */
export function ordered(f: FunctionBuilder, format: FPFormat, value: Bits): Bits {
  const extended = f.let(signExtended(format, value));
  return xor(extended, shrU(shrS(extended, i64(63)), i64(1)));
}

// -- integers

/** Right shift that ORs the lost bits into bit 0; `amount` is i64 and at least 0. */
export function shiftRightJam(f: FunctionBuilder, value: Bits, amount: Bits): Bits {
  const kept = f.let(shrU(value, amount));
  const lost = ne(shl(kept, amount), value);
  return select(ltU(amount, i64(64)), or(kept, extendU(lost)), extendU(ne(value, i64(0))));
}

export interface Wide {
  readonly high: Bits;
  readonly low: Bits;
}

/** The 128-bit product of two unsigned values. */
export function multiply64(f: FunctionBuilder, x: Bits, y: Bits): Wide {
  const half = i64(32);
  const x0 = f.let(zeroExtend(x, 32));
  const x1 = f.let(shrU(x, half));
  const y0 = f.let(zeroExtend(y, 32));
  const y1 = f.let(shrU(y, half));
  const lowest = f.let(mul(x0, y0));
  const middle = f.let(add(mul(x1, y0), shrU(lowest, half)));
  const other = f.let(add(mul(x0, y1), zeroExtend(middle, 32)));
  return {
    high: f.let(add(add(mul(x1, y1), shrU(middle, half)), shrU(other, half))),
    low: f.let(or(shl(other, half), zeroExtend(lowest, 32))),
  };
}

export interface Unpacked {
  readonly exponent: Variable<'i32'>;
  readonly mantissa: Variable<'i64'>;
}

/** A finite value, normalised; a zero keeps the mantissa 0. */
export function unpack(f: FunctionBuilder, format: FPFormat, value: Bits): Unpacked {
  const { F, bias } = format;
  const size = f.let(magnitude(format, value));
  const exponent = f.variable(wrap(shrU(size, i64(F))));
  const fraction = and(size, i64((1n << BigInt(F)) - 1n));
  const mantissa = f.variable(shl(fraction, i64(63 - F)));
  f.if(
    eqz(exponent.value),
    () => {
      const zeros = f.let(clz(mantissa.value));
      f.set(mantissa, shl(mantissa.value, zeros));
      f.set(exponent, sub(i32(1 - bias), wrap(zeros)));
    },
    () => {
      f.set(mantissa, or(mantissa.value, i64(1n << 63n)));
      f.set(exponent, sub(exponent.value, i32(bias)));
    },
  );
  return { exponent, mantissa };
}

/** A call of the format's FPRound: see `roundFunction`. */
export function FPRound(
  { N }: FPFormat,
  sign: Int,
  exponent: Int,
  mantissa: Bits,
  rounding: Int,
): Bits {
  return call('i64', `FPRound${N}`, sign, exponent, mantissa, rounding);
}

/** A call of the format's FPRoundCV, which differs from FPRound in half precision. */
export function FPRoundCV(
  { N }: FPFormat,
  sign: Int,
  exponent: Int,
  mantissa: Bits,
  rounding: Int,
): Bits {
  return call('i64', N === 16 ? 'FPRoundCV16' : `FPRound${N}`, sign, exponent, mantissa, rounding);
}

/** 1 when a discarded fraction, scaled so that one half is `half`, makes the magnitude round up. */
export function roundsUp(
  fraction: Bits,
  half: bigint,
  leastBit: Int,
  sign: Int,
  rounding: Int,
): Int {
  const { TIEEVEN, POSINF, NEGINF, TIEAWAY } = FP.FPRounding;
  const inexact = ne(fraction, i64(0));
  const is = (mode: number): Int => eq(rounding, i32(mode));
  const even = or(gtU(fraction, i64(half)), and(eq(fraction, i64(half)), leastBit));
  const upward = and(inexact, eqz(sign));
  const downward = and(inexact, sign);
  return select(
    is(TIEEVEN),
    even,
    select(
      is(POSINF),
      upward,
      select(is(NEGINF), downward, and(is(TIEAWAY), geU(fraction, i64(half)))),
    ),
  );
}

/**
 * Arm ARM, FPRound() and FPRoundCV(): (sign, exponent, normalised mantissa with a sticky bit 0,
 * rounding) -> bits. Tininess is detected before rounding. In half precision FPRoundCV() knows FPCR.AHP
 * but not FPCR.FZ16, and FPRound() the reverse.
 */
export function roundFunction(format: FPFormat, isConversion = false): RuntimeFunctionDefinition {
  const { N, E, F, bias } = format;
  const { TIEEVEN, POSINF, NEGINF, ODD } = FP.FPRounding;
  return {
    name: `FPRound${isConversion ? 'CV' : ''}${N}`,
    parameters: ['i32', 'i32', 'i64', 'i32'],
    result: 'i64',
    build(f) {
      const sign = f.parameter(0, 'i32');
      const rounding = f.parameter(3, 'i32');
      const biased = f.variable(add(f.parameter(1, 'i32'), i32(bias)));
      const mantissa = f.variable(f.parameter(2, 'i64'));
      f.if(leS(biased.value, i32(0)), () => {
        if (!isConversion) {
          f.if(flagFPCR(flushControl(format)), () => {
            raise(f, FP.FPSR_UFC);
            f.return(withSign(format, sign, i64(0)));
          });
        }
        const distance = extendU(sub(i32(1), biased.value));
        f.set(mantissa, shiftRightJam(f, mantissa.value, f.let(distance)));
        f.set(biased, i32(0));
      });
      const discarded = 63 - F;
      const fraction = f.let(and(mantissa.value, i64((1n << BigInt(discarded)) - 1n)));
      const inexact = f.let(ne(fraction, i64(0)));
      const kept = f.let(shrU(mantissa.value, i64(discarded)));
      const least = and(wrap(kept), i32(1));
      const half = 1n << BigInt(discarded - 1);
      const up = roundsUp(fraction, half, least, sign, rounding);
      const odd = and(inexact, eq(rounding, i32(ODD)));
      const rounded = f.let(or(add(kept, extendU(up)), extendU(odd)));
      // The leading one of a normal number counts as one step of the exponent field, so that a
      // carry out of the fraction arrives there by itself.
      const field = select(eqz(biased.value), i32(0), sub(biased.value, i32(1)));
      const result = f.let(add(shl(extendU(field), i64(F)), rounded));
      if (isConversion) {
        f.if(flagFPCR(FP.FPCR_AHP), () => {
          f.if(or(geS(biased.value, i32(2 ** E)), geU(result, i64(1n << BigInt(E + F)))), () => {
            raise(f, FP.FPSR_IOC);
            f.return(withSign(format, sign, i64(FP.signBit(format) - 1n)));
          });
          raiseInexact(f, inexact, biased.value);
          f.return(withSign(format, sign, result));
        });
      }
      const tooLarge = or(
        geS(biased.value, i32(2 ** E - 1)),
        geU(result, i64(FP.infinity(format))),
      );
      f.if(tooLarge, () => {
        raise(f, FP.FPSR_OFC | FP.FPSR_IXC);
        const toInfinity = or(
          eq(rounding, i32(TIEEVEN)),
          eq(rounding, select(sign, i32(NEGINF), i32(POSINF))),
        );
        const largest = FP.infinity(format) - 1n;
        f.return(
          withSign(format, sign, select(toInfinity, i64(FP.infinity(format)), i64(largest))),
        );
      });
      raiseInexact(f, inexact, biased.value);
      f.return(withSign(format, sign, result));
    },
  };
}

function raiseInexact(f: FunctionBuilder, inexact: Int, biased: Int): void {
  f.if(inexact, () => {
    raise(f, or(i32(FP.FPSR_IXC), select(biased, i32(0), i32(FP.FPSR_UFC))));
  });
}

/** The sign bit flipped where `negate` is 1. */
export function negatedIf(format: FPFormat, value: Bits, negate: boolean): Bits {
  return negate ? xor(value, i64(FP.signBit(format))) : value;
}
