import { SymbolError } from '../symbol-error.ts';
import { readAbbreviations, type AbbreviationTable } from './abbreviations.ts';
import { DW_AT, DW_TAG, DW_UT } from './constants.ts';
import type { DwarfSections } from './sections.ts';
import { readUnitHeader, Unit, UnitFramingError, type Die, type UnitHost } from './unit.ts';

/** All units of an image. A malformed one is reported and left out; the others stay usable. */
export class UnitSet implements UnitHost {
  readonly sections: DwarfSections;
  /** Units whose first entry is a DW_TAG_compile_unit. */
  readonly compileUnits: Unit[] = [];
  /** All units of .debug_info by ascending offset, partial and type units included. */
  readonly #byOffset: Unit[] = [];
  readonly #bySignature = new Map<bigint, Unit>();
  readonly #abbreviations = new Map<number, AbbreviationTable>();
  readonly #report: (error: SymbolError) => void;

  constructor(sections: DwarfSections, report: (error: SymbolError) => void) {
    this.sections = sections;
    this.#report = report;
    for (const section of ['.debug_info', '.debug_types'] as const) {
      try {
        this.#readUnits(section);
      } catch (error) {
        if (!(error instanceof SymbolError)) throw error;
        report(error);
      }
    }
  }

  abbreviations(offset: number): AbbreviationTable {
    let table = this.#abbreviations.get(offset);
    if (table === undefined) {
      table = readAbbreviations(this.sections.reader('.debug_abbrev', offset));
      this.#abbreviations.set(offset, table);
    }
    return table;
  }

  dieBySignature(signature: bigint): Die | undefined {
    const unit = this.#bySignature.get(signature);
    return unit?.dieAtOffset(unit.header.start + unit.header.typeOffset);
  }

  dieAt(offset: number): Die | undefined {
    let low = 0;
    let high = this.#byOffset.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#byOffset[middle]?.header.start ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = this.#byOffset[low - 1];
    return unit !== undefined && offset < unit.header.end ? unit.dieAtOffset(offset) : undefined;
  }

  /** @throws SymbolError when a unit's length is nonsense, since nothing behind it can be found */
  #readUnits(section: '.debug_info' | '.debug_types'): void {
    const { bytes } = this.sections.source(section);
    let offset = 0;
    while (offset < bytes.length) {
      const start = offset;
      try {
        const header = readUnitHeader(this.sections, section, offset);
        offset = header.end;
        this.#add(new Unit(this, header));
      } catch (error) {
        if (error instanceof UnitFramingError) {
          offset = error.end;
          if (!(error.cause instanceof SymbolError)) throw error.cause;
          this.#report(error.cause);
        } else if (error instanceof SymbolError && offset > start) {
          this.#report(error);
        } else {
          throw error;
        }
      }
    }
  }

  #add(unit: Unit): void {
    const { section, start, signature, unitType } = unit.header;
    if (section === '.debug_info') this.#byOffset.push(unit);
    if (signature !== undefined) this.#bySignature.set(signature, unit);
    if (unitType !== DW_UT.compile || unit.root.tag !== DW_TAG.compile_unit) return;
    if (unit.root.has(DW_AT.GNU_dwo_name)) {
      throw unit.reader(start).unsupported('split DWARF (a .dwo file) is not supported');
    }
    this.compileUnits.push(unit);
  }
}
