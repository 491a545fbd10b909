/**
 * REMAP_STATIC: "KVM: arm64: Make ID_AA64DFR0_EL1 writable" by Reiji Watanabe, version 7 of April 2022, never
 * merged; here on top of IFLAGS. The guest's context-aware breakpoints begin where the processor's do.
 * Every debug register traps for good, and a link to a breakpoint that the guest does not have is
 * pointed at a breakpoint that is never in use and reads as 0.
 */
import { compile, infeasibleReason, linkOf, remapOf, usesLink, withLink } from '../remap.ts';
import type { Remap } from '../remap.ts';
import type { WorldSwitch } from '../world-switch.ts';
import { contextAwareRange } from '../../sysregs/processor-model.ts';
import { IFLAGS } from './iflags.ts';
import type { DebugPolicy } from './policy.ts';
import { setupDebugPolicy } from './setup-debug.ts';

const bottomRemap = (ws: WorldSwitch): Remap => remapOf(ws.guest, ws.profile, 'bottom');

export const REMAP_STATIC: DebugPolicy = {
  ...IFLAGS,
  ...setupDebugPolicy({
    emulatesOsLock: true,
    preservesStep: true,
    alwaysTraps: (ws) => !bottomRemap(ws).identity,
  }),
  name: 'REMAP_STATIC',
  description:
    'Proposed in 2022, never merged: a guest with fewer breakpoints than the processor runs with its context-aware ones moved to where the processor’s begin, and every debug register traps.',

  refusal: infeasibleReason,

  image(ws) {
    const remap = bottomRemap(ws);
    if (remap.identity) return undefined;
    const { breakpoints, contextAware: contextAwareBreakpoints } = ws.profile;
    const [first] = contextAwareRange({ breakpoints, contextAwareBreakpoints });
    const unused = first - 1;
    return compile(remap, ws.vcpu.vcpu_debug_state, unused);
  },

  readBack(ws, { array }, value) {
    if (array !== 'dbg_bcr' && array !== 'dbg_wcr') return value;
    const lost =
      !bottomRemap(ws).identity && usesLink(array, value) && linkOf(value) >= ws.guest.breakpoints;
    return lost ? withLink(value, 0) : value;
  },

  toPhysical: (ws, v) => bottomRemap(ws).toPhysical(v),
};
