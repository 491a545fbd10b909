/** Branches: what they name, how far they reach, and how many bytes lie between two lines. */
import { dataSize } from './directives.ts';
import type { Line } from './document.ts';
import { branchCondition, mnemonic } from './mnemonics.ts';
import { parseRegister } from './registers.ts';
import { TokenKind } from './scanner.ts';
import { kindAt, tokenWord } from './statement.ts';
import type { Statement, Word } from './statement.ts';
import { directiveSize } from './symbols.ts';
import type { Definition, FileModel } from './symbols.ts';

const naming = /^(?:b|bl|cbn?z|tbn?z|adrp?|ldr|ldrsw|prfm)$/i;

/** Names in places where only a label makes sense. */
export function symbolUses(line: Line): readonly Word[] {
  const words: Word[] = [];
  for (const statement of line.statements) {
    const name = statement.name?.text ?? '';
    if (statement.kind !== 'instruction' || statement.opaque) continue;
    if (!naming.test(name) && branchCondition(name) === undefined) continue;
    const operand = statement.operands.at(-1);
    if (operand?.to !== (operand?.from ?? 0) + 1) continue;
    const kind = kindAt(line.tokens, operand.from);
    const word = tokenWord(line.text, line.tokens, operand.from);
    if (kind === TokenKind.identifier && word.text !== '.' && !parseRegister(word.text))
      words.push(word);
    if (kind === TokenKind.number && /^\d+[bf]$/.test(word.text)) words.push(word);
  }
  return words;
}

const withoutBytes =
  /^\.(?:globa?l|type|size|weak|hidden|local|cfi_\w+|loc|file|set|equ|extern|req|unreq)$/i;

/** Bytes that a statement takes; undefined where its text does not tell. */
export function statementSize(
  statement: Statement,
  isMacro: (name: string) => boolean,
): number | undefined {
  const name = statement.name?.text ?? '';
  switch (statement.kind) {
    case 'labels':
    case 'assignment':
      return 0;
    case 'instruction':
      return mnemonic(name) && !isMacro(name) && !statement.opaque ? 4 : undefined;
    case 'directive':
      if (dataSize(name) !== undefined || /^\.(?:space|skip|zero)$/i.test(name))
        return directiveSize(statement);
      return withoutBytes.test(name) ? 0 : undefined;
    case 'preprocessor':
    case 'continuation':
    case 'call':
      return undefined;
  }
}

/** Bytes that a branch reaches backwards, and one instruction less forwards. */
export function branchReach(statement: Statement): number | undefined {
  if (statement.kind !== 'instruction') return undefined;
  const name = statement.name?.text.toLowerCase() ?? '';
  switch (name) {
    case 'tbz':
    case 'tbnz':
      return 2 ** 15;
    case 'cbz':
    case 'cbnz':
      return 2 ** 20;
    case 'b':
    case 'bl':
      return 2 ** 27;
    default:
      return name.startsWith('b') && branchCondition(name) !== undefined ? 2 ** 20 : undefined;
  }
}

/** The index of the first definition at or below a row; definitions stand in order. */
function firstFrom(rows: readonly Definition[], row: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.line ?? 0) < row) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The row of a branch target in the same file. */
export function branchTarget(model: FileModel, name: string, row: number): number | undefined {
  const local = /^(\d+)([bf])$/.exec(name);
  if (!local) return model.definitions.get(name)?.[0]?.line;
  const rows = model.definitions.get(local[1] ?? '') ?? [];
  const at = firstFrom(rows, row + 1);
  return rows[local[2] === 'f' ? at : at - 1]?.line;
}
