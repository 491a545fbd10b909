/* Typed arrays over the whole memory: an index computed from the layout is always inside. */

/**
 * Predecoded code: 1024 records and a sentinel for each physical page that was fetched from.
 * Records are filled when they are first executed and dropped when the code under them changes.
 */
import { branchTypesAllowed } from '../isa/branch-target.ts';
import type { Decoder } from '../isa/decode.ts';
import type { OperandValues } from '../isa/instruction.ts';
import type { Handler, InterpreterModule } from './interpreter.ts';
import type { OperandUse } from './interpreter-emitter.ts';
import * as L from './layout.ts';
import type { Ram, RamRegion } from './ram.ts';

/** Slot of a system register in the register file, or undefined where the processor has none. */
export type SystemRegisterSlots = (
  packed: number,
  direction: 'read' | 'write',
) => number | undefined;

export interface CodePagesOptions {
  readonly memory: ArrayBuffer;
  /** Where the first predecoded page is. */
  readonly start: number;
  /** Pages that there is room for. */
  readonly capacity: number;
  readonly ram: Ram;
  /** A byte for each page of RAM, 1 where it has a predecoded page. */
  readonly map: { readonly start: number; readonly firstPage: number; readonly pages: number };
  readonly decoder: Decoder;
  readonly interpreter: InterpreterModule;
  readonly systemRegisterSlot: SystemRegisterSlots;
  /** A physical page got its first predecoded page. */
  onHasCode(hostPage: number, page: number): void;
  /** Every predecoded page is gone. */
  onFlush(): void;
}

const MOST_CODE_PAGES = 4096;
const GRANULES = BigInt(L.GRANULE_BYTES);

export class CodePages {
  readonly #options: CodePagesOptions;
  readonly #view: DataView;
  readonly #u8: Uint8Array;
  /** Host address of a RAM page to its predecoded page. */
  readonly #byHost = new Map<number, number>();
  readonly #hostOf = new Map<number, number>();
  #used = 0;
  #touchedEnd = 0;

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
    const { start, pages } = this.#options.map;
    this.#u8.fill(0, start, start + pages);
    this.#byHost.clear();
    this.#hostOf.clear();
    this.#used = 0;
    this.#options.onFlush();
  }

  /** The predecoded page of the RAM page at this host address, or 0. */
  pageOfHost(hostPage: number): number {
    return this.#byHost.get(hostPage) ?? 0;
  }

  /** The predecoded page of the page of RAM that holds `pa`; -1 where there is no RAM. */
  enter(pa: bigint): number {
    const hostPage = this.#options.ram.hostAddress(pa & ~0xfffn);
    if (hostPage === undefined) return -1;
    return this.#byHost.get(hostPage) ?? this.#allocate(hostPage);
  }

  #allocate(hostPage: number): number {
    if (this.#used === this.#options.capacity) this.flush();
    const page = this.#options.start + this.#used * L.CODE_PAGE_BYTES;
    this.#used += 1;
    // Beyond what was ever used the memory is zero, and stays untouched but for what is decoded.
    if (page < this.#touchedEnd) this.#u8.fill(0, page, page + L.CODE_PAGE_BYTES);
    else this.#touchedEnd = page + L.CODE_PAGE_BYTES;
    const sentinel = page + L.INSTRUCTIONS_PER_PAGE * L.RECORD_BYTES;
    this.#view.setUint16(sentinel + L.RECORD_HANDLER, L.HANDLER_NEXT_PAGE, true);
    const { map } = this.#options;
    this.#u8[map.start + hostPage / L.PAGE_BYTES - map.firstPage] = 1;
    this.#byHost.set(hostPage, page);
    this.#hostOf.set(page, hostPage);
    this.#options.onHasCode(hostPage, page);
    return page;
  }

  #pageOfRecord(record: number): number {
    return record - ((record - this.#options.start) % L.CODE_PAGE_BYTES);
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
    const word = this.#view.getUint32(host, true);
    this.#view.setUint8(record + L.RECORD_BRANCH_TYPES, branchTypesAllowed(word));
    const decoded = this.#options.decoder.decode(word);
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

  /** Puts a breakpoint on a record. */
  mark(record: number): void {
    if (this.#view.getUint16(record + L.RECORD_ORIGINAL, true) === L.HANDLER_DECODE)
      this.decode(record);
    this.#view.setUint16(record + L.RECORD_HANDLER, L.HANDLER_BREAKPOINT, true);
  }

  /** Takes the breakpoint of a record away. */
  unmark(record: number): void {
    const original = this.#view.getUint16(record + L.RECORD_ORIGINAL, true);
    this.#view.setUint16(record + L.RECORD_HANDLER, original, true);
  }
}
