/** The run's one server and one browser, started by the first window and stopped by mocha's root hook. */
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

let running: Promise<{ server: VsCodeServer; browser: Browser }> | undefined;
const open = new Set<Workbench>();
const folders: string[] = [];

async function start(): Promise<{ server: VsCodeServer; browser: Browser }> {
  const server = await startServer(vsix);
  const browser = await chromium.launch({
    executablePath: server.installation.chromium,
    args: chromiumArguments,
  });
  return { server, browser };
}

/** A new window without a folder; see Workbench.openFolder. */
export async function newWindow(): Promise<Workbench> {
  running ??= start();
  const { server, browser } = await running;
  const workbench = await Workbench.create(browser, server.url);
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
    if (running) {
      const { server, browser } = await running;
      await browser.close();
      await server.stop();
    }
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  },
};
