/** All problems of one file, kept by line so that a keystroke checks only what it touches. */
import type { DiagnosticCode } from './diagnostic-codes.ts';
import { dataSize } from './directives.ts';
import type { Line } from './document.ts';
import { checkFunction } from './function-checks.ts';
import type { LocatedProblem } from './function-checks.ts';
import { branchCondition, mnemonic } from './mnemonics.ts';
import { parseRegister } from './registers.ts';
import { featuresOf } from './settings.ts';
import type { Settings } from './settings.ts';
import { checkStatement, makeProblem } from './statement-checks.ts';
import type { CheckContext, Problem } from './statement-checks.ts';
import type { Statement, Word } from './statement.ts';
import { kindAt, tokenWord } from './statement.ts';
import { TokenKind } from './scanner.ts';
import { directiveSize, inRanges, isSymbolCall } from './symbols.ts';
import type { FileModel, FunctionRange } from './symbols.ts';
import type { IndexedFile, Unit, Workspace } from './workspace.ts';

interface FunctionCache {
  readonly generation: number;
  readonly lines: readonly Line[];
  /** Rows are relative to the function's first line. */
  readonly problems: readonly LocatedProblem[];
}

/** Problems reported for one file; what lies beyond is more than anybody reads. */
const MAXIMUM_PROBLEMS = 2000;

const noProblems: readonly Problem[] = [];

export class Diagnostics {
  readonly #workspace: Workspace;
  #lines = new WeakMap<
    Line,
    { readonly generation: number; readonly problems: readonly Problem[] }
  >();
  readonly #sizes = new WeakMap<
    Line,
    { readonly generation: number; readonly size: number | undefined }
  >();
  readonly #functions = new Map<string, FunctionCache>();
  #settings: Settings;

  constructor(workspace: Workspace, settings: Settings) {
    this.#workspace = workspace;
    this.#settings = settings;
  }

  configure(settings: Settings): void {
    this.#settings = settings;
    this.#lines = new WeakMap();
    this.#functions.clear();
  }

  forget(uri: string): void {
    for (const key of this.#functions.keys()) {
      if (key.startsWith(`${uri} `)) this.#functions.delete(key);
    }
  }

  context(uri: string, unit: Unit, row: number): CheckContext {
    const workspace = this.#workspace;
    return {
      scope: workspace.scope(uri, unit, row),
      isMacro: (name) => isMacroIn(workspace, unit, name),
      isDefined: (name) => workspace.definitions(uri, name).length > 0,
      complete: unit.complete && !unit.files.some(({ model }) => model.hasAltmacro),
      features: featuresOf(this.#settings.cpu),
      targetEL: this.#settings.targetEL,
    };
  }

  /** In order of rows. */
  collect(file: IndexedFile): LocatedProblem[] {
    const { document, model } = file;
    const { uri, lines } = document;
    const unit = this.#workspace.unit(uri);
    const { generation } = this.#workspace;
    const found: LocatedProblem[] = [];
    const isActive = activity(model, lines.length);
    for (let row = 0; row < lines.length && found.length < MAXIMUM_PROBLEMS; row += 1) {
      const line = lines[row];
      if (!line || line.statements.length === 0 || !isActive(row)) continue;
      let cached = this.#lines.get(line);
      if (cached?.generation !== generation) {
        const context = this.context(uri, unit, row);
        const problems = line.statements.flatMap((statement) =>
          checkStatement(line, statement, context),
        );
        cached = { generation, problems: problems.length === 0 ? noProblems : problems };
        this.#lines.set(line, cached);
      }
      for (const problem of cached.problems) found.push({ ...problem, row });
    }
    for (const { line: row, start, end, message } of model.imbalances) {
      if (isActive(row))
        found.push({ row, ...makeProblem('block-unbalanced', message, { start, end }) });
    }
    this.#functionProblems(file, unit, found, isActive);
    this.#labelProblems(file, unit, found, isActive);
    this.#branchRanges(file, unit, found);
    for (const include of model.includes) {
      if (unit.missing.has(include.path) && isActive(include.line)) {
        found.push({
          row: include.line,
          ...makeProblem(
            'include-missing',
            `${include.path} was not found, so unknown names are not reported.`,
            include,
          ),
        });
      }
    }
    return found.sort((a, b) => a.row - b.row || a.start - b.start).slice(0, MAXIMUM_PROBLEMS);
  }

  #functionProblems(
    file: IndexedFile,
    unit: Unit,
    found: LocatedProblem[],
    isActive: (row: number) => boolean,
  ): void {
    const { document, model } = file;
    const { uri, lines } = document;
    const { generation } = this.#workspace;
    const ordinals = new Map<string, number>();
    for (const { name, line: first, endLine, isProcedure } of codeRanges(model, lines.length)) {
      const ordinal = ordinals.get(name) ?? 0;
      ordinals.set(name, ordinal + 1);
      const key = `${uri} ${name} ${ordinal}`;
      const cached = this.#functions.get(key);
      const length = endLine - first + 1;
      let problems: readonly LocatedProblem[];
      if (
        cached?.generation === generation &&
        cached.lines.length === length &&
        cached.lines.every((it, index) => it === lines[first + index])
      ) {
        ({ problems } = cached);
      } else {
        const scope = this.#workspace.scope(uri, unit, first);
        const isMacro = (word: string): boolean => isMacroIn(this.#workspace, unit, word);
        problems = checkFunction(lines, first, endLine, scope, isMacro, isProcedure).map((it) => ({
          ...it,
          row: it.row - first,
        }));
        this.#functions.set(key, { generation, lines: lines.slice(first, endLine + 1), problems });
      }
      for (const problem of problems) {
        const row = problem.row + first;
        if (isActive(row) && !inRanges(model.macroBodies, row)) found.push({ ...problem, row });
      }
    }
  }

  #labelProblems(
    file: IndexedFile,
    unit: Unit,
    found: LocatedProblem[],
    isActive: (row: number) => boolean,
  ): void {
    const { document, model } = file;
    const conditional = model.blocks
      .filter(
        ({ kind }) =>
          kind === 'if' || kind === 'preprocessor' || kind === 'repeat' || kind === 'macro',
      )
      .map(({ line, endLine }): readonly [number, number] => [line, endLine])
      .sort(([a], [b]) => a - b);
    for (const [name, definitions] of model.definitions) {
      if (definitions.length < 2) continue;
      const labels = definitions.filter(
        ({ kind, line }) =>
          (kind === 'label' || kind === 'function' || kind === 'data' || kind === 'local') &&
          isActive(line) &&
          !conditional.some(([first, last]) => line >= first && line <= last),
      );
      for (const again of labels.slice(1)) {
        found.push({
          row: again.line,
          ...makeProblem(
            'label-duplicate',
            `${name} is already defined in line ${(labels[0]?.line ?? 0) + 1}.`,
            again,
          ),
        });
      }
    }
    const isDefined = (name: string): boolean =>
      this.#workspace.definitions(document.uri, name).length > 0 ||
      unit.files.some((it) => it.model.declarations.has(name));
    for (let row = 0; row < document.lines.length; row += 1) {
      const line = document.lines[row];
      if (!line || line.statements.length === 0) continue;
      const uses = symbolUses(line);
      if (uses.length === 0 || !isActive(row) || inRanges(model.macroBodies, row)) continue;
      for (const use of uses) {
        const local = /^(\d+)([bf])$/.exec(use.text);
        if (local) {
          if (!isLocalReachable(unit, file, local[1] ?? '', local[2] ?? '', row)) {
            found.push({
              row,
              ...makeProblem(
                'symbol-undefined',
                `There is no label ${local[1] ?? ''} ${local[2] === 'f' ? 'below' : 'above'}.`,
                use,
                [],
                'error',
              ),
            });
          }
        } else if (unit.complete && !isDefined(use.text)) {
          found.push({
            row,
            ...makeProblem(
              'symbol-undefined',
              `${use.text} is defined in no file in reach; the linker may know it.`,
              use,
            ),
          });
        }
      }
    }
  }

  /** Bytes of a line's statements; undefined where one of them does not tell. */
  #lineSize(line: Line, unit: Unit): number | undefined {
    if (line.statements.length === 0) return 0;
    const { generation } = this.#workspace;
    const cached = this.#sizes.get(line);
    if (cached?.generation === generation) return cached.size;
    let size: number | undefined = 0;
    for (const statement of line.statements) {
      const more = statementSize(statement, (name) => isMacroIn(this.#workspace, unit, name));
      size = more === undefined || size === undefined ? undefined : size + more;
    }
    this.#sizes.set(line, { generation, size });
    return size;
  }

  /** Branches whose distance is known and too far. */
  #branchRanges(file: IndexedFile, unit: Unit, found: LocatedProblem[]): void {
    const { lines } = file.document;
    if (
      lines.length < 4096 &&
      !lines.some(({ text }) => /\.(?:space|skip|zero|fill|org)\b/i.test(text))
    )
      return;
    const offsets: number[] = [];
    const segments: number[] = [];
    let offset = 0;
    let segment = 0;
    for (const line of lines) {
      offsets.push(offset);
      segments.push(segment);
      const size = this.#lineSize(line, unit);
      if (size === undefined) segment += 1;
      else offset += size;
    }
    if (offset < 32768) return;
    lines.forEach((line, row) => {
      if (!/^\s*(?:[\w.$]+:\s*)*[bct]/i.test(line.text)) return;
      for (const statement of line.statements) {
        const reach = branchReach(statement);
        const operand = statement.operands.at(-1);
        if (reach === undefined || !operand) continue;
        const target = branchTarget(file.model, operand.text, row);
        if (target === undefined || segments[target] !== segments[row]) continue;
        const distance = (offsets[target] ?? 0) - (offsets[row] ?? 0);
        if (distance >= -reach && distance < reach) continue;
        found.push({
          row,
          ...makeProblem(
            'branch-range',
            `${operand.text} is ${Math.abs(distance)} bytes away; this branch reaches ${reach}.`,
            operand,
          ),
        });
      }
    });
  }
}

/** Rows in use: everything that no `#if 0` takes out. */
function activity(model: FileModel, lineCount: number): (row: number) => boolean {
  if (model.inactive.length === 0) return () => true;
  const off = new Uint8Array(lineCount + 1);
  for (const [first, last] of model.inactive) off.fill(1, first, last + 1);
  return (row) => off[row] !== 1;
}

interface CodeRange extends Pick<FunctionRange, 'name' | 'line' | 'endLine'> {
  readonly isProcedure: boolean;
}

/** Functions, and the code between them. */
function codeRanges(model: FileModel, lineCount: number): CodeRange[] {
  const ranges: CodeRange[] = [];
  let next = 0;
  for (const { name, line, endLine, global, typed } of model.functions) {
    if (line > next)
      ranges.push({ name: `before ${name}`, line: next, endLine: line - 1, isProcedure: false });
    if (line < next) continue;
    ranges.push({ name, line, endLine, isProcedure: global && typed });
    next = endLine + 1;
  }
  if (next < lineCount)
    ranges.push({ name: 'after all', line: next, endLine: lineCount - 1, isProcedure: false });
  return ranges;
}

/** Whether the word is a macro of the unit, or replaced by the preprocessor. */
export function isMacroIn(workspace: Workspace, unit: Unit, name: string): boolean {
  return (
    workspace.macro(unit, name) !== undefined ||
    workspace.macroDefine(unit, name) !== undefined ||
    isSymbolCall(name)
  );
}

const branches = /^(?:b|bl|cbn?z|tbn?z|adrp?|ldr|ldrsw|prfm)$/i;
const usesCache = new WeakMap<Line, readonly Word[]>();

/** Names in places where only a label makes sense. */
export function symbolUses(line: Line): readonly Word[] {
  const cached = usesCache.get(line);
  if (cached) return cached;
  const words: Word[] = [];
  for (const statement of line.statements) {
    const name = statement.name?.text ?? '';
    if (statement.kind !== 'instruction' || statement.opaque) continue;
    if (!branches.test(name) && branchCondition(name) === undefined) continue;
    const operand = statement.operands.at(-1);
    if (operand?.to !== (operand?.from ?? 0) + 1) continue;
    const kind = kindAt(line.tokens, operand.from);
    const word = tokenWord(line.text, line.tokens, operand.from);
    if (kind === TokenKind.identifier && word.text !== '.' && !parseRegister(word.text))
      words.push(word);
    if (kind === TokenKind.number && /^\d+[bf]$/.test(word.text)) words.push(word);
  }
  usesCache.set(line, words);
  return words;
}

function isLocalReachable(
  unit: Unit,
  file: IndexedFile,
  number: string,
  direction: string,
  row: number,
): boolean {
  const own = file.model.definitions.get(number) ?? [];
  if (own.some(({ line }) => (direction === 'f' ? line >= row : line <= row))) return true;
  // A macro that is called nearby, or an included file, may define it.
  return (
    !unit.complete ||
    unit.files.some(
      ({ document, model }) =>
        (document !== file.document && model.definitions.has(number)) ||
        (model.definitions.get(number) ?? []).some(({ line }) =>
          inRanges(model.macroBodies, line),
        ) ||
        [...model.defines.values()].some(({ body }) => new RegExp(`\\b${number}:`).test(body)),
    )
  );
}

function statementSize(
  statement: Statement,
  isMacro: (name: string) => boolean,
): number | undefined {
  const name = statement.name?.text ?? '';
  switch (statement.kind) {
    case 'labels':
    case 'assignment':
      return 0;
    case 'instruction':
      return mnemonic(name) && !isMacro(name) && !statement.opaque ? 4 : undefined;
    case 'directive':
      if (dataSize(name) !== undefined || /^\.(?:space|skip|zero)$/i.test(name))
        return directiveSize(statement);
      return /^\.(?:globa?l|type|size|weak|hidden|local|cfi_\w+|loc|file|set|equ|extern|req|unreq)$/i.test(
        name,
      )
        ? 0
        : undefined;
    case 'preprocessor':
    case 'continuation':
    case 'call':
      return undefined;
  }
}

function branchReach(statement: Statement): number | undefined {
  const name = statement.name?.text.toLowerCase() ?? '';
  if (statement.kind !== 'instruction') return undefined;
  if (name === 'tbz' || name === 'tbnz') return 2 ** 15;
  if (name === 'cbz' || name === 'cbnz' || branchCondition(name) !== undefined) return 2 ** 20;
  return name === 'b' || name === 'bl' ? 2 ** 27 : undefined;
}

/** The row of a branch target in the same file. */
export function branchTarget(model: FileModel, name: string, row: number): number | undefined {
  const local = /^(\d+)([bf])$/.exec(name);
  if (local) {
    const rows = (model.definitions.get(local[1] ?? '') ?? []).map(({ line }) => line);
    return local[2] === 'f' ? rows.find((it) => it > row) : rows.findLast((it) => it <= row);
  }
  return model.definitions.get(name)?.[0]?.line;
}

export type { DiagnosticCode };
