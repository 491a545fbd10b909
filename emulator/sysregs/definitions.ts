/**
 * The system registers that the processor implements: reset values, what a write can change, and
 * whether a read or write has effects of its own.
 *
 * Fields of features the profile does not have are RES0 or RES1 as the register's page in the Arm ARM
 * says, and writes do not change them. A reset value that the architecture leaves UNKNOWN is zero plus
 * RES1 bits unless a comment says otherwise. What is not listed is not implemented: any access to it is
 * UNDEFINED.
 */
import { byEncoding, byName } from './catalogue.ts';
import {
  CNTFRQ_HZ,
  CCSIDR_EL1,
  idRegisters,
  idSpaceEncodings,
  idSpaceName,
} from './id-registers.ts';
import type { CpuModel } from './cpu-model.ts';
import { CYCLE_COUNTER, EVENT_COUNTERS, PMCEID0_EL0, PMCEID1_EL0 } from './performance-monitors.ts';
import { fineGrainedTrapMask } from './fine-grained-traps.ts';
import {
  checkProfile,
  contextAwareRange,
  DEBUG_REGISTERS_OF_A_BANK,
  hasDebugBanks,
  hasDebugv8p9,
  hasVHE,
} from './processor-model.ts';
import type { ProcessorProfile } from './processor-model.ts';
import { fieldMask, genericName, unpackEncoding } from './sysreg.ts';
import type { Direction, SysReg } from './sysreg.ts';
import { HCR_E2H, redirections } from './virtualization-host.ts';

/** `effects`: a read or a write does something beyond the stored value; the owning layer registers it. */
export type RegisterKind = 'storage' | 'effects';

export interface ImplementedRegister {
  readonly reg: SysReg;
  /** Value after a cold reset, RES1 bits included. */
  readonly reset: bigint;
  /** The bits a write can change. RES0, RES1 and read-only bits are clear. */
  readonly writable: bigint;
  /** The bits that always read as one. */
  readonly RES1: bigint;
  readonly kind: RegisterKind;
}

const ALL = 0xffff_ffff_ffff_ffffn;
const LOW32 = 0xffff_ffffn;

/** MDSCR_EL1 bits a write changes whatever OSLSR_EL1.OSLK is (Arm ARM, MDSCR_EL1). */
const MDSCR_EL1_ALWAYS_WRITABLE = fields('MDSCR_EL1', 'SS TDCC KDE MDE');

/** The same on a given processor: EMBWE is for breakpoints and watchpoints beyond the first 16. */
export function mdscrAlwaysWritable(
  profile: Pick<ProcessorProfile, 'breakpoints' | 'watchpoints'>,
): bigint {
  const EMBWE = hasDebugBanks(profile) ? fields('MDSCR_EL1', 'EMBWE') : 0n;
  return MDSCR_EL1_ALWAYS_WRITABLE | EMBWE;
}

/**
 * MDSCR_EL1 views of EDSCR: read-only while OSLSR_EL1.OSLK is 0, read/write while it is 1, so that
 * software can save and restore the external debugger's state.
 */
export const MDSCR_EL1_WRITABLE_WHILE_LOCKED = fields(
  'MDSCR_EL1',
  'ERR HDE TDA INTdis TXU RXO TXfull RXfull',
);

/** Arm ARM, SPSR_ELx for an exception from AArch64 without MTE or NMI. */
function savedProgramStatus({ features }: Pick<CpuModel, 'features'>): Definition {
  return storage(
    fields('SPSR_EL2', 'N Z C V SS IL D A I F nRW M') |
      (features.has('FEAT_PAN') ? fields('SPSR_EL2', 'PAN') : 0n) |
      (features.has('FEAT_UAO') ? fields('SPSR_EL2', 'UAO') : 0n) |
      (features.has('FEAT_DIT') ? fields('SPSR_EL2', 'DIT') : 0n) |
      (features.has('FEAT_SSBS2') ? fields('SPSR_EL2', 'SSBS') : 0n),
  );
}

/** Views of the fields of PSTATE that came after Armv8.0, and the controls of their values at a vector. */
function pstateExtensions({ features }: CpuModel): Definitions {
  const { SCTLR_EL1, SCTLR_EL2 } = system;
  if (SCTLR_EL1 === undefined || SCTLR_EL2 === undefined) throw new TypeError('no SCTLR_ELx');
  const SPAN = features.has('FEAT_PAN') ? fields('SCTLR_EL1', 'SPAN') : 0n;
  const DSSBS = features.has('FEAT_SSBS2') ? 1n << 44n : 0n;
  return {
    ...(features.has('FEAT_PAN') && { PAN: effects(fields('PAN', 'PAN')) }),
    // No LORegions (LORID_EL1 reads 0), which makes the others RES0.
    ...(features.has('FEAT_LOR') && {
      LORSA_EL1: storage(0n),
      LOREA_EL1: storage(0n),
      LORN_EL1: storage(0n),
      LORC_EL1: storage(0n),
      LORID_EL1: storage(0n),
    }),
    ...(features.has('FEAT_UAO') && { UAO: effects(fields('UAO', 'UAO')) }),
    ...(features.has('FEAT_DIT') && { DIT: effects(fields('DIT', 'DIT')) }),
    ...(features.has('FEAT_SSBS2') && { SSBS: effects(fields('SSBS', 'SSBS')) }),
    SCTLR_EL1: {
      ...SCTLR_EL1,
      writable: (SCTLR_EL1.writable ?? 0n) | SPAN | DSSBS,
      RES1: (SCTLR_EL1.RES1 ?? 0n) & ~SPAN,
      // SPAN is UNKNOWN at reset: exceptions leave PAN alone.
      reset: (SCTLR_EL1.reset ?? 0n) | SPAN,
    },
    SCTLR_EL2: { ...SCTLR_EL2, writable: (SCTLR_EL2.writable ?? 0n) | DSSBS },
    SPSR_EL1: savedProgramStatus({ features }),
    SPSR_EL2: savedProgramStatus({ features }),
  };
}

/** Registers of Armv8.0 with the bits that features add, which are RES0 without them. */
function withFieldsOfFeatures(base: Definitions, { features }: CpuModel): Definitions {
  const extended: Record<string, Definition> = {};
  const add = (register: string, names: string): void => {
    const before = extended[register] ?? base[register];
    const writable = (before?.writable ?? 0n) | fields(register, names);
    extended[register] = { ...before, writable };
  };
  if (features.has('FEAT_LOR')) add('HCR_EL2', 'TLOR');
  if (features.has('FEAT_PAuth')) {
    add('SCTLR_EL1', 'EnIA EnIB EnDA EnDB');
    add('SCTLR_EL2', 'EnIA EnIB EnDA EnDB');
    add('TCR_EL1', 'TBID1 TBID0');
    add('TCR_EL2', 'TBID');
    add('HCR_EL2', 'API APK');
  }
  if (features.has('FEAT_HAFDBS')) {
    add('TCR_EL1', 'HA HD');
    add('TCR_EL2', 'HA HD');
    add('VTCR_EL2', 'HA HD');
  }
  if (features.has('FEAT_BTI')) {
    add('SCTLR_EL1', 'BT1 BT0');
    add('SCTLR_EL2', 'BT');
    add('SPSR_EL1', 'BTYPE');
    add('SPSR_EL2', 'BTYPE');
  }
  return extended;
}

/** APIAKeyLo_EL1 to APGAKeyHi_EL1, in the order of `emulator/engine/layout.ts`. */
export const pointerKeyRegisters: readonly string[] = ['IA', 'IB', 'DA', 'DB', 'GA'].flatMap(
  (key) => [`AP${key}KeyLo_EL1`, `AP${key}KeyHi_EL1`],
);

function pointerAuthentication({ features }: CpuModel): Definitions {
  if (!features.has('FEAT_PAuth')) return {};
  return Object.fromEntries(pointerKeyRegisters.map((name) => [name, storage(ALL)]));
}

/**
 * The mask of some fields of a register, by their names in the catalogue. Where EL2's layout depends on
 * HCR_EL2.E2H the one for E2H = 0 counts.
 */
function fields(register: string, names: string): bigint {
  const found = byName(register);
  if (found === undefined) throw new TypeError(`The catalogue has no register ${register}`);
  const layout = found.views?.find(({ name }) => name === 'non-VHE layout')?.fields ?? found.fields;
  let mask = 0n;
  for (const name of names.split(' ')) {
    const bits = layout.filter((field) => field.name === name);
    if (bits.length === 0) throw new TypeError(`${register} has no field ${name}`);
    for (const field of bits) mask |= fieldMask(field);
  }
  return mask;
}

interface Definition {
  readonly writable?: bigint;
  readonly RES1?: bigint;
  /** Without the RES1 bits. */
  readonly reset?: bigint;
  readonly kind?: RegisterKind;
}

type Definitions = Readonly<Record<string, Definition>>;

const readOnly = (reset: bigint): Definition => ({ reset });
const readOnlyEffects = (reset = 0n): Definition => ({ reset, kind: 'effects' });
const storage = (writable: bigint, reset = 0n): Definition => ({ writable, reset });
const effects = (writable: bigint, reset = 0n): Definition => ({
  writable,
  reset,
  kind: 'effects',
});

function identification(profile: ProcessorProfile, cpu: number): Definitions {
  const id = idRegisters(profile, cpu);
  const value = (name: string): bigint => {
    const found = id.get(name);
    if (found === undefined) throw new TypeError(`The model has no value for ${name}`);
    return found;
  };
  const definitions: Record<string, Definition> = {};
  for (const encoding of idSpaceEncodings) {
    const name = idSpaceName(encoding);
    definitions[name] = readOnly(value(name));
  }
  return {
    ...definitions,
    // With EL2, EL1 reads VPIDR_EL2 and VMPIDR_EL2 in their place.
    MIDR_EL1: readOnlyEffects(value('MIDR_EL1')),
    MPIDR_EL1: readOnlyEffects(value('MPIDR_EL1')),
    REVIDR_EL1: readOnly(value('REVIDR_EL1')),
    AIDR_EL1: readOnly(value('AIDR_EL1')),
    CTR_EL0: readOnly(value('CTR_EL0')),
    DCZID_EL0: readOnlyEffects(value('DCZID_EL0')),
    CLIDR_EL1: readOnly(value('CLIDR_EL1')),
    CSSELR_EL1: storage(fields('CSSELR_EL1', 'Level InD')),
    CCSIDR_EL1: readOnlyEffects(CCSIDR_EL1(0n)),
    VPIDR_EL2: storage(LOW32, value('MIDR_EL1')),
    VMPIDR_EL2: {
      writable: 0xff_41ff_ffffn, // Aff3, U, MT, Aff2, Aff1, Aff0
      RES1: 0x8000_0000n,
      reset: value('MPIDR_EL1'),
    },
  };
}

const CPACR_FPEN = fields('CPACR_EL1', 'FPEN');

const system: Definitions = {
  SCTLR_EL1: {
    writable: fields('SCTLR_EL1', 'UCI EE E0E WXN nTWE nTWI UCT DZE I UMA SA0 SA C A M'),
    // LSMAOE and nTLSMD (no FEAT_LSMAOC), SPAN (no FEAT_PAN), EIS and EOS (no FEAT_ExS), TSCXT (no
    // FEAT_CSV2_2), SED and ITD (EL0 has no AArch32).
    RES1: fields('SCTLR_EL1', 'LSMAOE nTLSMD SPAN EIS TSCXT EOS SED ITD'),
    // nTWE, nTWI, SA0 and SA are UNKNOWN at reset: WFE and WFI run at EL0, stack alignment is checked.
    reset: fields('SCTLR_EL1', 'nTWE nTWI SA0 SA'),
    kind: 'effects',
  },
  SCTLR_EL2: {
    writable: fields('SCTLR_EL2', 'EE WXN I SA C A M'),
    // Arm ARM, SCTLR_EL2 with HCR_EL2.E2H = 0: bits 29, 28, 23, 22, 18, 16, 11, 5 and 4.
    RES1: 0x30c5_0830n,
    reset: fields('SCTLR_EL2', 'SA'),
    kind: 'effects',
  },
  // IMPLEMENTATION DEFINED content: none.
  ACTLR_EL1: storage(0n),
  ACTLR_EL2: storage(0n),
  HACR_EL2: storage(0n),
  AFSR0_EL1: storage(0n),
  AFSR1_EL1: storage(0n),
  AFSR0_EL2: storage(0n),
  AFSR1_EL2: storage(0n),
  AMAIR_EL1: storage(0n),
  AMAIR_EL2: storage(0n),
  // TTA is RES0: no System register access to a trace unit. No SVE and no SME.
  CPACR_EL1: effects(CPACR_FPEN),
  CPTR_EL2: {
    writable: fields('CPTR_EL2', 'TCPAC TFP'),
    // Bits 13, 9 and 7:0; TSM and TZ too without FEAT_SME and FEAT_SVE.
    RES1: 0x33ffn,
    kind: 'effects',
  },
  HCR_EL2: {
    // HCD exists because EL3 does not. TID0 needs AArch32. RW is RAO/WI: EL1 has only AArch64.
    writable: fields(
      'HCR_EL2',
      'ID CD TRVM HCD TDZ TGE TVM TTLB TPU TPCP TSW TACR TIDCP TSC TID3 TID2 TID1 TWE TWI DC BSU FB VSE VI VF AMO IMO FMO PTW SWIO VM',
    ),
    RES1: fields('HCR_EL2', 'RW'),
    kind: 'effects',
  },
  // T<n> trap AArch32 accesses to CP15 and are RES0 without AArch32.
  HSTR_EL2: storage(0n),
  CONTEXTIDR_EL1: effects(LOW32),
  TPIDR_EL0: storage(ALL),
  TPIDRRO_EL0: storage(ALL),
  TPIDR_EL1: storage(ALL),
  TPIDR_EL2: storage(ALL),
  // EL2 is the highest implemented EL, so it has the reset vector; there is no RMR_EL2.
  RVBAR_EL2: readOnly(0n),
};

const translation: Definitions = {
  // ASID and BADDR; CnP needs FEAT_TTCNP.
  TTBR0_EL1: effects(ALL & ~1n),
  TTBR1_EL1: effects(ALL & ~1n),
  TCR_EL1: effects(
    fields(
      'TCR_EL1',
      'TBI1 TBI0 AS IPS TG1 SH1 ORGN1 IRGN1 EPD1 A1 T1SZ TG0 SH0 ORGN0 IRGN0 EPD0 T0SZ',
    ),
  ),
  MAIR_EL1: effects(ALL),
  // BADDR; the EL2 regime has no ASID.
  TTBR0_EL2: effects(0x0000_ffff_ffff_fffen),
  TCR_EL2: {
    writable: fields('TCR_EL2', 'TBI PS TG0 SH0 ORGN0 IRGN0 T0SZ'),
    RES1: (1n << 31n) | (1n << 23n),
    kind: 'effects',
  },
  MAIR_EL2: effects(ALL),
  // An 8-bit VMID (no FEAT_VMID16) and BADDR.
  VTTBR_EL2: effects(0x00ff_ffff_ffff_fffen),
  VTCR_EL2: {
    writable: fields('VTCR_EL2', 'PS TG0 SH0 ORGN0 IRGN0 SL0 T0SZ'),
    RES1: 1n << 31n,
    kind: 'effects',
  },
  // Both layouts: ATTR, PA, NS, SH and F; S, PTW and FST. Bit 11 is RES1 in both.
  PAR_EL1: { writable: 0xff00_ffff_ffff_f3ffn, RES1: 1n << 11n },
};

const exceptions: Definitions = {
  VBAR_EL1: storage(ALL & ~0x7ffn),
  VBAR_EL2: storage(ALL & ~0x7ffn),
  // ISS2 needs features that are not implemented.
  ESR_EL1: storage(LOW32),
  ESR_EL2: storage(LOW32),
  FAR_EL1: storage(ALL),
  FAR_EL2: storage(ALL),
  // FIPA: bits 47:12 of the faulting IPA in bits 39:4.
  HPFAR_EL2: storage(0xff_ffff_fff0n),
  ELR_EL1: storage(ALL),
  ELR_EL2: storage(ALL),
  // The stack pointers are SP itself while the PE uses them.
  SP_EL0: effects(ALL),
  SP_EL1: effects(ALL),
  ISR_EL1: readOnlyEffects(),
};

const pstate: Definitions = {
  NZCV: effects(fields('NZCV', 'N Z C V')),
  // Arm ARM, AArch64.TakeReset(): all four masks are set.
  DAIF: effects(fields('DAIF', 'D A I F'), fields('DAIF', 'D A I F')),
  CurrentEL: readOnlyEffects(2n << 2n),
  SPSel: effects(fields('SPSel', 'SP'), 1n),
};

/**
 * FEAT_VHE. With HCR_EL2.E2H = 1 some registers of EL2 have the layout of their likes of EL1. A bit that is
 * RES0 or RES1 in one of the layouts only keeps what is written (Arm ARM, glossary, RES0 and RES1).
 */
function virtualizationHost(definitions: Definitions): Definitions {
  const { HCR_EL2, SCTLR_EL1, SCTLR_EL2, TCR_EL1, TCR_EL2, CNTHCTL_EL2, CNTKCTL_EL1, CPTR_EL2 } =
    definitions;
  /** `register` with more bits to write; `RES1` are those that stay one. */
  const extended = (register: Definition | undefined, more: bigint, RES1 = 0n): Definition => {
    const { writable = 0n, RES1: before = 0n, reset = 0n, kind } = register ?? {};
    return {
      writable: (writable | more | before) & ~RES1,
      RES1,
      reset: reset | before,
      ...(kind && { kind }),
    };
  };
  return {
    HCR_EL2: extended(HCR_EL2, HCR_E2H, HCR_EL2?.RES1),
    // UMA is RES0 in both layouts: EL0 of a host never masks interrupts.
    SCTLR_EL2: extended(
      SCTLR_EL2,
      (SCTLR_EL1?.writable ?? 0n) & ~fields('SCTLR_EL1', 'UMA'),
      (SCTLR_EL1?.RES1 ?? 0n) & (SCTLR_EL2?.RES1 ?? 0n),
    ),
    TCR_EL2: extended(TCR_EL2, TCR_EL1?.writable ?? 0n),
    CPTR_EL2: extended(CPTR_EL2, CPACR_FPEN),
    // EL1PCTEN and EL1PTEN are in bits 10 and 11 of the layout that CNTKCTL_EL1 has otherwise.
    CNTHCTL_EL2: extended(CNTHCTL_EL2, (CNTKCTL_EL1?.writable ?? 0n) | (3n << 10n)),
    TTBR0_EL2: effects(ALL & ~1n),
    TTBR1_EL2: effects(ALL & ~1n),
    CONTEXTIDR_EL2: effects(LOW32),
    CNTHV_CTL_EL2: effects(0b11n),
    CNTHV_CVAL_EL2: effects(ALL),
    CNTHV_TVAL_EL2: effects(LOW32),
  };
}

const floatingPoint = ({ model }: ProcessorProfile): Definitions => ({
  // Trapped floating-point exceptions are not supported: the enables are RAZ/WI. Stride and Len are
  // for AArch32.
  FPCR: effects(
    fields('FPCR', model.features.has('FEAT_FP16') ? 'AHP DN FZ RMode FZ16' : 'AHP DN FZ RMode'),
  ),
  FPSR: storage(fields('FPSR', 'QC IDC IXC UFC OFC DZC IOC')),
});

const timers: Definitions = {
  // Set by what stands in for firmware; only the highest EL can write it.
  CNTFRQ_EL0: storage(LOW32, CNTFRQ_HZ),
  CNTPCT_EL0: readOnlyEffects(),
  CNTVCT_EL0: readOnlyEffects(),
  CNTKCTL_EL1: effects(
    fields('CNTKCTL_EL1', 'EL0PTEN EL0VTEN EVNTI EVNTDIR EVNTEN EL0VCTEN EL0PCTEN'),
  ),
  CNTHCTL_EL2: effects(fields('CNTHCTL_EL2', 'EVNTI EVNTDIR EVNTEN EL1PCEN EL1PCTEN')),
  CNTVOFF_EL2: effects(ALL),
  // ENABLE and IMASK; ISTATUS is read-only.
  CNTP_CTL_EL0: effects(0b11n),
  CNTV_CTL_EL0: effects(0b11n),
  CNTHP_CTL_EL2: effects(0b11n),
  CNTP_CVAL_EL0: effects(ALL),
  CNTV_CVAL_EL0: effects(ALL),
  CNTHP_CVAL_EL2: effects(ALL),
  CNTP_TVAL_EL0: effects(LOW32),
  CNTV_TVAL_EL0: effects(LOW32),
  CNTHP_TVAL_EL2: effects(LOW32),
};

/**
 * The CPU interface of a GICv3 and its virtual part: 5 priority bits, so one active priorities register
 * for each group, and 4 list registers. What a write changes is up to the GIC.
 */
const gicCpuInterface: Definitions = {
  ICC_PMR_EL1: effects(0xf8n),
  ICC_IAR0_EL1: readOnlyEffects(),
  ICC_EOIR0_EL1: effects(ALL),
  ICC_HPPIR0_EL1: readOnlyEffects(),
  ICC_BPR0_EL1: effects(7n),
  ICC_AP0R0_EL1: effects(LOW32),
  ICC_AP1R0_EL1: effects(LOW32),
  ICC_DIR_EL1: effects(ALL),
  ICC_RPR_EL1: readOnlyEffects(),
  ICC_SGI1R_EL1: effects(ALL),
  ICC_ASGI1R_EL1: effects(ALL),
  ICC_SGI0R_EL1: effects(ALL),
  ICC_IAR1_EL1: readOnlyEffects(),
  ICC_EOIR1_EL1: effects(ALL),
  ICC_HPPIR1_EL1: readOnlyEffects(),
  ICC_BPR1_EL1: effects(7n),
  ICC_CTLR_EL1: effects(fields('ICC_CTLR_EL1', 'EOImode CBPR')),
  // No legacy operation and no bypass: SRE, DFB and DIB are RAO/WI.
  ICC_SRE_EL1: readOnly(7n),
  ICC_SRE_EL2: {
    writable: fields('ICC_SRE_EL2', 'Enable'),
    RES1: fields('ICC_SRE_EL2', 'DIB DFB SRE'),
    kind: 'effects',
  },
  ICC_IGRPEN0_EL1: effects(1n),
  ICC_IGRPEN1_EL1: effects(1n),
  ICH_AP0R0_EL2: effects(LOW32),
  ICH_AP1R0_EL2: effects(LOW32),
  ICH_HCR_EL2: effects(
    fields(
      'ICH_HCR_EL2',
      'EOIcount TDIR TALL1 TALL0 TC VGrp1DIE VGrp1EIE VGrp0DIE VGrp0EIE NPIE LRENPIE UIE En',
    ),
  ),
  ICH_VTR_EL2: readOnlyEffects(),
  ICH_MISR_EL2: readOnlyEffects(),
  ICH_EISR_EL2: readOnlyEffects(),
  ICH_ELRSR_EL2: readOnlyEffects(),
  ICH_VMCR_EL2: effects(LOW32),
  ICH_LR0_EL2: effects(ALL),
  ICH_LR1_EL2: effects(ALL),
  ICH_LR2_EL2: effects(ALL),
  ICH_LR3_EL2: effects(ALL),
};

function debug(profile: ProcessorProfile): Definitions {
  const definitions: Record<string, Definition> = {};
  const banked = hasDebugBanks(profile);
  const breakpointControl =
    fields('DBGBCR0_EL1', 'BT LBN SSC HMC BAS PMC E') |
    (banked ? fields('DBGBCR0_EL1', 'LBNX') : 0n);
  const watchpointControl =
    fields('DBGWCR0_EL1', 'MASK WT LBN SSC HMC BAS LSC PAC E') |
    (banked ? fields('DBGWCR0_EL1', 'LBNX') : 0n);
  const [firstContextAware, lastContextAware] = contextAwareRange(profile);
  for (let n = 0; n < profile.breakpoints; n += 1) {
    // Bits 1:0 are RES0 for an address and part of the value for a context ID. A bit that is RES0 in
    // some contexts only keeps what is written (Arm ARM, glossary, RES0).
    const contextAware = n >= firstContextAware && n <= lastContextAware;
    definitions[`DBGBVR${n}_EL1`] = effects(contextAware ? ALL : ALL & ~3n);
    // BAS is RES1 without AArch32: matching takes it as 0b1111, and it reads as written so that a
    // value saved on one processor is restored unchanged on another (Arm ARM, glossary, RES1).
    definitions[`DBGBCR${n}_EL1`] = effects(breakpointControl);
  }
  for (let n = 0; n < profile.watchpoints; n += 1) {
    definitions[`DBGWVR${n}_EL1`] = effects(ALL & ~3n);
    definitions[`DBGWCR${n}_EL1`] = effects(watchpointControl);
  }
  return {
    ...definitions,
    MDSCR_EL1: effects(mdscrAlwaysWritable(profile) | MDSCR_EL1_WRITABLE_WHILE_LOCKED),
    ...(hasDebugv8p9(profile) && {
      MDSELR_EL1: effects(banked ? fields('MDSELR_EL1', 'BANK') : 0n),
    }),
    MDCCINT_EL1: storage(fields('MDCCINT_EL1', 'RX TX')),
    // Views of DTRRX, DTRTX and EDECCR.
    OSDTRRX_EL1: effects(LOW32),
    OSDTRTX_EL1: effects(LOW32),
    OSECCR_EL1: effects(LOW32),
    // No memory-mapped debug registers: Valid is 0.
    MDRAR_EL1: readOnly(0n),
    OSLAR_EL1: effects(fields('OSLAR_EL1', 'OSLK')),
    // OSLM = 0b10: the OS Lock is implemented. It is locked by a cold reset.
    OSLSR_EL1: readOnlyEffects(0b1010n),
    // RAZ/WI without FEAT_DoubleLock.
    OSDLR_EL1: effects(profile.FEAT_DoubleLock ? fields('OSDLR_EL1', 'DLK') : 0n),
    DBGPRCR_EL1: storage(fields('DBGPRCR_EL1', 'CORENPDRQ')),
    // Eight claim tags, the number the architecture recommends.
    DBGCLAIMSET_EL1: effects(0xffn, 0xffn),
    DBGCLAIMCLR_EL1: effects(0xffn),
    // NSID and NSNID implemented and disabled: there is no external debugger.
    DBGAUTHSTATUS_EL1: readOnly(0b1010n),
    MDCCSR_EL0: readOnlyEffects(),
    DBGDTR_EL0: effects(ALL),
    DBGDTRRX_EL0: readOnlyEffects(),
    DBGDTRTX_EL0: effects(LOW32),
    MDCR_EL2: effects(
      fields('MDCR_EL2', 'TDRA TDOSA TDA TDE') |
        (profile.FEAT_FGT ? fields('MDCR_EL2', 'TDCC') : 0n) |
        (banked ? fields('MDCR_EL2', 'EBWE') : 0n) |
        (profile.FEAT_SPE ? fields('MDCR_EL2', 'TPMS E2PB') : 0n) |
        (profile.FEAT_TRF ? fields('MDCR_EL2', 'TTRF') : 0n) |
        (profile.FEAT_TRBE ? fields('MDCR_EL2', 'E2TB') : 0n) |
        (profile.model.features.has('FEAT_PMUv3')
          ? fields('MDCR_EL2', 'HPMN TPMCR TPM HPME')
          : 0n) |
        (profile.model.features.has('FEAT_PMUv3p1') ? fields('MDCR_EL2', 'HPMD') : 0n),
      // HPMN: all event counters belong to EL1 and EL0.
      profile.model.features.has('FEAT_PMUv3') ? BigInt(EVENT_COUNTERS) : 0n,
    ),
  };
}

/** What EL2 has for an EL1 in AArch32 state. */
function aarch32(): Definitions {
  const { HCR_EL2 } = system;
  if (HCR_EL2 === undefined) throw new TypeError('no HCR_EL2');
  const RW = fields('HCR_EL2', 'RW');
  return {
    HCR_EL2: { ...HCR_EL2, writable: (HCR_EL2.writable ?? 0n) | RW, RES1: 0n, reset: RW },
    // The copies for Non-secure state, bits 31:25, need EL3.
    DBGVCR32_EL2: storage(fields('DBGVCR32_EL2', 'SF SI SD SP SS SU')),
  };
}

/** Arm ARM, the Performance Monitors Extension, FEAT_PMUv3. */
function performanceMonitors({ features }: CpuModel): Definitions {
  const counters = (1n << BigInt(CYCLE_COUNTER)) | ((1n << BigInt(EVENT_COUNTERS)) - 1n);
  // P, U and NSH; NSK, NSU, M and RLx need EL3. 10 bits of event number, 16 with FEAT_PMUv3p1.
  const filters = (1n << 31n) | (1n << 30n) | (1n << 27n);
  const eventNumber = features.has('FEAT_PMUv3p1') ? 0xffffn : 0x3ffn;
  const definitions: Record<string, Definition> = {};
  for (let n = 0; n < EVENT_COUNTERS; n += 1) {
    definitions[`PMEVCNTR${n}_EL0`] = effects(LOW32);
    definitions[`PMEVTYPER${n}_EL0`] = effects(filters | eventNumber);
  }
  return {
    ...definitions,
    PMCR_EL0: {
      // D is RES0 and LC RES1 without AArch32; P and C read as zero.
      writable: fields('PMCR_EL0', 'DP X E'),
      RES1: fields('PMCR_EL0', 'LC'),
      // IMP 0: the counters are those of the processor that MIDR_EL1 names.
      reset: BigInt(EVENT_COUNTERS) << 11n,
      kind: 'effects',
    },
    PMCNTENSET_EL0: effects(counters),
    PMCNTENCLR_EL0: effects(counters),
    PMOVSSET_EL0: effects(counters),
    PMOVSCLR_EL0: effects(counters),
    PMINTENSET_EL1: effects(counters),
    PMINTENCLR_EL1: effects(counters),
    PMSWINC_EL0: effects(counters),
    PMSELR_EL0: storage(0x1fn),
    PMCEID0_EL0: readOnly(PMCEID0_EL0),
    PMCEID1_EL0: readOnly(PMCEID1_EL0),
    PMCCNTR_EL0: effects(ALL),
    PMCCFILTR_EL0: effects(filters),
    PMXEVTYPER_EL0: effects(filters | eventNumber),
    PMXEVCNTR_EL0: effects(LOW32),
    PMUSERENR_EL0: effects(fields('PMUSERENR_EL0', 'ER CR SW EN')),
  };
}

const fineGrainedTrapRegisters = [
  'HFGRTR_EL2',
  'HFGWTR_EL2',
  'HFGITR_EL2',
  'HDFGRTR_EL2',
  'HDFGWTR_EL2',
] as const;

/** Arm ARM, the Statistical Profiling Extension, FEAT_SPE of Armv8.2. */
const statisticalProfiling: Definitions = {
  PMSCR_EL1: effects(fields('PMSCR_EL1', 'PCT TS PA CX E1SPE E0SPE')),
  PMSCR_EL2: effects(fields('PMSCR_EL2', 'PCT TS PA CX E2SPE E0HSPE')),
  PMSICR_EL1: effects(fields('PMSICR_EL1', 'ECOUNT COUNT')),
  PMSIRR_EL1: effects(fields('PMSIRR_EL1', 'INTERVAL RND')),
  PMSFCR_EL1: effects(fields('PMSFCR_EL1', 'ST LD B FL FT FE')),
  PMSEVFR_EL1: effects(ALL),
  PMSLATFR_EL1: effects(fields('PMSLATFR_EL1', 'MINLAT')),
  // FE, FT, FL; every instruction is an operation; an interval of at least 1024; 64-byte records; a 12-bit
  // counter.
  PMSIDR_EL1: readOnly(0x0002_640fn),
  PMBLIMITR_EL1: effects(fields('PMBLIMITR_EL1', 'LIMIT FM E')),
  PMBPTR_EL1: effects(ALL),
  PMBSR_EL1: effects(fields('PMBSR_EL1', 'EC DL EA S COLL MSS')),
  // P depends on who owns the buffer; Align is 64 bytes.
  PMBIDR_EL1: readOnlyEffects(6n),
};

const traceFilter: Definitions = {
  TRFCR_EL1: effects(fields('TRFCR_EL1', 'TS E1TRE E0TRE')),
  TRFCR_EL2: effects(fields('TRFCR_EL2', 'TS CX E2TRE E0HTRE')),
};

const traceBuffer: Definitions = {
  TRBLIMITR_EL1: effects(fields('TRBLIMITR_EL1', 'LIMIT nVM TM FM E')),
  TRBPTR_EL1: effects(ALL),
  TRBBASER_EL1: effects(ALL & ~0xfffn),
  TRBSR_EL1: effects(fields('TRBSR_EL1', 'EC IRQ TRG WRAP EA S MSS')),
  TRBMAR_EL1: effects(fields('TRBMAR_EL1', 'SH Attr')),
  TRBTRG_EL1: effects(LOW32),
  TRBIDR_EL1: readOnlyEffects(),
};

/** An ID-space encoding the architecture has not named. */
function reservedIdRegister(encoding: number): SysReg {
  return {
    name: genericName(encoding),
    ...unpackEncoding(encoding),
    encoding,
    access: 'RO',
    minEL: 1,
    group: 'ID',
    feature: 'base',
    summary: 'Reserved identification register, reads as zero',
    fields: [],
  };
}

/**
 * A breakpoint or watchpoint register beyond the first 16: the encoding is that of its place in the bank that
 * MDSELR_EL1.BANK selects. Undefined for another name.
 */
function bankedRegister(name: string): SysReg | undefined {
  const [, family = '', digits] = /^(DBG[BW][CV]R)(\d+)_EL1$/.exec(name) ?? [];
  const index = Number(digits);
  const first = byName(`${family}${index % DEBUG_REGISTERS_OF_A_BANK}_EL1`);
  if (first?.array === undefined) return undefined;
  return { ...first, name, array: { ...first.array, index } };
}

const reservedIdRegisters = new Map(
  idSpaceEncodings
    .filter((encoding) => byEncoding(encoding, 'read') === undefined)
    .map((encoding) => [genericName(encoding), reservedIdRegister(encoding)]),
);

/** What `implementedRegisters` returns: the processor's registers and the ways to find them. */
export interface ImplementedRegisters {
  readonly all: readonly ImplementedRegister[];
  /** FEAT_VHE: names of EL2 for registers of EL1 and EL0, which `reg.aliasOf` gives. */
  readonly aliases: readonly ImplementedRegister[];
  byName(name: string): ImplementedRegister | undefined;
  /** The register or alias an access in this direction names, or the one with no accessor in it. */
  byEncoding(encoding: number, direction: Direction): ImplementedRegister | undefined;
}

/**
 * The registers of processor `cpu` with the given profile.
 * @throws RangeError when the profile is out of range (see `checkProfile`).
 */
export function implementedRegisters(profile: ProcessorProfile, cpu = 0): ImplementedRegisters {
  checkProfile(profile);
  const base: Definitions = {
    ...identification(profile, cpu),
    ...system,
    ...translation,
    ...exceptions,
    ...pstate,
    ...pstateExtensions(profile.model),
    ...pointerAuthentication(profile.model),
    ...floatingPoint(profile),
    ...timers,
    ...debug(profile),
    ...(profile.FEAT_AA32EL1 && aarch32()),
    ...(profile.model.features.has('FEAT_PMUv3') && performanceMonitors(profile.model)),
    ...(profile.FEAT_SPE && statisticalProfiling),
    ...(profile.FEAT_TRF && traceFilter),
    ...(profile.FEAT_TRBE && traceBuffer),
    ...(profile.FEAT_GICv3 && gicCpuInterface),
  };
  const v8 = { ...base, ...withFieldsOfFeatures(base, profile.model) };
  const definitions = hasVHE(profile) ? { ...v8, ...virtualizationHost(v8) } : v8;
  const registers = Object.entries(definitions).map(([name, definition]): ImplementedRegister => {
    const reg = byName(name) ?? reservedIdRegisters.get(name) ?? bankedRegister(name);
    if (reg === undefined) throw new TypeError(`The catalogue has no register ${name}`);
    const { writable = 0n, RES1 = 0n, reset = 0n, kind = 'storage' } = definition;
    return { reg, reset: reset | RES1, writable, RES1, kind };
  });
  if (profile.FEAT_FGT) {
    const names = new Set(Object.keys(definitions));
    for (const name of fineGrainedTrapRegisters) {
      const reg = byName(name);
      if (reg === undefined) throw new TypeError(`The catalogue has no register ${name}`);
      const writable = fineGrainedTrapMask(name, names, profile.model.features);
      registers.push({ reg, reset: 0n, writable, RES1: 0n, kind: 'effects' });
    }
  }
  const names = new Map(registers.map((register) => [register.reg.name, register]));
  const aliases = hasVHE(profile) ? hostAliases(names) : [];
  const readable = new Map<number, ImplementedRegister>();
  const writeable = new Map<number, ImplementedRegister>();
  const isFirstBank = ({ reg }: ImplementedRegister): boolean =>
    (reg.array?.index ?? 0) < DEBUG_REGISTERS_OF_A_BANK || !reg.name.startsWith('DBG');
  for (const register of [...registers, ...aliases]) {
    if (!isFirstBank(register)) continue;
    if (register.reg.access !== 'WO') readable.set(register.reg.encoding, register);
    if (register.reg.access !== 'RO') writeable.set(register.reg.encoding, register);
  }
  return {
    all: registers,
    aliases,
    byName: (name) => names.get(name),
    byEncoding: (encoding, direction) =>
      direction === 'read'
        ? (readable.get(encoding) ?? writeable.get(encoding))
        : (writeable.get(encoding) ?? readable.get(encoding)),
  };
}

function hostAliases(
  registers: ReadonlyMap<string, ImplementedRegister>,
): readonly ImplementedRegister[] {
  return redirections.flatMap(({ name, alias }) => {
    const register = registers.get(name);
    if (register === undefined) return [];
    const reg = byName(alias);
    if (reg?.aliasOf !== name) throw new TypeError(`The catalogue has no ${alias} for ${name}`);
    return [{ ...register, reg }];
  });
}

/** The value stored by a write: read-only and reserved bits keep their values. */
export function writtenValue(
  { writable, RES1 }: ImplementedRegister,
  current: bigint,
  written: bigint,
): bigint {
  return (current & ~writable) | (written & writable) | RES1;
}
