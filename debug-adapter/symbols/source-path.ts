/** Finds which recorded source paths an editor's path means. */

/**
 * The recorded paths that agree with `wanted` in the most trailing components, which must include
 * the file's name. An exact match excludes all others. Compares as the build host wrote them, with
 * either separator.
 */
export function matchingPaths(recorded: Iterable<string>, wanted: string): string[] {
  const target = components(wanted);
  let best = 0;
  let matches: string[] = [];
  for (const path of recorded) {
    if (path === wanted) return [path];
    const common = commonSuffix(components(path), target);
    if (common === 0 || common < best) continue;
    if (common > best) {
      best = common;
      matches = [];
    }
    matches.push(path);
  }
  return matches;
}

function components(path: string): string[] {
  return path.split(/[/\\]+/).filter((part) => part !== '' && part !== '.');
}

function commonSuffix(a: readonly string[], b: readonly string[]): number {
  let count = 0;
  while (count < a.length && count < b.length && a.at(-1 - count) === b.at(-1 - count)) count++;
  return count;
}
