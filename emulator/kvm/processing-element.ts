/** A processing element as the physical CPU of the hypervisor. */
import type { SoftwareSlots } from '../cpu/debug/debug-unit.ts';
import type { El2Software, ProcessingElement } from '../cpu/pe.ts';
import { SPSR_nRW, unpackSpsr } from '../cpu/pstate.ts';
import type { KvmExit } from './kvm-exit.ts';
import type { GeneralRegisters, GuestPosition, PhysicalCpu } from './physical-cpu.ts';

const X_COUNT = 31;
/** PSTATE of EL1 with SP_EL1. */
const EL1h = 0b0101n;

const isAArch32 = (PSTATE: bigint): boolean => (PSTATE & SPSR_nRW) !== 0n;

export class ProcessingElementCpu implements PhysicalCpu {
  readonly id: number;
  readonly #pe: ProcessingElement;
  /** An interrupt of the host is being taken: the hypervisor is calling already. */
  #interrupting = false;
  #stopped: ((exit: KvmExit) => void) | undefined;
  /** Where a guest in AArch32 state stands: this processor has no such state to be in. */
  #aarch32: GuestPosition | undefined;

  constructor(pe: ProcessingElement, id = 0) {
    this.#pe = pe;
    this.id = id;
  }

  get retired(): bigint {
    return this.#pe.state.retired;
  }

  readRegister(name: string): bigint {
    return this.#pe.readRegister(name);
  }

  writeRegister(name: string, value: bigint): void {
    this.#pe.writeRegister(name, value);
  }

  peekRegister(name: string): bigint {
    return this.#pe.peekRegister(name);
  }

  readX(n: number): bigint {
    return this.#pe.state.X(n);
  }

  writeX(n: number, value: bigint): void {
    this.#pe.state.setX(n, value);
  }

  readV(n: number): { readonly lo: bigint; readonly hi: bigint } {
    return this.#pe.state.V(n);
  }

  writeV(n: number, lo: bigint, hi: bigint): void {
    this.#pe.state.setV(n, lo, hi);
  }

  saveGeneralRegisters(): GeneralRegisters {
    const { state } = this.#pe;
    return { X: Array.from({ length: X_COUNT }, (_, n) => state.X(n)) };
  }

  restoreGeneralRegisters({ X }: GeneralRegisters): void {
    const { state } = this.#pe;
    for (let n = 0; n < X_COUNT; n += 1) state.setX(n, X[n] ?? 0n);
  }

  get position(): GuestPosition {
    if (this.#aarch32 !== undefined) return this.#aarch32;
    return { PC: this.#pe.state.PC, PSTATE: this.#pe.peekRegister('PSTATE') };
  }

  present({ PC, PSTATE }: GuestPosition): void {
    this.#aarch32 = isAArch32(PSTATE) ? { PC, PSTATE } : undefined;
    if (this.#aarch32 !== undefined) return;
    this.#pe.setPstate(unpackSpsr(PSTATE));
    this.#pe.state.PC = PC;
  }

  peekInstruction(va: bigint): number | undefined {
    const { position } = this;
    this.present({ PC: va, PSTATE: EL1h });
    const [b0, b1 = 0, b2 = 0, b3] = this.#pe.peekVirtual(va, 4);
    this.present(position);
    if (b0 === undefined || b3 === undefined) return undefined;
    return (b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0;
  }

  setSoftwareSlots(files: readonly SoftwareSlots[]): void {
    this.#pe.debug.softwareSlots = files;
  }

  takeHostInterrupt(): void {
    const { state } = this.#pe;
    this.#interrupting = true;
    this.#pe.takeException({ kind: 'IRQ', targetEL: 2, preferredReturn: state.PC });
    this.#interrupting = false;
    // The processor counts taking an exception as an instruction; the hypervisor takes no virtual time.
    state.retired -= 1n;
    if (this.#aarch32 === undefined) return;
    this.writeRegister('ELR_EL2', this.#aarch32.PC);
    this.writeRegister('SPSR_EL2', this.#aarch32.PSTATE);
    this.#aarch32 = undefined;
  }

  exceptionReturn(): void {
    const PSTATE = this.peekRegister('SPSR_EL2');
    if (!isAArch32(PSTATE)) {
      this.#pe.exceptionReturn();
      return;
    }
    const PC = this.peekRegister('ELR_EL2');
    this.#aarch32 = { PC, PSTATE };
    const what = 'execution in AArch32 state';
    this.#pe.requestStop({ kind: 'unimplemented', what, pc: PC, resumable: false });
  }

  returnToUserspace(exit: KvmExit): void {
    this.#stopped?.(exit);
    this.#pe.requestStop();
  }

  /**
   * EL2 software that gives every exception to the hypervisor. When KVM_RUN returns, `stopped` is told
   * why, and the run of the processor ends with the event `stopped`.
   */
  el2Software(
    handleExit: () => KvmExit | undefined,
    stopped: (exit: KvmExit) => void,
  ): El2Software {
    this.#stopped = stopped;
    return {
      handle: () => {
        if (this.#interrupting) return;
        const exit = handleExit();
        if (exit !== undefined) this.returnToUserspace(exit);
      },
    };
  }
}
