/** Arm ARM, "LDAPR/STLR (unscaled immediate)" (FEAT_LRCPC2). */
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { SignExtend } from '../shared-functions.ts';
import {
  OFFSET,
  addressText,
  generalRegisterName,
  isGeneralTransfer,
  offsetAddress,
  transferGeneral,
} from './transfer.ts';

/** `ldapursb`, `stlurh`. */
function mnemonicOf(size: number, opc: number): string {
  const signed = opc >= 2 ? 's' : '';
  const unit = size === 0 ? 'b' : size === 1 ? 'h' : signed ? 'w' : '';
  return `${opc === 0 ? 'stlur' : 'ldapur'}${signed}${unit}`;
}

export const loadAcquireRCpcUnscaled = instruction({
  title: 'LDAPR/STLR (unscaled immediate)',
  encoding: encoding('size:2 011001 opc:2 0 imm9:9 00 Rn:5 Rt:5'),
  feature: 'FEAT_LRCPC2',
  outOfLine: true,
  variant: ({ size, opc, Rn }) =>
    isGeneralTransfer({ size, opc }) ? { size, opc, sp: Rn === 31 } : undefined,
  operands: ({ imm9, Rn, Rt }) => ({ Rt, Rn, offset: SignExtend(imm9, 9) }),
  assembly: ({ size, opc, imm9, Rn, Rt }) =>
    `${mnemonicOf(size, opc)} ${generalRegisterName({ size, opc }, Rt)}, ${addressText(OFFSET, Rn, SignExtend(imm9, 9))}`,
  semantics(e, { size, opc, sp }, { Rt, Rn, offset }) {
    transferGeneral(e, { size, opc }, offsetAddress(e, Rn, sp, offset), Rt, { aligned: true });
  },
});
