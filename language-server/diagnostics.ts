/** All problems of one file, kept by chunks of lines so that a keystroke checks only what it touches. */
import { branchReach, branchTarget, statementSize, symbolUses } from './branches.ts';
import type { DiagnosticCode } from './diagnostic-codes.ts';
import type { AssemblyDocument, Line, Untouched } from './document.ts';
import { checkFunction } from './function-checks.ts';
import type { LocatedProblem } from './function-checks.ts';
import { annotationProblems } from './features/annotations.ts';
import { LineChunks, hasLines } from './line-chunks.ts';
import type { LineChunk } from './line-chunks.ts';
import { otherLanguage } from './other-languages.ts';
import { featuresOf } from './settings.ts';
import type { Settings } from './settings.ts';
import { checkStatement, makeProblem } from './statement-checks.ts';
import type { CheckContext } from './statement-checks.ts';
import type { OperandText, Word } from './statement.ts';
import { inRanges, isSymbolCall } from './symbols.ts';
import type { FileModel, FunctionRange } from './symbols.ts';
import type { IndexedFile, Unit, Workspace } from './workspace.ts';

interface FunctionFindings {
  readonly context: string;
  /** The row where the function began when it was checked or found again. */
  first: number;
  /** Lines from there to the end of the file, likewise. */
  fromEnd: number;
  readonly lines: readonly Line[];
  /** Rows are relative to the function's first line. */
  readonly problems: readonly LocatedProblem[];
}

interface SymbolUse {
  readonly row: number;
  readonly word: Word;
  /** The `1` of `1f`; absent for a name. */
  readonly local?: string;
}

/** What the lines of a chunk say by themselves; rows are relative to the chunk's first. */
interface ChunkFindings {
  /** What names meant when the lines were checked. */
  readonly context: string;
  readonly problems: readonly LocatedProblem[];
  readonly uses: readonly SymbolUse[];
  readonly branches: readonly {
    readonly row: number;
    readonly operand: OperandText;
    readonly reach: number;
  }[];
  /** The least of their reaches, in bytes; infinite without branches. */
  readonly shortestReach: number;
  /** Bytes from the chunk's start to each line, and as the last entry to the chunk's end. */
  readonly offsets: Float64Array;
  /** How many places of unknown size lie before each line, likewise. */
  readonly gaps: Uint16Array;
  /** Rows with an `@`, which may be a comment for the debugger. */
  readonly marked: readonly number[];
  /** Uses of symbols that are defined nowhere, as far as this index of names and these exports tell. */
  undefinedUses?: {
    readonly model: FileModel;
    readonly exports: number;
    readonly uses: readonly SymbolUse[];
  };
}

/** Problems reported for one file; what lies beyond is more than anybody reads. */
const MAXIMUM_PROBLEMS = 2000;

type Chunk = LineChunk<ChunkFindings> & { readonly result: ChunkFindings };

export class Diagnostics {
  readonly #workspace: Workspace;
  readonly #chunks = new Map<string, LineChunks<ChunkFindings>>();
  /** In the order of the code ranges at the last look. */
  readonly #functions = new Map<string, readonly FunctionFindings[]>();
  /** By file: for which names its functions were checked last. */
  readonly #checked = new Map<string, { readonly model: FileModel; readonly state: string }>();
  #settings: Settings;

  constructor(workspace: Workspace, settings: Settings) {
    this.#workspace = workspace;
    this.#settings = settings;
  }

  configure(settings: Settings): void {
    this.#settings = settings;
    this.#chunks.clear();
    this.#functions.clear();
    this.#checked.clear();
  }

  forget(uri: string): void {
    this.#chunks.delete(uri);
    this.#functions.delete(uri);
    this.#checked.delete(uri);
  }

  context(uri: string, unit: Unit, row: number): CheckContext {
    const workspace = this.#workspace;
    return {
      scope: workspace.scope(uri, unit, row),
      isMacro: (name) => isMacroIn(workspace, unit, name),
      isDefined: (name) => workspace.isDefined(unit, name),
      complete: unit.complete && !unit.files.some(({ model }) => model.hasAltmacro),
      features: featuresOf(this.#settings.cpu),
      targetEL: this.#settings.targetEL,
    };
  }

  /** In order of rows. */
  collect(file: IndexedFile): LocatedProblem[] {
    const { document, model } = file;
    const other = otherLanguage(document);
    if (other !== undefined) return other === 'a32' ? [notA64(document)] : [];
    const unit = this.#workspace.unit(document.uri);
    const found: LocatedProblem[] = [];
    const isActive = activity(model, document.lines.length);
    const untouched = document.takeUntouched();
    const chunks = this.#checkedChunks(file, unit, untouched);
    for (const { first, result } of chunks) {
      for (const problem of result.problems) {
        const row = problem.row + first;
        if (isActive(row)) found.push({ ...problem, row });
      }
      for (const row of result.marked) {
        if (isActive(first + row)) found.push(...annotationProblems(file, first + row));
      }
      if (found.length >= MAXIMUM_PROBLEMS) break;
    }
    for (const { line: row, start, end, message } of model.imbalances) {
      if (isActive(row))
        found.push({ row, ...makeProblem('block-unbalanced', message, { start, end }) });
    }
    this.#functionProblems(file, unit, untouched, found, isActive);
    duplicateLabels(model, found, isActive);
    this.#undefinedSymbols(file, unit, chunks, found, isActive);
    branchesOutOfReach(model, chunks, found, isActive);
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

  #checkedChunks(
    { document, model }: IndexedFile,
    unit: Unit,
    untouched: Untouched,
  ): readonly Chunk[] {
    const { uri, lines } = document;
    let chunks = this.#chunks.get(uri);
    if (!chunks) {
      chunks = new LineChunks();
      this.#chunks.set(uri, chunks);
    }
    const generation = String(this.#workspace.generation);
    const hasAliases = unit.files.some((it) => it.model.registerAliases.size > 0);
    return chunks.update(lines, untouched).map((chunk): Chunk => {
      // What a register's alias means depends on the lines above.
      const context = hasAliases ? `${generation} ${aliasesAbove(model, chunk.first)}` : generation;
      if (chunk.result?.context !== context) {
        chunk.result = this.#findings(chunk, uri, unit, context, hasAliases);
      }
      return chunk as Chunk;
    });
  }

  #findings(
    { lines, first }: LineChunk<ChunkFindings>,
    uri: string,
    unit: Unit,
    context: string,
    hasAliases: boolean,
  ): ChunkFindings {
    const problems: LocatedProblem[] = [];
    const uses: SymbolUse[] = [];
    const branches: { row: number; operand: OperandText; reach: number }[] = [];
    const offsets = new Float64Array(lines.length + 1);
    const gaps = new Uint16Array(lines.length + 1);
    const marked: number[] = [];
    const isMacro = (name: string): boolean => isMacroIn(this.#workspace, unit, name);
    let checks = this.context(uri, unit, first);
    lines.forEach((line, row) => {
      if (hasAliases) checks = this.context(uri, unit, first + row);
      let offset = offsets[row] ?? 0;
      let gap = gaps[row] ?? 0;
      for (const statement of line.statements) {
        for (const problem of checkStatement(line, statement, checks))
          problems.push({ ...problem, row });
        const size = statementSize(statement, isMacro);
        if (size === undefined) gap += 1;
        else offset += size;
        const reach = branchReach(statement);
        const operand = statement.operands.at(-1);
        if (reach !== undefined && operand) branches.push({ row, operand, reach });
      }
      for (const word of symbolUses(line)) {
        const local = /^(\d+)[bf]$/.exec(word.text)?.[1];
        uses.push({ row, word, ...(local !== undefined && { local }) });
      }
      offsets[row + 1] = offset;
      gaps[row + 1] = gap;
      if (line.text.includes('@')) marked.push(row);
    });
    const shortestReach = Math.min(...branches.map(({ reach }) => reach));
    return { context, problems, uses, branches, shortestReach, offsets, gaps, marked };
  }

  #functionProblems(
    file: IndexedFile,
    unit: Unit,
    untouched: Untouched,
    found: LocatedProblem[],
    isActive: (row: number) => boolean,
  ): void {
    const { document, model } = file;
    const { uri, lines } = document;
    const tailStart = lines.length - untouched.tail;
    const generation = String(this.#workspace.generation);
    const hasAliases = unit.files.some((it) => it.model.registerAliases.size > 0);
    const before = this.#functions.get(uri) ?? [];
    const ranges = codeRanges(model, lines.length);
    const shift = before.length - ranges.length;
    const plain = [generation, `${generation} p`] as const;
    const state = `${generation} ${hasAliases}`;
    // With the same names the ranges are the same ones, and only those on changed rows are looked at.
    const isSame =
      this.#checked.get(uri)?.model === model && this.#checked.get(uri)?.state === state;
    this.#checked.set(uri, { model, state });
    const now = ranges.map(({ line: first, endLine, isProcedure }, index): FunctionFindings => {
      const last = before[index];
      if (isSame && last && !hasAliases && (endLine < untouched.head || first >= tailStart))
        return last;
      const kind = plain[isProcedure ? 1 : 0];
      const context = hasAliases ? `${kind} ${aliasesAbove(model, first)}` : kind;
      // The range stands where it stood, counted from the start or from the end of the file.
      for (const known of [before[index], before[index + shift]]) {
        if (known?.context !== context || known.lines.length !== endLine - first + 1) continue;
        const isUntouched =
          (endLine < untouched.head && known.first === first) ||
          (first >= tailStart && known.fromEnd === lines.length - first);
        if (!isUntouched && !hasLines(lines, first, known.lines)) continue;
        known.first = first;
        known.fromEnd = lines.length - first;
        return known;
      }
      const scope = this.#workspace.scope(uri, unit, first);
      const isMacro = (word: string): boolean => isMacroIn(this.#workspace, unit, word);
      const problems = checkFunction(lines, first, endLine, scope, isMacro, isProcedure);
      return {
        context,
        first,
        fromEnd: lines.length - first,
        lines: lines.slice(first, endLine + 1),
        problems: problems.map((it) => ({ ...it, row: it.row - first })),
      };
    });
    this.#functions.set(uri, now);
    now.forEach(({ problems }, index) => {
      for (const problem of problems) {
        const row = problem.row + (ranges[index]?.line ?? 0);
        if (isActive(row) && !inRanges(model.macroBodies, row)) found.push({ ...problem, row });
      }
    });
  }

  #undefinedSymbols(
    file: IndexedFile,
    unit: Unit,
    chunks: readonly Chunk[],
    found: LocatedProblem[],
    isActive: (row: number) => boolean,
  ): void {
    const { model } = file;
    const known = new Map<string, boolean>();
    const isDefined = (name: string): boolean => {
      if (model.definitions.has(name)) return true;
      let defined = known.get(name);
      if (defined === undefined) {
        defined =
          this.#workspace.isDefined(unit, name) ||
          unit.files.some((it) => it.model.declarations.has(name));
        known.set(name, defined);
      }
      return defined;
    };
    const { exports } = this.#workspace;
    for (const { first, result } of chunks) {
      if (result.undefinedUses?.model !== model || result.undefinedUses.exports !== exports) {
        const uses = result.uses.filter(({ row, word, local }) => {
          if (local === undefined) return unit.complete && !isDefined(word.text);
          const labels = model.definitions.get(local);
          const forward = word.text.endsWith('f');
          const label = forward ? labels?.at(-1) : labels?.[0];
          return !label || (forward ? label.line < first + row : label.line > first + row);
        });
        result.undefinedUses = { model, exports, uses };
      }
      for (const { row: relative, word, local } of result.undefinedUses.uses) {
        const row = first + relative;
        if (!isActive(row) || inRanges(model.macroBodies, row)) continue;
        if (local === undefined) {
          found.push({
            row,
            ...makeProblem(
              'symbol-undefined',
              `${word.text} is defined in no file in reach; the linker may know it.`,
              word,
            ),
          });
        } else if (!mayComeFromElsewhere(unit, file, local)) {
          found.push({
            row,
            ...makeProblem(
              'symbol-undefined',
              `There is no label ${local} ${word.text.endsWith('f') ? 'below' : 'above'}.`,
              word,
              [],
              'error',
            ),
          });
        }
      }
    }
  }
}

/** One problem instead of one for each line. */
function notA64({ lines }: AssemblyDocument): LocatedProblem {
  const row = lines.findIndex(({ statements }) => statements.length > 0);
  const { start = 0, end = 0 } = lines[row]?.statements[0] ?? {};
  return {
    row: Math.max(0, row),
    ...makeProblem(
      'not-a64',
      'This is 32-bit Arm code (A32 or T32). Only A64 is known here, so the file is not checked.',
      { start, end },
    ),
  };
}

const isDigit = (text: string): boolean => text.charCodeAt(0) >= 48 && text.charCodeAt(0) <= 57;

/** The aliases of registers that hold where a row starts, as text to compare. */
function aliasesAbove(model: FileModel, row: number): string {
  const parts: string[] = [];
  for (const [name, rows] of model.registerAliases) {
    const last = rows.findLast(({ line }) => line < row);
    if (last) parts.push(`${name}=${last.register ?? ''}`);
  }
  return parts.join();
}

function duplicateLabels(
  model: FileModel,
  found: LocatedProblem[],
  isActive: (row: number) => boolean,
): void {
  let ranges: readonly (readonly [number, number])[] | undefined;
  const isConditional = (row: number): boolean => {
    ranges ??= model.blocks
      .filter(({ kind }) => kind !== 'comment')
      .map(({ line, endLine }) => [line, endLine] as const)
      .sort(([a], [b]) => a - b);
    return ranges.some(([first, last]) => row >= first && row <= last);
  };
  for (const [name, definitions] of model.definitions) {
    if (definitions.length < 2 || isDigit(name)) continue;
    const labels = definitions.filter(
      ({ kind, line }) =>
        (kind === 'label' || kind === 'function' || kind === 'data' || kind === 'local') &&
        isActive(line) &&
        !isConditional(line),
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
}

/** Branches whose distance is known and too far. */
function branchesOutOfReach(
  model: FileModel,
  chunks: readonly Chunk[],
  found: LocatedProblem[],
  isActive: (row: number) => boolean,
): void {
  const offsets: number[] = [];
  const gaps: number[] = [];
  let offset = 0;
  let gap = 0;
  for (const { lines, result } of chunks) {
    offsets.push(offset);
    gaps.push(gap);
    offset += result.offsets[lines.length] ?? 0;
    gap += result.gaps[lines.length] ?? 0;
  }
  if (offset < 2 ** 15) return;
  const chunkOf = (row: number): number => {
    let low = 0;
    let high = chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((chunks[middle]?.first ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  chunks.forEach(({ first, result }, index) => {
    if (result.shortestReach > offset) return;
    for (const { row: relative, operand, reach } of result.branches) {
      if (reach > offset) continue;
      const row = first + relative;
      const target = branchTarget(model, operand.text, row);
      if (target === undefined) continue;
      const other = chunkOf(target);
      const chunk = chunks[other];
      if (!chunk) continue;
      const at = target - chunk.first;
      const ownGap = (gaps[index] ?? 0) + (result.gaps[relative] ?? 0);
      if ((gaps[other] ?? 0) + (chunk.result.gaps[at] ?? 0) !== ownGap || !isActive(row)) continue;
      const distance =
        (offsets[other] ?? 0) +
        (chunk.result.offsets[at] ?? 0) -
        (offsets[index] ?? 0) -
        (result.offsets[relative] ?? 0);
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

const rangesOfModels = new WeakMap<FileModel, readonly CodeRange[]>();

/** Functions, and the code between them; a model is of one number of lines. */
function codeRanges(model: FileModel, lineCount: number): readonly CodeRange[] {
  const known = rangesOfModels.get(model);
  if (known) return known;
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
  rangesOfModels.set(model, ranges);
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

/** Whether a macro that is called nearby, or an included file, may define the numeric label. */
function mayComeFromElsewhere(unit: Unit, file: IndexedFile, number: string): boolean {
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

export type { DiagnosticCode };
