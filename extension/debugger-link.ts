/**
 * What the language server and the debugger tell each other: addresses, free slots and executions for hovers, hints
 * and lenses; comments of the sources that a run obeys; and what accesses to system registers would do.
 */
import path from 'node:path';
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { DEBUG_TYPE, request } from './protocol.ts';
import { toRange } from './lens-commands.ts';
import { showFailure, type GuestSession, type GuestSessions } from './sessions.ts';

const SECTION = 'trapline.languageServer';
/** While the guest runs, the server is told this often. */
const pauseBetweenLooks = 1000;
/** Milliseconds from the last answer of a session to the news of its end, at most. */
const timeToEnd = 3000;

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

/** `line` counts from 0. */
type Annotation = { readonly uri: string; readonly line: number } & (
  | {
      readonly kind: 'watch';
      readonly symbol: string;
      readonly accessType: 'read' | 'write' | 'readWrite';
      readonly length: number;
      readonly condition?: string;
    }
  | { readonly kind: 'assert' | 'log'; readonly text: string }
);

export class DebuggerLink implements vscode.Disposable {
  readonly #client: LanguageClient;
  readonly #sessions: GuestSessions;
  readonly #disposables: vscode.Disposable[];
  #timer: NodeJS.Timeout | undefined;
  readonly #annotated = new Map<string, Promise<void>>();
  /** Sessions of which it was said that the server cannot follow them. */
  readonly #failed = new Set<string>();

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
        this.#failed.delete(id);
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
      // A session that ends while it is asked answers nothing, and is known to have ended a little later; all else
      // somebody has to hear of, once.
      await new Promise((resolve) => setTimeout(resolve, timeToEnd));
      if (hasEnded(guest) || this.#failed.has(guest.session.id)) return;
      this.#failed.add(guest.session.id);
      const reason = error instanceof Error ? error.message : String(error);
      void vscode.window.showWarningMessage(
        `Hovers, hints and lenses of the sources do not follow the guest: ${sentence(reason)} Start it again to have them back.`,
      );
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

  /** Sets what comments of the sources demand; all that cannot be set is shown in one message. */
  async #annotate({ session }: GuestSession): Promise<void> {
    try {
      // A guest that is started with the window would run before its sources have been read.
      await this.#client.start();
      const found = await this.#client.sendRequest<Annotation[]>('trapline/annotations');
      if (found.length === 0) return;
      // A folder may hold the sources of several programs: what the others demand is not meant.
      const { sources } = await request(session, 'loadedSources', undefined);
      const ownPaths = new Set(sources.map((it) => pathOf(it.path)));
      const refused = (
        await Promise.all([
          setOnLines(session, found, ownPaths),
          setWatchpoints(session, found, ownPaths),
        ])
      ).flat();
      if (refused.length > 0) void vscode.window.showWarningMessage(refused.join(' '));
    } catch (error) {
      showFailure(error);
    }
  }

  /** Values of registers as texts: in hexadecimal, and named as the code names them. */
  async registerValues(
    values: readonly vscode.InlineValue[],
    frameId: number,
  ): Promise<vscode.InlineValue[]> {
    const session = vscode.debug.activeDebugSession;
    if (session?.type !== DEBUG_TYPE) return [...values];
    const read = values.map(async (it): Promise<vscode.InlineValue> => {
      const expression =
        it instanceof vscode.InlineValueEvaluatableExpression ? (it.expression ?? '') : '';
      if (!/^\$\w+$/.test(expression)) return it;
      const { result } = await request(session, 'evaluate', {
        expression,
        frameId,
        context: 'watch',
        format: { hex: true },
      });
      return new vscode.InlineValueText(it.range, `${expression.slice(1)} = ${result}`);
    });
    // What cannot be evaluated now, such as a register of another exception level, is left out.
    const settled = await Promise.allSettled(read);
    return settled.flatMap((it) => (it.status === 'fulfilled' ? it.value : []));
  }

  /** What the accesses of the stopped function would do if the guest executed them now, as text behind them. */
  async predictions(
    document: vscode.TextDocument,
    range: vscode.Range,
    stoppedLine: number,
  ): Promise<vscode.InlineValue[]> {
    const session = vscode.debug.activeDebugSession;
    if (session?.type !== DEBUG_TYPE) return [];
    const accesses = await this.#client.sendRequest<SystemAccess[]>('trapline/systemAccesses', {
      textDocument: { uri: document.uri.toString() },
      range: this.#client.code2ProtocolConverter.asRange(range),
      stoppedLine,
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

/** VS Code puts URIs, as texts or as their parts, in the place of paths in answers of the protocol. */
function pathOf(given: unknown): string | undefined {
  if (typeof given === 'string') {
    // Of a window with a remote the scheme is another one than `file`; a Windows path has no slashes behind its drive.
    return /^[\w-]+:\/\//.test(given) ? vscode.Uri.parse(given).fsPath : given;
  }
  if (typeof given !== 'object' || given === null) return undefined;
  return vscode.Uri.from(given as vscode.Uri).fsPath;
}

/** Asked again after a wait, in which much may happen. */
const hasEnded = (guest: GuestSession): boolean => guest.ended;

/** `@assert` and `@log`; gives a sentence for each that the adapter refuses. */
async function setOnLines(
  session: vscode.DebugSession,
  all: readonly Annotation[],
  ownPaths: ReadonlySet<string | undefined>,
): Promise<string[]> {
  const wanted = all.flatMap((it) => {
    if (it.kind === 'watch') return [];
    const file = vscode.Uri.parse(it.uri).fsPath;
    if (!ownPaths.has(file)) return [];
    return [{ kind: it.kind, path: file, line: it.line + 1, text: it.text }];
  });
  if (wanted.length === 0) return [];
  const { annotations } = await request(session, 'trapline/setAnnotations', {
    annotations: wanted,
  });
  return annotations.flatMap(({ verified, message }, index) => {
    const it = wanted[index];
    if (verified || it === undefined) return [];
    return [`@${it.kind} in ${place(it.path, it.line)} is not obeyed: ${sentence(message)}`];
  });
}

/** `@watch`; gives a sentence for each that the adapter refuses, or whose label the program lacks. */
async function setWatchpoints(
  session: vscode.DebugSession,
  all: readonly Annotation[],
  ownPaths: ReadonlySet<string | undefined>,
): Promise<string[]> {
  const wanted = all.filter((it) => it.kind === 'watch');
  if (wanted.length === 0) return [];
  const { symbols } = await request(session, 'trapline/symbols', undefined);
  const refused: string[] = [];
  for (const { uri, line, symbol, length, accessType, condition } of wanted) {
    const file = vscode.Uri.parse(uri).fsPath;
    if (!symbols.some(({ name }) => name === symbol)) {
      if (ownPaths.has(file))
        refused.push(
          `@watch in ${place(file, line + 1)} is not obeyed: the program has no symbol ${symbol}. Correct the label, or build the program again.`,
        );
      continue;
    }
    try {
      await request(session, 'trapline/setWatchpoint', {
        expression: symbol,
        length,
        accessType,
        ...(condition !== undefined && { condition }),
      });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      refused.push(`@watch in ${place(file, line + 1)} is not obeyed: ${sentence(error.message)}`);
    }
  }
  return refused;
}

const place = (file: string, line: number): string => `${path.basename(file)}:${line}`;

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);
