/**
 * Products of polynomials over GF(2), 64 by 64 bits. Integer multiplication does it where every
 * operand has three zeros between its bits: fewer than sixteen ones meet in a column, so that their
 * carries stay inside the gap, except in the topmost one, whose carry leaves the word.
 */
import { and, call, i64, mul, or, shl, shrU, xor } from '../isa/expression.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';
import { declared } from './soft-float-support.ts';
import type { Bits } from './soft-float-support.ts';
import type { FunctionBuilder } from './wasm.ts';

/** Every fourth bit, from bit `first` on. */
const combMask = (first: number): Bits => i64(0x1111_1111_1111_1111n << BigInt(first));

function reverseBits(f: FunctionBuilder, value: Bits): Bits {
  let result = value;
  for (const [distance, mask] of [
    [1n, 0x5555_5555_5555_5555n],
    [2n, 0x3333_3333_3333_3333n],
    [4n, 0x0f0f_0f0f_0f0f_0f0fn],
    [8n, 0x00ff_00ff_00ff_00ffn],
    [16n, 0x0000_ffff_0000_ffffn],
    [32n, 0x0000_0000_ffff_ffffn],
  ] as const) {
    const v = f.let(result);
    const low = shl(and(v, i64(mask)), i64(distance));
    result = or(and(shrU(v, i64(distance)), i64(mask)), low);
  }
  return f.let(result);
}

const low = declared('PolynomialMultiplyLow', (f) => {
  const comb = (index: number): Bits[] =>
    [0, 1, 2, 3].map((first) => f.let(and(f.parameter(index, 'i64'), combMask(first))));
  const x = comb(0);
  const y = comb(1);
  const columns = [0, 1, 2, 3].map((column) => {
    const products = x.map((part, index) => mul(part, y[(column - index + 4) % 4] ?? i64(0)));
    return and(
      products.reduce((a, b) => xor(a, b)),
      combMask(column),
    );
  });
  f.return(columns.reduce((a, b) => or(a, b)));
});

const high = declared('PolynomialMultiplyHigh', (f) => {
  // Reversed operands give the reversed product, whose low 64 of 127 bits are the high ones.
  const reversed = call(
    'i64',
    'PolynomialMultiplyLow',
    reverseBits(f, f.parameter(0, 'i64')),
    reverseBits(f, f.parameter(1, 'i64')),
  );
  f.return(shrU(reverseBits(f, reversed), i64(1)));
});

export const polynomialFunctions: readonly RuntimeFunctionDefinition[] = [low, high];
