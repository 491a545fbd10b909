/**
 * Which EL debug exceptions go to, and whether they are enabled.
 *
 * Arm ARM, DebugTarget(), AArch64.GenerateDebugExceptionsFrom() and "Enabling debug exceptions
 * from the current Exception level". The PE has no EL3 and one Security state, Non-secure.
 */
import type { ExceptionLevel } from '../pstate.ts';

export interface DebugControls {
  readonly el2: boolean;
  /** MDCR_EL2.TDE. */
  readonly TDE: boolean;
  /** HCR_EL2.TGE. */
  readonly TGE: boolean;
  /** OSLSR_EL1.OSLK. */
  readonly OSLK: boolean;
  /** The OS Double Lock is in effect; see `isDoubleLocked`. */
  readonly doubleLocked: boolean;
  readonly MDSCR_EL1: bigint;
}

export const MDSCR_SS = 1n << 0n;
export const MDSCR_TDCC = 1n << 12n;
export const MDSCR_KDE = 1n << 13n;
export const MDSCR_MDE = 1n << 15n;
/** FEAT_Debugv8p9: breakpoints and watchpoints beyond the first 16 are enabled, and EL1 reaches them. */
export const MDSCR_EMBWE = 1n << 32n;
/** The same, of EL2 for itself and below. */
export const MDCR_EBWE = 1n << 43n;

/** OSDLR_EL1.DLK takes effect only with FEAT_DoubleLock and DBGPRCR_EL1.CORENPDRQ = 0. */
export function isDoubleLocked(
  FEAT_DoubleLock: boolean,
  OSDLR_EL1: bigint,
  DBGPRCR_EL1: bigint,
): boolean {
  return FEAT_DoubleLock && (OSDLR_EL1 & 1n) === 1n && (DBGPRCR_EL1 & 1n) === 0n;
}

/** The EL that breakpoint, watchpoint and software step exceptions target: EL_D. */
export function debugTarget({ el2, TDE, TGE }: Pick<DebugControls, 'el2' | 'TDE' | 'TGE'>): 1 | 2 {
  return el2 && (TDE || TGE) ? 2 : 1;
}

/** BRK is never disabled: it goes to EL_D or to the current EL, whichever is higher. */
export function breakpointInstructionTarget(
  controls: Pick<DebugControls, 'el2' | 'TDE' | 'TGE'>,
  currentEL: ExceptionLevel,
): 1 | 2 {
  return currentEL === 2 ? 2 : debugTarget(controls);
}

/** Why no debug exception is generated from this EL with this PSTATE.D, or undefined when they are enabled. */
export function debugDisabledReason(
  controls: DebugControls,
  fromEL: ExceptionLevel,
  mask: boolean,
): string | undefined {
  if (controls.OSLK) return 'the OS Lock is locked (OSLSR_EL1.OSLK)';
  if (controls.doubleLocked) return 'the OS Double Lock is locked (OSDLR_EL1.DLK)';
  const target = debugTarget(controls);
  if (fromEL === target) {
    if ((controls.MDSCR_EL1 & MDSCR_KDE) === 0n) {
      return `MDSCR_EL1.KDE is 0: no debug exceptions within EL${target}`;
    }
    return mask ? 'PSTATE.D masks debug exceptions' : undefined;
  }
  return target > fromEL ? undefined : `debug exceptions target EL${target}, below EL${fromEL}`;
}

/** Arm ARM, AArch64.GenerateDebugExceptionsFrom(). */
export function debugExceptionsEnabled(
  controls: DebugControls,
  fromEL: ExceptionLevel,
  mask: boolean,
): boolean {
  return debugDisabledReason(controls, fromEL, mask) === undefined;
}

/** As `debugDisabledReason`, for breakpoints and watchpoints, which need MDSCR_EL1.MDE as well. */
export function monitorDisabledReason(
  controls: DebugControls,
  fromEL: ExceptionLevel,
  mask: boolean,
): string | undefined {
  if ((controls.MDSCR_EL1 & MDSCR_MDE) === 0n) return 'MDSCR_EL1.MDE is 0';
  return debugDisabledReason(controls, fromEL, mask);
}
