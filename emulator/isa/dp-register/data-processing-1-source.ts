/** Arm ARM, "Data-processing (1 source)": RBIT, REV16, REV32, REV, CLZ, CLS. */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { clz } from '../expression.ts';
import type { Expr, IntegerType } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { Emitter } from '../instruction.ts';
import { BitReverse, CountLeadingSignBits, ReverseBytes, X } from '../shared-functions.ts';
import { entryOf } from '../tables.ts';

const REV32_OR_REV = 2;
const REV64 = 3;
const MNEMONICS = ['rbit', 'rev16', 'rev32', 'rev', 'clz', 'cls'] as const;

function mnemonicOf(sf: number, opcode: number): string {
  return opcode === REV32_OR_REV && !sf ? 'rev' : entryOf(MNEMONICS, opcode);
}

function calculate(e: Emitter, opcode: number, operand: Expr<IntegerType>): Expr<IntegerType> {
  switch (opcode) {
    case 0:
      return BitReverse(e, operand);
    case 1:
      return ReverseBytes(e, operand, 2);
    case REV32_OR_REV:
      return ReverseBytes(e, operand, 4);
    case REV64:
      return ReverseBytes(e, operand, 8);
    case 4:
      return clz(operand);
    default:
      return CountLeadingSignBits(e, operand);
  }
}

export const dataProcessing1Source = instruction({
  title: 'Data-processing (1 source)',
  encoding: encoding('sf:1 1 0 11010110 00000 opcode:6 Rn:5 Rd:5'),
  variant({ sf, opcode }) {
    if (opcode >= MNEMONICS.length || (opcode === REV64 && !sf)) return undefined;
    return { sf, opcode };
  },
  operands: ({ Rn, Rd }) => ({ Rd, Rn }),
  assembly: ({ sf, opcode, Rn, Rd }) =>
    `${mnemonicOf(sf, opcode)} ${xzrName(sf, Rd)}, ${xzrName(sf, Rn)}`,
  semantics(e, { sf, opcode }, { Rd, Rn }) {
    e.setX(Rd, calculate(e, opcode, X(e, Rn, sf)));
  },
});
