/**
 * The hypervisor at EL2, modelled on KVM/arm64. It runs when the guest takes an exception to EL2 or the host
 * interrupts it, and takes no virtual time.
 *
 * A vCPU is in one of two phases. `running`: the guest is in the processor, from entry to exit, whatever
 * the machine does between slices. `put`: KVM_RUN has returned, or has not been called; the host's
 * registers are installed and the processor only shows where the guest is.
 */
import { describeESR, EC_WATCHPOINT_LOWER } from '../cpu/syndrome.ts';
import { implementedRegisters } from '../sysregs/definitions.ts';
import type { ImplementedRegisters } from '../sysregs/definitions.ts';
import { idRegisters } from '../sysregs/id-registers.ts';
import {
  CNTHCTL_EL2_EL1PCEN,
  CNTHCTL_EL2_EL1PCTEN,
  CPTR_EL2_DEFAULT,
  CPTR_EL2_TTA,
  DBGBCR_E,
  HCR_EL2_TID3,
  HCR_GUEST_FLAGS,
  HCR_HOST_FLAGS,
} from './control-bits.ts';
import { copyDebugState, debugRegisters, emptyDebugState } from './debug-state.ts';
import {
  describeControl,
  EINVAL,
  KVM_GUESTDBG_ENABLE,
  KVM_GUESTDBG_SINGLESTEP,
  KVM_GUESTDBG_USE_HW,
  KVM_GUESTDBG_VALID_MASK,
  OK,
} from './guest-debug-control.ts';
import type { IoctlResult, KvmGuestDebug } from './guest-debug-control.ts';
import {
  loadGuestContext,
  peekGuestContext,
  resetGuestContext,
  saveGuestContext,
} from './guest-context.ts';
import { handleExit } from './handle-exit.ts';
import type { ExitContext } from './handle-exit.ts';
import type { HostProfile } from './host-profile.ts';
import { hypervisorCounters, hypervisorState, registerTotals, registerViews } from './view.ts';
import type { DebugRegisterViews, NamedCount, NamedText, RegisterTotals } from './view.ts';
import { InvariantChecker } from './invariants.ts';
import { SMCCC_RET_NOT_SUPPORTED } from './kvm-exit.ts';
import type { HypercallHandler, KvmExit } from './kvm-exit.ts';
import { getOneReg, setOneReg } from './one-reg.ts';
import type { OneRegResult } from './one-reg.ts';
import { CountedCpu } from './physical-cpu.ts';
import type { PhysicalCpu } from './physical-cpu.ts';
import { defaultPolicy, missingPolicyReason, policyByName } from './policies/index.ts';
import type { DebugPolicy } from './policies/policy.ts';
import { SlotLedger } from './slot-ledger.ts';
import { sanitisedIdRegisters } from './sys-regs.ts';
import type { RegisterEmulation } from './sys-regs.ts';
import { Vcpu } from './vcpu.ts';
import type { StepOver, VcpuState } from './vcpu.ts';
import { copyHostData, WorldSwitch } from './world-switch.ts';
import type { HostData } from './world-switch.ts';
import { WorldSwitchLog } from './world-switch-log.ts';
import type { WorldSwitchEvent, WorldSwitchLogState } from './world-switch-log.ts';

export interface KvmOptions {
  readonly cpu: PhysicalCpu;
  readonly profile: HostProfile;
  /** Default OWNER. @see policies/index.ts */
  readonly policy?: string;
  /** Number of vCPUs. Default 1. */
  readonly vcpus?: number;
  /** How trapped registers behave. Default `architecture`. */
  readonly registerEmulation?: RegisterEmulation;
  /** Answers HVC and SMC. Default: NOT_SUPPORTED to all. */
  readonly hypercall?: HypercallHandler;
  /** Default false; a violation throws. */
  readonly checkInvariants?: boolean;
  /** Events that the log keeps. */
  readonly logCapacity?: number;
  /** Instructions between two interrupts of the host. Default 4,000,000: 4 ms at 1 GHz. */
  readonly tickInterval?: bigint;
}

/** The hypervisor as data. The processor has a snapshot of its own. */
export interface KvmState {
  readonly policy: string;
  readonly phase: 'running' | 'put';
  readonly current: number;
  readonly resident: number;
  readonly vcpus: readonly VcpuState[];
  readonly host: HostData;
  readonly mdcr: bigint;
  readonly nextTick: bigint;
  readonly lastExit: KvmExit | undefined;
  readonly log: WorldSwitchLogState;
  readonly accesses: readonly (readonly [string, number, number])[];
  readonly warnings: readonly string[];
}

export const DEFAULT_TICK_INTERVAL = 4_000_000n;

const VMID = 1n;
const MPIDR_RES1 = 0x8000_0000n;
const hex = (value: bigint): string => `0x${value.toString(16)}`;

export class Kvm {
  readonly profile: HostProfile;
  readonly log: WorldSwitchLog;
  /** What a debugger uses instead of KVM_SET_GUEST_DEBUG itself. */
  readonly guestDebug: SlotLedger;
  readonly tickInterval: bigint;
  readonly implemented: ImplementedRegisters;
  readonly registerEmulation: RegisterEmulation;
  readonly vcpus: readonly Vcpu[];
  readonly ws: WorldSwitch;
  /** Retired instructions at which the host interrupts the guest next. */
  nextTick: bigint;

  readonly #cpu: PhysicalCpu;
  readonly #hypercall: HypercallHandler;
  readonly #idRegisters: ReadonlyMap<string, bigint>;
  readonly #invariants: InvariantChecker | undefined;
  readonly #warned = new Set<string>();
  #policy: DebugPolicy;
  #phase: 'running' | 'put' = 'put';
  #resident: Vcpu;
  #lastExit: KvmExit | undefined;

  /** @throws RangeError for a policy that does not exist */
  constructor(options: KvmOptions) {
    const { cpu, profile } = options;
    const policy = policyByName(options.policy ?? defaultPolicy.name);
    if (policy === undefined) throw new RangeError(missingPolicyReason(options.policy ?? ''));
    this.#policy = policy;
    this.#cpu = cpu;
    this.profile = profile;
    this.log = new WorldSwitchLog(options.logCapacity);
    this.tickInterval = options.tickInterval ?? DEFAULT_TICK_INTERVAL;
    this.nextTick = cpu.retired + this.tickInterval;
    this.registerEmulation = options.registerEmulation ?? 'architecture';
    this.#hypercall =
      options.hypercall ?? (() => ({ kind: 'return', X0: SMCCC_RET_NOT_SUPPORTED }));
    this.implemented = implementedRegisters(profile.processor);
    this.#idRegisters = sanitisedIdRegisters(idRegisters(profile.processor));
    this.#invariants =
      options.checkInvariants === true ? new InvariantChecker(this.implemented) : undefined;
    const first = new Vcpu(0);
    this.#resident = first;
    this.vcpus = [
      first,
      ...Array.from({ length: (options.vcpus ?? 1) - 1 }, (_, n) => new Vcpu(n + 1)),
    ];
    this.ws = new WorldSwitch(new CountedCpu(cpu), profile, this.log, first, () => ({
      policy: this.#policy.name,
      owner: this.#policy.owner(this.ws),
    }));
    this.guestDebug = new SlotLedger(this);
  }

  /**
   * The host boots and KVM_ARM_VCPU_INIT is called for every vCPU. The processor has been reset; its
   * general-purpose registers stay as they are. Requests of the debugger stay.
   * @param entries PC of each vCPU
   */
  reset(...entries: readonly bigint[]): void {
    const { ws } = this;
    this.log.reset();
    ws.cpu.restoreState([]);
    this.#warned.clear();
    this.#invariants?.forget();
    this.#lastExit = undefined;
    this.#phase = 'put';
    this.nextTick = this.#cpu.retired + this.tickInterval;
    for (const vcpu of this.vcpus) {
      vcpu.reset(entries[vcpu.id] ?? 0n);
      if (vcpu.id > 0) vcpu.context = resetGuestContext(this.implemented);
    }
    const first = this.#vcpuById(0);
    this.#resident = first;
    ws.vcpu = first;
    ws.initialiseHost();
    ws.cpu.write('HCR_EL2', HCR_HOST_FLAGS);
    ws.cpu.write('CPTR_EL2', CPTR_EL2_DEFAULT);
    ws.cpu.write('CNTHCTL_EL2', CNTHCTL_EL2_EL1PCTEN | CNTHCTL_EL2_EL1PCEN);
    ws.cpu.write('CNTVOFF_EL2', 0n);
    ws.cpu.write('VTTBR_EL2', VMID << 48n);
    this.#installIdentity(first);
    this.#cpu.present({ PC: first.pc, PSTATE: first.pstate });
  }

  // -- running

  /** The vCPU that runs, or that runs next. */
  get vcpu(): Vcpu {
    return this.ws.vcpu;
  }

  get running(): boolean {
    return this.#phase === 'running';
  }

  /** Why the guest is not running; undefined after `resume` and after `stop`. */
  get lastExit(): KvmExit | undefined {
    return this.#lastExit;
  }

  /** Selects the vCPU that `resume` enters. Ends a run of another one. */
  select(id: number): void {
    const vcpu = this.#vcpuById(id);
    if (vcpu === this.ws.vcpu) return;
    this.stop();
    this.ws.vcpu.pc = this.#cpu.position.PC;
    this.ws.vcpu.pstate = this.#cpu.position.PSTATE;
    this.ws.vcpu = vcpu;
    this.#cpu.takeHostInterrupt();
    this.#makeResident(vcpu);
    this.#cpu.present({ PC: vcpu.pc, PSTATE: vcpu.pstate });
    this.#lastExit = undefined;
  }

  /**
   * KVM_RUN up to the entry into the guest. Does nothing while it runs. With `pastStop` the instruction at
   * the PC executes although a breakpoint or watchpoint of the debugger has been reported for it.
   */
  resume({ pastStop = false }: { readonly pastStop?: boolean } = {}): void {
    if (this.#phase === 'running') return;
    const { vcpu } = this;
    const { PC, PSTATE } = this.#cpu.position;
    vcpu.pc = PC;
    vcpu.pstate = PSTATE;
    this.#cpu.takeHostInterrupt();
    vcpu.stepOver = pastStop ? this.#stepOver() : undefined;
    if ((vcpu.guest_debug & KVM_GUESTDBG_SINGLESTEP) === 0) vcpu.HOST_SS_ACTIVE_PENDING = false;
    this.#lastExit = undefined;
    this.#load();
    this.#enter();
  }

  /**
   * The debugger goes on from where the guest is, running or not: as `resume` with `pastStop`, but a
   * breakpoint at the PC that has not been reported, because a step ended there, is passed as well.
   */
  goPast(): void {
    if (this.#phase === 'running' && this.#hasBreakpointAt(this.#cpu.position.PC)) this.stop();
    this.resume({ pastStop: true });
  }

  #hasBreakpointAt(pc: bigint): boolean {
    const { external_debug_state, guest_debug } = this.vcpu;
    if ((guest_debug & KVM_GUESTDBG_USE_HW) === 0) return false;
    const { dbg_bcr, dbg_bvr } = external_debug_state;
    return dbg_bcr.some((DBGBCR, n) => (DBGBCR & DBGBCR_E) !== 0n && dbg_bvr[n] === pc);
  }

  #stepOver(): StepOver | undefined {
    const { pc, guest_debug } = this.vcpu;
    if ((guest_debug & KVM_GUESTDBG_USE_HW) === 0) return undefined;
    const last = this.#lastExit;
    const watchpoints =
      last?.exit_reason === 'KVM_EXIT_DEBUG' && last.cause === 'watchpoint' && last.pc === pc;
    return watchpoints || this.#hasBreakpointAt(pc) ? { pc, watchpoints } : undefined;
  }

  /** The VMM gets the vCPU out of the guest: KVM_EXIT_INTR. Does nothing while it is not running. */
  stop(): void {
    if (this.#phase === 'put') return;
    this.#cpu.takeHostInterrupt();
    this.#exit('exit: kicked by the VMM');
    this.#returnToVmm();
  }

  /** The host's interrupt: an exit and an entry, which is what a lazy flag does not survive. */
  onHostTick(): void {
    this.nextTick = this.#cpu.retired + this.tickInterval;
    if (this.#phase === 'put') return;
    this.log.counters.hostTicks += 1;
    this.#cpu.takeHostInterrupt();
    this.#exit('exit: interrupt of the host');
    this.#enter();
  }

  /**
   * The guest took a synchronous exception to EL2; the processor is there.
   * @returns undefined when the guest is running again, otherwise why KVM_RUN returns
   */
  handleExit(): KvmExit | undefined {
    const { ws } = this;
    const { cpu } = ws;
    const ESR = cpu.read('ESR_EL2');
    const EC = Number((ESR >> 26n) & 0x3fn);
    const ISS = Number(ESR & 0x1ff_ffffn);
    this.log.countExit(EC);
    const { title } = describeESR(ESR);
    this.#exit(`exit: EC 0x${EC.toString(16).padStart(2, '0')}, ${title}`, EC, ESR);
    const FAR = EC === EC_WATCHPOINT_LOWER ? cpu.read('FAR_EL2') : undefined;
    const exit = handleExit(this.#exitContext(), {
      ESR,
      EC,
      ISS,
      ...(FAR !== undefined && { FAR }),
    });
    this.#invariants?.afterHandling(ws);
    if (exit === undefined) this.#enter();
    else {
      this.#returnToVmm();
      this.#lastExit = exit;
    }
    return exit;
  }

  #exitContext(): ExitContext {
    return {
      ws: this.ws,
      policy: this.#policy,
      emulation: this.registerEmulation,
      implemented: this.implemented,
      idRegisters: this.#idRegisters,
      hypercall: this.#hypercall,
      reload: () => {
        this.#put();
        this.#load();
      },
      claimsBreakpointInstruction: (pc) => this.guestDebug.claims(pc),
      warnOnce: (text) => this.#warnOnce(text),
      setStepOver: (stepOver) => {
        this.#put();
        this.vcpu.stepOver = stepOver;
        if (stepOver === undefined && (this.vcpu.guest_debug & KVM_GUESTDBG_SINGLESTEP) === 0) {
          this.vcpu.HOST_SS_ACTIVE_PENDING = false;
        }
        this.#load();
      },
    };
  }

  // -- the world switch

  #makeResident(vcpu: Vcpu): void {
    if (this.#resident === vcpu) return;
    const { ws } = this;
    this.#resident.context = saveGuestContext(ws.cpu);
    if (vcpu.context === undefined) throw new TypeError(`vCPU ${vcpu.id} has no context`);
    loadGuestContext(ws.cpu, vcpu.context);
    vcpu.context = undefined;
    this.#installIdentity(vcpu);
    this.log.counters.contextSwitches += 1;
    ws.event('contextSwitch', `vCPU ${this.#resident.id} leaves the processor to vCPU ${vcpu.id}`);
    this.#resident = vcpu;
  }

  #installIdentity({ id }: Vcpu): void {
    this.ws.cpu.write('VMPIDR_EL2', MPIDR_RES1 | BigInt(id));
  }

  #load(): void {
    const { ws } = this;
    this.#makeResident(ws.vcpu);
    this.#policy.vcpuLoad(ws);
    this.log.counters.loads += 1;
    ws.event('load', `vcpu_load: owner ${this.#policy.owner(ws)}`);
  }

  #put(): void {
    const { ws } = this;
    const stolen = this.#policy.guestDebug && ws.vcpu.debug_owner === 'HOST' && ws.hostSteps;
    this.#policy.vcpuPut(ws);
    this.log.counters.puts += 1;
    ws.event('put', `vcpu_put: owner ${this.#policy.owner(ws)}`);
    this.#invariants?.afterPut(ws, stolen);
  }

  #enter(): void {
    const { ws } = this;
    const { cpu, vcpu } = ws;
    this.#invariants?.beforeEntry(ws);
    cpu.write('ELR_EL2', vcpu.pc);
    cpu.write('SPSR_EL2', vcpu.pstate);
    cpu.write('HCR_EL2', this.#guestHcr);
    cpu.write('CPTR_EL2', CPTR_EL2_DEFAULT | CPTR_EL2_TTA);
    this.#policy.enter(ws);
    this.#invariants?.atEntry(ws, this.#policy);
    this.log.counters.entries += 1;
    vcpu.entryPC = vcpu.pc;
    ws.event('enter', `enter the guest at ${hex(vcpu.pc)}`);
    this.#phase = 'running';
    this.#cpu.exceptionReturn();
  }

  #exit(text: string, EC?: number, ESR?: bigint): void {
    const { ws } = this;
    const { cpu, vcpu } = ws;
    vcpu.pc = cpu.read('ELR_EL2');
    vcpu.pstate = cpu.read('SPSR_EL2');
    this.log.counters.exits += 1;
    ws.event('exit', text, {
      ...(EC !== undefined && { EC }),
      ...(ESR !== undefined && { new: ESR }),
    });
    this.#phase = 'put';
    this.#policy.exit(ws);
    cpu.write('HCR_EL2', HCR_HOST_FLAGS);
    cpu.write('CPTR_EL2', CPTR_EL2_DEFAULT);
    this.#invariants?.afterExit(ws, this.#policy);
  }

  /** G4 traps the identification registers, so that a VM has its own. */
  get #guestHcr(): bigint {
    return this.#policy.generation === 'G4' ? HCR_GUEST_FLAGS | HCR_EL2_TID3 : HCR_GUEST_FLAGS;
  }

  /** With the processor at EL2 and the world switched. */
  #returnToVmm(): void {
    const { vcpu } = this;
    this.#put();
    vcpu.stepOver = undefined;
    this.#cpu.present({ PC: vcpu.pc, PSTATE: vcpu.pstate });
  }

  #warnOnce(text: string): boolean {
    if (this.#warned.has(text)) return false;
    this.#warned.add(text);
    this.log.counters.warnings += 1;
    this.ws.event('warning', text);
    return true;
  }

  // -- ioctls

  /** KVM_SET_GUEST_DEBUG, for every vCPU. The guest runs again with `resume`. */
  setGuestDebug({ control, arch }: KvmGuestDebug): IoctlResult {
    if (!this.#policy.guestDebug) {
      return EINVAL(`${this.#policy.name} has no KVM_SET_GUEST_DEBUG.`);
    }
    if ((control & ~KVM_GUESTDBG_VALID_MASK) !== 0) {
      return EINVAL(`KVM_SET_GUEST_DEBUG does not know control 0x${(control >>> 0).toString(16)}.`);
    }
    this.stop();
    const enabled = (control & KVM_GUESTDBG_ENABLE) !== 0 ? control : 0;
    for (const vcpu of this.vcpus) {
      vcpu.guest_debug = enabled;
      if (enabled === 0) vcpu.HOST_SS_ACTIVE_PENDING = false;
      if ((enabled & KVM_GUESTDBG_USE_HW) !== 0) {
        vcpu.external_debug_state = copyDebugState(arch ?? emptyDebugState());
      }
    }
    this.ws.event('guestDebug', `KVM_SET_GUEST_DEBUG ${describeControl(enabled)}`);
    return OK;
  }

  /** KVM_CHECK_EXTENSION for KVM_CAP_GUEST_DEBUG_HW_BPS and KVM_CAP_GUEST_DEBUG_HW_WPS. */
  checkExtension(capability: 'GUEST_DEBUG_HW_BPS' | 'GUEST_DEBUG_HW_WPS'): number {
    if (!this.#policy.guestDebug) return 0;
    return capability === 'GUEST_DEBUG_HW_BPS'
      ? this.profile.breakpoints
      : this.profile.watchpoints;
  }

  /** KVM_GET_ONE_REG for the debug registers, in the guest's numbering. */
  getOneReg(vcpu: number, id: bigint): OneRegResult {
    return getOneReg(this, this.#vcpuById(vcpu), id);
  }

  /** KVM_SET_ONE_REG. The guest is stopped for it. */
  setOneReg(vcpu: number, id: bigint, value: bigint): IoctlResult {
    this.stop();
    return setOneReg(this, this.#vcpuById(vcpu), id, value);
  }

  /**
   * A debug register as the guest would read it, wherever its value is now; undefined for another
   * register. No side effects.
   */
  guestDebugRegister(name: string, vcpu: Vcpu = this.vcpu): bigint | undefined {
    if (this.#phase === 'running' && vcpu === this.vcpu && this.#isOnProcessor(name)) {
      return this.#cpu.peekRegister(name);
    }
    return vcpu.debugRegister(name);
  }

  /** Sets a debug register of the guest from outside. False for another register. */
  setGuestDebugRegister(name: string, value: bigint, vcpu: Vcpu = this.vcpu): boolean {
    if (vcpu.debugRegister(name) === undefined) return false;
    this.stop();
    return vcpu.setDebugRegister(name, value);
  }

  #isOnProcessor(name: string): boolean {
    if (name === 'MDSCR_EL1') return this.#policy.guestMdscrInGuest(this.ws);
    const copy = this.#policy.bundleInGuest(this.ws);
    // The bundle that holds the debugger's registers has the guest's MDCCINT_EL1 in it.
    if (name === 'MDCCINT_EL1') return copy !== 'H';
    return copy === 'G' && debugRegisters.has(name) && this.implemented.byName(name) !== undefined;
  }

  /** PSTATE as the guest has it, in the layout of SPSR_ELx: a step of the debugger does not show. */
  get guestPstate(): bigint {
    const { PSTATE } = this.#cpu.position;
    if (this.#phase === 'put') return PSTATE;
    const { ws } = this;
    if (ws.vcpu.debug_owner !== 'HOST' || !ws.hostSteps) return PSTATE;
    const SS = 1n << 21n;
    return (PSTATE & ~SS) | (ws.vcpu.GUEST_SS_ACTIVE_PENDING ? 0n : SS);
  }

  // -- policy

  get policy(): string {
    return this.#policy.name;
  }

  get policyObject(): DebugPolicy {
    return this.#policy;
  }

  get generation(): string {
    return this.#policy.generation;
  }

  get owner(): string {
    return this.#policy.owner(this.ws);
  }

  /**
   * Changes the policy between two entries; the guest's registers stay. A policy without
   * KVM_SET_GUEST_DEBUG takes the debugger's slots away.
   * @returns why not, in one sentence, or undefined
   */
  setPolicy(name: string): string | undefined {
    const policy = policyByName(name);
    if (policy === undefined) return missingPolicyReason(name);
    if (policy === this.#policy) return undefined;
    this.stop();
    if (!policy.guestDebug) {
      this.guestDebug.clear();
      this.setGuestDebug({ control: 0 });
    }
    const before = this.#policy.name;
    this.#policy = policy;
    for (const vcpu of this.vcpus) {
      vcpu.debug_owner = 'FREE';
      vcpu.debug_dirty = false;
      vcpu.hardwareLocked = false;
      vcpu.external_mdscr_el1 = 0n;
      vcpu.mdcr_el2 = 0n;
    }
    this.ws.event('policy', `policy ${before} to ${name}`);
    return undefined;
  }

  // -- views

  state(): readonly NamedText[] {
    return hypervisorState(this);
  }

  counters(): readonly NamedCount[] {
    return hypervisorCounters(this);
  }

  totals(): readonly RegisterTotals[] {
    return registerTotals(this);
  }

  events(since: number, limit: number): readonly WorldSwitchEvent[] {
    return this.log.events(since, limit);
  }

  get firstSeq(): number {
    return this.log.firstSeq;
  }

  get nextSeq(): number {
    return this.log.nextSeq;
  }

  debugRegisters(): DebugRegisterViews {
    return registerViews(this);
  }

  get position(): PhysicalCpu['position'] {
    return this.#cpu.position;
  }

  // -- snapshots and migration

  #vcpuById(id: number): Vcpu {
    const vcpu = this.vcpus[id];
    if (vcpu === undefined) throw new RangeError(`There is no vCPU ${id}`);
    return vcpu;
  }

  /** A copy of everything but the processor, the debugger's requests included. */
  saveState(): KvmState {
    return {
      policy: this.#policy.name,
      phase: this.#phase,
      current: this.vcpu.id,
      resident: this.#resident.id,
      vcpus: this.vcpus.map((vcpu) => vcpu.saveState()),
      host: copyHostData(this.ws.host),
      mdcr: this.ws.mdcr,
      nextTick: this.nextTick,
      lastExit: this.#lastExit,
      log: this.log.saveState(),
      accesses: this.ws.cpu.saveState(),
      warnings: [...this.#warned],
    };
  }

  /**
   * The other half of `saveState`; the processor is restored by its owner. The debugger's requests become
   * those of the snapshot: whoever keeps a list of breakpoints sets them again.
   */
  restoreState(state: KvmState): void {
    const policy = policyByName(state.policy);
    if (policy === undefined) throw new RangeError(missingPolicyReason(state.policy));
    this.#policy = policy;
    this.#phase = state.phase;
    this.vcpus.forEach((vcpu, id) => {
      const saved = state.vcpus[id];
      if (saved === undefined) throw new RangeError(`The snapshot has no vCPU ${id}`);
      vcpu.restoreState(saved);
    });
    this.ws.vcpu = this.#vcpuById(state.current);
    this.#resident = this.#vcpuById(state.resident);
    this.ws.host = copyHostData(state.host);
    this.ws.mdcr = state.mdcr;
    this.nextTick = state.nextTick;
    this.#lastExit = state.lastExit;
    this.log.restoreState(state.log);
    this.ws.cpu.restoreState(state.accesses);
    this.#warned.clear();
    for (const text of state.warnings) this.#warned.add(text);
    this.#invariants?.forget();
    this.guestDebug.adopt();
  }

  /**
   * A vCPU in the guest's own numbering, complete, for another machine. The guest is stopped for it.
   */
  saveVcpu(id: number): VcpuState {
    const vcpu = this.#vcpuById(id);
    this.stop();
    if (vcpu === this.vcpu) {
      vcpu.pc = this.#cpu.position.PC;
      vcpu.pstate = this.#cpu.position.PSTATE;
    }
    const state = vcpu.saveState();
    const context = this.#atEL2(() =>
      vcpu === this.#resident ? peekGuestContext(this.#cpu) : vcpu.context,
    );
    return {
      ...state,
      // The debugger and the state of the world switch belong to the machine, not to the guest.
      external_debug_state: emptyDebugState(),
      guest_debug: 0,
      debug_owner: 'FREE',
      debug_dirty: false,
      external_mdscr_el1: 0n,
      mdcr_el2: 0n,
      HOST_SS_ACTIVE_PENDING: false,
      GUEST_SS_ACTIVE_PENDING: false,
      hardwareLocked: false,
      stepOver: undefined,
      skipBreakpointAt: undefined,
      entryPC: state.pc,
      context,
    };
  }

  /** Makes vCPU `id` what `saveVcpu` saved. The debugger's requests stay. */
  restoreVcpu(id: number, state: VcpuState): void {
    const vcpu = this.#vcpuById(id);
    this.stop();
    const { guest_debug, external_debug_state } = vcpu;
    vcpu.restoreState({ ...state, guest_debug, external_debug_state });
    const { context } = state;
    if (context === undefined) throw new TypeError('The state has no context');
    if (vcpu === this.#resident) {
      this.#atEL2(() => {
        loadGuestContext(this.ws.cpu, context);
      });
      vcpu.context = undefined;
    }
    if (vcpu === this.vcpu) this.#cpu.present({ PC: vcpu.pc, PSTATE: vcpu.pstate });
  }

  /** With the processor at EL2, where every register of EL1 and EL0 is in its own place. */
  #atEL2<T>(body: () => T): T {
    const { position } = this.#cpu;
    this.#cpu.takeHostInterrupt();
    const result = body();
    this.#cpu.present(position);
    return result;
  }
}
