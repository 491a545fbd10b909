/**
 * The debug logic of one processor over its registers: what is armed, what fires now, and the state
 * of the software step machine. Nothing here changes architectural state.
 */
import type { CpuState } from '../../engine/cpu-state.ts';
import { hasDebugBanks } from '../../sysregs/processor-model.ts';
import type { ProcessorProfile } from '../../sysregs/processor-model.ts';
import { elIsInHost } from '../../sysregs/virtualization-host.ts';
import { DAIF_D, PSTATE_UAO } from '../pstate.ts';
import type { ExceptionLevel } from '../pstate.ts';
import type { SystemRegisters } from '../system-registers.ts';
import {
  breakpointType,
  breakpointTypeInfo,
  breakpointVerdict,
  debugResources,
  inertBreakpointReason,
  silent,
  withoutExtension,
} from './breakpoint.ts';
import type { DebugContext, DebugResources, Verdict } from './breakpoint.ts';
import {
  debugTarget,
  isDoubleLocked,
  MDCR_EBWE,
  MDSCR_EMBWE,
  MDSCR_MDE,
  MDSCR_SS,
  monitorDisabledReason,
} from './enable-and-routing.ts';
import type { DebugControls } from './enable-and-routing.ts';
import { softwareStepState } from './software-step.ts';
import type { SoftwareStepState } from './software-step.ts';
import { watchedRange, watchpointVerdict } from './watchpoint.ts';
import type {
  WatchedAccess,
  WatchedRange,
  WatchpointRegisters,
  WatchpointVerdict,
} from './watchpoint.ts';

/**
 * Register pairs that the processor does not have: whoever is at EL2 may let it compare more than its own, as
 * real hypervisors do with stage 2 permissions and single steps. They are compared after the processor's
 * own and generate the same exceptions.
 */
export interface SoftwareSlots {
  readonly registers: WatchpointRegisters;
  /** Of the registers: links lead to breakpoints of this set. */
  readonly resources: DebugResources;
  /** Which of them are compared, by index. */
  readonly breakpoints: readonly number[];
  readonly watchpoints: readonly number[];
}

interface Slot {
  readonly n: number;
  readonly file: Pick<SoftwareSlots, 'registers' | 'resources'>;
}

interface WatchedSlot extends WatchedRange, Slot {}

export class DebugUnit {
  readonly #all: DebugResources;
  readonly #firstBank: DebugResources;
  readonly #profile: ProcessorProfile;
  readonly #state: CpuState;
  readonly #registers: WatchpointRegisters;
  readonly #slots: {
    readonly HCR_EL2: number;
    readonly MDCR_EL2: number;
    readonly MDSCR_EL1: number;
    readonly OSLSR_EL1: number;
    readonly OSDLR_EL1: number;
    readonly DBGPRCR_EL1: number;
    readonly CONTEXTIDR_EL1: number;
    readonly CONTEXTIDR_EL2: number | undefined;
    readonly VTTBR_EL2: number;
  };

  #stale = true;
  #seenDBGPRCR = 0n;
  #controls: DebugControls | undefined;
  #software: readonly SoftwareSlots[] = [];
  #armed: readonly Slot[] = [];
  #contextBreakpoints: readonly Slot[] = [];
  #addresses: readonly bigint[] = [];
  #watched: readonly WatchedSlot[] = [];

  constructor(profile: ProcessorProfile, state: CpuState, registers: SystemRegisters) {
    this.#profile = profile;
    this.#state = state;
    this.#all = debugResources(profile, true);
    this.#firstBank = withoutExtension(this.#all);
    const slots = (family: string, count: number): readonly number[] =>
      Array.from({ length: count }, (_, n) => registers.slotOf(`${family}${n}_EL1`));
    const DBGBCR = slots('DBGBCR', profile.breakpoints);
    const DBGBVR = slots('DBGBVR', profile.breakpoints);
    const DBGWCR = slots('DBGWCR', profile.watchpoints);
    const DBGWVR = slots('DBGWVR', profile.watchpoints);
    const read = (family: readonly number[], n: number): bigint => {
      const slot = family[n];
      return slot === undefined ? 0n : state.sysreg(slot);
    };
    this.#registers = {
      DBGBCR: (n) => read(DBGBCR, n),
      DBGBVR: (n) => read(DBGBVR, n),
      DBGWCR: (n) => read(DBGWCR, n),
      DBGWVR: (n) => read(DBGWVR, n),
    };
    this.#slots = {
      HCR_EL2: registers.slotOf('HCR_EL2'),
      MDCR_EL2: registers.slotOf('MDCR_EL2'),
      MDSCR_EL1: registers.slotOf('MDSCR_EL1'),
      OSLSR_EL1: registers.slotOf('OSLSR_EL1'),
      OSDLR_EL1: registers.slotOf('OSDLR_EL1'),
      DBGPRCR_EL1: registers.slotOf('DBGPRCR_EL1'),
      CONTEXTIDR_EL1: registers.slotOf('CONTEXTIDR_EL1'),
      CONTEXTIDR_EL2: registers.has('CONTEXTIDR_EL2')
        ? registers.slotOf('CONTEXTIDR_EL2')
        : undefined,
      VTTBR_EL2: registers.slotOf('VTTBR_EL2'),
    };
  }

  /** What is enabled of the processor's. Arm ARM, SelfHostedExtendedBPWPEnabled(). */
  get resources(): DebugResources {
    if (!hasDebugBanks(this.#profile)) return this.#all;
    const EBWE = this.#state.sysreg(this.#slots.MDCR_EL2) & MDCR_EBWE;
    const EMBWE = this.#state.sysreg(this.#slots.MDSCR_EL1) & MDSCR_EMBWE;
    return EBWE !== 0n && EMBWE !== 0n ? this.#all : this.#firstBank;
  }

  /** Those with nothing to compare are left out. */
  set softwareSlots(files: readonly SoftwareSlots[]) {
    const software = files.filter((file) => file.breakpoints.length + file.watchpoints.length > 0);
    if (software.length === 0 && this.#software.length === 0) return;
    this.#software = software;
    this.invalidate();
  }

  /** A debug register, MDCR_EL2 or HCR_EL2 was written. */
  invalidate(): void {
    this.#stale = true;
    this.#controls = undefined;
  }

  get isStale(): boolean {
    this.#noticePowerControl();
    return this.#stale;
  }

  /** DBGPRCR_EL1.CORENPDRQ opens the Double Lock, and is plain storage that tells nobody. */
  #noticePowerControl(): void {
    const DBGPRCR = this.#state.sysreg(this.#slots.DBGPRCR_EL1);
    if (DBGPRCR === this.#seenDBGPRCR) return;
    this.#seenDBGPRCR = DBGPRCR;
    this.invalidate();
  }

  /** Recomputes what is armed; the lists below are valid after it. */
  refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    const { controls } = this;
    const live =
      (controls.MDSCR_EL1 & MDSCR_MDE) !== 0n && !controls.OSLK && !controls.doubleLocked;
    const armed: Slot[] = [];
    const contexts: Slot[] = [];
    const addresses: bigint[] = [];
    const watched: WatchedSlot[] = [];
    const addBreakpoint = (slot: Slot): void => {
      const { registers, resources } = slot.file;
      const DBGBCR = registers.DBGBCR(slot.n);
      if (inertBreakpointReason(slot.n, DBGBCR, resources) !== undefined) return;
      armed.push(slot);
      if (breakpointTypeInfo(breakpointType(DBGBCR)).address) {
        addresses.push(registers.DBGBVR(slot.n) & ~3n);
      } else {
        contexts.push(slot);
      }
    };
    const addWatchpoint = (slot: Slot): void => {
      const { registers, resources } = slot.file;
      const range = watchedRange(
        slot.n,
        registers.DBGWCR(slot.n),
        registers.DBGWVR(slot.n),
        resources,
      );
      if (typeof range !== 'string') watched.push({ ...slot, ...range });
    };
    if (live) {
      const { resources } = this;
      const own = { registers: this.#registers, resources };
      for (let n = 0; n < resources.breakpoints; n += 1) addBreakpoint({ n, file: own });
      for (let n = 0; n < resources.watchpoints; n += 1) addWatchpoint({ n, file: own });
      for (const file of this.#software) {
        for (const n of file.breakpoints) addBreakpoint({ n, file });
        for (const n of file.watchpoints) addWatchpoint({ n, file });
      }
    }
    this.#armed = armed;
    this.#contextBreakpoints = contexts;
    this.#addresses = addresses;
    this.#watched = watched;
  }

  /** Instruction addresses at which an enabled address breakpoint has to be evaluated. */
  get breakpointAddresses(): readonly bigint[] {
    return this.#addresses;
  }

  /** Ranges that enabled watchpoints cover, whatever the current EL. */
  get watchedRanges(): readonly WatchedRange[] {
    return this.#watched;
  }

  get controls(): DebugControls {
    this.#noticePowerControl();
    if (this.#controls === undefined) {
      const state = this.#state;
      const slots = this.#slots;
      this.#controls = {
        el2: true,
        TDE: (state.sysreg(slots.MDCR_EL2) & (1n << 8n)) !== 0n,
        TGE: (state.sysreg(slots.HCR_EL2) & (1n << 27n)) !== 0n,
        OSLK: (state.sysreg(slots.OSLSR_EL1) & 2n) !== 0n,
        doubleLocked: isDoubleLocked(
          this.#profile.FEAT_DoubleLock,
          state.sysreg(slots.OSDLR_EL1),
          state.sysreg(slots.DBGPRCR_EL1),
        ),
        MDSCR_EL1: state.sysreg(slots.MDSCR_EL1),
      };
    }
    return this.#controls;
  }

  /** EL_D: where breakpoint, watchpoint and software step exceptions go. */
  get target(): 1 | 2 {
    return debugTarget(this.controls);
  }

  get context(): DebugContext {
    const state = this.#state;
    const { CONTEXTIDR_EL2, HCR_EL2 } = this.#slots;
    return {
      EL: state.EL,
      secure: false,
      CONTEXTIDR_EL1: state.sysreg(this.#slots.CONTEXTIDR_EL1),
      CONTEXTIDR_EL2: CONTEXTIDR_EL2 === undefined ? 0n : state.sysreg(CONTEXTIDR_EL2),
      VMID: (state.sysreg(this.#slots.VTTBR_EL2) >> 48n) & 0xffn,
      inHost: elIsInHost(state.sysreg(HCR_EL2), state.EL),
    };
  }

  get #mask(): boolean {
    return (this.#state.DAIF & DAIF_D) !== 0;
  }

  /** Why breakpoints and watchpoints generate nothing at the current EL, or undefined. */
  get monitorDisabledReason(): string | undefined {
    return monitorDisabledReason(this.controls, this.#state.EL, this.#mask);
  }

  /** PSTATE.D decides whether something happens at every instruction from now on. */
  get dependsOnMask(): boolean {
    return this.#contextBreakpoints.length > 0 || (this.controls.MDSCR_EL1 & MDSCR_SS) !== 0n;
  }

  /** The lowest breakpoint that fires for the instruction at `pc` now. */
  breakpointAt(pc: bigint): number | undefined {
    if (this.#armed.length === 0 || this.monitorDisabledReason !== undefined) return undefined;
    const { context } = this;
    return this.#armed.find((slot) => fires(slot, pc, context))?.n;
  }

  /** Whether an unlinked context breakpoint fires for every instruction in the current context. */
  get firesInThisContext(): boolean {
    if (this.#contextBreakpoints.length === 0) return false;
    if (this.monitorDisabledReason !== undefined) return false;
    const { context } = this;
    const pc = this.#state.PC;
    return this.#contextBreakpoints.some((slot) => fires(slot, pc, context));
  }

  /**
   * The first watchpoint that fires for the access: its number, where the processor tells that of one of its own,
   * and the offset of its first watched byte.
   */
  watchpointFor(
    access: WatchedAccess,
    topByteIgnored: boolean,
  ): { readonly n: number | undefined; readonly offset: number } | undefined {
    if (this.#watched.length === 0 || this.monitorDisabledReason !== undefined) return undefined;
    const { context } = this;
    for (const { n, file } of this.#watched) {
      const { registers, resources } = file;
      const verdict = watchpointVerdict(n, access, registers, context, resources, topByteIgnored);
      if (!verdict.fires) continue;
      const told = this.#profile.reportsWatchpointNumber && registers === this.#registers;
      return { n: told ? n : undefined, offset: verdict.offset };
    }
    return undefined;
  }

  get stepState(): SoftwareStepState {
    const { EL, SS } = this.#state;
    return softwareStepState(this.controls, { EL, D: this.#mask, SS });
  }

  // -- verdicts in words, for whoever shows the slots

  /** Whether breakpoint n fires for the instruction at `pc` now, and why not. */
  breakpointVerdict(n: number, pc: bigint): Verdict {
    const inert = inertBreakpointReason(n, this.#registers.DBGBCR(n), this.resources);
    if (inert !== undefined) return silent(inert);
    const disabled = this.monitorDisabledReason;
    return disabled === undefined
      ? breakpointVerdict(n, pc, this.#registers, this.context, this.resources)
      : silent(disabled);
  }

  /** Whether watchpoint n fires for the access now, and why not. */
  watchpointVerdict(n: number, access: WatchedAccess): WatchpointVerdict {
    const disabled = this.monitorDisabledReason;
    if (disabled !== undefined) return { fires: false, because: disabled };
    return watchpointVerdict(n, access, this.#registers, this.context, this.resources, false);
  }

  /** PSTATE.EL of an access: EL0 for LDTR and STTR executed at EL1, or at EL2 above EL0 of a host. */
  accessEL(unprivileged: boolean): ExceptionLevel {
    const { EL, extensions } = this.#state;
    if (!unprivileged || (extensions & PSTATE_UAO) !== 0) return EL;
    return EL === 1 || elIsInHost(this.#state.sysreg(this.#slots.HCR_EL2), 0) ? 0 : EL;
  }
}

function fires({ n, file }: Slot, pc: bigint, context: DebugContext): boolean {
  return breakpointVerdict(n, pc, file.registers, context, file.resources).fires;
}
