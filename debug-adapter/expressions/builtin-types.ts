/** C types that need no DWARF, in AArch64's LP64 data model (AAPCS64). */
import { canonicalTypeName, type BaseEncoding, type BaseType } from '../symbols/types.ts';

function base(name: string, byteSize: number, encoding: BaseEncoding): BaseType {
  return { kind: 'base', name, byteSize, encoding };
}

export const BOOL = base('_Bool', 1, 'boolean');
/** Plain char is unsigned in AAPCS64. */
export const CHAR = base('char', 1, 'unsignedChar');
export const INT = base('int', 4, 'signed');
export const UNSIGNED_INT = base('unsigned int', 4, 'unsigned');
export const LONG = base('long', 8, 'signed');
export const UNSIGNED_LONG = base('unsigned long', 8, 'unsigned');
export const INT128 = base('__int128', 16, 'signed');
export const UNSIGNED_INT128 = base('unsigned __int128', 16, 'unsigned');
export const FLOAT = base('float', 4, 'float');
export const DOUBLE = base('double', 8, 'float');
export const HALF = base('__fp16', 2, 'float');

const BUILTIN = new Map<string, BaseType>([
  ['_Bool', BOOL],
  ['bool', base('bool', 1, 'boolean')],
  ['char', CHAR],
  ['signed char', base('signed char', 1, 'signedChar')],
  ['unsigned char', base('unsigned char', 1, 'unsignedChar')],
  ['short', base('short', 2, 'signed')],
  ['unsigned short', base('unsigned short', 2, 'unsigned')],
  ['int', INT],
  ['unsigned int', UNSIGNED_INT],
  ['long', LONG],
  ['unsigned long', UNSIGNED_LONG],
  ['long long', base('long long', 8, 'signed')],
  ['unsigned long long', base('unsigned long long', 8, 'unsigned')],
  ['__int128', INT128],
  ['float', FLOAT],
  ['double', DOUBLE],
  ['int8_t', base('int8_t', 1, 'signed')],
  ['uint8_t', base('uint8_t', 1, 'unsigned')],
  ['int16_t', base('int16_t', 2, 'signed')],
  ['uint16_t', base('uint16_t', 2, 'unsigned')],
  ['int32_t', base('int32_t', 4, 'signed')],
  ['uint32_t', base('uint32_t', 4, 'unsigned')],
  ['int64_t', base('int64_t', 8, 'signed')],
  ['uint64_t', base('uint64_t', 8, 'unsigned')],
  ['size_t', base('size_t', 8, 'unsigned')],
  ['ssize_t', base('ssize_t', 8, 'signed')],
  ['uintptr_t', base('uintptr_t', 8, 'unsigned')],
  ['intptr_t', base('intptr_t', 8, 'signed')],
  ['ptrdiff_t', base('ptrdiff_t', 8, 'signed')],
]);

const TYPE_WORDS = new Set([
  ...['void', 'char', 'short', 'int', 'long', 'float', 'double', 'signed', 'unsigned', '_Bool'],
  ...['struct', 'union', 'enum', 'class', 'const', 'volatile', 'restrict', '_Atomic'],
]);

/** A keyword that can only stand in a type. */
export function isTypeWord(word: string): boolean {
  return TYPE_WORDS.has(word);
}

export function isBuiltinTypeName(name: string): boolean {
  return BUILTIN.has(name);
}

export function builtinType(name: string): BaseType | undefined {
  return BUILTIN.get(canonicalTypeName(name));
}
