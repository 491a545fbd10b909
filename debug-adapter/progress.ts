/** Progress events of one long request. DAP, progressStart, progressUpdate, progressEnd. */
import type { DebugProtocol } from '@vscode/debugprotocol';

export const progressIdOf = (seq: number): string => `request-${seq}`;

interface ProgressOptions {
  readonly requestId: number;
  send(name: 'progressStart' | 'progressUpdate' | 'progressEnd', body: object): void;
}

export class Progress {
  readonly #progressId: string;
  readonly #title: string;
  readonly #options: ProgressOptions;
  #percentage: number | undefined;
  #message = '';

  constructor(progressId: string, title: string, options: ProgressOptions) {
    this.#progressId = progressId;
    this.#title = title;
    this.#options = options;
  }

  /** Tells the client when a percent or the message has changed. `fraction` from 0 to 1. */
  report(fraction: number, message: string): void {
    const percentage = Math.floor(100 * fraction);
    if (percentage === this.#percentage && message === this.#message) return;
    const started = this.#percentage !== undefined;
    this.#percentage = percentage;
    this.#message = message;
    const update = { progressId: this.#progressId, message, percentage };
    if (started) this.#options.send('progressUpdate', update);
    else {
      const body: DebugProtocol.ProgressStartEvent['body'] = {
        ...update,
        title: this.#title,
        requestId: this.#options.requestId,
        cancellable: true,
      };
      this.#options.send('progressStart', body);
    }
  }

  end(): void {
    if (this.#percentage === undefined) return;
    this.#options.send('progressEnd', { progressId: this.#progressId });
    this.#percentage = undefined;
  }
}
