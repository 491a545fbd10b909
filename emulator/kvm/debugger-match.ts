/**
 * Which of the debugger's breakpoints or watchpoints an exit belongs to. The syndrome does not tell the
 * number, so the comparison of the processor is made again.
 */
import { breakpointVerdict, debugResources } from '../cpu/debug/breakpoint.ts';
import type { DebugContext, DebugResources } from '../cpu/debug/breakpoint.ts';
import { watchpointVerdict } from '../cpu/debug/watchpoint.ts';
import type { WatchpointRegisters } from '../cpu/debug/watchpoint.ts';
import type { ExceptionLevel } from '../cpu/pstate.ts';
import { MDSCR_EL1_MDE } from './control-bits.ts';
import type { DebugState } from './debug-state.ts';
import { guestDebugEnabled } from './guest-step.ts';
import type { HostProfile } from './host-profile.ts';
import type { WorldSwitch } from './world-switch.ts';

export function resourcesOf(profile: HostProfile): DebugResources {
  return debugResources(profile.processor, true);
}

/** A block of debug registers in the form that the debug logic of `cpu/` reads. */
export function registersOf(state: Readonly<DebugState>): WatchpointRegisters {
  return {
    DBGBCR: (n) => state.dbg_bcr[n] ?? 0n,
    DBGBVR: (n) => state.dbg_bvr[n] ?? 0n,
    DBGWCR: (n) => state.dbg_wcr[n] ?? 0n,
    DBGWVR: (n) => state.dbg_wvr[n] ?? 0n,
  };
}

/** What the guest's breakpoints and watchpoints are compared with while it is at this PSTATE. */
export function debugContext(ws: WorldSwitch, pstate: bigint): DebugContext {
  const EL = Number((pstate >> 2n) & 3n);
  return {
    EL: (EL === 3 ? 2 : EL) as ExceptionLevel,
    secure: false,
    CONTEXTIDR_EL1: ws.cpu.cpu.peekRegister('CONTEXTIDR_EL1'),
    CONTEXTIDR_EL2: 0n, // no profile has the register
    VMID: (ws.cpu.cpu.peekRegister('VTTBR_EL2') >> 48n) & 0xffn,
    inHost: false,
  };
}

/** Whether one of the guest's own breakpoints is due at its PC, its enables and PSTATE.D considered. */
export function guestBreakpointFires(ws: WorldSwitch): boolean {
  const { vcpu, guestResources } = ws;
  if (!guestMonitorEnabled(ws)) return false;
  const registers = registersOf(vcpu.vcpu_debug_state);
  const context = debugContext(ws, vcpu.pstate);
  for (let n = 0; n < guestResources.breakpoints; n += 1) {
    if (breakpointVerdict(n, vcpu.pc, registers, context, guestResources).fires) return true;
  }
  return false;
}

/** As `guestBreakpointFires`, for an access to the byte at `FAR`. */
export function guestWatchpointFires(ws: WorldSwitch, FAR: bigint, isWrite: boolean): boolean {
  const { vcpu, guestResources } = ws;
  if (!guestMonitorEnabled(ws)) return false;
  const registers = registersOf(vcpu.vcpu_debug_state);
  return lowestWatchpoint(ws, registers, guestResources, FAR, isWrite) !== undefined;
}

const guestMonitorEnabled = ({ vcpu }: WorldSwitch): boolean =>
  (vcpu.sys_regs.MDSCR_EL1 & MDSCR_EL1_MDE) !== 0n && guestDebugEnabled(vcpu);

/** The lowest of the debugger's breakpoints that fires at the guest's PC. */
export function matchBreakpoint(ws: WorldSwitch, state: Readonly<DebugState>): number | undefined {
  const { vcpu, hostResources } = ws;
  const registers = registersOf(state);
  const context = debugContext(ws, vcpu.pstate);
  for (let n = 0; n < hostResources.breakpoints; n += 1) {
    if (breakpointVerdict(n, vcpu.pc, registers, context, hostResources).fires) return n;
  }
  return undefined;
}

/** The lowest of the debugger's watchpoints that fires for an access to the byte at `FAR`. */
export function matchWatchpoint(
  ws: WorldSwitch,
  state: Readonly<DebugState>,
  FAR: bigint,
  isWrite: boolean,
): number | undefined {
  return lowestWatchpoint(ws, registersOf(state), ws.hostResources, FAR, isWrite);
}

function lowestWatchpoint(
  ws: WorldSwitch,
  registers: WatchpointRegisters,
  resources: DebugResources,
  FAR: bigint,
  isWrite: boolean,
): number | undefined {
  const context = debugContext(ws, ws.vcpu.pstate);
  // LDTR and STTR at EL1 count as accesses from EL0; the syndrome does not tell them apart.
  const levels: readonly ExceptionLevel[] = context.EL === 1 ? [1, 0] : [context.EL];
  for (let n = 0; n < resources.watchpoints; n += 1) {
    for (const EL of levels) {
      const access = { address: FAR, size: 1, isWrite, EL };
      if (watchpointVerdict(n, access, registers, context, resources, true).fires) return n;
    }
  }
  return undefined;
}
