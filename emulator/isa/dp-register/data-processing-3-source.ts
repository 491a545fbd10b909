/**
 * Arm ARM, "Data-processing (3 source)": MADD, MSUB, SMADDL, SMSUBL, SMULH, UMADDL, UMSUBL, UMULH.
 */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { add, extendS, extendU, mul, negate, sub } from '../expression.ts';
import type { Expr, IntegerType } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { Emitter, Operand } from '../instruction.ts';
import { SMULH, UMULH, X } from '../shared-functions.ts';

const MADD = 0;
const SMADDL = 1;
const SMULH_OP = 2;
const UMADDL = 5;
const UMULH_OP = 6;

/** `madd`, `smsubl`; `mul`, `umnegl` without an accumulator. */
function mnemonicOf(op31: number, o0: number, accumulate: boolean): string {
  const signedness = op31 === MADD ? '' : op31 === SMADDL ? 's' : 'u';
  const long = op31 === MADD ? '' : 'l';
  const stem = accumulate ? (o0 ? 'msub' : 'madd') : o0 ? 'mneg' : 'mul';
  return `${signedness}${stem}${long}`;
}

function product(
  e: Emitter,
  sf: number,
  op31: number,
  Rn: Operand,
  Rm: Operand,
): Expr<IntegerType> {
  if (op31 === MADD) return mul(X(e, Rn, sf), X(e, Rm, sf));
  const extend = op31 === SMADDL ? extendS : extendU;
  return mul(extend(e.w(Rn)), extend(e.w(Rm)));
}

export const dataProcessing3Source = instruction({
  title: 'Data-processing (3 source)',
  encoding: encoding('sf:1 00 11011 op31:3 Rm:5 o0:1 Ra:5 Rn:5 Rd:5'),

  variant({ sf, op31, o0, Ra }) {
    if (op31 === SMULH_OP || op31 === UMULH_OP) {
      // Ra is a should-be-one field here: CONSTRAINED UNPREDICTABLE otherwise, and ignored.
      return sf && !o0 ? { sf, op31, o0, accumulate: false } : undefined;
    }
    if (op31 !== MADD && (!sf || (op31 !== SMADDL && op31 !== UMADDL))) return undefined;
    return { sf, op31, o0, accumulate: Ra !== 31 };
  },
  operands: ({ Rm, Ra, Rn, Rd }) => ({ Rd, Rn, Rm, Ra }),

  assembly({ sf, op31, Rm, o0, Ra, Rn, Rd }) {
    const d = xzrName(sf, Rd);
    if (op31 === SMULH_OP || op31 === UMULH_OP) {
      const mnemonic = op31 === SMULH_OP ? 'smulh' : 'umulh';
      return `${mnemonic} ${d}, ${xzrName(1, Rn)}, ${xzrName(1, Rm)}`;
    }
    const width = op31 === MADD ? sf : 0;
    const factors = `${xzrName(width, Rn)}, ${xzrName(width, Rm)}`;
    const mnemonic = mnemonicOf(op31, o0, Ra !== 31);
    return `${mnemonic} ${d}, ${factors}${Ra === 31 ? '' : `, ${xzrName(sf, Ra)}`}`;
  },

  semantics(e, { sf, op31, o0, accumulate }, { Rd, Rn, Rm, Ra }) {
    if (op31 === SMULH_OP || op31 === UMULH_OP) {
      const high = op31 === SMULH_OP ? SMULH : UMULH;
      e.setX(Rd, high(e, e.x(Rn), e.x(Rm)));
      return;
    }
    const value = product(e, sf, op31, Rn, Rm);
    if (!accumulate) e.setX(Rd, o0 ? negate(value) : value);
    else e.setX(Rd, (o0 ? sub : add)(X(e, Ra, sf), value));
  },
});
