/** Arm ARM, "Advanced SIMD vector x indexed element" and "Advanced SIMD scalar x indexed element". */
import { allocated } from './allocated.ts';
import { encoding } from '../encoding.ts';
import { wrap } from '../expression.ts';
import type { Expr } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { Emitter, Operand } from '../instruction.ts';
import { SQDMLAL, SQDMLSL, SQDMULL, multiplyLong } from './advanced-simd-three-different.ts';
import { elementName, scalarName, vectorName } from './assembly.ts';
import * as I from './integer-operations.ts';
import { FPBinary, FPBinaryVector, FPMulAdd, FPMulAddVector, FPNeg } from './shared-functions.ts';
import type { FPBits } from './shared-functions.ts';
import {
  duplicate,
  element,
  onElements,
  readScalar,
  scalarLanes,
  vectorLanes,
  writeCount,
  writeScalar,
  upperHalf,
} from './vector.ts';
import type { Lanes, Vector } from './vector.ts';

interface Operation {
  readonly mnemonic: string;
  readonly long?: boolean;
  readonly float?: boolean;
  readonly scalar?: boolean;
  readonly feature?: string;
}

/** The size field of half precision, which only floating-point operations have. */
const HALF = 0;

const MLA = 0x0;
const FMLA = 0x1;
const MLS = 0x4;
const FMLS = 0x5;
const MUL = 0x8;
const FMUL = 0x9;
const SQDMULH = 0xc;
const SQRDMULH = 0xd; // U=1: SQRDMLAH
const SQRDMLAH = 0xd;
const SQRDMLSH = 0xf;

/** By `U` and opcode. */
const OPERATIONS: readonly Readonly<Record<number, Operation>>[] = [
  {
    [FMLA]: { mnemonic: 'fmla', float: true, scalar: true },
    0x2: { mnemonic: 'smlal', long: true },
    0x3: { mnemonic: 'sqdmlal', long: true, scalar: true },
    [FMLS]: { mnemonic: 'fmls', float: true, scalar: true },
    0x6: { mnemonic: 'smlsl', long: true },
    0x7: { mnemonic: 'sqdmlsl', long: true, scalar: true },
    [MUL]: { mnemonic: 'mul' },
    [FMUL]: { mnemonic: 'fmul', float: true, scalar: true },
    0xa: { mnemonic: 'smull', long: true },
    0xb: { mnemonic: 'sqdmull', long: true, scalar: true },
    [SQDMULH]: { mnemonic: 'sqdmulh', scalar: true },
    [SQRDMULH]: { mnemonic: 'sqrdmulh', scalar: true },
  },
  {
    [MLA]: { mnemonic: 'mla' },
    0x2: { mnemonic: 'umlal', long: true },
    [MLS]: { mnemonic: 'mls' },
    0x6: { mnemonic: 'umlsl', long: true },
    [FMUL]: { mnemonic: 'fmulx', float: true, scalar: true },
    0xa: { mnemonic: 'umull', long: true },
    [SQRDMLAH]: { mnemonic: 'sqrdmlah', scalar: true, feature: 'FEAT_RDM' },
    [SQRDMLSH]: { mnemonic: 'sqrdmlsh', scalar: true, feature: 'FEAT_RDM' },
  },
];

/** The long multiplications by their opcodes in "Advanced SIMD three different". */
const LONG_OPCODE: Readonly<Record<number, number>> = {
  0x2: 8,
  0x3: SQDMLAL,
  0x6: 10,
  0x7: SQDMLSL,
  0xa: 12,
  0xb: SQDMULL,
};

interface Selector {
  readonly size: number;
  readonly L: number;
  readonly M: number;
  readonly Rm: number;
  readonly H: number;
}
/** log2 of the element size in bytes: the size field, but that half precision is encoded as 0. */
function elementsOf(size: number): number {
  return size === HALF ? 1 : size;
}
/** Elements of 16 bits leave four bits for the register, so V0-V15. */
function registerOf({ size, M, Rm }: Selector): number {
  return size <= 1 ? Rm : (M << 4) | Rm;
}
function indexOf({ size, L, M, H }: Selector): number {
  if (size <= 1) return (H << 2) | (L << 1) | M;
  return size === 2 ? (H << 1) | L : H;
}

/** Whether this size, and for doubles L and Q, is allocated. */
function isAllocated(
  operation: Operation | undefined,
  size: number,
  L: number,
  Q: number,
): operation is Operation {
  if (!operation) return false;
  if (operation.float === true) {
    return size === HALF || size === 2 || (size === 3 && L === 0 && Q === 1);
  }
  return size === 1 || size === 2;
}

function indexedElement(e: Emitter, size: number, Rm: Operand, index: Operand): Expr<'i64'> {
  return e.vLane(Rm, (1 << size) as 2 | 4 | 8, e.imm32(index));
}

function integerOperation(
  e: Emitter,
  { size, active }: Lanes,
  U: number,
  opcode: number,
  n: Vector,
  m: Vector,
  d: () => Vector,
): Vector {
  if (U === 1 && (opcode === SQRDMLAH || opcode === SQRDMLSH)) {
    const subtract = opcode === SQRDMLSH;
    return I.roundingDoublingMultiplyAccumulateHigh(
      e,
      size,
      subtract,
      active(n),
      active(m),
      active(d()),
    );
  }
  switch (opcode) {
    case MLA:
      return onElements(size, 'add', d(), I.multiply(size, n, m));
    case MLS:
      return onElements(size, 'sub', d(), I.multiply(size, n, m));
    case MUL:
      return I.multiply(size, n, m);
    default:
      return I.doublingMultiplyHigh(e, size, opcode === SQRDMULH, active(n), active(m));
  }
}

function featureOf({
  U,
  opcode,
  size,
}: {
  readonly U: number;
  readonly opcode: number;
  readonly size: number;
}): string | undefined {
  if (size === HALF) return 'FEAT_FP16';
  return OPERATIONS[U]?.[opcode]?.feature;
}

export const advancedSIMDVectorByElement = instruction({
  title: 'Advanced SIMD vector x indexed element',
  encoding: encoding('0 Q:1 U:1 01111 size:2 L:1 M:1 Rm:4 opcode:4 H:1 0 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  featureOf,

  variant({ Q, U, size, L, opcode }) {
    const operation = OPERATIONS[U]?.[opcode];
    if (!isAllocated(operation, size, L, Q)) return undefined;
    const shapeHasQ = operation.long === true || operation.float === true;
    return { Q: shapeHasQ ? Q : 1, U, size, opcode };
  },
  operands: ({ Q, size, L, M, Rm, H, Rn, Rd }) => ({
    upper: upperHalf(Q),
    Rm: registerOf({ size, L, M, Rm, H }),
    index: indexOf({ size, L, M, Rm, H }),
    Rn,
    Rd,
  }),

  assembly({ Q, U, size, L, M, Rm, opcode, H, Rn, Rd }) {
    const { mnemonic, long } = allocated(allocated(OPERATIONS[U])[opcode]);
    const selector = { size, L, M, Rm, H };
    const elements = elementsOf(size);
    const m = elementName(registerOf(selector), elements, indexOf(selector));
    const n = vectorName(Rn, elements, Q);
    return long === true
      ? `${mnemonic}${Q ? '2' : ''} ${vectorName(Rd, size + 1, 1)}, ${n}, ${m}`
      : `${mnemonic} ${vectorName(Rd, elements, Q)}, ${n}, ${m}`;
  },

  semantics(e, { Q, U, size, opcode }, { upper, Rm, index, Rn, Rd }) {
    const { long, float } = allocated(allocated(OPERATIONS[U])[opcode]);
    const n = e.let(e.v(Rn));
    const elements = elementsOf(size);
    const m = e.let(duplicate(elements, indexedElement(e, elements, Rm, index)));
    const d = (): Vector => e.v(Rd);
    if (long === true) {
      e.setV(Rd, multiplyLong(e, allocated(LONG_OPCODE[opcode]), size, U === 1, n, m, Q, d));
    } else if (float === true) {
      const N = 8 << elements;
      const count = (Q ? 128 : 64) / N;
      const result =
        opcode === FMUL
          ? FPBinaryVector(e, U ? 'FPMulX' : 'FPMul', N, count, n, m)
          : FPMulAddVector(e, N, count, n, m, d(), opcode === FMLS);
      writeCount(e, Rd, Q, result);
    } else {
      const lanes = vectorLanes(e, size, upper);
      lanes.write(Rd, integerOperation(e, lanes, U, opcode, n, m, d));
    }
  },
});

export const advancedSIMDScalarByElement = instruction({
  title: 'Advanced SIMD scalar x indexed element',
  encoding: encoding('01 U:1 11111 size:2 L:1 M:1 Rm:4 opcode:4 H:1 0 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  featureOf,

  variant({ U, size, L, opcode }) {
    const operation = OPERATIONS[U]?.[opcode];
    return isAllocated(operation, size, L, 1) && operation.scalar === true
      ? { U, size, opcode }
      : undefined;
  },
  operands: ({ size, L, M, Rm, H, Rn, Rd }) => ({
    Rm: registerOf({ size, L, M, Rm, H }),
    index: indexOf({ size, L, M, Rm, H }),
    Rn,
    Rd,
  }),

  assembly({ U, size, L, M, Rm, opcode, H, Rn, Rd }) {
    const { mnemonic, long } = allocated(allocated(OPERATIONS[U])[opcode]);
    const selector = { size, L, M, Rm, H };
    const elements = elementsOf(size);
    const m = elementName(registerOf(selector), elements, indexOf(selector));
    const d = scalarName(long === true ? elements + 1 : elements, Rd);
    return `${mnemonic} ${d}, ${scalarName(elements, Rn)}, ${m}`;
  },

  semantics(e, { U, size, opcode }, { Rm, index, Rn, Rd }) {
    const { long, float } = allocated(allocated(OPERATIONS[U])[opcode]);
    const elements = elementsOf(size);
    const lane = e.let(indexedElement(e, elements, Rm, index));
    if (float === true) {
      const N = 8 << elements;
      const m: FPBits = size === 3 ? lane : wrap(lane);
      const n = readScalar(e, elements, Rn);
      const result =
        opcode === FMUL
          ? FPBinary(e, U ? 'FPMulX' : 'FPMul', N, n, m)
          : FPMulAdd(e, N, readScalar(e, elements, Rd), opcode === FMLS ? FPNeg(N, n) : n, m);
      writeScalar(e, elements, Rd, result);
      return;
    }
    const lanes = scalarLanes(e, size);
    const n = e.let(lanes.active(e.v(Rn)));
    const m = e.let(lanes.active(duplicate(size, lane)));
    if (long === true) {
      const accumulator = scalarLanes(e, size + 1);
      const d = (): Vector => accumulator.active(e.v(Rd));
      const result = multiplyLong(e, allocated(LONG_OPCODE[opcode]), size, false, n, m, 0, d);
      writeScalar(e, size + 1, Rd, element(size + 1, result, 0));
      return;
    }
    lanes.write(
      Rd,
      integerOperation(e, lanes, U, opcode, n, m, () => e.v(Rd)),
    );
  },
});
