/** What one operand of an instruction is. */
import { evaluate } from './expression.ts';
import type { SymbolValue } from './expression.ts';
import { parseRegister } from './registers.ts';
import type { RegisterName } from './registers.ts';
import { TokenKind, scanLine } from './scanner.ts';
import type { Tokens } from './scanner.ts';
import { kindAt, splitOperands, startAt, tokenCount, tokenText, tokenWord } from './statement.ts';
import type { OperandText, Word } from './statement.ts';

export type ShiftName =
  | 'lsl'
  | 'lsr'
  | 'asr'
  | 'ror'
  | 'msl'
  | 'uxtb'
  | 'uxth'
  | 'uxtw'
  | 'uxtx'
  | 'sxtb'
  | 'sxth'
  | 'sxtw'
  | 'sxtx';

interface Base {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export type Operand = Base &
  (
    | { readonly kind: 'register'; readonly register: RegisterName; readonly lane: boolean }
    | {
        readonly kind: 'immediate';
        readonly value?: bigint;
        readonly real?: number;
        readonly hash: boolean;
        readonly symbols: readonly Word[];
        /** `:lo12:` and relatives: the linker fills the value in. */
        readonly relocation?: string;
      }
    /** `=value`: a word of the literal pool. */
    | { readonly kind: 'literal'; readonly value?: bigint; readonly symbols: readonly Word[] }
    | {
        readonly kind: 'shift';
        readonly shift: ShiftName;
        readonly amount?: bigint;
        readonly known: boolean;
      }
    | {
        readonly kind: 'memory';
        readonly parts: readonly Operand[];
        readonly writeback: boolean;
        readonly closed: boolean;
      }
    | { readonly kind: 'list'; readonly registers: readonly Word[] }
    /** One word that is no register: a label, condition, option or system register. */
    | { readonly kind: 'name'; readonly value?: bigint }
    /** Depends on an argument or an expansion that is not known here. */
    | { readonly kind: 'opaque' }
    | { readonly kind: 'malformed' }
  );

/** What names mean where the operand stands. */
export interface NameScope {
  /** The register that `.req` has given this name. */
  registerAlias(name: string): string | undefined;
  /** The text that `#define` has given this name; null where it has no known text. */
  macroText(name: string): string | null | undefined;
  value: SymbolValue;
}

export const emptyScope: NameScope = {
  registerAlias: () => undefined,
  macroText: () => undefined,
  value: () => undefined,
};

const shifts: ReadonlySet<string> = new Set([
  'lsl',
  'lsr',
  'asr',
  'ror',
  'msl',
  'uxtb',
  'uxth',
  'uxtw',
  'uxtx',
  'sxtb',
  'sxth',
  'sxtw',
  'sxtx',
]);

/** Expansions of `#define` inside `#define` beyond this are not followed. */
const MAXIMUM_EXPANSIONS = 16;

export function parseOperand(
  text: string,
  tokens: Tokens,
  operand: OperandText,
  scope: NameScope,
  depth = 0,
): Operand {
  const { from, to, start, end } = operand;
  const base: Base = { text: operand.text, start, end };
  if (from >= to) return { ...base, kind: 'malformed' };
  for (let index = from; index < to; index += 1) {
    const kind = kindAt(tokens, index);
    if (kind === TokenKind.macroArgument) return { ...base, kind: 'opaque' };
    // Operands of extended asm in C: `%0`, `%w[name]`.
    if (kind === TokenKind.other) return { ...base, kind: 'opaque' };
  }
  const mark = kindAt(tokens, from) === TokenKind.punctuation ? text[startAt(tokens, from)] : '';
  if (mark === '%' || mark === '\\') return { ...base, kind: 'opaque' };
  if (mark === '[') return parseMemory(text, tokens, operand, scope, depth);
  if (mark === '{') {
    const registers: Word[] = [];
    for (let index = from + 1; index < to; index += 1) {
      if (kindAt(tokens, index) === TokenKind.identifier) {
        registers.push(tokenWord(text, tokens, index));
      }
    }
    return { ...base, kind: 'list', registers };
  }
  if (mark === '=') {
    const { value, symbols } = evaluate(text, tokens, from + 1, to, scope.value);
    return { ...base, kind: 'literal', symbols, ...(value !== undefined && { value }) };
  }
  if (kindAt(tokens, from) === TokenKind.identifier) {
    const word = tokenText(text, tokens, from);
    const lower = word.toLowerCase();
    if (shifts.has(lower)) {
      const rest = evaluate(text, tokens, from + 1, to, scope.value);
      const bare = to === from + 1;
      if (bare || rest.wellFormed) {
        return {
          ...base,
          kind: 'shift',
          shift: lower as ShiftName,
          known: bare || rest.value !== undefined,
          ...(rest.value !== undefined && { amount: rest.value }),
        };
      }
    }
    const alias = scope.registerAlias(word);
    const register = parseRegister(alias ?? word);
    if (register && (alias !== undefined || scope.macroText(word) === undefined)) {
      const next = from + 1 < to ? text[startAt(tokens, from + 1)] : '';
      if (to === from + 1) return { ...base, kind: 'register', register, lane: false };
      if (next === '[') return { ...base, kind: 'register', register, lane: true };
      if (next === '/' || next === '!') return { ...base, kind: 'register', register, lane: false };
    }
    const replacement = scope.macroText(word);
    if (replacement === null) return { ...base, kind: 'opaque' };
    if (replacement !== undefined && to === from + 1) {
      if (depth >= MAXIMUM_EXPANSIONS) return { ...base, kind: 'opaque' };
      const scanned = scanLine(replacement, 0).tokens;
      const parts = splitOperands(replacement, scanned, 0, tokenCount(scanned));
      const [only] = parts;
      if (parts.length !== 1 || !only) return { ...base, kind: 'opaque' };
      return { ...parseOperand(replacement, scanned, only, scope, depth + 1), ...base };
    }
    if (to === from + 1) {
      const value = scope.value(word);
      return { ...base, kind: 'name', ...(value !== undefined && { value }) };
    }
    if (replacement !== undefined) {
      const { value } = evaluate(text, tokens, from, to, scope.value);
      if (value === undefined) return { ...base, kind: 'opaque' };
    }
  }
  // `:lo12:symbol`, `#:abs_g0_nc:symbol`
  let relocationAt = from;
  if (mark === '#') relocationAt += 1;
  if (relocationAt < to && text[startAt(tokens, relocationAt)] === ':') {
    const relocation = tokenText(text, tokens, relocationAt + 1);
    const { symbols } = evaluate(text, tokens, relocationAt + 3, to, scope.value);
    return { ...base, kind: 'immediate', hash: mark === '#', symbols, relocation };
  }
  const { wellFormed, value, symbols, real } = evaluate(text, tokens, from, to, scope.value);
  if (!wellFormed) return { ...base, kind: 'malformed' };
  if (value === undefined && symbols.some(({ text: name }) => scope.macroText(name) === null)) {
    return { ...base, kind: 'opaque' };
  }
  return {
    ...base,
    kind: 'immediate',
    hash: mark === '#',
    symbols,
    ...(value !== undefined && { value }),
    ...(real !== undefined && { real }),
  };
}

function parseMemory(
  text: string,
  tokens: Tokens,
  operand: OperandText,
  scope: NameScope,
  depth: number,
): Operand {
  const base: Base = { text: operand.text, start: operand.start, end: operand.end };
  let { to } = operand;
  let writeback = false;
  const markAt = (index: number): string | undefined =>
    kindAt(tokens, index) === TokenKind.punctuation ? text[startAt(tokens, index)] : undefined;
  if (markAt(to - 1) === '!') {
    writeback = true;
    to -= 1;
  }
  while (to > operand.from && kindAt(tokens, to - 1) === TokenKind.whitespace) to -= 1;
  const closed = markAt(to - 1) === ']' && to - 1 > operand.from;
  const parts = splitOperands(text, tokens, operand.from + 1, closed ? to - 1 : to).map((part) =>
    parseOperand(text, tokens, part, scope, depth + 1),
  );
  if (parts.some(({ kind }) => kind === 'opaque')) return { ...base, kind: 'opaque' };
  return { ...base, kind: 'memory', parts, writeback, closed };
}
