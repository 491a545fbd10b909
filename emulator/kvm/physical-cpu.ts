/**
 * The physical CPU as the hypervisor sees it from EL2: all that `kvm/` may touch of a processor.
 *
 * Accesses that KVM would make by MRS and MSR go through `CountedCpu`, so that the cost figures are
 * what the hypervisor really did. The `peek` forms serve views and checks and cost nothing.
 */

import type { SoftwareSlots } from '../cpu/debug/debug-unit.ts';
import type { KvmExit } from './kvm-exit.ts';

/** General-purpose registers of a vCPU that is not on a processor. */
export interface GeneralRegisters {
  /** X0 to X30. */
  readonly X: readonly bigint[];
}

/** Where the guest is: the program counter and PSTATE in the layout of SPSR_ELx. */
export interface GuestPosition {
  readonly PC: bigint;
  readonly PSTATE: bigint;
}

export interface PhysicalCpu {
  readonly id: number;
  /** Instructions retired since reset. */
  readonly retired: bigint;
  /** As MRS and MSR at EL2, effects and masks included. @throws RangeError for a register it has not */
  readRegister(name: string): bigint;
  writeRegister(name: string, value: bigint): void;
  /** No side effects. */
  peekRegister(name: string): bigint;
  /** X0 to X30 of the guest; they stay in place while EL2 runs. */
  readX(n: number): bigint;
  writeX(n: number, value: bigint): void;
  /** V<n> in two 64-bit halves. */
  readV(n: number): { readonly lo: bigint; readonly hi: bigint };
  writeV(n: number, lo: bigint, hi: bigint): void;
  saveGeneralRegisters(): GeneralRegisters;
  restoreGeneralRegisters(registers: GeneralRegisters): void;
  /** PC and PSTATE of the processor while it executes the guest or presents it. */
  readonly position: GuestPosition;
  /**
   * The processor shows this position without having entered the guest: for whoever looks at a guest that
   * is stopped. Nothing but PC, PSTATE and the choice of the stack pointer changes.
   */
  present(position: GuestPosition): void;
  /** The instruction word at a VA as EL1 would fetch it; undefined where nothing is mapped. No side effects. */
  peekInstruction(va: bigint): number | undefined;
  /**
   * Register pairs compared in software, since the processor has too few; empty for none. On a
   * processor of silicon: stage 2 permissions on their pages, and single steps.
   */
  setSoftwareSlots(files: readonly SoftwareSlots[]): void;
  /** Takes an interrupt of the host to EL2: ELR_EL2 and SPSR_EL2 receive the position. */
  takeHostInterrupt(): void;
  /** ERET from EL2. */
  exceptionReturn(): void;
  /** KVM_RUN returns before it has entered the guest. */
  returnToUserspace(exit: KvmExit): void;
}

/** Accesses to one register. */
export interface AccessCount {
  reads: number;
  writes: number;
}

/** The registers of a physical CPU, each access counted under the register's name. */
export class CountedCpu {
  readonly cpu: PhysicalCpu;
  readonly #counts = new Map<string, AccessCount>();
  #reads = 0;
  #writes = 0;

  constructor(cpu: PhysicalCpu) {
    this.cpu = cpu;
  }

  #count(name: string): AccessCount {
    let count = this.#counts.get(name);
    if (count === undefined) {
      count = { reads: 0, writes: 0 };
      this.#counts.set(name, count);
    }
    return count;
  }

  read(name: string): bigint {
    this.#count(name).reads += 1;
    this.#reads += 1;
    return this.cpu.readRegister(name);
  }

  write(name: string, value: bigint): void {
    this.#count(name).writes += 1;
    this.#writes += 1;
    this.cpu.writeRegister(name, value);
  }

  get reads(): number {
    return this.#reads;
  }

  get writes(): number {
    return this.#writes;
  }

  get counts(): ReadonlyMap<string, Readonly<AccessCount>> {
    return this.#counts;
  }

  /** Accesses to registers whose name fulfils the condition. */
  total(matches: (name: string) => boolean): Readonly<AccessCount> {
    const sum = { reads: 0, writes: 0 };
    for (const [name, { reads, writes }] of this.#counts) {
      if (!matches(name)) continue;
      sum.reads += reads;
      sum.writes += writes;
    }
    return sum;
  }

  saveState(): readonly (readonly [string, number, number])[] {
    return [...this.#counts].map(([name, { reads, writes }]) => [name, reads, writes] as const);
  }

  restoreState(state: readonly (readonly [string, number, number])[]): void {
    this.#counts.clear();
    this.#reads = 0;
    this.#writes = 0;
    for (const [name, reads, writes] of state) {
      this.#counts.set(name, { reads, writes });
      this.#reads += reads;
      this.#writes += writes;
    }
  }
}
