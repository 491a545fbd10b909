import { SymbolError, type SymbolErrorCode } from './symbol-error.ts';

/** Names the bytes that a reader walks, for its error messages. */
export interface ByteSource {
  readonly fileName: string;
  /** Undefined when the bytes are the whole file. */
  readonly section: string | undefined;
  readonly bytes: Uint8Array;
  /** Code of the error that a failed read throws. */
  readonly code: SymbolErrorCode;
}

/**
 * A cursor over little-endian bytes. Every read is checked against `end`; a failed one throws a
 * SymbolError that gives the section and the offset of the read.
 */
export class ByteReader {
  readonly source: ByteSource;
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  offset: number;
  readonly end: number;

  constructor(source: ByteSource, offset = 0, end = source.bytes.length) {
    this.source = source;
    this.bytes = source.bytes;
    this.#view = viewOf(source.bytes);
    this.offset = offset;
    this.end = Math.min(end, source.bytes.length);
    if (!(offset >= 0 && offset <= this.end)) {
      throw this.error('points past the end of the section', offset);
    }
  }

  get atEnd(): boolean {
    return this.offset >= this.end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** A second cursor over the same bytes, limited to `length` bytes from `offset`. */
  slice(offset: number, length: number): ByteReader {
    if (!(length >= 0) || offset + length > this.end) {
      throw this.error(`length ${length} runs past the end`, offset);
    }
    return new ByteReader(this.source, offset, offset + length);
  }

  error(detail: string, offset = this.offset): SymbolError {
    const { code, fileName, section } = this.source;
    return new SymbolError(code, fileName, section, offset, detail);
  }

  unsupported(detail: string, offset = this.offset): SymbolError {
    const { fileName, section } = this.source;
    return new SymbolError('unsupported-dwarf', fileName, section, offset, detail);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  i8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  i16(): number {
    return this.#view.getInt16(this.#take(2), true);
  }

  u24(): number {
    const at = this.#take(3);
    return this.#view.getUint16(at, true) | (this.#view.getUint8(at + 2) << 16);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  /** A 64-bit file offset or size; refuses what no file can hold. */
  size64(): number {
    const at = this.offset;
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.error(`0x${value.toString(16)} is no possible offset or size`, at);
    }
    return Number(value);
  }

  /** An offset or length in the 32-bit or 64-bit DWARF format. */
  offsetOf(offsetSize: 4 | 8): number {
    return offsetSize === 4 ? this.u32() : this.size64();
  }

  /** Unsigned integer of `size` bytes, 1 to 8. */
  unsigned(size: number): bigint {
    switch (size) {
      case 1:
        return BigInt(this.u8());
      case 2:
        return BigInt(this.u16());
      case 4:
        return BigInt(this.u32());
      case 8:
        return this.u64();
      default: {
        if (!(size > 0 && size < 8)) throw this.error(`${size} is no size of an integer`);
        let value = 0n;
        for (let i = 0; i < size; i++) value |= BigInt(this.u8()) << BigInt(8 * i);
        return value;
      }
    }
  }

  /** ULEB128 that is a count, an offset or a code. */
  uleb(): number {
    const start = this.offset;
    let result = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      result += (byte & 0x7f) * scale;
      if ((byte & 0x80) === 0) break;
      scale *= 128;
      if (this.offset - start > 10) throw this.error('ULEB128 is longer than 64 bits', start);
    }
    if (result > Number.MAX_SAFE_INTEGER) {
      throw this.error('ULEB128 is too large for a count or an offset', start);
    }
    return result;
  }

  /** SLEB128 that is a small number, such as a line advance. */
  sleb(): number {
    const start = this.offset;
    const value = this.slebBig();
    if (value > 0x1f_ffff_ffff_ffffn || value < -0x1f_ffff_ffff_ffffn) {
      throw this.error('SLEB128 is too large for a count or an offset', start);
    }
    return Number(value);
  }

  /** ULEB128 of up to 64 bits. */
  ulebBig(): bigint {
    const start = this.offset;
    let low = 0;
    let shift = 0;
    let result = 0n;
    for (;;) {
      const byte = this.u8();
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else result |= BigInt(byte & 0x7f) << BigInt(shift);
      shift += 7;
      if ((byte & 0x80) === 0) break;
      if (this.offset - start > 10) throw this.error('ULEB128 is longer than 64 bits', start);
    }
    return BigInt.asUintN(64, shift <= 28 ? BigInt(low) : result | BigInt(low));
  }

  /** SLEB128 of up to 64 bits. */
  slebBig(): bigint {
    const start = this.offset;
    const value = this.ulebBig();
    const bits = Math.min(64, (this.offset - start) * 7);
    return BigInt.asIntN(bits, value);
  }

  block(length: number): Uint8Array {
    if (!(length >= 0) || length > this.remaining) {
      throw this.error(`block of ${length} bytes runs past the end`);
    }
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    if (!(length >= 0) || length > this.remaining) {
      throw this.error(`${length} bytes to skip run past the end`);
    }
    this.offset += length;
  }

  /** NUL-terminated UTF-8. */
  string(): string {
    const start = this.offset;
    const end = this.bytes.indexOf(0, start);
    if (end < 0 || end >= this.end) throw this.error('string has no terminator', start);
    this.offset = end + 1;
    return decodeUtf8(this.bytes, start, end);
  }

  skipString(): void {
    const end = this.bytes.indexOf(0, this.offset);
    if (end < 0 || end >= this.end) throw this.error('string has no terminator');
    this.offset = end + 1;
  }

  #take(length: number): number {
    const at = this.offset;
    if (at + length > this.end) throw this.error(`${length} bytes expected, ${this.end - at} left`);
    this.offset = at + length;
    return at;
  }
}

const views = new WeakMap<Uint8Array, DataView>();

function viewOf(bytes: Uint8Array): DataView {
  let view = views.get(bytes);
  if (view === undefined) {
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    views.set(bytes, view);
  }
  return view;
}

/** UTF-8 to string; malformed sequences become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  let at = start;
  while (at < end) {
    const lead = bytes[at++] ?? 0;
    if (lead < 0x80) {
      text += String.fromCharCode(lead);
      continue;
    }
    const length = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : 0;
    let code = lead & (0x3f >> length);
    let taken = 0;
    while (taken < length && at < end && ((bytes[at] ?? 0) & 0xc0) === 0x80) {
      code = (code << 6) | ((bytes[at++] ?? 0) & 0x3f);
      taken++;
    }
    const valid = length > 0 && taken === length && code <= 0x10_ffff;
    text += String.fromCodePoint(valid ? code : 0xfffd);
  }
  return text;
}
