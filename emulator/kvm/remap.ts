/**
 * From the breakpoints a guest thinks it has to those of the processor below it, when the two differ: which
 * physical breakpoint serves a virtual one, and what the registers must hold there.
 *
 * Context-aware breakpoints are the highest numbered ones of the first 16, so a guest with fewer breakpoints in all
 * may expect one where the processor has a normal one. A guest with more than 16 never does. Every count is a real
 * count, not an ID field.
 */
import {
  breakpointType,
  breakpointTypeInfo,
  linkedBreakpointNumber,
} from '../cpu/debug/breakpoint.ts';
import { contextAwareRange } from '../sysregs/processor-model.ts';
import { DBGBCR_E } from './control-bits.ts';
import { emptyDebugState } from './debug-state.ts';
import type { DebugState } from './debug-state.ts';

export interface DebugCounts {
  readonly breakpoints: number;
  /** How many breakpoints are context-aware. */
  readonly contextAware: number;
  readonly watchpoints: number;
}

/**
 * Where the guest's context-aware breakpoints go: `top`, the end of the processor's; `bottom`, their start.
 * The normal ones keep their numbers.
 */
export type RemapAlignment = 'top' | 'bottom';

export interface Remap {
  readonly guest: DebugCounts;
  /** No breakpoint changes its number. */
  readonly identity: boolean;
  readonly toPhysical: (v: number) => number;
  /** Undefined for a physical breakpoint that serves none of the guest's. */
  readonly toVirtual: (p: number) => number | undefined;
}

const LBN_SHIFT = 16n;
const LBNX_SHIFT = 30n;
const LBN = (0xfn << LBN_SHIFT) | (3n << LBNX_SHIFT);
const DBGWCR_WT = 1n << 20n;

export const linkOf = linkedBreakpointNumber;
export const withLink = (control: bigint, n: number): bigint =>
  (control & ~LBN) | (BigInt(n & 0xf) << LBN_SHIFT) | (BigInt(n >> 4) << LBNX_SHIFT);

const contextAware = ({
  breakpoints,
  contextAware: count,
}: DebugCounts): readonly [number, number] =>
  contextAwareRange({ breakpoints, contextAwareBreakpoints: count });

const isContextAware = (n: number, counts: DebugCounts): boolean => {
  const [first, last] = contextAware(counts);
  return n >= first && n <= last;
};

export function remapOf(guest: DebugCounts, host: DebugCounts, alignment: RemapAlignment): Remap {
  const [normal, lastOfGuest] = contextAware(guest);
  const [first, last] = contextAware(host);
  if (normal >= first && lastOfGuest <= last) {
    return {
      guest,
      identity: true,
      toPhysical: (v) => v,
      toVirtual: (p) => (p < guest.breakpoints ? p : undefined),
    };
  }
  // At most 16 breakpoints in the guest, so the last context-aware one is its last.
  const shift = alignment === 'top' ? last - lastOfGuest : first - normal;
  return {
    guest,
    identity: false,
    toPhysical: (v) => (v < normal ? v : v + shift),
    toVirtual: (p) => {
      if (p < normal) return p;
      const v = p - shift;
      return v >= normal && v < guest.breakpoints ? v : undefined;
    },
  };
}

/** Why a guest with these counts cannot run on this processor, or undefined. */
export function infeasibleReason(guest: DebugCounts, host: DebugCounts): string | undefined {
  const rows = [
    ['breakpoints', guest.breakpoints, host.breakpoints],
    ['context-aware breakpoints', guest.contextAware, host.contextAware],
    ['watchpoints', guest.watchpoints, host.watchpoints],
  ] as const;
  const short = rows.find(([, wanted, present]) => wanted > present);
  if (short === undefined) return undefined;
  const [what, wanted, present] = short;
  return `The guest has ${wanted} ${what} and the processor only ${present}.`;
}

/** Why KVM refuses: it lets a VM have fewer watchpoints, and as many breakpoints as the processor only. */
export function differingReason(guest: DebugCounts, host: DebugCounts): string | undefined {
  const infeasible = infeasibleReason(guest, host);
  if (infeasible !== undefined) return infeasible;
  return guest.breakpoints === host.breakpoints && guest.contextAware === host.contextAware
    ? undefined
    : `The guest has ${guest.breakpoints} breakpoints, ${guest.contextAware} of them context-aware, and the processor ${host.breakpoints} and ${host.contextAware}; only a REMAP policy can run it there.`;
}

/**
 * What the processor must hold for the guest's registers to mean the same there. `redirect` makes a link to
 * a breakpoint that does not exist one to physical breakpoint `redirect`; without it such a
 * breakpoint or watchpoint is disabled, as are links to breakpoints that are not context-aware.
 */
export function compile(remap: Remap, G: Readonly<DebugState>, redirect?: number): DebugState {
  const { guest } = remap;
  const image = emptyDebugState();
  const link = (control: bigint): bigint => {
    const target = linkOf(control);
    if (redirect !== undefined) {
      return withLink(control, target < guest.breakpoints ? remap.toPhysical(target) : redirect);
    }
    return isContextAware(target, guest)
      ? withLink(control, remap.toPhysical(target))
      : control & ~DBGBCR_E;
  };
  for (let v = 0; v < guest.breakpoints; v += 1) {
    let control = G.dbg_bcr[v] ?? 0n;
    const type = breakpointTypeInfo(breakpointType(control));
    if (!type.address && !isContextAware(v, guest)) control &= ~DBGBCR_E;
    else if (type.linked) control = link(control);
    const p = remap.toPhysical(v);
    image.dbg_bcr[p] = control;
    image.dbg_bvr[p] = G.dbg_bvr[v] ?? 0n;
  }
  for (let w = 0; w < guest.watchpoints; w += 1) {
    const control = G.dbg_wcr[w] ?? 0n;
    image.dbg_wcr[w] = (control & DBGWCR_WT) !== 0n ? link(control) : control;
    image.dbg_wvr[w] = G.dbg_wvr[w] ?? 0n;
  }
  return image;
}

/** Whether the link field of this register is in use. */
export function usesLink(register: 'dbg_bcr' | 'dbg_wcr', control: bigint): boolean {
  return register === 'dbg_wcr'
    ? (control & DBGWCR_WT) !== 0n
    : breakpointTypeInfo(breakpointType(control)).linked;
}
