/** Questions about lines that debuggers ask, over one line table. */
import {
  ROW_END_SEQUENCE,
  ROW_IS_STMT,
  ROW_PROLOGUE_END,
  type LineSequence,
  type LineTable,
} from './dwarf/line-program.ts';

export interface LineRow {
  readonly address: bigint;
  /** First address past the code of the row. */
  readonly end: bigint;
  readonly file: string;
  /** 0 for code that belongs to no line. */
  readonly line: number;
  /** 0 when the compiler gave none. */
  readonly column: number;
  readonly isStmt: boolean;
  readonly isPrologueEnd: boolean;
}

export function sequenceAt(table: LineTable, address: bigint): LineSequence | undefined {
  let low = 0;
  let high = table.sequences.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((table.sequences[middle]?.low ?? 0n) <= address) low = middle + 1;
    else high = middle;
  }
  const sequence = table.sequences[low - 1];
  return sequence !== undefined && address < sequence.high ? sequence : undefined;
}

/**
 * Index of the row whose code holds an address. Of several rows at one address the last is_stmt one
 * counts, or the last one when none is.
 */
export function rowIndexAt(table: LineTable, address: bigint): number | undefined {
  const sequence = sequenceAt(table, address);
  if (sequence === undefined) return undefined;
  let low = sequence.firstRow;
  let high = sequence.lastRow;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((table.addresses[middle] ?? 0n) <= address) low = middle + 1;
    else high = middle;
  }
  const last = low - 1;
  const start = table.addresses[last];
  for (let i = last; i >= sequence.firstRow && table.addresses[i] === start; i--) {
    if (((table.flags[i] ?? 0) & ROW_IS_STMT) !== 0) return i;
  }
  return last;
}

/** A row that no other one at the same address overrides; undefined for the others. */
export function rowAt(table: LineTable, index: number): LineRow | undefined {
  const address = table.addresses[index];
  const flags = table.flags[index] ?? 0;
  if (address === undefined || (flags & ROW_END_SEQUENCE) !== 0) return undefined;
  let next = index + 1;
  while (table.addresses[next] === address && ((table.flags[next] ?? 0) & ROW_END_SEQUENCE) === 0) {
    next++;
  }
  return {
    address,
    end: table.addresses[next] ?? address,
    file: table.files[table.fileIndices[index] ?? 0] ?? '',
    line: table.lines[index] ?? 0,
    column: table.columns[index] ?? 0,
    isStmt: (flags & ROW_IS_STMT) !== 0,
    isPrologueEnd: (flags & ROW_PROLOGUE_END) !== 0,
  };
}

/** Rows with code in [low, high), ascending; rows without code of their own are left out. */
export function* rowsIn(table: LineTable, low: bigint, high: bigint): Generator<LineRow> {
  for (const sequence of table.sequences) {
    if (sequence.high <= low || sequence.low >= high) continue;
    for (let i = firstRowFrom(table, sequence, low); i < sequence.lastRow; i++) {
      const address = table.addresses[i] ?? 0n;
      if (address >= high) break;
      if (i + 1 <= sequence.lastRow && table.addresses[i + 1] === address) continue;
      const row = rowAt(table, rowIndexAt(table, address) ?? i);
      if (row !== undefined) yield row;
    }
  }
}

/** First row of the sequence that still has code at or after `low`. */
function firstRowFrom(table: LineTable, sequence: LineSequence, low: bigint): number {
  if (low <= sequence.low) return sequence.firstRow;
  let index = rowIndexAt(table, low) ?? sequence.firstRow;
  while (index > sequence.firstRow && table.addresses[index - 1] === table.addresses[index])
    index--;
  return index;
}

/**
 * The addresses around `address` whose code belongs to the same line of the same file; code without
 * a line that follows belongs to it too.
 */
export function sameLineRange(
  table: LineTable,
  address: bigint,
): { readonly low: bigint; readonly high: bigint } | undefined {
  const sequence = sequenceAt(table, address);
  const index = rowIndexAt(table, address);
  if (sequence === undefined || index === undefined) return undefined;
  const line = table.lines[index];
  const file = table.fileIndices[index];
  const belongs = (row: number): boolean =>
    table.lines[row] === 0 || (table.lines[row] === line && table.fileIndices[row] === file);
  const start = table.addresses[index] ?? address;
  let low = start;
  for (let i = index; i >= sequence.firstRow; i--) {
    const at = table.addresses[i] ?? 0n;
    const effective = rowIndexAt(table, at) ?? i;
    if (!belongs(effective)) break;
    low = at;
  }
  let high = sequence.high;
  for (let i = index + 1; i <= sequence.lastRow; i++) {
    const at = table.addresses[i] ?? 0n;
    if (at === start) continue;
    if (i === sequence.lastRow) break;
    if (!belongs(rowIndexAt(table, at) ?? i)) {
      high = at;
      break;
    }
  }
  return { low, high };
}
