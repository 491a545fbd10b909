/** Code that the assembler accepts: the samples, and what gcc writes for them at three optimisation levels. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { DiagnosticSeverity } from 'vscode-languageserver';
import { LanguageService } from '../../../language-server/service.ts';
import { compiled, GNU_CC, sampleSources } from './compiler-output.ts';
import { skipBecause, versionOf } from '../tools.ts';

const samples = path.resolve(import.meta.dirname, '../../../samples');

function assemblySources(): string[] {
  return readdirSync(samples, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.S'))
    .sort();
}

interface Finding {
  readonly place: string;
  readonly severity: DiagnosticSeverity | undefined;
  readonly text: string;
}

function findings(name: string, text: string): Finding[] {
  const service = new LanguageService({
    read: (uri) => {
      try {
        return readFileSync(new URL(uri), 'utf8');
      } catch {
        return undefined;
      }
    },
  });
  const uri = `file://${path.join(samples, name)}`;
  service.configure({ includeFolders: [`file://${path.join(samples, 'common')}/`] });
  service.open(uri, 'aarch64', text);
  return service.diagnostics(uri).map(({ range, severity, code, message }) => ({
    place: `${name}:${range.start.line + 1}`,
    severity,
    text: `${String(code)}: ${JSON.stringify(message)}`,
  }));
}

/** Every warning on code that assembles, with what it is: a finding that holds, or noise. None is known. */
const classified: ReadonlyMap<string, string> = new Map();

describe('code that the assembler accepts', () => {
  function check(all: readonly { readonly name: string; readonly text: string }[]): void {
    const lines = all.reduce((sum, { text }) => sum + text.split('\n').length, 0);
    const found = all.flatMap(({ name, text }) => findings(name, text));
    const list = (severity: DiagnosticSeverity): string[] =>
      found.filter((it) => it.severity === severity).map(({ place, text }) => `${place} ${text}`);
    assert.deepEqual(list(DiagnosticSeverity.Error), [], 'false errors');
    const warnings = list(DiagnosticSeverity.Warning);
    for (const warning of warnings)
      process.stdout.write(`      ${warning} — ${classified.get(warning) ?? 'not classified'}\n`);
    assert.deepEqual(
      warnings.filter((it) => !classified.has(it)),
      [],
    );
    assert.ok(warnings.length <= lines / 1000, `${warnings.length} warnings in ${lines} lines`);
  }

  it('the samples have no error and no warning', () => {
    check(
      assemblySources().map((name) => ({
        name,
        text: readFileSync(path.join(samples, name), 'utf8'),
      })),
    );
  });

  for (const optimisation of ['-O0', '-O2', '-Os']) {
    it(`what gcc ${optimisation} writes has no error and no warning`, function () {
      if (versionOf(GNU_CC) === undefined) skipBecause(this, `${GNU_CC} is not installed`);
      check(
        sampleSources.map((source) => ({
          name: source.replace(/\.c$/, '.s'),
          text: compiled(source, optimisation),
        })),
      );
    });
  }
});
