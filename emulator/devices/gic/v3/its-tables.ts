/**
 * The tables of an ITS in memory: devices, collections, and an interrupt translation table for each
 * device. Arm GIC architecture specification (IHI 0069), "The ITS tables". What an entry holds is
 * IMPLEMENTATION DEFINED; all are 8 bytes here with a valid bit at 63. Nothing is cached.
 */
import type { PhysicalMemory } from '../../physical-memory.ts';

export const ENTRY_BYTES = 8;
const VALID = 1n << 63n;

// GITS_BASER<n>
export const GITS_BASER_Valid = 1n << 63n;
export const GITS_BASER_Indirect = 1n << 62n;
const PAGE_BYTES = [0x1000, 0x4000, 0x1_0000, 0x1_0000] as const;
const L1_ENTRY_ADDRESS = 0x000f_ffff_ffff_f000n;

export const EVENT_ID_BITS = 16;
export const DEVICE_ID_BITS = 16;
export const COLLECTION_ID_BITS = 16;

export interface DeviceEntry {
  /** Physical address of the interrupt translation table, a multiple of 256. */
  readonly ITT: bigint;
  /** EventIDs have this many bits. */
  readonly bits: number;
}

export interface TranslationEntry {
  readonly INTID: number;
  readonly ICID: number;
}

function pageBytes(BASER: bigint): number {
  return PAGE_BYTES[Number((BASER >> 8n) & 3n)] ?? 0x1000;
}

/** Physical address of the table: 64 KiB pages have bits 51:48 in bits 15:12. */
function tableAddress(BASER: bigint): bigint {
  if (pageBytes(BASER) !== 0x1_0000) return BASER & 0x0000_ffff_ffff_f000n;
  return (BASER & 0x0000_ffff_ffff_0000n) | (((BASER >> 12n) & 0xfn) << 48n);
}

export class ItsTables {
  readonly #memory: PhysicalMemory;
  readonly #BASER: (n: 0 | 1) => bigint;

  /** `BASER(0)` is GITS_BASER0, for devices, `BASER(1)` that for collections. */
  constructor(memory: PhysicalMemory, BASER: (n: 0 | 1) => bigint) {
    this.#memory = memory;
    this.#BASER = BASER;
  }

  /** Physical address of an entry, or undefined where the table has none. */
  #entryAddress(n: 0 | 1, index: number): bigint | undefined {
    const BASER = this.#BASER(n);
    if ((BASER & GITS_BASER_Valid) === 0n) return undefined;
    const page = pageBytes(BASER);
    const bytes = (Number(BASER & 0xffn) + 1) * page;
    const base = tableAddress(BASER);
    if ((BASER & GITS_BASER_Indirect) === 0n) {
      return ENTRY_BYTES * (index + 1) <= bytes ? base + BigInt(ENTRY_BYTES * index) : undefined;
    }
    const perPage = page / ENTRY_BYTES;
    const level1 = ENTRY_BYTES * Math.floor(index / perPage);
    if (level1 >= bytes) return undefined;
    const pointer = this.#read(base + BigInt(level1));
    if (pointer === undefined || (pointer & VALID) === 0n) return undefined;
    const level2 = pointer & L1_ENTRY_ADDRESS & ~BigInt(page - 1);
    return level2 + BigInt(ENTRY_BYTES * (index % perPage));
  }

  #read(PA: bigint): bigint | undefined {
    const bytes = this.#memory.read(PA, ENTRY_BYTES);
    if (bytes === undefined) return undefined;
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  }
  #write(PA: bigint, value: bigint): boolean {
    const bytes = new Uint8Array(ENTRY_BYTES);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    return this.#memory.write(PA, bytes);
  }

  #valid(PA: bigint | undefined): bigint | undefined {
    const entry = PA === undefined ? undefined : this.#read(PA);
    return entry !== undefined && (entry & VALID) !== 0n ? entry : undefined;
  }

  /** Whether the device table has room for it. */
  hasDevice(DeviceID: number): boolean {
    return this.#entryAddress(0, DeviceID) !== undefined;
  }
  device(DeviceID: number): DeviceEntry | undefined {
    const entry = this.#valid(this.#entryAddress(0, DeviceID));
    if (entry === undefined) return undefined;
    return { ITT: entry & 0x000f_ffff_ffff_ff00n, bits: Number(entry & 0x1fn) + 1 };
  }
  /** False where the table has no such entry. */
  setDevice(DeviceID: number, device: DeviceEntry | undefined): boolean {
    const at = this.#entryAddress(0, DeviceID);
    if (at === undefined) return false;
    return this.#write(at, device ? VALID | device.ITT | BigInt(device.bits - 1) : 0n);
  }

  /** The processor of a collection. */
  collection(ICID: number): number | undefined {
    const entry = this.#valid(this.#entryAddress(1, ICID));
    return entry === undefined ? undefined : Number(entry & 0xffffn);
  }
  setCollection(ICID: number, processor: number | undefined): boolean {
    const at = this.#entryAddress(1, ICID);
    if (at === undefined) return false;
    return this.#write(at, processor === undefined ? 0n : VALID | BigInt(processor));
  }
  hasCollection(ICID: number): boolean {
    return this.#entryAddress(1, ICID) !== undefined;
  }

  translation({ ITT }: DeviceEntry, EventID: number): TranslationEntry | undefined {
    const entry = this.#valid(ITT + BigInt(ENTRY_BYTES * EventID));
    if (entry === undefined) return undefined;
    return { INTID: Number(entry & 0xffff_ffffn), ICID: Number((entry >> 32n) & 0xffffn) };
  }
  setTranslation(
    { ITT }: DeviceEntry,
    EventID: number,
    translation: TranslationEntry | undefined,
  ): boolean {
    const value = translation
      ? VALID | (BigInt(translation.ICID) << 32n) | BigInt(translation.INTID)
      : 0n;
    return this.#write(ITT + BigInt(ENTRY_BYTES * EventID), value);
  }
}
