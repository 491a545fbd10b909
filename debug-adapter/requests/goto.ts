import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { staleReference } from '../errors.ts';
import { writeRegister } from '../expression-context.ts';

/** DAP goto: moves the PC and nothing else; the code in between is not executed. */
export function goto(
  debuggee: Debuggee,
  { threadId, targetId }: DebugProtocol.GotoArguments,
): void {
  debuggee.selectThread(threadId);
  const address = debuggee.gotoTargets.get(targetId);
  if (address === undefined) throw staleReference('Target', targetId);
  writeRegister(debuggee.machine, 'PC', address);
  debuggee.resume();
}
