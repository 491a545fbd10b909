/** What stands under a position. */
import type { Position, Range } from 'vscode-languageserver';
import type { AssemblyDocument, Line } from './document.ts';
import { TokenKind } from './scanner.ts';
import { endAt, kindAt, startAt, tokenCount, tokenWord } from './statement.ts';
import type { Statement, Word } from './statement.ts';

export interface Cursor {
  readonly line: Line;
  readonly row: number;
  readonly character: number;
  /** The statement that holds the position, or ends right before it. */
  readonly statement?: Statement;
  /** -1 in the labels or the mnemonic. */
  readonly operandIndex: number;
  /** The token under the position, without `#` and whitespace. */
  readonly word?: Word;
  readonly wordKind: number;
  readonly inComment: boolean;
}

export function cursorAt(
  document: AssemblyDocument,
  { line: row, character }: Position,
): Cursor | undefined {
  const line = document.line(row);
  if (!line) return undefined;
  const { text, tokens } = line;
  let word: Word | undefined;
  let wordKind: number = TokenKind.whitespace;
  let inComment = false;
  const count = tokenCount(tokens);
  for (let index = 0; index < count; index += 1) {
    const kind = kindAt(tokens, index);
    const start = startAt(tokens, index);
    const end = endAt(tokens, index);
    if (character < start || character > end) continue;
    if (kind === TokenKind.comment && character > start) inComment = true;
    const isWord =
      kind === TokenKind.identifier ||
      kind === TokenKind.number ||
      kind === TokenKind.macroArgument ||
      kind === TokenKind.character ||
      kind === TokenKind.string;
    // Between two tokens the one that starts here wins, unless it is no word.
    if (isWord && (character < end || word === undefined || start === character)) {
      word = tokenWord(text, tokens, index);
      wordKind = kind;
    }
  }
  const statement = line.statements.findLast((it) => it.start <= character) ?? undefined;
  return {
    line,
    row,
    character,
    operandIndex: statement ? operandIndexAt(line, statement, character) : -1,
    wordKind,
    inComment,
    ...(word && { word }),
    ...(statement && { statement }),
  };
}

function operandIndexAt(line: Line, statement: Statement, character: number): number {
  const { name, operands } = statement;
  if (!name || character <= name.end) return -1;
  let index = 0;
  for (const operand of operands) {
    // The comma after an operand belongs to it while the position is before it.
    const comma = line.text.indexOf(',', operand.end);
    if (character <= operand.end || (comma >= 0 && character <= comma)) return index;
    index += 1;
  }
  return Math.max(
    0,
    operands.length === 0 || !/,\s*$/.test(line.text.slice(0, character))
      ? operands.length - 1
      : operands.length,
  );
}

export function rangeOf(
  row: number,
  place: { readonly start: number; readonly end: number },
): Range {
  return { start: { line: row, character: place.start }, end: { line: row, character: place.end } };
}
