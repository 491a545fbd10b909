/** Words of the assembly language that many encoding classes share, in the GNU and LLVM spelling. */
import { entryOf } from './tables.ts';

/** The general-purpose register, 31 being the zero register. */
export function xzrName(sf: number, register: number): string {
  if (register === 31) return sf ? 'xzr' : 'wzr';
  return `${sf ? 'x' : 'w'}${register}`;
}

/** The general-purpose register, 31 being the stack pointer. */
export function spName(sf: number, register: number): string {
  if (register === 31) return sf ? 'sp' : 'wsp';
  return `${sf ? 'x' : 'w'}${register}`;
}

const CONDITIONS = 'eq ne hs lo mi pl vs vc hi ls ge lt gt le al nv'.split(' ');

export function conditionName(cond: number): string {
  return entryOf(CONDITIONS, cond);
}

/** The condition that holds when `cond` does not; meaningless for AL and NV. */
export function invertedConditionName(cond: number): string {
  return entryOf(CONDITIONS, cond ^ 1);
}

export const SHIFT_NAMES = ['lsl', 'lsr', 'asr', 'ror'] as const;
export const EXTEND_NAMES = [
  'uxtb',
  'uxth',
  'uxtw',
  'uxtx',
  'sxtb',
  'sxth',
  'sxtw',
  'sxtx',
] as const;

/** `, lsr #3`, and nothing for LSL #0. */
export function shiftSuffix(type: number, amount: number): string {
  return type === 0 && amount === 0 ? '' : `, ${entryOf(SHIFT_NAMES, type)} #${amount}`;
}

/** `#0x1f`, as logical immediates and exception payloads are written; zero is `#0`. */
export function hexImmediate(value: number | bigint): string {
  return value === 0 ? '#0' : `#0x${value.toString(16)}`;
}

/** A 64-bit virtual address that lies `offset` bytes from `pc`. */
export function relativeTo(pc: bigint, offset: number | bigint): bigint {
  return BigInt.asUintN(64, pc + BigInt(offset));
}
