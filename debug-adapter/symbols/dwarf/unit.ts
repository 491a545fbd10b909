/** DWARF 5, 7.5.1, "Unit Headers", and the tree of debugging information entries under them. */
import { ByteReader } from '../byte-reader.ts';
import type { Abbreviation, AbbreviationTable } from './abbreviations.ts';
import { DW_AT, DW_UT } from './constants.ts';
import { fixedFormSize, readForm, skipForm, type FormEncoding, type RawAttribute } from './form.ts';
import { readRangeList, type AddressRange } from './lists.ts';
import type { DwarfSections } from './sections.ts';

/** Deepest nesting of entries that is read; compilers stay below a few dozen. */
const MAX_DEPTH = 512;
/** Longest chain of abstract origins, specifications or imports that is followed. */
const MAX_CHAIN = 8;

export interface UnitHeader extends FormEncoding {
  /** Offset of the header in its section. */
  readonly start: number;
  /** Offset just past the unit. */
  readonly end: number;
  readonly section: '.debug_info' | '.debug_types';
  readonly unitType: number;
  readonly abbreviationOffset: number;
  /** Offset of the unit's first entry. */
  readonly firstDie: number;
  /** Of a type unit. */
  readonly signature: bigint | undefined;
  /** Offset of a type unit's type from `start`. */
  readonly typeOffset: number;
}

/**
 * Reads one unit's header.
 * @throws UnitFramingError when it is malformed behind its length, else SymbolError
 */
export function readUnitHeader(
  sections: DwarfSections,
  section: UnitHeader['section'],
  start: number,
): UnitHeader {
  const reader = sections.reader(section, start);
  let length = reader.u32();
  let offsetSize: 4 | 8 = 4;
  if (length === 0xffff_ffff) {
    offsetSize = 8;
    length = reader.size64();
  } else if (length >= 0xffff_fff0) {
    throw reader.error(`reserved unit length 0x${length.toString(16)}`, start);
  }
  const end = reader.offset + length;
  if (end > reader.end) throw reader.error(`unit of ${length} bytes runs past the end`, start);
  const version = reader.u16();
  const framing = { start, end, section, offsetSize, version };
  if (version < 2 || version > 5) {
    throw new UnitFramingError(reader.unsupported(`DWARF version ${version}`, start), end);
  }
  try {
    return { ...framing, ...readRestOfHeader(reader, framing) };
  } catch (cause) {
    throw new UnitFramingError(cause, end);
  }
}

/** Wraps the error of a unit whose end is known, so that the next one can still be read. */
export class UnitFramingError extends Error {
  readonly end: number;

  constructor(cause: unknown, end: number) {
    super('unit header', { cause });
    this.end = end;
  }
}

function readRestOfHeader(
  reader: ByteReader,
  {
    version,
    offsetSize,
    section,
    start,
  }: Pick<UnitHeader, 'version' | 'offsetSize' | 'section' | 'start'>,
): Pick<
  UnitHeader,
  'unitType' | 'addressSize' | 'abbreviationOffset' | 'signature' | 'typeOffset' | 'firstDie'
> {
  let unitType: number = section === '.debug_types' ? DW_UT.type : DW_UT.compile;
  let addressSize: number;
  let abbreviationOffset: number;
  if (version >= 5) {
    unitType = reader.u8();
    addressSize = reader.u8();
    abbreviationOffset = reader.offsetOf(offsetSize);
  } else {
    abbreviationOffset = reader.offsetOf(offsetSize);
    addressSize = reader.u8();
  }
  if (addressSize !== 8) throw reader.unsupported(`address size ${addressSize}`, start);
  let signature: bigint | undefined;
  let typeOffset = 0;
  switch (unitType) {
    case DW_UT.compile:
    case DW_UT.partial:
      break;
    case DW_UT.type:
      signature = reader.u64();
      typeOffset = reader.offsetOf(offsetSize);
      break;
    default:
      throw reader.unsupported('split DWARF (a .dwo file) is not supported', start);
  }
  return {
    unitType,
    addressSize,
    abbreviationOffset,
    signature,
    typeOffset,
    firstDie: reader.offset,
  };
}

/** What a unit needs from the whole: other units, and shared tables. */
export interface UnitHost {
  readonly sections: DwarfSections;
  abbreviations(offset: number): AbbreviationTable;
  /** The entry at an offset in .debug_info, in whichever unit it is. */
  dieAt(offset: number): Die | undefined;
  dieBySignature(signature: bigint): Die | undefined;
}

/** An abbreviation with what its unit's encoding adds: the size that lets an entry be skipped at once. */
interface UnitAbbreviation extends Abbreviation {
  readonly fixedSize: number | undefined;
}

/** All entries of a unit, in document order. */
interface DieTree {
  readonly offsets: readonly number[];
  readonly abbreviations: readonly UnitAbbreviation[];
  /** Index of the parent, -1 for the root. */
  readonly parents: Int32Array;
  /** Index just past the last descendant. */
  readonly ends: Int32Array;
}

/** One unit of .debug_info or .debug_types. Entries are read on first use. */
export class Unit {
  readonly host: UnitHost;
  readonly header: UnitHeader;
  readonly #source: ByteReader['source'];
  readonly #table: AbbreviationTable;
  /** Those of the table that were met, with their sizes in this unit. */
  readonly #abbreviations = new Map<number, UnitAbbreviation>();
  #tree: DieTree | undefined;
  #root: Die | undefined;
  #bases: { strOffsets: number; addr: number; rnglists: number; loclists: number } | undefined;

  constructor(host: UnitHost, header: UnitHeader) {
    this.host = host;
    this.header = header;
    this.#source = host.sections.source(header.section);
    this.#table = host.abbreviations(header.abbreviationOffset);
  }

  /** The unit's own entry. Does not read the others. */
  get root(): Die {
    if (this.#root === undefined) {
      const reader = this.reader(this.header.firstDie);
      const abbreviation = this.#abbreviation(reader);
      if (abbreviation === undefined) throw reader.error('unit has no entry', this.header.firstDie);
      this.#root = new Die(this, this.header.firstDie, reader.offset, abbreviation, 0);
    }
    return this.#root;
  }

  reader(offset: number): ByteReader {
    return new ByteReader(this.#source, offset, this.header.end);
  }

  die(index: number): Die {
    const tree = this.tree();
    const offset = tree.offsets[index];
    const abbreviation = tree.abbreviations[index];
    if (offset === undefined || abbreviation === undefined) {
      throw new TypeError(`entry ${index} of a unit that has ${tree.offsets.length}`);
    }
    const reader = this.reader(offset);
    reader.uleb();
    return new Die(this, offset, reader.offset, abbreviation, index);
  }

  /** The entry that starts at an offset of the section. */
  dieAtOffset(offset: number): Die | undefined {
    const { offsets } = this.tree();
    let low = 0;
    let high = offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((offsets[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return offsets[low] === offset ? this.die(low) : undefined;
  }

  tree(): DieTree {
    this.#tree ??= this.#readTree();
    return this.#tree;
  }

  /** DW_AT_str_offsets_base, DW_AT_addr_base, DW_AT_rnglists_base and DW_AT_loclists_base. */
  get bases(): { strOffsets: number; addr: number; rnglists: number; loclists: number } {
    if (this.#bases === undefined) {
      // The string of the root's own name may need these: read them without resolving anything.
      const { offsetSize } = this.header;
      const v5Header = offsetSize === 4 ? 8 : 16;
      const listHeader = offsetSize === 4 ? 12 : 20;
      const base = (name: number, fallback: number): number => {
        const raw = this.root.raw(name);
        return raw?.class === 'sectionOffset' ? raw.offset : fallback;
      };
      this.#bases = {
        strOffsets: base(DW_AT.str_offsets_base, v5Header),
        addr: base(DW_AT.addr_base, base(DW_AT.GNU_addr_base, v5Header)),
        rnglists: base(DW_AT.rnglists_base, listHeader),
        loclists: base(DW_AT.loclists_base, listHeader),
      };
    }
    return this.#bases;
  }

  /** Entry `index` of the unit's part of .debug_addr. */
  indexedAddress(index: number): bigint {
    return this.host.sections.reader('.debug_addr', this.bases.addr + index * 8).u64();
  }

  indexedString(index: number): string {
    const { offsetSize } = this.header;
    const at = this.bases.strOffsets + index * offsetSize;
    const offset = this.host.sections.reader('.debug_str_offsets', at).offsetOf(offsetSize);
    return this.host.sections.reader('.debug_str', offset).string();
  }

  /** DW_AT_low_pc of the unit: base of its range and location lists. */
  get baseAddress(): bigint {
    return this.root.address(DW_AT.low_pc) ?? 0n;
  }

  #abbreviation(reader: ByteReader): UnitAbbreviation | undefined {
    const at = reader.offset;
    const code = reader.uleb();
    if (code === 0) return undefined;
    const known = this.#abbreviations.get(code);
    if (known !== undefined) return known;
    const abbreviation = this.#table.get(code);
    if (abbreviation === undefined) throw reader.error(`no abbreviation has code ${code}`, at);
    let fixedSize: number | undefined = 0;
    for (const { form } of abbreviation.attributes) {
      const size = fixedFormSize(form, this.header);
      fixedSize = size === undefined || fixedSize === undefined ? undefined : fixedSize + size;
    }
    const sized = { ...abbreviation, fixedSize };
    this.#abbreviations.set(code, sized);
    return sized;
  }

  #readTree(): DieTree {
    const reader = this.reader(this.header.firstDie);
    const offsets: number[] = [];
    const abbreviations: UnitAbbreviation[] = [];
    const parents: number[] = [];
    const ends: number[] = [];
    const open: number[] = [];
    while (!reader.atEnd) {
      const offset = reader.offset;
      const abbreviation = this.#abbreviation(reader);
      if (abbreviation === undefined) {
        const closed = open.pop();
        if (closed === undefined) break;
        ends[closed] = offsets.length;
        if (open.length === 0) break;
        continue;
      }
      const index = offsets.length;
      offsets.push(offset);
      abbreviations.push(abbreviation);
      parents.push(open.at(-1) ?? -1);
      ends.push(index + 1);
      if (abbreviation.fixedSize !== undefined) reader.skip(abbreviation.fixedSize);
      else for (const { form } of abbreviation.attributes) skipForm(reader, form, this.header);
      if (abbreviation.hasChildren) {
        if (open.length >= MAX_DEPTH)
          throw reader.error(`entries nest deeper than ${MAX_DEPTH}`, offset);
        open.push(index);
      } else if (open.length === 0) {
        break;
      }
    }
    for (const index of open) ends[index] = offsets.length;
    return {
      offsets,
      abbreviations,
      parents: Int32Array.from(parents),
      ends: Int32Array.from(ends),
    };
  }
}

/** A debugging information entry. Attributes are decoded when asked for. */
export class Die {
  readonly unit: Unit;
  /** Offset in the unit's section. */
  readonly offset: number;
  readonly #attributesOffset: number;
  readonly #abbreviation: Abbreviation;
  /** Position among the unit's entries. */
  readonly index: number;

  constructor(
    unit: Unit,
    offset: number,
    attributesOffset: number,
    abbreviation: Abbreviation,
    index: number,
  ) {
    this.unit = unit;
    this.offset = offset;
    this.#attributesOffset = attributesOffset;
    this.#abbreviation = abbreviation;
    this.index = index;
  }

  /** DW_TAG_*. */
  get tag(): number {
    return this.#abbreviation.tag;
  }

  /** True for two handles of the same entry. */
  is(other: Die): boolean {
    return this.offset === other.offset && this.unit === other.unit;
  }

  get parent(): Die | undefined {
    const parent = this.unit.tree().parents[this.index] ?? -1;
    return parent < 0 ? undefined : this.unit.die(parent);
  }

  *children(): Generator<Die> {
    const { ends } = this.unit.tree();
    const end = ends[this.index] ?? 0;
    for (let i = this.index + 1; i < end; i = ends[i] ?? end) yield this.unit.die(i);
  }

  has(name: number): boolean {
    return this.#abbreviation.attributes.some((attribute) => attribute.name === name);
  }

  raw(name: number): RawAttribute | undefined {
    if (!this.has(name)) return undefined;
    const reader = this.unit.reader(this.#attributesOffset);
    for (const attribute of this.#abbreviation.attributes) {
      if (attribute.name === name) {
        return readForm(reader, attribute.form, this.unit.header, attribute.implicit);
      }
      skipForm(reader, attribute.form, this.unit.header);
    }
    return undefined;
  }

  error(detail: string): Error {
    return this.unit.reader(this.offset).error(detail);
  }

  /** This entry or the nearest one that its origin and specification lead to which has `name`. */
  holder(name: number): Die | undefined {
    if (this.has(name)) return this;
    let die = this.origin;
    for (let i = 1; die !== undefined && i < MAX_CHAIN; i++) {
      if (die.has(name)) return die;
      die = die.origin;
    }
    return undefined;
  }

  /** What DW_AT_abstract_origin or DW_AT_specification refers to. */
  get origin(): Die | undefined {
    return this.reference(DW_AT.abstract_origin) ?? this.reference(DW_AT.specification);
  }

  /** The end of the chain of origins: two copies of one function share it. */
  get abstract(): Die {
    let last: Die | undefined;
    for (let i = 0, next = this.origin; next !== undefined && i < MAX_CHAIN; i++) {
      last = next;
      next = next.origin;
    }
    return last ?? this;
  }

  string(name: number): string | undefined {
    const raw = this.raw(name);
    switch (raw?.class) {
      case 'string':
        return raw.value;
      case 'stringOffset':
        return this.unit.host.sections.reader(raw.section, raw.offset).string();
      case 'stringIndex':
        return this.unit.indexedString(raw.index);
      default:
        return undefined;
    }
  }

  /** An attribute of class constant: fixed-size forms are taken as unsigned. */
  constant(name: number): bigint | undefined {
    const raw = this.raw(name);
    return raw?.class === 'constant' ? raw.value : undefined;
  }

  /** A constant that counts something; undefined when it is none or larger than 2^53. */
  number(name: number): number | undefined {
    const value = this.constant(name);
    if (value === undefined || value > 0x1f_ffff_ffff_ffffn || value < -0x1f_ffff_ffff_ffffn) {
      return undefined;
    }
    return Number(value);
  }

  flag(name: number): boolean {
    const raw = this.raw(name);
    return raw?.class === 'flag' && raw.value;
  }

  address(name: number): bigint | undefined {
    const raw = this.raw(name);
    if (raw?.class === 'address') return raw.value;
    if (raw?.class === 'addressIndex') return this.unit.indexedAddress(raw.index);
    return undefined;
  }

  reference(name: number): Die | undefined {
    const raw = this.raw(name);
    switch (raw?.class) {
      case 'unitReference':
        return this.unit.dieAtOffset(this.unit.header.start + raw.offset);
      case 'reference':
        return this.unit.host.dieAt(raw.offset);
      case 'signature':
        return this.unit.host.dieBySignature(raw.signature);
      default:
        return undefined;
    }
  }

  /** Offset of a list in `section`-specific units: DW_FORM_sec_offset, or DWARF 3's data4 and data8. */
  sectionOffset(name: number): number | undefined {
    const raw = this.raw(name);
    if (raw?.class === 'sectionOffset') return raw.offset;
    if (raw?.class === 'constant' && this.unit.header.version < 4) return Number(raw.value);
    return undefined;
  }

  /** DW_AT_name, through the origin. */
  get name(): string | undefined {
    return this.holder(DW_AT.name)?.string(DW_AT.name);
  }

  /** DW_AT_ranges, or DW_AT_low_pc with DW_AT_high_pc. */
  get ranges(): readonly AddressRange[] {
    const raw = this.raw(DW_AT.ranges);
    if (raw !== undefined) return readRangeList(this.unit, raw);
    const low = this.address(DW_AT.low_pc);
    if (low === undefined) return [];
    const length = this.constant(DW_AT.high_pc);
    const high =
      length === undefined ? this.address(DW_AT.high_pc) : BigInt.asUintN(64, low + length);
    return high === undefined || high <= low ? [] : [{ low, high }];
  }
}
