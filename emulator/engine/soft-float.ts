/**
 * Floating point that WebAssembly's own operators do not give bit for bit: rounding modes, flush
 * to zero, NaN propagation and the cumulative exception flags of FPSR, as WebAssembly functions.
 */
import { FORMATS, HALF } from '../isa/simd-fp/floating-point.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';
import { arithmeticFunctions } from './soft-float-arithmetic.ts';
import { conversionFunctions, shiftElement } from './soft-float-conversion.ts';
import { polynomialFunctions } from './polynomial.ts';
import { estimateFunctions } from './soft-float-estimates.ts';
import { roundFunction } from './soft-float-support.ts';

/** Every function of `isa/runtime-functions.ts` that this engine implements, and their helpers. */
export const softFloatFunctions: readonly RuntimeFunctionDefinition[] = [
  ...FORMATS.map((format) => roundFunction(format)),
  roundFunction(HALF, true),
  ...arithmeticFunctions,
  ...conversionFunctions,
  ...estimateFunctions,
  shiftElement,
  ...polynomialFunctions,
];
