/**
 * Where one processor finds the predecoded page of a virtual address: the direct-mapped tables that
 * generated code reads, one for each EL, and a map of all that was entered since the last flush.
 */
import type { ExceptionLevel } from './cpu-state.ts';
import * as L from './layout.ts';

interface Entered {
  readonly page: number;
  readonly notGlobal: boolean;
  readonly guarded: boolean;
}

const LEVELS: readonly ExceptionLevel[] = [0, 1, 2];

export class FetchTlb {
  readonly #view: DataView;
  readonly #table: Uint8Array;
  /** Start of this processor's state in the engine's memory. */
  readonly #stateBase: number;
  /** For each EL, page number of the VA to predecoded page, for the VAs entered since the last flush. */
  readonly #entered = [
    new Map<number, Entered>(),
    new Map<number, Entered>(),
    new Map<number, Entered>(),
  ] as const;
  #el: ExceptionLevel = 1;

  constructor(memory: ArrayBuffer, stateBase: number) {
    this.#stateBase = stateBase;
    this.#view = new DataView(memory, stateBase, L.BANK_BYTES);
    this.#table = new Uint8Array(
      memory,
      stateBase + L.FETCH_TLB,
      L.FETCH_TLB_COUNT * L.FETCH_TLB_BYTES,
    );
  }

  /** Instructions are fetched at this EL from now on. */
  selectLevel(el: ExceptionLevel): void {
    this.#el = el;
    const table = this.#stateBase + L.FETCH_TLB + el * L.FETCH_TLB_BYTES;
    this.#view.setInt32(L.FETCH_TLB_BASE, table, true);
  }

  /** Instructions at `va` are in this predecoded page, at the selected EL. */
  enter(va: bigint, entered: Entered): void {
    this.#entered[this.#el].set(pageNumber(va), entered);
    this.#install(va, entered);
  }

  #install(va: bigint, { page, guarded }: Entered): void {
    const entry = entryOf(this.#el, va);
    this.#view.setBigInt64(entry + L.FETCH_TAG, BigInt.asIntN(64, va & ~0xfffn), true);
    this.#view.setInt32(entry + L.FETCH_PAGE, page, true);
    this.#view.setInt32(entry + L.FETCH_GUARDED, guarded ? 1 : 0, true);
  }

  /** The predecoded page of `va` where it was entered before and lost its place in the table; it has it again. */
  enterAgain(va: bigint): number | undefined {
    const entered = this.#entered[this.#el].get(pageNumber(va));
    if (entered !== undefined) this.#install(va, entered);
    return entered?.page;
  }

  flush(): void {
    for (const entered of this.#entered) entered.clear();
    // NO_TAG is all ones; the rest of an entry means nothing without its tag.
    this.#table.fill(0xff);
  }

  /** Forgets the translations of `va` at every EL; bits 63:56 take no part. */
  flushPage(va: bigint): void {
    // An address that can be fetched from has no tag: its top byte is zero, or copies of bit 55.
    const canonical = pageNumber(BigInt.asIntN(56, va));
    const zeroExtended = pageNumber(BigInt.asUintN(56, va));
    for (const [el, entered] of this.#entered.entries()) {
      this.#view.setBigInt64(entryOf(el, va) + L.FETCH_TAG, L.NO_TAG, true);
      entered.delete(canonical);
      entered.delete(zeroExtended);
    }
  }

  /** Forgets translations for EL0 and `privileged` of the VAs whose bit 55 is `upper`, and those for one ASID. */
  flushAddressSpace(upper: 0 | 1, privileged: 1 | 2): void {
    for (const el of [0, privileged] as const) {
      for (const [number, { notGlobal }] of this.#entered[el]) {
        const bit55 = Math.floor(number / 2 ** (55 - PAGE_BITS)) % 2;
        if (!notGlobal && bit55 !== upper) continue;
        this.#entered[el].delete(number);
        this.#view.setBigInt64(entryOfNumber(el, number) + L.FETCH_TAG, L.NO_TAG, true);
      }
    }
  }

  /** The record of the instruction at `va`, if its page was entered at this EL, by default the selected one. */
  recordAt(va: bigint, el: ExceptionLevel = this.#el): number | undefined {
    const entered = this.#entered[el].get(pageNumber(va));
    if (entered === undefined || (va & 3n) !== 0n) return undefined;
    return entered.page + Number((va & 0xfffn) >> 2n) * L.RECORD_BYTES;
  }

  /** The records of `va` at every EL that has entered its page. */
  recordsAt(va: bigint): number[] {
    return LEVELS.map((el) => this.recordAt(va, el)).filter((record) => record !== undefined);
  }
}

const PAGE_BITS = 12;

/** Bits 63:12 of a VA, which may come sign-extended. */
function pageNumber(va: bigint): number {
  return Number(BigInt.asUintN(64, va) >> BigInt(PAGE_BITS));
}

/** Offset of the entry for a VA in the processor's state. */
function entryOf(el: number, va: bigint): number {
  return entryOfNumber(el, pageNumber(va));
}
function entryOfNumber(el: number, number: number): number {
  const index = number % L.FETCH_TLB_ENTRIES;
  return L.FETCH_TLB + el * L.FETCH_TLB_BYTES + index * L.FETCH_TLB_ENTRY_BYTES;
}
