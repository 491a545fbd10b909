/**
 * Disassembly as text: objdump's and gdb's lines, and those that the debugger opens. A shadow of the file has the same
 * lines and columns and holds the instructions alone, so positions need no translation.
 */

/** `    40080010:\td5100240 \tmsr\tmdscr_el1, x0`, with `=>` before the current line. */
const row =
  /^(?:=>)?\s*(?:0x)?([0-9a-f]{4,16})(?:\s*<[^>]*>)?:\s*(?:[0-9a-f]{8}\s+|(?:[0-9a-f]{2} ){4}\s*)?/i;
/** `0000000040080000 <main>:` */
const heading = /^([0-9a-f]{4,16}) <([^>]+)>:\s*$/i;

/** Whether a language id or a name says that a file is a listing. */
export const isListing = (languageId: string): boolean => languageId === 'aarch64-disassembly';

export interface Listing {
  /** The instructions, everything else blank. */
  readonly text: string;
  /** Rows by address. */
  readonly addresses: ReadonlyMap<bigint, number>;
  readonly headings: ReadonlyMap<string, number>;
}

export function readListing(text: string): Listing {
  const addresses = new Map<bigint, number>();
  const headings = new Map<string, number>();
  const lines = text.split('\n').map((line, index) => {
    const title = heading.exec(line);
    if (title) {
      headings.set(title[2] ?? '', index);
      return ' '.repeat(line.length);
    }
    const match = row.exec(line);
    if (!match) return line.replace(/[^\r]/g, ' ');
    addresses.set(BigInt(`0x${match[1] ?? '0'}`), index);
    const prefix = match[0].length;
    // What objdump adds behind the operands is no assembly: `<main+0x10>`.
    const rest = line.slice(prefix).replace(/<[^>]*>/g, (it) => ' '.repeat(it.length));
    return ' '.repeat(prefix) + rest;
  });
  return { text: lines.join('\n'), addresses, headings };
}

/** The address that stands at a position of a line. */
export function addressAt(line: string, character: number): bigint | undefined {
  for (const match of line.matchAll(/\b(?:0x)?([0-9a-f]{4,16})\b/gi)) {
    if (match.index > character || match.index + match[0].length < character) continue;
    return BigInt(`0x${match[1] ?? '0'}`);
  }
  return undefined;
}
