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

/**
 * The guest's registers are on the processor as they are. Where the processor has more than the guest, a `strict`
 * hypervisor does not leave them open all the same: the guest could reach what it does not have.
 */
const isDirect = (ws: WorldSwitch): boolean =>
  topRemap(ws).identity && !(ws.strict && ws.hasOwnProcessor);

export const isFineGrained = (ws: WorldSwitch): boolean =>
  ws.profile.processor.FEAT_FGT && ws.vcpu.debug_owner === 'GUEST' && !isDirect(ws);

function setupMdcr(ws: WorldSwitch): void {
  const open = isDirect(ws) || isFineGrained(ws);
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
    return isDirect(ws) ? undefined : compile(topRemap(ws), ws.vcpu.vcpu_debug_state);
  },

  toPhysical: (ws, v) => topRemap(ws).toPhysical(v),
};
