/**
 * From a load-exclusive to where its loop ends. Each step of a debugger is an exception, which opens the
 * exclusive monitor, so a store-exclusive that is reached by steps fails for ever: such a region has to run in
 * one piece.
 */
import { isLoadExclusive } from '../cpu/debug/software-step.ts';

export interface ExclusiveRegion {
  /** Addresses of the instructions that execution can leave the region to, the one behind it first. */
  readonly exits: readonly bigint[];
}

/** Instructions between a load-exclusive and its store-exclusive that are looked at. */
const LONGEST = 16;

function isStoreExclusive(word: number): boolean {
  const L = 1 << 22;
  return (word & L) === 0 && isLoadExclusive((word | L) >>> 0);
}

/** The target of a branch to an immediate without link; undefined: another instruction. */
function branchTarget(word: number, pc: bigint): bigint | undefined {
  const offset = (bits: number, lsb: number): bigint =>
    BigInt.asIntN(bits, BigInt(word >>> lsb)) * 4n;
  // B
  if (word >>> 26 === 0b000101) return pc + offset(26, 0);
  // B.cond; CBZ and CBNZ
  if (word >>> 24 === 0x54 || (word & 0x7e00_0000) === 0x3400_0000) return pc + offset(19, 5);
  // TBZ and TBNZ
  if ((word & 0x7e00_0000) === 0x3600_0000) return pc + offset(14, 5);
  return undefined;
}

/** BL, branches to a register, and all that generates an exception: what leads away from here unseen. */
function leaves(word: number): boolean {
  return (
    word >>> 26 === 0b100101 ||
    (word & 0xfe00_0000) >>> 0 === 0xd600_0000 ||
    (word & 0xff00_0000) >>> 0 === 0xd400_0000
  );
}

/** The region that begins at `pc`, or undefined where none does. */
export function exclusiveRegion(
  pc: bigint,
  instruction: (va: bigint) => number | undefined,
): ExclusiveRegion | undefined {
  const first = instruction(pc);
  if (first === undefined || !isLoadExclusive(first)) return undefined;
  const targets: bigint[] = [];
  for (let n = 1; n <= LONGEST; n += 1) {
    const at = pc + BigInt(4 * n);
    const word = instruction(at);
    if (word === undefined || leaves(word)) return undefined;
    const target = branchTarget(word, at);
    if (target !== undefined) targets.push(target);
    if (!isStoreExclusive(word)) continue;
    const again = instruction(at + 4n);
    const retry = again === undefined ? undefined : branchTarget(again, at + 4n);
    const end = retry !== undefined && retry >= pc && retry <= at ? at + 8n : at + 4n;
    const outside = targets.filter((it) => it < pc || it > end);
    return { exits: [end, ...new Set(outside)] };
  }
  return undefined;
}
