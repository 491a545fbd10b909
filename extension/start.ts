/** One key from a folder to a stopped guest: which program F5 starts when there is no launch.json. */
import path from 'node:path';
import * as vscode from 'vscode';
import { findPrograms, isSearched, type FoundElf } from './elf-finder.ts';
import { DEBUG_TYPE } from './protocol.ts';

const canStartKey = 'trapline.canStart';
/** Before the first look F5 comes here as well, and goes on to VS Code where it is not ours. */
const hasLookedKey = 'trapline.hasLooked';
/** A build writes many files in a row; one look after them is enough. */
const settleMilliseconds = 500;

interface Candidate extends FoundElf {
  readonly folder: vscode.WorkspaceFolder;
}

export function registerStart(context: vscode.ExtensionContext): void {
  const provider = new ConfigurationProvider();
  const startKey = new StartKey();
  context.subscriptions.push(
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, provider),
    vscode.debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      { provideDebugConfigurations: offerPrograms },
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    vscode.commands.registerCommand('trapline.start', start),
    vscode.commands.registerCommand('trapline.startByKey', async () => {
      if (await startKey.canStart) await start();
      else await vscode.commands.executeCommand('workbench.action.debug.start');
    }),
    vscode.commands.registerCommand('trapline.pickProgram', async () => {
      const picked = await pickProgram(undefined);
      return picked?.path;
    }),
    startKey,
  );
}

/** VS Code asks for trust before it starts the session. */
async function start(): Promise<void> {
  const picked = await pickProgram(undefined);
  if (picked === undefined) return;
  await vscode.debug.startDebugging(picked.folder, configurationOf(picked));
}

/** What F5 would start without a launch configuration; undefined after a message when there is none. */
export async function pickConfiguration(): Promise<
  | {
      readonly folder: vscode.WorkspaceFolder | undefined;
      readonly configuration: vscode.DebugConfiguration;
    }
  | undefined
> {
  const picked = await pickProgram(undefined);
  return picked && { folder: picked.folder, configuration: configurationOf(picked) };
}

class ConfigurationProvider implements vscode.DebugConfigurationProvider {
  /** What a new launch.json begins with. */
  async provideDebugConfigurations(
    folder: vscode.WorkspaceFolder | undefined,
  ): Promise<vscode.DebugConfiguration[]> {
    const offered = await offerPrograms(folder);
    if (offered.length > 0) return offered;
    return [
      {
        type: DEBUG_TYPE,
        request: 'launch',
        name: 'Debug guest',
        program: '${workspaceFolder}/guest.elf',
        stopOnEntry: true,
      },
    ];
  }

  async resolveDebugConfiguration(
    folder: vscode.WorkspaceFolder | undefined,
    given: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    if (given['program'] !== undefined) return withConsole(given);
    const picked = await pickProgram(folder);
    if (picked === undefined) return undefined;
    // Without launch.json the configuration is empty; one that only lacks the program keeps the rest.
    const typed = given as Partial<vscode.DebugConfiguration>;
    return {
      ...configurationOf(picked),
      ...(typed.type !== undefined && typed.name ? given : { noDebug: given['noDebug'] === true }),
      program: picked.path,
    };
  }
}

/** A serial console in a terminal stays in front: VS Code would open the Debug Console over it. */
function withConsole(given: vscode.DebugConfiguration): vscode.DebugConfiguration {
  if (given['console'] !== 'terminal') return given;
  return { internalConsoleOptions: 'neverOpen', ...given };
}

async function offerPrograms(
  folder: vscode.WorkspaceFolder | undefined,
): Promise<vscode.DebugConfiguration[]> {
  const candidates = await candidatesIn(folder === undefined ? localFolders() : [folder]);
  return candidates.map((it) => ({
    ...configurationOf(it),
    program: `\${workspaceFolder}/${relativePath(it)}`,
  }));
}

interface Program {
  readonly path: string;
  readonly folder: vscode.WorkspaceFolder | undefined;
}

function configurationOf({ path: program }: Program): vscode.DebugConfiguration {
  return {
    type: DEBUG_TYPE,
    request: 'launch',
    name: `Debug ${path.basename(program)}`,
    program,
    stopOnEntry: true,
  };
}

/** The only program, or the one that the user picks; undefined after a message when there is none. */
async function pickProgram(
  folder: vscode.WorkspaceFolder | undefined,
): Promise<Program | undefined> {
  const folders = folder === undefined ? localFolders() : [folder];
  const candidates = await candidatesIn(folders);
  if (candidates.length === 0) return offerFile(folders);
  if (candidates.length === 1) return candidates[0];
  const picked = await vscode.window.showQuickPick(
    candidates.map((candidate) => ({
      label: path.basename(candidate.path),
      description: path
        .dirname(vscode.workspace.asRelativePath(candidate.path))
        .replace(/^\.$/, ''),
      detail: `built ${new Date(candidate.modified).toLocaleString()}`,
      iconPath: new vscode.ThemeIcon('chip'),
      candidate,
    })),
    {
      title: 'Which guest?',
      placeHolder: 'AArch64 programs in this workspace, newest first',
      matchOnDescription: true,
    },
  );
  return picked?.candidate;
}

async function offerFile(folders: readonly vscode.WorkspaceFolder[]): Promise<Program | undefined> {
  const chooseFile = 'Choose a File…';
  const openFolder = 'Open a Folder…';
  const problem =
    folders.length === 0
      ? 'No folder is open, so there is no program to start. Open the folder of an AArch64 ELF file, or choose the file.'
      : 'No AArch64 program is in this folder: no linked, freestanding 64-bit ELF file. Build one, for instance with aarch64-none-elf-gcc, or choose a file elsewhere.';
  const choices = folders.length === 0 ? [chooseFile, openFolder] : [chooseFile];
  const choice = await vscode.window.showErrorMessage(problem, ...choices);
  if (choice === openFolder)
    await vscode.commands.executeCommand('workbench.action.files.openFolder');
  if (choice !== chooseFile) return undefined;
  const [uri] =
    (await vscode.window.showOpenDialog({ title: 'The guest to start', openLabel: 'Start' })) ?? [];
  return uri && { path: uri.fsPath, folder: vscode.workspace.getWorkspaceFolder(uri) };
}

function localFolders(): vscode.WorkspaceFolder[] {
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
}

async function candidatesIn(folders: readonly vscode.WorkspaceFolder[]): Promise<Candidate[]> {
  const found = await Promise.all(
    folders.map(async (folder) =>
      (await findPrograms(folder.uri.fsPath)).map((it): Candidate => ({ ...it, folder })),
    ),
  );
  return found.flat();
}

function relativePath({ folder, path: file }: Candidate): string {
  return path.relative(folder.uri.fsPath, file).split(path.sep).join('/');
}

/** Keeps the context key under which F5 is ours: a program is there, and no launch configuration. */
class StartKey implements vscode.Disposable {
  readonly #disposables: vscode.Disposable[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Looks follow each other, so that the last one is the one that counts. */
  #looks: Promise<boolean>;

  constructor() {
    const watcher = vscode.workspace.createFileSystemWatcher('**/*');
    const changed = (uri: vscode.Uri): void => {
      const folder = vscode.workspace.getWorkspaceFolder(uri);
      if (folder && isSearched(path.relative(folder.uri.fsPath, uri.fsPath))) this.#soon();
    };
    this.#disposables.push(
      watcher,
      watcher.onDidCreate(changed),
      watcher.onDidChange(changed),
      watcher.onDidDelete(changed),
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.#soon();
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('launch')) this.#soon();
      }),
    );
    this.#looks = look();
  }

  /** As of the last look, which may still be under way. */
  get canStart(): Promise<boolean> {
    return this.#looks;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const it of this.#disposables) it.dispose();
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#looks = this.#looks.then(look);
    }, settleMilliseconds);
  }
}

async function look(): Promise<boolean> {
  const folders = localFolders();
  const canStart = !hasLaunchConfiguration(folders) && (await candidatesIn(folders)).length > 0;
  await vscode.commands.executeCommand('setContext', canStartKey, canStart);
  await vscode.commands.executeCommand('setContext', hasLookedKey, true);
  return canStart;
}

/** From launch.json, or from "launch" in a workspace file or the settings. */
function hasLaunchConfiguration(folders: readonly vscode.WorkspaceFolder[]): boolean {
  return folders.some(({ uri }) => {
    const launch = vscode.workspace.getConfiguration('launch', uri);
    const count = (name: string): number => launch.get<readonly unknown[]>(name)?.length ?? 0;
    return count('configurations') + count('compounds') > 0;
  });
}
