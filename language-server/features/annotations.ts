/**
 * Comments that the debugger obeys: `@watch rw 8 if x0 > 4` on a data label, `@assert x1 < 0x100` and
 * `@log "x0={x0}"` on a statement. Names of registers are written as in the code. What looks like one of them and
 * is none is a problem, for a watchpoint that is silently not set is worse than none.
 */
import type { LocatedProblem } from '../function-checks.ts';
import { parseRegister } from '../registers.ts';
import { TokenKind } from '../scanner.ts';
import { makeProblem } from '../statement-checks.ts';
import { kindAt, startAt, tokenCount, tokenText } from '../statement.ts';
import { nearest } from '../suggestions.ts';
import type { Definition } from '../symbols.ts';
import { systemRegister } from '../system-operands.ts';
import type { IndexedFile } from '../workspace.ts';
import { sizeOfData } from './hover.ts';

export type Annotation =
  | {
      readonly kind: 'watch';
      readonly uri: string;
      /** From 0. */
      readonly line: number;
      readonly symbol: string;
      readonly accessType: 'read' | 'write' | 'readWrite';
      /** Bytes. */
      readonly length: number;
      readonly condition?: string;
    }
  | {
      readonly kind: 'assert' | 'log';
      readonly uri: string;
      /** The line of the statement that is meant. */
      readonly line: number;
      /** In the debugger's language: registers with `$`. */
      readonly text: string;
    };

/** `x0 > 4` → `$x0 > 4`: registers as the debugger's expressions name them. */
export function debuggerExpression(text: string): string {
  return text.replace(/(?<![\w$.])[A-Za-z_]\w*/g, (word) =>
    parseRegister(word) || systemRegister(word) ? `$${word.toLowerCase()}` : word,
  );
}

const accessTypes = { r: 'read', w: 'write', rw: 'readWrite', wr: 'readWrite' } as const;

const kinds = ['watch', 'assert', 'log'] as const;

/** Rows without a statement between a comment and the statement that it is about, at most. */
const REACH = 20;

/** What one comment demands, or what is wrong with it; neither where it is no annotation. */
interface Reading {
  readonly annotation?: Annotation;
  readonly problem?: LocatedProblem;
}

export function annotations(file: IndexedFile): Annotation[] {
  const { document } = file;
  if (!document.mayContain('@')) return [];
  return document.lines.flatMap((_, row) =>
    readRow(file, row).flatMap(({ annotation }) => annotation ?? []),
  );
}

/** Annotations of one row that demand nothing because they are misspelled or stand in the wrong place. */
export function annotationProblems(file: IndexedFile, row: number): LocatedProblem[] {
  return readRow(file, row).flatMap(({ problem }) => problem ?? []);
}

function readRow(file: IndexedFile, row: number): Reading[] {
  const line = file.document.line(row);
  if (line?.text.includes('@') !== true) return [];
  const found: Reading[] = [];
  for (let index = 0; index < tokenCount(line.tokens); index += 1) {
    if (kindAt(line.tokens, index) !== TokenKind.comment) continue;
    const comment = tokenText(line.text, line.tokens, index);
    const match = /(?<=^(?:\/\/|\/\*|#|\*)?\s*|\s)@([A-Za-z]+)\b\s*(.*?)\s*(?:\*\/)?\s*$/.exec(
      comment,
    );
    if (!match) continue;
    const [, word = '', rest = ''] = match;
    const at = startAt(line.tokens, index) + match.index;
    found.push(
      read(file, row, { word, rest, at, isFirst: /^\W*$/.test(comment.slice(0, match.index)) }),
    );
  }
  return found;
}

function read(
  file: IndexedFile,
  row: number,
  {
    word,
    rest,
    at,
    isFirst,
  }: {
    readonly word: string;
    readonly rest: string;
    readonly at: number;
    readonly isFirst: boolean;
  },
): Reading {
  const place = { start: at, end: at + 1 + word.length };
  const invalid = (message: string): Reading => ({
    problem: { row, ...makeProblem('annotation-invalid', message, place) },
  });
  const kind = kinds.find((it) => it === word);
  if (kind === undefined) {
    const [meant] = isFirst ? nearest(word, kinds, 1) : [];
    if (meant === undefined) return {};
    const title = `Change to @${meant}`;
    const fix = { title, ...place, text: `@${meant}`, preferred: true };
    const message = `@${word} is nothing that the debugger obeys. Did you mean @${meant}?`;
    return { problem: { row, ...makeProblem('annotation-invalid', message, place, [fix]) } };
  }
  const target = statementRow(file, row);
  const { uri } = file.document;
  if (kind !== 'watch') {
    if (rest === '')
      return invalid(
        kind === 'assert'
          ? '@assert needs a condition that must hold, such as @assert x1 < 0x100.'
          : '@log needs a message, such as @log "x0={x0}".',
      );
    if (target === undefined)
      return invalid(`There is no statement below that @${kind} could be about.`);
    const text =
      kind === 'assert'
        ? debuggerExpression(rest)
        : rest
            .replace(/^"(.*)"$/, '$1')
            .replace(/\{([^{}]*)\}/g, (_, inner: string) => `{${debuggerExpression(inner)}}`);
    return { annotation: { kind, uri, line: target, text } };
  }
  const parts = /^(rw|wr|r|w)?(?:\s*\b(0x[\da-f]+|\d+))?\s*(?:\bif\s+(.+))?$/i.exec(rest);
  if (!parts)
    return invalid(
      `@watch takes r, w or rw, then bytes, then a condition, such as @watch rw 8 if x0 > 4; it has "${rest}".`,
    );
  const label = target === undefined ? undefined : dataLabel(file, target);
  if (!label)
    return invalid(
      '@watch stands at no data. Put it on the line of a label in front of data, such as counter: .quad 0.',
    );
  const [, access = 'w', size, condition] = parts;
  const length = size === undefined ? (sizeOfData(file, label.line) ?? 8) : Number(size);
  if (length === 0) return invalid('@watch of 0 bytes watches nothing. Give at least 1.');
  return {
    annotation: {
      kind: 'watch',
      uri,
      line: label.line,
      symbol: label.name,
      accessType: accessTypes[access.toLowerCase() as keyof typeof accessTypes],
      length,
      ...(condition !== undefined && { condition: debuggerExpression(condition) }),
    },
  };
}

/** The row of the statement that a comment is about: its own line, or the next one that has any. */
function statementRow({ document }: IndexedFile, row: number): number | undefined {
  for (let next = row; next < Math.min(document.lines.length, row + REACH); next += 1) {
    if ((document.line(next)?.statements.length ?? 0) > 0) return next;
  }
  return undefined;
}

/** The data label on a row, or right above its directive. */
function dataLabel({ document, model }: IndexedFile, row: number): Definition | undefined {
  for (let at = row; at >= Math.max(0, row - REACH); at -= 1) {
    const statements = document.line(at)?.statements ?? [];
    for (const { labels, name, operands } of statements) {
      const names = labels.map(({ text }) => text.replace(/^"(.*)"$/, '$1'));
      // `.comm counter, 8` and the kernel's SYM_DATA_START(counter) name their symbol as an operand.
      if (name && operands[0]) names.push(operands[0].text);
      for (const it of names) {
        const found = model.definitions
          .get(it)
          ?.find(({ kind, line }) => kind === 'data' && line === at);
        if (found) return found;
      }
    }
    // Above a directive only its label may stand.
    if (statements.length > 0 && (at < row || statements.some(({ kind }) => kind !== 'directive')))
      return undefined;
  }
  return undefined;
}
