/**
 * IFLAGS: KVM from 6.0 to 6.13. The decisions of DEBUG_PTR with the flags in words of their own, the OS Lock
 * emulated by clearing MDSCR_EL1.MDE, and the step of 6.2, which keeps the guest's PSTATE.SS.
 */
import type { DebugPolicy } from './policy.ts';
import { setupDebugPolicy } from './setup-debug.ts';

export const IFLAGS: DebugPolicy = {
  ...setupDebugPolicy({ emulatesOsLock: true, preservesStep: true }),
  name: 'IFLAGS',
  description:
    'KVM 6.0 to 6.13: as DEBUG_PTR, with the flags in words of 8 bits, the OS Lock emulated, and PSTATE.SS kept for the guest while a debugger steps.',
  generation: 'G3',

  flagWords: ({ vcpu }) => [
    {
      name: 'iflags',
      width: 8,
      bits: [
        ['PENDING_EXCEPTION', false],
        ['EXCEPT_MASK[0]', false],
        ['EXCEPT_MASK[1]', false],
        ['EXCEPT_MASK[2]', false],
        ['DEBUG_DIRTY', vcpu.debug_dirty],
        ['DEBUG_STATE_SAVE_SPE', false],
        ['DEBUG_STATE_SAVE_TRBE', false],
        ['VCPU_HYP_CONTEXT', false],
      ],
    },
    {
      name: 'sflags',
      width: 8,
      bits: [
        ['', false],
        ['', false],
        ['', false],
        ['', false],
        ['', false],
        ['DBG_SS_ACTIVE_PENDING', vcpu.HOST_SS_ACTIVE_PENDING],
        ['', false],
        ['', false],
      ],
    },
  ],
};
