/** Why a machine handed control back, in values that no layer above has to interpret again. */
import type { ExceptionRecord as PeExceptionRecord } from '../cpu/pe.ts';

export type ExitCause = 'PSCI SYSTEM_OFF' | 'PSCI SYSTEM_RESET' | 'semihosting' | 'exit device';

/** An exception that was taken. EC, ISS, ESR and the rest are as AArch64.TakeException() wrote them. */
export interface ExceptionRecord {
  readonly kind: 'synchronous' | 'IRQ' | 'FIQ' | 'SError';
  /** ESR_ELx of the target; 0 for IRQ and FIQ, which do not write it. */
  readonly ESR: bigint;
  /** ESR.EC; 0 for IRQ and FIQ. */
  readonly EC: number;
  /** Undefined where the exception does not write FAR_ELx. */
  readonly FAR: bigint | undefined;
  readonly ELR: bigint;
  readonly SPSR: bigint;
  readonly fromEL: 0 | 1 | 2;
  readonly targetEL: 1 | 2;
  /** Virtual address of the vector: VBAR_ELx plus the offset of origin and kind. */
  readonly vector: bigint;
  /** Instructions retired since reset. */
  readonly retired: bigint;
}

/** Why the machine handed control back. `pc` is the instruction that executes next unless it says otherwise. */
export type StopReason =
  /** The instructions are used up; nothing happened. */
  | { readonly kind: 'slice' }
  /** All processors wait, and the clock has jumped to `until`, in virtual nanoseconds since reset. */
  | { readonly kind: 'idle'; readonly until: bigint }
  /**
   * All processors wait, and the clock stands still: `passTime` lets it go on. The event due at `until`, in
   * virtual nanoseconds since reset, ends the wait; undefined: only the console can.
   */
  | { readonly kind: 'waiting'; readonly until: bigint | undefined }
  /** Machine breakpoints whose `onHit` said stop. */
  | { readonly kind: 'breakpoint'; readonly pc: bigint; readonly ids: readonly number[] }
  /** KVM_EXIT_DEBUG for a DBGB slot of the debugger. */
  | {
      readonly kind: 'hwBreakpoint';
      readonly pc: bigint;
      readonly slot: number;
      readonly hsr: bigint;
    }
  /** Machine watchpoints; reported after the access. `pc` is the accessing instruction. */
  | {
      readonly kind: 'watchpoint';
      readonly ids: readonly number[];
      readonly address: bigint;
      readonly size: number;
      readonly isWrite: boolean;
      readonly old: Uint8Array;
      readonly new: Uint8Array;
      readonly pc: bigint;
    }
  /** KVM_EXIT_DEBUG for a DBGW slot of the debugger; before the access. `address` is FAR. */
  | {
      readonly kind: 'hwWatchpoint';
      readonly slot: number;
      readonly address: bigint;
      readonly isWrite: boolean;
      readonly hsr: bigint;
      readonly pc: bigint;
    }
  /** stepInstruction is done; `exception` is the one it took instead of, or after, executing. */
  | { readonly kind: 'step'; readonly exception?: ExceptionRecord }
  /** A BRK that the debugger claimed (`claimBreakpointInstructions`). */
  | { readonly kind: 'brk'; readonly pc: bigint; readonly imm: number }
  /** `onException` said stop; the PC is at the vector. */
  | { readonly kind: 'exception'; readonly exception: ExceptionRecord }
  /** WFI, or WFE, that nothing can end. */
  | {
      readonly kind: 'wfiDeadlock';
      readonly pc: bigint;
      readonly instruction: 'WFI' | 'WFE';
    }
  | {
      readonly kind: 'exit';
      readonly status: number;
      readonly how: ExitCause;
    }
  /** Something this machine does not implement, reported once per place; the run can go on. */
  | { readonly kind: 'unimplemented'; readonly what: string; readonly pc: bigint };

export function exceptionRecord(
  record: PeExceptionRecord,
  SPSR: bigint,
  retired: bigint,
): ExceptionRecord {
  const { kind, ESR = 0n, EC = 0, FAR, preferredReturn, fromEL, targetEL, vector } = record;
  return {
    kind: kind === 'Synchronous' ? 'synchronous' : kind,
    ESR,
    EC,
    FAR,
    ELR: preferredReturn,
    SPSR,
    fromEL,
    targetEL,
    vector,
    retired,
  };
}
