/** Arm ARM, "Rotate right into flags" and "Evaluate into flags", CFINV (FEAT_FlagM). */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { and, eqz, i32, or, rotr, extendU, shl, shrU, wrap, xor } from '../expression.ts';
import { instruction } from '../instruction.ts';

export const rotateRightIntoFlags = instruction({
  title: 'Rotate right into flags',
  feature: 'FEAT_FlagM',
  encoding: encoding('1 0 1 11010000 imm6:6 00001 Rn:5 0 mask:4'),
  variant: () => ({}),
  operands: ({ imm6, Rn, mask }) => ({ shift: imm6, mask, Rn }),
  assembly: ({ imm6, Rn, mask }) => `rmif ${xzrName(1, Rn)}, #${imm6}, #${mask}`,
  semantics(e, _variant, { shift, mask, Rn }) {
    const rotated = wrap(rotr(e.x(Rn), extendU(e.imm32(shift))));
    const chosen = e.imm32(mask);
    const kept = and(e.NZCV(), xor(chosen, i32(0xf)));
    e.setNZCV(or(kept, and(rotated, chosen)));
  },
});

const SETF16 = 1;

/** N and Z from the low byte or halfword, V where the bit above it differs from its sign; C stays. */
export const evaluateIntoFlags = instruction({
  title: 'Evaluate into flags',
  feature: 'FEAT_FlagM',
  encoding: encoding('0 0 1 11010000 000000 sz:1 0010 Rn:5 0 1101'),
  variant: ({ sz }) => ({ sz }),
  operands: ({ Rn }) => ({ Rn }),
  assembly: ({ sz, Rn }) => `setf${sz === SETF16 ? 16 : 8} ${xzrName(0, Rn)}`,
  semantics(e, { sz }, { Rn }) {
    const bits = sz === SETF16 ? 16 : 8;
    const value = e.let(e.w(Rn));
    const sign = e.let(and(shrU(value, i32(bits - 1)), i32(1)));
    const above = and(shrU(value, i32(bits)), i32(1));
    const zero = eqz(and(value, i32(2 ** bits - 1)));
    const carry = and(e.NZCV(), i32(0b0010));
    const flags = or(or(shl(sign, i32(3)), shl(zero, i32(2))), xor(sign, above));
    e.setNZCV(or(flags, carry));
  },
});

export const invertCarry = instruction({
  title: 'Invert Carry Flag',
  feature: 'FEAT_FlagM',
  encoding: encoding('1101010100 0 00 000 0100 (0) (0) (0) (0) 000 11111'),
  variant: () => ({}),
  operands: () => ({}),
  assembly: () => 'cfinv',
  semantics(e) {
    e.setNZCV(xor(e.NZCV(), i32(0b0010)));
  },
});
