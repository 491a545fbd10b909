/** Every instruction that the processor implements. */
import type { Instruction } from './instruction.ts';
import { barriers } from './branches/barriers.ts';
import { compareAndBranchImmediate } from './branches/compare-and-branch-immediate.ts';
import { conditionalBranchImmediate } from './branches/conditional-branch-immediate.ts';
import { exceptionGeneration } from './branches/exception-generation.ts';
import { hints } from './branches/hints.ts';
import { hintsPointerAuthentication } from './branches/hints-pointer-authentication.ts';
import { permanentlyUndefined } from './branches/permanently-undefined.ts';
import { pstate } from './branches/pstate.ts';
import {
  dataCacheZeroByVirtualAddress,
  systemInstructions,
} from './branches/system-instructions.ts';
import { systemRegisterMove } from './branches/system-register-move.ts';
import { testAndBranchImmediate } from './branches/test-and-branch-immediate.ts';
import { unconditionalBranchImmediate } from './branches/unconditional-branch-immediate.ts';
import { unconditionalBranchRegister } from './branches/unconditional-branch-register.ts';
import { unconditionalBranchRegisterPointerAuthentication } from './branches/unconditional-branch-register-pointer-authentication.ts';
import { addSubtractImmediate } from './dp-immediate/add-subtract-immediate.ts';
import { bitfield } from './dp-immediate/bitfield.ts';
import { extract } from './dp-immediate/extract.ts';
import { logicalImmediate } from './dp-immediate/logical-immediate.ts';
import { moveWideImmediate } from './dp-immediate/move-wide-immediate.ts';
import { pcRelativeAddressing } from './dp-immediate/pc-relative-addressing.ts';
import { addSubtractExtendedRegister } from './dp-register/add-subtract-extended-register.ts';
import { addSubtractShiftedRegister } from './dp-register/add-subtract-shifted-register.ts';
import { addSubtractWithCarry } from './dp-register/add-subtract-with-carry.ts';
import {
  conditionalCompareImmediate,
  conditionalCompareRegister,
} from './dp-register/conditional-compare.ts';
import { conditionalSelect } from './dp-register/conditional-select.ts';
import { crc32 } from './dp-register/crc32.ts';
import {
  evaluateIntoFlags,
  invertCarry,
  rotateRightIntoFlags,
} from './dp-register/flag-manipulation.ts';
import { dataProcessing1Source } from './dp-register/data-processing-1-source.ts';
import { dataProcessing2Source } from './dp-register/data-processing-2-source.ts';
import { dataProcessing3Source } from './dp-register/data-processing-3-source.ts';
import { logicalShiftedRegister } from './dp-register/logical-shifted-register.ts';
import {
  pointerAuthentication1Source,
  pointerAuthentication2Source,
} from './dp-register/pointer-authentication.ts';
import {
  atomicMemoryOperations,
  compareAndSwap,
  compareAndSwapPair,
  loadAcquireRCpc,
} from './loads-stores/atomic-memory-operations.ts';
import { loadAcquireRCpcUnscaled } from './loads-stores/load-acquire-rcpc-unscaled.ts';
import {
  loadRegisterLiteral,
  loadRegisterLiteralSIMD,
} from './loads-stores/load-register-literal.ts';
import {
  loadStoreExclusivePair,
  loadStoreExclusiveRegister,
} from './loads-stores/load-store-exclusive.ts';
import { loadStoreOrdered } from './loads-stores/load-store-ordered.ts';
import {
  loadStoreRegisterIndexed,
  loadStoreRegisterIndexedSIMD,
} from './loads-stores/load-store-register-indexed.ts';
import { loadStoreRegisterPac } from './loads-stores/load-store-register-pac.ts';
import {
  loadStoreRegisterPair,
  loadStoreRegisterPairSIMD,
} from './loads-stores/load-store-register-pair.ts';
import {
  loadStoreRegisterRegisterOffset,
  loadStoreRegisterRegisterOffsetSIMD,
} from './loads-stores/load-store-register-register-offset.ts';
import { loadStoreRegisterUnprivileged } from './loads-stores/load-store-register-unprivileged.ts';
import {
  loadStoreRegisterUnscaledImmediate,
  loadStoreRegisterUnscaledImmediateSIMD,
} from './loads-stores/load-store-register-unscaled-immediate.ts';
import {
  loadStoreRegisterUnsignedImmediate,
  loadStoreRegisterUnsignedImmediateSIMD,
} from './loads-stores/load-store-register-unsigned-immediate.ts';
import {
  cryptographicDefinitions,
  halfPrecisionDefinitions,
  laterSimdFpDefinitions,
  simdFpDefinitions,
} from './simd-fp/definitions.ts';

/** Integer, branch, load/store and system instructions. */
export const integerDefinitions: readonly Instruction[] = [
  permanentlyUndefined,
  pcRelativeAddressing,
  addSubtractImmediate,
  logicalImmediate,
  moveWideImmediate,
  bitfield,
  extract,
  conditionalBranchImmediate,
  exceptionGeneration,
  hints,
  hintsPointerAuthentication,
  barriers,
  pstate,
  dataCacheZeroByVirtualAddress,
  systemInstructions,
  systemRegisterMove,
  unconditionalBranchRegister,
  unconditionalBranchRegisterPointerAuthentication,
  unconditionalBranchImmediate,
  compareAndBranchImmediate,
  testAndBranchImmediate,
  logicalShiftedRegister,
  addSubtractShiftedRegister,
  addSubtractExtendedRegister,
  addSubtractWithCarry,
  conditionalCompareRegister,
  conditionalCompareImmediate,
  conditionalSelect,
  dataProcessing1Source,
  pointerAuthentication1Source,
  dataProcessing2Source,
  pointerAuthentication2Source,
  crc32,
  dataProcessing3Source,
  loadRegisterLiteral,
  loadRegisterLiteralSIMD,
  loadStoreExclusivePair,
  loadStoreExclusiveRegister,
  loadStoreOrdered,
  loadStoreRegisterIndexed,
  loadStoreRegisterIndexedSIMD,
  loadStoreRegisterPac,
  loadStoreRegisterPair,
  loadStoreRegisterPairSIMD,
  loadStoreRegisterRegisterOffset,
  loadStoreRegisterRegisterOffsetSIMD,
  loadStoreRegisterUnprivileged,
  loadStoreRegisterUnscaledImmediate,
  loadStoreRegisterUnscaledImmediateSIMD,
  loadStoreRegisterUnsignedImmediate,
  loadStoreRegisterUnsignedImmediateSIMD,
  atomicMemoryOperations,
  compareAndSwap,
  compareAndSwapPair,
  loadAcquireRCpc,
  loadAcquireRCpcUnscaled,
  rotateRightIntoFlags,
  evaluateIntoFlags,
  invertCarry,
];

/** With every feature; `features.ts` says which of them a processor has. */
export const allDefinitions: readonly Instruction[] = [
  ...integerDefinitions,
  ...simdFpDefinitions,
  ...cryptographicDefinitions,
  ...laterSimdFpDefinitions,
  ...halfPrecisionDefinitions,
];
