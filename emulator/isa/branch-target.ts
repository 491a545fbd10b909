/** FEAT_BTI: which indirect branches may come to an instruction in a guarded page. */

import { i32 } from './expression.ts';
import type { BranchType, Emitter, Operand } from './instruction.ts';

/** PSTATE.BTYPE after BR (of X16 or X17, or not from a guarded page), BLR, and BR otherwise. */
export const BTYPE_JUMP_BY_LINKER = 0b01;
export const BTYPE_CALL = 0b10;
export const BTYPE_JUMP = 0b11;

/** PSTATE.BTYPE after BR Xn in a guarded page: X16 and X17 are what a linker's veneers use. */
export function indirectBranchType(n: number): number {
  return n === 16 || n === 17 ? BTYPE_JUMP_BY_LINKER : BTYPE_JUMP;
}

/** Of BLR, or of BR where the operand `type` is what `indirectBranchType` gave. */
export function branchTypeOf(e: Emitter, isCall: boolean, type: Operand): BranchType {
  return isCall
    ? { fromGuardedPage: i32(BTYPE_CALL), otherwise: i32(BTYPE_CALL) }
    : { fromGuardedPage: e.imm32(type), otherwise: i32(BTYPE_JUMP_BY_LINKER) };
}

const bits = (...types: readonly number[]): number =>
  types.reduce((mask, type) => mask | (1 << type), 0);
const ANY = bits(BTYPE_JUMP_BY_LINKER, BTYPE_CALL, BTYPE_JUMP);

/** By the targets of BTI: none, c, j, jc. Arm ARM, BTypeCompatible_BTI(). */
const BTI_TARGETS = [
  0,
  bits(BTYPE_JUMP_BY_LINKER, BTYPE_CALL),
  bits(BTYPE_JUMP_BY_LINKER, BTYPE_JUMP),
  ANY,
] as const;

const PACIASP = 0xd503233f;
const PACIBSP = 0xd503237f;

export function isPACIxSP(word: number): boolean {
  return word === PACIASP || word === PACIBSP;
}

/**
 * The values of PSTATE.BTYPE but 0 that do not make this instruction a Branch Target exception, as bits of a
 * mask: BTI, PACIASP and PACIBSP, BRK and HLT. BTYPE_JUMP to PACIxSP, which SCTLR_ELx.BT decides, is not in it.
 */
export function branchTypesAllowed(word: number): number {
  if ((word & 0xffffff3f) >>> 0 === 0xd503241f) return BTI_TARGETS[(word >>> 6) & 3] ?? 0;
  if (isPACIxSP(word)) return bits(BTYPE_JUMP_BY_LINKER, BTYPE_CALL);
  const isBRK = (word & 0xffe0001f) >>> 0 === 0xd4200000;
  const isHLT = (word & 0xffe0001f) >>> 0 === 0xd4400000;
  return isBRK || isHLT ? ANY : 0;
}
