/** What each debug register pair will do now, in plain words. */
import {
  breakpointType,
  breakpointTypeInfo,
  breakpointVerdict,
  inertBreakpointReason,
  isContextAware,
} from '../cpu/debug/breakpoint.ts';
import { monitorDisabledReason } from '../cpu/debug/enable-and-routing.ts';
import type { DebugControls } from '../cpu/debug/enable-and-routing.ts';
import { describeConditions, executionConditions } from '../cpu/debug/execution-conditions.ts';
import { watchedRange, watchpointContextVerdict } from '../cpu/debug/watchpoint.ts';
import { SPSR_D } from '../cpu/pstate.ts';
import { DBGBCR_E, OSLSR_EL1_OSLK } from './control-bits.ts';
import { emptyDebugState } from './debug-state.ts';
import type { DebugState } from './debug-state.ts';
import { debugContext, registersOf, resourcesOf } from './debugger-match.ts';
import type { Kvm } from './kvm.ts';

/** One DBGB or DBGW register pair and what it will do. */
export interface SlotRow {
  readonly kind: 'breakpoint' | 'watchpoint';
  /** Physical index n of DBGBVR<n>_EL1 or DBGWVR<n>_EL1. */
  readonly slot: number;
  readonly owner: 'guest' | 'debugger' | 'free';
  /** The guest's own index. */
  readonly guestIndex?: number;
  /** DBGBVR or DBGWVR. */
  readonly value: bigint;
  /** DBGBCR or DBGWCR. */
  readonly control: bigint;
  readonly contextAware: boolean;
  readonly verdict: string;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** The guest's copy, wherever it is now. */
function guestState(kvm: Kvm): DebugState {
  const state = emptyDebugState();
  const read = (name: string): bigint => kvm.guestDebugRegister(name) ?? 0n;
  for (let n = 0; n < kvm.profile.breakpoints; n += 1) {
    state.dbg_bcr[n] = read(`DBGBCR${n}_EL1`);
    state.dbg_bvr[n] = read(`DBGBVR${n}_EL1`);
  }
  for (let n = 0; n < kvm.profile.watchpoints; n += 1) {
    state.dbg_wcr[n] = read(`DBGWCR${n}_EL1`);
    state.dbg_wvr[n] = read(`DBGWVR${n}_EL1`);
  }
  return state;
}

/** The enables as they are for the guest's own debug exceptions, which target its EL1. */
function guestControls(kvm: Kvm): DebugControls {
  const { vcpu } = kvm;
  const OSLK = (vcpu.sys_regs.OSLSR_EL1 & OSLSR_EL1_OSLK) !== 0n;
  return {
    el2: true,
    TDE: false,
    TGE: false,
    OSLK,
    doubleLocked: !OSLK && vcpu.debugLocked,
    MDSCR_EL1: kvm.guestDebugRegister('MDSCR_EL1') ?? 0n,
  };
}

/** Why the guest's entries do nothing at all now, or undefined. */
function guestSilence(kvm: Kvm): string | undefined {
  if (kvm.vcpu.guest_debug !== 0) {
    return `while a debugger is attached ${kvm.policy} keeps the guest's debug registers off the processor`;
  }
  const { guestPstate } = kvm;
  const EL = ((guestPstate >> 2n) & 3n) === 0n ? 0 : 1;
  return monitorDisabledReason(guestControls(kvm), EL, (guestPstate & SPSR_D) !== 0n);
}

function guestBreakpointVerdict(kvm: Kvm, state: DebugState, n: number): string {
  const { ws } = kvm;
  const resources = resourcesOf(kvm.profile);
  const control = state.dbg_bcr[n] ?? 0n;
  const value = state.dbg_bvr[n] ?? 0n;
  const type = breakpointTypeInfo(breakpointType(control));
  const inert = inertBreakpointReason(n, control, resources);
  if (inert !== undefined) return `The guest's; never fires by itself: ${inert}.`;
  const silence = guestSilence(kvm);
  if (silence !== undefined) return `The guest's; does not fire now: ${silence}.`;
  const context = debugContext(ws, kvm.guestPstate);
  const verdict = breakpointVerdict(n, value, registersOf(state), context, resources);
  if (!verdict.fires) return `The guest's; does not fire now: ${verdict.because}.`;
  return type.address
    ? `The guest's; fires when it executes ${hex(value)}.`
    : `The guest's; fires at every instruction in this context (${type.name}).`;
}

function guestWatchpointVerdict(kvm: Kvm, state: DebugState, n: number): string {
  const resources = resourcesOf(kvm.profile);
  const range = watchedRange(n, state.dbg_wcr[n] ?? 0n, state.dbg_wvr[n] ?? 0n, resources);
  if (typeof range === 'string') return `The guest's; never fires: ${range}.`;
  const silence = guestSilence(kvm);
  if (silence !== undefined) return `The guest's; does not fire now: ${silence}.`;
  const context = debugContext(kvm.ws, kvm.guestPstate);
  const verdict = watchpointContextVerdict(n, context.EL, registersOf(state), context, resources);
  if (!verdict.fires) return `The guest's; does not fire now: ${verdict.because}.`;
  return `The guest's; fires when it ${watches(range)}.`;
}

function watches(range: {
  readonly start: bigint;
  readonly end: bigint;
  readonly reads: boolean;
  readonly writes: boolean;
}): string {
  const verb = range.reads && range.writes ? 'reads or writes' : range.reads ? 'reads' : 'writes';
  return `${verb} ${hex(range.start)} to ${hex(range.end - 1n)}`;
}

function debuggerVerdict(kind: SlotRow['kind'], control: bigint, value: bigint, kvm: Kvm): string {
  const levels = describeConditions(executionConditions(control), false);
  if (kind === 'breakpoint') {
    return `The debugger's; fires when the guest executes ${hex(value)} at ${levels}, whatever its MDSCR_EL1, PSTATE.D and OS Lock are.`;
  }
  const range = watchedRange(0, control, value, resourcesOf(kvm.profile));
  return typeof range === 'string'
    ? `The debugger's; never fires: ${range}.`
    : `The debugger's; fires when the guest ${watches(range)} at ${levels}.`;
}

const isEnabled = (control: bigint): boolean => (control & DBGBCR_E) !== 0n;

/**
 * Every register pair of the processor. Where debugger and guest both use an index the guest's row follows
 * the debugger's, which is the one on the processor.
 */
export function slotRows(kvm: Kvm, requested: Readonly<DebugState>): readonly SlotRow[] {
  const guest = guestState(kvm);
  const rows: SlotRow[] = [];
  const add = (kind: SlotRow['kind'], slot: number): void => {
    const isBreakpoint = kind === 'breakpoint';
    const [controls, values] = isBreakpoint
      ? (['dbg_bcr', 'dbg_bvr'] as const)
      : (['dbg_wcr', 'dbg_wvr'] as const);
    const contextAware = isBreakpoint && isContextAware(slot, resourcesOf(kvm.profile));
    const mine = { value: requested[values][slot] ?? 0n, control: requested[controls][slot] ?? 0n };
    const theirs = { value: guest[values][slot] ?? 0n, control: guest[controls][slot] ?? 0n };
    const base = { kind, slot, contextAware };
    if (isEnabled(mine.control)) {
      const verdict = debuggerVerdict(kind, mine.control, mine.value, kvm);
      rows.push({ ...base, owner: 'debugger', ...mine, verdict });
    }
    if (isEnabled(theirs.control)) {
      const verdict = isBreakpoint
        ? guestBreakpointVerdict(kvm, guest, slot)
        : guestWatchpointVerdict(kvm, guest, slot);
      rows.push({ ...base, owner: 'guest', guestIndex: slot, ...theirs, verdict });
    }
    if (isEnabled(mine.control) || isEnabled(theirs.control)) return;
    const verdict = kvm.policyObject.guestDebug
      ? 'Free.'
      : `Free, but not for a debugger: ${kvm.policy} has no KVM_SET_GUEST_DEBUG.`;
    rows.push({ ...base, owner: 'free', ...theirs, verdict });
  };
  for (let n = 0; n < kvm.profile.breakpoints; n += 1) add('breakpoint', n);
  for (let n = 0; n < kvm.profile.watchpoints; n += 1) add('watchpoint', n);
  return rows;
}
