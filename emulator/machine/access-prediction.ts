/** What an MRS or MSR would do now, asked without executing it. */
import type { ProcessingElement } from '../cpu/pe.ts';
import {
  ACCESS_ALLOWED,
  ACCESS_TRAP_EL1,
  ACCESS_FP_TRAP_EL1,
  ACCESS_UNDEFINED,
  accessCode,
  trappingControls,
} from '../sysregs/access-rules.ts';
import { byName } from '../sysregs/catalogue.ts';
import type { Direction } from '../sysregs/sysreg.ts';

export interface AccessPrediction {
  /** PSTATE.EL of the access. */
  readonly EL: number;
  readonly outcome: 'allowed' | 'undefined' | 'trapped';
  /** Of a trap. */
  readonly targetEL?: 1 | 2;
  /** The fields whose values trap it, as `MDCR_EL2.TDA`. */
  readonly controls: readonly string[];
}

/** @returns undefined where no register has the name */
export function predictAccess(
  pe: ProcessingElement,
  name: string,
  direction: Direction,
): AccessPrediction | undefined {
  const register = byName(name);
  if (register === undefined) return undefined;
  const { EL, SPSel } = pe.state;
  const undefinedHere: AccessPrediction = { EL, outcome: 'undefined', controls: [] };
  const wrongDirection = direction === 'read' ? 'WO' : 'RO';
  if (!pe.registers.has(register.name) || register.access === wrongDirection) return undefinedHere;
  const { active } = pe.traps;
  const code = accessCode(register, direction, EL, SPSel, active);
  if (code === ACCESS_UNDEFINED) return undefinedHere;
  if (code === ACCESS_ALLOWED) return { EL, outcome: 'allowed', controls: [] };
  return {
    EL,
    outcome: 'trapped',
    targetEL: code === ACCESS_TRAP_EL1 || code === ACCESS_FP_TRAP_EL1 ? 1 : 2,
    controls: trappingControls(register, direction, EL, SPSel, active),
  };
}
