/** The text of one file as lines, kept scanned and parsed through edits. */
import type { Range, TextDocumentContentChangeEvent } from 'vscode-languageserver';
import { TokenKind, scanLine } from './scanner.ts';
import type { LineState, Tokens } from './scanner.ts';
import { kindAt, parseLine, tokenCount } from './statement.ts';
import type { Statement } from './statement.ts';

/** What a line can be to the index of names, so that most lines cost it one comparison. */
export const LineRole = {
  blank: 0,
  /** Nothing but a comment. */
  comment: 1,
  /** One instruction that is no call, without labels. */
  instruction: 2,
  /** One `bl`, without labels. */
  call: 3,
  other: 4,
} as const;

export type LineRole = (typeof LineRole)[keyof typeof LineRole];

/** One line; replaced, never changed, by an edit, so that results may be cached by identity. */
export interface Line {
  /** With its terminator. */
  readonly text: string;
  readonly tokens: Tokens;
  readonly startState: LineState;
  readonly endState: LineState;
  readonly statements: readonly Statement[];
  readonly role: LineRole;
}

/** Lines of a text with their terminators: LF, CR LF or CR, as in the protocol. */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let position = 0; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code !== 10 && code !== 13) continue;
    if (code === 13 && text.charCodeAt(position + 1) === 10) position += 1;
    lines.push(text.slice(start, position + 1));
    start = position + 1;
  }
  lines.push(text.slice(start));
  return lines;
}

interface Parts {
  readonly tokens: Tokens;
  readonly statements: readonly Statement[];
}

/** Lines whose tokens were asked for lately; a power of two. */
const RECENT = 256;
const recent: { readonly line: Line; readonly parts: Parts }[] = [];
let created = 0;

/**
 * Most lines are an instruction each, which the index of names does not look at: of those only the text is kept, and
 * they are divided again when somebody asks. That is a microsecond, and saves a kilobyte.
 */
class DividedLine implements Line {
  readonly text: string;
  readonly startState: LineState;
  readonly endState: LineState;
  readonly role: LineRole;
  readonly #number: number;
  readonly #kept: Parts | undefined;

  constructor(text: string, startState: LineState) {
    const { tokens, state } = scanLine(text, startState);
    const statements = parseLine(text, tokens, startState);
    this.text = text;
    this.startState = startState;
    this.endState = state;
    this.role = roleOf(tokens, statements);
    this.#number = created;
    created = (created + 1) % RECENT;
    this.#kept = this.role > LineRole.instruction ? { tokens, statements } : undefined;
  }

  get tokens(): Tokens {
    return (this.#kept ?? this.#divided()).tokens;
  }

  get statements(): readonly Statement[] {
    return (this.#kept ?? this.#divided()).statements;
  }

  #divided(): Parts {
    const known = recent[this.#number];
    if (known?.line === this) return known.parts;
    const { tokens } = scanLine(this.text, this.startState);
    const parts = { tokens, statements: parseLine(this.text, tokens, this.startState) };
    recent[this.#number] = { line: this, parts };
    return parts;
  }
}

function roleOf(tokens: Tokens, statements: readonly Statement[]): LineRole {
  const [first, second] = statements;
  if (!first) {
    for (let index = 0; index < tokenCount(tokens); index += 1)
      if (kindAt(tokens, index) === TokenKind.comment) return LineRole.comment;
    return LineRole.blank;
  }
  if (second || first.kind !== 'instruction' || first.labels.length > 0) return LineRole.other;
  return first.name?.text.toLowerCase() === 'bl' ? LineRole.call : LineRole.instruction;
}

/** The line without its terminator. */
export function lineContent(text: string): string {
  let end = text.length;
  if (end > 0 && text.charCodeAt(end - 1) === 10) end -= 1;
  if (end > 0 && text.charCodeAt(end - 1) === 13) end -= 1;
  return end === text.length ? text : text.slice(0, end);
}

/**
 * Whether neither line, put in the place of the other, changes what the index of names says. Below an instruction no
 * label waits to be told what it stands for, and no comment block goes on: an instruction there is as good as nothing.
 */
function hasNoNames({ role }: Line, other: Line | undefined, above: Line | undefined): boolean {
  if (other === undefined || role > LineRole.instruction) return false;
  if (role === other.role) return true;
  const afterCode = above?.role === LineRole.instruction || above?.role === LineRole.call;
  return (
    afterCode &&
    role !== LineRole.comment &&
    (other.role === LineRole.blank || other.role === LineRole.instruction)
  );
}

/** Lines at the start and at the end of a text that have not changed since somebody looked. */
export interface Untouched {
  readonly head: number;
  readonly tail: number;
}

export class AssemblyDocument {
  readonly uri: string;
  version: number;
  #held: Line[] | undefined;
  #untouched: Untouched = { head: 0, tail: 0 };
  /** Of a document that was released: its text, and its lines as long as somebody has them. */
  #released: { readonly text: string; lines: WeakRef<Line[]> } | undefined;

  constructor(uri: string, text: string, version = 0) {
    this.uri = uri;
    this.version = version;
    this.#lines = this.#scan(splitLines(text), 0);
  }

  get lines(): readonly Line[] {
    return this.#lines;
  }

  get #lines(): Line[] {
    if (this.#held) return this.#held;
    const released = this.#released;
    if (!released) return (this.#held = this.#scan([''], 0));
    let lines = released.lines.deref();
    if (!lines) {
      lines = this.#scan(splitLines(released.text), 0);
      released.lines = new WeakRef(lines);
    }
    return lines;
  }

  set #lines(lines: Line[]) {
    this.#held = lines;
    this.#released = undefined;
  }

  get text(): string {
    return this.#released?.text ?? this.#lines.map(({ text }) => text).join('');
  }

  /** Keeps the text alone; it is divided into lines again when they are asked for. For files that are not open. */
  release(): void {
    const lines = this.#held;
    if (!lines) return;
    this.#released = { text: lines.map(({ text }) => text).join(''), lines: new WeakRef(lines) };
    this.#held = undefined;
  }

  /** False where no line has the text: cheaper than the lines of a document that was released. */
  mayContain(text: string): boolean {
    return this.#released === undefined || this.#released.text.includes(text);
  }

  line(index: number): Line | undefined {
    return this.#lines[index];
  }

  /**
   * One change of the protocol; positions outside the text are moved into it. True where the index of names
   * still holds: as many lines as before, and none that it looks at has changed.
   */
  apply(change: TextDocumentContentChangeEvent): boolean {
    if ('range' in change) return this.#replace(change.range, change.text);
    this.#lines = this.#scan(splitLines(change.text), 0);
    this.#untouched = { head: 0, tail: 0 };
    return false;
  }

  #scan(texts: readonly string[], startState: LineState): Line[] {
    let state = startState;
    return texts.map((text) => {
      const line = new DividedLine(text, state);
      state = line.endState;
      return line;
    });
  }

  #clamp(line: number, character: number): { line: number; character: number } {
    const last = this.#lines.length - 1;
    if (line > last) {
      return { line: last, character: lineContent(this.#lines[last]?.text ?? '').length };
    }
    const row = Math.max(0, line);
    const length = lineContent(this.#lines[row]?.text ?? '').length;
    return { line: row, character: Math.max(0, Math.min(character, length)) };
  }

  #replace(range: Range, text: string): boolean {
    let start = this.#clamp(range.start.line, range.start.character);
    let end = this.#clamp(range.end.line, range.end.character);
    if (end.line < start.line || (end.line === start.line && end.character < start.character)) {
      [start, end] = [end, start];
    }
    let firstLine = start.line;
    let head = (this.#lines[start.line]?.text ?? '').slice(0, start.character);
    let lastLine = end.line;
    let tail = (this.#lines[end.line]?.text ?? '').slice(end.character);
    // A CR and an LF that come together, or apart, change where lines end in the neighbourhood.
    if (head === '' && firstLine > 0) {
      firstLine -= 1;
      head = this.#lines[firstLine]?.text ?? '';
    }
    if (lastLine + 1 < this.#lines.length) {
      lastLine += 1;
      tail += this.#lines[lastLine]?.text ?? '';
    }
    const texts = splitLines(head + text + tail);
    // The tail's own terminator opens an empty line that belongs to the line after it.
    if (lastLine + 1 < this.#lines.length && texts.length > 1 && texts.at(-1) === '') texts.pop();
    const state = firstLine === 0 ? 0 : (this.#lines[firstLine - 1]?.endState ?? 0);
    const count = lastLine - firstLine + 1;
    const before = this.#lines.slice(firstLine, lastLine + 1);
    const fresh = this.#scan(texts, state).map((line, index) => {
      const old = before[index];
      return old?.text === line.text && old.startState === line.startState ? old : line;
    });
    let keepsNames =
      fresh.length === count &&
      fresh.every(
        (line, index) =>
          line === before[index] ||
          hasNoNames(line, before[index], fresh[index - 1] ?? this.#lines[firstLine - 1]),
      );
    this.#splice(firstLine, count, fresh);
    // Whatever a block comment or a continuation now covers is scanned again.
    let row = firstLine + fresh.length;
    let carried = fresh.at(-1)?.endState ?? state;
    for (; row < this.#lines.length; row += 1) {
      const line = this.#lines[row];
      if (!line || line.startState === carried) break;
      const rescanned = new DividedLine(line.text, carried);
      this.#lines[row] = rescanned;
      carried = rescanned.endState;
      keepsNames = false;
    }
    this.#untouched = {
      head: Math.min(this.#untouched.head, firstLine),
      tail: Math.min(this.#untouched.tail, this.#lines.length - row),
    };
    return keepsNames;
  }

  /** What has not changed since the last call, of which there is one caller: the checks, which keep their results. */
  takeUntouched(): Untouched {
    const untouched = this.#untouched;
    this.#untouched = { head: this.#lines.length, tail: this.#lines.length };
    return untouched;
  }

  #splice(start: number, removed: number, fresh: readonly Line[]): void {
    // Arguments of splice live on the stack: a pasted file is too many.
    if (fresh.length < 1000) this.#lines.splice(start, removed, ...fresh);
    else {
      this.#lines = [
        ...this.#lines.slice(0, start),
        ...fresh,
        ...this.#lines.slice(start + removed),
      ];
    }
  }
}
