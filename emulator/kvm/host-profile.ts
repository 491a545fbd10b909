/** Physical CPUs to choose from: how many debug resources they have, and how their host runs. */
import type { ProcessorProfile } from '../sysregs/processor-model.ts';
import { DEBUG_VERSION_V8P9, hasDebugBanks, v8_0 } from '../sysregs/processor-model.ts';

export interface HostProfile {
  readonly name: string;
  /** Number of breakpoints, of context-aware ones among them, and of watchpoints. */
  readonly breakpoints: number;
  readonly contextAware: number;
  readonly watchpoints: number;
  /**
   * The host runs at EL2 (Virtualization Host Extensions), so the hypervisor writes MDCR_EL2 when it loads
   * a vCPU instead of at each entry, and CPTR_EL2 has the layout of CPACR_EL1. The guest's processor has no
   * FEAT_VHE either way.
   */
  readonly VHE: boolean;
  /** FEAT_FGT: HDFGRTR_EL2 and HDFGWTR_EL2 trap single registers. */
  readonly FGT: boolean;
  /** FEAT_SPE: the Statistical Profiling Extension. */
  readonly SPE: boolean;
  /** FEAT_TRBE, the trace buffer, and FEAT_TRF, which it needs. */
  readonly TRBE: boolean;
  /** FEAT_DoubleLock: OSDLR_EL1 locks. */
  readonly DoubleLock: boolean;
  /** FEAT_AA32EL1: a vCPU may have an AArch32 EL1; its registers are switched, its code does not execute. */
  readonly AArch32: boolean;
  /** What the processor implements. */
  readonly processor: ProcessorProfile;
}

/** What a profile is made from. What is absent is not there. */
export interface HostFeatures {
  readonly breakpoints: number;
  readonly contextAware: number;
  readonly watchpoints: number;
  readonly VHE?: boolean;
  readonly FGT?: boolean;
  readonly SPE?: boolean;
  readonly TRBE?: boolean;
  /** Default true. */
  readonly DoubleLock?: boolean;
  /** Watchpoint exceptions tell which watchpoint it was. */
  readonly WPT?: boolean;
  readonly AArch32?: boolean;
}

const SUFFIXES = ['FGT', 'SPE', 'TRBE'] as const;

/** @throws RangeError for counts that the architecture does not have, when a processor is made of it */
export function hostProfile(features: HostFeatures): HostProfile {
  const { breakpoints, contextAware, watchpoints } = features;
  const { VHE = false, FGT = false, SPE = false, TRBE = false, DoubleLock = true } = features;
  const present = { FGT, SPE, TRBE };
  const isBanked = hasDebugBanks(features);
  const name = [
    `${breakpoints}-${contextAware}-${watchpoints}`,
    ...SUFFIXES.filter((suffix) => present[suffix]),
    ...(DoubleLock ? [] : ['noDoubleLock']),
    ...(features.WPT === true ? ['WPT'] : []),
    ...(features.AArch32 === true ? ['AArch32'] : []),
    ...(VHE ? [] : ['nVHE']),
  ].join('-');
  const processor: ProcessorProfile = {
    ...v8_0,
    name,
    // More than 16 are FEAT_Debugv8p9, which Armv8.9 has.
    debugVersion: isBanked ? DEBUG_VERSION_V8P9 : v8_0.debugVersion,
    breakpoints,
    contextAwareBreakpoints: contextAware,
    watchpoints,
    FEAT_DoubleLock: DoubleLock,
    FEAT_VHE: VHE,
    FEAT_AA32EL1: features.AArch32 ?? false,
    // FEAT_Debugv8p9 makes telling it mandatory.
    reportsWatchpointNumber: (features.WPT ?? false) || isBanked,
    FEAT_FGT: FGT,
    FEAT_SPE: SPE,
    FEAT_TRF: TRBE,
    FEAT_TRBE: TRBE,
  };
  return {
    name,
    breakpoints,
    contextAware,
    watchpoints,
    VHE,
    FGT,
    SPE,
    TRBE,
    DoubleLock,
    AArch32: features.AArch32 ?? false,
    processor,
  };
}

/** The profile that a name describes, listed or not: `B-C-W`, then `-FGT`, `-SPE`, `-TRBE`, `-noDoubleLock`, `-WPT`, `-AArch32`, `-nVHE`. */
export function parseHostProfile(name: string): HostProfile | undefined {
  const match =
    /^(\d+)-(\d+)-(\d+)(-FGT)?(-SPE)?(-TRBE)?(-noDoubleLock)?(-WPT)?(-AArch32)?(-nVHE)?$/.exec(
      name,
    );
  if (match === null) return undefined;
  const [, B, C, W, FGT, SPE, TRBE, noDoubleLock, WPT, AArch32, nVHE] = match;
  return hostProfile({
    breakpoints: Number(B),
    contextAware: Number(C),
    watchpoints: Number(W),
    VHE: nVHE === undefined,
    FGT: FGT !== undefined,
    SPE: SPE !== undefined,
    TRBE: TRBE !== undefined,
    DoubleLock: noDoubleLock === undefined,
    WPT: WPT !== undefined,
    AArch32: AArch32 !== undefined,
  });
}

const COUNTS = [
  [6, 2, 4],
  [2, 1, 2],
  [4, 2, 4],
  [8, 4, 4],
  [16, 2, 16],
  [20, 4, 20],
] as const;

/**
 * Named by breakpoints, context-aware breakpoints and watchpoints, then by what the processor has beyond
 * Armv8.0 (more than 16 of them are Armv8.9's); `-nVHE` where the host runs at EL1.
 */
export const hostProfiles: readonly HostProfile[] = [
  ...COUNTS.flatMap(([breakpoints, contextAware, watchpoints]) =>
    [false, true].flatMap((FGT) =>
      [true, false].map((VHE) => hostProfile({ breakpoints, contextAware, watchpoints, VHE, FGT })),
    ),
  ),
  ...(
    [
      [6, 2, 4, false],
      [6, 2, 4, true],
      [20, 4, 20, true],
    ] as const
  ).flatMap(([breakpoints, contextAware, watchpoints, FGT]) =>
    [true, false].map((VHE) =>
      hostProfile({ breakpoints, contextAware, watchpoints, VHE, FGT, SPE: true, TRBE: true }),
    ),
  ),
];

export const defaultHostProfile = '6-2-4';

export function hostProfileByName(name: string): HostProfile | undefined {
  return hostProfiles.find((profile) => profile.name === name);
}

/** One sentence. */
export function describeHostProfile(profile: HostProfile): string {
  const { breakpoints, contextAware, watchpoints, VHE } = profile;
  const present = SUFFIXES.filter((suffix) => profile[suffix]).map((suffix) => `FEAT_${suffix}`);
  const features = present.length > 0 ? `; ${present.join(', ')}` : '';
  const host = VHE ? 'the host runs at EL2 (VHE)' : 'the host runs at EL1 (nVHE)';
  return `${breakpoints} breakpoints, ${contextAware} of them context-aware, and ${watchpoints} watchpoints${features}; ${host}.`;
}
