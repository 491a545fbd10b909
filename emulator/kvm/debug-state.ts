/**
 * The breakpoint and watchpoint registers as a block of memory, and their names on the processor.
 * KVM api.rst, struct kvm_guest_debug_arch.
 */

/** Number of entries of each kind that the interface has, whatever the processor implements. */
export const KVM_ARM_MAX_DBG_REGS = 16;

/** struct kvm_guest_debug_arch: 16 values of each kind, 64 bits wide. */
export interface DebugState {
  readonly dbg_bcr: bigint[];
  readonly dbg_bvr: bigint[];
  readonly dbg_wcr: bigint[];
  readonly dbg_wvr: bigint[];
}

export type DebugArray = keyof DebugState;

const zeros = (): bigint[] => Array.from({ length: KVM_ARM_MAX_DBG_REGS }, () => 0n);

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
    Array.from({ length: KVM_ARM_MAX_DBG_REGS }, (_, index): [string, DebugRegister] => {
      const name = `${family}${index}_EL1`;
      return [name, { name, array, index }];
    }),
  ),
);

/** All 64 of them, by name. */
export const debugRegisters: ReadonlyMap<string, DebugRegister> = NAMES;

/** Those that a processor with so many breakpoints and watchpoints has. */
export function debugRegistersOf(breakpoints: number, watchpoints: number): DebugRegister[] {
  return [...NAMES.values()].filter(
    ({ array, index }) =>
      index < (array === 'dbg_bcr' || array === 'dbg_bvr' ? breakpoints : watchpoints),
  );
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
