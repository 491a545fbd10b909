/**
 * Typed expressions: the values that an instruction's semantics compute, as plain data.
 *
 * The operators are WebAssembly's, because their semantics are exact, total where we need them to
 * be, and shared by every tier of the engine. Nothing here knows how an expression is evaluated.
 * Constants fold, and identities that every emitter would have to remove again are removed here.
 */

export type IntegerType = 'i32' | 'i64';
export type FloatType = 'f32' | 'f64';
export type ValueType = IntegerType | FloatType | 'v128';

export interface Expr<T extends ValueType = ValueType> {
  readonly type: T;
  readonly op: string;
  readonly args: readonly Expr[];
  /** Operator-specific immediate: constant value, local index, lane, memory offset, callee. */
  readonly immediate?: Immediate;
}

export type Immediate = number | bigint | string | Uint8Array;

function node<T extends ValueType>(
  type: T,
  op: string,
  args: readonly Expr[],
  immediate?: Immediate,
): Expr<T> {
  return immediate === undefined ? { type, op, args } : { type, op, args, immediate };
}

export function i32(value: number): Expr<'i32'> {
  return node('i32', 'const', [], value | 0);
}

export function i64(value: bigint | number): Expr<'i64'> {
  return node('i64', 'const', [], BigInt.asIntN(64, BigInt(value)));
}

/** A constant of the same integer type as `like`. */
export function constantLike<T extends IntegerType>(
  like: Expr<T>,
  value: bigint | number,
): Expr<T> {
  return constant(like.type, value);
}

/** An integer constant of the given type. */
export function constant<T extends IntegerType>(type: T, value: bigint | number): Expr<T> {
  const result: Expr = type === 'i32' ? i32(Number(BigInt.asIntN(32, BigInt(value)))) : i64(value);
  return result as Expr<T>;
}

export function f32FromBits(bits: Expr<'i32'>): Expr<'f32'> {
  return bits.op === 'i32.reinterpret_f32'
    ? (bits.args[0] as Expr<'f32'>)
    : node('f32', 'f32.reinterpret_i32', [bits]);
}
export function f64FromBits(bits: Expr<'i64'>): Expr<'f64'> {
  return bits.op === 'i64.reinterpret_f64'
    ? (bits.args[0] as Expr<'f64'>)
    : node('f64', 'f64.reinterpret_i64', [bits]);
}
export function f32Bits(value: Expr<'f32'>): Expr<'i32'> {
  return value.op === 'f32.reinterpret_i32'
    ? (value.args[0] as Expr<'i32'>)
    : node('i32', 'i32.reinterpret_f32', [value]);
}
export function f64Bits(value: Expr<'f64'>): Expr<'i64'> {
  return value.op === 'f64.reinterpret_i64'
    ? (value.args[0] as Expr<'i64'>)
    : node('i64', 'i64.reinterpret_f64', [value]);
}

function isConstant(e: Expr): boolean {
  return e.op === 'const';
}
function isConstantValue(e: Expr, value: bigint): boolean {
  return e.op === 'const' && e.type !== 'v128' && BigInt(e.immediate as number | bigint) === value;
}
function bigintOf(e: Expr): bigint {
  return BigInt(e.immediate as number | bigint);
}

type Fold = (a: bigint, b: bigint, bits: 32 | 64) => bigint;
const unsigned = (value: bigint, bits: number): bigint => BigInt.asUintN(bits, value);

const FOLDS: Readonly<Record<string, Fold>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b, bits) => a << (b & BigInt(bits - 1)),
  shr_s: (a, b, bits) => a >> (b & BigInt(bits - 1)),
  shr_u: (a, b, bits) => unsigned(a, bits) >> (b & BigInt(bits - 1)),
};
const FOLD_COMPARISONS: Readonly<Record<string, (a: bigint, b: bigint, bits: 32 | 64) => boolean>> =
  {
    eq: (a, b) => a === b,
    ne: (a, b) => a !== b,
    lt_s: (a, b) => a < b,
    gt_s: (a, b) => a > b,
    le_s: (a, b) => a <= b,
    ge_s: (a, b) => a >= b,
    lt_u: (a, b, bits) => unsigned(a, bits) < unsigned(b, bits),
    gt_u: (a, b, bits) => unsigned(a, bits) > unsigned(b, bits),
    le_u: (a, b, bits) => unsigned(a, bits) <= unsigned(b, bits),
    ge_u: (a, b, bits) => unsigned(a, bits) >= unsigned(b, bits),
  };

const RIGHT_ZERO_IS_IDENTITY = new Set([
  'add',
  'sub',
  'or',
  'xor',
  'shl',
  'shr_s',
  'shr_u',
  'rotl',
  'rotr',
]);
const LEFT_ZERO_IS_IDENTITY = new Set(['add', 'or', 'xor']);

function binary<T extends IntegerType>(name: string, a: Expr<T>, b: Expr<T>): Expr<T> {
  if (a.type !== b.type)
    throw new TypeError(`${name}: operand types ${a.type} and ${b.type} differ`);
  const bits = a.type === 'i32' ? 32 : 64;
  const fold = FOLDS[name];
  if (fold && isConstant(a) && isConstant(b))
    return constant(a.type, fold(bigintOf(a), bigintOf(b), bits));
  if (isConstantValue(b, 0n) && RIGHT_ZERO_IS_IDENTITY.has(name)) return a;
  if (isConstantValue(a, 0n) && LEFT_ZERO_IS_IDENTITY.has(name)) return b;
  if (name === 'and' && isConstantValue(b, -1n)) return a;
  return node(a.type, `${a.type}.${name}`, [a, b]);
}

function comparison<T extends IntegerType>(name: string, a: Expr<T>, b: Expr<T>): Expr<'i32'> {
  if (a.type !== b.type)
    throw new TypeError(`${name}: operand types ${a.type} and ${b.type} differ`);
  const fold = FOLD_COMPARISONS[name];
  if (fold && isConstant(a) && isConstant(b)) {
    return i32(fold(bigintOf(a), bigintOf(b), a.type === 'i32' ? 32 : 64) ? 1 : 0);
  }
  return node('i32', `${a.type}.${name}`, [a, b]);
}

type Binary = <T extends IntegerType>(a: Expr<T>, b: Expr<T>) => Expr<T>;
type Comparison = <T extends IntegerType>(a: Expr<T>, b: Expr<T>) => Expr<'i32'>;

export const add: Binary = (a, b) => binary('add', a, b);
export const sub: Binary = (a, b) => binary('sub', a, b);
export const mul: Binary = (a, b) => binary('mul', a, b);
/** Traps in WebAssembly on 0 and on overflow: the caller guards both. */
export const divS: Binary = (a, b) => binary('div_s', a, b);
/** Traps in WebAssembly on 0: the caller guards it. */
export const divU: Binary = (a, b) => binary('div_u', a, b);
export const and: Binary = (a, b) => binary('and', a, b);
export const or: Binary = (a, b) => binary('or', a, b);
export const xor: Binary = (a, b) => binary('xor', a, b);
/** Shift amounts are taken modulo the operand width, as LSLV and its relatives do. */
export const shl: Binary = (a, b) => binary('shl', a, b);
export const shrS: Binary = (a, b) => binary('shr_s', a, b);
export const shrU: Binary = (a, b) => binary('shr_u', a, b);
export const rotl: Binary = (a, b) => binary('rotl', a, b);
export const rotr: Binary = (a, b) => binary('rotr', a, b);

export const eq: Comparison = (a, b) => comparison('eq', a, b);
export const ne: Comparison = (a, b) => comparison('ne', a, b);
export const ltS: Comparison = (a, b) => comparison('lt_s', a, b);
export const ltU: Comparison = (a, b) => comparison('lt_u', a, b);
export const gtS: Comparison = (a, b) => comparison('gt_s', a, b);
export const gtU: Comparison = (a, b) => comparison('gt_u', a, b);
export const leS: Comparison = (a, b) => comparison('le_s', a, b);
export const leU: Comparison = (a, b) => comparison('le_u', a, b);
export const geS: Comparison = (a, b) => comparison('ge_s', a, b);
export const geU: Comparison = (a, b) => comparison('ge_u', a, b);

export function eqz(a: Expr<IntegerType>): Expr<'i32'> {
  if (isConstant(a)) return i32(bigintOf(a) === 0n ? 1 : 0);
  return node('i32', `${a.type}.eqz`, [a]);
}
export function not<T extends IntegerType>(a: Expr<T>): Expr<T> {
  return xor(a, constantLike(a, -1));
}
export function negate<T extends IntegerType>(a: Expr<T>): Expr<T> {
  return sub(constantLike(a, 0), a);
}
export function clz<T extends IntegerType>(a: Expr<T>): Expr<T> {
  return node(a.type, `${a.type}.clz`, [a]);
}
export function ctz<T extends IntegerType>(a: Expr<T>): Expr<T> {
  return node(a.type, `${a.type}.ctz`, [a]);
}
export function popcnt<T extends IntegerType>(a: Expr<T>): Expr<T> {
  return node(a.type, `${a.type}.popcnt`, [a]);
}
/** The low 32 bits. */
export function wrap(a: Expr<'i64'>): Expr<'i32'> {
  if (isConstant(a)) return i32(Number(BigInt.asIntN(32, bigintOf(a))));
  if (a.op === 'i64.extend_i32_u' || a.op === 'i64.extend_i32_s') return a.args[0] as Expr<'i32'>;
  return node('i32', 'i32.wrap_i64', [a]);
}
export function extendU(a: Expr<'i32'>): Expr<'i64'> {
  if (isConstant(a)) return i64(BigInt.asUintN(32, bigintOf(a)));
  return node('i64', 'i64.extend_i32_u', [a]);
}
export function extendS(a: Expr<'i32'>): Expr<'i64'> {
  if (isConstant(a)) return i64(bigintOf(a));
  return node('i64', 'i64.extend_i32_s', [a]);
}
/** Sign-extends from bit `from - 1` within the operand's own width. */
export function signExtend<T extends IntegerType>(a: Expr<T>, from: 8 | 16 | 32): Expr<T> {
  if (a.type === 'i32' && from === 32) return a;
  return node(a.type, `${a.type}.extend${from}_s`, [a]);
}
/** Zero-extends from bit `from - 1` within the operand's own width. */
export function zeroExtend<T extends IntegerType>(a: Expr<T>, from: 8 | 16 | 32): Expr<T> {
  if (a.type === 'i32' && from === 32) return a;
  return and(a, constantLike(a, (1n << BigInt(from)) - 1n));
}
/** `condition ? a : b`; both sides are evaluated. */
export function select<T extends ValueType>(
  condition: Expr<'i32'>,
  a: Expr<T>,
  b: Expr<T>,
): Expr<T> {
  if (isConstant(condition)) return bigintOf(condition) !== 0n ? a : b;
  return node(a.type, 'select', [a, b, condition]);
}

/** Scalar floating-point operators: WebAssembly's own; exactness to Arm's rules is the caller's business. */
export type FloatBinary = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max';
export function floatBinary<T extends FloatType>(op: FloatBinary, a: Expr<T>, b: Expr<T>): Expr<T> {
  return node(a.type, `${a.type}.${op}`, [a, b]);
}
export type FloatUnary = 'abs' | 'neg' | 'sqrt' | 'ceil' | 'floor' | 'trunc' | 'nearest';
export function floatUnary<T extends FloatType>(op: FloatUnary, a: Expr<T>): Expr<T> {
  return node(a.type, `${a.type}.${op}`, [a]);
}
export type FloatComparison = 'eq' | 'ne' | 'lt' | 'gt' | 'le' | 'ge';
export function floatCompare<T extends FloatType>(
  op: FloatComparison,
  a: Expr<T>,
  b: Expr<T>,
): Expr<'i32'> {
  return node('i32', `${a.type}.${op}`, [a, b]);
}
export type Conversion =
  | 'f64.promote_f32'
  | 'f32.demote_f64'
  | 'f64.convert_i64_s'
  | 'f64.convert_i64_u'
  | 'f64.convert_i32_s'
  | 'f64.convert_i32_u'
  | 'f32.convert_i64_s'
  | 'f32.convert_i64_u'
  | 'f32.convert_i32_s'
  | 'f32.convert_i32_u'
  | 'i64.trunc_sat_f64_s'
  | 'i64.trunc_sat_f64_u'
  | 'i32.trunc_sat_f64_s'
  | 'i32.trunc_sat_f64_u'
  | 'i64.trunc_sat_f32_s'
  | 'i64.trunc_sat_f32_u'
  | 'i32.trunc_sat_f32_s'
  | 'i32.trunc_sat_f32_u';
/** A conversion by its WebAssembly name; the result type is the name's prefix. */
export function convert(op: Conversion, a: Expr): Expr {
  return node(op.slice(0, 3) as ValueType, op, [a]);
}

/** A 128-bit constant, least significant byte first. */
export function v128(bytes: Uint8Array): Expr<'v128'> {
  if (bytes.length !== 16) throw new TypeError(`a v128 constant has 16 bytes, not ${bytes.length}`);
  return node('v128', 'const', [], bytes);
}
export const V128_ZERO: Expr<'v128'> = v128(new Uint8Array(16));

/**
 * A WebAssembly SIMD operator by name whose operands and result are listed in the WebAssembly
 * core specification, such as `i8x16.add`, `v128.bitselect`, `i32x4.shl` (vector, i32 amount).
 */
export function simd(op: string, ...args: readonly Expr[]): Expr<'v128'> {
  return node('v128', op, args);
}
export type LaneShape = 'i8x16' | 'i16x8' | 'i32x4' | 'i64x2' | 'f32x4' | 'f64x2';
const LANE_TYPE = {
  i8x16: 'i32',
  i16x8: 'i32',
  i32x4: 'i32',
  i64x2: 'i64',
  f32x4: 'f32',
  f64x2: 'f64',
} as const;
export type LaneType<S extends LaneShape> = (typeof LANE_TYPE)[S];

export function splat<S extends LaneShape>(shape: S, a: Expr<LaneType<S>>): Expr<'v128'> {
  return node('v128', `${shape}.splat`, [a]);
}
/** `signed` chooses sign or zero extension and matters only for i8x16 and i16x8. */
export function extractLane<S extends LaneShape>(
  shape: S,
  a: Expr<'v128'>,
  lane: number,
  signed = false,
): Expr<LaneType<S>> {
  const suffix = shape === 'i8x16' || shape === 'i16x8' ? (signed ? '_s' : '_u') : '';
  return node(LANE_TYPE[shape] as LaneType<S>, `${shape}.extract_lane${suffix}`, [a], lane);
}
export function replaceLane<S extends LaneShape>(
  shape: S,
  a: Expr<'v128'>,
  lane: number,
  value: Expr<LaneType<S>>,
): Expr<'v128'> {
  return node('v128', `${shape}.replace_lane`, [a, value], lane);
}
/** i8x16.shuffle: sixteen byte indices, 0-15 from `a`, 16-31 from `b`. */
export function shuffle(a: Expr<'v128'>, b: Expr<'v128'>, lanes: readonly number[]): Expr<'v128'> {
  if (lanes.length !== 16) throw new TypeError(`a shuffle has 16 lanes, not ${lanes.length}`);
  return node('v128', 'i8x16.shuffle', [a, b], Uint8Array.from(lanes));
}
/** i32 results of vector tests such as `i8x16.all_true`, `v128.any_true`, `i8x16.bitmask`. */
export function vectorTest(op: string, a: Expr<'v128'>): Expr<'i32'> {
  return node('i32', op, [a]);
}

/** A value held in a local variable of the emitter that made it. */
export function local<T extends ValueType>(type: T, index: number): Expr<T> {
  return node(type, 'local', [], index);
}
/** Where the state of the executing processor begins in the machine's memory; only emitters use it. */
export const STATE_BASE: Expr<'i32'> = node('i32', 'stateBase', []);
/** A load from the machine's own state memory; only emitters make these. */
export function stateLoad<T extends ValueType>(
  type: T,
  op: string,
  address: Expr<'i32'>,
  offset: number,
): Expr<T> {
  return node(type, op, [address], offset);
}
/** A call of a function of the runtime, by its name (see `runtime-functions.ts`). */
export function call<T extends ValueType>(
  type: T,
  name: string,
  ...args: readonly Expr[]
): Expr<T> {
  return node(type, 'call', args, name);
}
