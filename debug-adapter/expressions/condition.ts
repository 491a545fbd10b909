/**
 * Conditions are evaluated hundreds of thousands of times a second. Binding one to a context looks up
 * its variables, registers and types once; what is left is a tree of closures over plain numbers.
 */
import { stripTypedefs, type Type } from '../symbols/types.ts';
import type { Compiled } from './compile.ts';
import type { ExpressionContext } from './context.ts';
import { Evaluator, isComparison, LITERAL_TYPES } from './evaluate.ts';
import { ExpressionError } from './expression-error.ts';
import { arithmeticType, isSigned } from './number.ts';
import { registerType } from './register-types.ts';
import type { ComparisonOperator, Syntax } from './syntax.ts';

/** An integer expression; numbers for types of up to 32 bits, bigints for wider ones. */
interface Fast {
  readonly byteSize: number;
  readonly signed: boolean;
  /** Pointers only take part in comparisons. */
  readonly isPointer: boolean;
  read(): number | bigint;
}

/**
 * Binds a condition to one breakpoint location. `context` must stay valid: its pc is fixed, its
 * registers and memory are read at each call.
 * @returns a function that tells whether the condition holds; it throws ExpressionError when it
 *   cannot be evaluated
 * @throws ExpressionError for an assignment or a name that is not known
 */
export function compileCondition(compiled: Compiled, context: ExpressionContext): () => boolean {
  const { syntax } = compiled;
  if (compiled.hasAssignment) {
    throw new ExpressionError('A condition must not assign; use "==" to compare.', syntax.position);
  }
  const fast = truth(syntax, context);
  if (fast !== undefined) return fast;
  const evaluator = new Evaluator(context, false);
  return () => evaluator.isTrue(syntax);
}

/** The condition as closures, or undefined when it needs the general evaluator. */
function truth(node: Syntax, context: ExpressionContext): (() => boolean) | undefined {
  if (node.kind === 'logical') {
    const left = truth(node.left, context);
    const right = truth(node.right, context);
    if (left === undefined || right === undefined) return undefined;
    return node.operator === '&&' ? () => left() && right() : () => left() || right();
  }
  if (node.kind === 'unary' && node.operator === '!') {
    const operand = truth(node.operand, context);
    return operand && (() => !operand());
  }
  if (node.kind === 'binary' && isComparison(node.operator)) {
    const left = fastInteger(node.left, context);
    const right = fastInteger(node.right, context);
    if (left !== undefined && right !== undefined) return comparison(node.operator, left, right);
    return undefined;
  }
  const value = fastInteger(node, context);
  return value && (() => Boolean(value.read()));
}

function comparison(operator: ComparisonOperator, left: Fast, right: Fast): () => boolean {
  const type = common(left, right);
  const a = converted(left, type);
  const b = converted(right, type);
  switch (operator) {
    case '==':
      return () => a() === b();
    case '!=':
      return () => a() !== b();
    case '<':
      return () => a() < b();
    case '<=':
      return () => a() <= b();
    case '>':
      return () => a() > b();
    case '>=':
      return () => a() >= b();
  }
}

type Shape = Pick<Fast, 'byteSize' | 'signed'>;

const SHAPE_INT: Shape = { byteSize: 4, signed: true };

function promoted({ byteSize, signed }: Shape): Shape {
  return byteSize < 4 ? SHAPE_INT : { byteSize, signed };
}

/** C11 6.3.1.8 for integers. */
function common(left: Shape, right: Shape): Shape {
  const a = promoted(left);
  const b = promoted(right);
  if (a.byteSize !== b.byteSize) return a.byteSize > b.byteSize ? a : b;
  return { byteSize: a.byteSize, signed: a.signed && b.signed };
}

/** Reads the value as the common type: both sides then have one JavaScript type. */
function converted(value: Fast, to: Shape): () => number | bigint {
  const read = value.read.bind(value);
  if (to.byteSize === 4) {
    if (to.signed || (!value.signed && value.byteSize <= 4)) return read;
    return () => Number(read()) >>> 0;
  }
  if (value.byteSize < 8) {
    return to.signed || !value.signed
      ? () => BigInt(read())
      : () => BigInt.asUintN(64, BigInt(read()));
  }
  if (to.signed === value.signed) return read;
  return () => BigInt.asUintN(64, BigInt(read()));
}

function fastInteger(node: Syntax, context: ExpressionContext): Fast | undefined {
  switch (node.kind) {
    case 'integer': {
      const type = LITERAL_TYPES[node.type];
      return constant(node.value, type.byteSize, isSigned(type));
    }
    case 'register':
      return fastRegister(node, context);
    case 'name':
      return fastVariable(node, context);
    case 'binary':
      return fastArithmetic(node, context);
    case 'unary': {
      if (node.operator !== '-') return undefined;
      const operand = fastInteger(node.operand, context);
      if (operand === undefined || operand.isPointer) return undefined;
      const shape = promoted(operand);
      const wrap = wrapper(shape);
      const read = converted(operand, shape);
      return { ...shape, isPointer: false, read: () => wrap(-read()) };
    }
    default:
      return undefined;
  }
}

function constant(value: bigint, byteSize: number, signed: boolean): Fast {
  const result = byteSize <= 4 ? Number(value) : value;
  return { byteSize, signed, isPointer: false, read: () => result };
}

function fastRegister(
  node: Syntax & { kind: 'register' },
  context: ExpressionContext,
): Fast | undefined {
  const { name, position } = node;
  const handle = context.register(name);
  if (handle === undefined) return undefined;
  const shape = shapeOf(registerType(handle));
  if (shape === undefined) return undefined;
  const convert = decoder(shape);
  return {
    ...shape,
    read() {
      const bits = handle.read();
      if (bits === undefined) {
        throw new ExpressionError(
          `The value is not available: ${name} is not known in this frame.`,
          position,
        );
      }
      return convert(bits);
    },
  };
}

function fastVariable(
  node: Syntax & { kind: 'name' },
  context: ExpressionContext,
): Fast | undefined {
  const variable = context.findVariable(node.name, node.qualifier);
  if (variable === undefined) return undefined;
  const shape = shapeOf(variable.type);
  if (shape === undefined) return undefined;
  const { byteSize, signed } = shape;
  const { position, name } = node;
  const convert = decoder(shape);
  const unavailable = (reason: string): ExpressionError =>
    new ExpressionError(`The value of ${name} is not available: ${reason}.`, position);
  return {
    ...shape,
    read() {
      const location = variable.locate();
      if (location.kind === 'memory') {
        const bytes = context.readMemory(location.address, byteSize);
        if (bytes === undefined) {
          throw unavailable(`cannot read memory at 0x${location.address.toString(16)}`);
        }
        return readInteger(bytes, byteSize, signed);
      }
      if (location.kind === 'register') {
        const bits = context.frame.register(location.register);
        if (bits === undefined) throw unavailable('its register is not known in this frame');
        return convert(bits);
      }
      if (location.kind === 'value' && location.bytes.length >= byteSize) {
        return readInteger(location.bytes, byteSize, signed);
      }
      throw unavailable(
        location.kind === 'optimizedOut' ? location.reason : 'it is in several places',
      );
    },
  };
}

/** Integers and pointers of up to 8 bytes. */
function shapeOf(type: Type): (Shape & { isPointer: boolean }) | undefined {
  const actual = stripTypedefs(type);
  if (actual.kind === 'pointer') return { byteSize: 8, signed: false, isPointer: true };
  const base = arithmeticType(type);
  const size = actual.kind === 'enum' ? actual.byteSize : base?.byteSize;
  if (base === undefined || base.encoding === 'float' || size === undefined) return undefined;
  if (![1, 2, 4, 8].includes(size)) return undefined;
  const signed = actual.kind === 'enum' ? actual.isSigned : isSigned(base);
  return { byteSize: size, signed, isPointer: false };
}

function decoder({ byteSize, signed }: Shape): (bits: bigint) => number | bigint {
  const width = byteSize * 8;
  if (byteSize === 8)
    return signed ? (bits) => BigInt.asIntN(64, bits) : (bits) => BigInt.asUintN(64, bits);
  return signed
    ? (bits) => Number(BigInt.asIntN(width, bits))
    : (bits) => Number(BigInt.asUintN(width, bits));
}

/** Little-endian; without a DataView, whose construction costs more than the read. */
function readInteger(bytes: Uint8Array, byteSize: number, signed: boolean): number | bigint {
  const b0 = bytes[0] ?? 0;
  switch (byteSize) {
    case 1:
      return signed ? (b0 << 24) >> 24 : b0;
    case 2: {
      const half = b0 | ((bytes[1] ?? 0) << 8);
      return signed ? (half << 16) >> 16 : half;
    }
    case 4: {
      const word = wordAt(bytes, 0);
      return signed ? word : word >>> 0;
    }
    default: {
      const high = wordAt(bytes, 4);
      const value = (BigInt(signed ? high : high >>> 0) << 32n) | BigInt(wordAt(bytes, 0) >>> 0);
      return value;
    }
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function wrapper({ byteSize, signed }: Shape): (value: number | bigint) => number | bigint {
  if (byteSize === 4) return signed ? (value) => Number(value) | 0 : (value) => Number(value) >>> 0;
  return signed
    ? (value) => BigInt.asIntN(64, BigInt(value))
    : (value) => BigInt.asUintN(64, BigInt(value));
}

/** `+ - & | ^` of integers; the rest is left to the general evaluator. */
function fastArithmetic(
  node: Syntax & { kind: 'binary' },
  context: ExpressionContext,
): Fast | undefined {
  const { operator } = node;
  if (!/^[-+&|^]$/.test(operator)) return undefined;
  const left = fastInteger(node.left, context);
  const right = fastInteger(node.right, context);
  if (left === undefined || right === undefined || left.isPointer || right.isPointer)
    return undefined;
  const shape = common(left, right);
  const wrap = wrapper(shape);
  const a = converted(left, shape);
  const b = converted(right, shape);
  // `converted` gives both sides the same JavaScript type: numbers for 4 bytes, bigints for 8.
  const operate =
    shape.byteSize === 4
      ? smallOperation(operator, a as () => number, b as () => number)
      : wideOperation(operator, a as () => bigint, b as () => bigint);
  return { ...shape, isPointer: false, read: () => wrap(operate()) };
}

function smallOperation(operator: string, a: () => number, b: () => number): () => number {
  switch (operator) {
    case '+':
      return () => a() + b();
    case '-':
      return () => a() - b();
    case '&':
      return () => a() & b();
    case '|':
      return () => a() | b();
    default:
      return () => a() ^ b();
  }
}

function wideOperation(operator: string, a: () => bigint, b: () => bigint): () => bigint {
  switch (operator) {
    case '+':
      return () => a() + b();
    case '-':
      return () => a() - b();
    case '&':
      return () => a() & b();
    case '|':
      return () => a() | b();
    default:
      return () => a() ^ b();
  }
}
