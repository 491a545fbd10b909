/** The debug sessions of ours: what each last told about itself, and the one that views and commands are about. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import type { StateBody } from '../debug-adapter/custom-requests.ts';
import { DEBUG_TYPE, request, stateEvent } from './protocol.ts';
import { WorldSwitchLog } from './views/world-switch-log.ts';

/** More rows than this nobody reads, and VS Code moves all of them for every change. */
const keptEvents = 2000;
const eventsPerRequest = 1000;
/** While the guest runs, the log is read this often; when it stops, at once. */
const pauseBetweenReads = 1000;

export class GuestSession {
  readonly session: vscode.DebugSession;
  readonly log = new WorldSwitchLog(keptEvents);
  state: StateBody | undefined;
  ended = false;
  #reading = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #changed: () => void;

  constructor(session: vscode.DebugSession, changed: () => void) {
    this.session = session;
    this.#changed = changed;
  }

  /** Absolute path of the guest's program. */
  get program(): string {
    const { program } = this.session.configuration as Readonly<Record<string, unknown>>;
    return typeof program === 'string' ? program : '';
  }

  get isRunning(): boolean {
    return !this.ended && this.state?.running !== false;
  }

  receive(state: StateBody): void {
    const hasStopped = this.state?.running !== false && !state.running;
    this.state = state;
    this.#changed();
    if (!this.log.isBehind(state.nextSeq)) return;
    if (hasStopped || !state.running) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      void this.#readLog();
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.#readLog();
      }, pauseBetweenReads);
    }
  }

  /** The guest is back at its first instruction and about to run. */
  restarted(): void {
    this.log.restart();
    this.state = undefined;
    this.#changed();
  }

  /** Breakpoints or values were set: what views show of the guest may be out of date. */
  touched(): void {
    this.#changed();
  }

  end(): void {
    this.ended = true;
    clearTimeout(this.#timer);
  }

  async #readLog(): Promise<void> {
    if (this.#reading) return; // The reader below goes on until nothing is missing.
    this.#reading = true;
    try {
      while (!this.ended && this.state !== undefined && this.log.isBehind(this.state.nextSeq)) {
        const since = this.log.since(this.state.nextSeq);
        const part = await request(this.session, 'trapline/worldSwitch', {
          since,
          limit: eventsPerRequest,
        });
        this.log.append(part);
        if (part.nextSeq <= since) break; // A restart in between: the next state tells where the new log is.
      }
    } catch (error) {
      // The session may end while it is asked; any other refusal is a mistake of ours that the session's log has.
      if (!(error instanceof Error)) throw error;
    } finally {
      this.#reading = false;
      this.#changed();
    }
  }
}

export class GuestSessions implements vscode.Disposable {
  readonly #sessions = new Map<string, GuestSession>();
  readonly #disposables: vscode.Disposable[] = [];
  readonly #didChange = new vscode.EventEmitter<GuestSession | undefined>();
  readonly #didInitialize = new vscode.EventEmitter<GuestSession>();
  readonly #didRestart = new vscode.EventEmitter<GuestSession>();
  #current: GuestSession | undefined;
  /** Sessions that have stopped at their entry, until VS Code shows the place. */
  readonly #atEntry = new Set<string>();

  /** The current session is another one, or something about it is new. */
  readonly onDidChange = this.#didChange.event;
  /** The adapter is ready for breakpoints, and the guest has not run yet. */
  readonly onDidInitialize = this.#didInitialize.event;
  /** The guest runs again from its start, perhaps built anew. */
  readonly onDidRestart = this.#didRestart.event;

  constructor() {
    this.#disposables.push(
      vscode.debug.onDidChangeActiveDebugSession((session) => {
        if (session?.type !== DEBUG_TYPE) return;
        this.#makeCurrent(this.#of(session));
      }),
      vscode.debug.onDidChangeActiveStackItem((item) => {
        if (item !== undefined && this.#atEntry.delete(item.session.id)) void showDebugView();
      }),
      vscode.debug.onDidTerminateDebugSession((session) => {
        this.#atEntry.delete(session.id);
        const ended = this.#sessions.get(session.id);
        if (ended === undefined) return;
        ended.end();
        this.#sessions.delete(session.id);
        this.#didChange.fire(this.#current);
      }),
      vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
        if (session.type === DEBUG_TYPE && event === stateEvent) {
          this.#of(session).receive(body as StateBody);
        }
      }),
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, {
        createDebugAdapterTracker: (session) => ({
          onDidSendMessage: (message: DebugProtocol.ProtocolMessage): void => {
            this.#observe(session, message);
          },
        }),
      }),
    );
  }

  /** The session that VS Code shows, or the last one it showed, which may have ended. */
  get current(): GuestSession | undefined {
    return this.#current;
  }

  /** The session that VS Code shows, while it lives. */
  get active(): GuestSession | undefined {
    return this.#current?.ended === false ? this.#current : undefined;
  }

  dispose(): void {
    for (const it of this.#disposables) it.dispose();
    for (const it of this.#sessions.values()) it.end();
    this.#didChange.dispose();
    this.#didInitialize.dispose();
    this.#didRestart.dispose();
  }

  #of(session: vscode.DebugSession): GuestSession {
    const known = this.#sessions.get(session.id);
    if (known !== undefined) return known;
    const created: GuestSession = new GuestSession(session, () => {
      if (this.#current === created) this.#didChange.fire(created);
    });
    this.#sessions.set(session.id, created);
    if (this.active === undefined) this.#makeCurrent(created);
    return created;
  }

  #makeCurrent(session: GuestSession): void {
    this.#current = session;
    this.#didChange.fire(session);
  }

  #didStop(session: vscode.DebugSession, { body }: DebugProtocol.StoppedEvent): void {
    if (body.reason === 'entry') this.#atEntry.add(session.id);
  }

  #observe(session: vscode.DebugSession, message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'event') {
      const { event } = message as DebugProtocol.Event;
      if (event === 'initialized') this.#didInitialize.fire(this.#of(session));
      else if (event === 'stopped') this.#didStop(session, message as DebugProtocol.StoppedEvent);
    } else if (message.type === 'response') {
      const { command, success } = message as DebugProtocol.Response;
      if (!success) return;
      if (command === 'restart') {
        const guest = this.#of(session);
        guest.restarted();
        this.#didRestart.fire(guest);
      } else if (/^(?:trapline\/(?:set|remove)Watchpoint$|set[A-Z])/.test(command)) {
        this.#of(session).touched();
      }
    }
  }
}

/** VS Code opens Run and Debug by itself at a breakpoint, but not where a program is entered. */
async function showDebugView(): Promise<void> {
  const when = vscode.workspace.getConfiguration('debug').get<string>('openDebug');
  if (when !== 'openOnDebugBreak') return;
  await vscode.commands.executeCommand('workbench.view.debug');
  await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
}

/** The session for a command that needs one; shows a sentence when there is none. */
export function requireActive(sessions: GuestSessions): GuestSession | undefined {
  const { active } = sessions;
  if (active === undefined) {
    void vscode.window.showInformationMessage(
      'No guest is being debugged. Start one with F5, then run this command again.',
    );
  }
  return active;
}

/** The session and its state for a command that needs a stopped guest; shows a sentence when there is none. */
export async function requireStopped(
  sessions: GuestSessions,
  what: string,
): Promise<{ readonly guest: GuestSession; readonly state: StateBody } | undefined> {
  const guest = requireActive(sessions);
  if (guest === undefined) return undefined;
  try {
    const state = await request(guest.session, 'trapline/state', undefined);
    if (!state.running) return { guest, state };
    void vscode.window.showInformationMessage(
      `${what} while the guest is stopped. Pause it, then run the command again.`,
    );
  } catch (error) {
    showFailure(error);
  }
  return undefined;
}

/** Shows what the adapter said about a command that it refused. */
export function showFailure(error: unknown): void {
  void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
}
