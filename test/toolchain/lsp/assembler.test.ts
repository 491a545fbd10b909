/**
 * The server's errors beside those of GNU as and llvm-mc, on every form that it checks and on seeded
 * slips in them: no error where both assemblers accept, and nearly all of what both refuse.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { DiagnosticSeverity } from 'vscode-languageserver';
import { checkedMnemonics, formsOf } from '../../../language-server/forms.ts';
import type { OperandSpec } from '../../../language-server/forms.ts';
import { LanguageService } from '../../../language-server/service.ts';
import { skipBecause, versionOf } from '../tools.ts';

const LLVM_MC = 'llvm-mc-19';
const GNU_AS = 'aarch64-linux-gnu-as';

/** A repeatable choice below `count`. */
function chooser(): (count: number) => number {
  let state = 12345;
  return (count) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % count;
  };
}

const choose = chooser();
const pick = <T>(items: readonly [T, ...T[]]): T => items[choose(items.length)] ?? items[0];

/** A legal operand. */
function example(spec: OperandSpec, index: number): string {
  switch (spec.kind) {
    case 'general':
      return `${spec.width === 64 ? 'x' : 'w'}${2 + index * 2}`;
    case 'scalar':
      return `${spec.size}${index + 1}`;
    case 'vector':
      return `v${index}.16b`;
    case 'immediate':
      return spec.name === 'Cn' ? 'c7' : `#${pick([spec.min, spec.max])}`;
    case 'width':
      return '#1';
    case 'addImmediate':
      return pick(['#0', '#4095']);
    case 'bitmask':
      return '#0xff00';
    case 'movImmediate':
      return '#0x1234';
    case 'shift':
      return `${spec.shifts[choose(spec.shifts.length)] ?? 'lsl'} #${spec.amounts[choose(spec.amounts.length)] ?? 0}`;
    case 'condition':
      return pick(['eq', 'ne', 'hi', 'lt']);
    case 'label':
      return 'target';
    case 'literal':
      return '=0x12345678';
    case 'zero':
      return '#0.0';
    case 'floatImmediate':
      return '#1.0';
    case 'option':
      return spec.set === 'bti' ? 'c' : 'pldl1keep';
    case 'memory': {
      const { min, max } = spec.offsets[choose(spec.offsets.length)] ?? { min: 0, max: 0 };
      const offset = pick([min, max, 0]);
      if (spec.preIndex && choose(4) === 0) return `[x20, #${spec.preIndex.min}]!`;
      return offset === 0 ? '[x20]' : `[x20, #${offset}]`;
    }
  }
}

/** Slips of ten kinds. */
const slips: readonly ((line: string) => string)[] = [
  (line) => line.replace(/\bx(\d+)/, 'w$1'),
  (line) => line.replace(/\bw(\d+)/, 'x$1'),
  (line) => line.replace(/#(-?\d+)/, (_, digits: string) => `#${Number(digits) * 64 + 7}`),
  (line) => line.replace(/,[^,\]]*$/, ''),
  (line) => `${line}, x3`,
  (line) => line.replace(/^([a-z])([a-z])/, '$2$1'),
  (line) => line.replace(/\b([xw])\d+/, '$132'),
  (line) => line.replace('[', ''),
  (line) => line.replace(/lsl #\d+/, 'lsl #70'),
  (line) => line.replace(/^[a-z0-9]+/, (name) => `${name}q`),
];

/** Indexes of the lines that an assembler refuses. */
function refused(
  program: string,
  parameters: readonly string[],
  lines: readonly string[],
  pattern: RegExp,
): Set<number> {
  const { error, stderr } = spawnSync(program, [...parameters, '-o', '/dev/null'], {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error) throw new Error(`${program} is needed for this test`, { cause: error });
  return new Set([...stderr.matchAll(pattern)].map((match) => Number(match[1]) - 1));
}

function reported(lines: readonly string[]): Set<number> {
  const found = new Set<number>();
  // Reports of one file are limited in number.
  for (let first = 0; first < lines.length; first += 1500) {
    const service = new LanguageService({ read: () => undefined });
    service.open(
      'file:///a.S',
      'aarch64',
      ['target:', ...lines.slice(first, first + 1500)].join('\n'),
    );
    for (const { severity, code, range } of service.diagnostics('file:///a.S')) {
      if (severity === DiagnosticSeverity.Error && code !== 'label-duplicate')
        found.add(first + range.start.line - 1);
    }
  }
  return found;
}

describe('errors beside the assemblers', () => {
  const correct = new Set<string>();
  for (const mnemonic of checkedMnemonics) {
    for (const form of formsOf(mnemonic) ?? []) {
      // Arrangements of vectors are not in the table.
      if (form.some(({ kind }) => kind === 'vector')) continue;
      for (let count = 0; count < 4; count += 1)
        correct.add(`${mnemonic} ${form.map(example).join(', ')}`.trim());
    }
  }
  const slipped = new Set(
    [...correct].flatMap((line) =>
      [0, 1, 2].map(() => slips[choose(slips.length)]?.(line) ?? line),
    ),
  );
  const lines = ['target:', ...new Set([...correct, ...slipped])];
  let byBoth: Set<number>;
  let byEither: Set<number>;
  let ours: Set<number>;

  before(function () {
    for (const tool of [LLVM_MC, GNU_AS]) {
      if (versionOf(tool) === undefined) skipBecause(this, `${tool} is not installed`);
    }
    const llvm = refused(
      LLVM_MC,
      ['-triple=aarch64', '-mattr=+all', '-filetype=obj'],
      lines,
      /^<stdin>:(\d+):\d+: error/gm,
    );
    const gnu = refused(
      GNU_AS,
      ['-march=armv8.8-a+sve2+memtag+crypto+ls64'],
      lines,
      /:(\d+): Error/gm,
    );
    byBoth = new Set([...llvm].filter((it) => gnu.has(it)));
    byEither = new Set([...llvm, ...gnu]);
    ours = reported(lines);
  });

  it('are none where both assemblers accept', () => {
    assert.deepEqual(
      [...ours].filter((it) => !byEither.has(it)).map((it) => lines[it]),
      [],
    );
  });

  it('are at least 95 % of what both refuse', () => {
    const missed = [...byBoth].filter((it) => !ours.has(it));
    assert.ok(byBoth.size > 1000, `${byBoth.size} lines are refused`);
    const share = 1 - missed.length / byBoth.size;
    assert.ok(
      share >= 0.95,
      `${(share * 100).toFixed(1)} %; missed: ${missed
        .slice(0, 20)
        .map((it) => lines[it])
        .join(' | ')}`,
    );
  });
});
