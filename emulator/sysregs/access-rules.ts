/**
 * What becomes of an access to a system register or a SYS alias: allowed, UNDEFINED, or trapped.
 *
 * Written for a PE with EL0, EL1 and EL2, all AArch64, without EL3 and FEAT_NV. The order is that of the
 * accessibility pseudocode of each register's page in the Arm ARM: UNDEFINED, then the traps to EL1, then
 * the traps to EL2. HSTR_EL2 is not among the inputs: it traps AArch32 accesses only.
 *
 * EL0 of a host at EL2, with HCR_EL2.{E2H, TGE} both 1, obeys SCTLR_EL2 and CNTHCTL_EL2 in the place of
 * SCTLR_EL1 and CNTKCTL_EL1; no control of HCR_EL2 and no fine-grained trap concerns it.
 *
 * Conditions are bits of two numbers (`ActiveTraps`), computed when a trap control changes, and the
 * rule of each register is a mask over them, so asking for every register again costs one AND each.
 */
import type { SystemInstruction } from './catalogue.ts';
import {
  fineGrainedExceptionTrap,
  fineGrainedInstructionTrap,
  fineGrainedTrap,
} from './fine-grained-traps.ts';
import type {
  FineGrainedExceptionInstruction,
  FineGrainedTrap,
  FineGrainedTrapRegister,
} from './fine-grained-traps.ts';
import { sysRegTrapISS } from './sysreg.ts';
import type { Direction, ExceptionLevel, SysReg } from './sysreg.ts';
import { elIsInHost, HCR_E2H } from './virtualization-host.ts';

/** The registers that decide, by their architectural names, as 64-bit values. */
export interface TrapControls {
  readonly HCR_EL2: bigint;
  readonly MDCR_EL2: bigint;
  readonly CPTR_EL2: bigint;
  readonly CNTHCTL_EL2: bigint;
  readonly CNTKCTL_EL1: bigint;
  readonly SCTLR_EL1: bigint;
  readonly SCTLR_EL2: bigint;
  readonly CPACR_EL1: bigint;
  readonly MDSCR_EL1: bigint;
  /** There is no floating point: FP instructions are UNDEFINED. Default false. */
  readonly fpAbsent?: boolean;
  /** The registers of FEAT_FGT; absent when it is not implemented. */
  readonly fineGrained?: Readonly<Record<FineGrainedTrapRegister, bigint>>;
  /** Absent without a GICv3 CPU interface. */
  readonly ICH_HCR_EL2?: bigint;
  readonly ICC_SRE_EL2?: bigint;
  /** Absent without FEAT_PMUv3. */
  readonly PMUSERENR_EL0?: bigint;
  /** Number of breakpoints and watchpoints: DBGB*<n> and DBGW*<n> from there on are UNDEFINED. */
  readonly implementedBreakpoints: number;
  readonly implementedWatchpoints: number;
}

export interface AccessState extends TrapControls {
  /** PSTATE.EL, 0 to 2. */
  readonly el: ExceptionLevel;
  /** PSTATE.SP: SP_EL0 is UNDEFINED while it is the current stack pointer. */
  readonly SPSel: 0 | 1;
}

/** EC of a trapped MSR, MRS or System instruction. */
export const EC_SYSTEM_ACCESS = 0x18;
/** EC of a trapped access to floating point or Advanced SIMD. */
export const EC_FP_ACCESS = 0x07;
/** EC for an unknown reason: also of an FP access from EL0 that HCR_EL2.TGE sends to EL2. */
export const EC_UNKNOWN = 0x00;
/** Arm ARM, ISS for EC 0x07: CV = 1, COND = 0b1110. */
export const ISS_FP_ACCESS = 0x1e00000;

export type AccessResult =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'undefined' }
  | {
      readonly kind: 'trapped';
      readonly targetEL: 1 | 2;
      /** ESR_ELx.EC */
      readonly EC: number;
      /** ESR_ELx.ISS */
      readonly ISS: number;
    };

/** The same as a byte, for tables. The values fit three bits. */
export const ACCESS_ALLOWED = 0;
export const ACCESS_UNDEFINED = 1;
/** EC 0x18, taken to EL1. */
export const ACCESS_TRAP_EL1 = 2;
/** EC 0x18, taken to EL2. */
export const ACCESS_TRAP_EL2 = 3;
/** EC 0x07, taken to EL1. */
export const ACCESS_FP_TRAP_EL1 = 4;
/** EC 0x07, taken to EL2. */
export const ACCESS_FP_TRAP_EL2 = 5;
/** EC 0x00, taken to EL2: CPACR_EL1 traps EL0 while HCR_EL2.TGE is 1. */
export const ACCESS_FP_UNDEFINED_EL2 = 6;

export type AccessCode =
  | typeof ACCESS_ALLOWED
  | typeof ACCESS_UNDEFINED
  | typeof ACCESS_TRAP_EL1
  | typeof ACCESS_TRAP_EL2
  | typeof ACCESS_FP_TRAP_EL1
  | typeof ACCESS_FP_TRAP_EL2
  | typeof ACCESS_FP_UNDEFINED_EL2;

// Traps of EL0 to EL1. Each bit is set in ActiveTraps.fromEL0 while the condition traps.
const UCT = 1 << 0;
const UMA = 1 << 1;
const DZE = 1 << 2;
const UCI = 1 << 3;
const EL0PCTEN = 1 << 4;
const EL0VCTEN = 1 << 5;
const EL0ANYCTEN = 1 << 6;
const EL0PTEN = 1 << 7;
const EL0VTEN = 1 << 8;
const MDSCR_TDCC = 1 << 9;
// PMUSERENR_EL0: EN is clear, and with it SW, CR or ER.
const PMU_EN = 1 << 10;
const PMU_SW = 1 << 11;
const PMU_CR = 1 << 12;
const PMU_ER = 1 << 13;

// Traps of EL0 and EL1 to EL2. Each bit is set in ActiveTraps.toEL2 while the condition traps.
const TVM = 1 << 0;
const TRVM = 1 << 1;
const TACR = 1 << 2;
const TID1 = 1 << 3;
const TID2 = 1 << 4;
const TID3 = 1 << 5;
const TCPAC = 1 << 6;
const TDA = 1 << 7;
const TDOSA = 1 << 8;
const TDRA = 1 << 9;
const MDCR_TDCC = 1 << 10;
const EL1PCTEN = 1 << 11;
const EL1PCEN = 1 << 12;
const TTRF = 1 << 13;
const TPMS = 1 << 14;
const E2PB = 1 << 15;
const E2TB = 1 << 16;
const TSW = 1 << 17;
const TPC = 1 << 18;
const TPU = 1 << 19;
const TTLB = 1 << 20;
const TDZ = 1 << 21;
const TIDCP = 1 << 22;
const TPM = 1 << 23;
const TPMCR = 1 << 24;
/** HCR_EL2.APK is 0: the keys of pointer authentication trap. */
const APK = 1 << 25;
const TLOR = 1 << 26;

// Traps of EL1 to EL2 in the CPU interface of a GIC. Each bit is set in ActiveTraps.gic while the condition traps.
const ICH_TC = 1 << 0;
const ICH_TALL0 = 1 << 1;
const ICH_TALL1 = 1 << 2;
const ICH_TDIR = 1 << 3;
/** HCR_EL2.IMO or FMO: a guest's SGIs are its hypervisor's business. */
const VIRTUAL_SGI = 1 << 4;
/** ICC_SRE_EL2.Enable is 0. */
const SRE_DISABLED = 1 << 5;

/** The trap conditions that hold, from `activeTraps`. */
export interface ActiveTraps {
  readonly fromEL0: number;
  readonly toEL2: number;
  readonly gic: number;
  /** HCR_EL2.TGE: what EL0 would take to EL1 goes to EL2. */
  readonly TGE: boolean;
  /** HCR_EL2.E2H: names of EL1 reach registers of EL2. */
  readonly E2H: boolean;
  /** CPACR_EL1.FPEN traps EL0; EL1. CPTR_EL2, by TFP or FPEN, traps EL0, EL1 and EL2. */
  readonly fpFromEL0: boolean;
  readonly fpFromEL1: boolean;
  readonly TFP: boolean;
  /** CPTR_EL2.FPEN traps EL0 of a host to EL2. */
  readonly fpFromHostEL0: boolean;
  readonly fpAbsent: boolean;
  readonly fineGrained: Readonly<Record<FineGrainedTrapRegister, bigint>> | undefined;
  readonly implementedBreakpoints: number;
  readonly implementedWatchpoints: number;
}

const bit = (value: bigint, position: number): boolean => ((value >> BigInt(position)) & 1n) === 1n;

/** Combines condition bits: [holds, bit]. */
function mask(...conditions: readonly (readonly [boolean, number])[]): number {
  let result = 0;
  for (const [holds, flag] of conditions) if (holds) result |= flag;
  return result;
}

/** Evaluates the trap controls once; compare with `accessCode` for each register. */
export function activeTraps(controls: TrapControls): ActiveTraps {
  const { HCR_EL2, MDCR_EL2: mdcr, CNTHCTL_EL2: cnthctl, CPTR_EL2: cptr } = controls;
  const { ICH_HCR_EL2: ich = 0n, ICC_SRE_EL2 = 0n, PMUSERENR_EL0: pmuserenr = 0n } = controls;
  const PMU_ENclear = !bit(pmuserenr, 0);
  const TGE = bit(HCR_EL2, 27);
  const E2H = (HCR_EL2 & HCR_E2H) !== 0n;
  const inHost = elIsInHost(HCR_EL2, 0);
  const hcr = inHost ? 0n : HCR_EL2;
  const sctlr = inHost ? controls.SCTLR_EL2 : controls.SCTLR_EL1;
  const cntkctl = inHost ? cnthctl : controls.CNTKCTL_EL1;
  // Arm ARM, MDCR_EL2.TDE: while it or HCR_EL2.TGE is 1, TDRA, TDOSA and TDA are treated as 1.
  const TDE = TGE || bit(mdcr, 8);
  const EL0PCTENclear = !bit(cntkctl, 0);
  const EL0VCTENclear = !bit(cntkctl, 1);
  // With E2H the enables for EL1 and EL0 below it are in bits 10 and 11.
  const physicalCounter = E2H ? 10 : 0;
  const FPEN = inHost ? 3n : (controls.CPACR_EL1 >> 20n) & 3n;
  const hostFPEN = (cptr >> 20n) & 3n;
  return {
    fromEL0: mask(
      [!bit(sctlr, 15), UCT],
      [inHost || !bit(sctlr, 9), UMA],
      [!bit(sctlr, 14), DZE],
      [!bit(sctlr, 26), UCI],
      [EL0PCTENclear, EL0PCTEN],
      [EL0VCTENclear, EL0VCTEN],
      [EL0PCTENclear && EL0VCTENclear, EL0ANYCTEN],
      [!bit(cntkctl, 9), EL0PTEN],
      [!bit(cntkctl, 8), EL0VTEN],
      [bit(controls.MDSCR_EL1, 12), MDSCR_TDCC],
      [PMU_ENclear, PMU_EN],
      [PMU_ENclear && !bit(pmuserenr, 1), PMU_SW],
      [PMU_ENclear && !bit(pmuserenr, 2), PMU_CR],
      [PMU_ENclear && !bit(pmuserenr, 3), PMU_ER],
    ),
    toEL2: mask(
      [bit(hcr, 26), TVM],
      [bit(hcr, 30), TRVM],
      [bit(hcr, 21), TACR],
      [bit(hcr, 16), TID1],
      [bit(hcr, 17), TID2],
      [bit(hcr, 18), TID3],
      [bit(cptr, 31), TCPAC],
      [TDE || bit(mdcr, 9), TDA],
      [TDE || bit(mdcr, 10), TDOSA],
      [TDE || bit(mdcr, 11), TDRA],
      [bit(mdcr, 27), MDCR_TDCC],
      [!inHost && !bit(cnthctl, physicalCounter), EL1PCTEN],
      [!inHost && !bit(cnthctl, physicalCounter + 1), EL1PCEN],
      [bit(mdcr, 19), TTRF],
      [bit(mdcr, 14), TPMS],
      // 0b00 (owned by EL2) and 0b10 trap the buffer controls: bit 0 of the field is clear.
      [!bit(mdcr, 12), E2PB],
      [!bit(mdcr, 24), E2TB],
      [bit(hcr, 22), TSW],
      [bit(hcr, 23), TPC],
      [bit(hcr, 24), TPU],
      [bit(hcr, 25), TTLB],
      [bit(hcr, 28), TDZ],
      [bit(hcr, 20), TIDCP],
      [bit(mdcr, 6), TPM],
      [bit(mdcr, 5), TPMCR],
      [!bit(hcr, 40), APK],
      [bit(hcr, 35), TLOR],
    ),
    gic: mask(
      [bit(ich, 10), ICH_TC],
      [bit(ich, 11), ICH_TALL0],
      [bit(ich, 12), ICH_TALL1],
      [bit(ich, 14), ICH_TDIR],
      [bit(hcr, 3) || bit(hcr, 4), VIRTUAL_SGI],
      [!bit(ICC_SRE_EL2, 3), SRE_DISABLED],
    ),
    TGE,
    E2H,
    fpFromEL0: FPEN !== 3n,
    fpFromEL1: FPEN === 0n || FPEN === 2n,
    TFP: E2H ? (hostFPEN & 1n) === 0n : bit(cptr, 10),
    fpFromHostEL0: inHost && hostFPEN === 1n,
    fpAbsent: controls.fpAbsent ?? false,
    fineGrained: inHost ? undefined : controls.fineGrained,
    implementedBreakpoints: controls.implementedBreakpoints,
    implementedWatchpoints: controls.implementedWatchpoints,
  };
}

/** The rule of one register in one direction, or of one SYS alias. */
interface Rule {
  /** The lowest EL at which the access is not UNDEFINED; 3 when it is UNDEFINED everywhere. */
  readonly minEL: ExceptionLevel;
  /** Conditions of ActiveTraps.fromEL0 that trap EL0. */
  readonly fromEL0: number;
  /** Conditions of ActiveTraps.toEL2 that trap EL0 and EL1. */
  readonly toEL2: number;
  /** Conditions of ActiveTraps.gic that trap EL1. */
  readonly gic: number;
  readonly fp: boolean;
  readonly fineGrained: FineGrainedTrap | undefined;
}

/** The memory-control registers of HCR_EL2.TVM and TRVM. */
const virtualMemoryControls = new Set([
  'SCTLR_EL1',
  'TTBR0_EL1',
  'TTBR1_EL1',
  'TCR_EL1',
  'ESR_EL1',
  'FAR_EL1',
  'AFSR0_EL1',
  'AFSR1_EL1',
  'MAIR_EL1',
  'AMAIR_EL1',
  'CONTEXTIDR_EL1',
]);

/** EL2 traps by register name; numbered families by their first letters below. */
const el2Traps: Readonly<Record<string, number>> = {
  ACTLR_EL1: TACR,
  REVIDR_EL1: TID1,
  AIDR_EL1: TID1,
  CTR_EL0: TID2,
  CCSIDR_EL1: TID2,
  CLIDR_EL1: TID2,
  CSSELR_EL1: TID2,
  CPACR_EL1: TCPAC,
  CNTPCT_EL0: EL1PCTEN,
  CNTP_CTL_EL0: EL1PCEN,
  CNTP_CVAL_EL0: EL1PCEN,
  CNTP_TVAL_EL0: EL1PCEN,
  MDRAR_EL1: TDRA,
  OSLAR_EL1: TDOSA,
  OSLSR_EL1: TDOSA,
  OSDLR_EL1: TDOSA,
  DBGPRCR_EL1: TDOSA,
  OSDTRRX_EL1: TDA | MDCR_TDCC,
  OSDTRTX_EL1: TDA | MDCR_TDCC,
  MDCCINT_EL1: TDA | MDCR_TDCC,
  MDCCSR_EL0: TDA | MDCR_TDCC,
  DBGDTR_EL0: TDA | MDCR_TDCC,
  DBGDTRRX_EL0: TDA | MDCR_TDCC,
  DBGDTRTX_EL0: TDA | MDCR_TDCC,
  MDSCR_EL1: TDA,
  MDSELR_EL1: TDA,
  OSECCR_EL1: TDA,
  DBGCLAIMSET_EL1: TDA,
  DBGCLAIMCLR_EL1: TDA,
  DBGAUTHSTATUS_EL1: TDA,
  TRFCR_EL1: TTRF,
  PMSCR_EL1: TPMS,
  PMSICR_EL1: TPMS,
  PMSIRR_EL1: TPMS,
  PMSFCR_EL1: TPMS,
  PMSEVFR_EL1: TPMS,
  PMSLATFR_EL1: TPMS,
  PMSIDR_EL1: TPMS,
  PMBLIMITR_EL1: E2PB,
  PMBPTR_EL1: E2PB,
  PMBSR_EL1: E2PB,
  TRBLIMITR_EL1: E2TB,
  TRBPTR_EL1: E2TB,
  TRBBASER_EL1: E2TB,
  TRBSR_EL1: E2TB,
  TRBMAR_EL1: E2TB,
  TRBTRG_EL1: E2TB,
  LORSA_EL1: TLOR,
  LOREA_EL1: TLOR,
  LORN_EL1: TLOR,
  LORC_EL1: TLOR,
  LORID_EL1: TLOR,
};

/** Those of the CPU interface. */
const gicTraps: Readonly<Record<string, number>> = {
  ICC_SRE_EL1: SRE_DISABLED,
  ICC_SGI0R_EL1: ICH_TC | VIRTUAL_SGI,
  ICC_SGI1R_EL1: ICH_TC | VIRTUAL_SGI,
  ICC_ASGI1R_EL1: ICH_TC | VIRTUAL_SGI,
  ICC_CTLR_EL1: ICH_TC,
  ICC_PMR_EL1: ICH_TC,
  ICC_RPR_EL1: ICH_TC,
  ICC_DIR_EL1: ICH_TC | ICH_TDIR,
  ICC_IAR0_EL1: ICH_TALL0,
  ICC_EOIR0_EL1: ICH_TALL0,
  ICC_HPPIR0_EL1: ICH_TALL0,
  ICC_BPR0_EL1: ICH_TALL0,
  ICC_AP0R0_EL1: ICH_TALL0,
  ICC_IGRPEN0_EL1: ICH_TALL0,
  ICC_IAR1_EL1: ICH_TALL1,
  ICC_EOIR1_EL1: ICH_TALL1,
  ICC_HPPIR1_EL1: ICH_TALL1,
  ICC_BPR1_EL1: ICH_TALL1,
  ICC_AP1R0_EL1: ICH_TALL1,
  ICC_IGRPEN1_EL1: ICH_TALL1,
};

/** Conditions that trap EL0 to EL1, by register name. */
const el0Traps: Readonly<Record<string, number>> = {
  CTR_EL0: UCT,
  DAIF: UMA,
  CNTFRQ_EL0: EL0ANYCTEN,
  CNTPCT_EL0: EL0PCTEN,
  CNTVCT_EL0: EL0VCTEN,
  CNTP_CTL_EL0: EL0PTEN,
  CNTP_CVAL_EL0: EL0PTEN,
  CNTP_TVAL_EL0: EL0PTEN,
  CNTV_CTL_EL0: EL0VTEN,
  CNTV_CVAL_EL0: EL0VTEN,
  CNTV_TVAL_EL0: EL0VTEN,
  MDCCSR_EL0: MDSCR_TDCC,
  DBGDTR_EL0: MDSCR_TDCC,
  DBGDTRRX_EL0: MDSCR_TDCC,
  DBGDTRTX_EL0: MDSCR_TDCC,
};

/** The registers of the Performance Monitors, those of the Statistical Profiling Extension apart. */
export function isPerformanceMonitorRegister({ op0, op1, CRn, CRm }: SysReg): boolean {
  if (op0 !== 3) return false;
  if (op1 === 3) return (CRn === 9 && CRm >= 12) || (CRn === 14 && CRm >= 8);
  return op1 === 0 && CRn === 9 && CRm === 14;
}

/** Arm ARM, PMUSERENR_EL0: what EL0 may access with less than EN. */
function performanceMonitorsFromEL0({ name }: SysReg, direction: Direction): number {
  if (name === 'PMUSERENR_EL0') return 0;
  if (name === 'PMSWINC_EL0') return PMU_SW;
  if (name === 'PMSELR_EL0') return PMU_ER;
  if (direction === 'read') {
    if (name === 'PMCCNTR_EL0') return PMU_CR;
    if (/^PMX?EVCNTR\d*_EL0$/.test(name)) return PMU_ER;
  }
  return PMU_EN;
}

function el2TrapsOf(reg: SysReg, direction: Direction): number {
  if (reg.op0 === 3 && reg.op1 === 0 && reg.CRn === 0 && reg.CRm >= 1 && reg.CRm <= 7) return TID3;
  if (virtualMemoryControls.has(reg.name)) return direction === 'read' ? TRVM : TVM;
  if (isBreakpointRegister(reg) || isWatchpointRegister(reg)) return TDA;
  if (isPerformanceMonitorRegister(reg)) return reg.name === 'PMCR_EL0' ? TPM | TPMCR : TPM;
  if (isPointerKeyRegister(reg)) return APK;
  return el2Traps[reg.name] ?? 0;
}

const isPointerKeyRegister = ({ name }: SysReg): boolean =>
  /^AP[IDG][AB]Key(Lo|Hi)_EL1$/.test(name);
const isBreakpointRegister = ({ array }: SysReg): boolean =>
  array?.template === 'DBGBVR<n>_EL1' || array?.template === 'DBGBCR<n>_EL1';
const isWatchpointRegister = ({ array }: SysReg): boolean =>
  array?.template === 'DBGWVR<n>_EL1' || array?.template === 'DBGWCR<n>_EL1';

/** Whether MDCR_EL2 has a control that takes MRS or MSR of the register from EL1 to EL2. */
export function isUnderMdcr(reg: SysReg): boolean {
  const traps = el2TrapsOf(reg, 'read') | el2TrapsOf(reg, 'write');
  return (traps & (TDA | TDOSA | TDRA | TTRF | TPMS | E2PB | E2TB | TPM | TPMCR)) !== 0;
}

function lowestEL(reg: SysReg, direction: Direction): ExceptionLevel {
  if (reg.access === (direction === 'read' ? 'WO' : 'RO')) return 3;
  if (direction === 'write') {
    // CNTFRQ_EL0 is writable at the highest implemented EL only, TPIDRRO_EL0 not at EL0.
    if (reg.name === 'CNTFRQ_EL0') return 2;
    if (reg.name === 'TPIDRRO_EL0' || reg.name === 'PMUSERENR_EL0') return 1;
  }
  return reg.minEL;
}

const rules: Readonly<Record<Direction, WeakMap<SysReg, Rule>>> = {
  read: new WeakMap(),
  write: new WeakMap(),
};

function ruleOf(reg: SysReg, direction: Direction): Rule {
  let rule = rules[direction].get(reg);
  if (rule === undefined) {
    rule = {
      minEL: lowestEL(reg, direction),
      fromEL0: isPerformanceMonitorRegister(reg)
        ? performanceMonitorsFromEL0(reg, direction)
        : (el0Traps[reg.name] ?? 0),
      toEL2: el2TrapsOf(reg, direction),
      gic: gicTraps[reg.name] ?? 0,
      fp: reg.name === 'FPCR' || reg.name === 'FPSR',
      fineGrained: fineGrainedTrap(reg, direction),
    };
    rules[direction].set(reg, rule);
  }
  return rule;
}

function instructionToEL2(instruction: SystemInstruction): number {
  switch (instruction.kind) {
    case 'tlbi':
      return TTLB;
    case 'ic':
      return TPU;
    case 'dc':
      switch (instruction.name) {
        case 'ZVA':
          return TDZ;
        case 'CVAU':
          return TPU;
        case 'ISW':
        case 'CSW':
        case 'CISW':
          return TSW;
        default:
          return TPC;
      }
    default:
      return 0;
  }
}

const instructionRules = new WeakMap<SystemInstruction, Rule>();

function instructionRuleOf(instruction: SystemInstruction): Rule {
  let rule = instructionRules.get(instruction);
  if (rule === undefined) {
    // op1 is the lowest EL's: 0 for EL1, 3 for EL0, 4 for EL2; EL3's 6 and 7 are UNDEFINED here.
    const levels: Readonly<Record<number, ExceptionLevel>> = { 0: 1, 3: 0, 4: 2 };
    rule = {
      minEL: levels[instruction.op1] ?? 3,
      fromEL0: instruction.name === 'ZVA' ? DZE : UCI,
      toEL2: instructionToEL2(instruction),
      gic: 0,
      fp: false,
      fineGrained: fineGrainedInstructionTrap(instruction),
    };
    instructionRules.set(instruction, rule);
  }
  return rule;
}

function codeUnder(rule: Rule, el: ExceptionLevel, traps: ActiveTraps): AccessCode {
  if (el < rule.minEL) return ACCESS_UNDEFINED;
  if (rule.fp) return fpAccessCode(el, traps);
  return trapsUnder(rule, el, traps);
}

function trapsUnder(rule: Rule, el: ExceptionLevel, traps: ActiveTraps): AccessCode {
  if (el >= 2) return ACCESS_ALLOWED;
  if (el === 0 && (traps.fromEL0 & rule.fromEL0) !== 0) {
    return traps.TGE ? ACCESS_TRAP_EL2 : ACCESS_TRAP_EL1;
  }
  if (((traps.toEL2 & rule.toEL2) | (traps.gic & rule.gic)) !== 0) return ACCESS_TRAP_EL2;
  const { fineGrained } = rule;
  return fineGrained !== undefined && isFineGrainedTrapped(fineGrained, traps)
    ? ACCESS_TRAP_EL2
    : ACCESS_ALLOWED;
}

function isFineGrainedTrapped({ register, bit: position }: FineGrainedTrap, traps: ActiveTraps) {
  return traps.fineGrained !== undefined && bit(traps.fineGrained[register], position);
}

/** Whether HFGITR_EL2 traps ERET at EL1, or SVC at EL0 or EL1, to EL2. */
export function exceptionInstructionTrapped(
  name: FineGrainedExceptionInstruction,
  traps: ActiveTraps,
): boolean {
  return isFineGrainedTrapped(fineGrainedExceptionTrap(name), traps);
}

/**
 * The outcome for an FP or Advanced SIMD instruction, or an access to FPCR or FPSR (Arm ARM,
 * AArch64.CheckFPEnabled() and AArch64.AdvSIMDFPAccessTrap()).
 */
export function fpAccessCode(el: ExceptionLevel, traps: ActiveTraps): AccessCode {
  if (traps.fpAbsent) return ACCESS_UNDEFINED;
  if (el === 0 && traps.fpFromEL0) return traps.TGE ? ACCESS_FP_UNDEFINED_EL2 : ACCESS_FP_TRAP_EL1;
  if (el === 1 && traps.fpFromEL1) return ACCESS_FP_TRAP_EL1;
  if (el === 0 && traps.fpFromHostEL0) return ACCESS_FP_TRAP_EL2;
  return traps.TFP ? ACCESS_FP_TRAP_EL2 : ACCESS_ALLOWED;
}

/**
 * The outcome of MRS (`read`) or MSR (`write`) to a register the processor implements.
 * @param SPSel PSTATE.SP; matters for SP_EL0 only.
 */
export function accessCode(
  reg: SysReg,
  direction: Direction,
  el: ExceptionLevel,
  SPSel: 0 | 1,
  traps: ActiveTraps,
): AccessCode {
  if (reg.array !== undefined) {
    if (isBreakpointRegister(reg) && reg.array.index >= traps.implementedBreakpoints) {
      return ACCESS_UNDEFINED;
    }
    if (isWatchpointRegister(reg) && reg.array.index >= traps.implementedWatchpoints) {
      return ACCESS_UNDEFINED;
    }
  }
  if (SPSel === 0 && reg.name === 'SP_EL0') return ACCESS_UNDEFINED;
  if (reg.aliasOf !== undefined && !traps.E2H) return ACCESS_UNDEFINED;
  return codeUnder(ruleOf(reg, direction), el, traps);
}

/** Names of the conditions, as the field whose value traps; those of ActiveTraps.fromEL0. */
const namesFromEL0: readonly (readonly [number, string])[] = [
  [UCT, 'SCTLR_EL1.UCT'],
  [UMA, 'SCTLR_EL1.UMA'],
  [DZE, 'SCTLR_EL1.DZE'],
  [UCI, 'SCTLR_EL1.UCI'],
  [EL0PCTEN, 'CNTKCTL_EL1.EL0PCTEN'],
  [EL0VCTEN, 'CNTKCTL_EL1.EL0VCTEN'],
  [EL0ANYCTEN, 'CNTKCTL_EL1.EL0VCTEN'],
  [EL0PTEN, 'CNTKCTL_EL1.EL0PTEN'],
  [EL0VTEN, 'CNTKCTL_EL1.EL0VTEN'],
  [MDSCR_TDCC, 'MDSCR_EL1.TDCC'],
  [PMU_EN, 'PMUSERENR_EL0.EN'],
  [PMU_SW, 'PMUSERENR_EL0.SW'],
  [PMU_CR, 'PMUSERENR_EL0.CR'],
  [PMU_ER, 'PMUSERENR_EL0.ER'],
];

/** Those of ActiveTraps.toEL2. */
const namesToEL2: readonly (readonly [number, string])[] = [
  [TVM, 'HCR_EL2.TVM'],
  [TRVM, 'HCR_EL2.TRVM'],
  [TACR, 'HCR_EL2.TACR'],
  [TID1, 'HCR_EL2.TID1'],
  [TID2, 'HCR_EL2.TID2'],
  [TID3, 'HCR_EL2.TID3'],
  [TSW, 'HCR_EL2.TSW'],
  [TPC, 'HCR_EL2.TPCP'],
  [TPU, 'HCR_EL2.TPU'],
  [TTLB, 'HCR_EL2.TTLB'],
  [TDZ, 'HCR_EL2.TDZ'],
  [TIDCP, 'HCR_EL2.TIDCP'],
  [TLOR, 'HCR_EL2.TLOR'],
  [TCPAC, 'CPTR_EL2.TCPAC'],
  [TPM, 'MDCR_EL2.TPM'],
  [TPMCR, 'MDCR_EL2.TPMCR'],
  [TDA, 'MDCR_EL2.TDA'],
  [TDOSA, 'MDCR_EL2.TDOSA'],
  [TDRA, 'MDCR_EL2.TDRA'],
  [MDCR_TDCC, 'MDCR_EL2.TDCC'],
  [EL1PCTEN, 'CNTHCTL_EL2.EL1PCTEN'],
  [EL1PCEN, 'CNTHCTL_EL2.EL1PCEN'],
  [TTRF, 'MDCR_EL2.TTRF'],
  [TPMS, 'MDCR_EL2.TPMS'],
  [E2PB, 'MDCR_EL2.E2PB'],
  [E2TB, 'MDCR_EL2.E2TB'],
  [APK, 'HCR_EL2.APK'],
];

/** Those of ActiveTraps.gic. */
const namesOfGic: readonly (readonly [number, string])[] = [
  [ICH_TC, 'ICH_HCR_EL2.TC'],
  [ICH_TALL0, 'ICH_HCR_EL2.TALL0'],
  [ICH_TALL1, 'ICH_HCR_EL2.TALL1'],
  [ICH_TDIR, 'ICH_HCR_EL2.TDIR'],
  [VIRTUAL_SGI, 'HCR_EL2.IMO'],
  [SRE_DISABLED, 'ICC_SRE_EL2.Enable'],
];

/** The field in its place with HCR_EL2.E2H. */
function nameWithHost(name: string, TGE: boolean): string {
  if (name === 'CNTHCTL_EL2.EL1PCEN') return 'CNTHCTL_EL2.EL1PTEN';
  if (!TGE) return name;
  return name.replace('SCTLR_EL1.', 'SCTLR_EL2.').replace('CNTKCTL_EL1.', 'CNTHCTL_EL2.');
}

/** The fields that make `accessCode` a trap, as `REGISTER.FIELD`; none where the access is not trapped. */
export function trappingControls(
  reg: SysReg,
  direction: Direction,
  el: ExceptionLevel,
  SPSel: 0 | 1,
  traps: ActiveTraps,
): readonly string[] {
  switch (accessCode(reg, direction, el, SPSel, traps)) {
    case ACCESS_ALLOWED:
    case ACCESS_UNDEFINED:
      return [];
    case ACCESS_FP_TRAP_EL1:
    case ACCESS_FP_UNDEFINED_EL2:
      return ['CPACR_EL1.FPEN'];
    case ACCESS_FP_TRAP_EL2:
      return [traps.E2H ? 'CPTR_EL2.FPEN' : 'CPTR_EL2.TFP'];
    case ACCESS_TRAP_EL1:
    case ACCESS_TRAP_EL2: {
      const rule = ruleOf(reg, direction);
      const fromEL0 = el === 0 ? traps.fromEL0 & rule.fromEL0 : 0;
      const named = (names: readonly (readonly [number, string])[], active: number): string[] =>
        names.filter(([flag]) => (active & flag) !== 0).map(([, name]) => name);
      const fields =
        fromEL0 === 0
          ? [
              ...named(namesToEL2, traps.toEL2 & rule.toEL2),
              ...named(namesOfGic, traps.gic & rule.gic),
            ]
          : named(namesFromEL0, fromEL0);
      const found = traps.E2H ? fields.map((name) => nameWithHost(name, traps.TGE)) : fields;
      if (found.length > 0) return found;
      const { fineGrained } = rule;
      return fineGrained === undefined ? [] : [`${fineGrained.register}[${fineGrained.bit}]`];
    }
  }
}

/** The outcome of a SYS alias the processor implements. */
export function instructionAccessCode(
  instruction: SystemInstruction,
  el: ExceptionLevel,
  traps: ActiveTraps,
): AccessCode {
  return codeUnder(instructionRuleOf(instruction), el, traps);
}

/**
 * The outcome of an access to an encoding no implemented register or instruction has. HCR_EL2.TIDCP
 * traps EL1 accesses to the IMPLEMENTATION DEFINED space, CRn 11 and 15 with op0 1 or 3; from EL0 that
 * is IMPLEMENTATION DEFINED, and UNDEFINED here.
 */
export function unimplementedAccessCode(
  encoding: number,
  el: ExceptionLevel,
  traps: ActiveTraps,
): AccessCode {
  const CRn = (encoding >> 7) & 15;
  const isImplementationDefined = ((encoding >> 14) & 1) === 1 && (CRn === 11 || CRn === 15);
  return isImplementationDefined && el === 1 && (traps.toEL2 & TIDCP) !== 0
    ? ACCESS_TRAP_EL2
    : ACCESS_UNDEFINED;
}

/** MSR DAIFSet and DAIFClr: SCTLR_EL1.UMA traps them from EL0. */
export function daifImmediateAccessCode(el: ExceptionLevel, traps: ActiveTraps): AccessCode {
  if (el !== 0 || (traps.fromEL0 & UMA) === 0) return ACCESS_ALLOWED;
  return traps.TGE ? ACCESS_TRAP_EL2 : ACCESS_TRAP_EL1;
}

/** A code as a result, with the syndrome of an access by this encoding, direction and Rt. */
export function accessResult(
  code: AccessCode,
  encoding: number,
  direction: Direction,
  Rt = 0,
): AccessResult {
  const trapped = (targetEL: 1 | 2, EC: number, ISS: number): AccessResult => ({
    kind: 'trapped',
    targetEL,
    EC,
    ISS,
  });
  switch (code) {
    case ACCESS_ALLOWED:
      return { kind: 'allowed' };
    case ACCESS_UNDEFINED:
      return { kind: 'undefined' };
    case ACCESS_TRAP_EL1:
      return trapped(1, EC_SYSTEM_ACCESS, sysRegTrapISS(encoding, direction, Rt));
    case ACCESS_TRAP_EL2:
      return trapped(2, EC_SYSTEM_ACCESS, sysRegTrapISS(encoding, direction, Rt));
    case ACCESS_FP_TRAP_EL1:
      return trapped(1, EC_FP_ACCESS, ISS_FP_ACCESS);
    case ACCESS_FP_TRAP_EL2:
      return trapped(2, EC_FP_ACCESS, ISS_FP_ACCESS);
    case ACCESS_FP_UNDEFINED_EL2:
      return trapped(2, EC_UNKNOWN, 0);
  }
}

/** `accessCode` from the register values, with the syndrome. */
export function access(
  reg: SysReg,
  direction: Direction,
  state: AccessState,
  Rt = 0,
): AccessResult {
  const code = accessCode(reg, direction, state.el, state.SPSel, activeTraps(state));
  return accessResult(code, reg.encoding, direction, Rt);
}

/** `instructionAccessCode` from the register values, with the syndrome (a SYS is a write). */
export function instructionAccess(
  instruction: SystemInstruction,
  state: AccessState,
  Rt = 31,
): AccessResult {
  const code = instructionAccessCode(instruction, state.el, activeTraps(state));
  return accessResult(code, instruction.encoding, 'write', Rt);
}
