/**
 * next, stepIn and stepOut, by instruction, line and statement.
 *
 * A line step executes instruction by instruction while the pc stays in the line; calls it does not enter run freely to
 * their return address. An exception on the way is stepped over like a call: handlers of interrupts always, those of
 * SVC and faults unless the step is a stepIn by instruction, which goes where the processor goes. A breakpoint inside
 * whatever is stepped over still stops.
 */
import type { FunctionFrame } from '../stack/frames.ts';
import type { ExceptionRecord, StopReason } from '../machine.ts';
import { exceptionLevelOf } from '../registers.ts';
import type { DebugInfo } from '../symbols/debug-info.ts';
import type { LineRow } from '../symbols/line-lookup.ts';
import { RUN, STEP, stopWith, type Advance, type RunPlan } from '../stops.ts';
import { functionBody } from './function-body.ts';
import { controlFlow } from './instructions.ts';

/** What stepping asks for. */
export interface SteppedGuest {
  readonly debugInfo: DebugInfo;
  readonly pc: bigint;
  readRegister(name: string): bigint | undefined;
  readInstruction(address: bigint): number | undefined;
  /** Breakpoints of the plan's own; `onHit` as in the machine. */
  addBreakpoint(va: bigint, onHit: () => boolean): number;
  removeBreakpoint(id: number): void;
}

export type StepKind = 'next' | 'stepIn';

const DONE = stopWith({ reason: 'step' });

/** A run to one of several addresses, reached with the stack at least as high as it is now. */
class Excursion {
  readonly #guest: SteppedGuest;
  readonly #ids: number[] = [];

  constructor(guest: SteppedGuest, targets: readonly bigint[], isThere: () => boolean) {
    this.#guest = guest;
    for (const target of new Set(targets)) this.#ids.push(guest.addBreakpoint(target, isThere));
  }

  end(): void {
    for (const id of this.#ids) this.#guest.removeBreakpoint(id);
    this.#ids.length = 0;
  }
}

function stackPointer(guest: SteppedGuest): bigint {
  return guest.readRegister('SP') ?? 0n;
}

function exceptionLevel(guest: SteppedGuest): number {
  return exceptionLevelOf(guest.readRegister('PSTATE') ?? 0n);
}

/** The return from a call made now at this EL: deeper recursion passes the same address with a lower stack. */
function returnHere(guest: SteppedGuest): () => boolean {
  const SP = stackPointer(guest);
  const EL = exceptionLevel(guest);
  return () => stackPointer(guest) >= SP && exceptionLevel(guest) === EL;
}

abstract class Stepping implements RunPlan {
  protected readonly guest: SteppedGuest;
  #excursion: Excursion | undefined;

  constructor(guest: SteppedGuest) {
    this.guest = guest;
  }

  abstract begin(): Advance;

  next(stop: StopReason): Advance {
    if (this.#excursion !== undefined) {
      if (stop.kind !== 'breakpoint') return RUN;
      this.#excursion.end();
      this.#excursion = undefined;
      return this.arrived();
    }
    if (stop.kind === 'step' && stop.exception !== undefined)
      return this.interrupted(stop.exception);
    return this.stepped();
  }

  end(): void {
    this.#excursion?.end();
    this.#excursion = undefined;
  }

  /** After one instruction without an exception. */
  protected abstract stepped(): Advance;
  /** After an excursion. */
  protected abstract arrived(): Advance;

  protected runTo(targets: readonly bigint[], isThere: () => boolean): Advance {
    this.#excursion = new Excursion(this.guest, targets, isThere);
    return RUN;
  }

  /** To where the handler returns: the interrupted instruction, or the one behind it when the handler skips it. */
  protected interrupted(exception: ExceptionRecord): Advance {
    const EL = exception.fromEL;
    return this.runTo([exception.ELR, exception.ELR + 4n], () => exceptionLevel(this.guest) === EL);
  }
}

/** One instruction. `next` runs through a call. */
export class InstructionStep extends Stepping {
  readonly #kind: StepKind;

  constructor(guest: SteppedGuest, kind: StepKind) {
    super(guest);
    this.#kind = kind;
  }

  begin(): Advance {
    const { pc } = this.guest;
    const word = this.guest.readInstruction(pc);
    if (this.#kind === 'next' && word !== undefined && controlFlow(word) === 'call') {
      return this.runTo([pc + 4n], returnHere(this.guest));
    }
    return STEP;
  }

  protected stepped(): Advance {
    return DONE;
  }

  protected arrived(): Advance {
    return DONE;
  }

  protected override interrupted(exception: ExceptionRecord): Advance {
    if (exception.kind === 'synchronous' && this.#kind === 'stepIn') return DONE;
    return super.interrupted(exception);
  }
}

/** To the start of another line, or of another statement. */
export class LineStep extends Stepping {
  readonly #kind: StepKind;
  readonly #granularity: 'line' | 'statement';
  readonly #start: { readonly file: string; readonly line: number; readonly row: bigint };
  /** Entry of the function that the step began in, and the inlined copies from the outermost in. */
  readonly #function: bigint | undefined;
  readonly #inlined: readonly bigint[];
  /** The row of the line table that the pc was in last. */
  #row: LineRow | undefined;
  /** The instruction executed last, to tell a call from a jump. */
  #from: { readonly pc: bigint; readonly word: number; readonly SP: bigint };

  constructor(
    guest: SteppedGuest,
    kind: StepKind,
    granularity: 'line' | 'statement',
    frame: FunctionFrame,
  ) {
    super(guest);
    this.#kind = kind;
    this.#granularity = granularity;
    this.#start = {
      file: frame.position?.file ?? '',
      line: frame.position?.line ?? 0,
      row: rowAt(guest.debugInfo, guest.pc)?.address ?? guest.pc,
    };
    this.#function = functionEntry(guest.debugInfo, guest.pc);
    this.#inlined = inlinedEntries(guest.debugInfo, guest.pc);
    this.#from = this.#here();
  }

  begin(): Advance {
    return this.#advance();
  }

  /** Executes the instruction at the pc; a call that is not entered runs to its end. */
  #advance(): Advance {
    this.#from = this.#here();
    const { pc, word } = this.#from;
    if (this.#kind === 'next' && controlFlow(word) === 'call') {
      return this.runTo([pc + 4n], returnHere(this.guest));
    }
    return STEP;
  }

  protected arrived(): Advance {
    return this.#judge();
  }

  protected stepped(): Advance {
    const { pc } = this.guest;
    const flow = controlFlow(this.#from.word);
    if (flow === 'call' && pc !== this.#from.pc + 4n) return this.#entered();
    // Most instructions only lead further into the same row, where there is nothing to stop at.
    const row = this.#row;
    if (flow === 'other' && row !== undefined && pc > row.address && pc < row.end)
      return this.#advance();
    if (functionEntry(this.guest.debugInfo, pc) === this.#function) return this.#judge();
    if (flow === 'return' || flow === 'exceptionReturn') return this.#returned();
    return this.#jumpedAway();
  }

  /** A stepIn has made a call. */
  #entered(): Advance {
    const { guest } = this;
    const { pc } = guest;
    if (guest.debugInfo.lineFor(pc) === undefined) {
      // Code without lines is not worth a stop; but it may be a veneer, so a breakpoint further on still counts.
      const back = guest.readRegister('X30') ?? this.#from.pc + 4n;
      return this.runTo([back], returnHere(guest));
    }
    const body = functionBody(guest.debugInfo, pc);
    return body === pc ? DONE : this.runToBody(body);
  }

  private runToBody(body: bigint): Advance {
    const EL = exceptionLevel(this.guest);
    this.#intoBody = true;
    return this.runTo([body], () => exceptionLevel(this.guest) === EL);
  }

  #intoBody = false;

  /** The function has returned. The rest of the caller's line counts as a place to stop, as in every debugger. */
  #returned(): Advance {
    const { guest } = this;
    if (guest.debugInfo.lineFor(guest.pc) !== undefined) return DONE;
    // A caller without lines: on to its own caller, as long as there is a return address to go by.
    return this.#advance();
  }

  /** A jump to another function: a tail call, or assembly code that falls through. */
  #jumpedAway(): Advance {
    const { guest } = this;
    if (this.#kind === 'stepIn' || this.#function === undefined) {
      const entry = functionEntry(guest.debugInfo, guest.pc);
      if (guest.debugInfo.lineFor(guest.pc) !== undefined) {
        return entry === guest.pc ? this.#entered() : this.#judge();
      }
    }
    const back = guest.readRegister('X30');
    if (back === undefined || back === 0n) return this.#judge();
    return this.runTo([back], returnHere(guest));
  }

  /** Whether the pc is a place to stop. */
  #judge(): Advance {
    const { guest } = this;
    const { debugInfo, pc } = guest;
    if (this.#intoBody) return DONE;
    const inFunction = functionEntry(debugInfo, pc) === this.#function;
    const row = rowAt(debugInfo, pc);
    this.#row = row;
    if (!inFunction) return row === undefined || row.line === 0 ? this.#advance() : DONE;
    if (row === undefined || row.line === 0) return this.#advance();
    const inlined = inlinedEntries(debugInfo, pc);
    const deeper =
      inlined.length > this.#inlined.length && this.#inlined.every((it, i) => it === inlined[i]);
    if (this.#kind === 'next' && deeper) return this.#advance();
    const isStart = row.address === pc && row.isStmt;
    if (!isStart) return this.#advance();
    if (this.#granularity === 'statement') {
      return row.address === this.#start.row ? this.#advance() : DONE;
    }
    const sameLine = row.line === this.#start.line && row.file === this.#start.file;
    return sameLine && inlined.length === this.#inlined.length ? this.#advance() : DONE;
  }

  #here(): { pc: bigint; word: number; SP: bigint } {
    const { guest } = this;
    return { pc: guest.pc, word: guest.readInstruction(guest.pc) ?? 0, SP: stackPointer(guest) };
  }
}

/** To the caller of a frame, or out of an inlined copy. */
export class StepOut extends Stepping {
  readonly #target: bigint;
  readonly #isThere: () => boolean;

  /**
   * @param target where the caller goes on
   * @param cfa of the frame that is left: the stack is at least as high afterwards
   * @param EL of the caller
   */
  constructor(guest: SteppedGuest, target: bigint, cfa: bigint | undefined, EL: number) {
    super(guest);
    this.#target = target;
    // Across an exception the stacks are different ones and cannot be compared.
    const sameStack = exceptionLevel(guest) === EL;
    this.#isThere = () =>
      exceptionLevel(guest) === EL &&
      (!sameStack || cfa === undefined || stackPointer(guest) >= cfa);
  }

  begin(): Advance {
    return this.runTo([this.#target], this.#isThere);
  }

  protected stepped(): Advance {
    return DONE;
  }

  protected arrived(): Advance {
    return DONE;
  }
}

/** Out of an inlined copy: steps over everything until the pc has left its ranges. */
export class StepOutOfInlined extends Stepping {
  readonly #depth: number;
  readonly #function: bigint | undefined;

  constructor(guest: SteppedGuest) {
    super(guest);
    this.#function = functionEntry(guest.debugInfo, guest.pc);
    this.#depth = inlinedEntries(guest.debugInfo, guest.pc).length;
  }

  begin(): Advance {
    const { guest } = this;
    const word = guest.readInstruction(guest.pc) ?? 0;
    if (controlFlow(word) === 'call') return this.runTo([guest.pc + 4n], returnHere(guest));
    return STEP;
  }

  protected arrived(): Advance {
    return this.stepped();
  }

  protected stepped(): Advance {
    const { debugInfo, pc } = this.guest;
    if (functionEntry(debugInfo, pc) !== this.#function) return DONE;
    const row = rowAt(debugInfo, pc);
    const left = inlinedEntries(debugInfo, pc).length < this.#depth;
    return left && row !== undefined && row.line !== 0 ? DONE : this.begin();
  }
}

/** To an address, as `goto` and `stopOnEntry` use it. */
export class RunTo extends Stepping {
  readonly #target: bigint;
  readonly #done: Advance;

  constructor(guest: SteppedGuest, target: bigint, done: Advance) {
    super(guest);
    this.#target = target;
    this.#done = done;
  }

  begin(): Advance {
    return this.guest.pc === this.#target ? this.#done : this.runTo([this.#target], () => true);
  }

  protected stepped(): Advance {
    return this.#done;
  }

  protected arrived(): Advance {
    return this.#done;
  }
}

/** The line table's row that holds a pc. */
export function rowAt(debugInfo: DebugInfo, pc: bigint): LineRow | undefined {
  return debugInfo.rowsInRange(pc, pc + 1n)[0];
}

/** Entry of the function around a pc: from DWARF, else from the symbols. */
function functionEntry(debugInfo: DebugInfo, pc: bigint): bigint | undefined {
  return debugInfo.functionAt(pc).at(-1)?.lowPc ?? debugInfo.symbols.at(pc)?.symbol.value;
}

/** The inlined copies at a pc, from the outermost in, each by its entry. */
function inlinedEntries(debugInfo: DebugInfo, pc: bigint): readonly bigint[] {
  return debugInfo
    .functionAt(pc)
    .filter(({ isInlined }) => isInlined)
    .map(({ lowPc }) => lowPc)
    .reverse();
}
