/** Hands memory back after much of it was needed for a moment: V8 keeps what reading a large file has left behind. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Milliseconds without work before the heap is tidied. */
const QUIET = 400;
/** Bytes of text from which on it is worth it. */
const LARGE = 256 * 1024;

type Collect = (options?: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

export class IdleMemory {
  #collect: Collect | undefined;
  #timer: NodeJS.Timeout | undefined;
  #read = 0;

  /** Text was read; `length` in UTF-16 units. */
  read(length: number): void {
    this.#read += length;
    if (this.#read >= LARGE) this.worked();
  }

  /** Something was asked: the heap is left alone for a while longer. */
  worked(): void {
    if (this.#read < LARGE) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#read = 0;
      const collect = this.#collector();
      collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
      // What the first one found to be free is given to the system by those after it.
      collect();
      collect();
    }, QUIET);
    this.#timer.unref();
  }

  #collector(): Collect {
    if (this.#collect === undefined) {
      setFlagsFromString('--expose-gc');
      this.#collect = runInNewContext('gc') as Collect;
    }
    return this.#collect;
  }
}
