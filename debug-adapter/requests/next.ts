import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { InstructionStep, LineStep, type StepKind } from '../stepping/step-plan.ts';
import type { RunPlan } from '../stops.ts';

/** DAP next: to the next line, statement or instruction, through calls. */
export function next(
  debuggee: Debuggee,
  { threadId, granularity }: DebugProtocol.NextArguments,
): RunPlan {
  debuggee.selectThread(threadId);
  return stepPlan(debuggee, 'next', granularity);
}

/** Code without lines is stepped by instruction, whatever was asked for. */
export function stepPlan(
  debuggee: Debuggee,
  kind: StepKind,
  granularity: DebugProtocol.SteppingGranularity = 'line',
): RunPlan {
  const frame = debuggee.stack.innermost;
  if (granularity === 'instruction' || frame?.position === undefined) {
    return new InstructionStep(debuggee, kind);
  }
  return new LineStep(debuggee, kind, granularity, frame);
}
