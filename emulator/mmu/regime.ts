/**
 * A translation regime as seen from one EL, decoded once from its control registers: where the tables
 * start, how wide addresses are, and what applies while a stage is off.
 */
import { ADDRESS_SIZE_FAULT, TRANSLATION_FAULT } from './fault.ts';
import { memoryAttributeBytes } from './memory-attributes.ts';

/** log2 of the granule's bytes. */
export type GranuleBits = 12 | 14 | 16;

/** Where a walk starts. */
export interface TableRoot {
  readonly granuleBits: GranuleBits;
  /** Width of the input address, in bits. */
  readonly inputBits: number;
  readonly startLevel: number;
  /** The lowest level that can hold a block. */
  readonly firstBlockLevel: 1 | 2;
  /** Address of the first table. */
  readonly base: number;
  /** Width of the output address, in bits. */
  readonly outputBits: number;
  /** Every walk ends with this fault status code: EPDn, or values that no walk can start with. */
  readonly fault: number | undefined;
}

/**
 * Register values: those of EL1 for EL0 and EL1, those of EL2 for EL2 and, with HCR_EL2.{E2H, TGE} both 1,
 * for EL0.
 */
export interface RegimeRegisters {
  readonly EL: 0 | 1 | 2;
  readonly SCTLR: bigint;
  readonly TCR: bigint;
  readonly TTBR0: bigint;
  /** Not used for EL2 with HCR_EL2.E2H = 0. */
  readonly TTBR1: bigint;
  readonly MAIR: bigint;
  readonly HCR_EL2: bigint;
  readonly VTCR_EL2: bigint;
  readonly VTTBR_EL2: bigint;
  /** Width from ID_AA64MMFR0_EL1.PARange. */
  readonly physicalAddressBits: number;
  /** PSTATE.PAN. Default false. */
  readonly PAN?: boolean;
}

export interface TranslationRegime {
  readonly name: 'EL1&0' | 'EL2' | 'EL2&0';
  /** The EL that accesses are made at. */
  readonly EL: 0 | 1 | 2;
  /**
   * Whose permissions count: those of EL0, or those of the EL above it in the same regime, or those of an EL
   * that has its regime for itself.
   */
  readonly privilege: 'EL0' | 'above EL0' | 'alone';
  /** Tables for addresses with bit 55 clear and set; undefined while stage 1 is off. */
  readonly stage1: { readonly lower: TableRoot; readonly upper: TableRoot | undefined } | undefined;
  /** Undefined while stage 2 is off. */
  readonly stage2: TableRoot | undefined;
  /** TCR_ELx.TBI0 and TBI1, or TBI of the EL2 regime in both: by bit 55 of the address. */
  readonly TBI0: boolean;
  readonly TBI1: boolean;
  /** TCR_ELx.TBID0 and TBID1, or TCR_EL2.TBID in both: the top byte counts for instructions. */
  readonly TBID0: boolean;
  readonly TBID1: boolean;
  /** 64 - TCR_ELx.T0SZ and 64 - T1SZ, within what the architecture allows: where pointers have their code. */
  readonly addressBits0: number;
  readonly addressBits1: number;
  /** MAIR_ELx.Attr0 to Attr7. */
  readonly MAIR: readonly number[];
  /** SCTLR_ELx.WXN: what can be written cannot be executed. */
  readonly WXN: boolean;
  /** PSTATE.PAN above EL0: data that EL0 may access is no one's to load and store. */
  readonly PAN: boolean;
  /** TCR_ELx.HA and HD: a clear Access flag is set, what is clean becomes dirty; both of stage 1. */
  readonly managesAccessFlag: boolean;
  readonly managesDirtyState: boolean;
  /** VTCR_EL2.HA and HD, of stage 2. */
  readonly stage2ManagesAccessFlag: boolean;
  readonly stage2ManagesDirtyState: boolean;
  /** HCR_EL2.DC: with stage 1 off, data is Normal Write-Back memory. */
  readonly defaultCacheable: boolean;
  /** SCTLR_ELx.I: with stage 1 off, instruction fetches are cacheable. */
  readonly instructionCacheable: boolean;
  /** HCR_EL2.PTW: stage 1 tables in memory that stage 2 says is Device are a Permission fault. */
  readonly protectedWalk: boolean;
  /** HCR_EL2.CD and ID: stage 2 makes data or instructions Non-cacheable. */
  readonly dataCacheDisabled: boolean;
  readonly instructionCacheDisabled: boolean;
  readonly physicalAddressBits: number;
}

/** Arm ARM, "Size of the address": at most 48 bits without FEAT_LVA, at least 25 without FEAT_TTST. */
const MOST_INPUT_BITS = 48;
const LEAST_INPUT_BITS = 25;

const bit = (value: bigint, position: number): boolean => ((value >> BigInt(position)) & 1n) === 1n;
const field = (value: bigint, high: number, low: number): number =>
  Number((value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n));

/** ID_AA64MMFR0_EL1.PARange as a number of bits. */
export function physicalAddressBits(PARange: number): number {
  const bits = [32, 36, 40, 42, 44, 48, 52, 56][PARange];
  if (bits === undefined) throw new RangeError(`PARange ${PARange} is reserved`);
  return bits;
}

/** TCR_EL1.IPS, TCR_EL2.PS, VTCR_EL2.PS: reserved values are 48 bits, and PARange is the most. */
function outputBits(PS: number, PARange: number): number {
  return Math.min([32, 36, 40, 42, 44, 48][PS] ?? 48, PARange);
}

/** TG0 of TCR_ELx and VTCR_EL2. The reserved value is taken as 4 KB. */
function granuleTG0(TG0: number): GranuleBits {
  return TG0 === 0b01 ? 16 : TG0 === 0b10 ? 14 : 12;
}

/** TCR_EL1.TG1. The reserved value is taken as 4 KB. */
function granuleTG1(TG1: number): GranuleBits {
  return TG1 === 0b11 ? 16 : TG1 === 0b01 ? 14 : 12;
}

const firstBlockLevel = (granuleBits: GranuleBits): 1 | 2 => (granuleBits === 12 ? 1 : 2);

/** BADDR with the bits below the first table's size taken as zero, and the fault of one out of range. */
function tableBase(
  TTBR: bigint,
  root: Omit<TableRoot, 'base' | 'fault' | 'firstBlockLevel'>,
): { base: number; fault: number | undefined } {
  const { granuleBits, inputBits, startLevel } = root;
  const stride = granuleBits - 3;
  const alignment = 2 ** (3 + inputBits - ((3 - startLevel) * stride + granuleBits));
  const BADDR = Number(BigInt.asUintN(48, TTBR) & ~1n);
  return {
    base: BADDR - (BADDR % alignment),
    fault: BADDR >= 2 ** root.outputBits ? ADDRESS_SIZE_FAULT : undefined,
  };
}

function stage1Root(options: {
  readonly TnSZ: number;
  readonly granuleBits: GranuleBits;
  readonly TTBR: bigint;
  readonly outputBits: number;
  readonly disabled: boolean;
}): TableRoot {
  const { TnSZ, granuleBits, TTBR } = options;
  const inputBits = 64 - TnSZ;
  // CONSTRAINED UNPREDICTABLE: a size out of range is a Translation fault rather than the nearest size.
  const outOfRange = inputBits > MOST_INPUT_BITS || inputBits < LEAST_INPUT_BITS;
  const startLevel = 4 - Math.ceil((inputBits - granuleBits) / (granuleBits - 3));
  const root = { granuleBits, inputBits, startLevel, outputBits: options.outputBits };
  const { base, fault } = tableBase(TTBR, root);
  return {
    ...root,
    firstBlockLevel: firstBlockLevel(granuleBits),
    base,
    fault: options.disabled || outOfRange ? TRANSLATION_FAULT : fault,
  };
}

/** Arm ARM, AArch64.S2StartLevel() and AArch64.S2InconsistentSL(). */
function stage2Root({
  VTCR_EL2,
  VTTBR_EL2,
  physicalAddressBits: PAMax,
}: RegimeRegisters): TableRoot {
  const granuleBits = granuleTG0(field(VTCR_EL2, 15, 14));
  const stride = granuleBits - 3;
  const inputBits = 64 - field(VTCR_EL2, 5, 0);
  const SL0 = field(VTCR_EL2, 7, 6);
  const startLevel = (granuleBits === 12 ? 2 : 3) - SL0;
  const lowestStart =
    granuleBits === 12 ? (PAMax <= 42 ? 1 : 0) : levelForLarge(granuleBits, PAMax);
  // log2 of the entries of the first table: up to 16 tables are concatenated.
  const entryBits = inputBits - ((3 - startLevel) * stride + granuleBits);
  const invalid =
    startLevel < lowestStart ||
    inputBits < LEAST_INPUT_BITS ||
    // CONSTRAINED UNPREDICTABLE: an IPA wider than the PA range is a fault rather than cut.
    inputBits > Math.min(PAMax, MOST_INPUT_BITS) ||
    entryBits < 1 ||
    entryBits > stride + 4;
  const root = {
    granuleBits,
    inputBits,
    startLevel,
    outputBits: outputBits(field(VTCR_EL2, 18, 16), PAMax),
  };
  const { base, fault } = tableBase(VTTBR_EL2, root);
  return {
    ...root,
    firstBlockLevel: firstBlockLevel(granuleBits),
    base,
    fault: invalid ? TRANSLATION_FAULT : fault,
  };
}

/** The 16 KB and 64 KB granules have no level 0, and level 1 only for large physical addresses. */
function levelForLarge(granuleBits: 14 | 16, PAMax: number): 1 | 2 {
  return PAMax <= (granuleBits === 14 ? 40 : 42) ? 2 : 1;
}

/** CalculateBottomPACBit(): sizes out of range are taken as the nearest one. */
const addressBits = (TnSZ: number): number =>
  Math.min(Math.max(64 - TnSZ, LEAST_INPUT_BITS), MOST_INPUT_BITS);

export function translationRegime(registers: RegimeRegisters): TranslationRegime {
  const { EL, SCTLR, TCR, HCR_EL2, TTBR0, TTBR1 } = registers;
  const TGE = bit(HCR_EL2, 27);
  const E2H = bit(HCR_EL2, 34);
  const name = EL === 2 ? (E2H ? 'EL2&0' : 'EL2') : EL === 0 && E2H && TGE ? 'EL2&0' : 'EL1&0';
  const isEL1 = name === 'EL1&0';
  /** TCR_EL2 has a layout of its own. */
  const isEL2 = name === 'EL2';
  // HCR_EL2.TGE makes SCTLR_EL1.M, DC and PTW behave as 0; DC makes M behave as 0 and VM as 1.
  const DC = isEL1 && !TGE && bit(HCR_EL2, 12);
  const M = bit(SCTLR, 0) && (!isEL1 || (!TGE && !DC));
  const stage2 = isEL1 && (DC || bit(HCR_EL2, 0));
  // Dirty state is managed where the Access flag is.
  const HA = bit(TCR, isEL2 ? 21 : 39);
  const S2HA = bit(registers.VTCR_EL2, 21);
  const PS = isEL2 ? field(TCR, 18, 16) : field(TCR, 34, 32);
  const width = outputBits(PS, registers.physicalAddressBits);
  const lower = (): TableRoot =>
    stage1Root({
      TnSZ: field(TCR, 5, 0),
      granuleBits: granuleTG0(field(TCR, 15, 14)),
      TTBR: TTBR0,
      outputBits: width,
      disabled: !isEL2 && bit(TCR, 7),
    });
  const upper = (): TableRoot =>
    stage1Root({
      TnSZ: field(TCR, 21, 16),
      granuleBits: granuleTG1(field(TCR, 31, 30)),
      TTBR: TTBR1,
      outputBits: width,
      disabled: bit(TCR, 23),
    });
  return {
    name,
    EL,
    privilege: EL === 0 ? 'EL0' : isEL2 ? 'alone' : 'above EL0',
    stage1: M ? { lower: lower(), upper: isEL2 ? undefined : upper() } : undefined,
    stage2: stage2 ? stage2Root(registers) : undefined,
    TBI0: bit(TCR, isEL2 ? 20 : 37),
    TBI1: bit(TCR, isEL2 ? 20 : 38),
    TBID0: bit(TCR, isEL2 ? 29 : 51),
    TBID1: bit(TCR, isEL2 ? 29 : 52),
    addressBits0: addressBits(field(TCR, 5, 0)),
    addressBits1: addressBits(isEL2 ? field(TCR, 5, 0) : field(TCR, 21, 16)),
    MAIR: memoryAttributeBytes(registers.MAIR),
    WXN: bit(SCTLR, 19),
    PAN: EL > 0 && !isEL2 && registers.PAN === true,
    managesAccessFlag: HA,
    managesDirtyState: HA && bit(TCR, isEL2 ? 22 : 40),
    stage2ManagesAccessFlag: S2HA,
    stage2ManagesDirtyState: S2HA && bit(registers.VTCR_EL2, 22),
    defaultCacheable: DC,
    instructionCacheable: bit(SCTLR, 12),
    protectedWalk: !TGE && bit(HCR_EL2, 2),
    dataCacheDisabled: bit(HCR_EL2, 32),
    instructionCacheDisabled: bit(HCR_EL2, 33),
    physicalAddressBits: registers.physicalAddressBits,
  };
}

/** Arm ARM, EffectiveTBI(): bits 63:56 of the address of data, or of an instruction, are ignored. */
export function topByteIgnored(
  regime: TranslationRegime,
  va: bigint,
  isInstruction = false,
): boolean {
  const isUpper = ((va >> 55n) & 1n) === 1n;
  const ignored = isUpper ? regime.TBI1 : regime.TBI0;
  return ignored && !(isInstruction && (isUpper ? regime.TBID1 : regime.TBID0));
}

/**
 * The address that a branch or an exception return to `va` goes to: where the top byte is ignored, PC
 * never holds a tag. Arm ARM, AArch64.BranchAddr().
 */
export function branchAddress(regime: TranslationRegime, va: bigint): bigint {
  if (!topByteIgnored(regime, va, true)) return va;
  const isSignExtended = regime.name !== 'EL2' && ((va >> 55n) & 1n) === 1n;
  return isSignExtended ? BigInt.asUintN(64, BigInt.asIntN(56, va)) : BigInt.asUintN(56, va);
}
