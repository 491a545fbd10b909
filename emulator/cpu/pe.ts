/**
 * One processing element: EL0, EL1 and EL2, all AArch64, without EL3.
 *
 * `run.ts` drives the engine, `exits.ts` decides what each of its exits means; this file holds the
 * parts together and is what the hypervisor, the machine and the debugger see.
 */
import { Engine } from '../engine/engine.ts';
import type { EngineHost, RamRegion, TableWalk } from '../engine/engine.ts';
import { EngineMemory } from '../engine/engine-memory.ts';
import type { CpuState } from '../engine/cpu-state.ts';
import { runtimeFunctions } from '../engine/runtime-functions.ts';
import { branchTypesAllowed, BTYPE_JUMP, isPACIxSP } from '../isa/branch-target.ts';
import { allDefinitions } from '../isa/definitions.ts';
import { ACCESS_ALLOWED, instructionAccessCode } from '../sysregs/access-rules.ts';
import { systemInstructionByName } from '../sysregs/catalogue.ts';
import type { SystemInstruction } from '../sysregs/catalogue.ts';
import type { Direction } from '../sysregs/sysreg.ts';
import { elIsInHost } from '../sysregs/virtualization-host.ts';
import { implementedRegisters } from '../sysregs/definitions.ts';
import { checkProfile } from '../sysregs/processor-model.ts';
import type { CpuModel } from '../sysregs/cpu-model.ts';
import type { ProcessorProfile } from '../sysregs/processor-model.ts';
import { physicalAddressBits } from '../mmu/regime.ts';
import type { TranslationRegime } from '../mmu/regime.ts';
import { ownDebugRegisters } from './debug/debug-registers.ts';
import { DebugUnit } from './debug/debug-unit.ts';
import type { DebugControls } from './debug/enable-and-routing.ts';
import type { WatchedRange } from './debug/watchpoint.ts';
import {
  anyInterruptPending,
  currentPstate,
  exceptionReturn,
  takeException,
} from './exceptions.ts';
import type { ExceptionContext, ExceptionRecord, PendingException } from './exceptions.ts';
import { SelfHostedTrace } from './profiling/self-hosted-trace.ts';
import { StatisticalProfiling } from './profiling/statistical-profiling.ts';
import type { SpeState } from './profiling/statistical-profiling.ts';
import { MachineBreakpoints, MachineWatchpoints } from './machine-stops.ts';
import { MemoryAccess } from './memory-access.ts';
import type { Bus, MemoryAccessHost } from './memory-access.ts';
import {
  DAIF_A,
  DAIF_D,
  DAIF_F,
  DAIF_I,
  illegalReturnReason,
  branchType,
  packSpsr,
  PSTATE_BTYPE,
  PSTATE_PAN,
  PSTATE_UAO,
  pstateExtensions,
  unpackSpsr,
} from './pstate.ts';
import type { ExceptionLevel, Pstate } from './pstate.ts';
import { ownProcessorRegisters } from './register-effects.ts';
import { PerformanceMonitors } from './performance-monitors.ts';
import { Runner } from './run.ts';
import type { PeEvent } from './pe-event.ts';
import { SystemRegisters } from './system-registers.ts';
import { GenericTimers } from './timers.ts';
import {
  alignmentChecked,
  jumpsToPACIxSPRefused,
  pointerAuthenticationControls,
  stackAlignmentChecked,
  translationRegime,
} from './regime-controls.ts';
import { TrapTable } from './traps.ts';

export type { PeEvent } from './pe-event.ts';
export type { Bus } from './memory-access.ts';
export type { ExceptionRecord, PendingException } from './exceptions.ts';

export interface ProcessorOptions {
  readonly profile: ProcessorProfile;
  /** RAM of a machine with one processor, or the memory that several share. */
  readonly memory: readonly RamRegion[] | EngineMemory;
  readonly bus: Bus;
  /** 1: EL2 belongs to `el2Software` or to nobody; 2: to the guest. */
  readonly startEL: 1 | 2;
  /**
   * Unaligned accesses to Device memory, which is what data is while the MMU is off: `fault` as the
   * Arm ARM has it, or `allow` as QEMU does. Default `fault`.
   */
  readonly unalignedDeviceAccess?: 'fault' | 'allow';
  /** HLT #0xF000 above EL0 is a semihosting call. Default true. */
  readonly semihosting?: boolean;
  /** MPIDR_EL1.Aff0, and the bank of a shared memory. Default 0. */
  readonly cpu?: number;
  /**
   * Binary logarithm of the instructions that take a notional nanosecond, of all processors of the machine
   * together. Default 0.
   */
  readonly clockShift?: number;
}

/** The other processors, to one of them. */
export interface OtherProcessors {
  /** SEV: sets the Event Register of every processor, the sender's included. */
  sendEvent(): void;
  /** A broadcast of TLB maintenance: `invalidate` has been done here already. */
  broadcast(invalidate: (pe: ProcessingElement) => void): void;
}

/** EL2 software in TypeScript. */
export interface El2Software {
  /**
   * An exception was taken to EL2: ESR_EL2, ELR_EL2, SPSR_EL2, FAR_EL2 and HPFAR_EL2 are set and the
   * PE is at EL2. Ends with `pe.exceptionReturn()` or `pe.requestStop()`.
   */
  handle(pe: ProcessingElement, exception: ExceptionRecord): void;
}

/** A call to what stands in for EL3 firmware, or for the hypervisor of a guest that has none. */
export interface SmcCall {
  readonly conduit: 'SMC' | 'HVC';
  /** Immediate of the instruction. */
  readonly imm16: number;
  /** W0. */
  readonly functionId: number;
  /** X1 to X3. */
  readonly arguments: readonly [bigint, bigint, bigint];
  /** X0 on return; a negative value is sign-extended. */
  setResult(value: bigint): void;
}

export interface AccessCounts {
  reads: number;
  writes: number;
}

export interface InterruptInputs {
  irq: boolean;
  fiq: boolean;
  serror: boolean;
  /** Virtual IRQ and FIQ from the virtual CPU interface, beside HCR_EL2.VI and VF. */
  virq: boolean;
  vfiq: boolean;
}

const NO_INTERRUPTS: InterruptInputs = {
  irq: false,
  fiq: false,
  serror: false,
  virq: false,
  vfiq: false,
};

const HCR_API_APK = 3n << 40n;
const DC_ZVA = requireSystemInstruction('dc', 'ZVA');
/** A guest that goes wild can meet any number of things that are not implemented. */
const MOST_TOLD = 1000;

/** Memory for processors of one machine, which all have the instructions of the model. */
export function processorMemory(
  ram: readonly RamRegion[],
  cpus: number,
  model: CpuModel,
): EngineMemory {
  return new EngineMemory({
    ram,
    cpus,
    definitions: allDefinitions,
    runtimeFunctions,
    features: model.features,
  });
}

export class ProcessingElement implements EngineHost, ExceptionContext, MemoryAccessHost {
  readonly profile: ProcessorProfile;
  /** MPIDR_EL1.Aff0. */
  readonly cpu: number;
  readonly startEL: 1 | 2;
  readonly semihosting: boolean;
  readonly allowUnalignedDevice: boolean;
  readonly bus: Bus;
  readonly engine: Engine;
  readonly state: CpuState;
  readonly registers: SystemRegisters;
  readonly timers: GenericTimers;
  readonly traps: TrapTable;
  readonly debug: DebugUnit;
  readonly memory: MemoryAccess;
  readonly spe: StatisticalProfiling;
  readonly pmu: PerformanceMonitors;
  readonly trace: SelfHostedTrace;
  readonly machineBreakpoints: MachineBreakpoints;
  readonly machineWatchpoints: MachineWatchpoints;
  /** Interrupt inputs; level sensitive. Whoever drives them keeps them up to date. */
  readonly pendingInterrupts: InterruptInputs = { ...NO_INTERRUPTS };
  /** Accesses through `readRegister` and `writeRegister`, by register. */
  readonly counters = new Map<string, AccessCounts>();

  el2Software: El2Software | undefined;
  firmware: ((call: SmcCall) => void) | undefined;
  /** Sees every exception that is taken to a vector; true stops the run there. */
  exceptionHook: ((exception: ExceptionRecord) => boolean) | undefined;
  /** Told of each MRS and MSR that is about to access a register under `SystemRegisters.observe`; `pc` is a VA. */
  accessObserver: ((register: string, direction: Direction, pc: bigint) => void) | undefined;
  /** The Event Register that WFE consumes. */
  eventRegister = false;
  /**
   * Where the processor is one of several, which then hear of SEV and broadcast maintenance; the machine
   * hears of YIELD.
   */
  others: OtherProcessors | undefined;

  readonly #physicalAddressBits: number;
  readonly #pstateExtensions: number;
  readonly #hasPointerAuthentication: boolean;
  /** `pointerAuthenticationControls` by EL, for as long as nothing has changed. */
  #pointerAuthentication: Partial<Record<ExceptionLevel, number>> = {};
  /** Slots of SP_EL0, SP_EL1 and SP_EL2. */
  readonly #stackPointers: readonly [number, number, number];
  readonly #slotHCR: number;
  readonly #runner: Runner;
  readonly #events: PeEvent[] = [];
  readonly #told = new Set<string>();
  readonly #marks = new Set<bigint>();
  #regimes: Partial<Record<0 | 1 | 2, TranslationRegime>> = {};
  #elSwitchesStale = true;
  #translationStale = true;
  /** For the regime of EL0 and this EL, by bit 55 of the VA. */
  readonly #addressSpaceStale = { 1: [false, false], 2: [false, false] };
  /** `timers.streamEvents` when the Event Register was clear last. */
  #streamEventsTaken = 0n;
  #stopsStale = true;
  #watchesStale = true;
  #lastEl2Exception: ExceptionRecord | undefined;

  constructor(options: ProcessorOptions) {
    const { profile } = options;
    checkProfile(profile);
    this.profile = profile;
    this.#pstateExtensions = pstateExtensions(profile.model.features);
    this.#hasPointerAuthentication = profile.model.features.has('FEAT_PAuth');
    this.startEL = options.startEL;
    this.cpu = options.cpu ?? 0;
    this.semihosting = options.semihosting ?? true;
    this.allowUnalignedDevice = options.unalignedDeviceAccess === 'allow';
    this.bus = options.bus;
    const implemented = implementedRegisters(profile, options.cpu ?? 0);
    const isShared = options.memory instanceof EngineMemory;
    this.engine = new Engine({
      memory:
        options.memory instanceof EngineMemory
          ? options.memory
          : processorMemory(options.memory, 1, profile.model),
      cpu: isShared ? (options.cpu ?? 0) : 0,
      host: this,
    });
    this.state = this.engine.state;
    this.registers = new SystemRegisters(this.state, implemented);
    this.timers = new GenericTimers(
      this.registers,
      () => this.state.retired,
      options.clockShift ?? 0,
      () => elIsInHost(this.registers.raw('HCR_EL2'), this.state.EL),
    );
    this.traps = new TrapTable(this.engine, this.registers, this.timers, profile);
    this.timers.onCounterChanged(() => {
      this.traps.invalidate();
      this.#installCounter();
    });
    ownProcessorRegisters(this.registers, {
      state: this.state,
      interruptLines: this.pendingInterrupts,
      trapsChanged: () => {
        this.traps.invalidate();
        this.#pointerAuthentication = {};
        this.#elSwitchesStale = true;
      },
      debugChanged: () => {
        this.debug.invalidate();
        this.spe.ownerChanged();
        this.pmu.contextChanged();
      },
      translationChanged: () => {
        this.#translationStale = true;
        this.#regimes = {};
        this.#pointerAuthentication = {};
        this.#elSwitchesStale = true;
      },
      addressSpaceChanged: (upper, EL) => {
        this.#addressSpaceStale[EL][upper] = true;
        this.#regimes = {};
      },
      translationTableBaseWritten: () => {
        this.pmu.translationTableBaseWritten();
      },
      contextIdWritten: () => {
        this.pmu.contextIdWritten();
      },
      systemControlChanged: () => {
        this.#pointerAuthentication = {};
        this.#elSwitchesStale = true;
      },
      selectStackPointer: (SPSel) => {
        this.setPstate({ ...currentPstate(this.state), SPSel });
      },
      setExtensions: (extensions) => {
        this.#setExtensions(extensions);
      },
      unimplemented: (what) => {
        this.tellUnimplemented(what);
      },
    });
    ownDebugRegisters(this.registers, profile, {
      debugChanged: () => {
        this.debug.invalidate();
      },
      trapsChanged: () => {
        this.traps.invalidate();
      },
    });
    this.debug = new DebugUnit(profile, this.state, this.registers);
    this.machineBreakpoints = new MachineBreakpoints(() => {
      this.#stopsStale = true;
    });
    this.machineWatchpoints = new MachineWatchpoints(() => {
      this.#watchesStale = true;
    });
    const memory = new MemoryAccess(this);
    this.memory = memory;
    const { engine, state, registers, timers } = this;
    this.pmu = new PerformanceMonitors({
      state,
      registers,
      countMemoryAccesses: (counted) => {
        memory.accessed = counted
          ? () => {
              this.pmu.memoryAccessed();
            }
          : undefined;
        engine.flushTlb();
      },
      trapsChanged: () => {
        this.traps.invalidate();
      },
    });
    this.spe = new StatisticalProfiling({
      state,
      registers,
      regime: (EL) => this.regime(EL),
      tables: memory.tables,
      peekedTables: memory.peekedTables,
      holdsTranslation: (EL, va) => engine.holdsTranslation(EL, va),
      writePhysical: (PA, bytes) => engine.writePhysical(PA, bytes),
      get virtualCount() {
        return timers.virtualCount;
      },
      get physicalCount() {
        return timers.physicalCount;
      },
    });
    this.trace = new SelfHostedTrace({
      state,
      registers,
      unimplemented: (what) => {
        // Not where EL2 software writes for a host that has no instructions of its own.
        if (state.EL < 2 || this.startEL === 2) this.tellUnimplemented(what);
      },
    });
    this.#runner = new Runner(this);
    this.#slotHCR = this.registers.slotOf('HCR_EL2');
    this.#stackPointers = [
      this.registers.slotOf('SP_EL0'),
      this.registers.slotOf('SP_EL1'),
      this.registers.slotOf('SP_EL2'),
    ];
    const PARange = Number(this.registers.entry('ID_AA64MMFR0_EL1').register.reset & 0xfn);
    this.#physicalAddressBits = physicalAddressBits(PARange);
    this.reset();
  }

  /** Cold reset. PC is 0 and X0-X30 are 0; memory keeps its contents. */
  reset(): void {
    this.state.reset();
    this.registers.reset();
    // What an EL2 that hands the machine to EL1 leaves behind: EL1 may use the physical timer, the GIC's
    // system registers and pointer authentication.
    if (this.startEL === 1) {
      this.registers.setRaw('CNTHCTL_EL2', 3n);
      if (this.profile.FEAT_GICv3) this.registers.setRaw('ICC_SRE_EL2', 0xfn);
      if (this.#hasPointerAuthentication) {
        this.registers.setRaw('HCR_EL2', this.registers.raw('HCR_EL2') | HCR_API_APK);
      }
    }
    this.state.EL = this.startEL;
    this.state.SPSel = 1;
    this.state.DAIF = 0xf;
    Object.assign(this.pendingInterrupts, NO_INTERRUPTS);
    this.eventRegister = false;
    this.#streamEventsTaken = 0n;
    this.#events.length = 0;
    this.#told.clear();
    this.counters.clear();
    this.#lastEl2Exception = undefined;
    this.#runner.reset();
    this.timers.reset();
    this.spe.reset();
    this.pmu.reset();
    this.#everythingChanged();
  }

  #everythingChanged(): void {
    this.#regimes = {};
    this.#pointerAuthentication = {};
    this.#elSwitchesStale = true;
    this.#translationStale = true;
    this.#stopsStale = true;
    this.#watchesStale = true;
    this.debug.invalidate();
    this.traps.invalidate();
    this.#installCounter();
  }

  #installCounter(): void {
    this.engine.setCounter(this.timers.counterShift, this.timers.virtualCountOffset);
  }

  /** The Event Register, which is clear afterwards; the event streams set it too. */
  takeEventRegister(): boolean {
    const isSet = this.eventRegister || this.eventStreamPending;
    this.eventRegister = false;
    this.#streamEventsTaken = this.timers.streamEvents;
    return isSet;
  }

  /** An event stream has had an event since the Event Register was taken. */
  get eventStreamPending(): boolean {
    return this.timers.streamEvents !== this.#streamEventsTaken;
  }

  /**
   * Runs until `budget` instructions have retired or something happens that the layer above has to
   * see. Taking an exception counts as one instruction, so no run is endless.
   *
   * With `resume` the first instruction executes past the debugger's breakpoint or watchpoint that
   * the previous run has reported.
   */
  run(budget: number, options: { readonly resume?: boolean } = {}): PeEvent {
    return this.#runner.run(budget, options.resume === true);
  }

  /** Ends the current `run`, or the next one at its start, with this event. */
  requestStop(event: PeEvent = { kind: 'stopped' }): void {
    this.#events.push(event);
  }

  takeEvent(): PeEvent | undefined {
    return this.#events.shift();
  }

  /** Something that is not implemented was met: an event, once for each text. */
  tellUnimplemented(what: string): void {
    if (this.#told.has(what) || this.#told.size >= MOST_TOLD) return;
    this.#told.add(what);
    this.#events.push({ kind: 'unimplemented', what, pc: this.state.PC, resumable: true });
  }

  // -- exceptions

  get debugControls(): DebugControls {
    return this.debug.controls;
  }

  setPstate(pstate: Pstate): void {
    const { state } = this;
    const changesStack = pstate.EL !== state.EL || pstate.SPSel !== state.SPSel;
    if (changesStack) state.setSysreg(this.#stackPointerSlot(state.EL, state.SPSel), state.SP);
    const changesEL = pstate.EL !== state.EL;
    if (changesEL) {
      this.#elSwitchesStale = true;
      this.pmu.synchronise();
    }
    state.NZCV = pstate.NZCV;
    state.DAIF = pstate.DAIF;
    state.SS = pstate.SS;
    state.IL = pstate.IL;
    state.EL = pstate.EL;
    state.SPSel = pstate.SPSel;
    const extensions = (pstate.extensions ?? 0) & this.#pstateExtensions;
    state.BTYPE = branchType(extensions);
    this.#setExtensions(extensions & ~PSTATE_BTYPE);
    if (changesStack) state.SP = state.sysreg(this.#stackPointerSlot(pstate.EL, pstate.SPSel));
    if (changesEL) this.pmu.contextChanged();
  }

  #setExtensions(extensions: number): void {
    const { state } = this;
    const changed = extensions ^ state.extensions;
    if (changed === 0) return;
    state.extensions = extensions;
    if ((changed & (PSTATE_PAN | PSTATE_UAO)) !== 0) this.#elSwitchesStale = true;
    if ((changed & PSTATE_PAN) !== 0) this.#regimes = {};
  }

  #stackPointerSlot(EL: ExceptionLevel, SPSel: 0 | 1): number {
    return this.#stackPointers[SPSel === 0 ? 0 : EL];
  }

  /** Takes an exception as the architecture does, and gives it to EL2 software if it targets EL2. */
  takeException(exception: PendingException): ExceptionRecord {
    // What was sampled is over before anything else sees the exception.
    this.spe.finish({
      next: exception.preferredReturn,
      exception: true,
      retired: exception.preferredReturn !== this.state.PC,
    });
    this.pmu.exceptionTaken(exception.EC);
    const record = takeException(this, exception);
    this.state.retired += 1n;
    this.#runner.exceptionTaken(record);
    if (record.targetEL === 2 && this.startEL === 1) {
      this.#lastEl2Exception = record;
      if (this.el2Software !== undefined) this.el2Software.handle(this, record);
      else this.#events.push({ kind: 'el2', exception: record });
    } else if (this.exceptionHook?.(record) === true) {
      this.#events.push({ kind: 'exceptionTaken', exception: record });
    }
    return record;
  }

  /** ERET from the current EL, or ERETAA and ERETAB with what became of ELR_ELx as `target`. */
  exceptionReturn(target?: bigint): void {
    this.pmu.exceptionReturned();
    exceptionReturn(this, target);
    this.#runner.exceptionReturned();
    this.eventRegister = true;
  }

  /** The exception EL2 software stopped at, while the PE is at EL2 on its behalf. */
  get lastEl2Exception(): ExceptionRecord | undefined {
    return this.#lastEl2Exception;
  }

  /**
   * The instruction at PC is done, by whoever emulated it: PC moves past it, it counts as retired and
   * software step advances. For the caller of an event such as `halt`.
   */
  completeInstruction(): void {
    this.#runner.completeInstruction();
  }

  // -- system registers for EL2 software, counted

  readRegister(name: string): bigint {
    this.#count(name).reads += 1;
    return this.registers.read(name);
  }
  writeRegister(name: string, value: bigint): void {
    this.#count(name).writes += 1;
    this.registers.write(name, value);
  }
  #count(name: string): AccessCounts {
    let counts = this.counters.get(name);
    if (counts === undefined) this.counters.set(name, (counts = { reads: 0, writes: 0 }));
    return counts;
  }

  // -- for the debugger: no traps, no side effects of reads, not counted

  /** A system register, SP_EL2, or PSTATE in the layout of SPSR_ELx. */
  peekRegister(name: string): bigint {
    if (name === 'PSTATE') return packSpsr(currentPstate(this.state));
    return this.registers.peek(name);
  }

  /**
   * Writes with the register's masks and effects.
   * @throws RangeError for a register that does not exist, or a PSTATE that is no legal state.
   */
  pokeRegister(name: string, value: bigint): void {
    if (name !== 'PSTATE') {
      this.registers.write(name, value);
      return;
    }
    const illegal = illegalReturnReason(value, 2, { el2Implemented: true, TGE: false });
    if (illegal !== undefined) throw new RangeError(`PSTATE: ${illegal.replace('SPSR.', '')}`);
    this.setPstate(unpackSpsr(value));
  }

  /** As many bytes from `va` as can be read without side effects, up to `length`. */
  peekVirtual(va: bigint, length: number): Uint8Array {
    return this.memory.peek(va, length);
  }
  /** Writes RAM at `va`; false, and nothing written, when not all of it is RAM. */
  pokeVirtual(va: bigint, bytes: Uint8Array): boolean {
    return this.memory.poke(va, bytes);
  }

  // -- time

  /** Instructions retired when a connected timer asserts its line next, if time passes by execution. */
  nextDeadline(): bigint | undefined {
    const timer = this.timers.nextDeadline();
    const overflow = this.pmu.nextDeadline();
    if (timer === undefined || overflow === undefined) return timer ?? overflow;
    return timer < overflow ? timer : overflow;
  }

  // -- EngineHost

  readMemory(va: bigint, size: number, flags: number, element: number): number {
    return this.memory.read(va, size, flags, element);
  }
  writeMemory(va: bigint, size: number, flags: number, element: number): number {
    return this.memory.write(va, size, flags, element);
  }
  fetchPage(va: bigint): bigint {
    return this.memory.fetchPage(va);
  }
  tableWalk(el: ExceptionLevel): TableWalk | undefined {
    return this.memory.tableWalk(el);
  }
  systemRegisterSlot(packed: number, direction: 'read' | 'write'): number | undefined {
    return this.registers.byEncoding(packed, direction)?.slot;
  }

  // -- what the current EL and the control registers mean for memory

  get EL(): ExceptionLevel {
    return this.state.EL;
  }

  regime(EL: ExceptionLevel): TranslationRegime {
    let regime = this.#regimes[EL];
    if (regime === undefined) {
      const PAN = (this.state.extensions & PSTATE_PAN) !== 0;
      regime = translationRegime(this.registers, EL, this.#physicalAddressBits, PAN);
      this.#regimes[EL] = regime;
    }
    return regime;
  }

  alignmentChecked(EL: ExceptionLevel): boolean {
    return alignmentChecked(this.registers, EL);
  }

  /**
   * FEAT_BTI: whether the instruction at PC is a Branch Target exception because of PSTATE.BTYPE, which is not 0.
   */
  refusesBranch(): boolean {
    const { PC, BTYPE, EL } = this.state;
    if (!this.memory.isGuarded(PC)) return false;
    const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = this.memory.peek(PC, 4);
    const word = (b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0;
    if (((branchTypesAllowed(word) >>> BTYPE) & 1) === 1) return false;
    const isOpenToJumps = isPACIxSP(word) && !jumpsToPACIxSPRefused(this.registers, EL);
    return !(BTYPE === BTYPE_JUMP && isOpenToJumps);
  }

  /** TLBI: translations may have changed. */
  invalidateTranslations(): void {
    this.#translationStale = true;
  }

  /** TLBI by VA: the block or page that holds `va` may have changed; bits 63:56 take no part. */
  invalidateAddress(va: bigint): void {
    if (!this.#translationStale && !this.memory.invalidateAddress(va))
      this.#translationStale = true;
  }

  #pointerAuthenticationAt(EL: ExceptionLevel): number {
    return (this.#pointerAuthentication[EL] ??= pointerAuthenticationControls(
      this.registers,
      EL,
      this.regime(EL),
    ));
  }

  /** Brings the engine up to date with everything that was written since it last ran. */
  synchronise(): void {
    const { engine, debug, state } = this;
    this.traps.apply(state.SPSel);
    if (this.#elSwitchesStale) {
      this.#elSwitchesStale = false;
      const PAN = (state.extensions & PSTATE_PAN) !== 0;
      engine.setRegime(state.EL, this.debug.accessEL(true), PAN);
      engine.setFpTrap(this.traps.fpAccess(state.EL) !== ACCESS_ALLOWED);
      engine.setZeroBlockTrap(
        instructionAccessCode(DC_ZVA, state.EL, this.traps.active) !== ACCESS_ALLOWED,
      );
      engine.setSpAlignmentCheck(stackAlignmentChecked(this.registers, state.EL));
      if (this.#hasPointerAuthentication) {
        engine.setPointerAuthentication(this.#pointerAuthenticationAt(state.EL));
      }
    }
    if (debug.isStale) {
      const before = debug.watchedRanges;
      debug.refresh();
      this.#stopsStale = true;
      if (!sameRanges(before, debug.watchedRanges)) this.#watchesStale = true;
    }
    if (this.#stopsStale) this.#updateMarks();
    this.#flushStale();
    const interrupts = anyInterruptPending(this.pendingInterrupts, state.sysreg(this.#slotHCR));
    state.watchedMasks =
      (interrupts ? DAIF_A | DAIF_I | DAIF_F : 0) | (debug.dependsOnMask ? DAIF_D : 0);
  }

  #flushStale(): void {
    const { engine } = this;
    if (this.#translationStale) {
      engine.flushFetch();
      engine.flushTlb();
      this.memory.translationsFlushed();
    } else {
      if (this.#watchesStale) engine.flushTlb();
      for (const EL of [1, 2] as const) {
        for (const upper of [0, 1] as const) {
          if (this.#addressSpaceStale[EL][upper]) engine.flushAddressSpace(upper, EL);
        }
      }
    }
    this.#translationStale = false;
    this.#addressSpaceStale[1].fill(false);
    this.#addressSpaceStale[2].fill(false);
    this.#watchesStale = false;
  }

  #updateMarks(): void {
    this.#stopsStale = false;
    const wanted = new Set([
      ...this.machineBreakpoints.addresses,
      ...this.debug.breakpointAddresses,
    ]);
    for (const va of this.#marks) {
      if (wanted.has(va)) continue;
      this.#marks.delete(va);
      this.engine.clearBreakpoint(va);
    }
    for (const va of wanted) {
      if (this.#marks.has(va)) continue;
      this.#marks.add(va);
      this.engine.setBreakpoint(va);
    }
  }

  // -- snapshots

  /** The processor's own state; RAM and devices have their own. Breakpoints of the debugger stay. */
  saveState(): unknown {
    return {
      block: this.state.saveBlock(),
      timers: this.timers.saveState(),
      spe: this.spe.saveState(),
      pmu: this.pmu.saveState(),
      interrupts: { ...this.pendingInterrupts },
      eventRegister: this.eventRegister,
      streamEventsTaken: this.#streamEventsTaken,
      runner: this.#runner.saveState(),
      lastEl2Exception: this.#lastEl2Exception,
      told: [...this.#told],
      counters: [...this.counters].map(([name, counts]) => [name, { ...counts }]),
    };
  }

  restoreState(state: unknown): void {
    const saved = state as {
      block: Uint8Array;
      timers: unknown;
      spe: SpeState;
      pmu: unknown;
      interrupts: InterruptInputs;
      eventRegister: boolean;
      streamEventsTaken: bigint;
      runner: unknown;
      lastEl2Exception: ExceptionRecord | undefined;
      told: readonly string[];
      counters: readonly [string, AccessCounts][];
    };
    this.state.restoreBlock(saved.block);
    Object.assign(this.pendingInterrupts, saved.interrupts);
    this.eventRegister = saved.eventRegister;
    this.#streamEventsTaken = saved.streamEventsTaken;
    this.#lastEl2Exception = saved.lastEl2Exception;
    this.#told.clear();
    for (const what of saved.told) this.#told.add(what);
    this.counters.clear();
    for (const [name, counts] of saved.counters) this.counters.set(name, { ...counts });
    this.#events.length = 0;
    this.#runner.restoreState(saved.runner);
    this.timers.restoreState(saved.timers);
    this.spe.restoreState(saved.spe);
    this.pmu.restoreState(saved.pmu);
    this.#everythingChanged();
  }
}

function sameRanges(before: readonly WatchedRange[], after: readonly WatchedRange[]): boolean {
  return (
    before.length === after.length &&
    before.every((range, index) => {
      const other = after[index];
      return (
        range.start === other?.start &&
        range.end === other.end &&
        range.reads === other.reads &&
        range.writes === other.writes
      );
    })
  );
}

function requireSystemInstruction(kind: string, name: string): SystemInstruction {
  const instruction = systemInstructionByName(kind, name);
  if (instruction === undefined) throw new TypeError(`the catalogue has no ${kind} ${name}`);
  return instruction;
}
