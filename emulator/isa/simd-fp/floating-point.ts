/** Arm ARM, floating-point constants that the semantics and the runtime functions share. */

/** Arm ARM, FPRounding; the first four are the values of FPCR.RMode. */
export const FPRounding = {
  TIEEVEN: 0,
  POSINF: 1,
  NEGINF: 2,
  ZERO: 3,
  TIEAWAY: 4,
  ODD: 5,
} as const;

export const FPCR_AHP = 1 << 26;
export const FPCR_DN = 1 << 25;
export const FPCR_FZ = 1 << 24;
export const FPCR_FZ16 = 1 << 19;
export const FPCR_RMODE_LSB = 22;
export const FPCR_RMODE = 3 << FPCR_RMODE_LSB;

export const FPSR_QC = 1 << 27; // saturation, cumulative
export const FPSR_IDC = 1 << 7; // input denormal
export const FPSR_IXC = 1 << 4; // inexact
export const FPSR_UFC = 1 << 3; // underflow
export const FPSR_OFC = 1 << 2; // overflow
export const FPSR_DZC = 1 << 1; // divide by zero
export const FPSR_IOC = 1 << 0; // invalid operation

/** A binary floating-point format of the architecture: half, single or double precision. */
export interface FPFormat {
  readonly N: 16 | 32 | 64;
  /** Width of the exponent field in bits. */
  readonly E: number;
  /** Width of the fraction field in bits. */
  readonly F: number;
  readonly bias: number;
}

export const HALF: FPFormat = { N: 16, E: 5, F: 10, bias: 15 };
export const SINGLE: FPFormat = { N: 32, E: 8, F: 23, bias: 127 };
export const DOUBLE: FPFormat = { N: 64, E: 11, F: 52, bias: 1023 };

/** The bit of an FPFormat's sign. */
export function signBit({ N }: FPFormat): bigint {
  return 1n << BigInt(N - 1);
}
/** +Infinity, which is also the mask of the exponent field. */
export function infinity({ E, F }: FPFormat): bigint {
  return ((1n << BigInt(E)) - 1n) << BigInt(F);
}
/** Arm ARM, FPDefaultNaN(). */
export function defaultNaN(format: FPFormat): bigint {
  return infinity(format) | quietBit(format);
}
/** The fraction bit that tells a quiet NaN from a signalling one. */
export function quietBit({ F }: FPFormat): bigint {
  return 1n << BigInt(F - 1);
}
/** Bits of a small power of two, 2^exponent, as a normal number. */
export function powerOfTwo({ F, bias }: FPFormat, exponent: number): bigint {
  return BigInt(exponent + bias) << BigInt(F);
}

export const FORMATS: readonly FPFormat[] = [HALF, SINGLE, DOUBLE];
