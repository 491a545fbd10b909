/** Arm ARM, "Add/subtract (extended register)": ADD, ADDS, SUB, SUBS. */
import { EXTEND_NAMES, spName, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { add, sub } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { ExtendReg, ShiftValue, XOrSP } from '../shared-functions.ts';
import { entryOf } from '../tables.ts';

const UXTX = 3;
const SXTX = 7;
const LSL = 0;

/** Whether the extension takes no more than the operation's width from the register. */
function isWholeRegister(sf: number, option: number): boolean {
  return (option & 3) === 3 || (!sf && (option & 3) === 2);
}

export const addSubtractExtendedRegister = instruction({
  title: 'Add/subtract (extended register)',
  encoding: encoding('sf:1 op:1 S:1 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5'),

  variant({ sf, op, S, option, imm3 }) {
    if (imm3 > 4) return undefined;
    return { sf, op, S, option: isWholeRegister(sf, option) ? UXTX : option };
  },
  operands: ({ Rm, imm3, Rn, Rd }) => ({ Rd, Rn, Rm, amount: imm3 }),

  assembly({ sf, op, S, Rm, option, imm3, Rn, Rd }) {
    const n = spName(sf, Rn);
    const m = xzrName(sf && (option === UXTX || option === SXTX) ? 1 : 0, Rm);
    // Beside the stack pointer the extension that changes nothing is written LSL, or not at all.
    const isLSL = option === (sf ? UXTX : 2) && (Rn === 31 || (!S && Rd === 31));
    const amount = imm3 ? ` #${imm3}` : '';
    const name = isLSL ? (imm3 ? ', lsl' : '') : `, ${entryOf(EXTEND_NAMES, option)}`;
    const extended = `${n}, ${m}${name}${amount}`;
    if (S && Rd === 31) return `${op ? 'cmp' : 'cmn'} ${extended}`;
    if (S) return `${op ? 'subs' : 'adds'} ${xzrName(sf, Rd)}, ${extended}`;
    return `${op ? 'sub' : 'add'} ${spName(sf, Rd)}, ${extended}`;
  },

  semantics(e, { sf, op, S, option }, { Rd, Rn, Rm, amount }) {
    const calculate = op ? sub : add;
    const extended = ShiftValue(ExtendReg(e, Rm, option, sf), LSL, e.imm32(amount));
    if (!S) {
      e.setXOrSp(Rd, calculate(XOrSP(e, Rn, sf), extended));
      return;
    }
    const operand1 = e.let(XOrSP(e, Rn, sf));
    const operand2 = e.let(extended);
    if (op) e.flagsFromSub(operand1, operand2);
    else e.flagsFromAdd(operand1, operand2);
    e.setX(Rd, calculate(operand1, operand2));
  },
});
