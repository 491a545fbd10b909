/** What the debugger should evaluate for the text of a line. */
import type { InlineValue, Position, Range } from 'vscode-languageserver';
import { commentRegisterAt } from '../comment-registers.ts';
import { cursorAt, rangeOf } from '../cursor.ts';
import { mentionedRegister } from '../embedded.ts';
import type { RegisterMention } from '../embedded.ts';
import { parseRegister } from '../registers.ts';
import { parseOperands } from '../statement-checks.ts';
import { systemRegister } from '../system-operands.ts';
import { functionAt, lineNames } from '../symbols.ts';
import { sizeOfData } from './hover.ts';
import type { IndexedFile, Workspace } from '../workspace.ts';

export interface EvaluatableExpression {
  readonly range: Range;
  readonly expression: string;
}

/** Types of C, by bits, that the debugger's expressions know without debug information. */
const unsigned: Readonly<Record<number, string>> = {
  8: 'unsigned char',
  16: 'unsigned short',
  32: 'unsigned int',
  64: 'unsigned long',
};

/** Registers that the lines from the function's start to the stopped line name. */
export function inlineValues(
  workspace: Workspace,
  file: IndexedFile,
  range: Range,
  stoppedLine: number,
): InlineValue[] {
  const values: InlineValue[] = [];
  const unit = workspace.unit(file.document.uri);
  const first = Math.max(range.start.line, functionAt(file.model, stoppedLine)?.line ?? 0);
  const last = Math.min(range.end.line, stoppedLine);
  for (let row = first; row <= last; row += 1) {
    const line = file.document.line(row);
    const scope = workspace.scope(file.document.uri, unit, row);
    const shown = new Set<string>();
    for (const statement of line?.statements ?? []) {
      if (!line || statement.kind !== 'instruction') continue;
      for (const word of lineNames(line)) {
        if (word.start < (statement.name?.end ?? 0) || word.end > statement.end) continue;
        const register = scope.registerAlias(word.text) ?? word.text;
        const isShown =
          parseRegister(register) !== undefined || systemRegister(word.text) !== undefined;
        const name = register.toLowerCase();
        if (!isShown || /zr$/.test(name) || shown.has(name)) continue;
        shown.add(name);
        values.push({ range: rangeOf(row, word), expression: `$${name}` });
      }
    }
  }
  return values;
}

export function evaluatableExpression(
  workspace: Workspace,
  file: IndexedFile,
  position: Position,
): EvaluatableExpression | undefined {
  const cursor = cursorAt(file.document, position);
  if (!cursor) return undefined;
  if (cursor.inComment) {
    const named = commentRegisterAt(cursor.line, cursor.character);
    if (!named) return undefined;
    const { register, field } = named;
    const name = `$${register.name.toLowerCase()}${field ? `.${field.name}` : ''}`;
    return { range: rangeOf(cursor.row, named), expression: name };
  }
  const unit = workspace.unit(file.document.uri);
  const scope = workspace.scope(file.document.uri, unit, cursor.row);
  const { statement, word, line } = cursor;
  const operand =
    statement?.operands.findIndex(
      (it) => it.start <= position.character && it.end >= position.character,
    ) ?? -1;
  const parsed =
    statement && !statement.opaque && operand >= 0
      ? parseOperands(line, statement, scope)[operand]
      : undefined;
  if (parsed?.kind === 'memory') {
    const onRegister =
      word !== undefined &&
      parseRegister(word.text) !== undefined &&
      position.character < parsed.end;
    const [base, offset] = parsed.parts;
    if (!onRegister && base?.kind === 'register') {
      const transferred = statement?.operands[0]?.text.toLowerCase() ?? 'x';
      const lower = statement?.name?.text.toLowerCase() ?? '';
      const size = lower.endsWith('b')
        ? 8
        : lower.endsWith('h')
          ? 16
          : transferred.startsWith('w') || lower.endsWith('sw')
            ? 32
            : 64;
      const distance =
        offset?.kind === 'immediate' && offset.value !== undefined
          ? offset.value
          : offset?.kind === 'register'
            ? offset.text
            : 0n;
      const sum =
        distance === 0n
          ? `$${base.text.toLowerCase()}`
          : `$${base.text.toLowerCase()}+${distance}`.replace('+-', '-');
      return {
        range: rangeOf(cursor.row, parsed),
        expression: `*(${unsigned[size] ?? 'unsigned long'}*)(${sum})`,
      };
    }
  }
  if (!word) return undefined;
  const range = rangeOf(cursor.row, word);
  const register = parseRegister(scope.registerAlias(word.text) ?? word.text);
  if (register)
    return { range, expression: `$${(scope.registerAlias(word.text) ?? word.text).toLowerCase()}` };
  const named = systemRegister(word.text);
  if (named) return { range, expression: `$${named.register.name.toLowerCase()}` };
  // What MSR DAIFSet and DAIFClr change.
  if (/^daif(?:set|clr)$/i.test(word.text)) return { range, expression: '$daif' };
  const [place] = workspace.definitions(file.document.uri, word.text);
  if (!place || place.kind === 'macro' || place.kind === 'define' || place.kind === 'constant')
    return undefined;
  if (place.kind !== 'data') return { range, expression: word.text };
  const target = workspace.get(place.uri);
  const size = target && sizeOfData(target, place.line);
  return {
    range,
    expression:
      size !== undefined && [1, 2, 4, 8].includes(size)
        ? `*(${unsigned[size * 8] ?? 'unsigned long'}*)&${word.text}`
        : word.text,
  };
}

/** Values in C that go to a system register, decoded as its fields: `write_sysreg(value, trblimitr_el1)`. */
export function inlineWrites(
  mentions: readonly RegisterMention[],
  range: Range,
  stoppedLine: number,
): InlineValue[] {
  return mentions.flatMap((mention): InlineValue[] => {
    const { line, start, end, value } = mention;
    const named = mentionedRegister(mention);
    if (!named || value === undefined || line > stoppedLine) return [];
    if (line < range.start.line || line > range.end.line) return [];
    const name = named.register.name.toLowerCase();
    return [{ range: rangeOf(line, { start, end }), expression: `${value},${name}` }];
  });
}
