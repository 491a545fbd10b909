/** Arm ARM, "Test and branch (immediate)": TBZ, TBNZ. */
import { relativeTo, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { and, eqz, i64, ne } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { SignExtend } from '../shared-functions.ts';

const byteOffset = (imm14: number): number => SignExtend(imm14, 14) * 4;
const bitNumber = (b5: number, b40: number): number => (b5 << 5) | b40;

export const testAndBranchImmediate = instruction({
  title: 'Test and branch (immediate)',
  encoding: encoding('b5:1 011011 op:1 b40:5 imm14:14 Rt:5'),
  variant: ({ op }) => ({ op }),
  operands: ({ b5, b40, imm14, Rt }) => ({
    Rt,
    bit: BigInt.asIntN(64, 1n << BigInt(bitNumber(b5, b40))),
    offset: byteOffset(imm14),
  }),

  assembly({ b5, op, b40, imm14, Rt }, context) {
    const target = context.label(relativeTo(context.pc, byteOffset(imm14)));
    return `${op ? 'tbnz' : 'tbz'} ${xzrName(b5, Rt)}, #${bitNumber(b5, b40)}, ${target}`;
  },

  semantics(e, { op }, { Rt, bit, offset }) {
    const tested = and(e.x(Rt), e.imm64(bit));
    e.branchIf(op ? ne(tested, i64(0)) : eqz(tested), offset);
  },
});
