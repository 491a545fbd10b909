/**
 * An FPSIMD policy: when the hypervisor moves V0 to V31, FPSR and FPCR between the guest, the host's
 * threads and the processor. It decides with `Fpsimd`'s moves, which do what they say and keep count.
 */
import type { FlagWord } from '../policies/policy.ts';
import type { Fpsimd } from './fpsimd.ts';

export interface FpPolicy {
  readonly name: string;
  /** One sentence. */
  readonly description: string;
  /** The guest's registers leave the processor at each exit, so the state GUEST ends there in HOST. */
  readonly switchesAtExit: boolean;

  /** vcpu_load. */
  vcpuLoad(fp: Fpsimd): void;
  /** vcpu_put. */
  vcpuPut(fp: Fpsimd): void;
  /** World switch into the guest. @returns whether its FP instructions trap to EL2 */
  enter(fp: Fpsimd): boolean;
  /** The guest's first FP instruction, EC 0x07: handled at EL2 without an exit to the host. */
  trap(fp: Fpsimd): void;
  /** World switch out, and what the host records with its interrupts still off. */
  exit(fp: Fpsimd): void;

  /** The words of flags that this KVM keeps about it. */
  flagWords(fp: Fpsimd): readonly FlagWord[];
}
