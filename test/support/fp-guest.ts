/** Guests that keep a pattern in V0 to V31 and look whether it is still there. */
import { addImmediate, b, bne, mov, mrs, set } from './a64.ts';

/** `fmov d<d>, x<n>`: clears the high half. */
const fmovToD = (d: number, n: number): number => (0x9e670000 | (n << 5) | d) >>> 0;
/** `fmov x<d>, d<n>` */
const fmovFromD = (d: number, n: number): number => (0x9e660000 | (n << 5) | d) >>> 0;
/** `mov v<d>.d[1], x<n>` */
const insertHigh = (d: number, n: number): number => (0x4e181c00 | (n << 5) | d) >>> 0;
/** `mov x<d>, v<n>.d[1]` */
const high = (d: number, n: number): number => (0x4e183c00 | (n << 5) | d) >>> 0;
/** `cmp x<n>, x<m>` */
const cmp = (n: number, m: number): number => (0xeb00001f | (m << 16) | (n << 5)) >>> 0;

export const FPEN = 3n << 20n;
export const enableFp = set('CPACR_EL1', FPEN);
/** `fadd d31, d31, d30`: one FP instruction. */
export const faddD = 0x1e7e2bff;

const range = Array.from({ length: 32 }, (_, n) => n);
const HIGH = 0x800;
/** What the guest's FPCR and FPSR hold: RMode = 3 and UFC. */
const GUEST_FPCR = 3n << 22n;
const GUEST_FPSR = 1n << 3n;

/** V<n> = pattern + n, its high half 0x800 more; FPCR and FPSR. Uses x0, x1; the pattern is in x2. */
export function fillVectors(pattern: bigint): number[] {
  return [
    ...mov(2, pattern),
    ...range.flatMap((n) => [
      addImmediate(0, 2, n),
      fmovToD(n, 0),
      addImmediate(0, 2, HIGH + n),
      insertHigh(n, 0),
    ]),
    ...set('FPCR', GUEST_FPCR),
    ...set('FPSR', GUEST_FPSR),
  ];
}

/** V<n> as `fillVectors` leaves it. */
export function filledVector(pattern: bigint, n: number): bigint {
  return ((pattern + BigInt(HIGH + n)) << 64n) | (pattern + BigInt(n));
}

/** Branches to `fail`, so many bytes behind the last word, unless the pattern is there. Keeps x2. */
export function checkVectors(failBytes: number): number[] {
  const words: number[] = [];
  const expect = (read: number, offset: number): void => {
    words.push(read, addImmediate(1, 2, offset), cmp(0, 1), -1);
  };
  for (const n of range) {
    expect(fmovFromD(0, n), n);
    expect(high(0, n), HIGH + n);
  }
  const expectRegister = (name: string, value: bigint): void => {
    words.push(mrs(0, name), ...mov(1, value), cmp(0, 1), -1);
  };
  expectRegister('FPCR', GUEST_FPCR);
  expectRegister('FPSR', GUEST_FPSR);
  return words.map((word, i) => (word === -1 ? bne(4 * (words.length - i) + failBytes) : word));
}

/** Fills the registers and checks them for ever; `fail` is executed when they have changed. */
export function watchVectors(pattern: bigint, fail: number): number[] {
  const check = checkVectors(4);
  return [...fillVectors(pattern), ...check, b(-4 * check.length), fail];
}
