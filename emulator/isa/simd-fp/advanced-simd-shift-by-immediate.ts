/** Arm ARM, "Advanced SIMD shift by immediate" and "Advanced SIMD scalar shift by immediate". */
import { allocated } from './allocated.ts';
import { encoding } from '../encoding.ts';
import type { Expr } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { Emitter } from '../instruction.ts';
import { scalarName, vectorName } from './assembly.ts';
import * as I from './integer-operations.ts';
import type { Narrowing, SaturatingShift } from './integer-operations.ts';
import { FPToFixed, FixedToFP, mapLanes } from './shared-functions.ts';
import type { FPBits } from './shared-functions.ts';
import {
  V128_ONES,
  bitsOf,
  element,
  narrow,
  onElements,
  readScalar,
  scalarLanes,
  upperHalf,
  vectorLanes,
  widen,
  writeCount,
  writeNarrow,
  writeScalar,
} from './vector.ts';
import type { Lanes, Vector } from './vector.ts';

const SSHR = 0x00;
const SSRA = 0x02;
const SRSHR = 0x04;
const SRSRA = 0x06;
const SRI = 0x08; // U=1
const SHL = 0x0a; // U=1: SLI
const SQSHLU = 0x0c; // U=1
const SQSHL = 0x0e;
const FIRST_NARROW = 0x10;
const LAST_NARROW = 0x13;
const SSHLL = 0x14;
const SCVTF = 0x1c;
const FCVTZS = 0x1f;

const MNEMONICS: Readonly<Record<number, readonly (string | undefined)[]>> = {
  [SSHR]: ['sshr', 'ushr'],
  [SSRA]: ['ssra', 'usra'],
  [SRSHR]: ['srshr', 'urshr'],
  [SRSRA]: ['srsra', 'ursra'],
  [SRI]: [undefined, 'sri'],
  [SHL]: ['shl', 'sli'],
  [SQSHLU]: [undefined, 'sqshlu'],
  [SQSHL]: ['sqshl', 'uqshl'],
  0x10: ['shrn', 'sqshrun'],
  0x11: ['rshrn', 'sqrshrun'],
  0x12: ['sqshrn', 'uqshrn'],
  0x13: ['sqrshrn', 'uqrshrn'],
  [SSHLL]: ['sshll', 'ushll'],
  [SCVTF]: ['scvtf', 'ucvtf'],
  [FCVTZS]: ['fcvtzs', 'fcvtzu'],
};

const isNarrowing = (opcode: number): boolean => opcode >= FIRST_NARROW && opcode <= LAST_NARROW;
const isLeft = (opcode: number): boolean =>
  opcode === SHL || opcode === SQSHLU || opcode === SQSHL || opcode === SSHLL;

function sizeOf(immh: number): number {
  return 31 - Math.clz32(immh);
}
/** The amount in bits: to the right 1 to the element's size, to the left 0 to one less. */
function amountOf(opcode: number, immh: number, immb: number): number {
  const value = (immh << 3) | immb;
  const size = bitsOf(sizeOf(immh));
  return isLeft(opcode) ? value - size : 2 * size - value;
}
/** A right shift by the whole element, for the shape of the code. */
function isFull(opcode: number, immh: number, immb: number): number {
  if (isNarrowing(opcode) || isLeft(opcode) || opcode >= SCVTF) return 0;
  return amountOf(opcode, immh, immb) === bitsOf(sizeOf(immh)) ? 1 : 0;
}

/** SSHR to SQSHL. */
function shiftElements(
  e: Emitter,
  lanes: Lanes,
  U: number,
  opcode: number,
  full: boolean,
  n: Vector,
  amount: Expr<'i32'>,
  d: () => Vector,
): Vector {
  const { size, active } = lanes;
  const unsigned = U === 1;
  switch (opcode) {
    case SSHR:
    case SRSHR:
      return I.shiftRight(size, unsigned, opcode === SRSHR, n, amount, full);
    case SSRA:
    case SRSRA: {
      const shifted = I.shiftRight(size, unsigned, opcode === SRSRA, n, amount, full);
      return onElements(size, 'add', d(), shifted);
    }
    case SRI: {
      if (full) return d();
      const mask = onElements(size, 'shr_u', V128_ONES, amount);
      return I.bitSelect(mask, onElements(size, 'shr_u', n, amount), d());
    }
    case SHL: {
      const shifted = onElements(size, 'shl', n, amount);
      if (!unsigned) return shifted;
      return I.bitSelect(onElements(size, 'shl', V128_ONES, amount), shifted, d());
    }
    default: {
      const kind: SaturatingShift = opcode === SQSHLU ? 'SQSHLU' : unsigned ? 'UQSHL' : 'SQSHL';
      return I.saturatingShiftLeft(e, size, kind, active(n), amount);
    }
  }
}

/** SHRN to UQRSHRN: the result at double width, its low halves being what counts. */
function shiftNarrow(
  e: Emitter,
  size: number,
  U: number,
  opcode: number,
  n: Vector,
  amount: Expr<'i32'>,
): Vector {
  const rounds = (opcode & 1) === 1;
  if (opcode < 0x12) {
    const shifted = I.shiftRight(size + 1, U === 0, rounds, n, amount, false);
    return U ? I.saturateToNarrow(e, size, 'SQXTUN', shifted) : shifted;
  }
  const shifted = I.shiftRight(size + 1, U === 1, rounds, n, amount, false);
  const kind: Narrowing = U ? 'UQXTN' : 'SQXTN';
  return I.saturateToNarrow(e, size, kind, shifted);
}

function convertFixed(
  e: Emitter,
  U: number,
  opcode: number,
  N: number,
  fbits: Expr<'i32'>,
  value: FPBits,
): FPBits {
  return opcode === SCVTF
    ? FixedToFP(e, N, value, fbits, U === 1, N === 16 ? 16 : undefined)
    : FPToFixed(e, N, value, fbits, U === 1, 'ZERO', N);
}

/** Conversions of half precision. */
function featureOf({
  immh,
  opcode,
}: {
  readonly immh: number;
  readonly opcode: number;
}): string | undefined {
  return opcode >= SCVTF && sizeOf(immh) === 1 ? 'FEAT_FP16' : undefined;
}

export const advancedSIMDShiftByImmediate = instruction({
  title: 'Advanced SIMD shift by immediate',
  encoding: encoding('0 Q:1 U:1 011110 immh:4 immb:3 opcode:5 1 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  featureOf,

  variant({ Q, U, immh, immb, opcode }) {
    if (immh === 0 || MNEMONICS[opcode]?.[U] === undefined) return undefined;
    const size = sizeOf(immh);
    if (isNarrowing(opcode) || opcode === SSHLL)
      return size < 3 ? { Q, U, size, opcode, full: 0 } : undefined;
    if (size === 3 && Q === 0) return undefined;
    if (opcode >= SCVTF) return size >= 1 ? { Q, U, size, opcode, full: 0 } : undefined;
    return { Q: 1, U, size, opcode, full: isFull(opcode, immh, immb) };
  },
  operands: ({ Q, immh, immb, opcode, Rn, Rd }) => ({
    upper: upperHalf(Q),
    amount: amountOf(opcode, immh, immb),
    Rn,
    Rd,
  }),

  assembly({ Q, U, immh, immb, opcode, Rn, Rd }) {
    const size = sizeOf(immh);
    const mnemonic = allocated(allocated(MNEMONICS[opcode])[U]);
    const amount = `#${amountOf(opcode, immh, immb)}`;
    const same = (register: number): string => vectorName(register, size, Q);
    const wide = (register: number): string => vectorName(register, size + 1, 1);
    const two = Q ? '2' : '';
    if (isNarrowing(opcode)) return `${mnemonic}${two} ${same(Rd)}, ${wide(Rn)}, ${amount}`;
    if (opcode === SSHLL) return `${mnemonic}${two} ${wide(Rd)}, ${same(Rn)}, ${amount}`;
    return `${mnemonic} ${same(Rd)}, ${same(Rn)}, ${amount}`;
  },

  semantics(e, { Q, U, size, opcode, full }, { upper, amount, Rn, Rd }) {
    const n = e.let(e.v(Rn));
    const shift = e.imm32(amount);
    if (isNarrowing(opcode)) {
      writeNarrow(e, Rd, Q, narrow(size, shiftNarrow(e, size, U, opcode, n, shift)));
    } else if (opcode === SSHLL) {
      e.setV(Rd, onElements(size + 1, 'shl', widen(size, n, Q, U === 0), shift));
    } else if (opcode >= SCVTF) {
      const N = bitsOf(size);
      const result = mapLanes(e, N, (Q ? 128 : 64) / N, [n], (value) =>
        convertFixed(e, U, opcode, N, shift, value),
      );
      writeCount(e, Rd, Q, result);
    } else {
      const lanes = vectorLanes(e, size, upper);
      const d = (): Vector => e.v(Rd);
      lanes.write(Rd, shiftElements(e, lanes, U, opcode, full === 1, n, shift, d));
    }
  },
});

export const advancedSIMDScalarShiftByImmediate = instruction({
  title: 'Advanced SIMD scalar shift by immediate',
  encoding: encoding('01 U:1 111110 immh:4 immb:3 opcode:5 1 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  featureOf,

  variant({ U, immh, immb, opcode }) {
    if (immh === 0 || MNEMONICS[opcode]?.[U] === undefined || opcode === SSHLL) return undefined;
    const size = sizeOf(immh);
    if (isNarrowing(opcode)) {
      const plain = U === 0 && opcode < 0x12;
      return size < 3 && !plain ? { U, size, opcode, full: 0 } : undefined;
    }
    if (opcode >= SCVTF) return size >= 1 ? { U, size, opcode, full: 0 } : undefined;
    const anySize = opcode === SQSHL || opcode === SQSHLU;
    if (!anySize && size !== 3) return undefined;
    return { U, size, opcode, full: isFull(opcode, immh, immb) };
  },
  operands: ({ immh, immb, opcode, Rn, Rd }) => ({
    amount: amountOf(opcode, immh, immb),
    Rn,
    Rd,
  }),

  assembly({ U, immh, immb, opcode, Rn, Rd }) {
    const size = sizeOf(immh);
    const source = isNarrowing(opcode) ? size + 1 : size;
    const registers = `${scalarName(size, Rd)}, ${scalarName(source, Rn)}`;
    return `${allocated(allocated(MNEMONICS[opcode])[U])} ${registers}, #${amountOf(opcode, immh, immb)}`;
  },

  semantics(e, { U, size, opcode, full }, { amount, Rn, Rd }) {
    const shift = e.imm32(amount);
    if (isNarrowing(opcode)) {
      const n = e.let(scalarLanes(e, size + 1).active(e.v(Rn)));
      const result = shiftNarrow(e, size, U, opcode, n, shift);
      writeScalar(e, size, Rd, element(size, result, 0));
    } else if (opcode >= SCVTF) {
      const value = readScalar(e, size, Rn);
      writeScalar(e, size, Rd, convertFixed(e, U, opcode, bitsOf(size), shift, value));
    } else {
      const lanes = scalarLanes(e, size);
      const d = (): Vector => e.v(Rd);
      lanes.write(Rd, shiftElements(e, lanes, U, opcode, full === 1, e.let(e.v(Rn)), shift, d));
    }
  },
});
