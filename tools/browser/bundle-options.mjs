// esbuild options of every browser bundle: Node modules that @vscode/debugadapter imports by name get stand-ins.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.dirname(fileURLToPath(import.meta.url));
const standIn = (file) => path.join(folder, file);

/** @type {import('esbuild').BuildOptions} */
export const browserBundle = {
  bundle: true,
  format: 'cjs',
  platform: 'browser',
  target: 'es2022',
  alias: {
    events: standIn('events.mjs'),
    url: standIn('url.mjs'),
    // Only reached by its stdio server and its log file, neither of which a browser worker has.
    fs: standIn('absent.mjs'),
    net: standIn('absent.mjs'),
    path: standIn('absent.mjs'),
  },
};
