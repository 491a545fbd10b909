/**
 * A board with its processors: RAM, devices, firmware, and the hypervisor where the guest starts at
 * EL1. Synchronous and deterministic: nothing here reads a clock, and a run repeats exactly.
 *
 * Time is the scheduler's clock, which counts instructions: each processor does a notional 1 GHz. Of N
 * processors 2^k instructions take a nanosecond, where 2^k is the smallest power of two that is not below
 * N, so that time passes at the same rate whoever executes, and never goes back from one processor to
 * the next.
 */
import { placeBootData } from './board/boot.ts';
import type { BootImage, BootSegment } from './board/boot.ts';
import { predictAccess } from './machine/access-prediction.ts';
import type { AccessPrediction } from './machine/access-prediction.ts';
import { boardDeviceTree } from './board/device-tree.ts';
import { flattenDeviceTree } from './board/flattened-device-tree.ts';
import { DEFAULT_RAM_BYTES, RAM_BASE, VMM_DEVICES } from './board/virt-map.ts';
import { AFFINITY_FIELDS, isPsciFunction, NOT_SUPPORTED, psciCall } from './board/psci.ts';
import type { PowerControl } from './board/psci.ts';
import { Semihosting } from './board/semihosting.ts';
import type { GuestFolder } from './board/semihosting-files.ts';
import { deliverableInterrupt } from './cpu/exceptions.ts';
import { ProcessingElement, processorMemory } from './cpu/pe.ts';
import type { EngineMemory } from './engine/engine-memory.ts';
import type { ExceptionRecord as PeExceptionRecord, PeEvent, SmcCall } from './cpu/pe.ts';
import { SystemBus } from './devices/bus.ts';
import { createDecoder } from './isa/decode.ts';
import { allDefinitions } from './isa/definitions.ts';
import { BoardDevices } from './machine/board-devices.ts';
import type { GicVersion, InterruptView } from './machine/board-devices.ts';
import { SerialConsole } from './machine/console.ts';
import { DebugPoints } from './machine/debug-points.ts';
import type { WatchHit, WatchRange } from './machine/debug-points.ts';
import {
  emulateDevice,
  guestRegistersOf,
  installKvm,
  isDeviceExit,
  requireHostProfile,
  stopOf,
} from './machine/hypervisor.ts';
import type { MigratingGuest } from './machine/migration.ts';
import type { VirtioOptions } from './machine/virtio-slots.ts';
import { Processor } from './machine/processor.ts';
import type { ProcessorState } from './machine/processor.ts';
import { InputRecord } from './machine/recorded-input.ts';
import type { RecordedInput } from './machine/recorded-input.ts';
import { RegisterView } from './machine/register-view.ts';
import type { RegisterGroup } from './machine/register-view.ts';
import { Scheduler } from './machine/scheduler.ts';
import type { SchedulerState } from './machine/scheduler.ts';
import { exceptionRecord } from './machine/stop-reason.ts';
import type { ExceptionRecord, StopReason } from './machine/stop-reason.ts';
import type { HostActivity } from './kvm/host-activity.ts';
import type { HostProfile } from './kvm/host-profile.ts';
import { DEFAULT_TICK_INTERVAL } from './kvm/kvm.ts';
import type { Kvm } from './kvm/kvm.ts';
import { Stage2 } from './kvm/stage-2.ts';
import { byEncoding } from './sysregs/catalogue.ts';
import { defaultCpuModel, requireCpuModel } from './sysregs/cpu-model.ts';

export type { ExceptionRecord, StopReason } from './machine/stop-reason.ts';

export type ImageSegment = BootSegment;

export interface MachineOptions {
  readonly image: BootImage;
  /** Initial RAM disk, which the device tree tells of. */
  readonly initrd?: Uint8Array;
  /** What is plugged into the virtio transports. Default: nothing. */
  readonly virtio?: VirtioOptions;
  /** What the real time clock says at reset, in seconds since 1970. Default 0. */
  readonly startTime?: bigint;
  /** `bootargs` of the device tree. Default: `commandLine`. */
  readonly bootargs?: string;
  /** Exception level at which the guest starts. At 2 the guest is its own hypervisor and `kvm` is undefined. */
  readonly el: 1 | 2;
  readonly hostProfile: string;
  /** CPU model, `v8.0` and others of `sysregs/cpu-model.ts`. Default: the default model. */
  readonly cpu?: string;
  readonly policy: string;
  /** How the FP registers are switched. Default: as a current kernel does. */
  readonly fpPolicy?: string;
  /** What the host does beside running the guest. Default: nothing. */
  readonly hostActivity?: readonly HostActivity[];
  /** How the host's profiling and tracing is kept out of the guest. Default: as a current kernel does. */
  readonly traceScheme?: string;
  /** The guest has SPE with this interrupt (INTID of a PPI). Default: none. At EL2 it has the processor's. */
  readonly spe?: { readonly irq: number } | undefined;
  /**
   * The hypervisor turns stage 2 on, and the board's devices but for the interrupt controller are emulated by the VMM:
   * every access is an exit. Default false: the guest has the board to itself.
   */
  readonly stage2?: boolean;
  /** Processors, 1 to 8. Default 1. */
  readonly cpus?: number;
  /** Fields of the guest's ID_AA64DFR0_EL1 that are not the processor's, by register and field. */
  readonly idRegisters?: Readonly<Record<string, Readonly<Record<string, bigint>>>>;
  /** RAM, ascending, without overlaps; the segments lie inside. Sizes in bytes, multiples of 4096. */
  readonly ram: readonly { readonly base: bigint; readonly size: number }[];
  /** Version of the interrupt controller. Default 2. */
  readonly gic?: GicVersion;
  /** What semihosting SYS_GET_CMDLINE answers. */
  readonly commandLine: string;
  /** The files that the guest may use by semihosting. Default: none. */
  readonly folder?: GuestFolder;
  /** Checks the hypervisor's invariants at each of its events and throws on a violation. Default false. */
  readonly checkInvariants?: boolean;
}

/**
 * What becomes of the clock while all processors wait. `skip`: it jumps to the next event, whenever that is.
 * `within`: it jumps there, but not further than the run may go. `wait`: it stands still, and who runs the
 * machine lets time pass.
 */
export type Idling = 'skip' | 'within' | 'wait';

export interface RunOptions {
  /** That the clock advances at most. */
  readonly instructions: number;
  /** The next instruction is the one that was stopped at. */
  readonly pastStop: boolean;
  /** Default `skip`. */
  readonly idle?: Idling;
}

/** A run that can be made again, on this machine or another. */
export interface RecordedRun {
  readonly options: MachineOptions;
  readonly inputs: readonly RecordedInput[];
  /** Retired instructions since reset. */
  readonly instructions: bigint;
}

export const MOST_PROCESSORS = 8;
/** Nanoseconds of virtual time in a second. */
const NANOSECONDS_PER_SECOND = 1_000_000_000n;
/** How far the clock jumps while a guest waits for a key and for nothing else, in virtual nanoseconds. */
const INPUT_POLL = 10_000_000n;

export class Machine {
  readonly vcpus: readonly { readonly id: number; readonly name: string }[];
  readonly console: SerialConsole;
  onException: ((exception: ExceptionRecord) => boolean) | undefined;
  onGuestError: ((device: string, message: string, pc: bigint) => void) | undefined;

  readonly #options: MachineOptions;
  readonly #memory: EngineMemory;
  /** Not before the first reset. */
  #ramWritten = false;
  readonly #processors: readonly Processor[];
  readonly #scheduler: Scheduler;
  /** The processor of the last stop, or that the debugger has selected. */
  #focus: Processor;
  /** The processor of the last stop. */
  #stopped: Processor;
  /** Binary logarithm of the instructions that take a nanosecond. */
  readonly #clockShift: number;
  readonly #bus = new SystemBus();
  readonly #stage2: Stage2 | undefined;
  readonly #devices: BoardDevices;
  readonly #semihosting: Semihosting;
  readonly #points: DebugPoints;
  readonly #decoder = createDecoder(allDefinitions);
  readonly #typed: number[] = [];
  readonly #inputs = new InputRecord();
  #exit: Extract<StopReason, { kind: 'exit' }> | undefined;

  /** @throws RangeError for a host profile, CPU model or policy that does not exist, or a wrong number of processors */
  constructor(options: MachineOptions) {
    this.#options = options;
    this.#semihosting = new Semihosting(options.folder);
    const { gic = 2, cpu: modelName = defaultCpuModel.name, cpus = 1 } = options;
    if (!Number.isInteger(cpus) || cpus < 1 || cpus > MOST_PROCESSORS) {
      throw new RangeError(`A machine has 1 to ${MOST_PROCESSORS} processors, not ${cpus}.`);
    }
    this.#clockShift = Math.ceil(Math.log2(cpus));
    const host = requireHostProfile(options.hostProfile);
    const model = requireCpuModel(modelName);
    const profile: HostProfile = {
      ...host,
      processor: {
        ...host.processor,
        model,
        FEAT_GICv3: gic === 3,
        // A guest at EL2 has what its model has; the host's way of running is of guests below it.
        FEAT_VHE: host.processor.FEAT_VHE && options.el === 1,
      },
    };
    this.#memory = processorMemory(options.ram, cpus, model);
    this.#stage2 =
      options.stage2 === true && options.el === 1 ? new Stage2(VMM_DEVICES) : undefined;
    const processors: Processor[] = [];
    for (let cpu = 0; cpu < cpus; cpu += 1) {
      processors.push(this.#createProcessor(cpu, profile, processors[0]?.kvm));
    }
    this.#processors = processors;
    this.#scheduler = new Scheduler(processors);
    this.#focus = this.#scheduler.current;
    this.#stopped = this.#focus;
    this.vcpus = processors.map(({ id }) => ({ id, name: `CPU${id}` }));
    const pes = processors.map(({ pe }) => pe);
    this.#devices = new BoardDevices({
      pes,
      accessingCpu: () => this.#scheduler.current.id,
      bus: this.#bus,
      gic,
      ...(options.spe !== undefined && { profilingPPI: options.spe.irq - 16 }),
      transmit: (byte) => {
        this.console.transmit(byte);
      },
      now: () => this.virtualNanoseconds,
      startTime: options.startTime ?? 0n,
      virtio: options.virtio ?? {},
      exit: (status) => {
        this.#leave(this.#scheduler.current.pe, { kind: 'exit', status, how: 'exit device' });
      },
      events: {
        guestError: (device, message) => {
          this.onGuestError?.(device, message, this.#scheduler.current.pe.state.PC);
        },
      },
    });
    this.console = new SerialConsole((bytes) => {
      this.#inputs.add({ kind: 'console', retired: this.retired, bytes: bytes.slice() });
      this.#typed.push(...bytes);
      this.#devices.receive(bytes);
      for (const processor of this.#processors) {
        if (processor.waiting === 'input') processor.resume();
      }
    });
    this.#points = new DebugPoints(pes, () => this.#focus.pe);
    this.reset();
  }

  #createProcessor(cpu: number, profile: HostProfile, sibling: Kvm | undefined): Processor {
    const { el, cpus = 1 } = this.#options;
    const pe = new ProcessingElement({
      profile: profile.processor,
      memory: this.#memory,
      bus: this.#stage2?.behind(this.#bus) ?? this.#bus,
      startEL: el,
      cpu,
      clockShift: this.#clockShift,
    });
    if (cpus > 1) {
      pe.others = {
        sendEvent: () => {
          for (const { pe: other } of this.#processors) other.eventRegister = true;
        },
        broadcast: (invalidate) => {
          for (const { pe: other } of this.#processors) if (other !== pe) invalidate(other);
        },
      };
    }
    const kvm = el === 1 ? this.#underKvm(pe, profile, sibling) : undefined;
    const registers = new RegisterView(pe, kvm && guestRegistersOf(kvm));
    const processor = new Processor({ pe, kvm, registers });
    pe.firmware = (call) => {
      this.#firmware(processor, call);
    };
    pe.exceptionHook = (record) => {
      const SPSR = pe.registers.raw(`SPSR_EL${record.targetEL}`);
      return this.#exceptionTaken(processor, record, SPSR);
    };
    return processor;
  }

  #underKvm(pe: ProcessingElement, profile: HostProfile, sibling: Kvm | undefined): Kvm {
    const processor = (): Processor => this.#processorOf(pe.cpu);
    const kvm = installKvm(pe, {
      profile,
      policy: this.#options.policy,
      fpPolicy: this.#options.fpPolicy,
      hostActivity: this.#options.hostActivity,
      traceScheme: this.#options.traceScheme,
      spe: this.#options.spe,
      stage2: this.#stage2,
      checkInvariants: this.#options.checkInvariants ?? false,
      sibling,
      tickInterval: DEFAULT_TICK_INTERVAL << BigInt(this.#clockShift),
      exited: (exit) => {
        processor().kvmExit = exit;
      },
      psci: (call) => {
        const action = psciCall(call, this.#power);
        if (action.kind === 'cpuOff') processor().power = 'off';
        return action;
      },
    });
    const fields = this.#options.idRegisters?.['ID_AA64DFR0_EL1'];
    const promised = fields === undefined ? undefined : kvm.ids.setFields(fields);
    if (promised?.ok === false) throw new RangeError(promised.reason);
    kvm.ws.injected = (record) => {
      const stops = this.#exceptionTaken(processor(), record, pe.registers.raw('SPSR_EL1'));
      if (stops) pe.requestStop({ kind: 'exceptionTaken', exception: record });
    };
    return kvm;
  }

  #exceptionTaken(processor: Processor, record: PeExceptionRecord, SPSR: bigint): boolean {
    const exception = exceptionRecord(record, SPSR, this.retired);
    processor.lastException = exception;
    return this.onException?.(exception) ?? false;
  }

  #processorOf(vcpu: number): Processor {
    const processor = this.#processors[vcpu];
    if (processor === undefined) throw new RangeError(`There is no CPU${vcpu}.`);
    return processor;
  }

  /** The processor of the last stop, until another one is selected. */
  get currentVcpu(): number {
    return this.#focus.id;
  }
  /** What is read, written and stepped from now on. The order in which the processors run stays. */
  selectVcpu(vcpu: number): void {
    this.#focus = this.#processorOf(vcpu);
  }

  /** The current processor. */
  get pe(): ProcessingElement {
    return this.#focus.pe;
  }
  /** The hypervisor of a guest that starts at EL1, on the current processor. */
  get kvm(): Kvm | undefined {
    return this.#focus.kvm;
  }

  /** The machine's clock: instructions of all processors, and the time that they have waited. */
  get retired(): bigint {
    return this.#scheduler.clock;
  }
  get virtualNanoseconds(): bigint {
    return this.retired >> BigInt(this.#clockShift);
  }
  /** Clock at a time in nanoseconds since reset. */
  #clockAt(nanoseconds: bigint | undefined): bigint | undefined {
    return nanoseconds === undefined ? undefined : nanoseconds << BigInt(this.#clockShift);
  }

  /** Cold reset with the image loaded; what the debugger has set stays. */
  reset(): void {
    const { image } = this.#options;
    // New memory is zero, and touching all of a large one takes seconds.
    if (this.#ramWritten) this.#memory.ram.clear();
    this.#ramWritten = true;
    for (const processor of this.#processors) processor.reset();
    this.#scheduler.reset();
    this.#bus.reset();
    this.#semihosting.reset();
    this.console.discard();
    this.#typed.length = 0;
    this.#inputs.reset();
    this.#exit = undefined;
    for (const { paddr, bytes } of image.segments) {
      if (!this.#memory.writePhysical(paddr, bytes)) {
        throw new RangeError(`the image's segment at 0x${paddr.toString(16)} is not inside RAM`);
      }
    }
    const X0 = this.#placeBootData();
    this.#memory.flushCode();
    const boot = this.#scheduler.current;
    // The log is that of the processor which boots.
    for (const { kvm } of this.#processors) if (kvm !== boot.kvm) kvm?.reset(0n);
    boot.pe.state.PC = image.entry;
    boot.kvm?.reset(image.entry);
    boot.pe.state.setX(0, X0);
    boot.power = 'on';
    this.#focus = boot;
    this.#stopped = boot;
  }

  /** Writes the initial RAM disk and the device tree; the address of the tree for X0, or 0. */
  #placeBootData(): bigint {
    const { image, ram, el, commandLine, gic = 2, initrd, bootargs = commandLine } = this.#options;
    const place = placeBootData(image, ram, initrd?.length);
    if (initrd && place.initrd) this.#memory.writePhysical(place.initrd.start, initrd);
    if (place.deviceTree === undefined) return 0n;
    const tree = boardDeviceTree({
      cpus: this.vcpus.length,
      ram,
      el,
      gic,
      bootargs,
      ...(place.initrd && { initrd: place.initrd }),
    });
    this.#memory.writePhysical(place.deviceTree, flattenDeviceTree(tree));
    return image.handover === 'deviceTree' ? place.deviceTree : 0n;
  }

  // -- running

  run({ instructions, pastStop, idle = 'skip' }: RunOptions): StopReason {
    const stop = this.#run(this.retired + BigInt(instructions), pastStop, idle);
    this.#stopped = this.#focus;
    this.console.flush();
    return stop;
  }

  /**
   * One instruction of the current processor. The others stay where they are: who steps decides the order
   * in which they go on.
   */
  stepInstruction({ idle = 'skip' }: { readonly idle?: Idling } = {}): StopReason {
    const processor = this.#focus;
    this.#stopped = processor;
    const { pe } = processor;
    if (processor.power !== 'off') {
      this.#scheduler.give(processor);
      processor.resume();
    }
    processor.lastException = undefined;
    this.#devices.rtc.update();
    pe.timers.update();
    const HCR_EL2 = pe.registers.raw('HCR_EL2');
    const interrupt = deliverableInterrupt(pe.pendingInterrupts, HCR_EL2, pe.state);
    // An interrupt comes before the instruction, and before what has been reported for it.
    processor.reportedAt = interrupt === undefined ? pe.state.PC : undefined;
    const stop = this.#execute(processor, this.retired + 1n, idle);
    this.console.flush();
    if (stop.kind !== 'slice' && stop.kind !== 'exception') return stop;
    const exception = processor.lastException as ExceptionRecord | undefined;
    return exception === undefined ? { kind: 'step' } : { kind: 'step', exception };
  }

  /** Runs the processors in turn until the clock is at `end`. */
  #run(end: bigint, pastStop: boolean, idle: Idling): StopReason {
    this.#stopped.reportedAt = pastStop ? this.#stopped.pe.state.PC : undefined;
    while (this.#exit === undefined) {
      this.#devices.rtc.update();
      const processor = this.#scheduler.next();
      if (processor === undefined) return this.#idle(idle, end);
      this.#focus = processor;
      if (this.retired >= end) return { kind: 'slice' };
      const stop = this.#executeOnce(processor, end);
      if (stop !== undefined) return stop;
    }
    return this.#exit;
  }

  /** Runs one processor alone until the clock is at `end`, or until it waits. */
  #execute(processor: Processor, end: bigint, idle: Idling): StopReason {
    while (this.#exit === undefined) {
      this.#devices.rtc.update();
      if (processor.power === 'off' || processor.waiting !== undefined) {
        return this.#idle(idle, end);
      }
      if (this.retired >= end) return { kind: 'slice' };
      const stop = this.#executeOnce(processor, end);
      if (stop !== undefined) return stop;
    }
    return this.#exit;
  }

  /** One run of the processor whose turn it is; not past `end`. */
  #executeOnce(processor: Processor, end: bigint): StopReason | undefined {
    const { pe, kvm } = processor;
    const { state } = pe;
    const resume = processor.reportedAt === state.PC;
    processor.reportedAt = undefined;
    if (resume) kvm?.goPast();
    else kvm?.resume();
    const before = state.retired;
    if (kvm !== undefined && before >= kvm.nextTick) {
      kvm.onHostTick();
      if (resume) processor.reportedAt = state.PC;
      return undefined;
    }
    const { left } = this.#scheduler;
    const deadline = this.#clockAt(this.#devices.rtc.deadline);
    const until = earliest(end, before + BigInt(left), kvm?.nextTick, deadline);
    const event = pe.run(Number(until - before), { resume });
    const stop = this.#handle(processor, event);
    this.#scheduler.spend(Number(state.retired - before));
    if (stop === 'resume') processor.reportedAt = state.PC;
    else if (stop !== 'continue') {
      if (REPORTED_BEFORE.has(stop.kind)) processor.reportedAt = state.PC;
      return stop;
    }
    return undefined;
  }

  /** A stop, or how to go on: `resume` past what the event reported. */
  #handle(processor: Processor, event: PeEvent): StopReason | 'continue' | 'resume' {
    switch (event.kind) {
      case 'budget':
        return 'continue';
      case 'stopped':
        return this.#kvmReturned(processor);
      case 'machineBreakpoint': {
        const ids = this.#points.breakpointsThatStop(event.pc);
        return ids.length > 0 ? { kind: 'breakpoint', pc: event.pc, ids } : 'resume';
      }
      case 'machineWatchpoint':
        return this.#watched(processor, event);
      case 'exceptionTaken':
        return processor.lastException
          ? { kind: 'exception', exception: processor.lastException }
          : 'continue';
      case 'wfi':
        processor.wait('WFI');
        return 'continue';
      case 'wfe':
        processor.wait('WFE');
        return 'continue';
      case 'yield':
        this.#scheduler.yield();
        return 'continue';
      case 'halt':
        return this.#semihostingCall(processor);
      case 'el2':
        throw new TypeError('an exception was taken to EL2 where there is nobody');
      case 'unimplemented':
        return {
          kind: 'unimplemented',
          what: event.what,
          pc: event.resumable ? event.pc : processor.pe.state.PC,
        };
    }
  }

  /** KVM_RUN has returned to this machine, which is its VMM. */
  #kvmReturned(processor: Processor): StopReason | 'continue' {
    const exit = processor.kvmExit;
    processor.kvmExit = undefined;
    if (exit === undefined) return 'continue';
    if (isDeviceExit(exit)) {
      if (processor.kvm !== undefined) emulateDevice(processor.kvm, this.#bus, exit);
      return 'continue';
    }
    const stop = stopOf(exit);
    if (stop === 'idle') {
      processor.wait('WFI');
      return 'continue';
    }
    if (stop.kind === 'exit') this.#exit = stop;
    return stop;
  }

  /** The access is made, then the watchpoints are asked with the bytes before and after it. */
  #watched(
    processor: Processor,
    event: Extract<PeEvent, { kind: 'machineWatchpoint' }>,
  ): StopReason | 'continue' | 'resume' {
    const { pe } = processor;
    const { address, size, isWrite, pc } = event;
    const touched = this.#points.watchedBytes(address, size, isWrite);
    const after = pe.run(1, { resume: true });
    const ids = this.#points.watchpointsThatStop(touched, isWrite);
    const [first] = touched;
    if (ids.length === 0 || first === undefined) return this.#handle(processor, after);
    const { watchpoint, old } = touched.find((entry) => ids.includes(entry.watchpoint.id)) ?? first;
    return {
      kind: 'watchpoint',
      ids,
      address: watchpoint.address,
      size: watchpoint.length,
      isWrite,
      old,
      new: pe.peekVirtual(watchpoint.address, watchpoint.length).slice(),
      pc,
    };
  }

  /** All processors wait until time has passed, or for the console alone. */
  #idle(idle: Idling, end: bigint): StopReason {
    const { clock, current } = this.#scheduler;
    const event = earliest(
      this.#clockAt(this.#devices.rtc.deadline),
      ...this.#processors.map(({ wakeAt }) => wakeAt),
    );
    const inputWakes =
      this.#devices.inputInterrupts || this.#processors.some(({ waiting }) => waiting === 'input');
    if (event === undefined && !inputWakes) {
      const instruction = current.waiting === 'WFE' ? 'WFE' : 'WFI';
      if (current.power !== 'off') current.resume();
      return { kind: 'wfiDeadlock', pc: current.pe.state.PC - 4n, instruction };
    }
    if (idle === 'wait') {
      if (event === undefined) return { kind: 'waiting', until: undefined };
      const shift = BigInt(this.#clockShift);
      // Rounded up: when that time has come, so has the event.
      return { kind: 'waiting', until: (event + (1n << shift) - 1n) >> shift };
    }
    const poll = inputWakes ? clock + (INPUT_POLL << BigInt(this.#clockShift)) : undefined;
    const until = earliest(event, poll) ?? clock;
    this.#scheduler.skipTo(idle === 'within' ? earliest(until, end) : until);
    return { kind: 'idle', until: this.virtualNanoseconds };
  }

  /** Nobody executes until the clock is at that time, in virtual nanoseconds since reset. */
  passTime(until: bigint): void {
    this.#scheduler.skipTo(until << BigInt(this.#clockShift));
  }

  /** What the interrupt controller knows now; nothing changes by asking. */
  interrupts(): InterruptView {
    return this.#devices.interrupts;
  }

  /** The power key of the board is pressed. */
  pressPowerKey(): void {
    this.#inputs.add({ kind: 'powerKey', retired: this.retired });
    this.#devices.pressPowerKey();
  }

  // -- what came from outside

  /** Since reset. */
  get inputs(): readonly RecordedInput[] {
    return this.#inputs.all;
  }

  /** What was recorded comes again, now. */
  replay(input: RecordedInput): void {
    if (input.kind === 'console') this.console.input(input.bytes);
    else this.pressPowerKey();
  }

  /** What it takes to run this guest again from its reset to where it is. */
  get recordedRun(): RecordedRun {
    // The instruction with which a guest ends does not retire.
    const last = this.#exit === undefined ? 0n : 1n;
    return { options: this.#options, inputs: this.inputs, instructions: this.retired + last };
  }

  // -- firmware

  readonly #power: PowerControl = {
    find: (affinity) => this.#processors.find((processor) => affinityOf(processor) === affinity),
    inAffinityLevel: (affinity, level) =>
      this.#processors.filter((processor) => {
        const ignored = level === 3 ? 32n : BigInt(8 * level);
        return affinityOf(processor) >> ignored === affinity >> ignored;
      }),
    isExecutable: (entry) =>
      (entry & 3n) === 0n && this.#memory.ram.hostAddress(entry) !== undefined,
    turnOn: (affinity, entry, contextId) => {
      const target = this.#processors.find((processor) => affinityOf(processor) === affinity);
      target?.turnOn(entry, contextId, this.#scheduler.clock);
    },
  };

  #firmware(processor: Processor, call: SmcCall): void {
    const { pe } = processor;
    const { functionId, imm16 } = call;
    if (imm16 !== 0 || !isPsciFunction(functionId)) {
      call.setResult(NOT_SUPPORTED);
      return;
    }
    const action = psciCall({ functionId, arguments: call.arguments }, this.#power);
    switch (action.kind) {
      case 'return':
        call.setResult(action.value);
        return;
      case 'suspend':
        call.setResult(action.value);
        pe.requestStop({ kind: 'wfi' });
        return;
      case 'cpuOff':
        processor.power = 'off';
        pe.requestStop({ kind: 'wfi' });
        return;
      case 'systemOff':
        this.#leave(pe, { kind: 'exit', status: 0, how: 'PSCI SYSTEM_OFF' });
        return;
      case 'systemReset':
        this.#leave(pe, { kind: 'exit', status: 0, how: 'PSCI SYSTEM_RESET' });
        return;
    }
  }

  #leave(pe: ProcessingElement, exit: NonNullable<typeof this.exited>): void {
    this.#exit = exit;
    pe.requestStop();
  }

  /** How the guest ended, once it has. */
  get exited(): Extract<StopReason, { kind: 'exit' }> | undefined {
    return this.#exit;
  }

  #semihostingCall(processor: Processor): StopReason | 'continue' {
    const { pe } = processor;
    const { state } = pe;
    const result = this.#semihosting.call(Number(state.X(0) & 0xffff_ffffn), state.X(1), {
      readMemory: (address, length) => {
        const bytes = pe.peekVirtual(address, length);
        return bytes.length === length ? bytes : undefined;
      },
      writeMemory: (address, bytes) => pe.pokeVirtual(address, bytes),
      writeConsole: (bytes) => {
        for (const byte of bytes) this.console.transmit(byte);
      },
      readConsole: (limit) => Uint8Array.from(this.#typed.splice(0, limit)),
      ticks: state.retired,
      ticksPerSecond: NANOSECONDS_PER_SECOND << BigInt(this.#clockShift),
      startTime: this.#options.startTime ?? 0n,
      commandLine: this.#options.commandLine,
      heap: this.#heap(),
      guestError: (message) => {
        this.onGuestError?.('semihosting', message, state.PC);
      },
    });
    switch (result.kind) {
      case 'return':
        state.setX(0, BigInt.asUintN(64, result.value));
        pe.completeInstruction();
        return 'continue';
      case 'waitForInput':
        processor.wait('input');
        return 'continue';
      case 'exit':
        this.#exit = { kind: 'exit', status: result.status, how: 'semihosting' };
        return this.#exit;
    }
  }

  /** RAM above the image, in the region that holds its entry. */
  #heap(): { base: bigint; limit: bigint } {
    const { image, ram } = this.#options;
    const region = ram.find(({ base, size }) => {
      return image.entry >= base && image.entry < base + BigInt(size);
    }) ?? { base: RAM_BASE, size: DEFAULT_RAM_BYTES };
    const limit = region.base + BigInt(region.size);
    const ends = image.segments
      .map(({ paddr, memSize }) => paddr + BigInt(memSize))
      .filter((end) => end > region.base && end <= limit);
    const top = ends.reduce((most, end) => (end > most ? end : most), region.base);
    return { base: (top + 0xfffn) & ~0xfffn, limit };
  }

  // -- registers and memory

  readRegister(vcpu: number, name: string): bigint | undefined {
    return this.#processorOf(vcpu).registers.read(name);
  }
  writeRegister(vcpu: number, name: string, value: bigint): string | undefined {
    return this.#processorOf(vcpu).registers.write(name, value);
  }
  registerGroups(): readonly RegisterGroup[] {
    return this.#focus.registers.groups;
  }

  predictAccess(
    vcpu: number,
    name: string,
    direction: 'read' | 'write',
  ): AccessPrediction | undefined {
    return predictAccess(this.#processorOf(vcpu).pe, name, direction);
  }

  readVirtual(va: bigint, length: number): { bytes: Uint8Array; complete: boolean } {
    const bytes = this.pe.peekVirtual(va, length);
    return { bytes, complete: bytes.length === length };
  }
  writeVirtual(va: bigint, bytes: Uint8Array): number {
    let done = 0;
    while (done < bytes.length) {
      const at = BigInt.asUintN(64, va + BigInt(done));
      const inPage = Math.min(bytes.length - done, 4096 - Number(at & 0xfffn));
      if (!this.pe.pokeVirtual(at, bytes.subarray(done, done + inPage))) break;
      done += inPage;
    }
    return done;
  }

  disassemble(word: number, pc: bigint, label: (address: bigint) => string): string | undefined {
    const decoded = this.#decoder.decode(word);
    return decoded?.definition.assembly(decoded.fields, {
      pc,
      label,
      systemRegisterName: (packed, direction) => byEncoding(packed, direction)?.name,
    });
  }

  // -- the debugger's breakpoints and watchpoints

  addBreakpoint(va: bigint, onHit?: () => boolean): number {
    return this.#points.addBreakpoint(va, onHit);
  }
  removeBreakpoint(id: number): void {
    this.#points.removeBreakpoint(id);
  }
  addWatchpoint(watch: WatchRange, onHit?: (hit: WatchHit) => boolean): number {
    return this.#points.addWatchpoint(watch, onHit);
  }
  removeWatchpoint(id: number): void {
    this.#points.removeWatchpoint(id);
  }

  // -- migration

  /**
   * The guest for another host. It stays here as well: whoever takes it there forgets this machine.
   * @throws RangeError for a guest that starts at EL2, which owns its processor
   */
  depart(): MigratingGuest {
    const { kvm } = this;
    if (kvm === undefined) throw new RangeError('A guest that starts at EL2 cannot migrate.');
    return {
      idRegisters: kvm.ids.saveState(),
      processors: this.#processors.map((processor) => processor.depart()),
      scheduler: this.#scheduler.saveState(),
      retired: this.retired,
      ram: this.#saveRam(),
      devices: this.#bus.saveState(),
      inputs: this.inputs,
      typed: [...this.#typed],
      semihosting: this.#semihosting.saveState(),
    };
  }

  /**
   * Takes a guest from another host, in place of its own. Its identification registers are set first, so a host
   * that cannot keep what was promised refuses before anything else has changed.
   * @returns why not, in one sentence, or undefined
   */
  arrive(guest: MigratingGuest): string | undefined {
    const { kvm } = this;
    if (kvm === undefined) return 'A guest that starts at EL2 cannot migrate.';
    const { processors } = guest;
    if (processors.length !== this.#processors.length) {
      return `The guest has ${processors.length} processors, and this machine ${this.#processors.length}.`;
    }
    this.reset();
    const promised = kvm.ids.restoreState(guest.idRegisters);
    if (!promised.ok) return promised.reason;
    this.#restoreRam(guest.ram);
    this.#scheduler.restoreState(guest.scheduler);
    this.#focus = this.#scheduler.current;
    this.#scheduler.skipTo(guest.retired);
    this.#bus.restoreState(guest.devices);
    processors.forEach((state, cpu) => {
      this.#processorOf(cpu).arrive(state, guest.retired);
    });
    this.#inputs.restore(guest.inputs);
    this.#typed.splice(0, this.#typed.length, ...guest.typed);
    this.#semihosting.restoreState(guest.semihosting);
    return undefined;
  }

  #saveRam(): MigratingGuest['ram'] {
    const { ram } = this.#memory;
    return ram.regions.map(({ base, size }) => ({
      base,
      bytes: ram.read(base, size) ?? new Uint8Array(),
    }));
  }

  /** @throws TypeError for RAM that this machine has not */
  #restoreRam(ram: MigratingGuest['ram']): void {
    for (const { base, bytes } of ram) {
      if (!this.#memory.ram.write(base, bytes)) {
        throw new TypeError(
          `the snapshot has RAM at 0x${base.toString(16)} that this machine has not`,
        );
      }
    }
    this.#memory.flushCode();
  }

  // -- snapshots

  /** Everything that the guest can tell: processors, RAM, devices. What the debugger has set is not part of it. */
  save(): MachineSnapshot {
    return {
      retired: this.retired,
      processors: this.#processors.map((processor) => processor.saveState()),
      scheduler: this.#scheduler.saveState(),
      devices: this.#bus.saveState(),
      ram: this.#saveRam(),
      typed: [...this.#typed],
      semihosting: this.#semihosting.saveState(),
    };
  }

  /** @throws TypeError when the snapshot is of a machine with other RAM or another number of processors */
  restore(snapshot: MachineSnapshot): void {
    const { processors } = snapshot;
    if (processors.length !== this.#processors.length) {
      throw new TypeError(
        `the snapshot has ${processors.length} processors, and this machine ${this.#processors.length}`,
      );
    }
    this.#restoreRam(snapshot.ram);
    this.#bus.restoreState(snapshot.devices);
    processors.forEach((state, cpu) => {
      this.#processorOf(cpu).restoreState(state);
    });
    this.#scheduler.restoreState(snapshot.scheduler);
    this.#focus = this.#scheduler.current;
    this.#stopped = this.#focus;
    this.#typed.splice(0, this.#typed.length, ...snapshot.typed);
    this.#semihosting.restoreState(snapshot.semihosting);
    this.#inputs.truncate(snapshot.retired);
    this.#exit = undefined;
  }
}

/** Stops before the instruction at PC, which has to go past them next. */
const REPORTED_BEFORE: ReadonlySet<StopReason['kind']> = new Set([
  'breakpoint',
  'hwBreakpoint',
  'hwWatchpoint',
  'brk',
]);

/** The affinity fields of MPIDR_EL1. */
function affinityOf({ pe }: Processor): bigint {
  return pe.registers.raw('MPIDR_EL1') & AFFINITY_FIELDS;
}

function earliest(...times: readonly [bigint, ...(bigint | undefined)[]]): bigint;
function earliest(...times: readonly (bigint | undefined)[]): bigint | undefined;
function earliest(...times: readonly (bigint | undefined)[]): bigint | undefined {
  let first: bigint | undefined;
  for (const time of times) {
    if (time !== undefined && (first === undefined || time < first)) first = time;
  }
  return first;
}

export interface MachineSnapshot {
  readonly retired: bigint;
  readonly processors: readonly ProcessorState[];
  readonly scheduler: SchedulerState;
  readonly devices: unknown;
  readonly ram: readonly { readonly base: bigint; readonly bytes: Uint8Array }[];
  readonly typed: readonly number[];
  readonly semihosting: unknown;
}
