/** In the source, behind each MRS and MSR that can trap: how often it did, and how often it went straight through. */
import * as vscode from 'vscode';
import type { AccessCountRow } from '../debug-adapter/custom-requests.ts';
import { labelOf, rowsByLine, tooltipOf } from './access-counts.ts';
import { request } from './protocol.ts';
import type { GuestSession, GuestSessions } from './sessions.ts';

/** While the guest runs, the counts are read at most this often. */
const pauseBetweenReads = 1000;

export class AccessInlays implements vscode.InlayHintsProvider, vscode.Disposable {
  readonly #sessions: GuestSessions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeInlayHints = this.#changed.event;
  readonly #disposables: { dispose(): unknown }[];
  #rows = new Map<string, Map<number, AccessCountRow[]>>();
  #shown = '';
  #timer: NodeJS.Timeout | undefined;
  #guest: GuestSession | undefined;

  constructor(sessions: GuestSessions) {
    this.#sessions = sessions;
    this.#disposables = [
      this.#changed,
      vscode.languages.registerInlayHintsProvider({ scheme: 'file' }, this),
      sessions.onDidChange(() => {
        this.#soon();
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const it of this.#disposables) it.dispose();
  }

  provideInlayHints(document: vscode.TextDocument, range: vscode.Range): vscode.InlayHint[] {
    const lines = this.#rows.get(document.uri.fsPath);
    if (lines === undefined) return [];
    return [...lines].flatMap(([line, rows]) => {
      if (line - 1 < range.start.line || line - 1 > range.end.line) return [];
      if (line > document.lineCount) return []; // The file is not what the program was built from.
      const { end } = document.lineAt(line - 1).range;
      const hint = new vscode.InlayHint(end, labelOf(rows));
      hint.paddingLeft = true;
      hint.tooltip = new vscode.MarkdownString(tooltipOf(rows));
      return [hint];
    });
  }

  #soon(): void {
    const guest = this.#sessions.current;
    if (guest !== this.#guest) {
      this.#guest = guest;
      this.#show([]);
    }
    if (guest === undefined || guest.ended || guest.state === undefined) return;
    const wait = guest.isRunning ? pauseBetweenReads : 0;
    if (wait === 0) clearTimeout(this.#timer);
    else if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#read(guest);
    }, wait);
  }

  async #read(guest: GuestSession): Promise<void> {
    try {
      const { places } = await request(guest.session, 'trapline/accessCounts', undefined);
      if (guest === this.#guest) this.#show(places);
    } catch (error) {
      // The session may end while it is asked; what was shown last stays.
      if (!(error instanceof Error)) throw error;
    }
  }

  #show(places: readonly AccessCountRow[]): void {
    const text = JSON.stringify(places);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#rows = rowsByLine(places);
    this.#changed.fire();
  }
}
