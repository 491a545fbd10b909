/**
 * What a table or a field yields for an encoding that `variant` has accepted. Text and semantics
 * are only asked of allocated encodings, so a missing entry is a mistake in a definition.
 */
export function allocated<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('the encoding is not allocated');
  return value;
}
