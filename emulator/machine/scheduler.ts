/**
 * Whose turn it is. The processors of a machine execute in turn, in the order of their numbers, each for
 * a quantum of instructions or until it waits or has yielded often. All of it depends on the clock and on the
 * processors alone, so that a run repeats exactly.
 *
 * The clock counts the instructions of all processors, and jumps while all of them wait. It is what every
 * processor's count of retired instructions is set to when its turn begins, so that time never goes back,
 * whichever processor looks.
 */
import type { Processor } from './processor.ts';

/** Instructions of a turn. */
export const QUANTUM = 10_000;
/**
 * The YIELD that ends a turn: not the first, since who polls often finds what it waits for, and handing
 * over costs more than polling. Where nobody else had anything to do, a look at the others costs most.
 */
const YIELDS_OF_A_TURN = 256;
const YIELDS_ALONE = 4096;

export interface SchedulerState {
  readonly turn: number;
  readonly left: number;
}

export class Scheduler {
  readonly #processors: readonly Processor[];
  #current: Processor;
  #left = QUANTUM;

  /** @throws TypeError for no processor */
  constructor(processors: readonly Processor[]) {
    const [first] = processors;
    if (first === undefined) throw new TypeError('a machine has a processor');
    this.#processors = processors;
    this.#current = first;
  }

  /** The processor whose turn it is, or was last. */
  get current(): Processor {
    return this.#current;
  }

  get clock(): bigint {
    return this.#current.pe.state.retired;
  }

  /** Nobody executes until then. */
  skipTo(clock: bigint): void {
    if (clock > this.clock) this.#current.pe.state.retired = clock;
  }

  /** Instructions that the current processor has left; a processor that is alone has no end. */
  get left(): number {
    return this.#processors.length === 1 ? Number.MAX_SAFE_INTEGER : this.#left;
  }

  /** The current processor has executed. */
  spend(instructions: number): void {
    this.#left -= instructions;
  }

  /** The rest of the turn goes to the others. */
  yield(): void {
    this.#left = 0;
  }

  reset(): void {
    this.#current = this.#processors[0] ?? this.#current;
    this.#grant(this.#current, YIELDS_OF_A_TURN);
  }

  /** A whole turn. A processor that has no others never hands over. */
  #grant({ pe }: Processor, yields: number): void {
    this.#left = QUANTUM;
    if (this.#processors.length > 1) pe.state.yieldsLeft = yields;
  }

  /** The processor that executes next; undefined when all of them wait. */
  next(): Processor | undefined {
    const { clock } = this;
    if (this.left > 0 && this.#current.isRunnable(clock)) return this.#begin(this.#current);
    const after = this.#processors.indexOf(this.#current) + 1;
    for (let n = 0; n < this.#processors.length; n += 1) {
      const candidate = this.#processors[(after + n) % this.#processors.length];
      if (candidate?.isRunnable(clock) !== true) continue;
      this.#grant(candidate, candidate === this.#current ? YIELDS_ALONE : YIELDS_OF_A_TURN);
      return this.#begin(candidate);
    }
    return undefined;
  }

  /** It is this processor's turn now, although it may wait. */
  give(processor: Processor): void {
    if (processor !== this.#current) this.#grant(processor, YIELDS_OF_A_TURN);
    this.#begin(processor);
  }

  #begin(processor: Processor): Processor {
    if (processor !== this.#current) {
      const { pe } = this.#current;
      processor.pe.state.retired = this.clock;
      this.#current = processor;
      // The others may store to what a load-exclusive has marked; losing the mark is an event (Arm ARM,
      // "WFE wake-up events").
      if (pe.state.exclusiveMonitorArmed) {
        pe.state.clearExclusiveMonitor();
        pe.eventRegister = true;
      }
    }
    if (processor.power === 'onPending') processor.power = 'on';
    if (processor.waiting !== undefined) processor.resume();
    return processor;
  }

  saveState(): SchedulerState {
    return { turn: this.#processors.indexOf(this.#current), left: this.#left };
  }

  restoreState({ turn, left }: SchedulerState): void {
    this.#current = this.#processors[turn] ?? this.#current;
    this.#left = left;
  }
}
