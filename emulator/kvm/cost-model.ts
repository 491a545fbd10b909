/**
 * What the counted moves of the hypervisor would take on one real machine. A model, not a measurement of
 * anything here: cycles of Dall, Li, Lim, Nieh and Koloventzos, "ARM Virtualization: Performance and Architectural
 * Implications", ISCA 2016, Table III, KVM on an Applied Micro Atlas at 2.4 GHz.
 *
 * The table has cycles to save and to restore: general-purpose registers 152 and 184, FP registers 282 and 310,
 * EL1 system registers 230 and 511. KVM then switched 25 EL1 system registers, which makes 9 cycles for a read of one
 * and 20 for a write; that each access costs the same is this model's assumption. The exception and its return are
 * left out, as are cache misses and what the host does between exit and entry.
 */

export interface CostModel {
  readonly name: string;
  /** Where the figures come from and what they leave out, in one or two sentences. */
  readonly source: string;
}

/** Cycles. */
const SAVE_GENERAL = 152;
const RESTORE_GENERAL = 184;
const SAVE_FP = 282;
const RESTORE_FP = 310;
const READ_REGISTER = 9;
const WRITE_REGISTER = 20;

export const costModel: CostModel = {
  name: 'ISCA 2016, Applied Micro Atlas',
  source:
    'Modelled cycles, not measured here: Dall et al., "ARM Virtualization", ISCA 2016, Table III (KVM, Applied Micro Atlas, 2.4 GHz); 9 cycles to read a system register and 20 to write one, derived from 25 registers. The exception itself, caches and the host are left out.',
};

/** Counts since reset. */
export interface CostedMoves {
  readonly entries: number;
  readonly exits: number;
  /** Accesses of the hypervisor to system registers. */
  readonly reads: number;
  readonly writes: number;
  readonly fpSaves: number;
  readonly fpLoads: number;
}

export interface ModelledCost {
  readonly name: string;
  readonly cycles: number;
}

/** In the order of display, the sum last. */
export function modelledCosts(moves: CostedMoves): readonly ModelledCost[] {
  const parts = [
    {
      name: 'general-purpose registers',
      cycles: moves.exits * SAVE_GENERAL + moves.entries * RESTORE_GENERAL,
    },
    {
      name: 'system registers',
      cycles: moves.reads * READ_REGISTER + moves.writes * WRITE_REGISTER,
    },
    { name: 'FP registers', cycles: moves.fpSaves * SAVE_FP + moves.fpLoads * RESTORE_FP },
  ];
  return [...parts, { name: 'sum', cycles: parts.reduce((sum, { cycles }) => sum + cycles, 0) }];
}
