/**
 * What the host and `harness/translation.S` share. Addresses are physical; offsets and sizes are in bytes.
 * Control block, inputs and outputs are where ../layout.ts has them.
 */

/** The harness's image: mapped flat, read-only and executable by every case. */
export const IMAGE = 0x4010_0000;
export const IMAGE_BYTES = 0x1_0000;
export const EL2_VECTORS = IMAGE + 0x1000;
export const EL1_VECTORS = IMAGE + 0x2000;
export const ACCESSES = IMAGE + 0x3000;
export const ACCESS_BYTES = 16;
/** Three tables of 4 KB granules that map the image, in the image: the host writes them. */
export const IMAGE_TABLES = IMAGE + 0x8000;

/** What cases read, write and execute: each word is a BRK whose immediate is its number. */
export const DATA = 0x4700_0000;
export const DATA_BYTES = 0x4000;

/** Random descriptors for stage 1, for stage 2, and tables that are built with a purpose. */
export const TABLES = 0x4710_0000;
export const RANDOM_BYTES = 0x8_0000;
export const STAGE1_RANDOM = TABLES;
export const STAGE2_RANDOM = TABLES + RANDOM_BYTES;
export const BUILT = TABLES + 2 * RANDOM_BYTES;
export const BUILT_BYTES = 0x40_0000;
export const TABLES_BYTES = 2 * RANDOM_BYTES + BUILT_BYTES;

/** Nothing answers from here to the end of the first 4 GiB: external aborts. */
export const HOLE = 0x5000_0000;
export const HOLE_END = 0x1_0000_0000;

export const RECORD_BYTES = 256;
export const BATCH_CASES = 4096;

/** Offsets in an input record, in the order of the harness. */
export const INPUT_REGISTERS = [
  'X0',
  'X1',
  'X2',
  'PC',
  'SPSR',
  'SCTLR_EL1',
  'TCR_EL1',
  'TTBR0_EL1',
  'TTBR1_EL1',
  'MAIR_EL1',
  'VBAR_EL1',
  'HCR_EL2',
  'VTCR_EL2',
  'VTTBR_EL2',
  'SCTLR_EL2',
  'TCR_EL2',
  'TTBR0_EL2',
  'MAIR_EL2',
] as const;
export type InputRegister = (typeof INPUT_REGISTERS)[number];
/** 1: the data is hashed after the case, and restored. */
export const CHANGES_DATA = 144;

/** 0 to 15: the exception went to EL1; 16 to 31: to EL2. */
export const VECTOR = 24;
/** Offsets in an output record, all but the vector and the hash. */
export const OUTPUT_REGISTERS = {
  X0: 0,
  X1: 8,
  X2: 16,
  ESR_EL1: 32,
  ELR_EL1: 40,
  SPSR_EL1: 48,
  FAR_EL1: 56,
  PAR_EL1: 64,
  ESR_EL2: 72,
  ELR_EL2: 80,
  SPSR_EL2: 88,
  FAR_EL2: 96,
  HPFAR_EL2: 104,
} as const;
export type OutputRegister = keyof typeof OUTPUT_REGISTERS;
export const HASH = 112;
