/**
 * QARMA5, the block cipher of pointer authentication (ID_AA64ISAR1_EL1.APA and GPA): Arm ARM, ComputePAC(),
 * after R. Avanzi, "The QARMA Block Cipher Family", IACR ToSC 2017(1), with the S-box sigma 2 and five rounds.
 *
 * The state is sixteen cells of four bits. Here it stands in a v128 with a cell in each byte, so that its
 * permutations are shuffles and its S-box is one swizzle. Lane n is bits 4n+3:4n; the paper's cell 0 is
 * the most significant one.
 */
import {
  extractLane,
  i32,
  i64,
  rotr,
  shrU,
  shuffle,
  simd,
  splat,
  v128,
  V128_ZERO,
  xor,
} from '../isa/expression.ts';
import type { Expr } from '../isa/expression.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';
import { declared } from './soft-float-support.ts';
import type { FunctionBuilder } from './wasm.ts';

type Cells = Expr<'v128'>;

const CELLS = 16;
const ROUNDS = 5;
const indices = Array.from({ length: CELLS }, (_, n) => n);

/** Cell permutations, as the paper writes them: cell i of the result is cell p[i]. */
const TAU = [0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2];
const TWEAK = [6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11];
/** Cells of the tweak that pass the LFSR omega after the permutation. */
const OMEGA_CELLS = [0, 1, 3, 4, 8, 11, 13];
const SIGMA2 = [11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10];
const ALPHA = 0xc0ac_29b7_c97c_50ddn;
const ROUND_CONSTANTS = [
  0n,
  0x1319_8a2e_0370_7344n,
  0xa409_3822_299f_31d0n,
  0x082e_fa98_ec4e_6c89n,
  0x4528_21e6_38d0_1377n,
];

const inverse = (permutation: readonly number[]): number[] =>
  indices.map((n) => permutation.indexOf(n));
/** The lanes of a shuffle, from the paper's numbers of cells. */
const lanesOf = (permutation: readonly number[]): number[] =>
  indices.map((lane) => CELLS - 1 - (permutation[CELLS - 1 - lane] ?? 0));
const bytes = (values: readonly number[]): Cells => v128(Uint8Array.from(values));
const every = (value: number): Cells => bytes(indices.map(() => value));
const constantCells = (value: bigint): Cells =>
  bytes(indices.map((lane) => Number((value >> BigInt(4 * lane)) & 15n)));

const xorCells = (...values: readonly Cells[]): Cells =>
  values.reduce((a, b) => simd('v128.xor', a, b));
const permuted = (f: FunctionBuilder, cells: Cells, permutation: readonly number[]): Cells =>
  f.let(shuffle(cells, V128_ZERO, lanesOf(permutation)));
const substituted = (cells: Cells, table: readonly number[]): Cells =>
  simd('i8x16.swizzle', bytes(table), cells);

/** Cells from the bits of a 64-bit value. */
function spread(f: FunctionBuilder, value: Expr<'i64'>): Cells {
  const words = splat('i64x2', value);
  const pairs = f.let(
    shuffle(
      words,
      words,
      indices.map((lane) => lane >> 1),
    ),
  );
  const low = simd('v128.and', pairs, bytes(indices.map((lane) => (lane & 1 ? 0 : 15))));
  const high = simd('i8x16.shr_u', pairs, i32(4));
  return f.let(
    simd('v128.or', low, simd('v128.and', high, bytes(indices.map((n) => (n & 1 ? 15 : 0))))),
  );
}

/** The inverse of `spread`. */
function gather(f: FunctionBuilder, cells: Cells): Expr<'i64'> {
  const pairs = f.let(simd('v128.or', cells, simd('i16x8.shr_u', cells, i32(4))));
  const narrow = shuffle(
    pairs,
    V128_ZERO,
    indices.map((lane) => (lane < 8 ? 2 * lane : CELLS)),
  );
  return extractLane('i64x2', narrow, 0);
}

/** PACMult(): the matrix circ(0, rho, rho^2, rho) over the columns of a 4 by 4 array of cells. */
function multiplied(f: FunctionBuilder, cells: Cells): Cells {
  const rotated = (by: number): Cells =>
    f.let(
      simd(
        'v128.and',
        simd('v128.or', simd('i8x16.shl', cells, i32(by)), simd('i8x16.shr_u', cells, i32(4 - by))),
        every(15),
      ),
    );
  const byOne = rotated(1);
  const byTwo = rotated(2);
  const rowsDown = (value: Cells, rows: number): Cells =>
    shuffle(
      value,
      V128_ZERO,
      indices.map((lane) => (lane + 4 * rows) % CELLS),
    );
  return f.let(xorCells(rowsDown(byOne, 1), rowsDown(byTwo, 2), rowsDown(byOne, 3)));
}

/** For the cells of the tweak that omega changes, all bits; else none. */
const omegaMask = bytes(indices.map((lane) => (OMEGA_CELLS.includes(CELLS - 1 - lane) ? 255 : 0)));

/** TweakCellRot() of every cell: (b3, b2, b1, b0) to (b0 xor b1, b3, b2, b1). */
const OMEGA = indices.map((cell) => (cell >> 1) | (((cell ^ (cell >> 1)) & 1) << 3));

function tweakShuffled(f: FunctionBuilder, tweak: Cells): Cells {
  const cells = permuted(f, tweak, TWEAK);
  return f.let(simd('v128.bitselect', substituted(cells, OMEGA), cells, omegaMask));
}

function tweakUnshuffled(f: FunctionBuilder, tweak: Cells): Cells {
  const cells = simd('v128.bitselect', substituted(tweak, inverse(OMEGA)), tweak, omegaMask);
  return permuted(f, cells, inverse(TWEAK));
}

/** ComputePAC(data, modifier, key0, key1). */
export const qarma5: RuntimeFunctionDefinition = declared('ComputePAC', (f) => {
  const key0 = f.parameter(2, 'i64');
  const w0 = spread(f, key0);
  const k0 = spread(f, f.parameter(3, 'i64'));
  const w1 = spread(f, f.let(xor(rotr(key0, i64(1)), shrU(key0, i64(63)))));
  let tweak = spread(f, f.parameter(1, 'i64'));
  let state = f.let(xorCells(spread(f, f.parameter(0, 'i64')), w0));

  for (let round = 0; round < ROUNDS; round += 1) {
    state = f.let(xorCells(state, k0, tweak, constantCells(ROUND_CONSTANTS[round] ?? 0n)));
    if (round > 0) state = multiplied(f, permuted(f, state, TAU));
    state = f.let(substituted(state, SIGMA2));
    tweak = tweakShuffled(f, tweak);
  }

  state = f.let(xorCells(state, w1, tweak));
  state = f.let(substituted(multiplied(f, permuted(f, state, TAU)), SIGMA2));
  // The reflector
  state = multiplied(f, permuted(f, state, TAU));
  state = permuted(f, f.let(xorCells(state, k0)), inverse(TAU));
  state = multiplied(f, f.let(substituted(state, inverse(SIGMA2))));
  state = permuted(f, state, inverse(TAU));
  state = f.let(xorCells(state, w0, tweak));

  for (let round = ROUNDS - 1; round >= 0; round -= 1) {
    state = f.let(substituted(state, inverse(SIGMA2)));
    if (round > 0) state = permuted(f, multiplied(f, state), inverse(TAU));
    tweak = tweakUnshuffled(f, tweak);
    const constants = constantCells((ROUND_CONSTANTS[round] ?? 0n) ^ ALPHA);
    state = f.let(xorCells(state, k0, tweak, constants));
  }
  f.return(gather(f, f.let(xorCells(state, w1))));
});
