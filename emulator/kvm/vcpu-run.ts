/**
 * Running a vCPU: vcpu_load and vcpu_put, entry and exit, and what comes between two of them.
 *
 * A vCPU is in one of two phases. `running`: the guest is in the processor, from entry to exit, whatever
 * the machine does between slices. `put`: KVM_RUN has returned, or has not been called; the host's
 * registers are installed and the processor only shows where the guest is.
 */
import {
  describeESR,
  EC_DATA_ABORT_LOWER,
  EC_FP_ACCESS,
  EC_INSTRUCTION_ABORT_LOWER,
  EC_WATCHPOINT_LOWER,
} from '../cpu/syndrome.ts';
import {
  DBGBCR_E,
  HCR_EL2_API,
  HCR_EL2_APK,
  HCR_EL2_TID3,
  HDFGRTR_EL2_BUFFER_IDS,
  HCR_EL2_RW,
  HCR_EL2_VM,
} from './control-bits.ts';
import type { Fpsimd } from './fpsimd/fpsimd.ts';
import { loadGuestContext, saveGuestContext } from './guest-context.ts';
import { KVM_GUESTDBG_SINGLESTEP, KVM_GUESTDBG_USE_HW } from './guest-debug-control.ts';
import { handleExit, stepByEmulation } from './handle-exit.ts';
import type { ExitContext } from './handle-exit.ts';
import type { InvariantChecker } from './invariants.ts';
import { hostMode } from './host-mode.ts';
import type { HostMode } from './host-mode.ts';
import type { KvmExit } from './kvm-exit.ts';
import { completeMmio } from './mmio.ts';
import type { PhysicalCpu } from './physical-cpu.ts';
import type { DebugPolicy } from './policies/policy.ts';
import type { StepOver, Vcpu } from './vcpu.ts';
import type { Stage2 } from './stage-2.ts';
import { SpeSwitch } from './spe/vcpu-spe.ts';
import type { HostTrace } from './trace/host-trace.ts';
import type { WorldSwitch } from './world-switch.ts';

/** What running a vCPU needs of the virtual machine it belongs to. */
export interface RunHost {
  readonly policy: DebugPolicy;
  /** The host's interrupt handler, between the exit and the next entry; `tick` counts from 1 at reset. */
  interrupted(tick: number): void;
  /** What handling an exit needs beside the world switch. */
  exitContext(): Omit<
    ExitContext,
    'ws' | 'policy' | 'hasStage2' | 'reload' | 'warnOnce' | 'setStepOver'
  >;
}

export interface VcpuRunState {
  readonly phase: 'running' | 'put';
  readonly nextTick: bigint;
  readonly lastExit: KvmExit | undefined;
  readonly warnings: readonly string[];
}

const VMID = 1n;
const MPIDR_RES1 = 0x8000_0000n;
const hex = (value: bigint): string => `0x${value.toString(16)}`;

export class VcpuRun {
  readonly ws: WorldSwitch;
  readonly fp: Fpsimd;
  readonly trace: HostTrace;
  readonly spe: SpeSwitch;
  readonly #cpu: PhysicalCpu;
  readonly #host: RunHost;
  readonly #mode: HostMode;
  readonly #invariants: InvariantChecker | undefined;
  readonly #tickInterval: bigint;
  readonly #stage2: Stage2 | undefined;
  readonly #warned = new Set<string>();
  #phase: 'running' | 'put' = 'put';
  #resident: Vcpu;
  #lastExit: KvmExit | undefined;
  /** Between vcpu_load and vcpu_put. */
  #loaded = false;
  #nextTick: bigint;

  constructor(
    ws: WorldSwitch,
    { fp, trace }: { readonly fp: Fpsimd; readonly trace: HostTrace },
    host: RunHost,
    tickInterval: bigint,
    invariants: InvariantChecker | undefined,
    stage2: Stage2 | undefined,
  ) {
    this.ws = ws;
    this.fp = fp;
    this.trace = trace;
    this.spe = new SpeSwitch(ws);
    this.#cpu = ws.cpu.cpu;
    this.#host = host;
    this.#mode = hostMode(ws.profile);
    this.#tickInterval = tickInterval;
    this.#invariants = invariants;
    this.#stage2 = stage2;
    this.#resident = ws.vcpu;
    this.#nextTick = this.#cpu.retired + tickInterval;
  }

  /** The host boots; `first` is the vCPU that has the processor. */
  reset(first: Vcpu): void {
    const { ws } = this;
    this.#warned.clear();
    this.#invariants?.forget();
    this.#lastExit = undefined;
    this.#phase = 'put';
    this.#loaded = false;
    this.#nextTick = this.#cpu.retired + this.#tickInterval;
    this.#resident = first;
    ws.vcpu = first;
    ws.initialiseHost();
    const { HCR_HOST_FLAGS, CPTR_HOST, CNTHCTL_EL2 } = this.#mode;
    ws.cpu.write('HCR_EL2', HCR_HOST_FLAGS);
    ws.cpu.write('CPTR_EL2', CPTR_HOST);
    ws.cpu.write('CNTHCTL_EL2', CNTHCTL_EL2);
    ws.cpu.write('CNTVOFF_EL2', 0n);
    ws.cpu.write('VTTBR_EL2', (VMID << 48n) | (this.#stage2?.BADDR ?? 0n));
    if (this.#stage2 !== undefined) ws.cpu.write('VTCR_EL2', this.#stage2.VTCR_EL2);
    this.#installIdentity(first);
    this.fp.reset();
    this.trace.reset();
    this.spe.restoreState(undefined);
    this.present();
  }

  /** The processor shows where the vCPU is. */
  present(): void {
    const { pc, pstate } = this.ws.vcpu;
    this.#cpu.present({ PC: pc, PSTATE: pstate });
  }

  get phase(): 'running' | 'put' {
    return this.#phase;
  }

  /** The vCPU whose EL1 and EL0 registers are in the processor. */
  get resident(): Vcpu {
    return this.#resident;
  }

  get lastExit(): KvmExit | undefined {
    return this.#lastExit;
  }

  get nextTick(): bigint {
    return this.#nextTick;
  }

  /** Selects the vCPU that `resume` enters. Ends a run of another one. */
  select(vcpu: Vcpu): void {
    if (vcpu === this.ws.vcpu) return;
    this.stop();
    this.ws.vcpu.pc = this.#cpu.position.PC;
    this.ws.vcpu.pstate = this.#cpu.position.PSTATE;
    this.ws.vcpu = vcpu;
    this.#cpu.takeHostInterrupt();
    this.#makeResident(vcpu);
    this.present();
    this.#lastExit = undefined;
  }

  /**
   * KVM_RUN up to the entry into the guest. Does nothing while it runs. With `pastStop` the instruction at
   * the PC executes although a breakpoint or watchpoint of the debugger has been reported for it.
   */
  resume({ pastStop = false }: { readonly pastStop?: boolean } = {}): void {
    if (this.#phase === 'running') return;
    const { vcpu } = this.ws;
    const { PC, PSTATE } = this.#cpu.position;
    vcpu.pc = PC;
    vcpu.pstate = PSTATE;
    this.#cpu.takeHostInterrupt();
    vcpu.stepOver = pastStop ? this.#stepOver() : undefined;
    if ((vcpu.guest_debug & KVM_GUESTDBG_SINGLESTEP) === 0) vcpu.HOST_SS_ACTIVE_PENDING = false;
    this.#lastExit = undefined;
    this.#load();
    const exit = this.#completeMmio();
    if (exit === undefined) this.#enter();
    else {
      this.#returnToVmm();
      this.#lastExit = exit;
      this.#cpu.returnToUserspace(exit);
    }
  }

  /** What KVM_EXIT_MMIO has left to do. @returns why KVM_RUN ends with it */
  #completeMmio(): KvmExit | undefined {
    const { ws } = this;
    if (ws.vcpu.mmio === undefined) return undefined;
    completeMmio(ws);
    return this.#host.policy.generation === 'G2' ? stepByEmulation(this.#exitContext()) : undefined;
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
    const { external_debug_state, guest_debug } = this.ws.vcpu;
    if ((guest_debug & KVM_GUESTDBG_USE_HW) === 0) return false;
    const { dbg_bcr, dbg_bvr } = external_debug_state;
    return dbg_bcr.some((DBGBCR, n) => (DBGBCR & DBGBCR_E) !== 0n && dbg_bvr[n] === pc);
  }

  #stepOver(): StepOver | undefined {
    const { pc, guest_debug } = this.ws.vcpu;
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
    this.#nextTick = this.#cpu.retired + this.#tickInterval;
    if (this.#phase === 'put') return;
    const { counters } = this.ws.log;
    counters.hostTicks += 1;
    this.#cpu.takeHostInterrupt();
    this.#exit('exit: interrupt of the host');
    this.#host.interrupted(counters.hostTicks);
    this.#enter();
  }

  /**
   * The host does something, at once: in an interrupt where the guest runs, and otherwise on behalf of the
   * VMM, which has its registers afterwards.
   */
  asHost(body: () => void): void {
    if (this.#phase === 'running') {
      this.#cpu.takeHostInterrupt();
      this.#exit('exit: interrupt of the host');
      body();
      this.#enter();
      return;
    }
    this.atEL2(body);
    this.fp.returnToUser();
  }

  /** The host gives the physical CPU to another thread meanwhile. */
  preempt(body: () => void): void {
    const loaded = this.#loaded;
    if (loaded) this.#put();
    body();
    if (loaded) this.#load();
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
    this.ws.log.countExit(EC);
    if (EC === EC_FP_ACCESS && this.#switchFp()) return undefined;
    const { title } = describeESR(ESR);
    this.#exit(`exit: EC 0x${EC.toString(16).padStart(2, '0')}, ${title}`, EC, ESR);
    const isAbort = EC === EC_DATA_ABORT_LOWER || EC === EC_INSTRUCTION_ABORT_LOWER;
    const FAR = isAbort || EC === EC_WATCHPOINT_LOWER ? cpu.read('FAR_EL2') : undefined;
    const HPFAR = isAbort ? cpu.read('HPFAR_EL2') : undefined;
    const exit = handleExit(this.#exitContext(), {
      ESR,
      EC,
      ISS,
      ...(FAR !== undefined && { FAR }),
      ...(HPFAR !== undefined && { HPFAR }),
    });
    this.#invariants?.afterHandling(ws);
    if (exit === undefined) this.#enter();
    else {
      this.#returnToVmm();
      this.#lastExit = exit;
    }
    return exit;
  }

  /**
   * The FP trap of the lazy switch, which needs no exit to the host: the guest executes the instruction
   * again. False where the trap is not that.
   */
  #switchFp(): boolean {
    const { cpu, vcpu } = this.ws;
    if (!this.fp.trapping || !this.fp.exists) return false;
    vcpu.pc = cpu.read('ELR_EL2');
    cpu.write('CPTR_EL2', this.#mode.cptrOfGuest(false));
    this.fp.trap();
    this.#cpu.exceptionReturn();
    return true;
  }

  #exitContext(): ExitContext {
    return {
      ...this.#host.exitContext(),
      ws: this.ws,
      policy: this.#host.policy,
      hasStage2: this.#stage2 !== undefined,
      reload: () => {
        this.#put();
        this.#load();
      },
      warnOnce: (text) => this.#warnOnce(text),
      setStepOver: (stepOver) => {
        this.#put();
        this.ws.vcpu.stepOver = stepOver;
        const { guest_debug } = this.ws.vcpu;
        if (stepOver === undefined && (guest_debug & KVM_GUESTDBG_SINGLESTEP) === 0) {
          this.ws.vcpu.HOST_SS_ACTIVE_PENDING = false;
        }
        this.#load();
      },
    };
  }

  // -- the world switch

  #makeResident(vcpu: Vcpu): void {
    if (this.#resident === vcpu) return;
    const { ws } = this;
    const { model } = ws.profile.processor;
    this.#resident.context = saveGuestContext(ws.cpu, model);
    if (vcpu.context === undefined) throw new TypeError(`vCPU ${vcpu.id} has no context`);
    loadGuestContext(ws.cpu, vcpu.context, model);
    vcpu.context = undefined;
    this.#installIdentity(vcpu);
    this.ws.log.counters.contextSwitches += 1;
    ws.event('contextSwitch', `vCPU ${this.#resident.id} leaves the processor to vCPU ${vcpu.id}`);
    this.#resident = vcpu;
  }

  #installIdentity({ id }: Vcpu): void {
    this.ws.cpu.write('VMPIDR_EL2', MPIDR_RES1 | BigInt(id));
  }

  #load(): void {
    const { ws } = this;
    this.#makeResident(ws.vcpu);
    this.#loaded = true;
    this.#host.policy.vcpuLoad(ws);
    this.fp.vcpuLoad();
    this.trace.vcpuLoad();
    this.ws.log.counters.loads += 1;
    ws.event('load', `vcpu_load: owner ${this.#host.policy.owner(ws)}`);
  }

  #put(): void {
    const { ws } = this;
    // Before 6.2 KVM did not give PSTATE.SS back.
    const stolen = this.#host.policy.generation !== 'G2' && ws.vcpu.stepStolen;
    this.#loaded = false;
    this.trace.vcpuPut();
    this.fp.vcpuPut();
    this.#host.policy.vcpuPut(ws);
    this.ws.log.counters.puts += 1;
    ws.event('put', `vcpu_put: owner ${this.#host.policy.owner(ws)}`);
    this.#invariants?.afterPut(ws, stolen);
  }

  #enter(): void {
    const { ws } = this;
    const { cpu, vcpu } = ws;
    this.#host.policy.beforeEntry?.(ws);
    this.#invariants?.beforeEntry(ws);
    this.trace.enter();
    cpu.write('ELR_EL2', vcpu.pc);
    cpu.write('SPSR_EL2', vcpu.pstate);
    cpu.write('HCR_EL2', this.#guestHcr);
    cpu.write('CPTR_EL2', this.#mode.cptrOfGuest(this.fp.enter()));
    this.#host.policy.enter(ws);
    this.#hideBufferIds(true);
    this.trace.atEntry();
    this.spe.enter();
    this.#invariants?.atEntry(ws, this.#host.policy);
    this.ws.log.counters.entries += 1;
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
    this.ws.log.counters.exits += 1;
    ws.event('exit', text, {
      ...(EC !== undefined && { EC }),
      ...(ESR !== undefined && { new: ESR }),
    });
    this.#phase = 'put';
    this.spe.exit();
    this.#host.policy.exit(ws);
    cpu.write('HCR_EL2', this.#mode.HCR_HOST_FLAGS);
    cpu.write('CPTR_EL2', this.#mode.CPTR_HOST);
    this.fp.exit();
    this.#hideBufferIds(false);
    this.trace.exit();
    this.#invariants?.afterExit(ws, this.#host.policy);
  }

  /**
   * PMBIDR_EL1 and TRBIDR_EL1 of a guest without SPE: only FEAT_FGT traps them. Without it the guest reads
   * the host's, as it does under KVM.
   */
  #hideBufferIds(hide: boolean): void {
    const { profile, cpu, vcpu } = this.ws;
    const { FEAT_FGT, FEAT_SPE, FEAT_TRBE } = profile.processor;
    if (!FEAT_FGT || !(FEAT_SPE || FEAT_TRBE) || vcpu.spe.feature) return;
    const others = cpu.read('HDFGRTR_EL2') & ~HDFGRTR_EL2_BUFFER_IDS;
    cpu.write('HDFGRTR_EL2', hide ? others | HDFGRTR_EL2_BUFFER_IDS : others);
  }

  /** G3 and G4 trap the identification registers, so that a VM has its own. */
  get #guestHcr(): bigint {
    const { HCR_GUEST_FLAGS } = this.#mode;
    const { generation } = this.#host.policy;
    const own = generation === 'G3' || generation === 'G4' || this.ws.hasOwnProcessor;
    const { features } = this.ws.profile.processor.model;
    const flags =
      HCR_GUEST_FLAGS |
      (own ? HCR_EL2_TID3 : 0n) |
      (features.has('FEAT_PAuth') ? HCR_EL2_APK | HCR_EL2_API : 0n);
    const VM = this.#stage2 === undefined ? 0n : HCR_EL2_VM;
    return VM | (this.ws.vcpu.el1_32bit ? flags & ~HCR_EL2_RW : flags);
  }

  /** With the processor at EL2 and the world switched. */
  #returnToVmm(): void {
    const { vcpu } = this.ws;
    this.#put();
    this.fp.returnToUser();
    vcpu.stepOver = undefined;
    this.present();
  }

  #warnOnce(text: string): boolean {
    if (this.#warned.has(text)) return false;
    this.#warned.add(text);
    this.ws.log.counters.warnings += 1;
    this.ws.event('warning', text);
    return true;
  }

  // -- snapshots

  saveState(): VcpuRunState {
    return {
      phase: this.#phase,
      nextTick: this.#nextTick,
      lastExit: this.#lastExit,
      warnings: [...this.#warned],
    };
  }

  restoreState(state: VcpuRunState, resident: Vcpu): void {
    this.#phase = state.phase;
    this.#loaded = state.phase === 'running';
    this.#nextTick = state.nextTick;
    this.#lastExit = state.lastExit;
    this.#resident = resident;
    this.#warned.clear();
    for (const text of state.warnings) this.#warned.add(text);
    this.#invariants?.forget();
  }

  /** With the processor at EL2, where every register of EL1 and EL0 is in its own place. */
  atEL2<T>(body: () => T): T {
    const { position } = this.#cpu;
    this.#cpu.takeHostInterrupt();
    const result = body();
    this.#cpu.present(position);
    return result;
  }
}
