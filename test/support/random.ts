/**
 * Numbers in [0, 1) from a seed, so that a failing run can be repeated. A 32-bit xorshift (Marsaglia,
 * "Xorshift RNGs", 2003) over a scrambled seed: good enough to pick instruction words.
 */
export function seededRandom(seed: number): () => number {
  // Zero is the one state that xorshift cannot leave.
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
