/**
 * A thousand seeded mistakes of ten kinds in code that compilers wrote, one at a time: how many are reported on their
 * line, and how many of those that the assembler refuses.
 */
import assert from 'node:assert/strict';
import { DiagnosticSeverity } from 'vscode-languageserver';
import { LanguageService } from '../../../language-server/service.ts';
import { seededRandom } from '../../support/random.ts';
import { compilerOutput, GNU_AS, GNU_CC, refusedLines } from './compiler-output.ts';
import { skipBecause, versionOf } from '../tools.ts';

const SEED = 20;
const MISTAKES = 1000;

type Mutation = (line: string) => string | undefined;

const replaced = (line: string, pattern: RegExp, by: string): string | undefined =>
  pattern.test(line) ? line.replace(pattern, by) : undefined;

/** Each gives another line, or undefined where it does not apply. All of them are mistakes by the manual. */
const kinds: Readonly<Record<string, Mutation>> = {
  'letters of the mnemonic swapped': (line) => {
    const match = /^(\s+)([a-z])([a-z])([a-z0-9.]*)(\s+.*)$/.exec(line);
    if (!match || match[2] === match[3]) return undefined;
    return `${match[1] ?? ''}${match[3] ?? ''}${match[2] ?? ''}q${match[4] ?? ''}${match[5] ?? ''}`;
  },
  'letter added to the mnemonic': (line) => replaced(line, /^(\s+[a-z][a-z0-9]*)(\s)/, '$1q$2'),
  'register that does not exist': (line) => replaced(line, /\b([xw])\d+\b/, '$135'),
  'register of the other width': (line) => {
    const general =
      /^\s+(?:add|sub|and|orr|eor|mul|madd|mov|cmp|sdiv|udiv)\s+([xw])\d+, \1\d+(?:, \1\d+)?$/;
    if (!general.test(line)) return undefined;
    return line.replace(/, ([xw])(\d+)$/, (_, width: string, number: string) =>
      width === 'x' ? `, w${number}` : `, x${number}`,
    );
  },
  'immediate out of range': (line) =>
    /^\s+(?:add|sub|cmp)\s.*(?<!lsl )\d$/.test(line) && !/:/.test(line)
      ? replaced(line, /, (?:#)?-?\d+$/, ', 70001')
      : undefined,
  'offset out of range': (line) => replaced(line, /\[(x\d+|sp), ?-?\d+\]/, '[$1, 99999]'),
  'operand missing': (line) =>
    /^\s+(?:add|sub|mul|and|orr|eor|csel|str|ldr|stp|ldp|madd|cbn?z)\s/.test(line) &&
    !/\[.*,.*\]|\{|lsl|[us]xt/.test(line)
      ? replaced(line, /, ?[^,]+$/, '')
      : undefined,
  'operand added': (line) =>
    /^\s+(?:add|sub|mul|and|orr|eor|mov|ldr|str)\s+[xw]\d+, (?:[xw]\d+(?:, [xw]?\d+)?|\d+|\[[^\]]*\])$/.test(
      line,
    )
      ? `${line}, x1, x2`
      : undefined,
  'bracket missing': (line) => (/\[[^\]]*\]$/.test(line) ? line.replace(/\]$/, '') : undefined),
  'label that does not exist': (line) => replaced(line, /(\s)\.L\d+$/, '$19f'),
};

describe('a thousand mistakes', () => {
  const names = Object.keys(kinds);
  let text: readonly string[];
  const mistakes: { readonly kind: string; readonly row: number; readonly line: string }[] = [];

  before(function () {
    this.timeout(60_000);
    for (const tool of [GNU_CC, GNU_AS])
      if (versionOf(tool) === undefined) skipBecause(this, `${tool} is not installed`);
    text = compilerOutput('-O2').split('\n');
    const random = seededRandom(SEED);
    const below = (limit: number): number => Math.floor(random() * limit);
    for (const kind of names) {
      const candidates = text.flatMap((original, row) => {
        const line = kinds[kind]?.(original);
        return line === undefined || line === original ? [] : [{ kind, row, line }];
      });
      for (let n = 0; n < MISTAKES / names.length && candidates.length > 0; n += 1) {
        const [chosen] = candidates.splice(below(candidates.length), 1);
        if (chosen) mistakes.push(chosen);
      }
    }
    const counts = names.map(
      (name) => `${name}: ${mistakes.filter(({ kind }) => kind === name).length}`,
    );
    assert.equal(mistakes.length, MISTAKES, counts.join('\n'));
  });

  it('are reported on the right line, 95 % of them, and 90 % of what the assembler refuses', function () {
    this.timeout(120_000);
    const service = new LanguageService({ read: () => undefined });
    const uri = 'file:///mistakes.s';
    service.open(uri, 'aarch64', text.join('\n'));
    const errors = service
      .diagnostics(uri)
      .filter(({ severity }) => severity === DiagnosticSeverity.Error);
    assert.deepEqual(errors, []);
    let version = 1;
    const replaceRow = (row: number, from: string, by: string): void => {
      version += 1;
      const range = {
        start: { line: row, character: 0 },
        end: { line: row, character: from.length },
      };
      service.change(uri, [{ range, text: by }], version);
    };
    const isReported = (row: number): boolean =>
      service
        .diagnostics(uri)
        .some(
          ({ range, severity }) =>
            range.start.line === row && severity === DiagnosticSeverity.Error,
        );
    const found = mistakes.map(({ row, line }) => {
      const original = text[row] ?? '';
      replaceRow(row, original, line);
      const reported = isReported(row);
      replaceRow(row, line, original);
      return reported;
    });
    const share = found.filter(Boolean).length / found.length;
    const missed = (test: (index: number) => boolean): string =>
      mistakes
        .filter((_, index) => found[index] === false && test(index))
        .slice(0, 20)
        .map(({ kind, line }) => `${kind}: ${line.trim()}`)
        .join('\n');
    assert.ok(
      share >= 0.95,
      `${(share * 100).toFixed(1)} % of seed ${SEED}\n${missed(() => true)}`,
    );

    // The assembler sees each mistake by itself: a line that stands alone with the labels that it names.
    const refused = refusedLines(mistakes.map(({ line }) => line));
    const among = mistakes.map((_, index) => index).filter((index) => refused.has(index));
    assert.ok(among.length > 500, `${among.length} are refused`);
    const before = among.filter((index) => found[index] === true).length / among.length;
    assert.ok(
      before >= 0.9,
      `${(before * 100).toFixed(1)} % of seed ${SEED}\n${missed((index) => refused.has(index))}`,
    );
  });
});
