/** Random register state: pointers into the sandbox, and values at which instructions change their ways. */
import type { CpuModel } from '../../emulator/sysregs/cpu-model.ts';
import * as L from './layout.ts';
import type { RandomBits } from './random-bits.ts';

type Pair = readonly [low: number, high: number];
const pair = (value: bigint): Pair => [Number(value & 0xffff_ffffn), Number(value >> 32n)];

const INTEGERS: readonly Pair[] = [
  0n,
  1n,
  2n,
  3n,
  31n,
  32n,
  63n,
  64n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_8000_0000n,
  0xffff_ffff_ffff_fffen,
  0xffff_ffff_ffff_ffffn,
].map(pair);

const SINGLES = [
  0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001,
  0xffc12345, 0x00000001, 0x007fffff, 0x80000001, 0x00800000, 0x7f7fffff, 0xff7fffff, 0x4b000000,
  0x4b7fffff, 0x4f000000, 0x4effffff, 0xcf000000, 0x5f000000, 0x5f800000, 0x3f000000, 0x3effffff,
  0x3fc00000, 0x40200000, 0x33800000, 0x477fe000, 0x477ff000, 0x38800000, 0x387fffff,
] as const;
const DOUBLES: readonly Pair[] = [
  0x0000000000000000n,
  0x8000000000000000n,
  0x3ff0000000000000n,
  0xbff0000000000000n,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  0x7ff8000000000000n,
  0x7ff0000000000001n,
  0xfff8000000012345n,
  0x0000000000000001n,
  0x000fffffffffffffn,
  0x8000000000000001n,
  0x0010000000000000n,
  0x7fefffffffffffffn,
  0xffefffffffffffffn,
  0x3fe0000000000000n,
  0x3ff8000000000000n,
  0x4004000000000000n,
  0x41dfffffffc00000n,
  0x41e0000000000000n,
  0xc1e0000000000000n,
  0x43e0000000000000n,
  0x43dfffffffffffffn,
  0xc3e0000000000000n,
  0x43f0000000000000n,
  0x47efffffefffffffn,
  0x47efffffe0000000n,
  0x3810000000000000n,
  0x36a0000000000000n,
  0x3690000000000000n,
].map(pair);
const HALVES = [
  0x0000, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00, 0x7c01, 0x0001, 0x03ff, 0x0400, 0x7bff,
] as const;

function generalRegister(bits: RandomBits, words: Uint32Array, at: number): void {
  switch (bits.below(8)) {
    case 0:
    case 1:
    case 2: {
      const pointer = L.SANDBOX_MIDDLE - 256 + bits.below(512);
      words[at] = bits.oneIn(4) ? pointer : pointer & ~15;
      words[at + 1] = 0;
      break;
    }
    case 3: {
      const [low, high] = bits.pick(INTEGERS);
      words[at] = low;
      words[at + 1] = high;
      break;
    }
    case 4: {
      const small = bits.below(1024) - 512;
      words[at] = small;
      words[at + 1] = small < 0 ? -1 : 0;
      break;
    }
    default:
      words[at] = bits.next();
      words[at + 1] = bits.next();
  }
}

const scratch = new DataView(new ArrayBuffer(8));

/** Eight bytes of a vector register. */
function vectorHalf(bits: RandomBits, words: Uint32Array, at: number): void {
  switch (bits.below(8)) {
    case 0: {
      const [low, high] = bits.pick(DOUBLES);
      words[at] = low;
      words[at + 1] = high;
      break;
    }
    case 1:
      words[at] = bits.pick(SINGLES);
      words[at + 1] = bits.pick(SINGLES);
      break;
    case 2:
      words[at] = bits.pick(HALVES) | (bits.pick(HALVES) << 16);
      words[at + 1] = bits.pick(HALVES) | (bits.pick(HALVES) << 16);
      break;
    case 3: {
      const integer = bits.below(200) - 100;
      const value = bits.oneIn(2) ? integer : integer / 8;
      if (bits.oneIn(2)) {
        scratch.setFloat64(0, value, true);
      } else {
        scratch.setFloat32(0, value, true);
        scratch.setFloat32(4, bits.below(200) - 100.5, true);
      }
      words[at] = scratch.getUint32(0, true);
      words[at + 1] = scratch.getUint32(4, true);
      break;
    }
    default:
      words[at] = bits.next();
      words[at + 1] = bits.next();
  }
}

const FPCR_AHP = 1 << 26;
const FPCR_DN_FZ_RMode = 0xf << 22;
const FPSR_QC_AND_FLAGS = 0x0800_009f;

/** SCTLR_EL1.EnIA, EnIB, EnDA and EnDB: bits 31, 30, 27 and 13. */
const POINTER_KEYS_ENABLED = 0xc800_2000;
/** TCR_EL1.TBI0, TBI1, TBID0 and TBID1, in bits 63:32. */
const TCR_TBI = (3 << 5) | (3 << 19);

/** Keys, which most cases may use, and in a few cases tagged addresses. */
function pointerAuthentication(bits: RandomBits, input: Uint32Array): void {
  for (let n = 0; n < 20; n += 1) input[L.KEYS / 4 + n] = bits.next();
  input[L.SCTLR_EL1 / 4] = POINTER_KEYS_ENABLED & (bits.oneIn(16) ? bits.next() : ~0);
  input[L.TCR_EL1 / 4 + 1] = bits.oneIn(16) ? bits.next() & TCR_TBI : 0;
}

/** SCTLR_EL1.BT0 and BT1, in bits 63:32. */
const SCTLR_BT = 3 << 3;

/** Fills the registers of an input record, all but the PC and the EL. */
export function randomState(bits: RandomBits, input: Uint32Array, { features }: CpuModel): void {
  for (let n = 0; n < 31; n += 1) generalRegister(bits, input, 2 * n);
  input[L.SP / 4] = L.SANDBOX_MIDDLE + 16 * (bits.below(28) - 14) + (bits.oneIn(64) ? 8 : 0);
  input[L.SP / 4 + 1] = 0;
  input[L.NZCV / 4] = bits.next() & 0xf000_0000;
  input[L.FPCR / 4] = bits.oneIn(2)
    ? (bits.next() & FPCR_DN_FZ_RMode) | (bits.oneIn(4) ? FPCR_AHP : 0)
    : 0;
  input[L.FPSR / 4] = bits.oneIn(4) ? bits.next() & FPSR_QC_AND_FLAGS : 0;
  input[L.SEED / 4] = bits.next() | 1;
  for (let n = 0; n < 64; n += 1) vectorHalf(bits, input, L.V / 4 + 2 * n);
  if (features.has('FEAT_PAuth')) pointerAuthentication(bits, input);
  if (features.has('FEAT_BTI')) {
    input[L.SCTLR_EL1 / 4 + 1] = bits.oneIn(16) ? bits.next() & SCTLR_BT : 0;
  }
}
