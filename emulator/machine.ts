/**
 * A board with one processor: RAM, devices, firmware, and the hypervisor where the guest starts at
 * EL1. Synchronous and deterministic: nothing here reads a clock, and a run repeats exactly.
 */
import { boardDeviceTree } from './board/device-tree.ts';
import { flattenDeviceTree } from './board/flattened-device-tree.ts';
import { DEFAULT_RAM_BYTES, RAM_BASE } from './board/virt-map.ts';
import { isPsciFunction, NOT_SUPPORTED, psciCall } from './board/psci.ts';
import { Semihosting } from './board/semihosting.ts';
import { deliverableInterrupt, interruptPending } from './cpu/exceptions.ts';
import { ProcessingElement } from './cpu/pe.ts';
import type { ExceptionRecord as PeExceptionRecord, PeEvent, SmcCall } from './cpu/pe.ts';
import { SystemBus } from './devices/bus.ts';
import { createDecoder } from './isa/decode.ts';
import { allDefinitions } from './isa/definitions.ts';
import { BoardDevices } from './machine/board-devices.ts';
import type { GicVersion } from './machine/board-devices.ts';
import { SerialConsole } from './machine/console.ts';
import { DebugPoints } from './machine/debug-points.ts';
import type { WatchHit, WatchRange } from './machine/debug-points.ts';
import { guestRegistersOf, installKvm, requireHostProfile, stopOf } from './machine/hypervisor.ts';
import { InputRecord } from './machine/recorded-input.ts';
import type { RecordedInput } from './machine/recorded-input.ts';
import { RegisterView } from './machine/register-view.ts';
import type { RegisterGroup } from './machine/register-view.ts';
import { exceptionRecord } from './machine/stop-reason.ts';
import type { ExceptionRecord, StopReason } from './machine/stop-reason.ts';
import type { HostActivity } from './kvm/host-activity.ts';
import type { HostProfile } from './kvm/host-profile.ts';
import type { Kvm, KvmState } from './kvm/kvm.ts';
import type { KvmExit } from './kvm/kvm-exit.ts';
import { byEncoding } from './sysregs/catalogue.ts';
import { defaultCpuModel, requireCpuModel } from './sysregs/cpu-model.ts';

export type { ExceptionRecord, StopReason } from './machine/stop-reason.ts';

export interface ImageSegment {
  /** Physical address of the first byte. */
  readonly paddr: bigint;
  readonly bytes: Uint8Array;
  /** Bytes in memory; those past `bytes` are zero. */
  readonly memSize: number;
}

export interface MachineOptions {
  readonly image: { readonly segments: readonly ImageSegment[]; readonly entry: bigint };
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
  /** RAM, ascending, without overlaps; the segments lie inside. Sizes in bytes, multiples of 4096. */
  readonly ram: readonly { readonly base: bigint; readonly size: number }[];
  /** Version of the interrupt controller. Default 2. */
  readonly gic?: GicVersion;
  /** What semihosting SYS_GET_CMDLINE answers. */
  readonly commandLine: string;
  /** Checks the hypervisor's invariants at each of its events and throws on a violation. Default false. */
  readonly checkInvariants?: boolean;
}

/** A run that can be made again, on this machine or another. */
export interface RecordedRun {
  readonly options: MachineOptions;
  readonly inputs: readonly RecordedInput[];
  /** Retired instructions since reset. */
  readonly instructions: bigint;
}

/** 1 GHz notional: one instruction is one nanosecond of virtual time. */
const NANOSECONDS_PER_INSTRUCTION = 1n;
const INSTRUCTIONS_PER_SECOND = 1_000_000_000n;
/** How long a guest that waits for a key sleeps before the console is looked at again, in virtual nanoseconds. */
const INPUT_POLL = 10_000_000n;
/** Seconds since 1970 at reset. */
const START_TIME = 0n;
/** What QEMU sets aside for the device tree of its board. */
const DEVICE_TREE_BYTES = 1 << 20;

export class Machine {
  readonly vcpus = [{ id: 0, name: 'CPU0' }] as const;
  readonly currentVcpu = 0;
  readonly console: SerialConsole;
  onException: ((exception: ExceptionRecord) => boolean) | undefined;
  onGuestError: ((device: string, message: string, pc: bigint) => void) | undefined;

  readonly pe: ProcessingElement;
  /** The hypervisor of a guest that starts at EL1. */
  readonly kvm: Kvm | undefined;
  readonly #options: MachineOptions;
  readonly #bus = new SystemBus();
  readonly #devices: BoardDevices;
  readonly #semihosting = new Semihosting();
  readonly #points: DebugPoints;
  readonly #registers: RegisterView;
  readonly #decoder = createDecoder(allDefinitions);
  readonly #typed: number[] = [];
  readonly #inputs = new InputRecord();
  #exit: Extract<StopReason, { kind: 'exit' }> | undefined;
  #kvmExit: KvmExit | undefined;
  #lastException: ExceptionRecord | undefined;
  /** The PC of a guest that waits for an interrupt, behind its WFI. */
  #waitingAt: bigint | undefined;
  /** PSCI CPU_OFF: nothing wakes the processor, and no other one can turn it on. */
  #isOff = false;

  /** @throws RangeError for a host profile, CPU model or policy that does not exist */
  constructor(options: MachineOptions) {
    this.#options = options;
    const { gic = 2, cpu = defaultCpuModel.name } = options;
    const host = requireHostProfile(options.hostProfile);
    const model = requireCpuModel(cpu);
    const processor = { ...host.processor, model, FEAT_GICv3: gic === 3 };
    const profile: HostProfile = { ...host, processor };
    this.pe = new ProcessingElement({
      profile: processor,
      memory: options.ram,
      bus: this.#bus,
      startEL: options.el,
    });
    this.#devices = new BoardDevices({
      pe: this.pe,
      bus: this.#bus,
      gic,
      transmit: (byte) => {
        this.console.transmit(byte);
      },
      now: () => this.virtualNanoseconds,
      startTime: START_TIME,
      events: {
        guestError: (device, message) => {
          this.onGuestError?.(device, message, this.pe.state.PC);
        },
      },
    });
    this.console = new SerialConsole((bytes) => {
      this.#inputs.add({ kind: 'console', retired: this.retired, bytes: bytes.slice() });
      this.#typed.push(...bytes);
      this.#devices.uart.receive(bytes);
    });
    this.pe.firmware = (call) => {
      this.#firmware(call);
    };
    this.pe.exceptionHook = (record) => {
      return this.#exceptionTaken(record, this.pe.registers.raw(`SPSR_EL${record.targetEL}`));
    };
    this.kvm = options.el === 1 ? this.#underKvm(profile) : undefined;
    this.#points = new DebugPoints(this.pe);
    this.#registers = new RegisterView(this.pe, this.kvm && guestRegistersOf(this.kvm));
    this.reset();
  }

  #underKvm(profile: HostProfile): Kvm {
    const kvm = installKvm(this.pe, {
      profile,
      policy: this.#options.policy,
      fpPolicy: this.#options.fpPolicy,
      hostActivity: this.#options.hostActivity,
      checkInvariants: this.#options.checkInvariants ?? false,
      exited: (exit) => {
        this.#kvmExit = exit;
      },
      turnedOff: () => {
        this.#isOff = true;
      },
    });
    kvm.ws.injected = (record) => {
      const stops = this.#exceptionTaken(record, this.pe.registers.raw('SPSR_EL1'));
      if (stops) this.pe.requestStop({ kind: 'exceptionTaken', exception: record });
    };
    return kvm;
  }

  #exceptionTaken(record: PeExceptionRecord, SPSR: bigint): boolean {
    const exception = exceptionRecord(record, SPSR, this.retired);
    this.#lastException = exception;
    return this.onException?.(exception) ?? false;
  }

  get retired(): bigint {
    return this.pe.state.retired;
  }
  get virtualNanoseconds(): bigint {
    return this.retired * NANOSECONDS_PER_INSTRUCTION;
  }

  /** Cold reset with the image loaded; what the debugger has set stays. */
  reset(): void {
    const { pe } = this;
    pe.engine.ram.clear();
    pe.reset();
    this.#bus.reset();
    this.console.discard();
    this.#typed.length = 0;
    this.#inputs.reset();
    this.#exit = undefined;
    this.#waitingAt = undefined;
    this.#isOff = false;
    for (const { paddr, bytes } of this.#options.image.segments) {
      if (!pe.engine.writePhysical(paddr, bytes)) {
        throw new RangeError(`the image's segment at 0x${paddr.toString(16)} is not inside RAM`);
      }
    }
    this.#placeDeviceTree();
    pe.engine.flushCode();
    pe.state.PC = this.#options.image.entry;
    this.#kvmExit = undefined;
    this.kvm?.reset(this.#options.image.entry);
  }

  /**
   * As on QEMU's board: for an ELF the device tree is at the start of RAM where the image leaves it
   * room, and X0 is 0.
   */
  #placeDeviceTree(): void {
    const { image, ram, el, commandLine, gic = 2 } = this.#options;
    const main = ram.find(({ base }) => base === RAM_BASE);
    if (main === undefined || main.size < DEVICE_TREE_BYTES) return;
    const end = RAM_BASE + BigInt(DEVICE_TREE_BYTES);
    const isTaken = image.segments.some(({ paddr, memSize }) => {
      return paddr < end && paddr + BigInt(memSize) > RAM_BASE;
    });
    if (isTaken) return;
    const tree = boardDeviceTree({
      cpus: this.vcpus.length,
      ram,
      el,
      gic,
      bootargs: commandLine,
    });
    this.pe.engine.writePhysical(RAM_BASE, flattenDeviceTree(tree));
  }

  // -- running

  run(options: { readonly instructions: number; readonly pastStop: boolean }): StopReason {
    const stop = this.#run(options.instructions, options.pastStop);
    this.console.flush();
    return stop;
  }

  stepInstruction(): StopReason {
    this.#lastException = undefined;
    this.#waitingAt = undefined;
    const { pe } = this;
    this.#devices.rtc.update();
    pe.timers.update();
    const HCR_EL2 = pe.registers.raw('HCR_EL2');
    const interrupt = deliverableInterrupt(pe.pendingInterrupts, HCR_EL2, pe.state);
    // An interrupt comes before the instruction, and before what has been reported for it.
    const stop = this.#run(1, interrupt === undefined);
    this.console.flush();
    if (stop.kind !== 'slice' && stop.kind !== 'exception') return stop;
    const exception = this.#lastException as ExceptionRecord | undefined;
    return exception === undefined ? { kind: 'step' } : { kind: 'step', exception };
  }

  #run(instructions: number, pastStop: boolean): StopReason {
    const { pe, kvm } = this;
    const end = this.retired + BigInt(instructions);
    let resume = pastStop;
    if (pastStop) kvm?.goPast();
    while (this.#exit === undefined) {
      if (this.#isOff) return this.#idle();
      this.#devices.rtc.update();
      if (this.#stillWaits()) return this.#idle();
      if (this.retired >= end) return { kind: 'slice' };
      kvm?.resume();
      if (kvm !== undefined && this.retired >= kvm.nextTick) kvm.onHostTick();
      else {
        const tick = earliest(end, kvm?.nextTick, this.#devices.rtc.deadline);
        const event = pe.run(Number(tick - this.retired), { resume });
        resume = false;
        const stop = this.#handle(event);
        if (stop === 'resume') resume = true;
        else if (stop !== 'continue') return stop;
      }
    }
    return this.#exit;
  }

  /** A stop, or how to go on: `resume` past what the event reported. */
  #handle(event: PeEvent): StopReason | 'continue' | 'resume' {
    const { state } = this.pe;
    switch (event.kind) {
      case 'budget':
        return 'continue';
      case 'stopped':
        return this.#kvmReturned();
      case 'machineBreakpoint': {
        const ids = this.#points.breakpointsThatStop(event.pc);
        return ids.length > 0 ? { kind: 'breakpoint', pc: event.pc, ids } : 'resume';
      }
      case 'machineWatchpoint':
        return this.#watched(event);
      case 'exceptionTaken':
        return this.#lastException
          ? { kind: 'exception', exception: this.#lastException }
          : 'continue';
      case 'wfi':
        return this.#idle();
      case 'halt':
        return this.#semihostingCall();
      case 'el2':
        throw new TypeError('an exception was taken to EL2 where there is nobody');
      case 'unimplemented':
        return {
          kind: 'unimplemented',
          what: event.what,
          pc: event.resumable ? event.pc : state.PC,
        };
    }
  }

  /** KVM_RUN has returned to this machine, which is its VMM. */
  #kvmReturned(): StopReason | 'continue' {
    const exit = this.#kvmExit;
    this.#kvmExit = undefined;
    if (exit === undefined) return 'continue';
    const stop = stopOf(exit);
    if (stop === 'idle') return this.#idle();
    if (stop.kind === 'exit') this.#exit = stop;
    return stop;
  }

  /** The access is made, then the watchpoints are asked with the bytes before and after it. */
  #watched(
    event: Extract<PeEvent, { kind: 'machineWatchpoint' }>,
  ): StopReason | 'continue' | 'resume' {
    const { address, size, isWrite, pc } = event;
    const touched = this.#points.watchedBytes(address, size, isWrite);
    const after = this.pe.run(1, { resume: true });
    const ids = this.#points.watchpointsThatStop(touched, isWrite);
    const [first] = touched;
    if (ids.length === 0 || first === undefined) return this.#handle(after);
    const { watchpoint, old } = touched.find((entry) => ids.includes(entry.watchpoint.id)) ?? first;
    return {
      kind: 'watchpoint',
      ids,
      address: watchpoint.address,
      size: watchpoint.length,
      isWrite,
      old,
      new: this.pe.peekVirtual(watchpoint.address, watchpoint.length).slice(),
      pc,
    };
  }

  /** WFI: virtual time moves to the next deadline, or on to where the console is looked at. */
  #idle(): StopReason {
    const { pe } = this;
    // CPU_SUSPEND does not look for itself whether there is something to wait for.
    if (!this.#isOff && this.#interruptPending()) return this.#waitUntil(pe.state.retired);
    const deadline = earliest(pe.nextDeadline(), this.#devices.rtc.deadline);
    const poll = this.#devices.inputInterrupts ? pe.state.retired + INPUT_POLL : undefined;
    const until = earliest(deadline, poll);
    if (until === undefined || this.#isOff) {
      this.#waitingAt = undefined;
      return { kind: 'wfiDeadlock', pc: pe.state.PC - 4n };
    }
    this.#waitingAt = until === deadline ? undefined : pe.state.PC;
    return this.#waitUntil(until);
  }

  /** Whether the guest is still where it began to wait, and no interrupt has come. */
  #stillWaits(): boolean {
    if (this.#waitingAt === undefined) return false;
    if (this.pe.state.PC === this.#waitingAt && !this.#interruptPending()) return true;
    this.#waitingAt = undefined;
    return false;
  }

  #interruptPending(): boolean {
    this.pe.timers.update();
    const { pendingInterrupts, registers, state } = this.pe;
    return interruptPending(pendingInterrupts, registers.raw('HCR_EL2'), state.EL);
  }

  #waitUntil(retired: bigint): StopReason {
    const { state } = this.pe;
    if (retired > state.retired) state.retired = retired;
    return { kind: 'idle', until: state.retired * NANOSECONDS_PER_INSTRUCTION };
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

  #firmware(call: SmcCall): void {
    const { functionId, imm16 } = call;
    if (imm16 !== 0 || !isPsciFunction(functionId)) {
      call.setResult(NOT_SUPPORTED);
      return;
    }
    const MPIDR_EL1 = this.pe.registers.raw('MPIDR_EL1');
    const action = psciCall({ functionId, arguments: call.arguments, MPIDR_EL1 });
    switch (action.kind) {
      case 'return':
        call.setResult(action.value);
        return;
      case 'suspend':
        call.setResult(action.value);
        this.pe.requestStop({ kind: 'wfi' });
        return;
      case 'cpuOff':
        this.#isOff = true;
        this.pe.requestStop({ kind: 'wfi' });
        return;
      case 'systemOff':
        this.#leave({ kind: 'exit', status: 0, how: 'PSCI SYSTEM_OFF' });
        return;
      case 'systemReset':
        this.#leave({ kind: 'exit', status: 0, how: 'PSCI SYSTEM_RESET' });
        return;
    }
  }

  #leave(exit: NonNullable<typeof this.exited>): void {
    this.#exit = exit;
    this.pe.requestStop();
  }

  /** How the guest ended, once it has. */
  get exited(): Extract<StopReason, { kind: 'exit' }> | undefined {
    return this.#exit;
  }

  #semihostingCall(): StopReason | 'continue' {
    const { pe } = this;
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
      ticksPerSecond: INSTRUCTIONS_PER_SECOND,
      startTime: START_TIME,
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
        return this.#waitUntil(state.retired + INPUT_POLL);
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

  readRegister(_vcpu: number, name: string): bigint | undefined {
    return this.#registers.read(name);
  }
  writeRegister(_vcpu: number, name: string, value: bigint): string | undefined {
    return this.#registers.write(name, value);
  }
  registerGroups(): readonly RegisterGroup[] {
    return this.#registers.groups;
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

  // -- snapshots

  /** Everything that the guest can tell: processor, RAM, devices. What the debugger has set is not part of it. */
  save(): MachineSnapshot {
    return {
      retired: this.retired,
      processor: this.pe.saveState(),
      kvm: this.kvm?.saveState(),
      devices: this.#bus.saveState(),
      ram: this.pe.engine.ram.regions.map(({ base, size }) => ({
        base,
        bytes: this.pe.engine.readPhysical(base, size) ?? new Uint8Array(),
      })),
      typed: [...this.#typed],
      waitingAt: this.#waitingAt,
      isOff: this.#isOff,
    };
  }

  /** @throws TypeError when the snapshot is of a machine with other RAM */
  restore(snapshot: MachineSnapshot): void {
    for (const { base, bytes } of snapshot.ram) {
      if (!this.pe.engine.ram.write(base, bytes)) {
        throw new TypeError(
          `the snapshot has RAM at 0x${base.toString(16)} that this machine has not`,
        );
      }
    }
    this.pe.engine.flushCode();
    this.#bus.restoreState(snapshot.devices);
    this.pe.restoreState(snapshot.processor);
    if (this.kvm && snapshot.kvm) this.kvm.restoreState(snapshot.kvm);
    this.#kvmExit = undefined;
    this.#typed.splice(0, this.#typed.length, ...snapshot.typed);
    this.#inputs.truncate(snapshot.retired);
    this.#exit = undefined;
    this.#waitingAt = snapshot.waitingAt;
    this.#isOff = snapshot.isOff;
  }
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
  readonly processor: unknown;
  readonly kvm: KvmState | undefined;
  readonly devices: unknown;
  readonly ram: readonly { readonly base: bigint; readonly bytes: Uint8Array }[];
  readonly typed: readonly number[];
  readonly waitingAt: bigint | undefined;
  readonly isOff: boolean;
}
