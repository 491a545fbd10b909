/** A virtual CPU: what the hypervisor keeps of a guest's processor, in the guest's own numbering. */
import {
  copyDebugState,
  debugRegisters,
  emptyDebugState,
  readDebugState,
  writeDebugState,
} from './debug-state.ts';
import type { DebugState } from './debug-state.ts';
import { softwareStepIss } from '../cpu/syndrome.ts';
import { OSLSR_EL1_OSLK, OSLSR_EL1_UNLOCKED } from './control-bits.ts';
import type { DebugCounts } from './remap.ts';
import type { FpOwner } from './fpsimd/fpsimd.ts';
import { zeroFpsimdState } from './fpsimd/state.ts';
import type { FpsimdState } from './fpsimd/state.ts';
import { VcpuSpe } from './spe/vcpu-spe.ts';
import type { VcpuSpeState } from './spe/vcpu-spe.ts';
import type { PendingMmio } from './mmio.ts';
import type { GeneralRegisters } from './physical-cpu.ts';

/** Debug registers of the guest beside the four groups of breakpoint and watchpoint registers. */
export const vcpuDebugRegisters = [
  'MDSCR_EL1',
  'MDCCINT_EL1',
  'MDSELR_EL1',
  'OSLSR_EL1',
  'OSDLR_EL1',
  'DBGPRCR_EL1',
  'OSECCR_EL1',
  'OSDTRRX_EL1',
  'OSDTRTX_EL1',
  'DBGVCR32_EL2',
] as const;

export type VcpuDebugRegister = (typeof vcpuDebugRegisters)[number];

export function isVcpuDebugRegister(name: string): name is VcpuDebugRegister {
  return (vcpuDebugRegisters as readonly string[]).includes(name);
}

/**
 * VCPU_DEBUG_FREE, VCPU_DEBUG_HOST_OWNED and VCPU_DEBUG_GUEST_OWNED of KVM since 6.14; SHARED is of this project:
 * the guest's and the debugger's registers are on the processor at the same time.
 */
export type DebugOwner = 'FREE' | 'HOST' | 'GUEST' | 'SHARED';

/** ISS of a step exception for an instruction that was not itself stepped. */
export const STEP_NOT_STEPPED = softwareStepIss(false, false);

/** Everything of the guest that is in the processor while its vCPU is the resident one. */
export interface GuestContext {
  readonly general: GeneralRegisters;
  /** EL1 and EL0 system registers by name. */
  readonly sysregs: Readonly<Record<string, bigint>>;
}

/** Going over an instruction whose breakpoint or watchpoint has been reported already. */
export interface StepOver {
  /** Address of the instruction: breakpoints of the debugger there are off. */
  readonly pc: bigint;
  /** The watchpoints of the debugger are off as well. */
  readonly watchpoints: boolean;
  /** So are the guest's own breakpoints and watchpoints, which are not due where the guest is. */
  readonly guest?: boolean;
}

/** A vCPU as data: equal vCPUs have equal states. 64-bit values are bigint. */
export interface VcpuState {
  readonly pc: bigint;
  readonly pstate: bigint;
  readonly vcpu_debug_state: DebugState;
  readonly external_debug_state: DebugState;
  readonly sys_regs: Readonly<Record<VcpuDebugRegister, bigint>>;
  readonly guest_debug: number;
  readonly debug_owner: DebugOwner;
  readonly debug_dirty: boolean;
  readonly external_mdscr_el1: bigint;
  readonly mdcr_el2: bigint;
  readonly HOST_SS_ACTIVE_PENDING: boolean;
  readonly GUEST_SS_ACTIVE_PENDING: boolean;
  readonly stepStolen: boolean;
  readonly hardwareLocked: boolean;
  readonly stepOver: StepOver | undefined;
  readonly reported: StepOver | undefined;
  readonly entryPC: bigint;
  readonly fpsimd_state: FpsimdState;
  readonly FP_ENABLED: boolean;
  readonly FP_HOST: boolean;
  readonly fp_state: FpOwner;
  readonly spe: VcpuSpeState;
  readonly entryPstate: bigint;
  readonly entryInstruction: number | undefined;
  readonly guestStepISS: number;
  /** What the guest's processor has; a vCPU goes to a machine that gives it the same. */
  readonly counts?: DebugCounts;
  /** Absent while the registers are in the processor. */
  readonly context: GuestContext | undefined;
  readonly el1_32bit: boolean;
  readonly mmio: PendingMmio | undefined;
}

/** PSTATE of a vCPU after KVM_ARM_VCPU_INIT: EL1h, all exceptions masked. */
export const VCPU_RESET_PSTATE = 0x3c5n;
/** The same of a vCPU with KVM_ARM_VCPU_EL1_32BIT: Supervisor mode, A, I and F masked. */
export const VCPU_RESET_PSTATE_AARCH32 = 0x1d3n;

export class Vcpu {
  readonly id: number;
  /** The guest's PC and PSTATE (as in SPSR_EL2) while the guest is not running. */
  pc = 0n;
  pstate = VCPU_RESET_PSTATE;
  /** The guest's registers (G). Not up to date while a policy has them on the processor. */
  vcpu_debug_state: DebugState = emptyDebugState();
  /** What the debugger asked for (X). */
  external_debug_state: DebugState = emptyDebugState();
  sys_regs: Record<VcpuDebugRegister, bigint> = resetRegisters();
  /** KVM_GUESTDBG_* bits of KVM_SET_GUEST_DEBUG. */
  guest_debug = 0;
  debug_owner: DebugOwner = 'FREE';
  /** KVM_ARM64_DEBUG_DIRTY. */
  debug_dirty = false;
  /** MDSCR_EL1 while the debugger owns the registers. */
  external_mdscr_el1 = 0n;
  /** MDCR_EL2 while the guest runs. */
  mdcr_el2 = 0n;
  /** The debugger's step is due before the next instruction. */
  HOST_SS_ACTIVE_PENDING = false;
  /** The guest's own PSTATE.SS was 0 when the debugger took the step state machine. */
  GUEST_SS_ACTIVE_PENDING = false;
  /** PSTATE.SS is the debugger's; the guest's own is in GUEST_SS_ACTIVE_PENDING. */
  stepStolen = false;
  /** The processor's OS Lock stands in for the guest's while it runs. */
  hardwareLocked = false;
  stepOver: StepOver | undefined;
  /**
   * An exception to EL1 came in the way of a step over this instruction: what the debugger has been told
   * about it is not reported again when the guest comes back to it.
   */
  reported: StepOver | undefined;
  /** PC at the last entry. */
  entryPC = 0n;
  /** PSTATE at the last entry, as the guest had it. */
  entryPstate = VCPU_RESET_PSTATE;
  /** The instruction that the processor was to step at the last entry, where the guest's own step needs it. */
  entryInstruction: number | undefined;
  /** ISS of the guest's step exception, should it be due before the next instruction. */
  guestStepISS = STEP_NOT_STEPPED;
  context: GuestContext | undefined;
  /** KVM_ARM_VCPU_EL1_32BIT: EL1 of this vCPU is AArch32. */
  el1_32bit = false;
  /** mmio_needed: an access that user space has to complete. */
  mmio: PendingMmio | undefined;
  /** V0 to V31, FPSR and FPCR. Not up to date while they are in the processor. */
  fpsimd_state: FpsimdState = zeroFpsimdState();
  /** KVM_ARM64_FP_ENABLED: the guest's FP registers are loaded. */
  FP_ENABLED = false;
  /** KVM_ARM64_FP_HOST: the host's are, and have to be saved. */
  FP_HOST = false;
  /** FP_STATE_* of KVM since 6.0. */
  fp_state: FpOwner = 'FREE';
  readonly spe = new VcpuSpe();

  constructor(id: number) {
    this.id = id;
  }

  /** The OS Lock or the OS Double Lock of the guest silences its debug exceptions. */
  get debugLocked(): boolean {
    const { OSLSR_EL1, OSDLR_EL1, DBGPRCR_EL1 } = this.sys_regs;
    return (
      (OSLSR_EL1 & OSLSR_EL1_OSLK) !== 0n || ((OSDLR_EL1 & 1n) !== 0n && (DBGPRCR_EL1 & 1n) === 0n)
    );
  }

  /** The instruction that is being stepped over was not executed: the guest will come back to it. */
  rememberReported(): void {
    const { stepOver } = this;
    if (stepOver === undefined || stepOver.pc !== this.entryPC) return;
    this.reported = { pc: stepOver.pc, watchpoints: stepOver.watchpoints };
  }

  /** A debug register as it stands in memory; undefined for another register. */
  debugRegister(name: string): bigint | undefined {
    const register = debugRegisters.get(name);
    if (register !== undefined) return readDebugState(this.vcpu_debug_state, register);
    return isVcpuDebugRegister(name) ? this.sys_regs[name] : undefined;
  }

  /** @returns false for a register that is none of the vCPU's debug registers */
  setDebugRegister(name: string, value: bigint): boolean {
    const register = debugRegisters.get(name);
    if (register !== undefined) writeDebugState(this.vcpu_debug_state, register, value);
    else if (isVcpuDebugRegister(name)) this.sys_regs[name] = BigInt.asUintN(64, value);
    else return false;
    return true;
  }

  /** KVM_ARM_VCPU_INIT. The debugger's requests stay. */
  reset(entry: bigint): void {
    this.pc = entry;
    this.pstate = this.el1_32bit ? VCPU_RESET_PSTATE_AARCH32 : VCPU_RESET_PSTATE;
    this.vcpu_debug_state = emptyDebugState();
    this.sys_regs = resetRegisters();
    this.debug_owner = 'FREE';
    this.debug_dirty = false;
    this.external_mdscr_el1 = 0n;
    this.mdcr_el2 = 0n;
    this.HOST_SS_ACTIVE_PENDING = false;
    this.GUEST_SS_ACTIVE_PENDING = false;
    this.stepStolen = false;
    this.hardwareLocked = false;
    this.stepOver = undefined;
    this.reported = undefined;
    this.entryPC = entry;
    this.entryPstate = this.pstate;
    this.entryInstruction = undefined;
    this.guestStepISS = STEP_NOT_STEPPED;
    this.context = undefined;
    this.mmio = undefined;
    this.fpsimd_state = zeroFpsimdState();
    this.FP_ENABLED = false;
    this.FP_HOST = false;
    this.fp_state = 'FREE';
    this.spe.reset();
  }

  saveState(): VcpuState {
    return {
      pc: this.pc,
      pstate: this.pstate,
      vcpu_debug_state: copyDebugState(this.vcpu_debug_state),
      external_debug_state: copyDebugState(this.external_debug_state),
      sys_regs: { ...this.sys_regs },
      guest_debug: this.guest_debug,
      debug_owner: this.debug_owner,
      debug_dirty: this.debug_dirty,
      external_mdscr_el1: this.external_mdscr_el1,
      mdcr_el2: this.mdcr_el2,
      HOST_SS_ACTIVE_PENDING: this.HOST_SS_ACTIVE_PENDING,
      GUEST_SS_ACTIVE_PENDING: this.GUEST_SS_ACTIVE_PENDING,
      stepStolen: this.stepStolen,
      hardwareLocked: this.hardwareLocked,
      stepOver: this.stepOver,
      reported: this.reported,
      entryPC: this.entryPC,
      fpsimd_state: this.fpsimd_state,
      FP_ENABLED: this.FP_ENABLED,
      FP_HOST: this.FP_HOST,
      fp_state: this.fp_state,
      spe: this.spe.saveState(),
      entryPstate: this.entryPstate,
      entryInstruction: this.entryInstruction,
      guestStepISS: this.guestStepISS,
      context: this.context,
      el1_32bit: this.el1_32bit,
      mmio: this.mmio,
    };
  }

  restoreState(state: VcpuState): void {
    this.pc = state.pc;
    this.pstate = state.pstate;
    this.vcpu_debug_state = copyDebugState(state.vcpu_debug_state);
    this.external_debug_state = copyDebugState(state.external_debug_state);
    this.sys_regs = { ...state.sys_regs };
    this.guest_debug = state.guest_debug;
    this.debug_owner = state.debug_owner;
    this.debug_dirty = state.debug_dirty;
    this.external_mdscr_el1 = state.external_mdscr_el1;
    this.mdcr_el2 = state.mdcr_el2;
    this.HOST_SS_ACTIVE_PENDING = state.HOST_SS_ACTIVE_PENDING;
    this.GUEST_SS_ACTIVE_PENDING = state.GUEST_SS_ACTIVE_PENDING;
    this.stepStolen = state.stepStolen;
    this.hardwareLocked = state.hardwareLocked;
    this.stepOver = state.stepOver;
    this.reported = state.reported;
    this.entryPC = state.entryPC;
    this.fpsimd_state = state.fpsimd_state;
    this.FP_ENABLED = state.FP_ENABLED;
    this.FP_HOST = state.FP_HOST;
    this.fp_state = state.fp_state;
    this.spe.restoreState(state.spe);
    this.entryPstate = state.entryPstate;
    this.entryInstruction = state.entryInstruction;
    this.guestStepISS = state.guestStepISS;
    this.context = state.context;
    this.el1_32bit = state.el1_32bit;
    this.mmio = state.mmio;
  }
}

function resetRegisters(): Record<VcpuDebugRegister, bigint> {
  return {
    MDSCR_EL1: 0n,
    MDCCINT_EL1: 0n,
    MDSELR_EL1: 0n,
    // KVM resets the OS Lock unlocked; the architecture resets it locked.
    OSLSR_EL1: OSLSR_EL1_UNLOCKED,
    OSDLR_EL1: 0n,
    DBGPRCR_EL1: 0n,
    OSECCR_EL1: 0n,
    OSDTRRX_EL1: 0n,
    OSDTRTX_EL1: 0n,
    DBGVCR32_EL2: 0n,
  };
}
