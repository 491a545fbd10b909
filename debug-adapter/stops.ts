/** Why a session stopped, in the protocol's words, and how a run goes on after each instruction or slice. */
import type { ExceptionRecord, StopReason } from './machine.ts';

/** DAP 1.68, StoppedEvent. */
export interface SessionStop {
  readonly reason:
    | 'entry'
    | 'step'
    | 'breakpoint'
    | 'function breakpoint'
    | 'instruction breakpoint'
    | 'data breakpoint'
    | 'exception'
    | 'pause'
    | 'goto'
    /** Of ours: a comment `@assert` of the source does not hold. */
    | 'assertion';
  /** Shown verbatim. */
  readonly description?: string;
  readonly text?: string;
  readonly hitBreakpointIds?: readonly number[];
  readonly exception?: ExceptionStop;
}

/** What `exceptionInfo` tells about a stop. */
export interface ExceptionStop {
  readonly exceptionId: string;
  readonly description: string;
  readonly record: ExceptionRecord | undefined;
}

/** What to do next: run freely, execute one instruction, or stop. */
export type Advance =
  | { readonly kind: 'run' }
  | { readonly kind: 'step' }
  | { readonly kind: 'stop'; readonly stop: SessionStop };

export const RUN: Advance = { kind: 'run' };
export const STEP: Advance = { kind: 'step' };

export function stopWith(stop: SessionStop): Advance {
  return { kind: 'stop', stop };
}

/** One run from a resume to the next stop. Stops that belong to the user never reach it. */
export interface RunPlan {
  begin(): Advance;
  /** After `step`, and after a run that ended at a breakpoint of the plan's own. */
  next(stop: StopReason): Advance;
  /** Removes what the plan has set. Called once, however the run ends. */
  end(): void;
}

/** Runs until something of the user's stops it. */
export const continuePlan: RunPlan = {
  begin: () => RUN,
  next: () => RUN,
  end: () => undefined,
};
