/** What SCTLR_ELx, TCR_ELx and HCR_EL2 say about memory accesses made at an EL. */
import type { TranslationRegime } from '../mmu/translate.ts';
import type { ExceptionLevel } from './pstate.ts';
import type { SystemRegisters } from './system-registers.ts';

const SCTLR_M = 1n << 0n;
const SCTLR_A = 1n << 1n;
const SCTLR_SA = 1n << 3n;
const SCTLR_SA0 = 1n << 4n;
const SCTLR_I = 1n << 12n;
const TCR_EL1_TBI0 = 1n << 37n;
const TCR_EL1_TBI1 = 1n << 38n;
const TCR_EL2_TBI = 1n << 20n;
const HCR_VM = 1n << 0n;
const HCR_DC = 1n << 12n;
const HCR_TGE = 1n << 27n;

const isSet = (value: bigint, bit: bigint): boolean => (value & bit) !== 0n;
const controls = (registers: SystemRegisters, EL: ExceptionLevel): bigint =>
  registers.raw(EL === 2 ? 'SCTLR_EL2' : 'SCTLR_EL1');

/** The regime that accesses at this EL use; `physicalAddressBits` from ID_AA64MMFR0_EL1.PARange. */
export function translationRegime(
  registers: SystemRegisters,
  EL: ExceptionLevel,
  physicalAddressBits: number,
): TranslationRegime {
  const SCTLR = controls(registers, EL);
  const instructionCacheable = isSet(SCTLR, SCTLR_I);
  if (EL === 2) {
    const TBI = isSet(registers.raw('TCR_EL2'), TCR_EL2_TBI);
    return {
      name: 'EL2',
      stage1: isSet(SCTLR, SCTLR_M),
      stage2: false,
      defaultCacheable: false,
      TBI0: TBI,
      TBI1: TBI,
      instructionCacheable,
      physicalAddressBits,
    };
  }
  const HCR = registers.raw('HCR_EL2');
  const TCR = registers.raw('TCR_EL1');
  const defaultCacheable = isSet(HCR, HCR_DC);
  return {
    name: 'EL1&0',
    // HCR_EL2.TGE and DC make SCTLR_EL1.M behave as 0; DC makes VM behave as 1.
    stage1: isSet(SCTLR, SCTLR_M) && !isSet(HCR, HCR_TGE) && !defaultCacheable,
    stage2: isSet(HCR, HCR_VM) || defaultCacheable,
    defaultCacheable,
    TBI0: isSet(TCR, TCR_EL1_TBI0),
    TBI1: isSet(TCR, TCR_EL1_TBI1),
    instructionCacheable,
    physicalAddressBits,
  };
}

/** SCTLR_ELx.A: every unaligned data access faults. */
export function alignmentChecked(registers: SystemRegisters, EL: ExceptionLevel): boolean {
  return isSet(controls(registers, EL), SCTLR_A);
}

/** SCTLR_ELx.SA, or SA0 at EL0: loads and stores by SP need it to be a multiple of 16. */
export function stackAlignmentChecked(registers: SystemRegisters, EL: ExceptionLevel): boolean {
  return isSet(controls(registers, EL), EL === 0 ? SCTLR_SA0 : SCTLR_SA);
}
