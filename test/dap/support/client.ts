/** A client in the same process: requests in, responses and events out, and a log of what a user would see. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { createNodeHost } from '../../../debug-adapter/hosts/node-host.ts';
import type { Host } from '../../../debug-adapter/host.ts';
import { checkingFactory } from '../../support/checking-factory.ts';
import { TraplineSession } from '../../../debug-adapter/session.ts';

/** An error response. */
export class RequestError extends Error {
  readonly id: number;
  readonly showUser: boolean;

  constructor(message: string, id: number, showUser: boolean) {
    super(message);
    this.name = 'RequestError';
    this.id = id;
    this.showUser = showUser;
  }
}

interface Waiter {
  readonly name: string;
  readonly matches: (event: DebugProtocol.Event) => boolean;
  readonly resolve: (event: DebugProtocol.Event) => void;
}

const EVENT_TIMEOUT = 15_000;

export class DapClient {
  readonly session: TraplineSession;
  /** Every event, in order. */
  readonly events: DebugProtocol.Event[] = [];
  /** What the adapter's developers would find in the log. */
  readonly logged: string[] = [];
  #seq = 1;
  readonly #responses = new Map<number, (response: DebugProtocol.Response) => void>();
  #waiters: Waiter[] = [];
  /** Events that nobody has waited for yet. */
  #unclaimed: DebugProtocol.Event[] = [];

  constructor(
    options: { readonly workspaceFolders?: readonly string[]; readonly host?: Partial<Host> } = {},
  ) {
    const host: Host = {
      ...createNodeHost({
        workspaceFolders: options.workspaceFolders ?? [],
        log: (text) => {
          this.logged.push(text);
        },
      }),
      ...options.host,
    };
    this.session = new TraplineSession(host, checkingFactory);
    this.session.setRunAsServer(true);
    this.session.onDidSendMessage((message) => {
      // As a connection would: no objects are shared.
      this.#receive(structuredClone(message) as DebugProtocol.ProtocolMessage);
    });
  }

  #receive(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'response') {
      const response = message as DebugProtocol.Response;
      this.#responses.get(response.request_seq)?.(response);
      this.#responses.delete(response.request_seq);
      return;
    }
    const event = message as DebugProtocol.Event;
    this.events.push(event);
    const waiter = this.#waiters.find((it) => it.name === event.event && it.matches(event));
    if (waiter === undefined) {
      this.#unclaimed.push(event);
      return;
    }
    this.#waiters = this.#waiters.filter((it) => it !== waiter);
    waiter.resolve(event);
  }

  /** Of the last request. */
  get lastSeq(): number {
    return this.#seq - 1;
  }

  /** The whole response, whether it succeeded or not. */
  request(command: string, args?: unknown): Promise<DebugProtocol.Response> {
    const seq = this.#seq++;
    return new Promise((resolve) => {
      this.#responses.set(seq, resolve);
      const message = {
        seq,
        type: 'request',
        command,
        ...(args !== undefined && { arguments: args }),
      };
      this.session.handleMessage(structuredClone(message));
    });
  }

  /** The body of a response. @throws RequestError */
  async send<Body>(command: string, args?: unknown): Promise<Body> {
    const response = await this.request(command, args);
    if (response.success) return response.body as Body;
    const { error } = response.body as { error: DebugProtocol.Message };
    throw new RequestError(response.message ?? '', error.id, error.showUser ?? false);
  }

  /** The next event of that name, one that has come already included. */
  event<Body>(name: string, matches: (body: Body) => boolean = () => true): Promise<Body> {
    const test = (event: DebugProtocol.Event): boolean => matches(event.body as Body);
    const found = this.#unclaimed.find((it) => it.event === name && test(it));
    if (found !== undefined) {
      this.#unclaimed = this.#unclaimed.filter((it) => it !== found);
      return Promise.resolve(found.body as Body);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const seen = this.events.map((it) => it.event).slice(-10);
        reject(
          new Error(
            `No "${name}" event within ${EVENT_TIMEOUT} ms; the last were ${seen.join(', ')}`,
          ),
        );
      }, EVENT_TIMEOUT);
      this.#waiters.push({
        name,
        matches: test,
        resolve: (event) => {
          clearTimeout(timer);
          resolve(event.body as Body);
        },
      });
    });
  }

  stopped(): Promise<DebugProtocol.StoppedEvent['body']> {
    return this.event('stopped');
  }

  /** initialize, launch and configurationDone with `configure` in between. */
  async start(
    configuration: Record<string, unknown>,
    configure: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    await this.send('initialize', {
      adapterID: 'trapline',
      clientID: 'test',
      linesStartAt1: true,
      columnsStartAt1: true,
      pathFormat: 'path',
      supportsVariableType: true,
      supportsMemoryEvent: true,
      supportsInvalidatedEvent: true,
    });
    await this.send('launch', { pace: 'none', ...configuration });
    await this.event('initialized');
    await configure();
    await this.send('configurationDone');
  }

  async resume(
    command: string,
    args: Record<string, unknown> = {},
  ): Promise<DebugProtocol.StoppedEvent['body']> {
    const [, stop] = await Promise.all([
      this.send(command, { threadId: 1, ...args }),
      this.stopped(),
    ]);
    return stop;
  }

  async stack(): Promise<DebugProtocol.StackFrame[]> {
    const body = await this.send<DebugProtocol.StackTraceResponse['body']>('stackTrace', {
      threadId: 1,
    });
    return body.stackFrames;
  }

  async topFrame(): Promise<DebugProtocol.StackFrame> {
    const [frame] = await this.stack();
    assert.ok(frame, 'the stack is empty');
    return frame;
  }

  async scopes(frameId?: number): Promise<Map<string, number>> {
    const id = frameId ?? (await this.topFrame()).id;
    const { scopes } = await this.send<DebugProtocol.ScopesResponse['body']>('scopes', {
      frameId: id,
    });
    return new Map(scopes.map((scope) => [scope.name, scope.variablesReference]));
  }

  async variables(
    variablesReference: number,
    more: Record<string, unknown> = {},
  ): Promise<DebugProtocol.Variable[]> {
    const body = await this.send<DebugProtocol.VariablesResponse['body']>('variables', {
      variablesReference,
      ...more,
    });
    return body.variables;
  }

  /** A scope, or what unfolds below it by name. */
  async unfold(scope: string, ...path: string[]): Promise<DebugProtocol.Variable[]> {
    const reference = (await this.scopes()).get(scope);
    assert.ok(reference, `there is no scope ${scope}`);
    let variables = await this.variables(reference);
    for (const name of path) {
      const found = variables.find((it) => it.name === name);
      assert.ok(found, `no "${name}" among ${variables.map((it) => it.name).join(', ')}`);
      variables = await this.variables(found.variablesReference);
    }
    return variables;
  }

  async evaluate(expression: string, context = 'watch'): Promise<string> {
    const { id } = await this.topFrame();
    const body = await this.send<DebugProtocol.EvaluateResponse['body']>('evaluate', {
      expression,
      frameId: id,
      context,
    });
    return body.result;
  }

  /** What the guest has printed. */
  get output(): string {
    return this.textOf('stdout');
  }

  textOf(category: string): string {
    return this.events
      .filter((it) => it.event === 'output')
      .map((it) => it.body as DebugProtocol.OutputEvent['body'])
      .filter((body) => body.category === category)
      .map((body) => body.output)
      .join('');
  }

  async disconnect(): Promise<void> {
    await this.send('disconnect');
  }
}
