/** The rows of the World Switch view, filtered by kind and register and grouped by entry of the guest. */
import type { WorldSwitchRow } from '../../debug-adapter/custom-requests.ts';
import { count } from './world-switch-text.ts';

/** Empty lists let everything through. */
export interface RowFilter {
  readonly kinds: readonly string[];
  readonly registers: readonly string[];
}

export const NO_FILTER: RowFilter = { kinds: [], registers: [] };

export function isFiltering({ kinds, registers }: RowFilter): boolean {
  return kinds.length > 0 || registers.length > 0;
}

export function passes(row: WorldSwitchRow, { kinds, registers }: RowFilter): boolean {
  return (
    (kinds.length === 0 || kinds.includes(row.kind)) &&
    (registers.length === 0 || (row.register !== undefined && registers.includes(row.register)))
  );
}

export function describeFilter({ kinds, registers }: RowFilter): string {
  return [...kinds, ...registers].join(', ');
}

/** What happened from one entry of the guest to the next. */
export interface EntryGroup {
  /** Sequence number of its first row. */
  readonly first: number;
  readonly title: string;
  readonly description: string;
  /** Those that pass the filter. */
  readonly rows: readonly WorldSwitchRow[];
}

/** Rows before the first entry make a group of their own; groups that the filter leaves empty are dropped. */
export function groupByEntry(rows: readonly WorldSwitchRow[], filter: RowFilter): EntryGroup[] {
  const groups: WorldSwitchRow[][] = [];
  for (const row of rows) {
    const last = groups.at(-1);
    if (last === undefined || row.kind === 'enter') groups.push([row]);
    else last.push(row);
  }
  return groups.flatMap((group) => {
    const shown = group.filter((row) => passes(row, filter));
    const [first] = group;
    if (first === undefined || shown.length === 0) return [];
    return [
      {
        first: first.seq,
        title: first.kind === 'enter' ? `Entry at ${first.guestPC}` : 'Before the first entry',
        description: summaryOf(group),
        rows: shown,
      },
    ];
  });
}

function summaryOf(group: readonly WorldSwitchRow[]): string {
  const number = (pattern: RegExp): number => group.filter(({ kind }) => pattern.test(kind)).length;
  const parts: [number, string][] = [
    [number(/^trap/), 'trap'],
    [number(/Save$/), 'save'],
    [number(/Load$/), 'load'],
    [number(/Write$/), 'control write'],
  ];
  const exit = group.find(({ kind }) => kind === 'exit')?.text;
  return [
    ...(exit === undefined ? [] : [exit]),
    ...parts.filter(([n]) => n > 0).map(([n, noun]) => count(n, noun)),
  ].join(' · ');
}

/** Kinds and registers that occur, in alphabetical order, with how often they do. */
export function choicesOf(rows: readonly WorldSwitchRow[]): {
  readonly kinds: readonly (readonly [string, number])[];
  readonly registers: readonly (readonly [string, number])[];
} {
  return {
    kinds: occurrences(rows.map(({ kind }) => kind)),
    registers: occurrences(rows.flatMap(({ register }) => register ?? [])),
  };
}

function occurrences(words: readonly string[]): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
}
