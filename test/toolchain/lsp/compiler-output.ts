/** Assembly that the cross compiler writes for the samples, and what the assembler says of single lines. */
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';

export const GNU_CC = 'aarch64-linux-gnu-gcc';
export const GNU_AS = 'aarch64-linux-gnu-as';

const samples = path.resolve(import.meta.dirname, '../../../samples');
const sources = [
  'hello/main.c',
  'hello/station.c',
  'watchpoint/main.c',
  'watchpoint/journal.c',
  'watchpoint/sensor.c',
  'self-hosted-debug/main.c',
  'self-hosted-debug/phases.c',
  'self-hosted-debug/debugger.c',
  'common/print.c',
  'common/exceptions.c',
  'common/uart.c',
];

/** `gcc -S` of one sample source. */
export function compiled(source: string, optimisation: string): string {
  const parameters = ['-S', '-o', '-', '-ffreestanding', '-w', optimisation];
  const folders = ['common', path.dirname(source)].flatMap((it) => ['-I', path.join(samples, it)]);
  return execFileSync(GNU_CC, [...parameters, ...folders, path.join(samples, source)], {
    encoding: 'utf8',
  });
}

export const sampleSources: readonly string[] = sources;

/** All of them as one text; labels that several files have are told apart. */
export function compilerOutput(optimisation: string): string {
  return sources
    .map((source, index) =>
      compiled(source, optimisation)
        .replace(/\.L(\w+)/g, `.L$1${String(index).padStart(3, '0')}`)
        .replace(/\b(main|calls|handle_exception)\b(?!\.)/g, `$1_of_${index}`)
        .replace(/^\s*\.(?:file|ident|section\s+\.note).*$/gm, ''),
    )
    .join('\n');
}

/** Indexes of the lines that GNU as refuses, each by itself. */
export function refusedLines(lines: readonly string[]): ReadonlySet<number> {
  const labels = new Set(lines.flatMap((line) => line.match(/\.L\w+/g) ?? []));
  const head = [...labels].map((label) => `${label}:`);
  const { stderr } = spawnSync(GNU_AS, ['-o', '/dev/null'], {
    input: `${[...head, ...lines].join('\n')}\n`,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return new Set(
    [...stderr.matchAll(/:(\d+): Error/g)].map((match) => Number(match[1]) - 1 - head.length),
  );
}
