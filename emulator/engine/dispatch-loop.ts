/**
 * The frame around the interpreter's handlers: the loop that dispatches over predecoded records, the
 * ways out of it, and the locals that live from one instruction to the next.
 *
 * Its shape is made for V8's optimising compiler, which needs time and memory in proportion to the
 * edges that meet at a place times the values that differ there. Thousands of handlers that each
 * branch to the loop cost it seconds and a gigabyte, so edges meet in groups first; and rare handlers
 * stand in a table of functions instead of in the loop.
 */
import {
  add,
  call,
  eqz,
  extendU,
  i32,
  i64,
  leS,
  ltS,
  shrU,
  STATE_BASE,
  stateLoad,
  sub,
} from '../isa/expression.ts';
import type { Expr } from '../isa/expression.ts';
import type { Variable } from '../isa/instruction.ts';
import { cellI32, cellI64 } from './cells.ts';
import { exitCode } from './exit.ts';
import type { RunExit } from './exit.ts';
import * as L from './layout.ts';
import type { FunctionBuilder, Label } from './wasm.ts';

/** Where the current instruction is. */
export interface Place {
  readonly ip: Expr<'i32'>;
  readonly page: Expr<'i32'>;
  readonly pageVa: Expr<'i64'>;
  readonly dataTlb: Expr<'i32'>;
}

/** The current instruction's address. */
export function pcOf({ ip, page, pageVa }: Place): Expr<'i64'> {
  return add(pageVa, extendU(shrU(sub(ip, page), i32(3))));
}

export const RUN_SIGNATURE = { parameters: ['i32', 'i32'], results: ['i32'] } as const;
/** An out-of-line handler takes the record's address and returns an exit code. */
export const HANDLER_SIGNATURE = { parameters: ['i32'], results: ['i32'] } as const;

/** In place of the budget: whoever starts the run has checked PSTATE.BTYPE. */
const CHECKED = -1;

/** Handlers whose ends meet before they go on to the loop. */
const HANDLERS_PER_GROUP = 32;

export class DispatchLoop {
  readonly budget: Variable<'i32'>;
  readonly ip: Variable<'i32'>;
  readonly place: Place;
  readonly #f: FunctionBuilder;
  readonly #dispatch: Variable<'i32'>;
  readonly #page: Variable<'i32'>;
  readonly #pageVa: Variable<'i64'>;
  readonly #dataTlb: Variable<'i32'>;
  readonly #exitCode: Variable<'i32'>;
  readonly #target: Variable<'i64'>;
  /** Leads out of the function with #exitCode. */
  readonly #out: Label;
  /** As #out, by the shortest way from where code is being emitted. */
  #way: Label;
  /** Leads to the instruction at #target, in another page. */
  #away: Label | undefined;

  /** The processor has FEAT_BTI. */
  readonly guardedPages: boolean;

  /** For the body of `run(budget, firstHandler)`, which begins here. */
  constructor(f: FunctionBuilder, guardedPages: boolean) {
    this.#f = f;
    this.guardedPages = guardedPages;
    this.budget = { type: 'i32', value: f.parameter(0, 'i32') };
    this.#dispatch = { type: 'i32', value: f.parameter(1, 'i32') };
    this.ip = f.permanentLocal('i32');
    this.#page = f.permanentLocal('i32');
    this.#pageVa = f.permanentLocal('i64');
    this.#dataTlb = f.permanentLocal('i32');
    this.#exitCode = f.permanentLocal('i32');
    this.#target = f.permanentLocal('i64');
    this.place = {
      ip: this.ip.value,
      page: this.#page.value,
      pageVa: this.#pageVa.value,
      dataTlb: this.#dataTlb.value,
    };
    f.keepStateBase();
    this.#out = f.beginBlock();
    this.#way = this.#out;
  }

  /**
   * The whole loop. Each function of `inline` emits the code of one instruction handler, and says
   * whether it has set the next `ip` itself; the handlers in the module's table follow them.
   */
  build(inline: readonly (() => { branched: boolean })[]): void {
    const f = this.#f;
    f.set(this.#dataTlb, cellI32(L.DATA_TLB));
    this.#enter(cellI64(L.PC), i32(CHECKED));
    f.if(eqz(this.#dispatch.value), () => {
      this.#fetchDispatch();
    });
    const again = f.beginLoop();
    f.if(leS(this.budget.value, i32(0)), () => {
      this.leave('BUDGET');
    });
    this.#away = f.beginBlock();

    const fixed: readonly (() => void)[] = [
      () => {
        f.callProcedure('decode', this.ip.value);
        this.#fetchDispatch();
      },
      () => {
        this.leave('BREAKPOINT');
      },
      () => {
        this.leave('UNDEFINED');
      },
      () => {
        this.#enter(add(this.#pageVa.value, i64(L.PAGE_BYTES)));
        this.#fetchDispatch();
      },
    ];
    const emitters = [
      ...fixed,
      ...inline.map((emit) => () => {
        if (!emit().branched) f.set(this.ip, add(this.ip.value, i32(L.RECORD_BYTES)));
        this.#finishInstruction();
      }),
      () => {
        this.#callTable(L.FIRST_INSTRUCTION_HANDLER + inline.length);
        f.set(this.ip, add(this.ip.value, i32(L.RECORD_BYTES)));
        this.#finishInstruction();
      },
    ];
    this.#emitGroups(emitters, again);

    f.end();
    this.#retire();
    this.#enter(this.#target.value);
    this.#fetchDispatch();
    f.branch(again);
    f.end();
    f.unreachable();

    f.end();
    f.storeTo('i32.store', STATE_BASE, L.IP, this.ip.value);
    f.storeTo('i64.store', STATE_BASE, L.PC, pcOf(this.place));
    f.storeTo('i32.store', STATE_BASE, L.BUDGET_LEFT, this.budget.value);
    f.return(this.#exitCode.value);
    f.unreachable();
  }

  /** The code of every handler index, behind the branch table that leads to it; the last one takes what is left. */
  #emitGroups(emitters: readonly (() => void)[], again: Label): void {
    const f = this.#f;
    const groups: { emit: () => void; start: Label }[][] = [];
    const ways: { out: Label; on: Label }[] = [];
    for (let first = 0; first < emitters.length; first += HANDLERS_PER_GROUP) groups.push([]);
    // The first handler's block is the innermost, and ends first.
    for (let group = groups.length - 1; group >= 0; group -= 1) {
      ways[group] = { out: f.beginBlock(), on: f.beginBlock() };
      const first = group * HANDLERS_PER_GROUP;
      const members = emitters.slice(first, first + HANDLERS_PER_GROUP).reverse();
      groups[group] = members.map((emit) => ({ emit, start: f.beginBlock() })).reverse();
    }
    const starts = groups.flatMap((members) => members.map(({ start }) => start));
    const last = starts.pop();
    if (last === undefined) throw new TypeError('there are no handlers');
    f.branchTable(this.#dispatch.value, starts, last);
    groups.forEach((members, group) => {
      const { out, on } = ways[group] ?? { out: this.#out, on: again };
      this.#way = out;
      for (const { emit } of members) {
        f.end();
        f.releaseLocals();
        emit();
        f.branch(on);
      }
      f.end();
      f.branch(again);
      f.end();
      f.branch(this.#out);
    });
    this.#way = this.#out;
  }

  /** Leaves before the current instruction has had an effect. */
  leave(reason: RunExit): void {
    this.#leave(exitCode.constant(reason));
  }
  #leave(code: Expr<'i32'>): void {
    this.#f.set(this.#exitCode, code);
    this.#f.branch(this.#way);
  }

  /** Goes on at `va`, the current instruction done; leaves when `va` cannot be fetched. */
  continueAt(va: Expr<'i64'>): void {
    if (this.#away === undefined) throw new TypeError('only a handler branches');
    this.#f.set(this.#target, va);
    this.#f.branch(this.#away);
  }

  /** The retired count between the previous instruction and the current one. */
  get retired(): Expr<'i64'> {
    return sub(cellI64(L.RETIRED_AT_END), extendU(this.budget.value));
  }

  /** All handlers from `first` on are functions in the table. */
  #callTable(first: number): void {
    const index = sub(this.#dispatch.value, i32(first));
    const code = this.#f.let(this.#f.callTable(HANDLER_SIGNATURE, index, this.ip.value));
    this.#f.if(code, () => {
      this.#leave(code);
    });
  }

  #finishInstruction(): void {
    this.#retire();
    this.#fetchDispatch();
  }
  #retire(): void {
    this.#f.set(this.budget, sub(this.budget.value, i32(1)));
  }
  #fetchDispatch(): void {
    const handler = stateLoad('i32', 'i32.load16_u', this.ip.value, L.RECORD_HANDLER);
    this.#f.set(this.#dispatch, handler);
  }

  /** `budget`: what is left of it, or CHECKED. */
  #enter(va: Expr<'i64'>, budget: Expr<'i32'> = this.budget.value): void {
    const f = this.#f;
    f.set(this.ip, call('i32', 'enterAt', va, budget));
    f.if(ltS(this.ip.value, i32(0)), () => {
      f.storeTo('i32.store', STATE_BASE, L.BUDGET_LEFT, this.budget.value);
      f.return(sub(i32(0), this.ip.value));
    });
    f.set(this.#page, cellI32(L.PAGE));
    f.set(this.#pageVa, cellI64(L.PAGE_VA));
  }
}
