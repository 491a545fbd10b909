// Bundles one file per process into dist/. Options: --watch, --production.
import { context } from 'esbuild';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { browserBundle } from './tools/browser/bundle-options.mjs';

const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  format: 'cjs',
  logLevel: 'warning',
  sourcemap: production ? false : 'linked',
  // Inlines constants across modules. Names and line structure stay, so that a user's stack trace can be read.
  minifySyntax: production,
  keepNames: true,
  // Their licences go into THIRD_PARTY_LICENSES.txt instead.
  legalComments: 'none',
  metafile: true,
};

/** @type {import('esbuild').BuildOptions} */
const onNode = { ...common, platform: 'node', target: 'node20', external: ['vscode'] };

/** @type {import('esbuild').BuildOptions} */
const inBrowser = { ...common, ...browserBundle };

const targets = [
  { ...onNode, entry: 'extension/extension.ts', outfile: 'dist/extension.cjs' },
  { ...onNode, entry: 'debug-adapter/hosts/program.ts', outfile: 'dist/debug-adapter.cjs' },
  {
    ...onNode,
    entry: 'language-server/server.ts',
    outfile: 'dist/language-server.cjs',
    // It is a program of its own for other editors.
    banner: { js: '#!/usr/bin/env node' },
  },
  {
    ...inBrowser,
    entry: 'debug-adapter/hosts/browser-worker.ts',
    outfile: 'dist/debug-adapter.browser.js',
  },
];

if (!watch) rmSync('dist', { recursive: true, force: true });

const bundled = new Set();
let failed = false;
for (const { entry, ...options } of targets) {
  if (!existsSync(entry)) {
    console.log(`${options.outfile}: not built, ${entry} does not exist`);
    continue;
  }
  const build = await context({ ...options, entryPoints: [entry] });
  if (watch) {
    await build.watch();
    console.log(`${options.outfile}: watching`);
    continue;
  }
  try {
    const { metafile } = await build.rebuild();
    for (const input of Object.keys(metafile.inputs)) {
      const match = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input);
      if (match) bundled.add(match[0]);
    }
    console.log(`${options.outfile}: built`);
  } catch {
    // esbuild has printed the errors.
    failed = true;
  }
  await build.dispose();
}
if (production && bundled.size > 0) {
  writeFileSync('dist/THIRD_PARTY_LICENSES.txt', [...bundled].sort().map(licenceOf).join('\n'));
}
if (failed) process.exitCode = 1;

/** Name, version and licence text of a package that is part of a bundle. */
function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const file = readdirSync(folder).find((it) => /^licen[cs]e/i.test(it));
  const text = file ? readFileSync(`${folder}/${file}`, 'utf8').trim() : `License: ${license}`;
  return `${name} ${version}\n\n${text}\n\n${'-'.repeat(80)}\n`;
}
