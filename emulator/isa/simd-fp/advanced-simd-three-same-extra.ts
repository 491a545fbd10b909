/**
 * Arm ARM, "Advanced SIMD three same extra" and the indexed forms of its operations: SQRDMLAH and SQRDMLSH (FEAT_RDM),
 * SDOT and UDOT (FEAT_DotProd), FCMLA and FCADD (FEAT_FCMA).
 */
import { encoding } from '../encoding.ts';
import { simd, v128 } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { allocated } from './allocated.ts';
import { elementName, scalarName, vectorName } from './assembly.ts';
import { roundingDoublingMultiplyAccumulateHigh } from './integer-operations.ts';
import { FPBinaryVector, FPMulAddVector, formatOf } from './shared-functions.ts';
import { signBit } from './floating-point.ts';
import {
  chooseElements,
  duplicate,
  onElements,
  scalarLanes,
  upperHalf,
  vectorLanes,
  writeCount,
} from './vector.ts';
import type { Vector } from './vector.ts';
import type { Emitter } from '../instruction.ts';

const SQRDMLAH = 0b0000;
const SQRDMLSH = 0b0001;
const DOT = 0b0010;
const FCMLA_MASK = 0b1100;
const FCMLA = 0b1000;
const FCADD_MASK = 0b1101;
const FCADD = 0b1100;

const isMultiplyAccumulateHigh = (opcode: number): boolean =>
  opcode === SQRDMLAH || opcode === SQRDMLSH;
const isComplexMultiply = (opcode: number): boolean => (opcode & FCMLA_MASK) === FCMLA;
const isComplexAdd = (opcode: number): boolean => (opcode & FCADD_MASK) === FCADD;
/** Quarter turns of FCMLA and FCADD. */
const turnsOf = (opcode: number): number =>
  isComplexAdd(opcode) ? (opcode & 2 ? 3 : 1) : opcode & 3;

/** Products of the four bytes in each 32-bit element, summed. */
function dotProducts(n: Vector, m: Vector, unsigned: boolean): Vector {
  const sign = unsigned ? 'u' : 's';
  const sums = (half: 'low' | 'high'): Vector =>
    simd(`i32x4.extadd_pairwise_i16x8_${sign}`, simd(`i16x8.extmul_${half}_i8x16_${sign}`, n, m));
  const low = sums('low');
  const high = sums('high');
  return onElements(
    2,
    'add',
    chooseElements(2, low, high, [0, 2, 4, 6]),
    chooseElements(2, low, high, [1, 3, 5, 7]),
  );
}

/** A constant that flips the sign of the even elements, the odd ones, or both. */
function signs(size: number, even: boolean, odd: boolean): Vector {
  const bytes = new Uint8Array(16);
  const width = 1 << size;
  const sign = signBit(formatOf(8 * width));
  for (let i = 0; i < 16; i += 1) {
    const isOdd = Math.floor(i / width) % 2 === 1;
    if (isOdd ? odd : even) bytes[i] = Number((sign >> BigInt(8 * (i % width))) & 0xffn);
  }
  return v128(bytes);
}

/** The elements by a rule from the index of the pair and the place in it. */
function pairwise(size: number, vector: Vector, place: (inPair: number) => number): Vector {
  const lanes = Array.from({ length: 16 >> size }, (_, i) => (i & ~1) + place(i & 1));
  return chooseElements(size, vector, vector, lanes);
}

/** Pairs of elements are complex numbers: m turned by quarter turns, as FCADD adds it. */
function turned(size: number, m: Vector, turns: number): Vector {
  const swapped = turns & 1 ? pairwise(size, m, (inPair) => 1 - inPair) : m;
  // i * (a + bi) = -b + ai
  const flips = [
    [false, false],
    [true, false],
    [true, true],
    [false, true],
  ] as const;
  const [even, odd] = allocated(flips[turns]);
  return even || odd ? simd('v128.xor', swapped, signs(size, even, odd)) : swapped;
}

function complexMultiply(
  e: Emitter,
  size: number,
  Q: number,
  turns: number,
  n: Vector,
  m: Vector,
  d: Vector,
): Vector {
  const N = 8 << size;
  const part = pairwise(size, n, () => turns & 1);
  const count = (Q ? 128 : 64) / N;
  return FPMulAddVector(e, N, count, part, turned(size, m, turns), d, false);
}

interface Extra {
  readonly Q: number;
  readonly U: number;
  readonly size: number;
  readonly opcode: number;
}

function isAllocated({ Q, U, size, opcode }: Extra): boolean {
  if (isMultiplyAccumulateHigh(opcode)) return U === 1 && (size === 1 || size === 2);
  if (opcode === DOT) return size === 2;
  if (isComplexMultiply(opcode) || isComplexAdd(opcode)) {
    return U === 1 && size !== 0 && (size < 3 || Q === 1);
  }
  return false;
}

function featuresOf({
  size,
  opcode,
}: {
  readonly size: number;
  readonly opcode: number;
}): readonly string[] {
  if (isMultiplyAccumulateHigh(opcode)) return ['FEAT_RDM'];
  if (opcode === DOT) return ['FEAT_DotProd'];
  return size === 1 ? ['FEAT_FCMA', 'FEAT_FP16'] : ['FEAT_FCMA'];
}

export const advancedSIMDThreeSameExtra = instruction({
  title: 'Advanced SIMD three same extra',
  encoding: encoding('0 Q:1 U:1 01110 size:2 0 Rm:5 1 opcode:4 1 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  featureOf: featuresOf,
  variant({ Q, U, size, opcode }) {
    if (!isAllocated({ Q, U, size, opcode })) return undefined;
    return { Q: opcode >= FCMLA ? Q : 1, U, size, opcode };
  },
  operands: ({ Q, Rm, Rn, Rd }) => ({ upper: upperHalf(Q), Rm, Rn, Rd }),

  assembly({ Q, U, size, Rm, opcode, Rn, Rd }) {
    const name = (register: number, elements = size): string => vectorName(register, elements, Q);
    if (opcode === DOT) {
      return `${U ? 'u' : 's'}dot ${name(Rd)}, ${name(Rn, 0)}, ${name(Rm, 0)}`;
    }
    const registers = `${name(Rd)}, ${name(Rn)}, ${name(Rm)}`;
    if (isMultiplyAccumulateHigh(opcode)) {
      return `${opcode === SQRDMLAH ? 'sqrdmlah' : 'sqrdmlsh'} ${registers}`;
    }
    const mnemonic = isComplexAdd(opcode) ? 'fcadd' : 'fcmla';
    return `${mnemonic} ${registers}, #${90 * turnsOf(opcode)}`;
  },

  semantics(e, { Q, U, size, opcode }, { upper, Rm, Rn, Rd }) {
    const n = e.let(e.v(Rn));
    const m = e.let(e.v(Rm));
    const turns = turnsOf(opcode);
    if (isComplexMultiply(opcode)) {
      writeCount(e, Rd, Q, complexMultiply(e, size, Q, turns, n, m, e.let(e.v(Rd))));
      return;
    }
    if (isComplexAdd(opcode)) {
      const N = 8 << size;
      const sum = FPBinaryVector(e, 'FPAdd', N, (Q ? 128 : 64) / N, n, turned(size, m, turns));
      writeCount(e, Rd, Q, sum);
      return;
    }
    const lanes = vectorLanes(e, size, upper);
    const d = e.let(lanes.active(e.v(Rd)));
    if (opcode === DOT) {
      lanes.write(Rd, onElements(2, 'add', d, dotProducts(n, m, U === 1)));
      return;
    }
    const subtract = opcode === SQRDMLSH;
    const { active } = lanes;
    lanes.write(
      Rd,
      roundingDoublingMultiplyAccumulateHigh(e, size, subtract, active(n), active(m), d),
    );
  },
});

export const advancedSIMDScalarThreeSameExtra = instruction({
  title: 'Advanced SIMD scalar three same extra',
  feature: 'FEAT_RDM',
  encoding: encoding('01 1 11110 size:2 0 Rm:5 1 000 S:1 1 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  variant: ({ size, S }) => (size === 1 || size === 2 ? { size, S } : undefined),
  operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),

  assembly({ size, Rm, S, Rn, Rd }) {
    const name = (register: number): string => scalarName(size, register);
    return `sqrdml${S ? 's' : 'a'}h ${name(Rd)}, ${name(Rn)}, ${name(Rm)}`;
  },

  semantics(e, { size, S }, { Rm, Rn, Rd }) {
    const lanes = scalarLanes(e, size);
    const [n, m, d] = [Rn, Rm, Rd].map((register) => e.let(lanes.active(e.v(register))));
    const result = roundingDoublingMultiplyAccumulateHigh(
      e,
      size,
      S === 1,
      allocated(n),
      allocated(m),
      allocated(d),
    );
    lanes.write(Rd, result);
  },
});

export const dotProductByElement = instruction({
  title: 'Dot product by element',
  feature: 'FEAT_DotProd',
  encoding: encoding('0 Q:1 U:1 01111 10 L:1 M:1 Rm:4 1110 H:1 0 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  variant: ({ U }) => ({ U }),
  operands: ({ Q, L, M, Rm, H, Rn, Rd }) => ({
    upper: upperHalf(Q),
    Rm: (M << 4) | Rm,
    index: (H << 1) | L,
    Rn,
    Rd,
  }),
  assembly: ({ Q, U, L, M, Rm, H, Rn, Rd }) =>
    `${U ? 'u' : 's'}dot ${vectorName(Rd, 2, Q)}, ${vectorName(Rn, 0, Q)}, v${(M << 4) | Rm}.4b[${(H << 1) | L}]`,
  semantics(e, { U }, { upper, Rm, index, Rn, Rd }) {
    const n = e.let(e.v(Rn));
    const m = e.let(duplicate(2, e.vLane(Rm, 4, e.imm32(index))));
    vectorLanes(e, 2, upper).write(
      Rd,
      onElements(2, 'add', e.let(e.v(Rd)), dotProducts(n, m, U === 1)),
    );
  },
});

export const complexMultiplyByElement = instruction({
  title: 'Floating-point complex multiply accumulate by element',
  encoding: encoding('0 Q:1 1 01111 size:2 L:1 M:1 Rm:4 0 rot:2 1 H:1 0 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  featureOf: ({ size }) => featuresOf({ size, opcode: FCMLA }),
  variant({ Q, size, L, rot, H }) {
    if (size === 1) return H === 1 && Q === 0 ? undefined : { Q, size, rot };
    return size === 2 && L === 0 && Q === 1 ? { Q, size, rot } : undefined;
  },
  // The index counts complex numbers.
  operands: ({ size, L, M, Rm, H, Rn, Rd }) => ({
    Rm: (M << 4) | Rm,
    index: size === 1 ? (H << 1) | L : H,
    Rn,
    Rd,
  }),

  assembly({ Q, size, L, M, Rm, rot, H, Rn, Rd }) {
    const m = elementName((M << 4) | Rm, size, size === 1 ? (H << 1) | L : H);
    return `fcmla ${vectorName(Rd, size, Q)}, ${vectorName(Rn, size, Q)}, ${m}, #${90 * rot}`;
  },

  semantics(e, { Q, size, rot }, { Rm, index, Rn, Rd }) {
    const pair = e.vLane(Rm, size === 1 ? 4 : 8, e.imm32(index));
    const m = e.let(duplicate(size + 1, pair));
    const n = e.let(e.v(Rn));
    writeCount(e, Rd, Q, complexMultiply(e, size, Q, rot, n, m, e.let(e.v(Rd))));
  },
});
