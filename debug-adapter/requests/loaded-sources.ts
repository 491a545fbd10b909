import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';

/** DAP loadedSources: the files that the program was built from. */
export function loadedSources(debuggee: Debuggee): DebugProtocol.LoadedSourcesResponse['body'] {
  return { sources: debuggee.sources.all() };
}
