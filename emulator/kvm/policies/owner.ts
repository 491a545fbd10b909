/**
 * OWNER: KVM since 6.14. The debug registers belong to nobody, to the guest or to the host's debugger, from
 * vcpu_load to vcpu_put. Any trapped access, read or write, hands free registers to the guest; a debugger
 * has them alone.
 */
import {
  MDCR_EL2_TDA,
  MDCR_EL2_TDE,
  MDCR_EL2_TDOSA,
  MDCR_EL2_TDRA,
  MDCR_EL2_TPM,
  MDCR_EL2_TPMCR,
  MDCR_EL2_TPMS,
  MDCR_EL2_TTRF,
  MDSCR_EL1_KDE,
  MDSCR_EL1_MDE,
  MDSCR_EL1_SS,
} from '../control-bits.ts';
import { KVM_GUESTDBG_USE_HW } from '../guest-debug-control.ts';
import type { WorldSwitch } from '../world-switch.ts';
import type { DebugPolicy } from './policy.ts';

/** `open`: the guest reaches its debug registers without a trap. */
export function setupOwnerMdcr(ws: WorldSwitch, open: boolean): void {
  const { vcpu } = ws;
  vcpu.mdcr_el2 =
    ws.host.nr_event_counters |
    MDCR_EL2_TPM |
    MDCR_EL2_TPMS |
    MDCR_EL2_TTRF |
    MDCR_EL2_TPMCR |
    MDCR_EL2_TDRA |
    MDCR_EL2_TDOSA |
    (vcpu.guest_debug !== 0 ? MDCR_EL2_TDE : 0n) |
    (open ? 0n : MDCR_EL2_TDA);
  // With VHE the hypervisor is at EL2 already; without, the next entry writes it.
  if (ws.profile.VHE) ws.writeMdcr(vcpu.mdcr_el2);
}

/** Who has the registers from vcpu_load to vcpu_put, and whose the step is. */
export function decideOwner(ws: WorldSwitch): void {
  const { vcpu } = ws;
  const MDSCR_EL1 = vcpu.sys_regs.MDSCR_EL1;
  if (vcpu.guest_debug === 0 && !vcpu.debugLocked) {
    ws.setOwner((MDSCR_EL1 & (MDSCR_EL1_KDE | MDSCR_EL1_MDE)) !== 0n ? 'GUEST' : 'FREE');
    return;
  }
  ws.setOwner('HOST');
  vcpu.external_mdscr_el1 =
    (MDSCR_EL1 & ~(MDSCR_EL1_SS | MDSCR_EL1_MDE | MDSCR_EL1_KDE)) |
    (ws.hostSteps ? MDSCR_EL1_SS : 0n) |
    ((vcpu.guest_debug & KVM_GUESTDBG_USE_HW) !== 0 ? MDSCR_EL1_MDE | MDSCR_EL1_KDE : 0n);
  if (ws.hostSteps) ws.stealStep();
}

export const OWNER: DebugPolicy = {
  name: 'OWNER',
  description:
    'KVM since 6.14: the first access hands the debug registers to the guest until vcpu_put, and a debugger has them alone.',
  generation: 'G4',
  guestDebug: true,

  vcpuLoad(ws) {
    decideOwner(ws);
    setupOwnerMdcr(ws, ws.vcpu.debug_owner === 'GUEST');
  },

  vcpuPut(ws) {
    if (ws.vcpu.stepStolen) ws.returnStep();
    if (ws.profile.VHE) ws.restoreHostMdcr();
  },

  enter(ws) {
    const { vcpu } = ws;
    if (!ws.profile.VHE) ws.writeMdcr(vcpu.mdcr_el2);
    const { debug_owner } = vcpu;
    if (debug_owner !== 'FREE') {
      ws.saveBundle('H');
      ws.loadBundle(debug_owner === 'GUEST' ? 'G' : 'X');
    }
    ws.enterMdscr(debug_owner === 'HOST' ? vcpu.external_mdscr_el1 : vcpu.sys_regs.MDSCR_EL1);
  },

  exit(ws) {
    const { vcpu } = ws;
    const MDSCR_EL1 = ws.exitMdscr();
    if (vcpu.debug_owner === 'HOST') vcpu.external_mdscr_el1 = MDSCR_EL1;
    else vcpu.sys_regs.MDSCR_EL1 = MDSCR_EL1;
    if (vcpu.debug_owner !== 'FREE') {
      ws.saveBundle(vcpu.debug_owner === 'GUEST' ? 'G' : 'X');
      ws.loadBundle('H');
    }
    if (!ws.profile.VHE) ws.restoreHostMdcr();
  },

  debugRegisterTrapped(ws) {
    if (ws.vcpu.debug_owner === 'HOST') return;
    ws.setOwner('GUEST');
    setupOwnerMdcr(ws, ws.vcpu.debug_owner === 'GUEST');
  },

  osLockWritten: () => true,
  owner: (ws) => ws.vcpu.debug_owner,
  bundleInGuest({ vcpu }) {
    switch (vcpu.debug_owner) {
      case 'FREE':
        return 'H';
      case 'GUEST':
        return 'G';
      case 'HOST':
        return 'X';
      case 'SHARED':
        return 'S';
    }
  },
  guestMdscrInGuest: (ws) => ws.vcpu.debug_owner !== 'HOST',
};
