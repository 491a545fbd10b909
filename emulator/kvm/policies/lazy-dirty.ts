/**
 * LAZY_DIRTY: KVM from 3.17 to 4.1. A guest that touches no debug registers costs nothing; its first write
 * sets a flag, and while the flag is set the registers are switched and untrapped. The flag dies at
 * every exit and comes back at entry while the guest has debugging enabled in MDSCR_EL1.
 */
import {
  MDCR_EL2_HPMN,
  MDCR_EL2_TDA,
  MDCR_EL2_TDOSA,
  MDCR_EL2_TDRA,
  MDCR_EL2_TPM,
  MDCR_EL2_TPMCR,
  MDSCR_EL1_KDE,
  MDSCR_EL1_MDE,
} from '../control-bits.ts';
import type { DebugPolicy } from './policy.ts';

export const LAZY_DIRTY: DebugPolicy = {
  name: 'LAZY_DIRTY',
  description:
    'KVM 3.17 to 4.1: the first write to a debug register traps and sets DIRTY, which switches and untraps all of them until the next exit.',
  generation: 'G1',
  guestDebug: false,

  vcpuLoad() {
    // Everything is decided at entry.
  },

  vcpuPut() {
    // Every exit has cleaned up already.
  },

  enter(ws) {
    const { vcpu } = ws;
    if ((vcpu.sys_regs.MDSCR_EL1 & (MDSCR_EL1_KDE | MDSCR_EL1_MDE)) !== 0n) ws.setDirty(true);
    if (vcpu.debug_dirty) {
      ws.readDebugFeatures();
      ws.saveBundle('H');
    }
    const HPMN = ws.cpu.read('MDCR_EL2') & MDCR_EL2_HPMN;
    vcpu.mdcr_el2 =
      HPMN |
      MDCR_EL2_TPM |
      MDCR_EL2_TPMCR |
      MDCR_EL2_TDRA |
      MDCR_EL2_TDOSA |
      (vcpu.debug_dirty ? 0n : MDCR_EL2_TDA);
    ws.writeMdcr(vcpu.mdcr_el2);
    ws.useHardwareOsLock();
    ws.enterMdscr(vcpu.sys_regs.MDSCR_EL1);
    if (vcpu.debug_dirty) {
      ws.readDebugFeatures();
      ws.loadBundle('G');
    }
  },

  exit(ws) {
    const { vcpu } = ws;
    const MDSCR_EL1 = ws.exitMdscr();
    vcpu.sys_regs.MDSCR_EL1 = MDSCR_EL1;
    if (vcpu.debug_dirty) {
      ws.readDebugFeatures();
      ws.saveBundle('G');
    }
    ws.restoreHostMdcr();
    if (vcpu.debug_dirty) {
      ws.readDebugFeatures();
      ws.loadBundle('H');
      ws.setDirty(false);
    }
  },

  debugRegisterTrapped(ws, direction) {
    if (direction === 'write') ws.setDirty(true);
  },

  osLockWritten: () => false, // the next entry puts the lock on the processor
  owner: (ws) => (ws.vcpu.debug_dirty ? 'DIRTY' : 'clean'),
  bundleInGuest: (ws) => (ws.vcpu.debug_dirty ? 'G' : 'H'),
  guestMdscrInGuest: () => true,
};
