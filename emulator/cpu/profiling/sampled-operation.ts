/**
 * What an instruction is to the Statistical Profiling Extension: its class, and the address of the access
 * that it is about to make. Arm ARM, "The Statistical Profiling Extension", operation types.
 */
import type { CpuState } from '../../engine/cpu-state.ts';

export interface SampledOperation {
  readonly pc: bigint;
  readonly EL: 0 | 1 | 2;
  readonly kind: 'other' | 'loadStore' | 'branch';
  readonly isLoad: boolean;
  readonly isStore: boolean;
  /** The payload of the Operation Type packet. */
  readonly subclass: number;
  /** VA of a load or store; undefined for an instruction that only may access memory. */
  readonly address: bigint | undefined;
}

const COND = 1 << 0;
const INDIRECT = 1 << 1;
const STORE = 1 << 0;
const SIMD_FP = 0x04;
/** Subclasses of loads and stores: bit 1 says that AR, EXCL and AT mean something. */
const EXTENDED = 1 << 1;
const EXCL = 1 << 3;
const AR = 1 << 4;

type Classified = Omit<SampledOperation, 'pc' | 'EL'>;

const bits = (word: number, high: number, low: number): number =>
  (word >>> low) & ((1 << (high - low + 1)) - 1);
const signExtend = (value: number, width: number): bigint =>
  BigInt.asIntN(width, BigInt(value >>> 0));

/** The operation that `word` at the PC is, before it executes. */
export function sampledOperation(word: number, state: CpuState): SampledOperation {
  const { PC: pc, EL } = state;
  return { pc, EL, ...(branch(word) ?? loadStore(word, state) ?? OTHER) };
}

const OTHER: Classified = {
  kind: 'other',
  isLoad: false,
  isStore: false,
  subclass: 0,
  address: undefined,
};

function branchOf(subclass: number): Classified {
  return { ...OTHER, kind: 'branch', subclass };
}

/** Branches and exception returns. Exception-generating instructions are operations of class other. */
function branch(word: number): Classified | undefined {
  // B and BL; CBZ, CBNZ, TBZ and TBNZ; B.cond; BR, BLR, RET, ERET.
  if (bits(word, 30, 26) === 0b00101) return branchOf(0);
  if (bits(word, 30, 25) === 0b011010 || bits(word, 30, 25) === 0b011011) return branchOf(COND);
  if (word >>> 24 === 0x54) return branchOf(COND);
  if (word >>> 25 === 0b1101011) return branchOf(INDIRECT);
  return undefined;
}

function access(subclass: number, isLoad: boolean, address: bigint | undefined): Classified {
  return {
    kind: 'loadStore',
    isLoad,
    isStore: !isLoad,
    subclass: subclass | (isLoad ? 0 : STORE),
    address: address === undefined ? undefined : BigInt.asUintN(64, address),
  };
}

/** "Loads and stores": op0 bit 27 = 1, bit 25 = 0. */
function loadStore(word: number, state: CpuState): Classified | undefined {
  if ((word & 0x0a00_0000) !== 0x0800_0000) return undefined;
  const isVector = bits(word, 26, 26) === 1;
  const Rn = bits(word, 9, 5);
  const base = Rn === 31 ? state.SP : state.X(Rn);
  const group = bits(word, 29, 27);
  if (isVector && group === 0b001 && bits(word, 31, 31) === 0) {
    // Advanced SIMD load/store structures: L is bit 22.
    return access(SIMD_FP, bits(word, 22, 22) === 1, base);
  }
  const data = isVector ? SIMD_FP : 0;
  switch (group) {
    case 0b001: {
      // Exclusive and ordered: o2 is bit 23, L bit 22, o0 bit 15.
      const isExclusive = bits(word, 23, 23) === 0;
      const ordered = bits(word, 15, 15) === 1 ? AR : 0;
      return access(EXTENDED | (isExclusive ? EXCL : 0) | ordered, bits(word, 22, 22) === 1, base);
    }
    case 0b011: {
      if (bits(word, 31, 30) === 0b11 && !isVector) return prefetch();
      const imm19 = signExtend(bits(word, 23, 5), 19);
      return access(data, true, state.PC + 4n * imm19);
    }
    case 0b101:
      return pair(word, base, data);
    case 0b111:
      return single(word, state, base, data);
    default:
      return undefined;
  }
}

/** Accesses no memory in a way that is seen. */
const prefetch = (): Classified => access(0, true, undefined);

function pair(word: number, base: bigint, data: number): Classified {
  const opc = bits(word, 31, 30);
  const scale = data === 0 ? 2 + (opc >> 1) : 2 + opc;
  const isPostIndexed = bits(word, 24, 23) === 0b01;
  const offset = signExtend(bits(word, 21, 15), 7) << BigInt(scale);
  return access(data, bits(word, 22, 22) === 1, isPostIndexed ? base : base + offset);
}

function single(word: number, state: CpuState, base: bigint, data: number): Classified | undefined {
  const size = bits(word, 31, 30);
  const opc = bits(word, 23, 22);
  const isLoad = data === 0 ? opc !== 0 : (opc & 1) === 1;
  if (data === 0 && size === 3 && opc === 2) return prefetch();
  // 128-bit SIMD&FP registers: size = 0b00 and opc<1> = 1.
  const scale = data !== 0 && opc >= 2 ? 4 : size;
  if (bits(word, 24, 24) === 1) {
    return access(data, isLoad, base + (BigInt(bits(word, 21, 10)) << BigInt(scale)));
  }
  const form = bits(word, 11, 10);
  if (bits(word, 21, 21) === 0) {
    const imm9 = signExtend(bits(word, 20, 12), 9);
    return access(data, isLoad, form === 0b01 ? base : base + imm9);
  }
  if (form !== 0b10) return undefined;
  const shift = bits(word, 12, 12) === 1 ? BigInt(scale) : 0n;
  return access(data, isLoad, base + (extended(word, state) << shift));
}

/** The index register of register offset addressing. */
function extended(word: number, state: CpuState): bigint {
  const index = state.xOrZero(bits(word, 20, 16));
  switch (bits(word, 15, 13)) {
    case 0b010:
      return BigInt.asUintN(32, index); // UXTW
    case 0b110:
      return BigInt.asIntN(32, index); // SXTW
    default:
      return index; // LSL, SXTX
  }
}
