/** Arm ARM, "Extract": EXTR. */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { or, rotr, shl, shrU } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { X, immediateOf } from '../shared-functions.ts';

export const extract = instruction({
  title: 'Extract',
  encoding: encoding('sf:1 00 100111 N:1 0 Rm:5 imms:6 Rn:5 Rd:5'),

  /** Without a shift the result is Rm alone: a shift by the whole width does not exist. */
  variant({ sf, N, imms, Rn, Rm }) {
    if (N !== sf || (!sf && imms >= 32)) return undefined;
    return { sf, rotate: Rn === Rm || imms === 0 };
  },
  operands: ({ sf, Rm, imms, Rn, Rd }) => ({ Rd, Rn, Rm, imms, left: (sf ? 64 : 32) - imms }),

  assembly({ sf, Rm, imms, Rn, Rd }) {
    const d = xzrName(sf, Rd);
    const n = xzrName(sf, Rn);
    if (Rn === Rm) return `ror ${d}, ${n}, #${imms}`;
    return `extr ${d}, ${n}, ${xzrName(sf, Rm)}, #${imms}`;
  },

  semantics(e, { sf, rotate }, { Rd, Rn, Rm, imms, left }) {
    const low = X(e, Rm, sf);
    const lsb = immediateOf(e, imms, sf);
    if (rotate) e.setX(Rd, rotr(low, lsb));
    else e.setX(Rd, or(shrU(low, lsb), shl(X(e, Rn, sf), immediateOf(e, left, sf))));
  },
});
