/** PAR_EL1 after an AT instruction. Arm ARM, "PAR_EL1, Physical Address Register". */
import type { Translation } from './translate.ts';

const F = 1n;
const PTW = 1n << 8n;
const S = 1n << 9n;
/** UNKNOWN outside Secure state; set, as processors and QEMU have it. */
const NS = 1n << 9n;
const RES1 = 1n << 11n;
const PAGE = 0xffff_ffff_f000n;

export function encodePar(translation: Translation): bigint {
  if (translation.kind === 'fault') {
    const { FSC, stage, onWalk } = translation;
    return RES1 | (stage === 2 ? S : 0n) | (onWalk ? PTW : 0n) | (BigInt(FSC) << 1n) | F;
  }
  const { Attr, SH } = translation.attributes;
  return (BigInt(Attr) << 56n) | (translation.PA & PAGE) | RES1 | NS | (BigInt(SH) << 7n);
}
