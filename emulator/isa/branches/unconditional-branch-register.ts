/** Arm ARM, "Unconditional branch (register)": BR, BLR, RET, ERET, DRPS. */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { branchTypeOf, indirectBranchType } from '../branch-target.ts';
import { instruction } from '../instruction.ts';

const BR = 0;
const BLR = 1;
const RET = 2;
const ERET = 4;
const DRPS = 5;

export const unconditionalBranchRegister = instruction({
  title: 'Unconditional branch (register)',
  encoding: encoding('1101011 opc:4 11111 000000 Rn:5 00000'),

  variant({ opc, Rn }) {
    const takesRegister = opc <= RET;
    const isReturnFromException = (opc === ERET || opc === DRPS) && Rn === 31;
    return takesRegister || isReturnFromException ? { opc } : undefined;
  },
  operands: ({ Rn }) => ({ Rn, type: indirectBranchType(Rn) }),

  assembly({ opc, Rn }) {
    switch (opc) {
      case BR:
        return `br ${xzrName(1, Rn)}`;
      case BLR:
        return `blr ${xzrName(1, Rn)}`;
      case RET:
        return Rn === 30 ? 'ret' : `ret ${xzrName(1, Rn)}`;
      default:
        return opc === ERET ? 'eret' : 'drps';
    }
  },

  semantics(e, { opc }, { Rn, type }) {
    if (opc === ERET) {
      e.exit('ERET');
    } else if (opc === DRPS) {
      e.exit('DRPS');
    } else {
      // BLR X30 branches to the old value.
      const target = e.let(e.x(Rn));
      if (opc === BLR) e.setLinkRegister();
      e.branchTo(target, opc === RET ? undefined : branchTypeOf(e, opc === BLR, type));
    }
  },
});
