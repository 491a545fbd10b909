/** What the oracle has to know of an instruction word to keep its cases finite and comparable. */
import { createDecoder } from '../../emulator/isa/decode.ts';
import { allDefinitions } from '../../emulator/isa/definitions.ts';
import { byName } from '../../emulator/sysregs/catalogue.ts';

export const NOP = 0xd503201f;

const is = (word: number, mask: number, value: number): boolean => (word & mask) >>> 0 === value;

/** B, BL */
const isBranchImmediate = (word: number): boolean => is(word, 0x7c000000, 0x14000000);
/** B.cond */
const isConditionalBranch = (word: number): boolean => is(word, 0xff000010, 0x54000000);
const isCompareAndBranch = (word: number): boolean => is(word, 0x7e000000, 0x34000000);
const isTestAndBranch = (word: number): boolean => is(word, 0x7e000000, 0x36000000);
/** BR, BLR, RET, ERET, DRPS and the rest of their class. */
export const isBranchRegister = (word: number): boolean => is(word, 0xfe000000, 0xd6000000);
export const isSystem = (word: number): boolean => is(word, 0xff000000, 0xd5000000);
export const isLoadOrStore = (word: number): boolean => is(word, 0x0a000000, 0x08000000);

const WFI = 0xd503207f;
/** ERET, ERETAA, ERETAB */
const ERETS = 0xd69f0000;

/** B and BL further than this leave the code region whatever slot they stand in. */
const FAR_BRANCH_WORDS = 0x10_0000 / 4;

/**
 * Turns direct branches into forward ones of 1 to `reach` words, so that no case loops and none runs into
 * another's slot. A branch that leaves the code region stays: it ends as an Instruction Abort.
 */
export function forwardBranch(word: number, reach: number, random: number): number {
  const distance = 1 + (random % reach);
  if (isBranchImmediate(word)) {
    const words = (word << 6) >> 6;
    if (Math.abs(words) > FAR_BRANCH_WORDS) return word;
    return ((word & 0xfc000000) | distance) >>> 0;
  }
  if (isConditionalBranch(word) || isCompareAndBranch(word)) {
    return ((word & 0xff00001f) | (distance << 5)) >>> 0;
  }
  if (isTestAndBranch(word)) return ((word & 0xfff8001f) | (distance << 5)) >>> 0;
  return word;
}

/** HVC and SMC are for the board's firmware at EL1. */
const isFirmwareCall = (word: number): boolean =>
  is(word, 0xffe0001f, 0xd4000002) || is(word, 0xffe0001f, 0xd4000003);

/** MSR FPCR and MSR FPSR; the two processors keep different bits. */
export const writesFloatingPointControl = (word: number): boolean =>
  is(word, 0xffffffc0, 0xd51b4400);

/** What an MRS or MSR at EL1 may name among random instructions, as packed encodings. */
const HARMLESS_REGISTERS = ['NZCV', 'FPCR', 'FPSR', 'TPIDR_EL0'].map(encodingOf);

export function encodingOf(name: string): number {
  const register = byName(name);
  if (register === undefined) throw new RangeError(`there is no register ${name}`);
  return register.encoding;
}

/** Whether the harness survives this word at EL1, and the result does not depend on its own state. */
export function isSafeAtEL1(word: number): boolean {
  if (isFirmwareCall(word)) return false;
  if (word === WFI || is(word, 0xfffff000, ERETS)) return false;
  if (!isSystem(word)) return true;
  const isHintOrBarrier = is(word, 0xfffff01f, 0xd503201f) || is(word, 0xfffff01f, 0xd503301f);
  if (isHintOrBarrier) return true;
  const isMove = (word & 0x00100000) !== 0;
  return isMove && HARMLESS_REGISTERS.includes((word >>> 5) & 0xffff);
}

const everything = createDecoder(allDefinitions);

/** Advanced SIMD two-register miscellaneous (FP16), vector and scalar: QEMU aborts at words it does not allocate. */
const isTwoRegisterHalf = (word: number): boolean => is(word, 0x8f7e0c00, 0x0e780800);

/** Whether QEMU itself ends, with a failed assertion, when it translates this word. */
export function endsQemu(word: number): boolean {
  return isTwoRegisterHalf(word) && everything.decode(word) === undefined;
}
