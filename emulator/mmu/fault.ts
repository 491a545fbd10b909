/**
 * MMU faults. Arm ARM, ESR_ELx, "ISS encoding for an exception from a Data Abort", DFSC: the kind of
 * fault stands in bits 5:2, the level of the walk it was met at in bits 1:0.
 */

export type WalkLevel = 0 | 1 | 2 | 3;

export const ADDRESS_SIZE_FAULT = 0b0000_00;
export const TRANSLATION_FAULT = 0b0001_00;
export const ACCESS_FLAG_FAULT = 0b0010_00;
export const PERMISSION_FAULT = 0b0011_00;
export const EXTERNAL_ABORT_ON_WALK = 0b0101_00;
/** Has no level. */
export const ALIGNMENT_FAULT = 0b1000_01;

/** Why an address was not translated. */
export interface TranslationFault {
  readonly kind: 'fault';
  /** Fault status code, 6 bits, for ESR_ELx.{DFSC,IFSC} and PAR_EL1.FST. */
  readonly FSC: number;
  readonly stage: 1 | 2;
  /** Stage 2: the address that was not translated, up to 48 bits. HPFAR_EL2.FIPA is its bits 47:12. */
  readonly IPA?: bigint;
  /** Stage 2: the address was that of a stage 1 descriptor. ESR_ELx.S1PTW, PAR_EL1.PTW. */
  readonly onWalk: boolean;
}

export function stage1Fault(FSC: number): TranslationFault {
  return { kind: 'fault', FSC, stage: 1, onWalk: false };
}

export function stage2Fault(FSC: number, IPA: number, onWalk: boolean): TranslationFault {
  return { kind: 'fault', FSC, stage: 2, IPA: BigInt(IPA), onWalk };
}

/** Synchronous external aborts on a walk are exceptions even where the walk was made for AT. */
export function isExternalAbortOnWalk({ FSC }: TranslationFault): boolean {
  return (FSC & ~3) === EXTERNAL_ABORT_ON_WALK;
}
