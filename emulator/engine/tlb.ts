/**
 * The data TLBs that generated code reads: a direct-mapped table for each exception level, and for EL1 and
 * EL2 another one while PSTATE.PAN is set, so that software may set and clear it often.
 */
import type { ExceptionLevel } from './cpu-state.ts';
import * as L from './layout.ts';

export interface TlbPermissions {
  readonly read: boolean;
  readonly write: boolean;
  /** Normal memory: unaligned accesses are made without a fault. */
  readonly unaligned: boolean;
  /** For one ASID only. */
  readonly notGlobal?: boolean;
  /**
   * Offsets in the page. Aligned accesses that touch no byte of `[low, high)` are made in the
   * directions that are not permitted otherwise, but for those that `reads` or `writes` exclude.
   */
  readonly watched?:
    | {
        readonly low: number;
        readonly high: number;
        readonly reads?: boolean;
        readonly writes?: boolean;
      }
    | undefined;
}

/** EL0, EL1, EL2; EL1 and EL2 with PSTATE.PAN. */
export type DataTlbIndex = 0 | 1 | 2 | 3 | 4;
export const DATA_TLBS: readonly DataTlbIndex[] = [0, 1, 2, 3, 4];

export function dataTlbOf(el: ExceptionLevel, PAN: boolean): DataTlbIndex {
  return PAN && el > 0 ? ((el + 2) as 3 | 4) : el;
}

const PAGE_MASK = 0xfffn;
const INDEX_MASK = L.TLB_ENTRIES - 1;

export class DataTlb {
  readonly #view: DataView;
  readonly #watched: DataView;
  readonly #bytes: Uint8Array;
  /** The contents of TLBs without entries. */
  readonly #empty: Uint8Array;

  /** `stateBase` is the start of the processor's bank. */
  constructor(memory: ArrayBuffer, stateBase: number) {
    this.#view = new DataView(memory, stateBase + L.TLB, L.TLB_COUNT * L.TLB_BYTES);
    this.#bytes = new Uint8Array(memory, stateBase + L.TLB, L.TLB_COUNT * L.TLB_BYTES);
    for (let entry = 0; entry < this.#bytes.length; entry += L.TLB_ENTRY_BYTES) this.#drop(entry);
    this.#empty = this.#bytes.slice();
    const entries = L.TLB_COUNT * L.TLB_ENTRIES;
    this.#watched = new DataView(memory, stateBase + L.TLB_WATCHED, entries * L.TLB_WATCHED_BYTES);
  }

  #entry(tlb: DataTlbIndex, va: bigint): number {
    return tlb * L.TLB_BYTES + (Number((va >> 12n) & 0xffffffffn) & INDEX_MASK) * L.TLB_ENTRY_BYTES;
  }

  /** Whether a TLB has the page of `va`. */
  holds(tlb: DataTlbIndex, va: bigint): boolean {
    const slow = this.#view.getBigInt64(this.#entry(tlb, va) + L.TLB_SLOW_TAG, true);
    return slow !== L.NO_SLOW_TAG && (slow & ~PAGE_MASK) === BigInt.asIntN(64, va & ~PAGE_MASK);
  }

  /** `host` is the host address of the page, `codePage` its predecoded page or 0. */
  install(
    tlb: DataTlbIndex,
    va: bigint,
    host: number,
    codePage: number,
    { read, write, unaligned, notGlobal, watched }: TlbPermissions,
  ): void {
    const view = this.#view;
    const entry = this.#entry(tlb, va);
    const page = BigInt.asIntN(64, va & ~PAGE_MASK);
    let slow =
      (read ? L.SLOW_READ : 0) | (write ? L.SLOW_WRITE : 0) | (unaligned ? L.SLOW_UNALIGNED : 0);
    if (notGlobal === true) slow |= L.SLOW_NOT_GLOBAL;
    if (watched !== undefined) {
      const { reads = true, writes = true } = watched;
      if (!read && reads) slow |= L.SLOW_READ_BESIDE;
      if (!write && writes) slow |= L.SLOW_WRITE_BESIDE;
      const at = (entry / L.TLB_ENTRY_BYTES) * L.TLB_WATCHED_BYTES;
      this.#watched.setUint16(at, watched.low, true);
      this.#watched.setUint16(at + 2, watched.high, true);
    }
    view.setBigInt64(entry + L.TLB_READ_TAG, read ? page : L.NO_TAG, true);
    view.setBigInt64(entry + L.TLB_WRITE_TAG, write && codePage === 0 ? page : L.NO_TAG, true);
    view.setBigInt64(entry + L.TLB_SLOW_TAG, page | BigInt(slow), true);
    view.setInt32(entry + L.TLB_ADDEND, (host - Number(BigInt.asUintN(32, page))) | 0, true);
    view.setInt32(entry + L.TLB_CODE_PAGE, codePage, true);
  }

  /** The physical page at `host` holds code from now on: stores to it leave the fast path. */
  protectCode(host: number, codePage: number): void {
    const view = this.#view;
    for (let entry = 0; entry < view.byteLength; entry += L.TLB_ENTRY_BYTES) {
      const slow = view.getBigInt64(entry + L.TLB_SLOW_TAG, true);
      if (slow === L.NO_SLOW_TAG) continue;
      const page = Number(BigInt.asUintN(32, slow & ~PAGE_MASK));
      if ((page + view.getInt32(entry + L.TLB_ADDEND, true)) >>> 0 !== host) continue;
      view.setBigInt64(entry + L.TLB_WRITE_TAG, L.NO_TAG, true);
      view.setInt32(entry + L.TLB_CODE_PAGE, codePage, true);
    }
  }

  #drop(entry: number): void {
    this.#view.setBigInt64(entry + L.TLB_READ_TAG, L.NO_TAG, true);
    this.#view.setBigInt64(entry + L.TLB_WRITE_TAG, L.NO_TAG, true);
    this.#view.setBigInt64(entry + L.TLB_SLOW_TAG, L.NO_SLOW_TAG, true);
  }

  flush(): void {
    this.#bytes.set(this.#empty);
  }

  /** Drops what EL0 and `el` have for VAs whose bit 55 is `upper`, and what is for one ASID. */
  flushAddressSpace(upper: 0 | 1, el: 1 | 2): void {
    for (const tlb of [0, el, dataTlbOf(el, true)]) {
      this.#dropAddressSpace(upper, tlb * L.TLB_BYTES);
    }
  }

  #dropAddressSpace(upper: 0 | 1, first: number): void {
    const view = this.#view;
    const end = first + L.TLB_BYTES;
    for (let entry = first; entry < end; entry += L.TLB_ENTRY_BYTES) {
      const low = view.getInt32(entry + L.TLB_SLOW_TAG, true);
      if (low === 0) continue; // NO_SLOW_TAG: it is empty
      const high = view.getInt32(entry + L.TLB_SLOW_TAG + 4, true);
      const bit55 = (high >>> 23) & 1;
      if (bit55 === upper || (low & L.SLOW_NOT_GLOBAL) !== 0) this.#drop(entry);
    }
  }

  /** Drops the page of `va` at every exception level. */
  flushPage(va: bigint): void {
    for (const tlb of DATA_TLBS) this.#drop(this.#entry(tlb, va));
  }
}
