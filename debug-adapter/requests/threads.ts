import type { DebugProtocol } from '@vscode/debugprotocol';
import { threadIdOf, type Debuggee } from '../debuggee.ts';

/** DAP threads: one per vCPU. */
export function threads(debuggee: Debuggee): DebugProtocol.ThreadsResponse['body'] {
  return {
    threads: debuggee.machine.vcpus.map(({ id, name }) => ({ id: threadIdOf(id), name })),
  };
}
