/**
 * Arm ARM, "Hints": NOP, YIELD, WFE, WFI, SEV, SEVL; every other hint is a NOP, but for those of
 * FEAT_PAuth where that is implemented.
 */
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import type { ExitReason } from '../instruction.ts';

const EXITS: readonly (ExitReason | undefined)[] = [
  undefined, // NOP
  'YIELD',
  'WFE',
  'WFI',
  'SEV',
  'SEVL',
];
/** CRm:op2 of the hints that have a name of their own in every version of the architecture. */
const NAMES = ['nop', 'yield', 'wfe', 'wfi', 'sev', 'sevl'] as const;
/** Names of hints that are NOPs here, by CRm:op2. */
const LATER_NAMES: Readonly<Record<number, string>> = {
  6: 'dgh',
  7: 'xpaclri',
  8: 'pacia1716',
  10: 'pacib1716',
  12: 'autia1716',
  14: 'autib1716',
  16: 'esb',
  17: 'psb csync',
  18: 'tsb csync',
  20: 'csdb',
  22: 'clrbhb',
  24: 'paciaz',
  25: 'paciasp',
  26: 'pacibz',
  27: 'pacibsp',
  28: 'autiaz',
  29: 'autiasp',
  30: 'autibz',
  31: 'autibsp',
  32: 'bti',
  34: 'bti c',
  36: 'bti j',
  38: 'bti jc',
};

/** The text of a hint, by CRm:op2. */
export function hintName(hint: number): string {
  return NAMES[hint] ?? LATER_NAMES[hint] ?? `hint #${hint}`;
}

export const hints = instruction({
  title: 'Hints',
  encoding: encoding('1101010100 0 00 011 0010 CRm:4 op2:3 11111'),
  variant({ CRm, op2 }) {
    const hint = (CRm << 3) | op2;
    return { hint: EXITS[hint] === undefined ? 0 : hint };
  },
  operands: () => ({}),

  assembly: ({ CRm, op2 }) => hintName((CRm << 3) | op2),

  semantics(e, { hint }) {
    const reason = EXITS[hint];
    if (reason === 'YIELD') e.yield();
    else if (reason !== undefined) e.exit(reason);
  },
});
