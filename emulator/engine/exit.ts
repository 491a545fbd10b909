/** Why the engine stopped, as the number that generated code returns and the name that callers see. */
import { i32 } from '../isa/expression.ts';
import type { Expr } from '../isa/expression.ts';
import type { ExitReason } from '../isa/instruction.ts';

/**
 * - `NONE`: inside the engine only: the instruction completed.
 * - `BUDGET`: the instruction budget is used up, or the next instruction needs the check of PSTATE.BTYPE.
 * - `HOST_FAULT`: the host refused an access or a fetch and knows why.
 * - `BREAKPOINT`: the record at PC carries a breakpoint; the instruction has not executed.
 * - `FP_ACCESS`: an FP/SIMD instruction while access is trapped.
 * - `BRANCH_TARGET`: inside the engine only: an indirect branch came to an instruction in a guarded page that may
 *   refuse it. Callers see `BUDGET`, and PSTATE.BTYPE.
 */
export type RunExit = Exclude<ExitName, 'NONE' | 'BRANCH_TARGET'>;
type ExitName =
  'NONE' | 'BRANCH_TARGET' | 'BUDGET' | 'HOST_FAULT' | 'BREAKPOINT' | 'FP_ACCESS' | ExitReason;

const NAMES: readonly ExitName[] = [
  'NONE',
  'BUDGET',
  'HOST_FAULT',
  'BREAKPOINT',
  'FP_ACCESS',
  'UNDEFINED',
  'SVC',
  'HVC',
  'SMC',
  'BRK',
  'HLT',
  'DCPS',
  'DRPS',
  'ERET',
  'MSR_IMMEDIATE',
  'MSR_REGISTER',
  'MRS',
  'SYS',
  'SYSL',
  'WFI',
  'WFE',
  'SEV',
  'SEVL',
  'YIELD',
  'PC_ALIGNMENT',
  'SP_ALIGNMENT',
  'ILLEGAL_STATE',
  'POINTER_AUTHENTICATION',
  'BRANCH_TARGET',
];
const CODES = new Map(NAMES.map((name, code) => [name, code]));

export const exitCode = {
  of(name: ExitName): number {
    const code = CODES.get(name);
    if (code === undefined) throw new TypeError(`"${name}" is no exit reason`);
    return code;
  },
  constant(name: ExitName): Expr<'i32'> {
    return i32(exitCode.of(name));
  },
  name(code: number): Exclude<ExitName, 'NONE'> {
    const name = NAMES[code];
    if (name === undefined || name === 'NONE')
      throw new TypeError(`the engine returned exit ${code}`);
    return name;
  },
};
