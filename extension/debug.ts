/** The debug adapter as VS Code sees it: a worker thread that speaks the Debug Adapter Protocol over its message port. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import * as vscode from 'vscode';

export class AdapterFactory implements vscode.DebugAdapterDescriptorFactory {
  readonly #program: string;
  readonly #log: vscode.LogOutputChannel;
  readonly #ready: Readiness;

  /** `ready` resolves when everything that has to be set before the guest runs is set. */
  constructor(context: vscode.ExtensionContext, log: vscode.LogOutputChannel, ready: Readiness) {
    this.#program = path.join(context.extensionPath, 'dist', 'debug-adapter.cjs');
    this.#log = log;
    this.#ready = ready;
  }

  createDebugAdapterDescriptor(session: vscode.DebugSession): vscode.DebugAdapterDescriptor {
    // VS Code asks before it starts a session; this is for whoever starts one by another way.
    if (!vscode.workspace.isTrusted) {
      throw new Error(
        'This workspace is not trusted, so its guest is not started. Trust it with the command "Workspaces: Manage Workspace Trust", then try again.',
      );
    }
    const relay = new WorkerRelay(this.#program, this.#log, () => this.#ready(session));
    return new vscode.DebugAdapterInlineImplementation(relay);
  }
}

type Readiness = (session: vscode.DebugSession) => Promise<void>;

/** What the worker posts for the log, between the messages of the protocol. */
interface LogMessage {
  readonly type: 'log';
  readonly text: string;
}

/** Hands messages to the worker and back, and ends the session when the worker ends on its own. */
class WorkerRelay extends vscode.Disposable implements vscode.DebugAdapter {
  readonly #sent = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  readonly onDidSendMessage = this.#sent.event;
  readonly #worker: Worker;
  readonly #log: vscode.LogOutputChannel;
  readonly #ready: () => Promise<void>;
  #failed = false;
  #stopped = false;

  constructor(program: string, log: vscode.LogOutputChannel, ready: () => Promise<void>) {
    super(() => {
      this.#stop();
    });
    this.#log = log;
    this.#ready = ready;
    const workspaceFolders = (vscode.workspace.workspaceFolders ?? [])
      .filter(({ uri }) => uri.scheme === 'file')
      .map(({ uri }) => uri.fsPath);
    this.#worker = new Worker(program, { workerData: { workspaceFolders } });
    this.#worker.on('message', (message: DebugProtocol.ProtocolMessage | LogMessage) => {
      if (message.type === 'log') log.info((message as LogMessage).text);
      else this.#sent.fire(message);
    });
    this.#worker.on('error', (error) => {
      this.#fail(error.message, error.stack);
    });
    this.#worker.on('exit', (status) => {
      if (status !== 0) this.#fail(`its thread ended with status ${status}`, undefined);
    });
  }

  handleMessage(message: vscode.DebugProtocolMessage): void {
    const { type, command } = message as Partial<DebugProtocol.Request>;
    // The guest runs from here on. VS Code knows nothing of our watchpoints, so it does not wait for them.
    if (type === 'request' && command === 'configurationDone') {
      void this.#ready().then(() => {
        this.#post(message);
      });
    } else {
      this.#post(message);
    }
  }

  #post(message: vscode.DebugProtocolMessage): void {
    if (!this.#failed && !this.#stopped) this.#worker.postMessage(message);
  }

  #stop(): void {
    this.#stopped = true;
    void this.#worker.terminate();
    this.#sent.dispose();
  }

  #fail(reason: string, stack: string | undefined): void {
    if (this.#failed || this.#stopped) return;
    this.#failed = true;
    this.#log.error(`The debug adapter failed: ${stack ?? reason}`);
    const text = `Trapline itself failed (${reason}). This is a bug in Trapline, not in your guest; the output channel "Trapline" has the details. Start the guest again to go on.`;
    this.#event('output', { category: 'important', output: `${text}\n` });
    this.#event('terminated', {});
  }

  #event(event: string, body: object): void {
    const message: DebugProtocol.Event = { seq: 0, type: 'event', event, body };
    this.#sent.fire(message);
  }
}
