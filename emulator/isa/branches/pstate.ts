/** Arm ARM, "PSTATE": MSR (immediate) to SPSel, DAIFSet, DAIFClr, PAN, UAO, DIT and SSBS. */
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';

interface PstateField {
  readonly name: string;
  readonly feature?: string;
}

/** By op1:op2; those of later versions of the architecture are UNDEFINED. */
const FIELDS: Readonly<Record<number, PstateField>> = {
  0b000_011: { name: 'UAO', feature: 'FEAT_UAO' },
  0b000_100: { name: 'PAN', feature: 'FEAT_PAN' },
  0b000_101: { name: 'SPSel' },
  0b011_001: { name: 'SSBS', feature: 'FEAT_SSBS2' },
  0b011_010: { name: 'DIT', feature: 'FEAT_DIT' },
  0b011_110: { name: 'DAIFSet' },
  0b011_111: { name: 'DAIFClr' },
};
const fieldOf = (op1: number, op2: number): PstateField | undefined => FIELDS[(op1 << 3) | op2];

export const pstate = instruction({
  title: 'PSTATE',
  encoding: encoding('1101010100 0 00 op1:3 0100 CRm:4 op2:3 11111'),
  featureOf: ({ op1, op2 }) => fieldOf(op1, op2)?.feature,
  variant({ op1, op2 }) {
    const name = fieldOf(op1, op2)?.name;
    if (name === undefined) return undefined;
    return { masks: name === 'DAIFSet', unmasks: name === 'DAIFClr' };
  },
  operands: ({ CRm }) => ({ CRm }),
  assembly: ({ op1, CRm, op2 }) => `msr ${fieldOf(op1, op2)?.name ?? ''}, #${CRm}`,
  semantics(e, { masks, unmasks }, { CRm }) {
    if (masks) e.maskInterrupts(CRm);
    else if (unmasks) e.unmaskInterrupts(CRm);
    else e.exit('MSR_IMMEDIATE');
  },
});
