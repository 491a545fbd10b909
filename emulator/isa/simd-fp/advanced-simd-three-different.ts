/** Arm ARM, "Advanced SIMD three different" and "Advanced SIMD scalar three different". */
import { allocated } from './allocated.ts';
import { i32 } from '../expression.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import type { Emitter } from '../instruction.ts';
import { scalarName, vectorName } from './assembly.ts';
import * as I from './integer-operations.ts';
import {
  bitsOf,
  element,
  everyElement,
  narrow,
  onElements,
  scalarLanes,
  widen,
  widenMultiply,
  writeNarrow,
  writeScalar,
} from './vector.ts';
import type { Vector } from './vector.ts';

/** Which operands have elements of double width. */
type Form = 'L' | 'W' | 'HN';

interface Operation {
  readonly form: Form;
  readonly mnemonics: readonly (string | undefined)[];
  readonly sizes: readonly number[];
}

const OPERATIONS: readonly Operation[] = [
  { form: 'L', mnemonics: ['saddl', 'uaddl'], sizes: [0, 1, 2] },
  { form: 'W', mnemonics: ['saddw', 'uaddw'], sizes: [0, 1, 2] },
  { form: 'L', mnemonics: ['ssubl', 'usubl'], sizes: [0, 1, 2] },
  { form: 'W', mnemonics: ['ssubw', 'usubw'], sizes: [0, 1, 2] },
  { form: 'HN', mnemonics: ['addhn', 'raddhn'], sizes: [0, 1, 2] },
  { form: 'L', mnemonics: ['sabal', 'uabal'], sizes: [0, 1, 2] },
  { form: 'HN', mnemonics: ['subhn', 'rsubhn'], sizes: [0, 1, 2] },
  { form: 'L', mnemonics: ['sabdl', 'uabdl'], sizes: [0, 1, 2] },
  { form: 'L', mnemonics: ['smlal', 'umlal'], sizes: [0, 1, 2] },
  { form: 'L', mnemonics: ['sqdmlal'], sizes: [1, 2] },
  { form: 'L', mnemonics: ['smlsl', 'umlsl'], sizes: [0, 1, 2] },
  { form: 'L', mnemonics: ['sqdmlsl'], sizes: [1, 2] },
  { form: 'L', mnemonics: ['smull', 'umull'], sizes: [0, 1, 2] },
  { form: 'L', mnemonics: ['sqdmull'], sizes: [1, 2] },
  { form: 'L', mnemonics: ['pmull'], sizes: [0] },
];
const SABAL = 5;
const SUBHN = 6;
const SABDL = 7;
const SMLAL = 8;
export const SQDMLAL = 9;
const SMLSL = 10;
export const SQDMLSL = 11;
const SMULL = 12;
export const SQDMULL = 13;
const PMULL = 14;

/** SMLAL, SQDMLAL, ... SQDMULL on one half of `n` and `m`; the opcode of this class. */
export function multiplyLong(
  e: Emitter,
  opcode: number,
  size: number,
  unsigned: boolean,
  n: Vector,
  m: Vector,
  part: number,
  d: () => Vector,
): Vector {
  const wide = size + 1;
  switch (opcode) {
    case SMLAL:
      return onElements(wide, 'add', d(), widenMultiply(size, n, m, part, !unsigned));
    case SMLSL:
      return onElements(wide, 'sub', d(), widenMultiply(size, n, m, part, !unsigned));
    case SMULL:
      return widenMultiply(size, n, m, part, !unsigned);
    case SQDMULL:
      return I.doublingMultiplyLong(e, size, n, m, part);
    case SQDMLAL: {
      const product = I.doublingMultiplyLong(e, size, n, m, part);
      return I.saturatingAdd(e, wide, false, d(), product);
    }
    case SQDMLSL: {
      const product = I.doublingMultiplyLong(e, size, n, m, part);
      return I.saturatingSub(e, wide, false, d(), product);
    }
    default:
      throw new RangeError(`opcode ${opcode} is no long multiplication`);
  }
}

function compute(
  e: Emitter,
  opcode: number,
  size: number,
  unsigned: boolean,
  n: Vector,
  m: Vector,
  part: number,
  d: () => Vector,
): Vector {
  const wide = size + 1;
  switch (opcode) {
    case 0:
      return I.longOperation(size, 'add', unsigned, n, m, part);
    case 1:
      return onElements(wide, 'add', n, widen(size, m, part, !unsigned));
    case 2:
      return I.longOperation(size, 'sub', unsigned, n, m, part);
    case 3:
      return onElements(wide, 'sub', n, widen(size, m, part, !unsigned));
    case SABAL:
      return onElements(wide, 'add', d(), I.absoluteDifferenceLong(size, unsigned, n, m, part));
    case SABDL:
      return I.absoluteDifferenceLong(size, unsigned, n, m, part);
    case PMULL:
      return I.polynomialMultiplyWide(e, widen(0, n, part, false), widen(0, m, part, false));
    default:
      return multiplyLong(e, opcode, size, unsigned, n, m, part, d);
  }
}

export const advancedSIMDThreeDifferent = instruction({
  title: 'Advanced SIMD three different',
  encoding: encoding('0 Q:1 U:1 01110 size:2 1 Rm:5 opcode:4 00 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ Q, U, size, opcode }) {
    const operation = OPERATIONS[opcode];
    if (!operation?.sizes.includes(size) || operation.mnemonics[U] === undefined) return undefined;
    return { Q, U, size, opcode };
  },
  operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),

  assembly({ Q, U, size, Rm, opcode, Rn, Rd }) {
    const { form, mnemonics } = allocated(OPERATIONS[opcode]);
    const narrowName = (register: number): string => vectorName(register, size, Q);
    const wideName = (register: number): string => vectorName(register, size + 1, 1);
    const d = form === 'HN' ? narrowName(Rd) : wideName(Rd);
    const n = form === 'L' ? narrowName(Rn) : wideName(Rn);
    const m = form === 'HN' ? wideName(Rm) : narrowName(Rm);
    return `${allocated(mnemonics[U])}${Q ? '2' : ''} ${d}, ${n}, ${m}`;
  },

  semantics(e, { Q, U, size, opcode }, { Rm, Rn, Rd }) {
    const n = e.let(e.v(Rn));
    const m = e.let(e.v(Rm));
    if (allocated(OPERATIONS[opcode]).form === 'HN') {
      const wide = size + 1;
      const sum = onElements(wide, opcode === SUBHN ? 'sub' : 'add', n, m);
      const half = everyElement(wide, 1n << BigInt(bitsOf(size) - 1));
      const rounded = U ? onElements(wide, 'add', sum, half) : sum;
      const high = onElements(wide, 'shr_u', rounded, i32(bitsOf(size)));
      writeNarrow(e, Rd, Q, narrow(size, high));
      return;
    }
    e.setV(
      Rd,
      compute(e, opcode, size, U === 1, n, m, Q, () => e.v(Rd)),
    );
  },
});

export const advancedSIMDScalarThreeDifferent = instruction({
  title: 'Advanced SIMD scalar three different',
  encoding: encoding('01 0 11110 size:2 1 Rm:5 opcode:4 00 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ size, opcode }) {
    const isSaturating = opcode === SQDMLAL || opcode === SQDMLSL || opcode === SQDMULL;
    return isSaturating && allocated(OPERATIONS[opcode]).sizes.includes(size)
      ? { size, opcode }
      : undefined;
  },
  operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),

  assembly({ size, Rm, opcode, Rn, Rd }) {
    const name = (register: number): string => scalarName(size, register);
    const mnemonic = allocated(allocated(OPERATIONS[opcode]).mnemonics[0]);
    return `${mnemonic} ${scalarName(size + 1, Rd)}, ${name(Rn)}, ${name(Rm)}`;
  },

  semantics(e, { size, opcode }, { Rm, Rn, Rd }) {
    const { active } = scalarLanes(e, size);
    const accumulator = scalarLanes(e, size + 1);
    const n = e.let(active(e.v(Rn)));
    const m = e.let(active(e.v(Rm)));
    const d = (): Vector => accumulator.active(e.v(Rd));
    const result = multiplyLong(e, opcode, size, false, n, m, 0, d);
    writeScalar(e, size + 1, Rd, element(size + 1, result, 0));
  },
});
