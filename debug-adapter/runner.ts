/**
 * Runs the guest in slices of at most 5 ms of wall time; between them the host delivers messages, so that a pause acts
 * at once whatever the guest does. A slice's end is no event for the guest. While the guest waits, its time passes as
 * fast as `Pacing` lets it.
 */
import type { Host } from './host.ts';
import type { DebuggedMachine, StopReason } from './machine.ts';
import { Pacing } from './pacing.ts';
import type { Advance, RunPlan, SessionStop } from './stops.ts';

/** Milliseconds. */
const SLICE = 5;
/** A single call of the machine aims at this many milliseconds, so that the slice's end is met closely. */
const CALL = 2;
/** What timers of hosts cannot wait for, in milliseconds. */
const SHORTEST_WAIT = 1;
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
  wait: Wait | undefined;
}

/** The guest waits, and so does the host. */
interface Wait {
  /** When the guest's next event is due, in virtual nanoseconds; undefined: it waits for input alone. */
  readonly until: bigint | undefined;
  readonly cancel: () => void;
}

const NEVER = (): void => {
  // Nothing was to be called back.
};

export class Runner {
  readonly #machine: DebuggedMachine;
  readonly #host: Host;
  readonly #judge: StopJudge;
  readonly #events: RunnerEvents;
  /** Undefined: idle time is skipped. */
  readonly #pacing: Pacing | undefined;
  #run: ActiveRun | undefined;
  #instructions = 100_000;

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
    this.#pacing = options.paced ? new Pacing() : undefined;
  }

  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** @param pastStop false at the start of a guest, where a breakpoint at the first instruction counts */
  start(plan: RunPlan, pastStop = true): void {
    if (this.#run !== undefined) throw new TypeError('The guest is running already');
    this.#pacing?.begin(this.#host.now(), this.#machine.virtualNanoseconds);
    const run: ActiveRun = {
      plan,
      advance: { kind: 'run' },
      pastStop,
      pauseRequested: false,
      wait: undefined,
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

  /**
   * Ends an idle wait: there will be input for the guest, or somebody wants to pause. The guest's clock is moved on by
   * what has passed, so that input comes when it was typed.
   */
  wake(): void {
    const run = this.#run;
    if (run?.wait === undefined) return;
    const { until, cancel } = run.wait;
    cancel();
    run.wait = undefined;
    const now = this.#pacing?.virtualAt(this.#host.now());
    if (now !== undefined) {
      this.#machine.passTime(until !== undefined && until < now ? until : now);
    }
    this.#again(run);
  }

  /** Ends the run without a word: the session is over, or starts again. */
  abandon(): void {
    const run = this.#run;
    this.#run = undefined;
    run?.wait?.cancel();
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
      if (stop.kind === 'waiting') {
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

  /**
   * Waits until the guest's next event is due, or for input alone; the guest's clock moves on then.
   * @returns false when it is due already
   */
  #wait(run: ActiveRun, until: bigint | undefined): boolean {
    const { virtualNanoseconds } = this.#machine;
    const delay =
      until === undefined
        ? undefined
        : (this.#pacing?.delay(this.#host.now(), virtualNanoseconds, until) ?? 0);
    if (until !== undefined && delay !== undefined && delay < SHORTEST_WAIT) {
      this.#machine.passTime(until);
      return false;
    }
    this.#events.sliceDone();
    const passed = (): void => {
      run.wait = undefined;
      if (until !== undefined) this.#machine.passTime(until);
      this.#slice(run);
    };
    const cancel = delay === undefined ? NEVER : this.#host.after(delay, passed);
    run.wait = { until, cancel };
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
