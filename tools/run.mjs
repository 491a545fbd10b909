// What stands behind `npm start`, `npm test` and their relatives. In a fresh clone nothing is installed yet, so this file
// uses Node built-ins only: it installs the dependencies when package-lock.json changed, then starts the real program.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = path.join(root, 'node_modules', '.installed-lockfile');

const usage = `usage: node tools/run.mjs <command> [arguments]
  install           npm ci, when package-lock.json changed since the last time
  start             build, then VS Code on samples/ (with "--terminal", or without a display: the demo in the terminal)
  test              every test that needs neither QEMU, cross compiler nor browser
  test:toolchain    the tests that need QEMU, the cross compiler or gdb
  test:vscode       the tests in a real VS Code
Arguments of the test commands go to mocha; a file or glob replaces the default selection.`;

const commands = {
  install: () => 0,
  start,
  test: (extra) => mocha(['test/{unit,architecture,guest,acceptance,dap,lsp}/**/*.test.ts'], extra),
  'test:toolchain': (extra) => mocha(['--timeout', '120000', 'test/toolchain/**/*.test.ts'], extra),
  'test:vscode': (extra) => node(['--import', 'tsx', 'test/vscode/run.ts', ...extra]),
};

const [name = '', ...extraArguments] = process.argv.slice(2);
if (!Object.hasOwn(commands, name)) {
  console.error(usage);
  process.exit(2);
}
process.chdir(root);
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Trapline needs Node 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}
process.exit(installDependencies() || commands[name](extraArguments));

function installDependencies() {
  const lockfile = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8').trim() === lockfile) return 0;
  console.log('Installing dependencies (npm ci) ...');
  // Errors only: packaging tools that ask for Node 22 do work on Node 20.
  const status = npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (status === 0) writeFileSync(stampFile, `${lockfile}\n`);
  else console.error('npm ci failed; its message is above. Nothing else was started.');
  return status;
}

function start(extra) {
  const status = node(['esbuild.mjs']);
  if (status !== 0) return status;
  const obstacle = extra.includes('--terminal') ? '"--terminal" was given' : obstacleToVsCode();
  if (obstacle === undefined) {
    console.log('Opening VS Code on samples/ with Trapline loaded: press F5 there.');
    return runProgram('code', [`--extensionDevelopmentPath=${root}`, path.join(root, 'samples')]);
  }
  console.log(`No VS Code window (${obstacle}): the same debug session in the terminal.`);
  if (!existsSync('tools/demo.ts')) {
    console.error('tools/demo.ts, the session in the terminal, is not in this tree.');
    return 1;
  }
  return node(['--import', 'tsx', 'tools/demo.ts', ...extra.filter((it) => it !== '--terminal')]);
}

/** Why a VS Code window cannot be opened here; undefined when it can. */
function obstacleToVsCode() {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (process.platform === 'linux' && !DISPLAY && !WAYLAND_DISPLAY) return 'there is no display';
  // VS Code refuses to open a window for root.
  if (process.getuid?.() === 0) return 'VS Code does not run as root';
  const version = spawnSync('code', ['--version'], {
    stdio: 'ignore',
    shell: process.platform === 'win32',
  });
  return version.status === 0 ? undefined : 'there is no "code" command';
}

function mocha(selection, extra) {
  const hasFiles = extra.some((argument) => argument.includes('.test.ts'));
  const options = hasFiles ? selection.filter((it) => !it.includes('.test.ts')) : selection;
  return node(['node_modules/mocha/bin/mocha.js', ...options, ...extra]);
}

function node(programArguments) {
  return runProgram(process.execPath, programArguments);
}

function npm(npmArguments) {
  // Inside `npm run` this is the script of the npm that started us.
  const script = process.env.npm_execpath;
  if (script?.endsWith('.js')) return node([script, ...npmArguments]);
  return runProgram('npm', npmArguments);
}

function runProgram(program, programArguments) {
  const result = spawnSync(program, programArguments, {
    stdio: 'inherit',
    shell: process.platform === 'win32' && program !== process.execPath,
  });
  if (result.error) console.error(`${program}: ${result.error.message}`);
  return result.status ?? 1;
}
