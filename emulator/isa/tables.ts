/** The entry of a table that fields of an instruction index. */
export function entryOf<T>(table: readonly T[], index: number): T {
  const entry = table[index];
  if (entry === undefined) throw new TypeError(`a table of ${table.length} has no entry ${index}`);
  return entry;
}
