/**
 * EAGER: the reference that the lazy policies are compared with; no KVM works like this. The debug
 * registers are switched at every entry and exit, and nothing that MDCR_EL2.TDA covers ever traps.
 */
import { MDCR_EL2_TDOSA, MDCR_EL2_TDRA, MDCR_EL2_TPM, MDCR_EL2_TPMCR } from '../control-bits.ts';
import type { DebugPolicy } from './policy.ts';

export const EAGER: DebugPolicy = {
  name: 'EAGER',
  description: 'Every entry and every exit switches all debug registers, and none of them traps.',
  generation: 'G1',
  guestDebug: false,

  vcpuLoad(ws) {
    ws.vcpu.mdcr_el2 =
      ws.host.nr_event_counters | MDCR_EL2_TPM | MDCR_EL2_TPMCR | MDCR_EL2_TDRA | MDCR_EL2_TDOSA;
    ws.writeMdcr(ws.vcpu.mdcr_el2);
  },

  vcpuPut(ws) {
    ws.restoreHostMdcr();
  },

  enter(ws) {
    ws.saveBundle('H');
    ws.useHardwareOsLock();
    ws.enterMdscr(ws.vcpu.sys_regs.MDSCR_EL1);
    ws.loadBundle('G');
  },

  exit(ws) {
    ws.vcpu.sys_regs.MDSCR_EL1 = ws.exitMdscr();
    ws.saveBundle('G');
    ws.loadBundle('H');
  },

  debugRegisterTrapped() {
    // Nothing to decide: the registers are switched either way.
  },

  osLockWritten: () => false, // the next entry puts the lock on the processor
  owner: () => 'always switched',
  bundleInGuest: () => 'G',
  guestMdscrInGuest: () => true,
};
