/** The operations of "Advanced SIMD three same", vector and scalar. */
import type { Emitter } from '../instruction.ts';
import * as I from './integer-operations.ts';
import {
  FPAbs,
  FPAbsVector,
  FPBinary,
  FPBinaryVector,
  FPCompareElement,
  FPCompareVector,
  FPMulAddVector,
} from './shared-functions.ts';
import type { BinaryName, ComparisonName, FPBits } from './shared-functions.ts';
import { chooseElements, onElements } from './vector.ts';
import type { Lanes, Vector } from './vector.ts';

const SIZES_BHS = [0, 1, 2];
const SIZES_ALL = [0, 1, 2, 3];

export interface IntegerThreeSame {
  readonly mnemonic: string;
  readonly sizes: readonly number[];
  /** Sizes of the scalar form, if there is one. */
  readonly scalarSizes?: readonly number[];
  /** Combines adjacent pairs of the concatenated operands. */
  readonly pairwise?: boolean;
  readonly compute: (e: Emitter, lanes: Lanes, n: Vector, m: Vector, d: () => Vector) => Vector;
}

const key = (U: number, opcode: number): number => (U << 5) | opcode;
const INTEGER = new Map<number, IntegerThreeSame>();

/** Defines the signed (U = 0) and the unsigned (U = 1) form. */
function bothSigns(
  opcode: number,
  mnemonics: readonly [string, string],
  sizes: readonly number[],
  scalarSizes: readonly number[] | undefined,
  compute: (
    unsigned: boolean,
    e: Emitter,
    lanes: Lanes,
    n: Vector,
    m: Vector,
    d: () => Vector,
  ) => Vector,
  pairwise = false,
): void {
  mnemonics.forEach((mnemonic, U) => {
    INTEGER.set(key(U, opcode), {
      mnemonic,
      sizes,
      pairwise,
      ...(scalarSizes && { scalarSizes }),
      compute: (e, lanes, n, m, d) => compute(U === 1, e, lanes, n, m, d),
    });
  });
}
function one(
  U: number,
  opcode: number,
  mnemonic: string,
  sizes: readonly number[],
  scalarSizes: readonly number[] | undefined,
  compute: IntegerThreeSame['compute'],
  pairwise = false,
): void {
  INTEGER.set(key(U, opcode), {
    mnemonic,
    sizes,
    pairwise,
    ...(scalarSizes && { scalarSizes }),
    compute,
  });
}

bothSigns(0x00, ['shadd', 'uhadd'], SIZES_BHS, undefined, (u, _e, { size }, n, m) =>
  I.halvingAdd(size, u, false, n, m),
);
bothSigns(0x01, ['sqadd', 'uqadd'], SIZES_ALL, SIZES_ALL, (u, e, { size, active }, n, m) =>
  I.saturatingAdd(e, size, u, active(n), active(m)),
);
bothSigns(0x02, ['srhadd', 'urhadd'], SIZES_BHS, undefined, (u, _e, { size }, n, m) =>
  I.halvingAdd(size, u, true, n, m),
);
bothSigns(0x04, ['shsub', 'uhsub'], SIZES_BHS, undefined, (u, _e, { size }, n, m) =>
  I.halvingSub(size, u, n, m),
);
bothSigns(0x05, ['sqsub', 'uqsub'], SIZES_ALL, SIZES_ALL, (u, e, { size, active }, n, m) =>
  I.saturatingSub(e, size, u, active(n), active(m)),
);
bothSigns(0x06, ['cmgt', 'cmhi'], SIZES_ALL, [3], (u, _e, { size }, n, m) =>
  I.compare(size, 'gt', u, n, m),
);
bothSigns(0x07, ['cmge', 'cmhs'], SIZES_ALL, [3], (u, _e, { size }, n, m) =>
  I.compare(size, 'ge', u, n, m),
);
for (const [opcode, mnemonics, rounding, saturating] of [
  [0x08, ['sshl', 'ushl'], false, false],
  [0x09, ['sqshl', 'uqshl'], false, true],
  [0x0a, ['srshl', 'urshl'], true, false],
  [0x0b, ['sqrshl', 'uqrshl'], true, true],
] as const) {
  bothSigns(
    opcode,
    mnemonics,
    SIZES_ALL,
    saturating ? SIZES_ALL : [3],
    (unsigned, e, lanes, n, m) =>
      I.shiftByRegister(e, lanes, { unsigned, rounding, saturating }, n, m),
  );
}
bothSigns(0x0c, ['smax', 'umax'], SIZES_BHS, undefined, (u, _e, { size }, n, m) =>
  I.extremum(size, u, true, n, m),
);
bothSigns(0x0d, ['smin', 'umin'], SIZES_BHS, undefined, (u, _e, { size }, n, m) =>
  I.extremum(size, u, false, n, m),
);
bothSigns(0x0e, ['sabd', 'uabd'], SIZES_BHS, undefined, (u, _e, { size }, n, m) =>
  I.absoluteDifference(size, u, n, m),
);
bothSigns(0x0f, ['saba', 'uaba'], SIZES_BHS, undefined, (u, _e, { size }, n, m, d) =>
  onElements(size, 'add', d(), I.absoluteDifference(size, u, n, m)),
);
one(0, 0x10, 'add', SIZES_ALL, [3], (_e, { size }, n, m) => onElements(size, 'add', n, m));
one(1, 0x10, 'sub', SIZES_ALL, [3], (_e, { size }, n, m) => onElements(size, 'sub', n, m));
one(0, 0x11, 'cmtst', SIZES_ALL, [3], (_e, { size }, n, m) => I.test(size, n, m));
one(1, 0x11, 'cmeq', SIZES_ALL, [3], (_e, { size }, n, m) => I.compare(size, 'eq', false, n, m));
one(0, 0x12, 'mla', SIZES_BHS, undefined, (_e, { size }, n, m, d) =>
  onElements(size, 'add', d(), I.multiply(size, n, m)),
);
one(1, 0x12, 'mls', SIZES_BHS, undefined, (_e, { size }, n, m, d) =>
  onElements(size, 'sub', d(), I.multiply(size, n, m)),
);
one(0, 0x13, 'mul', SIZES_BHS, undefined, (_e, { size }, n, m) => I.multiply(size, n, m));
one(1, 0x13, 'pmul', [0], undefined, (e, _lanes, n, m) => I.polynomialMultiply(e, n, m));
bothSigns(
  0x14,
  ['smaxp', 'umaxp'],
  SIZES_BHS,
  undefined,
  (u, _e, { size }, n, m) => I.extremum(size, u, true, n, m),
  true,
);
bothSigns(
  0x15,
  ['sminp', 'uminp'],
  SIZES_BHS,
  undefined,
  (u, _e, { size }, n, m) => I.extremum(size, u, false, n, m),
  true,
);
one(0, 0x16, 'sqdmulh', [1, 2], [1, 2], (e, { size, active }, n, m) =>
  I.doublingMultiplyHigh(e, size, false, active(n), active(m)),
);
one(1, 0x16, 'sqrdmulh', [1, 2], [1, 2], (e, { size, active }, n, m) =>
  I.doublingMultiplyHigh(e, size, true, active(n), active(m)),
);
one(
  0,
  0x17,
  'addp',
  SIZES_ALL,
  undefined,
  (_e, { size }, n, m) => onElements(size, 'add', n, m),
  true,
);

export function integerThreeSame(U: number, opcode: number): IntegerThreeSame | undefined {
  return INTEGER.get(key(U, opcode));
}

/** The even and the odd elements of two concatenated vectors of 64 (`Q` 0) or 128 bits. */
export function adjacentPairs(
  size: number,
  Q: number,
  n: Vector,
  m: Vector,
): { readonly first: Vector; readonly second: Vector } {
  const all = 16 >> size;
  const used = Q ? all : all / 2;
  const lane = (index: number): number => (index < used ? index : all + index - used);
  const pick = (offset: number): number[] =>
    Array.from({ length: all }, (_, i) => (i < used ? lane(2 * i + offset) : 0));
  return {
    first: chooseElements(size, n, m, pick(0)),
    second: chooseElements(size, n, m, pick(1)),
  };
}

// -- logical

export const LOGICAL = ['and', 'bic', 'orr', 'orn', 'eor', 'bsl', 'bit', 'bif'] as const;

/** Index into LOGICAL: `U:size`. */
export function logicalOperation(index: number, n: Vector, m: Vector, d: () => Vector): Vector {
  switch (LOGICAL[index]) {
    case 'and':
      return I.bits.and(n, m);
    case 'bic':
      return I.bits.andNot(n, m);
    case 'orr':
      return I.bits.or(n, m);
    case 'orn':
      return I.bits.or(n, I.bits.not(m));
    case 'eor':
      return I.bits.xor(n, m);
    case 'bsl':
      return I.bitSelect(d(), n, m);
    case 'bit':
      return I.bitSelect(m, n, d());
    case 'bif':
      return I.bitSelect(m, d(), n);
    default:
      throw new RangeError(`no logical operation ${index}`);
  }
}

// -- floating point

export interface FloatThreeSame {
  readonly mnemonic: string;
  readonly scalar: boolean;
  readonly pairwise?: boolean;
  vector(e: Emitter, N: number, count: number, n: Vector, m: Vector, d: () => Vector): Vector;
  lane(e: Emitter, N: number, a: FPBits, b: FPBits): FPBits;
}

const FLOAT = new Map<number, FloatThreeSame>();
const floatKey = (U: number, a: number, opcode: number): number => (U << 6) | (a << 5) | opcode;

function floatBinaryOperation(
  U: number,
  a: number,
  opcode: number,
  mnemonic: string,
  name: BinaryName,
  scalar = false,
  pairwise = false,
): void {
  FLOAT.set(floatKey(U, a, opcode), {
    mnemonic,
    scalar,
    pairwise,
    vector: (e, N, count, n, m) => FPBinaryVector(e, name, N, count, n, m),
    lane: (e, N, x, y) => FPBinary(e, name, N, x, y),
  });
}
floatBinaryOperation(0, 0, 0x18, 'fmaxnm', 'FPMaxNum');
floatBinaryOperation(0, 0, 0x1a, 'fadd', 'FPAdd');
floatBinaryOperation(0, 0, 0x1b, 'fmulx', 'FPMulX', true);
floatBinaryOperation(0, 0, 0x1e, 'fmax', 'FPMax');
floatBinaryOperation(0, 0, 0x1f, 'frecps', 'FPRecipStepFused', true);
floatBinaryOperation(0, 1, 0x18, 'fminnm', 'FPMinNum');
floatBinaryOperation(0, 1, 0x1a, 'fsub', 'FPSub');
floatBinaryOperation(0, 1, 0x1e, 'fmin', 'FPMin');
floatBinaryOperation(0, 1, 0x1f, 'frsqrts', 'FPRSqrtStepFused', true);
floatBinaryOperation(1, 0, 0x18, 'fmaxnmp', 'FPMaxNum', false, true);
floatBinaryOperation(1, 0, 0x1a, 'faddp', 'FPAdd', false, true);
floatBinaryOperation(1, 0, 0x1b, 'fmul', 'FPMul');
floatBinaryOperation(1, 0, 0x1e, 'fmaxp', 'FPMax', false, true);
floatBinaryOperation(1, 0, 0x1f, 'fdiv', 'FPDiv');
floatBinaryOperation(1, 1, 0x18, 'fminnmp', 'FPMinNum', false, true);
floatBinaryOperation(1, 1, 0x1e, 'fminp', 'FPMin', false, true);

FLOAT.set(floatKey(1, 1, 0x1a), {
  mnemonic: 'fabd',
  scalar: true,
  vector: (e, N, count, n, m) => FPAbsVector(N, FPBinaryVector(e, 'FPSub', N, count, n, m)),
  lane: (e, N, x, y) => FPAbs(N, FPBinary(e, 'FPSub', N, x, y)),
});

for (const [opcode, mnemonic, negate] of [
  [0, 'fmla', false],
  [1, 'fmls', true],
] as const) {
  FLOAT.set(floatKey(0, opcode, 0x19), {
    mnemonic,
    scalar: false,
    vector: (e, N, count, n, m, d) => FPMulAddVector(e, N, count, n, m, d(), negate),
    lane: () => {
      throw new TypeError(`${mnemonic} has no scalar form in this encoding class`);
    },
  });
}

function floatComparison(
  U: number,
  a: number,
  opcode: number,
  mnemonic: string,
  name: ComparisonName,
  absolute: boolean,
): void {
  FLOAT.set(floatKey(U, a, opcode), {
    mnemonic,
    scalar: true,
    vector: (e, N, count, n, m) => {
      const abs = (v: Vector): Vector => (absolute ? FPAbsVector(N, v) : v);
      return FPCompareVector(e, name, N, count, abs(n), abs(m));
    },
    lane: (e, N, x, y) =>
      absolute
        ? FPCompareElement(e, name, N, FPAbs(N, x), FPAbs(N, y))
        : FPCompareElement(e, name, N, x, y),
  });
}
floatComparison(0, 0, 0x1c, 'fcmeq', 'FPCompareEQ', false);
floatComparison(1, 0, 0x1c, 'fcmge', 'FPCompareGE', false);
floatComparison(1, 1, 0x1c, 'fcmgt', 'FPCompareGT', false);
floatComparison(1, 0, 0x1d, 'facge', 'FPCompareGE', true);
floatComparison(1, 1, 0x1d, 'facgt', 'FPCompareGT', true);

/** `a` is size<1>. */
export function floatThreeSame(U: number, a: number, opcode: number): FloatThreeSame | undefined {
  return FLOAT.get(floatKey(U, a, opcode));
}
