/**
 * FP_OWNER: KVM since 6.0. One word says whose the registers are: the host's, the guest's, or nobody's. (It
 * moved from the vCPU to the physical CPU around 6.10; what it decides stayed.)
 */
import type { FlagWord } from '../policies/policy.ts';
import type { FpOwner, Fpsimd } from './fpsimd.ts';
import type { FpPolicy } from './policy.ts';

export function setFpState(fp: Fpsimd, fp_state: FpOwner): void {
  const before = fp.vcpu.fp_state;
  if (before === fp_state) return;
  fp.vcpu.fp_state = fp_state;
  fp.setFlag(`fp_owner: ${before} to ${fp_state}`, fp_state !== 'FREE');
}

function ownerWord(owner: FpOwner): FlagWord {
  return {
    name: 'fp_owner',
    width: 3,
    bits: [
      ['FP_STATE_FREE', owner === 'FREE'],
      ['FP_STATE_HOST_OWNED', owner === 'HOST'],
      ['FP_STATE_GUEST_OWNED', owner === 'GUEST'],
    ],
  };
}

export const FP_OWNER: FpPolicy = {
  name: 'FP_OWNER',
  description:
    "KVM since 6.0: the registers belong to the host, the guest or nobody; a trap saves the host's only if they are the host's.",
  switchesAtExit: false,

  vcpuLoad(fp) {
    setFpState(fp, 'HOST');
  },

  /** kvm_arch_vcpu_ctxflush_fp() */
  enter(fp) {
    if (fp.TIF_FOREIGN_FPSTATE) setFpState(fp, 'FREE');
    return fp.vcpu.fp_state !== 'GUEST';
  },

  trap(fp) {
    if (fp.vcpu.fp_state === 'HOST') fp.saveHostTask();
    fp.loadGuest();
    setFpState(fp, 'GUEST');
  },

  /** kvm_arch_vcpu_ctxsync_fp() */
  exit(fp) {
    if (fp.vcpu.fp_state === 'GUEST') fp.bindGuest();
  },

  vcpuPut(fp) {
    if (fp.vcpu.fp_state === 'GUEST') fp.saveAndFlush();
  },

  flagWords: ({ vcpu }) => [ownerWord(vcpu.fp_state)],
};
