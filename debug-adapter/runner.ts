/**
 * Runs the guest in slices of at most 5 ms of wall time; between them the host delivers messages, so that a pause acts
 * at once whatever the guest does. A slice's end is no event for the guest.
 */
import type { Host } from './host.ts';
import type { DebuggedMachine, StopReason } from './machine.ts';
import type { Advance, RunPlan, SessionStop } from './stops.ts';

/** Milliseconds. */
const SLICE = 5;
/** A single call of the machine aims at this many milliseconds, so that the slice's end is met closely. */
const CALL = 2;
const LEAST_INSTRUCTIONS = 1000;
const MOST_INSTRUCTIONS = 4_000_000;

export type Ended = Extract<StopReason, { kind: 'exit' }>;

/** Decides about stops that are not the plan's. */
export interface StopJudge {
  /** The user's stop, `plan` when the plan is to judge, or `ignore`. */
  judge(stop: StopReason): SessionStop | 'plan' | 'ignore';
  /** A user's breakpoint at the pc after a single instruction. */
  breakpointAtPc(): SessionStop | undefined;
  /** Guest asked for a reset; the machine is to start again. */
  reset(): void;
  /** The machine's own `stepInstruction` and `run`, with patched instructions in their original form. */
  step(): StopReason;
  run(instructions: number, pastStop: boolean): StopReason;
}

export interface RunnerEvents {
  stopped(stop: SessionStop): void;
  ended(ended: Ended): void;
  /** After every slice, for what is reported while the guest runs. */
  sliceDone(): void;
  failed(error: unknown): void;
}

interface ActiveRun {
  readonly plan: RunPlan;
  advance: Advance;
  /** The next instruction was stopped at already. */
  pastStop: boolean;
  pauseRequested: boolean;
  cancelWait: (() => void) | undefined;
}

export class Runner {
  readonly #machine: DebuggedMachine;
  readonly #host: Host;
  readonly #judge: StopJudge;
  readonly #events: RunnerEvents;
  readonly #paced: boolean;
  #run: ActiveRun | undefined;
  #instructions = 100_000;
  /** Wall clock and virtual time at the start of the run, for pacing. */
  #anchor = { wall: 0, virtual: 0n };

  constructor(
    machine: DebuggedMachine,
    host: Host,
    judge: StopJudge,
    events: RunnerEvents,
    options: { readonly paced: boolean },
  ) {
    this.#machine = machine;
    this.#host = host;
    this.#judge = judge;
    this.#events = events;
    this.#paced = options.paced;
  }

  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** @param pastStop false at the start of a guest, where a breakpoint at the first instruction counts */
  start(plan: RunPlan, pastStop = true): void {
    if (this.#run !== undefined) throw new TypeError('The guest is running already');
    this.#anchor = { wall: this.#host.now(), virtual: this.#machine.virtualNanoseconds };
    const run: ActiveRun = {
      plan,
      advance: { kind: 'run' },
      pastStop,
      pauseRequested: false,
      cancelWait: undefined,
    };
    this.#run = run;
    run.advance = plan.begin();
    this.#host.defer(() => {
      this.#slice(run);
    });
  }

  /** Stops before the next slice. */
  pause(): void {
    const run = this.#run;
    if (run === undefined) return;
    run.pauseRequested = true;
    this.wake();
  }

  /** Ends an idle wait: there is input for the guest, or somebody wants to pause. */
  wake(): void {
    const run = this.#run;
    if (run?.cancelWait === undefined) return;
    run.cancelWait();
    run.cancelWait = undefined;
    this.#again(run);
  }

  /** Ends the run without a word: the session is over, or starts again. */
  abandon(): void {
    const run = this.#run;
    this.#run = undefined;
    run?.cancelWait?.();
    run?.plan.end();
  }

  #again(run: ActiveRun): void {
    this.#host.defer(() => {
      this.#slice(run);
    });
  }

  #slice(run: ActiveRun): void {
    if (this.#run !== run) return;
    try {
      this.#runSlice(run);
    } catch (error) {
      this.abandon();
      this.#events.failed(error);
    }
  }

  #runSlice(run: ActiveRun): void {
    const end = this.#host.now() + SLICE;
    do {
      const { advance } = run;
      if (advance.kind === 'stop') {
        this.#finish(run, advance.stop);
        return;
      }
      if (run.pauseRequested) {
        this.#finish(run, { reason: 'pause' });
        return;
      }
      const stop = advance.kind === 'step' ? this.#judge.step() : this.#call(run.pastStop);
      if (stop.kind === 'exit') {
        if (stop.how !== 'PSCI SYSTEM_RESET') {
          this.#end(run, stop);
          return;
        }
        this.#judge.reset();
        run.pastStop = false;
        continue;
      }
      if (stop.kind === 'slice') {
        run.pastStop = false;
        continue;
      }
      if (stop.kind === 'idle') {
        run.pastStop = false;
        if (this.#wait(run, stop.until)) return;
        continue;
      }
      run.pastStop = true;
      const judged = this.#judge.judge(stop);
      if (judged === 'ignore') {
        // A single instruction has been executed as asked for only when the machine says so.
        continue;
      }
      run.advance = judged === 'plan' ? run.plan.next(stop) : { kind: 'stop', stop: judged };
      if (judged === 'plan' && stop.kind === 'step') {
        const hit = this.#judge.breakpointAtPc();
        if (hit !== undefined) run.advance = { kind: 'stop', stop: hit };
      }
    } while (this.#host.now() < end);
    this.#events.sliceDone();
    this.#again(run);
  }

  #call(pastStop: boolean): StopReason {
    const before = this.#host.now();
    const stop = this.#judge.run(this.#instructions, pastStop);
    const took = this.#host.now() - before;
    if (took > CALL && this.#instructions > LEAST_INSTRUCTIONS) {
      const fraction = Math.max(0.25, CALL / took);
      this.#instructions = Math.max(LEAST_INSTRUCTIONS, Math.floor(this.#instructions * fraction));
    } else if (took < CALL / 2 && stop.kind === 'slice') {
      this.#instructions = Math.min(MOST_INSTRUCTIONS, this.#instructions * 2);
    }
    return stop;
  }

  /** Waits until the wall clock has caught up with the guest's next event. @returns false when it is due already */
  #wait(run: ActiveRun, until: bigint): boolean {
    if (!this.#paced) return false;
    const due = this.#anchor.wall + Number(until - this.#anchor.virtual) / 1e6;
    const delay = due - this.#host.now();
    if (delay < 1) return false;
    this.#events.sliceDone();
    run.cancelWait = this.#host.after(delay, () => {
      run.cancelWait = undefined;
      this.#slice(run);
    });
    return true;
  }

  #finish(run: ActiveRun, stop: SessionStop): void {
    this.#run = undefined;
    run.plan.end();
    this.#events.stopped(stop);
  }

  #end(run: ActiveRun, ended: Ended): void {
    this.#run = undefined;
    run.plan.end();
    this.#events.ended(ended);
  }
}
