import assert from 'node:assert/strict';

/** The text after the edits, which do not overlap. */
export function applied(
  text: string,
  edits: readonly {
    readonly range: {
      readonly start: { line: number; character: number };
      readonly end: { line: number; character: number };
    };
    readonly newText: string;
  }[],
): string {
  const lines = text.split('\n');
  for (const { range, newText } of [...edits].reverse()) {
    const line = lines[range.start.line] ?? '';
    assert.equal(range.start.line, range.end.line);
    lines[range.start.line] =
      line.slice(0, range.start.character) + newText + line.slice(range.end.character);
  }
  return lines.join('\n');
}
