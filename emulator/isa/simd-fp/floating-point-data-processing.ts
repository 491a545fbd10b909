/** Arm ARM, "Floating-point data-processing (1 source)", "(2 source)" and "(3 source)". */
import { allocated } from './allocated.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { scalarName } from './assembly.ts';
import {
  FPAbs,
  FPBinary,
  FPConvert,
  FPMulAdd,
  FPNeg,
  FPRoundInt,
  FPSqrt,
} from './shared-functions.ts';
import type { BinaryName, FPBits, Rounding } from './shared-functions.ts';
import { readScalar, writeScalar } from './vector.ts';
import type { Emitter } from '../instruction.ts';

/** log2 of the size in bytes by `ptype`: single, double, reserved, half. */
export const SIZE_OF_PTYPE = [2, 3, undefined, 1] as const;

/** `ptype` of half precision, whose arithmetic is FEAT_FP16. */
export const HALF_PTYPE = 3;

export function featureOfPtype({ ptype }: { readonly ptype: number }): string | undefined {
  return ptype === HALF_PTYPE ? 'FEAT_FP16' : undefined;
}

type Unary = (e: Emitter, N: number, a: FPBits) => FPBits;
const round =
  (rounding: Rounding, exact = false): Unary =>
  (e, N, a) =>
    FPRoundInt(e, N, a, rounding, exact);

const ONE_SOURCE: Readonly<Record<number, { mnemonic: string; compute: Unary }>> = {
  0x00: { mnemonic: 'fmov', compute: (_e, _N, a) => a },
  0x01: { mnemonic: 'fabs', compute: (_e, N, a) => FPAbs(N, a) },
  0x02: { mnemonic: 'fneg', compute: (_e, N, a) => FPNeg(N, a) },
  0x03: { mnemonic: 'fsqrt', compute: FPSqrt },
  0x08: { mnemonic: 'frintn', compute: round('TIEEVEN') },
  0x09: { mnemonic: 'frintp', compute: round('POSINF') },
  0x0a: { mnemonic: 'frintm', compute: round('NEGINF') },
  0x0b: { mnemonic: 'frintz', compute: round('ZERO') },
  0x0c: { mnemonic: 'frinta', compute: round('TIEAWAY') },
  0x0e: { mnemonic: 'frintx', compute: round('FPCR', true) },
  0x0f: { mnemonic: 'frinti', compute: round('FPCR') },
};
/** Opcodes 4, 5 and 7 are FCVT to single, double and half. */
const FCVT_MASK = 0b111100;
const FCVT = 0b000100;

export const floatingPointDataProcessing1Source = instruction({
  title: 'Floating-point data-processing (1 source)',
  encoding: encoding('00011110 ptype:2 1 opcode:6 10000 Rn:5 Rd:5'),
  usesFP: true,
  // FCVT from half precision is part of the base.
  featureOf: ({ ptype, opcode }) =>
    (opcode & FCVT_MASK) === FCVT ? undefined : featureOfPtype({ ptype }),

  variant({ ptype, opcode }) {
    if ((opcode & FCVT_MASK) === FCVT) {
      const to = opcode & 3;
      const isAllocated = ptype !== to && ptype !== 2 && to !== 2;
      return isAllocated ? { ptype, opcode } : undefined;
    }
    return SIZE_OF_PTYPE[ptype] !== undefined && ONE_SOURCE[opcode] !== undefined
      ? { ptype, opcode }
      : undefined;
  },
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),

  assembly({ ptype, opcode, Rn, Rd }) {
    const from = allocated(SIZE_OF_PTYPE[ptype]);
    const to = (opcode & FCVT_MASK) === FCVT ? allocated(SIZE_OF_PTYPE[opcode & 3]) : from;
    const mnemonic = ONE_SOURCE[opcode]?.mnemonic ?? 'fcvt';
    return `${mnemonic} ${scalarName(to, Rd)}, ${scalarName(from, Rn)}`;
  },

  semantics(e, { ptype, opcode }, { Rn, Rd }) {
    const from = allocated(SIZE_OF_PTYPE[ptype]);
    const value = readScalar(e, from, Rn);
    const operation = ONE_SOURCE[opcode];
    if (operation) {
      writeScalar(e, from, Rd, operation.compute(e, 8 << from, value));
      return;
    }
    const to = allocated(SIZE_OF_PTYPE[opcode & 3]);
    const bits = (size: number): 16 | 32 | 64 => (8 << size) as 16 | 32 | 64;
    writeScalar(e, to, Rd, FPConvert(e, bits(from), bits(to), value));
  },
});

const TWO_SOURCE: Readonly<Record<number, { mnemonic: string; name: BinaryName }>> = {
  0: { mnemonic: 'fmul', name: 'FPMul' },
  1: { mnemonic: 'fdiv', name: 'FPDiv' },
  2: { mnemonic: 'fadd', name: 'FPAdd' },
  3: { mnemonic: 'fsub', name: 'FPSub' },
  4: { mnemonic: 'fmax', name: 'FPMax' },
  5: { mnemonic: 'fmin', name: 'FPMin' },
  6: { mnemonic: 'fmaxnm', name: 'FPMaxNum' },
  7: { mnemonic: 'fminnm', name: 'FPMinNum' },
  8: { mnemonic: 'fnmul', name: 'FPMul' },
};
const FNMUL = 8;

export const floatingPointDataProcessing2Source = instruction({
  title: 'Floating-point data-processing (2 source)',
  encoding: encoding('00011110 ptype:2 1 Rm:5 opcode:4 10 Rn:5 Rd:5'),
  usesFP: true,
  featureOf: featureOfPtype,

  variant({ ptype, opcode }) {
    return SIZE_OF_PTYPE[ptype] !== undefined && TWO_SOURCE[opcode] !== undefined
      ? { ptype, opcode }
      : undefined;
  },
  operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),

  assembly({ ptype, Rm, opcode, Rn, Rd }) {
    const name = (register: number): string =>
      scalarName(allocated(SIZE_OF_PTYPE[ptype]), register);
    return `${allocated(TWO_SOURCE[opcode]).mnemonic} ${name(Rd)}, ${name(Rn)}, ${name(Rm)}`;
  },

  semantics(e, { ptype, opcode }, { Rm, Rn, Rd }) {
    const size = allocated(SIZE_OF_PTYPE[ptype]);
    const N = 8 << size;
    const { name } = allocated(TWO_SOURCE[opcode]);
    const result = FPBinary(e, name, N, readScalar(e, size, Rn), readScalar(e, size, Rm));
    writeScalar(e, size, Rd, opcode === FNMUL ? FPNeg(N, result) : result);
  },
});

const THREE_SOURCE = ['fmadd', 'fmsub', 'fnmadd', 'fnmsub'] as const;

export const floatingPointDataProcessing3Source = instruction({
  title: 'Floating-point data-processing (3 source)',
  encoding: encoding('00011111 ptype:2 o1:1 Rm:5 o0:1 Ra:5 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  featureOf: featureOfPtype,

  variant({ ptype, o1, o0 }) {
    return SIZE_OF_PTYPE[ptype] !== undefined ? { ptype, o1, o0 } : undefined;
  },
  operands: ({ Rm, Ra, Rn, Rd }) => ({ Rm, Ra, Rn, Rd }),

  assembly({ ptype, o1, Rm, o0, Ra, Rn, Rd }) {
    const name = (register: number): string =>
      scalarName(allocated(SIZE_OF_PTYPE[ptype]), register);
    const mnemonic = allocated(THREE_SOURCE[(o1 << 1) | o0]);
    return `${mnemonic} ${name(Rd)}, ${name(Rn)}, ${name(Rm)}, ${name(Ra)}`;
  },

  semantics(e, { ptype, o1, o0 }, { Rm, Ra, Rn, Rd }) {
    const size = allocated(SIZE_OF_PTYPE[ptype]);
    const N = 8 << size;
    const a = readScalar(e, size, Ra);
    const n = readScalar(e, size, Rn);
    const addend = o1 ? FPNeg(N, a) : a;
    const op1 = o1 !== o0 ? FPNeg(N, n) : n;
    writeScalar(e, size, Rd, FPMulAdd(e, N, addend, op1, readScalar(e, size, Rm)));
  },
});
