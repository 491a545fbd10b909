/**
 * The lines of a file in chunks that outlive edits. An edit replaces `Line` objects, so what was found out about
 * a chunk holds as long as its lines are the same objects; a keystroke touches one or two chunks.
 */
import type { Line, Untouched } from './document.ts';

/** Lines of a chunk, at most. */
const CHUNK_LENGTH = 32;

export interface LineChunk<T> {
  readonly lines: readonly Line[];
  /** The row of the first line; kept up to date by `update`. */
  first: number;
  /** What the owner knows of the lines. */
  result: T | undefined;
}

/** Whether `all` has the lines `part` from row `first` on. */
export function hasLines(all: readonly Line[], first: number, part: readonly Line[]): boolean {
  for (let index = 0; index < part.length; index += 1) {
    if (part[index] !== all[first + index]) return false;
  }
  return true;
}

export class LineChunks<T> {
  #chunks: LineChunk<T>[] = [];

  /** Chunks whose lines are still there keep their results; what is known to be untouched is not compared. */
  update(
    lines: readonly Line[],
    { head: untouchedHead, tail: untouchedTail }: Untouched = { head: 0, tail: 0 },
  ): readonly LineChunk<T>[] {
    const chunks = this.#chunks;
    const tailStart = lines.length - untouchedTail;
    const last = chunks.at(-1);
    const delta = lines.length - (last ? last.first + last.lines.length : 0);
    let head = 0;
    let from = 0;
    for (; head < chunks.length; head += 1) {
      const chunk = chunks[head];
      if (!chunk) break;
      const end = chunk.first + chunk.lines.length;
      if (end > untouchedHead && !hasLines(lines, chunk.first, chunk.lines)) break;
      from = end;
    }
    if (from === lines.length && head === chunks.length) return chunks;
    let tail = chunks.length;
    let to = lines.length;
    for (; tail > head; tail -= 1) {
      const chunk = chunks[tail - 1];
      if (!chunk || chunk.first + delta < from) break;
      const first = chunk.first + delta;
      if (first < tailStart && !hasLines(lines, first, chunk.lines)) break;
      chunk.first = first;
      to = chunk.first;
    }
    const fresh: LineChunk<T>[] = [];
    for (let first = from; first < to; first += CHUNK_LENGTH) {
      const end = Math.min(first + CHUNK_LENGTH, to);
      fresh.push({ lines: lines.slice(first, end), first, result: undefined });
    }
    this.#chunks = [...chunks.slice(0, head), ...fresh, ...chunks.slice(tail)];
    return this.#chunks;
  }
}
