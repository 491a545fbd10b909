/** The benchmark's results, as a table for people or as JSON. */

export interface Result {
  readonly name: string;
  /** Of both figures. */
  readonly unit: 'MIPS' | '1/s' | 'times slower' | 'ms' | 'ns' | 'MB';
  readonly ours: number;
  /** QEMU, under gdb where a debugger takes part; undefined where it was not measured. */
  readonly theirs?: number | undefined;
  readonly target?: Target | undefined;
  readonly note?: string | undefined;
}

/** What has to be reached: a ratio to the other figure, or a figure of ours. */
export type Target =
  | { readonly kind: 'ratio'; readonly atLeast: number }
  | { readonly kind: 'ours'; readonly atLeast: number }
  | { readonly kind: 'ours'; readonly below: number };

/** Ours to theirs, so that more is better: a rate is divided by theirs, a time or a slow-down divides it. */
export function ratioOf({ unit, ours, theirs }: Result): number | undefined {
  if (theirs === undefined || theirs === 0 || ours === 0) return undefined;
  return unit === 'MIPS' || unit === '1/s' ? ours / theirs : theirs / ours;
}

function verdict(result: Result): string {
  const { target, ours } = result;
  if (target === undefined) return '';
  if (target.kind === 'ratio') {
    const ratio = ratioOf(result);
    const wanted = `at least ${target.atLeast}x`;
    return ratio === undefined ? wanted : `${wanted}: ${reached(ratio >= target.atLeast)}`;
  }
  if ('atLeast' in target)
    return `at least ${figure(target.atLeast)}: ${reached(ours >= target.atLeast)}`;
  return `below ${figure(target.below)}: ${reached(ours < target.below)}`;
}

function reached(isReached: boolean): string {
  return isReached ? 'reached' : 'MISSED';
}

function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(2).replace(/\.0$/, '');
}

const HEADINGS = ['', 'unit', 'Trapline', 'QEMU', 'ratio', 'target', ''] as const;

export function table(results: readonly Result[]): string {
  const rows = results.map((result): readonly string[] => {
    const ratio = ratioOf(result);
    return [
      result.name,
      result.unit,
      figure(result.ours),
      result.theirs === undefined ? '-' : figure(result.theirs),
      ratio === undefined ? '-' : `${figure(ratio)}x`,
      verdict(result),
      result.note ?? '',
    ];
  });
  const all = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return column >= 2 && column <= 4 ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
