/** Arm ARM, "Load/store register (unsigned immediate)": LDR, STR, PRFM and their forms. */
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
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

export const loadStoreRegisterUnsignedImmediate = instruction({
  title: 'Load/store register (unsigned immediate)',
  encoding: encoding('size:2 111 0 01 opc:2 imm12:12 Rn:5 Rt:5'),

  variant({ size, opc, Rn }) {
    if (isPrefetch({ size, opc })) return { size, opc, sp: false };
    return isGeneralTransfer({ size, opc }) ? { size, opc, sp: Rn === 31 } : undefined;
  },
  operands: ({ size, imm12, Rn, Rt }) => ({ Rt, Rn, offset: imm12 << size }),

  assembly({ size, opc, imm12, Rn, Rt }) {
    const address = addressText(OFFSET, Rn, imm12 << size);
    if (isPrefetch({ size, opc })) return `prfm ${prefetchOperation(Rt)}, ${address}`;
    const t = generalRegisterName({ size, opc }, Rt);
    return `${generalMnemonic({ size, opc }, 'r')} ${t}, ${address}`;
  },

  semantics(e, { size, opc, sp }, { Rt, Rn, offset }) {
    if (isPrefetch({ size, opc })) return;
    transferGeneral(e, { size, opc }, offsetAddress(e, Rn, sp, offset), Rt);
  },
});

export const loadStoreRegisterUnsignedImmediateSIMD = instruction({
  title: 'Load/store register (unsigned immediate), SIMD&FP',
  encoding: encoding('size:2 111 1 01 opc:2 imm12:12 Rn:5 Rt:5'),
  usesFP: true,

  variant({ size, opc, Rn }) {
    const scale = vectorScale(size, opc);
    return scale === undefined ? undefined : { scale, L: opc & 1, sp: Rn === 31 };
  },
  operands: ({ size, opc, imm12, Rn, Rt }) => ({
    Rt,
    Rn,
    offset: imm12 << (vectorScale(size, opc) ?? 0),
  }),

  assembly({ size, opc, imm12, Rn, Rt }) {
    const scale = vectorScale(size, opc) ?? 0;
    const t = vectorRegisterName(scale, Rt);
    return `${opc & 1 ? 'ldr' : 'str'} ${t}, ${addressText(OFFSET, Rn, imm12 << scale)}`;
  },

  semantics(e, { scale, L, sp }, { Rt, Rn, offset }) {
    transferVector(e, { scale, L }, offsetAddress(e, Rn, sp, offset), Rt);
  },
});
