/** C types as DWARF describes them. Sizes are bytes and offsets bits where the name says so. */
import type { LocationDescription } from './location.ts';

export type BaseEncoding =
  | 'signed'
  | 'unsigned'
  | 'signedChar'
  | 'unsignedChar'
  | 'boolean'
  | 'float'
  | 'complexFloat'
  | 'utf'
  | 'address';

export interface BaseType {
  readonly kind: 'base';
  readonly name: string;
  readonly byteSize: number;
  readonly encoding: BaseEncoding;
}

export interface PointerType {
  readonly kind: 'pointer';
  readonly form: 'pointer' | 'reference' | 'rvalueReference' | 'member';
  readonly byteSize: number;
  readonly target: Type;
}

export interface Member {
  /** Undefined for an anonymous struct or union, and for a base class. */
  readonly name: string | undefined;
  readonly type: Type;
  /** Offset of the member, or of the byte that holds a bit-field's lowest bit. */
  readonly byteOffset: number;
  /** Of a bit-field: from the start of the record, little-endian. */
  readonly bitOffset: number | undefined;
  readonly bitSize: number | undefined;
  readonly isBaseClass: boolean;
}

export interface RecordType {
  readonly kind: 'record';
  readonly keyword: 'struct' | 'union' | 'class';
  readonly name: string | undefined;
  /** Undefined while only a declaration is known. */
  readonly byteSize: number | undefined;
  readonly isDeclaration: boolean;
  readonly members: readonly Member[];
}

/** A bound that is known only at run time, as of a variable-length array. */
export interface DynamicBound {
  /** 'value': the description computes the bound; 'variable': it says where the bound is stored. */
  readonly kind: 'value' | 'variable';
  readonly location: LocationDescription;
  /** Bytes of the stored bound. */
  readonly byteSize: number;
  /** True when it counts elements, false when it is the highest index. */
  readonly isCount: boolean;
}

/** One dimension; the elements of a further dimension are arrays themselves. */
export interface ArrayType {
  readonly kind: 'array';
  readonly element: Type;
  /** Undefined for `[]` and while a dynamic bound is not evaluated. */
  readonly count: number | undefined;
  readonly lowerBound: number;
  readonly dynamicBound: DynamicBound | undefined;
  /** A vector register's type rather than an array in memory. */
  readonly isVector: boolean;
}

export interface Enumerator {
  readonly name: string;
  readonly value: bigint;
}

export interface EnumType {
  readonly kind: 'enum';
  readonly name: string | undefined;
  readonly byteSize: number;
  readonly isSigned: boolean;
  readonly enumerators: readonly Enumerator[];
}

export interface TypedefType {
  readonly kind: 'typedef';
  readonly name: string;
  readonly target: Type;
}

export interface QualifiedType {
  readonly kind: 'qualified';
  readonly qualifier: 'const' | 'volatile' | 'restrict' | '_Atomic';
  readonly target: Type;
}

export interface FunctionType {
  readonly kind: 'function';
  readonly returnType: Type;
  readonly parameters: readonly Type[];
  readonly isVariadic: boolean;
  readonly isPrototyped: boolean;
}

export interface VoidType {
  readonly kind: 'void';
}

/** A DWARF type that this reader has no model for. */
export interface UnsupportedType {
  readonly kind: 'unsupported';
  /** What it is, for the user: its name or its DW_TAG. */
  readonly description: string;
  readonly byteSize: number | undefined;
}

export type Type =
  | BaseType
  | PointerType
  | RecordType
  | ArrayType
  | EnumType
  | TypedefType
  | QualifiedType
  | FunctionType
  | VoidType
  | UnsupportedType;

export const VOID: VoidType = { kind: 'void' };

/** Longest chain of typedefs, qualifiers, pointers and arrays that is followed. */
const MAX_CHAIN = 64;
/** Deepest nesting of anonymous records that is searched. */
const MAX_NESTING = 16;

/** The type without typedefs and qualifiers. */
export function stripTypedefs(type: Type): Exclude<Type, TypedefType | QualifiedType> {
  let current = type;
  for (let i = 0; i < MAX_CHAIN; i++) {
    if (current.kind !== 'typedef' && current.kind !== 'qualified') return current;
    current = current.target;
  }
  return { kind: 'unsupported', description: 'typedef that refers to itself', byteSize: undefined };
}

/** Bytes of an object of the type; undefined when incomplete or known only at run time. */
export function sizeOf(type: Type): number | undefined {
  let current: Type = type;
  let factor = 1;
  for (let i = 0; i < MAX_CHAIN; i++) {
    switch (current.kind) {
      case 'typedef':
      case 'qualified':
        current = current.target;
        break;
      case 'array':
        if (current.count === undefined) return undefined;
        factor *= current.count;
        current = current.element;
        break;
      case 'base':
      case 'pointer':
      case 'enum':
      case 'record':
      case 'unsupported':
        return current.byteSize === undefined ? undefined : current.byteSize * factor;
      case 'function':
      case 'void':
        return undefined;
    }
  }
  return undefined;
}

/** C spelling: `const char *`, `int (*)[4]`, `struct task *`, `void (*)(int, ...)`. */
export function typeName(type: Type): string {
  return declare(type, '', { left: MAX_NAME_PARTS });
}

/** C declaration of a name: `int (*table)[4]`. */
export function declaration(type: Type, name: string): string {
  return declare(type, name, { left: MAX_NAME_PARTS });
}

/** Malformed types can refer to themselves in many ways at once: this bounds what a name spells out. */
interface Budget {
  left: number;
}

const MAX_NAME_PARTS = 500;

function declare(type: Type, inner: string, budget: Budget): string {
  if (--budget.left < 0) return joined('...', inner);
  switch (type.kind) {
    case 'void':
      return joined('void', inner);
    case 'base':
    case 'typedef':
      return joined(type.name, inner);
    case 'record':
      return joined(`${type.keyword} ${type.name ?? '{...}'}`, inner);
    case 'enum':
      return joined(`enum ${type.name ?? '{...}'}`, inner);
    case 'unsupported':
      return joined(type.description, inner);
    case 'qualified': {
      // A qualifier of a pointer stands behind the star, any other in front.
      if (type.target.kind === 'pointer') {
        return declare(type.target, joined(type.qualifier, inner), budget);
      }
      const text = declare(type.target, inner, budget);
      // Compilers qualify both an array and its elements, which C spells once.
      return text.startsWith(`${type.qualifier} `) ? text : `${type.qualifier} ${text}`;
    }
    case 'pointer': {
      const sign = { pointer: '*', reference: '&', rvalueReference: '&&', member: '::*' }[
        type.form
      ];
      const target = type.target.kind;
      const text = `${sign}${inner}`;
      return declare(
        type.target,
        target === 'array' || target === 'function' ? `(${text})` : text,
        budget,
      );
    }
    case 'array': {
      const count = type.count ?? '';
      return declare(type.element, `${inner}[${count}]`, budget);
    }
    case 'function': {
      const parameters = type.parameters.map((parameter) => declare(parameter, '', budget));
      if (type.isVariadic) parameters.push('...');
      const list = parameters.length > 0 ? parameters.join(', ') : type.isPrototyped ? 'void' : '';
      return declare(type.returnType, `${inner}(${list})`, budget);
    }
  }
}

function joined(base: string, inner: string): string {
  return inner === '' || inner.startsWith('[') ? base + inner : `${base} ${inner}`;
}

export function pointerTo(target: Type): PointerType {
  return { kind: 'pointer', form: 'pointer', byteSize: 8, target };
}

export function arrayOf(element: Type, count: number | undefined): ArrayType {
  return {
    kind: 'array',
    element,
    count,
    lowerBound: 0,
    dynamicBound: undefined,
    isVector: false,
  };
}

/**
 * Finds a member by name, also inside anonymous members and base classes.
 * @returns the member with its offsets counted from the start of `record`
 */
export function findMember(
  record: RecordType,
  name: string,
  outer: readonly RecordType[] = [],
): Member | undefined {
  // Only malformed records are nested in themselves.
  if (outer.includes(record) || outer.length > MAX_NESTING) return undefined;
  for (const member of record.members) if (member.name === name) return member;
  for (const member of record.members) {
    if (member.name !== undefined) continue;
    const inner = stripTypedefs(member.type);
    if (inner.kind !== 'record') continue;
    const found = findMember(inner, name, [...outer, record]);
    if (found === undefined) continue;
    return {
      ...found,
      byteOffset: member.byteOffset + found.byteOffset,
      bitOffset:
        found.bitOffset === undefined ? undefined : member.byteOffset * 8 + found.bitOffset,
    };
  }
  return undefined;
}

const INTEGER_WORDS = new Set(['unsigned', 'signed', 'char', 'short', 'int', 'long']);

/**
 * One spelling for each integer type, however its words are ordered: gcc writes `long unsigned int`
 * where clang writes `unsigned long`. Other names lose repeated blanks, and `class` becomes `struct`.
 */
export function canonicalTypeName(name: string): string {
  const words = name.trim().split(/\s+/);
  if (words[0] === 'class') return ['struct', ...words.slice(1)].join(' ');
  if (!words.every((word) => INTEGER_WORDS.has(word))) return words.join(' ');
  const isUnsigned = words.includes('unsigned');
  if (words.includes('char')) {
    if (isUnsigned) return 'unsigned char';
    return words.includes('signed') ? 'signed char' : 'char';
  }
  const longs = words.filter((word) => word === 'long').length;
  const width = words.includes('short')
    ? 'short'
    : ['int', 'long', 'long long'][Math.min(longs, 2)];
  return `${isUnsigned ? 'unsigned ' : ''}${width ?? 'int'}`;
}
