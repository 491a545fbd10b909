/** Arm ARM floating-point arithmetic: FPAdd, FPSub, FPMul, FPMulX, FPDiv, FPSqrt, FPMulAdd, steps. */
import {
  add,
  and,
  call,
  clz,
  convert,
  divU,
  eq,
  eqz,
  extendU,
  f32Bits,
  f32FromBits,
  f64Bits,
  f64FromBits,
  floatBinary,
  floatCompare,
  geU,
  gtU,
  i32,
  i64,
  leU,
  ltS,
  ltU,
  mul,
  ne,
  negate,
  or,
  select,
  shl,
  shrS,
  shrU,
  sub,
  wrap,
  xor,
} from '../isa/expression.ts';
import type { Expr } from '../isa/expression.ts';
import * as FP from '../isa/simd-fp/floating-point.ts';
import type { FPFormat } from '../isa/simd-fp/floating-point.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';
import * as S from './soft-float-support.ts';
import type { Bits, Int, Wide } from './soft-float-support.ts';
import type { FunctionBuilder } from './wasm.ts';

function addFunction(format: FPFormat, subtract: boolean): RuntimeFunctionDefinition {
  return S.declared(`${subtract ? 'FPSub' : 'FPAdd'}${format.N}`, (f) => {
    const [a, given] = S.flushInputs(f, format, [
      S.operand(f, 0, format),
      S.operand(f, 1, format),
    ]) as [Bits, Bits];
    S.returnIfNaN(f, format, [a, given]);
    const b = f.let(S.negatedIf(format, given, subtract));
    const signA = f.let(S.signOf(format, a));
    const signB = f.let(S.signOf(format, b));
    f.if(S.isInfinity(format, a), () => {
      f.if(and(S.isInfinity(format, b), ne(signA, signB)), () => {
        S.returnInvalid(f, format);
      });
      S.returnBits(f, format, a);
    });
    f.if(S.isInfinity(format, b), () => {
      S.returnBits(f, format, b);
    });
    f.if(S.isZero(format, b), () => {
      f.if(and(S.isZero(format, a), ne(signA, signB)), () => {
        S.returnBits(f, format, S.exactZero(format));
      });
      S.returnBits(f, format, a);
    });
    f.if(S.isZero(format, a), () => {
      S.returnBits(f, format, b);
    });

    const { exponent: exponentA, mantissa: mantissaA } = S.unpack(f, format, a);
    const { exponent: exponentB, mantissa: mantissaB } = S.unpack(f, format, b);
    // One bit of headroom for the carry; both formats leave at least ten bits free at the bottom.
    const wideA = f.variable(shrU(mantissaA.value, i64(1)));
    const wideB = f.variable(shrU(mantissaB.value, i64(1)));
    const exponent = f.variable(exponentA.value);
    const distance = f.let(sub(exponentA.value, exponentB.value));
    f.if(
      ltS(distance, i32(0)),
      () => {
        f.set(exponent, exponentB.value);
        f.set(wideA, S.shiftRightJam(f, wideA.value, f.let(extendU(negate(distance)))));
      },
      () => {
        f.set(wideB, S.shiftRightJam(f, wideB.value, f.let(extendU(distance))));
      },
    );
    const sign = f.variable(signA);
    const sum = f.variable(add(wideA.value, wideB.value));
    f.if(ne(signA, signB), () => {
      f.set(sum, sub(wideA.value, wideB.value));
      f.if(eqz(sum.value), () => {
        S.returnBits(f, format, S.exactZero(format));
      });
      f.if(ltS(sum.value, i64(0)), () => {
        f.set(sum, negate(sum.value));
        f.set(sign, signB);
      });
    });
    const zeros = f.let(clz(sum.value));
    const rounded = S.FPRound(
      format,
      sign.value,
      sub(add(exponent.value, i32(1)), wrap(zeros)),
      shl(sum.value, zeros),
      S.FPRoundingMode(),
    );
    S.returnBits(f, format, rounded);
  });
}

/** A product of mantissas, normalised with a sticky bit; the exponent is relative to the sum's. */
function product(
  f: FunctionBuilder,
  format: FPFormat,
  x: Bits,
  y: Bits,
): { readonly mantissa: Bits; readonly carry: Bits } {
  const raw = f.variable(i64(0));
  if (format.N !== 64) {
    f.set(raw, mul(shrU(x, i64(32)), shrU(y, i64(32))));
  } else {
    const { high, low } = S.multiply64(f, x, y);
    f.set(raw, or(high, extendU(ne(low, i64(0)))));
  }
  const zeros = f.let(clz(raw.value)); // 0 or 1
  return { mantissa: f.let(shl(raw.value, zeros)), carry: sub(i64(1), zeros) };
}

function multiplyFunction(format: FPFormat, extended: boolean): RuntimeFunctionDefinition {
  return S.declared(`${extended ? 'FPMulX' : 'FPMul'}${format.N}`, (f) => {
    const [a, b] = S.flushInputs(f, format, [S.operand(f, 0, format), S.operand(f, 1, format)]) as [
      Bits,
      Bits,
    ];
    S.returnIfNaN(f, format, [a, b]);
    const sign = f.let(xor(S.signOf(format, a), S.signOf(format, b)));
    const anyInfinity = f.let(or(S.isInfinity(format, a), S.isInfinity(format, b)));
    const anyZero = f.let(or(S.isZero(format, a), S.isZero(format, b)));
    f.if(anyInfinity, () => {
      f.if(anyZero, () => {
        if (extended)
          S.returnBits(f, format, S.withSign(format, sign, i64(FP.powerOfTwo(format, 1))));
        else S.returnInvalid(f, format);
      });
      S.returnBits(f, format, S.withSign(format, sign, i64(FP.infinity(format))));
    });
    f.if(anyZero, () => {
      S.returnBits(f, format, S.withSign(format, sign, i64(0)));
    });
    const { exponent: exponentA, mantissa: mantissaA } = S.unpack(f, format, a);
    const { exponent: exponentB, mantissa: mantissaB } = S.unpack(f, format, b);
    const { mantissa, carry } = product(f, format, mantissaA.value, mantissaB.value);
    const exponent = add(add(exponentA.value, exponentB.value), wrap(carry));
    S.returnBits(f, format, S.FPRound(format, sign, exponent, mantissa, S.FPRoundingMode()));
  });
}

function divideFunction(format: FPFormat): RuntimeFunctionDefinition {
  return S.declared(`FPDiv${format.N}`, (f) => {
    const [a, b] = S.flushInputs(f, format, [S.operand(f, 0, format), S.operand(f, 1, format)]) as [
      Bits,
      Bits,
    ];
    S.returnIfNaN(f, format, [a, b]);
    const sign = f.let(xor(S.signOf(format, a), S.signOf(format, b)));
    const infinityA = f.let(S.isInfinity(format, a));
    const infinityB = f.let(S.isInfinity(format, b));
    const zeroA = f.let(S.isZero(format, a));
    const zeroB = f.let(S.isZero(format, b));
    f.if(or(and(infinityA, infinityB), and(zeroA, zeroB)), () => {
      S.returnInvalid(f, format);
    });
    f.if(or(infinityA, zeroB), () => {
      f.if(eqz(infinityA), () => {
        S.raise(f, FP.FPSR_DZC);
      });
      S.returnBits(f, format, S.withSign(format, sign, i64(FP.infinity(format))));
    });
    f.if(or(zeroA, infinityB), () => {
      S.returnBits(f, format, S.withSign(format, sign, i64(0)));
    });
    const { exponent: exponentA, mantissa: mantissaA } = S.unpack(f, format, a);
    const { exponent: exponentB, mantissa: mantissaB } = S.unpack(f, format, b);
    const free = i64(63 - format.F);
    const dividend = f.variable(shrU(mantissaA.value, free));
    const divisor = f.let(shrU(mantissaB.value, free));
    const exponent = f.variable(sub(exponentA.value, exponentB.value));
    f.if(ltU(dividend.value, divisor), () => {
      f.set(dividend, shl(dividend.value, i64(1)));
      f.set(exponent, sub(exponent.value, i32(1)));
    });
    // The quotient is in [1, 2): one bit, then as many at a time as fit beside the remainder.
    const quotient = f.variable(i64(1));
    const remainder = f.variable(sub(dividend.value, divisor));
    const step = 63 - format.F;
    const steps = Math.ceil((format.F + 2) / step);
    for (let index = 0; index < steps; index += 1) {
      const scaled = f.let(shl(remainder.value, i64(step)));
      const digits = f.let(divU(scaled, divisor));
      f.set(quotient, or(shl(quotient.value, i64(step)), digits));
      f.set(remainder, sub(scaled, mul(digits, divisor)));
    }
    const aligned = shl(quotient.value, i64(63 - step * steps));
    const mantissa = or(aligned, extendU(ne(remainder.value, i64(0))));
    S.returnBits(f, format, S.FPRound(format, sign, exponent.value, mantissa, S.FPRoundingMode()));
  });
}

function squareRootFunction(format: FPFormat): RuntimeFunctionDefinition {
  return S.declared(`FPSqrt${format.N}`, (f) => {
    const [a] = S.flushInputs(f, format, [S.operand(f, 0, format)]) as [Bits];
    S.returnIfNaN(f, format, [a]);
    f.if(S.isZero(format, a), () => {
      S.returnBits(f, format, a);
    });
    f.if(S.signOf(format, a), () => {
      S.returnInvalid(f, format);
    });
    f.if(S.isInfinity(format, a), () => {
      S.returnBits(f, format, a);
    });
    const { exponent, mantissa } = S.unpack(f, format, a);
    const odd = f.let(and(exponent.value, i32(1)));
    // Digit by digit: `root` gains one bit a turn, `rest` is the scaled remainder.
    const rest = f.variable(
      shl(shrU(mantissa.value, i64(63 - format.F)), add(extendU(odd), i64(1))),
    );
    const root = f.variable(i64(0));
    const trial = f.variable(i64(0));
    const bit = f.variable(i64(1n << BigInt(format.F + 1)));
    f.while(
      () => ne(bit.value, i64(0)),
      () => {
        const t = f.let(add(trial.value, bit.value));
        f.if(leU(t, rest.value), () => {
          f.set(trial, add(t, bit.value));
          f.set(rest, sub(rest.value, t));
          f.set(root, add(root.value, bit.value));
        });
        f.set(rest, shl(rest.value, i64(1)));
        f.set(bit, shrU(bit.value, i64(1)));
      },
    );
    const aligned = shl(root.value, i64(62 - format.F));
    const sticky = extendU(ne(rest.value, i64(0)));
    const half = shrSInt(sub(exponent.value, odd));
    const rounded = S.FPRound(format, i32(0), half, or(aligned, sticky), S.FPRoundingMode());
    S.returnBits(f, format, rounded);
  });
}

function shrSInt(value: Int): Int {
  return shrS(value, i32(1));
}

/** 128-bit right shift that ORs the lost bits into bit 0. */
function shiftWideRightJam(f: FunctionBuilder, value: Wide, amount: Int): Wide {
  const high = f.variable(value.high);
  const low = f.variable(value.low);
  const distance = f.variable(extendU(amount));
  f.if(geU(distance.value, i64(64)), () => {
    f.set(low, or(high.value, extendU(ne(low.value, i64(0)))));
    f.set(high, i64(0));
    f.set(distance, sub(distance.value, i64(64)));
    f.if(geU(distance.value, i64(64)), () => {
      f.set(low, extendU(ne(low.value, i64(0))));
      f.set(distance, i64(0));
    });
  });
  f.if(ne(distance.value, i64(0)), () => {
    const back = f.let(sub(i64(64), distance.value));
    const lost = extendU(ne(shl(low.value, back), i64(0)));
    f.set(low, or(or(shrU(low.value, distance.value), shl(high.value, back)), lost));
    f.set(high, shrU(high.value, distance.value));
  });
  return { high: high.value, low: low.value };
}

/**
 * addend + op1 * op2 with one rounding, all finite, the product not zero. The result is scaled by
 * 2^`scale`.
 */
function fusedFinite(
  f: FunctionBuilder,
  format: FPFormat,
  addend: Bits,
  op1: Bits,
  op2: Bits,
  scale: number,
): void {
  const { exponent: exponent1, mantissa: mantissa1 } = S.unpack(f, format, op1);
  const { exponent: exponent2, mantissa: mantissa2 } = S.unpack(f, format, op2);
  const { exponent: exponentA, mantissa: mantissaA } = S.unpack(f, format, addend);
  const signA = f.let(S.signOf(format, addend));
  const signP = f.let(xor(S.signOf(format, op1), S.signOf(format, op2)));
  const full = S.multiply64(f, mantissa1.value, mantissa2.value);
  // Both terms as 128-bit fixed point with the units of their exponent in bit 125.
  const product = {
    high: f.let(shrU(full.high, i64(2))),
    low: f.let(or(shrU(full.low, i64(2)), shl(full.high, i64(62)))),
  };
  const exponentP = f.let(add(add(exponent1.value, exponent2.value), i32(1)));
  const p = { high: f.variable(product.high), low: f.variable(product.low) };
  const a = { high: f.variable(shrU(mantissaA.value, i64(2))), low: f.variable(i64(0)) };
  const exponent = f.variable(exponentP);
  f.if(eqz(mantissaA.value), () => {
    f.set(exponentA, exponentP);
  });
  const distance = f.let(sub(exponentP, exponentA.value));
  const assign = (term: typeof p, value: Wide): void => {
    f.set(term.high, value.high);
    f.set(term.low, value.low);
  };
  const valueOf = (term: typeof p): Wide => ({ high: term.high.value, low: term.low.value });
  f.if(
    ltS(distance, i32(0)),
    () => {
      f.set(exponent, exponentA.value);
      assign(p, shiftWideRightJam(f, valueOf(p), negate(distance)));
    },
    () => {
      assign(a, shiftWideRightJam(f, valueOf(a), distance));
    },
  );
  const sign = f.variable(signP);
  const high = f.variable(i64(0));
  const low = f.variable(i64(0));
  f.if(
    eq(signA, signP),
    () => {
      f.set(low, add(p.low.value, a.low.value));
      const carry = extendU(ltU(low.value, p.low.value));
      f.set(high, add(add(p.high.value, a.high.value), carry));
    },
    () => {
      f.set(low, sub(p.low.value, a.low.value));
      const borrow = extendU(ltU(p.low.value, a.low.value));
      f.set(high, sub(sub(p.high.value, a.high.value), borrow));
      f.if(eqz(or(high.value, low.value)), () => {
        S.returnBits(f, format, S.exactZero(format));
      });
      f.if(ltS(high.value, i64(0)), () => {
        f.set(sign, signA);
        f.set(low, negate(low.value));
        f.set(high, sub(negate(high.value), extendU(ne(low.value, i64(0)))));
      });
    },
  );
  f.if(eqz(high.value), () => {
    f.set(high, low.value);
    f.set(low, i64(0));
    f.set(exponent, sub(exponent.value, i32(64)));
  });
  const zeros = f.let(clz(high.value));
  f.if(ne(zeros, i64(0)), () => {
    const back = sub(i64(64), zeros);
    f.set(high, or(shl(high.value, zeros), shrU(low.value, back)));
    f.set(low, shl(low.value, zeros));
  });
  const rounded = S.FPRound(
    format,
    sign.value,
    sub(add(exponent.value, i32(2 + scale)), wrap(zeros)),
    or(high.value, extendU(ne(low.value, i64(0)))),
    S.FPRoundingMode(),
  );
  S.returnBits(f, format, rounded);
}

const MIN_SAFE_EXPONENT = 2;

/**
 * Single precision in the default mode once IXC is set: the product is exact in double precision;
 * the sum is rounded to odd there, which makes the second rounding the only one.
 */
function fusedSingleFastPath(f: FunctionBuilder): void {
  const plain = eqz(and(S.FPCR(), i32(FP.FPCR_RMODE | FP.FPCR_FZ)));
  f.if(and(plain, and(shrU(S.FPSR(), i32(4)), i32(1))), () => {
    const wide = (index: number): Expr<'f64'> =>
      f.let(convert('f64.promote_f32', f32FromBits(f.parameter(index, 'i32'))) as Expr<'f64'>);
    const c = wide(0);
    const p = f.let(floatBinary('mul', wide(1), wide(2)));
    const odd = roundedToOdd(f, exactSum(f, p, c));
    const demoted = convert('f32.demote_f64', odd) as Expr<'f32'>;
    const result = f.let(f32Bits(demoted));
    const exponent = and(shrU(result, i32(23)), i32(0xff));
    f.if(ltU(sub(exponent, i32(MIN_SAFE_EXPONENT)), i32(0xff - MIN_SAFE_EXPONENT)), () => {
      f.return(result);
    });
  });
}

interface Sum {
  readonly sum: Expr<'f64'>;
  /** Exactly what rounding took from the sum. */
  readonly error: Expr<'f64'>;
}
function exactSum(f: FunctionBuilder, x: Expr<'f64'>, y: Expr<'f64'>): Sum {
  const sum = f.let(floatBinary('add', x, y));
  const fromY = f.let(floatBinary('sub', sum, x));
  const errorX = floatBinary('sub', x, floatBinary('sub', sum, fromY));
  const error = f.let(floatBinary('add', errorX, floatBinary('sub', y, fromY)));
  return { sum, error };
}

/** Rounds a sum to odd: where it is inexact and even, its neighbour on the lost part's side. */
function roundedToOdd(f: FunctionBuilder, { sum, error }: Sum): Expr<'f64'> {
  const bits = f.let(f64Bits(sum));
  const step = or(shrS(xor(bits, f64Bits(error)), i64(63)), i64(1));
  const even = eqz(and(wrap(bits), i32(1)));
  const lost = floatCompare('ne', error, f64FromBits(i64(0)));
  return f64FromBits(add(bits, select(and(lost, even), step, i64(0))));
}

/** The product of two numbers of moderate size and what rounding took from it (Dekker, Veltkamp). */
function exactProduct(f: FunctionBuilder, x: Expr<'f64'>, y: Expr<'f64'>): Sum {
  const splitter = f64FromBits(i64(FP.powerOfTwo(FP.DOUBLE, 27) + (1n << 25n))); // 2^27 + 1
  const product = f.let(floatBinary('mul', x, y));
  const split = (value: Expr<'f64'>): readonly [Expr<'f64'>, Expr<'f64'>] => {
    const scaled = f.let(floatBinary('mul', splitter, value));
    const high = f.let(floatBinary('sub', scaled, floatBinary('sub', scaled, value)));
    return [high, f.let(floatBinary('sub', value, high))];
  };
  const [xHigh, xLow] = split(x);
  const [yHigh, yLow] = split(y);
  const times = (a: Expr<'f64'>, b: Expr<'f64'>): Expr<'f64'> => floatBinary('mul', a, b);
  let error = floatBinary('sub', times(xHigh, yHigh), product);
  for (const part of [times(xHigh, yLow), times(xLow, yHigh), times(xLow, yLow)])
    error = floatBinary('add', error, part);
  return { sum: product, error: f.let(error) };
}

/**
 * Double precision in the default mode once IXC is set, with factors between 2^-400 and 2^400
 * (S. Boldo, G. Melquiond, "Emulation of a FMA and correctly rounded sums", 2008).
 */
function fusedDoubleFastPath(f: FunctionBuilder): void {
  const plain = eqz(and(S.FPCR(), i32(FP.FPCR_RMODE | FP.FPCR_FZ)));
  const field = (index: number): Int =>
    and(wrap(shrU(f.parameter(index, 'i64'), i64(52))), i32(0x7ff));
  const moderate = (index: number): Int => ltU(sub(field(index), i32(1023 - 400)), i32(800));
  const addendIsFinite = ltU(field(0), i32(2040));
  const applies = and(and(moderate(1), moderate(2)), addendIsFinite);
  f.if(and(and(plain, and(shrU(S.FPSR(), i32(4)), i32(1))), applies), () => {
    const value = (index: number): Expr<'f64'> => f64FromBits(f.parameter(index, 'i64'));
    const product = exactProduct(f, value(1), value(2));
    const low = exactSum(f, value(0), product.error);
    const high = exactSum(f, product.sum, low.sum);
    const rest = roundedToOdd(f, exactSum(f, low.error, high.error));
    const result = f.let(f64Bits(floatBinary('add', high.sum, rest)));
    const exponent = and(wrap(shrU(result, i64(52))), i32(0x7ff));
    f.if(ltU(sub(exponent, i32(MIN_SAFE_EXPONENT)), i32(0x7ff - MIN_SAFE_EXPONENT)), () => {
      f.return(result);
    });
  });
}

function fusedMultiplyAddFunction(format: FPFormat): RuntimeFunctionDefinition {
  return S.declared(`FPMulAdd${format.N}`, (f) => {
    if (format.N === 32) fusedSingleFastPath(f);
    if (format.N === 64) fusedDoubleFastPath(f);
    const [addend, op1, op2] = S.flushInputs(f, format, [
      S.operand(f, 0, format),
      S.operand(f, 1, format),
      S.operand(f, 2, format),
    ]) as [Bits, Bits, Bits];
    const infinity1 = f.let(S.isInfinity(format, op1));
    const infinity2 = f.let(S.isInfinity(format, op2));
    const zero1 = f.let(S.isZero(format, op1));
    const zero2 = f.let(S.isZero(format, op2));
    const invalidProduct = f.let(or(and(infinity1, zero2), and(zero1, infinity2)));
    const values = [addend, op1, op2];
    f.if(S.anyNaN(format, values), () => {
      const quietAddend = and(
        S.isNaN(format, addend),
        ne(and(addend, i64(FP.quietBit(format))), i64(0)),
      );
      f.if(and(quietAddend, invalidProduct), () => {
        S.returnInvalid(f, format);
      });
      S.returnBits(f, format, S.selectedNaN(f, format, values));
    });
    const signA = f.let(S.signOf(format, addend));
    const signP = f.let(xor(S.signOf(format, op1), S.signOf(format, op2)));
    const infinityA = f.let(S.isInfinity(format, addend));
    const infinityP = f.let(or(infinity1, infinity2));
    f.if(or(invalidProduct, and(and(infinityA, infinityP), ne(signA, signP))), () => {
      S.returnInvalid(f, format);
    });
    f.if(infinityA, () => {
      S.returnBits(f, format, addend);
    });
    f.if(infinityP, () => {
      S.returnBits(f, format, S.withSign(format, signP, i64(FP.infinity(format))));
    });
    f.if(or(zero1, zero2), () => {
      f.if(and(S.isZero(format, addend), ne(signA, signP)), () => {
        S.returnBits(f, format, S.exactZero(format));
      });
      S.returnBits(f, format, addend);
    });
    fusedFinite(f, format, addend, op1, op2, 0);
  });
}

/** Arm ARM, FPRecipStepFused(): 2 - op1 * op2; FPRSqrtStepFused(): (3 - op1 * op2) / 2. */
function stepFunction(format: FPFormat, squareRoot: boolean): RuntimeFunctionDefinition {
  const name = squareRoot ? 'FPRSqrtStepFused' : 'FPRecipStepFused';
  return S.declared(`${name}${format.N}`, (f) => {
    const negated = f.let(S.negatedIf(format, S.operand(f, 0, format), true));
    const [op1, op2] = S.flushInputs(f, format, [negated, S.operand(f, 1, format)]) as [Bits, Bits];
    S.returnIfNaN(f, format, [op1, op2]);
    const two = FP.powerOfTwo(format, 1);
    const oneAndAHalf = FP.powerOfTwo(format, 0) | FP.quietBit(format);
    const three = two | FP.quietBit(format);
    const sign = xor(S.signOf(format, op1), S.signOf(format, op2));
    const anyZero = f.let(or(S.isZero(format, op1), S.isZero(format, op2)));
    f.if(or(S.isInfinity(format, op1), S.isInfinity(format, op2)), () => {
      f.if(anyZero, () => {
        S.returnBits(f, format, i64(squareRoot ? oneAndAHalf : two));
      });
      S.returnBits(f, format, S.withSign(format, sign, i64(FP.infinity(format))));
    });
    f.if(anyZero, () => {
      S.returnBits(f, format, i64(squareRoot ? oneAndAHalf : two));
    });
    fusedFinite(f, format, i64(squareRoot ? three : two), op1, op2, squareRoot ? -1 : 0);
  });
}

/** Arm ARM, FPMax() and FPMin(): of two zeros the maximum is +0 if either is. */
function extremumFunction(format: FPFormat, maximum: boolean): RuntimeFunctionDefinition {
  return S.declared(`${maximum ? 'FPMax' : 'FPMin'}${format.N}`, (f) => {
    const [a, b] = S.flushInputs(f, format, [S.operand(f, 0, format), S.operand(f, 1, format)]) as [
      Bits,
      Bits,
    ];
    S.returnIfNaN(f, format, [a, b]);
    const orderedA = f.let(S.ordered(f, format, a));
    const orderedB = f.let(S.ordered(f, format, b));
    const takeA = maximum ? gtSigned(orderedA, orderedB) : gtSigned(orderedB, orderedA);
    S.returnBits(f, format, select(takeA, a, b));
  });
}

function gtSigned(a: Bits, b: Bits): Int {
  return ltS(b, a);
}

/** Arm ARM, FPMaxNum() and FPMinNum(): a single quiet NaN loses against a number. */
function extremumNumberFunction(format: FPFormat, maximum: boolean): RuntimeFunctionDefinition {
  const name = maximum ? 'FPMax' : 'FPMin';
  return S.declared(`${name}Num${format.N}`, (f) => {
    const worst = FP.infinity(format) | (maximum ? FP.signBit(format) : 0n);
    const a = S.operand(f, 0, format);
    const b = S.operand(f, 1, format);
    const quiet = (value: Bits): Int =>
      and(S.isNaN(format, value), ne(and(value, i64(FP.quietBit(format))), i64(0)));
    const quietA = f.let(quiet(a));
    const quietB = f.let(quiet(b));
    const replace = (value: Bits, when: Int): Expr => {
      const chosen = select(when, i64(worst), value);
      return format.N === 64 ? chosen : wrap(chosen);
    };
    const type = format.N === 64 ? 'i64' : 'i32';
    f.return(
      call(
        type,
        `${name}${format.N}`,
        replace(a, gtU(quietA, quietB)),
        replace(b, gtU(quietB, quietA)),
      ),
    );
  });
}

export const arithmeticFunctions: readonly RuntimeFunctionDefinition[] =
  S.ARITHMETIC_FORMATS.flatMap((format) => [
    addFunction(format, false),
    addFunction(format, true),
    multiplyFunction(format, false),
    multiplyFunction(format, true),
    divideFunction(format),
    squareRootFunction(format),
    fusedMultiplyAddFunction(format),
    stepFunction(format, false),
    stepFunction(format, true),
    extremumFunction(format, true),
    extremumFunction(format, false),
    extremumNumberFunction(format, true),
    extremumNumberFunction(format, false),
  ]);
