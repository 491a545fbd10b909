import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { noCaller } from '../errors.ts';
import { StepOut, StepOutOfInlined } from '../stepping/step-plan.ts';
import type { RunPlan } from '../stops.ts';

/** DAP stepOut: to the caller of the innermost frame, which is the interrupted program where the frame is a handler. */
export function stepOut(debuggee: Debuggee, { threadId }: DebugProtocol.StepOutArguments): RunPlan {
  debuggee.selectThread(threadId);
  const frame = debuggee.stack.innermost;
  if (frame === undefined) throw noCaller();
  if (frame.function?.isInlined === true) return new StepOutOfInlined(debuggee);
  const { machineFrame } = frame;
  const caller = debuggee.stack.callerOf(machineFrame.level);
  if (caller === undefined) throw noCaller();
  return new StepOut(debuggee, caller.pc, machineFrame.cfa, caller.EL);
}
