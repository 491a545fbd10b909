/** What the stops of the machine mean for the session: the user's stops are told apart from those of a plan. */
import type { Debuggee } from './debuggee.ts';
import type { StopReason } from './machine.ts';
import type { StopJudge } from './runner.ts';
import type { SessionStop } from './stops.ts';

export class DebuggeeJudge implements StopJudge {
  readonly #debuggee: Debuggee;
  readonly #toldUnimplemented = new Set<string>();

  constructor(debuggee: Debuggee) {
    this.#debuggee = debuggee;
  }

  judge(stop: StopReason): SessionStop | 'plan' | 'ignore' {
    switch (stop.kind) {
      case 'step':
        return 'plan';
      case 'breakpoint': {
        const hit = this.#debuggee.breakpoints.judge(stop);
        return hit === undefined || hit === false ? 'plan' : hit;
      }
      case 'hwBreakpoint':
      case 'watchpoint':
      case 'hwWatchpoint': {
        const hit = this.#debuggee.breakpoints.judge(stop);
        return hit === undefined || hit === false ? 'ignore' : hit;
      }
      case 'brk': {
        const hit = this.#debuggee.breakpoints.judge(stop);
        if (hit === false) return 'ignore';
        return (
          hit ?? { reason: 'breakpoint', description: `Paused on BRK #0x${stop.imm.toString(16)}` }
        );
      }
      case 'exception': {
        const exception = this.#debuggee.exceptions.explain(stop.exception);
        return {
          reason: 'exception',
          description: `Paused on: ${exception.exceptionId}`,
          text: exception.description.split('\n')[0] ?? exception.exceptionId,
          exception,
        };
      }
      case 'wfiDeadlock':
        return this.#deadlock(stop);
      case 'unimplemented':
        this.#tellUnimplemented(stop);
        return 'ignore';
      case 'slice':
      case 'idle':
      case 'waiting':
      case 'exit':
        throw new TypeError(`A stop of kind "${stop.kind}" is the runner's to handle`);
    }
  }

  breakpointAtPc(): SessionStop | undefined {
    return this.#debuggee.breakpoints.judgeAt(this.#debuggee.pc);
  }

  reset(): void {
    this.#debuggee.reset();
    this.#debuggee.write({
      category: 'console',
      text: 'The guest asked for a reset (PSCI SYSTEM_RESET) and starts again.\n',
    });
  }

  step(): StopReason {
    const { machine, memory, pc } = this.#debuggee;
    return memory.withoutPatch(pc, () => machine.stepInstruction({ idle: 'wait' }));
  }

  run(instructions: number, pastStop: boolean): StopReason {
    const { machine, memory, pc } = this.#debuggee;
    if (pastStop && memory.isPatched(pc)) {
      // The BRK that has stopped the guest makes way for the instruction that it stands for.
      const stop = this.step();
      return stop.kind === 'step' ? { kind: 'slice' } : stop;
    }
    return machine.run({ instructions, pastStop, idle: 'wait' });
  }

  #deadlock({ pc, instruction }: Extract<StopReason, { kind: 'wfiDeadlock' }>): SessionStop {
    const at = this.#debuggee.describe(pc);
    const [what, waitsFor, advice] =
      instruction === 'WFE'
        ? ([
            'an event',
            'interrupt, event stream or other processor',
            'CNTKCTL_EL1.EVNTEN, ',
          ] as const)
        : (['an interrupt', 'interrupt source', ''] as const);
    return {
      reason: 'exception',
      description: `Paused: the guest waits for ${what} that cannot come`,
      text: `${instruction} at ${at}`,
      exception: {
        exceptionId: `${instruction} with nothing to wake it`,
        description:
          `The guest executed ${instruction} at ${at}, and no ${waitsFor} that could end the wait is enabled. ` +
          `Look at PSTATE.I, the timer controls (${advice}CNTP_CTL_EL0, CNTV_CTL_EL0) and the interrupt controller, or stop the session if the program is done.`,
        record: undefined,
      },
    };
  }

  #tellUnimplemented({ what, pc }: Extract<StopReason, { kind: 'unimplemented' }>): void {
    const key = `${what} ${pc}`;
    if (this.#toldUnimplemented.has(key)) return;
    this.#toldUnimplemented.add(key);
    this.#debuggee.write({
      category: 'console',
      text: `Not implemented by this machine: ${what}, at ${this.#debuggee.describe(pc)}. The guest gets the architecture's answer for a processor without it.\n`,
    });
  }
}
