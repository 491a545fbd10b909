/**
 * What QEMU's processors have beyond ours: instructions and registers that are UNDEFINED here and something else
 * there. Each is named by its feature and does not count on a model that has the feature.
 */
import { byEncoding, systemInstruction } from '../../emulator/sysregs/catalogue.ts';
import { unpackEncoding } from '../../emulator/sysregs/sysreg.ts';
import { models } from './models.ts';
import type { ModelName } from './models.ts';
import { isSystem } from './words.ts';

interface QemuFeature {
  /** As the Arm ARM has it. */
  readonly feature: string;
  /** QEMU's processors that have it. */
  readonly on: readonly ModelName[];
  /** Words under a mask: [mask, value]. */
  readonly words?: readonly (readonly [number, number])[];
  /** Registers by name. */
  readonly registers?: RegExp;
  /** SYS aliases, as `DC CVAP`. */
  readonly instructions?: RegExp;
}

const MAX = ['max-supported'] as const;
const LATER = ['neoverse-n1', 'max-supported'] as const;
const ALL = ['cortex-a72', ...LATER] as const;

const features: readonly QemuFeature[] = [
  {
    feature: 'FEAT_FHM',
    on: MAX,
    words: [
      [0xbfc0b400, 0x0f800000], // FMLAL, FMLSL (by element)
      [0xbfc0b400, 0x2f808000], // FMLAL2, FMLSL2 (by element)
      [0xbf60fc00, 0x0e20ec00], // FMLAL, FMLSL (vector)
      [0xbf60fc00, 0x2e20cc00], // FMLAL2, FMLSL2 (vector)
    ],
  },
  {
    feature: 'FEAT_BF16',
    on: MAX,
    words: [
      [0xbfc0f400, 0x0f40f000], // BFDOT (by element)
      [0xbfc0f400, 0x0fc0f000], // BFMLALB, BFMLALT (by element)
      [0xbffffc00, 0x0ea16800], // BFCVTN, BFCVTN2
      [0xbfe0fc00, 0x2e40fc00], // BFDOT (vector)
      [0xbfe0fc00, 0x2ec0fc00], // BFMLALB, BFMLALT (vector)
      [0xffe0fc00, 0x6e40ec00], // BFMMLA
      [0xfffffc00, 0x1e634000], // BFCVT
    ],
  },
  {
    feature: 'FEAT_I8MM',
    on: MAX,
    words: [
      [0xbf40f400, 0x0f00f000], // SUDOT, USDOT (by element)
      [0xbfe0fc00, 0x0e809c00], // USDOT (vector)
      [0xffe0fc00, 0x4e80a400], // SMMLA
      [0xffe0fc00, 0x4e80ac00], // USMMLA
      [0xffe0fc00, 0x6e80a400], // UMMLA
    ],
  },
  {
    feature: 'FEAT_FRINTTS',
    on: MAX,
    words: [
      [0x9fbfec00, 0x0e21e800], // FRINT32Z to FRINT64X (vector)
      [0xffbe7c00, 0x1e284000], // FRINT32Z to FRINT64X (scalar)
    ],
  },
  {
    feature: 'FEAT_SHA3 and FEAT_SHA512',
    on: MAX,
    words: [
      [0xffe00000, 0xce800000], // XAR
      [0xffc08000, 0xce000000], // EOR3, BCAX
      [0xfffffc00, 0xcec08000], // SHA512SU0
      [0xffe0f000, 0xce608000], // SHA512H, SHA512H2, SHA512SU1, RAX1
    ],
  },
  {
    feature: 'FEAT_SM3 and FEAT_SM4',
    on: MAX,
    words: [
      [0xffe0c000, 0xce408000], // SM3TT1A to SM3TT2B
      [0xffe08000, 0xce400000], // SM3SS1
      [0xfffffc00, 0xcec08400], // SM4E
      [0xffe0f800, 0xce60c000], // SM3PARTW1, SM3PARTW2
      [0xffe0fc00, 0xce60c800], // SM4EKEY
    ],
  },
  {
    feature: 'FEAT_FlagM2',
    on: MAX,
    words: [
      [0xfffff0ff, 0xd500403f], // XAFLAG
      [0xfffff0ff, 0xd500405f], // AXFLAG
    ],
  },
  { feature: 'FEAT_RNG', on: MAX, registers: /^RNDR(RS)?$/ },
  { feature: 'FEAT_CSV2_2', on: MAX, registers: /^SCXTNUM_EL(0|1|2|12)$/ },
  { feature: 'FEAT_CCIDX', on: MAX, registers: /^CCSIDR2_EL1$/ },
  { feature: 'FEAT_HCX', on: MAX, registers: /^HCRX_EL2$/ },
  { feature: 'FEAT_MTE', on: MAX, registers: /^(TCO|GMID_EL1|GCR_EL1|RGSR_EL1|TFSR\w*)$/ },
  { feature: 'FEAT_PMUv3p4', on: MAX, registers: /^PMMIR_EL1$/ },
  {
    feature: 'FEAT_IDST',
    on: MAX,
    // Reads of the feature ID space that are not permitted are trapped and not UNDEFINED.
    words: [
      [0xfffff800, 0xd5380000],
      [0xfffff800, 0xd5390000],
      [0xfffff800, 0xd53b0000],
    ],
  },
  { feature: 'FEAT_RAS', on: LATER, registers: /^(V?DISR_EL[12]|VSESR_EL2|ERX\w+|ERR\w+)$/ },
  { feature: 'FEAT_DPB', on: LATER, instructions: /^DC CVAP$/ },
  { feature: 'FEAT_DPB2', on: MAX, instructions: /^DC CVADP$/ },
  { feature: 'FEAT_PAN2', on: LATER, instructions: /^AT S1E1[RW]P$/ },
  {
    feature: 'FEAT_SPECRES',
    on: MAX,
    words: [
      [0xffffffe0, 0xd50b7380], // CFP RCTX
      [0xffffffe0, 0xd50b73a0], // DVP RCTX
      [0xffffffe0, 0xd50b73e0], // CPP RCTX
    ],
  },
  { feature: 'FEAT_TLBIOS', on: MAX, instructions: /^TLBI \w+OS$/ },
  { feature: 'FEAT_TLBIRANGE', on: MAX, instructions: /^TLBI R\w+$/ },
  { feature: 'FEAT_MTE', on: MAX, instructions: /^DC \w*(G|GD|GZ)(VA|VAC|SW|VAP|VADP)$/ },
  {
    feature: 'AArch32 at EL1 and EL0',
    on: ALL,
    registers:
      /^(SPSR_(abt|und|irq|fiq)|DACR32_EL2|IFSR32_EL2|FPEXC32_EL2|DBGVCR32_EL2|SDER32_EL2)$/,
  },
];

const IMPLEMENTATION_DEFINED = 'the IMPLEMENTATION DEFINED registers of the core';

/** CRn 11 and 15. */
export function isImplementationDefined(word: number): boolean {
  const { op0, CRn } = unpackEncoding((word >>> 5) & 0xffff);
  return isSystem(word) && (op0 === 1 || op0 === 3) && (CRn === 11 || CRn === 15);
}

/** The feature of QEMU's processor that makes this word something which it is not on ours. */
export function qemuFeatureOf(word: number, model: ModelName): string | undefined {
  if (isImplementationDefined(word)) return IMPLEMENTATION_DEFINED;
  const { features: ours } = models[model].model;
  return features.find(({ feature, on, ...it }) => {
    if (!on.some((name) => name === model) || [...ours].some((name) => name === feature)) {
      return false;
    }
    return matches(it, word);
  })?.feature;
}

function matches(
  { words = [], registers, instructions }: Omit<QemuFeature, 'feature' | 'on'>,
  word: number,
): boolean {
  if (words.some(([mask, value]) => (word & mask) >>> 0 === value >>> 0)) return true;
  if (!isSystem(word)) return false;
  const encoding = (word >>> 5) & 0xffff;
  const { op0, op1, CRn, CRm, op2 } = unpackEncoding(encoding);
  if (op0 === 1) {
    const alias = systemInstruction(op1, CRn, CRm, op2);
    return (
      alias !== undefined &&
      instructions?.test(`${alias.kind.toUpperCase()} ${alias.name}`) === true
    );
  }
  const direction = ((word >>> 21) & 1) === 1 ? 'read' : 'write';
  const name = byEncoding(encoding, direction)?.name ?? `S${op0}_${op1}_C${CRn}_C${CRm}_${op2}`;
  return registers?.test(name) === true;
}
