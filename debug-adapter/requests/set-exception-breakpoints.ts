import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';

/** DAP setExceptionBreakpoints. */
export function setExceptionBreakpoints(
  debuggee: Debuggee,
  given: DebugProtocol.SetExceptionBreakpointsArguments,
): DebugProtocol.SetExceptionBreakpointsResponse['body'] {
  return { breakpoints: debuggee.exceptions.set(given) };
}
