/**
 * Arm ARM, "Load/store register (immediate post-indexed)" and "(immediate pre-indexed)": LDR, STR
 * and their forms, with writeback of the base (see `transferGeneral` for Rt = Rn).
 */
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { SignExtend } from '../shared-functions.ts';
import {
  addressText,
  generalMnemonic,
  generalRegisterName,
  isGeneralTransfer,
  transferGeneral,
  transferVector,
  vectorRegisterName,
  vectorScale,
  withWriteback,
} from './transfer.ts';

/** `pre` is bit 11. */
const modeOf = (pre: number): number => (pre << 1) | 1;

export const loadStoreRegisterIndexed = instruction({
  title: 'Load/store register (immediate pre-indexed and post-indexed)',
  encoding: encoding('size:2 111 0 00 opc:2 0 imm9:9 pre:1 1 Rn:5 Rt:5'),
  variant: ({ size, opc, pre, Rn }) =>
    isGeneralTransfer({ size, opc }) ? { size, opc, mode: modeOf(pre), sp: Rn === 31 } : undefined,
  operands: ({ imm9, Rn, Rt }) => ({ Rt, Rn, offset: SignExtend(imm9, 9) }),

  assembly({ size, opc, imm9, pre, Rn, Rt }) {
    const t = generalRegisterName({ size, opc }, Rt);
    const address = addressText(modeOf(pre), Rn, SignExtend(imm9, 9));
    return `${generalMnemonic({ size, opc }, 'r')} ${t}, ${address}`;
  },

  semantics(e, { size, opc, mode, sp }, { Rt, Rn, offset }) {
    withWriteback(e, mode, { Rn, sp, offset }, (address) => {
      transferGeneral(e, { size, opc }, address, Rt);
    });
  },
});

export const loadStoreRegisterIndexedSIMD = instruction({
  title: 'Load/store register (immediate pre-indexed and post-indexed), SIMD&FP',
  encoding: encoding('size:2 111 1 00 opc:2 0 imm9:9 pre:1 1 Rn:5 Rt:5'),
  usesFP: true,

  variant({ size, opc, pre, Rn }) {
    const scale = vectorScale(size, opc);
    if (scale === undefined) return undefined;
    return { scale, L: opc & 1, mode: modeOf(pre), sp: Rn === 31 };
  },
  operands: ({ imm9, Rn, Rt }) => ({ Rt, Rn, offset: SignExtend(imm9, 9) }),

  assembly({ size, opc, imm9, pre, Rn, Rt }) {
    const t = vectorRegisterName(vectorScale(size, opc) ?? 0, Rt);
    const address = addressText(modeOf(pre), Rn, SignExtend(imm9, 9));
    return `${opc & 1 ? 'ldr' : 'str'} ${t}, ${address}`;
  },

  semantics(e, { scale, L, mode, sp }, { Rt, Rn, offset }) {
    withWriteback(e, mode, { Rn, sp, offset }, (address) => {
      transferVector(e, { scale, L }, address, Rt);
    });
  },
});
