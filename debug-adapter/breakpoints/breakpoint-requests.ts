/**
 * The breakpoints that the client has asked for, in its own words, so that they can be set again in a
 * program that was built anew: DAP has no request to ask the client for them.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import type { Inspection } from '../inspections.ts';

interface NotedRequest {
  readonly inspection: Inspection;
  readonly given: unknown;
  /** Of the breakpoints in the answer, in their order. */
  readonly ids: readonly number[];
}

function breakpointsOf(body: object | undefined): readonly DebugProtocol.Breakpoint[] {
  const { breakpoints = [] } = (body ?? {}) as {
    readonly breakpoints?: readonly DebugProtocol.Breakpoint[];
  };
  return breakpoints;
}

export class BreakpointRequests {
  /** The last request of each kind and source: it replaces all before it. */
  readonly #requests = new Map<string, NotedRequest>();

  note(command: string, inspection: Inspection, given: unknown, body: object | undefined): void {
    const { source } = given as { readonly source?: DebugProtocol.Source };
    const ids = breakpointsOf(body).flatMap(({ id }) => (id === undefined ? [] : [id]));
    this.#requests.set(`${command} ${source?.path ?? ''}`, { inspection, given, ids });
  }

  /** Sets them in another debuggee under the ids that the client knows. @returns what became of them */
  repeat(debuggee: Debuggee): readonly DebugProtocol.Breakpoint[] {
    return [...this.#requests.values()].flatMap(({ inspection, given, ids }) => {
      debuggee.breakpoints.reserveIds(ids);
      const body = inspection.answer(debuggee, given as never, {
        running: false,
        columnsStartAt1: true,
        sendBreakpoints: () => undefined,
        wake: () => undefined,
        setTerminal: () => undefined,
      });
      return breakpointsOf(body).filter(({ id }) => id !== undefined);
    });
  }
}
