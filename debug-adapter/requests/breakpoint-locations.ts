import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { virtualAddress } from '../sources.ts';

/** DAP breakpointLocations: the statements between two lines. */
export function breakpointLocations(
  debuggee: Debuggee,
  { source, line, endLine = line }: DebugProtocol.BreakpointLocationsArguments,
): NonNullable<DebugProtocol.BreakpointLocationsResponse['body']> {
  if (source.sourceReference !== undefined && source.sourceReference > 0) {
    const listing = debuggee.sources.virtualByReference(source.sourceReference);
    const breakpoints: DebugProtocol.BreakpointLocation[] = [];
    for (let at = line; listing !== undefined && at <= endLine; at++) {
      if (virtualAddress(listing, at) !== undefined) breakpoints.push({ line: at });
    }
    return { breakpoints };
  }
  const seen = new Set<string>();
  const breakpoints = debuggee.sources
    .recordedPaths(source.path ?? '')
    .flatMap((recorded) => debuggee.debugInfo.breakpointLocations(recorded, line, endLine))
    .map(({ line: at, column }) => ({ line: at, ...(column > 0 && { column }) }))
    .filter((it) => {
      const key = JSON.stringify(it);
      return !seen.has(key) && seen.add(key);
    });
  return { breakpoints };
}
