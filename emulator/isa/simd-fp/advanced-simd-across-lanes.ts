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
  featureOf: ({ U, opcode }) =>
    U === 0 && FLOAT_REDUCTION[opcode] !== undefined ? 'FEAT_FP16' : undefined,

  variant({ Q, U, size, opcode }) {
    if (FLOAT_REDUCTION[opcode] !== undefined) {
      // U = 0 is half precision.
      return (size & 1) === 0 && (U === 0 || Q === 1) ? { Q, U, size, opcode } : undefined;
    }
    if (integerMnemonic(U, opcode) === undefined) return undefined;
    return size < 2 || (size === 2 && Q === 1) ? { Q, U, size, opcode } : undefined;
  },
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),

  assembly({ Q, U, size, opcode, Rn, Rd }) {
    const float = FLOAT_REDUCTION[opcode];
    if (float) {
      const elements = 1 + U;
      const { mnemonic } = allocated(float[size >> 1]);
      return `${mnemonic} ${scalarName(elements, Rd)}, ${vectorName(Rn, elements, Q)}`;
    }
    const result = opcode === ADDLV ? size + 1 : size;
    return `${allocated(integerMnemonic(U, opcode))} ${scalarName(result, Rd)}, ${vectorName(Rn, size, Q)}`;
  },

  semantics(e, { Q, U, size, opcode }, { Rn, Rd }) {
    const n = e.let(e.v(Rn));
    const float = FLOAT_REDUCTION[opcode];
    if (float) {
      const { name } = allocated(float[size >> 1]);
      const elements = 1 + U;
      const N = 8 << elements;
      const over = (first: number, count: number): FPBits =>
        count === 1
          ? element(elements, n, first)
          : FPBinary(e, name, N, over(first, count / 2), over(first + count / 2, count / 2));
      writeScalar(e, elements, Rd, over(0, (Q ? 128 : 64) / N));
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

/** log2 of the element size in bytes; U = 0 is half precision. */
function pairwiseElements(U: number, size: number): number {
  return U === 0 ? 1 : 2 + (size & 1);
}

export const advancedSIMDScalarPairwise = instruction({
  title: 'Advanced SIMD scalar pairwise',
  encoding: encoding('01 U:1 11110 size:2 11000 opcode:5 10 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  featureOf: ({ U, opcode }) => (U === 0 && opcode !== ADDP ? 'FEAT_FP16' : undefined),

  variant({ U, size, opcode }) {
    if (opcode === ADDP) return U === 0 && size === 3 ? { U, size, opcode } : undefined;
    if (U === 0 && (size & 1) === 1) return undefined;
    return PAIRWISE[opcode]?.[size >> 1] !== undefined ? { U, size, opcode } : undefined;
  },
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),

  assembly({ U, size, opcode, Rn, Rd }) {
    if (opcode === ADDP) return `addp ${scalarName(3, Rd)}, ${vectorName(Rn, 3, 1)}`;
    const elements = pairwiseElements(U, size);
    const { mnemonic } = allocated(allocated(PAIRWISE[opcode])[size >> 1]);
    const pair = `v${Rn}.2${'bhsd'.charAt(elements)}`;
    return `${mnemonic} ${scalarName(elements, Rd)}, ${pair}`;
  },

  semantics(e, { U, size, opcode }, { Rn, Rd }) {
    const n = e.let(e.v(Rn));
    if (opcode === ADDP) {
      const sum = reduce(e, 3, 1, n, (a, b) => onElements(3, 'add', a, b));
      writeScalar(e, 3, Rd, element(3, sum, 0));
      return;
    }
    const elements = pairwiseElements(U, size);
    const { name } = allocated(allocated(PAIRWISE[opcode])[size >> 1]);
    const [a, b] = [element(elements, n, 0), element(elements, n, 1)];
    writeScalar(e, elements, Rd, FPBinary(e, name, 8 << elements, a, b));
  },
});
