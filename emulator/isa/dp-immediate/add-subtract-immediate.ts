/** Arm ARM, "Add/subtract (immediate)": ADD, ADDS, SUB, SUBS. */
import { spName, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { add, sub } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { XOrSP, immediateOf } from '../shared-functions.ts';

export const addSubtractImmediate = instruction({
  title: 'Add/subtract (immediate)',
  encoding: encoding('sf:1 op:1 S:1 100010 sh:1 imm12:12 Rn:5 Rd:5'),
  variant: ({ sf, op, S, Rd }) => ({ sf, op, S, compare: S === 1 && Rd === 31 }),
  operands: ({ sh, imm12, Rn, Rd }) => ({ Rd, Rn, imm: sh ? imm12 << 12 : imm12 }),

  assembly({ sf, op, S, sh, imm12, Rn, Rd }) {
    const immediate = `#${imm12}${sh ? ', lsl #12' : ''}`;
    const n = spName(sf, Rn);
    if (S && Rd === 31) return `${op ? 'cmp' : 'cmn'} ${n}, ${immediate}`;
    if (S) return `${op ? 'subs' : 'adds'} ${xzrName(sf, Rd)}, ${n}, ${immediate}`;
    const d = spName(sf, Rd);
    if (!op && !sh && imm12 === 0 && (Rd === 31 || Rn === 31)) return `mov ${d}, ${n}`;
    return `${op ? 'sub' : 'add'} ${d}, ${n}, ${immediate}`;
  },

  semantics(e, { sf, op, S, compare }, { Rd, Rn, imm }) {
    const calculate = op ? sub : add;
    if (!S) {
      e.setXOrSp(Rd, calculate(XOrSP(e, Rn, sf), immediateOf(e, imm, sf)));
      return;
    }
    const operand1 = e.let(XOrSP(e, Rn, sf));
    const operand2 = e.let(immediateOf(e, imm, sf));
    if (op) e.flagsFromSub(operand1, operand2);
    else e.flagsFromAdd(operand1, operand2);
    if (!compare) e.setX(Rd, calculate(operand1, operand2));
  },
});
