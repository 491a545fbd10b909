/**
 * FP_OWNER_EAGER_HOST: KVM since 6.14. The host's registers are saved and given up once, at vcpu_load, so a
 * trap never has to know where they go.
 */
import { FP_OWNER, setFpState } from './fp-owner.ts';
import type { FpPolicy } from './policy.ts';

export const FP_OWNER_EAGER_HOST: FpPolicy = {
  ...FP_OWNER,
  name: 'FP_OWNER_EAGER_HOST',
  description:
    "KVM since 6.14: vcpu_load saves the host's registers once; a trap only loads the guest's.",

  vcpuLoad(fp) {
    fp.saveAndFlush();
    setFpState(fp, 'FREE');
  },

  trap(fp) {
    fp.loadGuest();
    setFpState(fp, 'GUEST');
  },
};
