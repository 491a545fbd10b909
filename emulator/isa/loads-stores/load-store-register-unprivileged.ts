/** Arm ARM, "Load/store register (unprivileged)": LDTR, STTR and their forms. */
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { SignExtend } from '../shared-functions.ts';
import {
  OFFSET,
  addressText,
  generalMnemonic,
  generalRegisterName,
  isGeneralTransfer,
  offsetAddress,
  transferGeneral,
} from './transfer.ts';

export const loadStoreRegisterUnprivileged = instruction({
  title: 'Load/store register (unprivileged)',
  encoding: encoding('size:2 111 0 00 opc:2 0 imm9:9 10 Rn:5 Rt:5'),
  variant: ({ size, opc, Rn }) =>
    isGeneralTransfer({ size, opc }) ? { size, opc, sp: Rn === 31 } : undefined,
  operands: ({ imm9, Rn, Rt }) => ({ Rt, Rn, offset: SignExtend(imm9, 9) }),

  assembly({ size, opc, imm9, Rn, Rt }) {
    const t = generalRegisterName({ size, opc }, Rt);
    const address = addressText(OFFSET, Rn, SignExtend(imm9, 9));
    return `${generalMnemonic({ size, opc }, 'tr')} ${t}, ${address}`;
  },

  semantics(e, { size, opc, sp }, { Rt, Rn, offset }) {
    const address = offsetAddress(e, Rn, sp, offset);
    transferGeneral(e, { size, opc }, address, Rt, { unprivileged: true });
  },
});
