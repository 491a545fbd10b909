/**
 * Accesses to system registers on some lines, for the debugger to say what they would do. With the line where the
 * guest stands only those of its function: other code of the file may run at another exception level.
 */
import type { Range } from 'vscode-languageserver';
import { rangeOf } from '../cursor.ts';
import { expandName } from '../statement-checks.ts';
import { functionAt } from '../symbols.ts';
import { systemRegister } from '../system-operands.ts';
import type { IndexedFile, Workspace } from '../workspace.ts';

export interface SystemAccess {
  /** The whole statement. */
  readonly range: Range;
  readonly mnemonic: 'mrs' | 'msr';
  readonly register: string;
  readonly direction: 'read' | 'write';
}

export function systemAccesses(
  workspace: Workspace,
  file: IndexedFile,
  range: Range,
  stoppedLine?: number,
): SystemAccess[] {
  const { document } = file;
  const unit = workspace.unit(document.uri);
  const found: SystemAccess[] = [];
  const own =
    stoppedLine === undefined
      ? { line: 0, endLine: document.lines.length - 1 }
      : (functionAt(file.model, stoppedLine) ?? { line: 0, endLine: stoppedLine });
  const last = Math.min(range.end.line, own.endLine);
  for (let row = Math.max(own.line, range.start.line); row <= last; row += 1) {
    for (const statement of document.line(row)?.statements ?? []) {
      const mnemonic = statement.name?.text.toLowerCase();
      if ((mnemonic !== 'mrs' && mnemonic !== 'msr') || !statement.name) continue;
      const direction = mnemonic === 'mrs' ? 'read' : 'write';
      const operand = statement.operands[mnemonic === 'mrs' ? 1 : 0];
      const scope = workspace.scope(document.uri, unit, row);
      const text = operand && expandName(operand.text, scope);
      const named = text === undefined ? undefined : systemRegister(text, direction);
      if (!named) continue;
      found.push({
        range: rangeOf(row, { start: statement.name.start, end: statement.end }),
        mnemonic,
        register: named.register.name,
        direction,
      });
    }
  }
  return found;
}
