/** DWARF 5, 2.5.1: the stack of an expression and its arithmetic, on the generic and on base types. */
import type { ByteReader, ByteSource } from '../byte-reader.ts';
import { SymbolError } from '../symbol-error.ts';
import { DW_OP } from './constants.ts';

/** A base type as the stack sees it; undefined stands for the generic type, 64 bits without sign. */
export interface StackType {
  readonly encoding: 'signed' | 'unsigned' | 'float';
  readonly byteSize: number;
}

export class ExpressionStack {
  /** Bit patterns, not negative. */
  readonly #values: bigint[] = [];
  readonly #types: (StackType | undefined)[] = [];

  get isEmpty(): boolean {
    return this.#values.length === 0;
  }

  push(value: bigint, type?: StackType): void {
    this.#values.push(BigInt.asUintN(type === undefined ? 64 : type.byteSize * 8, value));
    this.#types.push(type);
  }

  pop(source: ByteSource): bigint {
    return this.popTyped(source).value;
  }

  popTyped(source: ByteSource): { value: bigint; type: StackType | undefined } {
    const value = this.#values.pop();
    const type = this.#types.pop();
    if (value === undefined) {
      throw new SymbolError(
        'malformed-dwarf',
        source.fileName,
        source.section,
        source.bytes.length,
        'expression takes a value from an empty stack',
      );
    }
    return { value, type };
  }

  /** DW_OP_convert: keeps the value. */
  convert(reader: ByteReader, to: StackType | undefined): void {
    const { value, type } = this.popTyped(reader.source);
    const toFloat = to?.encoding === 'float';
    if (type?.encoding === 'float') {
      const number = fromFloatBits(value, type.byteSize, reader);
      if (toFloat) this.push(toFloatBits(number, to.byteSize, reader), to);
      else this.push(Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n, to);
      return;
    }
    const integer = type?.encoding === 'signed' ? signed(value, type) : value;
    this.push(toFloat ? toFloatBits(Number(integer), to.byteSize, reader) : integer, to);
  }

  /** DW_OP_reinterpret: keeps the bits. */
  reinterpret(reader: ByteReader, to: StackType | undefined): void {
    this.push(this.pop(reader.source), to);
  }

  /** Stack manipulation, arithmetic and comparison. False when `op` is none of them. */
  operate(op: number, reader: ByteReader): boolean {
    switch (op) {
      case DW_OP.dup:
        this.#copy(reader, 0);
        return true;
      case DW_OP.drop:
        this.pop(reader.source);
        return true;
      case DW_OP.over:
        this.#copy(reader, 1);
        return true;
      case DW_OP.pick:
        this.#copy(reader, reader.u8());
        return true;
      case DW_OP.swap:
        this.#rotate(reader, 2);
        return true;
      case DW_OP.rot:
        this.#rotate(reader, 3);
        return true;
      case DW_OP.plus_uconst: {
        const { value, type } = this.popTyped(reader.source);
        this.push(value + reader.ulebBig(), type);
        return true;
      }
      case DW_OP.abs:
      case DW_OP.neg:
      case DW_OP.not:
        this.#unary(op, reader);
        return true;
      case DW_OP.and:
      case DW_OP.div:
      case DW_OP.minus:
      case DW_OP.mod:
      case DW_OP.mul:
      case DW_OP.or:
      case DW_OP.plus:
      case DW_OP.shl:
      case DW_OP.shr:
      case DW_OP.shra:
      case DW_OP.xor:
      case DW_OP.eq:
      case DW_OP.ge:
      case DW_OP.gt:
      case DW_OP.le:
      case DW_OP.lt:
      case DW_OP.ne:
        this.#binary(op, reader);
        return true;
      default:
        return false;
    }
  }

  #copy(reader: ByteReader, index: number): void {
    const at = this.#values.length - 1 - index;
    const value = this.#values[at];
    if (value === undefined) throw reader.error(`no value ${index} below the top of the stack`);
    this.push(value, this.#types[at]);
  }

  /** Moves the top of the stack below the `count - 1` values under it. */
  #rotate(reader: ByteReader, count: number): void {
    const top = this.popTyped(reader.source);
    const at = this.#values.length - (count - 1);
    if (at < 0) throw reader.error('too few values on the stack');
    this.#values.splice(at, 0, top.value);
    this.#types.splice(at, 0, top.type);
  }

  #unary(op: number, reader: ByteReader): void {
    const { value, type } = this.popTyped(reader.source);
    if (type?.encoding === 'float') {
      const number = fromFloatBits(value, type.byteSize, reader);
      if (op === DW_OP.not) throw reader.error('DW_OP_not of a floating-point value');
      const result = op === DW_OP.neg ? -number : Math.abs(number);
      this.push(toFloatBits(result, type.byteSize, reader), type);
      return;
    }
    const integer = signed(value, type);
    if (op === DW_OP.not) this.push(~value, type);
    else if (op === DW_OP.neg) this.push(-integer, type);
    else this.push(integer < 0n ? -integer : integer, type);
  }

  #binary(op: number, reader: ByteReader): void {
    const right = this.popTyped(reader.source);
    const left = this.popTyped(reader.source);
    const { type } = left;
    if (type?.encoding === 'float') {
      this.#floatBinary(op, left.value, right.value, type, reader);
      return;
    }
    const a = left.value;
    const b = right.value;
    // The generic type has no sign of its own: division and comparison take it as signed.
    const isUnsigned = type?.encoding === 'unsigned';
    const sa = isUnsigned ? a : signed(a, type);
    const sb = isUnsigned ? b : signed(b, type);
    const bits = BigInt((type?.byteSize ?? 8) * 8);
    switch (op) {
      case DW_OP.and:
        this.push(a & b, type);
        return;
      case DW_OP.or:
        this.push(a | b, type);
        return;
      case DW_OP.xor:
        this.push(a ^ b, type);
        return;
      case DW_OP.plus:
        this.push(a + b, type);
        return;
      case DW_OP.minus:
        this.push(a - b, type);
        return;
      case DW_OP.mul:
        this.push(a * b, type);
        return;
      case DW_OP.div:
        if (b === 0n) throw reader.error('division by zero');
        this.push(sa / sb, type);
        return;
      case DW_OP.mod:
        if (b === 0n) throw reader.error('division by zero');
        this.push(type?.encoding === 'signed' ? sa % sb : a % b, type);
        return;
      case DW_OP.shl:
        this.push(b >= bits ? 0n : a << b, type);
        return;
      case DW_OP.shr:
        this.push(b >= bits ? 0n : a >> b, type);
        return;
      case DW_OP.shra: {
        const value = signed(a, type);
        this.push(value >> (b >= bits ? bits - 1n : b), type);
        return;
      }
      default:
        this.#pushComparison(op, sa === sb, sa < sb, sa > sb);
    }
  }

  #floatBinary(op: number, a: bigint, b: bigint, type: StackType, reader: ByteReader): void {
    const x = fromFloatBits(a, type.byteSize, reader);
    const y = fromFloatBits(b, type.byteSize, reader);
    let result: number;
    switch (op) {
      case DW_OP.plus:
        result = x + y;
        break;
      case DW_OP.minus:
        result = x - y;
        break;
      case DW_OP.mul:
        result = x * y;
        break;
      case DW_OP.div:
        result = x / y;
        break;
      case DW_OP.eq:
      case DW_OP.ne:
      case DW_OP.lt:
      case DW_OP.le:
      case DW_OP.gt:
      case DW_OP.ge:
        this.#pushComparison(op, x === y, x < y, x > y);
        return;
      default:
        throw reader.error(`DW_OP 0x${op.toString(16)} of floating-point values`);
    }
    this.push(toFloatBits(result, type.byteSize, reader), type);
  }

  /** All three are false for NaN. */
  #pushComparison(op: number, equal: boolean, less: boolean, greater: boolean): void {
    const holds = {
      [DW_OP.eq]: equal,
      [DW_OP.ne]: !equal,
      [DW_OP.lt]: less,
      [DW_OP.le]: less || equal,
      [DW_OP.gt]: greater,
      [DW_OP.ge]: greater || equal,
    }[op];
    this.push(holds === true ? 1n : 0n);
  }
}

function signed(value: bigint, type: StackType | undefined): bigint {
  return BigInt.asIntN((type?.byteSize ?? 8) * 8, value);
}

const scratch = new DataView(new ArrayBuffer(8));

function fromFloatBits(bits: bigint, byteSize: number, reader: ByteReader): number {
  if (byteSize === 4) {
    scratch.setUint32(0, Number(BigInt.asUintN(32, bits)));
    return scratch.getFloat32(0);
  }
  if (byteSize === 8) {
    scratch.setBigUint64(0, bits);
    return scratch.getFloat64(0);
  }
  throw reader.unsupported(`arithmetic on ${byteSize}-byte floating-point values`);
}

function toFloatBits(value: number, byteSize: number, reader: ByteReader): bigint {
  if (byteSize === 4) {
    scratch.setFloat32(0, value);
    return BigInt(scratch.getUint32(0));
  }
  if (byteSize === 8) {
    scratch.setFloat64(0, value);
    return scratch.getBigUint64(0);
  }
  throw reader.unsupported(`arithmetic on ${byteSize}-byte floating-point values`);
}
