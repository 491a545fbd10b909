/**
 * kvm_arm_setup_debug and kvm_arm_clear_debug, KVM 4.2 to 6.13: before each entry the host decides from the
 * flags whose registers the world switch loads, and takes the decision back after the exit.
 *
 * MDCR_EL2.TDA follows from DIRTY as it is before MDSCR_EL1 is looked at, and every exit clears DIRTY. So a
 * guest that has debugging enabled runs with its registers loaded and TDA set all the same: its first write
 * after each exit traps, and its reads always do.
 */
import {
  MDCR_EL2_HPMN,
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

interface Variant {
  /** 5.18: a locked OS Lock clears MDSCR_EL1.MDE. Before, the processor's lock stands in for it here. */
  readonly emulatesOsLock: boolean;
  /** 6.2: PSTATE.SS of the guest and a pending step survive. */
  readonly preservesStep: boolean;
  /** The guest's registers are never left open to it. */
  alwaysTraps?(ws: WorldSwitch): boolean;
}

type Methods = Omit<DebugPolicy, 'name' | 'description' | 'generation'>;

const usesHardware = ({ vcpu }: WorldSwitch): boolean =>
  (vcpu.guest_debug & KVM_GUESTDBG_USE_HW) !== 0;

export function setupDebugPolicy(variant: Variant): Methods {
  const { emulatesOsLock, preservesStep } = variant;
  const isLocked = ({ vcpu }: WorldSwitch): boolean => emulatesOsLock && vcpu.debugLocked;
  /** The guest's MDSCR_EL1 is set aside while it runs. */
  const preservesMdscr = (ws: WorldSwitch): boolean => ws.vcpu.guest_debug !== 0 || isLocked(ws);

  function setupMdcr(ws: WorldSwitch): void {
    const { vcpu } = ws;
    const trapDebug =
      usesHardware(ws) || !vcpu.debug_dirty || isLocked(ws) || variant.alwaysTraps?.(ws) === true;
    vcpu.mdcr_el2 =
      (ws.host.nr_event_counters & MDCR_EL2_HPMN) |
      MDCR_EL2_TPM |
      MDCR_EL2_TPMS |
      MDCR_EL2_TTRF |
      MDCR_EL2_TPMCR |
      MDCR_EL2_TDRA |
      MDCR_EL2_TDOSA |
      (vcpu.guest_debug !== 0 ? MDCR_EL2_TDE : 0n) |
      (trapDebug ? MDCR_EL2_TDA : 0n);
    // With VHE the hypervisor is at EL2 already and writes what has changed.
    if (!ws.profile.VHE || ws.mdcr !== vcpu.mdcr_el2) ws.writeMdcr(vcpu.mdcr_el2);
  }

  /** @returns MDSCR_EL1 for the guest's run */
  function setupMdscr(ws: WorldSwitch): bigint {
    const { vcpu } = ws;
    let MDSCR_EL1 = vcpu.sys_regs.MDSCR_EL1;
    if (!preservesMdscr(ws)) return MDSCR_EL1;
    if (ws.hostSteps) {
      if (!preservesStep) ws.pstateSS = true;
      MDSCR_EL1 |= MDSCR_EL1_SS;
    } else {
      MDSCR_EL1 &= ~MDSCR_EL1_SS;
    }
    if (usesHardware(ws)) {
      MDSCR_EL1 |= MDSCR_EL1_MDE;
      ws.setDirty(true);
    } else if (vcpu.debugLocked) {
      MDSCR_EL1 &= ~MDSCR_EL1_MDE;
    }
    vcpu.external_mdscr_el1 = MDSCR_EL1;
    return MDSCR_EL1;
  }

  const guestSide = (ws: WorldSwitch): 'G' | 'X' => (usesHardware(ws) ? 'X' : 'G');

  return {
    guestDebug: true,

    vcpuLoad(ws) {
      if (ws.vcpu.guest_debug !== 0 && ws.hostSteps) ws.stealStep();
    },

    vcpuPut(ws) {
      const { vcpu } = ws;
      if (vcpu.stepStolen) {
        if (preservesStep) ws.returnStep();
        else vcpu.stepStolen = false;
      }
      if (ws.profile.VHE) ws.restoreHostMdcr();
    },

    enter(ws) {
      const { vcpu } = ws;
      setupMdcr(ws);
      const MDSCR_EL1 = setupMdscr(ws);
      if ((MDSCR_EL1 & (MDSCR_EL1_KDE | MDSCR_EL1_MDE)) !== 0n) ws.setDirty(true);
      if (emulatesOsLock || vcpu.guest_debug !== 0) vcpu.hardwareLocked = false;
      else ws.useHardwareOsLock();
      if (vcpu.debug_dirty) {
        ws.readDebugFeatures();
        ws.saveBundle('H');
      }
      ws.enterMdscr(MDSCR_EL1);
      if (vcpu.debug_dirty) {
        ws.readDebugFeatures();
        ws.loadBundle(guestSide(ws));
      }
    },

    exit(ws) {
      const { vcpu } = ws;
      const MDSCR_EL1 = ws.exitMdscr();
      if (!preservesMdscr(ws)) vcpu.sys_regs.MDSCR_EL1 = MDSCR_EL1;
      if (vcpu.debug_dirty) {
        ws.readDebugFeatures();
        ws.saveBundle(guestSide(ws));
      }
      if (!ws.profile.VHE) ws.restoreHostMdcr();
      if (vcpu.debug_dirty) {
        ws.readDebugFeatures();
        ws.loadBundle('H');
        ws.setDirty(false);
      }
    },

    debugRegisterTrapped(ws, direction) {
      if (direction === 'write') ws.setDirty(true);
    },

    osLockWritten: () => false, // the next entry looks at it
    owner: (ws) =>
      ws.vcpu.debug_dirty ? (usesHardware(ws) ? 'DIRTY, debugger' : 'DIRTY') : 'clean',
    bundleInGuest: (ws) => (ws.vcpu.debug_dirty ? guestSide(ws) : 'H'),
    guestMdscrInGuest: (ws) => !preservesMdscr(ws),
  };
}
