/** The least that a client of the debug adapter needs, in one process with it: requests, and events to wait for. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { createNodeHost } from '../../debug-adapter/hosts/node-host.ts';
import { machineFactory } from '../../debug-adapter/machine-factory.ts';
import { TraplineSession } from '../../debug-adapter/session.ts';

type Stopped = DebugProtocol.StoppedEvent['body'];
/** How a run ended: at a stop, or with the guest. */
export type RunResult =
  | { readonly kind: 'stopped'; readonly stop: Stopped }
  | { readonly kind: 'exited'; readonly exitCode: number };

export class DemoClient {
  readonly #session: TraplineSession;
  readonly #responses = new Map<number, (response: DebugProtocol.Response) => void>();
  readonly #onOutput: (text: string, category: string) => void;
  #seq = 1;
  #initialized: (() => void) | undefined;
  #ran: ((result: RunResult) => void) | undefined;

  constructor(onOutput: (text: string, category: string) => void) {
    this.#onOutput = onOutput;
    const host = createNodeHost({
      workspaceFolders: [],
      log: (text) => {
        console.error(text);
      },
    });
    this.#session = new TraplineSession(host, machineFactory);
    this.#session.setRunAsServer(true);
    this.#session.onDidSendMessage((message) => {
      this.#receive(message as DebugProtocol.ProtocolMessage);
    });
  }

  /** The body of the response. @throws Error with the adapter's sentence */
  async send<Body>(command: string, args: Record<string, unknown> = {}): Promise<Body> {
    const seq = this.#seq++;
    const response = await new Promise<DebugProtocol.Response>((resolve) => {
      this.#responses.set(seq, resolve);
      const request: DebugProtocol.Request = { seq, type: 'request', command, arguments: args };
      this.#session.handleMessage(request);
    });
    if (!response.success) throw new Error(response.message ?? `${command} failed`);
    return response.body as Body;
  }

  /** Launches and runs to the first stop. */
  async launch(
    configuration: Record<string, unknown>,
    configure: () => Promise<void>,
  ): Promise<RunResult> {
    await this.send('initialize', { adapterID: 'trapline', clientID: 'demo' });
    const initialized = new Promise<void>((resolve) => {
      this.#initialized = resolve;
    });
    await this.send('launch', { pace: 'none', ...configuration });
    await initialized;
    await configure();
    return this.run('configurationDone');
  }

  /** Sends a request that lets the guest run, and waits until it stands still. */
  async run(command: string, args: Record<string, unknown> = {}): Promise<RunResult> {
    const result = new Promise<RunResult>((resolve) => {
      this.#ran = resolve;
    });
    await this.send(command, { threadId: 1, ...args });
    return result;
  }

  #receive(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'response') {
      const response = message as DebugProtocol.Response;
      this.#responses.get(response.request_seq)?.(response);
      this.#responses.delete(response.request_seq);
      return;
    }
    const { event, body } = message as Omit<DebugProtocol.Event, 'body'> & {
      readonly body?: unknown;
    };
    switch (event) {
      case 'initialized':
        this.#initialized?.();
        break;
      case 'stopped':
        this.#ran?.({ kind: 'stopped', stop: body as Stopped });
        break;
      case 'exited': {
        const { exitCode } = body as DebugProtocol.ExitedEvent['body'];
        this.#ran?.({ kind: 'exited', exitCode });
        break;
      }
      case 'output': {
        const { output, category = 'console' } = body as DebugProtocol.OutputEvent['body'];
        this.#onOutput(output, category);
        break;
      }
      default:
        break;
    }
  }
}
