/** Why KVM_RUN returns. KVM api.rst, struct kvm_run. */

export interface KvmDebugExit {
  readonly exit_reason: 'KVM_EXIT_DEBUG';
  /** ESR_EL2 of the debug exception. */
  readonly hsr: bigint;
  /** FAR_EL2; watchpoints only. */
  readonly far?: bigint;
  readonly cause: 'breakpoint' | 'watchpoint' | 'step' | 'brk';
  /** The guest's PC: the instruction that executes next. */
  readonly pc: bigint;
  /** Index of the debugger's breakpoint or watchpoint; KVM leaves finding it to the VMM. */
  readonly slot?: number;
  /** Watchpoints: the access was a store. */
  readonly isWrite?: boolean;
  /** BRK: the immediate. */
  readonly imm16?: number;
}

export type KvmExit =
  | KvmDebugExit
  | { readonly exit_reason: 'KVM_EXIT_SYSTEM_EVENT'; readonly type: 'SHUTDOWN' | 'RESET' }
  /** KVM refuses to go on with the vCPU. */
  | { readonly exit_reason: 'KVM_EXIT_FAIL_ENTRY'; readonly what: string; readonly pc: bigint }
  /** The vCPU waits for an interrupt: WFI that was trapped, or PSCI CPU_SUSPEND. */
  | { readonly exit_reason: 'KVM_EXIT_HLT' }
  /** The guest accesses what belongs to user space. Reads have no `data` yet. struct kvm_run.mmio */
  | {
      readonly exit_reason: 'KVM_EXIT_MMIO';
      readonly phys_addr: bigint;
      /** Bytes. */
      readonly len: 1 | 2 | 4 | 8;
      readonly is_write: boolean;
      readonly data?: bigint;
    }
  /** As KVM_EXIT_MMIO, by an instruction that the syndrome does not describe: it ends in an external abort. */
  | {
      readonly exit_reason: 'KVM_EXIT_ARM_NISV';
      readonly fault_ipa: bigint;
      /** ISS of ESR_EL2. */
      readonly esr_iss: number;
    }
  /** An exception class that the hypervisor does not handle; the guest got an UNDEFINED exception. */
  | { readonly exit_reason: 'KVM_EXIT_UNKNOWN'; readonly what: string; readonly pc: bigint };

/** HVC and SMC of the guest. SMC Calling Convention, Arm DEN 0028. */
export interface Hypercall {
  readonly conduit: 'HVC' | 'SMC';
  readonly imm16: number;
  /** W0. */
  readonly functionId: number;
  /** X1 to X3. */
  readonly arguments: readonly [bigint, bigint, bigint];
}

/** `X0` is the result the guest sees, sign-extended if negative. */
export type HypercallOutcome =
  | { readonly kind: 'return'; readonly X0: bigint }
  | { readonly kind: 'exit'; readonly exit: KvmExit; readonly X0?: bigint };

export type HypercallHandler = (call: Hypercall) => HypercallOutcome;

/** SMCCC: NOT_SUPPORTED. */
export const SMCCC_RET_NOT_SUPPORTED = -1n;
