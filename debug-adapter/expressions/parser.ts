import { ExpressionError } from './expression-error.ts';
import { isBuiltinTypeName, isTypeWord } from './builtin-types.ts';
import { tokenize, type Token } from './lexer.ts';
import type { BinaryOperator, FormatSuffix, Syntax, TypeSyntax, UnaryOperator } from './syntax.ts';

/** Deepest nesting of an expression. */
const MAX_DEPTH = 200;
const MAX_LENGTH = 10_000;

export interface ParseOptions {
  /**
   * Decides whether `(name)` in front of a sign is a cast. Without it, C's own types and names that end
   * in `_t` are taken for types.
   */
  readonly isTypeName?: (name: string) => boolean;
}

export interface ParsedExpression {
  readonly syntax: Syntax;
  readonly format: FormatSuffix | undefined;
}

/** Binary operators by how tightly they bind; `@` stands where gdb puts it. */
const PRECEDENCE: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['@'],
  ['+', '-'],
  ['*', '/', '%'],
];

const FORMATS: Readonly<Record<string, FormatSuffix['base']>> = {
  x: 'hexadecimal',
  h: 'hexadecimal',
  d: 'decimal',
  i: 'decimal',
  u: 'unsigned',
  o: 'octal',
  b: 'binary',
  t: 'binary',
  c: 'character',
  s: 'string',
  a: 'address',
  f: 'float',
};

/** @throws ExpressionError with the position of the first thing that does not fit */
export function parseExpression(text: string, options: ParseOptions = {}): ParsedExpression {
  if (text.length > MAX_LENGTH) {
    throw new ExpressionError(
      `The expression is longer than ${MAX_LENGTH} characters.`,
      MAX_LENGTH,
    );
  }
  return new Parser(text, options).parse();
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #isTypeName: (name: string) => boolean;
  #at = 0;
  #depth = 0;

  constructor(text: string, options: ParseOptions) {
    this.#text = text;
    this.#tokens = tokenize(text);
    this.#isTypeName = options.isTypeName ?? ((name) => name.endsWith('_t'));
  }

  parse(): ParsedExpression {
    if (this.#atEnd()) throw new ExpressionError('The expression is empty.', 0);
    const syntax = this.#assignment();
    const format = this.#take(',') ? this.#format() : undefined;
    if (!this.#atEnd()) throw this.#unexpected();
    return { syntax, format };
  }

  get #token(): Token {
    return this.#peek(0);
  }

  #atEnd(): boolean {
    return this.#token.kind === 'end';
  }

  #peek(distance: number): Token {
    return this.#tokens[this.#at + distance] ?? { kind: 'end', position: this.#text.length };
  }

  #is(text: string, token: Token = this.#token): boolean {
    return token.kind === 'operator' && token.text === text;
  }

  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#unexpected(`"${text}" expected`);
  }

  #unexpected(expected?: string): ExpressionError {
    const { position, kind } = this.#token;
    const next = this.#tokens[this.#at + 1]?.position ?? this.#text.length;
    const found =
      kind === 'end'
        ? 'the expression ends'
        : `"${this.#text.slice(position, next).trim()}" stands there`;
    const sentence =
      expected === undefined
        ? `An operand or operator was expected, but ${found}.`
        : `${expected}, but ${found}.`;
    return new ExpressionError(sentence, position);
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) {
      throw new ExpressionError('The expression nests too deeply.', this.#token.position);
    }
    const result = parse();
    this.#depth--;
    return result;
  }

  #assignment(): Syntax {
    return this.#nested(() => {
      const target = this.#conditional();
      const { position } = this.#token;
      if (this.#take('=')) return { kind: 'assign', position, target, value: this.#assignment() };
      if (this.#token.kind === 'operator' && /^(\+\+|--|.+=)$/.test(this.#token.text)) {
        throw new ExpressionError(
          `"${this.#token.text}" is not supported; write the assignment with "=".`,
          position,
        );
      }
      return target;
    });
  }

  #conditional(): Syntax {
    const condition = this.#binary(0);
    const { position } = this.#token;
    if (!this.#take('?')) return condition;
    const whenTrue = this.#assignment();
    this.#expect(':');
    const whenFalse = this.#nested(() => this.#conditional());
    return { kind: 'conditional', position, condition, whenTrue, whenFalse };
  }

  #binary(level: number): Syntax {
    const operators = PRECEDENCE[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const token = this.#token;
      if (token.kind !== 'operator' || !operators.includes(token.text)) return left;
      this.#at++;
      const right = this.#binary(level + 1);
      const { position, text } = token;
      if (text === '@') left = { kind: 'slice', position, first: left, count: right };
      else if (text === '&&' || text === '||')
        left = { kind: 'logical', position, operator: text, left, right };
      else left = { kind: 'binary', position, operator: text as BinaryOperator, left, right };
    }
  }

  #unary(): Syntax {
    return this.#nested(() => {
      const token = this.#token;
      const { position } = token;
      if (token.kind === 'operator' && '+-!~*&'.includes(token.text) && token.text.length === 1) {
        this.#at++;
        const operator = token.text as UnaryOperator;
        return { kind: 'unary', position, operator, operand: this.#unary() };
      }
      if (token.kind === 'name' && token.name === 'sizeof') {
        this.#at++;
        if (this.#is('(') && this.#startsType(1)) {
          this.#at++;
          const type = this.#type();
          this.#expect(')');
          return { kind: 'sizeofType', position, type };
        }
        return { kind: 'sizeof', position, operand: this.#unary() };
      }
      if (this.#is('(') && this.#isCast()) {
        this.#at++;
        const type = this.#type();
        this.#expect(')');
        return { kind: 'cast', position, type, operand: this.#unary() };
      }
      return this.#postfix();
    });
  }

  /** Whether the parenthesis here opens a cast rather than a subexpression. */
  #isCast(): boolean {
    if (this.#startsType(1)) return true;
    // `(name *)` and `(name)` in front of an operand can only be casts.
    const name = this.#peek(1);
    if (name.kind !== 'name' || name.qualifier !== undefined) return false;
    let distance = 2;
    while (this.#is('*', this.#peek(distance))) distance++;
    if (!this.#is(')', this.#peek(distance))) return false;
    if (distance > 2) return true;
    const after = this.#peek(distance + 1);
    return after.kind !== 'operator' && after.kind !== 'end';
  }

  #startsType(distance: number): boolean {
    const token = this.#peek(distance);
    if (token.kind !== 'name' || token.qualifier !== undefined) return false;
    return isTypeWord(token.name) || isBuiltinTypeName(token.name) || this.#isTypeName(token.name);
  }

  #type(): TypeSyntax {
    const { position } = this.#token;
    const words: string[] = [];
    for (;;) {
      const token = this.#token;
      if (token.kind !== 'name') break;
      const isFirst = words.length === 0;
      const afterTag = words.length === 1 && /^(struct|union|enum|class)$/.test(words[0] ?? '');
      if (!isFirst && !afterTag && !isTypeWord(token.name)) break;
      this.#at++;
      const name = token.qualifier === undefined ? token.name : `${token.qualifier}::${token.name}`;
      if (!/^(const|volatile|restrict|_Atomic)$/.test(name)) words.push(name);
    }
    if (words.length === 0) throw this.#unexpected('A type expected');
    let pointers = 0;
    for (;;) {
      const token = this.#token;
      if (this.#take('*')) pointers++;
      else if (token.kind === 'name' && /^(const|volatile|restrict)$/.test(token.name)) this.#at++;
      else break;
    }
    const dimensions: number[] = [];
    while (this.#take('[')) {
      const token = this.#token;
      if (token.kind !== 'integer') throw this.#unexpected('A number of elements expected');
      this.#at++;
      dimensions.push(Number(token.value));
      this.#expect(']');
    }
    return { position, name: words.join(' '), pointers, dimensions };
  }

  #postfix(): Syntax {
    let object = this.#primary();
    for (;;) {
      const { position } = this.#token;
      if (this.#take('[')) {
        const index = this.#assignment();
        this.#expect(']');
        object = { kind: 'index', position, object, index };
      } else if (this.#is('.') || this.#is('->')) {
        const isArrow = this.#is('->');
        this.#at++;
        const token = this.#token;
        if (token.kind !== 'name') throw this.#unexpected('The name of a member expected');
        this.#at++;
        object = { kind: 'member', position, object, name: token.name, isArrow };
      } else if (this.#is('(')) {
        throw new ExpressionError('Calling functions of the guest is not supported.', position);
      } else {
        return object;
      }
    }
  }

  #primary(): Syntax {
    const token = this.#token;
    const { position } = token;
    switch (token.kind) {
      case 'integer':
        this.#at++;
        return { kind: 'integer', position, value: token.value, type: integerType(token) };
      case 'float':
        this.#at++;
        return {
          kind: 'float',
          position,
          value: token.value,
          type: token.isSingle ? 'float' : 'double',
        };
      case 'character':
        this.#at++;
        return { kind: 'integer', position, value: token.value, type: 'char' };
      case 'string':
        this.#at++;
        return { kind: 'string', position, bytes: token.bytes };
      case 'register':
        this.#at++;
        return { kind: 'register', position, name: token.name };
      case 'name':
        if (isTypeWord(token.name)) throw this.#unexpected('A value expected');
        this.#at++;
        return { kind: 'name', position, name: token.name, qualifier: token.qualifier };
      default: {
        this.#expect('(');
        const inner = this.#assignment();
        this.#expect(')');
        return inner;
      }
    }
  }

  #format(): FormatSuffix {
    let base: FormatSuffix['base'];
    let count: Syntax | undefined;
    const token = this.#token;
    if (token.kind === 'name') {
      base = FORMATS[token.name.toLowerCase()];
      if (base === undefined) {
        throw new ExpressionError(
          `"${token.name}" is no format; use x, d, u, o, b, c, s, a, f or [count].`,
          token.position,
        );
      }
      this.#at++;
    }
    if (this.#take('[')) {
      count = this.#assignment();
      this.#expect(']');
    } else if (base === undefined) {
      throw this.#unexpected('A format such as x, d or [8] expected after the comma');
    }
    return { base, count };
  }
}

/** C11 6.4.4.1: the first type that the value fits; only other bases may become unsigned on their own. */
function integerType(
  token: Token & { kind: 'integer' },
): 'int' | 'unsigned int' | 'long' | 'unsigned long' {
  const { value, suffix, isDecimal } = token;
  const isUnsigned = suffix.includes('u');
  const isLong = suffix.includes('l');
  if (!isLong && !isUnsigned && value < 1n << 31n) return 'int';
  if (!isLong && (isUnsigned || !isDecimal) && value < 1n << 32n) return 'unsigned int';
  if (!isUnsigned && value < 1n << 63n) return 'long';
  return 'unsigned long';
}
