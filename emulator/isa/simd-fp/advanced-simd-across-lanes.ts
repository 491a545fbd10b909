/** Arm ARM, "Advanced SIMD across lanes" and "Advanced SIMD scalar pairwise". */
import { allocated } from './allocated.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import type { Emitter } from '../instruction.ts';
import { scalarName, vectorName } from './assembly.ts';
import { addPairsLong, extremum } from './integer-operations.ts';
import { FPBinary } from './shared-functions.ts';
import type { BinaryName, FPBits } from './shared-functions.ts';
import { chooseElements, element, onElements, writeScalar } from './vector.ts';
import type { Vector } from './vector.ts';

const ADDLV = 0x03;
const MAXV = 0x0a;
const MINV = 0x1a;
const ADDV = 0x1b;
const FMAXNMV = 0x0c;
const FMAXV = 0x0f;

const FLOAT_REDUCTION: Readonly<Record<number, readonly { mnemonic: string; name: BinaryName }[]>> =
  {
    [FMAXNMV]: [
      { mnemonic: 'fmaxnmv', name: 'FPMaxNum' },
      { mnemonic: 'fminnmv', name: 'FPMinNum' },
    ],
    [FMAXV]: [
      { mnemonic: 'fmaxv', name: 'FPMax' },
      { mnemonic: 'fminv', name: 'FPMin' },
    ],
  };

function integerMnemonic(U: number, opcode: number): string | undefined {
  const sign = U ? 'u' : 's';
  switch (opcode) {
    case ADDLV:
      return `${sign}addlv`;
    case MAXV:
      return `${sign}maxv`;
    case MINV:
      return `${sign}minv`;
    case ADDV:
      return U ? undefined : 'addv';
    default:
      return undefined;
  }
}

/** Combines the elements of 64 or 128 bits pair by pair until one is left, in element 0. */
function reduce(
  e: Emitter,
  size: number,
  Q: number,
  value: Vector,
  combine: (a: Vector, b: Vector) => Vector,
): Vector {
  const all = 16 >> size;
  let result = e.let(value);
  for (let distance = (Q ? all : all / 2) >> 1; distance > 0; distance >>= 1) {
    const lanes = Array.from({ length: all }, (_, i) => (i + distance) % all);
    result = e.let(combine(result, chooseElements(size, result, result, lanes)));
  }
  return result;
}

export const advancedSIMDAcrossLanes = instruction({
  title: 'Advanced SIMD across lanes',
  encoding: encoding('0 Q:1 U:1 01110 size:2 11000 opcode:5 10 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ Q, U, size, opcode }) {
    if (FLOAT_REDUCTION[opcode] !== undefined) {
      return U === 1 && Q === 1 && (size & 1) === 0 ? { Q, U, size, opcode } : undefined;
    }
    if (integerMnemonic(U, opcode) === undefined) return undefined;
    return size < 2 || (size === 2 && Q === 1) ? { Q, U, size, opcode } : undefined;
  },
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),

  assembly({ Q, U, size, opcode, Rn, Rd }) {
    const float = FLOAT_REDUCTION[opcode];
    if (float)
      return `${allocated(float[size >> 1]).mnemonic} ${scalarName(2, Rd)}, ${vectorName(Rn, 2, 1)}`;
    const result = opcode === ADDLV ? size + 1 : size;
    return `${allocated(integerMnemonic(U, opcode))} ${scalarName(result, Rd)}, ${vectorName(Rn, size, Q)}`;
  },

  semantics(e, { Q, U, size, opcode }, { Rn, Rd }) {
    const n = e.let(e.v(Rn));
    const float = FLOAT_REDUCTION[opcode];
    if (float) {
      const { name } = allocated(float[size >> 1]);
      const lane = (index: number): FPBits => element(2, n, index);
      const low = FPBinary(e, name, 32, lane(0), lane(1));
      const high = FPBinary(e, name, 32, lane(2), lane(3));
      writeScalar(e, 2, Rd, FPBinary(e, name, 32, low, high));
      return;
    }
    if (opcode === ADDLV) {
      const pairs = addPairsLong(size, U === 1, n);
      const sum = reduce(e, size + 1, Q, pairs, (a, b) => onElements(size + 1, 'add', a, b));
      writeScalar(e, size + 1, Rd, element(size + 1, sum, 0));
      return;
    }
    const result = reduce(e, size, Q, n, (a, b) =>
      opcode === ADDV
        ? onElements(size, 'add', a, b)
        : extremum(size, U === 1, opcode === MAXV, a, b),
    );
    writeScalar(e, size, Rd, element(size, result, 0));
  },
});

const ADDP = 0x1b;
const PAIRWISE: Readonly<
  Record<number, readonly ({ mnemonic: string; name: BinaryName } | undefined)[]>
> = {
  0x0c: [
    { mnemonic: 'fmaxnmp', name: 'FPMaxNum' },
    { mnemonic: 'fminnmp', name: 'FPMinNum' },
  ],
  0x0d: [{ mnemonic: 'faddp', name: 'FPAdd' }],
  0x0f: [
    { mnemonic: 'fmaxp', name: 'FPMax' },
    { mnemonic: 'fminp', name: 'FPMin' },
  ],
};

export const advancedSIMDScalarPairwise = instruction({
  title: 'Advanced SIMD scalar pairwise',
  encoding: encoding('01 U:1 11110 size:2 11000 opcode:5 10 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ U, size, opcode }) {
    if (U === 0) return opcode === ADDP && size === 3 ? { size, opcode } : undefined;
    return PAIRWISE[opcode]?.[size >> 1] !== undefined ? { size, opcode } : undefined;
  },
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),

  assembly({ size, opcode, Rn, Rd }) {
    if (opcode === ADDP) return `addp ${scalarName(3, Rd)}, ${vectorName(Rn, 3, 1)}`;
    const elements = 2 + (size & 1);
    const { mnemonic } = allocated(allocated(PAIRWISE[opcode])[size >> 1]);
    return `${mnemonic} ${scalarName(elements, Rd)}, ${vectorName(Rn, elements, size & 1)}`;
  },

  semantics(e, { size, opcode }, { Rn, Rd }) {
    const n = e.let(e.v(Rn));
    if (opcode === ADDP) {
      const sum = reduce(e, 3, 1, n, (a, b) => onElements(3, 'add', a, b));
      writeScalar(e, 3, Rd, element(3, sum, 0));
      return;
    }
    const elements = 2 + (size & 1);
    const { name } = allocated(allocated(PAIRWISE[opcode])[size >> 1]);
    const [a, b] = [element(elements, n, 0), element(elements, n, 1)];
    writeScalar(e, elements, Rd, FPBinary(e, name, 8 << elements, a, b));
  },
});
