/** What the user may choose. */

export interface Settings {
  /** The processor whose features are assumed; `max` has all. */
  readonly cpu: string;
  /** The exception level that the code runs at; absent: any. */
  readonly targetEL?: 0 | 1 | 2 | 3;
  /** Folders for `#include` and `.include`, as URIs. */
  readonly includeFolders: readonly string[];
  readonly inlayHints: boolean;
  readonly codeLenses: boolean;
  /** Labels such as `1` and `.Lx` in the outline. */
  readonly localLabelsInOutline: boolean;
  /** Assembler run on save, or '' for none. */
  readonly assembler: string;
  /** The folder of the pages about diagnostics, as a URI; '' where the client has none. */
  readonly documentation: string;
}

export const defaultSettings: Settings = {
  cpu: 'max',
  includeFolders: [],
  inlayHints: true,
  codeLenses: true,
  localLabelsInOutline: false,
  assembler: '',
  documentation: '',
};

/** Features beside Armv8.0, as the processors' Technical Reference Manuals list them. */
const v80 =
  'FEAT_FP FEAT_AdvSIMD FEAT_CRC32 FEAT_PMUv3 FEAT_AES FEAT_SHA1 FEAT_SHA256 FEAT_PMULL FEAT_EL3';
const v82 =
  `${v80} FEAT_LSE FEAT_RDM FEAT_PAN FEAT_LOR FEAT_VHE FEAT_HPDS FEAT_HAFDBS FEAT_VMID16 FEAT_FP16 FEAT_DotProd ` +
  'FEAT_LRCPC FEAT_RAS FEAT_UAO FEAT_DPB FEAT_XNX FEAT_PAN2 FEAT_Debugv8p1 FEAT_Debugv8p2 FEAT_CSV2 FEAT_CSV3';
const v84 =
  `${v82} FEAT_PAuth FEAT_FCMA FEAT_JSCVT FEAT_LRCPC2 FEAT_FlagM FEAT_DIT FEAT_TRF FEAT_SEL2 FEAT_TLBIOS FEAT_TLBIRANGE ` +
  'FEAT_S2FWB FEAT_AMUv1 FEAT_MPAM FEAT_NV FEAT_NV2 FEAT_CCIDX FEAT_IDST FEAT_TTST FEAT_SVE FEAT_SPE FEAT_SB FEAT_SSBS FEAT_BF16 FEAT_I8MM FEAT_SHA3 FEAT_SHA512 FEAT_SM3 FEAT_SM4 FEAT_RNG FEAT_DPB2';

const processors: Readonly<Record<string, string>> = {
  'cortex-a53': v80,
  'cortex-a57': v80,
  'cortex-a72': v80,
  'cortex-a55': v82,
  'cortex-a76': v82,
  'neoverse-n1': `${v82} FEAT_SPE FEAT_SSBS`,
  'neoverse-v1': v84,
};

export const processorNames: readonly string[] = ['max', ...Object.keys(processors)];

/** Undefined where every feature is assumed. */
export function featuresOf(cpu: string): ReadonlySet<string> | undefined {
  const text = processors[cpu];
  return text === undefined ? undefined : new Set(text.split(' '));
}
