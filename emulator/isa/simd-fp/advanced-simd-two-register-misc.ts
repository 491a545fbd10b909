/** Arm ARM, "Advanced SIMD two-register miscellaneous", vector and scalar. */
import { allocated } from './allocated.ts';
import { V128_ZERO, i32 } from '../expression.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import type { Emitter } from '../instruction.ts';
import { scalarName, vectorName } from './assembly.ts';
import { saturateToNarrow } from './integer-operations.ts';
import type { Narrowing } from './integer-operations.ts';
import { FPConvert } from './shared-functions.ts';
import type { Rounding } from './shared-functions.ts';
import { floatMisc, floatMiscVector, integerMisc } from './two-register-operations.ts';
import {
  bitsOf,
  element,
  narrow,
  onElements,
  readScalar,
  scalarLanes,
  upperHalf,
  vectorLanes,
  widen,
  withElement,
  writeCount,
  writeNarrow,
  writeScalar,
} from './vector.ts';
import type { Vector } from './vector.ts';

const FIRST_FLOAT_OPCODE = 0x0c;
/** Integer narrowing and widening. */
const XTN = 0x12; // U=1: SQXTUN
const SHLL = 0x13; // U=1
const SQXTN = 0x14; // U=1: UQXTN
const FCVTN = 0x16; // U=1: FCVTXN
const FCVTL = 0x17;

function narrowing(U: number, opcode: number): { mnemonic: string; kind?: Narrowing } | undefined {
  if (opcode === XTN) return U ? { mnemonic: 'sqxtun', kind: 'SQXTUN' } : { mnemonic: 'xtn' };
  if (opcode === SQXTN)
    return U ? { mnemonic: 'uqxtn', kind: 'UQXTN' } : { mnemonic: 'sqxtn', kind: 'SQXTN' };
  return undefined;
}

/** FCVTN, FCVTXN and FCVTL: `sz` 0 is between half and single, 1 between single and double. */
function isFloatNarrowing(U: number, size: number, opcode: number): boolean {
  if (size > 1) return false;
  if (opcode === FCVTN) return U === 0 || size === 1;
  return opcode === FCVTL && U === 0;
}

interface Fields {
  readonly U: number;
  readonly size: number;
  readonly opcode: number;
}

const isFloat = (opcode: number): boolean => opcode >= FIRST_FLOAT_OPCODE;

function narrowedFloats(e: Emitter, size: number, n: Vector, rounding: Rounding): Vector {
  const result = e.variable(V128_ZERO);
  const from = size === 0 ? 32 : 64;
  const to = size === 0 ? 16 : 32;
  for (let lane = 0; lane < 128 / from; lane += 1) {
    const value = FPConvert(e, from, to, element(size + 2, n, lane), rounding);
    e.set(result, withElement(size + 1, result.value, lane, value));
  }
  return result.value;
}
function widenedFloats(e: Emitter, size: number, n: Vector, part: number): Vector {
  const result = e.variable(V128_ZERO);
  const from = size === 0 ? 16 : 32;
  const to = size === 0 ? 32 : 64;
  const count = 128 / to;
  for (let lane = 0; lane < count; lane += 1) {
    const value = FPConvert(e, from, to, element(size + 1, n, lane + part * count));
    e.set(result, withElement(size + 2, result.value, lane, value));
  }
  return result.value;
}

export const advancedSIMDTwoRegisterMiscellaneous = instruction({
  title: 'Advanced SIMD two-register miscellaneous',
  encoding: encoding('0 Q:1 U:1 01110 size:2 10000 opcode:5 10 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ Q, U, size, opcode }) {
    if (narrowing(U, opcode) || (opcode === SHLL && U === 1))
      return size < 3 ? { Q, U, size, opcode } : undefined;
    if (isFloatNarrowing(U, size, opcode)) return { Q, U, size, opcode };
    if (isFloat(opcode)) {
      const operation = floatMisc(U, size >> 1, opcode);
      if (operation?.vector !== true) return undefined;
      const double = (size & 1) === 1;
      if (double && (Q === 0 || operation.singleOnly === true)) return undefined;
      return { Q, U, size, opcode };
    }
    if (integerMisc(U, size, opcode) === undefined || (size === 3 && Q === 0)) return undefined;
    return { Q: 1, U, size, opcode };
  },
  operands: ({ Q, Rn, Rd }) => ({ upper: upperHalf(Q), Rn, Rd }),

  assembly({ Q, U, size, opcode, Rn, Rd }) {
    const two = Q ? '2' : '';
    const narrower = narrowing(U, opcode);
    if (narrower)
      return `${narrower.mnemonic}${two} ${vectorName(Rd, size, Q)}, ${vectorName(Rn, size + 1, 1)}`;
    if (opcode === SHLL && U === 1) {
      const [d, n] = [vectorName(Rd, size + 1, 1), vectorName(Rn, size, Q)];
      return `shll${two} ${d}, ${n}, #${bitsOf(size)}`;
    }
    if (isFloatNarrowing(U, size, opcode)) {
      const [wide, half] = [size + 2, size + 1];
      if (opcode === FCVTL)
        return `fcvtl${two} ${vectorName(Rd, wide, 1)}, ${vectorName(Rn, half, Q)}`;
      const mnemonic = U ? 'fcvtxn' : 'fcvtn';
      return `${mnemonic}${two} ${vectorName(Rd, half, Q)}, ${vectorName(Rn, wide, 1)}`;
    }
    if (isFloat(opcode)) {
      const { mnemonic, againstZero } = allocated(floatMisc(U, size >> 1, opcode));
      const name = (register: number): string => vectorName(register, 2 + (size & 1), Q);
      return `${mnemonic} ${name(Rd)}, ${name(Rn)}${againstZero === true ? ', #0.0' : ''}`;
    }
    const { mnemonic, againstZero, long } = allocated(integerMisc(U, size, opcode));
    // RBIT is told from NOT by its size field and works on bytes all the same.
    const elements = mnemonic === 'rbit' ? 0 : size;
    const d = vectorName(Rd, long === true ? elements + 1 : elements, Q);
    return `${mnemonic} ${d}, ${vectorName(Rn, elements, Q)}${againstZero === true ? ', #0' : ''}`;
  },

  semantics(e, { Q, U, size, opcode }, { upper, Rn, Rd }) {
    const n = e.let(e.v(Rn));
    const narrower = narrowing(U, opcode);
    if (narrower) {
      const value = narrower.kind === undefined ? n : saturateToNarrow(e, size, narrower.kind, n);
      writeNarrow(e, Rd, Q, narrow(size, value));
    } else if (opcode === SHLL && U === 1) {
      e.setV(Rd, onElements(size + 1, 'shl', widen(size, n, Q, false), i32(bitsOf(size))));
    } else if (isFloatNarrowing(U, size, opcode)) {
      if (opcode === FCVTL) e.setV(Rd, widenedFloats(e, size, n, Q));
      else writeNarrow(e, Rd, Q, narrowedFloats(e, size, n, U ? 'ODD' : 'FPCR'));
    } else if (isFloat(opcode)) {
      const N = 32 << (size & 1);
      const operation = allocated(floatMisc(U, size >> 1, opcode));
      writeCount(e, Rd, Q, floatMiscVector(e, operation, N, (Q ? 128 : 64) / N, n));
    } else {
      const lanes = vectorLanes(e, size, upper);
      lanes.write(
        Rd,
        allocated(integerMisc(U, size, opcode)).compute(e, lanes, n, () => e.v(Rd)),
      );
    }
  },
});

function scalarAllocated({ U, size, opcode }: Fields): boolean {
  const narrower = narrowing(U, opcode);
  if (narrower) return narrower.kind !== undefined && size < 3;
  if (opcode === FCVTN) return U === 1 && size === 1;
  if (isFloat(opcode)) return floatMisc(U, size >> 1, opcode)?.scalar === true;
  return integerMisc(U, size, opcode)?.scalarSizes?.includes(size) === true;
}

export const advancedSIMDScalarTwoRegisterMiscellaneous = instruction({
  title: 'Advanced SIMD scalar two-register miscellaneous',
  encoding: encoding('01 U:1 11110 size:2 10000 opcode:5 10 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ U, size, opcode }) {
    return scalarAllocated({ U, size, opcode }) ? { U, size, opcode } : undefined;
  },
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),

  assembly({ U, size, opcode, Rn, Rd }) {
    const narrower = narrowing(U, opcode);
    if (narrower)
      return `${narrower.mnemonic} ${scalarName(size, Rd)}, ${scalarName(size + 1, Rn)}`;
    if (opcode === FCVTN) return `fcvtxn ${scalarName(2, Rd)}, ${scalarName(3, Rn)}`;
    if (isFloat(opcode)) {
      const { mnemonic, againstZero } = allocated(floatMisc(U, size >> 1, opcode));
      const name = (register: number): string => scalarName(2 + (size & 1), register);
      return `${mnemonic} ${name(Rd)}, ${name(Rn)}${againstZero === true ? ', #0.0' : ''}`;
    }
    const { mnemonic, againstZero } = allocated(integerMisc(U, size, opcode));
    const zero = againstZero === true ? ', #0' : '';
    return `${mnemonic} ${scalarName(size, Rd)}, ${scalarName(size, Rn)}${zero}`;
  },

  semantics(e, { U, size, opcode }, { Rn, Rd }) {
    const narrower = narrowing(U, opcode);
    if (narrower?.kind !== undefined) {
      const n = scalarLanes(e, size + 1).active(e.v(Rn));
      const value = saturateToNarrow(e, size, narrower.kind, n);
      writeScalar(e, size, Rd, element(size, value, 0));
    } else if (opcode === FCVTN) {
      writeScalar(e, 2, Rd, FPConvert(e, 64, 32, e.d(Rn), 'ODD'));
    } else if (isFloat(opcode)) {
      const elements = 2 + (size & 1);
      const value = readScalar(e, elements, Rn);
      const operation = allocated(floatMisc(U, size >> 1, opcode));
      writeScalar(e, elements, Rd, operation.lane(e, 8 << elements, value));
    } else {
      const lanes = scalarLanes(e, size);
      const operation = allocated(integerMisc(U, size, opcode));
      lanes.write(
        Rd,
        operation.compute(e, lanes, e.let(e.v(Rn)), () => e.v(Rd)),
      );
    }
  },
});
