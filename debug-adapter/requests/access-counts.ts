import type { AccessCountsResponse } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import { hex } from '../registers.ts';

/** Request `trapline/accessCounts`: trapped and straight accesses by instruction, with source lines. */
export function accessCounts(debuggee: Debuggee): AccessCountsResponse {
  const counts = debuggee.machine.kvm?.accessCounts() ?? [];
  return {
    places: counts.map(({ pc, ...count }) => {
      const position = debuggee.debugInfo.lineFor(pc);
      const symbol = debuggee.describeAddress(pc);
      const path =
        position === undefined ? undefined : debuggee.sources.describe(position.file).path;
      return {
        address: hex(pc),
        ...count,
        ...(symbol !== undefined && { symbol }),
        ...(path !== undefined && { path }),
        ...(position !== undefined && { line: position.line }),
      };
    }),
  };
}
