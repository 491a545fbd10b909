/**
 * One set of physical debug registers for the guest and its debugger: which entries are live, which physical
 * slot each one gets, and which of the guest's have to be watched in software for want of slots.
 *
 * Slots are of two nested classes: a context-aware breakpoint also serves as a normal one. Placing the
 * context entries first and in context-aware slots is therefore optimal: what fits in some way, fits in this.
 *
 * Everything here is a function of the registers; nothing touches a processor.
 */
import {
  breakpointType,
  breakpointTypeInfo,
  inertBreakpointReason,
  isContextAware,
  linkedBreakpointNumber,
  reservedTypeReason,
} from '../cpu/debug/breakpoint.ts';
import type { DebugResources } from '../cpu/debug/breakpoint.ts';
import { executionConditions } from '../cpu/debug/execution-conditions.ts';
import { watchedRange } from '../cpu/debug/watchpoint.ts';
import { DBGBCR_E, MDSCR_EL1_KDE, MDSCR_EL1_MDE } from './control-bits.ts';
import { emptyDebugState } from './debug-state.ts';
import type { DebugState } from './debug-state.ts';
import { linkOf, usesLink, withLink } from './remap.ts';

/** The guest's side: its registers in its own numbering and what decides whether they can fire. */
export interface GuestSlots {
  readonly registers: Readonly<DebugState>;
  readonly resources: DebugResources;
  readonly MDSCR_EL1: bigint;
  /** The OS Lock or the OS Double Lock silences everything. */
  readonly locked: boolean;
}

/** Whose a slot is; `indices` are the guest's own, several where equal comparators share one slot. */
export type SlotUse =
  | { readonly owner: 'debugger'; readonly request: number }
  | { readonly owner: 'guest'; readonly indices: readonly number[] };

export interface SharedAllocation {
  /** What the physical registers hold. */
  readonly image: DebugState;
  /** By physical index; undefined is free. */
  readonly breakpoints: readonly (SlotUse | undefined)[];
  readonly watchpoints: readonly (SlotUse | undefined)[];
  /** The guest's entries without a slot, by the guest's index. */
  readonly evictedBreakpoints: readonly number[];
  readonly evictedWatchpoints: readonly number[];
  /** The debugger's breakpoints without a slot, by request: only where comparators of the guest need it. */
  readonly softwareRequests: readonly number[];
  /**
   * The guest's registers with the conditions that were applied to the image: what evicted entries are
   * compared by.
   */
  readonly masked: DebugState;
}

/** An allocation for people: what is not under its own number, and what has no slot. */
export interface AllocationNote {
  readonly remap: string;
  readonly evict: string;
}

const PxC_EL1 = 1n << 1n;
const PxC = 3n << 1n;
const HMC_SSC = 7n << 13n;

const isEnabled = (control: bigint): boolean => (control & DBGBCR_E) !== 0n;
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/**
 * The control with the conditions that can be true for a guest at EL1 and EL0 now. MDCR_EL2.TDE makes the
 * processor ignore MDSCR_EL1.KDE, so with KDE = 0 the EL1 bit goes; PSTATE.D cannot be tracked and is
 * asked when the exception arrives.
 * @returns undefined where nothing is left
 */
function maskedControl(control: bigint, MDSCR_EL1: bigint): bigint | undefined {
  const { SSC, PxC: levels } = executionConditions(control);
  // HMC = 1 with SSC = 0b11 names EL2 only, where this guest has nothing.
  if (SSC !== 0 || levels === 0) return undefined;
  const without = (MDSCR_EL1 & MDSCR_EL1_KDE) === 0n ? PxC_EL1 : 0n;
  const masked = control & ~HMC_SSC & ~without;
  return (masked & PxC) === 0n ? undefined : masked;
}

interface LiveEntries {
  /** Guest index to masked control. */
  readonly breakpoints: ReadonlyMap<number, bigint>;
  readonly watchpoints: ReadonlyMap<number, bigint>;
}

/** What of the guest's could fire now: nothing that is disabled, reserved, or a comparator nobody links to. */
export function liveEntries(guest: GuestSlots): LiveEntries {
  const { registers, resources, MDSCR_EL1, locked } = guest;
  const breakpoints = new Map<number, bigint>();
  const watchpoints = new Map<number, bigint>();
  if (locked || (MDSCR_EL1 & MDSCR_EL1_MDE) === 0n) return { breakpoints, watchpoints };
  const links = new Set<number>();
  const link = (kind: 'dbg_bcr' | 'dbg_wcr', control: bigint): boolean => {
    if (!usesLink(kind, control)) return true;
    const target = linkOf(control);
    if (!isLinkable(guest, target)) return false;
    links.add(target);
    return true;
  };
  for (const n of range(resources.breakpoints)) {
    const control = registers.dbg_bcr[n] ?? 0n;
    if (inertBreakpointReason(n, control, resources) !== undefined) continue;
    const masked = maskedControl(control, MDSCR_EL1);
    if (masked !== undefined && link('dbg_bcr', control)) breakpoints.set(n, masked);
  }
  for (const n of range(resources.watchpoints)) {
    const control = registers.dbg_wcr[n] ?? 0n;
    const value = registers.dbg_wvr[n] ?? 0n;
    if (typeof watchedRange(n, control, value, resources) === 'string') continue;
    const masked = maskedControl(control, MDSCR_EL1);
    if (masked !== undefined && link('dbg_wcr', control)) watchpoints.set(n, masked);
  }
  for (const n of links) breakpoints.set(n, registers.dbg_bcr[n] ?? 0n);
  return { breakpoints, watchpoints };
}

/** Breakpoint n is a comparator that a link to it reaches. */
function isLinkable({ registers, resources }: GuestSlots, n: number): boolean {
  const control = registers.dbg_bcr[n] ?? 0n;
  const BT = breakpointType(control);
  return (
    isContextAware(n, resources) &&
    isEnabled(control) &&
    breakpointTypeInfo(BT).linkable &&
    reservedTypeReason(n, BT, resources) === undefined
  );
}

const isContextEntry = (control: bigint): boolean =>
  !breakpointTypeInfo(breakpointType(control)).address;

/** Allocates the physical slots of a processor with `host` resources. */
export function allocateShared(
  guest: GuestSlots,
  debuggers: Readonly<DebugState>,
  host: DebugResources,
): SharedAllocation {
  const live = liveEntries(guest);
  const image = emptyDebugState();
  const masked = emptyDebugState();
  const breakpoints: (SlotUse | undefined)[] = range(host.breakpoints).map(() => undefined);
  const watchpoints: (SlotUse | undefined)[] = range(host.watchpoints).map(() => undefined);

  // 1. Context entries, from the top of the context-aware slots; equal linkable comparators share one.
  const physicalOf = new Map<number, number>();
  const contextSlots = range(host.breakpoints).filter((p) => isContextAware(p, host));
  const shared = new Map<string, number>();
  for (const [v, control] of live.breakpoints) {
    masked.dbg_bcr[v] = control;
    masked.dbg_bvr[v] = guest.registers.dbg_bvr[v] ?? 0n;
    if (!isContextEntry(control)) continue;
    const type = breakpointTypeInfo(breakpointType(control));
    const value = guest.registers.dbg_bvr[v] ?? 0n;
    const key = type.linkable ? `${type.BT}:${value}` : undefined;
    const existing = key === undefined ? undefined : shared.get(key);
    const p = existing ?? contextSlots.pop();
    if (p === undefined)
      throw new TypeError('The guest has more context entries than the processor');
    physicalOf.set(v, p);
    if (key !== undefined) shared.set(key, p);
    const use = breakpoints[p];
    const indices = use?.owner === 'guest' ? [...use.indices, v] : [v];
    breakpoints[p] = { owner: 'guest', indices };
    image.dbg_bcr[p] = control;
    image.dbg_bvr[p] = value;
  }

  // 2. The debugger's, then 3. the guest's address breakpoints: normal slots first, lowest first.
  const free = [
    ...range(host.breakpoints).filter((p) => !isContextAware(p, host)),
    ...contextSlots,
  ];
  const softwareRequests: number[] = [];
  debuggers.dbg_bcr.forEach((control, request) => {
    if (!isEnabled(control)) return;
    const p = free.shift();
    if (p === undefined) {
      softwareRequests.push(request);
      return;
    }
    breakpoints[p] = { owner: 'debugger', request };
    image.dbg_bcr[p] = control;
    image.dbg_bvr[p] = debuggers.dbg_bvr[request] ?? 0n;
  });
  const linkToPhysical = (control: bigint): bigint =>
    withLink(control, physicalOf.get(linkedBreakpointNumber(control)) ?? 0);
  const evictedBreakpoints: number[] = [];
  for (const [v, control] of live.breakpoints) {
    if (isContextEntry(control)) continue;
    const p = free.shift();
    if (p === undefined) {
      evictedBreakpoints.push(v);
      continue;
    }
    breakpoints[p] = { owner: 'guest', indices: [v] };
    image.dbg_bcr[p] = usesLink('dbg_bcr', control) ? linkToPhysical(control) : control;
    image.dbg_bvr[p] = guest.registers.dbg_bvr[v] ?? 0n;
  }

  // Watchpoints are all alike. The debugger's come first: where one access hits several, the processor
  // reports the lowest, and the debugger's are to be heard before the guest's.
  const freeWatchpoints = range(host.watchpoints);
  debuggers.dbg_wcr.forEach((control, request) => {
    if (!isEnabled(control)) return;
    const p = freeWatchpoints.shift();
    if (p === undefined)
      throw new TypeError('The debugger has more watchpoints than the processor');
    watchpoints[p] = { owner: 'debugger', request };
    image.dbg_wcr[p] = control;
    image.dbg_wvr[p] = debuggers.dbg_wvr[request] ?? 0n;
  });
  const evictedWatchpoints: number[] = [];
  for (const [v, control] of live.watchpoints) {
    masked.dbg_wcr[v] = control;
    masked.dbg_wvr[v] = guest.registers.dbg_wvr[v] ?? 0n;
    const p = freeWatchpoints.shift();
    if (p === undefined) {
      evictedWatchpoints.push(v);
      continue;
    }
    watchpoints[p] = { owner: 'guest', indices: [v] };
    image.dbg_wcr[p] = usesLink('dbg_wcr', control) ? linkToPhysical(control) : control;
    image.dbg_wvr[p] = guest.registers.dbg_wvr[v] ?? 0n;
  }

  return {
    image,
    breakpoints,
    watchpoints,
    evictedBreakpoints,
    evictedWatchpoints,
    softwareRequests,
    masked,
  };
}
