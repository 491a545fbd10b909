/** A thread of the host that computes with V registers of its own. */
import { fpsimdPattern, sameFpsimdState } from './state.ts';
import type { FpsimdState } from './state.ts';

export interface HostTaskState {
  readonly fpsimd_state: FpsimdState;
  readonly TIF_FOREIGN_FPSTATE: boolean;
  readonly round: number;
}

export class HostTask {
  readonly name: string;
  readonly #tag: string;
  readonly #RMode: number;
  /** thread.uw.fpsimd_state: where the registers are while another context has them. */
  fpsimd_state: FpsimdState;
  /** The processor's registers are not this thread's. */
  TIF_FOREIGN_FPSTATE = true;
  #round = 0;

  /** @param tag four letters that its registers show */
  constructor(name: string, tag: string, RMode: number) {
    this.name = name;
    this.#tag = tag;
    this.#RMode = RMode;
    this.fpsimd_state = this.expected;
  }

  /** What its own instructions have left in its registers. */
  get expected(): FpsimdState {
    return fpsimdPattern(this.#tag, this.#round, this.#RMode);
  }

  /**
   * It computes for a while.
   * @param found what it finds in the registers
   * @returns what it leaves there, and whether what it found was its own
   */
  compute(found: FpsimdState): { readonly left: FpsimdState; readonly intact: boolean } {
    const intact = sameFpsimdState(found, this.expected);
    this.#round += 1;
    return { left: this.expected, intact };
  }

  /** It starts. */
  reset(): void {
    this.#round = 0;
    this.TIF_FOREIGN_FPSTATE = true;
    this.fpsimd_state = this.expected;
  }

  saveState(): HostTaskState {
    const { fpsimd_state, TIF_FOREIGN_FPSTATE } = this;
    return { fpsimd_state, TIF_FOREIGN_FPSTATE, round: this.#round };
  }

  restoreState(state: HostTaskState): void {
    this.fpsimd_state = state.fpsimd_state;
    this.TIF_FOREIGN_FPSTATE = state.TIF_FOREIGN_FPSTATE;
    this.#round = state.round;
  }
}
