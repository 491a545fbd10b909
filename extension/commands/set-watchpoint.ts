/** "Set watchpoint…" and "Remove watchpoint…": from the palette, an editor, a variable, or the Debug Resources view. */
import * as vscode from 'vscode';
import type { WatchpointRow } from '../../debug-adapter/custom-requests.ts';
import { request } from '../protocol.ts';
import { requireActive, showFailure, type GuestSession, type GuestSessions } from '../sessions.ts';
import {
  activeFrameId,
  describeAccess,
  describeTarget,
  type Watchpoint,
  type Watchpoints,
  type WatchTarget,
} from '../watchpoints.ts';
import { parseLength, parseTarget } from './watch-target.ts';

/** What VS Code hands to a command of the menu debug/variables/context, as far as it is used. */
interface VariableContext {
  readonly container?: { readonly variablesReference?: number };
  readonly variable: { readonly name: string; readonly evaluateName?: string };
}

/** What a lens above data of assembly hands over: the program knows no size of it. */
interface SymbolContext {
  readonly symbol: string;
  /** Bytes. */
  readonly length: number;
}

interface Target extends WatchTarget {
  /** What the adapter says about it: name, size and address. */
  readonly description?: string;
  /** Whether the target means the same in another run. */
  readonly persists: boolean;
}

export async function setWatchpoint(
  sessions: GuestSessions,
  watchpoints: Watchpoints,
  given: unknown,
): Promise<void> {
  const guest = requireActive(sessions);
  if (guest === undefined) return;
  const frameId = activeFrameId(guest);
  try {
    const target = isVariableContext(given)
      ? await targetOfVariable(guest, given)
      : isSymbolContext(given)
        ? await targetOfSymbol(guest, given)
        : await askForTarget(guest, frameId);
    if (target === undefined) return;
    const { persists, description, length: whole, ...place } = target;
    const picked = await pickLength(place, description);
    if (picked === undefined) return;
    const access = await pickAccess(place);
    if (access === undefined) return;
    const length = picked === 'all' ? whole : picked;
    const asked = { ...place, ...(length !== undefined && { length }), ...access, persists };
    const row = await watchpoints.add(guest, asked, frameId);
    report(row);
  } catch (error) {
    showFailure(error);
  }
}

export async function removeWatchpoint(
  sessions: GuestSessions,
  watchpoints: Watchpoints,
  given: unknown,
): Promise<void> {
  try {
    const watchpoint = isWatchpointNode(given)
      ? given.watchpoint
      : await pickWatchpoint(sessions, watchpoints);
    if (watchpoint !== undefined) await watchpoints.remove(watchpoint);
  } catch (error) {
    showFailure(error);
  }
}

function isVariableContext(given: unknown): given is VariableContext {
  return typeof given === 'object' && given !== null && 'variable' in given;
}

function isSymbolContext(given: unknown): given is SymbolContext {
  return typeof given === 'object' && given !== null && 'symbol' in given;
}

function isWatchpointNode(given: unknown): given is { readonly watchpoint: Watchpoint } {
  return typeof given === 'object' && given !== null && 'watchpoint' in given;
}

async function targetOfVariable(
  guest: GuestSession,
  { container, variable }: VariableContext,
): Promise<Target | undefined> {
  const info = await request(guest.session, 'dataBreakpointInfo', {
    name: variable.name,
    ...(container?.variablesReference !== undefined && {
      variablesReference: container.variablesReference,
    }),
  });
  if (info.dataId === null || variable.evaluateName === undefined) {
    void vscode.window.showWarningMessage(
      info.dataId === null
        ? info.description
        : `"${variable.name}" has no expression of its own. Run "Set watchpoint…" from the command palette with its address.`,
    );
    return undefined;
  }
  const { description, canPersist } = info;
  return { expression: variable.evaluateName, description, persists: canPersist === true };
}

async function targetOfSymbol(
  guest: GuestSession,
  { symbol, length }: SymbolContext,
): Promise<Target | undefined> {
  const info = await request(guest.session, 'dataBreakpointInfo', { name: symbol, bytes: length });
  if (info.dataId !== null)
    return { expression: symbol, length, description: info.description, persists: true };
  void vscode.window.showWarningMessage(info.description);
  return undefined;
}

async function askForTarget(
  guest: GuestSession,
  frameId: number | undefined,
): Promise<Target | undefined> {
  const editor = vscode.window.activeTextEditor;
  const selected = editor?.document.getText(editor.selection).trim() ?? '';
  const text = await vscode.window.showInputBox({
    title: 'Set watchpoint',
    prompt:
      'A variable or another place in memory, such as station.altitude.metres, or an address, such as 0x40081000',
    ...(selected !== '' && !selected.includes('\n') && { value: selected }),
  });
  const parsed = parseTarget(text ?? '');
  if (parsed === undefined) return undefined;
  if ('address' in parsed) return { ...parsed, persists: true };
  const info = await request(guest.session, 'dataBreakpointInfo', {
    name: parsed.expression,
    ...(frameId !== undefined && { frameId }),
  });
  const { dataId, description, canPersist } = info;
  if (dataId !== null) return { ...parsed, description, persists: canPersist === true };
  void vscode.window.showWarningMessage(description);
  return undefined;
}

async function pickLength(
  target: WatchTarget,
  description: string | undefined,
): Promise<number | 'all' | undefined> {
  const other = 'Another length…';
  const whole = { label: 'All of it', ...(description !== undefined && { description }) };
  const lengths = [4, 8, 1, 2].map((bytes) => ({
    label: `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`,
    bytes,
  }));
  const items: (vscode.QuickPickItem & { readonly bytes?: number })[] = [
    ...(target.expression === undefined ? [] : [whole]),
    ...lengths,
    { label: other },
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: `Set watchpoint on ${describeTarget(target)}: length`,
    placeHolder: 'How many bytes are watched',
  });
  if (picked?.label !== other) return picked === undefined ? undefined : (picked.bytes ?? 'all');
  const text = await vscode.window.showInputBox({
    title: `Set watchpoint on ${describeTarget(target)}: length`,
    prompt: 'Bytes, such as 4 or 0x100',
    validateInput: (value) => {
      const length = parseLength(value);
      return typeof length === 'string' ? length : undefined;
    },
  });
  const length = text === undefined ? undefined : parseLength(text);
  return typeof length === 'number' ? length : undefined;
}

type Access = Pick<Watchpoint, 'accessType' | 'mode'>;

async function pickAccess(target: WatchTarget): Promise<Access | undefined> {
  const kinds = [
    { label: 'Write', accessType: 'write', icon: 'edit' },
    { label: 'Read', accessType: 'read', icon: 'eye' },
    { label: 'Read or write', accessType: 'readWrite', icon: 'arrow-swap' },
  ] as const;
  const modes = [
    {
      mode: 'auto',
      separator: 'in a hardware slot while one is free, else in the machine',
      suffix: '',
    },
    { mode: 'hw', separator: 'in a hardware slot, or not at all', suffix: ', hardware slot' },
    { mode: 'vm', separator: 'in the machine, invisible to the guest', suffix: ', machine' },
  ] as const;
  const items = modes.flatMap(({ mode, separator, suffix }) => [
    { label: separator, kind: vscode.QuickPickItemKind.Separator },
    ...kinds.map(({ label, accessType, icon }) => ({
      label: `${label}${suffix}`,
      iconPath: new vscode.ThemeIcon(icon),
      access: { accessType, mode },
    })),
  ]);
  const picked = await vscode.window.showQuickPick(items, {
    title: `Set watchpoint on ${describeTarget(target)}: access`,
    placeHolder: 'Which accesses stop the guest, and how they are noticed',
  });
  return picked !== undefined && 'access' in picked ? picked.access : undefined;
}

function report(row: WatchpointRow): void {
  const text = `${row.label} (${row.length} bytes at ${row.address}, ${describeAccess(row.accessType)}): ${row.message}`;
  if (row.verified) void vscode.window.showInformationMessage(text);
  else void vscode.window.showErrorMessage(`No watchpoint on ${text}`);
}

async function pickWatchpoint(
  sessions: GuestSessions,
  watchpoints: Watchpoints,
): Promise<Watchpoint | undefined> {
  const guest = sessions.current;
  const known = guest === undefined ? [] : watchpoints.of(guest.program);
  if (known.length === 0) {
    void vscode.window.showInformationMessage(
      'There is no watchpoint to remove. Data breakpoints are removed in the view Breakpoints.',
    );
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(
    known.map((watchpoint) => ({
      label: describeTarget(watchpoint),
      description: describeAccess(watchpoint.accessType),
      watchpoint,
    })),
    { title: 'Remove watchpoint', placeHolder: 'Which one?' },
  );
  return picked?.watchpoint;
}
