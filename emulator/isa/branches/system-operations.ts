/**
 * Names of the AT, DC, IC and TLBI operations, which are aliases of SYS: those of Armv8.2 and the
 * AT operations that assemblers know whatever the architecture.
 */

export interface SystemOperation {
  /** Such as `tlbi vae1is`. */
  readonly name: string;
  /** Whether Rt holds an address or another argument. */
  readonly takesAddress: boolean;
}

interface Fields {
  readonly op1: number;
  readonly CRn: number;
  readonly CRm: number;
  readonly op2: number;
}

export function systemOperationKey({ op1, CRn, CRm, op2 }: Fields): number {
  return (op1 << 11) | (CRn << 7) | (CRm << 3) | op2;
}

/** op1, CRn, CRm, op2, name; a name with a dash before it takes no argument. */
const ROWS: readonly (readonly [number, number, number, number, string])[] = [
  [0, 7, 1, 0, '-ic ialluis'],
  [0, 7, 5, 0, '-ic iallu'],
  [3, 7, 5, 1, 'ic ivau'],

  [3, 7, 4, 1, 'dc zva'],
  [0, 7, 6, 1, 'dc ivac'],
  [0, 7, 6, 2, 'dc isw'],
  [3, 7, 10, 1, 'dc cvac'],
  [0, 7, 10, 2, 'dc csw'],
  [3, 7, 11, 1, 'dc cvau'],
  [3, 7, 12, 1, 'dc cvap'],
  [3, 7, 14, 1, 'dc civac'],
  [0, 7, 14, 2, 'dc cisw'],

  [0, 7, 8, 0, 'at s1e1r'],
  [0, 7, 8, 1, 'at s1e1w'],
  [0, 7, 8, 2, 'at s1e0r'],
  [0, 7, 8, 3, 'at s1e0w'],
  [0, 7, 9, 0, 'at s1e1rp'],
  [0, 7, 9, 1, 'at s1e1wp'],
  [0, 7, 9, 2, 'at s1e1a'],
  [4, 7, 9, 2, 'at s1e2a'],
  [6, 7, 9, 2, 'at s1e3a'],
  [4, 7, 8, 0, 'at s1e2r'],
  [4, 7, 8, 1, 'at s1e2w'],
  [4, 7, 8, 4, 'at s12e1r'],
  [4, 7, 8, 5, 'at s12e1w'],
  [4, 7, 8, 6, 'at s12e0r'],
  [4, 7, 8, 7, 'at s12e0w'],
  [6, 7, 8, 0, 'at s1e3r'],
  [6, 7, 8, 1, 'at s1e3w'],

  [4, 8, 0, 1, 'tlbi ipas2e1is'],
  [4, 8, 0, 5, 'tlbi ipas2le1is'],
  [0, 8, 3, 0, '-tlbi vmalle1is'],
  [4, 8, 3, 0, '-tlbi alle2is'],
  [6, 8, 3, 0, '-tlbi alle3is'],
  [0, 8, 3, 1, 'tlbi vae1is'],
  [4, 8, 3, 1, 'tlbi vae2is'],
  [6, 8, 3, 1, 'tlbi vae3is'],
  [0, 8, 3, 2, 'tlbi aside1is'],
  [0, 8, 3, 3, 'tlbi vaae1is'],
  [4, 8, 3, 4, '-tlbi alle1is'],
  [0, 8, 3, 5, 'tlbi vale1is'],
  [4, 8, 3, 5, 'tlbi vale2is'],
  [6, 8, 3, 5, 'tlbi vale3is'],
  [4, 8, 3, 6, '-tlbi vmalls12e1is'],
  [0, 8, 3, 7, 'tlbi vaale1is'],
  [4, 8, 4, 1, 'tlbi ipas2e1'],
  [4, 8, 4, 5, 'tlbi ipas2le1'],
  [0, 8, 7, 0, '-tlbi vmalle1'],
  [4, 8, 7, 0, '-tlbi alle2'],
  [6, 8, 7, 0, '-tlbi alle3'],
  [0, 8, 7, 1, 'tlbi vae1'],
  [4, 8, 7, 1, 'tlbi vae2'],
  [6, 8, 7, 1, 'tlbi vae3'],
  [0, 8, 7, 2, 'tlbi aside1'],
  [0, 8, 7, 3, 'tlbi vaae1'],
  [4, 8, 7, 4, '-tlbi alle1'],
  [0, 8, 7, 5, 'tlbi vale1'],
  [4, 8, 7, 5, 'tlbi vale2'],
  [6, 8, 7, 5, 'tlbi vale3'],
  [4, 8, 7, 6, '-tlbi vmalls12e1'],
  [0, 8, 7, 7, 'tlbi vaale1'],
];

export const SYSTEM_OPERATIONS: ReadonlyMap<number, SystemOperation> = new Map(
  ROWS.map(([op1, CRn, CRm, op2, text]) => [
    systemOperationKey({ op1, CRn, CRm, op2 }),
    { name: text.replace('-', ''), takesAddress: !text.startsWith('-') },
  ]),
);
