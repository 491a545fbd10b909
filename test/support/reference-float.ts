/**
 * Floating point written from the Arm ARM's pseudocode with unbounded integers: an oracle for the
 * generated software floating point, with which it shares nothing. Slow on purpose.
 */

export interface ReferenceFormat {
  readonly N: 16 | 32 | 64;
  readonly E: number;
  readonly F: number;
}
export const FORMATS: Readonly<Record<16 | 32 | 64, ReferenceFormat>> = {
  16: { N: 16, E: 5, F: 10 },
  32: { N: 32, E: 8, F: 23 },
  64: { N: 64, E: 11, F: 52 },
};

type FPType = 'Zero' | 'Nonzero' | 'Infinity' | 'QNaN' | 'SNaN';

/** A positive rational; signs are kept apart, as the pseudocode does for zeros. */
interface Rational {
  readonly num: bigint;
  readonly den: bigint;
}

interface Unpacked {
  readonly type: FPType;
  readonly sign: 0 | 1;
  /** Magnitude; zero unless the type is Nonzero. */
  readonly value: Rational;
}

export type ReferenceRounding = 'TIEEVEN' | 'POSINF' | 'NEGINF' | 'ZERO' | 'TIEAWAY' | 'ODD';
export const FPCR_MODES: readonly ReferenceRounding[] = ['TIEEVEN', 'POSINF', 'NEGINF', 'ZERO'];

export const IOC = 1;
export const DZC = 2;
export const OFC = 4;
export const UFC = 8;
export const IXC = 16;
export const IDC = 128;

const ZERO: Rational = { num: 0n, den: 1n };
const pow2 = (n: number): bigint => 1n << BigInt(n);

function scale({ num, den }: Rational, exponent: number): Rational {
  return exponent >= 0 ? { num: num * pow2(exponent), den } : { num, den: den * pow2(-exponent) };
}
/** The integer e with 2^e <= value < 2^(e+1). */
function exponentOf(value: Rational): number {
  let e = value.num.toString(2).length - value.den.toString(2).length;
  const low = scale(value, -e);
  if (low.num < low.den) e -= 1;
  return e;
}
/** Floor of the square root. */
function integerSqrt(value: bigint): bigint {
  if (value < 2n) return value;
  let x = pow2(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (x + value / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

export class ReferenceFloat {
  FPSR = 0;
  readonly rounding: ReferenceRounding;
  readonly FZ: boolean;
  readonly FZ16: boolean;
  readonly DN: boolean;
  readonly AHP: boolean;
  /** Conversions between formats know AHP and not FZ16; everything else the reverse. */
  #converts = false;

  constructor(FPCR: number) {
    this.rounding = FPCR_MODES[(FPCR >> 22) & 3] ?? 'TIEEVEN';
    this.FZ16 = ((FPCR >> 19) & 1) === 1;
    this.FZ = ((FPCR >> 24) & 1) === 1;
    this.DN = ((FPCR >> 25) & 1) === 1;
    this.AHP = ((FPCR >> 26) & 1) === 1;
  }

  // -- formats

  #flushes({ N }: ReferenceFormat): boolean {
    return N === 16 ? this.FZ16 && !this.#converts : this.FZ;
  }
  #isAlternative({ N }: ReferenceFormat): boolean {
    return N === 16 && this.AHP && this.#converts;
  }

  #zero({ N }: ReferenceFormat, sign: number): bigint {
    return BigInt(sign) << BigInt(N - 1);
  }
  #infinity(format: ReferenceFormat, sign: number): bigint {
    return this.#zero(format, sign) | ((pow2(format.E) - 1n) << BigInt(format.F));
  }
  #maxNormal(format: ReferenceFormat, sign: number): bigint {
    return this.#infinity(format, sign) - 1n;
  }
  #defaultNaN(format: ReferenceFormat): bigint {
    return this.#infinity(format, 0) | pow2(format.F - 1);
  }

  #unpack(format: ReferenceFormat, bits: bigint): Unpacked {
    const { N, E, F } = format;
    const sign = (bits >> BigInt(N - 1)) & 1n ? 1 : 0;
    const exponent = Number((bits >> BigInt(F)) & (pow2(E) - 1n));
    const fraction = bits & (pow2(F) - 1n);
    const bias = 2 ** (E - 1) - 1;
    if (exponent === 0) {
      if (fraction === 0n) return { type: 'Zero', sign, value: ZERO };
      if (this.#flushes(format)) {
        if (N !== 16) this.FPSR |= IDC;
        return { type: 'Zero', sign, value: ZERO };
      }
      const value = scale({ num: fraction, den: 1n }, 1 - bias - F);
      return { type: 'Nonzero', sign, value };
    }
    if (exponent === 2 ** E - 1 && !this.#isAlternative(format)) {
      if (fraction === 0n) return { type: 'Infinity', sign, value: ZERO };
      const quiet = (fraction >> BigInt(F - 1)) & 1n;
      return { type: quiet ? 'QNaN' : 'SNaN', sign, value: ZERO };
    }
    const value = scale({ num: fraction + pow2(F), den: 1n }, exponent - bias - F);
    return { type: 'Nonzero', sign, value };
  }

  /** Arm ARM, FPRoundBase(): `value` is positive. */
  #round(
    format: ReferenceFormat,
    sign: number,
    value: Rational,
    rounding: ReferenceRounding = this.rounding,
  ): bigint {
    const { N, E, F } = format;
    const minimumExponent = 2 - 2 ** (E - 1);
    const exponent = exponentOf(value);
    if (this.#flushes(format) && exponent < minimumExponent) {
      this.FPSR |= UFC;
      return this.#zero(format, sign);
    }
    let biased = Math.max(exponent - minimumExponent + 1, 0);
    const unit = biased === 0 ? minimumExponent : exponent;
    const scaled = scale(value, F - unit);
    let mantissa = scaled.num / scaled.den;
    const rest = scaled.num % scaled.den;
    if (biased === 0 && rest !== 0n) this.FPSR |= UFC;
    const overHalf = 2n * rest > scaled.den;
    const half = 2n * rest === scaled.den;
    let roundUp = false;
    let toInfinity = false;
    switch (rounding) {
      case 'TIEEVEN':
        roundUp = overHalf || (half && (mantissa & 1n) === 1n);
        toInfinity = true;
        break;
      case 'POSINF':
        roundUp = rest !== 0n && sign === 0;
        toInfinity = sign === 0;
        break;
      case 'NEGINF':
        roundUp = rest !== 0n && sign === 1;
        toInfinity = sign === 1;
        break;
      case 'ZERO':
      case 'ODD':
        break;
      case 'TIEAWAY':
        throw new RangeError('FPRound never rounds ties away');
    }
    if (roundUp) {
      mantissa += 1n;
      if (mantissa === pow2(F)) biased = 1;
      if (mantissa === pow2(F + 1)) {
        biased += 1;
        mantissa /= 2n;
      }
    }
    if (rounding === 'ODD' && rest !== 0n) mantissa |= 1n;
    let inexact = rest !== 0n;
    let result: bigint;
    const packed = (): bigint =>
      this.#zero(format, sign) | (BigInt(biased) << BigInt(F)) | (mantissa & (pow2(F) - 1n));
    if (!this.#isAlternative(format)) {
      if (biased >= 2 ** E - 1) {
        result = toInfinity ? this.#infinity(format, sign) : this.#maxNormal(format, sign);
        this.FPSR |= OFC;
        inexact = true;
      } else {
        result = packed();
      }
    } else if (biased >= 2 ** E) {
      result = this.#zero(format, sign) | (pow2(N - 1) - 1n);
      this.FPSR |= IOC;
      inexact = false;
    } else {
      result = packed();
    }
    if (inexact) this.FPSR |= IXC;
    return result;
  }

  // -- NaNs

  #processNaN(format: ReferenceFormat, type: FPType, bits: bigint): bigint {
    if (type === 'SNaN') this.FPSR |= IOC;
    return this.DN ? this.#defaultNaN(format) : bits | pow2(format.F - 1);
  }
  /** FPProcessNaNs and FPProcessNaNs3. */
  #processNaNs(
    format: ReferenceFormat,
    operands: readonly (readonly [FPType, bigint])[],
  ): bigint | undefined {
    for (const wanted of ['SNaN', 'QNaN'] as const) {
      for (const [type, bits] of operands) {
        if (type === wanted) return this.#processNaN(format, type, bits);
      }
    }
    return undefined;
  }
  #invalid(format: ReferenceFormat): bigint {
    this.FPSR |= IOC;
    return this.#defaultNaN(format);
  }
  #exactZero(format: ReferenceFormat): bigint {
    return this.#zero(format, this.rounding === 'NEGINF' ? 1 : 0);
  }
  #roundSigned(format: ReferenceFormat, num: bigint, den: bigint): bigint {
    if (num === 0n) return this.#exactZero(format);
    return num < 0n
      ? this.#round(format, 1, { num: -num, den })
      : this.#round(format, 0, { num, den });
  }

  // -- arithmetic

  FPAdd(N: 16 | 32 | 64, a: bigint, b: bigint, subtract = false): bigint {
    const format = FORMATS[N];
    const x = this.#unpack(format, a);
    const y = this.#unpack(format, b);
    const nan = this.#processNaNs(format, [
      [x.type, a],
      [y.type, b],
    ]);
    if (nan !== undefined) return nan;
    const signY = subtract ? 1 - y.sign : y.sign;
    const infX = x.type === 'Infinity';
    const infY = y.type === 'Infinity';
    if (infX && infY && x.sign !== signY) return this.#invalid(format);
    if (infX) return this.#infinity(format, x.sign);
    if (infY) return this.#infinity(format, signY);
    if (x.type === 'Zero' && y.type === 'Zero' && x.sign === signY)
      return this.#zero(format, x.sign);
    const p = x.value.num * y.value.den * (x.sign ? -1n : 1n);
    const q = y.value.num * x.value.den * (signY ? -1n : 1n);
    return this.#roundSigned(format, p + q, x.value.den * y.value.den);
  }

  FPMul(N: 16 | 32 | 64, a: bigint, b: bigint, extended = false): bigint {
    const format = FORMATS[N];
    const x = this.#unpack(format, a);
    const y = this.#unpack(format, b);
    const nan = this.#processNaNs(format, [
      [x.type, a],
      [y.type, b],
    ]);
    if (nan !== undefined) return nan;
    const sign = x.sign ^ y.sign;
    const anyInfinity = x.type === 'Infinity' || y.type === 'Infinity';
    const anyZero = x.type === 'Zero' || y.type === 'Zero';
    if (anyInfinity && anyZero) {
      return extended ? this.#round(format, sign, { num: 2n, den: 1n }) : this.#invalid(format);
    }
    if (anyInfinity) return this.#infinity(format, sign);
    if (anyZero) return this.#zero(format, sign);
    return this.#round(format, sign, {
      num: x.value.num * y.value.num,
      den: x.value.den * y.value.den,
    });
  }

  FPDiv(N: 16 | 32 | 64, a: bigint, b: bigint): bigint {
    const format = FORMATS[N];
    const x = this.#unpack(format, a);
    const y = this.#unpack(format, b);
    const nan = this.#processNaNs(format, [
      [x.type, a],
      [y.type, b],
    ]);
    if (nan !== undefined) return nan;
    const sign = x.sign ^ y.sign;
    const infX = x.type === 'Infinity';
    const infY = y.type === 'Infinity';
    const zeroX = x.type === 'Zero';
    const zeroY = y.type === 'Zero';
    if ((infX && infY) || (zeroX && zeroY)) return this.#invalid(format);
    if (infX || zeroY) {
      if (!infX) this.FPSR |= DZC;
      return this.#infinity(format, sign);
    }
    if (zeroX || infY) return this.#zero(format, sign);
    return this.#round(format, sign, {
      num: x.value.num * y.value.den,
      den: x.value.den * y.value.num,
    });
  }

  FPSqrt(N: 16 | 32 | 64, a: bigint): bigint {
    const format = FORMATS[N];
    const x = this.#unpack(format, a);
    const nan = this.#processNaNs(format, [[x.type, a]]);
    if (nan !== undefined) return nan;
    if (x.type === 'Zero') return this.#zero(format, x.sign);
    if (x.sign === 1) return this.#invalid(format);
    if (x.type === 'Infinity') return this.#infinity(format, 0);
    // Far more digits than any format, with a last one that says whether something was cut off.
    const digits = 1500;
    const scaled = scale(x.value, 2 * digits);
    const whole = scaled.num / scaled.den;
    const root = integerSqrt(whole);
    const exact = root * root === whole && scaled.num % scaled.den === 0n;
    return this.#round(format, 0, { num: 2n * root + (exact ? 0n : 1n), den: pow2(digits + 1) });
  }

  FPMulAdd(N: 16 | 32 | 64, addend: bigint, a: bigint, b: bigint): bigint {
    const format = FORMATS[N];
    const z = this.#unpack(format, addend);
    const x = this.#unpack(format, a);
    const y = this.#unpack(format, b);
    const invalidProduct =
      (x.type === 'Infinity' && y.type === 'Zero') || (x.type === 'Zero' && y.type === 'Infinity');
    const nan = this.#processNaNs(format, [
      [z.type, addend],
      [x.type, a],
      [y.type, b],
    ]);
    if (z.type === 'QNaN' && invalidProduct) return this.#invalid(format);
    if (nan !== undefined) return nan;
    const signP = x.sign ^ y.sign;
    const infP = x.type === 'Infinity' || y.type === 'Infinity';
    const zeroP = x.type === 'Zero' || y.type === 'Zero';
    const infZ = z.type === 'Infinity';
    if (invalidProduct || (infZ && infP && z.sign !== signP)) return this.#invalid(format);
    if (infZ) return this.#infinity(format, z.sign);
    if (infP) return this.#infinity(format, signP);
    if (z.type === 'Zero' && zeroP && z.sign === signP) return this.#zero(format, z.sign);
    const product = {
      num: x.value.num * y.value.num * (signP ? -1n : 1n),
      den: x.value.den * y.value.den,
    };
    const num = z.value.num * (z.sign ? -1n : 1n) * product.den + product.num * z.value.den;
    return this.#roundSigned(format, num, z.value.den * product.den);
  }

  FPMax(N: 16 | 32 | 64, a: bigint, b: bigint, minimum = false): bigint {
    const format = FORMATS[N];
    const x = this.#unpack(format, a);
    const y = this.#unpack(format, b);
    const nan = this.#processNaNs(format, [
      [x.type, a],
      [y.type, b],
    ]);
    if (nan !== undefined) return nan;
    const order = this.#compare(x, y);
    const chosen = (minimum ? order < 0 : order > 0) ? x : y;
    if (chosen.type === 'Infinity') return this.#infinity(format, chosen.sign);
    if (chosen.type === 'Zero')
      return this.#zero(format, minimum ? x.sign | y.sign : x.sign & y.sign);
    return this.#round(format, chosen.sign, chosen.value);
  }

  FPMaxNum(N: 16 | 32 | 64, a: bigint, b: bigint, minimum = false): bigint {
    const format = FORMATS[N];
    const typeA = this.#unpack(format, a).type;
    const typeB = this.#unpack(format, b).type;
    const worst = this.#infinity(format, minimum ? 0 : 1);
    if (typeA === 'QNaN' && typeB !== 'QNaN') return this.FPMax(N, worst, b, minimum);
    if (typeA !== 'QNaN' && typeB === 'QNaN') return this.FPMax(N, a, worst, minimum);
    return this.FPMax(N, a, b, minimum);
  }

  #compare(x: Unpacked, y: Unpacked): number {
    const signed = ({ type, sign, value }: Unpacked): Rational => {
      const num = type === 'Infinity' ? pow2(3000) : value.num;
      return { num: sign ? -num : num, den: value.den };
    };
    const p = signed(x);
    const q = signed(y);
    const difference = p.num * q.den - q.num * p.den;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }

  /** NZCV in bits 3:0. */
  FPCompare(N: 16 | 32 | 64, a: bigint, b: bigint, signalNaNs: boolean): number {
    const x = this.#unpack(FORMATS[N], a);
    const y = this.#unpack(FORMATS[N], b);
    const types = [x.type, y.type];
    if (types.includes('SNaN') || types.includes('QNaN')) {
      if (types.includes('SNaN') || signalNaNs) this.FPSR |= IOC;
      return 0b0011;
    }
    const order = this.#compare(x, y);
    return order === 0 ? 0b0110 : order < 0 ? 0b1000 : 0b0010;
  }

  // -- conversions

  /** Integer nearest to a positive rational by `rounding`, and whether anything was lost. */
  #toInteger(value: Rational, sign: number, rounding: ReferenceRounding): [bigint, boolean] {
    const whole = value.num / value.den;
    const rest = value.num % value.den;
    const twice = 2n * rest;
    const up = {
      TIEEVEN: twice > value.den || (twice === value.den && (whole & 1n) === 1n),
      POSINF: rest !== 0n && sign === 0,
      NEGINF: rest !== 0n && sign === 1,
      ZERO: false,
      TIEAWAY: rest !== 0n && twice >= value.den,
      ODD: false,
    }[rounding];
    return [up ? whole + 1n : whole, rest !== 0n];
  }

  FPRoundInt(N: 16 | 32 | 64, a: bigint, rounding: ReferenceRounding, exact: boolean): bigint {
    const format = FORMATS[N];
    const x = this.#unpack(format, a);
    const nan = this.#processNaNs(format, [[x.type, a]]);
    if (nan !== undefined) return nan;
    if (x.type === 'Infinity') return this.#infinity(format, x.sign);
    if (x.type === 'Zero') return this.#zero(format, x.sign);
    const [integer, lost] = this.#toInteger(x.value, x.sign, rounding);
    const result =
      integer === 0n
        ? this.#zero(format, x.sign)
        : this.#round(format, x.sign, { num: integer, den: 1n }, 'ZERO');
    if (lost && exact) this.FPSR |= IXC;
    return result;
  }

  /** Zero-extended result of `M` bits. */
  FPToFixed(
    N: 16 | 32 | 64,
    a: bigint,
    fbits: number,
    unsigned: boolean,
    rounding: ReferenceRounding,
    M: 32 | 64,
  ): bigint {
    const x = this.#unpack(FORMATS[N], a);
    if (x.type === 'QNaN' || x.type === 'SNaN') {
      this.FPSR |= IOC;
      return 0n;
    }
    const value = x.type === 'Infinity' ? { num: pow2(3000), den: 1n } : scale(x.value, fbits);
    const [magnitude, lost] = this.#toInteger(value, x.sign, rounding);
    const integer = x.sign ? -magnitude : magnitude;
    const [low, high] = unsigned ? [0n, pow2(M) - 1n] : [-pow2(M - 1), pow2(M - 1) - 1n];
    if (integer < low || integer > high) {
      this.FPSR |= IOC;
      return BigInt.asUintN(M, integer < low ? low : high);
    }
    if (lost) this.FPSR |= IXC;
    return BigInt.asUintN(M, integer);
  }

  /** `a` is a 64-bit pattern. */
  FixedToFP(N: 16 | 32 | 64, a: bigint, fbits: number, unsigned: boolean): bigint {
    const integer = unsigned ? BigInt.asUintN(64, a) : BigInt.asIntN(64, a);
    if (integer === 0n) return 0n;
    const sign = integer < 0n ? 1 : 0;
    const value = { num: integer < 0n ? -integer : integer, den: pow2(fbits) };
    return this.#round(FORMATS[N], sign, value);
  }

  FPConvert(
    from: 16 | 32 | 64,
    to: 16 | 32 | 64,
    a: bigint,
    rounding: ReferenceRounding = this.rounding,
  ): bigint {
    this.#converts = true;
    const result = this.#convert(from, to, a, rounding);
    this.#converts = false;
    return result;
  }

  #convert(from: 16 | 32 | 64, to: 16 | 32 | 64, a: bigint, rounding: ReferenceRounding): bigint {
    const format = FORMATS[to];
    const x = this.#unpack(FORMATS[from], a);
    const alternative = to === 16 && this.AHP;
    if (x.type === 'SNaN' || x.type === 'QNaN') {
      if (x.type === 'SNaN' || alternative) this.FPSR |= IOC;
      if (alternative) return this.#zero(format, x.sign);
      if (this.DN) return this.#defaultNaN(format);
      // The payload keeps its top bits; the quiet bit is forced.
      const payload = a & (pow2(FORMATS[from].F - 1) - 1n);
      const aligned = (payload << 64n) >> BigInt(FORMATS[from].F - 1);
      const kept = (aligned << BigInt(format.F - 1)) >> 64n;
      return this.#zero(format, x.sign) | this.#defaultNaN(format) | kept;
    }
    if (x.type === 'Infinity') {
      if (!alternative) return this.#infinity(format, x.sign);
      this.FPSR |= IOC;
      return this.#zero(format, x.sign) | (pow2(to - 1) - 1n);
    }
    if (x.type === 'Zero') return this.#zero(format, x.sign);
    return this.#round(format, x.sign, x.value, rounding);
  }
}
