/**
 * The moves a debug policy is made of: saving and loading the bundle of debug registers, switching
 * MDSCR_EL1, writing MDCR_EL2. Each does what it says on the processor, counted and logged.
 */
import { debugResources } from '../cpu/debug/breakpoint.ts';
import type { DebugResources } from '../cpu/debug/breakpoint.ts';
import type { ExceptionRecord } from '../cpu/pe.ts';
import { SPSR_SS } from '../cpu/pstate.ts';
import { hasDebugBanks } from '../sysregs/processor-model.ts';
import {
  DBGBCR_E,
  MDCR_EL2_E2PB,
  MDCR_EL2_EBWE,
  MDCR_EL2_E2TB,
  MDCR_EL2_HPMN,
  MDCR_EL2_TDA,
  MDCR_EL2_TDE,
  MDCR_EL2_TPMS,
  MDCR_EL2_TTRF,
  MDSCR_EL1_EMBWE,
  MDSCR_EL1_KDE,
  MDSCR_EL1_MDE,
  MDSELR_EL1_BANK_SHIFT,
} from './control-bits.ts';
import {
  bankOf,
  copyDebugState,
  debugRegistersOf,
  emptyDebugState,
  readDebugState,
  writeDebugState,
} from './debug-state.ts';
import type { DebugRegister, DebugState } from './debug-state.ts';
import { KVM_GUESTDBG_SINGLESTEP, KVM_GUESTDBG_USE_HW } from './guest-debug-control.ts';
import type { HostProfile } from './host-profile.ts';
import type { DebugCounts } from './remap.ts';
import type { AllocationNote, SharedAllocation } from './shared-slots.ts';
import type { CountedCpu } from './physical-cpu.ts';
import type { VmIdRegisters } from './vm-id-registers.ts';
import type { DebugOwner, Vcpu } from './vcpu.ts';
import type {
  BundleCopy,
  WorldSwitchEvent,
  WorldSwitchEventKind,
  WorldSwitchLog,
} from './world-switch-log.ts';

/** What the host keeps for each physical CPU. */
export interface HostData {
  /** The host's own debug registers (H). */
  debug: DebugState;
  MDCCINT_EL1: bigint;
  MDSCR_EL1: bigint;
  MDSELR_EL1: bigint;
  /** MDCR_EL2.HPMN as the host wants it: the number of event counters the guest may use. */
  nr_event_counters: bigint;
}

export function copyHostData(host: Readonly<HostData>): HostData {
  return { ...host, debug: copyDebugState(host.debug) };
}

/** The guest's processor, as its identification registers describe it. */
export type GuestProcessor = Pick<VmIdRegisters, 'counts' | 'processor' | 'differs'>;

/** Fields of an event beside those that follow from the state. */
export type EventDetail = Partial<
  Pick<
    WorldSwitchEvent,
    'reg' | 'direction' | 'old' | 'new' | 'EC' | 'copy' | 'fp' | 'ownerBefore' | 'dirtyBefore'
  >
>;

const NO_REQUESTS: Readonly<DebugState> = emptyDebugState();
const hex = (value: bigint): string => `0x${value.toString(16)}`;
/** An address of the host's kernel, where no guest of ours is. */
const HOST_BREAKPOINT_ADDRESS = 0xffff_8000_1000_0000n;
/** E, PMC = EL1, BAS = 0b1111. */
const HOST_BREAKPOINT_CONTROL = 0x1e3n;
const COPY_NAMES: Readonly<Record<BundleCopy, string>> = {
  G: "the guest's",
  X: "the debugger's",
  H: "the host's",
  S: "the guest's and the debugger's",
};

export class WorldSwitch {
  readonly cpu: CountedCpu;
  readonly profile: HostProfile;
  readonly log: WorldSwitchLog;
  host: HostData = {
    debug: emptyDebugState(),
    MDCCINT_EL1: 0n,
    MDSCR_EL1: 0n,
    MDSELR_EL1: 0n,
    nr_event_counters: 0n,
  };
  /** MDCR_EL2 as last written. */
  mdcr = 0n;
  /** Told of every exception that the hypervisor gives to the guest. */
  injected: ((exception: ExceptionRecord) => void) | undefined;
  /** The guest's registers as the processor holds them, where the policy rearranges them. */
  image: (() => DebugState | undefined) | undefined;
  /** Without it the log has counters only. */
  recordsEvents = true;
  /** A guest never reaches what its processor does not have, even where letting it would be cheaper. */
  strict = false;
  /** Where the guest's and the debugger's registers are while the policy has both on the processor. */
  shared: SharedAllocation | undefined;
  /** What the log has last said about it. */
  noted: AllocationNote = { remap: '', evict: '' };
  /** What the processor below has, for the debug logic. */
  readonly hostResources: DebugResources;
  readonly #guest: GuestProcessor;
  readonly #registers: readonly DebugRegister[];
  readonly #firstBank: readonly DebugRegister[];
  #vcpu: Vcpu;
  #describe: () => { readonly policy: string; readonly owner: string };

  constructor(
    cpu: CountedCpu,
    profile: HostProfile,
    log: WorldSwitchLog,
    vcpu: Vcpu,
    describe: () => { readonly policy: string; readonly owner: string },
    guest: GuestProcessor,
  ) {
    this.#guest = guest;
    this.cpu = cpu;
    this.profile = profile;
    this.hostResources = debugResources(profile.processor, true);
    this.log = log;
    this.#vcpu = vcpu;
    this.#describe = describe;
    this.#registers = debugRegistersOf(profile.breakpoints, profile.watchpoints);
    this.#firstBank = this.#registers.filter((register) => bankOf(register) === 0);
  }

  /** What the guest's processor has. */
  get guest(): DebugCounts {
    return this.#guest.counts;
  }

  /** The same for the debug logic. */
  get guestResources(): DebugResources {
    return debugResources(this.#guest.processor, true);
  }

  /** The guest's processor is not the one below it. */
  get hasOwnProcessor(): boolean {
    return this.#guest.differs;
  }

  /** The vCPU that is loaded, or was last. */
  get vcpu(): Vcpu {
    return this.#vcpu;
  }

  set vcpu(vcpu: Vcpu) {
    this.#vcpu = vcpu;
  }

  /**
   * The four groups of this processor that are switched. Those beyond the first 16 are left where they are for a guest
   * that does not have so many: MDCR_EL2.EBWE disables them while it runs.
   */
  get registers(): readonly DebugRegister[] {
    return this.hasBanks ? this.#registers : this.#firstBank;
  }

  /** What runs has, or may have, breakpoints and watchpoints beyond the first 16. */
  get hasBanks(): boolean {
    return (
      hasDebugBanks(this.profile) &&
      (hasDebugBanks(this.guest) || this.#vcpu.debug_owner === 'SHARED')
    );
  }

  event(kind: WorldSwitchEventKind, text: string, detail?: EventDetail): void {
    if (!this.recordsEvents) return;
    const { policy, owner } = this.#describe();
    const vcpu = this.#vcpu;
    const event: WorldSwitchEvent = {
      seq: this.log.nextSeq,
      vcpu: vcpu.id,
      pcpu: this.cpu.cpu.id,
      kind,
      guestPC: vcpu.pc,
      EL: Number((vcpu.pstate >> 2n) & 3n),
      policy,
      ownerBefore: owner,
      ownerAfter: owner,
      dirtyBefore: vcpu.debug_dirty,
      dirtyAfter: vcpu.debug_dirty,
      TDA: (this.mdcr & MDCR_EL2_TDA) !== 0n,
      TDE: (this.mdcr & MDCR_EL2_TDE) !== 0n,
      text,
    };
    this.log.record(detail === undefined ? event : Object.assign(event, detail));
  }

  setOwner(owner: DebugOwner): void {
    const vcpu = this.#vcpu;
    if (vcpu.debug_owner === owner) return;
    const ownerBefore = this.#describe().owner;
    vcpu.debug_owner = owner;
    this.event('flagSet', `debug owner: ${ownerBefore} to ${owner}`, { ownerBefore });
  }

  setDirty(dirty: boolean): void {
    const vcpu = this.#vcpu;
    if (vcpu.debug_dirty === dirty) return;
    const ownerBefore = this.#describe().owner;
    vcpu.debug_dirty = dirty;
    const kind = dirty ? 'flagSet' : 'flagClear';
    this.event(kind, `DIRTY ${dirty ? 'set' : 'cleared'}`, {
      ownerBefore,
      dirtyBefore: !dirty,
    });
  }

  /** How many registers are there? Before 6.14 KVM asks the processor for each save and load. */
  readDebugFeatures(): void {
    this.cpu.read('ID_AA64DFR0_EL1');
  }

  /**
   * The registers the debugger has on the processor: its own, without those that a step over an already
   * reported instruction leaves out.
   */
  externalDebugState(): Readonly<DebugState> {
    const { external_debug_state: external, stepOver } = this.#vcpu;
    if (stepOver === undefined) return external;
    const masked = copyDebugState(external);
    masked.dbg_bvr.forEach((DBGBVR, n) => {
      if (DBGBVR === stepOver.pc) masked.dbg_bcr[n] = (masked.dbg_bcr[n] ?? 0n) & ~DBGBCR_E;
    });
    if (stepOver.watchpoints) masked.dbg_wcr.fill(0n);
    return masked;
  }

  /** What the debugger asks for now: without KVM_GUESTDBG_USE_HW its registers are those of an earlier call. */
  debuggerRequests(): Readonly<DebugState> {
    return (this.#vcpu.guest_debug & KVM_GUESTDBG_USE_HW) !== 0
      ? this.externalDebugState()
      : NO_REQUESTS;
  }

  /**
   * Processor to memory. X and a rearranged G are what the hypervisor wrote itself, so saving them does not
   * change them.
   */
  saveBundle(copy: BundleCopy): void {
    const target = copy === 'H' ? this.host.debug : this.#vcpu.vcpu_debug_state;
    const keeps = copy === 'X' || (copy === 'G' && this.image?.() !== undefined);
    if (this.hasBanks) {
      const MDSELR_EL1 = this.cpu.read('MDSELR_EL1');
      if (copy === 'H') this.host.MDSELR_EL1 = MDSELR_EL1;
      else if (copy === 'G') this.#vcpu.sys_regs.MDSELR_EL1 = MDSELR_EL1;
    }
    this.#forEachRegister((register) => {
      const value = this.cpu.read(register.name);
      if (!keeps) writeDebugState(target, register, value);
    });
    const MDCCINT_EL1 = this.cpu.read('MDCCINT_EL1');
    if (copy === 'H') this.host.MDCCINT_EL1 = MDCCINT_EL1;
    else {
      this.#vcpu.sys_regs.MDCCINT_EL1 = MDCCINT_EL1;
      this.#saveVectorCatch();
    }
    this.log.counters.bundleSaves[copy] += 1;
    this.event(
      'bundleSave',
      `save ${COPY_NAMES[copy]} ${this.registers.length + 1} debug registers`,
      { copy },
    );
  }

  /** The registers of a bank can be reached after MDSELR_EL1 has selected it. */
  #forEachRegister(move: (register: DebugRegister) => void): void {
    if (!this.hasBanks) {
      this.#firstBank.forEach(move);
      return;
    }
    const last = Math.max(...this.#registers.map(bankOf));
    for (let bank = 0; bank <= last; bank += 1) {
      this.cpu.write('MDSELR_EL1', BigInt(bank) << MDSELR_EL1_BANK_SHIFT);
      this.#registers.filter((register) => bankOf(register) === bank).forEach(move);
    }
  }

  /** Memory to processor. */
  loadBundle(copy: BundleCopy): void {
    const source = this.#source(copy);
    this.#forEachRegister((register) => {
      this.cpu.write(register.name, readDebugState(source, register));
    });
    if (this.hasBanks) {
      const { MDSELR_EL1 } = copy === 'H' ? this.host : this.#vcpu.sys_regs;
      this.cpu.write('MDSELR_EL1', MDSELR_EL1);
    }
    const MDCCINT_EL1 = copy === 'H' ? this.host.MDCCINT_EL1 : this.#vcpu.sys_regs.MDCCINT_EL1;
    this.cpu.write('MDCCINT_EL1', MDCCINT_EL1);
    if (copy !== 'H') this.#loadVectorCatch();
    this.log.counters.bundleLoads[copy] += 1;
    this.event(
      'bundleLoad',
      `load ${COPY_NAMES[copy]} ${this.registers.length + 1} debug registers`,
      { copy },
    );
  }

  /**
   * DBGVCR32_EL2 catches vectors of an AArch32 EL1 and of nothing else, so the host leaves it alone. KVM,
   * __sysreg32_save_state() and __sysreg32_restore_state(): it goes with the guest's debug registers. (With VHE
   * KVM moves it at every vcpu_load and vcpu_put as well, where nothing needs it.)
   */
  #saveVectorCatch(): void {
    const { sys_regs, el1_32bit } = this.#vcpu;
    if (el1_32bit) sys_regs.DBGVCR32_EL2 = this.cpu.read('DBGVCR32_EL2');
  }

  #loadVectorCatch(): void {
    const { sys_regs, el1_32bit } = this.#vcpu;
    if (el1_32bit) this.cpu.write('DBGVCR32_EL2', sys_regs.DBGVCR32_EL2);
  }

  #source(copy: BundleCopy): Readonly<DebugState> {
    switch (copy) {
      case 'H':
        return this.host.debug;
      case 'G':
        return this.image?.() ?? this.#vcpu.vcpu_debug_state;
      case 'X':
        return this.externalDebugState();
      case 'S':
        if (this.shared === undefined) throw new TypeError('No slots have been allocated');
        return this.shared.image;
    }
  }

  /** What the bundle on the processor has to be for this copy. */
  expectedBundle(copy: BundleCopy): Readonly<DebugState> {
    return this.#source(copy);
  }

  /** Saves the host's MDSCR_EL1 and installs the guest's. */
  enterMdscr(MDSCR_EL1: bigint): void {
    const { vcpu } = this;
    if (vcpu.hardwareLocked) this.cpu.write('OSLAR_EL1', 1n);
    const old = this.cpu.read('MDSCR_EL1');
    this.host.MDSCR_EL1 = old;
    this.cpu.write('MDSCR_EL1', MDSCR_EL1);
    this.#mdscrEvent(old, MDSCR_EL1);
  }

  /** Saves the guest's MDSCR_EL1 and installs the host's. @returns the guest's, of what its processor has */
  exitMdscr(): bigint {
    const EMBWE = hasDebugBanks(this.guest) ? 0n : MDSCR_EL1_EMBWE;
    const old = this.cpu.read('MDSCR_EL1') & ~EMBWE;
    if (this.vcpu.hardwareLocked) this.cpu.write('OSLAR_EL1', 0n);
    this.cpu.write('MDSCR_EL1', this.host.MDSCR_EL1);
    this.#mdscrEvent(old, this.host.MDSCR_EL1);
    return old;
  }

  #mdscrEvent(old: bigint, value: bigint): void {
    this.event('mdscrWrite', `MDSCR_EL1 ${hex(old)} to ${hex(value)}`, {
      reg: 'MDSCR_EL1',
      old,
      new: value,
    });
  }

  /**
   * The guest's MDCR_EL2 as a policy has it. Policies of kernels that did not know SPE and TRF would leave
   * them to the guest of a processor that has them; here they trap.
   */
  writeMdcr(policyValue: bigint): void {
    const { FEAT_SPE, FEAT_TRF } = this.profile.processor;
    const later = (FEAT_SPE ? MDCR_EL2_TPMS : 0n) | (FEAT_TRF ? MDCR_EL2_TTRF : 0n);
    const EBWE = this.hasBanks ? MDCR_EL2_EBWE : 0n;
    this.#installMdcr(this.#vcpu.spe.adjustMdcr(policyValue | later | EBWE));
  }

  #installMdcr(value: bigint): void {
    const old = this.mdcr;
    this.cpu.write('MDCR_EL2', value);
    this.mdcr = value;
    this.event('mdcrWrite', `MDCR_EL2 ${hex(old)} to ${hex(value)}`, {
      reg: 'MDCR_EL2',
      old,
      new: value,
    });
  }

  /**
   * MDCR_EL2 with everything but HPMN cleared, as the host runs with it; a host at EL1 owns its profiling
   * and trace buffers.
   */
  restoreHostMdcr(): void {
    const value = (this.cpu.read('MDCR_EL2') & MDCR_EL2_HPMN) | this.#hostControls;
    this.#installMdcr(value);
  }

  /**
   * Where the policy does not emulate the OS Lock by ownership, the guest's lock is put on the processor
   * for as long as the guest runs. `enterMdscr` and `exitMdscr` do the writes.
   */
  useHardwareOsLock(): void {
    this.vcpu.hardwareLocked = this.vcpu.debugLocked;
  }

  /** The debugger steps, or the hypervisor does to get past an instruction. */
  get hostSteps(): boolean {
    const { guest_debug, stepOver } = this.#vcpu;
    return (guest_debug & KVM_GUESTDBG_SINGLESTEP) !== 0 || stepOver !== undefined;
  }

  get pstateSS(): boolean {
    return (this.#vcpu.pstate & SPSR_SS) !== 0n;
  }

  set pstateSS(SS: boolean) {
    const vcpu = this.#vcpu;
    vcpu.pstate = SS ? vcpu.pstate | SPSR_SS : vcpu.pstate & ~SPSR_SS;
  }

  /** The debugger takes the step state machine: PSTATE.SS becomes its own, the guest's is kept aside. */
  stealStep(): void {
    const vcpu = this.#vcpu;
    vcpu.GUEST_SS_ACTIVE_PENDING = !this.pstateSS;
    this.pstateSS = !vcpu.HOST_SS_ACTIVE_PENDING;
    vcpu.stepStolen = true;
  }

  returnStep(): void {
    const vcpu = this.#vcpu;
    vcpu.HOST_SS_ACTIVE_PENDING = !this.pstateSS;
    this.pstateSS = !vcpu.GUEST_SS_ACTIVE_PENDING;
    vcpu.stepStolen = false;
  }

  /** The host's own use of breakpoint 0; with the host's registers on the processor. */
  toggleHostBreakpoint(): void {
    const { cpu } = this.cpu;
    const isSet = (cpu.peekRegister('DBGBCR0_EL1') & DBGBCR_E) !== 0n;
    cpu.writeRegister('DBGBVR0_EL1', isSet ? 0n : HOST_BREAKPOINT_ADDRESS);
    cpu.writeRegister('DBGBCR0_EL1', isSet ? 0n : HOST_BREAKPOINT_CONTROL);
    const MDSCR_EL1 = cpu.peekRegister('MDSCR_EL1');
    const enables = MDSCR_EL1_MDE | MDSCR_EL1_KDE;
    cpu.writeRegister('MDSCR_EL1', isSet ? MDSCR_EL1 & ~enables : MDSCR_EL1 | enables);
    this.event(
      'hostActivity',
      isSet
        ? 'the host removes its breakpoint from DBGBVR0_EL1'
        : `the host sets a breakpoint at ${hex(HOST_BREAKPOINT_ADDRESS)} in DBGBVR0_EL1`,
    );
  }

  /** Of MDCR_EL2: what a host has set for itself. */
  get #hostControls(): bigint {
    const { VHE, processor } = this.profile;
    const EBWE = hasDebugBanks(processor) ? MDCR_EL2_EBWE : 0n;
    if (VHE) return EBWE;
    const buffers =
      (processor.FEAT_SPE ? MDCR_EL2_E2PB : 0n) | (processor.FEAT_TRBE ? MDCR_EL2_E2TB : 0n);
    return EBWE | buffers;
  }

  /** What the host does to a processor when it boots: the OS Lock is locked by a cold reset. */
  initialiseHost(): void {
    this.cpu.write('OSDLR_EL1', 0n);
    this.cpu.write('OSLAR_EL1', 0n);
    this.host = {
      debug: emptyDebugState(),
      MDCCINT_EL1: 0n,
      MDSCR_EL1: 0n,
      MDSELR_EL1: 0n,
      nr_event_counters: this.cpu.read('MDCR_EL2') & MDCR_EL2_HPMN,
    };
    this.mdcr = this.host.nr_event_counters | this.#hostControls;
    if (this.#hostControls !== 0n) this.cpu.write('MDCR_EL2', this.mdcr);
  }
}
