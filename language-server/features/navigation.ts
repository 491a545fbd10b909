/** Definitions, references, rename, symbols, highlights and calls. */
import { DocumentHighlightKind, ResponseError, SymbolKind } from 'vscode-languageserver';
import type {
  CallHierarchyIncomingCall,
  CallHierarchyItem,
  CallHierarchyOutgoingCall,
  DocumentHighlight,
  DocumentLink,
  DocumentSymbol,
  Location,
  Position,
  Range,
  TextEdit,
  WorkspaceEdit,
  WorkspaceSymbol,
} from 'vscode-languageserver';
import { writtenRegisters } from '../constants.ts';
import { cursorAt, rangeOf } from '../cursor.ts';
import type { Cursor } from '../cursor.ts';
import { branchTarget } from '../branches.ts';
import { branchCondition, mnemonic } from '../mnemonics.ts';
import { parseRegister, isGeneral } from '../registers.ts';
import { parseOperands } from '../statement-checks.ts';
import { systemRegister } from '../system-operands.ts';
import { functionAt, inRanges, lineNames } from '../symbols.ts';
import type { Definition, FileModel, FunctionRange } from '../symbols.ts';
import { occurrencesIn } from '../workspace.ts';
import type { IndexedFile, Place, Workspace } from '../workspace.ts';

const symbolKinds: Readonly<Record<Definition['kind'], SymbolKind>> = {
  function: SymbolKind.Function,
  label: SymbolKind.Key,
  data: SymbolKind.Variable,
  local: SymbolKind.Key,
  numeric: SymbolKind.Number,
  macro: SymbolKind.Function,
  define: SymbolKind.Constant,
  constant: SymbolKind.Constant,
  registerAlias: SymbolKind.Variable,
};

function toLocation(place: Pick<Place, 'uri' | 'line' | 'start' | 'end'>): Location {
  return { uri: place.uri, range: rangeOf(place.line, place) };
}

/** The name under the cursor without what marks it: `1f` is the label 1. */
function nameAt(cursor: Cursor | undefined): string | undefined {
  return cursor?.word && !cursor.inComment ? cursor.word.text : undefined;
}

/** The numeric label that `1f`, `1b` or `1:` means. */
function localLabel(file: IndexedFile, cursor: Cursor): Definition | undefined {
  const text = cursor.word?.text ?? '';
  const match = /^(\d+)([bf])?$/.exec(text);
  if (!match) return undefined;
  const rows = file.model.definitions.get(match[1] ?? '') ?? [];
  if (match[2] === undefined)
    return rows.find(({ line, start }) => line === cursor.row && start === cursor.word?.start);
  const target = branchTarget(file.model, text, cursor.row);
  return rows.find(({ line }) => line === target);
}

export function definition(
  workspace: Workspace,
  file: IndexedFile,
  position: Position,
): Location[] {
  const { uri } = file.document;
  const include = file.model.includes.find(
    (it) =>
      it.line === position.line && position.character >= it.start && position.character <= it.end,
  );
  if (include) {
    const target = workspace.resolveInclude(uri, include.path, include.system);
    return target === undefined ? [] : [{ uri: target, range: rangeOf(0, { start: 0, end: 0 }) }];
  }
  const cursor = cursorAt(file.document, position);
  const name = nameAt(cursor);
  if (!cursor || name === undefined) return [];
  const local = localLabel(file, cursor);
  if (local) return [toLocation({ ...local, uri })];
  const parameter = name.startsWith('\\')
    ? macroParameterPlace(file, cursor, name.slice(1))
    : undefined;
  if (parameter) return [parameter];
  const unit = workspace.unit(uri);
  const macro = workspace.macro(unit, name);
  if (macro) {
    const places =
      macro.file.model.definitions.get(macro.macro.name)?.filter(({ kind }) => kind === 'macro') ??
      [];
    // A label may have the name of a macro: what is called is the macro.
    if (cursor.statement?.name?.start === cursor.word?.start) {
      return places.map((it) => toLocation({ ...it, uri: macro.file.document.uri }));
    }
  }
  const places = workspace
    .definitions(uri, name)
    .filter(({ kind }) => kind !== 'macro' || onlyMacros(workspace, uri, name));
  return nearestFirst(places, uri, cursor.row).map(toLocation);
}

/** Whether macros are the only things of that name. */
function onlyMacros(workspace: Workspace, uri: string, name: string): boolean {
  return workspace.definitions(uri, name).every(({ kind }) => kind === 'macro');
}

function nearestFirst(places: readonly Place[], uri: string, row: number): Place[] {
  const aliases = places.filter(
    ({ kind, uri: at, line }) => kind === 'registerAlias' && at === uri && line <= row,
  );
  const last = aliases.at(-1);
  return last ? [last] : [...places];
}

function macroParameterPlace(
  file: IndexedFile,
  cursor: Cursor,
  name: string,
): Location | undefined {
  for (const macro of file.model.macros.values()) {
    if (cursor.row < macro.line || cursor.row > macro.endLine) continue;
    if (!macro.parameters.some((it) => it.name === name)) continue;
    const text = file.document.line(macro.line)?.text ?? '';
    const match = new RegExp(`[\\s,](${name.replaceAll(/[.$]/g, '\\$&')})(?![\\w.$])`).exec(
      text.slice(macro.name.length),
    );
    if (!match) continue;
    const start = match.index + 1 + macro.name.length;
    return {
      uri: file.document.uri,
      range: rangeOf(macro.line, { start, end: start + name.length }),
    };
  }
  return undefined;
}

export function declaration(
  workspace: Workspace,
  file: IndexedFile,
  position: Position,
): Location[] {
  const name = nameAt(cursorAt(file.document, position));
  if (name === undefined) return [];
  const found: Location[] = [];
  for (const it of workspace.files) {
    for (const place of it.model.declarations.get(name) ?? [])
      found.push(toLocation({ ...place, uri: it.document.uri }));
  }
  return found;
}

/** Files in which the name means the same thing. */
function scopeOf(workspace: Workspace, uri: string, name: string): ReadonlySet<string> | undefined {
  const files = [...workspace.files];
  const own = workspace.get(uri);
  if (!own) return new Set([uri]);
  const isGlobal = (model: FileModel): boolean => model.globals.has(name);
  const definedHere = own.model.definitions.has(name);
  if (definedHere && !isGlobal(own.model)) {
    const [first] = own.model.definitions.get(name) ?? [];
    const isShared =
      first?.kind === 'macro' || first?.kind === 'define' || first?.kind === 'constant';
    // Names of headers are seen by whoever includes them.
    return isShared
      ? new Set(
          files
            .filter(
              ({ document }) =>
                document.uri === uri ||
                workspace.unit(document.uri).files.some((it) => it.document.uri === uri),
            )
            .map(({ document }) => document.uri),
        )
      : new Set([uri]);
  }
  // A global: every file but those with a local of their own.
  return new Set(
    files
      .filter(
        ({ model }) =>
          !model.definitions.has(name) ||
          isGlobal(model) ||
          (model.definitions.get(name) ?? []).some(
            ({ kind }) => kind === 'macro' || kind === 'define' || kind === 'constant',
          ),
      )
      .map(({ document }) => document.uri),
  );
}

export function references(
  workspace: Workspace,
  file: IndexedFile,
  position: Position,
  includeDeclaration: boolean,
): Location[] {
  const cursor = cursorAt(file.document, position);
  const name = nameAt(cursor);
  if (!cursor || name === undefined) return [];
  const { uri } = file.document;
  const local = localLabel(file, cursor);
  if (local) return localReferences(file, local, includeDeclaration);
  if (systemRegister(name) && !file.model.definitions.has(name))
    return systemRegisterReferences(workspace, name);
  if (parseRegister(name) || (mnemonic(name) && !workspace.macro(workspace.unit(uri), name)))
    return [];
  const uris = /^\.L/.test(name) ? new Set([uri]) : scopeOf(workspace, uri, name);
  const wantsMacro = isMacroPlace(workspace, file, cursor, name);
  const found: Location[] = [];
  for (const place of workspace.occurrences(name, uris)) {
    if (wantsMacro !== undefined && wantsMacro !== isMacroUse(workspace, place, name)) continue;
    if (!includeDeclaration && isDefinitionPlace(workspace, place)) continue;
    found.push(toLocation(place));
  }
  return found;
}

/** True for a macro, false for another symbol; undefined where only one of them has the name. */
function isMacroPlace(
  workspace: Workspace,
  file: IndexedFile,
  cursor: Cursor,
  name: string,
): boolean | undefined {
  const unit = workspace.unit(file.document.uri);
  const macro = workspace.macro(unit, name);
  if (!macro) return undefined;
  const others = workspace
    .definitions(file.document.uri, name)
    .some(({ kind }) => kind !== 'macro');
  if (!others || !cursor.word) return undefined;
  return isMacroUse(
    workspace,
    { uri: file.document.uri, line: cursor.row, start: cursor.word.start },
    name,
  );
}

function isMacroUse(
  workspace: Workspace,
  place: Pick<Place, 'uri' | 'line' | 'start'>,
  name: string,
): boolean {
  const line = workspace.get(place.uri)?.document.line(place.line);
  for (const statement of line?.statements ?? []) {
    const { name: word, kind } = statement;
    if (!word || place.start < statement.start || place.start > statement.end) continue;
    if (kind === 'instruction' && word.start === place.start && word.text === name) return true;
    if (
      kind === 'directive' &&
      /^\.(?:macro|purgem)$/i.test(word.text) &&
      statement.operands[0]?.start === place.start
    )
      return true;
  }
  return false;
}

function isDefinitionPlace(workspace: Workspace, place: Place): boolean {
  const definitions = workspace.get(place.uri)?.model.definitions.get(place.name) ?? [];
  return definitions.some(({ line, start }) => line === place.line && start === place.start);
}

function localReferences(
  file: IndexedFile,
  local: Definition,
  includeDeclaration: boolean,
): Location[] {
  const { uri, lines } = file.document;
  const found: Location[] = includeDeclaration ? [toLocation({ ...local, uri })] : [];
  lines.forEach((line, row) => {
    for (const word of lineNames(line)) {
      if (word.text !== `${local.name}f` && word.text !== `${local.name}b`) continue;
      if (branchTarget(file.model, word.text, row) === local.line)
        found.push({ uri, range: rangeOf(row, word) });
    }
  });
  return found;
}

export function systemRegisterReferences(workspace: Workspace, name: string): Location[] {
  const named = systemRegister(name);
  const found: Location[] = [];
  const needle = name.toLowerCase();
  for (const { document } of workspace.files) {
    const isThere = [name, needle, name.toUpperCase(), 's3_', 'S3_', 's2_', 'S2_'];
    if (!isThere.some((it) => document.mayContain(it))) continue;
    document.lines.forEach((line, row) => {
      if (!line.text.includes('_')) return;
      for (const word of lineNames(line)) {
        const lower = word.text.toLowerCase();
        const isSame =
          lower === needle ||
          (/^s\d_/.test(lower) &&
            named !== undefined &&
            systemRegister(word.text)?.register.encoding === named.register.encoding);
        if (isSame) found.push({ uri: document.uri, range: rangeOf(row, word) });
      }
    });
  }
  return found;
}

const refuse = (message: string): ResponseError => new ResponseError(3001, message);

/** @throws ResponseError where the word cannot be renamed. */
export function prepareRename(
  workspace: Workspace,
  file: IndexedFile,
  position: Position,
): { range: Range; placeholder: string } {
  const cursor = cursorAt(file.document, position);
  const name = nameAt(cursor);
  if (!cursor?.word || name === undefined) throw refuse('There is no name here.');
  const { uri } = file.document;
  const unit = workspace.unit(uri);
  const isDefined =
    workspace.definitions(uri, name).length > 0 || workspace.macro(unit, name) !== undefined;
  if (/^\d/.test(name)) throw refuse('Numeric labels cannot be renamed.');
  if (!isDefined) {
    if (parseRegister(name)) throw refuse(`${name} is a register.`);
    if (mnemonic(name)) throw refuse(`${name} is a mnemonic.`);
    if (name.startsWith('.')) throw refuse(`${name} is a directive.`);
    if (systemRegister(name)) throw refuse(`${name} is a system register.`);
    throw refuse(`${name} is defined in no file in reach.`);
  }
  return { range: rangeOf(cursor.row, cursor.word), placeholder: name };
}

/** @throws ResponseError where the new name cannot be used. */
export function rename(
  workspace: Workspace,
  file: IndexedFile,
  position: Position,
  newName: string,
): WorkspaceEdit {
  prepareRename(workspace, file, position);
  if (!/^[A-Za-z_.$][\w.$]*$/.test(newName)) throw refuse(`"${newName}" is no name.`);
  if (mnemonic(newName)) throw refuse(`"${newName}" is a mnemonic.`);
  if (parseRegister(newName)) throw refuse(`"${newName}" is a register.`);
  const unit = workspace.unit(file.document.uri);
  if (
    workspace.definitions(file.document.uri, newName).length > 0 ||
    workspace.macro(unit, newName)
  ) {
    throw refuse(`"${newName}" is already defined.`);
  }
  const changes: Record<string, TextEdit[]> = {};
  for (const { uri, range } of references(workspace, file, position, true)) {
    (changes[uri] ??= []).push({ range, newText: newName });
  }
  return { changes };
}

export function highlights(
  workspace: Workspace,
  file: IndexedFile,
  position: Position,
): DocumentHighlight[] {
  const cursor = cursorAt(file.document, position);
  const name = nameAt(cursor);
  if (!cursor || name === undefined) return [];
  const unit = workspace.unit(file.document.uri);
  const scope = workspace.scope(file.document.uri, unit, cursor.row);
  const register = parseRegister(scope.registerAlias(name) ?? name);
  if (register && isGeneral(register)) {
    const range = functionAt(file.model, cursor.row);
    const first = range?.line ?? Math.max(0, cursor.row - 100);
    const last = range?.endLine ?? Math.min(file.document.lines.length - 1, cursor.row + 100);
    const found: DocumentHighlight[] = [];
    for (let row = first; row <= last; row += 1) {
      const line = file.document.line(row);
      for (const statement of line?.statements ?? []) {
        if (!line || statement.kind !== 'instruction') continue;
        const written = statement.opaque
          ? []
          : (writtenRegisters(statement.name?.text ?? '', parseOperands(line, statement, scope)) ??
            []);
        let isFirst = true;
        for (const word of lineNames(line)) {
          if (word.start < (statement.name?.end ?? 0) || word.end > statement.end) continue;
          const other = parseRegister(scope.registerAlias(word.text) ?? word.text);
          if (!other || !isGeneral(other) || other.number !== register.number) continue;
          if (/sp$/.test(other.class) !== /sp$/.test(register.class)) continue;
          const writes = isFirst && written.includes(register.number);
          isFirst = false;
          found.push({
            range: rangeOf(row, word),
            kind: writes ? DocumentHighlightKind.Write : DocumentHighlightKind.Read,
          });
        }
      }
    }
    return found;
  }
  const local = localLabel(file, cursor);
  if (local) {
    return localReferences(file, local, true).map(({ range }, index) => ({
      range,
      kind: index === 0 ? DocumentHighlightKind.Write : DocumentHighlightKind.Read,
    }));
  }
  const definitions = file.model.definitions.get(name) ?? [];
  return [...occurrencesIn(file.document.uri, file.document.lines, name)].map((place) => ({
    range: rangeOf(place.line, place),
    kind: definitions.some(({ line, start }) => line === place.line && start === place.start)
      ? DocumentHighlightKind.Write
      : DocumentHighlightKind.Read,
  }));
}

/** Sections hold functions, functions hold labels. */
export function documentSymbols(file: IndexedFile, withLocals: boolean): DocumentSymbol[] {
  const { model, document } = file;
  const all: (Definition & { readonly endLine: number })[] = [];
  for (const definitions of model.definitions.values()) {
    for (const it of definitions) {
      if (!withLocals && (it.kind === 'numeric' || it.kind === 'local')) continue;
      if (it.kind !== 'macro' && inRanges(model.macroBodies, it.line)) continue;
      const range =
        it.kind === 'function'
          ? model.functions.find(({ line, name }) => line === it.line && name === it.name)
          : undefined;
      const macro = it.kind === 'macro' ? model.macros.get(it.name.toLowerCase()) : undefined;
      all.push({
        ...it,
        endLine: range?.endLine ?? (macro?.line === it.line ? macro.endLine : it.line),
      });
    }
  }
  all.sort((a, b) => a.line - b.line || a.start - b.start);
  const root: DocumentSymbol[] = [];
  let section: DocumentSymbol | undefined;
  let current: { symbol: DocumentSymbol; endLine: number } | undefined;
  let nextSection = 0;
  const lineEnd = (row: number): number =>
    (document.line(row)?.text ?? '').replace(/[\r\n]+$/, '').length;
  const openSectionsUpTo = (line: number): void => {
    for (; nextSection < model.sections.length; nextSection += 1) {
      const it = model.sections[nextSection];
      if (!it || it.line > line) return;
      const endLine = (model.sections[nextSection + 1]?.line ?? document.lines.length) - 1;
      const range = {
        start: { line: it.line, character: 0 },
        end: { line: Math.max(it.line, endLine), character: lineEnd(Math.max(it.line, endLine)) },
      };
      section = {
        name: it.name === '' ? '.section' : it.name,
        kind: SymbolKind.Namespace,
        range,
        selectionRange: rangeOf(it.line, it),
        children: [],
      };
      root.push(section);
      current = undefined;
    }
  };
  for (const it of all) {
    openSectionsUpTo(it.line);
    const symbol: DocumentSymbol = {
      name: it.name,
      kind: symbolKinds[it.kind],
      range: {
        start: { line: it.line, character: 0 },
        end: { line: it.endLine, character: Math.max(it.end, lineEnd(it.endLine)) },
      },
      selectionRange: rangeOf(it.line, it),
      children: [],
    };
    if (current && it.line <= current.endLine && it.kind !== 'function')
      current.symbol.children?.push(symbol);
    else (section?.children ?? root).push(symbol);
    if (it.kind === 'function') current = { symbol, endLine: it.endLine };
  }
  openSectionsUpTo(Number.MAX_SAFE_INTEGER);
  return root;
}

const MAXIMUM_WORKSPACE_SYMBOLS = 500;

/** Names of a file in lower case, as one text that is searched at once. */
interface NameText {
  /** A line for each name, with a newline before the first one too. */
  readonly text: string;
  readonly names: readonly string[];
  /** Where each name begins in the text. */
  readonly starts: Uint32Array;
}

const nameTexts = new WeakMap<FileModel, NameText>();

/** Without labels that mean something only nearby. */
function nameTextOf(model: FileModel): NameText {
  const known = nameTexts.get(model);
  if (known) return known;
  const names: string[] = [];
  for (const [name, [first]] of model.definitions)
    if (first && first.kind !== 'numeric' && first.kind !== 'local' && !name.includes('\n'))
      names.push(name);
  const starts = new Uint32Array(names.length);
  let at = 1;
  names.forEach((name, index) => {
    starts[index] = at;
    at += name.length + 1;
  });
  const lower = names.join('\n').toLowerCase();
  // A letter whose lower case is longer would move all that follows.
  const isAligned = lower.length === Math.max(0, at - 2);
  const text = `\n${isAligned ? lower : names.join('\n')}\n`;
  const made = { text, names, starts };
  nameTexts.set(model, made);
  return made;
}

/** The index of the name that holds an offset of the text. */
function nameIndexAt(starts: Uint32Array, offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Names that contain the query. */
function* namesWith({ text, names, starts }: NameText, query: string): Generator<string> {
  if (names.length === 0) return;
  for (let at = text.indexOf(query, 1); at >= 0 && at < text.length - 1;) {
    const index = nameIndexAt(starts, at);
    yield names[index] ?? '';
    const next = starts[index + 1];
    if (next === undefined) return;
    at = text.indexOf(query, next);
  }
}

/** Names that have the letters of the query in this order, but not in one piece. */
function* namesLike({ text, names, starts }: NameText, query: string): Generator<string> {
  for (let index = 0; index < names.length; index += 1) {
    const start = starts[index] ?? 0;
    const end = (starts[index + 1] ?? text.length) - 1;
    let found = 0;
    for (let at = start; at < end && found < query.length; at += 1)
      if (text.charCodeAt(at) === query.charCodeAt(found)) found += 1;
    if (found === query.length && !text.slice(start, end).includes(query)) yield names[index] ?? '';
  }
}

/** Names that contain the query come first, then those that have its letters in order. */
export function workspaceSymbols(workspace: Workspace, query: string): WorkspaceSymbol[] {
  const lower = query.toLowerCase();
  const found: WorkspaceSymbol[] = [];
  for (const select of [namesWith, namesLike]) {
    for (const { document, model } of workspace.files) {
      for (const name of select(nameTextOf(model), lower)) {
        for (const it of model.definitions.get(name) ?? []) {
          if (it.kind === 'numeric' || it.kind === 'local') continue;
          found.push({
            name,
            kind: symbolKinds[it.kind],
            location: toLocation({ ...it, uri: document.uri }),
          });
          if (found.length >= MAXIMUM_WORKSPACE_SYMBOLS) return found;
        }
      }
    }
  }
  return found;
}

export function documentLinks(workspace: Workspace, file: IndexedFile): DocumentLink[] {
  return file.model.includes.flatMap((include) => {
    const target = workspace.resolveInclude(file.document.uri, include.path, include.system);
    return target === undefined ? [] : [{ range: rangeOf(include.line, include), target }];
  });
}

// -- calls

function item(file: IndexedFile, range: FunctionRange): CallHierarchyItem {
  return {
    name: range.name,
    kind: SymbolKind.Function,
    uri: file.document.uri,
    range: {
      start: { line: range.line, character: 0 },
      end: {
        line: range.endLine,
        character: (file.document.line(range.endLine)?.text ?? '').length,
      },
    },
    selectionRange: rangeOf(range.line, range),
  };
}

export function prepareCalls(
  workspace: Workspace,
  file: IndexedFile,
  position: Position,
): CallHierarchyItem[] {
  const name = nameAt(cursorAt(file.document, position));
  if (name !== undefined) {
    for (const place of workspace.definitions(file.document.uri, name)) {
      const target = workspace.get(place.uri);
      const range = target?.model.functions.find(
        (it) => it.name === name && it.line === place.line,
      );
      if (target && range) return [item(target, range)];
      if (target && (place.kind === 'label' || place.kind === 'function')) {
        return [item(target, { ...place, endLine: place.line, global: false, typed: false })];
      }
    }
  }
  const range = functionAt(file.model, position.line);
  return range ? [item(file, range)] : [];
}

/** Names that the statements of some lines branch to, outside the range itself. */
function* branchesIn(
  file: IndexedFile,
  first: number,
  last: number,
): Generator<{ name: string; row: number; range: Range }> {
  for (let row = first; row <= last; row += 1) {
    for (const statement of file.document.line(row)?.statements ?? []) {
      const name = statement.name?.text.toLowerCase() ?? '';
      if (statement.kind !== 'instruction') continue;
      if (!/^(?:b|bl|cbn?z|tbn?z)$/.test(name) && branchCondition(name) === undefined) continue;
      const operand = statement.operands.at(-1);
      if (operand && /^[A-Za-z_.$][\w.$]*$/.test(operand.text) && !operand.text.startsWith('.L')) {
        yield { name: operand.text, row, range: rangeOf(row, operand) };
      }
    }
  }
}

export function outgoingCalls(
  workspace: Workspace,
  called: CallHierarchyItem,
): CallHierarchyOutgoingCall[] {
  const file = workspace.get(called.uri);
  if (!file) return [];
  const first = called.range.start.line;
  const last = called.range.end.line;
  const calls = new Map<string, CallHierarchyOutgoingCall>();
  for (const { name, range } of branchesIn(file, first, last)) {
    const [place] = workspace.definitions(called.uri, name);
    if (
      place?.uri === called.uri &&
      place.line > first &&
      place.line <= last &&
      place.kind !== 'function'
    )
      continue;
    const known = calls.get(name);
    if (known) {
      known.fromRanges.push(range);
      continue;
    }
    const target = place && workspace.get(place.uri);
    const to: CallHierarchyItem =
      place && target
        ? item(
            target,
            target.model.functions.find((it) => it.line === place.line) ?? {
              ...place,
              endLine: place.line,
              global: false,
              typed: false,
            },
          )
        : {
            name,
            kind: SymbolKind.Function,
            uri: called.uri,
            range,
            selectionRange: range,
            detail: 'not found',
          };
    calls.set(name, { to, fromRanges: [range] });
  }
  return [...calls.values()];
}

export function incomingCalls(
  workspace: Workspace,
  called: CallHierarchyItem,
): CallHierarchyIncomingCall[] {
  const calls = new Map<string, CallHierarchyIncomingCall>();
  for (const place of workspace.occurrences(
    called.name,
    scopeOf(workspace, called.uri, called.name),
  )) {
    const file = workspace.get(place.uri);
    const statement = file?.document
      .line(place.line)
      ?.statements.find(
        (it) =>
          it.kind === 'instruction' && place.start > (it.name?.end ?? 0) && place.end <= it.end,
      );
    if (!file || !statement) continue;
    const from = functionAt(file.model, place.line) ?? {
      name: `line ${place.line + 1}`,
      line: place.line,
      start: place.start,
      end: place.end,
      endLine: place.line,
      global: false,
      typed: false,
    };
    const key = `${place.uri} ${from.line}`;
    const range = rangeOf(place.line, place);
    const known = calls.get(key);
    if (known) known.fromRanges.push(range);
    else calls.set(key, { from: item(file, from), fromRanges: [range] });
  }
  return [...calls.values()];
}
