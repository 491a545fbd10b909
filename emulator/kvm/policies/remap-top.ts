/**
 * REMAP_TOP: a policy of this project. A guest with fewer breakpoints than the processor runs on it: its
 * context-aware breakpoints go to the top of the processor's, links are translated, and the guest's
 * registers keep the guest's numbers in memory. Everything else is as under OWNER.
 *
 * Where numbers change, the four groups of registers trap while the guest has them: by FEAT_FGT alone, or
 * all debug registers by TDA where the processor does not have it.
 */
import { HDFGxTR_EL2_DBG } from '../control-bits.ts';
import { compile, infeasibleReason, remapOf } from '../remap.ts';
import type { Remap } from '../remap.ts';
import type { WorldSwitch } from '../world-switch.ts';
import { decideOwner, OWNER, setupOwnerMdcr } from './owner.ts';
import type { DebugPolicy } from './policy.ts';

export const topRemap = (ws: WorldSwitch): Remap => remapOf(ws.guest, ws.profile, 'top');

export const isFineGrained = (ws: WorldSwitch): boolean =>
  ws.profile.processor.FEAT_FGT && ws.vcpu.debug_owner === 'GUEST' && !topRemap(ws).identity;

function setupMdcr(ws: WorldSwitch): void {
  const open = topRemap(ws).identity || isFineGrained(ws);
  setupOwnerMdcr(ws, ws.vcpu.debug_owner === 'GUEST' && open);
}

export const REMAP_TOP: DebugPolicy = {
  ...OWNER,
  name: 'REMAP_TOP',
  description:
    'As OWNER, for a guest with fewer breakpoints than the processor: its context-aware ones move to the top of the processor’s and links follow.',

  refusal: infeasibleReason,

  vcpuLoad(ws) {
    decideOwner(ws);
    setupMdcr(ws);
  },

  enter(ws) {
    if (isFineGrained(ws)) {
      ws.cpu.write('HDFGRTR_EL2', HDFGxTR_EL2_DBG);
      ws.cpu.write('HDFGWTR_EL2', HDFGxTR_EL2_DBG);
    }
    OWNER.enter(ws);
  },

  exit(ws) {
    OWNER.exit(ws);
    if (isFineGrained(ws)) {
      ws.cpu.write('HDFGRTR_EL2', 0n);
      ws.cpu.write('HDFGWTR_EL2', 0n);
    }
  },

  debugRegisterTrapped(ws) {
    if (ws.vcpu.debug_owner === 'HOST') return;
    const had = ws.vcpu.debug_owner === 'GUEST';
    ws.setOwner('GUEST');
    if (!had) setupMdcr(ws);
  },

  image(ws) {
    const remap = topRemap(ws);
    return remap.identity ? undefined : compile(remap, ws.vcpu.vcpu_debug_state);
  },

  toPhysical: (ws, v) => topRemap(ws).toPhysical(v),
};
