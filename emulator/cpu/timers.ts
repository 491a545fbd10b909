/**
 * The generic timers. Arm ARM, "The Generic Timer".
 *
 * Time is the machine's clock, which counts the instructions of all its processors and jumps while they
 * idle: a notional 1 GHz for each against CNTFRQ_EL0 of 62.5 MHz, so that the counter of a machine with
 * one processor advances once in 16 instructions.
 */
import type { SystemRegisters } from './system-registers.ts';

/** Binary logarithm of the nanoseconds of one tick of the counter. */
const TICK_SHIFT = 4;

const CTL_ENABLE = 1n;
const CTL_IMASK = 2n;
const CTL_ISTATUS = 4n;

/** Later than any run lasts. */
const NEVER = 1n << 80n;

export type TimerName = 'CNTP' | 'CNTV' | 'CNTHP' | 'CNTHV';

interface Timer {
  readonly name: TimerName;
  readonly CTL: string;
  readonly CVAL: string;
  readonly TVAL: string;
  readonly usesOffset: boolean;
}

const TIMERS: readonly Timer[] = [
  timer('CNTP', 'EL0', false),
  timer('CNTV', 'EL0', true),
  timer('CNTHP', 'EL2', false),
  // Its counter is the virtual one without CNTVOFF_EL2.
  timer('CNTHV', 'EL2', false),
];

function timer(name: TimerName, suffix: string, usesOffset: boolean): Timer {
  return {
    name,
    CTL: `${name}_CTL_${suffix}`,
    CVAL: `${name}_CVAL_${suffix}`,
    TVAL: `${name}_TVAL_${suffix}`,
    usesOffset,
  };
}

/** CNTKCTL_EL1 streams from the virtual counter, CNTHCTL_EL2 from the physical one. */
const EVENT_STREAMS = [
  { control: 'CNTKCTL_EL1', usesOffset: true },
  { control: 'CNTHCTL_EL2', usesOffset: false },
] as const;
const EVNTEN = 4n;

/** Events are at the counts where (count + phase) is a multiple of the period; EVNTDIR 1 is 1 to 0. */
function eventTimes(control: bigint): { readonly period: bigint; readonly phase: bigint } {
  const EVNTDIR = (control >> 3n) & 1n;
  const EVNTI = (control >> 4n) & 0xfn;
  const half = 1n << EVNTI;
  return { period: 2n * half, phase: EVNTDIR === 1n ? 0n : half };
}

/** An interrupt output of a timer; level sensitive. */
export interface TimerLine {
  set(asserted: boolean): void;
}

export class GenericTimers {
  readonly #registers: SystemRegisters;
  readonly #retired: () => bigint;
  /** The counter is the clock shifted right by this. */
  readonly counterShift: number;
  readonly #instructionsPerTick: bigint;
  readonly #lines = new Map<TimerName, TimerLine>();
  /** Ticks that passed while the processor idled. */
  #idleTicks = 0n;
  /** Instructions retired before which no line changes by itself. */
  #nextChange = 0n;
  /** Runs when the relation of the counters to instructions retired has changed. */
  #counterChanged: () => void = () => undefined;

  /**
   * `retired` is the clock of the machine, in instructions; 2^`clockShift` of them take a nanosecond. While
   * the processor `isInHost`, at EL2 or at EL0 of a host there, CNTVOFF_EL2 does not concern it.
   */
  constructor(
    registers: SystemRegisters,
    retired: () => bigint,
    clockShift = 0,
    isInHost: () => boolean = () => false,
  ) {
    this.#registers = registers;
    this.#retired = retired;
    this.counterShift = TICK_SHIFT + clockShift;
    this.#instructionsPerTick = 1n << BigInt(this.counterShift);
    registers.own('CNTPCT_EL0', { read: () => this.physicalCount });
    registers.own('CNTVCT_EL0', {
      read: () => (isInHost() ? this.physicalCount : this.virtualCount),
      peek: () => this.virtualCount,
    });
    registers.own('CNTVOFF_EL2', {
      written: () => {
        this.#counterChanged();
        this.#refresh();
      },
    });
    for (const each of TIMERS) this.#own(each);
  }

  onCounterChanged(listener: () => void): void {
    this.#counterChanged = listener;
  }

  /** Where the output of a timer goes; without one a timer runs and interrupts nothing. */
  connect(name: TimerName, line: TimerLine): void {
    this.#lines.set(name, line);
    this.#refresh();
  }

  #own(each: Timer): void {
    const update = (): void => {
      this.#refresh();
    };
    this.#registers.own(each.CTL, {
      read: () =>
        this.#registers.raw(each.CTL) |
        (this.#enabled(each) && this.#conditionMet(each) ? CTL_ISTATUS : 0n),
      written: update,
    });
    this.#registers.own(each.CVAL, { written: update });
    this.#registers.own(each.TVAL, {
      read: () => BigInt.asUintN(32, this.#registers.raw(each.CVAL) - this.#count(each)),
      written: (value) => {
        const CVAL = this.#count(each) + BigInt.asIntN(32, value);
        this.#registers.setRaw(each.CVAL, CVAL);
        this.#refresh();
      },
    });
  }

  get physicalCount(): bigint {
    return BigInt.asUintN(64, this.#retired() / this.#instructionsPerTick + this.#idleTicks);
  }
  get virtualCount(): bigint {
    return BigInt.asUintN(64, this.physicalCount - this.#registers.raw('CNTVOFF_EL2'));
  }

  /** CNTVCT_EL0 is the clock shifted right by `counterShift` minus this, modulo 2^64. */
  get virtualCountOffset(): bigint {
    return BigInt.asUintN(64, this.#registers.raw('CNTVOFF_EL2') - this.#idleTicks);
  }
  /** Whether CNTPCT_EL0 equals CNTVCT_EL0. */
  get countersAgree(): boolean {
    return this.#registers.raw('CNTVOFF_EL2') === 0n;
  }

  #count({ usesOffset }: Pick<Timer, 'usesOffset'>): bigint {
    return usesOffset ? this.virtualCount : this.physicalCount;
  }
  #enabled({ CTL }: Timer): boolean {
    return (this.#registers.raw(CTL) & CTL_ENABLE) !== 0n;
  }
  #interruptEnabled({ CTL }: Timer): boolean {
    return (this.#registers.raw(CTL) & (CTL_ENABLE | CTL_IMASK)) === CTL_ENABLE;
  }
  #conditionMet(each: Timer): boolean {
    return this.#count(each) >= this.#registers.raw(each.CVAL);
  }

  /** Whether the timer asks for its interrupt: ENABLE, not IMASK, and the condition is met. */
  isAsserted(name: TimerName): boolean {
    const found = TIMERS.find((each) => each.name === name) as Timer;
    return this.#interruptEnabled(found) && this.#conditionMet(found);
  }

  /** Drives the interrupt lines to what they are now; cheap while no timer is due. */
  update(): void {
    if (this.#retired() >= this.#nextChange) this.#refresh();
  }

  #refresh(): void {
    for (const [name, line] of this.#lines) line.set(this.isAsserted(name));
    this.#nextChange = this.#findDeadline() ?? NEVER;
  }

  /**
   * Instructions retired when the next connected timer will assert its line, if time passes by
   * execution alone; undefined when none will.
   */
  nextDeadline(): bigint | undefined {
    this.update();
    return this.#nextChange === NEVER ? undefined : this.#nextChange;
  }

  #findDeadline(): bigint | undefined {
    let next: bigint | undefined;
    for (const each of TIMERS) {
      if (!this.#lines.has(each.name) || !this.#interruptEnabled(each)) continue;
      const wait = this.#registers.raw(each.CVAL) - this.#count(each);
      if (wait <= 0n) continue;
      const at = this.#clockAfter(wait);
      if (next === undefined || at < next) next = at;
    }
    return next;
  }

  /**
   * The events of both event streams until now: their number grows by one each time that the chosen bit of
   * the counter makes the chosen transition. Arm ARM, "Event streams".
   */
  get streamEvents(): bigint {
    let events = 0n;
    for (const stream of EVENT_STREAMS) {
      const control = this.#registers.raw(stream.control);
      if ((control & EVNTEN) === 0n) continue;
      const { period, phase } = eventTimes(control);
      events += (this.#count(stream) + phase) / period;
    }
    return events;
  }

  /** Clock at the next event of an event stream; undefined when none is enabled. */
  nextStreamEvent(): bigint | undefined {
    let next: bigint | undefined;
    for (const stream of EVENT_STREAMS) {
      const control = this.#registers.raw(stream.control);
      if ((control & EVNTEN) === 0n) continue;
      const { period, phase } = eventTimes(control);
      const wait = period - ((this.#count(stream) + phase) % period);
      const at = this.#clockAfter(wait);
      if (next === undefined || at < next) next = at;
    }
    return next;
  }

  /** Clock when the counters have advanced by `ticks`. */
  #clockAfter(ticks: bigint): bigint {
    return (this.#retired() / this.#instructionsPerTick + ticks) * this.#instructionsPerTick;
  }

  /** The processor idled for this many ticks of the counter. */
  skip(ticks: bigint): void {
    this.#idleTicks += ticks;
    this.#counterChanged();
    this.#refresh();
  }

  reset(): void {
    this.#idleTicks = 0n;
    this.#counterChanged();
    this.#refresh();
  }

  saveState(): unknown {
    return { idleTicks: this.#idleTicks };
  }
  restoreState(state: unknown): void {
    this.#idleTicks = (state as { idleTicks: bigint }).idleTicks;
    this.#counterChanged();
    this.#refresh();
  }
}
