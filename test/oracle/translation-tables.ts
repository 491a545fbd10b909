/** The translation tables of `harness/harness.S`, and the registers that go with them. */
import * as L from './layout.ts';

const PAGE_BYTES = 4096;
const TABLES = 0x4010_0000;
const HARNESS_L1 = TABLES;
const CASE_L1 = TABLES + PAGE_BYTES;
const CASE_L2 = TABLES + 2 * PAGE_BYTES;
const CODE_L3 = TABLES + 3 * PAGE_BYTES;
const SANDBOX_L3 = TABLES + 4 * PAGE_BYTES;
/** The RAM that the tables are in. */
export const TABLES_RAM = { base: BigInt(TABLES), size: 5 * PAGE_BYTES } as const;

// Attributes: AF, inner shareable, AttrIndx 0
const BLOCK_EL1 = 0x0040_0000_0000_0701n; // UXN, EL1 read/write
const PAGE_CODE = 0x0000_0000_0000_07c3n; // read-only at EL0 and EL1, executable; every other page is guarded
const GP = 1n << 50n;
const PAGE_DATA = 0x0060_0000_0000_0743n; // read/write at EL0 and EL1, UXN, PXN
const TABLE = 3n;

/** Values by register, in the order they are to be written in. */
export const TRANSLATION_REGISTERS: readonly (readonly [name: string, value: bigint])[] = [
  ['MAIR_EL1', 0xffn],
  // T0SZ = T1SZ = 25, 4 KiB granules, inner shareable write-back tables, 36-bit IPS
  ['TCR_EL1', 0x1_b519_3519n],
  ['TTBR0_EL1', BigInt(CASE_L1)],
  ['TTBR1_EL1', BigInt(HARNESS_L1)],
  // RES1; UCI, nTWE, DZE, I, CP15BEN, SA0, SA, C, M; nTWI, UCT and UMA are clear
  ['SCTLR_EL1', 0x30d0_0800n | 0x0404_503dn],
];

/** Puts the tables into memory; `write` stores 64 bits at a physical address. */
export function writeTables(write: (PA: bigint, descriptor: bigint) => void): void {
  const entry = (table: number, index: number, descriptor: bigint): void => {
    write(BigInt(table + 8 * index), descriptor);
  };
  const mapPages = (
    L3: number,
    base: number,
    bytes: number,
    attributes: (page: number) => bigint,
  ): void => {
    entry(CASE_L2, (base - L.RAM_BASE) >> 21, BigInt(L3) | TABLE);
    for (let PA = base; PA < base + bytes; PA += PAGE_BYTES) {
      const page = (PA >> 12) & 511;
      entry(L3, page, BigInt(PA) + attributes(page));
    }
  };
  // The second GiB of either half: RAM starts there.
  entry(HARNESS_L1, 1, BigInt(L.RAM_BASE) + BLOCK_EL1);
  entry(CASE_L1, 1, BigInt(CASE_L2) | TABLE);
  mapPages(CODE_L3, L.CODE, L.CODE_BYTES, (page) => PAGE_CODE + (page % 2 === 1 ? GP : 0n));
  mapPages(SANDBOX_L3, L.SANDBOX, L.SANDBOX_BYTES, () => PAGE_DATA);
}
