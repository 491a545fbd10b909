/** What the hypervisor does about each exception the guest takes to EL2. KVM, handle_exit.c. */
import {
  decodeSystemRegisterIss,
  describeESR,
  EC_BREAKPOINT_LOWER,
  EC_BRK64,
  EC_DATA_ABORT_LOWER,
  EC_HVC64,
  EC_INSTRUCTION_ABORT_LOWER,
  EC_SMC64,
  EC_SOFTWARE_STEP_LOWER,
  EC_SYSTEM_REGISTER,
  EC_WATCHPOINT_LOWER,
  EC_WFX,
} from '../cpu/syndrome.ts';
import { packEncoding } from '../sysregs/sysreg.ts';
import { KVM_GUESTDBG_SINGLESTEP } from './guest-debug-control.ts';
import { debugExit, handleGuestDebug } from './handle-guest-debug.ts';
import { injectUndefined, skipInstruction } from './inject.ts';
import type { HypercallHandler, KvmExit } from './kvm-exit.ts';
import { handleStage2Abort } from './mmio.ts';
import { accessedName, emulateAccess, reachedName } from './sys-regs.ts';
import type { EmulationContext } from './sys-regs.ts';

export interface ExitContext extends EmulationContext {
  readonly hypercall: HypercallHandler;
  /** Whether the debugger has put a BRK at this address. */
  claimsBreakpointInstruction(pc: bigint): boolean;
  /** The hypervisor has turned stage 2 on. */
  readonly hasStage2: boolean;
  /** Logs a line the first time it is met. */
  warnOnce(text: string): boolean;
  /** Changes the step over an instruction, between a vcpu_put and a vcpu_load. */
  setStepOver(stepOver: EmulationContext['ws']['vcpu']['stepOver']): void;
}

export interface Syndrome {
  readonly ESR: bigint;
  readonly EC: number;
  readonly ISS: number;
  /** FAR_EL2; watchpoints and aborts only. */
  readonly FAR?: bigint;
  /** HPFAR_EL2; aborts only. */
  readonly HPFAR?: bigint;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const WFX_TI_WFE = 1;

/** @returns what the VMM has to see, or undefined when the guest goes on */
export function handleExit(context: ExitContext, syndrome: Syndrome): KvmExit | undefined {
  const exit = dispatch(context, syndrome);
  const emulated = exit === undefined && !isDebugException(syndrome);
  return emulated && context.policy.generation === 'G2' ? stepByEmulation(context) : exit;
}

const isDebugException = ({ EC }: Syndrome): boolean =>
  EC === EC_BRK64 ||
  EC === EC_BREAKPOINT_LOWER ||
  EC === EC_WATCHPOINT_LOWER ||
  EC === EC_SOFTWARE_STEP_LOWER;

/**
 * Before 6.2 a pending step does not survive the next entry, so KVM since 4.16 makes up the exit of a step
 * whose instruction it has emulated: IL is 0, as it was.
 */
export function stepByEmulation(context: ExitContext): KvmExit | undefined {
  const { vcpu, hostSteps } = context.ws;
  if (!hostSteps) return undefined;
  if (vcpu.stepOver !== undefined) context.setStepOver(undefined);
  return (vcpu.guest_debug & KVM_GUESTDBG_SINGLESTEP) !== 0
    ? debugExit(
        context,
        { ESR: BigInt(EC_SOFTWARE_STEP_LOWER) << 26n, EC: EC_SOFTWARE_STEP_LOWER, ISS: 0 },
        { cause: 'step' },
      )
    : undefined;
}

function dispatch(context: ExitContext, syndrome: Syndrome): KvmExit | undefined {
  switch (syndrome.EC) {
    case EC_WFX:
      skipInstruction(context.ws);
      return (syndrome.ISS & WFX_TI_WFE) !== 0 ? undefined : { exit_reason: 'KVM_EXIT_HLT' };
    case EC_HVC64:
      return handleHypercall(context, 'HVC', syndrome);
    case EC_SMC64:
      // A trapped SMC has not been executed: its preferred return is the SMC itself.
      skipInstruction(context.ws);
      return handleHypercall(context, 'SMC', syndrome);
    case EC_SYSTEM_REGISTER:
      handleSystemRegister(context, syndrome);
      return refusedProfiling(context);
    case EC_BRK64:
    case EC_BREAKPOINT_LOWER:
    case EC_SOFTWARE_STEP_LOWER:
    case EC_WATCHPOINT_LOWER:
      return handleGuestDebug(context, syndrome);
    case EC_DATA_ABORT_LOWER:
    case EC_INSTRUCTION_ABORT_LOWER:
      return context.hasStage2
        ? handleStage2Abort(context.ws, syndrome)
        : handleUnknown(context, syndrome);
    default:
      return handleUnknown(context, syndrome);
  }
}

/** KVM_ARM_VCPU_SPE_STOP_EXIT: the guest does not run with profiling on. */
function refusedProfiling({ ws }: ExitContext): KvmExit | undefined {
  const { spe, pc } = ws.vcpu;
  if (spe.stop !== 'EXIT' || !spe.isEnabled) return undefined;
  const what = 'the guest enables profiling, and the VMM has asked for an exit then';
  return { exit_reason: 'KVM_EXIT_FAIL_ENTRY', what, pc };
}

function handleHypercall(
  { ws, hypercall }: ExitContext,
  conduit: 'HVC' | 'SMC',
  { ISS }: Syndrome,
): KvmExit | undefined {
  const { cpu } = ws.cpu;
  const outcome = hypercall({
    conduit,
    imm16: ISS & 0xffff,
    functionId: Number(cpu.readX(0) & 0xffff_ffffn),
    arguments: [cpu.readX(1), cpu.readX(2), cpu.readX(3)],
  });
  if (outcome.X0 !== undefined) cpu.writeX(0, BigInt.asUintN(64, outcome.X0));
  return outcome.kind === 'exit' ? outcome.exit : undefined;
}

function handleSystemRegister(context: ExitContext, { ISS }: Syndrome): void {
  const { ws, policy } = context;
  const { cpu } = ws.cpu;
  const { direction, Rt, ...fields } = decodeSystemRegisterIss(ISS);
  const encoding = packEncoding(fields);
  const name = reachedName(context, accessedName(encoding, direction));
  ws.log.countTrap(name);
  ws.log.accesses.count(ws.vcpu.pc, name, direction, 'trapped');
  const ownerBefore = policy.owner(ws);
  const dirtyBefore = ws.vcpu.debug_dirty;
  const written = direction === 'write' && Rt !== 31 ? cpu.readX(Rt) : 0n;
  const outcome = emulateAccess(context, { encoding, direction, value: written });
  if (outcome.kind === 'undefined') {
    ws.event('undef', `${name}: ${direction} trapped, UNDEFINED`, { reg: name, direction });
    context.warnOnce(outcome.warning);
    injectUndefined(ws);
    return;
  }
  if (direction === 'read' && Rt !== 31) cpu.writeX(Rt, outcome.value);
  const text =
    direction === 'read'
      ? `${name}: read trapped, gives ${hex(outcome.value)}`
      : `${name}: write of ${hex(outcome.value)} trapped`;
  ws.event(outcome.debug ? 'trapDbg' : 'trap', text, {
    reg: name,
    direction,
    new: outcome.value,
    ownerBefore,
    dirtyBefore,
    ...(outcome.old !== undefined && { old: outcome.old }),
  });
  skipInstruction(ws);
}

function handleUnknown(context: ExitContext, { EC, ESR }: Syndrome): KvmExit | undefined {
  const { ws } = context;
  const { pc } = ws.vcpu;
  const what = `exit with EC 0x${EC.toString(16).padStart(2, '0')} (${describeESR(ESR).title})`;
  const first = context.warnOnce(`${what} is not handled: the guest gets an UNDEFINED exception`);
  injectUndefined(ws);
  return first ? { exit_reason: 'KVM_EXIT_UNKNOWN', what, pc } : undefined;
}
