/**
 * PSTATE as a value, and its packing into SPSR_ELx.
 *
 * Arm ARM, "SPSR_EL1, Saved Program Status Register (EL1)", "exception taken from AArch64 state",
 * and the pseudocode GetPSRFromPSTATE() and SetPSTATEFromPSR().
 */

export type ExceptionLevel = 0 | 1 | 2;

export interface Pstate {
  /** Bits 3:0 are N, Z, C, V. */
  readonly NZCV: number;
  /** Bits 3:0 are D, A, I, F. */
  readonly DAIF: number;
  readonly SS: 0 | 1;
  readonly IL: boolean;
  readonly EL: ExceptionLevel;
  /** 0: SP_EL0; 1: SP_ELx. Always 0 at EL0. */
  readonly SPSel: 0 | 1;
  /** Sum of PSTATE_PAN and its relatives. Default: none. */
  readonly extensions?: number;
}

/** Fields that came after Armv8.0, where SPSR_ELx has them. */
export const PSTATE_SSBS = 1 << 12;
export const PSTATE_PAN = 1 << 22;
export const PSTATE_UAO = 1 << 23;
export const PSTATE_DIT = 1 << 24;
const BTYPE_LSB = 10;
export const PSTATE_BTYPE = 3 << BTYPE_LSB;
const EXTENSIONS = PSTATE_SSBS | PSTATE_PAN | PSTATE_UAO | PSTATE_DIT | PSTATE_BTYPE;

/** PSTATE.BTYPE among the extensions. */
export const branchType = (extensions: number): number => (extensions & PSTATE_BTYPE) >> BTYPE_LSB;
export const withBranchType = (extensions: number, BTYPE: number): number =>
  extensions | (BTYPE << BTYPE_LSB);

/** Those that a processor with these features has. */
export function pstateExtensions(features: ReadonlySet<string>): number {
  return (
    (features.has('FEAT_SSBS2') ? PSTATE_SSBS : 0) |
    (features.has('FEAT_PAN') ? PSTATE_PAN : 0) |
    (features.has('FEAT_UAO') ? PSTATE_UAO : 0) |
    (features.has('FEAT_DIT') ? PSTATE_DIT : 0) |
    (features.has('FEAT_BTI') ? PSTATE_BTYPE : 0)
  );
}

/** Bits of PSTATE.DAIF as `Pstate.DAIF` holds them. */
export const DAIF_F = 1;
export const DAIF_I = 2;
export const DAIF_A = 4;
export const DAIF_D = 8;

export const SPSR_SS = 1n << 21n;
export const SPSR_IL = 1n << 20n;
export const SPSR_BTYPE = 3n << 10n;
export const SPSR_D = 1n << 9n;
/** Bit 4 of SPSR.M: the exception came from AArch32 state. */
export const SPSR_nRW = 1n << 4n;

/** SPSR_ELx for an exception taken from AArch64 state. */
export function packSpsr(pstate: Pstate): bigint {
  const value =
    (pstate.NZCV & 0xf) * 2 ** 28 +
    (pstate.extensions ?? 0) +
    (pstate.SS << 21) +
    ((pstate.IL ? 1 : 0) << 20) +
    ((pstate.DAIF & 0xf) << 6) +
    (pstate.EL << 2) +
    pstate.SPSel;
  return BigInt(value);
}

/** Fields of an SPSR value whose M field names a legal AArch64 state. */
export function unpackSpsr(spsr: bigint): Pstate {
  const low = Number(spsr & 0xffff_ffffn);
  const EL = (low >>> 2) & 3;
  return {
    NZCV: low >>> 28,
    SS: ((low >>> 21) & 1) as 0 | 1,
    IL: ((low >>> 20) & 1) === 1,
    DAIF: (low >>> 6) & 0xf,
    EL: (EL === 3 ? 2 : EL) as ExceptionLevel,
    SPSel: (low & 1) as 0 | 1,
    extensions: low & EXTENSIONS,
  };
}

/**
 * Why SPSR.M does not name a state this PE can return to from `currentEL`, or undefined when the
 * return is legal. Arm ARM, IllegalExceptionReturn(): EL3 and AArch32 are not implemented.
 */
export function illegalReturnReason(
  spsr: bigint,
  currentEL: ExceptionLevel,
  controls: { readonly el2Implemented: boolean; readonly TGE: boolean },
): string | undefined {
  if (spsr & SPSR_nRW) return 'SPSR.M[4] names AArch32 state, which is not implemented';
  const M = Number(spsr & 0xfn);
  const target = M >>> 2;
  if (M & 2) return 'SPSR.M[1] is 1';
  if (target === 3) return 'SPSR.M names EL3, which is not implemented';
  if (target === 0 && M & 1) return 'SPSR.M names EL0 with SP_ELx';
  if (target === 2 && !controls.el2Implemented) {
    return 'SPSR.M names EL2, which is not implemented';
  }
  if (target > currentEL) return `SPSR.M names EL${target}, above EL${currentEL}`;
  if (target === 1 && currentEL === 2 && controls.TGE) {
    return 'SPSR.M names EL1 while HCR_EL2.TGE is 1';
  }
  return undefined;
}

/** `EL1h`, `EL0t`: the Arm ARM's short form of EL and SPSel. */
export function modeName({ EL, SPSel }: Pick<Pstate, 'EL' | 'SPSel'>): string {
  return `EL${EL}${SPSel === 1 ? 'h' : 't'}`;
}
