/**
 * The breakpoint and watchpoint registers as a block of memory, and their names on the processor.
 * KVM api.rst, struct kvm_guest_debug_arch.
 */

import { DEBUG_REGISTERS_OF_A_BANK, MOST_DEBUG_REGISTERS } from '../sysregs/processor-model.ts';

/** Number of entries of each kind that KVM_SET_GUEST_DEBUG has, whatever the processor implements. */
export const KVM_ARM_MAX_DBG_REGS = 16;

/**
 * struct kvm_guest_debug_arch, 64 bits for each value. Here there is room for all that FEAT_Debugv8p9 permits; KVM has
 * 16 of each kind.
 */
export interface DebugState {
  readonly dbg_bcr: bigint[];
  readonly dbg_bvr: bigint[];
  readonly dbg_wcr: bigint[];
  readonly dbg_wvr: bigint[];
}

export type DebugArray = keyof DebugState;

const zeros = (): bigint[] => Array.from({ length: MOST_DEBUG_REGISTERS }, () => 0n);

export function emptyDebugState(): DebugState {
  return { dbg_bcr: zeros(), dbg_bvr: zeros(), dbg_wcr: zeros(), dbg_wvr: zeros() };
}

export function copyDebugState(from: Readonly<DebugState>): DebugState {
  return {
    dbg_bcr: [...from.dbg_bcr],
    dbg_bvr: [...from.dbg_bvr],
    dbg_wcr: [...from.dbg_wcr],
    dbg_wvr: [...from.dbg_wvr],
  };
}

export interface DebugRegister {
  /** Such as DBGBCR0_EL1. */
  readonly name: string;
  readonly array: DebugArray;
  readonly index: number;
}

const FAMILIES = [
  ['DBGBVR', 'dbg_bvr'],
  ['DBGBCR', 'dbg_bcr'],
  ['DBGWVR', 'dbg_wvr'],
  ['DBGWCR', 'dbg_wcr'],
] as const;

const NAMES: ReadonlyMap<string, DebugRegister> = new Map(
  FAMILIES.flatMap(([family, array]) =>
    Array.from({ length: MOST_DEBUG_REGISTERS }, (_, index): [string, DebugRegister] => {
      const name = `${family}${index}_EL1`;
      return [name, { name, array, index }];
    }),
  ),
);

/** All that there can be, by name. */
export const debugRegisters: ReadonlyMap<string, DebugRegister> = NAMES;

/** Those that a processor with so many breakpoints and watchpoints has. */
export function debugRegistersOf(breakpoints: number, watchpoints: number): DebugRegister[] {
  return [...NAMES.values()].filter(
    ({ array, index }) =>
      index < (array === 'dbg_bcr' || array === 'dbg_bvr' ? breakpoints : watchpoints),
  );
}

/** The value of MDSELR_EL1.BANK that a register is reached with. */
export const bankOf = ({ index }: DebugRegister): number =>
  Math.floor(index / DEBUG_REGISTERS_OF_A_BANK);

/** The register of another bank that is reached by the same name as this one of the first. */
export function inBank({ name, array, index }: DebugRegister, bank: number): DebugRegister {
  const n = index + bank * DEBUG_REGISTERS_OF_A_BANK;
  return { name: name.replace(/\d+_/, `${n}_`), array, index: n };
}

export function readDebugState(
  state: Readonly<DebugState>,
  { array, index }: DebugRegister,
): bigint {
  return state[array][index] ?? 0n;
}

export function writeDebugState(
  state: DebugState,
  { array, index }: DebugRegister,
  value: bigint,
): void {
  state[array][index] = BigInt.asUintN(64, value);
}

/** Registers that a full save or load moves: the four groups and MDCCINT_EL1. */
export function isBundleRegister(name: string): boolean {
  return name === 'MDCCINT_EL1' || NAMES.has(name);
}
