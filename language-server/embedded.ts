/**
 * Assembly in C, C++ and Rust: the strings of `asm`, and names of system registers in calls such as
 * `read_sysreg(x)` and in constants such as `SYS_X`.
 *
 * A shadow of the file has the same lines and columns and holds only the assembly: everything else is
 * blank. So positions need no translation.
 */
import { narrowOperands } from './asm-operands.ts';
import type { NarrowOperand } from './asm-operands.ts';
import { AssemblyDocument } from './document.ts';
import { registerFromC } from './system-operands.ts';
import type { NamedRegister } from './system-operands.ts';

export interface RegisterMention {
  readonly name: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly direction: 'read' | 'write' | 'any';
  /** The expression that is written, where there is one. */
  readonly value?: string;
}

export interface EmbeddedAssembly {
  readonly shadow: AssemblyDocument;
  readonly mentions: readonly RegisterMention[];
  /** Operands `%1` of C whose variable is narrower than the register that they name. */
  readonly narrowOperands: readonly NarrowOperand[];
  /** Lines whose assembly goes on in another string, so that they are not whole statements. */
  readonly partialRows: ReadonlySet<number>;
  /** Positions, by row, of the lists of clobbers. */
  readonly clobbers: readonly {
    readonly line: number;
    readonly start: number;
    readonly end: number;
  }[];
}

interface Piece {
  readonly kind: 'code' | 'string' | 'comment';
  readonly start: number;
  readonly end: number;
}

/** Strings, comments and the rest; raw strings of Rust count as strings. */
function piecesOf(text: string, rust: boolean): Piece[] {
  const pieces: Piece[] = [];
  let codeFrom = 0;
  let at = 0;
  const push = (kind: Piece['kind'], start: number, end: number): void => {
    if (start > codeFrom) pieces.push({ kind: 'code', start: codeFrom, end: start });
    pieces.push({ kind, start, end });
    codeFrom = end;
    at = end;
  };
  while (at < text.length) {
    const mark = text[at];
    const next = text[at + 1];
    if (mark === '/' && next === '/') {
      const end = text.indexOf('\n', at);
      push('comment', at, end < 0 ? text.length : end);
    } else if (mark === '/' && next === '*') {
      const end = text.indexOf('*/', at + 2);
      push('comment', at, end < 0 ? text.length : end + 2);
    } else if (mark === '"') {
      let end = at + 1;
      while (end < text.length && text[end] !== '"') {
        if (text[end] === '\n' && !rust && text[end - 1] !== '\\') break;
        end += text[end] === '\\' ? 2 : 1;
      }
      push('string', at, Math.min(end + 1, text.length));
    } else if (mark === "'") {
      // A character, or a lifetime of Rust.
      const match = /^'(?:\\.[^']{0,8}|[^'\\\n])'/.exec(text.slice(at, at + 14));
      at += match ? match[0].length : 1;
    } else at += 1;
  }
  if (codeFrom < text.length) pieces.push({ kind: 'code', start: codeFrom, end: text.length });
  return pieces;
}

const asmWord =
  /(?:\b(?:asm|__asm__|__asm)\b(?:\s|volatile|__volatile__|__volatile|goto|inline|__inline__)*\(|\b(?:asm|global_asm|naked_asm|llvm_asm)!\s*\()\s*$/;
const asmInside =
  /\b(?:asm|__asm__|__asm)\b(?:\s|volatile|__volatile__|__volatile|goto|inline|__inline__)*\(|\b(?:asm|global_asm|naked_asm|llvm_asm)!\s*\(/g;

/** Assembly text of a string literal, as long as the literal itself. */
function literalText(literal: string, rust: boolean): string {
  let out = '';
  const body =
    literal.endsWith('"') && literal.length > 1 ? literal.slice(1, -1) : literal.slice(1);
  for (let at = 0; at < body.length; at += 1) {
    const mark = body[at] ?? '';
    const next = body[at + 1] ?? '';
    if (mark === '\\') {
      if (next === 'n') out += '; ';
      else if (next === '\n') out += ' \n';
      else if (next === '\\') out += ' \\';
      else out += '  ';
      at += 1;
    } else if (!rust && mark === '%' && next === '%') {
      out += ' %';
      at += 1;
    } else if (rust && mark === '{' && next !== '{') {
      // `{0:x}` is an operand that the compiler fills in.
      const close = body.indexOf('}', at);
      const end = close < 0 ? body.length : close + 1;
      out += `%${'_'.repeat(Math.max(0, end - at - 1))}`;
      at = end - 1;
    } else if (mark === '\n' || mark === '\r') {
      out += mark;
    } else out += mark;
  }
  return ` ${out}${literal.length > body.length + 1 ? ' ' : ''}`;
}

const blank = (text: string): string => text.replace(/[^\r\n]/g, ' ');

const readCalls =
  /\b(?:read_sysreg(?:_s|_el1|_el2|_el12|_el02)?|read_debug_reg|SYS_READ|read_special_reg|READ_SPECIALREG|mrs|raw_read)\s*\(\s*([A-Za-z_]\w*)/g;
const writeCalls =
  /\b(?:write_sysreg(?:_s|_el1|_el2|_el12|_el02)?|WRITE_SPECIALREG)\s*\(((?:[^(),]|\((?:[^()]|\([^()]*\))*\))*),\s*([A-Za-z_]\w*)/g;
const setCalls = /\b(?:sysreg_clear_set(?:_s)?|msr)\s*\(\s*([A-Za-z_]\w*)/g;
const constants = /\bSYS_([A-Z][A-Z0-9_]*)\b/g;

export function extractAssembly(
  uri: string,
  text: string,
  languageId: string,
  version = 0,
): EmbeddedAssembly {
  const rust = languageId === 'rust';
  const pieces = piecesOf(text, rust);
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1))
    lineStarts.push(at + 1);
  const rowOf = (offset: number): number => {
    let low = 0;
    let high = lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const out: string[] = [];
  const partialRows = new Set<number>();
  const clobbers: { line: number; start: number; end: number }[] = [];
  const mentions: RegisterMention[] = [];
  /** Depth of parentheses inside an asm statement; 0 outside. */
  let depth = 0;
  let section = 0;
  let previous: { row: number; ended: boolean } | undefined;
  for (const { kind, start, end } of pieces) {
    const piece = text.slice(start, end);
    if (kind === 'comment') {
      out.push(blank(piece));
      continue;
    }
    if (kind === 'code') {
      out.push(blank(piece));
      if (depth > 0) {
        for (const mark of piece) {
          if (depth === 0) break;
          if (mark === '(') depth += 1;
          else if (mark === ')') depth -= 1;
          else if (mark === ':' && depth === 1) section += 1;
          else if (mark === ',' && depth === 1 && rust && previous)
            previous = { ...previous, ended: true };
        }
        if (depth > 0) continue;
      }
      if (asmWord.test(piece)) {
        depth = 1;
        section = 0;
        previous = undefined;
      } else if (piece.lastIndexOf(')') < 0 || piece.search(asmInside) < 0) depth = 0;
      mentionsIn(piece, start, mentions, rowOf, lineStarts);
      continue;
    }
    const row = rowOf(start);
    if (depth === 1 && (section === 0 || rust)) {
      const assembly = literalText(piece, rust);
      const content = piece.slice(1, -1);
      const ended = /(?:\\n(?:\\t|\s)*|;\s*)$/.test(content) || content.trim() === '';
      if (previous && !previous.ended && previous.row !== row) {
        partialRows.add(previous.row);
        partialRows.add(row);
      }
      previous = { row, ended };
      out.push(assembly.length === piece.length ? assembly : blank(piece));
    } else {
      out.push(blank(piece));
      if (depth === 1 && section === 3) {
        const lineStart = lineStarts[row] ?? 0;
        clobbers.push({ line: row, start: start - lineStart + 1, end: end - lineStart - 1 });
      }
    }
  }
  return {
    shadow: new AssemblyDocument(uri, out.join(''), version),
    mentions,
    partialRows,
    clobbers,
    narrowOperands: rust ? [] : narrowOperands(text),
  };
}

function mentionsIn(
  piece: string,
  offset: number,
  mentions: RegisterMention[],
  rowOf: (offset: number) => number,
  lineStarts: readonly number[],
): void {
  const add = (
    name: string,
    at: number,
    direction: RegisterMention['direction'],
    value?: string,
  ): void => {
    const start = offset + at;
    const line = rowOf(start);
    const lineStart = lineStarts[line] ?? 0;
    if (mentions.some((it) => it.line === line && it.start === start - lineStart)) return;
    mentions.push({
      name,
      line,
      start: start - lineStart,
      end: start - lineStart + name.length,
      direction,
      ...(value !== undefined && value !== '' && { value }),
    });
  };
  for (const match of piece.matchAll(readCalls)) {
    const name = match[1] ?? '';
    add(name, match.index + match[0].length - name.length, 'read');
  }
  for (const match of piece.matchAll(writeCalls)) {
    const name = match[2] ?? '';
    add(name, match.index + match[0].length - name.length, 'write', match[1]?.trim());
  }
  for (const match of piece.matchAll(setCalls)) {
    const name = match[1] ?? '';
    add(name, match.index + match[0].length - name.length, 'any');
  }
  for (const match of piece.matchAll(constants)) add(match[0], match.index, 'any');
}

/** The register that a mention names; a prefix `SYS_` is C's. */
export function mentionedRegister(mention: RegisterMention): NamedRegister | undefined {
  return registerFromC(mention.name);
}

export const embeddingLanguages: ReadonlySet<string> = new Set([
  'c',
  'cpp',
  'rust',
  'objective-c',
  'cuda-cpp',
]);

/** The language of a file that embeds assembly, by its name; undefined for other files. */
export function hostLanguage(uri: string): string | undefined {
  const extension = /\.(c|h|cc|cpp|cxx|hpp|rs)$/.exec(uri)?.[1];
  if (extension === undefined) return undefined;
  if (extension === 'rs') return 'rust';
  return extension === 'c' || extension === 'h' ? 'c' : 'cpp';
}
