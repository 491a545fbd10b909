/** Formatting and quick fixes. */
import { CodeActionKind } from 'vscode-languageserver';
import type { CodeAction, Diagnostic, Range, TextEdit } from 'vscode-languageserver';
import { genericName } from '../../emulator/sysregs/sysreg.ts';
import { rangeOf } from '../cursor.ts';
import { lineContent } from '../document.ts';
import type { Line } from '../document.ts';
import type { LocatedProblem } from '../function-checks.ts';
import { LineState, TokenKind } from '../scanner.ts';
import { kindAt, startAt, tokenCount } from '../statement.ts';
import { isGenericName, systemRegister } from '../system-operands.ts';
import { inRanges } from '../symbols.ts';
import type { IndexedFile } from '../workspace.ts';

const MNEMONIC_COLUMN = 8;
const OPERAND_COLUMN = 16;
const COMMENT_COLUMN = 40;

/** `text` filled up to a column, with one space at least where there is text before. */
const fill = (text: string, column: number): string =>
  text === '' || text.length < column ? text.padEnd(column) : `${text} `;

/** The line in columns; undefined where it must stay as it is. */
export function formatLine(line: Line): string | undefined {
  const { text, tokens, startState, statements } = line;
  if (startState !== LineState.normal) return undefined;
  const content = lineContent(text);
  const trimmed = content.trimEnd();
  if (trimmed === '') return '';
  const [statement] = statements;
  if (!statement) return trimmed;
  // Preprocessor lines, several statements and macros' text are the author's.
  if (
    statements.length > 1 ||
    statement.opaque ||
    statement.kind === 'preprocessor' ||
    statement.kind === 'call'
  )
    return trimmed;
  let comment = '';
  let between = false;
  for (let index = 0; index < tokenCount(tokens); index += 1) {
    if (kindAt(tokens, index) !== TokenKind.comment) continue;
    const start = startAt(tokens, index);
    if (start < statement.end) between = true;
    else {
      comment = trimmed.slice(start);
      break;
    }
  }
  // Semicolons around the statement, or a comment inside it, would be lost or moved.
  const commentStart = comment === '' ? trimmed.length : trimmed.length - comment.length;
  const around = trimmed.slice(0, statement.start) + trimmed.slice(statement.end, commentStart);
  if (between || around.trim() !== '') return trimmed;
  const { name, labels } = statement;
  const body = name ? trimmed.slice(0, statement.end).slice(name.start) : '';
  if (
    statement.kind === 'assignment' ||
    (statement.kind === 'directive' &&
      name &&
      statement.operands[0] &&
      statement.operands[0].start < name.start)
  )
    return trimmed;
  let result =
    labels.length > 0
      ? content.slice(labels[0]?.start ?? 0, labelsEnd(content, labels.at(-1)?.end ?? 0))
      : '';
  if (name) {
    result = fill(result, MNEMONIC_COLUMN);
    const operands = body.slice(name.text.length).trim();
    result += name.text;
    if (operands !== '') result = fill(result, OPERAND_COLUMN) + operands;
  }
  return comment === '' ? result : fill(result, COMMENT_COLUMN) + comment;
}

/** The position after the colon of the last label. */
function labelsEnd(content: string, end: number): number {
  const colon = content.indexOf(':', end);
  return colon < 0 ? end : colon + 1;
}

export function format(file: IndexedFile, range?: Range): TextEdit[] {
  const { document, model } = file;
  const first = range?.start.line ?? 0;
  const last = Math.min(range?.end.line ?? document.lines.length - 1, document.lines.length - 1);
  const edits: TextEdit[] = [];
  for (let row = first; row <= last; row += 1) {
    const line = document.line(row);
    if (!line || inRanges(model.macroBodies, row)) continue;
    const before = lineContent(line.text);
    const after = formatLine(line);
    if (after === undefined || after === before) continue;
    edits.push({ range: rangeOf(row, { start: 0, end: before.length }), newText: after });
  }
  return edits;
}

/** Code that fixes put on several lines gets the indentation of the line. */
function indented(text: string, line: string, offset: number): string {
  const indent = /^\s*/.exec(line)?.[0] ?? '';
  const isLabelled = /^\S/.test(line);
  const column = isLabelled ? ' '.repeat(offset) : indent;
  return text.replaceAll('\n', `\n${column}`);
}

export function codeActions(
  file: IndexedFile,
  range: Range,
  problems: readonly LocatedProblem[],
  diagnosticOf: (problem: LocatedProblem) => Diagnostic,
): CodeAction[] {
  const { uri } = file.document;
  const actions: CodeAction[] = [];
  for (const problem of problems) {
    if (problem.row < range.start.line || problem.row > range.end.line) continue;
    if (problem.row === range.start.line && problem.end < range.start.character) continue;
    if (problem.row === range.end.line && problem.start > range.end.character) continue;
    const line = file.document.line(problem.row)?.text ?? '';
    const mnemonicAt = file.document.line(problem.row)?.statements[0]?.name?.start ?? 0;
    for (const fix of problem.fixes) {
      actions.push({
        title: fix.title,
        kind: CodeActionKind.QuickFix,
        diagnostics: [diagnosticOf(problem)],
        ...(fix.preferred === true && { isPreferred: true }),
        edit: {
          changes: {
            [uri]: [
              { range: rangeOf(problem.row, fix), newText: indented(fix.text, line, mnemonicAt) },
            ],
          },
        },
      });
    }
  }
  // A name or its encoding, whichever is not there.
  const line = file.document.line(range.start.line);
  for (const statement of line?.statements ?? []) {
    const lower = statement.name?.text.toLowerCase();
    if (lower !== 'mrs' && lower !== 'msr') continue;
    const operand = statement.operands[lower === 'mrs' ? 1 : 0];
    const named = operand && systemRegister(operand.text, lower === 'mrs' ? 'read' : 'write');
    if (!operand || !named) continue;
    const text = isGenericName(operand.text)
      ? named.register.name.toLowerCase()
      : genericName(named.register.encoding).toLowerCase();
    actions.push({
      title: `Use ${text}`,
      kind: CodeActionKind.RefactorRewrite,
      edit: { changes: { [uri]: [{ range: rangeOf(range.start.line, operand), newText: text }] } },
    });
  }
  return actions;
}
