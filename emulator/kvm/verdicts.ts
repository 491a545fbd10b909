/** What each debug register pair will do now, in plain words. */
import {
  breakpointType,
  breakpointTypeInfo,
  breakpointVerdict,
  inertBreakpointReason,
  isContextAware,
} from '../cpu/debug/breakpoint.ts';
import { monitorDisabledReason } from '../cpu/debug/enable-and-routing.ts';
import { describeConditions, executionConditions } from '../cpu/debug/execution-conditions.ts';
import { watchedRange, watchpointContextVerdict } from '../cpu/debug/watchpoint.ts';
import { SPSR_D } from '../cpu/pstate.ts';
import { DBGBCR_E } from './control-bits.ts';
import { emptyDebugState } from './debug-state.ts';
import type { DebugState } from './debug-state.ts';
import { debugContext, registersOf, resourcesOf } from './debugger-match.ts';
import { guestDebugControls } from './guest-step.ts';
import type { Kvm } from './kvm.ts';
import { allocationFor } from './policies/remap-shared.ts';
import { linkOf, usesLink } from './remap.ts';
import type { SlotUse } from './shared-slots.ts';

/** One DBGB or DBGW register pair and what it will do. */
export interface SlotRow {
  readonly kind: 'breakpoint' | 'watchpoint';
  /**
   * Physical index n of DBGBVR<n>_EL1 or DBGWVR<n>_EL1; for an entry that is not on the processor, its index
   * in the registers of its owner.
   */
  readonly slot: number;
  readonly owner: 'guest' | 'debugger' | 'free';
  /**
   * Absent: on the processor. `software`: it has no slot and is compared in software; `memory`: the guest has
   * enabled it, and nothing compares it now.
   */
  readonly placement?: 'software' | 'memory';
  /** The guest's own index. */
  readonly guestIndex?: number;
  /** The guest's index of the context comparator that it is linked to. */
  readonly link?: number;
  /** What the debugger got as its slot when it asked. */
  readonly request?: number;
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
  const { guest } = kvm.ws;
  const read = (name: string): bigint => kvm.guestDebugRegister(name) ?? 0n;
  for (let n = 0; n < guest.breakpoints; n += 1) {
    state.dbg_bcr[n] = read(`DBGBCR${n}_EL1`);
    state.dbg_bvr[n] = read(`DBGBVR${n}_EL1`);
  }
  for (let n = 0; n < guest.watchpoints; n += 1) {
    state.dbg_wcr[n] = read(`DBGWCR${n}_EL1`);
    state.dbg_wvr[n] = read(`DBGWVR${n}_EL1`);
  }
  return state;
}

/** Why the guest's entries do nothing at all now, or undefined. */
function guestSilence(kvm: Kvm): string | undefined {
  if (kvm.vcpu.guest_debug !== 0 && !kvm.policyObject.sharesWithDebugger) {
    return `while a debugger is attached ${kvm.policy} keeps the guest's debug registers off the processor`;
  }
  const { guestPstate } = kvm;
  const EL = ((guestPstate >> 2n) & 3n) === 0n ? 0 : 1;
  const controls = guestDebugControls(kvm.vcpu, kvm.guestDebugRegister('MDSCR_EL1') ?? 0n);
  return monitorDisabledReason(controls, EL, (guestPstate & SPSR_D) !== 0n);
}

function guestBreakpointVerdict(kvm: Kvm, state: DebugState, n: number): string {
  const { ws } = kvm;
  const resources = kvm.ws.guestResources;
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
  const resources = kvm.ws.guestResources;
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

const ARRAYS = {
  breakpoint: ['dbg_bcr', 'dbg_bvr'],
  watchpoint: ['dbg_wcr', 'dbg_wvr'],
} as const;

/** Whose the physical pair n is; several where one comparator serves several of the guest's. */
interface Placement {
  readonly use: (kind: SlotRow['kind'], slot: number) => SlotUse | undefined;
  readonly inSoftware: (kind: SlotRow['kind'], guestIndex: number) => boolean;
  readonly softwareRequests: readonly number[];
}

/** Where the entries are, or will be when the guest runs. */
function placementOf(kvm: Kvm, requested: Readonly<DebugState>, guest: DebugState): Placement {
  if (kvm.policyObject.sharesWithDebugger === true && kvm.vcpu.guest_debug !== 0) {
    const shared = allocationFor(kvm.ws);
    const evicted = {
      breakpoint: shared.evictedBreakpoints,
      watchpoint: shared.evictedWatchpoints,
    };
    return {
      use: (kind, slot) =>
        kind === 'breakpoint' ? shared.breakpoints[slot] : shared.watchpoints[slot],
      inSoftware: (kind, index) => evicted[kind].includes(index),
      softwareRequests: shared.softwareRequests,
    };
  }
  const toPhysical = (v: number): number => kvm.policyObject.toPhysical?.(kvm.ws, v) ?? v;
  return {
    use(kind, slot) {
      const [controls] = ARRAYS[kind];
      if (isEnabled(requested[controls][slot] ?? 0n)) return { owner: 'debugger', request: slot };
      if (kvm.vcpu.guest_debug !== 0) return undefined;
      const index = guest[controls].findIndex(
        (control, v) => isEnabled(control) && (kind === 'breakpoint' ? toPhysical(v) : v) === slot,
      );
      return index < 0 ? undefined : { owner: 'guest', indices: [index] };
    },
    inSoftware: () => false,
    softwareRequests: [],
  };
}

/**
 * Every register pair of the processor, and behind those of its index what the guest or the debugger has
 * enabled and the processor does not hold.
 */
export function slotRows(kvm: Kvm, requested: Readonly<DebugState>): readonly SlotRow[] {
  const guest = guestState(kvm);
  const placement = placementOf(kvm, requested, guest);
  const { profile, ws } = kvm;
  const rows: SlotRow[] = [];

  const debuggers = (kind: SlotRow['kind'], request: number) => {
    const [controls, values] = ARRAYS[kind];
    const control = requested[controls][request] ?? 0n;
    const value = requested[values][request] ?? 0n;
    return {
      owner: 'debugger',
      request,
      value,
      control,
      verdict: debuggerVerdict(kind, control, value, kvm),
    } as const;
  };
  const guests = (kind: SlotRow['kind'], guestIndex: number) => {
    const [controls, values] = ARRAYS[kind];
    const control = guest[controls][guestIndex] ?? 0n;
    const verdict =
      kind === 'breakpoint'
        ? guestBreakpointVerdict(kvm, guest, guestIndex)
        : guestWatchpointVerdict(kvm, guest, guestIndex);
    return {
      owner: 'guest',
      guestIndex,
      value: guest[values][guestIndex] ?? 0n,
      control,
      verdict,
      ...(usesLink(controls, control) && { link: linkOf(control) }),
    } as const;
  };

  const addSlot = (kind: SlotRow['kind'], slot: number): readonly number[] => {
    const contextAware = kind === 'breakpoint' && isContextAware(slot, ws.hostResources);
    const base = { kind, slot, contextAware };
    const use = placement.use(kind, slot);
    if (use?.owner === 'debugger') rows.push({ ...base, ...debuggers(kind, use.request) });
    else if (use?.owner === 'guest') {
      for (const index of use.indices) rows.push({ ...base, ...guests(kind, index) });
      return use.indices;
    } else {
      const verdict = kvm.policyObject.guestDebug
        ? 'Free.'
        : `Free, but not for a debugger: ${kvm.policy} has no KVM_SET_GUEST_DEBUG.`;
      const [controls, values] = ARRAYS[kind];
      const isVirtual =
        slot < (kind === 'breakpoint' ? ws.guest.breakpoints : ws.guest.watchpoints);
      const value = isVirtual ? (guest[values][slot] ?? 0n) : 0n;
      const control = isVirtual ? (guest[controls][slot] ?? 0n) & ~DBGBCR_E : 0n;
      rows.push({ ...base, owner: 'free', value, control, verdict });
    }
    return [];
  };

  for (const kind of ['breakpoint', 'watchpoint'] as const) {
    const placed = new Set<number>();
    const count = kind === 'breakpoint' ? profile.breakpoints : profile.watchpoints;
    for (let slot = 0; slot < count; slot += 1) {
      for (const index of addSlot(kind, slot)) placed.add(index);
    }
    const [controls] = ARRAYS[kind];
    guest[controls].forEach((control, index) => {
      if (!isEnabled(control) || placed.has(index)) return;
      const software = placement.inSoftware(kind, index);
      const contextAware = kind === 'breakpoint' && isContextAware(index, ws.guestResources);
      const row = guests(kind, index);
      const verdict = software
        ? `${row.verdict} It has no slot and is compared in software.`
        : row.verdict;
      rows.push({
        kind,
        slot: index,
        contextAware,
        ...row,
        verdict,
        placement: software ? 'software' : 'memory',
      });
    });
    if (kind === 'watchpoint') continue;
    for (const request of placement.softwareRequests) {
      const row = debuggers(kind, request);
      const verdict = `${row.verdict} It has no slot, since context comparators of the guest need it, and is compared in software.`;
      rows.push({
        kind,
        slot: request,
        contextAware: false,
        ...row,
        verdict,
        placement: 'software',
      });
    }
  }
  return rows;
}
