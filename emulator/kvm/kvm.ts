/**
 * The hypervisor at EL2, modelled on KVM/arm64. It runs when the guest takes an exception to EL2 or the host
 * interrupts it, and takes no virtual time. This file is what its VMM and a debugger see; `vcpu-run.ts`
 * runs a vCPU.
 */
import { implementedRegisters } from '../sysregs/definitions.ts';
import type { ImplementedRegisters } from '../sysregs/definitions.ts';
import {
  copyDebugState,
  debugRegisters,
  emptyDebugState,
  KVM_ARM_MAX_DBG_REGS,
} from './debug-state.ts';
import {
  describeControl,
  EINVAL,
  KVM_GUESTDBG_ENABLE,
  KVM_GUESTDBG_USE_HW,
  KVM_GUESTDBG_VALID_MASK,
  OK,
} from './guest-debug-control.ts';
import type { IoctlResult, KvmGuestDebug } from './guest-debug-control.ts';
import { costModel, modelledCosts } from './cost-model.ts';
import type { CostModel, ModelledCost } from './cost-model.ts';
import { Fpsimd } from './fpsimd/fpsimd.ts';
import type { FpsimdData } from './fpsimd/fpsimd.ts';
import { defaultFpPolicy, requireFpPolicy } from './fpsimd/index.ts';
import { loadGuestContext, peekGuestContext, resetGuestContext } from './guest-context.ts';
import {
  checkFirstRun,
  getDeviceAttribute,
  hasDeviceAttribute,
  initVcpuFeatures,
  KVM_ARM_VCPU_SPE_CTRL,
  KVM_ARM_VCPU_SPE_INIT,
  KVM_ARM_VCPU_SPE_IRQ,
  setDeviceAttribute,
} from './device-attributes.ts';
import type {
  DeviceAttribute,
  DeviceAttributeContext,
  DeviceAttributeResult,
  Irqchip,
  SpeInterface,
  VcpuFeatures,
} from './device-attributes.ts';
import { checkSchedule, dueActivities } from './host-activity.ts';
import type { HostActivity, HostActivityName } from './host-activity.ts';
import type { HostProfile } from './host-profile.ts';
import { hypervisorCounters, hypervisorState, registerTotals, registerViews } from './view.ts';
import type { DebugRegisterViews, NamedCount, NamedText, RegisterTotals } from './view.ts';
import { InvariantChecker } from './invariants.ts';
import { SMCCC_RET_NOT_SUPPORTED } from './kvm-exit.ts';
import type { HypercallHandler, KvmExit } from './kvm-exit.ts';
import { getOneReg, registerList, setOneReg } from './one-reg.ts';
import type { OneReg, OneRegResult } from './one-reg.ts';
import { CountedCpu } from './physical-cpu.ts';
import type { AccessCount } from './access-counts.ts';
import type { PhysicalCpu } from './physical-cpu.ts';
import { defaultPolicy, missingPolicyReason, policyByName } from './policies/index.ts';
import type { DebugPolicy } from './policies/policy.ts';
import { differingReason, infeasibleReason } from './remap.ts';
import type { DebugCounts } from './remap.ts';
import { SlotLedger } from './slot-ledger.ts';
import type { Stage2 } from './stage-2.ts';
import { isSpeRegister } from './spe/vcpu-spe.ts';
import type { SpeRegister } from './spe/vcpu-spe.ts';
import type { RegisterEmulation } from './sys-regs.ts';
import { HostTrace } from './trace/host-trace.ts';
import type { HostTraceData } from './trace/host-trace.ts';
import { defaultTraceScheme, requireTraceScheme } from './trace/index.ts';
import { Vcpu } from './vcpu.ts';
import { VmIdRegisters } from './vm-id-registers.ts';
import type { IdRegisterPeriod } from './vm-id-registers.ts';
import type { VcpuState } from './vcpu.ts';
import { VcpuRun } from './vcpu-run.ts';
import type { RunHost, VcpuRunState } from './vcpu-run.ts';
import { copyHostData, WorldSwitch } from './world-switch.ts';
import type { HostData } from './world-switch.ts';
import { WorldSwitchLog } from './world-switch-log.ts';
import type { WorldSwitchEvent, WorldSwitchLogState } from './world-switch-log.ts';

export interface KvmOptions {
  readonly cpu: PhysicalCpu;
  readonly profile: HostProfile;
  /** Default REMAP_SHARED. @see policies/index.ts */
  readonly policy?: string;
  /** Default FP_OWNER_EAGER_HOST. @see fpsimd/index.ts */
  readonly fpPolicy?: string;
  /**
   * What the guest's processor has, as its ID_AA64DFR0_EL1 tells it. Default: what the profile has.
   */
  readonly guestProfile?: DebugCounts;
  /** The kernel whose rules for writing ID_AA64DFR0_EL1 hold. Default: this hypervisor's own, or 6.13 for `KVM`. */
  readonly idRegisterPeriod?: IdRegisterPeriod;
  /** REMAP policies trap accesses wherever the processor has more than the guest. Default false. */
  readonly strict?: boolean;
  /** Number of vCPUs. Default 1. */
  readonly vcpus?: number;
  /**
   * The hypervisor as it runs on another physical CPU of the machine: one guest, one debugger and one log
   * for both. The vCPU here has the number of its physical CPU.
   */
  readonly sibling?: Kvm;
  /** How trapped registers behave. Default `architecture`. */
  readonly registerEmulation?: RegisterEmulation;
  /** Answers HVC and SMC. Default: NOT_SUPPORTED to all. */
  readonly hypercall?: HypercallHandler;
  /** Default false; a violation throws. */
  readonly checkInvariants?: boolean;
  /** Events that the log keeps. */
  readonly logCapacity?: number;
  /** Default true; false keeps counters and no events. */
  readonly recordsEvents?: boolean;
  /** Default HOST_DATA. @see trace/index.ts */
  readonly traceScheme?: string;
  /** Every vCPU gets KVM_ARM_VCPU_SPE with this interrupt (INTID 16 to 31), ready to run. Default: none. */
  readonly spe?: { readonly irq: number } | undefined;
  /** Which version of the SPE device attributes. Default v3. */
  readonly speInterface?: SpeInterface;
  /** Default: initialised. */
  readonly irqchip?: Irqchip;
  /** Default: stage 2 is off, and all that the board has is the guest's. */
  readonly stage2?: Stage2 | undefined;
  /** What the host does at its timer interrupts. Default: nothing. */
  readonly hostActivity?: readonly HostActivity[];
  /** Instructions between two interrupts of the host. Default 4,000,000: 4 ms at 1 GHz. */
  readonly tickInterval?: bigint;
}

/** The hypervisor as data. The processor has a snapshot of its own. */
export interface KvmState {
  readonly policy: string;
  readonly run: VcpuRunState;
  readonly current: number;
  readonly resident: number;
  readonly vcpus: readonly VcpuState[];
  readonly host: HostData;
  readonly fp: FpsimdData;
  readonly trace: HostTraceData;
  /** The host's SPE registers while the guest has the unit. */
  readonly speHost: Readonly<Record<SpeRegister, bigint>> | undefined;
  readonly mdcr: bigint;
  readonly log: WorldSwitchLogState;
  readonly accesses: readonly (readonly [string, number, number])[];
}

function describeCounts({ breakpoints, contextAware, watchpoints }: DebugCounts): string {
  return `${breakpoints} breakpoints (${contextAware} context-aware) and ${watchpoints} watchpoints`;
}

function infeasible(guest: DebugCounts, host: DebugCounts): IoctlResult | undefined {
  const reason = infeasibleReason(guest, host);
  return reason === undefined ? undefined : EINVAL(reason);
}

function refusalOf(policy: DebugPolicy, guest: DebugCounts, host: DebugCounts): string | undefined {
  return policy.refusal === undefined ? differingReason(guest, host) : policy.refusal(guest, host);
}

const FP_REGISTER = /^(V([12]?\d|3[01])|FPSR|FPCR)$/;

export const DEFAULT_TICK_INTERVAL = 4_000_000n;

export class Kvm {
  readonly profile: HostProfile;
  readonly log: WorldSwitchLog;
  /** What a debugger uses instead of KVM_SET_GUEST_DEBUG itself. */
  readonly guestDebug: SlotLedger;
  /** What the guest's processor is, and what userspace may change of it before the guest runs. */
  readonly ids: VmIdRegisters;
  readonly registerEmulation: RegisterEmulation;
  readonly vcpus: readonly Vcpu[];
  readonly ws: WorldSwitch;
  readonly fp: Fpsimd;
  readonly trace: HostTrace;
  readonly speInterface: SpeInterface;
  /** The interrupt controller in the kernel. */
  irqchip: Irqchip;

  readonly #cpu: PhysicalCpu;
  readonly #run: VcpuRun;
  readonly #schedule: readonly HostActivity[];
  /** All physical CPUs of the machine. */
  readonly #everywhere: Kvm[];
  #policy: DebugPolicy;

  /** @throws RangeError for a policy that does not exist or a schedule that cannot be kept */
  constructor(options: KvmOptions) {
    const { cpu, profile } = options;
    const policy = policyByName(options.policy ?? defaultPolicy.name);
    if (policy === undefined) throw new RangeError(missingPolicyReason(options.policy ?? ''));
    this.#policy = policy;
    this.#cpu = cpu;
    this.#schedule = options.hostActivity ?? [];
    checkSchedule(this.#schedule);
    this.profile = profile;
    const { sibling } = options;
    this.log = sibling?.log ?? new WorldSwitchLog(options.logCapacity);
    this.#everywhere = sibling === undefined ? [] : sibling.#everywhere;
    this.#everywhere.push(this);
    this.registerEmulation = options.registerEmulation ?? 'architecture';
    this.ids =
      sibling?.ids ??
      new VmIdRegisters(
        profile.processor,
        options.idRegisterPeriod ?? (this.registerEmulation === 'KVM' ? '6.13' : 'architecture'),
        (counts) => refusalOf(this.#policy, counts, profile),
      );
    const { guestProfile: guest } = options;
    const promised =
      guest === undefined ? OK : (infeasible(guest, profile) ?? this.ids.setCounts(guest));
    if (!promised.ok) throw new RangeError(promised.reason);
    this.speInterface = options.speInterface ?? 'v3';
    this.irqchip = options.irqchip ?? 'initialised';
    const first = new Vcpu(sibling === undefined ? 0 : cpu.id);
    this.vcpus = [
      first,
      ...Array.from({ length: (options.vcpus ?? 1) - 1 }, (_, n) => new Vcpu(first.id + n + 1)),
    ];
    this.ws = new WorldSwitch(
      new CountedCpu(cpu),
      profile,
      this.log,
      first,
      () => ({
        policy: this.#policy.name,
        owner: this.#policy.owner(this.ws),
      }),
      this.ids,
    );
    this.ws.recordsEvents = options.recordsEvents ?? true;
    this.ws.strict = options.strict ?? false;
    this.ws.image = () => this.#policy.image?.(this.ws);
    this.fp = new Fpsimd(this.ws, requireFpPolicy(options.fpPolicy ?? defaultFpPolicy.name));
    const scheme = requireTraceScheme(options.traceScheme ?? defaultTraceScheme.name);
    this.trace = new HostTrace(this.ws, scheme);
    if (options.checkInvariants === true) {
      const violated = (what: string): never => {
        throw new TypeError(`Invariant ${what}`);
      };
      this.fp.violated = violated;
      this.trace.violated = violated;
    }
    this.#run = new VcpuRun(
      this.ws,
      { fp: this.fp, trace: this.trace },
      this.#runHost(options.hypercall ?? (() => ({ kind: 'return', X0: SMCCC_RET_NOT_SUPPORTED }))),
      options.tickInterval ?? DEFAULT_TICK_INTERVAL,
      options.checkInvariants === true
        ? new InvariantChecker(implementedRegisters(profile.processor), () => this.ids.implemented)
        : undefined,
      options.stage2,
    );
    this.guestDebug = sibling?.guestDebug ?? new SlotLedger(this);
    if (options.spe !== undefined) this.#enableSpe(options.spe.irq);
  }

  /** What a VMM does for a guest with SPE. @throws RangeError where KVM refuses it */
  #enableSpe(irq: number): void {
    for (const { id } of this.vcpus) {
      const group = KVM_ARM_VCPU_SPE_CTRL;
      const calls = [
        () => this.initVcpu(id, { SPE: true }),
        () => this.setDeviceAttr(id, { group, attr: KVM_ARM_VCPU_SPE_IRQ, value: irq }),
        () => this.setDeviceAttr(id, { group, attr: KVM_ARM_VCPU_SPE_INIT }),
      ];
      for (const call of calls) {
        const result = call();
        if (!result.ok) throw new RangeError(`${result.reason} (${result.errno})`);
      }
    }
  }

  #runHost(hypercall: HypercallHandler): RunHost {
    const policy = (): DebugPolicy => this.#policy;
    return {
      get policy() {
        return policy();
      },
      interrupted: (tick) => {
        for (const name of dueActivities(this.#schedule, tick)) this.#perform(name);
      },
      exitContext: () => ({
        emulation: this.registerEmulation,
        implemented: this.implemented,
        idRegisters: this.ws.vcpu.spe.feature ? this.ids.valuesWithProfiling : this.ids.values,
        hypercall,
        claimsBreakpointInstruction: (pc) => this.guestDebug.claims(pc),
      }),
    };
  }

  /**
   * The host boots and KVM_ARM_VCPU_INIT is called for every vCPU. The processor has been reset; its
   * general-purpose registers stay as they are. Requests of the debugger stay.
   * @param entries PC of each vCPU
   */
  reset(...entries: readonly bigint[]): void {
    this.ids.thaw();
    this.log.reset();
    this.ws.cpu.restoreState([]);
    this.initialise(...entries);
  }

  /** As `reset`, while the other physical CPUs go on: what has been logged and counted stays. */
  initialise(...entries: readonly bigint[]): void {
    const [first] = this.vcpus;
    if (first === undefined) throw new TypeError('there is no vCPU');
    for (const [index, vcpu] of this.vcpus.entries()) {
      vcpu.reset(entries[index] ?? 0n);
      if (vcpu !== first)
        vcpu.context = resetGuestContext(this.implemented, this.profile.processor.model);
    }
    this.#run.reset(first);
  }

  /** The registers of the guest's processor. */
  get implemented(): ImplementedRegisters {
    return this.ids.implemented;
  }

  // -- running

  /** The vCPU that runs, or that runs next. */
  get vcpu(): Vcpu {
    return this.ws.vcpu;
  }

  get running(): boolean {
    return this.#run.phase === 'running';
  }

  /** Why the guest is not running; undefined after `resume` and after `stop`. */
  get lastExit(): KvmExit | undefined {
    return this.#run.lastExit;
  }

  /** Selects the vCPU that `resume` enters. Ends a run of another one. */
  select(id: number): void {
    this.#run.select(this.#vcpuById(id));
  }

  /** @see VcpuRun.resume */
  resume(options?: { readonly pastStop?: boolean }): IoctlResult {
    const { vcpu, vcpus, profile, speInterface } = this;
    const first = checkFirstRun(vcpu, vcpus, profile, speInterface);
    if (first.ok) {
      this.ids.freeze();
      if (!this.running) {
        const peek = (va: bigint): number | undefined => this.#cpu.peekInstruction(va);
        this.guestDebug.beforeRun(this.#cpu.position.PC, peek);
      }
      this.#run.resume(options);
    }
    return first;
  }

  /** @see VcpuRun.goPast */
  goPast(): void {
    this.ids.freeze();
    this.#run.goPast();
  }

  /** The VMM gets the vCPU out of the guest. Does nothing while it is not running. */
  stop(): void {
    this.#run.stop();
  }

  /** Retired instructions at which the host interrupts the guest next. */
  get nextTick(): bigint {
    return this.#run.nextTick;
  }

  /** Due at `nextTick`. @see VcpuRun.onHostTick */
  onHostTick(): void {
    this.#run.onHostTick();
  }

  /** The guest took an exception to EL2. @see VcpuRun.handleExit */
  handleExit(): KvmExit | undefined {
    return this.#run.handleExit();
  }

  // -- the host's other business

  /** The host does something now. The guest stays where it is. */
  performHostActivity(name: HostActivityName): void {
    this.#run.asHost(() => {
      this.#perform(name);
    });
  }

  #perform(name: HostActivityName): void {
    switch (name) {
      case 'fpTask':
        this.#run.preempt(() => {
          this.fp.switchTo(this.fp.other);
          this.fp.compute();
          this.fp.switchTo(this.fp.vmm);
        });
        break;
      case 'softirqNeon':
        this.fp.softirqNeon();
        break;
      case 'hostProfiling':
        this.trace.toggleProfiling();
        break;
      case 'hostTrace':
        this.trace.toggleTracing();
        break;
      case 'hostBreakpoint':
        this.ws.toggleHostBreakpoint();
        break;
    }
  }

  // -- ioctls

  /** KVM_ARM_VCPU_INIT with features. The vCPU has not run yet. */
  initVcpu(id: number, features: VcpuFeatures): IoctlResult {
    const vcpu = this.#vcpuById(id);
    const { el1_32bit } = vcpu;
    const result = initVcpuFeatures(vcpu, this.profile, features);
    if (vcpu.el1_32bit !== el1_32bit) {
      vcpu.reset(vcpu.pc);
      if (vcpu === this.vcpu) this.#run.present();
    }
    return result;
  }

  #attributes(id: number): DeviceAttributeContext {
    const { irqchip, vcpus, speInterface: version } = this;
    return { version, irqchip, vcpus, vcpu: this.#vcpuById(id) };
  }

  /** KVM_SET_DEVICE_ATTR on a vCPU. The guest is stopped for it. */
  setDeviceAttr(id: number, attribute: DeviceAttribute): IoctlResult {
    this.stop();
    const result = setDeviceAttribute(this.#attributes(id), attribute);
    this.#attributeEvent('KVM_SET_DEVICE_ATTR', attribute, result);
    return result;
  }

  /** KVM_GET_DEVICE_ATTR on a vCPU. */
  getDeviceAttr(id: number, attribute: DeviceAttribute): DeviceAttributeResult {
    const result = getDeviceAttribute(this.#attributes(id), attribute);
    this.#attributeEvent('KVM_GET_DEVICE_ATTR', attribute, result);
    return result;
  }

  /** KVM_HAS_DEVICE_ATTR on a vCPU. */
  hasDeviceAttr(id: number, attribute: Omit<DeviceAttribute, 'value'>): IoctlResult {
    const result = hasDeviceAttribute(this.#attributes(id), attribute);
    this.#attributeEvent('KVM_HAS_DEVICE_ATTR', attribute, result);
    return result;
  }

  #attributeEvent(
    call: string,
    { group, attr, value }: DeviceAttribute,
    result: IoctlResult,
  ): void {
    const given = value === undefined ? '' : `, ${value}`;
    const answer = result.ok ? '0' : `${result.errno}: ${result.reason}`;
    this.ws.event(
      'deviceAttribute',
      `${call} group ${group}, attribute ${attr}${given}: ${answer}`,
    );
  }

  /** What a read that ended in KVM_EXIT_MMIO gives: kvm_run.mmio.data, before the next `resume`. */
  answerMmio(data: bigint): void {
    const { vcpu } = this;
    if (vcpu.mmio?.is_write === false) {
      vcpu.mmio = { ...vcpu.mmio, data: BigInt.asUintN(8 * vcpu.mmio.len, data) };
    }
  }

  /** Nothing is there: KVM_SET_VCPU_EVENTS with ext_dabt_pending. */
  refuseMmio(): void {
    const { vcpu } = this;
    if (vcpu.mmio !== undefined) vcpu.mmio = { ...vcpu.mmio, refused: true };
  }

  /** KVM_SET_GUEST_DEBUG, for every vCPU. The guest runs again with `resume`. */
  setGuestDebug({ control, arch }: KvmGuestDebug): IoctlResult {
    if (!this.#policy.guestDebug) {
      return EINVAL(`${this.#policy.name} has no KVM_SET_GUEST_DEBUG.`);
    }
    if ((control & ~KVM_GUESTDBG_VALID_MASK) !== 0) {
      return EINVAL(`KVM_SET_GUEST_DEBUG does not know control 0x${(control >>> 0).toString(16)}.`);
    }
    const enabled = (control & KVM_GUESTDBG_ENABLE) !== 0 ? control : 0;
    for (const kvm of this.#everywhere) kvm.#applyGuestDebug(enabled, arch);
    return OK;
  }

  #applyGuestDebug(enabled: number, arch: KvmGuestDebug['arch']): void {
    this.stop();
    for (const vcpu of this.vcpus) {
      vcpu.guest_debug = enabled;
      if (enabled === 0) vcpu.HOST_SS_ACTIVE_PENDING = false;
      if ((enabled & KVM_GUESTDBG_USE_HW) !== 0) {
        vcpu.external_debug_state = copyDebugState(arch ?? emptyDebugState());
      }
    }
    this.ws.event('guestDebug', `KVM_SET_GUEST_DEBUG ${describeControl(enabled)}`);
  }

  /** KVM_CHECK_EXTENSION for KVM_CAP_GUEST_DEBUG_HW_BPS and KVM_CAP_GUEST_DEBUG_HW_WPS. */
  checkExtension(capability: 'GUEST_DEBUG_HW_BPS' | 'GUEST_DEBUG_HW_WPS'): number {
    if (!this.#policy.guestDebug) return 0;
    const { breakpoints, watchpoints } = this.profile;
    const count = capability === 'GUEST_DEBUG_HW_BPS' ? breakpoints : watchpoints;
    return this.registerEmulation === 'KVM' ? Math.min(count, KVM_ARM_MAX_DBG_REGS) : count;
  }

  /** KVM_GET_ONE_REG, in the guest's numbering. */
  getOneReg(vcpu: number, id: bigint): OneRegResult {
    return getOneReg(this, this.#vcpuById(vcpu), id);
  }

  /** KVM_SET_ONE_REG. The guest is stopped for it. */
  setOneReg(vcpu: number, id: bigint, value: bigint): IoctlResult {
    this.stop();
    return setOneReg(this, this.#vcpuById(vcpu), id, value);
  }

  /** KVM_GET_REG_LIST. */
  get registerList(): readonly bigint[] {
    return registerList(this);
  }

  /** A register that the world switch leaves in the processor while its vCPU is the resident one. */
  readContext(vcpu: Vcpu, register: OneReg): bigint {
    const isCurrent = vcpu === this.vcpu;
    switch (register.kind) {
      case 'PC':
        return isCurrent ? this.#cpu.position.PC : vcpu.pc;
      case 'PSTATE':
        return isCurrent ? this.guestPstate : vcpu.pstate;
      case 'X':
        return vcpu === this.#run.resident
          ? this.#cpu.readX(register.n)
          : (vcpu.context?.general.X[register.n] ?? 0n);
      case 'sysreg':
        return vcpu === this.#run.resident
          ? this.#run.atEL2(() => this.#cpu.peekRegister(register.name))
          : (vcpu.context?.sysregs[register.name] ?? 0n);
    }
  }

  /** @see readContext; the guest is stopped for it. */
  writeContext(vcpu: Vcpu, register: OneReg, value: bigint): void {
    this.stop();
    if (register.kind === 'PC' || register.kind === 'PSTATE') {
      if (vcpu === this.vcpu) {
        vcpu.pc = this.#cpu.position.PC;
        vcpu.pstate = this.#cpu.position.PSTATE;
      }
      if (register.kind === 'PC') vcpu.pc = value;
      else vcpu.pstate = value;
      if (vcpu === this.vcpu) this.#run.present();
      return;
    }
    if (vcpu !== this.#run.resident) {
      const { context } = vcpu;
      if (context === undefined) throw new TypeError(`vCPU ${vcpu.id} has no context`);
      vcpu.context =
        register.kind === 'X'
          ? { ...context, general: { X: context.general.X.with(register.n, value) } }
          : { ...context, sysregs: { ...context.sysregs, [register.name]: value } };
      return;
    }
    if (register.kind === 'X') this.#cpu.writeX(register.n, value);
    else {
      this.#run.atEL2(() => {
        this.#cpu.writeRegister(register.name, value);
      });
    }
  }

  /**
   * A debug register as the guest would read it, wherever its value is now; undefined for another
   * register. No side effects.
   */
  guestDebugRegister(name: string, vcpu: Vcpu = this.vcpu): bigint | undefined {
    if (this.running && vcpu === this.vcpu && this.#isOnProcessor(name)) {
      return this.#cpu.peekRegister(name);
    }
    const register = debugRegisters.get(name);
    const value = vcpu.debugRegister(name);
    return register !== undefined && value !== undefined
      ? (this.#policy.readBack?.(this.ws, register, value) ?? value)
      : value;
  }

  /** V<n> (128 bits), FPSR or FPCR as the guest has it, wherever its value is now. No side effects. */
  guestFpRegister(name: string, vcpu: Vcpu = this.vcpu): bigint | undefined {
    return FP_REGISTER.test(name) ? this.fp.readGuest(name, vcpu) : undefined;
  }

  /** False for another register. */
  setGuestFpRegister(name: string, value: bigint, vcpu: Vcpu = this.vcpu): boolean {
    if (!FP_REGISTER.test(name)) return false;
    this.fp.writeGuest(name, value, vcpu);
    return true;
  }

  /** An SPE register of a guest that has SPE and does not run; undefined: the processor's is the guest's. */
  guestSpeRegister(name: string, vcpu: Vcpu = this.vcpu): bigint | undefined {
    if (!isSpeRegister(name) || !vcpu.spe.feature) return undefined;
    return this.#run.spe.isGuest && vcpu === this.vcpu ? undefined : vcpu.spe.registers[name];
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
    if (name === 'MDSELR_EL1') return copy === 'G' && this.ws.hasBanks;
    if (name === 'DBGVCR32_EL2') return copy !== 'H' && this.vcpu.el1_32bit;
    if (this.#policy.image?.(this.ws) !== undefined) return false;
    return copy === 'G' && debugRegisters.has(name) && this.implemented.byName(name) !== undefined;
  }

  /** PSTATE as the guest has it, in the layout of SPSR_ELx: a step of the debugger does not show. */
  get guestPstate(): bigint {
    const { PSTATE } = this.#cpu.position;
    if (!this.running) return PSTATE;
    const { ws } = this;
    if (!ws.vcpu.stepStolen) return PSTATE;
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
    const refusal = refusalOf(policy, this.ws.guest, this.profile);
    if (refusal !== undefined) return refusal;
    if (!policy.guestDebug) {
      this.guestDebug.clear();
      this.setGuestDebug({ control: 0 });
    }
    for (const kvm of this.#everywhere) kvm.#changePolicy(policy);
    return undefined;
  }

  #changePolicy(policy: DebugPolicy): void {
    this.stop();
    const before = this.#policy.name;
    this.#policy = policy;
    for (const vcpu of this.vcpus) {
      vcpu.debug_owner = 'FREE';
      vcpu.debug_dirty = false;
      vcpu.hardwareLocked = false;
      vcpu.stepStolen = false;
      vcpu.external_mdscr_el1 = 0n;
      vcpu.mdcr_el2 = 0n;
    }
    this.ws.event('policy', `policy ${before} to ${policy.name}`);
  }

  get fpPolicy(): string {
    return this.fp.policy.name;
  }

  /**
   * Changes the FP policy between two entries; nobody's registers change.
   * @throws RangeError for a policy that does not exist
   */
  setFpPolicy(name: string): void {
    const policy = requireFpPolicy(name);
    if (policy === this.fp.policy) return;
    for (const kvm of this.#everywhere) {
      kvm.stop();
      const before = kvm.fp.policy.name;
      kvm.fp.policy = policy;
      kvm.ws.event('policy', `FP policy ${before} to ${name}`);
    }
  }

  get traceScheme(): string {
    return this.trace.scheme.name;
  }

  /**
   * Changes how the host's profiling and tracing is kept out of the guest, between two entries.
   * @throws RangeError for a scheme that does not exist
   */
  setTraceScheme(name: string): void {
    const scheme = requireTraceScheme(name);
    if (scheme === this.trace.scheme) return;
    for (const kvm of this.#everywhere) {
      kvm.stop();
      const before = kvm.traceScheme;
      kvm.#run.atEL2(() => {
        kvm.trace.changeScheme(scheme);
      });
      kvm.ws.event('policy', `trace scheme ${before} to ${name}`);
    }
  }

  // -- views

  state(): readonly NamedText[] {
    return hypervisorState(this);
  }

  counters(): readonly NamedCount[] {
    return hypervisorCounters(this);
  }

  /** What all this would cost on a real machine, by `costModel`. */
  modelledCosts(): readonly ModelledCost[] {
    const { entries, exits } = this.log.counters;
    const { reads, writes } = this.ws.cpu;
    const { saves, loads } = this.fp.counters;
    return modelledCosts({
      ...{ entries, exits, reads, writes },
      fpSaves: saves.guest + saves.host,
      fpLoads: loads.guest + loads.host,
    });
  }

  get costModel(): CostModel {
    return costModel;
  }

  accessCounts(): readonly AccessCount[] {
    return this.log.accesses.all;
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
    const vcpu = this.vcpus.find((candidate) => candidate.id === id);
    if (vcpu === undefined) throw new RangeError(`There is no vCPU ${id}`);
    return vcpu;
  }

  /** A copy of everything but the processor, the debugger's requests included. */
  saveState(): KvmState {
    return {
      policy: this.#policy.name,
      run: this.#run.saveState(),
      current: this.vcpu.id,
      resident: this.#run.resident.id,
      vcpus: this.vcpus.map((vcpu) => vcpu.saveState()),
      host: copyHostData(this.ws.host),
      fp: this.fp.saveState(),
      trace: this.trace.saveState(),
      speHost: this.#run.spe.saveState(),
      mdcr: this.ws.mdcr,
      log: this.log.saveState(),
      accesses: this.ws.cpu.saveState(),
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
    this.vcpus.forEach((vcpu, id) => {
      const saved = state.vcpus[id];
      if (saved === undefined) throw new RangeError(`The snapshot has no vCPU ${id}`);
      vcpu.restoreState(saved);
    });
    this.ws.vcpu = this.#vcpuById(state.current);
    this.#run.restoreState(state.run, this.#vcpuById(state.resident));
    this.ws.host = copyHostData(state.host);
    this.fp.policy = requireFpPolicy(state.fp.policy);
    this.fp.restoreState(state.fp, this.vcpus);
    this.trace.scheme = requireTraceScheme(state.trace.scheme);
    this.trace.restoreState(state.trace);
    this.#run.spe.restoreState(state.speHost);
    this.ws.mdcr = state.mdcr;
    this.log.restoreState(state.log);
    this.ws.cpu.restoreState(state.accesses);
    if (this.running) this.#policy.restored?.(this.ws);
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
    const context = this.#run.atEL2(() =>
      vcpu === this.#run.resident
        ? peekGuestContext(this.#cpu, this.profile.processor.model)
        : vcpu.context,
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
      stepStolen: false,
      hardwareLocked: false,
      stepOver: undefined,
      reported: undefined,
      entryPC: state.pc,
      FP_ENABLED: false,
      FP_HOST: false,
      fp_state: 'FREE',
      counts: this.ws.guest,
      context,
    };
  }

  /**
   * Makes vCPU `id` what `saveVcpu` saved. The debugger's requests stay.
   * @throws RangeError where the guest's processor has other breakpoints and watchpoints here
   */
  restoreVcpu(id: number, state: VcpuState): void {
    const vcpu = this.#vcpuById(id);
    const { guest } = this.ws;
    const { counts = guest } = state;
    if (describeCounts(counts) !== describeCounts(guest)) {
      throw new RangeError(
        `The vCPU was saved with ${describeCounts(counts)}, and the guest has ${describeCounts(guest)} here.`,
      );
    }
    this.stop();
    const { guest_debug, external_debug_state } = vcpu;
    vcpu.restoreState({ ...state, guest_debug, external_debug_state });
    const { context } = state;
    if (context === undefined) throw new TypeError('The state has no context');
    if (vcpu === this.#run.resident) {
      this.#run.atEL2(() => {
        loadGuestContext(this.ws.cpu, context, this.profile.processor.model);
      });
      vcpu.context = undefined;
    }
    if (vcpu === this.vcpu) this.#run.present();
  }
}
