/**
 * Debug exceptions of the guest, which come to EL2 while a debugger has MDCR_EL2.TDE set: the debugger's are
 * reported, the guest's own go to its EL1. KVM, handle_exit.c, kvm_handle_guest_debug().
 */
import { EC_BREAKPOINT_LOWER, EC_BRK64, EC_WATCHPOINT_LOWER } from '../cpu/syndrome.ts';
import { SPSR_SS } from '../cpu/pstate.ts';
import {
  guestBreakpointFires,
  guestWatchpointFires,
  matchBreakpoint,
  matchWatchpoint,
} from './debugger-match.ts';
import { KVM_GUESTDBG_SINGLESTEP } from './guest-debug-control.ts';
import { exceptionToEL1 } from './guest-step.ts';
import type { ExitContext, Syndrome } from './handle-exit.ts';
import { injectFromLower, injectException } from './inject.ts';
import type { KvmDebugExit, KvmExit } from './kvm-exit.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const ISS_WnR = 1 << 6;
const ISS_WPTV = 1 << 17;
const ISS_WPT_SHIFT = 18;
const ISS_WPT = 0x3f << ISS_WPT_SHIFT;

export function handleGuestDebug(context: ExitContext, syndrome: Syndrome): KvmExit | undefined {
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

export function debugExit(
  { ws }: ExitContext,
  { ESR, EC }: Syndrome,
  detail: Omit<KvmDebugExit, 'exit_reason' | 'hsr' | 'pc'>,
): KvmDebugExit {
  const { pc } = ws.vcpu;
  ws.vcpu.reported = undefined;
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

/** What the debugger has been told about the instruction at the PC, so that it is not told again. */
function alreadyReported({ ws }: ExitContext): boolean {
  return ws.vcpu.reported?.pc === ws.vcpu.pc;
}

function stepOverReported(context: ExitContext): void {
  const { reported } = context.ws.vcpu;
  context.ws.vcpu.reported = undefined;
  context.setStepOver(reported);
}

/**
 * Neither the debugger's nor the guest's: one of the guest's fired although PSTATE.D or MDSCR_EL1.KDE silences
 * it, which the processor does not consider while MDCR_EL2.TDE is set. The instruction executes unseen.
 */
function stepOverSpurious(context: ExitContext): void {
  const { pc, stepOver } = context.ws.vcpu;
  const watchpoints = stepOver?.pc === pc && stepOver.watchpoints;
  context.setStepOver({ pc, watchpoints, guest: true });
}

function breakpoint(context: ExitContext, syndrome: Syndrome): KvmExit | undefined {
  const { ws, emulation } = context;
  const slot = matchBreakpoint(ws, ws.debuggerRequests());
  if (slot !== undefined && alreadyReported(context)) {
    stepOverReported(context);
    return undefined;
  }
  if (slot === undefined && ws.vcpu.debug_owner === 'SHARED') {
    if (guestBreakpointFires(ws)) giveToGuest(context, syndrome);
    else stepOverSpurious(context);
    return undefined;
  }
  if (slot === undefined && emulation === 'architecture') {
    injectFromLower(ws, syndrome);
    return undefined;
  }
  return debugExit(context, syndrome, {
    cause: 'breakpoint',
    ...(slot !== undefined && { slot }),
  });
}

/** The instruction was not executed, and the guest comes back to it with its own exception behind it. */
function giveToGuest({ ws }: ExitContext, syndrome: Syndrome): void {
  ws.vcpu.rememberReported();
  injectFromLower(ws, syndrome);
}

function watchpoint(context: ExitContext, syndrome: Syndrome): KvmExit | undefined {
  const { ws, emulation } = context;
  const FAR = syndrome.FAR ?? 0n;
  const isWrite = (syndrome.ISS & ISS_WnR) !== 0;
  const slot = matchWatchpoint(ws, ws.debuggerRequests(), FAR, isWrite);
  if (slot !== undefined && alreadyReported(context) && ws.vcpu.reported?.watchpoints === true) {
    stepOverReported(context);
    return undefined;
  }
  if (slot === undefined && ws.vcpu.debug_owner === 'SHARED') {
    if (guestWatchpointFires(ws, FAR, isWrite)) {
      giveToGuest(context, { ...syndrome, ISS: withGuestNumber(context, syndrome.ISS) });
    } else stepOverSpurious(context);
    return undefined;
  }
  if (slot === undefined && emulation === 'architecture') {
    injectFromLower(ws, syndrome);
    return undefined;
  }
  return debugExit(context, syndrome, {
    cause: 'watchpoint',
    far: FAR,
    isWrite,
    ...(slot !== undefined && { slot }),
  });
}

/** Where the syndrome tells which watchpoint it was, it tells the guest its own number. */
function withGuestNumber({ ws }: ExitContext, ISS: number): number {
  if ((ISS & ISS_WPTV) === 0) return ISS;
  const physical = (ISS & ISS_WPT) >>> ISS_WPT_SHIFT;
  const use = ws.shared?.watchpoints[physical];
  const index = use?.owner === 'guest' ? use.indices[0] : undefined;
  if (index === undefined) return ISS & ~(ISS_WPTV | ISS_WPT);
  return (ISS & ~ISS_WPT) | (index << ISS_WPT_SHIFT);
}

function softwareStep(context: ExitContext, syndrome: Syndrome): KvmExit | undefined {
  const { ws } = context;
  const { vcpu } = ws;
  // With shared registers the guest's own step has been advanced at the exit and is due at the next entry.
  if (vcpu.debug_owner === 'SHARED') vcpu.HOST_SS_ACTIVE_PENDING = false;
  else if (!ws.hostSteps) {
    injectFromLower(ws, syndrome);
    return undefined;
  } else {
    returnStolenStep(context);
    // Armed again: the next instruction is the next step.
    vcpu.pstate |= SPSR_SS;
  }
  const { reported } = vcpu;
  if (vcpu.stepOver !== undefined) context.setStepOver(undefined);
  if ((vcpu.guest_debug & KVM_GUESTDBG_SINGLESTEP) === 0) return undefined;
  const exit = debugExit(context, syndrome, { cause: 'step' });
  vcpu.reported = reported;
  return exit;
}

/**
 * An exception that the guest took to its EL1 during a step of the debugger has put the debugger's PSTATE.SS
 * into SPSR_EL1, where the guest could see it. Gives the guest its own bit.
 */
function returnStolenStep({ ws }: ExitContext): void {
  const { vcpu, cpu } = ws;
  const taken = exceptionToEL1(ws);
  if (taken === undefined) return;
  const SPSR = cpu.read('SPSR_EL1');
  const SS = vcpu.GUEST_SS_ACTIVE_PENDING ? 0n : SPSR_SS;
  cpu.write('SPSR_EL1', (SPSR & ~SPSR_SS) | SS);
  vcpu.GUEST_SS_ACTIVE_PENDING = true; // taking an exception clears PSTATE.SS
  if (taken === 'before') vcpu.rememberReported();
}
