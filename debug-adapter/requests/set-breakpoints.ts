import type { DebugProtocol } from '@vscode/debugprotocol';
import type { CodeRequest, Resolution } from '../breakpoints/breakpoints.ts';
import type { Debuggee } from '../debuggee.ts';
import { virtualAddress } from '../sources.ts';

/** DAP setBreakpoints: all those of one source. A line without code moves the breakpoint to the next one that has some. */
export function setBreakpoints(
  debuggee: Debuggee,
  { source, breakpoints, lines }: DebugProtocol.SetBreakpointsArguments,
): DebugProtocol.SetBreakpointsResponse['body'] {
  const wanted: readonly DebugProtocol.SourceBreakpoint[] =
    breakpoints ?? (lines ?? []).map((line) => ({ line }));
  const requests = wanted.map((it): CodeRequest => ({
    condition: it.condition,
    hitCondition: it.hitCondition,
    logMessage: it.logMessage,
    mode: it.mode,
    key: `${it.line}:${it.column ?? ''}`,
    resolution: resolveLine(debuggee, source, it.line, it.column),
  }));
  const group = `source ${source.sourceReference ?? ''} ${source.path ?? source.name ?? ''}`;
  return { breakpoints: debuggee.breakpoints.setCode(group, 'source', requests) };
}

/** An address where a line of a source begins. */
export interface CodeAddress {
  readonly address: bigint;
  readonly line: number;
  /** 0 when it is not known. */
  readonly column: number;
}

/** The addresses of a line, or of the next line that has code. */
export function codeAddresses(
  debuggee: Debuggee,
  source: DebugProtocol.Source,
  line: number,
): CodeAddress[] {
  if (source.sourceReference !== undefined && source.sourceReference > 0) {
    const listing = debuggee.sources.virtualByReference(source.sourceReference);
    const address = listing === undefined ? undefined : virtualAddress(listing, line);
    return address === undefined ? [] : [{ address, line, column: 0 }];
  }
  if (source.path === undefined) return [];
  const found = debuggee.sources
    .recordedPaths(source.path)
    .flatMap((recorded) => debuggee.debugInfo.addressesFor(recorded, line));
  // A header may be in several units; the line nearest to the one asked for is meant.
  const nearest = Math.min(...found.map((it) => it.line));
  const unique = new Map(
    found.filter((it) => it.line === nearest).map((it) => [it.address, it] as const),
  );
  return [...unique.values()];
}

/** The addresses of a line, with what the client is told about them. */
export function resolveLine(
  debuggee: Debuggee,
  source: DebugProtocol.Source,
  line: number,
  column: number | undefined,
): Resolution {
  const found = codeAddresses(debuggee, source, line);
  const [first] = found;
  if (first === undefined)
    return { addresses: [], source, line, problem: noCode(debuggee, source, line) };
  const atColumn =
    column === undefined ? [] : columnAddresses(debuggee, source, first.line, column);
  const chosen = atColumn.length > 0 ? atColumn : found;
  return {
    addresses: chosen.map(({ address }) => address),
    source,
    line: first.line,
    ...(chosen[0] !== undefined && chosen[0].column > 0 && { column: chosen[0].column }),
  };
}

function columnAddresses(
  debuggee: Debuggee,
  source: DebugProtocol.Source,
  line: number,
  column: number,
): CodeAddress[] {
  return debuggee.sources
    .recordedPaths(source.path ?? '')
    .flatMap((recorded) => debuggee.debugInfo.breakpointLocations(recorded, line, line))
    .filter((it) => it.column === column);
}

function noCode(debuggee: Debuggee, source: DebugProtocol.Source, line: number): string {
  const name = source.name ?? source.path ?? 'this source';
  const { debugInfo, sources } = debuggee;
  if (!debugInfo.hasDebugInfo) {
    return `"${debuggee.launch.program}" has no debug information. Build it with -g, or set the breakpoint on a function or an address.`;
  }
  if (source.path !== undefined && sources.recordedPaths(source.path).length === 0) {
    return `The program was not built from ${name}. Check that it is the right program, or map the folder with "sourceMap".`;
  }
  return `There is no code in ${name} at line ${line} or below. Choose a line with a statement.`;
}
