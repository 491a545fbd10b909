/** DWARF 5, 2.5 and 2.6: DWARF expressions and location descriptions. */
import { ByteReader, type ByteSource } from './byte-reader.ts';
import { DW_OP } from './dwarf/constants.ts';
import { ExpressionStack, type StackType } from './dwarf/expression-stack.ts';
import type { LocationListEntry } from './dwarf/lists.ts';
import type { Type } from './types.ts';

/** What an expression may refer to in the unit that holds it. */
export interface ExpressionScope {
  readonly fileName: string;
  /** Offset of the unit in .debug_info. */
  readonly unitOffset: number;
  /** Entry of .debug_addr. */
  indexedAddress(index: number): bigint;
  /** DW_TAG_base_type at an offset from the unit's start. */
  baseType(offset: number): StackType | undefined;
  /** DW_AT_location of the entry that DW_OP_call2, call4 or call_ref names, when it is one expression. */
  procedure(offset: number, form: 'unit' | 'section'): Uint8Array | undefined;
  /** The object that DW_OP_implicit_pointer stands for, by its offset in .debug_info. */
  object(
    offset: number,
  ): { readonly location: LocationDescription; readonly type: Type } | undefined;
}

/** Where a variable is, before a pc and registers are known. */
export type LocationDescription =
  | {
      readonly kind: 'expression';
      readonly expression: ByteSource;
      readonly scope: ExpressionScope;
      readonly frameBase: LocationDescription | undefined;
    }
  | {
      readonly kind: 'list';
      readonly entries: readonly LocationListEntry[];
      readonly scope: ExpressionScope;
      readonly frameBase: LocationDescription | undefined;
    }
  /** DW_AT_const_value. */
  | { readonly kind: 'constant'; readonly bytes: Uint8Array }
  | { readonly kind: 'none'; readonly reason: string };

/** The stopped frame that a location is evaluated in. */
export interface EvaluationContext {
  /** For a caller's frame: the return address minus 1, so that it lies inside the call. */
  readonly pc: bigint;
  /** DWARF register: X0-X30 are 0-30, SP is 31, V0-V31 are 64-95 (128 bits wide). */
  register(number: number): bigint | undefined;
  /** All bytes or undefined. */
  readMemory(address: bigint, length: number): Uint8Array | undefined;
  /** Canonical frame address, from CFI. */
  cfa(): bigint | undefined;
  /** TPIDR_EL<x> of the thread, for thread-local variables. */
  threadPointer?(): bigint | undefined;
  /** What a register or an argument held when the function was entered, if the caller tells. */
  entryValue?(of: EntryValueOf): bigint | undefined;
}

/** What DW_OP_entry_value and DW_OP_GNU_parameter_ref ask for. */
export type EntryValueOf =
  | { readonly kind: 'register'; readonly register: number }
  /** An argument that is not passed, by the offset of its DW_TAG_formal_parameter in .debug_info. */
  | { readonly kind: 'parameter'; readonly offset: number };

export interface Piece {
  readonly location: Location;
  readonly bitSize: number;
  /** First bit of `location` that belongs to the piece. */
  readonly bitOffset: number;
}

export type Location =
  | { readonly kind: 'memory'; readonly address: bigint }
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'value'; readonly bytes: Uint8Array }
  /** A pointer that does not exist, to an object that may: DW_OP_implicit_pointer. */
  | {
      readonly kind: 'implicitPointer';
      readonly target: { readonly location: LocationDescription; readonly type: Type } | undefined;
      readonly offset: bigint;
    }
  | { readonly kind: 'pieces'; readonly pieces: readonly Piece[] }
  | { readonly kind: 'optimizedOut'; readonly reason: string };

/** Most operations that one evaluation executes; DW_OP_bra can loop. */
const MAX_OPERATIONS = 10_000;
const MAX_CALLS = 16;
const MAX_PIECES = 4096;
const MAX_PIECE_BITS = 1 << 23;

/** Thrown and caught here only: the value cannot be known. */
class Unavailable extends Error {}

/** The description of a single expression. */
export function expressionLocation(
  bytes: Uint8Array,
  scope: ExpressionScope,
  frameBase: LocationDescription | undefined,
): LocationDescription {
  return { kind: 'expression', expression: expressionSource(bytes, scope), scope, frameBase };
}

/**
 * Where the object is now.
 * @throws SymbolError when the expression is malformed
 */
export function evaluateLocation(
  description: LocationDescription,
  context: EvaluationContext,
): Location {
  switch (description.kind) {
    case 'none':
      return { kind: 'optimizedOut', reason: description.reason };
    case 'constant':
      return { kind: 'value', bytes: description.bytes };
    case 'expression':
      return run(description.expression, description.scope, description.frameBase, context, 0);
    case 'list': {
      const { entries, scope, frameBase } = description;
      const { pc } = context;
      const entry =
        entries.find(({ low, high, isDefault }) => !isDefault && low <= pc && pc < high) ??
        entries.find(({ isDefault }) => isDefault);
      if (entry === undefined) {
        return { kind: 'optimizedOut', reason: 'it has no location at this instruction' };
      }
      return run(expressionSource(entry.expression, scope), scope, frameBase, context, 0);
    }
  }
}

/**
 * The value that an expression computes, as for DW_AT_upper_bound, DW_AT_call_value or a CFI rule.
 * @param initial pushed before the first operation
 */
export function evaluateValue(
  bytes: Uint8Array,
  scope: ExpressionScope,
  frameBase: LocationDescription | undefined,
  context: EvaluationContext,
  initial?: bigint,
): bigint | undefined {
  const location = run(expressionSource(bytes, scope), scope, frameBase, context, 0, initial);
  switch (location.kind) {
    case 'memory':
      return location.address;
    case 'register':
      return context.register(location.register);
    case 'value':
      return littleEndian(location.bytes);
    default:
      return undefined;
  }
}

/** The part of an object that starts `byteOffset` bytes into it. */
export function subLocation(location: Location, byteOffset: number, byteSize: number): Location {
  if (location.kind === 'optimizedOut') return location;
  if (location.kind === 'memory') {
    if (byteOffset === 0) return location;
    return { kind: 'memory', address: BigInt.asUintN(64, location.address + BigInt(byteOffset)) };
  }
  if (location.kind === 'value') {
    return { kind: 'value', bytes: location.bytes.subarray(byteOffset, byteOffset + byteSize) };
  }
  if (location.kind === 'pieces') return slicePieces(location.pieces, byteOffset * 8, byteSize * 8);
  if (byteOffset === 0) return location;
  return {
    kind: 'pieces',
    pieces: [{ location, bitSize: byteSize * 8, bitOffset: byteOffset * 8 }],
  };
}

/** The object's bytes, or the reason why there are none. */
export function readLocation(
  location: Location,
  byteSize: number,
  context: Pick<EvaluationContext, 'register' | 'readMemory'>,
): Uint8Array | { readonly reason: string } {
  switch (location.kind) {
    case 'memory': {
      const bytes = context.readMemory(location.address, byteSize);
      return bytes ?? { reason: `cannot read memory at 0x${location.address.toString(16)}` };
    }
    case 'register': {
      const value = context.register(location.register);
      if (value === undefined) return { reason: unavailableRegister(location.register) };
      if (byteSize > registerBytes(location.register)) {
        return { reason: `${byteSize} bytes do not fit ${registerName(location.register)}` };
      }
      return toLittleEndian(value, byteSize);
    }
    case 'value':
      if (location.bytes.length < byteSize) {
        return { reason: `only ${location.bytes.length} of its ${byteSize} bytes are known` };
      }
      return location.bytes.subarray(0, byteSize);
    case 'implicitPointer':
      return { reason: 'the pointer was optimized out; what it points to may still be known' };
    case 'pieces':
      return readPieces(location.pieces, byteSize, context);
    case 'optimizedOut':
      return { reason: location.reason };
  }
}

/** Name of a DWARF register in the Arm ARM's spelling, e.g. `X19`, `SP`, `V8`. */
export function registerName(register: number): string {
  if (register <= 30) return `X${register}`;
  if (register === 31) return 'SP';
  if (register === 32) return 'PC';
  if (register === 34) return 'RA_SIGN_STATE';
  if (register >= 64 && register <= 95) return `V${register - 64}`;
  return `DWARF register ${register}`;
}

export function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}

export function toLittleEndian(value: bigint, byteSize: number): Uint8Array {
  const bytes = new Uint8Array(byteSize);
  let rest = BigInt.asUintN(byteSize * 8, value);
  for (let i = 0; rest !== 0n && i < byteSize; i++) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

function expressionSource(bytes: Uint8Array, scope: ExpressionScope): ByteSource {
  return { fileName: scope.fileName, section: 'DWARF expression', bytes, code: 'malformed-dwarf' };
}

function unavailableRegister(register: number): string {
  return `${registerName(register)} is not known in this frame`;
}

function registerBytes(register: number): number {
  return register >= 64 && register <= 95 ? 16 : 8;
}

function run(
  source: ByteSource,
  scope: ExpressionScope,
  frameBase: LocationDescription | undefined,
  context: EvaluationContext,
  depth: number,
  initial?: bigint,
): Location {
  if (source.bytes.length === 0) {
    return { kind: 'optimizedOut', reason: 'the compiler removed it' };
  }
  try {
    return new Machine(scope, frameBase, context, depth, initial).run(source);
  } catch (error) {
    if (error instanceof Unavailable) return { kind: 'optimizedOut', reason: error.message };
    throw error;
  }
}

/** Executes one expression. */
class Machine {
  readonly #scope: ExpressionScope;
  readonly #frameBase: LocationDescription | undefined;
  readonly #context: EvaluationContext;
  readonly #depth: number;
  readonly #stack = new ExpressionStack();
  readonly #pieces: Piece[] = [];
  /** Set by operations that end a location other than a memory address. */
  #location: Location | undefined;
  #operations = 0;
  #calls = 0;

  constructor(
    scope: ExpressionScope,
    frameBase: LocationDescription | undefined,
    context: EvaluationContext,
    depth: number,
    initial: bigint | undefined,
  ) {
    this.#scope = scope;
    this.#frameBase = frameBase;
    this.#context = context;
    this.#depth = depth;
    if (initial !== undefined) this.#stack.push(initial);
  }

  run(source: ByteSource): Location {
    this.#execute(new ByteReader(source));
    if (this.#pieces.length > 0) return { kind: 'pieces', pieces: this.#pieces };
    return this.#location ?? { kind: 'memory', address: this.#stack.pop(source) };
  }

  #execute(reader: ByteReader): void {
    while (!reader.atEnd) {
      if (++this.#operations > MAX_OPERATIONS) {
        throw reader.error(`expression runs for more than ${MAX_OPERATIONS} operations`);
      }
      this.#step(reader);
    }
  }

  #step(reader: ByteReader): void {
    const at = reader.offset;
    const op = reader.u8();
    const stack = this.#stack;
    if (op >= DW_OP.lit0 && op <= DW_OP.lit31) {
      stack.push(BigInt(op - DW_OP.lit0));
      return;
    }
    if (op >= DW_OP.reg0 && op <= DW_OP.reg31) {
      this.#location = { kind: 'register', register: op - DW_OP.reg0 };
      return;
    }
    if (op >= DW_OP.breg0 && op <= DW_OP.breg31) {
      stack.push(this.#register(op - DW_OP.breg0) + reader.slebBig());
      return;
    }
    switch (op) {
      case DW_OP.addr:
      case DW_OP.const8u:
        stack.push(reader.u64());
        return;
      case DW_OP.const1u:
        stack.push(BigInt(reader.u8()));
        return;
      case DW_OP.const1s:
        stack.push(BigInt(reader.i8()));
        return;
      case DW_OP.const2u:
        stack.push(BigInt(reader.u16()));
        return;
      case DW_OP.const2s:
        stack.push(BigInt(reader.i16()));
        return;
      case DW_OP.const4u:
        stack.push(BigInt(reader.u32()));
        return;
      case DW_OP.const4s:
        stack.push(BigInt(reader.i32()));
        return;
      case DW_OP.const8s:
        stack.push(reader.i64());
        return;
      case DW_OP.constu:
        stack.push(reader.ulebBig());
        return;
      case DW_OP.consts:
        stack.push(reader.slebBig());
        return;
      case DW_OP.addrx:
      case DW_OP.constx:
      case DW_OP.GNU_addr_index:
      case DW_OP.GNU_const_index:
        stack.push(this.#scope.indexedAddress(reader.uleb()));
        return;
      case DW_OP.regx:
        this.#location = { kind: 'register', register: reader.uleb() };
        return;
      case DW_OP.bregx:
        stack.push(this.#register(reader.uleb()) + reader.slebBig());
        return;
      case DW_OP.fbreg:
        stack.push(this.#frameBaseAddress() + reader.slebBig());
        return;
      case DW_OP.call_frame_cfa:
        stack.push(this.#cfa());
        return;
      case DW_OP.deref:
        stack.push(this.#load(stack.pop(reader.source), 8));
        return;
      case DW_OP.deref_size:
        stack.push(this.#load(stack.pop(reader.source), this.#loadSize(reader, reader.u8())));
        return;
      case DW_OP.deref_type:
      case DW_OP.GNU_deref_type: {
        const size = this.#loadSize(reader, reader.u8());
        const type = this.#baseType(reader);
        stack.push(this.#load(stack.pop(reader.source), size), type);
        return;
      }
      case DW_OP.regval_type:
      case DW_OP.GNU_regval_type: {
        const register = reader.uleb();
        stack.push(this.#register(register), this.#baseType(reader));
        return;
      }
      case DW_OP.const_type:
      case DW_OP.GNU_const_type: {
        const type = this.#baseType(reader);
        stack.push(littleEndian(reader.block(reader.u8())), type);
        return;
      }
      case DW_OP.convert:
      case DW_OP.GNU_convert:
        stack.convert(reader, this.#optionalBaseType(reader));
        return;
      case DW_OP.reinterpret:
      case DW_OP.GNU_reinterpret:
        stack.reinterpret(reader, this.#optionalBaseType(reader));
        return;
      case DW_OP.skip:
        this.#jump(reader, reader.i16());
        return;
      case DW_OP.bra: {
        const distance = reader.i16();
        if (stack.pop(reader.source) !== 0n) this.#jump(reader, distance);
        return;
      }
      case DW_OP.call2:
        this.#call(reader, reader.u16(), 'unit');
        return;
      case DW_OP.call4:
        this.#call(reader, reader.u32(), 'unit');
        return;
      case DW_OP.call_ref:
        this.#call(reader, reader.u32(), 'section');
        return;
      case DW_OP.nop:
        return;
      case DW_OP.GNU_uninit:
        return;
      case DW_OP.form_tls_address:
      case DW_OP.GNU_push_tls_address: {
        const pointer = this.#context.threadPointer?.();
        if (pointer === undefined) throw new Unavailable('the thread pointer is not known');
        // AArch64 TLS variant 1: a 16-byte thread control block precedes the first module's data.
        stack.push(stack.pop(reader.source) + pointer + 16n);
        return;
      }
      case DW_OP.entry_value:
      case DW_OP.GNU_entry_value: {
        const block = reader.block(reader.uleb());
        this.#entryValue(new ByteReader(expressionSource(block, this.#scope)));
        return;
      }
      case DW_OP.stack_value: {
        const { value, type } = stack.popTyped(reader.source);
        this.#location = { kind: 'value', bytes: toLittleEndian(value, type?.byteSize ?? 8) };
        return;
      }
      case DW_OP.implicit_value:
        this.#location = { kind: 'value', bytes: reader.block(reader.uleb()) };
        return;
      case DW_OP.implicit_pointer:
      case DW_OP.GNU_implicit_pointer: {
        const target = this.#scope.object(reader.u32());
        this.#location = { kind: 'implicitPointer', target, offset: reader.slebBig() };
        return;
      }
      case DW_OP.piece:
        this.#piece(reader, reader.uleb() * 8, 0);
        return;
      case DW_OP.bit_piece: {
        const bits = reader.uleb();
        this.#piece(reader, bits, reader.uleb());
        return;
      }
      case DW_OP.GNU_parameter_ref: {
        const offset = this.#scope.unitOffset + reader.u32();
        const value = this.#context.entryValue?.({ kind: 'parameter', offset });
        if (value === undefined) throw new Unavailable('it depends on an optimized out parameter');
        stack.push(value);
        return;
      }
      case DW_OP.GNU_variable_value:
        throw new Unavailable('it depends on an optimized out parameter');
      case DW_OP.push_object_address:
      case DW_OP.xderef:
        throw reader.unsupported(`DW_OP 0x${op.toString(16)} is not supported`, at);
      default:
        if (!stack.operate(op, reader)) {
          throw reader.error(`unknown DW_OP 0x${op.toString(16)}`, at);
        }
    }
  }

  /** DW_OP_entry_value holds one register, with a type where it is not a general one. */
  #entryValue(reader: ByteReader): void {
    const op = reader.u8();
    let register: number | undefined;
    let type: StackType | undefined;
    if (op >= DW_OP.reg0 && op <= DW_OP.reg0 + 31) register = op - DW_OP.reg0;
    else if (op === DW_OP.regx) register = reader.uleb();
    else if (op === DW_OP.regval_type || op === DW_OP.GNU_regval_type) {
      register = reader.uleb();
      type = this.#baseType(reader);
    }
    const value =
      register === undefined || reader.offset !== reader.end
        ? undefined
        : this.#context.entryValue?.({ kind: 'register', register });
    if (value === undefined) {
      throw new Unavailable(
        'only the value on entry to the function is recorded, and the caller does not tell it',
      );
    }
    this.#stack.push(value, type);
  }

  #register(register: number): bigint {
    const value = this.#context.register(register);
    if (value === undefined) throw new Unavailable(unavailableRegister(register));
    return value;
  }

  #cfa(): bigint {
    const cfa = this.#context.cfa();
    if (cfa === undefined) throw new Unavailable('the frame address is not known');
    return cfa;
  }

  #frameBaseAddress(): bigint {
    const description = this.#frameBase;
    if (description === undefined) throw new Unavailable('the function has no frame base');
    if (description.kind === 'expression') {
      const { bytes } = description.expression;
      if (bytes.length === 1) {
        const op = bytes[0] ?? 0;
        if (op === DW_OP.call_frame_cfa) return this.#cfa();
        if (op >= DW_OP.reg0 && op <= DW_OP.reg31) return this.#register(op - DW_OP.reg0);
      }
    }
    // A frame base that is itself relative to the frame base would not end.
    if (this.#depth >= 2) throw new Unavailable('the frame base refers to itself');
    const location = evaluateNested(description, this.#context, this.#depth + 1);
    switch (location.kind) {
      case 'memory':
        return location.address;
      case 'register':
        return this.#register(location.register);
      case 'value':
        return littleEndian(location.bytes);
      case 'optimizedOut':
        throw new Unavailable(location.reason);
      default:
        throw new Unavailable('the frame base is no address');
    }
  }

  #loadSize(reader: ByteReader, size: number): number {
    if (size < 1 || size > 16) throw reader.error(`DW_OP_deref_size of ${size} bytes`);
    return size;
  }

  #load(address: bigint, size: number): bigint {
    const bytes = this.#context.readMemory(address, size);
    if (bytes === undefined) {
      throw new Unavailable(`cannot read memory at 0x${address.toString(16)}`);
    }
    return littleEndian(bytes);
  }

  #baseType(reader: ByteReader): StackType {
    const at = reader.offset;
    const type = this.#scope.baseType(reader.uleb());
    if (type === undefined) throw reader.error('refers to no base type', at);
    return type;
  }

  /** Offset 0 means the generic type. */
  #optionalBaseType(reader: ByteReader): StackType | undefined {
    const at = reader.offset;
    const offset = reader.uleb();
    if (offset === 0) return undefined;
    const type = this.#scope.baseType(offset);
    if (type === undefined) throw reader.error('refers to no base type', at);
    return type;
  }

  #jump(reader: ByteReader, distance: number): void {
    const target = reader.offset + distance;
    if (target < 0 || target > reader.end) throw reader.error('jumps outside the expression');
    reader.offset = target;
  }

  #call(reader: ByteReader, offset: number, form: 'unit' | 'section'): void {
    if (++this.#calls > MAX_CALLS) throw reader.error('too many nested DW_OP_call operations');
    const bytes = this.#scope.procedure(offset, form);
    if (bytes !== undefined) this.#execute(new ByteReader(expressionSource(bytes, this.#scope)));
  }

  #piece(reader: ByteReader, bitSize: number, bitOffset: number): void {
    if (this.#pieces.length >= MAX_PIECES || bitSize > MAX_PIECE_BITS) {
      throw reader.error(`piece of ${bitSize} bits in a location of ${this.#pieces.length} pieces`);
    }
    let location = this.#location;
    this.#location = undefined;
    if (location === undefined) {
      location = this.#stack.isEmpty
        ? { kind: 'optimizedOut', reason: 'the compiler removed this part' }
        : { kind: 'memory', address: this.#stack.pop(reader.source) };
    }
    this.#pieces.push({ location, bitSize, bitOffset });
  }
}

function evaluateNested(
  description: LocationDescription,
  context: EvaluationContext,
  depth: number,
): Location {
  if (description.kind === 'expression') {
    const { expression, scope, frameBase } = description;
    return run(expression, scope, frameBase, context, depth);
  }
  if (description.kind === 'list') {
    const { entries, scope, frameBase } = description;
    const entry = entries.find(({ low, high }) => low <= context.pc && context.pc < high);
    if (entry !== undefined) {
      return run(expressionSource(entry.expression, scope), scope, frameBase, context, depth);
    }
  }
  return evaluateLocation(description, context);
}

function slicePieces(pieces: readonly Piece[], bitOffset: number, bitSize: number): Location {
  const sliced: Piece[] = [];
  let start = 0;
  for (const piece of pieces) {
    const from = Math.max(start, bitOffset);
    const to = Math.min(start + piece.bitSize, bitOffset + bitSize);
    if (from < to) {
      sliced.push({
        location: piece.location,
        bitSize: to - from,
        bitOffset: piece.bitOffset + (from - start),
      });
    }
    start += piece.bitSize;
  }
  const [only] = sliced;
  if (only === undefined) return { kind: 'optimizedOut', reason: 'the compiler removed this part' };
  if (sliced.length === 1 && only.bitSize === bitSize) {
    if (only.location.kind === 'optimizedOut') return only.location;
    if (only.bitOffset % 8 === 0 && only.location.kind === 'memory') {
      return subLocation(only.location, only.bitOffset / 8, bitSize / 8);
    }
  }
  return { kind: 'pieces', pieces: sliced };
}

function readPieces(
  pieces: readonly Piece[],
  byteSize: number,
  context: Pick<EvaluationContext, 'register' | 'readMemory'>,
): Uint8Array | { readonly reason: string } {
  let value = 0n;
  let filled = 0;
  for (const { location, bitSize, bitOffset } of pieces) {
    if (filled >= byteSize * 8) break;
    const needed = Math.ceil((bitOffset + bitSize) / 8);
    const bytes = readLocation(location, needed, context);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const bits = BigInt.asUintN(bitSize, littleEndian(bytes) >> BigInt(bitOffset));
    value |= bits << BigInt(filled);
    filled += bitSize;
  }
  if (filled < byteSize * 8)
    return { reason: `only ${filled} of its ${byteSize * 8} bits are known` };
  return toLittleEndian(value, byteSize);
}
