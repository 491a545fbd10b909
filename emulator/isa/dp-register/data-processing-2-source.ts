/** Arm ARM, "Data-processing (2 source)": UDIV, SDIV, LSLV, LSRV, ASRV, RORV. */
import { SHIFT_NAMES, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { ShiftValue, SignedQuotient, UnsignedQuotient, X } from '../shared-functions.ts';
import { entryOf } from '../tables.ts';

const UDIV = 2;
const SDIV = 3;
const LSLV = 8;
const RORV = 11;

export const dataProcessing2Source = instruction({
  title: 'Data-processing (2 source)',
  encoding: encoding('sf:1 0 0 11010110 Rm:5 opcode:6 Rn:5 Rd:5'),

  variant({ sf, opcode }) {
    const isDivision = opcode === UDIV || opcode === SDIV;
    const isShift = opcode >= LSLV && opcode <= RORV;
    return isDivision || isShift ? { sf, opcode } : undefined;
  },
  operands: ({ Rm, Rn, Rd }) => ({ Rd, Rn, Rm }),

  assembly({ sf, Rm, opcode, Rn, Rd }) {
    const mnemonic =
      opcode === UDIV ? 'udiv' : opcode === SDIV ? 'sdiv' : entryOf(SHIFT_NAMES, opcode - LSLV);
    return `${mnemonic} ${xzrName(sf, Rd)}, ${xzrName(sf, Rn)}, ${xzrName(sf, Rm)}`;
  },

  semantics(e, { sf, opcode }, { Rd, Rn, Rm }) {
    const operand1 = X(e, Rn, sf);
    if (opcode === UDIV) e.setX(Rd, UnsignedQuotient(e, operand1, X(e, Rm, sf)));
    else if (opcode === SDIV) e.setX(Rd, SignedQuotient(e, operand1, X(e, Rm, sf)));
    else e.setX(Rd, ShiftValue(operand1, opcode - LSLV, e.w(Rm)));
  },
});
