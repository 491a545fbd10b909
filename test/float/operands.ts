/**
 * Operands after the pattern of Berkeley TestFloat's level 1: every sign, the exponents at which formats,
 * integers and special values change, and significands with a few bits set or clear at either end.
 */
import { FORMATS } from '../support/reference-float.ts';

export type FloatWidth = 16 | 32 | 64;
export type IntegerWidth = 32 | 64;

function exponents(N: FloatWidth): readonly number[] {
  const { E, F } = FORMATS[N];
  const bias = 2 ** (E - 1) - 1;
  const top = 2 ** E - 1;
  const wanted = [
    ...[0, 1, 2],
    ...[bias - F - 2, bias - F - 1, bias - F, bias - 2, bias - 1, bias, bias + 1, bias + 2],
    ...[bias + F - 1, bias + F, bias + F + 1, bias + 30, bias + 31, bias + 32, bias + 62],
    ...[bias + 63, bias + 64, top - 2, top - 1, top],
    // The ends of the narrower formats, as a conversion meets them.
    ...[bias - 150, bias - 149, bias - 127, bias - 126, bias - 25, bias - 24, bias - 15, bias - 14],
    ...[bias + 15, bias + 16, bias + 127, bias + 128],
  ];
  return [...new Set(wanted)].filter((exponent) => exponent >= 0 && exponent <= top);
}

function significands(F: number): readonly bigint[] {
  const ones = (1n << BigInt(F)) - 1n;
  const bits = [0, 1, 2, Math.floor(F / 2), F - 2, F - 1].map((n) => 1n << BigInt(n));
  const runs = [1, 2, Math.floor(F / 2), F - 1].map((n) => (1n << BigInt(n)) - 1n);
  const values = [0n, ones, ...bits, ...runs];
  for (const value of [...bits, ...runs]) values.push(ones ^ value);
  return [...new Set(values)];
}

/** All the corners of a format. */
export function floatCorners(N: FloatWidth): readonly bigint[] {
  const { F } = FORMATS[N];
  const fractions = significands(F);
  return exponents(N).flatMap((exponent) =>
    fractions.flatMap((fraction) => {
      const magnitude = (BigInt(exponent) << BigInt(F)) | fraction;
      return [magnitude, magnitude | (1n << BigInt(N - 1))];
    }),
  );
}

/** Every bit and every run of ones from either end, the same negated, and neighbours of halves. */
export function integerCorners(N: IntegerWidth): readonly bigint[] {
  const values: bigint[] = [];
  for (let n = 0; n < N; n += 1) {
    const bit = 1n << BigInt(n);
    values.push(bit, bit - 1n, bit + 1n, -bit, -bit - 1n, bit | (bit >> 24n), bit | (bit >> 53n));
    values.push(bit | (bit >> 24n) | 1n, bit | (bit >> 53n) | 1n);
  }
  return [...new Set(values.map((value) => BigInt.asUintN(N, value)))];
}

/** An endless supply by numbers in [0, 1): corners, corners moved a little, a corner's exponent with any fraction, any bits. */
export function floatSource(N: FloatWidth, random: () => number): () => bigint {
  const corners = floatCorners(N);
  const { F } = FORMATS[N];
  const word = (): bigint => BigInt(Math.floor(random() * 2 ** 32));
  const bits = (): bigint => BigInt.asUintN(N, (word() << 32n) | word());
  const corner = (): bigint => corners[Math.floor(random() * corners.length)] ?? 0n;
  return () => {
    const kind = random();
    if (kind < 0.55) return corner();
    if (kind < 0.65) return BigInt.asUintN(N, corner() + BigInt(Math.floor(random() * 7) - 3));
    if (kind < 0.92) {
      const sparse = random() < 0.3 ? bits() & bits() & bits() : bits();
      return (corner() & ~((1n << BigInt(F)) - 1n)) | (sparse & ((1n << BigInt(F)) - 1n));
    }
    return bits();
  };
}

export function integerSource(N: IntegerWidth, random: () => number): () => bigint {
  const corners = integerCorners(N);
  const word = (): bigint => BigInt(Math.floor(random() * 2 ** 32));
  return () => {
    if (random() < 0.6) return corners[Math.floor(random() * corners.length)] ?? 0n;
    const shift = BigInt(Math.floor(random() * N));
    return BigInt.asUintN(N, BigInt.asIntN(N, (word() << 32n) | word()) >> shift);
  };
}
