/** Arm ARM, "Compare and branch (immediate)": CBZ, CBNZ. */
import { relativeTo, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { constantLike, eqz, ne } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { SignExtend, X } from '../shared-functions.ts';

const byteOffset = (imm19: number): number => SignExtend(imm19, 19) * 4;

export const compareAndBranchImmediate = instruction({
  title: 'Compare and branch (immediate)',
  encoding: encoding('sf:1 011010 op:1 imm19:19 Rt:5'),
  variant: ({ sf, op }) => ({ sf, op }),
  operands: ({ imm19, Rt }) => ({ Rt, offset: byteOffset(imm19) }),

  assembly({ sf, op, imm19, Rt }, context) {
    const target = context.label(relativeTo(context.pc, byteOffset(imm19)));
    return `${op ? 'cbnz' : 'cbz'} ${xzrName(sf, Rt)}, ${target}`;
  },

  semantics(e, { sf, op }, { Rt, offset }) {
    const operand1 = X(e, Rt, sf);
    e.branchIf(op ? ne(operand1, constantLike(operand1, 0)) : eqz(operand1), offset);
  },
});
