import { readLineTable, type LineTable, joinPath } from './dwarf/line-program.ts';
import type { AddressRange } from './dwarf/lists.ts';
import { qualifiedName } from './dwarf/type-builder.ts';
import { DW_AT, DW_TAG } from './dwarf/constants.ts';
import type { Die, Unit } from './dwarf/unit.ts';
import { RangeIndex } from './range-index.ts';
import { SymbolError } from './symbol-error.ts';
import { canonicalTypeName } from './types.ts';

/** Entries of a unit that have a name and can be asked for by it; values are indices of entries. */
export interface UnitNames {
  readonly functions: ReadonlyMap<string, readonly number[]>;
  /** Variables with static storage, also those inside functions, under their plain names. */
  readonly variables: ReadonlyMap<string, readonly number[]>;
  /** `struct x`, `union x`, `enum x`, and the plain names of typedefs, base types and C++ types. */
  readonly types: ReadonlyMap<string, readonly number[]>;
  readonly enumerators: ReadonlyMap<string, readonly number[]>;
}

const EMPTY_TABLE: LineTable = {
  files: [],
  addresses: new BigUint64Array(0),
  fileIndices: new Uint32Array(0),
  lines: new Uint32Array(0),
  columns: new Uint32Array(0),
  flags: new Uint8Array(0),
  sequences: [],
};

/** One compilation: its lines, its functions and its names, each read on first use. */
export class CompileUnit {
  readonly unit: Unit;
  readonly name: string;
  readonly compilationDirectory: string;
  /** DW_AT_producer: the compiler and its options. */
  readonly producer: string;
  #lines: LineTable | undefined;
  #functions: RangeIndex<Die> | undefined;
  #names: UnitNames | undefined;

  readonly #report: (error: SymbolError) => void;

  /** @param report hears of a line table that is damaged, once; the unit then has no lines */
  constructor(unit: Unit, report: (error: SymbolError) => void) {
    this.unit = unit;
    this.#report = report;
    const { root } = unit;
    this.compilationDirectory = root.string(DW_AT.comp_dir) ?? '';
    this.producer = root.string(DW_AT.producer) ?? '';
    this.name = joinPath(this.compilationDirectory, root.string(DW_AT.name) ?? '');
  }

  /** Addresses of its code; falls back on the line table, since assemblers may leave them out. */
  get ranges(): readonly AddressRange[] {
    const { ranges } = this.unit.root;
    return ranges.length > 0 ? ranges : this.lines.sequences;
  }

  get lines(): LineTable {
    if (this.#lines === undefined) {
      try {
        this.#lines = this.#readLines();
      } catch (error) {
        if (!(error instanceof SymbolError)) throw error;
        this.#report(error);
        this.#lines = EMPTY_TABLE;
      }
    }
    return this.#lines;
  }

  /** Path of a DW_AT_decl_file or DW_AT_call_file. */
  file(index: number | undefined): string | undefined {
    if (index === undefined || (index === 0 && this.unit.header.version < 5)) return undefined;
    return this.lines.files[index];
  }

  /** Concrete functions by address; for nested functions the inner one wins. */
  get functions(): RangeIndex<Die> {
    if (this.#functions === undefined) {
      const { image } = this.unit.host.sections;
      const functions = new RangeIndex<Die>();
      for (const die of this.#withTag(DW_TAG.subprogram)) {
        for (const { low, high } of die.ranges) {
          if (image.occupies(low)) functions.add(low, high, die);
        }
      }
      this.#functions = functions;
    }
    return this.#functions;
  }

  get names(): UnitNames {
    this.#names ??= this.#indexNames();
    return this.#names;
  }

  /** All entries with one of these tags, in document order. */
  *#withTag(...tags: readonly number[]): Generator<Die> {
    const { abbreviations } = this.unit.tree();
    for (const [index, { tag }] of abbreviations.entries()) {
      if (tags.includes(tag)) yield this.unit.die(index);
    }
  }

  inlinedCopies(): Generator<Die> {
    return this.#withTag(DW_TAG.inlined_subroutine);
  }

  /** Variables with static storage: their entries with a location, in document order. */
  variables(): Generator<Die> {
    return this.#withTag(DW_TAG.variable);
  }

  #readLines(): LineTable {
    const { root, host } = this.unit;
    const offset = root.sectionOffset(DW_AT.stmt_list);
    if (offset === undefined) return EMPTY_TABLE;
    const { image } = host.sections;
    return readLineTable(
      {
        sections: host.sections,
        compilationDirectory: this.compilationDirectory,
        indexedString: (index) => this.unit.indexedString(index),
        occupies: (address) => image.occupies(address),
      },
      offset,
    );
  }

  #indexNames(): UnitNames {
    const functions = new Map<string, number[]>();
    const variables = new Map<string, number[]>();
    const types = new Map<string, number[]>();
    const enumerators = new Map<string, number[]>();
    const add = (map: Map<string, number[]>, name: string | undefined, index: number): void => {
      if (name === undefined) return;
      const list = map.get(name);
      if (list === undefined) map.set(name, [index]);
      else list.push(index);
    };
    for (const [index, { tag }] of this.unit.tree().abbreviations.entries()) {
      switch (tag) {
        case DW_TAG.subprogram:
          add(functions, qualifiedName(this.unit.die(index)), index);
          break;
        case DW_TAG.variable: {
          const die = this.unit.die(index);
          if (die.has(DW_AT.location) || die.has(DW_AT.const_value)) {
            add(variables, qualifiedName(die), index);
          }
          break;
        }
        case DW_TAG.structure_type:
        case DW_TAG.class_type:
        case DW_TAG.union_type:
        case DW_TAG.enumeration_type: {
          const name = qualifiedName(this.unit.die(index));
          if (name === undefined) break;
          const keyword =
            tag === DW_TAG.union_type
              ? 'union'
              : tag === DW_TAG.enumeration_type
                ? 'enum'
                : 'struct';
          add(types, `${keyword} ${name}`, index);
          break;
        }
        case DW_TAG.typedef:
          add(types, qualifiedName(this.unit.die(index)), index);
          break;
        case DW_TAG.base_type:
          add(types, canonicalTypeName(this.unit.die(index).name ?? ''), index);
          break;
        case DW_TAG.enumerator:
          add(enumerators, this.unit.die(index).name, index);
          break;
      }
    }
    return { functions, variables, types, enumerators };
  }
}
