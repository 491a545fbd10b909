/** What the lenses above functions and data do. The server writes their arguments, so they are in no menu. */
import * as vscode from 'vscode';
import { DEBUG_TYPE, request } from './protocol.ts';
import { requireActive, showFailure, type GuestSessions } from './sessions.ts';
import { describeTarget, type Watchpoints } from './watchpoints.ts';

interface Place {
  readonly line: number;
  readonly character: number;
}

interface Span {
  readonly start: Place;
  readonly end: Place;
}

export function toRange({ start, end }: Span): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

export function registerLensCommands(
  context: vscode.ExtensionContext,
  sessions: GuestSessions,
  watchpoints: Watchpoints,
): void {
  const commands = {
    'trapline.showReferences': showReferences,
    'trapline.debugFunction': debugFunction,
    'trapline.runToFunction': (uri: string, name: string, line: number) =>
      runToFunction(sessions, uri, name, line),
    'trapline.breakAtFunction': breakAtFunction,
    'trapline.runTest': runTest,
    'trapline.watchSymbol': watchSymbol,
    'trapline.watchWrites': (name: string) => watchWrites(sessions, watchpoints, name),
  } as const;
  for (const [command, run] of Object.entries(commands))
    context.subscriptions.push(vscode.commands.registerCommand(command, run));
}

/** Behind the lens "n references". */
function showReferences(
  uri: string,
  at: Place,
  found: readonly { readonly uri: string; readonly range: Span }[],
): Thenable<unknown> {
  return vscode.commands.executeCommand(
    'editor.action.showReferences',
    vscode.Uri.parse(uri),
    new vscode.Position(at.line, at.character),
    found.map((it) => new vscode.Location(vscode.Uri.parse(it.uri), toRange(it.range))),
  );
}

/** A breakpoint at the function, unless it has one. */
function breakAtFunction(name: string): void {
  const exists = vscode.debug.breakpoints.some(
    (it) => it instanceof vscode.FunctionBreakpoint && it.functionName === name,
  );
  if (!exists) vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(name)]);
}

async function showPlace(uri: string, line: number): Promise<void> {
  const position = new vscode.Position(line, 0);
  await vscode.window.showTextDocument(vscode.Uri.parse(uri), {
    selection: new vscode.Range(position, position),
  });
}

/** Behind the lens "Debug this": a breakpoint at the function, and a start unless the guest runs. */
async function debugFunction(uri: string, name: string, line: number): Promise<void> {
  breakAtFunction(name);
  if (vscode.debug.activeDebugSession?.type === DEBUG_TYPE) return;
  await showPlace(uri, line);
  await vscode.commands.executeCommand('trapline.start');
}

/** Behind the lens "Run to here": as with the breakpoint, which goes when the guest has stopped there. */
async function runToFunction(
  sessions: GuestSessions,
  uri: string,
  name: string,
  line: number,
): Promise<void> {
  const breakpoint = new vscode.FunctionBreakpoint(name);
  vscode.debug.addBreakpoints([breakpoint]);
  const waiting = sessions.onDidChange((guest) => {
    if (guest?.state?.running !== false) return;
    waiting.dispose();
    vscode.debug.removeBreakpoints([breakpoint]);
  });
  if (sessions.active === undefined) {
    await showPlace(uri, line);
    await vscode.commands.executeCommand('trapline.start');
  } else {
    await vscode.commands.executeCommand('workbench.action.debug.continue');
  }
}

/** Behind the lenses of a test: the guest is started; "Debug test" stops at the test's first instruction. */
async function runTest(uri: string, name: string, stops: boolean): Promise<void> {
  if (stops) breakAtFunction(name);
  await showPlace(uri, 0);
  await vscode.commands.executeCommand('trapline.start');
}

/** Behind the lens "Set hardware watchpoint": asks what to watch, as from the menu of a variable. */
async function watchSymbol(name: string): Promise<void> {
  if (vscode.debug.activeDebugSession?.type !== DEBUG_TYPE) {
    await vscode.window.showInformationMessage(
      `Start the guest first; then the watchpoint on ${name} can be set.`,
    );
    return;
  }
  await vscode.commands.executeCommand('trapline.setWatchpoint', {
    variable: { name, evaluateName: name },
  });
}

/** Behind the lens "Watch writes (hardware)": at once, in a slot of the processor. */
async function watchWrites(
  sessions: GuestSessions,
  watchpoints: Watchpoints,
  name: string,
): Promise<void> {
  const guest = requireActive(sessions);
  if (guest === undefined) return;
  try {
    const { dataId, description } = await request(guest.session, 'dataBreakpointInfo', { name });
    if (dataId === null) {
      void vscode.window.showWarningMessage(description);
      return;
    }
    const target = { expression: name, accessType: 'write', mode: 'hw', persists: true } as const;
    const row = await watchpoints.add(guest, target, undefined);
    if (!row.verified) void vscode.window.showWarningMessage(row.message);
    else void vscode.window.setStatusBarMessage(`Watching ${describeTarget(target)}`, 4000);
  } catch (error) {
    showFailure(error);
  }
}
