/** What the user typed into "Set watchpoint…": an address or an expression; and lengths. */

/** An address in hexadecimal, as DAP memory references are; anything else is an expression. */
export function parseTarget(
  text: string,
): { readonly address: string } | { readonly expression: string } | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  return /^0x[0-9a-f]{1,16}$/i.test(trimmed)
    ? { address: trimmed.toLowerCase() }
    : { expression: trimmed };
}

/** Bytes, decimal or hexadecimal; or a sentence that says what is wrong. */
export function parseLength(text: string): number | string {
  const trimmed = text.trim();
  const length = /^(\d+|0x[0-9a-f]+)$/i.test(trimmed) ? Number(trimmed) : 0;
  return length >= 1 && length <= 0x8000_0000
    ? length
    : 'Give a number of bytes from 1 to 0x80000000, such as 4 or 0x100.';
}
