/** What may differ between the processors the machine can have: the source of the ID registers. */

import { cpuModel_v8_0 } from './cpu-model.ts';
import type { CpuModel } from './cpu-model.ts';

export interface ProcessorProfile {
  /** The name a launch configuration uses. */
  readonly name: string;
  /** The instructions it has. */
  readonly model: CpuModel;
  /**
   * ID_AA64DFR0_EL1.DebugVer: 6 is Armv8.0, 8 FEAT_Debugv8p2, 9 FEAT_Debugv8p4, 11 FEAT_Debugv8p9; at least 7 with
   * FEAT_VHE.
   */
  readonly debugVersion: number;
  /** Number of breakpoints, 2 to 16, with FEAT_Debugv8p9 to 64. */
  readonly breakpoints: number;
  /** How many of them are context-aware: 1 to `breakpoints`. @see contextAwareRange */
  readonly contextAwareBreakpoints: number;
  /** Number of watchpoints, 2 to 16, with FEAT_Debugv8p9 to 64. */
  readonly watchpoints: number;
  /** Floating point and Advanced SIMD. */
  readonly FEAT_FP: boolean;
  /**
   * EL1 can use AArch32, as far as EL2 has registers for it: DBGVCR32_EL2 and HCR_EL2.RW. There is no
   * execution in AArch32 state; whoever enters a guest in it stops there.
   */
  readonly FEAT_AA32EL1: boolean;
  readonly FEAT_DoubleLock: boolean;
  /** Whatever the model says: the host of a guest at EL1 may run at EL2. See `hasVHE`. */
  readonly FEAT_VHE: boolean;
  readonly FEAT_FGT: boolean;
  readonly FEAT_SPE: boolean;
  readonly FEAT_TRF: boolean;
  /** Needs FEAT_TRF. */
  readonly FEAT_TRBE: boolean;
  /** Watchpoint exceptions tell the number of the watchpoint in ESR_ELx.WPT: a choice from FEAT_Debugv8p2 on. */
  readonly reportsWatchpointNumber: boolean;
  /** The CPU interface of a GICv3 as system registers (ID_AA64PFR0_EL1.GIC), with four list registers. */
  readonly FEAT_GICv3: boolean;
}

/**
 * The neutral Armv8.0-A processor: EL0, EL1 and EL2 in AArch64 only, floating point and Advanced SIMD,
 * CRC32, 40-bit physical addresses, all three granules, 6 breakpoints of which 2 are context-aware, and
 * 4 watchpoints.
 */
export const v8_0: ProcessorProfile = {
  name: 'v8.0',
  model: cpuModel_v8_0,
  debugVersion: 6,
  breakpoints: 6,
  contextAwareBreakpoints: 2,
  watchpoints: 4,
  FEAT_FP: true,
  FEAT_AA32EL1: false,
  FEAT_DoubleLock: true,
  FEAT_VHE: false,
  FEAT_FGT: false,
  FEAT_SPE: false,
  FEAT_TRF: false,
  FEAT_TRBE: false,
  reportsWatchpointNumber: false,
  FEAT_GICv3: false,
};

function requireRange(what: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`${what} is ${value}; it must be ${low} to ${high}`);
  }
}

/**
 * Arm ARM, ID_AA64DFR0_EL1: BRPs and WRPs of 0 are reserved, so there are at least two of each.
 * @throws RangeError for counts or combinations the architecture or this model does not have.
 */
export function checkProfile(profile: ProcessorProfile): void {
  const most = hasDebugv8p9(profile) ? MOST_DEBUG_REGISTERS : DEBUG_REGISTERS_OF_A_BANK;
  requireRange('The number of breakpoints', profile.breakpoints, 2, most);
  requireRange('The number of watchpoints', profile.watchpoints, 2, most);
  requireRange(
    'The number of context-aware breakpoints',
    profile.contextAwareBreakpoints,
    1,
    profile.breakpoints,
  );
  requireRange('The debug architecture version', profile.debugVersion, 6, DEBUG_VERSION_V8P9);
  if (profile.FEAT_TRBE && !profile.FEAT_TRF) {
    throw new RangeError('FEAT_TRBE needs FEAT_TRF');
  }
}

type BreakpointCounts = Pick<ProcessorProfile, 'breakpoints' | 'contextAwareBreakpoints'>;

/**
 * The first context-aware breakpoint and the last. Arm ARM, ContextAwareBreakpointRange(): with at most 16
 * breakpoints they are the highest numbered ones; with more, software that knows of 16 finds its own where it looks
 * for them.
 */
export function contextAwareRange(counts: BreakpointCounts): readonly [number, number] {
  const { breakpoints: B, contextAwareBreakpoints: C } = counts;
  if (B <= DEBUG_REGISTERS_OF_A_BANK) return [B - C, B - 1];
  return C <= DEBUG_REGISTERS_OF_A_BANK
    ? [DEBUG_REGISTERS_OF_A_BANK - C, DEBUG_REGISTERS_OF_A_BANK - 1]
    : [0, C - 1];
}

/** Breakpoints or watchpoints that one value of MDSELR_EL1.BANK selects, and that there are without it. */
export const DEBUG_REGISTERS_OF_A_BANK = 16;
/** In all banks. */
export const MOST_DEBUG_REGISTERS = 64;

/** ID_AA64DFR0_EL1.DebugVer of FEAT_Debugv8p9. */
export const DEBUG_VERSION_V8P9 = 11;

export function hasDebugv8p9({ debugVersion }: Pick<ProcessorProfile, 'debugVersion'>): boolean {
  return debugVersion >= DEBUG_VERSION_V8P9;
}

/** More than one bank: MDSELR_EL1.BANK, MDSCR_EL1.EMBWE and MDCR_EL2.EBWE have an effect. */
export function hasDebugBanks({
  breakpoints,
  watchpoints,
}: Pick<ProcessorProfile, 'breakpoints' | 'watchpoints'>): boolean {
  return Math.max(breakpoints, watchpoints) > DEBUG_REGISTERS_OF_A_BANK;
}

/** The Virtualization Host Extensions. */
export function hasVHE({ FEAT_VHE, model }: ProcessorProfile): boolean {
  return FEAT_VHE || model.features.has('FEAT_VHE');
}

const DEBUG_VERSION_VHE = 7;

/** ID_AA64DFR0_EL1.DebugVer. */
export function debugArchitecture({ debugVersion, model }: ProcessorProfile): number {
  const least = model.features.has('FEAT_VHE') ? DEBUG_VERSION_VHE : 0;
  return Math.max(debugVersion, least);
}
