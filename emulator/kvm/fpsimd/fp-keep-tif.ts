/**
 * FP_KEEP as "arm64: kvm: Remove redundant KVM_ARM64_FP_HOST flag" (July 2020, not merged) would have it: the
 * trap asks TIF_FOREIGN_FPSTATE whether to save the host's registers. Nothing then records that a trap has
 * saved them, so a second trap before the exit saves the guest's registers as the host's.
 */
import { FP_KEEP, setFpEnabled } from './fp-keep.ts';
import type { FpPolicy } from './policy.ts';

export const FP_KEEP_TIF: FpPolicy = {
  ...FP_KEEP,
  name: 'FP_KEEP_TIF',
  description: 'FP_KEEP without FP_HOST, as a patch of 2020 proposed: a hazard, not a choice.',

  vcpuLoad(fp) {
    setFpEnabled(fp, false);
  },

  enter(fp) {
    if (fp.TIF_FOREIGN_FPSTATE) setFpEnabled(fp, false);
    return !fp.vcpu.FP_ENABLED;
  },

  trap(fp) {
    if (!fp.TIF_FOREIGN_FPSTATE) fp.saveHostTask();
    fp.loadGuest();
    setFpEnabled(fp, true);
  },
};
