/**
 * What a function's first instructions tell about its frame, for code without call frame information. AAPCS64, "The
 * Frame Pointer"; forms as gcc and clang emit them.
 */
import { controlFlow } from '../stepping/instructions.ts';

/** The frame at one pc, relative to the canonical frame address: the stack pointer at entry. */
export interface PrologueFrame {
  /** CFA - SP. */
  readonly spOffset: bigint;
  /** CFA - X29, once X29 is the function's own frame pointer. */
  readonly fpOffset: bigint | undefined;
  /** Offsets from the CFA (negative) of callee-saved registers that were stored, by DWARF number. */
  readonly saved: ReadonlyMap<number, bigint>;
}

const X19 = 19;
const X29 = 29;
const X30 = 30;
/** No prologue is longer, in bytes. */
const LONGEST = 256n;

/**
 * Reads from a function's entry to the pc, or to the first branch before it.
 * @param readInstruction undefined where nothing is mapped
 */
export function readPrologue(
  entry: bigint,
  pc: bigint,
  readInstruction: (address: bigint) => number | undefined,
): PrologueFrame {
  let spOffset = 0n;
  let fpOffset: bigint | undefined;
  const saved = new Map<number, bigint>();
  const save = (register: number, at: bigint): void => {
    if (register >= X19 && register <= X30 && !saved.has(register)) saved.set(register, at);
  };

  const end = pc - entry > LONGEST ? entry + LONGEST : pc;
  for (let address = entry; address < end; address += 4n) {
    const word = readInstruction(address);
    if (word === undefined || controlFlow(word) !== 'other') break;
    const bits = word >>> 0;
    if ((bits & 0xff8003ff) >>> 0 === 0xd10003ff) {
      // SUB SP, SP, #imm
      spOffset += immediate12(bits);
    } else if ((bits & 0xff8003ff) >>> 0 === 0x910003fd) {
      // ADD X29, SP, #imm, of which MOV X29, SP is one; only once X29 is stored is it this function's.
      if (saved.has(X29)) fpOffset = spOffset - immediate12(bits);
    } else if ((bits & 0xff4003e0) >>> 0 === 0xa90003e0) {
      // STP Xt, Xt2, [SP, #imm], signed offset or (bit 23) pre-index
      const offset = BigInt.asIntN(7, BigInt((bits >>> 15) & 0x7f)) * 8n;
      const isPreIndex = (bits & 0x0080_0000) !== 0;
      if (isPreIndex) spOffset -= offset;
      const at = (isPreIndex ? 0n : offset) - spOffset;
      save(bits & 31, at);
      save((bits >>> 10) & 31, at + 8n);
    } else if ((bits & 0xffc003e0) >>> 0 === 0xf90003e0) {
      // STR Xt, [SP, #imm]
      save(bits & 31, BigInt((bits >>> 10) & 0xfff) * 8n - spOffset);
    } else if ((bits & 0xffe00fe0) >>> 0 === 0xf8000fe0) {
      // STR Xt, [SP, #imm]!
      spOffset -= BigInt.asIntN(9, BigInt((bits >>> 12) & 0x1ff));
      save(bits & 31, -spOffset);
    }
  }
  if (isPopped(entry, pc, readInstruction))
    return { spOffset: 0n, fpOffset: undefined, saved: new Map() };
  return { spOffset, fpOffset, saved };
}

/** Between the instruction that gives the frame back and the return: the frame is that of the entry again. */
function isPopped(
  entry: bigint,
  pc: bigint,
  readInstruction: (address: bigint) => number | undefined,
): boolean {
  const word = readInstruction(pc);
  return pc > entry && word !== undefined && controlFlow(word) === 'return';
}

/** imm12, shifted left by 12 where sh is set. */
function immediate12(bits: number): bigint {
  const value = BigInt((bits >>> 10) & 0xfff);
  return (bits & 0x0040_0000) === 0 ? value : value << 12n;
}
