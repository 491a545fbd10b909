/** The prebuilt samples, and the places in their sources that tests name by markers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export const samplesFolder = path.resolve(import.meta.dirname, '../../../samples');

export function samplePath(...parts: string[]): string {
  return path.join(samplesFolder, ...parts);
}

export function sampleProgram(name: string): string {
  return samplePath(name, `${name}.elf`);
}

/** The line of `// #BP1` or another marker. */
export function markerLine(file: string, marker: string): number {
  const lines = readFileSync(file, 'utf8').split('\n');
  const index = lines.findIndex((line) => new RegExp(`(//|/\\*) *${marker}(?!\\w)`).test(line));
  assert.ok(index >= 0, `${file} has no marker ${marker}`);
  return index + 1;
}

export function expectedOutput(name: string): string {
  return readFileSync(samplePath(name, 'expected-output.txt'), 'utf8');
}
