/** One VS Code server for a whole test run, with the packaged extension installed. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { installVsCode, type VsCodeInstallation } from './install.ts';
import { waitUntil } from './wait-until.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const logFolder = path.join(root, '.cache', 'vscode-tests');

const settings = {
  // Rows of text in place of a picture, for tests to read.
  'terminal.integrated.gpuAcceleration': 'off',
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'telemetry.telemetryLevel': 'off',
  'chat.disableAIFeatures': true,
  'extensions.ignoreRecommendations': true,
  'extensions.autoCheckUpdates': false,
  'remote.autoForwardPorts': false,
  'git.enabled': false,
  'editor.minimap.enabled': false,
  // A sticky copy of a row or line would be read twice.
  'editor.stickyScroll.enabled': false,
  'workbench.tree.enableStickyScroll': false,
  'debug.console.collapseIdenticalLines': false,
  // See PIXELS_A_TURN in tree.ts.
  'workbench.list.mouseWheelScrollSensitivity': 1.76,
  // Every item of a menu and every notification is then found by its text.
  'window.dialogStyle': 'custom',
};

export interface VsCodeServer {
  /** "http://127.0.0.1:PORT"; append "/?folder=" and an absolute path. */
  readonly url: string;
  readonly installation: VsCodeInstallation;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** The packaged extension; undefined: a VS Code without any extension of ours. */
  readonly vsix: string | undefined;
  /** Whether folders are restricted until the user trusts them. */
  readonly workspaceTrust: boolean;
}

/** Starts VS Code on a free port of 127.0.0.1. */
export async function startServer({ vsix, workspaceTrust }: ServerOptions): Promise<VsCodeServer> {
  const installation = installVsCode();
  const folder = mkdtempSync(path.join(tmpdir(), 'trapline-vscode-'));
  const userData = path.join(folder, 'user-data');
  const extensions = path.join(folder, 'extensions');
  mkdirSync(path.join(userData, 'User'), { recursive: true });
  writeFileSync(
    path.join(userData, 'User', 'settings.json'),
    JSON.stringify({ ...settings, 'security.workspace.trust.enabled': workspaceTrust }, null, 2),
  );
  const folders = ['--user-data-dir', userData, '--extensions-dir', extensions];

  if (vsix !== undefined) {
    const { status, stdout, stderr } = spawnSync(
      installation.node,
      [installation.entry, ...folders, '--install-extension', vsix],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`VS Code refuses ${vsix}:\n${stdout}${stderr}`);
  }

  const port = await freePort();
  mkdirSync(logFolder, { recursive: true });
  const log = openSync(path.join(logFolder, 'server.log'), 'a');
  const server = spawn(
    installation.node,
    [
      installation.entry,
      ...['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`],
      ...folders,
      ...['--disable-telemetry', '--disable-update-check'],
      ...(workspaceTrust ? [] : ['--disable-workspace-trust']),
    ],
    // Its own process group, so that stop() also ends the extension hosts.
    { detached: true, stdio: ['ignore', log, log], cwd: folder },
  );
  closeSync(log);
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    await stopGroup(server);
    // The logs of the extension hosts: the place to look when the extension did nothing at all.
    cpSync(path.join(userData, 'logs'), path.join(logFolder, 'logs'), { recursive: true });
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    await waitUntil(
      `VS Code answers at ${url} (its log: ${logFolder}/server.log)`,
      () => {
        if (server.exitCode !== null) {
          throw new Error(
            `VS Code ended with status ${server.exitCode}; see ${logFolder}/server.log`,
          );
        }
        return answers(`${url}/healthz`);
      },
      60_000,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, installation, stop };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false; // Nothing listens yet.
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}

async function stopGroup(leader: ChildProcess): Promise<void> {
  const { pid } = leader;
  if (pid === undefined || leader.exitCode !== null) return;
  const ended = new Promise<void>((resolve) =>
    leader.once('exit', () => {
      resolve();
    }),
  );
  process.kill(-pid, 'SIGTERM');
  const impatience = setTimeout(() => {
    process.kill(-pid, 'SIGKILL');
  }, 5_000);
  await ended;
  clearTimeout(impatience);
}
