/** The user's watchpoints: kept in the workspace, armed when a guest of the same program starts. */
import * as vscode from 'vscode';
import type { SetWatchpointArguments, WatchpointRow } from '../debug-adapter/custom-requests.ts';
import { request } from './protocol.ts';
import type { GuestSession, GuestSessions } from './sessions.ts';

const storageKey = 'watchpoints';

/** What to watch: an lvalue, or an address with a length in bytes. */
export type WatchTarget = Pick<SetWatchpointArguments, 'expression' | 'address' | 'length'>;

export interface Watchpoint extends WatchTarget {
  readonly key: string;
  /** Absolute path of the program whose watchpoint it is. */
  readonly program: string;
  readonly accessType: WatchpointRow['accessType'];
  readonly mode: NonNullable<SetWatchpointArguments['mode']>;
  readonly enabled: boolean;
  /** False for a local variable, whose place in memory means nothing in another run. */
  readonly persists: boolean;
}

export class Watchpoints implements vscode.Disposable {
  readonly #sessions: GuestSessions;
  readonly #storage: vscode.Memento;
  readonly #subscriptions: vscode.Disposable[];
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  #all: readonly Watchpoint[];
  #nextKey = 1;
  /** What the adapter answered, by session and watchpoint. */
  readonly #rows = new Map<string, Map<string, WatchpointRow>>();

  /** By session: when the watchpoints that were kept for its program are armed, or refused. */
  readonly #armed = new Map<string, Promise<void>>();
  /** Sessions that were restarted and have not stopped since. */
  readonly #unchecked = new Set<string>();

  constructor(sessions: GuestSessions, storage: vscode.Memento) {
    this.#sessions = sessions;
    this.#storage = storage;
    this.#all = storage
      .get<readonly Watchpoint[]>(storageKey, [])
      .map((it) => ({ ...it, key: this.#newKey() }));
    this.#subscriptions = [
      sessions.onDidInitialize((guest) => {
        this.#armed.set(guest.session.id, this.#armAll(guest));
      }),
      sessions.onDidRestart((guest) => {
        this.#unchecked.add(guest.session.id);
      }),
      sessions.onDidChange((guest) => {
        // A program that was built anew has a new adapter side, which may have forgotten them.
        if (
          guest?.state !== undefined &&
          !guest.isRunning &&
          this.#unchecked.delete(guest.session.id)
        ) {
          void this.#armMissing(guest);
        }
      }),
      vscode.debug.onDidTerminateDebugSession(({ id }) => {
        this.#rows.delete(id);
        this.#armed.delete(id);
        this.#unchecked.delete(id);
        this.#all = this.#all.filter(({ persists }) => persists);
        this.#changed.fire();
      }),
    ];
  }

  dispose(): void {
    for (const it of this.#subscriptions) it.dispose();
    this.#changed.dispose();
  }

  /** Those of a program, in the order in which they were set. */
  of(program: string): readonly Watchpoint[] {
    return this.#all.filter((it) => it.program === program);
  }

  /** Resolves when what was kept for the session's program is armed, or its refusal shown. */
  async whenArmed(session: vscode.DebugSession): Promise<void> {
    await this.#armed.get(session.id);
  }

  /** What the adapter said when it was armed; undefined while it is not. */
  rowOf(guest: GuestSession, { key }: Watchpoint): WatchpointRow | undefined {
    return this.#rows.get(guest.session.id)?.get(key);
  }

  /** Arms and keeps a new one. Rejects with the adapter's sentence, and keeps nothing then. */
  async add(
    guest: GuestSession,
    given: Omit<Watchpoint, 'key' | 'program' | 'enabled'>,
    frameId: number | undefined,
  ): Promise<WatchpointRow> {
    const watchpoint: Watchpoint = {
      ...given,
      key: this.#newKey(),
      program: guest.program,
      enabled: true,
    };
    const row = await this.#arm(guest, watchpoint, frameId);
    if (row.verified) await this.#keep([...this.#all, watchpoint]);
    return row;
  }

  async setEnabled(watchpoint: Watchpoint, enabled: boolean): Promise<void> {
    const changed = { ...watchpoint, enabled };
    await this.#keep(this.#all.map((it) => (it.key === watchpoint.key ? changed : it)));
    const guest = this.#sessions.active;
    if (guest === undefined) return;
    if (!enabled) await this.#disarm(guest, watchpoint);
    else if (this.rowOf(guest, watchpoint) === undefined) {
      await this.#arm(guest, changed, activeFrameId(guest));
    }
    this.#changed.fire();
  }

  async remove(watchpoint: Watchpoint): Promise<void> {
    await this.#keep(this.#all.filter(({ key }) => key !== watchpoint.key));
    const guest = this.#sessions.active;
    if (guest !== undefined) await this.#disarm(guest, watchpoint);
    this.#changed.fire();
  }

  async #armAll(guest: GuestSession): Promise<void> {
    for (const watchpoint of this.of(guest.program)) {
      if (!watchpoint.enabled || this.rowOf(guest, watchpoint) !== undefined) continue;
      try {
        await this.#arm(guest, watchpoint, undefined);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        void vscode.window.showWarningMessage(
          `The watchpoint on ${describeTarget(watchpoint)} is not armed: ${reason}`,
        );
      }
    }
    this.#changed.fire();
  }

  async #armMissing(guest: GuestSession): Promise<void> {
    const rows = this.#rows.get(guest.session.id);
    if (rows === undefined) return;
    try {
      const { watchpoints } = await request(guest.session, 'trapline/debugResources', undefined);
      for (const [key, { id }] of rows) {
        if (!watchpoints.some((it) => it.id === id)) rows.delete(key);
      }
    } catch (error) {
      // The session may have ended meanwhile.
      if (!(error instanceof Error)) throw error;
      return;
    }
    await this.#armAll(guest);
  }

  async #arm(
    guest: GuestSession,
    watchpoint: Watchpoint,
    frameId: number | undefined,
  ): Promise<WatchpointRow> {
    const { expression, address, length, accessType, mode } = watchpoint;
    const row = await request(guest.session, 'trapline/setWatchpoint', {
      accessType,
      mode,
      ...(expression !== undefined && { expression }),
      ...(address !== undefined && { address }),
      ...(length !== undefined && { length }),
      ...(frameId !== undefined && { frameId }),
    });
    if (row.verified) {
      const rows = this.#rows.get(guest.session.id) ?? new Map<string, WatchpointRow>();
      this.#rows.set(guest.session.id, rows.set(watchpoint.key, row));
    }
    return row;
  }

  async #disarm(guest: GuestSession, watchpoint: Watchpoint): Promise<void> {
    const row = this.rowOf(guest, watchpoint);
    if (row === undefined) return;
    await request(guest.session, 'trapline/removeWatchpoint', { id: row.id });
    this.#rows.get(guest.session.id)?.delete(watchpoint.key);
  }

  async #keep(all: readonly Watchpoint[]): Promise<void> {
    this.#all = all;
    await this.#storage.update(
      storageKey,
      all.filter(({ persists }) => persists),
    );
    this.#changed.fire();
  }

  #newKey(): string {
    return `${this.#nextKey++}`;
  }
}

/** The frame that VS Code has focused, if it is one of this guest. */
export function activeFrameId(guest: GuestSession): number | undefined {
  const item = vscode.debug.activeStackItem;
  return item instanceof vscode.DebugStackFrame && item.session.id === guest.session.id
    ? item.frameId
    : undefined;
}

export function describeTarget({ expression, address, length }: WatchTarget): string {
  const place = expression ?? address ?? '';
  return length === undefined ? place : `${place} (${length} ${length === 1 ? 'byte' : 'bytes'})`;
}

export function describeAccess(access: WatchpointRow['accessType']): string {
  const words = { read: 'reads', write: 'writes', readWrite: 'reads and writes' } as const;
  return words[access];
}
