/**
 * Lossless scanner of one line of A64 assembly, in GNU and LLVM syntax with C preprocessor lines.
 *
 * The tokens of a line, joined, are the line: nothing is dropped and nothing is invented, whatever the
 * input. State that crosses a line end is one small number, so an edit rescans its lines only.
 */

export const TokenKind = {
  whitespace: 0,
  newline: 1,
  comment: 2,
  /** Mnemonics, directives, registers and symbols; dots and dollars are part of a name. */
  identifier: 3,
  /** Integers, floating-point constants and local label references such as `1f`. */
  number: 4,
  string: 5,
  character: 6,
  punctuation: 7,
  /** `\name`, `\@` and `\()` inside macros. */
  macroArgument: 8,
  /** Text that no rule covers, and what lies beyond `MAXIMUM_SCANNED_LENGTH`. */
  other: 9,
} as const;

export type TokenKind = (typeof TokenKind)[keyof typeof TokenKind];

/** Tokens as triples of kind, start and end; positions are UTF-16 units in the line. */
export type Tokens = readonly number[];
export const TOKEN_STRIDE = 3;

export const LineState = {
  normal: 0,
  /** Inside a block comment. */
  comment: 1,
  /** The line belongs to the one before, which ended with a backslash. */
  continuation: 2,
} as const;

/** Bits of `LineState`. */
export type LineState = number;

export interface ScannedLine {
  readonly tokens: Tokens;
  /** The state in which the next line starts. */
  readonly state: LineState;
}

/** UTF-16 units of one line that are divided into tokens; the rest becomes one token. */
export const MAXIMUM_SCANNED_LENGTH = 20_000;

const preprocessorWords =
  /^#[ \t]*(?:define|undef|include|include_next|import|if|ifdef|ifndef|elif|elifdef|elifndef|else|endif|error|warning|pragma|line|ident|sccs|assert|unassert|\d+|$|\r|\n)/;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

const isNameStart = (code: number): boolean =>
  (code >= 97 && code <= 122) ||
  (code >= 65 && code <= 90) ||
  code === 95 ||
  code === 46 ||
  code === 36 ||
  code > 127;

const isNamePart = (code: number): boolean => isNameStart(code) || isDigit(code);

/** The position after a string or character literal that starts at `start`. */
function afterQuoted(text: string, start: number, end: number, quote: number): number {
  let position = start + 1;
  while (position < end) {
    const code = text.charCodeAt(position);
    if (code === quote) return position + 1;
    position += code === 92 && position + 1 < end ? 2 : 1;
  }
  return end;
}

/** Whether a preprocessor directive starts on this line. */
export function isPreprocessorLine(text: string): boolean {
  const start = text.search(/[^ \t]/);
  return start >= 0 && text[start] === '#' && preprocessorWords.test(text.slice(start, start + 40));
}

/** `text` is one line with its terminator, if it has one. */
export function scanLine(text: string, startState: LineState): ScannedLine {
  const tokens: number[] = [];
  let lineEnd = text.length;
  if (lineEnd > 0 && text.charCodeAt(lineEnd - 1) === 10) lineEnd -= 1;
  if (lineEnd > 0 && text.charCodeAt(lineEnd - 1) === 13) lineEnd -= 1;
  const end = Math.min(lineEnd, MAXIMUM_SCANNED_LENGTH);
  let inComment = (startState & LineState.comment) !== 0;
  let preprocessor = (startState & LineState.continuation) !== 0;
  let seenCode = preprocessor;
  let position = 0;

  while (position < end) {
    const start = position;
    if (inComment) {
      const close = text.indexOf('*/', position);
      inComment = close < 0 || close + 2 > end;
      position = inComment ? end : close + 2;
      tokens.push(TokenKind.comment, start, position);
      continue;
    }
    const code = text.charCodeAt(position);
    if (code === 32 || (code >= 9 && code <= 13)) {
      do position += 1;
      while (
        position < end &&
        (text.charCodeAt(position) === 32 ||
          (text.charCodeAt(position) >= 9 && text.charCodeAt(position) <= 13))
      );
      tokens.push(TokenKind.whitespace, start, position);
      continue;
    }
    if (code === 47 && text.charCodeAt(position + 1) === 47) {
      tokens.push(TokenKind.comment, start, end);
      position = end;
      continue;
    }
    if (code === 47 && text.charCodeAt(position + 1) === 42 && position + 1 < end) {
      const close = text.indexOf('*/', position + 2);
      inComment = close < 0 || close + 2 > end;
      position = inComment ? end : close + 2;
      tokens.push(TokenKind.comment, start, position);
      continue;
    }
    if (code === 35 && !seenCode) {
      // `#` opens a line: a preprocessor directive, or a comment of the GNU assembler.
      seenCode = true;
      if (preprocessorWords.test(text.slice(position, position + 40))) {
        preprocessor = true;
        position += 1;
        tokens.push(TokenKind.punctuation, start, position);
      } else {
        position = end;
        tokens.push(TokenKind.comment, start, end);
      }
      continue;
    }
    seenCode = true;
    if (isDigit(code)) {
      position += 1;
      while (position < end) {
        const next = text.charCodeAt(position);
        const previous = text.charCodeAt(position - 1) | 32;
        const isExponentSign =
          (next === 43 || next === 45) &&
          previous === 101 &&
          /^\d+(?:\.\d*)?[eE]$/.test(text.slice(start, position));
        if (!isNamePart(next) && !isExponentSign) break;
        position += 1;
      }
      tokens.push(TokenKind.number, start, position);
    } else if (isNameStart(code)) {
      do position += 1;
      while (position < end && isNamePart(text.charCodeAt(position)));
      tokens.push(TokenKind.identifier, start, position);
    } else if (code === 34) {
      position = afterQuoted(text, position, end, 34);
      tokens.push(TokenKind.string, start, position);
    } else if (code === 39) {
      // 'a, 'a' and '\n' are characters; a lone quote takes one unit with it at most.
      position += 1;
      if (position < end)
        position += text.charCodeAt(position) === 92 && position + 1 < end ? 2 : 1;
      if (position < end && text.charCodeAt(position) === 39) position += 1;
      tokens.push(TokenKind.character, start, position);
    } else if (code === 92) {
      const next = position + 1 < end ? text.charCodeAt(position + 1) : 0;
      if (next === 40 && text.charCodeAt(position + 2) === 41 && position + 2 < end) {
        position += 3;
        tokens.push(TokenKind.macroArgument, start, position);
      } else if (next === 64 || next === 43) {
        position += 2;
        tokens.push(TokenKind.macroArgument, start, position);
      } else if (next !== 0 && isNamePart(next) && next !== 46) {
        position += 2;
        while (
          position < end &&
          isNamePart(text.charCodeAt(position)) &&
          text.charCodeAt(position) !== 46
        ) {
          position += 1;
        }
        tokens.push(TokenKind.macroArgument, start, position);
      } else {
        position += 1;
        tokens.push(TokenKind.punctuation, start, position);
      }
    } else if (code > 32 && code < 127) {
      const two = text.slice(position, position + 2);
      position += position + 1 < end && /^(?:<<|>>|==|!=|<=|>=|&&|\|\||<>|##)$/.test(two) ? 2 : 1;
      tokens.push(TokenKind.punctuation, start, position);
    } else {
      position += 1;
      tokens.push(TokenKind.other, start, position);
    }
  }
  if (position < lineEnd) tokens.push(TokenKind.other, position, lineEnd);
  if (lineEnd < text.length) tokens.push(TokenKind.newline, lineEnd, text.length);

  // The preprocessor joins lines of code, too; in a comment a backslash stays what it is.
  const continues =
    lineEnd > 0 &&
    text.charCodeAt(lineEnd - 1) === 92 &&
    (preprocessor || tokens.at(lineEnd < text.length ? -6 : -3) === TokenKind.punctuation);
  // A directive also continues across a block comment that is still open.
  const state =
    (inComment ? LineState.comment : 0) |
    (continues || (preprocessor && inComment) ? LineState.continuation : 0);
  return { tokens, state };
}
