/** The operations of "Advanced SIMD two-register miscellaneous", vector and scalar. */
import { V128_ZERO, call, i32 } from '../expression.ts';
import type { Expr } from '../expression.ts';
import type { Emitter } from '../instruction.ts';
import * as I from './integer-operations.ts';
import type { Comparison } from './integer-operations.ts';
import {
  FPAbs,
  FPAbsVector,
  FPCompareElement,
  FPCompareVector,
  FPNeg,
  FPNegVector,
  FPRoundInt,
  FPSqrt,
  FPSqrtVector,
  FPToFixed,
  FPUnary,
  FixedToFP,
  constantBits,
  mapLanes,
} from './shared-functions.ts';
import type { ComparisonName, FPBits, Rounding, UnaryName } from './shared-functions.ts';
import { chooseElements, onElements } from './vector.ts';
import type { Lanes, Vector } from './vector.ts';

const key = (U: number, opcode: number): number => (U << 5) | opcode;

export interface IntegerMisc {
  readonly mnemonic: string;
  readonly sizes: readonly number[];
  readonly scalarSizes?: readonly number[];
  /** Assembly text has `, #0` after the registers. */
  readonly againstZero?: boolean;
  /** Result elements are twice as wide. */
  readonly long?: boolean;
  readonly compute: (e: Emitter, lanes: Lanes, n: Vector, d: () => Vector) => Vector;
}

const INTEGER = new Map<number, IntegerMisc>();
const BHS = [0, 1, 2];
const ALL = [0, 1, 2, 3];

/** Elements of `size` in reverse order inside containers of `container` (both as log2 of bytes). */
function reverse(size: number, container: number, v: Vector): Vector {
  const inContainer = (1 << (container - size)) - 1;
  return chooseElements(
    size,
    v,
    v,
    Array.from({ length: 16 >> size }, (_, i) => i ^ inContainer),
  );
}
for (const [U, opcode, mnemonic, container] of [
  [0, 0x00, 'rev64', 3],
  [1, 0x00, 'rev32', 2],
  [0, 0x01, 'rev16', 1],
] as const) {
  INTEGER.set(key(U, opcode), {
    mnemonic,
    sizes: BHS.slice(0, container),
    compute: (_e, { size }, n) => reverse(size, container, n),
  });
}
for (const [U, sign] of [
  [0, 's'],
  [1, 'u'],
] as const) {
  const unsigned = U === 1;
  INTEGER.set(key(U, 0x02), {
    mnemonic: `${sign}addlp`,
    sizes: BHS,
    long: true,
    compute: (_e, { size }, n) => I.addPairsLong(size, unsigned, n),
  });
  INTEGER.set(key(U, 0x06), {
    mnemonic: `${sign}adalp`,
    sizes: BHS,
    long: true,
    compute: (_e, { size }, n, d) =>
      onElements(size + 1, 'add', d(), I.addPairsLong(size, unsigned, n)),
  });
}
INTEGER.set(key(0, 0x03), {
  mnemonic: 'suqadd',
  sizes: ALL,
  scalarSizes: ALL,
  compute: (e, { size, active }, n, d) => I.signedPlusUnsigned(e, size, active(n), active(d())),
});
INTEGER.set(key(1, 0x03), {
  mnemonic: 'usqadd',
  sizes: ALL,
  scalarSizes: ALL,
  compute: (e, { size, active }, n, d) => I.unsignedPlusSigned(e, size, active(n), active(d())),
});
INTEGER.set(key(0, 0x04), {
  mnemonic: 'cls',
  sizes: BHS,
  compute: (e, { size }, n) => I.countLeadingSignBits(e, size, n),
});
INTEGER.set(key(1, 0x04), {
  mnemonic: 'clz',
  sizes: BHS,
  compute: (e, { size }, n) => I.countLeadingZeros(e, size, n),
});
INTEGER.set(key(0, 0x05), { mnemonic: 'cnt', sizes: [0], compute: (_e, _l, n) => I.countBits(n) });
INTEGER.set(key(0, 0x07), {
  mnemonic: 'sqabs',
  sizes: ALL,
  scalarSizes: ALL,
  compute: (e, { size, active }, n) => I.absolute(e, size, true, active(n)),
});
INTEGER.set(key(1, 0x07), {
  mnemonic: 'sqneg',
  sizes: ALL,
  scalarSizes: ALL,
  compute: (e, { size, active }, n) => I.negated(e, size, true, active(n)),
});
for (const [U, opcode, mnemonic, op] of [
  [0, 0x08, 'cmgt', 'gt'],
  [0, 0x09, 'cmeq', 'eq'],
  [0, 0x0a, 'cmlt', 'lt'],
  [1, 0x08, 'cmge', 'ge'],
  [1, 0x09, 'cmle', 'le'],
] as const satisfies readonly (readonly [number, number, string, Comparison])[]) {
  INTEGER.set(key(U, opcode), {
    mnemonic,
    sizes: ALL,
    scalarSizes: [3],
    againstZero: true,
    compute: (_e, { size }, n) => I.compare(size, op, false, n, V128_ZERO),
  });
}
INTEGER.set(key(0, 0x0b), {
  mnemonic: 'abs',
  sizes: ALL,
  scalarSizes: [3],
  compute: (e, { size }, n) => I.absolute(e, size, false, n),
});
INTEGER.set(key(1, 0x0b), {
  mnemonic: 'neg',
  sizes: ALL,
  scalarSizes: [3],
  compute: (e, { size }, n) => I.negated(e, size, false, n),
});

const NOT: IntegerMisc = { mnemonic: 'mvn', sizes: [0], compute: (_e, _l, n) => I.bits.not(n) };
const RBIT: IntegerMisc = {
  mnemonic: 'rbit',
  sizes: [1],
  compute: (e, _l, n) => I.reverseBits(e, n),
};

export function integerMisc(U: number, size: number, opcode: number): IntegerMisc | undefined {
  const operation =
    U === 1 && opcode === 0x05 ? (size === 0 ? NOT : RBIT) : INTEGER.get(key(U, opcode));
  return operation?.sizes.includes(size) === true ? operation : undefined;
}

// -- floating point

export interface FloatMisc {
  readonly mnemonic: string;
  readonly vector: boolean;
  readonly scalar: boolean;
  /** Only for elements of 32 bits. */
  readonly singleOnly?: boolean;
  readonly againstZero?: boolean;
  lane(e: Emitter, N: number, a: FPBits): FPBits;
  /** For all elements at once; without it the lanes are computed one by one. */
  whole?(e: Emitter, N: number, count: number, n: Vector): Vector;
}

const FLOAT = new Map<number, FloatMisc>();
const floatKey = (U: number, a: number, opcode: number): number => (U << 6) | (a << 5) | opcode;

function define(U: number, a: number, opcode: number, operation: FloatMisc): void {
  FLOAT.set(floatKey(U, a, opcode), operation);
}
const none = i32(0);

function rounding(U: number, a: number, opcode: number, letter: string, mode: Rounding): void {
  define(U, a, opcode, {
    mnemonic: `frint${letter}`,
    vector: true,
    scalar: false,
    lane: (e, N, x) => FPRoundInt(e, N, x, mode, letter === 'x'),
  });
}
rounding(0, 0, 0x18, 'n', 'TIEEVEN');
rounding(0, 0, 0x19, 'm', 'NEGINF');
rounding(0, 1, 0x18, 'p', 'POSINF');
rounding(0, 1, 0x19, 'z', 'ZERO');
rounding(1, 0, 0x18, 'a', 'TIEAWAY');
rounding(1, 0, 0x19, 'x', 'FPCR');
rounding(1, 1, 0x19, 'i', 'FPCR');

for (const [U, sign] of [
  [0, 's'],
  [1, 'u'],
] as const) {
  for (const [a, opcode, letter, mode] of [
    [0, 0x1a, 'n', 'TIEEVEN'],
    [0, 0x1b, 'm', 'NEGINF'],
    [0, 0x1c, 'a', 'TIEAWAY'],
    [1, 0x1a, 'p', 'POSINF'],
    [1, 0x1b, 'z', 'ZERO'],
  ] as const) {
    define(U, a, opcode, {
      mnemonic: `fcvt${letter}${sign}`,
      vector: true,
      scalar: true,
      lane: (e, N, x) => FPToFixed(e, N, x, none, U === 1, mode, N),
    });
  }
  define(U, 0, 0x1d, {
    mnemonic: `${sign}cvtf`,
    vector: true,
    scalar: true,
    lane: (e, N, x) => FixedToFP(e, N, x, none, U === 1, N === 16 ? 16 : undefined),
  });
}

function comparison(
  U: number,
  opcode: number,
  mnemonic: string,
  name: ComparisonName,
  zeroFirst: boolean,
): void {
  define(U, 1, opcode, {
    mnemonic,
    vector: true,
    scalar: true,
    againstZero: true,
    lane: (e, N, x) => {
      const zero = constantBits(N, 0n);
      return zeroFirst
        ? FPCompareElement(e, name, N, zero, x)
        : FPCompareElement(e, name, N, x, zero);
    },
    whole: (e, N, count, n) =>
      zeroFirst
        ? FPCompareVector(e, name, N, count, V128_ZERO, n)
        : FPCompareVector(e, name, N, count, n, V128_ZERO),
  });
}
comparison(0, 0x0c, 'fcmgt', 'FPCompareGT', false);
comparison(0, 0x0d, 'fcmeq', 'FPCompareEQ', false);
comparison(0, 0x0e, 'fcmlt', 'FPCompareGT', true);
comparison(1, 0x0c, 'fcmge', 'FPCompareGE', false);
comparison(1, 0x0d, 'fcmle', 'FPCompareGE', true);

define(0, 1, 0x0f, {
  mnemonic: 'fabs',
  vector: true,
  scalar: false,
  lane: (_e, N, x) => FPAbs(N, x),
  whole: (_e, N, _count, n) => FPAbsVector(N, n),
});
define(1, 1, 0x0f, {
  mnemonic: 'fneg',
  vector: true,
  scalar: false,
  lane: (_e, N, x) => FPNeg(N, x),
  whole: (_e, N, _count, n) => FPNegVector(N, n),
});
define(1, 1, 0x1f, {
  mnemonic: 'fsqrt',
  vector: true,
  scalar: false,
  lane: FPSqrt,
  whole: FPSqrtVector,
});
function estimate(
  U: number,
  opcode: number,
  mnemonic: string,
  name: UnaryName,
  vector: boolean,
): void {
  define(U, 1, opcode, {
    mnemonic,
    vector,
    scalar: true,
    lane: (e, N, x) => FPUnary(e, name, N, x),
  });
}
estimate(0, 0x1d, 'frecpe', 'FPRecipEstimate', true);
estimate(1, 0x1d, 'frsqrte', 'FPRSqrtEstimate', true);
estimate(0, 0x1f, 'frecpx', 'FPRecpX', false);
for (const [U, mnemonic, name] of [
  [0, 'urecpe', 'UnsignedRecipEstimate'],
  [1, 'ursqrte', 'UnsignedRSqrtEstimate'],
] as const) {
  define(U, 1, 0x1c, {
    mnemonic,
    vector: true,
    scalar: false,
    singleOnly: true,
    lane: (e, _N, x) => e.let(call('i32', name, x as Expr<'i32'>)),
  });
}

/** `a` is size<1>. */
export function floatMisc(U: number, a: number, opcode: number): FloatMisc | undefined {
  return FLOAT.get(floatKey(U, a, opcode));
}

export function floatMiscVector(
  e: Emitter,
  operation: FloatMisc,
  N: number,
  count: number,
  n: Vector,
): Vector {
  return (
    operation.whole?.(e, N, count, n) ?? mapLanes(e, N, count, [n], (a) => operation.lane(e, N, a))
  );
}
