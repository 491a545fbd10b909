/** Arm ARM, "Add/subtract (shifted register)": ADD, ADDS, SUB, SUBS. */
import { shiftSuffix, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { add, sub } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { NO_SHIFT, ShiftReg, X } from '../shared-functions.ts';

export const addSubtractShiftedRegister = instruction({
  title: 'Add/subtract (shifted register)',
  encoding: encoding('sf:1 op:1 S:1 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5'),

  variant({ sf, op, S, shift, imm6, Rd }) {
    if (shift === 3 || (!sf && imm6 >= 32)) return undefined;
    const compare = S === 1 && Rd === 31;
    return { sf, op, S, shift: imm6 === 0 ? NO_SHIFT : shift, compare };
  },
  operands: ({ Rm, imm6, Rn, Rd }) => ({ Rd, Rn, Rm, amount: imm6 }),

  assembly({ sf, op, S, shift, Rm, imm6, Rn, Rd }) {
    const [d, n, m] = [xzrName(sf, Rd), xzrName(sf, Rn), xzrName(sf, Rm)];
    const shifted = `${m}${shiftSuffix(shift, imm6)}`;
    if (S && Rd === 31) return `${op ? 'cmp' : 'cmn'} ${n}, ${shifted}`;
    if (op && Rn === 31) return `${S ? 'negs' : 'neg'} ${d}, ${shifted}`;
    return `${op ? 'sub' : 'add'}${S ? 's' : ''} ${d}, ${n}, ${shifted}`;
  },

  semantics(e, { sf, op, S, shift, compare }, { Rd, Rn, Rm, amount }) {
    const calculate = op ? sub : add;
    if (!S) {
      e.setX(Rd, calculate(X(e, Rn, sf), ShiftReg(e, Rm, shift, amount, sf)));
      return;
    }
    const operand1 = e.let(X(e, Rn, sf));
    const operand2 = e.let(ShiftReg(e, Rm, shift, amount, sf));
    if (op) e.flagsFromSub(operand1, operand2);
    else e.flagsFromAdd(operand1, operand2);
    if (!compare) e.setX(Rd, calculate(operand1, operand2));
  },
});
