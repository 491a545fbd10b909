/** Values as text, in the manner of gdb. */
import { littleEndian } from '../symbols/location.ts';
import { decodeUtf8 } from '../symbols/byte-reader.ts';
import {
  sizeOf,
  stripTypedefs,
  type ArrayType,
  type BaseType,
  type EnumType,
  type PointerType,
  type RecordType,
} from '../symbols/types.ts';
import type { ExpressionContext } from './context.ts';
import { memberOf } from './evaluate.ts';
import { ExpressionError } from './expression-error.ts';
import { decodeFloat, isSigned } from './number.ts';
import type { FormatSuffix } from './syntax.ts';
import { addressOf, part, readValue, type Value } from './value.ts';

export interface FormatOptions {
  /** VS Code's "format in hexadecimal": integers only. */
  readonly hex?: boolean;
  /** From a suffix such as `,x`; wins over `hex`. */
  readonly base?: FormatSuffix['base'];
  /** Most bytes of a string that are shown. */
  readonly maxString?: number;
  /** Most members or elements in a summary. */
  readonly maxItems?: number;
}

const DEFAULT_STRING = 200;
const DEFAULT_ITEMS = 12;
const MAX_DEPTH = 3;

/** One line for a value; `<not available: reason>` when it cannot be read. */
export function formatValue(
  value: Value,
  context: ExpressionContext,
  options: FormatOptions = {},
): string {
  return format(value, context, options, 0);
}

function format(
  value: Value,
  context: ExpressionContext,
  options: FormatOptions,
  depth: number,
): string {
  const type = stripTypedefs(value.type);
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'function':
      return formatFunction(value, context);
    case 'record':
      return formatRecord(value, type, context, options, depth);
    case 'array':
      return formatArray(value, type, context, options, depth);
    case 'unsupported':
      return `<${type.description}: not supported>`;
    case 'base':
    case 'enum':
    case 'pointer':
      break;
  }
  const bytes = readValue(value, context);
  if (!(bytes instanceof Uint8Array)) return unavailable(value, bytes.reason);
  switch (type.kind) {
    case 'pointer':
      return formatPointer(type, littleEndian(bytes), context, options);
    case 'enum':
      return formatEnum(type, bytes, options);
    case 'base':
      return formatBase(type, bytes, context, options, value.bitField?.bitSize);
  }
}

/** gdb says `<optimized out>` for what the compiler removed. */
function unavailable({ storage }: Value, reason: string): string {
  const isOptimizedOut = storage.kind === 'location' && storage.location.kind === 'optimizedOut';
  return isOptimizedOut ? `<optimized out: ${reason}>` : `<not available: ${reason}>`;
}

function formatFunction(value: Value, context: ExpressionContext): string {
  const address = addressOf(value);
  if (address === undefined) return '<function>';
  return describedAddress(address, context);
}

function describedAddress(address: bigint, context: ExpressionContext): string {
  const symbol = context.describeAddress(address);
  const text = `0x${address.toString(16)}`;
  return symbol === undefined ? text : `${text} <${symbol}>`;
}

function formatPointer(
  type: PointerType,
  address: bigint,
  context: ExpressionContext,
  options: FormatOptions,
): string {
  const { base } = options;
  if (base !== undefined && base !== 'hexadecimal' && base !== 'address' && base !== 'string') {
    return formatInteger(address, 64, false, base, context);
  }
  if (base === 'hexadecimal') return `0x${address.toString(16)}`;
  const target = stripTypedefs(type.target);
  const isText = target.kind === 'base' && isCharacter(target);
  if (address !== 0n && (isText || base === 'string')) {
    const text = readString(address, context, options.maxString ?? DEFAULT_STRING);
    if (text !== undefined) return `0x${address.toString(16)} ${text}`;
  }
  return describedAddress(address, context);
}

/** Characters up to a NUL; "…" after as many as may be shown. Undefined when the first is unreadable. */
function readString(
  address: bigint,
  context: ExpressionContext,
  limit: number,
): string | undefined {
  const collected: number[] = [];
  // Byte by byte near unmapped memory, in blocks before it.
  for (let block = 64; collected.length < limit;) {
    const wanted = Math.min(block, limit - collected.length);
    const bytes = context.readMemory(address + BigInt(collected.length), wanted);
    if (bytes === undefined) {
      if (wanted > 1) {
        block = 1;
        continue;
      }
      return collected.length === 0 ? undefined : `${quoted(collected)}…`;
    }
    const end = bytes.indexOf(0);
    if (end >= 0) return quoted([...collected, ...bytes.subarray(0, end)]);
    collected.push(...bytes);
  }
  return `${quoted(collected)}…`;
}

const ESCAPED = new Map<number, string>([
  [7, '\\a'],
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [11, '\\v'],
  [12, '\\f'],
  [13, '\\r'],
  [27, '\\033'],
  [34, '\\"'],
  [92, '\\\\'],
]);

function quoted(bytes: readonly number[]): string {
  let text = '';
  for (let i = 0; i < bytes.length;) {
    const byte = bytes[i] ?? 0;
    const length = utf8Length(bytes, i);
    if (length > 1) {
      text += decodeUtf8(Uint8Array.from(bytes.slice(i, i + length)));
      i += length;
      continue;
    }
    text +=
      ESCAPED.get(byte) ?? (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : octal(byte));
    i++;
  }
  return `"${text}"`;
}

/** Bytes of the well-formed UTF-8 sequence that starts here; 1 for ASCII and for anything else. */
function utf8Length(bytes: readonly number[], at: number): number {
  const lead = bytes[at] ?? 0;
  const length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
  if (lead >= 0xf5) return 1;
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 1;
  return length;
}

function octal(byte: number): string {
  return `\\${byte.toString(8).padStart(3, '0')}`;
}

function formatEnum(type: EnumType, bytes: Uint8Array, options: FormatOptions): string {
  const bits = littleEndian(bytes);
  const width = type.byteSize * 8;
  const value = type.isSigned ? BigInt.asIntN(width, bits) : bits;
  if (options.base !== undefined) return formatInteger(bits, width, type.isSigned, options.base);
  const exact = type.enumerators.find((enumerator) => enumerator.value === value);
  if (exact !== undefined) return exact.name;
  return flagCombination(type, value) ?? value.toString();
}

/** `(READ | EXEC)` when the enumerators are disjoint bits, with what is left over as `unknown: 0x8`. */
function flagCombination({ enumerators }: EnumType, value: bigint): string | undefined {
  if (value <= 0n || enumerators.length === 0) return undefined;
  let seen = 0n;
  for (const { value: flag } of enumerators) {
    if (flag < 0n || (flag & seen) !== 0n) return undefined;
    // A zero enumerator stands for no flag at all. Runs of bits count as one flag, gaps do not.
    if (flag !== 0n && !isOneRun(flag)) return undefined;
    seen |= flag;
  }
  const names = enumerators
    .filter(({ value: flag }) => flag !== 0n && (value & flag) === flag)
    .map(({ name }) => name);
  const rest = enumerators.reduce(
    (left, { value: flag }) => ((value & flag) === flag ? left & ~flag : left),
    value,
  );
  if (rest !== 0n) names.push(`unknown: 0x${rest.toString(16)}`);
  return `(${names.join(' | ')})`;
}

function isOneRun(flag: bigint): boolean {
  const filled = flag | (flag - 1n);
  return (filled & (filled + 1n)) === 0n;
}

function isCharacter({ encoding, byteSize }: BaseType): boolean {
  return (encoding === 'signedChar' || encoding === 'unsignedChar') && byteSize === 1;
}

function formatBase(
  type: BaseType,
  bytes: Uint8Array,
  context: ExpressionContext,
  options: FormatOptions,
  bitSize: number | undefined,
): string {
  const bits = littleEndian(bytes);
  const width = bitSize ?? type.byteSize * 8;
  const base = options.base ?? (options.hex === true ? 'hexadecimal' : undefined);
  if (type.encoding === 'float' || type.encoding === 'complexFloat') {
    if (options.base === undefined || options.base === 'float')
      return formatFloatBytes(type, bytes);
    return formatInteger(bits, width, false, options.base, context);
  }
  if (base === 'float') {
    return [2, 4, 8, 16].includes(bytes.length)
      ? formatFloat(decodeFloat(bytes), bytes.length)
      : bits.toString();
  }
  if (base !== undefined && base !== 'string') {
    return formatInteger(bits, width, isSigned(type), base, context);
  }
  const value = isSigned(type) ? BigInt.asIntN(type.byteSize * 8, bits) : bits;
  if (type.encoding === 'boolean')
    return bits === 0n ? 'false' : bits === 1n ? 'true' : bits.toString();
  if (isCharacter(type)) return `${value} ${glyph(Number(bits & 0xffn))}`;
  return value.toString();
}

function glyph(byte: number): string {
  if (byte === 39) return "'\\''";
  if (byte === 34) return `'"'`;
  const text =
    ESCAPED.get(byte) ?? (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : octal(byte));
  return `'${text}'`;
}

function formatInteger(
  bits: bigint,
  width: number,
  signed: boolean,
  base: NonNullable<FormatSuffix['base']>,
  context?: ExpressionContext,
): string {
  const unsigned = BigInt.asUintN(width, bits);
  switch (base) {
    case 'hexadecimal':
      return `0x${unsigned.toString(16)}`;
    case 'decimal':
      return BigInt.asIntN(width, bits).toString();
    case 'unsigned':
      return unsigned.toString();
    case 'octal':
      return unsigned === 0n ? '0' : `0${unsigned.toString(8)}`;
    case 'binary':
      return `0b${unsigned.toString(2)}`;
    case 'character': {
      const value = signed ? BigInt.asIntN(width, bits) : unsigned;
      return `${value} ${glyph(Number(unsigned & 0xffn))}`;
    }
    case 'address':
      return context === undefined
        ? `0x${unsigned.toString(16)}`
        : describedAddress(unsigned, context);
    case 'string':
    case 'float':
      return unsigned.toString();
  }
}

function formatFloatBytes({ encoding, byteSize }: BaseType, bytes: Uint8Array): string {
  try {
    if (encoding === 'float') return formatFloat(decodeFloat(bytes), byteSize);
    const half = byteSize / 2;
    const real = formatFloat(decodeFloat(bytes.subarray(0, half)), half);
    return `${real} + ${formatFloat(decodeFloat(bytes.subarray(half)), half)}i`;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return `<${error.message}>`;
  }
}

/** The shortest digits that read back as the same value of that size. */
export function formatFloat(value: number, byteSize: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0';
  if (byteSize === 4) {
    for (let digits = 1; digits < 9; digits++) {
      const text = value.toPrecision(digits);
      if (Math.fround(Number(text)) === value) return String(Number(text));
    }
    return String(Number(value.toPrecision(9)));
  }
  return String(value);
}

function formatRecord(
  value: Value,
  type: RecordType,
  context: ExpressionContext,
  options: FormatOptions,
  depth: number,
): string {
  const complete = stripTypedefs(context.completeType(type));
  const record = complete.kind === 'record' ? complete : type;
  if (record.isDeclaration) return '<incomplete type>';
  const { storage } = value;
  if (storage.kind === 'location' && storage.location.kind === 'optimizedOut') {
    return unavailable(value, storage.location.reason);
  }
  if (depth >= MAX_DEPTH) return '{…}';
  const limit = options.maxItems ?? DEFAULT_ITEMS;
  const items = record.members.slice(0, limit).map((member) => {
    const text = format(memberOf(value, member), context, options, depth + 1);
    return member.name === undefined ? text : `${member.name} = ${text}`;
  });
  if (record.members.length > limit) items.push('…');
  return `{${items.join(', ')}}`;
}

function formatArray(
  value: Value,
  type: ArrayType,
  context: ExpressionContext,
  options: FormatOptions,
  depth: number,
): string {
  const { count } = type;
  const { storage } = value;
  if (storage.kind === 'location' && storage.location.kind === 'optimizedOut') {
    return unavailable(value, storage.location.reason);
  }
  const address = addressOf(value);
  if (count === undefined)
    return address === undefined ? '{…}' : describedAddress(address, context);
  const element = stripTypedefs(type.element);
  if (element.kind === 'base' && isCharacter(element) && options.base === undefined) {
    const text = formatCharacters(value, type, context, options.maxString ?? DEFAULT_STRING);
    if (text !== undefined) return text;
  }
  if (depth >= MAX_DEPTH) return '{…}';
  const limit = options.maxItems ?? DEFAULT_ITEMS;
  const size = sizeOf(type.element) ?? 0;
  const items: string[] = [];
  for (let i = 0; i < Math.min(count, limit); i++) {
    items.push(format(part(value, type.element, i * size), context, options, depth + 1));
  }
  if (count > limit) items.push('…');
  return `{${items.join(', ')}}`;
}

/** An array of characters as a string, without the NULs that fill its end. */
function formatCharacters(
  value: Value,
  type: ArrayType,
  context: ExpressionContext,
  limit: number,
): string | undefined {
  const shown = Math.min(type.count ?? 0, limit);
  const bytes = readValue(
    { ...value, type: { ...type, count: shown, element: type.element } },
    context,
  );
  if (!(bytes instanceof Uint8Array)) return undefined;
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  const isCut = shown < (type.count ?? 0) && end === bytes.length;
  return `${quoted([...bytes.subarray(0, end)])}${isCut ? '…' : ''}`;
}
