import { evaluateLocation } from '../symbols/location.ts';
import {
  arrayOf,
  findMember,
  pointerTo,
  sizeOf,
  stripTypedefs,
  typeName,
  VOID,
  type PointerType,
  type Type,
} from '../symbols/types.ts';
import {
  BOOL,
  builtinType,
  CHAR,
  DOUBLE,
  FLOAT,
  INT,
  LONG,
  UNSIGNED_INT,
  UNSIGNED_LONG,
} from './builtin-types.ts';
import type { ExpressionContext } from './context.ts';
import { ExpressionError } from './expression-error.ts';
import {
  arithmetic,
  arithmeticType,
  compare,
  convert,
  decode,
  encode,
  integer,
  isTrue,
  promote,
  type Scalar,
} from './number.ts';
import { registerField, registerValue } from './register-types.ts';
import type { ComparisonOperator, Syntax, TypeSyntax } from './syntax.ts';
import {
  addressOf,
  bytesOf,
  computed,
  integerValue,
  MAX_VALUE_BYTES,
  part,
  stored,
  writeValue,
  type Value,
} from './value.ts';

/** Most elements that `first@count` may have. */
const MAX_SLICE = 1 << 20;

export const LITERAL_TYPES = {
  int: INT,
  'unsigned int': UNSIGNED_INT,
  long: LONG,
  'unsigned long': UNSIGNED_LONG,
  char: CHAR,
} as const;

/** Evaluates a tree against a frame. */
export class Evaluator {
  readonly #context: ExpressionContext;
  readonly #allowAssignment: boolean;

  constructor(context: ExpressionContext, allowAssignment: boolean) {
    this.#context = context;
    this.#allowAssignment = allowAssignment;
  }

  evaluate(node: Syntax): Value {
    switch (node.kind) {
      case 'integer':
        return integerValue(LITERAL_TYPES[node.type], node.value);
      case 'float': {
        const type = node.type === 'float' ? FLOAT : DOUBLE;
        return fromScalar({ kind: 'float', type, value: node.value }, node.position);
      }
      case 'string':
        return computed(arrayOf(CHAR, node.bytes.length + 1), Uint8Array.from([...node.bytes, 0]));
      case 'name':
        return this.#name(node.name, node.qualifier, node.position);
      case 'register':
        return registerValue(this.#register(node.name, node.position));
      case 'unary':
        return this.#unary(node);
      case 'binary':
        return this.#binary(node);
      case 'logical': {
        const left = this.isTrue(node.left);
        const result =
          node.operator === '&&'
            ? left && this.isTrue(node.right)
            : left || this.isTrue(node.right);
        return integerValue(INT, result ? 1n : 0n);
      }
      case 'conditional':
        return this.evaluate(this.isTrue(node.condition) ? node.whenTrue : node.whenFalse);
      case 'member':
        return this.#member(node);
      case 'index':
        return this.#index(node);
      case 'slice':
        return this.#slice(node);
      case 'cast':
        return this.cast(this.evaluate(node.operand), this.type(node.type), node.position);
      case 'sizeofType':
        return this.#sizeof(this.type(node.type), node.position);
      case 'sizeof':
        return this.#sizeof(this.evaluate(node.operand).type, node.position);
      case 'assign':
        return this.#assign(node);
    }
  }

  /** Whether C takes the value for true. */
  isTrue(node: Syntax): boolean {
    const value = this.evaluate(node);
    const pointer = this.#pointerValue(value, node.position);
    return pointer === undefined
      ? isTrue(this.#scalar(value, node.position))
      : pointer.address !== 0n;
  }

  type(syntax: TypeSyntax): Type {
    const { name, position } = syntax;
    let type =
      name === 'void'
        ? VOID
        : (this.#context.findType(name) ?? builtinType(name.replace(/^class /, 'struct ')));
    if (type === undefined) throw new ExpressionError(`No type "${name}" is known here.`, position);
    for (let i = 0; i < syntax.pointers; i++) type = pointerTo(type);
    for (const count of [...syntax.dimensions].reverse()) type = arrayOf(type, count);
    return type;
  }

  /** The value as a cast or an assignment to `type` makes it. */
  cast(value: Value, type: Type, position: number): Value {
    const target = stripTypedefs(type);
    if (target.kind === 'void') return computed(VOID, new Uint8Array(0));
    if (target.kind === 'record' || target.kind === 'array')
      return this.#reinterpret(value, type, position);
    if (target.kind === 'pointer') {
      const pointer = this.#pointerValue(value, position);
      const bits = pointer?.address ?? this.#integerBits(value, position);
      return computed(type, encode(integer(UNSIGNED_LONG, bits), position));
    }
    const to = arithmeticType(type);
    if (to === undefined) {
      throw new ExpressionError(`A value cannot be converted to "${typeName(type)}".`, position);
    }
    const pointer = this.#pointerValue(value, position);
    const scalar =
      pointer === undefined
        ? this.#scalar(value, position)
        : integer(UNSIGNED_LONG, pointer.address);
    return computed(type, encode(convert(scalar, to), position));
  }

  /** gdb allows casts between objects of one size: the bytes are read as the other type. */
  #reinterpret(value: Value, type: Type, position: number): Value {
    const size = sizeOf(type);
    const from = sizeOf(value.type);
    if (
      addressOf(value) === undefined &&
      (size === undefined || from === undefined || size > from)
    ) {
      throw new ExpressionError(
        `"${typeName(value.type)}" cannot be read as "${typeName(type)}".`,
        position,
      );
    }
    return { type, storage: value.storage, bitField: undefined };
  }

  #name(name: string, qualifier: string | undefined, position: number): Value {
    const variable = this.#context.findVariable(name, qualifier);
    if (variable !== undefined) return stored(variable.type, variable.locate());
    if (qualifier === undefined) {
      if (name === 'true' || name === 'false') return integerValue(BOOL, name === 'true' ? 1n : 0n);
      const enumerator = this.#context.findEnumerator(name);
      if (enumerator !== undefined) {
        const { type, value } = enumerator;
        return computed(
          type,
          encode(integer(arithmeticType(type) ?? INT, value), position).subarray(0, type.byteSize),
        );
      }
      if (name === 'NULL' || name === 'nullptr')
        return computed(pointerTo(VOID), new Uint8Array(8));
    }
    const full = qualifier === undefined ? name : `${qualifier}::${name}`;
    const found = this.#context.findFunction(full);
    if (found !== undefined) return stored(found.type, { kind: 'memory', address: found.address });
    // A system register may be written without its sign.
    const register = qualifier === undefined ? this.#context.register(name) : undefined;
    if (register !== undefined) return registerValue(register);
    throw new ExpressionError(`"${full}" is not known here.`, position);
  }

  #register(name: string, position: number): ReturnType<ExpressionContext['register']> & object {
    const handle = this.#context.register(name);
    if (handle !== undefined) return handle;
    const sign = name.startsWith('@') ? '' : '$';
    throw new ExpressionError(`There is no register "${sign}${name}".`, position);
  }

  #unary(node: Syntax & { kind: 'unary' }): Value {
    const { operator, position } = node;
    if (operator === '!') return integerValue(INT, this.isTrue(node.operand) ? 0n : 1n);
    const operand = this.evaluate(node.operand);
    if (operator === '*') return this.dereference(operand, position);
    if (operator === '&') {
      const address = addressOf(operand);
      if (address === undefined) {
        const where =
          operand.bitField === undefined ? 'It is not in memory' : 'A bit-field has no address';
        throw new ExpressionError(`The address cannot be taken. ${where}.`, position);
      }
      return pointerValue(pointerTo(operand.type), address);
    }
    const scalar = promote(this.#scalar(operand, position));
    if (operator === '+') return fromScalar(scalar, position);
    if (scalar.kind === 'float') {
      if (operator === '~') throw new ExpressionError('"~" needs an integer.', position);
      return fromScalar({ ...scalar, value: -scalar.value }, position);
    }
    return fromScalar(
      integer(scalar.type, operator === '-' ? -scalar.value : ~scalar.value),
      position,
    );
  }

  /** The object that a pointer points to. */
  dereference(operand: Value, position: number): Value {
    const { storage } = operand;
    if (storage.kind === 'location' && storage.location.kind === 'implicitPointer') {
      const { target, offset } = storage.location;
      const pointer = stripTypedefs(operand.type);
      if (target === undefined || pointer.kind !== 'pointer') {
        throw new ExpressionError('What the pointer points to was optimized out.', position);
      }
      const object = stored(target.type, evaluateLocation(target.location, this.#context.frame));
      return part(object, this.#context.completeType(pointer.target), Number(offset));
    }
    const pointer = this.#pointerValue(operand, position);
    if (pointer === undefined) {
      throw new ExpressionError(`"${typeName(operand.type)}" is no pointer.`, position);
    }
    const target = stripTypedefs(pointer.type.target);
    if (target.kind === 'void') {
      throw new ExpressionError(
        'A "void *" points to nothing with a type; cast it first.',
        position,
      );
    }
    const type = this.#context.completeType(pointer.type.target);
    return stored(type, { kind: 'memory', address: pointer.address });
  }

  #binary(node: Syntax & { kind: 'binary' }): Value {
    const { operator, position } = node;
    const left = this.evaluate(node.left);
    const right = this.evaluate(node.right);
    const leftPointer = this.#pointerValue(left, node.left.position);
    const rightPointer = this.#pointerValue(right, node.right.position);
    if (leftPointer === undefined && rightPointer === undefined) {
      const a = this.#scalar(left, node.left.position);
      const b = this.#scalar(right, node.right.position);
      if (isComparison(operator)) return integerValue(INT, compare(operator, a, b) ? 1n : 0n);
      return fromScalar(arithmetic(operator, a, b, position), position);
    }
    if (isComparison(operator)) {
      const a = integer(
        UNSIGNED_LONG,
        leftPointer?.address ?? this.#integerBits(left, node.left.position),
      );
      const b = integer(
        UNSIGNED_LONG,
        rightPointer?.address ?? this.#integerBits(right, node.right.position),
      );
      return integerValue(INT, compare(operator, a, b) ? 1n : 0n);
    }
    if (operator === '-' && leftPointer !== undefined && rightPointer !== undefined) {
      const size = BigInt(this.#elementSize(leftPointer.type, position));
      const bytes = BigInt.asIntN(64, leftPointer.address - rightPointer.address);
      return integerValue(LONG, bytes / size);
    }
    const pointer = leftPointer ?? rightPointer;
    const isSum = operator === '+' && (leftPointer === undefined || rightPointer === undefined);
    if (pointer === undefined || !(isSum || (operator === '-' && leftPointer !== undefined))) {
      throw new ExpressionError(`"${operator}" does not work on pointers.`, position);
    }
    const count = this.#integerBits(leftPointer === undefined ? left : right, position);
    return this.#advance(pointer, operator === '-' ? -count : count, position);
  }

  #advance(
    pointer: { type: PointerType; address: bigint },
    count: bigint,
    position: number,
  ): Value {
    const size = BigInt(this.#elementSize(pointer.type, position));
    return pointerValue(pointer.type, BigInt.asUintN(64, pointer.address + count * size));
  }

  /** gdb counts bytes for `void *` and functions. */
  #elementSize(type: PointerType, position: number): number {
    const target = stripTypedefs(type.target);
    if (target.kind === 'void' || target.kind === 'function') return 1;
    const size = sizeOf(this.#context.completeType(type.target));
    if (size === undefined || size === 0) {
      throw new ExpressionError(`The size of "${typeName(type.target)}" is not known.`, position);
    }
    return size;
  }

  #member(node: Syntax & { kind: 'member' }): Value {
    const { name, position } = node;
    let object = this.evaluate(node.object);
    const { storage } = object;
    if (storage.kind === 'register' && storage.handle.kind !== 'vector') {
      return registerField(storage.handle, name, position);
    }
    // As in gdb, `.` and `->` both reach through a pointer.
    const kind = stripTypedefs(object.type).kind;
    if (kind === 'pointer') object = this.dereference(object, position);
    else if (node.isArrow && kind === 'array') object = this.dereference(object, position);
    return this.member(object, name, position);
  }

  member(object: Value, name: string, position: number): Value {
    const record = stripTypedefs(this.#context.completeType(object.type));
    if (record.kind !== 'record') {
      throw new ExpressionError(`"${typeName(object.type)}" has no members.`, position);
    }
    const member = findMember(record, name);
    if (member === undefined) {
      const why = record.isDeclaration
        ? 'only declared in the debugging information'
        : 'without it';
      throw new ExpressionError(
        `"${typeName(object.type)}" has no member "${name}": it is ${why}.`,
        position,
      );
    }
    return memberOf(object, member);
  }

  #index(node: Syntax & { kind: 'index' }): Value {
    const { position } = node;
    const object = this.evaluate(node.object);
    const index = this.#integerBits(this.evaluate(node.index), node.index.position);
    const array = stripTypedefs(object.type);
    if (array.kind === 'array') {
      const elementSize = sizeOf(array.element);
      if (elementSize === undefined)
        throw new ExpressionError('The size of an element is not known.', position);
      const offset = (index - BigInt(array.lowerBound)) * BigInt(elementSize);
      const address = addressOf(object);
      if (address !== undefined) {
        return stored(array.element, {
          kind: 'memory',
          address: BigInt.asUintN(64, address + offset),
        });
      }
      if (
        array.count !== undefined &&
        (offset < 0n || index - BigInt(array.lowerBound) >= BigInt(array.count))
      ) {
        throw new ExpressionError(`The index ${index} is outside the array.`, node.index.position);
      }
      return part(object, array.element, Number(offset));
    }
    const pointer = this.#pointerValue(object, position);
    if (pointer === undefined) {
      throw new ExpressionError(`"${typeName(object.type)}" cannot be indexed.`, position);
    }
    return this.dereference(this.#advance(pointer, index, position), position);
  }

  #slice(node: Syntax & { kind: 'slice' }): Value {
    const { position } = node;
    const first = this.evaluate(node.first);
    const count = this.#integerBits(this.evaluate(node.count), node.count.position);
    if (count < 1n || count > BigInt(MAX_SLICE)) {
      throw new ExpressionError(
        `An array of ${count} elements cannot be shown (1 to ${MAX_SLICE}).`,
        node.count.position,
      );
    }
    return this.slice(first, Number(count), position);
  }

  /** `count` objects of the type of `first`, from its address on. */
  slice(first: Value, count: number, position: number): Value {
    const address = addressOf(first);
    if (address === undefined) {
      throw new ExpressionError(
        '"@" needs an object in memory on its left, such as *pointer.',
        position,
      );
    }
    const actual = stripTypedefs(first.type);
    const element = actual.kind === 'array' ? actual.element : first.type;
    if ((sizeOf(element) ?? 0) * count > MAX_VALUE_BYTES * 16) {
      throw new ExpressionError('The array is too large to show.', position);
    }
    return stored(arrayOf(element, count), { kind: 'memory', address });
  }

  #sizeof(type: Type, position: number): Value {
    const size = sizeOf(this.#context.completeType(type));
    if (size === undefined)
      throw new ExpressionError(`The size of "${typeName(type)}" is not known.`, position);
    return integerValue(UNSIGNED_LONG, BigInt(size));
  }

  #assign(node: Syntax & { kind: 'assign' }): Value {
    const { position } = node;
    if (!this.#allowAssignment) {
      throw new ExpressionError('An assignment is not allowed here.', position);
    }
    const target = this.evaluate(node.target);
    const value = this.evaluate(node.value);
    writeValue(target, this.bytesFor(target.type, value, position), this.#context, position);
    return target;
  }

  /** The bytes that storing `value` into an object of `type` puts there. */
  bytesFor(type: Type, value: Value, position: number): Uint8Array {
    const target = stripTypedefs(type);
    const size = sizeOf(type);
    if (target.kind === 'record' || target.kind === 'array') {
      const bytes = bytesOf(value, this.#context, position);
      const isText = target.kind === 'array' && stripTypedefs(value.type).kind === 'array';
      if (size !== undefined && isText && bytes.length <= size) {
        const padded = new Uint8Array(size);
        padded.set(bytes);
        return padded;
      }
      if (bytes.length !== size) {
        throw new ExpressionError(
          `"${typeName(value.type)}" cannot be stored in "${typeName(type)}".`,
          position,
        );
      }
      return bytes;
    }
    return bytesOf(this.cast(value, type, position), this.#context, position);
  }

  #integerBits(value: Value, position: number): bigint {
    const scalar = this.#scalar(value, position);
    if (scalar.kind === 'float') throw new ExpressionError('An integer is needed here.', position);
    return scalar.value;
  }

  #scalar(value: Value, position: number): Scalar {
    const type = arithmeticType(value.type);
    if (type === undefined) {
      throw new ExpressionError(`"${typeName(value.type)}" is no number.`, position);
    }
    const scalar = decode(type, bytesOf({ ...value }, this.#context, position), position);
    // C11 6.3.1.1: a narrow bit-field becomes int even when it is unsigned.
    const bits = value.bitField?.bitSize;
    if (scalar.kind === 'integer' && bits !== undefined && bits < 32)
      return { ...scalar, type: INT };
    return scalar;
  }

  /** Pointers, and what becomes one: arrays and functions. Undefined for anything else. */
  #pointerValue(
    value: Value,
    position: number,
  ): { readonly type: PointerType; readonly address: bigint } | undefined {
    const actual = stripTypedefs(value.type);
    switch (actual.kind) {
      case 'pointer': {
        const { value: address } = decode(
          UNSIGNED_LONG,
          bytesOf(value, this.#context, position),
          position,
        );
        return { type: actual, address: BigInt(address) };
      }
      case 'array':
      case 'function': {
        const address = addressOf(value);
        if (address === undefined) {
          throw new ExpressionError('The array is not in memory, so it has no address.', position);
        }
        return { type: pointerTo(actual.kind === 'array' ? actual.element : value.type), address };
      }
      default:
        return undefined;
    }
  }
}

export function memberOf(object: Value, member: NonNullable<ReturnType<typeof findMember>>): Value {
  const { type, byteOffset, bitOffset, bitSize } = member;
  if (bitOffset === undefined || bitSize === undefined) return part(object, type, byteOffset);
  const start = Math.floor(bitOffset / 8);
  return part(object, type, start, { bitOffset: bitOffset - start * 8, bitSize });
}

export function isComparison(operator: string): operator is ComparisonOperator {
  return /^(==|!=|<|<=|>|>=)$/.test(operator);
}

function fromScalar(scalar: Scalar, position: number): Value {
  return computed(scalar.type, encode(scalar, position));
}

function pointerValue(type: PointerType, address: bigint): Value {
  return computed(type, encode(integer(UNSIGNED_LONG, address), 0));
}
