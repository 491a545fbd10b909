/** C tokens, with `$x0` for registers and `@cpu` for facts about the machine. */
import { ExpressionError } from './expression-error.ts';

export type Token =
  | {
      readonly kind: 'integer';
      readonly position: number;
      readonly value: bigint;
      readonly suffix: string;
      readonly isDecimal: boolean;
    }
  | {
      readonly kind: 'float';
      readonly position: number;
      readonly value: number;
      readonly isSingle: boolean;
    }
  | { readonly kind: 'character'; readonly position: number; readonly value: bigint }
  | { readonly kind: 'string'; readonly position: number; readonly bytes: Uint8Array }
  /** `qualifier` is the file or function of `file.c::name`. */
  | {
      readonly kind: 'name';
      readonly position: number;
      readonly name: string;
      readonly qualifier: string | undefined;
    }
  /** Lower case for `$x0`; with its sign for `@cpu`. */
  | { readonly kind: 'register'; readonly position: number; readonly name: string }
  | { readonly kind: 'operator'; readonly position: number; readonly text: string }
  | { readonly kind: 'end'; readonly position: number };

const SPACE = /\s+/y;
const FLOAT = /(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?[fFlL]?|\d+[eE][+-]?\d+[fFlL]?|\d+[fF]\b/y;
const INTEGER = /(0[xX][0-9a-fA-F_']+|0[bB][01_']+|0[oO][0-7_']+|\d[\d_']*)([uUlL]*)(?![\w.])/y;
const QUALIFIED =
  /(?:'([^']+)'|([A-Za-z_]\w*(?:\.[A-Za-z]+)?))::([A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)/y;
const NAME = /[A-Za-z_]\w*/y;
const REGISTER = /\$([A-Za-z_]\w*)/y;
const CHARACTER = /'((?:\\(?:x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)|[^'\\]))'/uy;
const STRING = /"((?:\\(?:x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)|[^"\\])*)"/uy;
const OPERATOR =
  /->|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|[-+*/%&|^]=|[-+*/%&|^~!<>=?:.,()[\]{}@]/y;
const ATOM = /@([A-Za-z_]\w*)/y;

const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
  e: 27,
  '\\': 92,
  "'": 39,
  '"': 34,
  '?': 63,
};

/** Splits an expression into tokens; the last one is of kind 'end'. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    return pattern.exec(text);
  };
  for (;;) {
    position += match(SPACE)?.[0].length ?? 0;
    if (position >= text.length) break;
    const token = next(position, match, endsOperand(tokens.at(-1)));
    tokens.push(token.token);
    position += token.length;
  }
  tokens.push({ kind: 'end', position: text.length });
  return tokens;

  function next(
    at: number,
    m: (pattern: RegExp) => RegExpExecArray | null,
    afterOperand: boolean,
  ): { token: Token; length: number } {
    let found: RegExpExecArray | null;
    if ((found = m(REGISTER)) !== null) {
      return {
        token: { kind: 'register', position: at, name: found[1] ?? '' },
        length: found[0].length,
      };
    }
    // After an operand `@` makes an array: `*p@4`.
    if (!afterOperand && (found = m(ATOM)) !== null) {
      return { token: { kind: 'register', position: at, name: found[0] }, length: found[0].length };
    }
    if ((found = m(QUALIFIED)) !== null) {
      const qualifier = found[1] ?? found[2];
      return {
        token: { kind: 'name', position: at, name: found[3] ?? '', qualifier },
        length: found[0].length,
      };
    }
    if ((found = m(NAME)) !== null) {
      return {
        token: { kind: 'name', position: at, name: found[0], qualifier: undefined },
        length: found[0].length,
      };
    }
    if ((found = m(INTEGER)) !== null) {
      const { value, isDecimal } = integerValue(found[1] ?? '', at);
      const suffix = (found[2] ?? '').toLowerCase();
      return {
        token: { kind: 'integer', position: at, value, suffix, isDecimal },
        length: found[0].length,
      };
    }
    if ((found = m(FLOAT)) !== null) {
      const isSingle = /[fF]$/.test(found[0]);
      const value = Number(found[0].replace(/[fFlL]$/, ''));
      return { token: { kind: 'float', position: at, value, isSingle }, length: found[0].length };
    }
    if ((found = m(CHARACTER)) !== null) {
      const bytes = unescape(found[1] ?? '');
      const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
      return { token: { kind: 'character', position: at, value }, length: found[0].length };
    }
    if ((found = m(STRING)) !== null) {
      const bytes = Uint8Array.from(unescape(found[1] ?? ''));
      return { token: { kind: 'string', position: at, bytes }, length: found[0].length };
    }
    if ((found = m(OPERATOR)) !== null) {
      return { token: { kind: 'operator', position: at, text: found[0] }, length: found[0].length };
    }
    throw new ExpressionError(`"${text.slice(at, at + 10)}" is no part of a C expression.`, at);
  }
}

function endsOperand(token: Token | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === 'operator') return token.text === ')' || token.text === ']';
  return true;
}

function integerValue(text: string, position: number): { value: bigint; isDecimal: boolean } {
  const digits = text.replace(/[_']/g, '');
  const isOctal = /^0\d/.test(digits);
  if (isOctal && /[89]/.test(digits)) {
    throw new ExpressionError(
      `"${text}" is octal because of its leading 0, but has an 8 or 9.`,
      position,
    );
  }
  try {
    const value = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
    if (value >= 1n << 64n) throw new ExpressionError(`"${text}" does not fit 64 bits.`, position);
    return { value, isDecimal: !isOctal && !/^0[xXbBoO]/.test(digits) };
  } catch (error) {
    if (error instanceof ExpressionError) throw error;
    throw new ExpressionError(`"${text}" is no number.`, position);
  }
}

/** Bytes of a C character or string, UTF-8 for what is not ASCII. */
function unescape(text: string): number[] {
  const bytes: number[] = [];
  const pattern = /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))|([^\\])/gu;
  for (const [, hex, octal, letter, plain] of text.matchAll(pattern)) {
    if (hex !== undefined) bytes.push(parseInt(hex, 16));
    else if (octal !== undefined) bytes.push(parseInt(octal, 8) & 0xff);
    else if (letter !== undefined) bytes.push(ESCAPES[letter] ?? letter.charCodeAt(0) & 0xff);
    else if (plain !== undefined) bytes.push(...utf8(plain.codePointAt(0) ?? 0));
  }
  return bytes;
}

function utf8(code: number): number[] {
  if (code < 0x80) return [code];
  if (code < 0x800) return [0xc0 | (code >> 6), 0x80 | (code & 63)];
  if (code < 0x1_0000) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
  return [
    0xf0 | (code >> 18),
    0x80 | ((code >> 12) & 63),
    0x80 | ((code >> 6) & 63),
    0x80 | (code & 63),
  ];
}
