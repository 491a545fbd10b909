/** The World Switch view: what the hypervisor did, in order, newest last, and the totals of each register. */
import path from 'node:path';
import * as vscode from 'vscode';
import type { WorldSwitchRow } from '../../debug-adapter/custom-requests.ts';
import type { Place, Places } from '../places.ts';
import { request } from '../protocol.ts';
import { requireActive, showFailure, type GuestSession, type GuestSessions } from '../sessions.ts';
import type { RegisterTotals } from './world-switch-log.ts';
import {
  choicesOf,
  describeFilter,
  groupByEntry,
  isFiltering,
  NO_FILTER,
  passes,
  type EntryGroup,
  type RowFilter,
} from './world-switch-groups.ts';
import {
  count,
  documentOf,
  fieldsOf,
  iconOf,
  lineOf,
  placeOf,
  totalsOf,
} from './world-switch-text.ts';

const viewId = 'trapline.worldSwitch';
/** Set while there is something to show, also after the guest has ended. */
const hasEventsKey = 'trapline.hasWorldSwitch';
/** Which of the two buttons, group or ungroup, is there. */
const isGroupedKey = 'trapline.worldSwitchIsGrouped';
const isFilteredKey = 'trapline.worldSwitchIsFiltered';
const rowsPerRequest = 1000;

type Node =
  | { readonly kind: 'costs' }
  | { readonly kind: 'cost'; readonly name: string; readonly value: number }
  | { readonly kind: 'model' }
  | { readonly kind: 'modelled'; readonly name: string; readonly cycles: number }
  | { readonly kind: 'group'; readonly group: EntryGroup; readonly events: readonly Node[] }
  | { readonly kind: 'totals'; readonly totals: readonly RegisterTotals[] }
  | { readonly kind: 'register'; readonly totals: RegisterTotals }
  | { readonly kind: 'dropped'; readonly dropped: number }
  | { readonly kind: 'event'; readonly row: WorldSwitchRow };

export class WorldSwitchView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #sessions: GuestSessions;
  readonly #places: Places;
  readonly #view: vscode.TreeView<Node>;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #disposables: { dispose(): unknown }[];
  #shown: GuestSession | undefined;
  #drawn: { readonly guest: GuestSession | undefined; readonly revision: number } = {
    guest: undefined,
    revision: 0,
  };
  #events: Node[] = [];
  #groups: Extract<Node, { kind: 'group' }>[] = [];
  #filter: RowFilter = NO_FILTER;
  #isGrouped = false;
  #wasRunning = true;

  constructor(sessions: GuestSessions, places: Places) {
    this.#sessions = sessions;
    this.#places = places;
    this.#view = vscode.window.createTreeView(viewId, { treeDataProvider: this });
    this.#disposables = [
      this.#view,
      this.#changed,
      sessions.onDidChange(() => {
        this.#update();
      }),
      this.#view.onDidChangeVisibility(({ visible }) => {
        if (visible) void this.#revealNewest();
      }),
      vscode.commands.registerCommand('trapline.showWorldSwitch', async () => {
        await this.#show();
      }),
      vscode.commands.registerCommand('trapline.clearWorldSwitch', () => {
        this.#clear();
      }),
      vscode.commands.registerCommand('trapline.filterWorldSwitch', () => this.#chooseFilter()),
      vscode.commands.registerCommand('trapline.unfilterWorldSwitch', () => {
        this.#filter = NO_FILTER;
        this.#redraw();
      }),
      vscode.commands.registerCommand('trapline.groupWorldSwitch', () => {
        this.#group(true);
      }),
      vscode.commands.registerCommand('trapline.ungroupWorldSwitch', () => {
        this.#group(false);
      }),
      vscode.commands.registerCommand('trapline.openWorldSwitchAsText', () => this.#openAsText()),
      vscode.commands.registerCommand('trapline.goToEvent', (node: Node) => this.#goTo(node)),
      vscode.commands.registerCommand('trapline.goToEventInstructions', async (node: Node) => {
        if (node.kind === 'event') await this.#places.openInstructions(node.row.guestPC);
      }),
    ];
    this.#update();
  }

  dispose(): void {
    for (const it of this.#disposables) it.dispose();
  }

  getParent(node: Node): Node | undefined {
    return node.kind === 'event' ? this.#groups.find((it) => it.events.includes(node)) : undefined;
  }

  getChildren(parent?: Node): Node[] {
    if (parent !== undefined) return this.#childrenOf(parent);
    const log = this.#shown?.log;
    if (log === undefined) return [];
    const top: Node[] = [];
    if ((this.#shown?.state?.counters.length ?? 0) > 0) top.push({ kind: 'costs' });
    if (this.#shown?.state?.modelledCost !== undefined) top.push({ kind: 'model' });
    if (log.totals.length > 0) top.push({ kind: 'totals', totals: log.totals });
    if (log.dropped > 0) top.push({ kind: 'dropped', dropped: log.dropped });
    const known = new Map(this.#events.map((node) => [node.kind === 'event' && node.row, node]));
    const nodeOf = (row: WorldSwitchRow): Node => known.get(row) ?? { kind: 'event', row };
    if (this.#isGrouped) {
      this.#groups = groupByEntry(log.events, this.#filter).map((group) => ({
        kind: 'group',
        group,
        events: group.rows.map(nodeOf),
      }));
      this.#events = this.#groups.flatMap(({ events }) => events);
      return [...top, ...this.#groups];
    }
    this.#groups = [];
    this.#events = log.events.filter((row) => passes(row, this.#filter)).map(nodeOf);
    return [...top, ...this.#events];
  }

  #childrenOf(parent: Node): Node[] {
    switch (parent.kind) {
      case 'totals':
        return parent.totals.map((totals) => ({ kind: 'register', totals }));
      case 'costs':
        return (this.#shown?.state?.counters ?? []).map((it) => ({ kind: 'cost', ...it }));
      case 'model':
        return (this.#shown?.state?.modelledCost?.parts ?? []).map((it) => ({
          kind: 'modelled',
          ...it,
        }));
      case 'group':
        return [...parent.events];
      default:
        return [];
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    switch (node.kind) {
      case 'costs': {
        const item = new vscode.TreeItem('Cost', vscode.TreeItemCollapsibleState.Collapsed);
        item.id = 'costs';
        item.description = `what the hypervisor did under ${this.#shown?.state?.policy ?? 'its policy'}`;
        item.iconPath = new vscode.ThemeIcon('graph');
        item.tooltip =
          'Entries, traps and the accesses that the hypervisor made to the processor, counted since the guest was started.';
        return item;
      }
      case 'cost': {
        const item = new vscode.TreeItem(node.name);
        item.id = `cost ${node.name}`;
        item.description = node.value.toLocaleString('en-US');
        return item;
      }
      case 'model': {
        const { parts = [], source = '' } = this.#shown?.state?.modelledCost ?? {};
        const item = new vscode.TreeItem(
          'Cost model, not measured',
          vscode.TreeItemCollapsibleState.Collapsed,
        );
        item.id = 'model';
        item.description = cycles(parts.at(-1)?.cycles ?? 0);
        item.iconPath = new vscode.ThemeIcon('beaker');
        item.tooltip = source;
        return item;
      }
      case 'modelled': {
        const item = new vscode.TreeItem(node.name);
        item.id = `modelled ${node.name}`;
        item.description = cycles(node.cycles);
        return item;
      }
      case 'group': {
        const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
        const isNewest = node === this.#groups.at(-1);
        const item = new vscode.TreeItem(node.group.title, isNewest ? Expanded : Collapsed);
        item.id = `group ${node.group.first}`;
        item.description = node.group.description;
        item.iconPath = new vscode.ThemeIcon('arrow-both');
        item.accessibilityInformation = {
          label: `${node.group.title}, ${node.group.description}`,
        };
        return item;
      }
      case 'totals': {
        const item = new vscode.TreeItem(
          'Totals per register',
          vscode.TreeItemCollapsibleState.Collapsed,
        );
        item.id = 'totals';
        item.description = count(node.totals.length, 'register');
        item.iconPath = new vscode.ThemeIcon('list-ordered');
        item.tooltip =
          'Traps: accesses of the guest that the hypervisor took. Reads and writes: what the hypervisor itself did to the physical register.';
        return item;
      }
      case 'register': {
        const item = new vscode.TreeItem(node.totals.register);
        item.id = `totals ${node.totals.register}`;
        item.description = totalsOf(node.totals);
        return item;
      }
      case 'dropped': {
        const item = new vscode.TreeItem(`${count(node.dropped, 'older event')} dropped`);
        item.id = 'dropped';
        item.description = 'only the newest are kept';
        item.iconPath = new vscode.ThemeIcon('fold');
        return item;
      }
      case 'event':
        return eventItem(node);
    }
  }

  #update(): void {
    const guest = this.#sessions.current;
    const isRunning = guest?.isRunning ?? false;
    const hasStopped = this.#shown === guest && this.#wasRunning && !isRunning;
    this.#shown = guest;
    this.#wasRunning = isRunning;
    this.#view.message = messageOf(guest);
    // The session tells more often that it changed than the log grows.
    const revision = guest?.log.revision ?? 0;
    if (this.#drawn.guest !== guest || this.#drawn.revision !== revision) {
      this.#drawn = { guest, revision };
      const hasEvents = guest !== undefined && guest.log.events.length > 0;
      void vscode.commands.executeCommand('setContext', hasEventsKey, hasEvents);
      this.#changed.fire(undefined);
      if (!isRunning) void this.#revealNewest();
    } else if (hasStopped) {
      void this.#revealNewest();
    }
  }

  async #revealNewest(): Promise<void> {
    const newest = this.#events.at(-1);
    const row = this.#shown?.log.events.findLast((it) => passes(it, this.#filter));
    if (!this.#view.visible || row === undefined) return;
    // The tree may not have asked for the newest row yet: it is the same object once it has.
    if (newest?.kind !== 'event' || newest.row !== row) this.getChildren();
    const node = this.#events.at(-1);
    if (node?.kind === 'event') {
      try {
        await this.#view.reveal(node, { select: false, focus: false });
      } catch (error) {
        // The view was closed or cleared meanwhile.
        if (!(error instanceof Error)) throw error;
      }
    }
  }

  async #show(): Promise<void> {
    if (this.#sessions.current === undefined) {
      requireActive(this.#sessions);
      return;
    }
    await vscode.commands.executeCommand(`${viewId}.focus`);
    await this.#revealNewest();
  }

  async #chooseFilter(): Promise<void> {
    const log = this.#shown?.log;
    if (log === undefined) {
      requireActive(this.#sessions);
      return;
    }
    const { kinds, registers } = choicesOf(log.events);
    const rowsOf = (
      part: keyof RowFilter,
      choices: readonly (readonly [string, number])[],
    ): (vscode.QuickPickItem & { part?: keyof RowFilter })[] =>
      choices.map(([label, number]) => ({
        label,
        part,
        description: count(number, 'row'),
        picked: this.#filter[part].includes(label),
      }));
    const separator = (label: string): vscode.QuickPickItem => ({
      label,
      kind: vscode.QuickPickItemKind.Separator,
    });
    const items: (vscode.QuickPickItem & { part?: keyof RowFilter })[] = [
      separator('Kinds of event'),
      ...rowsOf('kinds', kinds),
      separator('Registers'),
      ...rowsOf('registers', registers),
    ];
    const picked = await vscode.window.showQuickPick(items, {
      canPickMany: true,
      title: 'Rows of World Switch',
      placeHolder: 'Choose kinds and registers to show; none chosen shows everything',
    });
    if (picked === undefined) return;
    const chosen = (part: keyof RowFilter): string[] =>
      picked.filter((it) => it.part === part).map(({ label }) => label);
    this.#filter = { kinds: chosen('kinds'), registers: chosen('registers') };
    this.#redraw();
  }

  #group(isGrouped: boolean): void {
    this.#isGrouped = isGrouped;
    void vscode.commands.executeCommand('setContext', isGroupedKey, isGrouped);
    this.#redraw();
  }

  #redraw(): void {
    void vscode.commands.executeCommand('setContext', isFilteredKey, isFiltering(this.#filter));
    this.#view.description = isFiltering(this.#filter)
      ? `only ${describeFilter(this.#filter)}`
      : '';
    this.#changed.fire(undefined);
    void this.#revealNewest();
  }

  #clear(): void {
    this.#shown?.log.clear();
    this.#update();
  }

  /** Every event that the adapter's log still has, not only those in the view. */
  async #openAsText(): Promise<void> {
    const guest = requireActive(this.#sessions);
    if (guest === undefined) return;
    try {
      const rows: WorldSwitchRow[] = [];
      for (let since = 0; ;) {
        const part = await request(guest.session, 'trapline/worldSwitch', {
          since,
          limit: rowsPerRequest,
        });
        rows.push(...part.events);
        if (part.events.length === 0 || part.nextSeq <= since) break;
        since = part.nextSeq;
      }
      const content = documentOf(path.basename(guest.program), rows);
      const document = await vscode.workspace.openTextDocument({ content, language: 'plaintext' });
      await vscode.window.showTextDocument(document);
    } catch (error) {
      showFailure(error);
    }
  }

  async #goTo(node: Node): Promise<void> {
    if (node.kind === 'event') await this.#places.open(placeInSource(node.row));
  }
}

const cycles = (number: number): string => count(number, 'modelled cycle');

function eventItem(node: Extract<Node, { kind: 'event' }>): vscode.TreeItem {
  const { row } = node;
  const item = new vscode.TreeItem(row.text);
  item.id = `${row.seq}`;
  item.description = placeOf(row);
  item.iconPath = new vscode.ThemeIcon(iconOf(row.kind));
  item.contextValue = 'event';
  item.command = {
    title: 'Go to the Source Line',
    command: 'trapline.goToEvent',
    arguments: [node],
  };
  item.accessibilityInformation = { label: lineOf(row) };
  const tooltip = new vscode.MarkdownString();
  tooltip.appendMarkdown('| | |\n|-|-|\n');
  for (const [name, value] of fieldsOf(row)) {
    tooltip.appendMarkdown(`| ${name} | \`${value.replaceAll('|', '\\|')}\` |\n`);
  }
  item.tooltip = tooltip;
  return item;
}

function placeInSource({ guestPC, path, line }: WorldSwitchRow): Place {
  return { address: guestPC, path, line };
}

/** Empty while rows speak for themselves. */
function messageOf(guest: GuestSession | undefined): string {
  if (guest?.state === undefined) return '';
  if (guest.state.policy === undefined) {
    return 'This guest runs at EL2 and is its own hypervisor: there is no world switch to show.';
  }
  if (guest.log.events.length > 0) return '';
  if (guest.log.isCleared) return 'Nothing since the rows were cleared.';
  return guest.isRunning
    ? 'Nothing yet. The hypervisor writes a row for each entry, exit, trap, save and load.'
    : 'Nothing yet. Continue the guest (F5): each entry, exit, trap, save and load becomes a row.';
}
