/** Output of a running guest, gathered per slice: a logpoint in a hot loop must not drown the client. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ConsoleOutput } from './debuggee.ts';

/** Lines with a place of their own that one slice may send. */
const MOST_PLACED = 500;

export class OutputQueue {
  readonly #send: (body: DebugProtocol.OutputEvent['body']) => void;
  #waiting: ConsoleOutput[] = [];
  #dropped = 0;

  constructor(send: (body: DebugProtocol.OutputEvent['body']) => void) {
    this.#send = send;
  }

  add(output: ConsoleOutput): void {
    const last = this.#waiting.at(-1);
    const joins =
      last?.category === output.category &&
      last.line === output.line &&
      last.source?.path === output.source?.path;
    if (joins) {
      this.#waiting[this.#waiting.length - 1] = { ...last, text: last.text + output.text };
    } else if (this.#waiting.length >= MOST_PLACED && output.category === 'console') {
      this.#dropped += 1;
    } else {
      this.#waiting.push(output);
    }
  }

  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { category, text, source, line } of waiting) {
      this.#send({
        category,
        output: text,
        ...(source !== undefined && { source }),
        ...(line !== undefined && { line }),
      });
    }
    if (this.#dropped > 0) {
      this.#send({ category: 'console', output: `... and ${this.#dropped} more messages.\n` });
      this.#dropped = 0;
    }
  }
}
