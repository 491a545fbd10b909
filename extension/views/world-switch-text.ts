/** How an event of the hypervisor reads: in a row of the view, in its tooltip, and in a text document. */
import path from 'node:path';
import type { WorldSwitchRow } from '../../debug-adapter/custom-requests.ts';
import type { RegisterTotals } from './world-switch-log.ts';

/** Longer texts push the rest of their line to the right rather than that of all lines. */
const LARGEST_COLUMN = 80;

/** What stands behind the event: the guest's place in its program. */
export function placeOf(row: WorldSwitchRow): string {
  const code = row.symbol === undefined ? row.guestPC : `${row.guestPC} <${row.symbol}>`;
  return row.path === undefined || row.line === undefined
    ? code
    : `${path.basename(row.path)}:${row.line} · ${code}`;
}

/** Events under a title, in columns; a line for each. */
export function documentOf(program: string, rows: readonly WorldSwitchRow[]): string {
  const first = rows[0]?.seq ?? 0;
  const missing = first === 0 ? '' : `; ${count(first, 'older event')} dropped`;
  const title = `World Switch of ${program}: ${count(rows.length, 'event')}${missing}`;
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map((it) => it.length));
  const width = Math.min(LARGEST_COLUMN, widest(rows.map(({ text }) => text)));
  const numberWidth = widest(rows.map(({ seq }) => `${seq}`));
  const lines = rows.map(
    (row) =>
      `${`${row.seq}`.padStart(numberWidth)}  EL${row.EL}  ${row.text.padEnd(width)}  ${placeOf(row)}`,
  );
  return `${[title, '', ...lines].join('\n')}\n`;
}

/** One line with everything, for screen readers. */
export function lineOf(row: WorldSwitchRow): string {
  return `${row.seq}  EL${row.EL}  ${row.text}  [${placeOf(row)}]`;
}

/** Every field that the event has, as name and value. */
export function fieldsOf(row: WorldSwitchRow): [name: string, value: string][] {
  const fields: [string, string | undefined][] = [
    ['event', `${row.seq}, ${row.kind}`],
    ['register', row.register],
    ['access', row.direction],
    ['old value', row.old],
    ['new value', row.new],
    ['guest PC', row.symbol === undefined ? row.guestPC : `${row.guestPC} <${row.symbol}>`],
    ['exception level', `EL${row.EL}`],
    ['source', row.path === undefined ? undefined : `${row.path}:${row.line ?? '?'}`],
    ['policy', row.policy],
    ['owner', row.owner],
  ];
  return fields.filter((field): field is [string, string] => field[1] !== undefined);
}

/** The name of a codicon for each family of events; kinds are the words of the hypervisor's log. */
export function iconOf(kind: string): string {
  const families: readonly [RegExp, string][] = [
    [/^trap/, 'zap'],
    [/^(undef|inject|warning)/, 'warning'],
    [/^mmio/, 'circuit-board'],
    [/^enter/, 'arrow-right'],
    [/^exit/, 'arrow-left'],
    [/^(bundle|fp|spe)Save/, 'arrow-up'],
    [/^(bundle|fp|spe)Load/, 'arrow-down'],
    [/^drain/, 'filter'],
    [/^remap/, 'arrow-both'],
    [/^evict/, 'sign-out'],
    [/^host/, 'server'],
    [/^device/, 'plug'],
    [/^load/, 'debug-start'],
    [/^put/, 'debug-disconnect'],
    [/^debugExit/, 'debug-pause'],
    [/^guestDebug/, 'debug-alt'],
    [/^flag/, 'tag'],
    [/^contextSwitch/, 'arrow-swap'],
    [/^policy/, 'law'],
    [/Write$/, 'edit'],
  ];
  return families.find(([pattern]) => pattern.test(kind))?.[1] ?? 'circle-small-filled';
}

export function totalsOf({ traps, reads, writes }: RegisterTotals): string {
  return `${count(traps, 'trap')} · ${count(reads, 'read')} · ${count(writes, 'write')}`;
}

/** `1 trap`, `2,000 traps`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}
