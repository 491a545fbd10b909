/**
 * REMAP_SHARED: a policy of this project. As REMAP_TOP while nobody debugs the guest. While somebody does, the
 * guest's and the debugger's breakpoints and watchpoints are on the processor together: the guest's own
 * exceptions are told from the debugger's at the exit and given to its EL1, its software step has a state
 * machine of its own, and what has no slot is compared in software. KVM has the one or the other there.
 *
 * All debug registers trap meanwhile, since MDCR_EL2.TDE is set, so the copy in memory is always the guest's
 * latest and nothing has to be saved at the exit.
 */
import { MDSCR_EL1_EMBWE, MDSCR_EL1_KDE, MDSCR_EL1_MDE, MDSCR_EL1_SS } from '../control-bits.ts';
import type { DebugState } from '../debug-state.ts';
import { registersOf } from '../debugger-match.ts';
import { beginStep, deliverGuestStep, endStep, noteInstruction } from '../guest-step.ts';
import { allocateShared } from '../shared-slots.ts';
import type { AllocationNote, SharedAllocation } from '../shared-slots.ts';
import type { WorldSwitch } from '../world-switch.ts';
import { setupOwnerMdcr } from './owner.ts';
import type { DebugPolicy } from './policy.ts';
import { REMAP_TOP } from './remap-top.ts';

export const isShared = ({ vcpu }: WorldSwitch): boolean => vcpu.debug_owner === 'SHARED';

/** Where everything goes for the next entry, with these requests of the debugger. */
export function allocationFor(
  ws: WorldSwitch,
  requests: Readonly<DebugState> = ws.debuggerRequests(),
): SharedAllocation {
  const { vcpu } = ws;
  return allocateShared(
    {
      registers: vcpu.vcpu_debug_state,
      resources: ws.guestResources,
      MDSCR_EL1: vcpu.sys_regs.MDSCR_EL1,
      locked: vcpu.debugLocked || vcpu.stepOver?.guest === true,
    },
    requests,
    ws.hostResources,
  );
}

/** The guest's entries that are not where the guest thinks, in one line each; empty where all are. */
function describeAllocation(shared: SharedAllocation): AllocationNote {
  const moved: string[] = [];
  const families = [
    ['DBGBCR', shared.breakpoints],
    ['DBGWCR', shared.watchpoints],
  ] as const;
  for (const [family, slots] of families) {
    slots.forEach((use, p) => {
      if (use?.owner !== 'guest') return;
      for (const v of use.indices) if (v !== p) moved.push(`${family}${v} in ${family}${p}`);
    });
  }
  const evicted = [
    ...shared.evictedBreakpoints.map((v) => `DBGBCR${v}`),
    ...shared.evictedWatchpoints.map((v) => `DBGWCR${v}`),
    ...shared.softwareRequests.map((n) => `the debugger's breakpoint ${n}`),
  ];
  return { remap: moved.join(', '), evict: evicted.join(', ') };
}

function noteAllocation(ws: WorldSwitch): void {
  const { shared, vcpu } = ws;
  // What one step leaves out comes back right after it.
  if (shared === undefined || vcpu.stepOver !== undefined) return;
  const old = ws.noted;
  const now = describeAllocation(shared);
  ws.noted = now;
  if (now.remap !== old.remap) {
    ws.event('remap', now.remap === '' ? 'every entry has its own number' : `moved: ${now.remap}`);
  }
  if (now.evict !== old.evict) {
    ws.event('evict', now.evict === '' ? 'nothing is evicted' : `without a slot: ${now.evict}`);
  }
}

/** Entries without a slot are compared by the processor's model instead; see `SoftwareSlots`. */
function installSoftwareSlots(ws: WorldSwitch, shared: SharedAllocation): void {
  const { evictedBreakpoints, evictedWatchpoints, softwareRequests, masked } = shared;
  const { cpu } = ws.cpu;
  const external = ws.debuggerRequests();
  cpu.setSoftwareSlots([
    {
      registers: registersOf(masked),
      resources: ws.guestResources,
      breakpoints: evictedBreakpoints,
      watchpoints: evictedWatchpoints,
    },
    {
      registers: registersOf(external),
      resources: ws.hostResources,
      breakpoints: softwareRequests,
      watchpoints: [],
    },
  ]);
}

/** MDSCR_EL1 while both are on the processor: the guest's but for what the hypervisor decides. */
function sharedMdscr(ws: WorldSwitch): bigint {
  const { vcpu } = ws;
  return (
    (vcpu.sys_regs.MDSCR_EL1 & ~MDSCR_EL1_SS) |
    MDSCR_EL1_MDE |
    MDSCR_EL1_KDE |
    (ws.hasBanks ? MDSCR_EL1_EMBWE : 0n) |
    (vcpu.stepStolen ? MDSCR_EL1_SS : 0n)
  );
}

export const REMAP_SHARED: DebugPolicy = {
  ...REMAP_TOP,
  name: 'REMAP_SHARED',
  description:
    'As REMAP_TOP, and while a debugger is attached its breakpoints and the guest’s own are live at the same time.',
  sharesWithDebugger: true,

  vcpuLoad(ws) {
    if (ws.vcpu.guest_debug === 0) {
      ws.shared = undefined;
      REMAP_TOP.vcpuLoad(ws);
      return;
    }
    ws.setOwner('SHARED');
    setupOwnerMdcr(ws, false);
  },

  beforeEntry(ws) {
    if (!isShared(ws)) return;
    deliverGuestStep(ws);
    beginStep(ws);
    ws.shared = allocationFor(ws);
    noteAllocation(ws);
  },

  enter(ws) {
    if (!isShared(ws)) {
      REMAP_TOP.enter(ws);
      return;
    }
    const { vcpu, shared } = ws;
    if (shared === undefined) throw new TypeError('No slots have been allocated');
    if (!ws.profile.VHE) ws.writeMdcr(vcpu.mdcr_el2);
    noteInstruction(ws);
    ws.saveBundle('H');
    ws.loadBundle('S');
    installSoftwareSlots(ws, shared);
    vcpu.external_mdscr_el1 = sharedMdscr(ws);
    ws.enterMdscr(vcpu.external_mdscr_el1);
  },

  exit(ws) {
    if (!isShared(ws)) {
      REMAP_TOP.exit(ws);
      return;
    }
    endStep(ws);
    ws.exitMdscr();
    ws.cpu.cpu.setSoftwareSlots([]);
    ws.loadBundle('H');
    if (!ws.profile.VHE) ws.restoreHostMdcr();
  },

  restored(ws) {
    if (!isShared(ws)) return;
    ws.shared = allocationFor(ws);
    installSoftwareSlots(ws, ws.shared);
  },

  debugRegisterTrapped(ws, direction) {
    if (!isShared(ws)) REMAP_TOP.debugRegisterTrapped(ws, direction);
  },

  osLockWritten: (ws) => !isShared(ws),
  bundleInGuest: (ws) => (isShared(ws) ? 'S' : REMAP_TOP.bundleInGuest(ws)),
  guestMdscrInGuest: (ws) => !isShared(ws) && REMAP_TOP.guestMdscrInGuest(ws),
};
