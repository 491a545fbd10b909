/** Traps as on the Arm ARM's pages of HCR_EL2, MDCR_EL2, CPTR_EL2, CNTHCTL_EL2, CNTKCTL_EL1 and SCTLR_EL1. */
import assert from 'node:assert/strict';
import {
  ACCESS_ALLOWED,
  ACCESS_TRAP_EL1,
  ACCESS_TRAP_EL2,
  ACCESS_UNDEFINED,
  access,
  accessCode,
  activeTraps,
  daifImmediateAccessCode,
  instructionAccess,
  unimplementedAccessCode,
} from '../../../../emulator/sysregs/access-rules.ts';
import type { AccessState } from '../../../../emulator/sysregs/access-rules.ts';
import { byName, systemInstructionByName } from '../../../../emulator/sysregs/catalogue.ts';
import { implementedRegisters } from '../../../../emulator/sysregs/definitions.ts';
import { fineGrainedTrap } from '../../../../emulator/sysregs/fine-grained-traps.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { parseGenericName } from '../../../../emulator/sysregs/sysreg.ts';
import type { Direction } from '../../../../emulator/sysregs/sysreg.ts';

/** Nothing traps: every enable is set and every trap is clear. */
const open: AccessState = {
  el: 1,
  SPSel: 1,
  HCR_EL2: 0x8000_0000n,
  MDCR_EL2: 0n,
  CPTR_EL2: 0x33ffn,
  CNTHCTL_EL2: 3n,
  CNTKCTL_EL1: 0x303n,
  SCTLR_EL1: (1n << 26n) | (1n << 15n) | (1n << 14n) | (1n << 9n), // UCI, UCT, DZE, UMA
  SCTLR_EL2: 0n,
  CPACR_EL1: 3n << 20n,
  MDSCR_EL1: 0n,
  implementedBreakpoints: 6,
  implementedWatchpoints: 4,
};

const noFineGrainedTraps = {
  HFGRTR_EL2: 0n,
  HFGWTR_EL2: 0n,
  HFGITR_EL2: 0n,
  HDFGRTR_EL2: 0n,
  HDFGWTR_EL2: 0n,
};

const register = (name: string) => byName(name) ?? assert.fail(`no register ${name}`);

/** `allowed`, `undefined`, or `EL<target> EC 0x<EC>`. */
function outcome(name: string, direction: Direction, changes: Partial<AccessState>): string {
  const [kind = '', operand] = name.split(' ');
  const state = { ...open, ...changes };
  const result =
    operand === undefined
      ? access(register(name), direction, state)
      : instructionAccess(
          systemInstructionByName(kind, operand) ?? assert.fail(`no instruction ${name}`),
          state,
        );
  return result.kind === 'trapped'
    ? `EL${result.targetEL} EC 0x${result.EC.toString(16)}`
    : result.kind;
}

const TRAP_EL1 = 'EL1 EC 0x18';
const TRAP_EL2 = 'EL2 EC 0x18';
const bit = (position: number): bigint => 1n << BigInt(position);

interface Case {
  readonly of: string;
  readonly changes: Partial<AccessState>;
  readonly names: string;
  readonly reads?: string;
  readonly writes?: string;
}

const hcr = (position: number): Partial<AccessState> => ({ HCR_EL2: open.HCR_EL2 | bit(position) });
const sctlrWithout = (position: number): Partial<AccessState> => ({
  el: 0,
  SCTLR_EL1: open.SCTLR_EL1 & ~bit(position),
});

const debugRegistersOfTDA =
  'OSDTRRX_EL1 MDCCINT_EL1 MDSCR_EL1 OSDTRTX_EL1 OSECCR_EL1 DBGBVR0_EL1 DBGBCR5_EL1 DBGWVR0_EL1 DBGWCR3_EL1 DBGCLAIMSET_EL1 DBGCLAIMCLR_EL1 DBGDTR_EL0';
const debugRegistersOfTDOSA = 'OSDLR_EL1 DBGPRCR_EL1';
const virtualMemory =
  'SCTLR_EL1 TTBR0_EL1 TTBR1_EL1 TCR_EL1 ESR_EL1 FAR_EL1 AFSR0_EL1 AFSR1_EL1 MAIR_EL1 AMAIR_EL1 CONTEXTIDR_EL1';

const cases: readonly Case[] = [
  // Lowest EL and direction.
  {
    of: 'EL1 registers at EL0',
    changes: { el: 0 },
    names: 'SCTLR_EL1 DBGBCR0_EL1 MDSCR_EL1 SP_EL0 SPSel TPIDR_EL1 CNTKCTL_EL1 VBAR_EL1',
    reads: 'undefined',
    writes: 'undefined',
  },
  {
    of: 'ID registers at EL0 (no FEAT_IDST)',
    changes: { el: 0 },
    names: 'MIDR_EL1 ID_AA64DFR0_EL1 CurrentEL',
    reads: 'undefined',
  },
  {
    of: 'EL2 registers at EL1',
    changes: {},
    names: 'HCR_EL2 MDCR_EL2 SP_EL1 CNTHP_CTL_EL2 VBAR_EL2 HDFGRTR_EL2',
    reads: 'undefined',
    writes: 'undefined',
  },
  {
    of: 'read-only registers, written',
    changes: { el: 2 },
    names: 'MIDR_EL1 OSLSR_EL1 MDRAR_EL1 CTR_EL0 CNTVCT_EL0 ISR_EL1 DBGAUTHSTATUS_EL1',
    reads: 'allowed',
    writes: 'undefined',
  },
  {
    of: 'write-only registers, read',
    changes: { el: 2 },
    names: 'OSLAR_EL1 DBGDTRTX_EL0',
    reads: 'undefined',
    writes: 'allowed',
  },
  {
    of: 'debug registers beyond the counts',
    changes: { el: 2 },
    names: 'DBGBVR6_EL1 DBGBCR15_EL1 DBGWVR4_EL1 DBGWCR4_EL1',
    reads: 'undefined',
    writes: 'undefined',
  },
  {
    of: 'SP_EL0 while it is SP',
    changes: { SPSel: 0 },
    names: 'SP_EL0',
    reads: 'undefined',
    writes: 'undefined',
  },
  { of: 'SP_EL0 otherwise', changes: {}, names: 'SP_EL0', reads: 'allowed', writes: 'allowed' },
  {
    of: 'TPIDRRO_EL0 at EL0',
    changes: { el: 0 },
    names: 'TPIDRRO_EL0',
    reads: 'allowed',
    writes: 'undefined',
  },
  {
    of: 'CNTFRQ_EL0 at EL1',
    changes: {},
    names: 'CNTFRQ_EL0',
    reads: 'allowed',
    writes: 'undefined',
  },
  { of: 'CNTFRQ_EL0 at EL2', changes: { el: 2 }, names: 'CNTFRQ_EL0', writes: 'allowed' },
  {
    of: 'EL0 registers at EL0, everything enabled',
    changes: { el: 0 },
    names: 'TPIDR_EL0 NZCV DAIF FPCR FPSR CNTP_CTL_EL0 CNTV_CVAL_EL0 DBGDTR_EL0',
    reads: 'allowed',
    writes: 'allowed',
  },
  // SCTLR_EL1 enables of EL0.
  { of: 'UCT = 0', changes: sctlrWithout(15), names: 'CTR_EL0', reads: TRAP_EL1 },
  { of: 'UCT = 0, DCZID', changes: sctlrWithout(15), names: 'DCZID_EL0', reads: 'allowed' },
  { of: 'UMA = 0', changes: sctlrWithout(9), names: 'DAIF', reads: TRAP_EL1, writes: TRAP_EL1 },
  { of: 'DZE = 0', changes: sctlrWithout(14), names: 'dc ZVA', writes: TRAP_EL1 },
  {
    of: 'UCI = 0',
    changes: sctlrWithout(26),
    names: 'dc CVAU,dc CVAC,dc CIVAC,ic IVAU',
    writes: TRAP_EL1,
  },
  { of: 'UCI = 0, DC ZVA', changes: sctlrWithout(26), names: 'dc ZVA', writes: 'allowed' },
  {
    of: 'UMA = 0 and TGE = 1',
    changes: { ...sctlrWithout(9), ...hcr(27) },
    names: 'DAIF',
    reads: TRAP_EL2,
  },
  // CNTKCTL_EL1 enables of EL0.
  {
    of: 'CNTKCTL_EL1 = 0',
    changes: { el: 0, CNTKCTL_EL1: 0n },
    names: 'CNTFRQ_EL0 CNTPCT_EL0 CNTVCT_EL0 CNTP_TVAL_EL0 CNTV_CTL_EL0',
    reads: TRAP_EL1,
  },
  {
    of: 'EL0VCTEN alone',
    changes: { el: 0, CNTKCTL_EL1: 2n },
    names: 'CNTVCT_EL0 CNTFRQ_EL0',
    reads: 'allowed',
  },
  {
    of: 'EL0PTEN alone',
    changes: { el: 0, CNTKCTL_EL1: bit(9) },
    names: 'CNTP_CTL_EL0',
    reads: 'allowed',
  },
  {
    of: 'EL0PTEN alone, virtual timer',
    changes: { el: 0, CNTKCTL_EL1: bit(9) },
    names: 'CNTV_CTL_EL0',
    reads: TRAP_EL1,
  },
  // CNTHCTL_EL2.
  {
    of: 'EL1PCTEN = 0',
    changes: { CNTHCTL_EL2: 2n },
    names: 'CNTPCT_EL0',
    reads: TRAP_EL2,
  },
  {
    of: 'EL1PCTEN = 0 at EL0',
    changes: { el: 0, CNTHCTL_EL2: 2n },
    names: 'CNTPCT_EL0',
    reads: TRAP_EL2,
  },
  {
    of: 'EL1PCEN = 0',
    changes: { CNTHCTL_EL2: 1n },
    names: 'CNTP_CTL_EL0 CNTP_CVAL_EL0 CNTP_TVAL_EL0',
    reads: TRAP_EL2,
    writes: TRAP_EL2,
  },
  {
    of: 'EL1PCEN = 0, virtual timer',
    changes: { CNTHCTL_EL2: 0n },
    names: 'CNTV_CTL_EL0 CNTVCT_EL0',
    reads: 'allowed',
  },
  {
    of: 'EL0PTEN = 0 outranks EL1PCEN = 0',
    changes: { el: 0, CNTKCTL_EL1: 0n, CNTHCTL_EL2: 0n },
    names: 'CNTP_CTL_EL0',
    reads: TRAP_EL1,
  },
  // MDCR_EL2.
  {
    of: 'TDA',
    changes: { MDCR_EL2: bit(9) },
    names: debugRegistersOfTDA,
    reads: TRAP_EL2,
    writes: TRAP_EL2,
  },
  {
    of: 'TDA, the others',
    changes: { MDCR_EL2: bit(9) },
    names: debugRegistersOfTDOSA,
    reads: 'allowed',
    writes: 'allowed',
  },
  {
    of: 'TDOSA',
    changes: { MDCR_EL2: bit(10) },
    names: debugRegistersOfTDOSA,
    reads: TRAP_EL2,
    writes: TRAP_EL2,
  },
  { of: 'TDOSA', changes: { MDCR_EL2: bit(10) }, names: 'OSLSR_EL1', reads: TRAP_EL2 },
  { of: 'TDOSA', changes: { MDCR_EL2: bit(10) }, names: 'OSLAR_EL1', writes: TRAP_EL2 },
  {
    of: 'TDOSA, the others',
    changes: { MDCR_EL2: bit(10) },
    names: debugRegistersOfTDA,
    reads: 'allowed',
    writes: 'allowed',
  },
  { of: 'TDRA', changes: { MDCR_EL2: bit(11) }, names: 'MDRAR_EL1', reads: TRAP_EL2 },
  { of: 'TDA and TDOSA', changes: { MDCR_EL2: 0x600n }, names: 'MDRAR_EL1', reads: 'allowed' },
  {
    of: 'TDE',
    changes: { MDCR_EL2: bit(8) },
    names: `${debugRegistersOfTDA} ${debugRegistersOfTDOSA}`,
    reads: TRAP_EL2,
    writes: TRAP_EL2,
  },
  { of: 'TDE', changes: { MDCR_EL2: bit(8) }, names: 'MDRAR_EL1', reads: TRAP_EL2 },
  {
    of: 'TDA at EL0',
    changes: { el: 0, MDCR_EL2: bit(9) },
    names: 'MDCCSR_EL0 DBGDTR_EL0 DBGDTRRX_EL0',
    reads: TRAP_EL2,
  },
  {
    of: 'MDSCR_EL1.TDCC at EL0 outranks TDA',
    changes: { el: 0, MDCR_EL2: bit(9), MDSCR_EL1: bit(12) },
    names: 'MDCCSR_EL0 DBGDTR_EL0 DBGDTRRX_EL0',
    reads: TRAP_EL1,
  },
  {
    of: 'MDSCR_EL1.TDCC at EL1',
    changes: { MDSCR_EL1: bit(12) },
    names: 'MDCCSR_EL0',
    reads: 'allowed',
  },
  {
    of: 'MDCR_EL2.TDCC',
    changes: { MDCR_EL2: bit(27) },
    names: 'OSDTRRX_EL1 OSDTRTX_EL1 MDCCINT_EL1 MDCCSR_EL0 DBGDTR_EL0',
    reads: TRAP_EL2,
  },
  {
    of: 'MDCR_EL2.TDCC, the others',
    changes: { MDCR_EL2: bit(27) },
    names: 'MDSCR_EL1 DBGBCR0_EL1 OSECCR_EL1',
    reads: 'allowed',
  },
  {
    of: 'every MDCR_EL2 trap at EL2',
    changes: { el: 2, MDCR_EL2: 0xf00n },
    names: `${debugRegistersOfTDA} ${debugRegistersOfTDOSA}`,
    reads: 'allowed',
    writes: 'allowed',
  },
  {
    of: 'a wrong direction, even if trapped otherwise',
    changes: { MDCR_EL2: 0xf00n },
    names: 'OSLSR_EL1 MDRAR_EL1 DBGAUTHSTATUS_EL1',
    writes: 'undefined',
  },
  {
    of: 'an index beyond the count, even if trapped otherwise',
    changes: { MDCR_EL2: 0xf00n },
    names: 'DBGBCR6_EL1 DBGWVR4_EL1',
    reads: 'undefined',
  },
  {
    of: 'E2PB = 0b00',
    changes: {},
    names: 'PMBLIMITR_EL1 PMBPTR_EL1 PMBSR_EL1',
    reads: TRAP_EL2,
    writes: TRAP_EL2,
  },
  { of: 'E2PB = 0b00', changes: {}, names: 'PMBIDR_EL1 PMSCR_EL1', reads: 'allowed' },
  {
    of: 'E2PB = 0b11',
    changes: { MDCR_EL2: 3n << 12n },
    names: 'PMBLIMITR_EL1 PMBPTR_EL1 PMBSR_EL1',
    reads: 'allowed',
  },
  {
    of: 'TPMS',
    changes: { MDCR_EL2: bit(14) },
    names: 'PMSCR_EL1 PMSFCR_EL1 PMSIDR_EL1',
    reads: TRAP_EL2,
  },
  {
    of: 'E2TB = 0b10',
    changes: { MDCR_EL2: 2n << 24n },
    names: 'TRBLIMITR_EL1 TRBSR_EL1 TRBTRG_EL1',
    writes: TRAP_EL2,
  },
  {
    of: 'TTRF',
    changes: { MDCR_EL2: bit(19) },
    names: 'TRFCR_EL1',
    reads: TRAP_EL2,
    writes: TRAP_EL2,
  },
  // HCR_EL2.
  { of: 'TVM', changes: hcr(26), names: virtualMemory, reads: 'allowed', writes: TRAP_EL2 },
  { of: 'TRVM', changes: hcr(30), names: virtualMemory, reads: TRAP_EL2, writes: 'allowed' },
  { of: 'TVM', changes: hcr(26), names: 'VBAR_EL1 CPACR_EL1 PAR_EL1', writes: 'allowed' },
  { of: 'TID1', changes: hcr(16), names: 'REVIDR_EL1 AIDR_EL1', reads: TRAP_EL2 },
  { of: 'TID1', changes: hcr(16), names: 'MIDR_EL1 MPIDR_EL1', reads: 'allowed' },
  {
    of: 'TID2',
    changes: hcr(17),
    names: 'CTR_EL0 CCSIDR_EL1 CLIDR_EL1 CSSELR_EL1',
    reads: TRAP_EL2,
  },
  { of: 'TID2 at EL0', changes: { el: 0, ...hcr(17) }, names: 'CTR_EL0', reads: TRAP_EL2 },
  {
    of: 'TID3',
    changes: hcr(18),
    names: 'ID_AA64DFR0_EL1 ID_AA64PFR0_EL1 ID_PFR0_EL1 MVFR0_EL1 ID_AA64MMFR2_EL1',
    reads: TRAP_EL2,
  },
  { of: 'TID3', changes: hcr(18), names: 'MIDR_EL1 MPIDR_EL1 CTR_EL0', reads: 'allowed' },
  { of: 'TACR', changes: hcr(21), names: 'ACTLR_EL1', reads: TRAP_EL2, writes: TRAP_EL2 },
  { of: 'TSW', changes: hcr(22), names: 'dc ISW,dc CSW,dc CISW', writes: TRAP_EL2 },
  { of: 'TPC', changes: hcr(23), names: 'dc IVAC,dc CVAC,dc CIVAC', writes: TRAP_EL2 },
  { of: 'TPC', changes: hcr(23), names: 'dc CVAU,dc ZVA,dc ISW,ic IVAU', writes: 'allowed' },
  { of: 'TPU', changes: hcr(24), names: 'dc CVAU,ic IVAU,ic IALLU,ic IALLUIS', writes: TRAP_EL2 },
  { of: 'TTLB', changes: hcr(25), names: 'tlbi VMALLE1,tlbi VAE1IS', writes: TRAP_EL2 },
  { of: 'TTLB at EL2', changes: { el: 2, ...hcr(25) }, names: 'tlbi VAE1', writes: 'allowed' },
  { of: 'TDZ', changes: hcr(28), names: 'dc ZVA', writes: TRAP_EL2 },
  { of: 'TDZ at EL0', changes: { el: 0, ...hcr(28) }, names: 'dc ZVA', writes: TRAP_EL2 },
  {
    of: 'EL1 instructions at EL0',
    changes: { el: 0 },
    names: 'dc IVAC,dc CISW,ic IALLU,tlbi VMALLE1,at S1E1R',
    writes: 'undefined',
  },
  {
    of: 'EL2 instructions at EL1',
    changes: {},
    names: 'tlbi ALLE2,tlbi IPAS2E1,at S1E2R,at S12E1R',
    writes: 'undefined',
  },
  { of: 'AT at EL1', changes: {}, names: 'at S1E1R,at S1E0W', writes: 'allowed' },
  // CPTR_EL2 and CPACR_EL1.
  {
    of: 'TCPAC',
    changes: { CPTR_EL2: 0x33ffn | bit(31) },
    names: 'CPACR_EL1',
    reads: TRAP_EL2,
    writes: TRAP_EL2,
  },
  { of: 'FPEN = 0b00', changes: { CPACR_EL1: 0n }, names: 'FPCR FPSR', reads: 'EL1 EC 0x7' },
  {
    of: 'FPEN = 0b00 at EL0',
    changes: { el: 0, CPACR_EL1: 0n },
    names: 'FPCR FPSR',
    writes: 'EL1 EC 0x7',
  },
  {
    of: 'FPEN = 0b01 at EL0',
    changes: { el: 0, CPACR_EL1: bit(20) },
    names: 'FPCR',
    reads: 'EL1 EC 0x7',
  },
  { of: 'FPEN = 0b01', changes: { CPACR_EL1: bit(20) }, names: 'FPCR', reads: 'allowed' },
  { of: 'FPEN = 0b10', changes: { CPACR_EL1: bit(21) }, names: 'FPCR', reads: 'EL1 EC 0x7' },
  {
    of: 'FPEN = 0b00 at EL0 with TGE',
    changes: { el: 0, CPACR_EL1: 0n, ...hcr(27) },
    names: 'FPCR',
    reads: 'EL2 EC 0x0',
  },
  { of: 'TFP', changes: { CPTR_EL2: 0x37ffn }, names: 'FPCR FPSR', reads: 'EL2 EC 0x7' },
  { of: 'TFP at EL0', changes: { el: 0, CPTR_EL2: 0x37ffn }, names: 'FPCR', reads: 'EL2 EC 0x7' },
  { of: 'TFP at EL2', changes: { el: 2, CPTR_EL2: 0x37ffn }, names: 'FPCR', reads: 'EL2 EC 0x7' },
  {
    of: 'FPEN outranks TFP',
    changes: { CPACR_EL1: 0n, CPTR_EL2: 0x37ffn },
    names: 'FPCR',
    reads: 'EL1 EC 0x7',
  },
  { of: 'FPEN at EL2', changes: { el: 2, CPACR_EL1: 0n }, names: 'FPCR', reads: 'allowed' },
  // FEAT_FGT: the four kinds of comparator registers without MDSCR_EL1.
  {
    of: 'HDFGxTR_EL2[3:0]',
    changes: { fineGrained: { ...noFineGrainedTraps, HDFGRTR_EL2: 15n, HDFGWTR_EL2: 15n } },
    names: 'DBGBCR0_EL1 DBGBVR5_EL1 DBGWCR0_EL1 DBGWVR3_EL1',
    reads: TRAP_EL2,
    writes: TRAP_EL2,
  },
  {
    of: 'HDFGxTR_EL2[3:0], the others',
    changes: { fineGrained: { ...noFineGrainedTraps, HDFGRTR_EL2: 15n, HDFGWTR_EL2: 15n } },
    names: 'MDSCR_EL1 OSDLR_EL1 DBGCLAIMSET_EL1 MDCCINT_EL1',
    reads: 'allowed',
    writes: 'allowed',
  },
  {
    of: 'HDFGWTR_EL2 does not trap reads',
    changes: { fineGrained: { ...noFineGrainedTraps, HDFGWTR_EL2: bit(4) } },
    names: 'MDSCR_EL1',
    reads: 'allowed',
    writes: TRAP_EL2,
  },
  {
    of: 'HFGITR_EL2.DCCIVAC',
    changes: { fineGrained: { ...noFineGrainedTraps, HFGITR_EL2: bit(10) } },
    names: 'dc CIVAC',
    writes: TRAP_EL2,
  },
];

describe('Access rules', () => {
  for (const { of, changes, names, reads, writes } of cases) {
    for (const name of names.includes(',') || /^[a-z]+ /.test(names)
      ? names.split(',')
      : names.split(' ')) {
      const expected = [reads && `reads ${reads}`, writes && `writes ${writes}`];
      it(`${of}: ${name} ${expected.filter(Boolean).join(', ')}`, () => {
        if (reads !== undefined) assert.equal(outcome(name, 'read', changes), reads);
        if (writes !== undefined) assert.equal(outcome(name, 'write', changes), writes);
      });
    }
  }

  it('nothing traps at EL1 or EL2 while every trap is clear', () => {
    const traps = activeTraps(open);
    for (const { reg } of implementedRegisters(v8_0).all) {
      for (const el of [1, 2] as const) {
        if (reg.minEL > el) continue;
        const direction = reg.access === 'WO' ? 'write' : 'read';
        assert.equal(accessCode(reg, direction, el, 1, traps), ACCESS_ALLOWED, reg.name);
      }
    }
  });

  it('the syndrome names the register, the direction and Rt', () => {
    const state = { ...open, MDCR_EL2: bit(9) };
    assert.deepEqual(access(register('MDSCR_EL1'), 'read', state, 0), {
      kind: 'trapped',
      targetEL: 2,
      EC: 0x18,
      ISS: 0x240005,
    });
    assert.deepEqual(access(register('DBGBCR2_EL1'), 'write', state, 17), {
      kind: 'trapped',
      targetEL: 2,
      EC: 0x18,
      ISS: 0x2a0004 | (17 << 5),
    });
  });

  it('an FP trap has CV = 1 and COND = 0b1110', () => {
    assert.deepEqual(access(register('FPCR'), 'read', { ...open, CPACR_EL1: 0n }), {
      kind: 'trapped',
      targetEL: 1,
      EC: 0x07,
      ISS: 0x1e00000,
    });
  });

  it('DAIFSet and DAIFClr follow UMA at EL0 only', () => {
    const without = activeTraps({ ...open, SCTLR_EL1: 0n });
    assert.equal(daifImmediateAccessCode(0, activeTraps(open)), ACCESS_ALLOWED);
    assert.equal(daifImmediateAccessCode(0, without), ACCESS_TRAP_EL1);
    assert.equal(daifImmediateAccessCode(1, without), ACCESS_ALLOWED);
    const toEL2 = activeTraps({ ...open, SCTLR_EL1: 0n, ...hcr(27) });
    assert.equal(daifImmediateAccessCode(0, toEL2), ACCESS_TRAP_EL2);
  });

  it('TIDCP traps IMPLEMENTATION DEFINED encodings from EL1', () => {
    const encoding = parseGenericName('S3_1_C15_C2_0') ?? assert.fail();
    const other = parseGenericName('S3_1_C14_C2_0') ?? assert.fail();
    const traps = activeTraps({ ...open, ...hcr(20) });
    assert.equal(unimplementedAccessCode(encoding, 1, traps), ACCESS_TRAP_EL2);
    assert.equal(unimplementedAccessCode(encoding, 0, traps), ACCESS_UNDEFINED);
    assert.equal(unimplementedAccessCode(encoding, 2, traps), ACCESS_UNDEFINED);
    assert.equal(unimplementedAccessCode(other, 1, traps), ACCESS_UNDEFINED);
    assert.equal(unimplementedAccessCode(encoding, 1, activeTraps(open)), ACCESS_UNDEFINED);
  });
});

describe('Fine-grained traps', () => {
  /** Bits of HDFGRTR_EL2 and HDFGWTR_EL2, from their pages. */
  const table = [
    ['DBGBCR0_EL1', 0, 0],
    ['DBGBVR15_EL1', 1, 1],
    ['DBGWCR1_EL1', 2, 2],
    ['DBGWVR2_EL1', 3, 3],
    ['MDSCR_EL1', 4, 4],
    ['DBGCLAIMSET_EL1', 5, 5],
    ['DBGCLAIMCLR_EL1', 5, 5],
    ['DBGAUTHSTATUS_EL1', 6, undefined],
    ['DBGPRCR_EL1', 7, 7],
    ['OSLAR_EL1', undefined, 8],
    ['OSLSR_EL1', 9, undefined],
    ['OSECCR_EL1', 10, 10],
    ['OSDLR_EL1', 11, 11],
    ['PMBLIMITR_EL1', 23, 23],
    ['PMBPTR_EL1', 24, 24],
    ['PMBSR_EL1', 25, 25],
    ['PMSCR_EL1', 26, 26],
    ['PMSEVFR_EL1', 27, 27],
    ['PMSFCR_EL1', 28, 28],
    ['PMSICR_EL1', 29, 29],
    ['PMSIDR_EL1', 30, undefined],
    ['PMSIRR_EL1', 31, 31],
    ['PMSLATFR_EL1', 32, 32],
    ['TRBBASER_EL1', 50, 50],
    ['TRBIDR_EL1', 51, undefined],
    ['TRBLIMITR_EL1', 52, 52],
    ['TRBMAR_EL1', 53, 53],
    ['TRBPTR_EL1', 54, 54],
    ['TRBSR_EL1', 55, 55],
    ['TRBTRG_EL1', 56, 56],
    ['PMBIDR_EL1', 63, undefined],
    ['MDCCINT_EL1', undefined, undefined],
    ['MDRAR_EL1', undefined, undefined],
    ['TRFCR_EL1', undefined, 49],
  ] as const;
  for (const [name, read, write] of table) {
    it(`${name}: HDFGRTR_EL2[${read ?? '-'}], HDFGWTR_EL2[${write ?? '-'}]`, () => {
      assert.equal(fineGrainedTrap(register(name), 'read')?.bit, read);
      assert.equal(fineGrainedTrap(register(name), 'write')?.bit, write);
    });
  }
});
