/** Arm ARM, "Advanced SIMD three same" and "Advanced SIMD scalar three same". */
import { allocated } from './allocated.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { scalarName, vectorName } from './assembly.ts';
import {
  LOGICAL,
  adjacentPairs,
  floatThreeSame,
  integerThreeSame,
  logicalOperation,
} from './three-same-operations.ts';
import {
  readScalar,
  scalarLanes,
  upperHalf,
  vectorLanes,
  writeCount,
  writeScalar,
} from './vector.ts';

const LOGICAL_OPCODE = 0x03;
const FIRST_FLOAT_OPCODE = 0x18;

interface Fields {
  readonly Q: number;
  readonly U: number;
  readonly size: number;
  readonly opcode: number;
}

function mnemonicOf({ U, size, opcode }: Omit<Fields, 'Q'>): string {
  if (opcode === LOGICAL_OPCODE) return allocated(LOGICAL[(U << 2) | size]);
  return opcode >= FIRST_FLOAT_OPCODE
    ? allocated(floatThreeSame(U, size >> 1, opcode)).mnemonic
    : allocated(integerThreeSame(U, opcode)).mnemonic;
}

export const advancedSIMDThreeSame = instruction({
  title: 'Advanced SIMD three same',
  encoding: encoding('0 Q:1 U:1 01110 size:2 1 Rm:5 opcode:5 1 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  // Q belongs to the shape only where elements change places or may raise exceptions.
  variant({ Q, U, size, opcode }) {
    if (opcode === LOGICAL_OPCODE) return { U, size, opcode, Q: 1 };
    if (opcode >= FIRST_FLOAT_OPCODE) {
      const isAllocated = floatThreeSame(U, size >> 1, opcode) !== undefined;
      return isAllocated && !((size & 1) === 1 && Q === 0) ? { U, size, opcode, Q } : undefined;
    }
    const operation = integerThreeSame(U, opcode);
    if (!operation?.sizes.includes(size)) return undefined;
    if (size === 3 && Q === 0) return undefined;
    return { U, size, opcode, Q: operation.pairwise === true ? Q : 1 };
  },
  operands: ({ Q, Rm, Rn, Rd }) => ({ upper: upperHalf(Q), Rm, Rn, Rd }),

  assembly({ Q, U, size, Rm, opcode, Rn, Rd }) {
    if (opcode === LOGICAL_OPCODE) {
      const name = (register: number): string => vectorName(register, 0, Q);
      if (U === 0 && size === 2 && Rm === Rn) return `mov ${name(Rd)}, ${name(Rn)}`;
      return `${mnemonicOf({ U, size, opcode })} ${name(Rd)}, ${name(Rn)}, ${name(Rm)}`;
    }
    const elements = opcode >= FIRST_FLOAT_OPCODE ? 2 + (size & 1) : size;
    const name = (register: number): string => vectorName(register, elements, Q);
    return `${mnemonicOf({ U, size, opcode })} ${name(Rd)}, ${name(Rn)}, ${name(Rm)}`;
  },

  semantics(e, { U, size, opcode, Q }, { upper, Rm, Rn, Rd }) {
    const n = e.let(e.v(Rn));
    const m = e.let(e.v(Rm));
    const d = (): ReturnType<typeof e.v> => e.v(Rd);
    if (opcode === LOGICAL_OPCODE) {
      vectorLanes(e, 0, upper).write(Rd, logicalOperation((U << 2) | size, n, m, d));
      return;
    }
    if (opcode >= FIRST_FLOAT_OPCODE) {
      const operation = allocated(floatThreeSame(U, size >> 1, opcode));
      const elements = 2 + (size & 1);
      const N = 8 << elements;
      const count = (Q ? 128 : 64) / N;
      if (operation.pairwise === true) {
        const { first, second } = adjacentPairs(elements, Q, n, m);
        writeCount(e, Rd, Q, operation.vector(e, N, count, first, second, d));
      } else {
        writeCount(e, Rd, Q, operation.vector(e, N, count, n, m, d));
      }
      return;
    }
    const operation = allocated(integerThreeSame(U, opcode));
    const lanes = vectorLanes(e, size, upper);
    if (operation.pairwise === true) {
      const { first, second } = adjacentPairs(size, Q, n, m);
      lanes.write(Rd, operation.compute(e, lanes, first, second, d));
    } else {
      lanes.write(Rd, operation.compute(e, lanes, n, m, d));
    }
  },
});

export const advancedSIMDScalarThreeSame = instruction({
  title: 'Advanced SIMD scalar three same',
  encoding: encoding('01 U:1 11110 size:2 1 Rm:5 opcode:5 1 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ U, size, opcode }) {
    if (opcode >= FIRST_FLOAT_OPCODE) {
      return floatThreeSame(U, size >> 1, opcode)?.scalar === true
        ? { U, size, opcode }
        : undefined;
    }
    return integerThreeSame(U, opcode)?.scalarSizes?.includes(size) === true
      ? { U, size, opcode }
      : undefined;
  },
  operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),

  assembly({ U, size, Rm, opcode, Rn, Rd }) {
    const elements = opcode >= FIRST_FLOAT_OPCODE ? 2 + (size & 1) : size;
    const name = (register: number): string => scalarName(elements, register);
    return `${mnemonicOf({ U, size, opcode })} ${name(Rd)}, ${name(Rn)}, ${name(Rm)}`;
  },

  semantics(e, { U, size, opcode }, { Rm, Rn, Rd }) {
    if (opcode >= FIRST_FLOAT_OPCODE) {
      const elements = 2 + (size & 1);
      const a = readScalar(e, elements, Rn);
      const b = readScalar(e, elements, Rm);
      const operation = allocated(floatThreeSame(U, size >> 1, opcode));
      writeScalar(e, elements, Rd, operation.lane(e, 8 << elements, a, b));
      return;
    }
    const lanes = scalarLanes(e, size);
    const operation = allocated(integerThreeSame(U, opcode));
    lanes.write(
      Rd,
      operation.compute(e, lanes, e.let(e.v(Rn)), e.let(e.v(Rm)), () => e.v(Rd)),
    );
  },
});
