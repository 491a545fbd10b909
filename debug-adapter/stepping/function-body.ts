/** Where a function's own code begins: behind the prologue that a compiler has put in front of it. */
import type { DebugInfo } from '../symbols/debug-info.ts';

/** Assembly has no prologue: its first instruction is the programmer's. */
const ASSEMBLY = /\.(s|asm)$/i;

export function functionBody(debugInfo: DebugInfo, entry: bigint): bigint {
  const position = debugInfo.lineFor(entry);
  if (position === undefined || ASSEMBLY.test(position.file)) return entry;
  return debugInfo.afterPrologue(entry);
}

/** Where to stop for a function of that name, in each of its copies. */
export function functionBodies(debugInfo: DebugInfo, name: string): readonly bigint[] {
  const assembly = debugInfo
    .findFunction(name)
    .filter(({ lowPc }) => ASSEMBLY.test(debugInfo.lineFor(lowPc)?.file ?? ''));
  if (assembly.length > 0) return assembly.map(({ lowPc }) => lowPc);
  return debugInfo.breakpointAddresses(name);
}
