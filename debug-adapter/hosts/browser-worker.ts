/**
 * The adapter in a browser's worker, for editors that run in a web page. Files come from the page, which has the
 * workspace: this worker asks by message and waits for the answer.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { HostFileError, type Host } from '../host.ts';
import { machineFactory } from '../machine-factory.ts';
import { TraplineSession } from '../session.ts';
import { gunzip } from './gunzip.ts';

/** The part of a dedicated worker's global object that is used here. Source: WHATWG, "Web workers". */
interface WorkerScope {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  close(): void;
  setTimeout(callback: () => void, milliseconds: number): number;
  clearTimeout(handle: number): void;
  readonly performance: { now(): number };
  readonly MessageChannel: new () => {
    readonly port1: { onmessage: (() => void) | null };
    readonly port2: { postMessage(message: unknown): void };
  };
}

/** What the worker asks of the page. */
export type FileRequest =
  | { readonly type: 'file'; readonly id: number; readonly kind: 'read'; readonly path: string }
  | { readonly type: 'file'; readonly id: number; readonly kind: 'isFile'; readonly path: string }
  | { readonly type: 'file'; readonly id: number; readonly kind: 'list' };

/** The page's answer. `error` completes a sentence; `missing` says that there is no such file. */
export interface FileAnswer {
  readonly type: 'file';
  readonly id: number;
  readonly bytes?: Uint8Array;
  readonly isFile?: boolean;
  readonly paths?: readonly string[];
  readonly error?: string;
  readonly missing?: boolean;
}

const scope = globalThis as unknown as WorkerScope;

class PageFiles {
  readonly #waiting = new Map<number, (answer: FileAnswer) => void>();
  #next = 1;

  ask(question: { kind: 'read' | 'isFile'; path: string } | { kind: 'list' }): Promise<FileAnswer> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      scope.postMessage({ type: 'file', id, ...question } satisfies FileRequest);
    });
  }

  answer(answer: FileAnswer): void {
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
  }
}

function createBrowserHost(files: PageFiles): Host {
  // A timer of 0 ms is delayed to 4 ms by browsers; a message to oneself is not.
  const channel = new scope.MessageChannel();
  const deferred: (() => void)[] = [];
  channel.port1.onmessage = () => {
    deferred.shift()?.();
  };
  return {
    async readFile(path) {
      const { bytes, error, missing } = await files.ask({ kind: 'read', path });
      if (bytes !== undefined) return bytes;
      throw new HostFileError(missing === true ? 'missing' : 'unreadable', error ?? 'no answer');
    },
    async isFile(path) {
      return (await files.ask({ kind: 'isFile', path })).isFile === true;
    },
    async listFiles() {
      return (await files.ask({ kind: 'list' })).paths ?? [];
    },
    inflate: undefined,
    gunzip,
    now: () => scope.performance.now(),
    secondsSince1970: () => Math.floor(Date.now() / 1000),
    defer(callback) {
      deferred.push(callback);
      channel.port2.postMessage(undefined);
    },
    after(milliseconds, callback) {
      const timer = scope.setTimeout(callback, milliseconds);
      return () => {
        scope.clearTimeout(timer);
      };
    },
    log(text) {
      scope.postMessage({ type: 'log', text });
    },
  };
}

const files = new PageFiles();
const session = new TraplineSession(createBrowserHost(files), machineFactory);
session.onEnded = () => {
  scope.close();
};
session.onDidSendMessage((message) => {
  scope.postMessage(message);
});
scope.addEventListener('message', ({ data }) => {
  const message = data as { readonly type: string };
  if (message.type === 'file') files.answer(message as FileAnswer);
  else session.handleMessage(message as DebugProtocol.ProtocolMessage);
});
