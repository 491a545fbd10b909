/**
 * Where C, C++ and Rust use the symbols of assembly. Of a file that is not open only hashes of its identifiers are
 * kept, some bytes for each, so that a search reads the files that may have the name and no others.
 */

export interface NamePlace {
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** FNV-1a over UTF-16 units, 32 bits. */
function hashOf(text: string, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}

const isLetter = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;

const [NEWLINE, DOUBLE, SINGLE, STAR, SLASH, BACKSLASH, DOT, DASH, GREATER, OPEN, CLOSE] = [
  10, 34, 39, 42, 47, 92, 46, 45, 62, 123, 125,
] as const;

/** The end of the string that opens at a place: after its closing quote, or where its line ends. */
function afterString(text: string, open: number): number {
  let at = open + 1;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOUBLE) return at + 1;
    if (code === NEWLINE) return at;
    if (code === BACKSLASH) at += 1;
  }
  return at;
}

/** The end of a character literal, or of the quote alone where it opens a lifetime of Rust or divides digits. */
function afterQuote(text: string, open: number): number {
  if (text.charCodeAt(open + 1) === BACKSLASH) {
    const close = text.indexOf("'", open + 3);
    return close >= 0 && close - open < 14 ? close + 1 : open + 1;
  }
  return text.charCodeAt(open + 2) === SINGLE ? open + 3 : open + 1;
}

/** Calls back for each identifier that is no member, outside comments and strings, with the braces around it. */
function eachName(text: string, found: (start: number, end: number, depth: number) => void): void {
  let depth = 0;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    if (isLetter(code)) {
      const start = at;
      do at += 1;
      while (at < text.length && (isLetter(text.charCodeAt(at)) || isDigit(text.charCodeAt(at))));
      const before = text.charCodeAt(start - 1);
      const isMember =
        before === DOT || (before === GREATER && text.charCodeAt(start - 2) === DASH);
      if (!isMember) found(start, at, depth);
    } else if (isDigit(code)) {
      do at += 1;
      while (at < text.length && (isLetter(text.charCodeAt(at)) || isDigit(text.charCodeAt(at))));
    } else if (code === SLASH && text.charCodeAt(at + 1) === SLASH) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if (code === SLASH && text.charCodeAt(at + 1) === STAR) {
      const end = text.indexOf('*/', at + 2);
      at = end < 0 ? text.length : end + 2;
    } else if (code === DOUBLE) at = afterString(text, at);
    else if (code === SINGLE) at = afterQuote(text, at);
    else {
      if (code === OPEN) depth += 1;
      else if (code === CLOSE && depth > 0) depth -= 1;
      at += 1;
    }
  }
}

/** Whether a function's body follows the parentheses after its name. */
function hasBody(text: string, afterName: number): boolean {
  const opening = /^\s*\(/.exec(text.slice(afterName, afterName + 100));
  if (!opening) return false;
  let at = afterName + opening[0].length;
  for (let open = 1; open > 0 && at < text.length; at += 1) {
    const mark = text.charAt(at);
    if (mark === '(') open += 1;
    else if (mark === ')') open -= 1;
    else if (mark === ';' || mark === '{') return false;
  }
  return /^[^;{},=]*\{/.test(text.slice(at, at + 300));
}

/** Where a text has the name; nowhere where it defines a function of that name itself. */
export function placesOfName(text: string, name: string): NamePlace[] {
  if (!text.includes(name)) return [];
  const starts: number[] = [];
  const definitions: number[] = [];
  eachName(text, (start, end, depth) => {
    if (end - start !== name.length || !text.startsWith(name, start)) return;
    starts.push(start);
    if (depth === 0 && hasBody(text, end)) definitions.push(start);
  });
  if (definitions.length > 0) return [];
  let line = 0;
  let lineStart = 0;
  return starts.map((start) => {
    for (let next = text.indexOf('\n', lineStart); next >= 0 && next < start;) {
      line += 1;
      lineStart = next + 1;
      next = text.indexOf('\n', lineStart);
    }
    return { line, start: start - lineStart, end: start - lineStart + name.length };
  });
}

export class HostNames {
  /** Sorted. */
  readonly #hashes = new Map<string, Uint32Array>();

  /** A file as it is on disk. */
  index(uri: string, text: string): void {
    const hashes = new Set<number>();
    eachName(text, (start, end) => hashes.add(hashOf(text, start, end)));
    this.#hashes.set(uri, Uint32Array.from(hashes).sort());
  }

  remove(uri: string): void {
    this.#hashes.delete(uri);
  }

  /** Files that may have the name. */
  candidates(name: string): string[] {
    const wanted = hashOf(name, 0, name.length);
    return [...this.#hashes].flatMap(([uri, hashes]) => (contains(hashes, wanted) ? [uri] : []));
  }
}

function contains(sorted: Uint32Array, wanted: number): boolean {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = sorted[middle] ?? 0;
    if (found === wanted) return true;
    if (found < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}
