/** `npm run test:vscode`: installs what is missing, packages the extension, runs the tests in a real VS Code. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { InstallationError, installVsCode } from './support/install.ts';

const root = path.resolve(import.meta.dirname, '../..');
const vsix = path.join(root, '.cache', 'vscode-tests', 'trapline.vsix');

const extra = process.argv.slice(2);
const selection = extra.some((it) => it.includes('.test.ts')) ? [] : ['test/vscode/**/*.test.ts'];

try {
  installVsCode();
} catch (error) {
  if (!(error instanceof InstallationError)) throw error;
  console.error(error.message);
  process.exit(1);
}

mkdirSync(path.dirname(vsix), { recursive: true });
rmSync(vsix, { force: true });
run('esbuild.mjs', '--production');
run(
  'node_modules/@vscode/vsce/vsce',
  ...['package', '--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links'],
  ...['--out', vsix],
);
console.log(`Packaged: ${(statSync(vsix).size / 1024 / 1024).toFixed(1)} MB`);

process.env['TRAPLINE_VSIX'] = vsix;
run(
  'node_modules/mocha/bin/mocha.js',
  ...['--require', './test/vscode/support/windows.ts', '--timeout', '120000'],
  ...selection,
  ...extra,
);

/** Runs a Node program of the project; ends this one with its status unless that is 0. */
function run(script: string, ...scriptArguments: string[]): void {
  const { status } = spawnSync(process.execPath, [script, ...scriptArguments], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
