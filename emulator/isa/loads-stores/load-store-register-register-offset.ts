/** Arm ARM, "Load/store register (register offset)": LDR, STR, PRFM and their forms. */
import { EXTEND_NAMES, spName, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { add, extendS, extendU, shl } from '../expression.ts';
import type { Expr } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { Emitter, Operand } from '../instruction.ts';
import {
  generalMnemonic,
  generalRegisterName,
  isGeneralTransfer,
  isPrefetch,
  prefetchOperation,
  transferGeneral,
  transferVector,
  vectorRegisterName,
  vectorScale,
} from './transfer.ts';
import { entryOf } from '../tables.ts';

const UXTW = 2;
const LSL = 3;
const SXTX = 7;

/** Extensions of less than a word are unallocated. */
const isAllocated = (option: number): boolean => (option & 2) !== 0;
/** LSL and SXTX take the whole register. */
const kindOf = (option: number): number => (option === SXTX ? LSL : option);

function addressOf(
  e: Emitter,
  { option, sp }: { readonly option: number; readonly sp: boolean },
  { Rn, Rm, amount }: { readonly Rn: Operand; readonly Rm: Operand; readonly amount: Operand },
): Expr<'i64'> {
  const offset = option === LSL ? e.x(Rm) : option === UXTW ? extendU(e.w(Rm)) : extendS(e.w(Rm));
  return add(e.base(Rn, sp), shl(offset, extendU(e.imm32(amount))));
}

interface AddressFields {
  readonly Rm: number;
  readonly option: number;
  readonly S: number;
  readonly Rn: number;
}

/** `[x1, w2, sxtw #3]`; a shift by 0 that S asks for is written. */
function registerOffsetText({ Rm, option, S, Rn }: AddressFields, scale: number): string {
  const m = xzrName(option & 1, Rm);
  const amount = S ? ` #${scale}` : '';
  const extend = option === LSL ? (S ? ', lsl' : '') : `, ${entryOf(EXTEND_NAMES, option)}`;
  return `[${spName(1, Rn)}, ${m}${extend}${amount}]`;
}

export const loadStoreRegisterRegisterOffset = instruction({
  title: 'Load/store register (register offset)',
  encoding: encoding('size:2 111 0 00 opc:2 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5'),

  variant({ size, opc, option, Rn }) {
    if (!isAllocated(option)) return undefined;
    if (isPrefetch({ size, opc })) return { size, opc, option: LSL, sp: false };
    if (!isGeneralTransfer({ size, opc })) return undefined;
    return { size, opc, option: kindOf(option), sp: Rn === 31 };
  },
  operands: ({ size, Rm, S, Rn, Rt }) => ({ Rt, Rn, Rm, amount: S ? size : 0 }),

  assembly(fields) {
    const { size, opc, Rt } = fields;
    const address = registerOffsetText(fields, size);
    if (isPrefetch({ size, opc })) return `prfm ${prefetchOperation(Rt)}, ${address}`;
    const t = generalRegisterName({ size, opc }, Rt);
    return `${generalMnemonic({ size, opc }, 'r')} ${t}, ${address}`;
  },

  semantics(e, { size, opc, option, sp }, { Rt, Rn, Rm, amount }) {
    if (isPrefetch({ size, opc })) return;
    const address = addressOf(e, { option, sp }, { Rn, Rm, amount });
    transferGeneral(e, { size, opc }, address, Rt);
  },
});

export const loadStoreRegisterRegisterOffsetSIMD = instruction({
  title: 'Load/store register (register offset), SIMD&FP',
  encoding: encoding('size:2 111 1 00 opc:2 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5'),
  usesFP: true,

  variant({ size, opc, option, Rn }) {
    const scale = vectorScale(size, opc);
    if (scale === undefined || !isAllocated(option)) return undefined;
    return { scale, L: opc & 1, option: kindOf(option), sp: Rn === 31 };
  },
  operands: ({ size, opc, Rm, S, Rn, Rt }) => ({
    Rt,
    Rn,
    Rm,
    amount: S ? (vectorScale(size, opc) ?? 0) : 0,
  }),

  assembly(fields) {
    const { size, opc, Rt } = fields;
    const scale = vectorScale(size, opc) ?? 0;
    const t = vectorRegisterName(scale, Rt);
    return `${opc & 1 ? 'ldr' : 'str'} ${t}, ${registerOffsetText(fields, scale)}`;
  },

  semantics(e, { scale, L, option, sp }, { Rt, Rn, Rm, amount }) {
    transferVector(e, { scale, L }, addressOf(e, { option, sp }, { Rn, Rm, amount }), Rt);
  },
});
