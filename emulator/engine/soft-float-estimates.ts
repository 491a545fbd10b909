/** Arm ARM reciprocal estimates: FPRecipEstimate, FPRSqrtEstimate, FPRecpX and the unsigned forms. */
import {
  add,
  and,
  convert,
  divU,
  eq,
  eqz,
  extendU,
  f64FromBits,
  floatBinary,
  floatUnary,
  geS,
  geU,
  i32,
  i64,
  ltS,
  ltU,
  mul,
  not,
  or,
  select,
  shl,
  shrU,
  sub,
  wrap,
} from '../isa/expression.ts';
import type { Expr } from '../isa/expression.ts';
import * as FP from '../isa/simd-fp/floating-point.ts';
import type { FPFormat } from '../isa/simd-fp/floating-point.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';
import * as S from './soft-float-support.ts';
import type { Bits, Int } from './soft-float-support.ts';
import type { FunctionBuilder } from './wasm.ts';

/** Arm ARM, RecipEstimate(): 256..511 -> 256..511. */
function RecipEstimate(a: Int): Int {
  const odd = add(shl(a, i32(1)), i32(1));
  return shrU(add(divU(i32(1 << 19), odd), i32(1)), i32(1));
}

/** Arm ARM, RecipSqrtEstimate(): 128..511 -> 256..511. */
function RecipSqrtEstimate(f: FunctionBuilder, value: Int): Int {
  const a = f.let(
    select(
      ltU(value, i32(256)),
      add(shl(value, i32(1)), i32(1)),
      shl(add(and(value, i32(-2)), i32(1)), i32(1)),
    ),
  );
  // The largest b with a * b * b < 2^28. The square root is within one of it.
  const radicand = convert('f64.convert_i32_u', a) as Expr<'f64'>;
  const bound = f64FromBits(i64(FP.powerOfTwo(FP.DOUBLE, 14)));
  const guess = floatBinary('div', bound, floatUnary('sqrt', radicand));
  const b = f.variable(convert('i32.trunc_sat_f64_u', guess) as Expr<'i32'>);
  const fits = (candidate: Int): Int => ltU(mul(mul(a, candidate), candidate), i32(1 << 28));
  f.if(eqz(fits(b.value)), () => {
    f.set(b, sub(b.value, i32(1)));
  });
  f.if(fits(add(b.value, i32(1))), () => {
    f.set(b, add(b.value, i32(1)));
  });
  return shrU(add(b.value, i32(1)), i32(1));
}

/** Fraction left-aligned to 52 bits. */
function alignedFraction(format: FPFormat, value: Bits): Bits {
  return shl(and(value, i64((1n << BigInt(format.F)) - 1n)), i64(52 - format.F));
}
function exponentField(format: FPFormat, value: Bits): Int {
  return and(wrap(shrU(value, i64(format.F))), i32(2 ** format.E - 1));
}
const FRACTION_TOP = 1n << 51n;
const FRACTION = (1n << 52n) - 1n;

function recipEstimateFunction(format: FPFormat): RuntimeFunctionDefinition {
  const { N, F, bias } = format;
  return S.declared(`FPRecipEstimate${N}`, (f) => {
    const [op] = S.flushInputs(f, format, [S.operand(f, 0, format)]) as [Bits];
    S.returnIfNaN(f, format, [op]);
    const sign = f.let(S.signOf(format, op));
    const size = f.let(S.magnitude(format, op));
    f.if(S.isInfinity(format, op), () => {
      S.returnBits(f, format, S.withSign(format, sign, i64(0)));
    });
    f.if(eqz(size), () => {
      S.raise(f, FP.FPSR_DZC);
      S.returnBits(f, format, S.withSign(format, sign, i64(FP.infinity(format))));
    });
    // Below 2^-(bias+1), a quarter of the smallest normal number's reciprocal range, it overflows.
    f.if(ltU(size, i64(1n << BigInt(F - 2))), () => {
      S.raise(f, FP.FPSR_OFC | FP.FPSR_IXC);
      const { TIEEVEN, POSINF, NEGINF } = FP.FPRounding;
      const mode = f.let(S.FPRoundingMode());
      const toInfinity = or(
        eq(mode, i32(TIEEVEN)),
        eq(mode, select(sign, i32(NEGINF), i32(POSINF))),
      );
      const overflow = select(toInfinity, i64(FP.infinity(format)), i64(FP.infinity(format) - 1n));
      S.returnBits(f, format, S.withSign(format, sign, overflow));
    });
    const flushes = geU(size, i64(FP.powerOfTwo(format, bias - 1)));
    f.if(and(S.flagFPCR(S.flushControl(format)), flushes), () => {
      S.raise(f, FP.FPSR_UFC);
      S.returnBits(f, format, S.withSign(format, sign, i64(0)));
    });
    const fraction = f.variable(alignedFraction(format, size));
    const exponent = f.variable(exponentField(format, size));
    f.if(eqz(exponent.value), () => {
      f.if(eqz(and(fraction.value, i64(FRACTION_TOP))), () => {
        f.set(exponent, i32(-1));
        f.set(fraction, shl(fraction.value, i64(1)));
      });
      f.set(fraction, and(shl(fraction.value, i64(1)), i64(FRACTION)));
    });
    const scaled = or(i32(256), wrap(shrU(fraction.value, i64(44))));
    const estimate = f.let(RecipEstimate(f.let(scaled)));
    const result = f.variable(shl(extendU(and(estimate, i32(255))), i64(44)));
    const resultExponent = f.variable(sub(i32(2 * bias - 1), exponent.value));
    f.if(eqz(resultExponent.value), () => {
      f.set(result, or(shrU(result.value, i64(1)), i64(FRACTION_TOP)));
    });
    f.if(ltS(resultExponent.value, i32(0)), () => {
      f.set(result, or(shrU(result.value, i64(2)), i64(FRACTION_TOP >> 1n)));
      f.set(resultExponent, i32(0));
    });
    const field = shl(extendU(resultExponent.value), i64(F));
    const bits = or(field, shrU(result.value, i64(52 - F)));
    S.returnBits(f, format, S.withSign(format, sign, bits));
  });
}

function rSqrtEstimateFunction(format: FPFormat): RuntimeFunctionDefinition {
  const { N, F, bias } = format;
  return S.declared(`FPRSqrtEstimate${N}`, (f) => {
    const [op] = S.flushInputs(f, format, [S.operand(f, 0, format)]) as [Bits];
    S.returnIfNaN(f, format, [op]);
    const sign = f.let(S.signOf(format, op));
    f.if(S.isZero(format, op), () => {
      S.raise(f, FP.FPSR_DZC);
      S.returnBits(f, format, S.withSign(format, sign, i64(FP.infinity(format))));
    });
    f.if(sign, () => {
      S.returnInvalid(f, format);
    });
    f.if(S.isInfinity(format, op), () => {
      S.returnBits(f, format, i64(0));
    });
    // unpack() normalises denormals as the pseudocode's loop does.
    const { exponent, mantissa } = S.unpack(f, format, op);
    const field = f.let(add(exponent.value, i32(bias)));
    const nine = wrap(shrU(mantissa.value, i64(55))); // '1':fraction<51:44>
    const scaled = select(and(field, i32(1)), shrU(nine, i32(1)), nine);
    const estimate = RecipSqrtEstimate(f, f.let(scaled));
    // (380 - exp) DIV 2 and (3068 - exp) DIV 2: never negative.
    const resultExponent = shrU(sub(i32(3 * bias - 1), field), i32(1));
    const fraction = shl(extendU(and(estimate, i32(255))), i64(F - 8));
    S.returnBits(f, format, or(shl(extendU(resultExponent), i64(F)), fraction));
  });
}

function recpXFunction(format: FPFormat): RuntimeFunctionDefinition {
  return S.declared(`FPRecpX${format.N}`, (f) => {
    const [op] = S.flushInputs(f, format, [S.operand(f, 0, format)]) as [Bits];
    S.returnIfNaN(f, format, [op]);
    const mask = i64(FP.infinity(format));
    const exponent = f.let(and(op, mask));
    const largest = FP.infinity(format) - (1n << BigInt(format.F));
    const bits = select(eqz(exponent), i64(largest), and(not(exponent), mask));
    S.returnBits(f, format, S.withSign(format, S.signOf(format, op), bits));
  });
}

const unsignedRecipEstimate = S.declared('UnsignedRecipEstimate', (f) => {
  const op = f.parameter(0, 'i32');
  f.if(geS(op, i32(0)), () => {
    f.return(i32(-1));
  });
  f.return(shl(RecipEstimate(shrU(op, i32(23))), i32(23)));
});

const unsignedRSqrtEstimate = S.declared('UnsignedRSqrtEstimate', (f) => {
  const op = f.parameter(0, 'i32');
  f.if(eqz(shrU(op, i32(30))), () => {
    f.return(i32(-1));
  });
  f.return(shl(RecipSqrtEstimate(f, f.let(shrU(op, i32(23)))), i32(23)));
});

export const estimateFunctions: readonly RuntimeFunctionDefinition[] = [
  ...S.ARITHMETIC_FORMATS.flatMap((format) => [
    recipEstimateFunction(format),
    rSqrtEstimateFunction(format),
    recpXFunction(format),
  ]),
  unsignedRecipEstimate,
  unsignedRSqrtEstimate,
];
