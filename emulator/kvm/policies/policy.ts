/**
 * A debug policy: when the hypervisor moves the debug registers between the guest, the debugger, the host
 * and the processor, and which accesses of the guest it traps meanwhile.
 */
import type { DebugRegister, DebugState } from '../debug-state.ts';
import type { DebugCounts } from '../remap.ts';
import type { WorldSwitch } from '../world-switch.ts';
import type { BundleCopy } from '../world-switch-log.ts';

/**
 * Which generation of KVM goes with the policy, for its trap handlers and its step: G1 is 3.17, G2 4.2 to
 * 5.17, G3 5.18 to 6.13, G4 6.14.
 */
export type Generation = 'G1' | 'G2' | 'G3' | 'G4';

/** A word of flags that the policy's KVM keeps, for display. */
export interface FlagWord {
  readonly name: string;
  /** Width in bits. */
  readonly width: number;
  /** Name of each bit from bit 0 up, and whether it is set. */
  readonly bits: readonly (readonly [name: string, set: boolean])[];
}

export interface DebugPolicy {
  readonly name: string;
  /** One sentence. */
  readonly description: string;
  readonly generation: Generation;
  /** Whether KVM_SET_GUEST_DEBUG exists under it. */
  readonly guestDebug: boolean;
  /** The guest's own breakpoints stay live while a debugger has some. */
  readonly sharesWithDebugger?: boolean;

  /** vcpu_load: the vCPU gets this physical CPU. */
  vcpuLoad(ws: WorldSwitch): void;
  /** vcpu_put: it loses it. */
  vcpuPut(ws: WorldSwitch): void;
  /**
   * The last thing before the way into the guest begins: PC and PSTATE of the vCPU are still in memory, and
   * an exception may be given to the guest.
   */
  beforeEntry?(ws: WorldSwitch): void;
  /** World switch into the guest, debug part. */
  enter(ws: WorldSwitch): void;
  /** World switch out of it. */
  exit(ws: WorldSwitch): void;
  /** The state was restored in the middle of a run: what is on the processor beside its registers is put there. */
  restored?(ws: WorldSwitch): void;
  /** A trapped access to one of the switched registers was emulated on the guest's copy. */
  debugRegisterTrapped(ws: WorldSwitch, direction: 'read' | 'write'): void;
  /** OSLAR_EL1 was written. True: the vCPU has to be put and loaded again. */
  osLockWritten(ws: WorldSwitch): boolean;

  /** Who has the debug registers, in the policy's own words. */
  owner(ws: WorldSwitch): string;
  /** The copy that the processor holds while the guest runs. */
  bundleInGuest(ws: WorldSwitch): BundleCopy;
  /** Whether the guest's own MDSCR_EL1 is on the processor while it runs. */
  guestMdscrInGuest(ws: WorldSwitch): boolean;
  /** Why a guest with these counts cannot run on this processor. Absent: `differingReason`. */
  refusal?(guest: DebugCounts, host: DebugCounts): string | undefined;
  /**
   * What the processor holds for the guest, where that is not the guest's registers as they are. Undefined:
   * it is.
   */
  image?(ws: WorldSwitch): DebugState | undefined;
  /** The physical breakpoint that serves the guest's breakpoint `v`. Absent: the same number. */
  toPhysical?(ws: WorldSwitch, v: number): number | undefined;
  /** What the guest and userspace read of a register. Absent: what was written. */
  readBack?(ws: WorldSwitch, register: DebugRegister, value: bigint): bigint;
  /** The words of flags of this KVM. Absent: it keeps none that concern debugging. */
  flagWords?(ws: WorldSwitch): readonly FlagWord[];
}
