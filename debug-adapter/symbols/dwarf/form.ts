/** DWARF 5, 7.5.5, "Classes and Forms". */
import type { ByteReader } from '../byte-reader.ts';
import { DW_FORM } from './constants.ts';

/** What a unit's header says about the encoding of its forms. */
export interface FormEncoding {
  readonly version: number;
  readonly offsetSize: 4 | 8;
  readonly addressSize: number;
}

/** A decoded attribute before the sections it may point into are consulted. */
export type RawAttribute =
  | { readonly class: 'address'; readonly value: bigint }
  | { readonly class: 'addressIndex'; readonly index: number }
  /** `bits` is the width of a fixed-size form, whose signedness the consumer decides; else 64. */
  | {
      readonly class: 'constant';
      readonly value: bigint;
      readonly bits: number;
      readonly signed: boolean;
    }
  | { readonly class: 'block'; readonly bytes: Uint8Array; readonly isExpression: boolean }
  | { readonly class: 'flag'; readonly value: boolean }
  | { readonly class: 'string'; readonly value: string }
  | {
      readonly class: 'stringOffset';
      readonly section: '.debug_str' | '.debug_line_str';
      readonly offset: number;
    }
  | { readonly class: 'stringIndex'; readonly index: number }
  /** Offset from the start of the unit that holds the attribute. */
  | { readonly class: 'unitReference'; readonly offset: number }
  /** Offset in .debug_info. */
  | { readonly class: 'reference'; readonly offset: number }
  | { readonly class: 'signature'; readonly signature: bigint }
  | { readonly class: 'sectionOffset'; readonly offset: number }
  | { readonly class: 'listIndex'; readonly index: number };

export function readForm(
  reader: ByteReader,
  form: number,
  encoding: FormEncoding,
  implicit: bigint | undefined,
): RawAttribute {
  switch (form) {
    case DW_FORM.addr:
      return { class: 'address', value: reader.unsigned(encoding.addressSize) };
    case DW_FORM.addrx:
    case DW_FORM.GNU_addr_index:
      return { class: 'addressIndex', index: reader.uleb() };
    case DW_FORM.addrx1:
      return { class: 'addressIndex', index: reader.u8() };
    case DW_FORM.addrx2:
      return { class: 'addressIndex', index: reader.u16() };
    case DW_FORM.addrx3:
      return { class: 'addressIndex', index: reader.u24() };
    case DW_FORM.addrx4:
      return { class: 'addressIndex', index: reader.u32() };
    case DW_FORM.data1:
      return { class: 'constant', value: BigInt(reader.u8()), bits: 8, signed: false };
    case DW_FORM.data2:
      return { class: 'constant', value: BigInt(reader.u16()), bits: 16, signed: false };
    case DW_FORM.data4:
      return { class: 'constant', value: BigInt(reader.u32()), bits: 32, signed: false };
    case DW_FORM.data8:
      return { class: 'constant', value: reader.u64(), bits: 64, signed: false };
    case DW_FORM.sdata:
      return { class: 'constant', value: reader.slebBig(), bits: 64, signed: true };
    case DW_FORM.udata:
      return { class: 'constant', value: reader.ulebBig(), bits: 64, signed: false };
    case DW_FORM.implicit_const:
      return { class: 'constant', value: implicit ?? 0n, bits: 64, signed: true };
    case DW_FORM.data16:
      return { class: 'block', bytes: reader.block(16), isExpression: false };
    case DW_FORM.block1:
      return { class: 'block', bytes: reader.block(reader.u8()), isExpression: false };
    case DW_FORM.block2:
      return { class: 'block', bytes: reader.block(reader.u16()), isExpression: false };
    case DW_FORM.block4:
      return { class: 'block', bytes: reader.block(reader.u32()), isExpression: false };
    case DW_FORM.block:
      return { class: 'block', bytes: reader.block(reader.uleb()), isExpression: false };
    case DW_FORM.exprloc:
      return { class: 'block', bytes: reader.block(reader.uleb()), isExpression: true };
    case DW_FORM.flag:
      return { class: 'flag', value: reader.u8() !== 0 };
    case DW_FORM.flag_present:
      return { class: 'flag', value: true };
    case DW_FORM.string:
      return { class: 'string', value: reader.string() };
    case DW_FORM.strp:
      return stringOffset('.debug_str', reader.offsetOf(encoding.offsetSize));
    case DW_FORM.line_strp:
      return stringOffset('.debug_line_str', reader.offsetOf(encoding.offsetSize));
    case DW_FORM.strx:
    case DW_FORM.GNU_str_index:
      return { class: 'stringIndex', index: reader.uleb() };
    case DW_FORM.strx1:
      return { class: 'stringIndex', index: reader.u8() };
    case DW_FORM.strx2:
      return { class: 'stringIndex', index: reader.u16() };
    case DW_FORM.strx3:
      return { class: 'stringIndex', index: reader.u24() };
    case DW_FORM.strx4:
      return { class: 'stringIndex', index: reader.u32() };
    case DW_FORM.ref1:
      return { class: 'unitReference', offset: reader.u8() };
    case DW_FORM.ref2:
      return { class: 'unitReference', offset: reader.u16() };
    case DW_FORM.ref4:
      return { class: 'unitReference', offset: reader.u32() };
    case DW_FORM.ref8:
      return { class: 'unitReference', offset: reader.size64() };
    case DW_FORM.ref_udata:
      return { class: 'unitReference', offset: reader.uleb() };
    case DW_FORM.ref_addr:
      // DWARF 2 gave this form the size of an address.
      return {
        class: 'reference',
        offset: encoding.version <= 2 ? reader.size64() : reader.offsetOf(encoding.offsetSize),
      };
    case DW_FORM.ref_sig8:
      return { class: 'signature', signature: reader.u64() };
    case DW_FORM.sec_offset:
      return { class: 'sectionOffset', offset: reader.offsetOf(encoding.offsetSize) };
    case DW_FORM.loclistx:
    case DW_FORM.rnglistx:
      return { class: 'listIndex', index: reader.uleb() };
    case DW_FORM.indirect: {
      const actual = reader.uleb();
      if (actual === DW_FORM.indirect || actual === DW_FORM.implicit_const) {
        throw reader.error(`DW_FORM_indirect names form 0x${actual.toString(16)}`);
      }
      return readForm(reader, actual, encoding, undefined);
    }
    default:
      throw unsupportedForm(reader, form);
  }
}

/** Bytes that a form takes, or undefined when its data says so. */
export function fixedFormSize(form: number, encoding: FormEncoding): number | undefined {
  switch (form) {
    case DW_FORM.flag_present:
    case DW_FORM.implicit_const:
      return 0;
    case DW_FORM.data1:
    case DW_FORM.ref1:
    case DW_FORM.flag:
    case DW_FORM.strx1:
    case DW_FORM.addrx1:
      return 1;
    case DW_FORM.data2:
    case DW_FORM.ref2:
    case DW_FORM.strx2:
    case DW_FORM.addrx2:
      return 2;
    case DW_FORM.strx3:
    case DW_FORM.addrx3:
      return 3;
    case DW_FORM.data4:
    case DW_FORM.ref4:
    case DW_FORM.strx4:
    case DW_FORM.addrx4:
      return 4;
    case DW_FORM.data8:
    case DW_FORM.ref8:
    case DW_FORM.ref_sig8:
      return 8;
    case DW_FORM.data16:
      return 16;
    case DW_FORM.addr:
      return encoding.addressSize;
    case DW_FORM.ref_addr:
      return encoding.version <= 2 ? encoding.addressSize : encoding.offsetSize;
    case DW_FORM.strp:
    case DW_FORM.line_strp:
    case DW_FORM.sec_offset:
      return encoding.offsetSize;
    default:
      return undefined;
  }
}

export function skipForm(reader: ByteReader, form: number, encoding: FormEncoding): void {
  const size = fixedFormSize(form, encoding);
  if (size !== undefined) {
    reader.skip(size);
    return;
  }
  switch (form) {
    case DW_FORM.block1:
      reader.skip(reader.u8());
      return;
    case DW_FORM.block2:
      reader.skip(reader.u16());
      return;
    case DW_FORM.block4:
      reader.skip(reader.u32());
      return;
    case DW_FORM.block:
    case DW_FORM.exprloc:
      reader.skip(reader.uleb());
      return;
    case DW_FORM.string:
      reader.skipString();
      return;
    case DW_FORM.sdata:
    case DW_FORM.udata:
      reader.ulebBig();
      return;
    case DW_FORM.ref_udata:
    case DW_FORM.strx:
    case DW_FORM.addrx:
    case DW_FORM.loclistx:
    case DW_FORM.rnglistx:
    case DW_FORM.GNU_addr_index:
    case DW_FORM.GNU_str_index:
      reader.uleb();
      return;
    case DW_FORM.indirect:
      readForm(reader, form, encoding, undefined);
      return;
    default:
      throw unsupportedForm(reader, form);
  }
}

function stringOffset(section: '.debug_str' | '.debug_line_str', offset: number): RawAttribute {
  return { class: 'stringOffset', section, offset };
}

function unsupportedForm(reader: ByteReader, form: number): Error {
  switch (form) {
    case DW_FORM.ref_sup4:
    case DW_FORM.ref_sup8:
    case DW_FORM.strp_sup:
    case DW_FORM.GNU_ref_alt:
    case DW_FORM.GNU_strp_alt:
      return reader.unsupported('refers to a supplementary debug file, which is not supported');
    default:
      return reader.error(`unknown DW_FORM 0x${form.toString(16)}`);
  }
}
