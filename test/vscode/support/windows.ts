/** The run's servers and its browser, started by the first window that needs them and stopped by mocha's root hook. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { startServer, type VsCodeServer } from './server.ts';
import { Workbench } from './workbench.ts';

/** Set by run.ts: the packaged extension under test. */
const vsix = process.env['TRAPLINE_VSIX'];

const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Promise<Browser> | undefined;
const servers = new Map<boolean, Promise<VsCodeServer>>();
const open = new Set<Workbench>();
const folders: string[] = [];

export interface WindowOptions {
  /** Whether folders are restricted until the user trusts them; default false. */
  readonly workspaceTrust?: boolean;
}

/** A new window without a folder; see Workbench.openFolder. */
export async function newWindow({
  workspaceTrust = false,
}: WindowOptions = {}): Promise<Workbench> {
  const starting = servers.get(workspaceTrust) ?? startServer({ vsix, workspaceTrust });
  servers.set(workspaceTrust, starting);
  const server = await starting;
  browser ??= chromium.launch({
    executablePath: server.installation.chromium,
    args: chromiumArguments,
  });
  const workbench = await Workbench.create(await browser, server.url);
  open.add(workbench);
  return workbench;
}

export async function closeWindow(workbench: Workbench): Promise<void> {
  open.delete(workbench);
  await workbench.close();
}

/** What to put into a temporary folder: names relative to it, and their text; or an existing folder to copy. */
export type FolderContent =
  | { readonly files: Readonly<Record<string, string | Uint8Array>> }
  | { readonly copyOf: string; readonly except?: readonly string[] };

/** A temporary folder for one window; removed at the end of the run. Its name is what VS Code shows. */
export function temporaryFolder(name: string, content: FolderContent): string {
  const parent = mkdtempSync(path.join(tmpdir(), 'trapline-folder-'));
  folders.push(parent);
  const folder = path.join(parent, name);
  if ('copyOf' in content) {
    const left = new Set((content.except ?? []).map((it) => path.join(content.copyOf, it)));
    cpSync(content.copyOf, folder, { recursive: true, filter: (source) => !left.has(source) });
    return folder;
  }
  mkdirSync(folder);
  for (const [file, data] of Object.entries(content.files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), data);
  }
  return folder;
}

/** Loaded by mocha: a screenshot of every open window when a test fails, and the end of server and browser. */
export const mochaHooks = {
  async afterEach(this: Mocha.Context): Promise<void> {
    const test = this.currentTest;
    if (test?.state !== 'failed') return;
    let number = 0;
    for (const workbench of open) {
      number++;
      const file = await workbench.screenshot(`failed ${test.fullTitle()} ${number}`);
      process.stdout.write(`      screenshot: ${file}\n`);
    }
  },

  async afterAll(): Promise<void> {
    await (await browser)?.close();
    for (const server of servers.values()) await (await server).stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  },
};
