/** gdb's and our text of a value in one form: the two differ on purpose in the digits of floats and in reasons. */

const FLOAT = /(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])/g;

const LOST_AGGREGATE = /\{(?:\w+ = )?<optimized out>(?:, (?:\w+ = )?<optimized out>)*\}/g;

export function comparableValue(text: string): string {
  const plain = text
    // What the compiler removed, with our reason behind it.
    .replace(/<optimized out[^<>]*>/g, '<optimized out>')
    // Every number in the shortest digits that read back as the same double; integers beyond that stay as they are.
    .replace(FLOAT, (digits) => (/[.e]/.test(digits) ? String(Number(digits)) : digits));
  // gdb unfolds an aggregate of which nothing is left.
  let folded = plain;
  for (let before = ''; before !== folded;) {
    before = folded;
    folded = folded.replace(LOST_AGGREGATE, '<optimized out>');
  }
  return folded;
}
