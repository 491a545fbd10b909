import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** The number of the only line that contains a text. */
export function lineOf(file: string, text: string): number {
  const lines = readFileSync(file, 'utf8').split('\n');
  const found = lines.flatMap((line, i) => (line.includes(text) ? [i + 1] : []));
  assert.equal(found.length, 1, `${file} has "${text}" in ${found.length} lines`);
  return found[0] ?? 0;
}
