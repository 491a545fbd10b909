/** Arm ARM: FPConvert, FPRoundInt, FPToFixed, FixedToFP and the comparisons. */
import {
  add,
  and,
  clz,
  eq,
  eqz,
  extendU,
  f32FromBits,
  f64FromBits,
  floatCompare,
  geS,
  geU,
  gtS,
  gtU,
  i32,
  i64,
  leS,
  ltS,
  ltU,
  ne,
  negate,
  not,
  or,
  select,
  shl,
  shrS,
  shrU,
  sub,
  wrap,
  zeroExtend,
} from '../isa/expression.ts';
import type { FloatComparison } from '../isa/expression.ts';
import * as FP from '../isa/simd-fp/floating-point.ts';
import type { FPFormat } from '../isa/simd-fp/floating-point.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';
import * as S from './soft-float-support.ts';
import type { Bits, Int } from './soft-float-support.ts';
import type { FunctionBuilder } from './wasm.ts';

const HALF_WAY = 1n << 63n;

/** Integer part and remaining fraction (scaled by 2^64, inexactly below bit 1) of a finite value. */
function splitAtPoint(
  f: FunctionBuilder,
  exponent: Int,
  mantissa: Bits,
): { readonly integer: Bits; readonly fraction: Bits } {
  // Exponents from -1 to 62 leave both parts; smaller ones only a sticky fraction.
  const integer = f.variable(i64(0));
  const fraction = f.variable(i64(1));
  f.if(
    geS(exponent, i32(0)),
    () => {
      f.set(integer, shrU(mantissa, extendU(sub(i32(63), exponent))));
      f.set(fraction, shl(shl(mantissa, extendU(exponent)), i64(1)));
    },
    () => {
      f.if(eq(exponent, i32(-1)), () => {
        f.set(fraction, mantissa);
      });
    },
  );
  return { integer: integer.value, fraction: fraction.value };
}

function roundedMagnitude(
  f: FunctionBuilder,
  { integer, fraction }: { readonly integer: Bits; readonly fraction: Bits },
  sign: Int,
  rounding: Int,
): Bits {
  const least = and(wrap(integer), i32(1));
  return f.let(add(integer, extendU(S.roundsUp(fraction, HALF_WAY, least, sign, rounding))));
}

function roundIntFunction(format: FPFormat): RuntimeFunctionDefinition {
  return S.declared(`FPRoundInt${format.N}`, (f) => {
    const [op] = S.flushInputs(f, format, [S.operand(f, 0, format)]) as [Bits];
    const rounding = f.parameter(1, 'i32');
    const exact = f.parameter(2, 'i32');
    S.returnIfNaN(f, format, [op]);
    f.if(or(S.isInfinity(format, op), S.isZero(format, op)), () => {
      S.returnBits(f, format, op);
    });
    const { exponent, mantissa } = S.unpack(f, format, op);
    f.if(geS(exponent.value, i32(format.F)), () => {
      S.returnBits(f, format, op);
    });
    const sign = f.let(S.signOf(format, op));
    const parts = splitAtPoint(f, exponent.value, mantissa.value);
    const integer = roundedMagnitude(f, parts, sign, rounding);
    f.if(and(ne(exact, i32(0)), ne(parts.fraction, i64(0))), () => {
      S.raise(f, FP.FPSR_IXC);
    });
    f.if(eqz(integer), () => {
      S.returnBits(f, format, S.withSign(format, sign, i64(0)));
    });
    const zeros = f.let(clz(integer));
    const top = sub(i32(63), wrap(zeros));
    S.returnBits(f, format, S.FPRound(format, sign, top, shl(integer, zeros), rounding));
  });
}

function toFixedFunction(format: FPFormat): RuntimeFunctionDefinition {
  return S.declared(`FPToFixed${format.N}`, (f) => {
    const [op] = S.flushInputs(f, format, [S.operand(f, 0, format)]) as [Bits];
    const fbits = f.parameter(1, 'i32');
    const unsigned = f.parameter(2, 'i32');
    const rounding = f.parameter(3, 'i32');
    const width = f.parameter(4, 'i32');
    f.if(S.isNaN(format, op), () => {
      S.raise(f, FP.FPSR_IOC);
      f.return(i64(0));
    });
    f.if(S.isZero(format, op), () => {
      f.return(i64(0));
    });
    const sign = f.let(S.signOf(format, op));
    const { exponent, mantissa } = S.unpack(f, format, op);
    const scaled = f.let(add(exponent.value, fbits));
    const parts = splitAtPoint(f, scaled, mantissa.value);
    const integer = roundedMagnitude(f, parts, sign, rounding);
    const ones = f.let(shrU(i64(-1), extendU(sub(i32(64), width))));
    // Largest magnitude of the result's range on this side of zero.
    const limit = f.let(
      select(unsigned, select(sign, i64(0), ones), add(shrU(ones, i64(1)), extendU(sign))),
    );
    // Infinity is beyond every integer, but in half precision its exponent alone is not.
    const tooLarge = or(geS(scaled, i32(64)), gtU(integer, limit));
    f.if(format.N === 16 ? or(tooLarge, S.isInfinity(format, op)) : tooLarge, () => {
      S.raise(f, FP.FPSR_IOC);
      f.return(and(select(sign, negate(limit), limit), ones));
    });
    f.if(ne(parts.fraction, i64(0)), () => {
      S.raise(f, FP.FPSR_IXC);
    });
    f.return(and(select(sign, negate(integer), integer), ones));
  });
}

/** Arm ARM, FPToFixedJS(): towards zero, modulo 2^32. */
const toFixedJSFunction = S.declared('FPToFixedJS', (f) => {
  const format = FP.DOUBLE;
  const [op] = S.flushInputs(f, format, [f.parameter(0, 'i64')]) as [Bits];
  const sign = f.let(S.signOf(format, op));
  f.if(S.isZero(format, op), () => {
    f.return(shl(extendU(eqz(sign)), i64(32)));
  });
  f.if(geU(S.magnitude(format, op), i64(FP.infinity(format))), () => {
    S.raise(f, FP.FPSR_IOC);
    f.return(i64(0));
  });
  const { exponent, mantissa } = S.unpack(f, format, op);
  const beyond = f.let(extendU(sub(exponent.value, i32(63))));
  f.if(geS(exponent.value, i32(63)), () => {
    S.raise(f, FP.FPSR_IOC);
    const integer = f.let(select(ltU(beyond, i64(64)), shl(mantissa.value, beyond), i64(0)));
    f.return(zeroExtend(select(sign, negate(integer), integer), 32));
  });
  const { integer, fraction } = splitAtPoint(f, exponent.value, mantissa.value);
  const result = f.let(zeroExtend(select(sign, negate(integer), integer), 32));
  f.if(gtU(integer, add(i64(0x7fff_ffff), extendU(sign))), () => {
    S.raise(f, FP.FPSR_IOC);
    f.return(result);
  });
  f.if(ne(fraction, i64(0)), () => {
    S.raise(f, FP.FPSR_IXC);
    f.return(result);
  });
  f.return(or(result, i64(1n << 32n)));
});

function fixedToFPFunction(format: FPFormat): RuntimeFunctionDefinition {
  return S.declared(`FixedToFP${format.N}`, (f) => {
    const op = f.parameter(0, 'i64');
    const fbits = f.parameter(1, 'i32');
    const unsigned = f.parameter(2, 'i32');
    f.if(eqz(op), () => {
      S.returnBits(f, format, i64(0));
    });
    const sign = f.let(and(eqz(unsigned), ltS(op, i64(0))));
    const size = f.let(select(sign, negate(op), op));
    const zeros = f.let(clz(size));
    const exponent = sub(sub(i32(63), wrap(zeros)), fbits);
    const mantissa = shl(size, zeros);
    S.returnBits(f, format, S.FPRound(format, sign, exponent, mantissa, f.parameter(3, 'i32')));
  });
}

/** Moves a field of `from` bits to the top of one of `to` bits, or the reverse. */
function alignedFraction(value: Bits, from: number, to: number): Bits {
  return to >= from ? shl(value, i64(to - from)) : shrU(value, i64(from - to));
}

function convertFunction(from: FPFormat, to: FPFormat): RuntimeFunctionDefinition {
  return S.declared(`FPConvert${from.N}To${to.N}`, (f) => {
    const [op] = (
      from.N === 16
        ? [f.let(extendU(and(f.parameter(0, 'i32'), i32(0xffff))))]
        : S.flushInputs(f, from, [S.operand(f, 0, from)])
    ) as [Bits];
    const rounding = f.parameter(1, 'i32');
    const sign = f.let(S.signOf(from, op));
    const alternative = S.flagFPCR(FP.FPCR_AHP);
    // In the alternative half-precision format the top exponent is that of ordinary numbers.
    const special = from.N === 16 ? eqz(alternative) : i32(1);
    f.if(and(special, geU(S.magnitude(from, op), i64(FP.infinity(from)))), () => {
      f.if(S.isInfinity(from, op), () => {
        if (to.N === 16) {
          f.if(alternative, () => {
            S.raise(f, FP.FPSR_IOC);
            S.returnBits(f, to, S.withSign(to, sign, i64(FP.signBit(to) - 1n)));
          });
        }
        S.returnBits(f, to, S.withSign(to, sign, i64(FP.infinity(to))));
      });
      f.if(S.isSNaN(from, op), () => {
        S.raise(f, FP.FPSR_IOC);
      });
      if (to.N === 16) {
        f.if(alternative, () => {
          S.raise(f, FP.FPSR_IOC);
          S.returnBits(f, to, S.withSign(to, sign, i64(0)));
        });
      }
      f.if(S.flagFPCR(FP.FPCR_DN), () => {
        S.returnBits(f, to, i64(FP.defaultNaN(to)));
      });
      const payload = and(op, i64(FP.quietBit(from) - 1n));
      const quiet = or(alignedFraction(payload, from.F, to.F), i64(FP.defaultNaN(to)));
      S.returnBits(f, to, S.withSign(to, sign, quiet));
    });
    f.if(S.isZero(from, op), () => {
      S.returnBits(f, to, S.withSign(to, sign, i64(0)));
    });
    const { exponent, mantissa } = S.unpack(f, from, op);
    S.returnBits(f, to, S.FPRoundCV(to, sign, exponent.value, mantissa.value, rounding));
  });
}

// -- comparisons

const COMPARE_INTEGERS = { eq, ne, lt: ltS, gt: gtS, le: leS, ge: geS } as const;

/** A comparison of two values that are no NaNs, by the host's own operators where it has the format. */
function compareNumbers(
  f: FunctionBuilder,
  op: FloatComparison,
  format: FPFormat,
  a: Bits,
  b: Bits,
): Int {
  if (format.N === 64) return floatCompare(op, f64FromBits(a), f64FromBits(b));
  if (format.N === 32) return floatCompare(op, f32FromBits(wrap(a)), f32FromBits(wrap(b)));
  // Zeros of either sign are equal.
  const key = (value: Bits): Bits =>
    select(S.isZero(format, value), i64(0), S.ordered(f, format, value));
  return COMPARE_INTEGERS[op](key(a), key(b));
}

function comparisonFunction(
  format: FPFormat,
  name: 'FPCompareEQ' | 'FPCompareGE' | 'FPCompareGT',
  op: FloatComparison,
): RuntimeFunctionDefinition {
  return S.declared(`${name}${format.N}`, (f) => {
    const [a, b] = S.flushInputs(f, format, [S.operand(f, 0, format), S.operand(f, 1, format)]) as [
      Bits,
      Bits,
    ];
    f.if(S.anyNaN(format, [a, b]), () => {
      const signalling = or(S.isSNaN(format, a), S.isSNaN(format, b));
      S.raise(
        f,
        name === 'FPCompareEQ' ? select(signalling, i32(FP.FPSR_IOC), i32(0)) : FP.FPSR_IOC,
      );
      f.return(i32(0));
    });
    f.return(compareNumbers(f, op, format, a, b));
  });
}

const NZCV_EQUAL = 0b0110;
const NZCV_LESS = 0b1000;
const NZCV_GREATER = 0b0010;
const NZCV_UNORDERED = 0b0011;

function compareFunction(format: FPFormat): RuntimeFunctionDefinition {
  return S.declared(`FPCompare${format.N}`, (f) => {
    const [a, b] = S.flushInputs(f, format, [S.operand(f, 0, format), S.operand(f, 1, format)]) as [
      Bits,
      Bits,
    ];
    f.if(S.anyNaN(format, [a, b]), () => {
      const signalling = or(S.isSNaN(format, a), S.isSNaN(format, b));
      S.raise(f, select(or(signalling, f.parameter(2, 'i32')), i32(FP.FPSR_IOC), i32(0)));
      f.return(i32(NZCV_UNORDERED));
    });
    f.if(compareNumbers(f, 'eq', format, a, b), () => {
      f.return(i32(NZCV_EQUAL));
    });
    f.return(select(compareNumbers(f, 'lt', format, a, b), i32(NZCV_LESS), i32(NZCV_GREATER)));
  });
}

/** Arm ARM: SSHL, USHL, SRSHL, URSHL, SQSHL, UQSHL, SQRSHL, UQRSHL on one element. */
export const shiftElement = S.declared('ShiftElement', (f) => {
  const element = f.parameter(0, 'i64');
  const shift = f.parameter(1, 'i32');
  const unsigned = f.parameter(2, 'i32');
  const rounding = f.parameter(3, 'i32');
  const saturating = f.parameter(4, 'i32');
  const size = f.parameter(5, 'i32');
  f.if(ltS(shift, i32(0)), () => {
    const right = f.let(negate(shift));
    const isFar = f.let(geS(right, i32(64)));
    const sign = select(unsigned, i64(0), shrS(element, i64(63)));
    const near = select(unsigned, shrU(element, extendU(right)), shrS(element, extendU(right)));
    // The last bit shifted out; 64 places out it is the element's top bit, further a copy of the
    // sign. A signed element is rounded to zero there, an unsigned one keeps the carry.
    const last = select(
      geS(right, i32(65)),
      sign,
      select(
        unsigned,
        shrU(element, extendU(sub(right, i32(1)))),
        shrS(element, extendU(sub(right, i32(1)))),
      ),
    );
    const carry = select(rounding, and(last, i64(1)), i64(0));
    f.return(add(select(isFar, sign, near), carry));
  });
  const isFar = f.let(geS(shift, i32(64)));
  const result = f.let(select(isFar, i64(0), shl(element, extendU(shift))));
  f.if(eqz(saturating), () => {
    f.return(result);
  });
  // Exact when shifting the narrowed result back gives the element again.
  const spare = f.let(extendU(sub(i32(64), size)));
  const narrowed = f.let(
    select(unsigned, shrU(shl(result, spare), spare), shrS(shl(result, spare), spare)),
  );
  const restored = select(unsigned, shrU(narrowed, extendU(shift)), shrS(narrowed, extendU(shift)));
  const isExact = select(isFar, eqz(element), eq(restored, element));
  f.if(isExact, () => {
    f.return(narrowed);
  });
  S.raise(f, FP.FPSR_QC);
  const largest = shrU(shrU(i64(-1), spare), extendU(eqz(unsigned)));
  const negative = and(eqz(unsigned), ltS(element, i64(0)));
  const saturated = f.let(largest);
  f.return(select(negative, not(saturated), saturated));
});

const { HALF, SINGLE, DOUBLE } = FP;

export const conversionFunctions: readonly RuntimeFunctionDefinition[] = [
  ...S.ARITHMETIC_FORMATS.flatMap((format) => [
    roundIntFunction(format),
    toFixedFunction(format),
    fixedToFPFunction(format),
    compareFunction(format),
    comparisonFunction(format, 'FPCompareEQ', 'eq'),
    comparisonFunction(format, 'FPCompareGE', 'ge'),
    comparisonFunction(format, 'FPCompareGT', 'gt'),
  ]),
  toFixedJSFunction,
  convertFunction(HALF, SINGLE),
  convertFunction(HALF, DOUBLE),
  convertFunction(SINGLE, HALF),
  convertFunction(SINGLE, DOUBLE),
  convertFunction(DOUBLE, HALF),
  convertFunction(DOUBLE, SINGLE),
];
