/** Arm ARM, "Load/store register (unscaled immediate)": LDUR, STUR, PRFUM and their forms. */
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { SignExtend } from '../shared-functions.ts';
import {
  OFFSET,
  addressText,
  generalMnemonic,
  generalRegisterName,
  isGeneralTransfer,
  isPrefetch,
  offsetAddress,
  prefetchOperation,
  transferGeneral,
  transferVector,
  vectorRegisterName,
  vectorScale,
} from './transfer.ts';

export const loadStoreRegisterUnscaledImmediate = instruction({
  title: 'Load/store register (unscaled immediate)',
  encoding: encoding('size:2 111 0 00 opc:2 0 imm9:9 00 Rn:5 Rt:5'),

  variant({ size, opc, Rn }) {
    if (isPrefetch({ size, opc })) return { size, opc, sp: false };
    return isGeneralTransfer({ size, opc }) ? { size, opc, sp: Rn === 31 } : undefined;
  },
  operands: ({ imm9, Rn, Rt }) => ({ Rt, Rn, offset: SignExtend(imm9, 9) }),

  assembly({ size, opc, imm9, Rn, Rt }) {
    const address = addressText(OFFSET, Rn, SignExtend(imm9, 9));
    if (isPrefetch({ size, opc })) return `prfum ${prefetchOperation(Rt)}, ${address}`;
    const t = generalRegisterName({ size, opc }, Rt);
    return `${generalMnemonic({ size, opc }, 'ur')} ${t}, ${address}`;
  },

  semantics(e, { size, opc, sp }, { Rt, Rn, offset }) {
    if (isPrefetch({ size, opc })) return;
    transferGeneral(e, { size, opc }, offsetAddress(e, Rn, sp, offset), Rt);
  },
});

export const loadStoreRegisterUnscaledImmediateSIMD = instruction({
  title: 'Load/store register (unscaled immediate), SIMD&FP',
  encoding: encoding('size:2 111 1 00 opc:2 0 imm9:9 00 Rn:5 Rt:5'),
  usesFP: true,

  variant({ size, opc, Rn }) {
    const scale = vectorScale(size, opc);
    return scale === undefined ? undefined : { scale, L: opc & 1, sp: Rn === 31 };
  },
  operands: ({ imm9, Rn, Rt }) => ({ Rt, Rn, offset: SignExtend(imm9, 9) }),

  assembly({ size, opc, imm9, Rn, Rt }) {
    const t = vectorRegisterName(vectorScale(size, opc) ?? 0, Rt);
    return `${opc & 1 ? 'ldur' : 'stur'} ${t}, ${addressText(OFFSET, Rn, SignExtend(imm9, 9))}`;
  },

  semantics(e, { scale, L, sp }, { Rt, Rn, offset }) {
    transferVector(e, { scale, L }, offsetAddress(e, Rn, sp, offset), Rt);
  },
});
