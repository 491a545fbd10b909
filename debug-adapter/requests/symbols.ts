import type { SymbolsResponse } from '../custom-requests.ts';
import type { Debuggee } from '../debuggee.ts';
import { hex } from '../registers.ts';

/** Request `trapline/symbols`: what an editor shows beside names of the sources. */
export function symbols(debuggee: Debuggee): SymbolsResponse {
  const found = new Map<string, bigint>();
  for (const { kind, name, value } of debuggee.debugInfo.image.symbols) {
    const isNamed = kind === 'function' || kind === 'object' || kind === 'notype';
    if (isNamed && name !== '' && !found.has(name)) found.set(name, value);
  }
  return { symbols: [...found].map(([name, value]) => ({ name, address: hex(value) })) };
}
