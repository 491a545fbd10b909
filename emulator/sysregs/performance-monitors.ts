/** Arm ARM, "The Performance Monitors Extension": how many counters there are, and which events they count. */

/** PMCR_EL0.N */
export const EVENT_COUNTERS = 6;
/** Bit of the cycle counter in PMCNTENSET_EL0 and its relatives. */
export const CYCLE_COUNTER = 31;

/** Common events that are counted exactly, by number. */
export const PmuEvent = {
  SW_INCR: 0x00,
  INST_RETIRED: 0x08,
  EXC_RETURN: 0x0a,
  CID_WRITE_RETIRED: 0x0b,
  CPU_CYCLES: 0x11,
  MEM_ACCESS: 0x13,
  TTBR_WRITE_RETIRED: 0x1c,
  CHAIN: 0x1e,
  /** One instruction is one cycle, so that neither of these ever happens. */
  STALL_FRONTEND: 0x23,
  STALL_BACKEND: 0x24,
} as const;

/** PMCEID0_EL0 and PMCEID1_EL0, bits 31:0: events 0 to 31 and 32 to 63. */
export const [PMCEID0_EL0, PMCEID1_EL0] = [0, 32].map((first) =>
  Object.values(PmuEvent).reduce(
    (bits, event) =>
      event >= first && event < first + 32 ? bits | (1n << BigInt(event - first)) : bits,
    0n,
  ),
) as [bigint, bigint];
