/**
 * What the language server and the debugger tell each other: addresses, free slots and executions for hovers, hints
 * and lenses; comments of the sources that a run obeys; and what accesses to system registers would do.
 */
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { DEBUG_TYPE, request } from './protocol.ts';
import { toRange } from './lens-commands.ts';
import { showFailure, type GuestSession, type GuestSessions } from './sessions.ts';

const SECTION = 'trapline.languageServer';
/** While the guest runs, the server is told this often. */
const pauseBetweenLooks = 1000;

interface Place {
  readonly line: number;
  readonly character: number;
}

interface SystemAccess {
  readonly range: { readonly start: Place; readonly end: Place };
  readonly mnemonic: string;
  readonly register: string;
  readonly direction: 'read' | 'write';
}

type Annotation =
  | {
      readonly kind: 'watch';
      readonly symbol: string;
      readonly accessType: 'read' | 'write' | 'readWrite';
      readonly length: number;
      readonly condition?: string;
    }
  | {
      readonly kind: 'assert' | 'log';
      readonly uri: string;
      readonly line: number;
      readonly text: string;
    };

export class DebuggerLink implements vscode.Disposable {
  readonly #client: LanguageClient;
  readonly #sessions: GuestSessions;
  readonly #disposables: vscode.Disposable[];
  #timer: NodeJS.Timeout | undefined;
  readonly #annotated = new Map<string, Promise<void>>();

  constructor(client: LanguageClient, sessions: GuestSessions) {
    this.#client = client;
    this.#sessions = sessions;
    this.#disposables = [
      sessions.onDidInitialize((guest) => {
        this.#annotated.set(guest.session.id, this.#annotate(guest));
      }),
      sessions.onDidChange((guest) => {
        this.#soon(guest);
      }),
      vscode.debug.onDidTerminateDebugSession(({ id }) => {
        this.#annotated.delete(id);
        if (sessions.active === undefined) void this.#tell(null);
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const it of this.#disposables) it.dispose();
  }

  /** Resolves when what the sources demand of a run is set, or its refusal shown. */
  async whenAnnotated(session: vscode.DebugSession): Promise<void> {
    await this.#annotated.get(session.id);
  }

  #soon(guest: GuestSession | undefined): void {
    if (guest?.state === undefined || guest.ended) return;
    if (guest.isRunning && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#look(guest);
      },
      guest.isRunning ? pauseBetweenLooks : 50,
    );
  }

  async #look(guest: GuestSession): Promise<void> {
    if (guest.ended || this.#sessions.active !== guest || !this.#client.isRunning()) return;
    try {
      const { symbols } = await request(guest.session, 'trapline/symbols', undefined);
      const { slots } = await request(guest.session, 'trapline/debugResources', undefined);
      const watchpoints = slots.filter(({ kind }) => kind === 'watchpoint');
      const counted = await this.#counts(guest);
      await this.#tell({
        symbols,
        watchpoints: {
          free: watchpoints.filter(({ owner }) => owner === 'free').length,
          all: watchpoints.length,
        },
        ...counted,
      });
    } catch (error) {
      // The session may end while it is asked.
      if (!(error instanceof Error)) throw error;
    }
  }

  /** Counting makes the guest slower at each label, so it is off unless the user wants it. */
  async #counts(guest: GuestSession): Promise<object> {
    if (vscode.workspace.getConfiguration(SECTION).get<boolean>('executionCounts') !== true)
      return {};
    const labels = new Set<string>();
    for (const { document } of vscode.window.visibleTextEditors) {
      const found = await this.#client.sendRequest<string[]>('trapline/labels', {
        textDocument: { uri: document.uri.toString() },
      });
      for (const label of found) labels.add(label);
    }
    return request(guest.session, 'trapline/countExecutions', { labels: [...labels] });
  }

  async #tell(facts: object | null): Promise<void> {
    if (this.#client.isRunning()) await this.#client.sendNotification('trapline/debugger', facts);
  }

  async #annotate({ session }: GuestSession): Promise<void> {
    try {
      // A guest that is started with the window would run before its sources have been read.
      await this.#client.start();
      const found = await this.#client.sendRequest<Annotation[]>('trapline/annotations');
      const onLines = found.flatMap((it) =>
        it.kind === 'watch'
          ? []
          : [
              {
                kind: it.kind,
                path: vscode.Uri.parse(it.uri).fsPath,
                line: it.line + 1,
                text: it.text,
              },
            ],
      );
      if (onLines.length > 0)
        await request(session, 'trapline/setAnnotations', { annotations: onLines });
      for (const it of found) {
        if (it.kind !== 'watch') continue;
        const { symbols } = await request(session, 'trapline/symbols', undefined);
        const address = symbols.find(({ name }) => name === it.symbol)?.address;
        // A label of another program of the same folder.
        if (address === undefined) continue;
        await request(session, 'trapline/setWatchpoint', {
          address,
          length: it.length,
          accessType: it.accessType,
          ...(it.condition !== undefined && { condition: it.condition }),
        });
      }
    } catch (error) {
      showFailure(error);
    }
  }

  /** What the accesses on some lines would do if the guest executed them now, as text behind them. */
  async predictions(
    document: vscode.TextDocument,
    range: vscode.Range,
  ): Promise<vscode.InlineValue[]> {
    const session = vscode.debug.activeDebugSession;
    if (session?.type !== DEBUG_TYPE) return [];
    const accesses = await this.#client.sendRequest<SystemAccess[]>('trapline/systemAccesses', {
      textDocument: { uri: document.uri.toString() },
      range,
    });
    if (accesses.length === 0) return [];
    const { predictions } = await request(session, 'trapline/predictAccess', {
      accesses: accesses.map(({ register, direction }) => ({ register, direction })),
    });
    return accesses.flatMap(({ range: at, mnemonic }, index) => {
      const found = predictions[index];
      if (found === undefined || found.outcome === 'allowed' || found.outcome === 'unknown')
        return [];
      return [new vscode.InlineValueText(toRange(at), `this ${mnemonic} ${found.text}`)];
    });
  }
}
