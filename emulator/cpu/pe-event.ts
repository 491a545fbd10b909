/** Why a run of the processor ended. */
import type { ExceptionRecord } from './exceptions.ts';

export type PeEvent =
  | { readonly kind: 'budget' }
  /** Before the instruction executes; continue with `run(budget, { resume: true })`. */
  | { readonly kind: 'machineBreakpoint'; readonly pc: bigint }
  /** Before the access is made; continue likewise. `pc` is the accessing instruction. */
  | {
      readonly kind: 'machineWatchpoint';
      readonly id: number;
      readonly address: bigint;
      readonly size: number;
      readonly isWrite: boolean;
      readonly pc: bigint;
    }
  | { readonly kind: 'exceptionTaken'; readonly exception: ExceptionRecord }
  /** The WFI is done and no interrupt is pending. */
  | { readonly kind: 'wfi' }
  /** The WFE is done, and there has been no event and no interrupt is pending. */
  | { readonly kind: 'wfe' }
  /** A YIELD is done: what the software waits for takes longer. Only with `others`. */
  | { readonly kind: 'yield' }
  /** HLT #0xF000, not yet completed: set X0, then `completeInstruction()`. */
  | { readonly kind: 'halt'; readonly pc: bigint }
  /** The PE is at EL2 for EL2 software, which has stopped it or does not exist. */
  | { readonly kind: 'el2'; readonly exception: ExceptionRecord | undefined }
  /**
   * Met for the first time. `resumable`: the architected exception was taken, or the effect is
   * absent; otherwise the instruction at `pc` cannot execute and every run ends here.
   */
  | {
      readonly kind: 'unimplemented';
      readonly what: string;
      readonly pc: bigint;
      readonly resumable: boolean;
    }
  /** `requestStop()` without an event of its own. */
  | { readonly kind: 'stopped' };
