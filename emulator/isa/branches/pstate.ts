/** Arm ARM, "PSTATE": MSR (immediate) to SPSel, DAIFSet and DAIFClr. */
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';

/** By op1:op2; those of later versions of the architecture are UNDEFINED. */
const FIELDS: Readonly<Record<number, string>> = {
  0b000_101: 'SPSel',
  0b011_110: 'DAIFSet',
  0b011_111: 'DAIFClr',
};
const fieldName = (op1: number, op2: number): string | undefined => FIELDS[(op1 << 3) | op2];

export const pstate = instruction({
  title: 'PSTATE',
  encoding: encoding('1101010100 0 00 op1:3 0100 CRm:4 op2:3 11111'),
  variant: ({ op1, op2 }) => (fieldName(op1, op2) === undefined ? undefined : {}),
  operands: () => ({}),
  assembly: ({ op1, CRm, op2 }) => `msr ${fieldName(op1, op2) ?? ''}, #${CRm}`,
  semantics(e) {
    e.exit('MSR_IMMEDIATE');
  },
});
