/**
 * What the host and `harness/accesses.S` share. Addresses are physical; offsets and sizes are in bytes.
 * Control block, inputs, outputs and code are where ../layout.ts has them.
 */

export const EL2_VECTORS = 0x4010_0800;
export const EL1_VECTORS = 0x4010_1000;
/** Of DC, IC and AT instructions. */
export const DATA = 0x4700_0000;

export const INPUT_BYTES = 256;
export const OUTPUT_BYTES = 512;
export const BATCH_CASES = 4096;
/** A word and a BRK for each case. */
export const CODE_BYTES = 8;

// Input
export const WORD = 0;
export const X0 = 8;
export const PC = 16;
export const SPSR = 24;
export const FIRST_CONTROL = 32;
/** In the order of the harness. */
export const CONTROLS = [
  'SCTLR_EL1',
  'CPACR_EL1',
  'CNTKCTL_EL1',
  'PMUSERENR_EL0',
  'MDSCR_EL1',
  'SCTLR_EL2',
  'CPTR_EL2',
  'CNTHCTL_EL2',
  'MDCR_EL2',
  'HSTR_EL2',
  'HCR_EL2',
] as const;
export type Control = (typeof CONTROLS)[number];

/** Zero when a case starts; the last ones with FEAT_VHE. */
export const ZEROED =
  `TPIDR_EL0 TPIDRRO_EL0 TPIDR_EL1 TPIDR_EL2 PAR_EL1 CSSELR_EL1 CNTV_CTL_EL0 CNTV_CVAL_EL0 CNTP_CTL_EL0 CNTP_CVAL_EL0
  CNTHP_CTL_EL2 CNTHP_CVAL_EL2 CNTVOFF_EL2 DBGBVR0_EL1 DBGBCR0_EL1 DBGWVR0_EL1 DBGWCR0_EL1 OSLAR_EL1 OSDLR_EL1
  MDCCINT_EL1 ESR_EL1 FAR_EL1 ELR_EL1 SPSR_EL1 ESR_EL2 FAR_EL2 HPFAR_EL2 AFSR0_EL1 AFSR1_EL1 TTBR0_EL1 TTBR1_EL1
  TCR_EL1 MAIR_EL1 AMAIR_EL1 CONTEXTIDR_EL1 TTBR0_EL2 TCR_EL2 MAIR_EL2 VTTBR_EL2 VTCR_EL2 SP_EL0 SP_EL1 PMCR_EL0
  PMSELR_EL0 PMCCFILTR_EL0 TTBR1_EL2 CONTEXTIDR_EL2 CNTHV_CTL_EL2 CNTHV_CVAL_EL2`.split(/\s+/);

// Output. Vector 0 to 15: the exception went to EL1; 16 to 31: to EL2.
export const VECTOR = 8;
export const FIRST_REGISTER = 16;
/** Registers after the case, in the order of the harness; the last ones with FEAT_VHE. */
export const REGISTERS = `HCR_EL2 ESR_EL2 ELR_EL2 SPSR_EL2 ESR_EL1 ELR_EL1 SPSR_EL1 FAR_EL1 FAR_EL2
  SCTLR_EL1 CPACR_EL1 CNTKCTL_EL1 SCTLR_EL2 CPTR_EL2 CNTHCTL_EL2 MDCR_EL2 VBAR_EL1
  TTBR0_EL1 TTBR1_EL1 TCR_EL1 MAIR_EL1 CONTEXTIDR_EL1 TTBR0_EL2 TCR_EL2 MAIR_EL2
  CNTV_CTL_EL0 CNTV_CVAL_EL0 CNTP_CTL_EL0 CNTP_CVAL_EL0 CNTHP_CTL_EL2 CNTHP_CVAL_EL2
  TPIDR_EL0 TPIDRRO_EL0 TPIDR_EL1 TPIDR_EL2 SP_EL0 SP_EL1 CNTVOFF_EL2
  TTBR1_EL2 CONTEXTIDR_EL2 CNTHV_CTL_EL2 CNTHV_CVAL_EL2`.split(/\s+/);
