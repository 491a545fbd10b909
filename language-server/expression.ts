/** Constant expressions of the GNU assembler, over tokens of one line. */
import { TokenKind } from './scanner.ts';
import type { Tokens } from './scanner.ts';
import { kindAt, startAt, tokenText, tokenWord } from './statement.ts';
import type { Word } from './statement.ts';

export interface ExpressionResult {
  /** Undefined while a symbol is unknown, or where the text is no expression. */
  readonly value?: bigint;
  /** Whether the text has the form of an expression. */
  readonly wellFormed: boolean;
  readonly symbols: readonly Word[];
  /** A floating-point constant. */
  readonly real?: number;
}

export type SymbolValue = (name: string) => bigint | undefined;

/** Precedence as in GNU as, "Infix operators": shifts bind as tightly as multiplication. */
const precedence: Readonly<Record<string, number>> = {
  '*': 5,
  '/': 5,
  '%': 5,
  '<<': 5,
  '>>': 5,
  '|': 4,
  '&': 4,
  '^': 4,
  '!': 4,
  '+': 3,
  '-': 3,
  '==': 2,
  '!=': 2,
  '<>': 2,
  '<': 2,
  '>': 2,
  '<=': 2,
  '>=': 2,
  '&&': 1,
  '||': 0,
};

const MASK_64 = (1n << 64n) - 1n;
/** Nesting of parentheses and prefix operators beyond this is refused. */
const MAXIMUM_DEPTH = 200;

function apply(operator: string, a: bigint, b: bigint): bigint | undefined {
  const truth = (it: boolean): bigint => (it ? -1n : 0n);
  switch (operator) {
    case '*':
      return BigInt.asIntN(128, a * b);
    case '/':
      return b === 0n ? undefined : a / b;
    case '%':
      return b === 0n ? undefined : a % b;
    case '<<':
      return b < 0n || b > 127n ? undefined : BigInt.asIntN(128, a << b);
    case '>>':
      return b < 0n || b > 127n ? undefined : (a < 0n ? a & MASK_64 : a) >> b;
    case '|':
      return a | b;
    case '&':
      return a & b;
    case '^':
      return a ^ b;
    case '!':
      return a | ~b;
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '==':
      return truth(a === b);
    case '!=':
    case '<>':
      return truth(a !== b);
    case '<':
      return truth(a < b);
    case '>':
      return truth(a > b);
    case '<=':
      return truth(a <= b);
    case '>=':
      return truth(a >= b);
    case '&&':
      return a !== 0n && b !== 0n ? 1n : 0n;
    case '||':
      return a !== 0n || b !== 0n ? 1n : 0n;
    default:
      return undefined;
  }
}

/** An integer constant with C's suffixes; undefined for local labels and floating-point numbers. */
export function parseInteger(text: string): bigint | undefined {
  const match =
    /^(0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9]\d*)(?:[uU]?[lL]{0,2}|[lL]{1,2}[uU])$/.exec(text);
  const digits = match?.[1];
  if (digits === undefined) return undefined;
  if (/^0[0-7]+$/.test(digits)) return BigInt(`0o${digits.slice(1)}`);
  return BigInt(digits.toLowerCase());
}

/** The value of `'a'`, `'\n'`. */
function parseCharacter(text: string): bigint | undefined {
  const body = text.slice(1).replace(/'$/, '');
  const escapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, b: 8, f: 12, '0': 0 };
  if (body.startsWith('\\') && body.length > 1) {
    const letter = body[1] ?? '';
    return BigInt(escapes[letter] ?? letter.charCodeAt(0));
  }
  const code = body.codePointAt(0);
  return code === undefined ? undefined : BigInt(code);
}

class Parser {
  readonly #text: string;
  readonly #tokens: Tokens;
  readonly #to: number;
  readonly #valueOf: SymbolValue;
  #index: number;
  #depth = 0;
  wellFormed = true;
  real: number | undefined;
  readonly symbols: Word[] = [];

  constructor(text: string, tokens: Tokens, from: number, to: number, valueOf: SymbolValue) {
    this.#text = text;
    this.#tokens = tokens;
    this.#index = from;
    this.#to = to;
    this.#valueOf = valueOf;
    this.#skip();
  }

  get atEnd(): boolean {
    return this.#index >= this.#to;
  }

  #skip(): void {
    while (
      this.#index < this.#to &&
      (kindAt(this.#tokens, this.#index) === TokenKind.whitespace ||
        kindAt(this.#tokens, this.#index) === TokenKind.comment)
    ) {
      this.#index += 1;
    }
  }

  #next(): void {
    this.#index += 1;
    this.#skip();
  }

  #mark(): string {
    if (this.atEnd || kindAt(this.#tokens, this.#index) !== TokenKind.punctuation) return '';
    return tokenText(this.#text, this.#tokens, this.#index);
  }

  expression(minimum = 0): bigint | undefined {
    let left = this.#prefix();
    for (;;) {
      const operator = this.#mark();
      const level = precedence[operator];
      if (level === undefined || level < minimum || !this.wellFormed) return left;
      this.#next();
      const right = this.expression(level + 1);
      left = left === undefined || right === undefined ? undefined : apply(operator, left, right);
    }
  }

  #prefix(): bigint | undefined {
    this.#depth += 1;
    try {
      if (this.#depth > MAXIMUM_DEPTH || this.atEnd) {
        this.wellFormed = false;
        return undefined;
      }
      return this.#operand();
    } finally {
      this.#depth -= 1;
    }
  }

  #operand(): bigint | undefined {
    const mark = this.#mark();
    if (mark === '-' || mark === '+' || mark === '~' || mark === '!') {
      this.#next();
      const value = this.#prefix();
      if (value === undefined) return undefined;
      if (mark === '-') return -value;
      if (mark === '~') return ~value;
      return mark === '!' ? (value === 0n ? 1n : 0n) : value;
    }
    if (mark === '(') {
      this.#next();
      const value = this.expression();
      if (this.#mark() === ')') this.#next();
      else this.wellFormed = false;
      return value;
    }
    const kind = kindAt(this.#tokens, this.#index);
    const word = tokenWord(this.#text, this.#tokens, this.#index);
    if (kind === TokenKind.number) {
      this.#next();
      const value = parseInteger(word.text);
      if (value !== undefined) return value;
      if (/^\d+[bf]$/i.test(word.text)) this.symbols.push(word);
      else if (/^\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/.test(word.text)) this.real = Number(word.text);
      else this.wellFormed = false;
      return undefined;
    }
    if (kind === TokenKind.character) {
      this.#next();
      return parseCharacter(word.text);
    }
    if (kind === TokenKind.string) {
      this.#next();
      return undefined;
    }
    if (kind === TokenKind.identifier) {
      this.#next();
      if (word.text === '.') return undefined;
      this.symbols.push(word);
      if (this.#mark() === '(') {
        // A call of a preprocessor macro: its arguments are read, its value is not known.
        this.#skipParentheses();
        return undefined;
      }
      return this.#valueOf(word.text);
    }
    if (kind === TokenKind.macroArgument) {
      while (
        !this.atEnd &&
        (kindAt(this.#tokens, this.#index) === TokenKind.macroArgument ||
          kindAt(this.#tokens, this.#index) === TokenKind.identifier ||
          kindAt(this.#tokens, this.#index) === TokenKind.number)
      ) {
        this.#next();
      }
      return undefined;
    }
    this.wellFormed = false;
    return undefined;
  }

  #skipParentheses(): void {
    let depth = 0;
    while (!this.atEnd) {
      const mark = this.#mark();
      if (mark === '(') depth += 1;
      if (mark === ')') depth -= 1;
      if (kindAt(this.#tokens, this.#index) === TokenKind.identifier) {
        this.symbols.push(tokenWord(this.#text, this.#tokens, this.#index));
      }
      this.#next();
      if (depth <= 0) return;
    }
    this.wellFormed = false;
  }
}

/** Evaluates the tokens from `from` up to `to`; a leading `#` is allowed. */
export function evaluate(
  text: string,
  tokens: Tokens,
  from: number,
  to: number,
  valueOf: SymbolValue,
): ExpressionResult {
  let first = from;
  while (first < to && kindAt(tokens, first) === TokenKind.whitespace) first += 1;
  if (
    first < to &&
    kindAt(tokens, first) === TokenKind.punctuation &&
    text[startAt(tokens, first)] === '#'
  ) {
    first += 1;
  }
  const parser = new Parser(text, tokens, first, to, valueOf);
  const value = parser.expression();
  const wellFormed = parser.wellFormed && parser.atEnd;
  return {
    wellFormed,
    symbols: parser.symbols,
    ...(wellFormed && value !== undefined && { value }),
    ...(wellFormed && parser.real !== undefined && { real: parser.real }),
  };
}
