/** FP_TRAP: KVM 4.5 to 4.17. The first FP instruction after each entry traps; the exit switches back. */
import type { FpPolicy } from './policy.ts';

export const FP_TRAP: FpPolicy = {
  name: 'FP_TRAP',
  description:
    "KVM 4.5 to 4.17: the guest's first FP instruction after each entry traps and switches the registers, and the exit switches them back.",
  switchesAtExit: true,

  vcpuLoad: () => undefined,
  vcpuPut: () => undefined,
  enter: () => true,

  trap(fp) {
    fp.saveHostContext();
    fp.loadGuest();
  },

  exit(fp) {
    if (fp.trapping) return;
    fp.saveGuest();
    fp.loadHostContext();
  },

  flagWords: () => [],
};
