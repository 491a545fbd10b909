/** From the tokens of a line to statements: labels, a mnemonic or directive, and operands. */
import { LineState, TOKEN_STRIDE, TokenKind } from './scanner.ts';
import type { Tokens } from './scanner.ts';

/** A piece of a line; positions are UTF-16 units in the line. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export type StatementKind =
  /** A mnemonic, or a call of a macro: only the symbols in reach can tell. */
  | 'instruction'
  /** A word that starts with a dot. */
  | 'directive'
  /** `name = expression` */
  | 'assignment'
  /** `#include`, `#define`, ...; the name is without `#`. */
  | 'preprocessor'
  /** The next line of a preprocessor directive. */
  | 'continuation'
  /** `SYM_FUNC_START(name)`: a call of a C preprocessor macro. */
  | 'call'
  /** Labels only. */
  | 'labels';

export interface OperandText {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Indexes of the first token and after the last one, not counting surrounding space. */
  readonly from: number;
  readonly to: number;
}

export interface Statement {
  readonly kind: StatementKind;
  readonly labels: readonly Word[];
  /** Absent for `labels` and `continuation`. */
  readonly name?: Word;
  readonly operands: readonly OperandText[];
  readonly start: number;
  readonly end: number;
  /** Holds an argument of the macro around it, or goes on in the next line: its text is not all here. */
  readonly opaque: boolean;
}

export const kindAt = (tokens: Tokens, index: number): number =>
  tokens[index * TOKEN_STRIDE] ?? TokenKind.newline;
export const startAt = (tokens: Tokens, index: number): number =>
  tokens[index * TOKEN_STRIDE + 1] ?? 0;
export const endAt = (tokens: Tokens, index: number): number =>
  tokens[index * TOKEN_STRIDE + 2] ?? 0;
export const tokenCount = (tokens: Tokens): number => tokens.length / TOKEN_STRIDE;

export function tokenText(text: string, tokens: Tokens, index: number): string {
  return text.slice(startAt(tokens, index), endAt(tokens, index));
}

export function tokenWord(text: string, tokens: Tokens, index: number): Word {
  const start = startAt(tokens, index);
  const end = endAt(tokens, index);
  return { text: text.slice(start, end), start, end };
}

const isSpace = (kind: number): boolean =>
  kind === TokenKind.whitespace || kind === TokenKind.comment || kind === TokenKind.newline;

function operandBetween(
  text: string,
  tokens: Tokens,
  from: number,
  to: number,
): OperandText | undefined {
  let first = from;
  let last = to;
  while (first < last && isSpace(kindAt(tokens, first))) first += 1;
  while (last > first && isSpace(kindAt(tokens, last - 1))) last -= 1;
  if (first === last) {
    const position = from < to ? startAt(tokens, from) : endAt(tokens, Math.max(0, from - 1));
    return { text: '', start: position, end: position, from: first, to: last };
  }
  const start = startAt(tokens, first);
  const end = endAt(tokens, last - 1);
  return { text: text.slice(start, end), start, end, from: first, to: last };
}

/** Splits at commas outside brackets; a range without any text has no operands. */
export function splitOperands(
  text: string,
  tokens: Tokens,
  from: number,
  to: number,
): OperandText[] {
  const operands: OperandText[] = [];
  let depth = 0;
  let begin = from;
  const add = (end: number): void => {
    const operand = operandBetween(text, tokens, begin, end);
    if (operand) operands.push(operand);
  };
  for (let index = from; index < to; index += 1) {
    if (kindAt(tokens, index) !== TokenKind.punctuation) continue;
    const mark = text[startAt(tokens, index)];
    if (mark === '(' || mark === '[' || mark === '{') depth += 1;
    else if (mark === ')' || mark === ']' || mark === '}') depth = Math.max(0, depth - 1);
    else if (mark === ',' && depth === 0) {
      add(index);
      begin = index + 1;
    }
  }
  add(to);
  return operands.length === 1 && operands[0]?.text === '' ? [] : operands;
}

function statementBetween(
  text: string,
  tokens: Tokens,
  from: number,
  to: number,
): Statement | undefined {
  const labels: Word[] = [];
  let index = from;
  const skip = (at: number): number => {
    let next = at;
    while (next < to && isSpace(kindAt(tokens, next))) next += 1;
    return next;
  };
  const mark = (at: number): string =>
    at < to && kindAt(tokens, at) === TokenKind.punctuation
      ? (text[startAt(tokens, at)] ?? '')
      : '';

  let opaque = false;
  for (let at = from; at < to; at += 1) {
    // What follows a backslash at the end of the line is not known here either.
    if (
      kindAt(tokens, at) === TokenKind.macroArgument ||
      (text[startAt(tokens, at)] === '\\' && kindAt(tokens, at) === TokenKind.punctuation)
    )
      opaque = true;
  }

  for (;;) {
    index = skip(index);
    if (index >= to) break;
    // A label may be glued from pieces, such as `\name\@_end:`.
    let next = index;
    while (
      next < to &&
      (kindAt(tokens, next) === TokenKind.identifier ||
        kindAt(tokens, next) === TokenKind.number ||
        kindAt(tokens, next) === TokenKind.macroArgument ||
        (next === index && kindAt(tokens, next) === TokenKind.string))
    ) {
      next += 1;
    }
    const colon = skip(next);
    if (next === index || mark(colon) !== ':') break;
    const start = startAt(tokens, index);
    const end = endAt(tokens, next - 1);
    labels.push({ text: text.slice(start, end), start, end });
    index = colon + 1;
  }

  const last = (() => {
    let at = to;
    while (at > index && isSpace(kindAt(tokens, at - 1))) at -= 1;
    return at;
  })();
  if (index >= last) {
    const first = labels[0];
    if (!first) return undefined;
    return {
      kind: 'labels',
      labels,
      operands: [],
      start: first.start,
      end: labels.at(-1)?.end ?? first.end,
      opaque,
    };
  }
  const start = labels[0]?.start ?? startAt(tokens, index);
  const end = endAt(tokens, last - 1);
  let name = tokenWord(text, tokens, index);
  let after = index + 1;
  // `\op\()b` and `st\size` are mnemonics glued from pieces.
  while (
    after < last &&
    (kindAt(tokens, after) === TokenKind.macroArgument ||
      (kindAt(tokens, after) === TokenKind.identifier &&
        kindAt(tokens, after - 1) === TokenKind.macroArgument))
  ) {
    const glued = endAt(tokens, after);
    name = { text: text.slice(name.start, glued), start: name.start, end: glued };
    after += 1;
  }
  const firstKind = kindAt(tokens, index);
  if (firstKind !== TokenKind.identifier && firstKind !== TokenKind.macroArgument) {
    return { kind: 'instruction', labels, name, operands: [], start, end, opaque: true };
  }
  const afterName = skip(after);
  if (mark(afterName) === '=' && text[endAt(tokens, afterName)] !== '=') {
    const operands = splitOperands(text, tokens, afterName + 1, last);
    return { kind: 'assignment', labels, name, operands, start, end, opaque };
  }
  if (mark(afterName) === '(' && after === afterName && !name.text.startsWith('.')) {
    const closes = mark(last - 1) === ')';
    const operands = splitOperands(text, tokens, afterName + 1, closes ? last - 1 : last);
    return { kind: 'call', labels, name, operands, start, end, opaque };
  }
  const operands = splitOperands(text, tokens, after, last);
  // `foo .req x3`: the directive stands second.
  const second = operands[0];
  if (second && /^\.req\b/i.test(second.text)) {
    const directive = tokenWord(text, tokens, second.from);
    const value = splitOperands(text, tokens, second.from + 1, last);
    const alias: OperandText = { ...name, from: index, to: index + 1 };
    return {
      kind: 'directive',
      labels,
      name: directive,
      operands: [alias, ...value],
      start,
      end,
      opaque,
    };
  }
  return {
    kind: name.text.startsWith('.') ? 'directive' : 'instruction',
    labels,
    name,
    operands,
    start,
    end,
    opaque,
  };
}

const none: readonly Statement[] = [];

/** The statements of one scanned line; `state` is the one in which the line starts. */
export function parseLine(text: string, tokens: Tokens, state: number): readonly Statement[] {
  const count = tokenCount(tokens);
  if ((state & LineState.continuation) !== 0) {
    return [
      { kind: 'continuation', labels: [], operands: [], start: 0, end: text.length, opaque: true },
    ];
  }
  let first = 0;
  while (first < count && isSpace(kindAt(tokens, first))) first += 1;
  if (first === count) return none;
  if (kindAt(tokens, first) === TokenKind.punctuation && text[startAt(tokens, first)] === '#') {
    let word = first + 1;
    while (word < count && kindAt(tokens, word) === TokenKind.whitespace) word += 1;
    const name = word < count ? tokenWord(text, tokens, word) : { text: '', start: 0, end: 0 };
    const rest = operandBetween(text, tokens, Math.min(word + 1, count), count);
    return [
      {
        kind: 'preprocessor',
        labels: [],
        name,
        operands: rest && rest.text !== '' ? [rest] : [],
        start: startAt(tokens, first),
        end: rest?.end ?? name.end,
        opaque: false,
      },
    ];
  }
  const statements: Statement[] = [];
  let begin = first;
  for (let index = first; index <= count; index += 1) {
    const ends =
      index === count ||
      (kindAt(tokens, index) === TokenKind.punctuation && text[startAt(tokens, index)] === ';');
    if (!ends) continue;
    const statement = statementBetween(text, tokens, begin, index);
    if (statement) statements.push(statement);
    begin = index + 1;
  }
  return statements;
}
