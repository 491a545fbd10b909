/** The identification registers: read-only values that follow from the processor's profile. */
import { byEncoding } from './catalogue.ts';
import type { CpuFeature, CpuModel } from './cpu-model.ts';
import {
  DEBUG_REGISTERS_OF_A_BANK,
  checkProfile,
  debugArchitecture,
  hasVHE,
} from './processor-model.ts';
import type { ProcessorProfile } from './processor-model.ts';
import { genericName, packEncoding } from './sysreg.ts';

/** CNTFRQ_EL0 of the machine, in Hz. */
export const CNTFRQ_HZ = 62_500_000n;

/** Geometry of one cache. `ways` and `sets` are counts, `lineBytes` a power of two from 16. */
interface Cache {
  readonly lineBytes: number;
  readonly ways: number;
  readonly sets: number;
}

// IMPLEMENTATION DEFINED geometry. The machine has no caches; these agree with CLIDR_EL1 and CTR_EL0.
const level1Data: Cache = { lineBytes: 64, ways: 4, sets: 128 }; // 32 KiB
const level1Instruction: Cache = { lineBytes: 64, ways: 4, sets: 128 }; // 32 KiB
const level2Unified: Cache = { lineBytes: 64, ways: 16, sets: 1024 }; // 1 MiB

/** Arm ARM, CCSIDR_EL1, 32-bit layout (FEAT_CCIDX not implemented). */
function cacheSizeId({ lineBytes, ways, sets }: Cache): bigint {
  return BigInt(((sets - 1) << 13) | ((ways - 1) << 3) | (Math.log2(lineBytes) - 4));
}

/**
 * CCSIDR_EL1 for a value of CSSELR_EL1. Selecting a cache that is not implemented makes CCSIDR_EL1
 * UNKNOWN; it reads as zero here.
 */
export function CCSIDR_EL1(CSSELR_EL1: bigint): bigint {
  switch (CSSELR_EL1 & 0xfn) {
    case 0b0000n:
      return cacheSizeId(level1Data);
    case 0b0001n:
      return cacheSizeId(level1Instruction);
    case 0b0010n:
      return cacheSizeId(level2Unified);
    default:
      return 0n;
  }
}

/** ID_AA64DFR0_EL1.PMUVer: 1 is PMUv3 of Armv8.0, 4 that of Armv8.1. */
function PMUVer({ features }: CpuModel): bigint {
  if (features.has('FEAT_PMUv3p1')) return 4n << 8n;
  return features.has('FEAT_PMUv3') ? 1n << 8n : 0n;
}

/** A count in a field of ID_AA64DFR0_EL1: 16 and more are all ones. */
const debugCount = (count: number, lsb: bigint): bigint =>
  BigInt(Math.min(count, DEBUG_REGISTERS_OF_A_BANK) - 1) << lsb;

/** Arm ARM, ID_AA64DFR0_EL1. DoubleLock is a signed field: 0 implemented, 0xf not. */
function ID_AA64DFR0_EL1(profile: ProcessorProfile): bigint {
  return (
    BigInt(debugArchitecture(profile)) |
    PMUVer(profile.model) |
    debugCount(profile.breakpoints, 12n) |
    debugCount(profile.watchpoints, 20n) |
    debugCount(profile.contextAwareBreakpoints, 28n) |
    (profile.FEAT_SPE ? 1n << 32n : 0n) |
    (profile.FEAT_DoubleLock ? 0n : 0xfn << 36n) |
    (profile.FEAT_TRF ? 1n << 40n : 0n) |
    (profile.FEAT_TRBE ? 1n << 44n : 0n)
  );
}

/** Arm ARM, ID_AA64DFR1_EL1: counts above 16, minus one; 0 where ID_AA64DFR0_EL1 tells the count. */
function ID_AA64DFR1_EL1(profile: ProcessorProfile): bigint {
  const above = (count: number, lsb: bigint): bigint =>
    count > DEBUG_REGISTERS_OF_A_BANK ? BigInt(count - 1) << lsb : 0n;
  return (
    above(profile.breakpoints, 8n) |
    above(profile.watchpoints, 16n) |
    above(profile.contextAwareBreakpoints, 24n)
  );
}

/** A field at `lsb` whose value depends on which of two features, the second including the first, there is. */
function field({ features }: CpuModel, lsb: bigint, ...rungs: readonly CpuFeature[]): bigint {
  return BigInt(rungs.findLastIndex((feature) => features.has(feature)) + 1) << lsb;
}

/** Arm ARM, ID_AA64ISAR0_EL1. Atomic is 2 with FEAT_LSE. */
function ID_AA64ISAR0_EL1(model: CpuModel): bigint {
  return (
    field(model, 4n, 'FEAT_AES', 'FEAT_PMULL') |
    field(model, 8n, 'FEAT_SHA1') |
    field(model, 12n, 'FEAT_SHA256') |
    field(model, 16n, 'FEAT_CRC32') |
    (field(model, 20n, 'FEAT_LSE') << 1n) |
    field(model, 28n, 'FEAT_RDM') |
    field(model, 44n, 'FEAT_DotProd') |
    field(model, 52n, 'FEAT_FlagM') |
    field(model, 56n, 'FEAT_TLBIOS', 'FEAT_TLBIRANGE')
  );
}

/** Arm ARM, ID_AA64ISAR1_EL1. APA and GPA: pointer authentication by QARMA5. */
function ID_AA64ISAR1_EL1(model: CpuModel): bigint {
  return (
    field(model, 4n, 'FEAT_PAuth') |
    field(model, 12n, 'FEAT_JSCVT') |
    field(model, 16n, 'FEAT_FCMA') |
    field(model, 20n, 'FEAT_LRCPC', 'FEAT_LRCPC2') |
    field(model, 24n, 'FEAT_PAuth') |
    field(model, 36n, 'FEAT_SB')
  );
}

/** Every encoding of the ID space, op0 = 3, op1 = 0, CRn = 0, CRm = 1 to 7. */
export const idSpaceEncodings: readonly number[] = Array.from({ length: 7 * 8 }, (_, i) =>
  packEncoding({ op0: 3, op1: 0, CRn: 0, CRm: 1 + (i >> 3), op2: i & 7 }),
);

/** The name of an ID-space register; the generic one where the architecture has named none. */
export function idSpaceName(encoding: number): string {
  return byEncoding(encoding, 'read')?.name ?? genericName(encoding);
}

/**
 * The identification registers of processor `cpu` (MPIDR_EL1.Aff0), by name. The whole ID space is in
 * it: what the model does not define reads as zero, as the Arm ARM asks of reserved ID registers. The
 * AArch32 ID registers are zero because no EL has AArch32.
 * @throws RangeError when the profile or `cpu` is out of range.
 */
export function idRegisters(profile: ProcessorProfile, cpu = 0): ReadonlyMap<string, bigint> {
  checkProfile(profile);
  if (!Number.isInteger(cpu) || cpu < 0 || cpu > 255) {
    throw new RangeError(`Processor ${cpu} does not fit MPIDR_EL1.Aff0`);
  }
  const cpuModel = profile.model;
  const halfPrecision = field(cpuModel, 16n, 'FEAT_FP16') | field(cpuModel, 20n, 'FEAT_FP16');
  const values = new Map<string, bigint>();
  for (const encoding of idSpaceEncodings) values.set(idSpaceName(encoding), 0n);
  const model: readonly (readonly [string, bigint])[] = [
    ['MIDR_EL1', cpuModel.MIDR_EL1],
    // Bit 31 is RES1; U = 0: the processor is part of a multiprocessor system.
    ['MPIDR_EL1', 0x8000_0000n | BigInt(cpu)],
    ['REVIDR_EL1', 0n],
    ['AIDR_EL1', 0n],
    // EL0, EL1 and EL2 AArch64 only but for FEAT_AA32EL1, no EL3; FP and Advanced SIMD (signed fields) are 1 with half precision;
    // CSV2 and CSV3: not open to speculation across contexts.
    [
      'ID_AA64PFR0_EL1',
      (profile.FEAT_AA32EL1 ? 0x1100_0000_0000_0122n : 0x1100_0000_0000_0111n) |
        (profile.FEAT_FP ? halfPrecision : 0xff_0000n) |
        (profile.FEAT_GICv3 ? 1n << 24n : 0n) |
        field(cpuModel, 48n, 'FEAT_DIT'),
    ],
    ['ID_AA64DFR0_EL1', ID_AA64DFR0_EL1(profile)],
    ['ID_AA64DFR1_EL1', ID_AA64DFR1_EL1(profile)],
    ['ID_AA64ISAR0_EL1', ID_AA64ISAR0_EL1(cpuModel)],
    ['ID_AA64ISAR1_EL1', ID_AA64ISAR1_EL1(cpuModel)],
    // SSBS 2: with MRS and MSR. PAN 2: AT S1E1RP and S1E1WP too.
    [
      'ID_AA64PFR1_EL1',
      field(cpuModel, 0n, 'FEAT_BTI') | (field(cpuModel, 4n, 'FEAT_SSBS2') << 1n),
    ],
    [
      'ID_AA64MMFR1_EL1',
      // HAFDBS 2: the Access flag and dirty state.
      (field(cpuModel, 0n, 'FEAT_HAFDBS') << 1n) |
        (hasVHE(profile) ? 1n << 8n : 0n) |
        field(cpuModel, 16n, 'FEAT_LOR') |
        field(cpuModel, 20n, 'FEAT_PAN', 'FEAT_PAN2'),
    ],
    ['ID_AA64MMFR2_EL1', field(cpuModel, 4n, 'FEAT_UAO')],
    // 40-bit physical addresses, 16-bit ASIDs, the 4 KiB, 16 KiB and 64 KiB granules at both stages.
    ['ID_AA64MMFR0_EL1', 0x0010_0022n | (profile.FEAT_FGT ? 1n << 56n : 0n)],
    // 64-byte lines; DIC and IDC clear, so guests do clean and invalidate code they write.
    ['CTR_EL0', 0x8444_c004n],
    // DC ZVA zeroes 64 bytes. DZP is added by whoever executes the read.
    ['DCZID_EL0', 4n],
    // Separate level 1, unified level 2; LoUU = LoUIS = 1, LoC = 2.
    ['CLIDR_EL1', 0x0a20_0023n],
  ];
  for (const [name, value] of model) values.set(name, value);
  return values;
}
