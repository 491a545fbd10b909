/** RFC 4648, base 64, which DAP has for memory. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const digit = (shift: number): string => ALPHABET.charAt((group >> shift) & 63);
    parts.push(
      digit(18),
      digit(12),
      at + 1 < bytes.length ? digit(6) : '=',
      at + 2 < bytes.length ? digit(0) : '=',
    );
  }
  return parts.join('');
}

/** @returns undefined where the text is not base 64 */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s/g, '').replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((digits.length * 6) / 8));
  let buffer = 0;
  let bits = 0;
  let at = 0;
  for (const digit of digits) {
    buffer = ((buffer << 6) | ALPHABET.indexOf(digit)) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (buffer >> bits) & 0xff;
    }
  }
  return bytes;
}
