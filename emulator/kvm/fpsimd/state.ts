/** The FPSIMD registers of one context as data, and contents that people can recognise. */

export interface FpsimdState {
  /** V0 to V31, two 64-bit halves each: low, high. */
  readonly V: readonly bigint[];
  readonly FPSR: bigint;
  readonly FPCR: bigint;
}

export const V_COUNT = 32;

export function zeroFpsimdState(): FpsimdState {
  return { V: Array.from({ length: 2 * V_COUNT }, () => 0n), FPSR: 0n, FPCR: 0n };
}

export function sameFpsimdState(a: FpsimdState, b: FpsimdState): boolean {
  return a.FPSR === b.FPSR && a.FPCR === b.FPCR && a.V.every((half, n) => half === b.V[n]);
}

/** FPCR.RMode, so that a context that gets another's FPCR rounds differently. */
const FPCR_RMODE_LSB = 22n;
/** FPSR.IXC, Inexact. */
const FPSR_IXC = 1n << 4n;

/**
 * Contents that name their owner: the low half of V<n> holds four letters, then the round (24 bits) and n
 * (8 bits); the high half is its complement.
 * @param tag four ASCII letters
 * @param RMode 0 to 3
 */
export function fpsimdPattern(tag: string, round: number, RMode: number): FpsimdState {
  const letters = Array.from(tag).reduce((word, c) => (word << 8n) | BigInt(c.charCodeAt(0)), 0n);
  const V = Array.from({ length: V_COUNT }, (_, n) => {
    const low = (letters << 32n) | (BigInt(round & 0xff_ffff) << 8n) | BigInt(n);
    return [low, BigInt.asUintN(64, ~low)] as const;
  }).flat();
  return { V, FPSR: round === 0 ? 0n : FPSR_IXC, FPCR: BigInt(RMode) << FPCR_RMODE_LSB };
}
