/** Makes what a guest prints safe to show: text and colours pass, what clears or retitles a terminal does not. */

/** ECMA-48: the final bytes of control sequences that only change how the following text looks. */
const SGR = 'm';
const ESC = '\x1b';
/** A sequence longer than this is not one; it is shown without its escape character. */
const LONGEST_SEQUENCE = 256;

/**
 * Decodes UTF-8 and filters escape sequences, both across the borders of the chunks it is fed.
 * Kept: printable text, newline, tab, SGR. Dropped: other CSI, OSC, DCS, APC, PM, SOS, single escapes, other C0 controls.
 */
export class GuestOutput {
  readonly #decoder = new TextDecoder();
  #pending = '';

  /** The text to show for these bytes; what may be the start of a sequence is kept for the next call. */
  feed(bytes: Uint8Array): string {
    const text = this.#pending + this.#decoder.decode(bytes, { stream: true });
    this.#pending = '';
    let shown = '';
    let at = 0;
    while (at < text.length) {
      const character = text.charAt(at);
      if (character !== ESC) {
        if (isShown(character)) shown += character;
        at += 1;
        continue;
      }
      const end = endOfSequence(text, at);
      if (end === undefined) {
        if (text.length - at < LONGEST_SEQUENCE) {
          this.#pending = text.slice(at);
          break;
        }
        at += 1;
        continue;
      }
      if (text.charAt(at + 1) === '[' && text.charAt(end - 1) === SGR) shown += text.slice(at, end);
      at = end;
    }
    return shown;
  }
}

function isShown(character: string): boolean {
  if (character === '\n' || character === '\t') return true;
  const code = character.charCodeAt(0);
  // C0 and C1 controls, DEL; carriage returns would print lines twice in clients that treat them as new lines.
  return code >= 0x20 && !(code >= 0x7f && code < 0xa0);
}

/** Index behind the escape sequence that starts at `start`; undefined when it is not complete. */
function endOfSequence(text: string, start: number): number | undefined {
  const kind = text.charAt(start + 1);
  if (kind === '') return undefined;
  if (kind === '[') {
    for (let at = start + 2; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code >= 0x40 && code <= 0x7e) return at + 1;
      // Not a parameter or intermediate byte: the sequence is broken off here.
      if (code < 0x20 || code > 0x3f) return at;
    }
    return undefined;
  }
  if (']PX^_'.includes(kind)) {
    for (let at = start + 2; at < text.length; at++) {
      if (text.charAt(at) === '\x07') return at + 1;
      if (text.charAt(at) === ESC) return text.charAt(at + 1) === '\\' ? at + 2 : at;
    }
    return undefined;
  }
  // Intermediate bytes, then one final byte: charset selection and the like.
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) >= 0x20 && text.charCodeAt(at) <= 0x2f) at += 1;
  return at < text.length ? at + 1 : undefined;
}
