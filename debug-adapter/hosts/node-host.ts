/** Files, clock and scheduling of a Node process or worker. */
import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { inflateSync } from 'node:zlib';
import type { Host } from '../host.ts';
import { gunzip } from './gunzip.ts';
import { openDisk } from './node-disk.ts';
import { fileError } from './node-file-error.ts';
import { openFolder } from './node-folder.ts';

/** What is looked for when sources have foreign paths. */
const SOURCE_NAME = /\.(c|cc|cpp|cxx|h|hh|hpp|hxx|inc|s|asm|rs|zig|go)$/i;
const SKIPPED_FOLDERS = new Set(['node_modules', '.git', '.hg', '.svn', '.cache']);
/** A workspace with more files than this is searched no further. */
const MOST_FILES = 20_000;

export interface NodeHostOptions {
  /** Absolute paths. */
  readonly workspaceFolders: readonly string[];
  readonly log: (text: string) => void;
}

export function createNodeHost(options: NodeHostOptions): Host {
  return {
    readFile: readProgram,
    isFile,
    listFiles: () => listSources(options.workspaceFolders),
    inflate: (data, size) => {
      const result = inflateSync(data, { maxOutputLength: size + 1 });
      return new Uint8Array(result.buffer, result.byteOffset, result.byteLength);
    },
    gunzip,
    openDisk,
    openFolder,
    now: () => performance.now(),
    secondsSince1970: () => Math.floor(Date.now() / 1000),
    defer(callback) {
      setImmediate(callback);
    },
    after(milliseconds, callback) {
      const timer = setTimeout(callback, milliseconds);
      return () => {
        clearTimeout(timer);
      };
    },
    log: options.log,
  };
}

async function readProgram(name: string): Promise<Uint8Array> {
  try {
    const buffer = await readFile(name);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  } catch (cause) {
    throw fileError(cause);
  }
}

async function isFile(name: string): Promise<boolean> {
  try {
    return (await stat(name)).isFile();
  } catch {
    // Whatever keeps it from being looked at, it is no file for us.
    return false;
  }
}

async function listSources(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const queue = [...folders];
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    let entries;
    try {
      entries = await readdir(folder, { withFileTypes: true });
    } catch {
      // A folder that cannot be listed has no sources for us.
      continue;
    }
    for (const entry of entries) {
      const name = path.join(folder, entry.name);
      if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) queue.push(name);
      else if (entry.isFile() && SOURCE_NAME.test(entry.name)) found.push(name);
    }
    if (found.length >= MOST_FILES) break;
  }
  return found;
}
