/** Arm ARM, "Logical (shifted register)": AND, BIC, ORR, ORN, EOR, EON, ANDS, BICS. */
import { shiftSuffix, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { and, not, or, xor } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { NO_SHIFT, ShiftReg, X } from '../shared-functions.ts';
import { entryOf } from '../tables.ts';

const MNEMONICS = ['and', 'bic', 'orr', 'orn', 'eor', 'eon', 'ands', 'bics'] as const;
const OPERATIONS = [and, or, xor, and] as const;
const ORR = 1;
const ANDS = 3;

export const logicalShiftedRegister = instruction({
  title: 'Logical (shifted register)',
  encoding: encoding('sf:1 opc:2 01010 shift:2 N:1 Rm:5 imm6:6 Rn:5 Rd:5'),

  variant({ sf, opc, shift, N, imm6, Rn }) {
    if (!sf && imm6 >= 32) return undefined;
    const isMove = opc === ORR && Rn === 31 && imm6 === 0;
    return { sf, opc, N, shift: imm6 === 0 ? NO_SHIFT : shift, isMove };
  },
  operands: ({ Rm, imm6, Rn, Rd }) => ({ Rd, Rn, Rm, amount: imm6 }),

  assembly({ sf, opc, shift, N, Rm, imm6, Rn, Rd }) {
    const [d, n, m] = [xzrName(sf, Rd), xzrName(sf, Rn), xzrName(sf, Rm)];
    const shifted = `${m}${shiftSuffix(shift, imm6)}`;
    if (opc === ORR && Rn === 31 && N) return `mvn ${d}, ${shifted}`;
    if (opc === ORR && Rn === 31 && shift === 0 && imm6 === 0) return `mov ${d}, ${m}`;
    if (opc === ANDS && Rd === 31 && !N) return `tst ${n}, ${shifted}`;
    return `${entryOf(MNEMONICS, (opc << 1) | N)} ${d}, ${n}, ${shifted}`;
  },

  semantics(e, { sf, opc, N, shift, isMove }, { Rd, Rn, Rm, amount }) {
    const shifted = ShiftReg(e, Rm, shift, amount, sf);
    const operand2 = N ? not(shifted) : shifted;
    if (isMove) {
      e.setX(Rd, operand2);
      return;
    }
    const result = entryOf(OPERATIONS, opc)(X(e, Rn, sf), operand2);
    if (opc !== ANDS) {
      e.setX(Rd, result);
      return;
    }
    const tested = e.let(result);
    e.flagsFromLogical(tested);
    e.setX(Rd, tested);
  },
});
