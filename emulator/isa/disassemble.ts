/** From an instruction word to its text. */
import { createDecoder } from './decode.ts';
import { allDefinitions } from './definitions.ts';
import type { AssemblyContext } from './instruction.ts';

const decoder = createDecoder(allDefinitions);

/**
 * The preferred disassembly: `mnemonic operands`, lower case except for names of system registers.
 * Words that are UNDEFINED on the processor come out as data.
 */
export function disassemble(word: number, context: AssemblyContext): string {
  const decoded = decoder.decode(word);
  if (decoded === undefined) {
    return `.inst 0x${(word >>> 0).toString(16).padStart(8, '0')} // undefined`;
  }
  return decoded.definition.assembly(decoded.fields, context);
}
