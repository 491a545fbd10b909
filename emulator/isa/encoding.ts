/**
 * Encoding diagrams. A diagram is written as the Arm ARM draws it, most significant bit first:
 *
 *     encoding('sf:1 op:1 S:1 100010 sh:1 imm12:12 Rn:5 Rd:5')
 *
 * Literal bits are fixed; `name:width` is a field; `(0)` and `(1)` are should-be bits, which
 * take part in decoding as ordinary fixed bits do not: they are ignored. Field names become
 * typed properties of the decoded fields.
 */

type FieldNames<S extends string> = S extends `${infer Head} ${infer Tail}`
  ? FieldNames<Head> | FieldNames<Tail>
  : S extends `${infer Name}:${string}`
    ? Name
    : never;

/** The fields of a diagram by name, each an unsigned number. */
export type FieldsOf<S extends string> = { readonly [K in FieldNames<S>]: number };

/** The fields of a diagram that is not known when this is compiled. */
export type Fields = Readonly<Record<string, number>>;

export interface EncodingField {
  readonly name: string;
  readonly lsb: number;
  readonly width: number;
}

export interface Encoding<S extends string = string> {
  readonly diagram: S;
  /** Bits that are fixed, as an unsigned 32-bit number. */
  readonly mask: number;
  /** Values of the fixed bits, as an unsigned 32-bit number. */
  readonly value: number;
  readonly fields: readonly EncodingField[];
}

export function encoding<const S extends string>(diagram: S): Encoding<S> {
  let lsb = 32;
  let mask = 0;
  let value = 0;
  const fields: EncodingField[] = [];
  for (const token of diagram.trim().split(/\s+/)) {
    const field = /^([A-Za-z]\w*):(\d+)$/.exec(token);
    if (field) {
      const width = Number(field[2]);
      lsb -= width;
      fields.push({ name: field[1] as string, lsb, width });
    } else if (/^\([01]\)$/.test(token)) {
      lsb -= 1;
    } else if (/^[01]+$/.test(token)) {
      for (const bit of token) {
        lsb -= 1;
        mask += 2 ** lsb;
        if (bit === '1') value += 2 ** lsb;
      }
    } else {
      throw new TypeError(
        `encoding diagram "${diagram}": "${token}" is neither bits nor name:width`,
      );
    }
  }
  if (lsb !== 0) throw new TypeError(`encoding diagram "${diagram}" has ${32 - lsb} bits, not 32`);
  return { diagram, mask, value, fields };
}

export function matches(encoding: Encoding, word: number): boolean {
  return (word & encoding.mask) >>> 0 === encoding.value;
}

export function extractFields<S extends string>(encoding: Encoding<S>, word: number): FieldsOf<S> {
  const fields: Record<string, number> = {};
  for (const { name, lsb, width } of encoding.fields) {
    fields[name] = width === 32 ? word >>> 0 : (word >>> lsb) & (2 ** width - 1);
  }
  return fields as FieldsOf<S>;
}
