/** Arm ARM, "Conditional select": CSEL, CSINC, CSINV, CSNEG. */
import { conditionName, invertedConditionName, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { add, constantLike, negate, not, select } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { X } from '../shared-functions.ts';
import { entryOf } from '../tables.ts';

const MNEMONICS = ['csel', 'csinc', 'csinv', 'csneg'] as const;
/** Of the same register twice, under the inverted condition. */
const ALIASES = ['', 'cinc', 'cinv', 'cneg'] as const;
/** Of the zero register twice. */
const SETTERS = ['', 'cset', 'csetm', ''] as const;
const AL = 14;

export const conditionalSelect = instruction({
  title: 'Conditional select',
  encoding: encoding('sf:1 op:1 0 11010100 Rm:5 cond:4 0 o2:1 Rn:5 Rd:5'),
  variant: ({ sf, op, cond, o2 }) => ({ sf, op, o2, cond }),
  operands: ({ Rm, Rn, Rd }) => ({ Rd, Rn, Rm }),

  assembly({ sf, op, Rm, cond, o2, Rn, Rd }) {
    const [d, n, m] = [xzrName(sf, Rd), xzrName(sf, Rn), xzrName(sf, Rm)];
    const kind = (op << 1) | o2;
    if (Rn === Rm && cond < AL) {
      const inverted = invertedConditionName(cond);
      const setter = entryOf(SETTERS, kind);
      if (Rn === 31 && setter) return `${setter} ${d}, ${inverted}`;
      const alias = entryOf(ALIASES, kind);
      if (alias) return `${alias} ${d}, ${n}, ${inverted}`;
    }
    return `${entryOf(MNEMONICS, kind)} ${d}, ${n}, ${m}, ${conditionName(cond)}`;
  },

  semantics(e, { sf, op, o2, cond }, { Rd, Rn, Rm }) {
    const operand2 = X(e, Rm, sf);
    const otherwise = op
      ? o2
        ? negate(operand2)
        : not(operand2)
      : o2
        ? add(operand2, constantLike(operand2, 1))
        : operand2;
    e.setX(Rd, select(e.conditionHolds(cond), X(e, Rn, sf), otherwise));
  },
});
