/**
 * The run loop: interrupts, software step and breakpoints between instructions. Arm ARM,
 * "Synchronous exception prioritization", gives the order; `exits.ts` says what follows when the
 * engine leaves.
 */
import { EngineExits } from './exits.ts';
import type { InstructionSteps } from './exits.ts';
import { isLoadExclusive } from './debug/software-step.ts';
import { deliverableInterrupt } from './exceptions.ts';
import type { ExceptionRecord } from './exceptions.ts';
import type { ProcessingElement } from './pe.ts';
import type { PeEvent } from './pe-event.ts';
import {
  EC_BREAKPOINT_LOWER,
  EC_SERROR,
  EC_SOFTWARE_STEP_LOWER,
  FSC_DEBUG,
  softwareStepIss,
} from './syndrome.ts';

/** What the last instruction was to the software step state machine. */
interface LastStep {
  readonly stepped: boolean;
  readonly loadExclusive: boolean;
}
const NOT_STEPPED: LastStep = { stepped: false, loadExclusive: false };

export class Runner implements InstructionSteps {
  readonly #pe: ProcessingElement;
  readonly #exits: EngineExits;
  #lastStep: LastStep = NOT_STEPPED;
  /** The instruction that passes the debugger's stops, and was checked for all else before them. */
  #resumeAt: bigint | undefined;
  /** The instruction being executed began in the active-not-pending state. */
  #stepping = false;

  constructor(pe: ProcessingElement) {
    this.#pe = pe;
    this.#exits = new EngineExits(pe, this);
  }

  reset(): void {
    this.#lastStep = NOT_STEPPED;
    this.#stepping = false;
    this.#resumeAt = undefined;
  }

  saveState(): unknown {
    return { lastStep: this.#lastStep };
  }
  restoreState(state: unknown): void {
    this.reset();
    this.#lastStep = (state as { lastStep: LastStep }).lastStep;
  }

  run(budget: number, resume: boolean): PeEvent {
    const pe = this.#pe;
    const { state } = pe;
    const limit = state.retired + BigInt(budget);
    if (resume) this.#resumeAt = state.PC;
    for (;;) {
      const requested = pe.takeEvent();
      if (requested !== undefined) return requested;
      if (state.EL === 2 && pe.startEL === 1) {
        return { kind: 'el2', exception: pe.lastEl2Exception };
      }
      if (state.retired >= limit) return { kind: 'budget' };
      pe.timers.update();
      pe.pmu.update();
      const resuming = this.#resumeAt === state.PC;
      this.#resumeAt = undefined;
      if (!resuming && this.#beforeInstruction()) continue;
      pe.synchronise();
      const event = this.#execute(limit, resuming);
      if (event !== undefined) return event;
    }
  }

  /** What comes between two instructions. True when an exception was taken. */
  #beforeInstruction(): boolean {
    const pe = this.#pe;
    const { state } = pe;
    if (pe.debug.stepState === 'active-pending') {
      const { stepped, loadExclusive } = this.#lastStep;
      this.#exits.debugException(EC_SOFTWARE_STEP_LOWER, softwareStepIss(stepped, loadExclusive));
      return true;
    }
    const interrupt = deliverableInterrupt(pe.pendingInterrupts, this.#exits.HCR_EL2, state);
    if (interrupt === undefined) return false;
    const { kind, targetEL, virtual } = interrupt;
    // HCR_EL2.VSE is cleared by taking the virtual SError; the other virtual interrupts are levels.
    if (kind === 'SError' && virtual) {
      pe.registers.write('HCR_EL2', pe.registers.raw('HCR_EL2') & ~(1n << 8n));
    }
    pe.takeException({
      kind,
      targetEL,
      preferredReturn: state.PC,
      // IDS = 0 and DFSC = 0: an uncategorized SError.
      ...(kind === 'SError' && { EC: EC_SERROR, ISS: 0 }),
    });
    return true;
  }

  /** Runs the engine once. An event ends the run. */
  #execute(limit: bigint, resume: boolean): PeEvent | undefined {
    const pe = this.#pe;
    const { state, debug } = pe;
    const stepping = debug.stepState === 'active-not-pending';
    const untilSample = pe.spe.untilSample;
    const isChecked = stepping || state.IL || state.BTYPE !== 0 || untilSample === 1;
    if (resume || isChecked || debug.firesInThisContext) {
      return this.#executeOne(stepping, resume, untilSample);
    }
    this.#lastStep = NOT_STEPPED;
    this.#stepping = false;
    const deadline = pe.nextDeadline();
    const until = deadline !== undefined && deadline < limit ? deadline : limit;
    const before = state.retired;
    const budget = Number(until - before);
    const exit = pe.engine.run(
      untilSample === undefined ? budget : Math.min(budget, untilSample - 1),
    );
    if (untilSample !== undefined) pe.spe.passed(Number(state.retired - before));
    const isAlone =
      exit === 'BREAKPOINT' || (exit === 'HOST_FAULT' && pe.memory.takeDeviceAccess());
    if (isAlone) return this.#executeOne(false, false, pe.spe.untilSample);
    const stopsBefore = exit === 'BUDGET' || pe.memory.stopsForDebugger;
    if (untilSample !== undefined && !stopsBefore) pe.spe.passed(1);
    return this.#exits.handle(exit);
  }

  /**
   * One instruction with every check before it made here. `resume` passes the debugger's stops. It is sampled
   * when `untilSample` is 1.
   */
  #executeOne(
    stepping: boolean,
    resume: boolean,
    untilSample: number | undefined,
  ): PeEvent | undefined {
    const pe = this.#pe;
    const { state, memory } = pe;
    const pc = state.PC;
    this.#stepping = stepping;
    if ((pc & 3n) !== 0n) return this.#exits.handle('PC_ALIGNMENT');
    const fault = memory.fetchFault(pc);
    if (fault !== undefined) return this.#exits.handleFault(fault);
    if (!resume && pe.machineBreakpoints.has(pc)) return { kind: 'machineBreakpoint', pc };
    if (pe.debug.breakpointAt(pc) !== undefined) {
      this.#exits.debugException(EC_BREAKPOINT_LOWER, FSC_DEBUG);
      return undefined;
    }
    if (state.IL) return this.#exits.handle('ILLEGAL_STATE');
    if (state.BTYPE !== 0 && pe.refusesBranch()) {
      this.#exits.branchTargetException();
      return undefined;
    }

    const isSampled = untilSample === 1;
    const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = stepping || isSampled ? memory.peek(pc, 4) : [];
    const word = (b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0;
    const loadExclusive = stepping && isLoadExclusive(word);
    if (isSampled) pe.spe.begin(word);
    memory.ignoreMachineWatchpoints = resume;
    memory.devicesAnswer = true;
    let exit = pe.engine.runOne();
    // The page was not entered before, so the engine met the mark: now it finds what is beneath.
    if (exit === 'BREAKPOINT') exit = pe.engine.runOne();
    memory.ignoreMachineWatchpoints = false;
    memory.devicesAnswer = false;
    const stopsBefore = exit === 'BREAKPOINT' || memory.stopsForDebugger;
    if (stopsBefore) pe.spe.cancel();
    else if (untilSample !== undefined && !isSampled) pe.spe.passed(1);
    if (exit === 'BUDGET' || exit === 'PC_ALIGNMENT' || exit === 'HOST_FAULT') {
      // A branch to where nothing can be fetched has retired.
      if (exit === 'BUDGET' || state.PC !== pc) this.advanceStep(loadExclusive);
    }
    const event = exit === 'BREAKPOINT' ? undefined : this.#exits.handle(exit);
    pe.spe.finish({ next: state.PC, exception: false, retired: true });
    return event;
  }

  /** Arm ARM, SSAdvance(). */
  advanceStep(loadExclusive = false): void {
    if (!this.#stepping) {
      this.#lastStep = NOT_STEPPED;
      return;
    }
    this.#stepping = false;
    this.#pe.state.SS = 0;
    this.#lastStep = { stepped: true, loadExclusive };
  }

  completeInstruction(): void {
    const { state } = this.#pe;
    state.PC = BigInt.asUintN(64, state.PC + 4n);
    state.retired += 1n;
    state.BTYPE = 0;
    this.advanceStep();
  }

  exceptionTaken({ kind }: ExceptionRecord): void {
    this.#stepping = false;
    if (kind !== 'Synchronous') this.#lastStep = NOT_STEPPED;
  }

  /** ERET sets PSTATE.SS itself; the step state machine sees an instruction that was not stepped. */
  exceptionReturned(): void {
    this.#stepping = false;
    this.#lastStep = NOT_STEPPED;
  }
}
