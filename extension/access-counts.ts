/** Counts of trapped and straight accesses as they read in the source. */
import type { AccessCountRow } from '../debug-adapter/custom-requests.ts';

/** By absolute path and line, from 1. Rows without a source line are left out. */
export function rowsByLine(
  rows: readonly AccessCountRow[],
): Map<string, Map<number, AccessCountRow[]>> {
  const files = new Map<string, Map<number, AccessCountRow[]>>();
  for (const row of rows) {
    if (row.path === undefined || row.line === undefined) continue;
    const lines = files.get(row.path) ?? new Map<number, AccessCountRow[]>();
    files.set(row.path, lines);
    lines.set(row.line, [...(lines.get(row.line) ?? []), row]);
  }
  return files;
}

/** `trapped 3, straight 120`: sums over the instructions of one line. */
export function labelOf(rows: readonly AccessCountRow[]): string {
  const sum = (how: 'trapped' | 'straight'): string =>
    rows.reduce((total, row) => total + row[how], 0).toLocaleString('en-US');
  return `trapped ${sum('trapped')}, straight ${sum('straight')}`;
}

/** A Markdown table with a row for each instruction of the line. */
export function tooltipOf(rows: readonly AccessCountRow[]): string {
  const table = rows.map(({ address, register, direction, trapped, straight }) => {
    const instruction = direction === 'read' ? `mrs …, ${register}` : `msr ${register}, …`;
    return `| \`${address}\` | \`${instruction}\` | ${trapped} | ${straight} |`;
  });
  return [
    'Accesses to registers that the hypervisor can take from the guest, since the guest was started:',
    '',
    '| address | instruction | trapped to EL2 | straight through |',
    '|-|-|-:|-:|',
    ...table,
  ].join('\n');
}
