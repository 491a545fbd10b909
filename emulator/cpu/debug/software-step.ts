/**
 * The software step state machine. Arm ARM, "Software Step exceptions", SSAdvance(),
 * DebugExceptionReturnSS() and CheckSoftwareStep().
 */
import type { ExceptionLevel } from '../pstate.ts';
import { debugExceptionsEnabled, MDSCR_SS } from './enable-and-routing.ts';
import type { DebugControls } from './enable-and-routing.ts';

export type SoftwareStepState = 'inactive' | 'active-not-pending' | 'active-pending';

interface Execution {
  readonly EL: ExceptionLevel;
  /** PSTATE.D */
  readonly D: boolean;
}

/** Step is enabled at this EL with this mask. EL_D always uses AArch64 here. */
export function softwareStepEnabled(controls: DebugControls, { EL, D }: Execution): boolean {
  return (controls.MDSCR_EL1 & MDSCR_SS) !== 0n && debugExceptionsEnabled(controls, EL, D);
}

export function softwareStepState(
  controls: DebugControls,
  execution: Execution & { readonly SS: 0 | 1 },
): SoftwareStepState {
  if (!softwareStepEnabled(controls, execution)) return 'inactive';
  return execution.SS === 1 ? 'active-not-pending' : 'active-pending';
}

/**
 * PSTATE.SS after an exception return: SPSR.SS when the return goes from where stepping is disabled
 * to where it is enabled, else 0.
 */
export function exceptionReturnSS(
  controls: DebugControls,
  source: Execution,
  destination: Execution,
  spsrSS: 0 | 1,
): 0 | 1 {
  if ((controls.MDSCR_EL1 & MDSCR_SS) === 0n) return 0;
  if (debugExceptionsEnabled(controls, source.EL, source.D)) return 0;
  return debugExceptionsEnabled(controls, destination.EL, destination.D) ? spsrSS : 0;
}

/** Load-exclusive class: LDXR, LDAXR, LDXP, LDAXP and the byte and halfword forms (ESR_ELx.EX). */
export function isLoadExclusive(word: number): boolean {
  const exclusiveClass = (word & 0x3f00_0000) === 0x0800_0000;
  const L = (word >>> 22) & 1;
  const o2 = (word >>> 23) & 1;
  const o1 = (word >>> 21) & 1;
  const size = word >>> 30;
  // o1 = 1 with size below 0b10 is CASP, not an exclusive pair.
  return exclusiveClass && L === 1 && o2 === 0 && (o1 === 0 || size >= 2);
}
