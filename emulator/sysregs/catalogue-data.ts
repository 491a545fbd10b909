/**
 * The form in which catalogue.generated.ts holds the catalogue: rows of numbers, where a position
 * points into `strings`, `valueLists`, `layouts` or `viewLists`, and -1 or a short row means none.
 */

/** [value, meaning, 1 for `at least`, name] */
export type ValueRow =
  | readonly [number, number]
  | readonly [number, number, 0 | 1]
  | readonly [number, number, 0 | 1, number];

/** [name, msb<<6 | lsb, text, valueList] */
export type FieldRow =
  | readonly [number, number]
  | readonly [number, number, number]
  | readonly [number, number, number, number];

/** [name, [register or '', field, values], layout] */
export type ViewRow = readonly [
  string,
  readonly [string, string, readonly number[]],
  layout: number,
];

export type RegisterRow = readonly [
  name: string,
  encoding: number,
  /** Access in bits 1:0 (RW, RO, WO), minEL in bits 3:2, isbAfterWrite in bit 4. */
  flags: number,
  group: number,
  feature: number,
  summary: number,
  layout?: number,
  template?: number,
  index?: number,
  aliasOf?: number,
  views?: number,
];

export interface CatalogueData {
  readonly strings: readonly string[];
  readonly valueLists: readonly (readonly ValueRow[])[];
  readonly layouts: readonly (readonly FieldRow[])[];
  readonly viewLists: readonly (readonly ViewRow[])[];
  readonly registers: readonly RegisterRow[];
  /** By kind (`at`, `dc`, `ic`, `tlbi` ...): [name, encoding with op0 = 1, 1 when it takes Xt]. */
  readonly systemInstructions: Readonly<
    Record<string, readonly (readonly [string, number, 0 | 1])[]>
  >;
  /** By operand class: [name, encoding]. */
  readonly namedOperands: Readonly<Record<string, readonly (readonly [string, number])[]>>;
  readonly faultStatusCodes: readonly (readonly [number, string])[];
}
