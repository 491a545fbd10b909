/** Errors of an assembler that is installed, after a file was saved. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { devNull } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DiagnosticSeverity } from 'vscode-languageserver';
import type { Diagnostic } from 'vscode-languageserver';
import { splitCommand } from './compile-commands.ts';

const TIMEOUT = 20_000;
const MAXIMUM_OUTPUT = 2 ** 20;

export class ExternalAssembler {
  readonly #results = new Map<string, readonly Diagnostic[]>();

  /** Problems that the server itself has not reported on the same line. */
  known(uri: string, own: readonly Diagnostic[]): Diagnostic[] {
    const errors = new Set(
      own
        .filter(({ severity }) => severity === DiagnosticSeverity.Error)
        .map(({ range }) => range.start.line),
    );
    return (this.#results.get(uri) ?? []).filter(({ range }) => !errors.has(range.start.line));
  }

  /** An edit makes what the assembler said about the file before it worthless. */
  forget(uri: string): void {
    this.#results.delete(uri);
  }

  /**
   * Runs `command`, to which the flags and the file's path are appended. Where the user has chosen none, a compiler for
   * AArch64 is looked for, and run only with the flags of the project: guessed ones report errors that there are not.
   * The program that compile_commands.json names is never run: a folder must not say what is executed. True when the
   * results changed.
   */
  async run(uri: string, command: string, flags: readonly string[] | undefined): Promise<boolean> {
    const chosen = command === '' && flags !== undefined ? installedCompiler() : command;
    const [program, ...parameters] = splitCommand(chosen);
    if (program === undefined || !uri.startsWith('file:')) return false;
    const path = fileURLToPath(uri);
    const output = await new Promise<string>((resolve) => {
      execFile(
        program,
        [...parameters, ...(flags ?? []), path],
        { timeout: TIMEOUT, maxBuffer: MAXIMUM_OUTPUT },
        (_, stdout, stderr) => {
          resolve(`${stdout}\n${stderr}`);
        },
      );
    });
    this.#results.set(uri, parseMessages(output, path));
    return true;
  }
}

/** Messages of GNU as, gcc, clang and llvm-mc about one file. */
export function parseMessages(output: string, path: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  const pattern = /^(.+?):(\d+)(?::(\d+))?:\s*(Error|Warning|error|warning|fatal error):\s*(.*)$/gm;
  for (const [, file = '', line = '1', column, kind = '', message = ''] of output.matchAll(
    pattern,
  )) {
    if (file !== path && !path.endsWith(`/${file}`)) continue;
    const row = Math.max(0, Number(line) - 1);
    const start = column === undefined ? 0 : Math.max(0, Number(column) - 1);
    found.push({
      range: {
        start: { line: row, character: start },
        end: { line: row, character: column === undefined ? 1000 : start + 1 },
      },
      severity: /error/i.test(kind) ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
      source: 'assembler',
      message,
    });
  }
  return found;
}

const compilers = ['aarch64-linux-gnu-gcc', 'aarch64-none-elf-gcc', 'aarch64-elf-gcc'];

/** A command that assembles a file and keeps nothing; empty where no compiler is on the path. */
function installedCompiler(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((it) => it !== '');
  const found = compilers.find((name) => folders.some((folder) => existsSync(join(folder, name))));
  return found === undefined ? '' : `${found} -c -o ${devNull}`;
}
