/* Typed arrays over the whole memory: an index computed from the layout is always inside. */

/**
 * Predecoded code: 1024 records and a sentinel for each physical page that was fetched from.
 * Records are filled when they are first executed and dropped when the code under them changes.
 */
import type { Decoder } from '../isa/decode.ts';
import type { OperandValues } from '../isa/instruction.ts';
import type { Handler, InterpreterModule } from './interpreter.ts';
import type { OperandUse } from './interpreter-emitter.ts';
import type { ExceptionLevel } from './cpu-state.ts';
import * as L from './layout.ts';
import type { Ram, RamRegion } from './ram.ts';

export interface CodePagesOptions {
  readonly memory: ArrayBuffer;
  readonly capacity: number;
  readonly ram: Ram;
  readonly decoder: Decoder;
  readonly interpreter: InterpreterModule;
  systemRegisterSlot(packed: number, direction: 'read' | 'write'): number | undefined;
  /** A physical page got its first predecoded page. */
  onHasCode(hostPage: number, page: number): void;
}

interface Entered {
  readonly page: number;
  readonly notGlobal: boolean;
}

const LEVELS: readonly ExceptionLevel[] = [0, 1, 2];
const MOST_CODE_PAGES = 2048;
const GRANULES = BigInt(L.GRANULE_BYTES);

/** Address of the fetch TLB's entry for a VA. */
function fetchEntry(el: number, va: bigint): number {
  const index = Number((va >> 12n) & BigInt(L.FETCH_TLB_ENTRIES - 1));
  return L.FETCH_TLB + el * L.FETCH_TLB_BYTES + index * L.FETCH_TLB_ENTRY_BYTES;
}

export class CodePages {
  readonly #options: CodePagesOptions;
  readonly #view: DataView;
  readonly #u8: Uint8Array;
  /** Host address of a RAM page to its predecoded page. */
  readonly #byHost = new Map<number, number>();
  readonly #hostOf = new Map<number, number>();
  /** For each EL, VA page to predecoded page, for the VAs entered since the last translation flush. */
  readonly #byVa = [
    new Map<bigint, Entered>(),
    new Map<bigint, Entered>(),
    new Map<bigint, Entered>(),
  ] as const;
  #el: ExceptionLevel = 1;
  #used = 0;

  constructor(options: CodePagesOptions) {
    this.#options = options;
    this.#view = new DataView(options.memory);
    this.#u8 = new Uint8Array(options.memory);
  }

  /** Enough for all of a small RAM, bounded for a large one. */
  static capacityFor(regions: readonly RamRegion[]): number {
    const pages = regions.reduce((sum, { size }) => sum + size / L.PAGE_BYTES, 0);
    return Math.min(Math.max(pages, 1), MOST_CODE_PAGES);
  }

  /** Drops every predecoded page. */
  flush(): void {
    this.#byHost.clear();
    this.#hostOf.clear();
    this.#used = 0;
    this.flushTranslations();
  }

  /** Instructions are fetched at this EL from now on. */
  selectLevel(el: ExceptionLevel): void {
    this.#el = el;
    this.#view.setInt32(L.FETCH_TLB_BASE, L.FETCH_TLB + el * L.FETCH_TLB_BYTES, true);
  }

  flushTranslations(): void {
    for (const entered of this.#byVa) entered.clear();
    // NO_TAG is all ones; the rest of an entry means nothing without its tag.
    this.#u8.fill(0xff, L.FETCH_TLB, L.FETCH_TLB + L.TLB_COUNT * L.FETCH_TLB_BYTES);
  }

  /** Forgets the translations of `va` at every EL; bits 63:56 take no part. */
  flushPage(va: bigint): void {
    for (const [el, entered] of this.#byVa.entries()) {
      this.#view.setBigInt64(fetchEntry(el, va) + L.FETCH_TAG, L.NO_TAG, true);
      if (entered.size === 0) continue;
      const page = BigInt.asUintN(56, va & ~0xfffn);
      for (const key of entered.keys()) if (BigInt.asUintN(56, key) === page) entered.delete(key);
    }
  }

  /** Forgets translations for EL0 and EL1 of the VAs whose bit 55 is `upper`, and those for one ASID. */
  flushAddressSpace(upper: 0 | 1): void {
    const bit55 = BigInt(upper);
    for (const el of [0, 1] as const) {
      for (const [va, { notGlobal }] of this.#byVa[el]) {
        if (!notGlobal && ((va >> 55n) & 1n) !== bit55) continue;
        this.#byVa[el].delete(va);
        this.#view.setBigInt64(fetchEntry(el, va) + L.FETCH_TAG, L.NO_TAG, true);
      }
    }
  }

  /** The predecoded page of the RAM page at this host address, or 0. */
  pageOfHost(hostPage: number): number {
    return this.#byHost.get(hostPage) ?? 0;
  }

  /**
   * The predecoded page for instructions at `va`, which translates to the page of `pa`; remembers
   * the translation for the selected EL. -1 where there is no RAM.
   */
  enter(va: bigint, pa: bigint, breakpoints: ReadonlySet<bigint>, notGlobal = false): number {
    const hostPage = this.#options.ram.hostAddress(pa & ~0xfffn);
    if (hostPage === undefined) return -1;
    let page = this.#byHost.get(hostPage);
    if (page === undefined) page = this.#allocate(hostPage);
    const vaPage = va & ~0xfffn;
    this.#byVa[this.#el].set(vaPage, { page, notGlobal });
    const entry = fetchEntry(this.#el, va);
    this.#view.setBigInt64(entry + L.FETCH_TAG, BigInt.asIntN(64, vaPage), true);
    this.#view.setInt32(entry + L.FETCH_PAGE, page, true);
    for (const breakpoint of breakpoints) {
      if ((breakpoint & ~0xfffn) === vaPage) this.markBreakpoint(breakpoint);
    }
    return page;
  }

  #allocate(hostPage: number): number {
    if (this.#used === this.#options.capacity) this.flush();
    const page = L.CODE_PAGES_START + this.#used * L.CODE_PAGE_BYTES;
    this.#used += 1;
    this.#u8.fill(0, page, page + L.CODE_PAGE_BYTES);
    const sentinel = page + L.INSTRUCTIONS_PER_PAGE * L.RECORD_BYTES;
    this.#view.setUint16(sentinel + L.RECORD_HANDLER, L.HANDLER_NEXT_PAGE, true);
    this.#byHost.set(hostPage, page);
    this.#hostOf.set(page, hostPage);
    this.#options.onHasCode(hostPage, page);
    return page;
  }

  /** The record of the instruction at `va`, if its page was entered at this EL, by default the selected one. */
  recordAt(va: bigint, el: ExceptionLevel = this.#el): number | undefined {
    const entered = this.#byVa[el].get(va & ~0xfffn);
    if (entered === undefined || (va & 3n) !== 0n) return undefined;
    return entered.page + Number((va & 0xfffn) >> 2n) * L.RECORD_BYTES;
  }

  #pageOfRecord(record: number): number {
    return record - ((record - L.CODE_PAGES_START) % L.CODE_PAGE_BYTES);
  }

  #hostOfRecord(record: number): number {
    const page = this.#pageOfRecord(record);
    const hostPage = this.#hostOf.get(page);
    if (hostPage === undefined) throw new TypeError('a record of a page that holds no code');
    return hostPage + ((record - page) / L.RECORD_BYTES) * 4;
  }

  wordOf(record: number): number {
    return this.#view.getUint32(this.#hostOfRecord(record), true);
  }

  /** The handler of the instruction itself, whether or not a breakpoint stands on it. */
  originalHandler(record: number): number {
    const handler = this.#view.getUint16(record + L.RECORD_HANDLER, true);
    if (handler !== L.HANDLER_BREAKPOINT) return handler;
    return this.#view.getUint16(record + L.RECORD_ORIGINAL, true);
  }

  /** Fills a record from the word under it. */
  decode(record: number): void {
    const host = this.#hostOfRecord(record);
    const page = this.#pageOfRecord(record);
    const granule = BigInt(host % L.PAGE_BYTES) / GRANULES;
    const bitmap = this.#view.getBigUint64(page + L.CODE_PAGE_GRANULES, true);
    this.#view.setBigUint64(page + L.CODE_PAGE_GRANULES, bitmap | (1n << granule), true);
    const decoded = this.#options.decoder.decode(this.#view.getUint32(host, true));
    let handler = L.HANDLER_UNDEFINED;
    if (decoded) {
      const made = this.#options.interpreter.handler(decoded.definition, decoded.variant);
      this.#writeOperands(record, made, decoded.definition.operands(decoded.fields));
      handler = made.index;
    }
    this.#view.setUint16(record + L.RECORD_ORIGINAL, handler, true);
    this.#view.setUint16(record + L.RECORD_HANDLER, handler, true);
  }

  #writeOperands(record: number, { uses }: Handler, values: OperandValues): void {
    for (const use of uses) {
      const value = values[use.name];
      if (typeof value === 'bigint') {
        this.#view.setBigInt64(record + use.offset, BigInt.asIntN(64, value), true);
      } else if (value !== undefined) {
        this.#view.setInt32(record + use.offset, this.#operandWord(use, value), true);
      }
    }
  }

  #operandWord({ kind }: OperandUse, value: number): number {
    switch (kind) {
      case 'x':
        return L.X + 8 * (value === 31 ? L.ZERO_SLOT : value);
      case 'xDestination':
        return L.X + 8 * (value === 31 ? L.DISCARD_SLOT : value);
      case 'xOrSp':
        return L.X + 8 * value;
      case 'v':
        return L.V + 16 * value;
      case 'imm32':
        return value;
      case 'systemRegisterRead':
      case 'systemRegisterWrite': {
        const direction = kind === 'systemRegisterRead' ? 'read' : 'write';
        const slot = this.#options.systemRegisterSlot(value, direction) ?? L.UNKNOWN_SLOT;
        return L.SYSTEM_REGISTERS + 8 * slot;
      }
      case 'imm64':
        throw new TypeError('a 64-bit immediate is a bigint');
    }
  }

  /** The bytes at this host address changed: drops the records of the words they belong to. */
  invalidate(host: number, length: number): void {
    const offset = host % L.PAGE_BYTES;
    const page = this.#byHost.get(host - offset);
    if (page === undefined) return;
    for (let word = offset >> 2; word <= (offset + length - 1) >> 2; word += 1) {
      const record = page + word * L.RECORD_BYTES;
      const marked = this.#view.getUint16(record + L.RECORD_HANDLER, true) === L.HANDLER_BREAKPOINT;
      if (this.#view.getUint16(record + L.RECORD_ORIGINAL, true) === L.HANDLER_DECODE) continue;
      this.decode(record);
      if (marked) this.#view.setUint16(record + L.RECORD_HANDLER, L.HANDLER_BREAKPOINT, true);
    }
    const generation = this.#view.getUint32(page + L.CODE_PAGE_GENERATION, true);
    this.#view.setUint32(page + L.CODE_PAGE_GENERATION, generation + 1, true);
  }

  /** Puts a breakpoint on the record at `va`, if that page was entered; otherwise `enter` will. */
  markBreakpoint(va: bigint): void {
    for (const el of LEVELS) this.#mark(this.recordAt(va, el));
  }

  #mark(record: number | undefined): void {
    if (record === undefined) return;
    if (this.#view.getUint16(record + L.RECORD_ORIGINAL, true) === L.HANDLER_DECODE)
      this.decode(record);
    this.#view.setUint16(record + L.RECORD_HANDLER, L.HANDLER_BREAKPOINT, true);
  }

  /** Takes the breakpoint away unless another VA of `remaining` maps to the same instruction. */
  unmarkBreakpoint(va: bigint, remaining: ReadonlySet<bigint>): void {
    for (const el of LEVELS) {
      const record = this.recordAt(va, el);
      if (record !== undefined && !this.#isMarkedFor(record, remaining)) this.#unmark(record);
    }
  }

  #isMarkedFor(record: number, breakpoints: ReadonlySet<bigint>): boolean {
    for (const va of breakpoints) {
      for (const el of LEVELS) if (this.recordAt(va, el) === record) return true;
    }
    return false;
  }

  #unmark(record: number): void {
    const original = this.#view.getUint16(record + L.RECORD_ORIGINAL, true);
    this.#view.setUint16(record + L.RECORD_HANDLER, original, true);
  }
}
