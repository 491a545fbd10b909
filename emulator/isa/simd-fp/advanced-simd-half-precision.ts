/** Arm ARM, the encoding classes of Advanced SIMD that are half precision alone (FEAT_FP16). */
import { encoding } from '../encoding.ts';
import { splat } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { allocated } from './allocated.ts';
import { VFPExpandImm, floatImmediate, scalarName, vectorName } from './assembly.ts';
import { adjacentPairs, floatThreeSame } from './three-same-operations.ts';
import type { FloatThreeSame } from './three-same-operations.ts';
import { floatMisc, floatMiscVector } from './two-register-operations.ts';
import type { FloatMisc } from './two-register-operations.ts';
import { readScalar, upperHalf, vectorLanes, writeCount, writeScalar } from './vector.ts';

/** log2 of the size in bytes, and size in bits. */
const H = 1;
const N = 16;
const lanesOf = (Q: number): number => (Q ? 8 : 4);

/** The opcodes of "Advanced SIMD three same" without their upper bits, which say floating point. */
const threeSame = (U: number, a: number, opcode: number): FloatThreeSame | undefined =>
  floatThreeSame(U, a, 0b11000 | opcode);

export const advancedSIMDThreeSameFP16 = instruction({
  title: 'Advanced SIMD three same (FP16)',
  feature: 'FEAT_FP16',
  encoding: encoding('0 Q:1 U:1 01110 a:1 10 Rm:5 00 opcode:3 1 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  variant: ({ Q, U, a, opcode }) =>
    threeSame(U, a, opcode) === undefined ? undefined : { Q, U, a, opcode },
  operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),

  assembly({ Q, U, a, Rm, opcode, Rn, Rd }) {
    const name = (register: number): string => vectorName(register, H, Q);
    const { mnemonic } = allocated(threeSame(U, a, opcode));
    return `${mnemonic} ${name(Rd)}, ${name(Rn)}, ${name(Rm)}`;
  },

  semantics(e, { Q, U, a, opcode }, { Rm, Rn, Rd }) {
    const operation = allocated(threeSame(U, a, opcode));
    const n = e.let(e.v(Rn));
    const m = e.let(e.v(Rm));
    const { first, second } =
      operation.pairwise === true ? adjacentPairs(H, Q, n, m) : { first: n, second: m };
    writeCount(
      e,
      Rd,
      Q,
      operation.vector(e, N, lanesOf(Q), first, second, () => e.v(Rd)),
    );
  },
});

export const advancedSIMDScalarThreeSameFP16 = instruction({
  title: 'Advanced SIMD scalar three same (FP16)',
  feature: 'FEAT_FP16',
  encoding: encoding('01 U:1 11110 a:1 10 Rm:5 00 opcode:3 1 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  variant: ({ U, a, opcode }) =>
    threeSame(U, a, opcode)?.scalar === true ? { U, a, opcode } : undefined,
  operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),

  assembly({ U, a, Rm, opcode, Rn, Rd }) {
    const name = (register: number): string => scalarName(H, register);
    const { mnemonic } = allocated(threeSame(U, a, opcode));
    return `${mnemonic} ${name(Rd)}, ${name(Rn)}, ${name(Rm)}`;
  },

  semantics(e, { U, a, opcode }, { Rm, Rn, Rd }) {
    const operation = allocated(threeSame(U, a, opcode));
    const result = operation.lane(e, N, readScalar(e, H, Rn), readScalar(e, H, Rm));
    writeScalar(e, H, Rd, result);
  },
});

function misc(U: number, a: number, opcode: number): FloatMisc | undefined {
  const operation = floatMisc(U, a, opcode);
  return operation?.singleOnly === true ? undefined : operation;
}

function miscText(
  operation: FloatMisc,
  name: (register: number) => string,
  Rd: number,
  Rn: number,
): string {
  return `${operation.mnemonic} ${name(Rd)}, ${name(Rn)}${operation.againstZero === true ? ', #0.0' : ''}`;
}

export const advancedSIMDTwoRegisterMiscellaneousFP16 = instruction({
  title: 'Advanced SIMD two-register miscellaneous (FP16)',
  feature: 'FEAT_FP16',
  encoding: encoding('0 Q:1 U:1 01110 a:1 111100 opcode:5 10 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  variant: ({ Q, U, a, opcode }) =>
    misc(U, a, opcode)?.vector === true ? { Q, U, a, opcode } : undefined,
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),
  assembly: ({ Q, U, a, opcode, Rn, Rd }) =>
    miscText(allocated(misc(U, a, opcode)), (register) => vectorName(register, H, Q), Rd, Rn),
  semantics(e, { Q, U, a, opcode }, { Rn, Rd }) {
    const operation = allocated(misc(U, a, opcode));
    writeCount(e, Rd, Q, floatMiscVector(e, operation, N, lanesOf(Q), e.let(e.v(Rn))));
  },
});

export const advancedSIMDScalarTwoRegisterMiscellaneousFP16 = instruction({
  title: 'Advanced SIMD scalar two-register miscellaneous (FP16)',
  feature: 'FEAT_FP16',
  encoding: encoding('01 U:1 11110 a:1 111100 opcode:5 10 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  variant: ({ U, a, opcode }) =>
    misc(U, a, opcode)?.scalar === true ? { U, a, opcode } : undefined,
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),
  assembly: ({ U, a, opcode, Rn, Rd }) =>
    miscText(allocated(misc(U, a, opcode)), (register) => scalarName(H, register), Rd, Rn),
  semantics(e, { U, a, opcode }, { Rn, Rd }) {
    writeScalar(e, H, Rd, allocated(misc(U, a, opcode)).lane(e, N, readScalar(e, H, Rn)));
  },
});

export const advancedSIMDModifiedImmediateFP16 = instruction({
  title: 'Advanced SIMD modified immediate (FP16)',
  feature: 'FEAT_FP16',
  encoding: encoding('0 Q:1 0 0111100000 abc:3 1111 11 defgh:5 Rd:5'),
  usesFP: true,
  variant: () => ({}),
  operands: ({ Q, abc, defgh, Rd }) => ({
    upper: upperHalf(Q),
    imm: VFPExpandImm((abc << 5) | defgh, N) * 0x0001_0001_0001_0001n,
    Rd,
  }),
  assembly: ({ Q, abc, defgh, Rd }) =>
    `fmov ${vectorName(Rd, H, Q)}, ${floatImmediate((abc << 5) | defgh)}`,
  semantics(e, _variant, { upper, imm, Rd }) {
    vectorLanes(e, 3, upper).write(Rd, splat('i64x2', e.imm64(imm)));
  },
});
