/**
 * Arm ARM, "Cryptographic AES", "Cryptographic three-register SHA", "Cryptographic two-register SHA"
 * and PMULL, PMULL2 on 64-bit elements.
 */
import { encoding } from '../encoding.ts';
import {
  V128_ZERO,
  add,
  and,
  call,
  i32,
  or,
  replaceLane,
  rotl,
  rotr,
  shrU,
  shuffle,
  simd,
  v128,
  xor,
} from '../expression.ts';
import type { Expr } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { Emitter } from '../instruction.ts';
import { entryOf } from '../tables.ts';
import { vectorName } from './assembly.ts';
import { element, element64, everyElement, withElement } from './vector.ts';
import type { Vector } from './vector.ts';

// -- AES (FIPS 197)

/** Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
function multiplyInField(a: number, b: number): number {
  let product = 0;
  for (let bit = 0, power = a; bit < 8; bit += 1) {
    if (b & (1 << bit)) product ^= power;
    power = (power << 1) ^ (power & 0x80 ? 0x11b : 0);
  }
  return product;
}
function substitutionBox(): Uint8Array {
  const box = new Uint8Array(256);
  for (let value = 0; value < 256; value += 1) {
    // The inverse is the 254th power; zero stays zero.
    let inverse = 1;
    for (let n = 0; n < 254; n += 1) inverse = multiplyInField(inverse, value);
    let affine = 0x63;
    for (let turn = 0; turn < 5; turn += 1)
      affine ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xff;
    box[value] = affine;
  }
  return box;
}
const SBOX = substitutionBox();
const INVERSE_SBOX = new Uint8Array(256);
SBOX.forEach((substitute, value) => {
  INVERSE_SBOX[substitute] = value;
});

/** Every byte replaced by its entry in a table of 256. */
function lookUp(e: Emitter, table: Uint8Array, bytes: Vector): Vector {
  const found = e.variable(V128_ZERO);
  for (let part = 0; part < 16; part += 1) {
    // Indices outside this part of the table are at least 16 after the subtraction: no match.
    const own = simd('i8x16.sub', bytes, everyElement(0, 16 * part));
    const entries = simd('i8x16.swizzle', v128(table.slice(16 * part, 16 * part + 16)), own);
    e.set(found, simd('v128.or', found.value, entries));
  }
  return found.value;
}
/** Row r of the state (bytes r, r+4, r+8, r+12) rotated by r columns. */
function shiftRows(state: Vector, direction: 1 | -1): Vector {
  const lanes = Array.from({ length: 16 }, (_, byte) => {
    const row = byte & 3;
    const column = ((byte >> 2) + direction * row + 4) & 3;
    return row + 4 * column;
  });
  return shuffle(state, state, lanes);
}
function rotateColumns(state: Vector, rows: number): Vector {
  return shuffle(
    state,
    state,
    Array.from({ length: 16 }, (_, byte) => (byte & 12) | ((byte + rows) & 3)),
  );
}
/** Each byte times x in the field. */
function timesX(v: Vector): Vector {
  const reduction = simd('v128.and', simd('i8x16.shr_s', v, i32(7)), everyElement(0, 0x1b));
  return simd('v128.xor', simd('i8x16.shl', v, i32(1)), reduction);
}
function mixColumns(e: Emitter, state: Vector): Vector {
  const a = e.let(state);
  // 2a + 3b + c + d, with b, c, d the next rows: x(a + b) + b + c + d.
  const b = e.let(rotateColumns(a, 1));
  const sum = e.let(simd('v128.xor', a, b));
  const rest = simd('v128.xor', b, rotateColumns(sum, 2));
  return simd('v128.xor', timesX(sum), rest);
}
function inverseMixColumns(e: Emitter, state: Vector): Vector {
  // The inverse matrix is the forward one times (4x^2 + 5): first that factor, then the forward step.
  const a = e.let(state);
  const sum = e.let(simd('v128.xor', a, rotateColumns(a, 2)));
  const four = timesX(e.let(timesX(sum)));
  return mixColumns(e, simd('v128.xor', a, four));
}

const AES_MNEMONICS = ['aese', 'aesd', 'aesmc', 'aesimc'] as const;

export const cryptographicAES = instruction({
  title: 'Cryptographic AES',
  encoding: encoding('01001110 00 10100 001 opcode:2 10 Rn:5 Rd:5'),
  feature: 'FEAT_AES',
  usesFP: true,
  outOfLine: true,

  variant: ({ opcode }) => ({ opcode }),
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),
  assembly: ({ opcode, Rn, Rd }) =>
    `${entryOf(AES_MNEMONICS, opcode)} ${vectorName(Rd, 0, 1)}, ${vectorName(Rn, 0, 1)}`,

  semantics(e, { opcode }, { Rn, Rd }) {
    switch (AES_MNEMONICS[opcode]) {
      case 'aese': {
        const state = e.let(shiftRows(e.let(simd('v128.xor', e.v(Rd), e.v(Rn))), 1));
        e.setV(Rd, lookUp(e, SBOX, state));
        break;
      }
      case 'aesd': {
        const state = e.let(shiftRows(e.let(simd('v128.xor', e.v(Rd), e.v(Rn))), -1));
        e.setV(Rd, lookUp(e, INVERSE_SBOX, state));
        break;
      }
      case 'aesmc':
        e.setV(Rd, mixColumns(e, e.v(Rn)));
        break;
      default:
        e.setV(Rd, inverseMixColumns(e, e.v(Rn)));
    }
  },
});

// -- SHA-1 and SHA-256 (FIPS 180-4)

type Word = Expr<'i32'>;

function words(e: Emitter, vector: Vector): Word[] {
  const whole = e.let(vector);
  return [0, 1, 2, 3].map((lane) => e.let(element(2, whole, lane) as Word));
}
function fromWords(values: readonly Word[]): Vector {
  return values.reduce((vector, value, lane) => withElement(2, vector, lane, value), V128_ZERO);
}
const sum = (...terms: readonly Word[]): Word => terms.reduce((a, b) => add(a, b));
const xorAll = (...terms: readonly Word[]): Word => terms.reduce((a, b) => xor(a, b));
const SHAchoose = (x: Word, y: Word, z: Word): Word => xor(and(xor(y, z), x), z);
const SHAparity = (x: Word, y: Word, z: Word): Word => xorAll(x, y, z);
const SHAmajority = (x: Word, y: Word, z: Word): Word => or(and(x, y), and(or(x, y), z));
const rotations = (x: Word, amounts: readonly number[]): Word =>
  xorAll(...amounts.map((amount) => rotr(x, i32(amount))));
/** The message schedule's two functions: two rotations and a shift. */
const schedule = (x: Word, first: number, second: number, shift: number): Word =>
  xor(rotations(x, [first, second]), shrU(x, i32(shift)));

function SHA1hash(
  e: Emitter,
  f: (x: Word, y: Word, z: Word) => Word,
  state: Word[],
  last: Word,
  message: readonly Word[],
): Word[] {
  let [a, b, c, d] = state as [Word, Word, Word, Word];
  let y = last;
  for (const word of message) {
    const next = e.let(sum(y, rotl(a, i32(5)), f(b, c, d), word));
    y = d;
    d = c;
    c = e.let(rotl(b, i32(30)));
    b = a;
    a = next;
  }
  return [a, b, c, d];
}

/** Arm ARM, SHA256hash(): X after four rounds, or Y. */
function SHA256hash(
  e: Emitter,
  X: Word[],
  Y: Word[],
  message: readonly Word[],
  part1: boolean,
): Word[] {
  let [x0, x1, x2, x3] = X as [Word, Word, Word, Word];
  let [y0, y1, y2, y3] = Y as [Word, Word, Word, Word];
  for (const word of message) {
    const t = e.let(sum(y3, rotations(y0, [6, 11, 25]), SHAchoose(y0, y1, y2), word));
    const newX3 = e.let(add(t, x3));
    const newY3 = e.let(sum(t, rotations(x0, [2, 13, 22]), SHAmajority(x0, x1, x2)));
    [x3, x2, x1, x0] = [x2, x1, x0, newY3];
    [y3, y2, y1, y0] = [y2, y1, y0, newX3];
  }
  return part1 ? [x0, x1, x2, x3] : [y0, y1, y2, y3];
}

const THREE_REGISTER = ['sha1c', 'sha1p', 'sha1m', 'sha1su0', 'sha256h', 'sha256h2', 'sha256su1'];
const SHA1SU0 = 3;
const SHA256H = 4;
const SHA256H2 = 5;
const SHA1_FUNCTIONS = [SHAchoose, SHAparity, SHAmajority] as const;

function threeRegisterSHA(feature: 'FEAT_SHA1' | 'FEAT_SHA256', opcodes: readonly number[]) {
  return instruction({
    title: `Cryptographic three-register SHA (${feature})`,
    encoding:
      feature === 'FEAT_SHA1'
        ? encoding('01011110 00 0 Rm:5 00 opcode:2 00 Rn:5 Rd:5')
        : encoding('01011110 00 0 Rm:5 01 opcode:2 00 Rn:5 Rd:5'),
    feature,
    usesFP: true,
    outOfLine: true,

    variant: ({ opcode }) => (opcode < opcodes.length ? { opcode } : undefined),
    operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),

    assembly({ Rm, opcode, Rn, Rd }) {
      const operation = entryOf(opcodes, opcode);
      const mnemonic = entryOf(THREE_REGISTER, operation);
      const vector = (register: number): string => vectorName(register, 2, 1);
      if (operation < SHA1SU0) return `${mnemonic} q${Rd}, s${Rn}, ${vector(Rm)}`;
      if (operation === SHA256H || operation === SHA256H2)
        return `${mnemonic} q${Rd}, q${Rn}, ${vector(Rm)}`;
      return `${mnemonic} ${vector(Rd)}, ${vector(Rn)}, ${vector(Rm)}`;
    },

    semantics(e, { opcode }, { Rm, Rn, Rd }) {
      const operation = entryOf(opcodes, opcode);
      const d = words(e, e.v(Rd));
      const n = words(e, e.v(Rn));
      const m = words(e, e.v(Rm));
      const [d0, d1, d2, d3] = d as [Word, Word, Word, Word];
      const [n0, n1, n2, n3] = n as [Word, Word, Word, Word];
      const [m0, m1, m2, m3] = m as [Word, Word, Word, Word];
      switch (operation) {
        case SHA1SU0:
          e.setV(
            Rd,
            fromWords([
              xorAll(d2, d0, m0),
              xorAll(d3, d1, m1),
              xorAll(n0, d2, m2),
              xorAll(n1, d3, m3),
            ]),
          );
          break;
        case SHA256H:
          e.setV(Rd, fromWords(SHA256hash(e, d, n, m, true)));
          break;
        case SHA256H2:
          e.setV(Rd, fromWords(SHA256hash(e, n, d, m, false)));
          break;
        case SHA256H2 + 1: {
          const next = (x: Word, old: Word, seven: Word): Word =>
            e.let(sum(schedule(x, 17, 19, 10), old, seven));
          const w0 = next(m2, d0, n1);
          const w1 = next(m3, d1, n2);
          e.setV(Rd, fromWords([w0, w1, next(w0, d2, n3), next(w1, d3, m0)]));
          break;
        }
        default:
          e.setV(Rd, fromWords(SHA1hash(e, entryOf(SHA1_FUNCTIONS, operation), d, n0, m)));
      }
    },
  });
}

export const cryptographicThreeRegisterSHA1 = threeRegisterSHA('FEAT_SHA1', [0, 1, 2, 3]);
export const cryptographicThreeRegisterSHA256 = threeRegisterSHA('FEAT_SHA256', [4, 5, 6]);

export const cryptographicTwoRegisterSHA1 = instruction({
  title: 'Cryptographic two-register SHA (FEAT_SHA1)',
  encoding: encoding('01011110 00 10100 0000 opcode:1 10 Rn:5 Rd:5'),
  feature: 'FEAT_SHA1',
  usesFP: true,
  outOfLine: true,

  variant: ({ opcode }) => ({ opcode }),
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),
  assembly: ({ opcode, Rn, Rd }) =>
    opcode ? `sha1su1 ${vectorName(Rd, 2, 1)}, ${vectorName(Rn, 2, 1)}` : `sha1h s${Rd}, s${Rn}`,

  semantics(e, { opcode }, { Rn, Rd }) {
    if (opcode === 0) {
      e.setS(Rd, rotl(e.s(Rn), i32(30)));
      return;
    }
    const [d0, d1, d2, d3] = words(e, e.v(Rd)) as [Word, Word, Word, Word];
    const n = words(e, e.v(Rn));
    const first = e.let(xor(d0, entryOf(n, 1)));
    const last = xor(rotl(d3, i32(1)), rotl(first, i32(2)));
    const middle = [xor(d1, entryOf(n, 2)), xor(d2, entryOf(n, 3))].map((x) => rotl(x, i32(1)));
    e.setV(Rd, fromWords([rotl(first, i32(1)), ...middle, last]));
  },
});

export const cryptographicTwoRegisterSHA256 = instruction({
  title: 'Cryptographic two-register SHA (FEAT_SHA256)',
  encoding: encoding('01011110 00 10100 00010 10 Rn:5 Rd:5'),
  feature: 'FEAT_SHA256',
  usesFP: true,
  outOfLine: true,

  variant: () => ({}),
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),
  assembly: ({ Rn, Rd }) => `sha256su0 ${vectorName(Rd, 2, 1)}, ${vectorName(Rn, 2, 1)}`,

  semantics(e, _variant, { Rn, Rd }) {
    const d = words(e, e.v(Rd));
    const following = [...d.slice(1), e.s(Rn)];
    e.setV(Rd, fromWords(d.map((word, i) => add(schedule(entryOf(following, i), 7, 18, 3), word))));
  },
});

export const polynomialMultiplyLong64 = instruction({
  title: 'Advanced SIMD three different (PMULL on 64-bit elements)',
  encoding: encoding('0 Q:1 0 01110 11 1 Rm:5 1110 00 Rn:5 Rd:5'),
  feature: 'FEAT_PMULL',
  usesFP: true,
  outOfLine: true,

  variant: ({ Q }) => ({ Q }),
  operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),
  assembly: ({ Q, Rm, Rn, Rd }) =>
    `pmull${Q ? '2' : ''} v${Rd}.1q, ${vectorName(Rn, 3, Q)}, ${vectorName(Rm, 3, Q)}`,

  semantics(e, { Q }, { Rm, Rn, Rd }) {
    const n = e.let(element64(3, e.v(Rn), Q, false));
    const m = e.let(element64(3, e.v(Rm), Q, false));
    const low = call('i64', 'PolynomialMultiplyLow', n, m);
    const high = call('i64', 'PolynomialMultiplyHigh', n, m);
    e.setV(Rd, replaceLane('i64x2', replaceLane('i64x2', V128_ZERO, 0, low), 1, high));
  },
});
