/**
 * Arm ARM, "Barriers": CLREX, DSB, DMB, ISB, SB. Memory is sequentially consistent here and the effects
 * of system register writes are immediate, so that only CLREX does something.
 */
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { entryOf } from '../tables.ts';

const CLREX = 2;
const DSB = 4;
const DMB = 5;
const ISB = 6;
const SB = 7; // FEAT_SB

const DOMAINS = ['osh', 'nsh', 'ish', ''] as const;
const TYPES = ['', 'ld', 'st', ''] as const;
const FULL_SYSTEM = 15;

/** The name of a DMB or DSB option, or its number where it has none. */
function optionName(CRm: number): string {
  const type = CRm & 3;
  if (type === 0) return `#${CRm}`;
  const domain = entryOf(DOMAINS, CRm >> 2);
  if (domain === '') return type === 3 ? 'sy' : entryOf(TYPES, type);
  return `${domain}${entryOf(TYPES, type)}`;
}

export const barriers = instruction({
  title: 'Barriers',
  encoding: encoding('1101010100 0 00 011 0011 CRm:4 op2:3 11111'),
  featureOf: ({ op2 }) => (op2 === SB ? 'FEAT_SB' : undefined),
  variant({ CRm, op2 }) {
    if (op2 === SB) return CRm === 0 ? { clearExclusive: false } : undefined;
    if (op2 === CLREX) return { clearExclusive: true };
    return op2 === DSB || op2 === DMB || op2 === ISB ? { clearExclusive: false } : undefined;
  },
  operands: () => ({}),

  assembly({ CRm, op2 }) {
    switch (op2) {
      case CLREX:
        return CRm === FULL_SYSTEM ? 'clrex' : `clrex #${CRm}`;
      case SB:
        return 'sb';
      case ISB:
        return CRm === FULL_SYSTEM ? 'isb' : `isb #${CRm}`;
      case DMB:
        return `dmb ${optionName(CRm)}`;
      default:
        if (CRm === 0) return 'ssbb';
        if (CRm === 4) return 'pssbb';
        return `dsb ${optionName(CRm)}`;
    }
  },

  semantics(e, { clearExclusive }) {
    if (clearExclusive) e.clearExclusive();
  },
});
