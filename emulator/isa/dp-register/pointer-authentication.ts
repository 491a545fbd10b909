/**
 * Arm ARM, "Data-processing (1 source)" and "Data-processing (2 source)", the part of FEAT_PAuth: PACIA
 * and its relatives, AUTIA and its relatives, XPACI, XPACD; PACGA.
 */
import { spName, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { i64 } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { POINTER_KEYS } from '../pointer-authentication.ts';
import { entryOf } from '../tables.ts';

const AUTHENTICATES = 1 << 2;
/** The modifier is zero instead of Xn or SP. */
const ZERO_MODIFIER = 1 << 3;
const XPACI = 16;
const XPACD = 17;

function mnemonicOf(opcode: number): string {
  if (opcode >= XPACI) return opcode === XPACD ? 'xpacd' : 'xpaci';
  const key = entryOf(POINTER_KEYS, opcode & 3).toLowerCase();
  const [kind = '', suffix = ''] = key;
  const zero = (opcode & ZERO_MODIFIER) === 0 ? '' : 'z';
  return `${(opcode & AUTHENTICATES) === 0 ? 'pac' : 'aut'}${kind}${zero}${suffix}`;
}

const hasModifier = (opcode: number): boolean => opcode < ZERO_MODIFIER;

export const pointerAuthentication1Source = instruction({
  title: 'Data-processing (1 source), pointer authentication',
  encoding: encoding('1 1 0 11010110 00001 opcode:6 Rn:5 Rd:5'),
  feature: 'FEAT_PAuth',
  outOfLine: true,
  variant({ opcode, Rn }) {
    if (opcode > XPACD || (!hasModifier(opcode) && Rn !== 31)) return undefined;
    return { opcode };
  },
  operands: ({ Rn, Rd }) => ({ Rd, Rn }),

  assembly({ opcode, Rn, Rd }) {
    const modifier = hasModifier(opcode) ? `, ${spName(1, Rn)}` : '';
    return `${mnemonicOf(opcode)} ${xzrName(1, Rd)}${modifier}`;
  },

  semantics(e, { opcode }, { Rd, Rn }) {
    if (opcode >= XPACI) {
      e.setX(Rd, e.stripPAC(e.x(Rd), opcode === XPACD));
      return;
    }
    const key = entryOf(POINTER_KEYS, opcode & 3);
    const modifier = hasModifier(opcode) ? e.xOrSp(Rn) : i64(0);
    const isAuthentication = (opcode & AUTHENTICATES) !== 0;
    e.setX(
      Rd,
      isAuthentication ? e.authenticate(key, e.x(Rd), modifier) : e.addPAC(key, e.x(Rd), modifier),
    );
  },
});

export const pointerAuthentication2Source = instruction({
  title: 'Data-processing (2 source), pointer authentication',
  encoding: encoding('1 0 0 11010110 Rm:5 001100 Rn:5 Rd:5'),
  feature: 'FEAT_PAuth',
  outOfLine: true,
  variant: () => ({}),
  operands: ({ Rm, Rn, Rd }) => ({ Rd, Rn, Rm }),
  assembly: ({ Rm, Rn, Rd }) => `pacga ${xzrName(1, Rd)}, ${xzrName(1, Rn)}, ${spName(1, Rm)}`,
  semantics(e, _variant, { Rd, Rn, Rm }) {
    e.setX(Rd, e.genericPAC(e.x(Rn), e.xOrSp(Rm)));
  },
});
