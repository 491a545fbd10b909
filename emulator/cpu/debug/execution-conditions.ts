/**
 * The execution conditions that breakpoints (HMC, SSC, PMC) and watchpoints (HMC, SSC, PAC) share.
 *
 * Arm ARM, "Execution conditions for which a breakpoint generates Breakpoint exceptions" and
 * CheckValidStateMatch(). PxC stands for PMC or PAC.
 */
import type { ExceptionLevel } from '../pstate.ts';

/** What the implementation has; decides which combinations are reserved. */
export interface DebugImplementation {
  readonly el2: boolean;
  readonly el3: boolean;
  /** FEAT_SEL2. */
  readonly secureEL2: boolean;
}

export interface ExecutionConditions {
  readonly HMC: number;
  /** Two bits. */
  readonly SSC: number;
  /** Two bits: bit 1 EL0, bit 0 EL1. */
  readonly PxC: number;
}

/** DBGBCR<n>_EL1 and DBGWCR<n>_EL1 keep these fields in the same bits. */
export function executionConditions(control: bigint): ExecutionConditions {
  const low = Number(control & 0xffff_ffffn);
  return { HMC: (low >>> 13) & 1, SSC: (low >>> 14) & 3, PxC: (low >>> 1) & 3 };
}

/** Rows of the Arm ARM's table, as HMC:SSC:PxC, that exist on some implementation. */
const VALID_ROWS: ReadonlySet<number> = new Set(
  [
    [0, 0b00, 0b01],
    [0, 0b00, 0b10],
    [0, 0b00, 0b11],
    [0, 0b01, 0b01],
    [0, 0b01, 0b10],
    [0, 0b01, 0b11],
    [0, 0b10, 0b01],
    [0, 0b10, 0b10],
    [0, 0b10, 0b11],
    [0, 0b11, 0b00],
    [0, 0b11, 0b01],
    [0, 0b11, 0b11],
    [1, 0b00, 0b01],
    [1, 0b00, 0b11],
    [1, 0b01, 0b00],
    [1, 0b01, 0b01],
    [1, 0b01, 0b11],
    [1, 0b10, 0b00],
    [1, 0b10, 0b01],
    [1, 0b10, 0b11],
    [1, 0b11, 0b00],
    [1, 0b11, 0b01],
    [1, 0b11, 0b11],
  ].map(([HMC = 0, SSC = 0, PxC = 0]) => (HMC << 4) | (SSC << 2) | PxC),
);

/** True where the combination is reserved. A breakpoint or watchpoint with it behaves as disabled here. */
export function isReservedCombination(
  { HMC, SSC, PxC }: ExecutionConditions,
  implementation: DebugImplementation,
): boolean {
  if (!VALID_ROWS.has((HMC << 4) | (SSC << 2) | PxC)) return true;
  const { el2, el3, secureEL2 } = implementation;
  if (!el2 && !el3 && (HMC !== 0 || SSC !== 0)) return true;
  const el2OnlyNonSecure = HMC === 1 && SSC === 0b01 && PxC === 0b00;
  if (!el3 && (SSC === 0b01 || SSC === 0b10) && !el2OnlyNonSecure) return true;
  if (!el2 && HMC === 1 && SSC === 0b11 && PxC === 0b00) return true;
  if (!secureEL2) {
    if (HMC === 0 && SSC === 0b11 && PxC === 0b00) return true;
    if (el2OnlyNonSecure) return true;
    if (SSC === 0b11 && (PxC & 1) === 1) return true;
  }
  return false;
}

/** Whether the conditions name this Exception level and Security state; ignores reserved rows. */
export function conditionsInclude(
  { HMC, SSC, PxC }: ExecutionConditions,
  EL: ExceptionLevel | 3,
  secure: boolean,
): boolean {
  let level: boolean;
  switch (EL) {
    case 3:
      level = HMC === 1 && (SSC & 1) === 0;
      break;
    case 2:
      level = (HMC === 1 && !(SSC === 0b10 && PxC === 0b00)) || SSC === 0b11;
      break;
    case 1:
      level = (PxC & 1) === 1;
      break;
    case 0:
      level = (PxC & 2) === 2;
      break;
  }
  if (!level) return false;
  switch (SSC) {
    case 0b00:
      return true;
    case 0b01:
      return !secure;
    case 0b10:
      return secure || EL === 3;
    default:
      return HMC === 1 || secure;
  }
}

/** In words, for the slot's verdict: `EL0, EL1`. */
export function describeConditions(conditions: ExecutionConditions, secure: boolean): string {
  const levels = ([0, 1, 2] as const).filter((EL) => conditionsInclude(conditions, EL, secure));
  return levels.length === 0 ? 'no Exception level' : levels.map((EL) => `EL${EL}`).join(', ');
}
