/** Colours, folds, hints, lenses and selections. */
import { FoldingRangeKind, InlayHintKind } from 'vscode-languageserver';
import type {
  CodeLens,
  FoldingRange,
  InlayHint,
  Location,
  Position,
  Range,
  SelectionRange,
} from 'vscode-languageserver';
import { conditionByName } from '../conditions.ts';
import { constantsBefore, flagSetter } from '../constants.ts';
import { cursorAt, rangeOf } from '../cursor.ts';
import { branchCondition, mnemonic } from '../mnemonics.ts';
import { parseRegister, isGeneral } from '../registers.ts';
import { TokenKind } from '../scanner.ts';
import { expandName, parseOperands } from '../statement-checks.ts';
import { endAt, kindAt, startAt, tokenCount, tokenText } from '../statement.ts';
import type { Statement } from '../statement.ts';
import { decodeShort, systemRegister } from '../system-operands.ts';
import { functionAt, inRanges } from '../symbols.ts';
import type { FileModel } from '../symbols.ts';
import type { IndexedFile, Workspace } from '../workspace.ts';
import { sizeOfData } from './hover.ts';

export const tokenTypes = [
  'comment',
  'string',
  'number',
  'operator',
  'keyword',
  'function',
  'macro',
  'variable',
  'property',
  'parameter',
  'enumMember',
  'label',
  'type',
] as const;
export const tokenModifiers = ['declaration', 'readonly', 'inactive', 'defaultLibrary'] as const;

type TokenType = (typeof tokenTypes)[number];

/** In the protocol's relative form; `inactive` marks what the preprocessor takes out. */
export function semanticTokens(
  workspace: Workspace,
  file: IndexedFile,
  first = 0,
  last = file.document.lines.length - 1,
  facts?: DebuggerFacts,
): number[] {
  const { document, model } = file;
  const unit = workspace.unit(document.uri);
  const data: number[] = [];
  let previousRow = 0;
  let previousStart = 0;
  for (let row = Math.max(0, first); row <= Math.min(last, document.lines.length - 1); row += 1) {
    const line = document.line(row);
    if (!line) continue;
    const inactive = model.inactive.length > 0 && inRanges(model.inactive, row);
    const scope = workspace.scope(document.uri, unit, row);
    const { text, tokens, statements } = line;
    const count = tokenCount(tokens);
    let at = 0;
    for (let index = 0; index < count; index += 1) {
      const kind = kindAt(tokens, index);
      if (kind === TokenKind.whitespace || kind === TokenKind.newline) continue;
      const start = startAt(tokens, index);
      const end = endAt(tokens, index);
      while (at + 1 < statements.length && (statements[at + 1]?.start ?? 0) <= start) at += 1;
      const statement = statements[at];
      const classified = ((): readonly [TokenType, number] | undefined => {
        switch (kind) {
          case TokenKind.comment:
            return ['comment', 0];
          case TokenKind.string:
          case TokenKind.character:
            return ['string', 0];
          case TokenKind.number:
            return ['number', 0];
          case TokenKind.macroArgument:
            return ['parameter', 0];
          case TokenKind.identifier:
            break;
          default:
            return statement?.kind === 'preprocessor' && start === statement.start
              ? ['keyword', 0]
              : undefined;
        }
        const word = tokenText(text, tokens, index);
        if (statement?.labels.some((it) => it.start === start) === true) return ['label', 1];
        if (statement?.name?.start === start) {
          if (statement.kind === 'directive' || statement.kind === 'preprocessor')
            return ['keyword', 0];
          if (
            statement.kind === 'call' ||
            workspace.macro(unit, word) ||
            scope.macroText(word) !== undefined
          )
            return ['macro', 0];
          if (statement.kind === 'assignment') return ['property', 1];
          return mnemonic(word) ? ['function', 8] : undefined;
        }
        if (word.startsWith('.') && statement?.kind === 'directive') return ['keyword', 0];
        if (scope.macroText(word) !== undefined) return ['macro', 0];
        if (parseRegister(scope.registerAlias(word) ?? word)) return ['variable', 8];
        const name = statement?.name?.text.toLowerCase();
        if ((name === 'mrs' || name === 'msr') && systemRegister(word)) return ['property', 8];
        if (
          statement?.kind === 'instruction' &&
          (conditionByName(word) || /^(?:lsl|lsr|asr|ror|[us]xt[bhwx])$/i.test(word))
        )
          return ['enumMember', 0];
        const [definition] = model.definitions.get(word) ?? [];
        if (definition?.kind === 'constant') return ['property', 2];
        if (definition?.kind === 'function') return ['label', 0];
        return definition ? ['label', 0] : undefined;
      })();
      if (!classified) continue;
      const [type, modifiers] = classified;
      data.push(
        row - previousRow,
        row === previousRow ? start - previousStart : start,
        end - start,
        tokenTypes.indexOf(type),
        modifiers | (inactive || isUnexecuted(file.model, row, facts) ? 4 : 0),
      );
      previousRow = row;
      previousStart = start;
    }
  }
  return data;
}

/** Whether the row belongs to a function that the debugger has seen executed not once. */
function isUnexecuted(model: FileModel, row: number, facts: DebuggerFacts | undefined): boolean {
  if (!facts?.counts) return false;
  const range = functionAt(model, row);
  return range !== undefined && facts.counts.get(range.name) === 0;
}

export function foldingRanges(file: IndexedFile): FoldingRange[] {
  const { model } = file;
  const ranges: FoldingRange[] = [];
  for (const { kind, line, endLine } of model.blocks) {
    if (endLine <= line) continue;
    const keepsLast = kind === 'comment';
    ranges.push({
      startLine: line,
      endLine: keepsLast ? endLine : Math.max(line, endLine - 1),
      ...(kind === 'comment' && { kind: FoldingRangeKind.Comment }),
    });
  }
  for (const { line, endLine } of model.functions) {
    let last = endLine;
    while (last > line && file.document.line(last)?.statements.length === 0) last -= 1;
    if (last > line) ranges.push({ startLine: line, endLine: last });
  }
  return ranges;
}

/** The address that `ldr x0, =symbol` loads, or the page that `adrp x0, symbol` makes. */
function symbolAddress(
  name: string,
  statement: Statement,
  facts: DebuggerFacts | undefined,
): string | undefined {
  if (!facts || !/^(?:ldr|adrp?)$/.test(name)) return undefined;
  const text = statement.operands[1]?.text ?? '';
  const symbol = name === 'ldr' ? /^=\s*([\w.$]+)$/.exec(text)?.[1] : text;
  const address = symbol === undefined ? undefined : facts.symbols.get(symbol);
  if (address === undefined) return undefined;
  return `0x${(name === 'adrp' ? address & ~0xfffn : address).toString(16)}`;
}

/** Constants as the fields of the register they go to, and bits that a test looks at. */
export function inlayHints(
  workspace: Workspace,
  file: IndexedFile,
  range: Range,
  facts?: DebuggerFacts,
): InlayHint[] {
  const { document } = file;
  const unit = workspace.unit(document.uri);
  const hints: InlayHint[] = [];
  const last = Math.min(range.end.line, document.lines.length - 1);
  for (let row = Math.max(0, range.start.line); row <= last; row += 1) {
    const line = document.line(row);
    for (const statement of line?.statements ?? []) {
      if (!line || statement.kind !== 'instruction' || statement.opaque) continue;
      const name = statement.name?.text.toLowerCase() ?? '';
      const scope = workspace.scope(document.uri, unit, row);
      const label = ((): string | undefined => {
        if (name === 'msr') {
          const [target, source] = parseOperands(line, statement, scope);
          if (target?.kind !== 'name') return undefined;
          if (source?.kind !== 'register' || !isGeneral(source.register)) return undefined;
          const text = expandName(target.text, scope);
          const named = text === undefined ? undefined : systemRegister(text, 'write');
          if (!named || named.register.fields.length === 0) return undefined;
          const value =
            source.register.number === 31
              ? 0n
              : constantsBefore(document.lines, row, scope).get(source.register.number)?.value;
          return value === undefined ? undefined : decodeShort(named.register, value);
        }
        const address = symbolAddress(name, statement, facts);
        if (address !== undefined) return address;
        const condition = branchCondition(name);
        if (condition === 'eq' || condition === 'ne') {
          const setter = flagSetter(document.lines, row);
          if (setter?.statement.name?.text.toLowerCase() !== 'tst') return undefined;
          const [, mask] = parseOperands(setter.line, setter.statement, scope);
          const value = mask?.kind === 'immediate' ? mask.value : undefined;
          if (value === undefined || value <= 0n || (value & (value - 1n)) !== 0n) return undefined;
          return `bit ${value.toString(2).length - 1} ${condition === 'ne' ? 'set' : 'clear'}`;
        }
        return undefined;
      })();
      if (label === undefined) continue;
      hints.push({
        position: { line: row, character: statement.end },
        label: ` ${label.length > 120 ? `${label.slice(0, 117)}...` : label}`,
        kind: InlayHintKind.Type,
        paddingLeft: true,
      });
    }
  }
  return hints;
}

/** What the debugger has told: free debug resources, and how often code was executed. */
export interface DebuggerFacts {
  /** Addresses of symbols of the program that runs. */
  readonly symbols: ReadonlyMap<string, bigint>;
  readonly watchpoints?: { readonly free: number; readonly all: number };
  /** Executions since the start, by the name of the label. */
  readonly counts?: ReadonlyMap<string, number>;
}

/** Names of tests, as assembly has them: no type, no argument. */
const isTest = (name: string): boolean => name.startsWith('UT_');

/** Above functions and data: references, and what the debugger can do there. */
export function codeLenses(file: IndexedFile, facts: DebuggerFacts | undefined): CodeLens[] {
  const { model } = file;
  const { uri } = file.document;
  const lenses: CodeLens[] = [];
  const add = (
    place: { readonly line: number; readonly start: number; readonly end: number },
    title: string,
    command: string,
    ...parameters: readonly unknown[]
  ): void => {
    lenses.push({
      range: rangeOf(place.line, place),
      command: { title, command, arguments: [...parameters] },
    });
  };
  for (const range of model.functions) {
    const { name, line } = range;
    if (range.global) {
      lenses.push({
        range: rangeOf(line, range),
        data: { uri, name, line, start: range.start },
      });
      add(range, 'Debug this', 'trapline.debugFunction', uri, name, line);
      add(range, 'Run to here', 'trapline.runToFunction', uri, name, line);
      add(range, 'Set breakpoint', 'trapline.breakAtFunction', name);
      add(range, 'Disassemble', 'trapline.disassembleFunction', name);
      add(range, 'Check ABI', 'trapline.checkAbi', name);
    }
    if (isTest(name)) {
      add(range, 'Run test', 'trapline.runTest', uri, name, false);
      add(range, 'Debug test', 'trapline.runTest', uri, name, true);
    }
  }
  for (const definitions of model.definitions.values()) {
    for (const it of definitions) {
      const count = facts?.counts?.get(it.name);
      if (count !== undefined && (it.kind === 'function' || it.kind === 'label')) {
        const times = count === 1 ? 'once' : `${count.toLocaleString('en')} times`;
        add(it, count === 0 ? 'never executed' : `executed ${times}`, '');
      }
      if (it.kind !== 'data') continue;
      lenses.push({
        range: rangeOf(it.line, it),
        data: { uri, name: it.name, line: it.line, start: it.start },
      });
      // The program says nothing about the size of a label.
      const length = Math.max(1, sizeOfData(file, it.line) ?? 8);
      add(it, 'Set hardware watchpoint', 'trapline.watchSymbol', it.name, length);
      const free = facts?.watchpoints;
      const slots = free ? `: ${free.free} of ${free.all} free` : '';
      add(it, `Watch writes (hardware)${slots}`, 'trapline.watchWrites', it.name, length);
    }
  }
  return lenses.sort((a, b) => a.range.start.line - b.range.start.line);
}

/** Counts the references that a lens announces; `hostUses` finds those in C, C++ and Rust. */
export function resolveLens(
  workspace: Workspace,
  lens: CodeLens,
  hostUses: (uri: string, name: string) => readonly Location[],
): CodeLens {
  const data = lens.data as
    | { readonly uri: string; readonly name: string; readonly line: number; readonly start: number }
    | undefined;
  if (!data) return lens;
  const locations: Location[] = [];
  for (const place of workspace.occurrences(data.name)) {
    if (place.uri === data.uri && place.line === data.line && place.start === data.start) continue;
    const statement = workspace
      .get(place.uri)
      ?.document.line(place.line)
      ?.statements.find((it) => place.start >= it.start && place.end <= it.end);
    if (/^\.(?:globa?l|type|size|weak|hidden)$/i.test(statement?.name?.text ?? '')) continue;
    locations.push({ uri: place.uri, range: rangeOf(place.line, place) });
  }
  locations.push(...hostUses(data.uri, data.name));
  const title = `${locations.length} reference${locations.length === 1 ? '' : 's'}`;
  return {
    range: lens.range,
    command: {
      title,
      command: 'trapline.showReferences',
      arguments: [data.uri, lens.range.start, locations],
    },
  };
}

/** Word, operand, statement, line, function, file. */
export function selectionRanges(
  file: IndexedFile,
  positions: readonly Position[],
): SelectionRange[] {
  return positions.map((position) => {
    const cursor = cursorAt(file.document, position);
    const lastRow = file.document.lines.length - 1;
    const whole: Range = {
      start: { line: 0, character: 0 },
      end: { line: lastRow, character: (file.document.line(lastRow)?.text ?? '').length },
    };
    const ranges: Range[] = [whole];
    const range = functionAt(file.model, position.line);
    if (range) {
      ranges.push({
        start: { line: range.line, character: 0 },
        end: {
          line: range.endLine,
          character: (file.document.line(range.endLine)?.text ?? '').replace(/[\r\n]+$/, '').length,
        },
      });
    }
    if (cursor) {
      const text = cursor.line.text.replace(/[\r\n]+$/, '');
      ranges.push(rangeOf(cursor.row, { start: 0, end: text.length }));
      const { statement, word } = cursor;
      const holds = (
        place: { readonly start: number; readonly end: number } | undefined,
      ): boolean =>
        place !== undefined && place.start <= position.character && place.end >= position.character;
      if (statement && holds(statement)) {
        ranges.push(rangeOf(cursor.row, statement));
        const operand = statement.operands.find(holds);
        if (operand) ranges.push(rangeOf(cursor.row, operand));
      }
      if (word && holds(word)) ranges.push(rangeOf(cursor.row, word));
    }
    let result: SelectionRange | undefined;
    for (const it of ranges) {
      const outer: Range | undefined = result?.range;
      if (outer && sameRange(outer, it)) continue;
      result = result ? { range: it, parent: result } : { range: it };
    }
    return result ?? { range: whole };
  });
}

function sameRange(a: Range, b: Range): boolean {
  return (
    a.start.line === b.start.line &&
    a.end.line === b.end.line &&
    a.start.character === b.start.character &&
    a.end.character === b.end.character
  );
}
