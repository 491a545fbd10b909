/** DWARF 5, 7.5.3, "Abbreviations Tables". */
import type { ByteReader } from '../byte-reader.ts';
import { DW_FORM } from './constants.ts';

export interface AttributeSpecification {
  /** DW_AT_*. */
  readonly name: number;
  /** DW_FORM_*. */
  readonly form: number;
  /** Value of DW_FORM_implicit_const. */
  readonly implicit: bigint | undefined;
}

export interface Abbreviation {
  readonly code: number;
  /** DW_TAG_*. */
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly AttributeSpecification[];
}

export type AbbreviationTable = ReadonlyMap<number, Abbreviation>;

/** Reads the table that starts at the reader's offset. */
export function readAbbreviations(reader: ByteReader): AbbreviationTable {
  const table = new Map<number, Abbreviation>();
  for (;;) {
    const at = reader.offset;
    const code = reader.uleb();
    if (code === 0) return table;
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    const attributes: AttributeSpecification[] = [];
    for (;;) {
      const name = reader.uleb();
      const form = reader.uleb();
      if (name === 0 && form === 0) break;
      const implicit = form === DW_FORM.implicit_const ? reader.slebBig() : undefined;
      attributes.push({ name, form, implicit });
    }
    if (table.has(code)) throw reader.error(`abbreviation ${code} is defined twice`, at);
    table.set(code, { code, tag, hasChildren, attributes });
  }
}
