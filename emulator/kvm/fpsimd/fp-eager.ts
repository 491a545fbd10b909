/** FP_EAGER: KVM up to 4.4. Every entry and every exit moves all FP registers, needed or not. */
import type { FpPolicy } from './policy.ts';

export const FP_EAGER: FpPolicy = {
  name: 'FP_EAGER',
  description:
    'KVM up to 4.4: each entry saves the FP registers of the host and loads those of the guest, each exit the other way round.',
  switchesAtExit: true,

  vcpuLoad: () => undefined,
  vcpuPut: () => undefined,

  enter(fp) {
    fp.saveHostContext();
    fp.loadGuest();
    return false;
  },

  trap: () => undefined,

  exit(fp) {
    fp.saveGuest();
    fp.loadHostContext();
  },

  flagWords: () => [],
};
