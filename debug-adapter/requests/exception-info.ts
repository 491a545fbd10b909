import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';

/** DAP exceptionInfo: what happened, the syndrome decoded, and where to look. */
export function exceptionInfo(
  debuggee: Debuggee,
  { threadId }: DebugProtocol.ExceptionInfoArguments,
): DebugProtocol.ExceptionInfoResponse['body'] {
  debuggee.selectThread(threadId);
  const stop = debuggee.exceptionStop;
  if (stop === undefined) {
    return {
      exceptionId: 'none',
      description: 'The guest did not stop for an exception.',
      breakMode: 'never',
    };
  }
  return { exceptionId: stop.exceptionId, description: stop.description, breakMode: 'always' };
}
