/** Compares our tables with what readelf printed, for the recorded fixtures and for fresh builds. */
import assert from 'node:assert/strict';
import type { FrameRow } from '../../../../debug-adapter/symbols/cfi.ts';
import type { DebugInfo } from '../../../../debug-adapter/symbols/debug-info.ts';
import {
  ROW_END_SEQUENCE,
  ROW_IS_STMT,
} from '../../../../debug-adapter/symbols/dwarf/line-program.ts';
import { registerName } from '../../../../debug-adapter/symbols/location.ts';

/** A row as readelf --debug-dump=frames-interp prints it, for the registers of its heading. */
function asReadelf(row: FrameRow, columns: readonly string[]): string[] {
  const { cfa } = row;
  const signed = (offset: bigint): string => (offset < 0n ? `${offset}` : `+${offset}`);
  const cells = [
    cfa.kind === 'register'
      ? `${registerName(cfa.register).toLowerCase()}${signed(cfa.offset)}`
      : 'exp',
  ];
  for (const column of columns) {
    const register = column === 'ra' ? 30 : Number(column.replace(/^[xv]/, ''));
    const number = column.startsWith('v') ? register + 64 : register;
    const rule = row.rules.get(number);
    if (rule === undefined || rule.kind === 'undefined') cells.push('u');
    else if (rule.kind === 'sameValue') cells.push('s');
    else if (rule.kind === 'offset') cells.push(`c${signed(rule.offset)}`);
    else cells.push(rule.kind);
  }
  return cells;
}

/** @param expected lines of `readelf -wF` that start an FDE, head a table or are a row of one */
export function compareFrames(info: DebugInfo, expected: readonly string[]): number {
  let columns: string[] = [];
  let range: { low: bigint; high: bigint } | undefined;
  let compared = 0;
  for (const line of expected) {
    const fde = /pc=([0-9a-f]+)\.\.([0-9a-f]+)/.exec(line);
    if (fde !== null) {
      range = { low: BigInt(`0x${fde[1] ?? ''}`), high: BigInt(`0x${fde[2] ?? ''}`) };
      // What the linker discarded is left at 0.
      if (!info.image.occupies(range.low)) range = { low: 0n, high: 0n };
      // Without a table of its own an FDE has the rules of its CIE.
      const row = info.frames.rowAt(range.low);
      if (row !== undefined) {
        assert.deepEqual(row.cfa, { kind: 'register', register: 31, offset: 0n });
      }
      continue;
    }
    const words = line.trim().split(/\s+/);
    if (words[0] === 'LOC') {
      columns = words.slice(2);
      continue;
    }
    const address = BigInt(`0x${words[0] ?? ''}`);
    if (range === undefined || address < range.low || address >= range.high) continue;
    const row = info.frames.rowAt(address);
    assert.ok(row, `no rules at 0x${address.toString(16)}`);
    assert.deepEqual(asReadelf(row, columns), words.slice(1), `at 0x${address.toString(16)}`);
    compared++;
  }
  assert.deepEqual(info.frames.problems, []);
  return compared;
}

/** @param expected `<line> <address> stmt?` for each row of `readelf -wL` */
export function compareLines(info: DebugInfo, expected: readonly string[]): void {
  const rows: string[] = [];
  for (const { lines } of info.compileUnits) {
    for (const [i, address] of lines.addresses.entries()) {
      const flags = lines.flags[i] ?? 0;
      if (flags & ROW_END_SEQUENCE) continue;
      const stmt = flags & ROW_IS_STMT ? 'stmt' : '';
      rows.push(`${lines.lines[i] ?? 0} 0x${address.toString(16)} ${stmt}`);
    }
  }
  // readelf prints the end of a sequence as a row without a line number ("-").
  assert.deepEqual(
    rows,
    expected.filter((row) => /^\d/.test(row)),
  );
  assert.deepEqual(info.problems, []);
}
