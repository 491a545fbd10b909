/** Arm ARM, "Load register (literal)": LDR, LDRSW, PRFM; LDR of a SIMD and FP register. */
import { relativeTo, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { add, extendS } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { SignExtend } from '../shared-functions.ts';
import { prefetchOperation, setVectorRegister, vectorRegisterName } from './transfer.ts';

const LDR_X = 1;
const LDRSW = 2;
const PRFM = 3;
const UNALLOCATED = 3;

const byteOffset = (imm19: number): number => SignExtend(imm19, 19) * 4;

export const loadRegisterLiteral = instruction({
  title: 'Load register (literal)',
  encoding: encoding('opc:2 011 0 00 imm19:19 Rt:5'),
  variant: ({ opc }) => ({ opc }),
  operands: ({ imm19, Rt }) => ({ Rt, offset: byteOffset(imm19) }),

  assembly({ opc, imm19, Rt }, context) {
    const target = context.label(relativeTo(context.pc, byteOffset(imm19)));
    if (opc === PRFM) return `prfm ${prefetchOperation(Rt)}, ${target}`;
    const mnemonic = opc === LDRSW ? 'ldrsw' : 'ldr';
    return `${mnemonic} ${xzrName(opc === 0 ? 0 : 1, Rt)}, ${target}`;
  },

  semantics(e, { opc }, { Rt, offset }) {
    if (opc === PRFM) return;
    const bytes = opc === LDR_X ? 8 : 4;
    const data = e.load(add(e.pc(), extendS(e.imm32(offset))), bytes);
    e.setX(Rt, data.i64(0, bytes, opc === LDRSW));
  },
});

export const loadRegisterLiteralSIMD = instruction({
  title: 'Load register (literal), SIMD&FP',
  encoding: encoding('opc:2 011 1 00 imm19:19 Rt:5'),
  usesFP: true,
  variant: ({ opc }) => (opc === UNALLOCATED ? undefined : { scale: opc + 2 }),
  operands: ({ imm19, Rt }) => ({ Rt, offset: byteOffset(imm19) }),

  assembly({ opc, imm19, Rt }, context) {
    const target = context.label(relativeTo(context.pc, byteOffset(imm19)));
    return `ldr ${vectorRegisterName(opc + 2, Rt)}, ${target}`;
  },

  semantics(e, { scale }, { Rt, offset }) {
    const data = e.load(add(e.pc(), extendS(e.imm32(offset))), 1 << scale);
    setVectorRegister(e, scale, Rt, data, 0);
  },
});
