/**
 * DEBUG_PTR: KVM from 4.2 to 5.19, with KVM_SET_GUEST_DEBUG. DIRTY as before, and a pointer that makes the
 * world switch load the debugger's registers in place of the guest's. Stepping is that of 4.16: PSTATE.SS
 * is set at each entry, a step that KVM has emulated is reported at once, and the guest's own PSTATE.SS is
 * lost.
 */
import type { DebugPolicy } from './policy.ts';
import { setupDebugPolicy } from './setup-debug.ts';

export const DEBUG_PTR: DebugPolicy = {
  ...setupDebugPolicy({ emulatesOsLock: false, preservesStep: false }),
  name: 'DEBUG_PTR',
  description:
    'KVM 4.2 to 5.19: DIRTY decides as in LAZY_DIRTY and a pointer gives the registers to a debugger, but TDA stays set while the guest debugs itself.',
  generation: 'G2',
};
