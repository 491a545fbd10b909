/** Finds the programs in a folder that F5 can start, by their ELF headers. */
import type { Dirent } from 'node:fs';
import { closeSync, openSync, readSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { isRunnableGuest, type ReadBytes } from './elf-header.ts';

export interface FoundElf {
  /** Absolute. */
  readonly path: string;
  /** Time of the last change, in milliseconds since 1970. */
  readonly modified: number;
}

/** How far a search goes before it is content with what it has. */
export interface SearchLimits {
  /** Files and folders looked at, over all. */
  readonly entries: number;
  /** Levels of folders; 1 is the folder itself. */
  readonly depth: number;
}

const usualLimits: SearchLimits = { entries: 20_000, depth: 8 };

/** Folders that hold other people's files. Folders whose names begin with a dot are skipped as well. */
const skippedFolders = new Set(['node_modules', '__pycache__']);

/** Names of files that are certainly no programs: sources, objects, libraries, documents. */
const otherKinds = new Set(
  [
    ...[
      'c',
      'h',
      'cc',
      'cpp',
      'cxx',
      'hh',
      'hpp',
      'hxx',
      'inc',
      'ld',
      'lds',
      'mk',
      's',
      'asm',
      'rs',
      'zig',
      'go',
    ],
    ...[
      'py',
      'js',
      'ts',
      'mjs',
      'cjs',
      'json',
      'jsonl',
      'toml',
      'yaml',
      'yml',
      'xml',
      'html',
      'css',
      'svg',
      'map',
    ],
    ...[
      'md',
      'rst',
      'txt',
      'log',
      'pdf',
      'png',
      'jpg',
      'jpeg',
      'gif',
      'webp',
      'ico',
      'csv',
      'lock',
      'patch',
      'diff',
    ],
    ...[
      'o',
      'a',
      'd',
      'so',
      'ko',
      'dwo',
      'obj',
      'lib',
      'rlib',
      'rmeta',
      'dtb',
      'dts',
      'dtsi',
      'cmd',
      'i',
      'ii',
    ],
    ...['zip', 'gz', 'xz', 'bz2', 'zst', 'tar', 'tgz', 'vsix', 'wasm'],
  ].map((extension) => `.${extension}`),
);

/** Whether a file with this name is worth a look at its header. */
export function mayBeProgram(name: string): boolean {
  if (name.startsWith('.') || /\.so\.\d/.test(name)) return false;
  return !otherKinds.has(path.extname(name).toLowerCase());
}

/** Whether a search would come to this path, relative to the folder that is searched. */
export function isSearched(relativePath: string): boolean {
  const folders = relativePath.split(/[\\/]/);
  const name = folders.pop() ?? '';
  return folders.every(isSearchedFolder) && mayBeProgram(name);
}

function isSearchedFolder(name: string): boolean {
  return !name.startsWith('.') && !skippedFolders.has(name);
}

/**
 * The AArch64 programs below a folder, newest first. Breadth first, so that the limits cut off what is deepest. Folders
 * behind symbolic links are not entered; what cannot be read is left out.
 */
export async function findPrograms(
  folder: string,
  limits: SearchLimits = usualLimits,
): Promise<FoundElf[]> {
  const found: FoundElf[] = [];
  let left = limits.entries;
  let level = [folder];
  for (let depth = 1; depth <= limits.depth && level.length > 0; depth++) {
    const next: string[] = [];
    for (const current of level) {
      for (const entry of await entriesOf(current)) {
        if (left-- <= 0) return newestFirst(found);
        const file = path.join(current, entry.name);
        if (entry.isDirectory()) {
          if (isSearchedFolder(entry.name)) next.push(file);
        } else if (mayBeProgram(entry.name)) {
          const program = await examine(file);
          if (program !== undefined) found.push(program);
        }
      }
    }
    level = next;
  }
  return newestFirst(found);
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return []; // Not ours to read, or gone since.
  }
}

async function examine(file: string): Promise<FoundElf | undefined> {
  try {
    const { mtimeMs, size } = await stat(file);
    if (size < 64) return undefined;
    return withFile(file, isRunnableGuest) ? { path: file, modified: mtimeMs } : undefined;
  } catch {
    return undefined; // A socket, a broken link, no permission, or gone since.
  }
}

function withFile<T>(file: string, use: (read: ReadBytes) => T): T {
  const descriptor = openSync(file, 'r');
  try {
    return use((offset, length) => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
    });
  } finally {
    closeSync(descriptor);
  }
}

function newestFirst(found: readonly FoundElf[]): FoundElf[] {
  return [...found].sort((a, b) => b.modified - a.modified || a.path.localeCompare(b.path));
}
