/** "Did you mean": names close to a misspelt one. */

/** Edit distance with transpositions, or `limit + 1` when it is larger than the limit. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    let smallest = i;
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (previous[j] ?? 0) + 1,
        (current[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      }
      current.push(cost);
      smallest = Math.min(smallest, cost);
    }
    if (smallest > limit) return limit + 1;
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? limit + 1;
}

/** Up to three names at the smallest distance, at most 1 for short words and 2 for longer ones. */
export function nearest(word: string, names: readonly string[], count = 3): string[] {
  if (word.length > 40) return [];
  const lower = word.toLowerCase();
  let limit = lower.length <= 4 ? 1 : 2;
  let found: string[] = [];
  for (const name of names) {
    const distance = editDistance(lower, name.toLowerCase(), limit);
    if (distance > limit) {
      // A missing tail is the commonest slip with long names: `mdscr_el`.
      continue;
    }
    if (distance < limit) {
      limit = distance;
      found = [];
    }
    found.push(name);
  }
  return found.slice(0, count);
}
