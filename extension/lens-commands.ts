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
  const listings = new Listings();
  context.subscriptions.push(
    vscode.workspace.registerTextDocumentContentProvider(LISTING_SCHEME, listings),
  );
  const commands = {
    'trapline.showReferences': showReferences,
    'trapline.debugFunction': debugFunction,
    'trapline.runToFunction': (uri: string, name: string, line: number) =>
      runToFunction(sessions, uri, name, line),
    'trapline.breakAtFunction': breakAtFunction,
    'trapline.runTest': runTest,
    'trapline.disassembleFunction': (name: string) => disassembleFunction(sessions, listings, name),
    'trapline.checkAbi': (name: string) => checkAbi(sessions, name),
    'trapline.watchAddress': (address: string) => watchAddress(sessions, watchpoints, address),
    'trapline.watchSymbol': watchSymbol,
    'trapline.watchWrites': (name: string, length: number) =>
      watchWrites(sessions, watchpoints, name, length),
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
  // Setting it tells of the guest that still stands; it is done with when the guest has run and stands again.
  let hasRun = false;
  const waiting = sessions.onDidChange((guest) => {
    if (guest?.isRunning === true) hasRun = true;
    if (!hasRun || guest?.state?.running !== false) return;
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
async function watchSymbol(name: string, length: number): Promise<void> {
  if (vscode.debug.activeDebugSession?.type !== DEBUG_TYPE) {
    await vscode.window.showInformationMessage(
      `Start the guest first; then the watchpoint on ${name} can be set.`,
    );
    return;
  }
  await vscode.commands.executeCommand('trapline.setWatchpoint', {
    symbol: name,
    length,
  });
}

/** Behind the lens "Watch writes (hardware)": at once, in a slot of the processor. */
async function watchWrites(
  sessions: GuestSessions,
  watchpoints: Watchpoints,
  name: string,
  length: number,
): Promise<void> {
  const guest = requireActive(sessions);
  if (guest === undefined) return;
  try {
    const asked = { name, bytes: length };
    const { dataId, description } = await request(guest.session, 'dataBreakpointInfo', asked);
    if (dataId === null) {
      void vscode.window.showWarningMessage(description);
      return;
    }
    const place = { expression: name, length };
    const target = { ...place, accessType: 'write', mode: 'hw', persists: true } as const;
    const row = await watchpoints.add(guest, target, undefined);
    if (!row.verified) void vscode.window.showWarningMessage(row.message);
    else void vscode.window.setStatusBarMessage(`Watching ${describeTarget(target)}`, 4000);
  } catch (error) {
    showFailure(error);
  }
}

const LISTING_SCHEME = 'trapline-disassembly';
/** Instructions of a listing; a function that is longer is cut, and says so. */
const LISTED = 2000;

/** Listings of functions, as the machine had them when they were asked for. */
class Listings implements vscode.TextDocumentContentProvider {
  readonly #texts = new Map<string, string>();

  put(name: string, text: string): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: LISTING_SCHEME, path: `/${name}.dis` });
    this.#texts.set(uri.toString(), text);
    return uri;
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? '';
  }
}

/** Behind the lens "Disassemble": the function as text, in which hovers and definitions work as in a source. */
async function disassembleFunction(
  sessions: GuestSessions,
  listings: Listings,
  name: string,
): Promise<void> {
  const guest = requireActive(sessions);
  if (guest === undefined) return;
  try {
    const { symbols } = await request(guest.session, 'trapline/symbols', undefined);
    const symbol = symbols.find((it) => it.name === name);
    if (symbol === undefined) {
      void vscode.window.showWarningMessage(`The program has no function ${name}.`);
      return;
    }
    const start = BigInt(symbol.address);
    const ends = symbols.map(({ address }) => BigInt(address)).filter((it) => it > start);
    const end = ends.reduce((least, it) => (it < least ? it : least), start + BigInt(LISTED * 4));
    const count = Math.min(LISTED, Number((end - start) / 4n));
    const { instructions } = await request(guest.session, 'disassemble', {
      memoryReference: symbol.address,
      instructionCount: count,
    });
    const lines = instructions.map(
      ({ address, instructionBytes = '', instruction }) =>
        `${address}: ${instructionBytes.replaceAll(' ', '')}  ${instruction}`,
    );
    if (count === LISTED) lines.push(`// The first ${LISTED} instructions.`);
    const title = `${symbol.address.replace(/^0x/, '')} <${name}>:`;
    const document = await vscode.workspace.openTextDocument(
      listings.put(name, `${[title, ...lines].join('\n')}\n`),
    );
    await vscode.languages.setTextDocumentLanguage(document, 'aarch64-disassembly');
    await vscode.window.showTextDocument(document, vscode.ViewColumn.Beside);
  } catch (error) {
    showFailure(error);
  }
}

/** Behind the lens "Check ABI". The guest is as before afterwards. */
async function checkAbi(sessions: GuestSessions, name: string): Promise<void> {
  const guest = requireActive(sessions);
  if (guest === undefined) return;
  try {
    const answer = await request(guest.session, 'trapline/checkAbi', { function: name });
    if (answer.verdict === 'preserved') {
      void vscode.window.showInformationMessage(answer.text);
      return;
    }
    const place = answer.changes.find((it) => it.path !== undefined && it.line !== undefined);
    const show = place ? [`Go to line ${place.line ?? 1}`] : [];
    const chosen = await vscode.window.showWarningMessage(answer.text, ...show);
    if (chosen === undefined || place?.path === undefined) return;
    const position = new vscode.Position((place.line ?? 1) - 1, 0);
    await vscode.window.showTextDocument(vscode.Uri.file(place.path), {
      selection: new vscode.Range(position, position),
    });
  } catch (error) {
    showFailure(error);
  }
}

/** Behind the action "Set watchpoint on …" of a listing. */
async function watchAddress(
  sessions: GuestSessions,
  watchpoints: Watchpoints,
  address: string,
): Promise<void> {
  const guest = requireActive(sessions);
  if (guest === undefined) return;
  try {
    const target = {
      address,
      length: 8,
      accessType: 'write',
      mode: 'auto',
      persists: false,
    } as const;
    const row = await watchpoints.add(guest, target, undefined);
    if (!row.verified) void vscode.window.showWarningMessage(row.message);
  } catch (error) {
    showFailure(error);
  }
}
