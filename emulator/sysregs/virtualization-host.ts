/**
 * FEAT_VHE: an operating system at EL2 uses the names of EL1. While HCR_EL2.E2H is 1, MRS and MSR at EL2
 * of these names reach the registers of EL2, and the registers of EL1 have names that end in _EL12 or _EL02.
 * Arm ARM, "Redirection of accesses with Virtualization Host Extensions" and the accessors of each register.
 */
import type { ExceptionLevel } from './sysreg.ts';

export const HCR_TGE = 1n << 27n;
export const HCR_E2H = 1n << 34n;
const HCR_HOST = HCR_TGE | HCR_E2H;

/** Arm ARM, ELIsInHost(): the EL uses the EL2&0 translation regime. */
export function elIsInHost(HCR_EL2: bigint, EL: ExceptionLevel): boolean {
  switch (EL) {
    case 0:
      return (HCR_EL2 & HCR_HOST) === HCR_HOST;
    case 2:
      return (HCR_EL2 & HCR_E2H) !== 0n;
    default:
      return false;
  }
}

export interface Redirection {
  /** The name whose accesses are redirected. */
  readonly name: string;
  /** What EL2 reaches by it. */
  readonly host: string;
  /** The name of EL2 for the register itself, where it has one. */
  readonly alias: string;
  /** EL0 is redirected too while HCR_EL2.TGE is 1. */
  readonly fromEL0: boolean;
}

const system = (stem: string, host = stem): Redirection => ({
  name: `${stem}_EL1`,
  host: `${host}_EL2`,
  alias: `${stem}_EL12`,
  fromEL0: false,
});

const timer = (stem: string, host: string): readonly Redirection[] =>
  ['TVAL', 'CTL', 'CVAL'].map((register) => ({
    name: `${stem}_${register}_EL0`,
    host: `${host}_${register}_EL2`,
    alias: `${stem}_${register}_EL02`,
    fromEL0: true,
  }));

export const redirections: readonly Redirection[] = [
  system('SCTLR'),
  system('CPACR', 'CPTR'),
  system('TRFCR'),
  system('TTBR0'),
  system('TTBR1'),
  system('TCR'),
  system('SPSR'),
  system('ELR'),
  system('AFSR0'),
  system('AFSR1'),
  system('ESR'),
  system('FAR'),
  system('PMSCR'),
  system('MAIR'),
  system('AMAIR'),
  system('VBAR'),
  system('CONTEXTIDR'),
  system('CNTKCTL', 'CNTHCTL'),
  ...timer('CNTP', 'CNTHP'),
  ...timer('CNTV', 'CNTHV'),
];
