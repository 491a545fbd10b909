/** Arm ARM, "Load/store register (pac)": LDRAA, LDRAB (FEAT_PAuth). */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { add, extendS, i64 } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { DATA_KEYS } from '../pointer-authentication.ts';
import { SignExtend } from '../shared-functions.ts';
import { entryOf } from '../tables.ts';
import { addressText, OFFSET, PRE_INDEXED } from './transfer.ts';

/** S:imm9 counts doublewords. */
const byteOffset = (S: number, imm9: number): number => SignExtend((S << 9) | imm9, 10) * 8;

export const loadStoreRegisterPac = instruction({
  title: 'Load/store register (pac)',
  encoding: encoding('11 111 0 00 M:1 S:1 1 imm9:9 W:1 1 Rn:5 Rt:5'),
  feature: 'FEAT_PAuth',
  outOfLine: true,
  variant: ({ M, W, Rn }) => ({ M, W, sp: Rn === 31 }),
  operands: ({ S, imm9, Rn, Rt }) => ({ Rt, Rn, offset: byteOffset(S, imm9) }),

  assembly({ M, S, imm9, W, Rn, Rt }) {
    const address = addressText(W ? PRE_INDEXED : OFFSET, Rn, byteOffset(S, imm9));
    return `ldra${M ? 'b' : 'a'} ${xzrName(1, Rt)}, ${address}`;
  },

  semantics(e, { M, W, sp }, { Rt, Rn, offset }) {
    const base = e.let(e.authenticate(entryOf(DATA_KEYS, M), e.base(Rn, sp), i64(0)));
    const address = e.let(add(base, extendS(e.imm32(offset))));
    e.setX(Rt, e.load(address, 8).i64(0, 8));
    // As for every load with writeback: where Rt is the base, its new address stays.
    if (W) e.setXOrSp(Rn, address);
  },
});
