/** Arm ARM, "Unconditional branch (immediate)": B, BL. */
import { relativeTo } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { SignExtend } from '../shared-functions.ts';

const byteOffset = (imm26: number): number => SignExtend(imm26, 26) * 4;

export const unconditionalBranchImmediate = instruction({
  title: 'Unconditional branch (immediate)',
  encoding: encoding('op:1 00101 imm26:26'),
  variant: ({ op }) => ({ op }),
  operands: ({ imm26 }) => ({ offset: byteOffset(imm26) }),

  assembly({ op, imm26 }, context) {
    return `${op ? 'bl' : 'b'} ${context.label(relativeTo(context.pc, byteOffset(imm26)))}`;
  },

  semantics(e, { op }, { offset }) {
    if (op) e.setLinkRegister();
    e.branch(offset);
  },
});
