/** The instructions of Advanced SIMD and floating point, their structure loads and stores included. */
import type { Instruction } from '../instruction.ts';
import {
  advancedSIMDModifiedImmediateFP16,
  advancedSIMDScalarThreeSameFP16,
  advancedSIMDScalarTwoRegisterMiscellaneousFP16,
  advancedSIMDThreeSameFP16,
  advancedSIMDTwoRegisterMiscellaneousFP16,
} from './advanced-simd-half-precision.ts';
import {
  advancedSIMDAcrossLanes,
  advancedSIMDScalarPairwise,
} from './advanced-simd-across-lanes.ts';
import { advancedSIMDCopy, advancedSIMDScalarCopy } from './advanced-simd-copy.ts';
import { advancedSIMDModifiedImmediate } from './advanced-simd-modified-immediate.ts';
import {
  advancedSIMDExtract,
  advancedSIMDPermute,
  advancedSIMDTableLookup,
} from './advanced-simd-permute.ts';
import {
  advancedSIMDScalarShiftByImmediate,
  advancedSIMDShiftByImmediate,
} from './advanced-simd-shift-by-immediate.ts';
import {
  advancedSIMDScalarThreeDifferent,
  advancedSIMDThreeDifferent,
} from './advanced-simd-three-different.ts';
import {
  advancedSIMDScalarThreeSameExtra,
  advancedSIMDThreeSameExtra,
  complexMultiplyByElement,
  dotProductByElement,
} from './advanced-simd-three-same-extra.ts';
import { advancedSIMDScalarThreeSame, advancedSIMDThreeSame } from './advanced-simd-three-same.ts';
import {
  advancedSIMDScalarTwoRegisterMiscellaneous,
  advancedSIMDTwoRegisterMiscellaneous,
} from './advanced-simd-two-register-misc.ts';
import {
  advancedSIMDScalarByElement,
  advancedSIMDVectorByElement,
} from './advanced-simd-vector-by-element.ts';
import {
  cryptographicAES,
  cryptographicThreeRegisterSHA1,
  cryptographicThreeRegisterSHA256,
  cryptographicTwoRegisterSHA1,
  cryptographicTwoRegisterSHA256,
  polynomialMultiplyLong64,
} from './cryptographic.ts';
import {
  floatingPointCompare,
  floatingPointConditionalCompare,
  floatingPointConditionalSelect,
  floatingPointImmediate,
} from './floating-point-compare.ts';
import {
  conversionBetweenFloatingPointAndFixedPoint,
  conversionBetweenFloatingPointAndInteger,
  floatingPointJavascriptConvert,
} from './floating-point-conversion.ts';
import {
  floatingPointDataProcessing1Source,
  floatingPointDataProcessing2Source,
  floatingPointDataProcessing3Source,
} from './floating-point-data-processing.ts';
import {
  loadStoreMultipleStructures,
  loadStoreMultipleStructuresPostIndexed,
  loadStoreSingleStructure,
  loadStoreSingleStructurePostIndexed,
} from './load-store-structures.ts';

export const simdFpDefinitions: readonly Instruction[] = [
  floatingPointDataProcessing1Source,
  floatingPointDataProcessing2Source,
  floatingPointDataProcessing3Source,
  floatingPointCompare,
  floatingPointConditionalCompare,
  floatingPointConditionalSelect,
  floatingPointImmediate,
  conversionBetweenFloatingPointAndFixedPoint,
  conversionBetweenFloatingPointAndInteger,
  advancedSIMDThreeSame,
  advancedSIMDScalarThreeSame,
  advancedSIMDThreeDifferent,
  advancedSIMDScalarThreeDifferent,
  advancedSIMDTwoRegisterMiscellaneous,
  advancedSIMDScalarTwoRegisterMiscellaneous,
  advancedSIMDAcrossLanes,
  advancedSIMDScalarPairwise,
  advancedSIMDCopy,
  advancedSIMDScalarCopy,
  advancedSIMDModifiedImmediate,
  advancedSIMDShiftByImmediate,
  advancedSIMDScalarShiftByImmediate,
  advancedSIMDVectorByElement,
  advancedSIMDScalarByElement,
  advancedSIMDPermute,
  advancedSIMDExtract,
  advancedSIMDTableLookup,
  loadStoreMultipleStructures,
  loadStoreMultipleStructuresPostIndexed,
  loadStoreSingleStructure,
  loadStoreSingleStructurePostIndexed,
];

/** FEAT_RDM, FEAT_DotProd, FEAT_FCMA, FEAT_JSCVT. */
export const laterSimdFpDefinitions: readonly Instruction[] = [
  advancedSIMDThreeSameExtra,
  advancedSIMDScalarThreeSameExtra,
  dotProductByElement,
  complexMultiplyByElement,
  floatingPointJavascriptConvert,
];

/** FEAT_FP16. */
export const halfPrecisionDefinitions: readonly Instruction[] = [
  advancedSIMDThreeSameFP16,
  advancedSIMDScalarThreeSameFP16,
  advancedSIMDTwoRegisterMiscellaneousFP16,
  advancedSIMDScalarTwoRegisterMiscellaneousFP16,
  advancedSIMDModifiedImmediateFP16,
];

/** FEAT_AES, FEAT_PMULL, FEAT_SHA1 and FEAT_SHA256. */
export const cryptographicDefinitions: readonly Instruction[] = [
  cryptographicAES,
  cryptographicThreeRegisterSHA1,
  cryptographicThreeRegisterSHA256,
  cryptographicTwoRegisterSHA1,
  cryptographicTwoRegisterSHA256,
  polynomialMultiplyLong64,
];
