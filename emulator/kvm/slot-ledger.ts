/**
 * The debugger's breakpoints and watchpoints, one register pair each, above KVM_SET_GUEST_DEBUG. The debugger
 * may ask for as many as the processor has: under REMAP_SHARED its own push those of the guest out of their
 * slots, except for context comparators; under KVM's policies the guest's are off the processor meanwhile.
 */
import { DBGBCR_E } from './control-bits.ts';
import { copyDebugState, emptyDebugState } from './debug-state.ts';
import type { DebugState } from './debug-state.ts';
import { exclusiveRegion } from './exclusive-region.ts';
import {
  KVM_GUESTDBG_ENABLE,
  KVM_GUESTDBG_SINGLESTEP,
  KVM_GUESTDBG_USE_HW,
  KVM_GUESTDBG_USE_SW_BP,
} from './guest-debug-control.ts';
import type { Kvm } from './kvm.ts';
import { breakpointRegisters, watchpointRegisters } from './slot-encoding.ts';
import type { RegisterPair, WatchAccess } from './slot-encoding.ts';
import { allocationFor } from './policies/remap-shared.ts';
import { slotRows } from './verdicts.ts';
import type { SlotRow } from './verdicts.ts';

export type SlotResult =
  { readonly ok: true; readonly slot: number } | { readonly ok: false; readonly reason: string };

export type ClaimResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

const isEnabled = (control: bigint): boolean => (control & DBGBCR_E) !== 0n;

export class SlotLedger {
  readonly #kvm: Kvm;
  #requested: DebugState = emptyDebugState();
  #claims: ((pc: bigint) => boolean) | undefined;
  #singleStep = false;
  #runsRegions = false;
  /** Slots at the exits of the exclusive region that runs instead of a step. */
  #region: readonly number[] = [];

  constructor(kvm: Kvm) {
    this.#kvm = kvm;
  }

  addBreakpoint(va: bigint): SlotResult {
    return this.#add('breakpoint', breakpointRegisters(va));
  }

  /** Bytes [address, address + length); refused where no DBGWVR/DBGWCR pair can express the range. */
  addWatchpoint(address: bigint, length: number, access: WatchAccess): SlotResult {
    return this.#add('watchpoint', watchpointRegisters(address, length, access));
  }

  #add(kind: SlotRow['kind'], registers: RegisterPair | string): SlotResult {
    const refusal = this.#refusal();
    if (refusal !== undefined) return { ok: false, reason: refusal };
    if (typeof registers === 'string') return { ok: false, reason: registers };
    const [controls, values, count] = this.#arrays(kind);
    const slot = controls.findIndex((control, n) => n < count && !isEnabled(control));
    if (slot < 0) {
      return { ok: false, reason: `All ${count} ${kind} register pairs are taken.` };
    }
    controls[slot] = registers.control;
    values[slot] = registers.value;
    const short = this.#shortage();
    if (short !== undefined) {
      controls[slot] = 0n;
      values[slot] = 0n;
      return { ok: false, reason: short };
    }
    this.#apply();
    return { ok: true, slot };
  }

  /** Context comparators that the guest uses now keep their slots. */
  #shortage(): string | undefined {
    const { policyObject, ws, profile } = this.#kvm;
    if (policyObject.sharesWithDebugger !== true) return undefined;
    const { softwareRequests } = allocationFor(ws, this.#requested);
    return softwareRequests.length === 0
      ? undefined
      : `No breakpoint register pair is left of the ${profile.breakpoints}: context comparators of the guest need theirs.`;
  }

  removeBreakpoint(slot: number): void {
    this.#remove('breakpoint', slot);
  }

  removeWatchpoint(slot: number): void {
    this.#remove('watchpoint', slot);
  }

  #remove(kind: SlotRow['kind'], slot: number): void {
    const [controls, values] = this.#arrays(kind);
    if (!isEnabled(controls[slot] ?? 0n)) return;
    controls[slot] = 0n;
    values[slot] = 0n;
    this.#apply();
  }

  #arrays(kind: SlotRow['kind']): readonly [bigint[], bigint[], number] {
    const { dbg_bcr, dbg_bvr, dbg_wcr, dbg_wvr } = this.#requested;
    const { breakpoints, watchpoints } = this.#kvm.profile;
    return kind === 'breakpoint'
      ? [dbg_bcr, dbg_bvr, breakpoints]
      : [dbg_wcr, dbg_wvr, watchpoints];
  }

  #refusal(): string | undefined {
    const { policy, policyObject } = this.#kvm;
    return policyObject.guestDebug
      ? undefined
      : `${policy} has no KVM_SET_GUEST_DEBUG, so a debugger gets no debug registers.`;
  }

  slots(): readonly SlotRow[] {
    return slotRows(this.#kvm, this.#requested);
  }

  /**
   * KVM_GUESTDBG_USE_SW_BP: BRK at an address for which `claims` is true is the debugger's; every other BRK
   * stays the guest's own. `undefined` ends it.
   */
  claimBreakpointInstructions(claims: ((pc: bigint) => boolean) | undefined): ClaimResult {
    const refusal = this.#refusal();
    if (claims !== undefined && refusal !== undefined) return { ok: false, reason: refusal };
    const changed = (claims === undefined) !== (this.#claims === undefined);
    this.#claims = claims;
    if (changed) this.#apply();
    return { ok: true };
  }

  claims(pc: bigint): boolean {
    return this.#claims?.(pc) ?? false;
  }

  /**
   * KVM_GUESTDBG_SINGLESTEP. With `regions` a loop of exclusive accesses is one step, since it would not come to an
   * end by steps: it runs to breakpoints of its own, and is stepped all the same where no slots are left for them.
   */
  setSingleStep(
    enabled: boolean,
    { regions = false }: { readonly regions?: boolean } = {},
  ): ClaimResult {
    const refusal = this.#refusal();
    if (enabled && refusal !== undefined) return { ok: false, reason: refusal };
    this.#runsRegions = enabled && regions;
    if (enabled === this.#singleStep) return { ok: true };
    this.#singleStep = enabled;
    this.#leaveRegion();
    this.#apply();
    return { ok: true };
  }

  /** KVM_RUN is about to enter the guest at `pc`. */
  beforeRun(pc: bigint, instruction: (va: bigint) => number | undefined): void {
    if (!this.#singleStep) return;
    const before = this.#region.length;
    this.#leaveRegion();
    if (this.#runsRegions) this.#enterRegion(exclusiveRegion(pc, instruction)?.exits ?? []);
    if (before > 0 || this.#region.length > 0) this.#apply();
  }

  #enterRegion(exits: readonly bigint[]): void {
    const [controls, values, count] = this.#arrays('breakpoint');
    const free = controls.flatMap((control, n) => (n < count && !isEnabled(control) ? [n] : []));
    if (free.length < exits.length) return;
    this.#region = free.slice(0, exits.length);
    this.#region.forEach((slot, n) => {
      const registers = breakpointRegisters(exits[n] ?? 0n);
      if (typeof registers === 'string') throw new TypeError(registers);
      controls[slot] = registers.control;
      values[slot] = registers.value;
    });
  }

  #leaveRegion(): void {
    const [controls, values] = this.#arrays('breakpoint');
    for (const slot of this.#region) {
      controls[slot] = 0n;
      values[slot] = 0n;
    }
    this.#region = [];
  }

  /** Forgets every request; the caller calls KVM_SET_GUEST_DEBUG. */
  clear(): void {
    this.#requested = emptyDebugState();
    this.#claims = undefined;
    this.#singleStep = false;
    this.#runsRegions = false;
    this.#region = [];
  }

  /** The hypervisor's state was replaced: the present requests hold in it. */
  adopt(): void {
    const { vcpu, policyObject } = this.#kvm;
    if (!policyObject.guestDebug) {
      this.clear();
      return;
    }
    const { dbg_bcr, dbg_bvr, dbg_wcr, dbg_wvr } = this.#requested;
    const present = vcpu.external_debug_state;
    const equal = (a: readonly bigint[], b: readonly bigint[]): boolean =>
      a.every((value, n) => value === b[n]);
    const control = this.#control();
    if (
      vcpu.guest_debug === control &&
      ((control & KVM_GUESTDBG_USE_HW) === 0 ||
        (equal(dbg_bcr, present.dbg_bcr) &&
          equal(dbg_bvr, present.dbg_bvr) &&
          equal(dbg_wcr, present.dbg_wcr) &&
          equal(dbg_wvr, present.dbg_wvr)))
    ) {
      return;
    }
    this.#apply();
  }

  #control(): number {
    const { dbg_bcr, dbg_wcr } = this.#requested;
    const control =
      (dbg_bcr.some(isEnabled) || dbg_wcr.some(isEnabled) ? KVM_GUESTDBG_USE_HW : 0) |
      (this.#claims === undefined ? 0 : KVM_GUESTDBG_USE_SW_BP) |
      (this.#singleStep && this.#region.length === 0 ? KVM_GUESTDBG_SINGLESTEP : 0);
    return control === 0 ? 0 : control | KVM_GUESTDBG_ENABLE;
  }

  #apply(): void {
    const result = this.#kvm.setGuestDebug({
      control: this.#control(),
      arch: copyDebugState(this.#requested),
    });
    if (!result.ok) throw new TypeError(`KVM_SET_GUEST_DEBUG: ${result.reason}`);
  }
}
