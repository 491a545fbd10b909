/**
 * From virtual to physical addresses, for one translation regime given by its register values.
 *
 * Implemented: stage 1 and stage 2 off, where the address is the physical address (Arm ARM,
 * AArch64.S1DisabledOutput()). An enabled stage is reported by name, never taken for identity.
 */

export type TranslationAccess = 'read' | 'write' | 'execute';

export interface TranslationRegime {
  readonly name: 'EL1&0' | 'EL2';
  /** SCTLR_ELx.M, with HCR_EL2.{TGE,DC} applied. */
  readonly stage1: boolean;
  /** HCR_EL2.VM or HCR_EL2.DC, for the EL1&0 regime. */
  readonly stage2: boolean;
  /** HCR_EL2.DC: with stage 1 off, data is Normal Write-Back memory. */
  readonly defaultCacheable: boolean;
  /** TCR_ELx.TBI0 and TBI1, or TCR_EL2.TBI in both: by bit 55 of the address. */
  readonly TBI0: boolean;
  readonly TBI1: boolean;
  /** SCTLR_ELx.I: with stage 1 off, instruction fetches are cacheable. */
  readonly instructionCacheable: boolean;
  /** ID_AA64MMFR0_EL1.PARange in bits. */
  readonly physicalAddressBits: number;
}

export type MemoryType = 'Device-nGnRnE' | 'Normal';

export type Translation =
  | { readonly kind: 'mapped'; readonly PA: bigint; readonly memory: MemoryType }
  /** `FSC` is the fault status code for ESR_ELx.{DFSC,IFSC}. */
  | { readonly kind: 'fault'; readonly FSC: number; readonly stage: 1 | 2; readonly IPA?: bigint }
  | { readonly kind: 'unimplemented'; readonly what: string };

/** Address size fault, level 0: what an address outside the PA range gets when stage 1 is off. */
const ADDRESS_SIZE_FAULT_LEVEL_0 = 0b000000;
const TAG = 0xffn << 56n;

/** Whether TCR_ELx.TBI makes the hardware ignore bits 63:56 of the address. */
export function topByteIgnored(regime: TranslationRegime, va: bigint): boolean {
  return ((va >> 55n) & 1n) === 1n ? regime.TBI1 : regime.TBI0;
}

/** ID_AA64MMFR0_EL1.PARange as a number of bits. */
export function physicalAddressBits(PARange: number): number {
  const bits = [32, 36, 40, 42, 44, 48, 52, 56][PARange];
  if (bits === undefined) throw new RangeError(`PARange ${PARange} is reserved`);
  return bits;
}

export function translate(
  regime: TranslationRegime,
  va: bigint,
  access: TranslationAccess,
): Translation {
  if (regime.stage1) {
    const register = regime.name === 'EL2' ? 'SCTLR_EL2.M' : 'SCTLR_EL1.M';
    return { kind: 'unimplemented', what: `stage 1 translation (${register} = 1)` };
  }
  if (regime.stage2) {
    const register = regime.defaultCacheable ? 'HCR_EL2.DC' : 'HCR_EL2.VM';
    return { kind: 'unimplemented', what: `stage 2 translation (${register} = 1)` };
  }
  const PA = topByteIgnored(regime, va) ? va & ~TAG : va;
  if (PA >> BigInt(regime.physicalAddressBits) !== 0n) {
    return { kind: 'fault', FSC: ADDRESS_SIZE_FAULT_LEVEL_0, stage: 1 };
  }
  const normal = access === 'execute' || regime.defaultCacheable;
  return { kind: 'mapped', PA, memory: normal ? 'Normal' : 'Device-nGnRnE' };
}
