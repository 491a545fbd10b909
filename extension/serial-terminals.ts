/** The guest's serial console as a terminal of the editor: one for each session, which stays to be read when it ends. */
import * as vscode from 'vscode';
import type { TerminalOutputBody } from '../debug-adapter/custom-requests.ts';
import { DEBUG_TYPE, request, terminalOutputEvent } from './protocol.ts';
import { requireActive, type GuestSession, type GuestSessions } from './sessions.ts';

/** What a terminal that nobody has looked at yet keeps, in characters: more than it could scroll back. */
const MOST_KEPT = 1 << 20;

export class SerialTerminals implements vscode.Disposable {
  readonly #sessions: GuestSessions;
  readonly #disposables: vscode.Disposable[];
  /** By session. */
  readonly #terminals = new Map<string, SerialTerminal>();
  readonly #attached = new Map<string, Promise<void>>();
  /** Of sessions that have ended, to be replaced by those that start. */
  readonly #ended = new Set<SerialTerminal>();

  constructor(sessions: GuestSessions) {
    this.#sessions = sessions;
    this.#disposables = [
      sessions.onDidInitialize((guest) => {
        const { console: place = 'both' } = guest.session.configuration as { console?: unknown };
        if (place === 'debugConsole') return;
        const terminal = this.#create(guest);
        if (place === 'terminal') terminal.show();
        this.#attached.set(guest.session.id, terminal.attach());
      }),
      vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
        if (session.type !== DEBUG_TYPE || event !== terminalOutputEvent) return;
        this.#terminals.get(session.id)?.write((body as TerminalOutputBody).text);
      }),
      vscode.debug.onDidTerminateDebugSession(({ id }) => {
        this.#attached.delete(id);
        const terminal = this.#terminals.get(id);
        if (terminal === undefined) return;
        this.#terminals.delete(id);
        terminal.end();
        if (!terminal.isClosed) this.#ended.add(terminal);
      }),
    ];
  }

  dispose(): void {
    for (const it of this.#disposables) it.dispose();
    for (const it of [...this.#terminals.values(), ...this.#ended]) it.dispose();
  }

  /** Resolves when what the guest sends goes to its terminal. */
  async whenAttached(session: vscode.DebugSession): Promise<void> {
    await this.#attached.get(session.id);
  }

  /** "Show serial console": of the current session, opened again where it was closed. */
  async show(): Promise<void> {
    const guest = requireActive(this.#sessions);
    if (guest === undefined) return;
    const known = this.#terminals.get(guest.session.id);
    const terminal = known === undefined || known.isClosed ? this.#create(guest) : known;
    terminal.show({ takeFocus: true });
    await terminal.attach();
  }

  #create(guest: GuestSession): SerialTerminal {
    for (const it of this.#ended) it.dispose();
    this.#ended.clear();
    const terminal = new SerialTerminal(guest.session);
    this.#terminals.set(guest.session.id, terminal);
    return terminal;
  }
}

class SerialTerminal implements vscode.Disposable {
  readonly #session: vscode.DebugSession;
  readonly #terminal: vscode.Terminal;
  readonly #written = new vscode.EventEmitter<string>();
  /** Until VS Code has opened the terminal it takes nothing. */
  #kept: string | undefined = '';
  #hasEnded = false;
  isClosed = false;

  constructor(session: vscode.DebugSession) {
    this.#session = session;
    this.#terminal = vscode.window.createTerminal({
      name: `Guest: ${session.name}`,
      iconPath: new vscode.ThemeIcon('circuit-board'),
      isTransient: true,
      pty: {
        onDidWrite: this.#written.event,
        open: () => {
          const kept = this.#kept ?? '';
          this.#kept = undefined;
          if (kept !== '') this.#written.fire(kept);
        },
        close: () => {
          this.#closed();
        },
        handleInput: (text: string) => {
          void this.#type(text);
        },
      },
    });
  }

  /** From now on the adapter sends what the guest does. */
  async attach(): Promise<void> {
    await this.#tell(true);
  }

  show(options: { readonly takeFocus?: boolean } = {}): void {
    this.#terminal.show(options.takeFocus !== true);
  }

  /** A line feed alone begins a new line, as a terminal driver would make it (ONLCR). */
  write(text: string): void {
    const shown = text.replaceAll('\n', '\r\n');
    if (this.#kept === undefined) this.#written.fire(shown);
    else this.#kept = (this.#kept + shown).slice(-MOST_KEPT);
  }

  end(): void {
    this.#hasEnded = true;
    this.write('\x1b[0m\n\x1b[2m[The guest has ended.]\x1b[0m\n');
  }

  dispose(): void {
    this.#hasEnded = true;
    this.#terminal.dispose();
    this.#written.dispose();
  }

  async #type(text: string): Promise<void> {
    if (this.#hasEnded) return;
    try {
      await request(this.#session, 'trapline/consoleInput', { text });
    } catch (error) {
      // The guest may end while a key is on its way.
      if (!(error instanceof Error)) throw error;
    }
  }

  /** By the user: the Debug Console shows from now on what this terminal has shown. */
  #closed(): void {
    this.isClosed = true;
    if (!this.#hasEnded) void this.#tell(false);
  }

  async #tell(exists: boolean): Promise<void> {
    try {
      await request(this.#session, 'trapline/terminal', { exists });
    } catch (error) {
      // The session may end while it is told.
      if (!(error instanceof Error)) throw error;
    }
  }
}
