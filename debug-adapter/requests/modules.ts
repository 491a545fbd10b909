import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { hex } from '../registers.ts';
import { baseName } from '../source-paths.ts';

/** DAP modules: the image, with the range of addresses that it occupies. */
export function modules(debuggee: Debuggee): DebugProtocol.ModulesResponse['body'] {
  const { debugInfo, launch } = debuggee;
  const { segments } = debugInfo.image;
  const starts = segments.map(({ vaddr }) => vaddr).sort(ascending);
  const ends = segments.map(({ vaddr, memSize }) => vaddr + BigInt(memSize)).sort(ascending);
  const start = starts[0] ?? 0n;
  const end = ends.at(-1) ?? 0n;
  return {
    modules: [
      {
        id: 1,
        name: baseName(launch.program),
        path: launch.program,
        isUserCode: true,
        symbolStatus: debugInfo.hasDebugInfo ? 'Debug information loaded' : 'No debug information',
        addressRange: `${hex(start)}-${hex(end)}`,
      },
    ],
    totalModules: 1,
  };
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
