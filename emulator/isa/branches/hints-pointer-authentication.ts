/**
 * Arm ARM, "Hints", those of FEAT_PAuth: XPACLRI, PACIA1716, PACIASP and their relatives. Without the
 * feature they are NOPs, as all hints without a meaning are.
 */
import { encoding } from '../encoding.ts';
import { i64 } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { INSTRUCTION_KEYS } from '../pointer-authentication.ts';
import { entryOf } from '../tables.ts';
import { hintName } from './hints.ts';

const LR = 30;
const SP = 31;
const X16 = 16;
const X17 = 17;

const XPACLRI = 7;
/** PACIA1716, PACIB1716, AUTIA1716, AUTIB1716: X17 with X16. */
const isOfX17 = (hint: number): boolean => hint >= 8 && hint <= 14 && (hint & 1) === 0;
/** PACIAZ, PACIASP, PACIBZ ...: the link register with zero or SP. */
const isOfLinkRegister = (hint: number): boolean => hint >= 24 && hint <= 31;
const usesSP = (hint: number): boolean => (hint & 1) === 1;

export const hintsPointerAuthentication = instruction({
  title: 'Hints, pointer authentication',
  encoding: encoding('1101010100 0 00 011 0010 00 hint:5 11111'),
  feature: 'FEAT_PAuth',
  outOfLine: true,
  variant: ({ hint }) =>
    hint === XPACLRI || isOfX17(hint) || isOfLinkRegister(hint) ? { hint } : undefined,
  operands: ({ hint }) => ({ Rd: isOfX17(hint) ? X17 : LR, Rn: isOfX17(hint) ? X16 : SP }),
  assembly: ({ hint }) => hintName(hint),

  semantics(e, { hint }, { Rd, Rn }) {
    const pointer = e.x(Rd);
    if (hint === XPACLRI) {
      e.setX(Rd, e.stripPAC(pointer, false));
      return;
    }
    const isAuthentication = (hint & 4) !== 0;
    const key = entryOf(INSTRUCTION_KEYS, (hint >> 1) & 1);
    const modifier = isOfX17(hint) ? e.x(Rn) : usesSP(hint) ? e.xOrSp(Rn) : i64(0);
    e.setX(
      Rd,
      isAuthentication ? e.authenticate(key, pointer, modifier) : e.addPAC(key, pointer, modifier),
    );
  },
});
