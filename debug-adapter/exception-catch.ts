/** Decides, for every exception that the guest takes, whether to stop at its vector. */
import { conditionCompiler } from './breakpoints/expressions.ts';
import { UserError } from './errors.ts';
import {
  EXCEPTION_FILTERS,
  ExceptionHistory,
  exceptionName,
  explainException,
  hasHandler,
  LOOP,
  NO_HANDLER,
  type ExceptionFilter,
} from './exceptions.ts';
import { livePlaces, type ContextGuest } from './expression-context.ts';
import type { ExceptionRecord } from './machine.ts';
import type { ExceptionStop } from './stops.ts';
import type { DebugProtocol } from '@vscode/debugprotocol';

interface ActiveFilter {
  readonly filter: ExceptionFilter;
  readonly condition: (() => boolean) | undefined;
}

export interface CatchingGuest extends ContextGuest {
  describe(address: bigint): string;
}

export class ExceptionCatch {
  /** Of each vCPU. */
  readonly #histories = new Map<number, ExceptionHistory>();
  readonly #guest: CatchingGuest;
  #active: readonly ActiveFilter[];
  #why: { readonly record: ExceptionRecord; readonly filter: ExceptionFilter } | undefined;

  constructor(guest: CatchingGuest) {
    this.#guest = guest;
    // A client that never sets filters gets those that are on by default.
    this.#active = EXCEPTION_FILTERS.filter((it) => it.default).map((filter) => ({
      filter,
      condition: undefined,
    }));
    guest.machine.onException = (record) => this.#taken(record);
  }

  /** What the current vCPU has taken. */
  get history(): ExceptionHistory {
    const { machine } = this.#guest;
    let history = this.#histories.get(machine.currentVcpu);
    if (history === undefined) {
      history = new ExceptionHistory(machine);
      this.#histories.set(machine.currentVcpu, history);
    }
    return history;
  }

  clear(): void {
    this.#histories.clear();
    this.#why = undefined;
  }

  /** DAP setExceptionBreakpoints: one answer per filter, then per filter option. */
  set({
    filters,
    filterOptions = [],
  }: DebugProtocol.SetExceptionBreakpointsArguments): DebugProtocol.Breakpoint[] {
    const active: ActiveFilter[] = [];
    const add = (filterId: string, condition: string | undefined): DebugProtocol.Breakpoint => {
      const filter = EXCEPTION_FILTERS.find((it) => it.filter === filterId);
      if (filter === undefined) {
        return { verified: false, message: `There is no exception filter "${filterId}".` };
      }
      try {
        active.push({ filter, condition: this.#compile(condition) });
        return { verified: true };
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        return { verified: false, message: error.message };
      }
    };
    const answers = [
      ...filters.map((filterId) => add(filterId, undefined)),
      ...filterOptions.map(({ filterId, condition }) => add(filterId, condition)),
    ];
    this.#active = active;
    return answers;
  }

  /** What a stop of kind `exception` is about. */
  explain(record: ExceptionRecord): ExceptionStop {
    const why = this.#why?.record === record ? this.#why.filter.filter : undefined;
    const kind = why === NO_HANDLER || why === LOOP ? why : 'filter';
    const label =
      kind === NO_HANDLER
        ? 'Exception with no handler'
        : kind === LOOP
          ? 'Exception loop'
          : exceptionName(record);
    return {
      exceptionId: label === exceptionName(record) ? label : `${label}: ${exceptionName(record)}`,
      description: explainException(
        record,
        kind === NO_HANDLER ? 'noHandler' : kind === LOOP ? 'loop' : 'filter',
        (address) => this.#guest.describe(address),
      ),
      record,
    };
  }

  #taken(record: ExceptionRecord): boolean {
    const isLoop = this.history.add(record);
    for (const { filter, condition } of this.#active) {
      if (!this.#matches(filter, record, isLoop)) continue;
      if (condition !== undefined && !holds(condition)) continue;
      this.#why = { record, filter };
      return true;
    }
    return false;
  }

  #matches(filter: ExceptionFilter, record: ExceptionRecord, isLoop: boolean): boolean {
    if (filter.filter === LOOP) return isLoop;
    if (filter.filter === NO_HANDLER) {
      return !hasHandler(record, (address) => this.#guest.memory.readInstruction(address));
    }
    return filter.matches?.(record) === true;
  }

  #compile(condition: string | undefined): (() => boolean) | undefined {
    if (condition === undefined || condition.trim() === '') return undefined;
    return conditionCompiler(undefined, livePlaces(this.#guest)).condition(condition);
  }
}

/** A condition without a value stops, so that the user sees it. */
function holds(condition: () => boolean): boolean {
  try {
    return condition();
  } catch {
    return true;
  }
}
