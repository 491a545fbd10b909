/**
 * Arm ARM, "Unconditional branch (register)", those that authenticate their target (FEAT_PAuth): BRAA,
 * BLRAA, RETAA, ERETAA and their relatives.
 */
import { spName, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { i64 } from '../expression.ts';
import { branchTypeOf, indirectBranchType } from '../branch-target.ts';
import { instruction } from '../instruction.ts';
import { INSTRUCTION_KEYS } from '../pointer-authentication.ts';
import { entryOf } from '../tables.ts';

const BR = 0;
const BLR = 1;
const RET = 2;
const ERET = 4;
const MNEMONICS: Readonly<Record<number, string>> = {
  [BR]: 'bra',
  [BLR]: 'blra',
  [RET]: 'reta',
  [ERET]: 'ereta',
};
const LR = 30;

export const unconditionalBranchRegisterPointerAuthentication = instruction({
  title: 'Unconditional branch (register), pointer authentication',
  // Z is set where Rm is the modifier.
  encoding: encoding('1101011 Z:1 opc:3 11111 00001 M:1 Rn:5 Rm:5'),
  feature: 'FEAT_PAuth',

  variant({ Z, opc, M, Rn, Rm }) {
    if (opc === BR || opc === BLR) {
      return Z === 1 || Rm === 31 ? { opc, M, Z } : undefined;
    }
    const isReturn = (opc === RET || opc === ERET) && Z === 0 && Rn === 31 && Rm === 31;
    return isReturn ? { opc, M, Z } : undefined;
  },
  // RETAA takes X30 with SP.
  operands: ({ opc, Rn, Rm }) => ({
    Rn: opc === RET ? LR : Rn,
    Rm,
    type: indirectBranchType(Rn),
  }),

  assembly({ Z, opc, M, Rn, Rm }) {
    const mnemonic = `${MNEMONICS[opc] ?? ''}${M ? 'b' : 'a'}`;
    const stem = mnemonic.slice(0, -2);
    const key = mnemonic.slice(-2);
    if (opc === RET || opc === ERET) return `${stem}${key}`;
    if (Z === 0) return `${stem}${key}z ${xzrName(1, Rn)}`;
    return `${stem}${key} ${xzrName(1, Rn)}, ${spName(1, Rm)}`;
  },

  semantics(e, { opc, M, Z }, { Rn, Rm, type }) {
    if (opc === ERET) {
      e.exit('ERET');
      return;
    }
    const modifier = opc === RET || Z === 1 ? e.xOrSp(Rm) : i64(0);
    const key = entryOf(INSTRUCTION_KEYS, M);
    const target = e.let(e.authenticate(key, e.x(Rn), modifier));
    if (opc === BLR) e.setLinkRegister();
    e.branchTo(target, opc === RET ? undefined : branchTypeOf(e, opc === BLR, type));
  },
});
