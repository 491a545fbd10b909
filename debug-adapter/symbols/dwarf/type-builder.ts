/** DWARF 5, chapter 5, "Type Entries". */
import type { LocationDescription } from '../location.ts';
import {
  VOID,
  type ArrayType,
  type BaseEncoding,
  type DynamicBound,
  type EnumType,
  type Member,
  type QualifiedType,
  type RecordType,
  type Type,
} from '../types.ts';
import { DW_AT, DW_ATE, DW_TAG } from './constants.ts';
import type { Die } from './unit.ts';

/** Most elements of an array; more is a malformed bound. */
const MAX_COUNT = 0x1f_ffff_ffff_ffff;
const MAX_DIMENSIONS = 32;

const ENCODINGS = new Map<number, BaseEncoding>([
  [DW_ATE.address, 'address'],
  [DW_ATE.boolean, 'boolean'],
  [DW_ATE.complex_float, 'complexFloat'],
  [DW_ATE.float, 'float'],
  [DW_ATE.signed, 'signed'],
  [DW_ATE.signed_char, 'signedChar'],
  [DW_ATE.unsigned, 'unsigned'],
  [DW_ATE.unsigned_char, 'unsignedChar'],
  [DW_ATE.UTF, 'utf'],
]);

/** Turns type entries into types, once each. What a type refers to is built when it is asked for. */
export class TypeBuilder {
  readonly #types = new Map<string, Type>();
  readonly #describeLocation: (die: Die, attribute: number) => LocationDescription;

  constructor(describeLocation: (die: Die, attribute: number) => LocationDescription) {
    this.#describeLocation = describeLocation;
  }

  /** The type that DW_AT_type of the entry, or of its origin, names; void when there is none. */
  typeOf(die: Die): Type {
    const target = die.holder(DW_AT.type)?.reference(DW_AT.type);
    return target === undefined ? VOID : this.build(target);
  }

  build(die: Die): Type {
    const key = `${die.unit.header.section}:${die.offset}`;
    let type = this.#types.get(key);
    if (type === undefined) {
      type = this.#create(die);
      this.#types.set(key, type);
    }
    return type;
  }

  #create(die: Die): Type {
    switch (die.tag) {
      case DW_TAG.base_type: {
        const encoding = ENCODINGS.get(die.number(DW_AT.encoding) ?? 0);
        const name = die.name ?? 'unnamed base type';
        const byteSize = byteSizeOf(die) ?? Math.ceil((die.number(DW_AT.bit_size) ?? 0) / 8);
        if (encoding === undefined) return { kind: 'unsupported', description: name, byteSize };
        return { kind: 'base', name, byteSize, encoding };
      }
      case DW_TAG.unspecified_type:
        return {
          kind: 'unsupported',
          description: die.name ?? 'unspecified type',
          byteSize: undefined,
        };
      case DW_TAG.pointer_type:
        return this.#pointer(die, 'pointer');
      case DW_TAG.reference_type:
        return this.#pointer(die, 'reference');
      case DW_TAG.rvalue_reference_type:
        return this.#pointer(die, 'rvalueReference');
      case DW_TAG.ptr_to_member_type:
        return this.#pointer(die, 'member');
      case DW_TAG.structure_type:
        return this.#record(die, 'struct');
      case DW_TAG.class_type:
        return this.#record(die, 'class');
      case DW_TAG.union_type:
        return this.#record(die, 'union');
      case DW_TAG.enumeration_type:
        return this.#enumeration(die);
      case DW_TAG.array_type:
        return this.#array(die);
      case DW_TAG.typedef:
        return this.#lazyTarget(die, { kind: 'typedef', name: qualifiedName(die) ?? 'typedef' });
      case DW_TAG.const_type:
      case DW_TAG.immutable_type:
        return this.#qualified(die, 'const');
      case DW_TAG.volatile_type:
        return this.#qualified(die, 'volatile');
      case DW_TAG.restrict_type:
        return this.#qualified(die, 'restrict');
      case DW_TAG.atomic_type:
        return this.#qualified(die, '_Atomic');
      case DW_TAG.subroutine_type:
      case DW_TAG.subprogram:
        return this.#function(die);
      default: {
        const description = die.name ?? `DW_TAG 0x${die.tag.toString(16)}`;
        return { kind: 'unsupported', description, byteSize: byteSizeOf(die) };
      }
    }
  }

  #pointer(die: Die, form: 'pointer' | 'reference' | 'rvalueReference' | 'member'): Type {
    return this.#lazyTarget(die, { kind: 'pointer', form, byteSize: byteSizeOf(die) ?? 8 });
  }

  #qualified(die: Die, qualifier: QualifiedType['qualifier']): Type {
    return this.#lazyTarget(die, { kind: 'qualified', qualifier });
  }

  #lazyTarget<T extends object>(die: Die, fields: T): T & { readonly target: Type } {
    const typeOf = lazily(() => this.typeOf(die));
    return Object.defineProperty(fields, 'target', { get: typeOf, enumerable: true }) as T & {
      readonly target: Type;
    };
  }

  #record(die: Die, keyword: RecordType['keyword']): RecordType {
    const members = lazily(() => this.#members(die));
    return {
      kind: 'record',
      keyword,
      name: qualifiedName(die),
      byteSize: byteSizeOf(die),
      isDeclaration: die.flag(DW_AT.declaration),
      get members(): readonly Member[] {
        return members();
      },
    };
  }

  #members(die: Die): Member[] {
    const members: Member[] = [];
    for (const child of die.children()) {
      const isBaseClass = child.tag === DW_TAG.inheritance;
      if (child.tag !== DW_TAG.member && !isBaseClass) continue;
      // C++ static members are declared among the members but are variables.
      if (child.flag(DW_AT.external) || child.flag(DW_AT.declaration)) continue;
      members.push(this.#member(child, isBaseClass));
    }
    return members;
  }

  #member(die: Die, isBaseClass: boolean): Member {
    const type = lazily(() => this.typeOf(die));
    const location = die.number(DW_AT.data_member_location) ?? 0;
    const bitSize = die.number(DW_AT.bit_size);
    let bitOffset: number | undefined;
    if (bitSize !== undefined) {
      const dataBitOffset = die.number(DW_AT.data_bit_offset);
      if (dataBitOffset !== undefined) bitOffset = location * 8 + dataBitOffset;
      else {
        // DWARF 2 and 3 count from the most significant bit of the storage unit.
        const storage = byteSizeOf(die) ?? storageSize(die) ?? 0;
        const fromTop = die.number(DW_AT.bit_offset) ?? storage * 8 - bitSize;
        bitOffset = location * 8 + storage * 8 - fromTop - bitSize;
      }
    }
    return {
      name: isBaseClass ? undefined : die.name,
      get type(): Type {
        return type();
      },
      byteOffset: bitOffset === undefined ? location : Math.floor(bitOffset / 8),
      bitOffset,
      bitSize,
      isBaseClass,
    };
  }

  #enumeration(die: Die): EnumType {
    const enumerators: { name: string; value: bigint }[] = [];
    const byteSize = byteSizeOf(die) ?? storageSize(die) ?? 4;
    const underlying = die.reference(DW_AT.type)?.number(DW_AT.encoding);
    let isSigned = underlying === DW_ATE.signed || underlying === DW_ATE.signed_char;
    for (const child of die.children()) {
      if (child.tag !== DW_TAG.enumerator) continue;
      const raw = child.raw(DW_AT.const_value);
      if (raw?.class !== 'constant') continue;
      if (underlying === undefined && raw.signed && raw.value < 0n) isSigned = true;
      enumerators.push({ name: child.name ?? '', value: raw.value });
    }
    const width = Math.min(byteSize, 8) * 8;
    return {
      kind: 'enum',
      name: qualifiedName(die),
      byteSize,
      isSigned,
      enumerators: enumerators.map(({ name, value }) => ({
        name,
        value: isSigned ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value),
      })),
    };
  }

  /** A DWARF array lists its dimensions; ours nest, outermost first. */
  #array(die: Die): Type {
    const isVector = die.flag(DW_AT.GNU_vector);
    const dimensions: Pick<ArrayType, 'count' | 'lowerBound' | 'dynamicBound'>[] = [];
    for (const child of die.children()) {
      if (child.tag !== DW_TAG.subrange_type && child.tag !== DW_TAG.enumeration_type) continue;
      if (dimensions.length < MAX_DIMENSIONS) dimensions.push(this.#dimension(child));
    }
    if (dimensions.length === 0) {
      dimensions.push({ count: undefined, lowerBound: 0, dynamicBound: undefined });
    }
    const elementType = lazily(() => this.typeOf(die));
    let type: ArrayType | undefined;
    for (const dimension of dimensions.reverse()) {
      const inner = type;
      type = {
        kind: 'array',
        ...dimension,
        isVector,
        get element(): Type {
          return inner ?? elementType();
        },
      };
    }
    return type ?? VOID;
  }

  #dimension(die: Die): Pick<ArrayType, 'count' | 'lowerBound' | 'dynamicBound'> {
    const lowerBound = die.number(DW_AT.lower_bound) ?? 0;
    const attribute = die.has(DW_AT.count) ? DW_AT.count : DW_AT.upper_bound;
    const isCount = attribute === DW_AT.count;
    const raw = die.raw(attribute);
    if (raw?.class === 'constant') {
      const bound = BigInt.asIntN(64, raw.value);
      const count = isCount ? bound : bound - BigInt(lowerBound) + 1n;
      // An upper bound of all ones in the index type's width is how compilers write `[0]`.
      const isZeroLength = !isCount && !raw.signed && raw.bits === 32 && raw.value === 0xffff_ffffn;
      if (isZeroLength || count < 0n) return { count: 0, lowerBound, dynamicBound: undefined };
      return {
        count: count > BigInt(MAX_COUNT) ? undefined : Number(count),
        lowerBound,
        dynamicBound: undefined,
      };
    }
    return {
      count: undefined,
      lowerBound,
      dynamicBound: this.#dynamicBound(die, attribute, isCount),
    };
  }

  #dynamicBound(die: Die, attribute: number, isCount: boolean): DynamicBound | undefined {
    const raw = die.raw(attribute);
    if (raw === undefined) return undefined;
    const variable = die.reference(attribute);
    if (variable !== undefined) {
      const location = this.#describeLocation(variable, DW_AT.location);
      return { kind: 'variable', location, byteSize: storageSize(variable) ?? 8, isCount };
    }
    const location = this.#describeLocation(die, attribute);
    return { kind: 'value', location, byteSize: 8, isCount };
  }

  #function(die: Die): Type {
    const parts = lazily(() => {
      const parameters: Type[] = [];
      let isVariadic = false;
      for (const child of die.children()) {
        if (child.tag === DW_TAG.formal_parameter) parameters.push(this.typeOf(child));
        else if (child.tag === DW_TAG.unspecified_parameters) isVariadic = true;
      }
      return { parameters, isVariadic, returnType: this.typeOf(die) };
    });
    return {
      kind: 'function',
      isPrototyped: die.holder(DW_AT.prototyped)?.flag(DW_AT.prototyped) === true,
      get returnType(): Type {
        return parts().returnType;
      },
      get parameters(): readonly Type[] {
        return parts().parameters;
      },
      get isVariadic(): boolean {
        return parts().isVariadic;
      },
    };
  }
}

/** `outer::inner` for entries inside C++ namespaces and classes; the plain name in C. */
export function qualifiedName(die: Die): string | undefined {
  const { name } = die;
  if (name === undefined) return undefined;
  const parts = [name];
  const declared = die.abstract;
  let scope = declared.parent;
  for (let i = 0; scope !== undefined && i < 64; i++, scope = scope.parent) {
    const isScope =
      scope.tag === DW_TAG.namespace ||
      scope.tag === DW_TAG.class_type ||
      (scope.tag === DW_TAG.structure_type && isCPlusPlus(scope));
    if (isScope) parts.push(scope.name ?? '(anonymous namespace)');
    else if (scope.tag === DW_TAG.subprogram) break;
  }
  return parts.reverse().join('::');
}

/** In C a struct declared inside another one has no qualified name. */
function isCPlusPlus(die: Die): boolean {
  const language = die.unit.root.number(DW_AT.language) ?? 0;
  return [0x04, 0x1a, 0x21, 0x2b, 0x1c].includes(language);
}

function byteSizeOf(die: Die): number | undefined {
  const size = die.number(DW_AT.byte_size);
  return size === undefined || size < 0 ? undefined : size;
}

/** Bytes of the type that an entry has, looking through typedefs and qualifiers. */
function storageSize(die: Die): number | undefined {
  let current = die.holder(DW_AT.type)?.reference(DW_AT.type);
  for (let i = 0; current !== undefined && i < 64; i++) {
    const size = byteSizeOf(current);
    if (size !== undefined) return size;
    current = current.reference(DW_AT.type);
  }
  return undefined;
}

function lazily<T>(compute: () => T): () => T {
  let result: { readonly value: T } | undefined;
  return () => (result ??= { value: compute() }).value;
}
