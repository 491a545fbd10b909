import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import type { RunPlan } from '../stops.ts';
import { stepPlan } from './next.ts';

/** DAP stepIn: into calls of functions that have lines; by instruction also into exception handlers. */
export function stepIn(
  debuggee: Debuggee,
  { threadId, granularity }: DebugProtocol.StepInArguments,
): RunPlan {
  debuggee.selectThread(threadId);
  return stepPlan(debuggee, 'stepIn', granularity);
}
