import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';

/** DAP setDataBreakpoints: all those of the client; watchpoints set by command are not among them. */
export function setDataBreakpoints(
  debuggee: Debuggee,
  { breakpoints }: DebugProtocol.SetDataBreakpointsArguments,
): DebugProtocol.SetDataBreakpointsResponse['body'] {
  return { breakpoints: debuggee.breakpoints.setData(breakpoints) };
}
