/**
 * Puts a real VS Code into `.cache/`, once: the npm package `code-server` (VS Code's server and web workbench) and the
 * Node 24 that it needs. Chromium and the build tools of its native modules come from Debian packages.
 */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

const CODE_SERVER_VERSION = '4.139.1';
const NODE_MAJOR = '24';

const DEBIAN_PACKAGES = [
  ['chromium', 'fonts-dejavu-core'],
  ['pkg-config', 'libkrb5-dev', 'libsecret-1-dev', 'libx11-dev', 'libxkbfile-dev'],
  ['python3', 'make', 'g++'],
].flat();

const root = path.resolve(import.meta.dirname, '../../..');
const cache = path.join(root, '.cache', `code-server-${CODE_SERVER_VERSION}`);
const nodeFolder = path.join(cache, `node-${NODE_MAJOR}`);
const codeServerFolder = path.join(cache, 'node_modules', 'code-server');
const logFile = path.join(cache, 'install.log');
const stampFile = path.join(cache, 'installed');

/** What a test needs in order to start VS Code. All paths are absolute. */
export interface VsCodeInstallation {
  /** The Node 24 executable that runs code-server. */
  readonly node: string;
  /** code-server's entry script. */
  readonly entry: string;
  /** The Chromium executable. */
  readonly chromium: string;
}

/** A sentence for the person at the terminal: what is missing and what would help. */
export class InstallationError extends Error {
  override readonly name = 'InstallationError';
}

/** Installs what is missing and says where everything is. Takes minutes the first time, nothing later. */
export function installVsCode(): VsCodeInstallation {
  if (process.platform !== 'linux') {
    throw new InstallationError(
      `The tests in a real VS Code run on Linux; this is ${process.platform}. Run them in a Debian container.`,
    );
  }
  installDebianPackages();
  const installation: VsCodeInstallation = {
    node: path.join(nodeFolder, 'bin', 'node'),
    entry: path.join(codeServerFolder, 'out', 'node', 'entry.js'),
    chromium: '/usr/bin/chromium',
  };
  if (!existsSync(stampFile)) {
    mkdirSync(cache, { recursive: true });
    writeFileSync(logFile, '');
    installNode();
    installCodeServer();
    writeFileSync(stampFile, `code-server ${CODE_SERVER_VERSION}\n`);
    progress('ready');
  }
  return installation;
}

function installDebianPackages(): void {
  const missing = DEBIAN_PACKAGES.filter((name) => !isDebianPackageInstalled(name));
  if (missing.length === 0) return;
  const command = `apt-get install ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    throw new InstallationError(
      `These Debian packages are missing: ${missing.join(', ')}. Install them with "${command}" and try again.`,
    );
  }
  progress(`Debian packages: ${missing.join(', ')}`);
  mkdirSync(cache, { recursive: true });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-q'], { env });
  run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { env });
}

function isDebianPackageInstalled(name: string): boolean {
  const query = spawnSync('dpkg-query', ['-W', '-f=${Status}', name], { encoding: 'utf8' });
  if (query.error) {
    throw new InstallationError(
      'The tests in a real VS Code use Debian packages (Chromium and build tools), and dpkg-query is not here. Run them on Debian or Ubuntu.',
    );
  }
  return query.stdout.includes('install ok installed');
}

function isOnPath(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.some((folder) => existsSync(path.join(folder, program)));
}

function installNode(): void {
  const name = `node-linux-${process.arch}`;
  progress(`Node ${NODE_MAJOR} (npm package ${name})`);
  rmSync(nodeFolder, { recursive: true, force: true });
  mkdirSync(nodeFolder, { recursive: true });
  run('npm', ['pack', '--silent', '--pack-destination', cache, `${name}@${NODE_MAJOR}`]);
  const archive = readdirSync(cache).find((file) => file.startsWith(name) && file.endsWith('.tgz'));
  if (archive === undefined)
    throw new InstallationError(`npm pack ${name} left no archive in ${cache}.`);
  const archivePath = path.join(cache, archive);
  run('tar', ['-xzf', archivePath, '--strip-components=1', '-C', nodeFolder]);
  rmSync(archivePath);
  chmodSync(path.join(nodeFolder, 'bin', 'node'), 0o755);
}

function installCodeServer(): void {
  progress(`code-server ${CODE_SERVER_VERSION} (about 170 MB, then native modules; some minutes)`);
  const bin = path.join(cache, 'node_modules', '.bin');
  writeFileSync(path.join(cache, 'package.json'), '{ "private": true }\n');
  const env = {
    ...process.env,
    PATH: [path.join(nodeFolder, 'bin'), bin, process.env['PATH'] ?? ''].join(path.delimiter),
    npm_config_nodedir: nodeFolder,
  };
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund'];
  run('npm', [...install, `code-server@${CODE_SERVER_VERSION}`], { env });
  // npm sets the executable bit of a program only when it may also run scripts.
  for (const link of readdirSync(bin)) chmodSync(realpathSync(path.join(bin, link)), 0o755);
  progress('native modules of code-server');
  run('node-gyp-build', [], { env, cwd: path.join(cache, 'node_modules', 'argon2') });
  const version = spawnSync(path.join(nodeFolder, 'bin', 'node'), ['--version'], {
    encoding: 'utf8',
  }).stdout.trim();
  run('sh', ['./postinstall.sh'], {
    cwd: codeServerFolder,
    // The script reads the version of Node from npm's user agent.
    env: { ...env, npm_config_user_agent: `npm/11 node/${version} linux ${process.arch}` },
  });
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

function run(program: string, programArguments: readonly string[], options: RunOptions = {}): void {
  const result = spawnSync(program, programArguments, {
    cwd: options.cwd ?? cache,
    env: options.env ?? process.env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 256 * 1024 * 1024,
  });
  const output = `$ ${program} ${programArguments.join(' ')}\n${result.stdout}${result.stderr}`;
  appendFileSync(logFile, output);
  if (result.status === 0) return;
  const reason = result.error?.message ?? `exit status ${String(result.status)}`;
  const lastLines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  throw new InstallationError(
    `"${program} ${programArguments.join(' ')}" failed: ${reason}. The whole log is in ${logFile}; its end:\n${lastLines}`,
  );
}

function progress(text: string): void {
  process.stdout.write(`VS Code for tests: ${text}\n`);
}
