/** Which register values a translation regime is made of, and what SCTLR_ELx says about alignment. */
import { PAC_BOTTOM_LSB, PAC_SELECT_LSB, PAC_TBI_LSB, PAC_TRAPPED } from '../engine/layout.ts';
import { translationRegime as decodeRegime } from '../mmu/regime.ts';
import type { TranslationRegime } from '../mmu/regime.ts';
import { elIsInHost, HCR_E2H, HCR_TGE } from '../sysregs/virtualization-host.ts';
import type { ExceptionLevel } from './pstate.ts';
import type { SystemRegisters } from './system-registers.ts';

const SCTLR_A = 1n << 1n;
const SCTLR_SA = 1n << 3n;
const SCTLR_SA0 = 1n << 4n;
const SCTLR_BT0 = 1n << 35n;
const SCTLR_BT1 = 1n << 36n;
/** SCTLR_ELx.EnIA, EnIB, EnDA and EnDB. */
const SCTLR_POINTER_KEYS = [1n << 31n, 1n << 30n, 1n << 27n, 1n << 13n] as const;
const HCR_API = 1n << 41n;

const isSet = (value: bigint, bit: bigint): boolean => (value & bit) !== 0n;

/** Whose registers control this EL: those of EL2 for EL2 and for EL0 of a host at EL2. */
function controllingEL(registers: SystemRegisters, EL: ExceptionLevel): 'EL1' | 'EL2' {
  return EL === 2 || elIsInHost(registers.raw('HCR_EL2'), EL) ? 'EL2' : 'EL1';
}

/** Arm ARM, SCTLR_ELx[] of the regime that this EL uses. */
export function systemControl(registers: SystemRegisters, EL: ExceptionLevel): bigint {
  return registers.raw(`SCTLR_${controllingEL(registers, EL)}`);
}

/** HCR_EL2 bits that translation depends on: VM, PTW, DC, TGE, CD, ID and E2H. */
export const HCR_TRANSLATION =
  (1n << 0n) | (1n << 2n) | (1n << 12n) | HCR_TGE | (1n << 32n) | (1n << 33n) | HCR_E2H;

/** The regime that accesses at this EL use; `physicalAddressBits` from ID_AA64MMFR0_EL1.PARange. */
export function translationRegime(
  registers: SystemRegisters,
  EL: ExceptionLevel,
  physicalAddressBits: number,
  PAN: boolean,
): TranslationRegime {
  const of = controllingEL(registers, EL);
  return decodeRegime({
    EL,
    SCTLR: registers.raw(`SCTLR_${of}`),
    TCR: registers.raw(`TCR_${of}`),
    TTBR0: registers.raw(`TTBR0_${of}`),
    TTBR1: of === 'EL2' && !registers.has('TTBR1_EL2') ? 0n : registers.raw(`TTBR1_${of}`),
    MAIR: registers.raw(`MAIR_${of}`),
    HCR_EL2: registers.raw('HCR_EL2'),
    VTCR_EL2: registers.raw('VTCR_EL2'),
    VTTBR_EL2: registers.raw('VTTBR_EL2'),
    physicalAddressBits,
    PAN,
  });
}

/** SCTLR_ELx.A: every unaligned data access faults. */
export function alignmentChecked(registers: SystemRegisters, EL: ExceptionLevel): boolean {
  return isSet(systemControl(registers, EL), SCTLR_A);
}

/** SCTLR_ELx.SA, or SA0 at EL0: loads and stores by SP need it to be a multiple of 16. */
export function stackAlignmentChecked(registers: SystemRegisters, EL: ExceptionLevel): boolean {
  return isSet(systemControl(registers, EL), EL === 0 ? SCTLR_SA0 : SCTLR_SA);
}

/** SCTLR_ELx.BT0 at EL0, else BT1 or BT: PACIASP and PACIBSP are no targets for BR in a guarded page. */
export function jumpsToPACIxSPRefused(registers: SystemRegisters, EL: ExceptionLevel): boolean {
  return isSet(systemControl(registers, EL), EL === 0 ? SCTLR_BT0 : SCTLR_BT1);
}

/** What pointer authentication depends on at this EL, as the engine has it in POINTER_AUTHENTICATION. */
export function pointerAuthenticationControls(
  registers: SystemRegisters,
  EL: ExceptionLevel,
  regime: TranslationRegime,
): number {
  const HCR_EL2 = registers.raw('HCR_EL2');
  const trapped = EL < 2 && !elIsInHost(HCR_EL2, EL) && !isSet(HCR_EL2, HCR_API);
  const { TBI0, TBI1, TBID0, TBID1, addressBits0, addressBits1 } = regime;
  const ofInstructions = [TBI0 && !TBID0, TBI1 && !TBID1] as const;
  const bits = (values: readonly boolean[]): number =>
    values.reduce((sum, value, n) => sum | (value ? 1 << n : 0), 0);
  const SCTLR = systemControl(registers, EL);
  return (
    bits(SCTLR_POINTER_KEYS.map((key) => isSet(SCTLR, key))) |
    (trapped ? PAC_TRAPPED : 0) |
    (bits([ofInstructions[0] || ofInstructions[1], TBI0 || TBI1]) << PAC_SELECT_LSB) |
    (bits([...ofInstructions, TBI0, TBI1]) << PAC_TBI_LSB) |
    (addressBits0 << PAC_BOTTOM_LSB) |
    (addressBits1 << (PAC_BOTTOM_LSB + 8))
  );
}
