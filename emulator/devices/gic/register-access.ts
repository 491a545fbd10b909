/**
 * System registers of a GIC as seen from outside: who binds them to a processor decides who may access
 * them, and which of the physical and the virtual interface answers.
 */
export interface RegisterAccess {
  /** The value without side effects. */
  peek(): bigint;
  /** The value of a read by an instruction, where that does more than `peek`. */
  read?(): bigint;
  /** Absent for a register that is read-only. */
  write?(value: bigint): void;
}

export type RegisterAccesses<Name extends string> = Readonly<Record<Name, RegisterAccess>>;
