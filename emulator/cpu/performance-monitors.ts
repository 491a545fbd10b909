/**
 * The Performance Monitors. Arm ARM, "The Performance Monitors Extension".
 *
 * One instruction is one cycle, and so is taking an exception. Nothing is counted while instructions run:
 * what has been counted follows from instructions retired, and is added up where the Exception level
 * changes, where a register is accessed, and where an overflow would interrupt. Memory accesses alone
 * are counted as they are made: while some counter counts them no access takes the engine's fast path.
 */
import type { CpuState, ExceptionLevel } from '../engine/cpu-state.ts';
import { CYCLE_COUNTER, EVENT_COUNTERS, PmuEvent } from '../sysregs/performance-monitors.ts';
import { EC_HVC64, EC_SVC64 } from './syndrome.ts';
import type { SystemRegisters } from './system-registers.ts';

const PMCR_E = 1n << 0n;
const PMCR_P = 1n << 1n;
const PMCR_C = 1n << 2n;
const PMCR_DP = 1n << 5n;
const MDCR_HPME = 1n << 7n;
const MDCR_HPMD = 1n << 17n;
const MDCR_HPMN = 0x1fn;

/** By EL: the bit of PMEVTYPER<n>_EL0 and PMCCFILTR_EL0 that excludes EL0 and EL1, and includes EL2. */
const FILTERS = [
  { bit: 1n << 30n, counts: 0n },
  { bit: 1n << 31n, counts: 0n },
  { bit: 1n << 27n, counts: 1n << 27n },
] as const;

/** How often an event happens in one instruction, at most: none overflows unseen in fewer of them. */
const MOST_PER_INSTRUCTION: ReadonlyMap<number, bigint> = new Map([
  [PmuEvent.CPU_CYCLES, 1n],
  [PmuEvent.INST_RETIRED, 1n],
  [PmuEvent.MEM_ACCESS, 64n],
]);

const NEVER = 1n << 64n;
const OVERFLOW_32 = 1n << 32n;
const OVERFLOW_64 = 1n << 64n;

export interface PerformanceMonitorsHost {
  readonly state: CpuState;
  readonly registers: SystemRegisters;
  /** Whether each memory access has to be told with `memoryAccessed`. */
  countMemoryAccesses(counted: boolean): void;
  /** What EL0 may access has changed. */
  trapsChanged(): void;
}

export class PerformanceMonitors {
  readonly #host: PerformanceMonitorsHost;
  readonly #isImplemented: boolean;
  #line: (asserted: boolean) => void = () => undefined;
  /** Some counter may count at some Exception level. */
  #active = false;
  #countsAccesses = false;
  /** Instructions retired that have been counted. */
  #seen = 0n;
  /** Instructions retired when the next counter may overflow with its interrupt enabled. */
  #nextOverflow = NEVER;

  constructor(host: PerformanceMonitorsHost) {
    this.#host = host;
    this.#isImplemented = host.registers.has('PMCR_EL0');
    this.#ownRegisters();
  }

  /** Where the overflow interrupt goes; level sensitive. */
  connect(line: (asserted: boolean) => void): void {
    this.#line = line;
    this.#driveLine();
  }

  reset(): void {
    this.#active = false;
    this.#nextOverflow = NEVER;
    this.#seen = this.#host.state.retired;
    this.refresh();
  }

  // -- what the processor tells

  /** Counts what has retired until now, under the controls and at the Exception level of now. */
  synchronise(): void {
    if (!this.#active) return;
    const { retired } = this.#host.state;
    const elapsed = retired - this.#seen;
    // Less than nothing: an exception has been counted that is only being taken.
    if (elapsed <= 0n) return;
    this.#seen = retired;
    this.#count(elapsed, elapsed);
  }

  /** Drives the interrupt when an overflow is due; cheap otherwise. */
  update(): void {
    if (this.#host.state.retired < this.#nextOverflow) return;
    this.synchronise();
    this.refresh();
  }

  /** Instructions retired when the interrupt may come next. */
  nextDeadline(): bigint | undefined {
    return this.#nextOverflow === NEVER ? undefined : this.#nextOverflow;
  }

  /**
   * An exception is about to be taken, which will count as one retired instruction. Of SVC and HVC it is
   * the instruction itself that retires.
   */
  exceptionTaken(EC: number | undefined): void {
    if (!this.#active) return;
    this.synchronise();
    this.#count(1n, EC === EC_SVC64 || EC === EC_HVC64 ? 1n : 0n);
    this.#seen += 1n;
  }

  /** ERET is about to change the Exception level. */
  exceptionReturned(): void {
    if (this.#active) this.#event(PmuEvent.EXC_RETURN, 1n);
  }

  /** The Exception level or MDCR_EL2 has changed. */
  contextChanged(): void {
    if (this.#active) this.refresh();
  }

  memoryAccessed(): void {
    this.#event(PmuEvent.MEM_ACCESS, 1n);
  }

  translationTableBaseWritten(): void {
    if (this.#active) this.#event(PmuEvent.TTBR_WRITE_RETIRED, 1n);
  }
  contextIdWritten(): void {
    if (this.#active) this.#event(PmuEvent.CID_WRITE_RETIRED, 1n);
  }

  // -- counting

  #raw(name: string): bigint {
    return this.#host.registers.raw(name);
  }
  #setRaw(name: string, value: bigint): void {
    this.#host.registers.setRaw(name, value);
  }

  /** MDCR_EL2.HPMN: event counters below it belong to EL1 and EL0, the others to EL2. */
  get #HPMN(): number {
    return Math.min(Number(this.#raw('MDCR_EL2') & MDCR_HPMN), EVENT_COUNTERS);
  }

  /** Event counters, and the cycle counter, that the current Exception level can see. */
  get #accessible(): bigint {
    const count = this.#host.state.EL === 2 ? EVENT_COUNTERS : this.#HPMN;
    return (1n << BigInt(CYCLE_COUNTER)) | ((1n << BigInt(count)) - 1n);
  }
  #visible(n: number): boolean {
    return n < (this.#host.state.EL === 2 ? EVENT_COUNTERS : this.#HPMN);
  }

  /** PMCR_EL0.E or MDCR_EL2.HPME, whichever enables counter `n`. */
  #globallyEnabled(n: number): boolean {
    return n === CYCLE_COUNTER || n < this.#HPMN
      ? (this.#raw('PMCR_EL0') & PMCR_E) !== 0n
      : (this.#raw('MDCR_EL2') & MDCR_HPME) !== 0n;
  }

  #enabled(n: number): boolean {
    return (this.#raw('PMCNTENSET_EL0') & (1n << BigInt(n))) !== 0n && this.#globallyEnabled(n);
  }

  /** Arm ARM, AArch64.CountPMUEvents(): whether counter `n` counts at the current Exception level. */
  #counts(n: number): boolean {
    if (!this.#enabled(n)) return false;
    const EL: ExceptionLevel = this.#host.state.EL;
    const control = this.#raw(n === CYCLE_COUNTER ? 'PMCCFILTR_EL0' : `PMEVTYPER${n}_EL0`);
    const filter = FILTERS[EL];
    if ((control & filter.bit) !== filter.counts) return false;
    if (EL < 2 || (this.#raw('MDCR_EL2') & MDCR_HPMD) === 0n) return true;
    if (n === CYCLE_COUNTER) return (this.#raw('PMCR_EL0') & PMCR_DP) === 0n;
    return n >= this.#HPMN;
  }

  #eventOf(n: number): number {
    return Number(this.#raw(`PMEVTYPER${n}_EL0`) & 0xffffn);
  }

  #count(cycles: bigint, instructions: bigint): void {
    if (this.#counts(CYCLE_COUNTER)) this.#incrementCycles(cycles);
    this.#event(PmuEvent.CPU_CYCLES, cycles);
    this.#event(PmuEvent.INST_RETIRED, instructions);
  }

  /** `amount` occurrences of an event at the current Exception level. */
  #event(event: number, amount: bigint): void {
    if (amount === 0n) return;
    for (let n = 0; n < EVENT_COUNTERS; n += 1) {
      if (this.#eventOf(n) === event && this.#counts(n)) this.#increment(n, amount);
    }
  }

  /** Arm ARM, IncrementEventCounter(): 32 bits, which carry into a counter of CHAIN events above an even one. */
  #increment(n: number, amount: bigint): void {
    const value = this.#raw(`PMEVCNTR${n}_EL0`) + amount;
    this.#setRaw(`PMEVCNTR${n}_EL0`, value % OVERFLOW_32);
    const overflows = value / OVERFLOW_32;
    if (overflows === 0n) return;
    this.#overflowed(n);
    const above = n + 1;
    if (n % 2 !== 0 || above >= EVENT_COUNTERS) return;
    if (this.#eventOf(above) === PmuEvent.CHAIN && this.#counts(above)) {
      this.#increment(above, overflows);
    }
  }

  /** PMCR_EL0.LC is RES1 without AArch32: the cycle counter overflows at 64 bits. */
  #incrementCycles(amount: bigint): void {
    const value = this.#raw('PMCCNTR_EL0') + amount;
    this.#setRaw('PMCCNTR_EL0', value % OVERFLOW_64);
    if (value >= OVERFLOW_64) this.#overflowed(CYCLE_COUNTER);
  }

  #overflowed(n: number): void {
    this.#setRaw('PMOVSSET_EL0', this.#raw('PMOVSSET_EL0') | (1n << BigInt(n)));
    this.#driveLine();
  }

  #driveLine(): void {
    if (!this.#isImplemented) return;
    const pending = this.#raw('PMOVSSET_EL0') & this.#raw('PMINTENSET_EL1');
    let asserted = false;
    if (pending !== 0n) {
      for (let n = 0; n <= CYCLE_COUNTER; n += 1) {
        if ((pending & (1n << BigInt(n))) !== 0n && this.#globallyEnabled(n)) asserted = true;
      }
    }
    this.#line(asserted);
  }

  /** What follows from the controls and the Exception level: to be called after either has changed. */
  refresh(): void {
    if (!this.#isImplemented) return;
    const { state } = this.#host;
    const active =
      this.#raw('PMCNTENSET_EL0') !== 0n &&
      ((this.#raw('PMCR_EL0') & PMCR_E) !== 0n || (this.#raw('MDCR_EL2') & MDCR_HPME) !== 0n);
    if (active && !this.#active) this.#seen = state.retired;
    this.#active = active;
    let accesses = false;
    let wait: bigint | undefined;
    const interrupts = this.#raw('PMINTENSET_EL1');
    for (let n = 0; active && n < EVENT_COUNTERS; n += 1) {
      if (!this.#counts(n)) continue;
      const event = this.#eventOf(n);
      if (event === PmuEvent.MEM_ACCESS) accesses = true;
      const most = MOST_PER_INSTRUCTION.get(event);
      if (most === undefined) continue;
      const left = (OVERFLOW_32 - this.#raw(`PMEVCNTR${n}_EL0`) + most - 1n) / most;
      if (interrupts !== 0n && (wait === undefined || left < wait)) wait = left;
    }
    if (active && interrupts !== 0n && this.#counts(CYCLE_COUNTER)) {
      const left = OVERFLOW_64 - this.#raw('PMCCNTR_EL0');
      if (wait === undefined || left < wait) wait = left;
    }
    this.#nextOverflow = wait === undefined ? NEVER : this.#seen + wait;
    if (accesses !== this.#countsAccesses) {
      this.#countsAccesses = accesses;
      this.#host.countMemoryAccesses(accesses);
    }
    this.#driveLine();
  }

  // -- registers

  #ownRegisters(): void {
    const { registers, state } = this.#host;
    const changed = (): void => {
      this.refresh();
    };
    registers.own('PMCR_EL0', {
      read: () => {
        const N = BigInt(state.EL === 2 ? EVENT_COUNTERS : this.#HPMN);
        return (this.#raw('PMCR_EL0') & ~(0x1fn << 11n)) | (N << 11n);
      },
      store: (written, current) => {
        this.synchronise();
        if ((written & PMCR_P) !== 0n) {
          for (let n = 0; this.#visible(n); n += 1) this.#setRaw(`PMEVCNTR${n}_EL0`, 0n);
        }
        if ((written & PMCR_C) !== 0n) this.#setRaw('PMCCNTR_EL0', 0n);
        const { writable } = registers.entry('PMCR_EL0').register;
        return (current & ~writable) | (written & writable);
      },
      written: changed,
    });
    this.#ownBitPair('PMCNTENSET_EL0', 'PMCNTENCLR_EL0');
    this.#ownBitPair('PMOVSSET_EL0', 'PMOVSCLR_EL0');
    this.#ownBitPair('PMINTENSET_EL1', 'PMINTENCLR_EL1');
    registers.own('PMSWINC_EL0', {
      store: (written) => {
        for (let n = 0; this.#visible(n); n += 1) {
          if ((written & (1n << BigInt(n))) === 0n) continue;
          if (this.#eventOf(n) === PmuEvent.SW_INCR && this.#counts(n)) this.#increment(n, 1n);
        }
        return 0n;
      },
    });
    registers.own('PMUSERENR_EL0', {
      written: (value, previous) => {
        if (value !== previous) this.#host.trapsChanged();
      },
    });
    registers.own('PMCCNTR_EL0', {
      read: () => this.#counted('PMCCNTR_EL0'),
      store: (written) => {
        this.synchronise();
        return written;
      },
      written: changed,
    });
    registers.own('PMCCFILTR_EL0', this.#control('PMCCFILTR_EL0'));
    for (let n = 0; n < EVENT_COUNTERS; n += 1) {
      registers.own(`PMEVCNTR${n}_EL0`, this.#eventCounter(n));
      registers.own(`PMEVTYPER${n}_EL0`, this.#eventType(n));
    }
    this.#ownSelected();
  }

  #counted(name: string): bigint {
    this.synchronise();
    return this.#raw(name);
  }

  /** A control: what retired before the write is counted under the old value. */
  #control(name: string): { store(written: bigint, current: bigint): bigint; written(): void } {
    return {
      store: (written, current) => {
        this.synchronise();
        const { writable } = this.#host.registers.entry(name).register;
        return (current & ~writable) | (written & writable);
      },
      written: () => {
        this.refresh();
      },
    };
  }

  /** CONSTRAINED UNPREDICTABLE: counters that belong to EL2 are RAZ/WI below it. */
  #eventCounter(n: number) {
    const name = `PMEVCNTR${n}_EL0`;
    return {
      read: () => (this.#visible(n) ? this.#counted(name) : 0n),
      store: (written: bigint, current: bigint) => {
        this.synchronise();
        return this.#visible(n) ? written % OVERFLOW_32 : current;
      },
      written: () => {
        this.refresh();
      },
    };
  }
  #eventType(n: number) {
    const name = `PMEVTYPER${n}_EL0`;
    const control = this.#control(name);
    return {
      read: () => (this.#visible(n) ? this.#raw(name) : 0n),
      store: (written: bigint, current: bigint) =>
        this.#visible(n) ? control.store(written, current) : current,
      written: () => {
        control.written();
      },
    };
  }

  /** A register that sets bits and one that clears them; the first holds them. */
  #ownBitPair(set: string, clear: string): void {
    const { registers } = this.#host;
    const read = (): bigint => {
      this.synchronise();
      return this.#raw(set) & this.#accessible;
    };
    const written = (): void => {
      this.refresh();
    };
    registers.own(set, {
      read,
      store: (bits) => {
        this.synchronise();
        return this.#raw(set) | (bits & this.#accessible);
      },
      written,
    });
    registers.own(clear, {
      read,
      store: (bits) => {
        this.synchronise();
        this.#setRaw(set, this.#raw(set) & ~(bits & this.#accessible));
        return 0n;
      },
      written,
    });
  }

  /** PMXEVTYPER_EL0 and PMXEVCNTR_EL0 are the registers of the counter that PMSELR_EL0 selects. */
  #ownSelected(): void {
    const { registers } = this.#host;
    const selected = (what: 'PMEVTYPER' | 'PMEVCNTR'): string | undefined => {
      const SEL = Number(this.#raw('PMSELR_EL0') & 0x1fn);
      if (SEL === CYCLE_COUNTER) return what === 'PMEVTYPER' ? 'PMCCFILTR_EL0' : undefined;
      return this.#visible(SEL) ? `${what}${SEL}_EL0` : undefined;
    };
    for (const [name, what] of [
      ['PMXEVTYPER_EL0', 'PMEVTYPER'],
      ['PMXEVCNTR_EL0', 'PMEVCNTR'],
    ] as const) {
      registers.own(name, {
        read: () => {
          const register = selected(what);
          return register === undefined ? 0n : registers.read(register);
        },
        store: (written) => {
          const register = selected(what);
          if (register !== undefined) registers.write(register, written);
          return 0n;
        },
      });
    }
  }

  // -- snapshots: the registers are the processor's

  saveState(): unknown {
    this.synchronise();
    return { seen: this.#seen };
  }
  restoreState(state: unknown): void {
    this.#active = false;
    this.refresh();
    this.#seen = (state as { seen: bigint }).seen;
    this.refresh();
  }
}
