/**
 * Comments that the debugger obeys: `@watch rw 8 if x0 > 4` on a data label, `@assert x1 < 0x100` and
 * `@log "x0={x0}"` on a statement. Names of registers are written as in the code.
 */
import { parseRegister } from '../registers.ts';
import { TokenKind } from '../scanner.ts';
import { kindAt, tokenCount, tokenText } from '../statement.ts';
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

export function annotations(file: IndexedFile): Annotation[] {
  const { document, model } = file;
  if (!document.mayContain('@')) return [];
  const found: Annotation[] = [];
  document.lines.forEach((line, row) => {
    if (!line.text.includes('@')) return;
    for (let index = 0; index < tokenCount(line.tokens); index += 1) {
      if (kindAt(line.tokens, index) !== TokenKind.comment) continue;
      const comment = tokenText(line.text, line.tokens, index);
      const match = /@(watch|assert|log)\b\s*(.*?)\s*(?:\*\/)?\s*$/.exec(comment);
      if (!match) continue;
      const [, kind = '', rest = ''] = match;
      const target = statementRow(file, row);
      if (target === undefined) continue;
      const { uri } = document;
      if (kind === 'watch') {
        const label = [...model.definitions.values()]
          .flat()
          .find((it) => it.line === target && it.kind === 'data');
        const parts = /^(rw|wr|r|w)?\s*(\d+)?\s*(?:if\s+(.+))?$/.exec(rest);
        if (!label || !parts) continue;
        const [, access = 'w', size, condition] = parts;
        found.push({
          kind: 'watch',
          uri,
          line: target,
          symbol: label.name,
          accessType: accessTypes[access as keyof typeof accessTypes],
          length: size === undefined ? (sizeOfData(file, target) ?? 8) : Number(size),
          ...(condition !== undefined && { condition: debuggerExpression(condition) }),
        });
      } else if (kind === 'assert' && rest !== '') {
        found.push({ kind: 'assert', uri, line: target, text: debuggerExpression(rest) });
      } else if (kind === 'log' && rest !== '') {
        const text = rest
          .replace(/^"(.*)"$/, '$1')
          .replace(/\{([^{}]*)\}/g, (_, inner: string) => `{${debuggerExpression(inner)}}`);
        found.push({ kind: 'log', uri, line: target, text });
      }
    }
  });
  return found;
}

/** The row of the statement that a comment is about: its own line, or the next one that has any. */
function statementRow({ document }: IndexedFile, row: number): number | undefined {
  for (let next = row; next < Math.min(document.lines.length, row + 20); next += 1) {
    if ((document.lines[next]?.statements.length ?? 0) > 0) return next;
  }
  return undefined;
}
