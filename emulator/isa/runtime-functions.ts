/**
 * Functions of the runtime that semantics call by name with `call()`. The engine implements each
 * of them as a WebAssembly function; names are those of the Arm ARM's pseudocode, with the operand
 * width appended.
 */
import type { ValueType } from './expression.ts';

export interface RuntimeFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType;
}

const WIDTHS = [
  [16, 'i32'],
  [32, 'i32'],
  [64, 'i64'],
] as const;

function row(name: string, parameters: readonly ValueType[], result: ValueType): RuntimeFunction {
  return { name, parameters, result };
}

/** For half, single and double precision; `T` stands for the bits of the format. */
function forEachWidth(
  name: string,
  parameters: readonly (ValueType | 'T')[],
  result: ValueType | 'T' = 'T',
): RuntimeFunction[] {
  return WIDTHS.map(([width, bits]) => {
    const type = (t: ValueType | 'T'): ValueType => (t === 'T' ? bits : t);
    return row(`${name}${width}`, parameters.map(type), type(result));
  });
}

/**
 * Floating-point values are passed as their bits: i32 for half and single, i64 for double
 * precision. All read FPCR and accumulate into FPSR.
 */
const FLOATING_POINT: readonly RuntimeFunction[] = [
  ...['FPAdd', 'FPSub', 'FPMul', 'FPMulX', 'FPDiv'].flatMap((n) => forEachWidth(n, ['T', 'T'])),
  ...['FPMax', 'FPMin', 'FPMaxNum', 'FPMinNum', 'FPRecipStepFused', 'FPRSqrtStepFused'].flatMap(
    (name) => forEachWidth(name, ['T', 'T']),
  ),
  ...['FPSqrt', 'FPRecipEstimate', 'FPRSqrtEstimate', 'FPRecpX'].flatMap((name) =>
    forEachWidth(name, ['T']),
  ),
  // addend, op1, op2
  ...forEachWidth('FPMulAdd', ['T', 'T', 'T']),
  // op, rounding, exact
  ...forEachWidth('FPRoundInt', ['T', 'i32', 'i32']),
  // op1, op2, signal_nans; the result is NZCV in bits 3:0
  ...forEachWidth('FPCompare', ['T', 'T', 'i32'], 'i32'),
  // the result is 0 or 1
  ...['FPCompareEQ', 'FPCompareGE', 'FPCompareGT'].flatMap((name) =>
    forEachWidth(name, ['T', 'T'], 'i32'),
  ),
  // op, fbits, unsigned, rounding, width of the result (16, 32 or 64); zero-extended
  ...forEachWidth('FPToFixed', ['T', 'i32', 'i32', 'i32', 'i32'], 'i64'),
  // double precision; the result is in bits 31:0, PSTATE.Z in bit 32
  row('FPToFixedJS', ['i64'], 'i64'),
  // 64-bit integer, fbits, unsigned, rounding; the width is that of the result
  ...forEachWidth('FixedToFP', ['i64', 'i32', 'i32', 'i32']),
  // op, rounding
  row('FPConvert16To32', ['i32', 'i32'], 'i32'),
  row('FPConvert16To64', ['i32', 'i32'], 'i64'),
  row('FPConvert32To16', ['i32', 'i32'], 'i32'),
  row('FPConvert32To64', ['i32', 'i32'], 'i64'),
  row('FPConvert64To16', ['i64', 'i32'], 'i32'),
  row('FPConvert64To32', ['i64', 'i32'], 'i32'),
  row('UnsignedRecipEstimate', ['i32'], 'i32'),
  row('UnsignedRSqrtEstimate', ['i32'], 'i32'),
];

/** Advanced SIMD on one element, for what WebAssembly has no vector operator. */
const ADVANCED_SIMD: readonly RuntimeFunction[] = [
  // Element extended to 64 bits by its signedness, shift amount (negative: right), unsigned,
  // rounding, saturating (sets FPSR.QC), element size in bits. Low bits of the result count.
  row('ShiftElement', ['i64', 'i32', 'i32', 'i32', 'i32', 'i32'], 'i64'),
  // Bits 63:0 and 127:64 of the product of two polynomials over GF(2).
  row('PolynomialMultiplyLow', ['i64', 'i64'], 'i64'),
  row('PolynomialMultiplyHigh', ['i64', 'i64'], 'i64'),
];

/** Of FEAT_PAuth. `data` is 1 for an address of data, 0 for one of an instruction. */
const POINTER_AUTHENTICATION: readonly RuntimeFunction[] = [
  // data, modifier, key0 (K<127:64>), key1 (K<63:0>)
  row('ComputePAC', ['i64', 'i64', 'i64', 'i64'], 'i64'),
  // ptr, modifier, key0, key1, data
  row('AddPAC', ['i64', 'i64', 'i64', 'i64', 'i32'], 'i64'),
  // ptr, modifier, key0, key1, data, key_number (0 of an A key, 1 of a B key)
  row('Auth', ['i64', 'i64', 'i64', 'i64', 'i32', 'i32'], 'i64'),
  // A, data
  row('Strip', ['i64', 'i32'], 'i64'),
];

export const RUNTIME_FUNCTIONS: readonly RuntimeFunction[] = [
  ...FLOATING_POINT,
  ...ADVANCED_SIMD,
  ...POINTER_AUTHENTICATION,
];

const BY_NAME = new Map(RUNTIME_FUNCTIONS.map((entry) => [entry.name, entry]));

/** Throws TypeError for a name that is not declared. */
export function runtimeFunction(name: string): RuntimeFunction {
  const entry = BY_NAME.get(name);
  if (!entry) throw new TypeError(`no runtime function named "${name}"`);
  return entry;
}
