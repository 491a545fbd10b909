import {
  littleEndian,
  readLocation,
  subLocation,
  toLittleEndian,
  type Location,
} from '../symbols/location.ts';
import { sizeOf, stripTypedefs, type BaseType, type Type } from '../symbols/types.ts';
import type { ExpressionContext, RegisterHandle } from './context.ts';
import { ExpressionError } from './expression-error.ts';

/** Where a value's bytes are. */
export type Storage =
  /** Computed: not an lvalue. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'location'; readonly location: Location }
  | { readonly kind: 'register'; readonly handle: RegisterHandle; readonly bitOffset: number };

export interface Value {
  readonly type: Type;
  readonly storage: Storage;
  /** Of a bit-field: which bits of the bytes at `storage` it is. */
  readonly bitField: { readonly bitOffset: number; readonly bitSize: number } | undefined;
}

/** Largest object that is read at once. */
export const MAX_VALUE_BYTES = 1 << 20;

export function computed(type: Type, bytes: Uint8Array): Value {
  return { type, storage: { kind: 'bytes', bytes }, bitField: undefined };
}

export function stored(type: Type, location: Location): Value {
  return { type, storage: { kind: 'location', location }, bitField: undefined };
}

export function integerValue(type: BaseType, value: bigint): Value {
  return computed(type, toLittleEndian(value, type.byteSize));
}

/** Address of an object in memory; undefined when it is elsewhere. */
export function addressOf({ storage, bitField }: Value): bigint | undefined {
  if (bitField !== undefined || storage.kind !== 'location') return undefined;
  return storage.location.kind === 'memory' ? storage.location.address : undefined;
}

/** The bytes of the value, its bit-field already extracted; or why there are none. */
export function readValue(
  value: Value,
  context: ExpressionContext,
): Uint8Array | { readonly reason: string } {
  const size = sizeOf(value.type);
  if (size === undefined) return { reason: 'its type is incomplete' };
  if (size > MAX_VALUE_BYTES) return { reason: `it is larger than ${MAX_VALUE_BYTES} bytes` };
  if (value.bitField === undefined) return readStorage(value.storage, size, context);
  const { bitOffset, bitSize } = value.bitField;
  const container = readStorage(value.storage, Math.ceil((bitOffset + bitSize) / 8), context);
  if (!(container instanceof Uint8Array)) return container;
  const bits = littleEndian(container) >> BigInt(bitOffset);
  const field = isSignedInteger(value.type)
    ? BigInt.asIntN(bitSize, bits)
    : BigInt.asUintN(bitSize, bits);
  return toLittleEndian(field, size);
}

/** Like `readValue`, for use inside an expression. */
export function bytesOf(value: Value, context: ExpressionContext, position: number): Uint8Array {
  const bytes = readValue(value, context);
  if (bytes instanceof Uint8Array) return bytes;
  throw new ExpressionError(`The value is not available: ${bytes.reason}.`, position);
}

function readStorage(
  storage: Storage,
  size: number,
  context: ExpressionContext,
): Uint8Array | { readonly reason: string } {
  switch (storage.kind) {
    case 'bytes':
      if (storage.bytes.length < size)
        return { reason: `only ${storage.bytes.length} of its ${size} bytes exist` };
      return storage.bytes.subarray(0, size);
    case 'location':
      if (storage.location.kind === 'memory') {
        const { address } = storage.location;
        const bytes = context.readMemory(address, size);
        return bytes ?? { reason: `cannot read memory at 0x${address.toString(16)}` };
      }
      return readLocation(storage.location, size, context.frame);
    case 'register': {
      const bits = storage.handle.read();
      if (bits === undefined)
        return { reason: `${storage.handle.name} is not known in this frame` };
      return toLittleEndian(bits >> BigInt(storage.bitOffset), size);
    }
  }
}

/** A part of a value: a member or an element. */
export function part(
  { storage }: Value,
  type: Type,
  byteOffset: number,
  bitField?: { readonly bitOffset: number; readonly bitSize: number },
): Value {
  const size =
    bitField === undefined
      ? (sizeOf(type) ?? 0)
      : Math.ceil((bitField.bitOffset + bitField.bitSize) / 8);
  return { type, storage: partOf(storage, byteOffset, size), bitField };
}

function partOf(storage: Storage, byteOffset: number, size: number): Storage {
  switch (storage.kind) {
    case 'bytes':
      return { kind: 'bytes', bytes: storage.bytes.subarray(byteOffset, byteOffset + size) };
    case 'location':
      return { kind: 'location', location: subLocation(storage.location, byteOffset, size) };
    case 'register':
      return { ...storage, bitOffset: storage.bitOffset + byteOffset * 8 };
  }
}

/** Stores bytes of the value's own size, or the field's bits of them. */
export function writeValue(
  target: Value,
  bytes: Uint8Array,
  context: ExpressionContext,
  position: number,
): void {
  const { bitField, storage } = target;
  let data = bytes;
  if (bitField !== undefined) {
    const { bitOffset, bitSize } = bitField;
    const size = Math.ceil((bitOffset + bitSize) / 8);
    if (storage.kind === 'register') {
      writeRegisterBits(
        storage.handle,
        storage.bitOffset + bitOffset,
        bitSize,
        littleEndian(bytes),
        position,
      );
      return;
    }
    const old = readStorage(storage, size, context);
    if (!(old instanceof Uint8Array)) {
      throw new ExpressionError(`The bit-field cannot be changed: ${old.reason}.`, position);
    }
    data = toLittleEndian(merge(littleEndian(old), bitOffset, bitSize, littleEndian(bytes)), size);
  }
  switch (storage.kind) {
    case 'bytes':
      throw new ExpressionError('A computed value cannot be assigned to.', position);
    case 'register':
      writeRegisterBits(
        storage.handle,
        storage.bitOffset,
        data.length * 8,
        littleEndian(data),
        position,
      );
      return;
    case 'location':
      writeLocation(storage.location, 0, data.length * 8, littleEndian(data), context, position);
  }
}

function writeRegisterBits(
  handle: RegisterHandle,
  bitOffset: number,
  bitSize: number,
  value: bigint,
  position: number,
): void {
  if (handle.write === undefined) {
    throw new ExpressionError(`${handle.name} cannot be written.`, position);
  }
  const old = handle.read() ?? 0n;
  handle.write(merge(old, bitOffset, bitSize, value));
}

/** Writes `bitSize` bits of an object, from bit `bitOffset` of its location. */
function writeLocation(
  location: Location,
  bitOffset: number,
  bitSize: number,
  value: bigint,
  context: ExpressionContext,
  position: number,
): void {
  switch (location.kind) {
    case 'memory': {
      const address = BigInt.asUintN(64, location.address + BigInt(bitOffset >> 3));
      const shift = bitOffset & 7;
      const size = Math.ceil((shift + bitSize) / 8);
      let bits = BigInt.asUintN(bitSize, value);
      if (shift !== 0 || bitSize % 8 !== 0) {
        const old = context.readMemory(address, size);
        if (old === undefined) throw unwritable(address, position);
        bits = merge(littleEndian(old), shift, bitSize, value);
      }
      if (!context.writeMemory(address, toLittleEndian(bits, size)))
        throw unwritable(address, position);
      return;
    }
    case 'register': {
      const old = context.frame.register(location.register) ?? 0n;
      // A variable narrower than its register owns only the low bits.
      if (!context.writeRegister(location.register, merge(old, bitOffset, bitSize, value))) {
        throw new ExpressionError(
          'The register that holds it cannot be written in this frame.',
          position,
        );
      }
      return;
    }
    case 'pieces': {
      let done = 0;
      for (const piece of location.pieces) {
        const count = Math.min(piece.bitSize, bitSize - done);
        if (count <= 0) break;
        const bits = BigInt.asUintN(count, value >> BigInt(done));
        writeLocation(piece.location, piece.bitOffset, count, bits, context, position);
        done += count;
      }
      return;
    }
    case 'value':
    case 'implicitPointer':
      throw new ExpressionError(
        'It cannot be changed here: the compiler computes it and stores it nowhere.',
        position,
      );
    case 'optimizedOut':
      throw new ExpressionError(`It cannot be changed: ${location.reason}.`, position);
  }
}

function unwritable(address: bigint, position: number): ExpressionError {
  return new ExpressionError(`Memory at 0x${address.toString(16)} cannot be written.`, position);
}

function merge(old: bigint, bitOffset: number, bitSize: number, value: bigint): bigint {
  const mask = ((1n << BigInt(bitSize)) - 1n) << BigInt(bitOffset);
  return (old & ~mask) | ((value << BigInt(bitOffset)) & mask);
}

export function isSignedInteger(type: Type): boolean {
  const actual = stripTypedefs(type);
  if (actual.kind === 'enum') return actual.isSigned;
  return (
    actual.kind === 'base' && (actual.encoding === 'signed' || actual.encoding === 'signedChar')
  );
}
