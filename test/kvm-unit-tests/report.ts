/** The table of results, as a Markdown page. */
import type { Outcome } from './outcome.ts';

export interface Row {
  readonly test: string;
  /** Debug policy under which it ran. */
  readonly policy: string;
  readonly ours: Outcome & { readonly instructions: number };
  /** Undefined where QEMU is not installed. */
  readonly theirs: Outcome | undefined;
}

const HEADINGS = ['test', 'policy', 'Trapline', 'P/F/S', 'QEMU', 'P/F/S', 'instructions'] as const;

export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ test, policy, ours, theirs }): readonly string[] => [
    test,
    policy,
    ours.verdict,
    counts(ours),
    theirs?.verdict ?? '-',
    theirs === undefined ? '-' : counts(theirs),
    ours.instructions.toLocaleString('en-US'),
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(HEADINGS), rule, ...cells.map(line)].join('\n');
}

function counts({ passed, failed, skipped }: Outcome): string {
  return `${passed}/${failed}/${skipped}`;
}

/** A test passes when it does under each policy. `failed` are those that failed, or did not end, under one. */
export function totals(outcomes: readonly { readonly test: string; readonly outcome: Outcome }[]): {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
} {
  const names = [...new Set(outcomes.map(({ test }) => test))];
  const verdicts = names.map((name) => {
    const of = outcomes.filter(({ test }) => test === name).map(({ outcome }) => outcome.verdict);
    if (of.some((verdict) => verdict === 'FAIL' || verdict === 'no end')) return 'failed';
    return of.some((verdict) => verdict === 'SKIP') ? 'skipped' : 'passed';
  });
  const number = (kind: string): number => verdicts.filter((verdict) => verdict === kind).length;
  return { passed: number('passed'), failed: number('failed'), skipped: number('skipped') };
}
