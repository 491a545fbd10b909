/** Why a machine handed control back, in values that no layer above has to interpret again. */
import type { ExceptionRecord as PeExceptionRecord } from '../cpu/pe.ts';

/** An exception that was taken, as AArch64.TakeException() left it in the registers. */
export interface ExceptionRecord {
  readonly kind: 'synchronous' | 'IRQ' | 'FIQ' | 'SError';
  /** ESR_ELx of the target; 0 for IRQ and FIQ, which do not write it. */
  readonly ESR: bigint;
  readonly EC: number;
  /** Undefined where the exception does not write FAR_ELx. */
  readonly FAR: bigint | undefined;
  readonly ELR: bigint;
  readonly SPSR: bigint;
  readonly fromEL: 0 | 1 | 2;
  readonly targetEL: 1 | 2;
  readonly vector: bigint;
  /** Instructions retired since reset. */
  readonly retired: bigint;
}

export type ExitCause = 'PSCI SYSTEM_OFF' | 'PSCI SYSTEM_RESET' | 'semihosting';

export type StopReason =
  /** The instructions are used up. */
  | { readonly kind: 'slice' }
  /** The guest waits; virtual time has moved on to `until`, in nanoseconds since reset. */
  | { readonly kind: 'idle'; readonly until: bigint }
  | { readonly kind: 'breakpoint'; readonly pc: bigint; readonly ids: readonly number[] }
  | {
      readonly kind: 'hwBreakpoint';
      readonly pc: bigint;
      readonly slot: number;
      readonly hsr: bigint;
    }
  /** After the access; `pc` is the accessing instruction. `old` and `new` are the watched bytes from `address`. */
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
  /** Before the access; `address` is FAR. */
  | {
      readonly kind: 'hwWatchpoint';
      readonly slot: number;
      readonly address: bigint;
      readonly isWrite: boolean;
      readonly hsr: bigint;
      readonly pc: bigint;
    }
  | { readonly kind: 'step'; readonly exception?: ExceptionRecord }
  | { readonly kind: 'brk'; readonly pc: bigint; readonly imm: number }
  | { readonly kind: 'exception'; readonly exception: ExceptionRecord }
  | { readonly kind: 'wfiDeadlock'; readonly pc: bigint }
  | { readonly kind: 'exit'; readonly status: number; readonly how: ExitCause }
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
