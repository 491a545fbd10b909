/**
 * Arm ARM, "Conditional compare (register)" and "Conditional compare (immediate)": CCMN, CCMP.
 */
import { conditionName, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import type { Expr, IntegerType } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { Emitter, Operand } from '../instruction.ts';
import { X, immediateOf } from '../shared-functions.ts';

function conditionalCompare(
  e: Emitter,
  { op, cond }: { readonly op: number; readonly cond: number },
  compared: () => readonly [Expr<IntegerType>, Expr<IntegerType>],
  nzcv: Operand,
): void {
  e.if(
    e.conditionHolds(cond),
    () => {
      const [operand1, operand2] = compared();
      if (op) e.flagsFromSub(operand1, operand2);
      else e.flagsFromAdd(operand1, operand2);
    },
    () => {
      e.setNZCV(e.imm32(nzcv));
    },
  );
}

export const conditionalCompareRegister = instruction({
  title: 'Conditional compare (register)',
  encoding: encoding('sf:1 op:1 1 11010010 Rm:5 cond:4 0 0 Rn:5 0 nzcv:4'),
  variant: ({ sf, op, cond }) => ({ sf, op, cond }),
  operands: ({ Rm, Rn, nzcv }) => ({ Rn, Rm, nzcv }),

  assembly({ sf, op, Rm, cond, Rn, nzcv }) {
    const operands = `${xzrName(sf, Rn)}, ${xzrName(sf, Rm)}, #${nzcv}, ${conditionName(cond)}`;
    return `${op ? 'ccmp' : 'ccmn'} ${operands}`;
  },

  semantics(e, { sf, op, cond }, { Rn, Rm, nzcv }) {
    conditionalCompare(e, { op, cond }, () => [e.let(X(e, Rn, sf)), e.let(X(e, Rm, sf))], nzcv);
  },
});

export const conditionalCompareImmediate = instruction({
  title: 'Conditional compare (immediate)',
  encoding: encoding('sf:1 op:1 1 11010010 imm5:5 cond:4 1 0 Rn:5 0 nzcv:4'),
  variant: ({ sf, op, cond }) => ({ sf, op, cond }),
  operands: ({ imm5, Rn, nzcv }) => ({ Rn, imm: imm5, nzcv }),

  assembly({ sf, op, imm5, cond, Rn, nzcv }) {
    const operands = `${xzrName(sf, Rn)}, #${imm5}, #${nzcv}, ${conditionName(cond)}`;
    return `${op ? 'ccmp' : 'ccmn'} ${operands}`;
  },

  semantics(e, { sf, op, cond }, { Rn, imm, nzcv }) {
    const compared = (): [Expr<IntegerType>, Expr<IntegerType>] => [
      e.let(X(e, Rn, sf)),
      e.let(immediateOf(e, imm, sf)),
    ];
    conditionalCompare(e, { op, cond }, compared, nzcv);
  },
});
