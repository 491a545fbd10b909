/** The files that the server knows, and what a name means in one of them. */
import { AssemblyDocument } from './document.ts';
import type { Line } from './document.ts';
import { evaluate } from './expression.ts';
import type { NameScope } from './operand.ts';
import { tokenCount } from './statement.ts';
import { buildModel, inRanges, lineNames, tokensOf } from './symbols.ts';
import type { Define, Definition, FileModel, Macro } from './symbols.ts';

/** Files on disk, by URI; tests hand in a map. */
export interface FileAccess {
  /** Undefined where there is no such file, or it is too large. */
  read(uri: string): string | undefined;
}

export interface IndexedFile {
  readonly document: AssemblyDocument;
  readonly model: FileModel;
  /** The editor has it open. */
  readonly open: boolean;
}

/** A file with all that it includes. */
export interface Unit {
  readonly files: readonly IndexedFile[];
  /** Every include was found, so that an unknown name is really unknown. */
  readonly complete: boolean;
  readonly missing: ReadonlySet<string>;
}

export interface Place extends Definition {
  readonly uri: string;
}

const MAXIMUM_INCLUDED_FILES = 500;
const MAXIMUM_INCLUDERS = 20;
const MAXIMUM_EVALUATION_DEPTH = 50;

export class Workspace {
  readonly #access: FileAccess;
  readonly #files = new Map<string, IndexedFile>();
  readonly #units = new Map<string, { readonly unit: Unit; readonly generation: number }>();
  /** Folders that `#include` looks in, as URIs, by URI of the including file or for all files (`''`). */
  includeFolders: (uri: string) => readonly string[] = () => [];
  #generation = 0;
  #includers:
    | { readonly generation: number; readonly byTarget: ReadonlyMap<string, readonly string[]> }
    | undefined;
  #exports = 0;
  /** Answers of `#isExported` until the next change of what files export. */
  readonly #exported = new Map<string, boolean>();

  constructor(access: FileAccess) {
    this.#access = access;
  }

  /** Changes whenever any file's names change. */
  get generation(): number {
    return this.#generation;
  }

  /** Changes whenever the names change that files define for others. */
  get exports(): number {
    return this.#exports;
  }

  #exportsChanged(): void {
    this.#exports += 1;
    this.#exported.clear();
  }

  get files(): Iterable<IndexedFile> {
    return this.#files.values();
  }

  get(uri: string): IndexedFile | undefined {
    return this.#files.get(uri);
  }

  open(uri: string, text: string, version = 0): IndexedFile {
    return this.#store(new AssemblyDocument(uri, text, version), true);
  }

  /** A file that is not open in the editor. */
  index(uri: string, text: string): IndexedFile {
    const known = this.#files.get(uri);
    return known?.open === true ? known : this.#store(new AssemblyDocument(uri, text), false);
  }

  /** After an edit; `keepsNames` as `AssemblyDocument.apply` says. */
  changed(document: AssemblyDocument, keepsNames = false): IndexedFile {
    const known = this.#files.get(document.uri);
    return keepsNames && known ? known : this.#store(document, true);
  }

  close(uri: string): void {
    const text = this.#access.read(uri);
    if (text === undefined) this.remove(uri);
    else this.#store(new AssemblyDocument(uri, text), false);
  }

  remove(uri: string): void {
    if (this.#files.delete(uri)) this.#generation += 1;
    this.#exportsChanged();
    this.#units.delete(uri);
  }

  #store(document: AssemblyDocument, open: boolean): IndexedFile {
    const model = buildModel(document);
    const before = this.#files.get(document.uri);
    if (before?.model.contextKey !== model.contextKey) this.#generation += 1;
    if (before?.model.exportKey !== model.exportKey) this.#exportsChanged();
    if (!open) document.release();
    const file: IndexedFile = { document, model, open };
    this.#files.set(document.uri, file);
    return file;
  }

  /** The URI of an included file, loading it when it is not known yet. */
  resolveInclude(from: string, path: string, system: boolean): string | undefined {
    const folders = [...(system ? [] : [folderOf(from)]), ...this.includeFolders(from)];
    for (const folder of folders) {
      const uri = joinUri(folder, path);
      if (uri === undefined) continue;
      if (this.#files.has(uri)) return uri;
      const text = this.#access.read(uri);
      if (text !== undefined) {
        this.index(uri, text);
        return uri;
      }
    }
    return undefined;
  }

  unit(uri: string): Unit {
    const cached = this.#units.get(uri);
    if (cached?.generation === this.#generation) {
      // Models are replaced at every edit, their names are not: refresh the members only.
      const files = cached.unit.files.map((it) => this.#files.get(it.document.uri) ?? it);
      return { ...cached.unit, files };
    }
    const files: IndexedFile[] = [];
    const missing = new Set<string>();
    // Names of those who include this file are known in it.
    const includers = this.#includersOf(uri);
    const seen = new Set([uri, ...includers]);
    const queue = [uri, ...includers];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const file = this.#files.get(next);
      if (!file) continue;
      files.push(file);
      for (const { path, system } of file.model.includes) {
        const included = this.resolveInclude(next, path, system);
        if (included === undefined) missing.add(path);
        else if (!seen.has(included) && seen.size < MAXIMUM_INCLUDED_FILES) {
          seen.add(included);
          queue.push(included);
        }
      }
    }
    const unit: Unit = { files, complete: missing.size === 0, missing };
    this.#units.set(uri, { unit, generation: this.#generation });
    return unit;
  }

  /** Files that include this one, directly or not, nearest first. */
  #includersOf(uri: string): string[] {
    const found = new Set<string>();
    const queue = [uri];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      for (const includer of this.#directIncluders().get(next) ?? []) {
        if (includer === uri || found.has(includer) || found.size >= MAXIMUM_INCLUDERS) continue;
        found.add(includer);
        queue.push(includer);
      }
    }
    return [...found];
  }

  /** By the URI of the included file; only assembly that assembly includes. */
  #directIncluders(): ReadonlyMap<string, readonly string[]> {
    if (this.#includers?.generation === this.#generation) return this.#includers.byTarget;
    const byTarget = new Map<string, string[]>();
    for (const { document, model } of this.#files.values()) {
      for (const { path, system } of model.includes) {
        if (!/\.(?:s|asm|inc)$/i.test(path)) continue;
        const folders = [
          ...(system ? [] : [folderOf(document.uri)]),
          ...this.includeFolders(document.uri),
        ];
        const target = folders
          .map((folder) => joinUri(folder, path))
          .find((it) => it !== undefined && this.#files.has(it));
        if (target === undefined) continue;
        const known = byTarget.get(target);
        if (known) known.push(document.uri);
        else byTarget.set(target, [document.uri]);
      }
    }
    this.#includers = { generation: this.#generation, byTarget };
    return byTarget;
  }

  macro(
    unit: Unit,
    name: string,
  ): { readonly macro: Macro; readonly file: IndexedFile } | undefined {
    for (const file of unit.files) {
      const macro = file.model.macros.get(name.toLowerCase());
      if (macro) return { macro, file };
    }
    return undefined;
  }

  macroDefine(
    unit: Unit,
    name: string,
  ): { readonly define: Define; readonly file: IndexedFile } | undefined {
    for (const file of unit.files) {
      const define = file.model.defines.get(name);
      if (define) return { define, file };
    }
    return undefined;
  }

  /** The value of `.set`, `.equ`, `=` or `#define`, following names. */
  constantValue(
    unit: Unit,
    name: string,
    depth = 0,
    // What was found on the way: names that several expressions use are followed once.
    known = new Map<string, bigint | undefined>(),
  ): bigint | undefined {
    if (known.has(name)) return known.get(name);
    // A name that is made of itself has no value.
    known.set(name, undefined);
    if (depth > MAXIMUM_EVALUATION_DEPTH) return undefined;
    const text = this.constantText(unit, name);
    if (text === undefined) return undefined;
    const tokens = tokensOf(text);
    const { value } = evaluate(text, tokens, 0, tokenCount(tokens), (inner) =>
      this.constantValue(unit, inner, depth + 1, known),
    );
    known.set(name, value);
    return value;
  }

  constantText(unit: Unit, name: string): string | undefined {
    for (const { model } of unit.files) {
      const text = model.constants.get(name)?.text;
      if (text !== undefined) return text;
      const define = model.defines.get(name);
      if (define && define.parameters === undefined && define.body !== '') return define.body;
    }
    return undefined;
  }

  /** What names mean on one line of a file. */
  scope(uri: string, unit: Unit, line: number): NameScope {
    const aliased = (name: string): string | undefined => {
      for (const { document, model } of unit.files) {
        const rows = model.registerAliases.get(name);
        if (!rows) continue;
        if (document.uri !== uri) return rows.at(-1)?.register;
        const row = rows.findLast((it) => it.line <= line);
        // Inside a macro the alias may be made before its call, further down.
        if (row) return row.register;
        if (inRanges(model.macroBodies, line)) return rows[0]?.register;
      }
      return undefined;
    };
    const defined = (name: string): string | null | undefined => {
      const found = this.macroDefine(unit, name)?.define;
      if (!found) return undefined;
      return found.parameters === undefined && found.body !== '' ? found.body : null;
    };
    return {
      registerAlias: (name) => {
        const whole = aliased(name);
        if (whole !== undefined) return whole;
        const { stem, arrangement } = splitArrangement(name);
        if (arrangement === '') return undefined;
        // An alias of an alias, or of what the preprocessor replaces.
        const register = aliased(stem);
        return register === undefined ? undefined : `${register}${arrangement}`;
      },
      macroText: (name) => {
        const whole = defined(name);
        if (whole !== undefined) return whole;
        const { stem, arrangement } = splitArrangement(name);
        const text = arrangement === '' ? undefined : defined(stem);
        return typeof text === 'string' ? `${text}${arrangement}` : text;
      },
      value: (name) => this.constantValue(unit, name),
    };
  }

  /** Whether a name is defined in the unit, or in another file where others can mean it. */
  isDefined(unit: Unit, name: string): boolean {
    return unit.files.some(({ model }) => model.definitions.has(name)) || this.#isExported(name);
  }

  #isExported(name: string): boolean {
    let exported = this.#exported.get(name);
    if (exported === undefined) {
      exported = false;
      for (const { model } of this.#files.values()) {
        const definitions = model.definitions.get(name);
        if (!definitions) continue;
        exported = model.globals.has(name) || definitions.some(({ kind }) => kind === 'function');
        if (exported) break;
      }
      this.#exported.set(name, exported);
    }
    return exported;
  }

  /** Definitions by name: those of the unit first, else those of other files that can be meant. */
  definitions(uri: string, name: string): Place[] {
    const unit = this.unit(uri);
    const inUnit = unit.files.flatMap(({ document, model }) =>
      (model.definitions.get(name) ?? []).map((it) => ({ ...it, uri: document.uri })),
    );
    if (inUnit.length > 0) return inUnit;
    const places: Place[] = [];
    for (const { document, model } of this.#files.values()) {
      for (const definition of model.definitions.get(name) ?? []) {
        const isVisible = definition.kind === 'function' || model.globals.has(name);
        if (isVisible) places.push({ ...definition, uri: document.uri });
      }
    }
    return places;
  }

  /** Every occurrence of a name as a whole word outside comments and strings. */
  *occurrences(name: string, uris?: ReadonlySet<string>): Generator<Place> {
    for (const { document } of this.#files.values()) {
      if ((uris && !uris.has(document.uri)) || !document.mayContain(name)) continue;
      yield* occurrencesIn(document.uri, document.lines, name);
    }
  }
}

/** `T4.16b`: a name of a register, and how its vector is divided. */
function splitArrangement(name: string): { readonly stem: string; readonly arrangement: string } {
  const dot = name.lastIndexOf('.');
  return dot > 0 && /^\.(?:\d{0,2}[bhsdq])$/i.test(name.slice(dot))
    ? { stem: name.slice(0, dot), arrangement: name.slice(dot) }
    : { stem: name, arrangement: '' };
}

export function* occurrencesIn(
  uri: string,
  lines: readonly Line[],
  name: string,
): Generator<Place> {
  for (let row = 0; row < lines.length; row += 1) {
    const line = lines[row];
    if (!line?.text.includes(name)) continue;
    for (const word of lineNames(line)) {
      if (word.text === name) {
        yield { uri, name, kind: 'label', line: row, start: word.start, end: word.end };
      }
    }
  }
}

export function folderOf(uri: string): string {
  return uri.slice(0, uri.lastIndexOf('/') + 1);
}

/** A relative path under a folder's URI; undefined where it is no path. */
export function joinUri(folder: string, path: string): string | undefined {
  if (path === '' || path.includes('\0')) return undefined;
  try {
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    return new URL(encoded, folder.endsWith('/') ? folder : `${folder}/`).href;
  } catch {
    return undefined;
  }
}
