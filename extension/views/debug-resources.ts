/** The Debug Resources view: the ledger of breakpoint and watchpoint slots, and the user's watchpoints. */
import * as vscode from 'vscode';
import type { DebugResourcesResponse, WatchpointRow } from '../../debug-adapter/custom-requests.ts';
import type { Places } from '../places.ts';
import { request } from '../protocol.ts';
import { showFailure, type GuestSession, type GuestSessions } from '../sessions.ts';
import {
  describeAccess,
  describeTarget,
  type Watchpoint,
  type Watchpoints,
} from '../watchpoints.ts';

const viewId = 'trapline.debugResources';
/** While the guest runs, its slots are read at most this often. */
const pauseBetweenReads = 1000;

type Slot = DebugResourcesResponse['slots'][number];
type GuestEntry = DebugResourcesResponse['guest'][number];

type Node =
  | { readonly kind: 'slots'; readonly of: Slot['kind']; readonly slots: readonly Slot[] }
  | { readonly kind: 'slot'; readonly slot: Slot }
  | { readonly kind: 'withoutSlot'; readonly entries: readonly GuestEntry[] }
  | { readonly kind: 'guestEntry'; readonly entry: GuestEntry }
  | { readonly kind: 'watchpoints' }
  | { readonly kind: 'watchpoint'; readonly watchpoint: Watchpoint }
  /** Set by VS Code's own data breakpoints: shown here, changed there. */
  | { readonly kind: 'dataBreakpoint'; readonly row: WatchpointRow };

export class DebugResourcesView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #sessions: GuestSessions;
  readonly #watchpoints: Watchpoints;
  readonly #view: vscode.TreeView<Node>;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #disposables: { dispose(): unknown }[];
  #resources: DebugResourcesResponse | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(sessions: GuestSessions, watchpoints: Watchpoints, places: Places) {
    this.#sessions = sessions;
    this.#watchpoints = watchpoints;
    this.#view = vscode.window.createTreeView(viewId, {
      treeDataProvider: this,
      manageCheckboxStateManually: true,
    });
    const update = (): void => {
      this.#soon();
    };
    this.#disposables = [
      this.#view,
      this.#changed,
      sessions.onDidChange(update),
      watchpoints.onDidChange(update),
      this.#view.onDidChangeVisibility(update),
      this.#view.onDidChangeCheckboxState(({ items }) => {
        for (const [node, state] of items) void this.#check(node, state);
      }),
      vscode.commands.registerCommand('trapline.goToSlot', async (node: Node) => {
        if (node.kind === 'slot') await places.openInstructions(node.slot.value);
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const it of this.#disposables) it.dispose();
  }

  getChildren(parent?: Node): Node[] {
    const guest = this.#sessions.active;
    if (guest === undefined) return [];
    if (parent?.kind === 'slots') return parent.slots.map((slot) => ({ kind: 'slot', slot }));
    if (parent?.kind === 'withoutSlot') {
      return parent.entries.map((entry) => ({ kind: 'guestEntry', entry }));
    }
    if (parent?.kind === 'watchpoints') return this.#watchpointNodes(guest);
    if (parent !== undefined) return [];
    const slots = this.#resources?.slots ?? [];
    const groups: Node[] = (['breakpoint', 'watchpoint'] as const).map((kind) => ({
      kind: 'slots',
      of: kind,
      slots: slots.filter((it) => it.kind === kind),
    }));
    const withoutSlot = (this.#resources?.guest ?? []).filter((it) => it.slot === undefined);
    return [
      { kind: 'watchpoints' },
      ...groups.filter((it) => it.kind !== 'slots' || it.slots.length > 0),
      ...(withoutSlot.length > 0 ? [{ kind: 'withoutSlot', entries: withoutSlot } as const] : []),
    ];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const { Expanded, Collapsed } = vscode.TreeItemCollapsibleState;
    switch (node.kind) {
      case 'watchpoints': {
        const item = new vscode.TreeItem('Watchpoints', Expanded);
        const guest = this.#sessions.active;
        const isEmpty = guest === undefined || this.#watchpointNodes(guest).length === 0;
        item.id = 'watchpoints';
        item.iconPath = new vscode.ThemeIcon('eye');
        if (isEmpty)
          item.description =
            'none: set one with the button above, or from the context menu of a variable';
        return item;
      }
      case 'slots': {
        const title = node.of === 'breakpoint' ? 'Breakpoint slots' : 'Watchpoint slots';
        const used = node.slots.filter(({ owner }) => owner !== 'free').length;
        const item = new vscode.TreeItem(title, used > 0 ? Expanded : Collapsed);
        item.id = `slots ${node.of}`;
        item.description = `${used} of ${node.slots.length} used`;
        item.iconPath = new vscode.ThemeIcon('circuit-board');
        return item;
      }
      case 'withoutSlot': {
        const item = new vscode.TreeItem("The guest's, without a slot", Expanded);
        item.id = 'without slot';
        item.description = `${node.entries.length}`;
        item.iconPath = new vscode.ThemeIcon('warning');
        return item;
      }
      case 'guestEntry': {
        const { kind, index, value, symbol, verdict } = node.entry;
        const item = new vscode.TreeItem(`${kind} ${index}`);
        item.id = `guest ${kind} ${index}`;
        item.description = `${symbol === undefined ? value : `${value} <${symbol}>`} · ${verdict}`;
        item.tooltip = verdict;
        return item;
      }
      case 'slot':
        return slotItem(node);
      case 'watchpoint':
        return this.#watchpointItem(node.watchpoint);
      case 'dataBreakpoint': {
        const { row } = node;
        const item = new vscode.TreeItem(row.label);
        item.description = `${describeAccess(row.accessType)} · ${row.message}`;
        item.iconPath = new vscode.ThemeIcon('debug-breakpoint-data');
        item.tooltip = `A data breakpoint of the view Breakpoints, ${row.length} bytes at ${row.address}. ${row.message}`;
        return item;
      }
    }
  }

  #watchpointNodes(guest: GuestSession): Node[] {
    const ours = this.#watchpoints.of(guest.program);
    const ids = new Set(ours.map((it) => this.#watchpoints.rowOf(guest, it)?.id));
    const others = (this.#resources?.watchpoints ?? []).filter(({ id }) => !ids.has(id));
    return [
      ...ours.map((watchpoint): Node => ({ kind: 'watchpoint', watchpoint })),
      ...others.map((row): Node => ({ kind: 'dataBreakpoint', row })),
    ];
  }

  #watchpointItem(watchpoint: Watchpoint): vscode.TreeItem {
    const guest = this.#sessions.active;
    const armed = guest && this.#watchpoints.rowOf(guest, watchpoint);
    const row = this.#resources?.watchpoints.find(({ id }) => id === armed?.id) ?? armed;
    const target = describeTarget(watchpoint);
    const item = new vscode.TreeItem(target);
    const status = row?.message ?? (watchpoint.enabled ? 'Not armed.' : 'Switched off.');
    item.id = `set by the user ${watchpoint.key}`;
    item.description = `${describeAccess(watchpoint.accessType)} · ${status}`;
    item.contextValue = 'watchpoint';
    const { Checked, Unchecked } = vscode.TreeItemCheckboxState;
    item.checkboxState = watchpoint.enabled ? Checked : Unchecked;
    const place = row && ` ${row.length} bytes at ${row.address}.`;
    const life = watchpoint.persists
      ? ''
      : ' It is a local variable: the watchpoint ends with this session.';
    item.tooltip = `Stops on ${describeAccess(watchpoint.accessType)}.${place ?? ''} ${status}${life}`;
    item.accessibilityInformation = { label: `${target}, ${item.tooltip}` };
    return item;
  }

  async #check(node: Node, state: vscode.TreeItemCheckboxState): Promise<void> {
    if (node.kind !== 'watchpoint') return;
    try {
      const enabled = state === vscode.TreeItemCheckboxState.Checked;
      await this.#watchpoints.setEnabled(node.watchpoint, enabled);
    } catch (error) {
      showFailure(error);
      this.#changed.fire(undefined);
    }
  }

  #soon(): void {
    const guest = this.#sessions.active;
    if (guest === undefined || !guest.isRunning) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      void this.#read();
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.#read();
      }, pauseBetweenReads);
    }
  }

  async #read(): Promise<void> {
    const guest = this.#sessions.active;
    if (guest === undefined) {
      this.#resources = undefined;
    } else if (this.#view.visible && guest.state !== undefined) {
      try {
        this.#resources = await request(guest.session, 'trapline/debugResources', undefined);
      } catch (error) {
        // The session may end while it is asked.
        if (!(error instanceof Error)) throw error;
      }
    }
    this.#changed.fire(undefined);
  }
}

function slotItem(node: Extract<Node, { kind: 'slot' }>): vscode.TreeItem {
  const { slot } = node;
  const letter = slot.kind === 'breakpoint' ? 'B' : 'W';
  const moved = slot.guestIndex !== undefined && slot.guestIndex !== slot.slot;
  const item = new vscode.TreeItem(
    `${slot.slot}: ${slot.owner}${moved ? ` (its ${slot.guestIndex} → ${slot.slot})` : ''}`,
  );
  item.id = `slot ${slot.kind} ${slot.slot} ${slot.guestIndex ?? ''}`;
  const place = slot.symbol === undefined ? slot.value : `${slot.value} <${slot.symbol}>`;
  const description =
    slot.owner === 'free' ? slot.verdict.replace(/^Free\.\s*/, '') : `${place} · ${slot.verdict}`;
  item.description = description;
  const icons = { guest: 'chip', debugger: 'debug-alt', free: 'circle-outline' } as const;
  item.iconPath = new vscode.ThemeIcon(icons[slot.owner]);
  const registers = `DBG${letter}VR${slot.slot}_EL1 = ${slot.value}, DBG${letter}CR${slot.slot}_EL1 = ${slot.control}`;
  const mapped =
    slot.guestIndex === undefined ? '' : ` The guest calls it number ${slot.guestIndex}.`;
  const context = slot.contextAware ? ' It can compare contexts.' : '';
  item.tooltip = `${registers}. Owner: ${slot.owner}.${mapped}${context} ${slot.verdict}`;
  item.accessibilityInformation = {
    label: `${slot.kind} slot ${slot.slot}, ${slot.owner}, ${description}`,
  };
  if (slot.kind === 'breakpoint' && slot.owner !== 'free') {
    item.command = {
      title: 'Show the Instructions',
      command: 'trapline.goToSlot',
      arguments: [node],
    };
  }
  return item;
}
