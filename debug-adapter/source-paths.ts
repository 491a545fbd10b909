/**
 * From the paths in debug information, which name the computer that built the program, to files on this one: first
 * `sourceMap`, then the path itself, then the longest run of trailing components that exists near the program or in
 * the workspace.
 */
import type { Host } from './host.ts';

/** With forward slashes, `.` and `..` resolved, repeated slashes removed. Keeps a leading `/` or drive. */
export function normalizePath(path: string): string {
  const slashed = path.replaceAll('\\', '/');
  const root = /^([a-z]:)?\//i.exec(slashed)?.[0] ?? '';
  const parts: string[] = [];
  for (const part of slashed.slice(root.length).split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || root === '') parts.push(part);
  }
  return root + parts.join('/');
}

export function isAbsolutePath(path: string): boolean {
  return /^([a-z]:)?[\\/]/i.test(path);
}

export function baseName(path: string): string {
  return normalizePath(path).split('/').at(-1) ?? path;
}

export function parentPath(path: string): string {
  const normalized = normalizePath(path);
  const end = normalized.lastIndexOf('/');
  return end <= 0 ? normalized.slice(0, end + 1) : normalized.slice(0, end);
}

export function joinPath(folder: string, rest: string): string {
  return normalizePath(`${folder}/${rest}`);
}

/** How many trailing components two paths share. */
export function commonSuffixLength(a: string, b: string): number {
  const left = normalizePath(a).split('/');
  const right = normalizePath(b).split('/');
  let length = 0;
  while (length < left.length && length < right.length) {
    if (left.at(-1 - length) !== right.at(-1 - length)) break;
    length += 1;
  }
  return length;
}

/** A few folders above the program are searched, so that sources beside it are found and the whole disk is not. */
const ANCESTORS = 5;

export interface SourceSearch {
  readonly host: Pick<Host, 'isFile' | 'listFiles'>;
  readonly sourceMap: ReadonlyMap<string, string>;
  /** Absolute path of the program. */
  readonly program: string;
}

/** The files on this computer for the paths of the debug information; those that were not found are absent. */
export async function findSources(
  paths: Iterable<string>,
  search: SourceSearch,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  let workspace: Map<string, string[]> | undefined;
  for (const path of paths) {
    const direct = await findDirectly(path, search);
    if (direct !== undefined) {
      found.set(path, direct);
      continue;
    }
    workspace ??= byBaseName(await search.host.listFiles());
    const match = longestSuffixMatch(path, workspace.get(baseName(path)) ?? []);
    if (match !== undefined) found.set(path, match);
  }
  return found;
}

async function findDirectly(path: string, search: SourceSearch): Promise<string | undefined> {
  const mapped = applySourceMap(path, search.sourceMap);
  if (mapped !== undefined) return mapped;
  const normalized = normalizePath(path);
  if (isAbsolutePath(normalized) && (await search.host.isFile(normalized))) return normalized;
  const parts = normalized
    .replace(/^([a-z]:)?\//i, '')
    .split('/')
    .filter((part) => part !== '..');
  // Longest suffix first, so that `common/print.c` is preferred to any other `print.c`.
  for (let first = 0; first < parts.length; first++) {
    const suffix = parts.slice(first).join('/');
    const alone = first === parts.length - 1;
    let folder = parentPath(search.program);
    for (let level = 0; level < (alone ? 1 : ANCESTORS); level++) {
      const candidate = joinPath(folder, suffix);
      if (await search.host.isFile(candidate)) return candidate;
      const parent = parentPath(folder);
      if (parent === folder) break;
      folder = parent;
    }
  }
  return undefined;
}

/** The longest prefix of `sourceMap` wins; only whole components match. */
export function applySourceMap(
  path: string,
  sourceMap: ReadonlyMap<string, string>,
): string | undefined {
  const normalized = normalizePath(path);
  let best: { length: number; result: string } | undefined;
  for (const [from, to] of sourceMap) {
    const prefix = normalizePath(from).replace(/\/$/, '');
    if (normalized !== prefix && !normalized.startsWith(`${prefix}/`)) continue;
    if (best !== undefined && best.length >= prefix.length) continue;
    best = { length: prefix.length, result: joinPath(to, normalized.slice(prefix.length)) };
  }
  return best?.result;
}

/** The candidate that shares most trailing components; undefined where two share equally many. */
export function longestSuffixMatch(
  path: string,
  candidates: readonly string[],
): string | undefined {
  let best: string | undefined;
  let bestLength = 0;
  let tie = false;
  for (const candidate of candidates) {
    const length = commonSuffixLength(path, candidate);
    if (length > bestLength) [best, bestLength, tie] = [candidate, length, false];
    else if (length === bestLength) tie = true;
  }
  return tie ? undefined : best;
}

function byBaseName(paths: readonly string[]): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const path of paths) {
    const name = baseName(path);
    const list = result.get(name);
    if (list === undefined) result.set(name, [path]);
    else list.push(path);
  }
  return result;
}
