/**
 * LAZY_MDSCR: a variant of KVM 3.17 that was discussed and never merged. Only a write to MDSCR_EL1 that
 * enables debugging sets DIRTY, so registers that are written but not used are never switched; the price
 * is a trap for each write while debugging is off.
 */
import { MDSCR_EL1_KDE, MDSCR_EL1_MDE } from '../control-bits.ts';
import { LAZY_DIRTY } from './lazy-dirty.ts';
import type { DebugPolicy } from './policy.ts';

export const LAZY_MDSCR: DebugPolicy = {
  ...LAZY_DIRTY,
  name: 'LAZY_MDSCR',
  description:
    'Never merged: DIRTY is set only when the guest enables debugging in MDSCR_EL1, so every access before that traps.',

  debugRegisterTrapped(ws, direction) {
    const enables = (ws.vcpu.sys_regs.MDSCR_EL1 & (MDSCR_EL1_KDE | MDSCR_EL1_MDE)) !== 0n;
    if (direction === 'write' && enables) ws.setDirty(true);
  },
};
