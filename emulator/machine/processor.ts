/** One processor of a machine: what executes, its hypervisor, and whether it has anything to do. */
import type { PowerState } from '../board/psci.ts';
import { interruptPending } from '../cpu/exceptions.ts';
import type { ProcessingElement } from '../cpu/pe.ts';
import type { Kvm, KvmState } from '../kvm/kvm.ts';
import type { KvmExit } from '../kvm/kvm-exit.ts';
import type { MigratingProcessor } from './migration.ts';
import type { RegisterView } from './register-view.ts';
import type { ExceptionRecord } from './stop-reason.ts';

/** What a processor waits for: an interrupt, an event or an interrupt, a typed character. */
export type Wait = 'WFI' | 'WFE' | 'input';

export interface ProcessorParts {
  readonly pe: ProcessingElement;
  readonly kvm: Kvm | undefined;
  readonly registers: RegisterView;
}

/** As plain data. */
export interface ProcessorState {
  readonly pe: unknown;
  readonly kvm: KvmState | undefined;
  readonly power: PowerState;
  readonly waiting: Wait | undefined;
  readonly wakeAt: bigint | undefined;
}

export class Processor {
  readonly pe: ProcessingElement;
  readonly kvm: Kvm | undefined;
  readonly registers: RegisterView;
  power: PowerState = 'off';
  /** Why KVM_RUN returned, until the machine has looked at it. */
  kvmExit: KvmExit | undefined;
  lastException: ExceptionRecord | undefined;
  /** The PC of a stop that the debugger has been told of: the instruction there goes past it. */
  reportedAt: bigint | undefined;
  #waiting: Wait | undefined;
  /** Clock at which time alone may end the wait. */
  #wakeAt: bigint | undefined;

  constructor({ pe, kvm, registers }: ProcessorParts) {
    this.pe = pe;
    this.kvm = kvm;
    this.registers = registers;
  }

  get id(): number {
    return this.pe.cpu;
  }

  get waiting(): Wait | undefined {
    return this.#waiting;
  }

  get wakeAt(): bigint | undefined {
    return this.power === 'off' ? undefined : this.#wakeAt;
  }

  /** Cold reset; turned off. */
  reset(): void {
    this.pe.reset();
    this.power = 'off';
    this.kvmExit = undefined;
    this.lastException = undefined;
    this.reportedAt = undefined;
    this.resume();
  }

  /** PSCI CPU_ON: from `entry`, `clock` instructions after the reset of the machine. */
  turnOn(entry: bigint, contextId: bigint, clock: bigint): void {
    this.reset();
    const { state } = this.pe;
    state.retired = clock;
    state.PC = entry;
    this.kvm?.initialise(entry);
    state.setX(0, contextId);
    this.power = 'onPending';
  }

  /** Executes nothing before what it waits for has come; `resume` ends a wait for input. */
  wait(what: Wait): void {
    if (what !== 'input' && this.#interruptPending()) return;
    this.#waiting = what;
    this.#wakeAt = what === 'input' ? undefined : this.#nextWake(what);
  }

  /** The wait is over, whether or not what it was for has come: WFI and WFE permit that. */
  resume(): void {
    if (this.#waiting === 'WFE') this.pe.takeEventRegister();
    this.#waiting = undefined;
    this.#wakeAt = undefined;
  }

  /** Whether the processor has something to execute at `clock`. */
  isRunnable(clock: bigint): boolean {
    if (this.power === 'off') return false;
    const waiting = this.#waiting;
    if (waiting === undefined) return true;
    if (waiting === 'input') return false;
    if (waiting === 'WFE' && this.pe.eventRegister) return true;
    if (this.#lineIsPending()) return true;
    if (this.#wakeAt === undefined || clock < this.#wakeAt) return false;
    this.pe.state.retired = clock;
    if (this.#interruptPending()) return true;
    if (waiting === 'WFE' && this.pe.eventStreamPending) return true;
    this.#wakeAt = this.#nextWake(waiting);
    return false;
  }

  #nextWake(what: Wait): bigint | undefined {
    const { timers } = this.pe;
    const timer = timers.nextDeadline();
    const stream = what === 'WFE' ? timers.nextStreamEvent() : undefined;
    if (timer === undefined || (stream !== undefined && stream < timer)) return stream;
    return timer;
  }

  #interruptPending(): boolean {
    this.pe.timers.update();
    return this.#lineIsPending();
  }

  #lineIsPending(): boolean {
    const { pendingInterrupts, registers, state } = this.pe;
    return interruptPending(pendingInterrupts, registers.raw('HCR_EL2'), state.EL);
  }

  /** For another host. @throws TypeError without a hypervisor */
  depart(): MigratingProcessor {
    const { kvm, power } = this;
    if (kvm === undefined) throw new TypeError('a processor without a hypervisor cannot migrate');
    return {
      vcpu: kvm.saveVcpu(kvm.vcpu.id),
      power,
      waiting: this.#waiting,
      wakeAt: this.#wakeAt,
      eventRegister: this.pe.eventRegister,
    };
  }

  /** From another host, `clock` instructions after the reset of the machine there. */
  arrive(processor: MigratingProcessor, clock: bigint): void {
    const { kvm, pe } = this;
    if (kvm === undefined) throw new TypeError('a processor without a hypervisor cannot migrate');
    pe.state.retired = clock;
    kvm.restoreVcpu(kvm.vcpu.id, processor.vcpu);
    kvm.ids.freeze();
    // The host's next interrupt is due from now on.
    kvm.onHostTick();
    pe.eventRegister = processor.eventRegister;
    this.power = processor.power;
    this.#waiting = processor.waiting;
    this.#wakeAt = processor.wakeAt;
  }

  saveState(): ProcessorState {
    return {
      pe: this.pe.saveState(),
      kvm: this.kvm?.saveState(),
      power: this.power,
      waiting: this.#waiting,
      wakeAt: this.#wakeAt,
    };
  }

  restoreState({ pe, kvm, power, waiting, wakeAt }: ProcessorState): void {
    this.pe.restoreState(pe);
    if (this.kvm && kvm) this.kvm.restoreState(kvm);
    this.power = power;
    this.kvmExit = undefined;
    this.reportedAt = undefined;
    this.#waiting = waiting;
    this.#wakeAt = wakeAt;
  }
}
