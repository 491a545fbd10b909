/** Bits of the registers that the hypervisor writes. Names are those of the Arm ARM's fields. */

export const HCR_EL2_VM = 1n << 0n;
export const HCR_EL2_SWIO = 1n << 1n;
export const HCR_EL2_FB = 1n << 9n;
/** BSU = 0b01, Inner Shareable. */
export const HCR_EL2_BSU_IS = 1n << 10n;
export const HCR_EL2_TID3 = 1n << 18n;
export const HCR_EL2_TSC = 1n << 19n;
export const HCR_EL2_TIDCP = 1n << 20n;
export const HCR_EL2_TACR = 1n << 21n;
export const HCR_EL2_TSW = 1n << 22n;
export const HCR_EL2_RW = 1n << 31n;
/** Pointer authentication: the keys, and the instructions, are not trapped. */
export const HCR_EL2_APK = 1n << 40n;
export const HCR_EL2_API = 1n << 41n;

/**
 * KVM's HCR_GUEST_FLAGS without VM and PTW (stage 2 is an option), IMO, FMO and AMO (the guest takes the
 * board's interrupts itself), TWI and TWE (one vCPU that runs alone keeps WFI and WFE).
 */
export const HCR_GUEST_FLAGS =
  HCR_EL2_RW |
  HCR_EL2_TSW |
  HCR_EL2_TACR |
  HCR_EL2_TIDCP |
  HCR_EL2_TSC |
  HCR_EL2_BSU_IS |
  HCR_EL2_FB |
  HCR_EL2_SWIO;

export const HCR_HOST_FLAGS = HCR_EL2_RW;

/** CPTR_EL2 with nothing trapped: its RES1 bits. */
export const CPTR_EL2_DEFAULT = 0x33ffn;
export const CPTR_EL2_TFP = 1n << 10n;
export const CPTR_EL2_TTA = 1n << 20n;

/** The guest uses the physical counter and timer directly. */
export const CNTHCTL_EL2_EL1PCTEN = 1n << 0n;
export const CNTHCTL_EL2_EL1PCEN = 1n << 1n;

export const MDCR_EL2_HPMN = 0x1fn;
export const MDCR_EL2_TPMCR = 1n << 5n;
export const MDCR_EL2_TPM = 1n << 6n;
export const MDCR_EL2_TDE = 1n << 8n;
export const MDCR_EL2_TDA = 1n << 9n;
export const MDCR_EL2_TDOSA = 1n << 10n;
export const MDCR_EL2_TDRA = 1n << 11n;
/** E2PB = 0b11: EL1 owns the profiling buffer and reaches its registers; 0b10: the accesses trap. */
export const MDCR_EL2_E2PB = 3n << 12n;
export const MDCR_EL2_E2PB_TRAP = 2n << 12n;
/** E2TB = 0b11: as E2PB, for the trace buffer. */
export const MDCR_EL2_E2TB = 3n << 24n;
export const MDCR_EL2_EBWE = 1n << 43n;
export const MDCR_EL2_TPMS = 1n << 14n;
export const MDCR_EL2_TTRF = 1n << 19n;

/** HDFGRTR_EL2 and HDFGWTR_EL2: DBGBCRn_EL1, DBGBVRn_EL1, DBGWCRn_EL1 and DBGWVRn_EL1. */
export const HDFGxTR_EL2_DBG = 0xfn;

/** HDFGRTR_EL2: TRBIDR_EL1 and PMBIDR_EL1, which MDCR_EL2 does not trap. */
export const HDFGRTR_EL2_BUFFER_IDS = (1n << 51n) | (1n << 63n);

export const MDSCR_EL1_SS = 1n << 0n;
export const MDSCR_EL1_KDE = 1n << 13n;
export const MDSCR_EL1_MDE = 1n << 15n;

export const MDSCR_EL1_EMBWE = 1n << 32n;

export const MDSELR_EL1_BANK_SHIFT = 4n;

export const OSLSR_EL1_OSLK = 1n << 1n;
/** OSLM = 0b10: implemented; unlocked. */
export const OSLSR_EL1_UNLOCKED = 0x8n;

export const DBGBCR_E = 1n;
