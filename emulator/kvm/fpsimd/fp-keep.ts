/**
 * FP_KEEP: KVM 4.18 to 5.19. The guest's registers stay on the processor over exits. KVM keeps two flags of
 * its own, FP_ENABLED and FP_HOST, and meets the host's TIF_FOREIGN_FPSTATE at each entry and exit.
 */
import type { FlagWord } from '../policies/policy.ts';
import type { Vcpu } from '../vcpu.ts';
import type { Fpsimd } from './fpsimd.ts';
import type { FpPolicy } from './policy.ts';

export function setFpEnabled(fp: Fpsimd, set: boolean): void {
  if (fp.vcpu.FP_ENABLED === set) return;
  fp.vcpu.FP_ENABLED = set;
  fp.setFlag(`KVM_ARM64_FP_ENABLED ${set ? 'set' : 'cleared'}`, set);
}

function setFpHost(fp: Fpsimd, set: boolean): void {
  if (fp.vcpu.FP_HOST === set) return;
  fp.vcpu.FP_HOST = set;
  fp.setFlag(`KVM_ARM64_FP_HOST ${set ? 'set' : 'cleared'}`, set);
}

function flagsWord({ FP_ENABLED, FP_HOST }: Vcpu): FlagWord {
  return {
    name: 'flags',
    width: 8,
    bits: [
      ['', false],
      ['FP_ENABLED', FP_ENABLED],
      ['FP_HOST', FP_HOST],
      ['HOST_SVE_IN_USE', false],
      ['HOST_SVE_ENABLED', false],
      ['GUEST_HAS_SVE', false],
      ['VCPU_SVE_FINALIZED', false],
      ['GUEST_HAS_PTRAUTH', false],
    ],
  };
}

export const FP_KEEP: FpPolicy = {
  name: 'FP_KEEP',
  description:
    "KVM 4.18 to 5.19: the guest's registers stay over exits until the host needs the processor's; FP_HOST remembers whether the host's have to be saved first.",
  switchesAtExit: false,

  vcpuLoad(fp) {
    setFpEnabled(fp, false);
    setFpHost(fp, true);
  },

  /** update_fp_enabled() */
  enter(fp) {
    if (fp.TIF_FOREIGN_FPSTATE) {
      setFpEnabled(fp, false);
      setFpHost(fp, false);
    }
    return !fp.vcpu.FP_ENABLED;
  },

  trap(fp) {
    if (fp.vcpu.FP_HOST) {
      fp.saveHostTask();
      setFpHost(fp, false);
    }
    fp.loadGuest();
    setFpEnabled(fp, true);
  },

  /** kvm_arch_vcpu_ctxsync_fp() */
  exit(fp) {
    if (fp.vcpu.FP_ENABLED) fp.bindGuest();
  },

  vcpuPut(fp) {
    if (fp.vcpu.FP_ENABLED) fp.saveAndFlush();
  },

  flagWords: ({ vcpu }) => [flagsWord(vcpu)],
};
