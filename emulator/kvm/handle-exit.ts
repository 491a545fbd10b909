/** What the hypervisor does about each exception the guest takes to EL2. KVM, handle_exit.c. */
import {
  decodeSystemRegisterIss,
  describeESR,
  EC_BREAKPOINT_LOWER,
  EC_BRK64,
  EC_HVC64,
  EC_SMC64,
  EC_SOFTWARE_STEP_LOWER,
  EC_SYSTEM_REGISTER,
  EC_WATCHPOINT_LOWER,
  EC_WFX,
} from '../cpu/syndrome.ts';
import { SPSR_SS } from '../cpu/pstate.ts';
import { packEncoding } from '../sysregs/sysreg.ts';
import { matchBreakpoint, matchWatchpoint } from './debugger-match.ts';
import { KVM_GUESTDBG_SINGLESTEP } from './guest-debug-control.ts';
import { injectException, injectUndefined, skipInstruction } from './inject.ts';
import type { HypercallHandler, KvmDebugExit, KvmExit } from './kvm-exit.ts';
import { accessedName, emulateAccess } from './sys-regs.ts';
import type { EmulationContext } from './sys-regs.ts';

export interface ExitContext extends EmulationContext {
  readonly hypercall: HypercallHandler;
  /** Whether the debugger has put a BRK at this address. */
  claimsBreakpointInstruction(pc: bigint): boolean;
  /** Logs a line the first time it is met. */
  warnOnce(text: string): boolean;
  /** Changes the step over an instruction, between a vcpu_put and a vcpu_load. */
  setStepOver(stepOver: EmulationContext['ws']['vcpu']['stepOver']): void;
}

export interface Syndrome {
  readonly ESR: bigint;
  readonly EC: number;
  readonly ISS: number;
  /** FAR_EL2; watchpoints only. */
  readonly FAR?: bigint;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const WFX_TI_WFE = 1;
const ISS_WnR = 1 << 6;

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
function stepByEmulation(context: ExitContext): KvmExit | undefined {
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
      return undefined;
    case EC_BRK64:
    case EC_BREAKPOINT_LOWER:
    case EC_SOFTWARE_STEP_LOWER:
    case EC_WATCHPOINT_LOWER:
      return handleGuestDebug(context, syndrome);
    default:
      return handleUnknown(context, syndrome);
  }
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
  const name = accessedName(encoding, direction);
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

// -- debug exceptions, which come here while the debugger has MDCR_EL2.TDE set

function handleGuestDebug(context: ExitContext, syndrome: Syndrome): KvmExit | undefined {
  switch (syndrome.EC) {
    case EC_BRK64:
      return breakpointInstruction(context, syndrome);
    case EC_BREAKPOINT_LOWER:
      return breakpoint(context, syndrome);
    case EC_WATCHPOINT_LOWER:
      return watchpoint(context, syndrome);
    default:
      return softwareStep(context, syndrome);
  }
}

function debugExit(
  { ws }: ExitContext,
  { ESR, EC }: Syndrome,
  detail: Omit<KvmDebugExit, 'exit_reason' | 'hsr' | 'pc'>,
): KvmDebugExit {
  const { pc } = ws.vcpu;
  ws.log.counters.debugExits += 1;
  ws.event('debugExit', `KVM_EXIT_DEBUG at ${hex(pc)}: ${detail.cause}, hsr ${hex(ESR)}`, {
    EC,
    new: ESR,
  });
  return { exit_reason: 'KVM_EXIT_DEBUG', hsr: ESR, pc, ...detail };
}

function breakpointInstruction(context: ExitContext, syndrome: Syndrome): KvmExit | undefined {
  const { ws, emulation } = context;
  // KVM reports every BRK while anything is being debugged and leaves telling them apart to the VMM.
  const claimed = emulation === 'KVM' || context.claimsBreakpointInstruction(ws.vcpu.pc);
  if (claimed) {
    return debugExit(context, syndrome, { cause: 'brk', imm16: syndrome.ISS & 0xffff });
  }
  injectException(ws, syndrome);
  return undefined;
}

/** The EC that the guest's EL1 sees: one higher when the exception does not change EL. */
function injectDebugException({ ws }: ExitContext, { EC, ISS, FAR }: Syndrome): void {
  const fromEL1 = ((ws.vcpu.pstate >> 2n) & 3n) === 1n;
  injectException(ws, {
    EC: EC + (fromEL1 ? 1 : 0),
    ISS,
    ...(FAR !== undefined && { FAR }),
  });
}

function breakpoint(context: ExitContext, syndrome: Syndrome): KvmExit | undefined {
  const { ws } = context;
  const { vcpu } = ws;
  const slot = matchBreakpoint(ws, ws.externalDebugState());
  if (slot === undefined && context.emulation === 'architecture') {
    injectDebugException(context, syndrome);
    return undefined;
  }
  if (vcpu.skipBreakpointAt === vcpu.pc) {
    // It was reported before an exception came in the way of the instruction.
    vcpu.skipBreakpointAt = undefined;
    context.setStepOver({ pc: vcpu.pc, watchpoints: false });
    return undefined;
  }
  return debugExit(context, syndrome, {
    cause: 'breakpoint',
    ...(slot !== undefined && { slot }),
  });
}

function watchpoint(context: ExitContext, syndrome: Syndrome): KvmExit | undefined {
  const { ws } = context;
  const FAR = syndrome.FAR ?? 0n;
  const isWrite = (syndrome.ISS & ISS_WnR) !== 0;
  const slot = matchWatchpoint(ws, ws.externalDebugState(), FAR, isWrite);
  if (slot === undefined && context.emulation === 'architecture') {
    injectDebugException(context, syndrome);
    return undefined;
  }
  return debugExit(context, syndrome, {
    cause: 'watchpoint',
    far: FAR,
    isWrite,
    ...(slot !== undefined && { slot }),
  });
}

function softwareStep(context: ExitContext, syndrome: Syndrome): KvmExit | undefined {
  const { ws } = context;
  const { vcpu } = ws;
  if (!ws.hostSteps) {
    injectDebugException(context, syndrome);
    return undefined;
  }
  const interrupted = returnStolenStep(context);
  // Armed again: the next instruction is the next step.
  vcpu.pstate |= SPSR_SS;
  const { stepOver } = vcpu;
  if (stepOver !== undefined) {
    if (interrupted === stepOver.pc) vcpu.skipBreakpointAt = stepOver.pc;
    context.setStepOver(undefined);
  }
  return (vcpu.guest_debug & KVM_GUESTDBG_SINGLESTEP) !== 0
    ? debugExit(context, syndrome, { cause: 'step' })
    : undefined;
}

const VECTOR_TABLE_SIZE = 0x800n;
const PSTATE_MODE = 0xfn;
const PSTATE_EL1h = 0b0101n;

/**
 * An exception that the guest took to its EL1 during a step of the debugger has put the debugger's PSTATE.SS
 * into SPSR_EL1, where the guest could see it. Gives the guest its own bit.
 * @returns the address of the instruction that was not executed because of the exception
 */
function returnStolenStep({ ws }: ExitContext): bigint | undefined {
  const { vcpu, cpu } = ws;
  if ((vcpu.pc & 0x7fn) !== 0n || (vcpu.pstate & PSTATE_MODE) !== PSTATE_EL1h) return undefined;
  const offset = vcpu.pc - cpu.read('VBAR_EL1');
  if (offset < 0n || offset >= VECTOR_TABLE_SIZE) return undefined;
  const ELR = cpu.read('ELR_EL1');
  const { entryPC } = vcpu;
  if (ELR !== entryPC && ELR !== entryPC + 4n) return undefined;
  const SPSR = cpu.read('SPSR_EL1');
  const SS = vcpu.GUEST_SS_ACTIVE_PENDING ? 0n : SPSR_SS;
  cpu.write('SPSR_EL1', (SPSR & ~SPSR_SS) | SS);
  vcpu.GUEST_SS_ACTIVE_PENDING = true; // taking an exception clears PSTATE.SS
  return ELR === entryPC ? ELR : undefined;
}
