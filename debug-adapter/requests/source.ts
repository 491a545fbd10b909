import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import { noSuchSource } from '../errors.ts';
import { VIRTUAL_HEADING_LINES } from '../sources.ts';
import { plainInstruction } from './disassemble.ts';

/** DAP source: the listing of code that has no source file. */
export function source(
  debuggee: Debuggee,
  { sourceReference }: DebugProtocol.SourceArguments,
): DebugProtocol.SourceResponse['body'] {
  const listing = debuggee.sources.virtualByReference(sourceReference);
  if (listing === undefined) throw noSuchSource(sourceReference);
  const { symbol, end } = listing;
  const lines = [
    `// ${symbol.name}: disassembly of guest memory, for which no source lines are known.`,
    `${symbol.name}:`,
  ];
  if (lines.length !== VIRTUAL_HEADING_LINES)
    throw new TypeError('The heading has changed its length');
  for (let address = symbol.value; address < end; address += 4n) {
    const word = debuggee.memory.readInstruction(address);
    const text = word === undefined ? '??' : plainInstruction(debuggee, word, address);
    lines.push(`        ${text.padEnd(40)} // 0x${address.toString(16)}`);
  }
  return { content: `${lines.join('\n')}\n`, mimeType: 'text/x-arm64-assembly' };
}
