/** Where the instructions of the cases come from. */
import { allDefinitions } from '../../emulator/isa/definitions.ts';
import type { CpuModel } from '../../emulator/sysregs/cpu-model.ts';
import { all, systemInstructions } from '../../emulator/sysregs/catalogue.ts';
import { mrsOpcode, msrOpcode } from '../../emulator/sysregs/sysreg.ts';
import { readWordSet } from '../support/disassembly-words.ts';
import type { WordSet } from '../support/disassembly-words.ts';
import { controls } from '../float/compare.ts';
import { floatSource, integerSource } from '../float/operands.ts';
import type { FloatWidth } from '../float/operands.ts';
import { operations, withRegisters } from '../float/operations.ts';
import type { Operation } from '../float/operations.ts';
import * as L from './layout.ts';
import type { RandomBits } from './random-bits.ts';
import {
  NOP,
  encodingOf,
  endsQemu,
  forwardBranch,
  isBranchRegister,
  isLoadOrStore,
  isSafeAtEL1,
  writesFloatingPointControl,
} from './words.ts';

export interface Instructions {
  readonly EL: 0 | 1;
  readonly words: readonly number[];
  /** Replaces parts of the random state in the case's input record. */
  readonly prepare?: (input: Uint32Array) => void;
}
export type Generator = (bits: RandomBits) => Instructions;

/** The words that a single case may branch over: each ends it with another BRK. */
const SINGLE_REACH = 32;
/** One case in so many runs at EL1. */
const EL1_SHARE = 4;

const words = (...sets: readonly WordSet[]): readonly number[] =>
  sets.flatMap((set) => readWordSet(set).map(({ word }) => word));

/** Rd, Rn and Rm of most classes. */
const REGISTER_FIELDS = 0x001f_03ff;

function withRandomRegisters(word: number, bits: RandomBits): number {
  return ((word & ~REGISTER_FIELDS) | (bits.next() & REGISTER_FIELDS)) >>> 0;
}

function single(word: number, bits: RandomBits): Instructions {
  if (endsQemu(word)) return { EL: 0, words: [NOP] };
  const EL = bits.oneIn(EL1_SHARE) && isSafeAtEL1(word) ? 1 : 0;
  return { EL, words: [forwardBranch(word, SINGLE_REACH, bits.next())] };
}

/** Words of real programs and of the assembler's tests with up to three bits turned over. */
function mutated(): Generator {
  const base = words('gcc-O2', 'gcc-O0-O3-Os', 'kut-a72', 'llvm-mc-v80-words');
  return (bits) => {
    let word = bits.pick(base);
    for (let n = bits.below(4); n > 0; n -= 1) word = (word ^ (1 << bits.below(32))) >>> 0;
    return single(bits.oneIn(2) ? withRandomRegisters(word, bits) : word, bits);
  };
}

/** The assembler's tests, Armv8.0 three times in four, else later extensions and invalid words. */
function llvm(): Generator {
  const implemented = words('llvm-mc-v80-words');
  const others = words('llvm-mc-other-words');
  return (bits) => {
    const word = bits.pick(bits.oneIn(4) ? others : implemented);
    return single(bits.oneIn(3) ? withRandomRegisters(word, bits) : word, bits);
  };
}

/** Registers that the harness sets before each case and that keep what is written. */
const WRITABLE_AT_EL1 = [
  'TPIDR_EL0',
  'TPIDRRO_EL0',
  'TPIDR_EL1',
  'CNTV_CVAL_EL0',
  'CNTP_CVAL_EL0',
  'ESR_EL1',
  'FAR_EL1',
  'ELR_EL1',
  'SPSR_EL1',
  'NZCV',
  'DAIF',
  'FPCR',
  'FPSR',
].map(encodingOf);

/** Reads whose value is the same for every Armv8.0 processor in the state the harness leaves. */
const READABLE_AT_EL1 = ['CurrentEL', 'SPSel', 'DAIF', 'NZCV', 'FPCR', 'FPSR', 'DCZID_EL0'].map(
  encodingOf,
);

const MSR_DAIFSET = 0xd50340df;
const MSR_DAIFCLR = 0xd50340ff;
/** CLREX, DSB, DMB, ISB with every CRm, allocated or not. */
const BARRIER_op2 = [0b010, 0b100, 0b101, 0b110] as const;
const EL1_MAINTENANCE = systemInstructions.filter(
  ({ kind, op1 }) =>
    (kind === 'dc' || kind === 'ic' || kind === 'tlbi') && (op1 === 0 || op1 === 3),
);
const EL1_TRANSLATION = systemInstructions.filter(
  ({ kind, op1, CRm, name }) => kind === 'at' && op1 === 0 && (CRm === 8 || name.endsWith('P')),
);
const PAR_EL1 = { encoding: encodingOf('PAR_EL1') };

function hintOrBarrier(bits: RandomBits): number {
  const CRm = bits.below(16) << 8;
  if (bits.oneIn(2)) return (0xd503301f | CRm | (bits.pick(BARRIER_op2) << 5)) >>> 0;
  const hint = (0xd503201f | CRm | (bits.below(8) << 5)) >>> 0;
  return hint;
}

/**
 * The system instruction space: at EL0 all of it, since what is not deterministic is not accessible there;
 * at EL1 what neither breaks the harness nor shows which processor it is.
 */
function system(): Generator {
  const registers = all.map(({ encoding }) => encoding);
  const operations = systemInstructions.map(({ encoding }) => encoding);
  const atEL0 = (bits: RandomBits): number => {
    const Rt = bits.below(32);
    switch (bits.below(8)) {
      case 0:
        return hintOrBarrier(bits);
      case 1:
        return (0xd5000000 | (bits.next() & 0x00ff_ffff)) >>> 0;
      case 2:
        // MSR (immediate), allocated or not
        return (0xd500401f | (bits.next() & 0x0007_0fe0)) >>> 0;
      case 3:
      case 4:
        return (0xd5080000 | ((bits.pick(operations) & 0x3fff) << 5) | Rt) >>> 0;
      case 5:
        return (0xd5100000 | (bits.next() & 0x002f_ffff)) >>> 0;
      default: {
        const encoding = bits.pick(registers);
        return bits.oneIn(2) ? mrsOpcode({ encoding }, Rt) : msrOpcode({ encoding }, Rt);
      }
    }
  };
  const atEL1 = (bits: RandomBits): readonly number[] => {
    const Rt = bits.below(32);
    const read = bits.below(32);
    switch (bits.below(5)) {
      case 0: {
        const { encoding } = bits.pick(EL1_TRANSLATION);
        return [(0xd5000000 | (encoding << 5) | Rt) >>> 0, mrsOpcode(PAR_EL1, read)];
      }
      case 1: {
        const word = hintOrBarrier(bits);
        return [isSafeAtEL1(word) ? word : NOP];
      }
      case 2: {
        const { encoding } = bits.pick(EL1_MAINTENANCE);
        return [(0xd5000000 | (encoding << 5) | Rt) >>> 0];
      }
      case 3: {
        const immediate = bits.oneIn(2) ? MSR_DAIFSET : MSR_DAIFCLR;
        const first = (immediate & ~0xf00) | (bits.below(16) << 8);
        // Interrupts stay masked: A, I and F are only set.
        const word = (immediate === MSR_DAIFCLR ? first & ~0x700 : first) >>> 0;
        return [word, mrsOpcode({ encoding: bits.pick(READABLE_AT_EL1) }, read)];
      }
      default: {
        const encoding = bits.pick(WRITABLE_AT_EL1);
        return [msrOpcode({ encoding }, Rt), mrsOpcode({ encoding }, read)];
      }
    }
  };
  return (bits) =>
    bits.oneIn(EL1_SHARE) ? { EL: 1, words: atEL1(bits) } : { EL: 0, words: [atEL0(bits)] };
}

const SP = 31;
const PAGE_BYTES = 4096;
const CLREX = 0xd503305f;

/**
 * A Load-Exclusive and the Store-Exclusive that belongs to it. Registers are different ones and the address
 * is SP: what else a Store-Exclusive may do is CONSTRAINED UNPREDICTABLE or IMPLEMENTATION DEFINED.
 */
function exclusivePair(bits: RandomBits): readonly number[] {
  const [Rt, Rt2, Rs] = [bits.below(10), 10 + bits.below(10), 20 + bits.below(11)];
  const isPair = bits.oneIn(3);
  const size = isPair ? 2 + bits.below(2) : bits.below(4);
  const common = (size << 30) | (SP << 5) | Rt | (isPair ? (1 << 21) | (Rt2 << 10) : 0x1f << 10);
  const ordered = (): number => bits.below(2) << 15;
  const load = (0x0840_0000 | (0x1f << 16) | common | ordered()) >>> 0;
  const store = (0x0800_0000 | (Rs << 16) | common | ordered()) >>> 0;
  return bits.oneIn(8) ? [load, CLREX, store] : [load, store];
}

/** 4 to 32 words of real programs, some with a bit turned over, with branches that only go forward. */
function sequence(): Generator {
  const real = words('gcc-O2', 'gcc-O0-O3-Os', 'kut-a72');
  const seeds = words('llvm-mc-v80-words');
  const next = (bits: RandomBits): number => {
    for (;;) {
      let word = bits.pick(bits.oneIn(3) ? seeds : real);
      if (bits.oneIn(16)) word = (word ^ (1 << bits.below(32))) >>> 0;
      if (bits.oneIn(2)) word = withRandomRegisters(word, bits);
      // Most random addresses fault and end the case, so there are fewer loads and stores.
      if (isLoadOrStore(word) && bits.oneIn(2)) continue;
      if (
        isBranchRegister(word) ||
        !isSafeAtEL1(word) ||
        writesFloatingPointControl(word) ||
        endsQemu(word)
      )
        continue;
      return word;
    }
  };
  return (bits) => {
    const length = 4 + bits.below(29);
    const list = Array.from({ length }, (_, n) => {
      // At the last word the reach is 1: to the BRK behind it.
      return forwardBranch(next(bits), Math.min(length - n, 8), bits.next());
    });
    const exclusives = bits.oneIn(6) ? exclusivePair(bits) : [];
    if (exclusives.length <= length) {
      list.splice(bits.below(length - exclusives.length + 1), exclusives.length, ...exclusives);
    }
    return { EL: bits.oneIn(EL1_SHARE) ? 1 : 0, words: list };
  };
}

const MRS_FPSR = 0xd53b4420;
const MSR_FPSR_XZR = 0xd51b443f;
const MRS_NZCV = 0xd53b4200;
/** Operands are in V0 to V6, V7 to V13 and V14 to V19 by width, and in X0 to X5. */
const FIRST_OPERAND: Readonly<Record<FloatWidth, number>> = { 64: 0, 32: 7, 16: 14 };
const OPERANDS_OF_WIDTH = 6;
/** Results: FPSR of each operation, X registers and NZCV, V registers. */
const [FLAGS_X, RESULT_X, RESULT_V, OPERATIONS] = [6, 18, 20, 12] as const;

/**
 * Twelve scalar floating-point operations on operands after TestFloat's pattern, each with its FPSR, in one
 * of 16 modes.
 */
function float({ features }: CpuModel): Generator {
  const known = operations.filter(({ needsFP16 }) => !needsFP16 || features.has('FEAT_FP16'));
  // What has several operands has more combinations to try.
  const choice = known.flatMap((it) => Array<Operation>(it.operands.length ** 2).fill(it));
  let sources: ReadonlyMap<string, () => bigint> | undefined;
  const supply = (bits: RandomBits): ReadonlyMap<string, () => bigint> => {
    const random = (): number => bits.next() / 2 ** 32;
    return new Map([
      ...([16, 32, 64] as const).map((N) => [`float${N}`, floatSource(N, random)] as const),
      ...([32, 64] as const).map((N) => [`integer${N}`, integerSource(N, random)] as const),
    ]);
  };
  return (bits) => {
    const draw = (sources ??= supply(bits));
    const words = Array.from({ length: OPERATIONS }, (_, n) => {
      const { word, operands, result } = bits.pick(choice);
      const [Rn, Rm, Ra] = operands.map(({ kind, N }) => {
        if (kind === 'integer') return bits.below(OPERANDS_OF_WIDTH);
        return FIRST_OPERAND[N] + bits.below(OPERANDS_OF_WIDTH);
      });
      const Rd = result === 'V' ? RESULT_V + n : result === 'X' ? RESULT_X + n : 0;
      const registers = { Rd, Rn: Rn ?? 0, Rm: Rm ?? 0, Ra: Ra ?? 0 };
      const flags = result === 'NZCV' ? [MRS_NZCV | (RESULT_X + n)] : [];
      return [
        withRegisters(word, registers),
        (MRS_FPSR | (FLAGS_X + n)) >>> 0,
        MSR_FPSR_XZR,
        ...flags.map((it) => it >>> 0),
      ];
    }).flat();
    const prepare = (input: Uint32Array): void => {
      const wide = new BigUint64Array(input.buffer, input.byteOffset, input.length / 2);
      for (let n = 0; n < OPERANDS_OF_WIDTH; n += 1) {
        wide[n] = draw.get(bits.oneIn(2) ? 'integer32' : 'integer64')?.() ?? 0n;
        for (const N of [16, 32, 64] as const) {
          const at = L.V / 8 + 2 * (FIRST_OPERAND[N] + n);
          wide[at] = draw.get(`float${N}`)?.() ?? 0n;
        }
      }
      wide[L.FPCR / 8] = BigInt(bits.pick(controls));
      wide[L.FPSR / 8] = 0n;
    };
    return { EL: 0, words, prepare };
  };
}

/**
 * Every encoding class as often as any other, with random fields; half of them those that need a feature
 * which Armv8.0 does not have.
 */
function encodings(): Generator {
  const later = allDefinitions.filter(
    (it) => it.feature !== undefined || Object.hasOwn(it, 'featureOf'),
  );
  return (bits) => {
    const { encoding } = bits.pick(bits.oneIn(2) ? later : allDefinitions);
    const word = (encoding.value | (bits.next() & ~encoding.mask)) >>> 0;
    return single(word, bits);
  };
}

const PAUTH_REGISTERS = 4;
/** PACIAZ to AUTIBSP, PACIA1716 and its relatives, XPACLRI: hints by number. */
const POINTER_HINTS = [7, 8, 10, 12, 14, 24, 25, 26, 27, 28, 29, 30, 31] as const;

/**
 * Signs, authenticates and strips the same few pointers, so that codes are right more often than by chance;
 * at the end, perhaps, a load or a branch by one of them.
 */
function pointerAuthentication(): Generator {
  const register = (bits: RandomBits): number => bits.below(PAUTH_REGISTERS);
  const one = (bits: RandomBits): number => {
    const [Rd, Rn] = [register(bits), bits.oneIn(4) ? SP : register(bits)];
    switch (bits.below(8)) {
      case 0:
        return (0xd503201f | (bits.pick(POINTER_HINTS) << 5)) >>> 0;
      case 1:
        return (0x9ac03000 | (Rn << 16) | (register(bits) << 5) | Rd) >>> 0; // PACGA
      default: {
        const opcode = bits.below(18);
        return (0xdac10000 | (opcode << 10) | ((opcode < 8 ? Rn : 31) << 5) | Rd) >>> 0;
      }
    }
  };
  /** LDRAA and LDRAB; BRAA, BLRAA, RETAA and their relatives */
  const last = (bits: RandomBits): number => {
    const isB = bits.below(2);
    const [Rn, Rm] = [register(bits), bits.oneIn(4) ? SP : register(bits)];
    switch (bits.below(5)) {
      case 0:
        return (0xd65f0bff | (isB << 10)) >>> 0;
      case 1:
        return (0xd71f0800 | (bits.below(2) << 21) | (isB << 10) | (Rn << 5) | Rm) >>> 0;
      case 2:
        return (0xd61f081f | (bits.below(2) << 21) | (isB << 10) | (Rn << 5)) >>> 0;
      default: {
        const imm9 = bits.oneIn(2) ? 0 : bits.below(8);
        const W = bits.below(2) << 11;
        const Rt = bits.below(31);
        return (0xf8200400 | (isB << 23) | (imm9 << 12) | W | (Rn << 5) | Rt) >>> 0;
      }
    }
  };
  const general = (bits: RandomBits): Instructions => {
    const words = Array.from({ length: 2 + bits.below(6) }, () => one(bits));
    if (bits.oneIn(2)) words.push(last(bits));
    return { EL: bits.oneIn(EL1_SHARE) ? 1 : 0, words };
  };
  /** A pointer that is signed and used with the same key and modifier. */
  const roundTrip = (bits: RandomBits): Instructions => {
    const [Rd, Rn, key] = [register(bits), bits.oneIn(4) ? SP : PAUTH_REGISTERS, bits.below(4)];
    const sign = (0xdac10000 | (key << 10) | (Rn << 5) | Rd) >>> 0;
    const authenticate = (sign | (4 << 10)) >>> 0;
    const load = (0xf9400000 | (Rd << 5) | 5) >>> 0;
    return { EL: bits.oneIn(EL1_SHARE) ? 1 : 0, words: [sign, authenticate, load] };
  };
  return (bits) => (bits.oneIn(3) ? roundTrip(bits) : general(bits));
}

/** BTI with each of its targets, PACIASP, PACIBSP, BRK, HLT, NOP. */
const LANDINGS = [
  ...[0xd503241f, 0xd503245f, 0xd503249f, 0xd50324df, 0xd503233f, 0xd503237f],
  ...[0xd4200000, 0xd4400000, NOP],
] as const;

/**
 * Indirect branches to instructions that are, or are not, targets for them, in guarded pages and others (every
 * other page of code is guarded); and cases that start with a PSTATE.BTYPE other than 0.
 */
function branchTarget(): Generator {
  const base = words('gcc-O2', 'llvm-mc-v80-words');
  const landing = (bits: RandomBits): number => {
    for (;;) {
      const word = bits.oneIn(3) ? bits.pick(base) : bits.pick(LANDINGS);
      if (!isSafeAtEL1(word) || isBranchRegister(word) || endsQemu(word)) continue;
      if (writesFloatingPointControl(word)) continue;
      return forwardBranch(word, 2, bits.next());
    }
  };
  return (bits) => {
    const EL = bits.oneIn(EL1_SHARE) ? 1 : 0;
    const prepare = (input: Uint32Array): void => {
      // Words of other cases are executed too, whose explained differences would not be seen for what they are.
      input[L.SP / 4] = (input[L.SP / 4] ?? 0) & ~15;
      input[L.TCR_EL1 / 4 + 1] = 0;
      if (bits.oneIn(4)) input[L.NZCV / 4] = (input[L.NZCV / 4] ?? 0) | (bits.below(4) << 10);
    };
    const n = bits.oneIn(3) ? 16 + bits.below(2) : bits.below(31);
    const distance = 2 + bits.below(3);
    // ADR to a word of this case, or of the one that stands in the next page.
    const bytes = 4 * distance + (bits.oneIn(3) ? PAGE_BYTES : 0);
    const adr = (0x10000000 | ((bytes & 3) << 29) | ((bytes >> 2) << 5) | n) >>> 0;
    // BR, BLR, RET
    const branch = (0xd61f0000 | (bits.below(3) << 21) | (n << 5)) >>> 0;
    const landings = Array.from({ length: 4 }, () => landing(bits));
    return { EL, words: bits.oneIn(8) ? landings : [adr, branch, ...landings], prepare };
  };
}

export const generators = {
  mutated,
  llvm,
  system,
  sequence,
  float,
  encodings,
  'pointer-authentication': pointerAuthentication,
  'branch-target': branchTarget,
} as const satisfies Record<string, (model: CpuModel) => Generator>;
export type GeneratorName = keyof typeof generators;
export const generatorNames = Object.keys(generators) as readonly GeneratorName[];
