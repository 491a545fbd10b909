/** What one file defines: labels, macros, constants, register aliases, blocks, functions. */
import type { AssemblyDocument, Line } from './document.ts';
import { LineRole, lineContent } from './document.ts';
import { dataSize, isData } from './directives.ts';
import { parseInteger } from './expression.ts';
import { TokenKind, scanLine } from './scanner.ts';
import { kindAt, tokenCount, tokenText, tokenWord } from './statement.ts';
import type { Statement, Word } from './statement.ts';

export type SymbolKind =
  | 'function'
  | 'label'
  | 'data'
  /** `.Lname` */
  | 'local'
  /** `1:` */
  | 'numeric'
  | 'macro'
  | 'define'
  | 'constant'
  | 'registerAlias';

export interface Definition {
  readonly name: string;
  readonly kind: SymbolKind;
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

export interface MacroParameter {
  readonly name: string;
  readonly required: boolean;
  readonly vararg: boolean;
  readonly defaultValue?: string;
}

export interface Macro {
  readonly name: string;
  readonly line: number;
  readonly endLine: number;
  readonly parameters: readonly MacroParameter[];
}

export interface Define {
  readonly name: string;
  readonly line: number;
  /** Absent for an object-like macro. */
  readonly parameters?: readonly string[];
  readonly body: string;
}

export interface Include {
  readonly path: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** Angle brackets. */
  readonly system: boolean;
}

export interface Block {
  readonly kind: 'macro' | 'if' | 'repeat' | 'preprocessor' | 'comment';
  readonly line: number;
  readonly endLine: number;
}

export interface Imbalance {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

export interface FunctionRange {
  readonly name: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** The last line that belongs to it. */
  readonly endLine: number;
  readonly global: boolean;
  /** Declared as a function, not only known to be code that others reach. */
  readonly typed: boolean;
}

/** Where a register alias holds: from its line on, until the next row of the same name. */
export interface RegisterAliasRow {
  readonly line: number;
  /** Absent after `.unreq`. */
  readonly register?: string;
}

export interface FileModel {
  readonly definitions: ReadonlyMap<string, readonly Definition[]>;
  readonly declarations: ReadonlyMap<string, readonly Definition[]>;
  readonly macros: ReadonlyMap<string, Macro>;
  readonly defines: ReadonlyMap<string, Define>;
  /** Values of `.set`, `.equ` and `=`: the text of the last one. */
  readonly constants: ReadonlyMap<string, { readonly line: number; readonly text: string }>;
  readonly registerAliases: ReadonlyMap<string, readonly RegisterAliasRow[]>;
  readonly includes: readonly Include[];
  readonly blocks: readonly Block[];
  readonly imbalances: readonly Imbalance[];
  readonly functions: readonly FunctionRange[];
  readonly sections: readonly Definition[];
  /** Lines that `#if 0` takes out, as [first, last] pairs in order. */
  readonly inactive: readonly (readonly [number, number])[];
  /** Lines inside `.macro` bodies, as [first, last] pairs in order. */
  readonly macroBodies: readonly (readonly [number, number])[];
  readonly globals: ReadonlySet<string>;
  readonly hasAltmacro: boolean;
  /** Changes whenever names change whose meaning other lines depend on. */
  readonly contextKey: string;
  /** Changes whenever the names change that other files can mean. */
  readonly exportKey: string;
}

/** Macros of kernels that define a symbol: which argument names it, and what it is. */
const definingCalls: ReadonlyMap<string, SymbolKind> = new Map([
  ...'SYM_FUNC_START SYM_FUNC_START_LOCAL SYM_FUNC_START_WEAK SYM_FUNC_START_NOALIGN SYM_FUNC_START_LOCAL_NOALIGN SYM_FUNC_START_WEAK_NOALIGN SYM_FUNC_START_PI SYM_FUNC_START_WEAK_PI SYM_TYPED_FUNC_START SYM_CODE_START SYM_CODE_START_LOCAL SYM_CODE_START_NOALIGN SYM_FUNC_ALIAS SYM_FUNC_ALIAS_LOCAL SYM_FUNC_ALIAS_WEAK ENTRY FUNC LENTRY WEAK ENTRY_ALIGN LOCAL_FUNC FUNCTION'
    .split(' ')
    .map((name) => [name, 'function'] as const),
  ...'SYM_DATA SYM_DATA_LOCAL SYM_DATA_START SYM_DATA_START_LOCAL SYM_DATA_START_PAGE_ALIGNED OBJECT'
    .split(' ')
    .map((name) => [name, 'data'] as const),
  ...'SYM_INNER_LABEL SYM_INNER_LABEL_ALIGN SYM_ENTRY'
    .split(' ')
    .map((name) => [name, 'label'] as const),
]);

const endingCalls = new Set(
  'SYM_FUNC_END SYM_CODE_END SYM_DATA_END SYM_DATA_END_LABEL END ENDPROC END_FUNC SYM_FUNC_END_PI SYM_FUNC_END_ALIAS ENDFUNC'.split(
    ' ',
  ),
);

/** Whether `name(` at the start of a line is one of the kernel's symbol macros. */
export const isSymbolCall = (name: string): boolean =>
  definingCalls.has(name) ||
  endingCalls.has(name) ||
  /^(?:EXPORT_|SYM_|NOKPROBE|ALTERNATIVE|MODULE)/.test(name);

export const symbolStartCalls: readonly string[] = [...definingCalls.keys()];

/** The call that closes a symbol call, as completion inserts it. */
export function endingCall(start: string): string | undefined {
  if (/^SYM_(?:TYPED_)?FUNC_START/.test(start))
    return start.includes('PI') ? 'SYM_FUNC_END_PI' : 'SYM_FUNC_END';
  if (start.startsWith('SYM_CODE_START')) return 'SYM_CODE_END';
  if (start.startsWith('SYM_DATA_START')) return 'SYM_DATA_END';
  if (start === 'ENTRY') return 'ENDPROC';
  return undefined;
}

const MAXIMUM_DEFINE_BODY = 4000;

/** Splits the parameters of `.macro`: spaces or commas, `:req`, `:vararg` and `=default`. */
export function macroParameters(text: string): MacroParameter[] {
  const parameters: MacroParameter[] = [];
  const pattern =
    /([A-Za-z_.$][\w.$]*)\s*(?::\s*(req|vararg))?\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^,\s]*))?\s*,?/g;
  for (const [, name = '', qualifier, defaultValue] of text
    .slice(0, MAXIMUM_DEFINE_BODY)
    .matchAll(pattern)) {
    parameters.push({
      name,
      required: qualifier === 'req',
      vararg: qualifier === 'vararg',
      ...(defaultValue !== undefined && { defaultValue }),
    });
  }
  return parameters;
}

class Builder {
  readonly definitions = new Map<string, Definition[]>();
  readonly declarations = new Map<string, Definition[]>();
  readonly macros = new Map<string, Macro>();
  readonly defines = new Map<string, Define>();
  readonly constants = new Map<string, { line: number; text: string }>();
  readonly registerAliases = new Map<string, RegisterAliasRow[]>();
  readonly includes: Include[] = [];
  readonly blocks: Block[] = [];
  readonly imbalances: Imbalance[] = [];
  readonly sections: Definition[] = [];
  readonly inactive: [number, number][] = [];
  readonly macroBodies: [number, number][] = [];
  readonly globals = new Set<string>();
  readonly functionNames = new Set<string>();
  readonly called = new Set<string>();
  readonly ends = new Map<string, number>();
  readonly anonymousEnds: number[] = [];
  hasAltmacro = false;
  /** Labels whose kind the next statement decides. */
  pending: { name: string; line: number; start: number; end: number }[] = [];
  readonly codeLabels: { name: string; line: number; start: number; end: number }[] = [];
  readonly #open: {
    kind: 'macro' | 'if' | 'repeat';
    line: number;
    start: number;
    end: number;
    macro?: Word;
    parameters?: string;
  }[] = [];
  readonly #conditions: {
    line: number;
    start: number;
    end: number;
    inactiveFrom?: number;
    taken: boolean;
    constant: boolean;
  }[] = [];
  readonly context: string[] = [];

  define(name: string, kind: SymbolKind, line: number, start: number, end: number): void {
    const list = this.definitions.get(name);
    const definition = { name, kind, line, start, end };
    if (list) list.push(definition);
    else this.definitions.set(name, [definition]);
  }

  declare(word: Word, line: number): void {
    const list = this.declarations.get(word.text);
    const declaration: Definition = {
      name: word.text,
      kind: 'label',
      line,
      start: word.start,
      end: word.end,
    };
    if (list) list.push(declaration);
    else this.declarations.set(word.text, [declaration]);
  }

  resolvePending(kind: SymbolKind): void {
    for (const label of this.pending) {
      this.define(label.name, kind, label.line, label.start, label.end);
      if (kind === 'label') this.codeLabels.push(label);
    }
    this.pending = [];
  }

  labels(labels: readonly Word[], line: number): void {
    for (const { text, start, end } of labels) {
      if (text.includes('\\')) continue;
      if (/^\d+$/.test(text)) this.define(text, 'numeric', line, start, end);
      else if (/^\.L/.test(text)) this.define(text, 'local', line, start, end);
      else this.pending.push({ name: text.replace(/^"(.*)"$/, '$1'), line, start, end });
    }
  }

  open(
    kind: 'macro' | 'if' | 'repeat',
    line: number,
    name: Word,
    macro?: Word,
    parameters?: string,
  ): void {
    this.#open.push({
      kind,
      line,
      start: name.start,
      end: name.end,
      ...(macro && { macro }),
      ...(parameters !== undefined && { parameters }),
    });
  }

  close(kind: 'macro' | 'if' | 'repeat', line: number, name: Word): void {
    // The innermost block of this kind; others inside it were left open.
    let at = this.#open.length - 1;
    while (at >= 0 && this.#open[at]?.kind !== kind) at -= 1;
    // A block does not reach out of the macro that it stands in.
    const innermostMacro = this.#open.findLastIndex((it) => it.kind === 'macro');
    const found = at >= 0 && at >= innermostMacro ? this.#open[at] : undefined;
    if (!found) {
      this.imbalances.push({
        line,
        start: name.start,
        end: name.end,
        message: `${name.text} has nothing to close.`,
      });
      return;
    }
    for (const left of this.#open.splice(at)) {
      if (left !== found) this.#leftOpen(left);
    }
    this.blocks.push({ kind, line: found.line, endLine: line });
    if (kind === 'macro') {
      this.macroBodies.push([found.line + 1, line - 1]);
      this.#defineMacro(found, line);
    }
  }

  #defineMacro(found: { line: number; macro?: Word; parameters?: string }, endLine: number): void {
    if (!found.macro) return;
    const { text, start, end } = found.macro;
    this.define(text, 'macro', found.line, start, end);
    this.macros.set(text.toLowerCase(), {
      name: text,
      line: found.line,
      endLine,
      parameters: macroParameters(found.parameters ?? ''),
    });
    this.context.push(text);
  }

  /** `.else` and `.elseif` need an open `.if`. */
  needsOpen(line: number, name: Word): void {
    if (this.#open.some(({ kind }) => kind === 'if')) return;
    this.imbalances.push({
      line,
      start: name.start,
      end: name.end,
      message: `${name.text} stands outside .if.`,
    });
  }

  #leftOpen({
    line,
    start,
    end,
    kind,
  }: {
    line: number;
    start: number;
    end: number;
    kind: string;
  }): void {
    const closing = kind === 'macro' ? '.endm' : kind === 'if' ? '.endif' : '.endr';
    this.imbalances.push({ line, start, end, message: `This block has no ${closing}.` });
  }

  openCondition(line: number, name: Word, end: number, constant: boolean | undefined): void {
    this.#conditions.push({
      line,
      start: name.start,
      end,
      taken: constant === true,
      constant: constant !== undefined,
      ...(constant === false && { inactiveFrom: line + 1 }),
    });
  }

  alternative(line: number, name: Word): void {
    const condition = this.#conditions.at(-1);
    if (!condition) {
      this.imbalances.push({
        line,
        start: name.start,
        end: name.end,
        message: `#${name.text} stands outside #if.`,
      });
      return;
    }
    if (condition.inactiveFrom !== undefined) {
      this.inactive.push([condition.inactiveFrom, line - 1]);
      delete condition.inactiveFrom;
    } else if (condition.constant && condition.taken) {
      condition.inactiveFrom = line + 1;
    }
    if (name.text !== 'else' && !condition.taken) condition.constant = false;
  }

  closeCondition(line: number, name: Word): void {
    const condition = this.#conditions.pop();
    if (!condition) {
      this.imbalances.push({
        line,
        start: name.start,
        end: name.end,
        message: '#endif has nothing to close.',
      });
      return;
    }
    if (condition.inactiveFrom !== undefined)
      this.inactive.push([condition.inactiveFrom, line - 1]);
    this.blocks.push({ kind: 'preprocessor', line: condition.line, endLine: line });
  }

  finish(lastLine: number): void {
    this.resolvePending('label');
    for (const left of this.#open) {
      this.#leftOpen(left);
      if (left.kind === 'macro') {
        this.macroBodies.push([left.line + 1, lastLine]);
        this.#defineMacro(left, lastLine);
      }
    }
    for (const { line, start, end, inactiveFrom } of this.#conditions) {
      this.imbalances.push({ line, start, end, message: 'This block has no #endif.' });
      if (inactiveFrom !== undefined) this.inactive.push([inactiveFrom, lastLine]);
    }
    this.inactive.sort(([a], [b]) => a - b);
    this.macroBodies.sort(([a], [b]) => a - b);
  }
}

function preprocessorLine(
  builder: Builder,
  lines: readonly Line[],
  row: number,
  statement: Statement,
): void {
  const name = statement.name;
  if (!name) return;
  const rest = statement.operands[0];
  switch (name.text) {
    case 'define': {
      const text = rest?.text ?? '';
      const match = /^([A-Za-z_]\w*)(\([^)]*\))?/.exec(text);
      const symbol = match?.[1];
      if (symbol === undefined || !rest) return;
      let body = text.slice(match?.[0].length ?? 0);
      for (let next = row; body.endsWith('\\') && body.length < MAXIMUM_DEFINE_BODY;) {
        next += 1;
        body = `${body.slice(0, -1)} ${lineContent(lines[next]?.text ?? '').trim()}`;
      }
      builder.define(symbol, 'define', row, rest.start, rest.start + symbol.length);
      builder.defines.set(symbol, {
        name: symbol,
        line: row,
        body: body
          .replace(/\/\*.*?\*\/|\/\/.*$/g, ' ')
          .trim()
          .slice(0, MAXIMUM_DEFINE_BODY),
        ...(match?.[2] !== undefined && {
          parameters: match[2]
            .slice(1, -1)
            .split(',')
            .map((it) => it.trim()),
        }),
      });
      builder.context.push(`${symbol}=${body}`);
      return;
    }
    case 'include':
    case 'include_next': {
      const match = rest && /^(?:"([^"]*)"|<([^>]*)>)/.exec(rest.text);
      const path = match?.[1] ?? match?.[2];
      if (!rest || path === undefined) return;
      builder.includes.push({
        path,
        line: row,
        start: rest.start + 1,
        end: rest.start + 1 + path.length,
        system: match?.[2] !== undefined,
      });
      builder.context.push(`#${path}`);
      return;
    }
    case 'if': {
      const text = rest?.text.trim() ?? '';
      builder.openCondition(
        row,
        name,
        name.end,
        text === '0' ? false : text === '1' ? true : undefined,
      );
      return;
    }
    case 'ifdef':
    case 'ifndef':
      builder.openCondition(row, name, name.end, undefined);
      return;
    case 'elif':
    case 'elifdef':
    case 'elifndef':
    case 'else':
      builder.alternative(row, name);
      return;
    case 'endif':
      builder.closeCondition(row, name);
      return;
    default:
  }
}

function operandWord(line: Line, statement: Statement, index: number): Word | undefined {
  const operand = statement.operands[index];
  if (!operand || operand.to <= operand.from) return undefined;
  return tokenWord(line.text, line.tokens, operand.from);
}

function directiveLine(builder: Builder, line: Line, row: number, statement: Statement): void {
  const name = statement.name;
  if (!name) return;
  const directive = name.text.toLowerCase();
  if (isData(directive)) {
    builder.resolvePending('data');
    return;
  }
  switch (directive) {
    case '.macro': {
      const operand = statement.operands[0];
      const last = statement.operands.at(-1);
      const word = operandWord(line, statement, 0);
      const parameters = operand && word && last ? line.text.slice(word.end, last.end) : '';
      builder.open('macro', row, name, word, parameters.replace(/^\s*,/, ''));
      return;
    }
    case '.endm':
    case '.endmacro':
      builder.close('macro', row, name);
      return;
    case '.purgem':
      return;
    case '.rept':
    case '.rep':
    case '.irp':
    case '.irpc':
      builder.open('repeat', row, name);
      return;
    case '.endr':
    case '.endrept':
      builder.close('repeat', row, name);
      return;
    case '.endif':
      builder.close('if', row, name);
      return;
    case '.else':
    case '.elseif':
      builder.needsOpen(row, name);
      return;
    case '.altmacro':
      builder.hasAltmacro = true;
      return;
    case '.global':
    case '.globl':
    case '.weak':
    case '.extern':
    case '.xdef':
    case '.xref':
      statement.operands.forEach((_, index) => {
        const word = operandWord(line, statement, index);
        if (!word) return;
        builder.declare(word, row);
        if (directive !== '.extern' && directive !== '.xref') builder.globals.add(word.text);
      });
      return;
    case '.type': {
      const word = operandWord(line, statement, 0);
      if (word) builder.declare(word, row);
      if (word && /function/i.test(statement.operands[1]?.text ?? '')) {
        builder.functionNames.add(word.text);
      }
      return;
    }
    case '.size': {
      const word = operandWord(line, statement, 0);
      if (word) builder.ends.set(word.text, row);
      return;
    }
    case '.set':
    case '.equ':
    case '.equiv': {
      const word = operandWord(line, statement, 0);
      if (!word || word.text.includes('\\')) return;
      builder.define(word.text, 'constant', row, word.start, word.end);
      builder.constants.set(word.text, { line: row, text: statement.operands[1]?.text ?? '' });
      builder.context.push(`${word.text}=${statement.operands[1]?.text ?? ''}`);
      return;
    }
    case '.comm':
    case '.lcomm': {
      const word = operandWord(line, statement, 0);
      if (word) builder.define(word.text, 'data', row, word.start, word.end);
      return;
    }
    case '.req': {
      const alias = statement.operands[0];
      const register = statement.operands[1]?.text;
      if (!alias || alias.text.includes('\\')) return;
      builder.define(alias.text, 'registerAlias', row, alias.start, alias.end);
      const list = builder.registerAliases.get(alias.text) ?? [];
      list.push({ line: row, ...(register !== undefined && { register }) });
      builder.registerAliases.set(alias.text, list);
      builder.context.push(`${alias.text}=${register ?? ''}`);
      return;
    }
    case '.unreq': {
      const word = operandWord(line, statement, 0);
      if (!word) return;
      const list = builder.registerAliases.get(word.text) ?? [];
      list.push({ line: row });
      builder.registerAliases.set(word.text, list);
      builder.context.push(`${word.text}=`);
      return;
    }
    case '.include': {
      const operand = statement.operands[0];
      const path = operand && /^"([^"]*)"/.exec(operand.text)?.[1];
      if (operand && path !== undefined) {
        builder.includes.push({
          path,
          line: row,
          start: operand.start + 1,
          end: operand.start + 1 + path.length,
          system: false,
        });
        builder.context.push(`#${path}`);
      }
      return;
    }
    case '.text':
    case '.data':
    case '.bss':
    case '.section':
    case '.pushsection': {
      builder.resolvePending('label');
      const section = /section$/.test(directive)
        ? (statement.operands[0]?.text ?? directive)
        : directive;
      builder.sections.push({
        name: section.replace(/^"(.*)"$/, '$1'),
        kind: 'label',
        line: row,
        start: statement.start,
        end: statement.end,
      });
      return;
    }
    default:
      if (/^\.if/.test(directive)) builder.open('if', row, name);
  }
}

/** Reads a document once; the result is not changed afterwards. */
export function buildModel(document: AssemblyDocument): FileModel {
  const builder = new Builder();
  const { lines } = document;
  let commentFrom = -1;
  for (let row = 0; row < lines.length; row += 1) {
    const line = lines[row];
    if (!line) continue;
    if (line.role === LineRole.instruction || line.role === LineRole.call) {
      if (line.role === LineRole.call) {
        const target = line.statements[0]?.operands[0]?.text;
        if (target !== undefined) builder.called.add(target);
      }
      if (builder.pending.length > 0) builder.resolvePending('label');
      if (commentFrom >= 0) {
        if (row - commentFrom > 1)
          builder.blocks.push({ kind: 'comment', line: commentFrom, endLine: row - 1 });
        commentFrom = -1;
      }
      continue;
    }
    if (line.role === LineRole.comment) {
      if (commentFrom < 0 && /^\s*(?:\/\/|\/\*|#|\*)/.test(line.text)) commentFrom = row;
    } else if (commentFrom >= 0) {
      if (row - commentFrom > 1)
        builder.blocks.push({ kind: 'comment', line: commentFrom, endLine: row - 1 });
      commentFrom = -1;
    }
    for (const statement of line.statements) {
      if (statement.labels.length > 0) builder.labels(statement.labels, row);
      switch (statement.kind) {
        case 'preprocessor':
          preprocessorLine(builder, lines, row, statement);
          break;
        case 'directive':
          directiveLine(builder, line, row, statement);
          break;
        case 'assignment': {
          const { name } = statement;
          if (!name || name.text === '.' || name.text.includes('\\')) break;
          builder.define(name.text, 'constant', row, name.start, name.end);
          builder.constants.set(name.text, { line: row, text: statement.operands[0]?.text ?? '' });
          builder.context.push(`${name.text}=${statement.operands[0]?.text ?? ''}`);
          break;
        }
        case 'call': {
          const name = statement.name?.text ?? '';
          const kind = definingCalls.get(name);
          const word = operandWord(line, statement, 0);
          if (kind && word && !statement.opaque) {
            builder.resolvePending('label');
            builder.define(word.text, kind, row, word.start, word.end);
            if (!name.includes('LOCAL')) builder.globals.add(word.text);
            if (kind === 'function') {
              builder.functionNames.add(word.text);
              builder.codeLabels.push({
                name: word.text,
                line: row,
                start: word.start,
                end: word.end,
              });
            }
          } else if (endingCalls.has(name) && word) builder.ends.set(word.text, row);
          break;
        }
        case 'instruction': {
          builder.resolvePending('label');
          if (statement.name && statement.name.text.toLowerCase() === 'bl') {
            const word = operandWord(line, statement, 0);
            if (word) builder.called.add(word.text);
          }
          break;
        }
        case 'continuation':
        case 'labels':
          break;
      }
    }
  }
  builder.finish(lines.length - 1);
  return finishModel(builder, lines.length);
}

function finishModel(builder: Builder, lineCount: number): FileModel {
  const starts = builder.codeLabels
    .filter(
      ({ name }) =>
        builder.functionNames.has(name) || builder.globals.has(name) || builder.called.has(name),
    )
    .sort((a, b) => a.line - b.line)
    // A symbol inside what `.size` says of the one before is another entry, not another function.
    .filter(({ line }, index, all) => {
      const before = all.slice(Math.max(0, index - 8), index);
      return !before.some(
        ({ name, line: first }) => first < line && (builder.ends.get(name) ?? -1) > line,
      );
    });
  const sectionLines = builder.sections.map(({ line }) => line);
  let nextSection = 0;
  const functions = starts.map(({ name, line, start, end }, index): FunctionRange => {
    const following = starts[index + 1]?.line ?? lineCount;
    while (nextSection < sectionLines.length && (sectionLines[nextSection] ?? 0) <= line)
      nextSection += 1;
    const section = sectionLines[nextSection] ?? lineCount;
    const sized = builder.ends.get(name) ?? lineCount;
    const endLine = Math.min(following - 1, section - 1, sized > line ? sized : lineCount - 1);
    return {
      name,
      line,
      start,
      end,
      endLine: Math.max(line, endLine),
      global: builder.globals.has(name),
      typed: builder.functionNames.has(name),
    };
  });
  for (const { name, line } of functions) {
    const list = builder.definitions.get(name);
    const at = list?.findIndex((it) => it.line === line) ?? -1;
    const found = list?.[at];
    if (list && found) list[at] = { ...found, kind: 'function' };
  }
  return {
    definitions: builder.definitions,
    declarations: builder.declarations,
    macros: builder.macros,
    defines: builder.defines,
    constants: builder.constants,
    registerAliases: builder.registerAliases,
    includes: builder.includes,
    blocks: builder.blocks,
    imbalances: builder.imbalances,
    functions,
    sections: builder.sections,
    inactive: builder.inactive,
    macroBodies: builder.macroBodies,
    globals: builder.globals,
    hasAltmacro: builder.hasAltmacro,
    contextKey: builder.context.join('\n'),
    exportKey: [...functions.map(({ name }) => name), '', ...builder.globals].join('\n'),
  };
}

/** Whether a line lies in one of the sorted ranges. */
export function inRanges(ranges: readonly (readonly [number, number])[], line: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = ranges[middle] ?? [0, 0];
    if (line < first) high = middle - 1;
    else if (line > last) low = middle + 1;
    else return true;
  }
  // Ranges may nest: an outer one that starts earlier can still hold the line.
  for (
    let index = Math.min(high, ranges.length - 1), steps = 0;
    index >= 0 && steps < 64;
    index -= 1, steps += 1
  ) {
    const [first, last] = ranges[index] ?? [0, 0];
    if (line >= first && line <= last) return true;
  }
  return false;
}

export function functionAt(model: FileModel, line: number): FunctionRange | undefined {
  const { functions } = model;
  let low = 0;
  let high = functions.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = functions[middle];
    if (!range) return undefined;
    if (line < range.line) high = middle - 1;
    else if (line > range.endLine) low = middle + 1;
    else return range;
  }
  return undefined;
}

/** Names of a line that may refer to symbols: every identifier outside comments, and local labels. */
export function lineNames(line: Line): readonly Word[] {
  const { text, tokens } = line;
  const names: Word[] = [];
  const count = tokenCount(tokens);
  for (let index = 0; index < count; index += 1) {
    const kind = kindAt(tokens, index);
    if (kind === TokenKind.identifier) names.push(tokenWord(text, tokens, index));
    else if (kind === TokenKind.number && /^\d+[bf]$/.test(tokenText(text, tokens, index))) {
      names.push(tokenWord(text, tokens, index));
    }
  }
  return names;
}

/** Bytes that a data directive emits; undefined where its text does not tell. */
export function directiveSize(statement: Statement): number | undefined {
  const name = statement.name?.text ?? '';
  const size = dataSize(name);
  if (size !== undefined) return size * statement.operands.length;
  if (/^\.(?:space|skip|zero)$/i.test(name)) {
    const count = parseInteger(statement.operands[0]?.text ?? '');
    return count === undefined ? undefined : Number(count);
  }
  return undefined;
}

/** The comment block right above a line, without comment marks. */
export function commentAbove(lines: readonly Line[], row: number): string {
  const collected: string[] = [];
  for (let above = row - 1; above >= 0 && collected.length < 40; above -= 1) {
    const line = lines[above];
    if (!line) break;
    const isComment = line.role === LineRole.comment;
    const skipped = line.statements.every(
      ({ kind, name }) =>
        kind === 'directive' &&
        /^\.(?:globa?l|type|weak|p2align|align|balign|hidden)$/i.test(name?.text ?? ''),
    );
    if (isComment) collected.unshift(lineContent(line.text));
    else if (!(line.statements.length > 0 && skipped && collected.length === 0)) break;
  }
  return collected
    .map((text) =>
      text
        .trim()
        .replace(/^(?:\/\/+|\/\*+|\*\/|\*|#+)/, '')
        .replace(/\*\/$/, '')
        .trim(),
    )
    .filter((text) => text !== '')
    .join('\n');
}

/** A piece of text as tokens of its own. */
export function tokensOf(text: string): readonly number[] {
  return scanLine(text, 0).tokens;
}
