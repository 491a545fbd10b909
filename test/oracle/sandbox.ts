/** The contents of the sandbox: how a case finds it, and the hash that stands for what it leaves. */
import { SANDBOX, WINDOW, WINDOW_WORDS } from './layout.ts';

/** Zeroes the sandbox and fills its window with Marsaglia's xorshift32 from `seed`. */
export function seedSandbox(words: Uint32Array, seed: number): void {
  words.fill(0);
  const first = (WINDOW - SANDBOX) / 4;
  let x = seed;
  for (let index = first; index < first + WINDOW_WORDS; index += 1) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[index] = x;
  }
}

/** Four lanes of 32 bits: h = ror(h ^ word, 15) * 0x9e3779b1. */
export function hashSandbox(words: Uint32Array, hash: Uint32Array): void {
  const K = 0x9e3779b1 | 0;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const step = (h: number, word: number): number => {
    const mixed = h ^ word;
    return Math.imul((mixed >>> 15) | (mixed << 17), K);
  };
  for (let index = 0; index < words.length; index += 4) {
    a = step(a, words[index] ?? 0);
    b = step(b, words[index + 1] ?? 0);
    c = step(c, words[index + 2] ?? 0);
    d = step(d, words[index + 3] ?? 0);
  }
  hash[0] = a;
  hash[1] = b;
  hash[2] = c;
  hash[3] = d;
}
