/**
 * The generic timers. Arm ARM, "The Generic Timer".
 *
 * Time is instructions retired: a notional 1 GHz against CNTFRQ_EL0 of 62.5 MHz, so the counter
 * advances once in 16 instructions, and jumps while the processor idles.
 */
import type { SystemRegisters } from './system-registers.ts';

/** Instructions for one tick of the counter. */
export const INSTRUCTIONS_PER_TICK = 16n;

const CTL_ENABLE = 1n;
const CTL_IMASK = 2n;
const CTL_ISTATUS = 4n;

/** Later than any run lasts. */
const NEVER = 1n << 80n;

export type TimerName = 'CNTP' | 'CNTV' | 'CNTHP';

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

/** An interrupt output of a timer; level sensitive. */
export interface TimerLine {
  set(asserted: boolean): void;
}

export class GenericTimers {
  readonly #registers: SystemRegisters;
  readonly #retired: () => bigint;
  readonly #lines = new Map<TimerName, TimerLine>();
  /** Ticks that passed while the processor idled. */
  #idleTicks = 0n;
  /** Instructions retired before which no line changes by itself. */
  #nextChange = 0n;
  /** Runs when the relation of the counters to instructions retired has changed. */
  #counterChanged: () => void = () => undefined;

  constructor(registers: SystemRegisters, retired: () => bigint) {
    this.#registers = registers;
    this.#retired = retired;
    registers.own('CNTPCT_EL0', { read: () => this.physicalCount });
    registers.own('CNTVCT_EL0', { read: () => this.virtualCount });
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
    return BigInt.asUintN(64, this.#retired() / INSTRUCTIONS_PER_TICK + this.#idleTicks);
  }
  get virtualCount(): bigint {
    return BigInt.asUintN(64, this.physicalCount - this.#registers.raw('CNTVOFF_EL2'));
  }

  /** CNTVCT_EL0 is instructions retired / 16 minus this, modulo 2^64. */
  get virtualCountOffset(): bigint {
    return BigInt.asUintN(64, this.#registers.raw('CNTVOFF_EL2') - this.#idleTicks);
  }
  /** Whether CNTPCT_EL0 equals CNTVCT_EL0. */
  get countersAgree(): boolean {
    return this.#registers.raw('CNTVOFF_EL2') === 0n;
  }

  #count({ usesOffset }: Timer): bigint {
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
      const at = (this.#retired() / INSTRUCTIONS_PER_TICK + wait) * INSTRUCTIONS_PER_TICK;
      if (next === undefined || at < next) next = at;
    }
    return next;
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
