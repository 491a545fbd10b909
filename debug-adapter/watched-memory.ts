/**
 * What the client has read of the guest's memory, so that it can be told when the debugger changes some. VS Code
 * compares memory references as text and takes offsets other than 0 wrongly, so each reference that it used is named
 * again, from offset 0 on.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';

const MOST_REFERENCES = 64;

export class WatchedMemory {
  /** Bytes from offset 0 on, by the reference as the client wrote it. */
  readonly #extents = new Map<string, number>();

  note({ memoryReference, offset = 0, count }: DebugProtocol.ReadMemoryArguments): void {
    const extent = Math.max(this.#extents.get(memoryReference) ?? 0, offset + count);
    this.#extents.delete(memoryReference);
    this.#extents.set(memoryReference, extent);
    const [oldest] = this.#extents.keys();
    if (this.#extents.size > MOST_REFERENCES && oldest !== undefined) this.#extents.delete(oldest);
  }

  changes(): DebugProtocol.MemoryEvent['body'][] {
    return [...this.#extents].map(([memoryReference, count]) => ({
      memoryReference,
      offset: 0,
      count,
    }));
  }
}
