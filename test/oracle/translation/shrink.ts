/** Makes a translation disagreement smaller while it stays one: controls that do not matter become zero. */
import { translationExplanationOf } from '../explained-differences.ts';
import { isHarmless } from './cases.ts';
import type * as L from './layout.ts';
import type { TranslationDisagreement, TranslationOracle } from './oracle.ts';

/** Bits, as [high, low], that may be cleared without taking the harness's own mapping away. */
const CLEARABLE: readonly (readonly [L.InputRegister, number, number])[] = [
  ['X0', 63, 0],
  ['X2', 63, 0],
  // CD and ID; PTW, VM
  ['HCR_EL2', 33, 33],
  ['HCR_EL2', 32, 32],
  ['HCR_EL2', 2, 2],
  ['HCR_EL2', 0, 0],
  // WXN, I, C, A
  ['SCTLR_EL1', 19, 19],
  ['SCTLR_EL1', 12, 12],
  ['SCTLR_EL1', 2, 2],
  ['SCTLR_EL1', 1, 1],
  ['SCTLR_EL2', 19, 19],
  ['SCTLR_EL2', 12, 12],
  ['SCTLR_EL2', 2, 2],
  ['SCTLR_EL2', 1, 1],
  // TBI1, TBI0, AS, A1
  ['TCR_EL1', 38, 38],
  ['TCR_EL1', 37, 37],
  ['TCR_EL1', 36, 36],
  ['TCR_EL1', 22, 22],
  ['TCR_EL2', 20, 20],
  // ASID, VMID
  ['TTBR0_EL1', 63, 48],
  ['TTBR1_EL1', 63, 48],
  ['VTTBR_EL2', 55, 48],
  // The top byte and the offset in a page of the address
  ['X1', 63, 56],
  ['X1', 11, 4],
  ['X1', 3, 0],
];

export async function shrinkTranslation(
  oracle: TranslationOracle,
  found: TranslationDisagreement,
): Promise<TranslationDisagreement> {
  let smallest = found;
  for (const [name, high, low] of CLEARABLE) {
    const { registers } = smallest.case;
    const mask = ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
    if ((registers[name] & mask) === 0n) continue;
    const smaller = {
      ...smallest.case,
      registers: { ...registers, [name]: registers[name] & ~mask },
    };
    if (!isHarmless(smaller, found.tables)) continue;
    const again = await oracle.runOne(smaller, found.tables);
    if (again !== undefined && translationExplanationOf(again) === undefined) smallest = again;
  }
  return smallest;
}
