/**
 * Where one processor finds the predecoded page of a virtual address: the direct-mapped tables that
 * generated code reads, one for each EL, and a map of all that was entered since the last flush.
 */
import type { ExceptionLevel } from './cpu-state.ts';
import * as L from './layout.ts';

interface Entered {
  readonly page: number;
  readonly notGlobal: boolean;
}

const LEVELS: readonly ExceptionLevel[] = [0, 1, 2];

export class FetchTlb {
  readonly #view: DataView;
  readonly #table: Uint8Array;
  /** Start of this processor's state in the engine's memory. */
  readonly #stateBase: number;
  /** For each EL, VA page to predecoded page, for the VAs entered since the last flush. */
  readonly #byVa = [
    new Map<bigint, Entered>(),
    new Map<bigint, Entered>(),
    new Map<bigint, Entered>(),
  ] as const;
  #el: ExceptionLevel = 1;

  constructor(memory: ArrayBuffer, stateBase: number) {
    this.#stateBase = stateBase;
    this.#view = new DataView(memory, stateBase, L.BANK_BYTES);
    this.#table = new Uint8Array(memory, stateBase + L.FETCH_TLB, L.TLB_COUNT * L.FETCH_TLB_BYTES);
  }

  /** Instructions are fetched at this EL from now on. */
  selectLevel(el: ExceptionLevel): void {
    this.#el = el;
    const table = this.#stateBase + L.FETCH_TLB + el * L.FETCH_TLB_BYTES;
    this.#view.setInt32(L.FETCH_TLB_BASE, table, true);
  }

  /** Instructions at `va` are in this predecoded page, at the selected EL. */
  enter(va: bigint, page: number, notGlobal: boolean): void {
    const vaPage = va & ~0xfffn;
    this.#byVa[this.#el].set(vaPage, { page, notGlobal });
    const entry = entryOf(this.#el, va);
    this.#view.setBigInt64(entry + L.FETCH_TAG, BigInt.asIntN(64, vaPage), true);
    this.#view.setInt32(entry + L.FETCH_PAGE, page, true);
  }

  flush(): void {
    for (const entered of this.#byVa) entered.clear();
    // NO_TAG is all ones; the rest of an entry means nothing without its tag.
    this.#table.fill(0xff);
  }

  /** Forgets the translations of `va` at every EL; bits 63:56 take no part. */
  flushPage(va: bigint): void {
    for (const [el, entered] of this.#byVa.entries()) {
      this.#view.setBigInt64(entryOf(el, va) + L.FETCH_TAG, L.NO_TAG, true);
      if (entered.size === 0) continue;
      const page = BigInt.asUintN(56, va & ~0xfffn);
      for (const key of entered.keys()) if (BigInt.asUintN(56, key) === page) entered.delete(key);
    }
  }

  /** Forgets translations for EL0 and `privileged` of the VAs whose bit 55 is `upper`, and those for one ASID. */
  flushAddressSpace(upper: 0 | 1, privileged: 1 | 2): void {
    const bit55 = BigInt(upper);
    for (const el of [0, privileged] as const) {
      for (const [va, { notGlobal }] of this.#byVa[el]) {
        if (!notGlobal && ((va >> 55n) & 1n) !== bit55) continue;
        this.#byVa[el].delete(va);
        this.#view.setBigInt64(entryOf(el, va) + L.FETCH_TAG, L.NO_TAG, true);
      }
    }
  }

  /** The record of the instruction at `va`, if its page was entered at this EL, by default the selected one. */
  recordAt(va: bigint, el: ExceptionLevel = this.#el): number | undefined {
    const entered = this.#byVa[el].get(va & ~0xfffn);
    if (entered === undefined || (va & 3n) !== 0n) return undefined;
    return entered.page + Number((va & 0xfffn) >> 2n) * L.RECORD_BYTES;
  }

  /** The records of `va` at every EL that has entered its page. */
  recordsAt(va: bigint): number[] {
    return LEVELS.map((el) => this.recordAt(va, el)).filter((record) => record !== undefined);
  }
}

/** Offset of the entry for a VA in the processor's state. */
function entryOf(el: number, va: bigint): number {
  const index = Number((va >> 12n) & BigInt(L.FETCH_TLB_ENTRIES - 1));
  return L.FETCH_TLB + el * L.FETCH_TLB_BYTES + index * L.FETCH_TLB_ENTRY_BYTES;
}
