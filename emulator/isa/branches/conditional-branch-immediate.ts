/** Arm ARM, "Conditional branch (immediate)": B.cond. */
import { conditionName, relativeTo } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { SignExtend } from '../shared-functions.ts';

const byteOffset = (imm19: number): number => SignExtend(imm19, 19) * 4;

export const conditionalBranchImmediate = instruction({
  title: 'Conditional branch (immediate)',
  encoding: encoding('0101010 0 imm19:19 0 cond:4'),
  variant: ({ cond }) => ({ cond }),
  operands: ({ imm19 }) => ({ offset: byteOffset(imm19) }),

  assembly({ imm19, cond }, context) {
    return `b.${conditionName(cond)} ${context.label(relativeTo(context.pc, byteOffset(imm19)))}`;
  },

  semantics(e, { cond }, { offset }) {
    e.branchIf(e.conditionHolds(cond), offset);
  },
});
