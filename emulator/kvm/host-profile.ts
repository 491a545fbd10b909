/** Physical CPUs to choose from: how many debug resources they have, and how their host runs. */
import type { ProcessorProfile } from '../sysregs/processor-model.ts';
import { v8_0 } from '../sysregs/processor-model.ts';

export interface HostProfile {
  readonly name: string;
  /** Number of breakpoints, of context-aware ones among them, and of watchpoints. */
  readonly breakpoints: number;
  readonly contextAware: number;
  readonly watchpoints: number;
  /**
   * The host runs at EL2 (Virtualization Host Extensions), so the hypervisor writes MDCR_EL2 when it loads
   * a vCPU instead of at each entry. The guest's processor has no FEAT_VHE either way.
   */
  readonly VHE: boolean;
  /** What the processor implements. */
  readonly processor: ProcessorProfile;
}

/** `FGT`: the processor has FEAT_FGT. */
export function hostProfile(
  breakpoints: number,
  contextAware: number,
  watchpoints: number,
  VHE: boolean,
  FGT = false,
): HostProfile {
  const name = `${breakpoints}-${contextAware}-${watchpoints}${FGT ? '-FGT' : ''}${VHE ? '' : '-nVHE'}`;
  const processor: ProcessorProfile = {
    ...v8_0,
    name,
    breakpoints,
    contextAwareBreakpoints: contextAware,
    watchpoints,
    FEAT_FGT: FGT,
  };
  return { name, breakpoints, contextAware, watchpoints, VHE, processor };
}

const COUNTS = [
  [6, 2, 4],
  [2, 1, 2],
  [4, 2, 4],
  [8, 4, 4],
  [16, 2, 16],
] as const;

/** Named by breakpoints, context-aware breakpoints and watchpoints; `-nVHE` where the host runs at EL1. */
export const hostProfiles: readonly HostProfile[] = COUNTS.flatMap(([B, C, W]) => [
  hostProfile(B, C, W, true),
  hostProfile(B, C, W, false),
]);

export const defaultHostProfile = '6-2-4';

export function hostProfileByName(name: string): HostProfile | undefined {
  return hostProfiles.find((profile) => profile.name === name);
}
