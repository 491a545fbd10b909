/** Random controls of translation, and an access through them. */
import { referenceTranslate } from '../../support/reference-walker.ts';
import type { ReferenceRegisters } from '../../support/reference-walker.ts';
import type { RandomBits } from '../random-bits.ts';
import { FIRST_AT, FIRST_EL2_AT, accesses } from './accesses.ts';
import type { Access } from './accesses.ts';
import * as L from './layout.ts';
import type { BuiltRoot, Tables } from './tables.ts';

export interface TranslationCase {
  readonly registers: Record<L.InputRegister, bigint>;
  /** What is executed at PC; undefined for a fetch from a random address. */
  readonly access: Access | undefined;
}

const SCTLR_EL1_RES1 = 0x30d0_0800n;
const SCTLR_EL2_OFF = 0x30c5_0830n;
const M = 1n << 0n;
const A = 1n << 1n;
const C = 1n << 2n;
const SA = 1n << 3n;
const SA0 = 1n << 4n;
const I = 1n << 12n;
const DZE = 1n << 14n;
const WXN = 1n << 19n;
const HCR_VM = 1n << 0n;
const HCR_PTW = 1n << 2n;
const HCR_DC = 1n << 12n;
const HCR_RW = 1n << 31n;
const HCR_CD = 1n << 32n;
const HCR_ID = 1n << 33n;

/** PSTATE of each EL with SP_ELx, DAIF masked. */
const SPSR = { 0: 0x3c0n, 1: 0x3c5n, 2: 0x3c9n } as const;

const UPPER_HALF = 0xffff_ff80_0000_0000n;
/** 39-bit addresses, 4 KB granules, cacheable tables. */
const IMAGE_TnSZ = 25n;
const PHYSICAL_ADDRESS_BITS = 40;
const KINDS_OF_MEMORY = [0x00, 0x04, 0x0c, 0x44, 0xaa, 0xff, 0xbb, 0x4f, 0xee, 0xf4] as const;

const percent = (bits: RandomBits, chance: number): boolean => bits.below(100) < chance;
const wide = (bits: RandomBits): bigint => (BigInt(bits.next()) << 32n) | BigInt(bits.next());
const flag = (bits: RandomBits, chance: number, value: bigint): bigint =>
  percent(bits, chance) ? value : 0n;

/** Attr0, which the image has, is Normal Write-Back. */
function randomMAIR(bits: RandomBits): bigint {
  let MAIR = 0xffn;
  for (let n = 1n; n < 8n; n += 1n) MAIR |= BigInt(bits.pick(KINDS_OF_MEMORY)) << (8n * n);
  return MAIR;
}

/** IPS or PS: mostly 40 bits, what the processor has; else less. */
const randomPS = (bits: RandomBits): bigint => BigInt(percent(bits, 70) ? 2 : bits.below(2));

function TG0(granuleBits: number): bigint {
  return granuleBits === 12 ? 0n : granuleBits === 14 ? 2n : 1n;
}

function VTCR(bits: RandomBits, root: BuiltRoot): bigint {
  const SL0 = BigInt(root.granuleBits === 12 ? 2 - root.startLevel : 3 - root.startLevel);
  const walkAttributes = BigInt(bits.below(64)) << 8n;
  const T0SZ = BigInt(64 - root.inputBits);
  const TG = TG0(root.granuleBits) << 14n;
  // QEMU takes an IPA wider than PS, rather than than the processor's addresses, for a mistake.
  const least = root.inputBits <= 32 ? 0 : root.inputBits <= 36 ? 1 : 2;
  const PS = BigInt(percent(bits, 70) ? 2 : Math.max(least, bits.below(2)));
  return (1n << 31n) | T0SZ | (SL0 << 6n) | walkAttributes | TG | (PS << 16n);
}

/** An address below 2^`width`: mostly one whose offset in any block is that of the data. */
function lowAddress(bits: RandomBits, width: number): bigint {
  const offset = BigInt(L.DATA % 2 ** 30) + BigInt(bits.below(L.DATA_BYTES));
  const upper = BigInt.asUintN(width, wide(bits));
  if (percent(bits, 45)) return BigInt.asUintN(width, (upper & ~0x3fff_ffffn) | offset);
  if (percent(bits, 30)) return BigInt.asUintN(width, BigInt(L.DATA) + BigInt(bits.below(0x4000)));
  return upper;
}

function aligned(bits: RandomBits, address: bigint): bigint {
  return percent(bits, 75) ? address & ~15n : address;
}

/** Everything but what is executed: controls, and an address to use. */
interface Regime {
  readonly registers: Record<L.InputRegister, bigint>;
  /** Where the image stands for it. */
  readonly image: bigint;
  readonly address: bigint;
}

function blank(): Record<L.InputRegister, bigint> {
  const registers = Object.fromEntries(L.INPUT_REGISTERS.map((name) => [name, 0n]));
  return registers as Record<L.InputRegister, bigint>;
}

function EL10Regime(bits: RandomBits, tables: Tables): Regime {
  const registers = blank();
  registers.SCTLR_EL2 = SCTLR_EL2_OFF;
  registers.SCTLR_EL1 =
    SCTLR_EL1_RES1 |
    DZE |
    SA0 |
    SA |
    flag(bits, 94, M) |
    flag(bits, 15, A) |
    flag(bits, 80, C) |
    flag(bits, 80, I) |
    flag(bits, 25, WXN);
  registers.MAIR_EL1 = randomMAIR(bits);

  const imageIsUpper = bits.oneIn(2);
  const TnSZ = 16 + bits.below(24);
  const TG = bits.below(3);
  const disabled = flag(bits, 3, 1n);
  const random =
    BigInt(TnSZ) |
    (disabled << 7n) |
    (BigInt(bits.below(64)) << 8n) |
    (BigInt(imageIsUpper ? TG : ([2, 1, 3][TG] ?? 2)) << 14n);
  const fixed = IMAGE_TnSZ | (0x35n << 8n) | ((imageIsUpper ? 2n : 0n) << 14n);
  const [lower, upper] = imageIsUpper ? [random, fixed] : [fixed, random];
  registers.TCR_EL1 =
    lower |
    (upper << 16n) |
    flag(bits, 20, 1n << 22n) |
    (randomPS(bits) << 32n) |
    flag(bits, 50, 1n << 36n) |
    flag(bits, 40, 1n << 37n) |
    flag(bits, 40, 1n << 38n);
  const ASID = BigInt(bits.next() & 0xffff) << 48n;
  const randomRoot =
    ASID |
    (percent(bits, 97)
      ? BigInt(L.STAGE1_RANDOM + 0x1_0000 * bits.below(8) + (bits.oneIn(4) ? 0x4000 : 0))
      : BigInt.asUintN(48, wide(bits)) & ~0xffffn);
  const imageRoot = BigInt(L.IMAGE_TABLES) | (BigInt(bits.next() & 0xffff) << 48n);
  registers.TTBR0_EL1 = imageIsUpper ? randomRoot : imageRoot;
  registers.TTBR1_EL1 = imageIsUpper ? imageRoot : randomRoot;

  // Not TGE, with which QEMU goes on to use the tables of stage 1.
  registers.HCR_EL2 =
    HCR_RW |
    flag(bits, 50, HCR_VM) |
    flag(bits, 20, HCR_PTW) |
    flag(bits, 4, HCR_DC) |
    flag(bits, 12, HCR_CD) |
    flag(bits, 12, HCR_ID);
  const root = bits.pick(tables.stage2);
  registers.VTCR_EL2 = VTCR(bits, root);
  registers.VTTBR_EL2 = BigInt(root.base) | (BigInt(bits.next() & 0xff) << 48n);

  const isOff = (registers.SCTLR_EL1 & M) === 0n || (registers.HCR_EL2 & HCR_DC) !== 0n;
  const image = (isOff || !imageIsUpper ? 0n : UPPER_HALF) + BigInt(L.IMAGE);
  registers.VBAR_EL1 = image + BigInt(L.EL1_VECTORS - L.IMAGE);

  let address: bigint;
  if (isOff) {
    address = lowAddress(bits, percent(bits, 90) ? 40 : 48);
  } else {
    const width = 64 - TnSZ;
    address = lowAddress(bits, width);
    if (!imageIsUpper) address = BigInt.asUintN(64, address - (1n << BigInt(width)));
  }
  if (percent(bits, 15)) address = BigInt.asUintN(56, address) | (wide(bits) & (0xffn << 56n));
  if (percent(bits, 4)) address = wide(bits);
  return { registers, image, address: aligned(bits, address) };
}

function EL2Regime(bits: RandomBits, tables: Tables): Regime {
  const registers = blank();
  registers.SCTLR_EL1 = SCTLR_EL1_RES1;
  registers.SCTLR_EL2 =
    SCTLR_EL2_OFF |
    flag(bits, 97, M) |
    flag(bits, 15, A) |
    flag(bits, 80, C) |
    flag(bits, 80, I) |
    flag(bits, 25, WXN);
  registers.MAIR_EL2 = randomMAIR(bits);
  registers.HCR_EL2 = HCR_RW;
  const root = bits.pick(tables.EL2);
  const RES1 = (1n << 31n) | (1n << 23n);
  registers.TCR_EL2 =
    RES1 |
    BigInt(64 - root.inputBits) |
    (BigInt(bits.below(64)) << 8n) |
    (TG0(root.granuleBits) << 14n) |
    (randomPS(bits) << 16n) |
    flag(bits, 40, 1n << 20n);
  registers.TTBR0_EL2 = BigInt(root.base);
  let address = lowAddress(bits, root.inputBits);
  if (percent(bits, 15)) address = BigInt.asUintN(56, address) | (wide(bits) & (0xffn << 56n));
  if (percent(bits, 4)) address = wide(bits);
  return { registers, image: BigInt(L.IMAGE), address: aligned(bits, address) };
}

const ATTEMPTS = 40;

/** A case whose access, if it is made, neither leaves the known memory nor changes the tables. */
export function randomCase(bits: RandomBits, tables: Tables): TranslationCase {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const found = attemptCase(bits, tables);
    if (isHarmless(found, tables)) return found;
  }
  throw new RangeError('no harmless access was found');
}

function attemptCase(bits: RandomBits, tables: Tables): TranslationCase {
  const choice = bits.below(10);
  const isEL2 = choice >= 8;
  const { registers, image, address } = isEL2 ? EL2Regime(bits, tables) : EL10Regime(bits, tables);
  registers.X0 = wide(bits);
  registers.X2 = wide(bits);
  const EL = isEL2 || choice === 7 ? 2 : choice === 6 ? 1 : bits.oneIn(2) ? 1 : 0;
  registers.SPSR = SPSR[EL];
  const isAT = choice === 6 || choice === 7 || (isEL2 && bits.oneIn(4));
  if (!isAT && bits.oneIn(4)) {
    registers.PC = bits.oneIn(16) ? address : address & ~3n;
    return { registers, access: undefined };
  }
  registers.X1 = address;
  let n: number;
  if (!isAT) n = bits.below(FIRST_AT);
  else if (isEL2) n = accesses.length - 1 - bits.below(2);
  else if (choice === 7) n = FIRST_AT + bits.below(accesses.length - FIRST_AT);
  else n = FIRST_AT + bits.below(FIRST_EL2_AT - FIRST_AT);
  registers.PC = image + BigInt(L.ACCESSES - L.IMAGE + L.ACCESS_BYTES * n);
  return { registers, access: accesses[n] };
}

export function exceptionLevel({ SPSR: value }: { readonly SPSR: bigint }): 0 | 1 | 2 {
  return value === SPSR[0] ? 0 : value === SPSR[1] ? 1 : 2;
}

const isWithin = (PA: bigint, first: number, bytes: number): boolean =>
  PA >= BigInt(first) && PA < BigInt(first + bytes);
const isBlock = (descriptor: bigint | undefined): boolean =>
  descriptor !== undefined && (descriptor & 3n) === 1n;
const isHole = (PA: bigint): boolean => isWithin(PA, L.HOLE, L.HOLE_END - L.HOLE);

/** Whether the access, if it is made, stays in what QEMU and our processor both have, and changes no table. */
export function isHarmless({ registers, access }: TranslationCase, tables: Tables): boolean {
  const of = exceptionLevel(registers);
  const EL = access?.EL ?? (access?.isUnprivileged === true && of === 1 ? 0 : of);
  const controls: ReferenceRegisters = {
    EL,
    SCTLR: EL === 2 ? registers.SCTLR_EL2 : registers.SCTLR_EL1,
    TCR: EL === 2 ? registers.TCR_EL2 : registers.TCR_EL1,
    TTBR0: EL === 2 ? registers.TTBR0_EL2 : registers.TTBR0_EL1,
    TTBR1: registers.TTBR1_EL1,
    MAIR: EL === 2 ? registers.MAIR_EL2 : registers.MAIR_EL1,
    HCR_EL2: registers.HCR_EL2,
    VTCR_EL2: registers.VTCR_EL2,
    VTTBR_EL2: registers.VTTBR_EL2,
    physicalAddressBits: PHYSICAL_ADDRESS_BITS,
  };
  const walk: { isKnown: boolean; last: bigint | undefined } = { isKnown: true, last: undefined };
  const memory = (PA: bigint): bigint | undefined => {
    walk.last = tables.descriptor(PA);
    if (walk.last === undefined && !isHole(PA)) walk.isKnown = false;
    return walk.last;
  };
  // AT and PRFM walk as well; what they find is not touched. One store begins with a load.
  const kinds = access === undefined ? (['execute'] as const) : (['read', 'write'] as const);
  const start = access === undefined ? registers.PC : registers.X1;
  const size = access?.size ?? 4;
  const first = size === 64 ? start & ~63n : start;
  for (const VA of size > 1 ? [first, first + BigInt(size - 1)] : [first]) {
    const address = BigInt.asUintN(64, VA);
    for (const kind of kinds) {
      const result = referenceTranslate(controls, memory, address, kind, false);
      if (!walk.isKnown) return false;
      // Blocks where the granule has none are reserved; QEMU takes them for blocks.
      const isTranslationFault = 'FSC' in result && result.FSC >> 2 === 1 && result.FSC !== 7;
      if (isTranslationFault && isBlock(walk.last)) return false;
      walk.last = undefined;
      if (size === 0 || !('PA' in result) || isHole(result.PA)) continue;
      if (isWithin(result.PA, L.DATA, L.DATA_BYTES)) continue;
      if (access?.kind === 'read' && isWithin(result.PA, L.TABLES, L.TABLES_BYTES)) continue;
      return false;
    }
  }
  return true;
}
