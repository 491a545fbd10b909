/**
 * Self-hosted trace: FEAT_TRF's filter and FEAT_TRBE's buffer. There is no trace unit (FEAT_ETE), so nothing
 * is ever traced: what is here is what the registers decide and show. Arm ARM, "The Trace Buffer Extension".
 */
import type { CpuState } from '../../engine/cpu-state.ts';
import type { ExceptionLevel } from '../pstate.ts';
import type { SystemRegisters } from '../system-registers.ts';

export interface TraceHost {
  readonly state: CpuState;
  readonly registers: SystemRegisters;
  /** Something that is not implemented was met. */
  readonly unimplemented: (what: string) => void;
}

const TRBIDR_P = 1n << 4n;
const E = 1n;
const TRBSR_S = 1n << 17n;

const bit = (value: bigint, position: number): boolean => ((value >> BigInt(position)) & 1n) === 1n;

export class SelfHostedTrace {
  readonly #registers: SystemRegisters;

  constructor({ state, registers, unimplemented }: TraceHost) {
    this.#registers = registers;
    for (const name of [
      'TRFCR_EL1',
      'TRFCR_EL2',
      'TRBPTR_EL1',
      'TRBBASER_EL1',
      'TRBSR_EL1',
      'TRBMAR_EL1',
      'TRBTRG_EL1',
    ]) {
      registers.own(name, {});
    }
    registers.own('TRBIDR_EL1', {
      // P: the buffer belongs to a higher EL.
      read: () => registers.raw('TRBIDR_EL1') | (state.EL < this.bufferOwner ? TRBIDR_P : 0n),
      peek: () => registers.raw('TRBIDR_EL1'),
    });
    registers.own('TRBLIMITR_EL1', {
      written: (value, previous) => {
        if ((value & ~previous & E) === E) {
          unimplemented('a trace unit (FEAT_ETE) that would fill the trace buffer');
        }
      },
    });
  }

  /** Arm ARM, TraceAllowed(): whether a trace unit would see instructions at this EL. */
  allowedAt(EL: ExceptionLevel): boolean {
    const { implemented } = this.#registers;
    if (implemented.byName('TRFCR_EL1') === undefined) return false;
    const TGE = bit(this.#registers.raw('HCR_EL2'), 27);
    const TRFCR_EL1 = this.#registers.raw('TRFCR_EL1');
    const TRFCR_EL2 = this.#registers.raw('TRFCR_EL2');
    switch (EL) {
      case 0:
        return bit(TGE ? TRFCR_EL2 : TRFCR_EL1, 0);
      case 1:
        return bit(TRFCR_EL1, 1);
      case 2:
        return bit(TRFCR_EL2, 1);
    }
  }

  /** Arm ARM, TraceBufferOwner(): MDCR_EL2.E2TB. */
  get bufferOwner(): 1 | 2 {
    return ((this.#registers.raw('MDCR_EL2') >> 24n) & 3n) === 0n ? 2 : 1;
  }

  /** Arm ARM, TraceBufferEnabled() with a trigger or fault event not pending. */
  get bufferEnabled(): boolean {
    if (!this.#registers.has('TRBLIMITR_EL1')) return false;
    const enabled = (this.#registers.raw('TRBLIMITR_EL1') & E) !== 0n;
    return enabled && (this.#registers.raw('TRBSR_EL1') & TRBSR_S) === 0n;
  }
}
