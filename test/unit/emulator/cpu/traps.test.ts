/**
 * Every control of traps takes what the Arm ARM says it takes, with its EC, ISS and target, and nothing else:
 * each row is compared with what changes among all accesses that the processor has, at EL0 and EL1.
 */
import assert from 'node:assert/strict';
import { requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { implementedRegisters } from '../../../../emulator/sysregs/definitions.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import type { ProcessorProfile } from '../../../../emulator/sysregs/processor-model.ts';
import { instructionsOf } from '../../../../emulator/sysregs/system-instructions.ts';
import { mrsOpcode, msrOpcode } from '../../../../emulator/sysregs/sysreg.ts';
import { AccessProbe, outcomeText, PROBE_DATA } from '../../../support/access-probe.ts';

const everything: ProcessorProfile = {
  ...v8_0,
  name: 'everything',
  model: requireCpuModel('max-supported'),
  FEAT_FGT: true,
  FEAT_SPE: true,
  FEAT_TRF: true,
  FEAT_TRBE: true,
  FEAT_GICv3: true,
};

const bit = (position: number): bigint => 1n << BigInt(position);

/** Nothing traps: enables are set, traps are clear, EL1 owns the buffers. */
const OPEN: Readonly<Record<string, bigint>> = {
  HCR_EL2: bit(31) | bit(40) | bit(41), // RW, APK, API
  MDCR_EL2: (3n << 12n) | (3n << 24n) | 6n, // E2PB, E2TB, HPMN
  CPTR_EL2: 0x33ffn,
  CNTHCTL_EL2: 3n,
  CNTKCTL_EL1: 0x303n,
  // UCI, nTWE, nTWI, UCT, DZE, UMA
  SCTLR_EL1: bit(26) | bit(18) | bit(16) | bit(15) | bit(14) | bit(9),
  CPACR_EL1: 3n << 20n,
  PMUSERENR_EL0: 0xfn,
  ICC_SRE_EL2: 0xfn,
};

/** What is executed, by its name: `R SCTLR_EL1`, `W SCTLR_EL1`, `dc civac`, `svc`. */
const words = new Map<string, number>();
const registers = implementedRegisters(everything);
for (const { reg } of [...registers.all, ...registers.aliases]) {
  if (reg.access !== 'WO') words.set(`R ${reg.name}`, mrsOpcode(reg, 0));
  if (reg.access !== 'RO') words.set(`W ${reg.name}`, msrOpcode(reg, 0));
}
for (const { kind, name, encoding } of instructionsOf(everything.model.features).values()) {
  words.set(`${kind} ${name.toLowerCase()}`, (0xd5000000 | (encoding << 5)) >>> 0);
}
const OTHERS = {
  fadd: 0x1e602800,
  svc: 0xd4000021,
  hvc: 0xd4000022,
  smc: 0xd4000023,
  wfi: 0xd503207f,
  wfe: 0xd503205f,
  eret: 0xd69f03e0,
  eretaa: 0xd69f0bff,
  eretab: 0xd69f0fff,
  'daifset #0': 0xd50340df,
  'daifclr #0': 0xd50340ff,
  pacia: 0xdac10000,
  xpaci: 0xdac143e0,
  // SYS, MRS and MSR of the IMPLEMENTATION DEFINED space
  'implementation defined sys': 0xd508b000,
  'implementation defined mrs': 0xd538b000,
  'implementation defined msr': 0xd518f000,
} as const;
for (const [name, word] of Object.entries(OTHERS)) words.set(name, word);

const ADDRESSED = /^(dc|ic|at|tlbi) /;

const probe = new AccessProbe(everything);

type Outcomes = ReadonlyMap<string, string>;

/** The outcome of everything at EL0 and EL1. */
function sweep(controls: Readonly<Record<string, bigint>>): Outcomes {
  const outcomes = new Map<string, string>();
  const setUp = { ...OPEN, ...controls };
  probe.reset(setUp);
  const { pe } = probe;
  for (const [name, word] of words) {
    for (const EL of [0, 1] as const) {
      // What the previous one may have written.
      for (const [register, value] of Object.entries(setUp)) {
        if (pe.registers.raw(register) !== value) pe.registers.write(register, value);
      }
      pe.registers.setRaw('SPSR_EL1', 0x3c5n);
      const register = /^W (.*)/.exec(name)?.[1];
      // A write leaves what is there.
      const value =
        register !== undefined && pe.registers.has(register) ? pe.peekRegister(register) : 0n;
      const X0 = ADDRESSED.test(name) ? PROBE_DATA : value;
      outcomes.set(`${name} at EL${EL}`, outcomeText(probe.execute(word, EL, X0)));
    }
  }
  return outcomes;
}

/** Arm ARM, ISS for EC 0x18; Rt is 0. */
function systemAccess(word: number, target: 1 | 2): string {
  const encoding = (word >>> 5) & 0xffff;
  const [op0, op1, CRn, CRm, op2] = [
    (encoding >> 14) & 3,
    (encoding >> 11) & 7,
    (encoding >> 7) & 15,
    (encoding >> 3) & 15,
    encoding & 7,
  ];
  const Rt = word & 31;
  const L = (word >>> 21) & 1;
  const ISS = (op0 << 20) | (op2 << 17) | (op1 << 14) | (CRn << 10) | (Rt << 5) | (CRm << 1) | L;
  return `EL${target} EC 0x18 ISS 0x${ISS.toString(16)}`;
}

interface Row {
  /** As on its page: `HCR_EL2.TVM`. */
  readonly control: string;
  /** What makes it trap. */
  readonly registers: Readonly<Record<string, bigint>>;
  /** Names as in `words`, without the direction for both; `<n>` stands for every number. */
  readonly traps: string;
  /** Default 0 and 1, as far as the access is not UNDEFINED there. */
  readonly ELs?: readonly (0 | 1)[];
  readonly target?: 1 | 2;
  /** Where it is not EC 0x18. */
  readonly outcome?: string;
}

const hcr = (position: number) => ({ HCR_EL2: (OPEN['HCR_EL2'] ?? 0n) | bit(position) });
const hcrWithout = (position: number) => ({ HCR_EL2: (OPEN['HCR_EL2'] ?? 0n) & ~bit(position) });
const mdcr = (position: number) => ({ MDCR_EL2: (OPEN['MDCR_EL2'] ?? 0n) | bit(position) });
const sctlrWithout = (position: number) => ({
  SCTLR_EL1: (OPEN['SCTLR_EL1'] ?? 0n) & ~bit(position),
});
const ich = (position: number) => ({ ICH_HCR_EL2: bit(position) });

const list = (text: string): string[] => text.trim().split(/\s*,\s*|\s*\n\s*/);
const prefixed = (prefix: string, text: string): string =>
  text
    .split(' ')
    .map((name) => `${prefix} ${name}`)
    .join(', ');

const VIRTUAL_MEMORY =
  'SCTLR_EL1 TTBR0_EL1 TTBR1_EL1 TCR_EL1 ESR_EL1 FAR_EL1 AFSR0_EL1 AFSR1_EL1 MAIR_EL1 AMAIR_EL1 CONTEXTIDR_EL1';
const TDA =
  'DBGBVR<n>_EL1, DBGBCR<n>_EL1, DBGWVR<n>_EL1, DBGWCR<n>_EL1, MDSCR_EL1, MDCCINT_EL1, MDCCSR_EL0, OSDTRRX_EL1, OSDTRTX_EL1, OSECCR_EL1, DBGDTR_EL0, DBGDTRRX_EL0, DBGDTRTX_EL0, DBGCLAIMSET_EL1, DBGCLAIMCLR_EL1, DBGAUTHSTATUS_EL1';
const TDOSA = 'OSLAR_EL1, OSLSR_EL1, OSDLR_EL1, DBGPRCR_EL1';
const PMU =
  'PMCR_EL0, PMCNTENSET_EL0, PMCNTENCLR_EL0, PMOVSSET_EL0, PMOVSCLR_EL0, PMINTENSET_EL1, PMINTENCLR_EL1, PMSWINC_EL0, PMSELR_EL0, PMCEID0_EL0, PMCEID1_EL0, PMCCNTR_EL0, PMCCFILTR_EL0, PMXEVTYPER_EL0, PMXEVCNTR_EL0, PMUSERENR_EL0, PMEVCNTR<n>_EL0, PMEVTYPER<n>_EL0';
const FP_TRAP = (target: 1 | 2): string => `EL${target} EC 0x7 ISS 0x1e00000`;
const POINTER_KEYS = 'IA IB DA DB GA'
  .split(' ')
  .flatMap((key) => [`AP${key}KeyLo_EL1`, `AP${key}KeyHi_EL1`])
  .join(', ');

const rows: readonly Row[] = [
  // HCR_EL2
  { control: 'HCR_EL2.TID1', registers: hcr(16), traps: 'R REVIDR_EL1, R AIDR_EL1' },
  {
    control: 'HCR_EL2.TID2',
    registers: hcr(17),
    traps: 'CTR_EL0, CCSIDR_EL1, CLIDR_EL1, CSSELR_EL1',
  },
  { control: 'HCR_EL2.TID3', registers: hcr(18), traps: 'ID space' },
  {
    control: 'HCR_EL2.TSC',
    registers: hcr(19),
    traps: 'smc',
    ELs: [1],
    outcome: 'EL2 EC 0x17 ISS 0x1',
  },
  {
    control: 'HCR_EL2.TIDCP',
    registers: hcr(20),
    traps: 'implementation defined sys, implementation defined mrs, implementation defined msr',
    ELs: [1],
  },
  { control: 'HCR_EL2.TACR', registers: hcr(21), traps: 'ACTLR_EL1' },
  { control: 'HCR_EL2.TSW', registers: hcr(22), traps: 'dc isw, dc csw, dc cisw' },
  { control: 'HCR_EL2.TPCP', registers: hcr(23), traps: 'dc ivac, dc cvac, dc civac' },
  { control: 'HCR_EL2.TPU', registers: hcr(24), traps: 'ic ialluis, ic iallu, ic ivau, dc cvau' },
  { control: 'HCR_EL2.TTLB', registers: hcr(25), traps: 'TLBI of EL1' },
  { control: 'HCR_EL2.TVM', registers: hcr(26), traps: prefixed('W', VIRTUAL_MEMORY) },
  { control: 'HCR_EL2.TRVM', registers: hcr(30), traps: prefixed('R', VIRTUAL_MEMORY) },
  { control: 'HCR_EL2.TDZ', registers: hcr(28), traps: 'dc zva' },
  {
    control: 'HCR_EL2.HCD',
    registers: hcr(29),
    traps: 'hvc',
    ELs: [1],
    outcome: 'EL1 EC 0x0',
  },
  {
    control: 'HCR_EL2.TLOR',
    registers: hcr(35),
    traps: 'LORSA_EL1, LOREA_EL1, LORN_EL1, LORC_EL1, LORID_EL1',
  },
  { control: 'HCR_EL2.APK = 0', registers: hcrWithout(40), traps: POINTER_KEYS },
  {
    control: 'HCR_EL2.TWI',
    registers: hcr(13),
    traps: 'wfi',
    outcome: 'EL2 EC 0x1 ISS 0x1e00000',
  },
  {
    control: 'HCR_EL2.TWE',
    registers: hcr(14),
    traps: 'wfe',
    outcome: 'EL2 EC 0x1 ISS 0x1e00001',
  },
  // Bits that trap nothing: VM and SWIO aside they change other things.
  ...([1, 2, 9, 10, 11, 5, 32, 33] as const).map((position): Row => ({
    control: `HCR_EL2[${position}]`,
    registers: hcr(position),
    traps: '',
  })),
  ...([3, 4] as const).map((position): Row => ({
    control: position === 3 ? 'HCR_EL2.FMO' : 'HCR_EL2.IMO',
    registers: hcr(position),
    traps: 'ICC_SGI0R_EL1, ICC_SGI1R_EL1, ICC_ASGI1R_EL1',
  })),
  // CPTR_EL2 and CPACR_EL1
  { control: 'CPTR_EL2.TCPAC', registers: { CPTR_EL2: 0x33ffn | bit(31) }, traps: 'CPACR_EL1' },
  {
    control: 'CPTR_EL2.TFP',
    registers: { CPTR_EL2: 0x33ffn | bit(10) },
    traps: 'fadd, FPCR, FPSR',
    outcome: FP_TRAP(2),
  },
  {
    control: 'CPACR_EL1.FPEN = 0b01',
    registers: { CPACR_EL1: 1n << 20n },
    traps: 'fadd, FPCR, FPSR',
    ELs: [0],
    outcome: FP_TRAP(1),
  },
  ...[0n, 2n].map((FPEN): Row => ({
    control: `CPACR_EL1.FPEN = 0b${FPEN === 0n ? '00' : '10'}`,
    registers: { CPACR_EL1: FPEN << 20n },
    traps: 'fadd, FPCR, FPSR',
    outcome: FP_TRAP(1),
  })),
  {
    control: 'CPACR_EL1.FPEN before CPTR_EL2.TFP',
    registers: { CPACR_EL1: 0n, CPTR_EL2: 0x37ffn },
    traps: 'fadd, FPCR, FPSR',
    outcome: FP_TRAP(1),
  },
  // HSTR_EL2 traps AArch32 alone.
  { control: 'HSTR_EL2', registers: { HSTR_EL2: 0xffffn }, traps: '' },
  // MDCR_EL2
  { control: 'MDCR_EL2.TPMCR', registers: mdcr(5), traps: 'PMCR_EL0' },
  { control: 'MDCR_EL2.TPM', registers: mdcr(6), traps: PMU },
  { control: 'MDCR_EL2.TDE', registers: mdcr(8), traps: `${TDA}, ${TDOSA}, MDRAR_EL1` },
  { control: 'MDCR_EL2.TDA', registers: mdcr(9), traps: TDA },
  { control: 'MDCR_EL2.TDOSA', registers: mdcr(10), traps: TDOSA },
  { control: 'MDCR_EL2.TDRA', registers: mdcr(11), traps: 'MDRAR_EL1' },
  {
    control: 'MDCR_EL2.TPMS',
    registers: mdcr(14),
    traps: 'PMSCR_EL1, PMSICR_EL1, PMSIRR_EL1, PMSFCR_EL1, PMSEVFR_EL1, PMSLATFR_EL1, PMSIDR_EL1',
  },
  { control: 'MDCR_EL2.TTRF', registers: mdcr(19), traps: 'TRFCR_EL1' },
  {
    control: 'MDCR_EL2.TDCC',
    registers: mdcr(27),
    traps:
      'MDCCSR_EL0, MDCCINT_EL1, OSDTRRX_EL1, OSDTRTX_EL1, DBGDTR_EL0, DBGDTRRX_EL0, DBGDTRTX_EL0',
  },
  ...[0n, 2n].flatMap((owner): Row[] => [
    {
      control: `MDCR_EL2.E2PB = 0b${owner === 0n ? '00' : '10'}`,
      registers: { MDCR_EL2: (3n << 24n) | (owner << 12n) | 6n },
      traps: 'PMBLIMITR_EL1, PMBPTR_EL1, PMBSR_EL1',
    },
    {
      control: `MDCR_EL2.E2TB = 0b${owner === 0n ? '00' : '10'}`,
      registers: { MDCR_EL2: (3n << 12n) | (owner << 24n) | 6n },
      traps: 'TRBLIMITR_EL1, TRBPTR_EL1, TRBBASER_EL1, TRBSR_EL1, TRBMAR_EL1, TRBTRG_EL1',
    },
  ]),
  // CNTHCTL_EL2 and CNTKCTL_EL1
  { control: 'CNTHCTL_EL2.EL1PCTEN = 0', registers: { CNTHCTL_EL2: 2n }, traps: 'CNTPCT_EL0' },
  {
    control: 'CNTHCTL_EL2.EL1PCEN = 0',
    registers: { CNTHCTL_EL2: 1n },
    traps: 'CNTP_CTL_EL0, CNTP_CVAL_EL0, CNTP_TVAL_EL0',
  },
  {
    control: 'CNTKCTL_EL1.EL0PCTEN = 0',
    registers: { CNTKCTL_EL1: 0x302n },
    traps: 'CNTPCT_EL0',
    ELs: [0],
    target: 1,
  },
  {
    control: 'CNTKCTL_EL1.EL0VCTEN = 0',
    registers: { CNTKCTL_EL1: 0x301n },
    traps: 'CNTVCT_EL0',
    ELs: [0],
    target: 1,
  },
  {
    control: 'CNTKCTL_EL1.EL0PCTEN and EL0VCTEN = 0',
    registers: { CNTKCTL_EL1: 0x300n },
    traps: 'CNTPCT_EL0, CNTVCT_EL0, R CNTFRQ_EL0',
    ELs: [0],
    target: 1,
  },
  {
    control: 'CNTKCTL_EL1.EL0PTEN = 0',
    registers: { CNTKCTL_EL1: 0x103n },
    traps: 'CNTP_CTL_EL0, CNTP_CVAL_EL0, CNTP_TVAL_EL0',
    ELs: [0],
    target: 1,
  },
  {
    control: 'CNTKCTL_EL1.EL0VTEN = 0',
    registers: { CNTKCTL_EL1: 0x203n },
    traps: 'CNTV_CTL_EL0, CNTV_CVAL_EL0, CNTV_TVAL_EL0',
    ELs: [0],
    target: 1,
  },
  {
    control: 'CNTKCTL_EL1.EL0PCTEN = 0 before CNTHCTL_EL2.EL1PCTEN = 0',
    registers: { CNTKCTL_EL1: 0x302n, CNTHCTL_EL2: 3n },
    traps: 'CNTPCT_EL0',
    ELs: [0],
    target: 1,
  },
  // SCTLR_EL1
  {
    control: 'SCTLR_EL1.UMA = 0',
    registers: sctlrWithout(9),
    traps: 'DAIF, daifset #0, daifclr #0',
    ELs: [0],
    target: 1,
  },
  {
    control: 'SCTLR_EL1.DZE = 0',
    registers: sctlrWithout(14),
    traps: 'dc zva',
    ELs: [0],
    target: 1,
  },
  {
    control: 'SCTLR_EL1.UCT = 0',
    registers: sctlrWithout(15),
    traps: 'CTR_EL0',
    ELs: [0],
    target: 1,
  },
  {
    control: 'SCTLR_EL1.nTWI = 0',
    registers: sctlrWithout(16),
    traps: 'wfi',
    ELs: [0],
    outcome: 'EL1 EC 0x1 ISS 0x1e00000',
  },
  {
    control: 'SCTLR_EL1.nTWE = 0',
    registers: sctlrWithout(18),
    traps: 'wfe',
    ELs: [0],
    outcome: 'EL1 EC 0x1 ISS 0x1e00001',
  },
  {
    control: 'SCTLR_EL1.UCI = 0',
    registers: sctlrWithout(26),
    traps: 'dc cvau, dc cvac, dc civac, ic ivau',
    ELs: [0],
    target: 1,
  },
  // MDSCR_EL1 and PMUSERENR_EL0
  {
    control: 'MDSCR_EL1.TDCC',
    registers: { MDSCR_EL1: bit(12) },
    traps: 'MDCCSR_EL0, DBGDTR_EL0, DBGDTRRX_EL0, DBGDTRTX_EL0',
    ELs: [0],
    target: 1,
  },
  ...(
    [
      ['EN and its relatives', 0n, []],
      ['SW', 2n, ['W PMSWINC_EL0']],
      ['CR', 4n, ['R PMCCNTR_EL0']],
      ['ER', 8n, ['R PMEVCNTR<n>_EL0', 'R PMXEVCNTR_EL0', 'PMSELR_EL0']],
    ] as const
  ).map(([field, value, allowed]): Row => ({
    control: `PMUSERENR_EL0 with ${field === 'EN and its relatives' ? 'nothing' : field} set`,
    registers: { PMUSERENR_EL0: value },
    traps: `all of EL0 in ${PMU} but ${allowed.join(', ')}`,
    ELs: [0],
    target: 1,
  })),
  // The CPU interface of a GICv3
  {
    control: 'ICH_HCR_EL2.TC',
    registers: ich(10),
    traps:
      'ICC_SGI0R_EL1, ICC_SGI1R_EL1, ICC_ASGI1R_EL1, ICC_CTLR_EL1, ICC_DIR_EL1, ICC_PMR_EL1, ICC_RPR_EL1',
  },
  {
    control: 'ICH_HCR_EL2.TALL0',
    registers: ich(11),
    traps:
      'ICC_AP0R0_EL1, ICC_BPR0_EL1, ICC_EOIR0_EL1, ICC_HPPIR0_EL1, ICC_IAR0_EL1, ICC_IGRPEN0_EL1',
  },
  {
    control: 'ICH_HCR_EL2.TALL1',
    registers: ich(12),
    traps:
      'ICC_AP1R0_EL1, ICC_BPR1_EL1, ICC_EOIR1_EL1, ICC_HPPIR1_EL1, ICC_IAR1_EL1, ICC_IGRPEN1_EL1',
  },
  { control: 'ICH_HCR_EL2.TDIR', registers: ich(14), traps: 'ICC_DIR_EL1' },
  { control: 'ICC_SRE_EL2.Enable = 0', registers: { ICC_SRE_EL2: 7n }, traps: 'ICC_SRE_EL1' },
];

/** Bits of the fine-grained traps, in the order of the Arm ARM's pages. */
const READ_TRAPS: readonly (readonly [number, string])[] = list(
  `AFSR0_EL1 AFSR1_EL1 AIDR_EL1 AMAIR_EL1 APDAKey APDBKey APGAKey APIAKey APIBKey CCSIDR_EL1 CLIDR_EL1
  CONTEXTIDR_EL1 CPACR_EL1 CSSELR_EL1 CTR_EL0 DCZID_EL0 ESR_EL1 FAR_EL1 ISR_EL1 LORC_EL1 LOREA_EL1 LORID_EL1
  LORN_EL1 LORSA_EL1 MAIR_EL1 MIDR_EL1 MPIDR_EL1 PAR_EL1 REVIDR_EL1 SCTLR_EL1 - - TCR_EL1 TPIDR_EL1 TPIDRRO_EL0
  TPIDR_EL0 TTBR0_EL1 TTBR1_EL1 VBAR_EL1 ICC_IGRPEN`,
)
  .join(' ')
  .split(/\s+/)
  .map((name, position) => [position, name] as const);
const DEBUG_TRAPS: readonly (readonly [number, string])[] = [
  [0, 'DBGBCR<n>_EL1'],
  [1, 'DBGBVR<n>_EL1'],
  [2, 'DBGWCR<n>_EL1'],
  [3, 'DBGWVR<n>_EL1'],
  [4, 'MDSCR_EL1'],
  [5, 'DBGCLAIMSET_EL1, DBGCLAIMCLR_EL1'],
  [6, 'DBGAUTHSTATUS_EL1'],
  [7, 'DBGPRCR_EL1'],
  [8, 'OSLAR_EL1'],
  [9, 'OSLSR_EL1'],
  [10, 'OSECCR_EL1'],
  [11, 'OSDLR_EL1'],
  [12, 'PMEVCNTR<n>_EL0, PMXEVCNTR_EL0'],
  [13, 'PMEVTYPER<n>_EL0, PMXEVTYPER_EL0'],
  [14, 'PMCCFILTR_EL0'],
  [15, 'PMCCNTR_EL0'],
  [16, 'PMCNTENSET_EL0, PMCNTENCLR_EL0'],
  [17, 'PMINTENSET_EL1, PMINTENCLR_EL1'],
  [18, 'PMOVSSET_EL0, PMOVSCLR_EL0'],
  [19, 'PMSELR_EL0'],
  [20, 'PMSWINC_EL0'],
  [23, 'PMBLIMITR_EL1'],
  [24, 'PMBPTR_EL1'],
  [25, 'PMBSR_EL1'],
  [26, 'PMSCR_EL1'],
  [27, 'PMSEVFR_EL1'],
  [28, 'PMSFCR_EL1'],
  [29, 'PMSICR_EL1'],
  [30, 'PMSIDR_EL1'],
  [31, 'PMSIRR_EL1'],
  [32, 'PMSLATFR_EL1'],
  [50, 'TRBBASER_EL1'],
  [51, 'TRBIDR_EL1'],
  [52, 'TRBLIMITR_EL1'],
  [53, 'TRBMAR_EL1'],
  [54, 'TRBPTR_EL1'],
  [55, 'TRBSR_EL1'],
  [56, 'TRBTRG_EL1'],
  [57, 'PMUSERENR_EL0'],
  [58, 'PMCEID0_EL0, PMCEID1_EL0'],
  [63, 'PMBIDR_EL1'],
];
/** Of HDFGWTR_EL2 alone. */
const DEBUG_WRITE_TRAPS = [
  [21, 'PMCR_EL0'],
  [49, 'TRFCR_EL1'],
] as const;
const INSTRUCTION_TRAPS: readonly (readonly [number, string])[] = [
  [0, 'ic ialluis'],
  [1, 'ic iallu'],
  [2, 'ic ivau'],
  [3, 'dc ivac'],
  [4, 'dc isw'],
  [5, 'dc csw'],
  [6, 'dc cisw'],
  [7, 'dc cvau'],
  [10, 'dc civac'],
  [11, 'dc zva'],
  [12, 'at s1e1r'],
  [13, 'at s1e1w'],
  [14, 'at s1e0r'],
  [15, 'at s1e0w'],
  [16, 'at s1e1rp'],
  [17, 'at s1e1wp'],
  [18, 'tlbi vmalle1os'],
  [19, 'tlbi vae1os'],
  [20, 'tlbi aside1os'],
  [21, 'tlbi vaae1os'],
  [22, 'tlbi vale1os'],
  [23, 'tlbi vaale1os'],
  [24, 'tlbi rvae1os'],
  [25, 'tlbi rvaae1os'],
  [26, 'tlbi rvale1os'],
  [27, 'tlbi rvaale1os'],
  [28, 'tlbi vmalle1is'],
  [29, 'tlbi vae1is'],
  [30, 'tlbi aside1is'],
  [31, 'tlbi vaae1is'],
  [32, 'tlbi vale1is'],
  [33, 'tlbi vaale1is'],
  [34, 'tlbi rvae1is'],
  [35, 'tlbi rvaae1is'],
  [36, 'tlbi rvale1is'],
  [37, 'tlbi rvaale1is'],
  [38, 'tlbi rvae1'],
  [39, 'tlbi rvaae1'],
  [40, 'tlbi rvale1'],
  [41, 'tlbi rvaale1'],
  [42, 'tlbi vmalle1'],
  [43, 'tlbi vae1'],
  [44, 'tlbi aside1'],
  [45, 'tlbi vaae1'],
  [46, 'tlbi vale1'],
  [47, 'tlbi vaale1'],
  [54, 'dc cvac'],
];

function fineGrained(
  register: string,
  position: number,
  names: string,
  direction: 'R' | 'W' | '',
): Row {
  const traps = list(names)
    .flatMap((name) => {
      if (/^AP..Key$/.test(name)) return [`${name}Lo_EL1`, `${name}Hi_EL1`];
      return name === 'ICC_IGRPEN' ? ['ICC_IGRPEN0_EL1', 'ICC_IGRPEN1_EL1'] : [name];
    })
    .map((name) => (direction === '' ? name : `${direction} ${name}`))
    .join(', ');
  return { control: `${register}[${position}]`, registers: { [register]: bit(position) }, traps };
}

const fineGrainedRows: readonly Row[] = [
  ...READ_TRAPS.filter(([, name]) => name !== '-').flatMap(([position, name]) => [
    fineGrained('HFGRTR_EL2', position, name, 'R'),
    fineGrained('HFGWTR_EL2', position, name, 'W'),
  ]),
  ...DEBUG_TRAPS.flatMap(([position, name]) => [
    fineGrained('HDFGRTR_EL2', position, name, 'R'),
    fineGrained('HDFGWTR_EL2', position, name, 'W'),
  ]),
  ...DEBUG_WRITE_TRAPS.map(([position, name]) => fineGrained('HDFGWTR_EL2', position, name, 'W')),
  ...INSTRUCTION_TRAPS.map(([position, name]) => fineGrained('HFGITR_EL2', position, name, '')),
  ...([0, 1] as const).map((EL): Row => ({
    control: `HFGITR_EL2.SVC_EL${EL}`,
    registers: { HFGITR_EL2: bit(52 + EL) },
    traps: 'svc',
    ELs: [EL],
    outcome: 'EL2 EC 0x15 ISS 0x1',
  })),
];

/** The names among `words` that a row speaks of. */
function expand(traps: string): string[] {
  if (traps === '') return [];
  const but = /^all of EL0 in (.*) but ?(.*)$/.exec(traps);
  if (but?.[1] !== undefined) {
    const allowed = new Set(expand(but[2] ?? ''));
    // PMUSERENR_EL0 itself can always be read.
    allowed.add('R PMUSERENR_EL0');
    return expand(but[1]).filter((name) => !allowed.has(name));
  }
  return list(traps).flatMap((name) => {
    if (name === 'ID space') {
      return [...words.keys()].filter((key) => {
        const register = registers.byName(key.slice(2))?.reg;
        if (register === undefined || !key.startsWith('R ')) return false;
        const { op0, op1, CRn, CRm } = register;
        return op0 === 3 && op1 === 0 && CRn === 0 && CRm >= 1 && CRm <= 7;
      });
    }
    if (name === 'TLBI of EL1') {
      return [...words.keys()].filter(
        (key) => /^tlbi (vmalle1|r?va|aside1).*/.test(key) && !/e2/.test(key),
      );
    }
    if (name.includes('<n>')) {
      const [before = '', after = ''] = name.split('<n>');
      const pattern = new RegExp(`^${/^[RW] /.test(name) ? '' : '[RW] '}${before}\\d+${after}$`);
      return [...words.keys()].filter((key) => pattern.test(key));
    }
    if (words.has(name)) return [name];
    return [`R ${name}`, `W ${name}`].filter((key) => words.has(key));
  });
}

describe('Traps', function () {
  this.timeout(20_000);
  let open: Outcomes;
  before(() => {
    open = sweep({});
  });

  function check({ control, registers: values, traps, ELs = [0, 1], target = 2, outcome }: Row) {
    const changed = new Map<string, string>();
    for (const [name, result] of sweep(values)) {
      if (open.get(name) !== result) changed.set(name, result);
    }
    const expected = new Map<string, string>();
    for (const name of expand(traps)) {
      const word = words.get(name) ?? 0;
      for (const EL of ELs) {
        const key = `${name} at EL${EL}`;
        // What is UNDEFINED stays so, but for what is trapped because it is.
        const isUndefined = open.get(key) === 'EL1 EC 0x0';
        if (isUndefined && !/^(smc|implementation)/.test(name)) continue;
        expected.set(key, outcome ?? systemAccess(word, target));
      }
    }
    const sorted = (map: Outcomes): string[] => [...map].map(([k, v]) => `${k}: ${v}`).sort();
    assert.deepEqual(sorted(changed), sorted(expected), control);
  }

  it('allow what is not controlled', () => {
    const refused = [...open].filter(([, outcome]) => !/^executed|EC 0x0$/.test(outcome));
    assert.deepEqual(refused.map(([name]) => name).sort(), [
      'hvc at EL1',
      'svc at EL0',
      'svc at EL1',
    ]);
  });

  for (const row of rows) {
    it(`by ${row.control}`, () => {
      check(row);
    });
  }

  describe('fine-grained', () => {
    for (const row of fineGrainedRows) {
      it(`by ${row.control}: ${row.traps}`, () => {
        check(row);
      });
    }

    it('by HFGITR_EL2.ERET: ERET, ERETAA and ERETAB at EL1', () => {
      probe.reset({ ...OPEN, HFGITR_EL2: bit(51) });
      const at = (word: number, EL: 0 | 1): string => outcomeText(probe.execute(word, EL));
      assert.equal(at(OTHERS.eret, 1), 'EL2 EC 0x1a');
      assert.equal(at(OTHERS.eretaa, 1), 'EL2 EC 0x1a ISS 0x2');
      assert.equal(at(OTHERS.eretab, 1), 'EL2 EC 0x1a ISS 0x3');
      assert.equal(at(OTHERS.eret, 0), 'EL1 EC 0x0');
    });

    it('of SVC return to the SVC', () => {
      probe.reset({ ...OPEN, HFGITR_EL2: bit(52) });
      const outcome = probe.execute(OTHERS.svc, 0);
      assert.ok(outcome.kind === 'exception' && outcome.returnsToIt);
    });

    it('exist for what is in the tables above, and for nothing else', () => {
      const used = new Map<string, bigint>();
      for (const { registers: values } of fineGrainedRows) {
        for (const [name, value] of Object.entries(values)) {
          used.set(name, (used.get(name) ?? 0n) | value);
        }
      }
      used.set('HFGITR_EL2', (used.get('HFGITR_EL2') ?? 0n) | bit(51));
      for (const [name, bits] of used) {
        const writable = registers.byName(name)?.writable ?? 0n;
        // Bits of registers that cannot be read or written in that direction are RES0.
        assert.equal(writable & ~bits, 0n, `${name} has bits 0x${(writable & ~bits).toString(16)}`);
      }
    });

    it('do not concern EL0 of a host', () => {
      const HOST = (OPEN['HCR_EL2'] ?? 0n) | bit(34) | bit(27);
      const ALL = 0xffff_ffff_ffff_ffffn;
      const controls = { ...OPEN, HFGRTR_EL2: ALL, HFGITR_EL2: ALL };
      for (const [HCR_EL2, expected] of [
        [HOST, 'executed'],
        [HOST & ~bit(34), 'EL2 EC 0x18 ISS 0x34f401'],
      ] as const) {
        probe.reset({ ...controls, HCR_EL2 });
        const word = words.get('R TPIDR_EL0') ?? 0;
        assert.equal(outcomeText(probe.execute(word, 0)), expected);
      }
    });
  });
});
