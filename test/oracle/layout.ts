/**
 * What the host and the harness share: addresses, and the records that a case goes in and comes out by.
 * `harness/harness.S` has the same numbers. Addresses are physical; offsets and sizes are in bytes.
 */

export const RAM_BASE = 0x4000_0000;
export const RAM_BYTES = 128 * 1024 * 1024;

export const CONTROL = 0x4200_0000;
export const CONTROL_COMMAND = 0;
export const CONTROL_COUNT = 8;
export const CONTROL_DONE = 16;
export const CONTROL_READY = 24;
export const READY = 0x4f4b;

export const INPUTS = 0x4300_0000;
export const OUTPUTS = 0x4400_0000;
export const RECORD_BYTES = 1024;

/** The host puts code here and the harness copies it to CODE. */
export const STAGED_CODE = 0x4500_0000;
/** Read-only and executable at EL0 and EL1; mapped flat, as the sandbox is. */
export const CODE = 0x4600_0000;
export const CODE_BYTES = 0x10_0000;

/** Readable and writable at EL0 and EL1, not executable; all else is not mapped for a case. */
export const SANDBOX = 0x4700_1000;
export const SANDBOX_BYTES = 0x2000;
/** Where the pages meet: pointers of a case are near. */
export const SANDBOX_MIDDLE = SANDBOX + SANDBOX_BYTES / 2;
/** The bytes that are not zero when a case starts. */
export const WINDOW = SANDBOX_MIDDLE - 256;
export const WINDOW_WORDS = 128;

export const SLOT_BYTES = 256;
export const BATCH_CASES = CODE_BYTES / SLOT_BYTES;
/** BRK immediate of the word behind a case's n-th instruction: BRK_END + n. */
export const BRK_END = 0x7e00;

// Both records: X0-X30 at 0 and V0-V31 at 512.
export const SP = 248;
export const V = 512;
export const FPCR = 264;
export const FPSR = 272;

// Input
export const NZCV = 256; // as in SPSR_EL1: bits 31:28, and BTYPE in 11:10
export const PC = 280;
export const EL = 288; // 0 or 1; SP_EL0 is the stack pointer of both
export const SEED = 296; // of the sandbox; not 0
/** APIAKeyLo_EL1, APIAKeyHi_EL1, and likewise of APIB, APDA, APDB and APGA; for processors with FEAT_PAuth. */
export const KEYS = 304;
/** Bits that the harness's own values do not have, for this case. */
export const SCTLR_EL1 = 384;
export const TCR_EL1 = 392;

// Output
export const SPSR = 256;
export const ELR = 280;
export const ESR = 288;
export const FAR = 296;
export const VECTOR = 304; // number of the vector, 0 to 15
export const HASH = 320; // of the sandbox, 16 bytes
