/**
 * Every register of the architecture, read and written at EL0, EL1 and EL2 of every CPU model: executed, or
 * UNDEFINED. The expectation comes from the features that the model's manual names, from op1, which is the lowest
 * EL of an encoding (Arm ARM, "op0, op1, CRn, CRm and op2 of System registers"), and from MRS or MSR existing.
 */
import assert from 'node:assert/strict';
import { all, byName } from '../../../../emulator/sysregs/catalogue.ts';
import { cpuModels, requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import type { Direction, SysReg } from '../../../../emulator/sysregs/sysreg.ts';
import { AccessProbe, outcomeText } from '../../../support/access-probe.ts';

/** Features with registers, as the catalogue names them. */
const BASE = ['base', 'FEAT_AA64'];
const FEATURES: Readonly<Record<(typeof cpuModels)[number]['name'], readonly string[]>> = {
  'v8.0': BASE,
  'cortex-a72': [...BASE, 'FEAT_PMUv3'],
  'neoverse-n1': [
    ...BASE,
    ...['FEAT_PMUv3', 'FEAT_PAN', 'FEAT_UAO', 'FEAT_LOR', 'FEAT_SSBS', 'FEAT_VHE'],
  ],
  'max-supported': [
    ...BASE,
    ...['FEAT_PMUv3', 'FEAT_PAN', 'FEAT_UAO', 'FEAT_LOR', 'FEAT_SSBS', 'FEAT_VHE'],
    ...['FEAT_DIT', 'FEAT_PAuth'],
  ],
};

/** The catalogue's feature is not what brings the register. */
const FEATURE_OF: Readonly<Record<string, string>> = {
  AMAIR_EL1: 'base',
  AMAIR_EL2: 'base',
  AMAIR_EL12: 'FEAT_VHE',
};

/** In the catalogue as `base`, or with FEAT_VHE, and of something that no model has. */
const ABSENT: readonly (readonly [why: string, names: string])[] = [
  [
    'AArch32',
    'TEECR32_EL1 TEEHBR32_EL1 DBGVCR32_EL2 DACR32_EL2 IFSR32_EL2 FPEXC32_EL2 SPSR_irq SPSR_abt SPSR_und SPSR_fiq',
  ],
  ['a reset belongs to the highest EL, which is EL2', 'RVBAR_EL1 RMR_EL1'],
  ['IMPLEMENTATION DEFINED where EL2 has AArch64 alone', 'RMR_EL2'],
  ['a scaled virtual counter', 'CNTSCALE_EL2 CNTISCALE_EL2 CNTVFRQ_EL2'],
  ['FEAT_RAS', 'ERRIDR_EL1'],
  ['Debug state', 'DLR_EL0 DSPSR_EL0'],
  ['FEAT_NV2p1', 'NVHCRX_EL2 NVHCRMASK_EL2 NVHCRXMASK_EL2'],
  ['FEAT_TPS', 'TPCR0_EL0 TPCR1_EL0 TPCR0_EL1 TPCR1_EL1 TPCR0_EL2 TPCR1_EL2 TPCR0_EL12 TPCR1_EL12'],
  ['FEAT_SRMASK', 'ACTLR_EL12'],
];
const absent = new Set(ABSENT.flatMap(([, names]) => names.split(' ')));

/** How many of a family there are. */
const COUNTS: Readonly<Record<string, number>> = {
  'DBGBVR<n>_EL1': 6,
  'DBGBCR<n>_EL1': 6,
  'DBGWVR<n>_EL1': 4,
  'DBGWCR<n>_EL1': 4,
  'PMEVCNTR<n>_EL0': 6,
  'PMEVTYPER<n>_EL0': 6,
};

/** By op1: 5 are names of EL2 for registers of EL1 and EL0, which need HCR_EL2.E2H. */
const LOWEST_EL = [1, 1, 1, 0, 2, 2, 3, 3] as const;
/** Writes that need a higher EL than op1 says. */
const WRITES: Readonly<Record<string, 1 | 2>> = {
  TPIDRRO_EL0: 1,
  PMUSERENR_EL0: 1,
  // The highest EL.
  CNTFRQ_EL0: 2,
};

const isIdSpace = ({ op0, op1, CRn, CRm }: SysReg): boolean =>
  op0 === 3 && op1 === 0 && CRn === 0 && CRm >= 1 && CRm <= 7;

function exists(reg: SysReg, features: ReadonlySet<string>): boolean {
  // The whole ID space reads, as zero where nothing is defined.
  if (isIdSpace(reg)) return true;
  if (absent.has(reg.name)) return false;
  const { array } = reg;
  if (array !== undefined && array.index >= (COUNTS[array.template] ?? Infinity)) return false;
  return features.has(FEATURE_OF[reg.name] ?? reg.feature);
}

const HCR_RW = 1n << 31n;
const HCR_E2H = 1n << 34n;
const OPEN = {
  HCR_EL2: HCR_RW | (3n << 40n), // APK, API
  CPTR_EL2: 0x33ffn,
  CNTHCTL_EL2: 3n,
  CNTKCTL_EL1: 0x303n,
  SCTLR_EL1: (1n << 26n) | (1n << 15n) | (1n << 14n) | (1n << 9n),
  CPACR_EL1: 3n << 20n,
} as const;
const DIRECTIONS: readonly Direction[] = ['read', 'write'];
const LEVELS = [0, 1, 2] as const;

describe('Every register of the architecture', () => {
  for (const model of cpuModels) {
    const features = new Set(FEATURES[model.name]);
    const byEncoding = new Map<number, SysReg[]>();
    for (const reg of all)
      byEncoding.set(reg.encoding, [...(byEncoding.get(reg.encoding) ?? []), reg]);

    for (const E2H of model.features.has('FEAT_VHE' as never) ? [false, true] : [false]) {
      it(`is executed or UNDEFINED as ${model.name} has it${E2H ? ' with HCR_EL2.E2H' : ''}`, function () {
        this.timeout(30_000);
        const probe = new AccessProbe({ ...v8_0, model });
        const controls = {
          ...OPEN,
          ...(E2H && { HCR_EL2: OPEN.HCR_EL2 | HCR_E2H, CPTR_EL2: 3n << 20n, CNTHCTL_EL2: 0xc00n }),
          ...(features.has('FEAT_PMUv3') && { PMUSERENR_EL0: 0xfn }),
        };
        probe.reset(controls);
        const wrong: string[] = [];
        for (const [encoding, named] of byEncoding) {
          const [first] = named;
          if (first === undefined) continue;
          for (const direction of DIRECTIONS) {
            const accessor = direction === 'read' ? 'WO' : 'RO';
            const reg = named.find((it) => it.access !== accessor && exists(it, features));
            for (const EL of E2H ? [2 as const] : LEVELS) {
              const { op1, name } = reg ?? first;
              const lowest = Math.max(
                LOWEST_EL[op1] ?? 3,
                direction === 'write' ? (WRITES[name] ?? 0) : 0,
              );
              const allowed = reg !== undefined && EL >= lowest && (op1 !== 5 || E2H);
              const expected = allowed ? 'executed' : `EL${EL === 2 ? 2 : 1} EC 0x0`;
              const value = probe.pe.registers.has(name) ? probe.pe.peekRegister(name) : 0n;
              // Under its own name a write leaves what is there; what E2H redirects is not written.
              if (E2H && direction === 'write' && op1 !== 5) continue;
              const actual = outcomeText(probe.access({ encoding }, direction, EL, value));
              if (actual !== expected) {
                wrong.push(`${direction} ${name} at EL${EL}: ${actual}, not ${expected}`);
              }
              if (direction === 'write' && actual === 'executed') probe.reset(controls);
            }
          }
        }
        assert.deepEqual(wrong, []);
      });
    }
  }
});

const ALL = 0xffff_ffff_ffff_ffffn;
const LOW32 = 0xffff_ffffn;
const group = (names: string, ones: bigint, zeros = 0n): [string, bigint, bigint][] =>
  names.split(' ').map((name) => [name, ones, zeros]);

/**
 * What a register reads after all ones and after all zeros were written, on Cortex-A72 (Armv8.0 with PMUv3), from
 * the fields of its page: RES0 and read-only bits keep their value, RES1 bits are one.
 */
const VALUES: readonly (readonly [name: string, ones: bigint, zeros: bigint])[] = [
  ...group(
    'TPIDR_EL0 TPIDRRO_EL0 TPIDR_EL1 TPIDR_EL2 MAIR_EL1 MAIR_EL2 FAR_EL1 FAR_EL2 ELR_EL1 ELR_EL2 SP_EL0 SP_EL1 CNTVOFF_EL2 CNTP_CVAL_EL0 CNTV_CVAL_EL0 CNTHP_CVAL_EL2 DBGBVR4_EL1 DBGBVR5_EL1',
    ALL,
  ),
  ...group('CONTEXTIDR_EL1 CNTFRQ_EL0 VPIDR_EL2 ESR_EL1 ESR_EL2', LOW32),
  ...group('VBAR_EL1 VBAR_EL2', ALL & ~0x7ffn),
  ...group('TTBR0_EL1 TTBR1_EL1', ALL & ~1n),
  ...group('TTBR0_EL2', 0x0000_ffff_ffff_fffen),
  ...group('VTTBR_EL2', 0x00ff_ffff_ffff_fffen),
  ...group('SCTLR_EL1', 0x37dd_db9fn, 0x30d0_0980n),
  ...group('SCTLR_EL2', 0x32cd_183fn, 0x30c5_0830n),
  ...group('TCR_EL1', 0x77_ffff_ffbfn),
  ...group('TCR_EL2', 0x8097_ff3fn, 0x8080_0000n),
  ...group('VTCR_EL2', 0x8007_ffffn, 0x8000_0000n),
  ...group('HCR_EL2', 0x3_ffff_7fffn, 0x8000_0000n),
  ...group('CPTR_EL2', 0x8000_37ffn, 0x33ffn),
  ...group('CPACR_EL1', 3n << 20n),
  ...group('HSTR_EL2 ACTLR_EL1 ACTLR_EL2 HACR_EL2 AFSR0_EL1 AFSR1_EL1 AMAIR_EL1 AMAIR_EL2', 0n),
  ...group('MDCR_EL2', 0xfffn),
  ...group('VMPIDR_EL2', 0xff_c1ff_ffffn, 0x8000_0000n),
  ...group('CNTHCTL_EL2', 0xffn),
  ...group('CNTKCTL_EL1', 0x3ffn),
  ...group('SPSR_EL1 SPSR_EL2', 0xf030_03dfn),
  ...group('FPCR', 0x07c0_0000n),
  ...group('FPSR', 0x0800_009fn),
  ...group('NZCV', 0xf000_0000n),
  ...group('DAIF', 0x3c0n),
  ...group('CSSELR_EL1', 0xfn),
  ...group('OSDLR_EL1', 1n),
  ...group('DBGBVR0_EL1 DBGBVR1_EL1 DBGBVR2_EL1 DBGBVR3_EL1', ALL & ~3n),
  ...group('DBGWVR0_EL1 DBGWVR1_EL1 DBGWVR2_EL1 DBGWVR3_EL1', ALL & ~3n),
  ...group('DBGBCR0_EL1 DBGBCR1_EL1 DBGBCR2_EL1 DBGBCR3_EL1 DBGBCR4_EL1 DBGBCR5_EL1', 0xff_e1e7n),
  ...group('DBGWCR0_EL1 DBGWCR1_EL1 DBGWCR2_EL1 DBGWCR3_EL1', 0x1f1f_ffffn),
  ...group('PMSELR_EL0', 0x1fn),
  ...group('PMUSERENR_EL0', 0xfn),
  ...group('PMEVTYPER0_EL0 PMEVTYPER1_EL0', 0xc800_03ffn),
  ...group('PMCCFILTR_EL0', 0xc800_0000n),
];

/** The 174 registers that Linux, its KVM, kvm-unit-tests and firmware were seen to access on QEMU. */
const TOUCHED =
  `DBGBVR0_EL1 DBGBCR0_EL1 DBGWVR0_EL1 DBGWCR0_EL1 DBGBVR1_EL1 DBGBCR1_EL1 DBGWVR1_EL1 DBGWCR1_EL1 MDSCR_EL1
  DBGBVR2_EL1 DBGBCR2_EL1 DBGWVR2_EL1 DBGWCR2_EL1 DBGBVR3_EL1 DBGBCR3_EL1 DBGWVR3_EL1 DBGWCR3_EL1 DBGBVR4_EL1
  DBGBCR4_EL1 DBGBVR5_EL1 DBGBCR5_EL1 OSLAR_EL1 OSDLR_EL1 MIDR_EL1 MPIDR_EL1 REVIDR_EL1 ID_PFR0_EL1 ID_PFR1_EL1
  ID_DFR0_EL1 ID_MMFR0_EL1 ID_MMFR1_EL1 ID_MMFR2_EL1 ID_MMFR3_EL1 ID_ISAR0_EL1 ID_ISAR1_EL1 ID_ISAR2_EL1
  ID_ISAR3_EL1 ID_ISAR4_EL1 ID_ISAR5_EL1 ID_MMFR4_EL1 ID_ISAR6_EL1 MVFR0_EL1 MVFR1_EL1 MVFR2_EL1 ID_PFR2_EL1
  ID_DFR1_EL1 ID_MMFR5_EL1 ID_AA64PFR0_EL1 ID_AA64PFR1_EL1 ID_AA64ZFR0_EL1 ID_AA64SMFR0_EL1 ID_AA64DFR0_EL1
  ID_AA64DFR1_EL1 ID_AA64ISAR0_EL1 ID_AA64ISAR1_EL1 ID_AA64ISAR2_EL1 ID_AA64MMFR0_EL1 ID_AA64MMFR1_EL1
  ID_AA64MMFR2_EL1 MAIR_EL1 LORC_EL1 VBAR_EL1 ICC_DIR_EL1 ICC_SGI1R_EL1 ICC_IAR1_EL1 ICC_EOIR1_EL1 ICC_BPR1_EL1
  ICC_CTLR_EL1 ICC_SRE_EL1 ICC_IGRPEN1_EL1 DISR_EL1 ICC_AP0R0_EL1 ICC_AP1R0_EL1 CONTEXTIDR_EL1 TPIDR_EL1
  CNTKCTL_EL1 SCTLR_EL1 CPACR_EL1 ZCR_EL1 TTBR0_EL1 TTBR1_EL1 TCR_EL1 APIAKeyLo_EL1 APIAKeyHi_EL1 APIBKeyLo_EL1
  APIBKeyHi_EL1 APDAKeyLo_EL1 APDAKeyHi_EL1 APDBKeyLo_EL1 APDBKeyHi_EL1 APGAKeyLo_EL1 APGAKeyHi_EL1 SPSR_EL1
  ELR_EL1 SP_EL0 SPSel CurrentEL ICC_PMR_EL1 ESR_EL1 TFSR_EL1 FAR_EL1 PMINTENCLR_EL1 CLIDR_EL1 SMIDR_EL1 AIDR_EL1
  CTR_EL0 DCZID_EL0 TPIDR_EL0 TPIDRRO_EL0 CNTFRQ_EL0 CNTPCT_EL0 CNTVCT_EL0 PMEVTYPER0_EL0 PMEVTYPER1_EL0
  PMCCFILTR_EL0 CNTP_TVAL_EL0 CNTP_CTL_EL0 CNTP_CVAL_EL0 CNTV_TVAL_EL0 CNTV_CTL_EL0 CNTV_CVAL_EL0 PMEVCNTR0_EL0
  PMEVCNTR1_EL0 RNDR RNDRRS NZCV DAIF FPCR FPSR PMCR_EL0 PMCNTENSET_EL0 PMCNTENCLR_EL0 PMOVSCLR_EL0 PMSWINC_EL0
  PMSELR_EL0 PMCEID0_EL0 PMCEID1_EL0 PMCCNTR_EL0 PMXEVTYPER_EL0 PMXEVCNTR_EL0 PMUSERENR_EL0 VPIDR_EL2 VMPIDR_EL2
  MAIR_EL2 VBAR_EL2 ICH_HCR_EL2 ICH_VTR_EL2 ICC_SRE_EL2 TPIDR_EL2 CNTVOFF_EL2 CNTHCTL_EL2 SCTLR_EL2 HCR_EL2
  MDCR_EL2 CPTR_EL2 HSTR_EL2 ZCR_EL2 SMCR_EL2 TTBR0_EL2 TCR_EL2 VTTBR_EL2 VTCR_EL2 SPSR_EL2 ELR_EL2 SP_EL1 ESR_EL2
  MAIR_EL12 VBAR_EL12 SCTLR_EL12 CPACR_EL12 TTBR0_EL12 TTBR1_EL12 TCR_EL12 SCTLR_EL3`.split(/\s+/);

/** Of features that no model has: UNDEFINED, which is how their users find out, or never reached without the feature. */
const NEVER = 'DISR_EL1 ZCR_EL1 ZCR_EL2 SMCR_EL2 SMIDR_EL1 TFSR_EL1 RNDR RNDRRS SCTLR_EL3'.split(
  ' ',
);
/** Beside the table: their values are not what is written, and their owners' tests have them. */
const WITH_EFFECTS =
  /^(ID_|MVFR|MIDR|MPIDR|REVIDR|AIDR|CLIDR|CTR_|DCZID|CurrentEL|SPSel|IC[CH]_|OSLAR|MDSCR|PM(CR|CNTEN|INTEN|OVS|SWINC|CEID|CCNTR|XEV|EVCNTR)|CNT[PV]CT|CNT[PV]_(TVAL|CTL)|LORC|AP\w+Key|\w+_EL12$)/;

describe('The registers that real guests touch', () => {
  it('are 174, each implemented on some model, or UNDEFINED for a reason', () => {
    assert.equal(new Set(TOUCHED).size, 174);
    const probe = new AccessProbe({
      ...v8_0,
      model: requireCpuModel('max-supported'),
      FEAT_GICv3: true,
    });
    const { implemented } = probe.pe.registers;
    const known = new Set([...implemented.all, ...implemented.aliases].map(({ reg }) => reg.name));
    assert.deepEqual(
      TOUCHED.filter((name) => !known.has(name)),
      TOUCHED.filter((name) => NEVER.includes(name)),
    );
    for (const name of NEVER) assert.ok(byName(name), name);
  });

  it('keep what their pages say, or have effects that are tested where they belong', () => {
    const listed = new Set(VALUES.map(([name]) => name));
    const left = TOUCHED.filter(
      (name) => !listed.has(name) && !NEVER.includes(name) && !WITH_EFFECTS.test(name),
    );
    assert.deepEqual(left, []);
  });

  for (const [name, ones, zeros] of VALUES) {
    it(`${name} reads 0x${ones.toString(16)} after ones and 0x${zeros.toString(16)} after zeros`, () => {
      const { registers } = new AccessProbe({ ...v8_0, model: requireCpuModel('cortex-a72') }).pe;
      registers.write(name, ALL);
      const afterOnes = registers.read(name);
      registers.write(name, 0n);
      assert.deepEqual([afterOnes, registers.read(name)], [ones, zeros]);
    });
  }
});
