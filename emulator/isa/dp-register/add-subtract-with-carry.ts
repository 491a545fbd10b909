/** Arm ARM, "Add/subtract (with carry)": ADC, ADCS, SBC, SBCS. */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { not } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { AddWithCarry, X } from '../shared-functions.ts';

export const addSubtractWithCarry = instruction({
  title: 'Add/subtract (with carry)',
  encoding: encoding('sf:1 op:1 S:1 11010000 Rm:5 000000 Rn:5 Rd:5'),
  variant: ({ sf, op, S }) => ({ sf, op, S }),
  operands: ({ Rm, Rn, Rd }) => ({ Rd, Rn, Rm }),

  assembly({ sf, op, S, Rm, Rn, Rd }) {
    const [d, n, m] = [xzrName(sf, Rd), xzrName(sf, Rn), xzrName(sf, Rm)];
    const s = S ? 's' : '';
    if (op && Rn === 31) return `ngc${s} ${d}, ${m}`;
    return `${op ? 'sbc' : 'adc'}${s} ${d}, ${n}, ${m}`;
  },

  semantics(e, { sf, op, S }, { Rd, Rn, Rm }) {
    const operand2 = X(e, Rm, sf);
    const { result, nzcv } = AddWithCarry(
      e,
      X(e, Rn, sf),
      op ? not(operand2) : operand2,
      e.carry(),
    );
    if (S) e.setNZCV(nzcv);
    e.setX(Rd, result);
  },
});
