/**
 * The guest's software step while a debugger is attached. MDCR_EL2.TDE sends every step to EL2 and enables
 * stepping at EL1 whatever MDSCR_EL1.KDE and PSTATE.D are, so the processor's step machine cannot be the
 * guest's. Here is the guest's own: PSTATE.SS as it would be, advanced by each instruction that the
 * processor steps.
 *
 * The processor steps between every entry and exit while the debugger steps or the guest has MDSCR_EL1.SS
 * set; in between PSTATE.SS of the vCPU is the guest's.
 */
import { debugExceptionsEnabled } from '../cpu/debug/enable-and-routing.ts';
import type { DebugControls } from '../cpu/debug/enable-and-routing.ts';
import {
  exceptionReturnSS,
  isLoadExclusive,
  softwareStepEnabled,
} from '../cpu/debug/software-step.ts';
import { SPSR_D, SPSR_SS } from '../cpu/pstate.ts';
import { EC_SOFTWARE_STEP_LOWER, softwareStepIss } from '../cpu/syndrome.ts';
import { MDSCR_EL1_SS, OSLSR_EL1_OSLK } from './control-bits.ts';
import { injectFromLower } from './inject.ts';
import { STEP_NOT_STEPPED } from './vcpu.ts';
import type { Vcpu } from './vcpu.ts';
import type { WorldSwitch } from './world-switch.ts';

const ERET = 0xd69f03e0;
const isHvc = (word: number): boolean => (word & 0xffe0_001f) >>> 0 === 0xd400_0002;

/** The enables of the guest's own debug exceptions, which target its EL1. */
export function guestDebugControls(
  { sys_regs, debugLocked }: Vcpu,
  MDSCR_EL1 = sys_regs.MDSCR_EL1,
): DebugControls {
  const OSLK = (sys_regs.OSLSR_EL1 & OSLSR_EL1_OSLK) !== 0n;
  return {
    el2: true,
    TDE: false,
    TGE: false,
    OSLK,
    doubleLocked: !OSLK && debugLocked,
    MDSCR_EL1,
  };
}

const execution = (pstate: bigint): { readonly EL: 0 | 1; readonly D: boolean } => ({
  EL: ((pstate >> 2n) & 3n) === 0n ? 0 : 1,
  D: (pstate & SPSR_D) !== 0n,
});

/** Whether the guest's breakpoints and watchpoints are enabled where it is, MDSCR_EL1.MDE apart. */
export function guestDebugEnabled(vcpu: Vcpu): boolean {
  const { EL, D } = execution(vcpu.pstate);
  return debugExceptionsEnabled(guestDebugControls(vcpu), EL, D);
}

/** Gives the guest the step exception that is due before its next instruction. */
export function deliverGuestStep(ws: WorldSwitch): void {
  const { vcpu } = ws;
  // The debugger hears of its step before the guest hears of its own.
  if (ws.hostSteps && vcpu.HOST_SS_ACTIVE_PENDING) return;
  const ISS = vcpu.guestStepISS;
  vcpu.guestStepISS = STEP_NOT_STEPPED;
  const enabled = softwareStepEnabled(guestDebugControls(vcpu), execution(vcpu.pstate));
  if (!enabled || ws.pstateSS) return;
  injectFromLower(ws, { EC: EC_SOFTWARE_STEP_LOWER, ISS });
}

/** The processor's step machine is needed for the next instruction. */
const needsStep = (ws: WorldSwitch): boolean =>
  ws.hostSteps || (ws.vcpu.sys_regs.MDSCR_EL1 & MDSCR_EL1_SS) !== 0n;

/** Before the entry: PSTATE.SS becomes the processor's. @returns whether it steps */
export function beginStep(ws: WorldSwitch): boolean {
  const { vcpu } = ws;
  vcpu.entryPstate = vcpu.pstate;
  if (!needsStep(ws)) return false;
  if (!ws.hostSteps) vcpu.HOST_SS_ACTIVE_PENDING = false;
  ws.stealStep();
  return true;
}

/** At the entry, with the guest's translation installed: what is about to execute. */
export function noteInstruction(ws: WorldSwitch): void {
  const { vcpu } = ws;
  vcpu.entryInstruction =
    vcpu.stepStolen && ws.pstateSS ? ws.cpu.cpu.peekInstruction(vcpu.pc) : undefined;
}

/** After the exit: advances the guest's machine by what has executed, and PSTATE.SS is the guest's again. */
export function endStep(ws: WorldSwitch): void {
  const { vcpu } = ws;
  if (!vcpu.stepStolen) return;
  const wasPending = vcpu.HOST_SS_ACTIVE_PENDING;
  if (!wasPending && !ws.pstateSS) advance(ws);
  ws.returnStep();
  if (!ws.hostSteps) vcpu.HOST_SS_ACTIVE_PENDING = false;
}

function advance(ws: WorldSwitch): void {
  const { vcpu, cpu } = ws;
  const controls = guestDebugControls(vcpu);
  const source = execution(vcpu.entryPstate);
  const SS = !vcpu.GUEST_SS_ACTIVE_PENDING;
  const active = SS && softwareStepEnabled(controls, source);
  const word = vcpu.entryInstruction ?? 0;
  const taken = exceptionToEL1(ws);
  if (taken !== undefined) {
    // SVC ends its step before its exception is taken; whatever else was not executed at all.
    const spsrSS = taken === 'after' && active ? false : SS;
    const SPSR = cpu.read('SPSR_EL1');
    cpu.write('SPSR_EL1', (SPSR & ~SPSR_SS) | (spsrSS ? SPSR_SS : 0n));
    vcpu.GUEST_SS_ACTIVE_PENDING = true;
    if (taken === 'before') vcpu.rememberReported();
    return;
  }
  if (word === ERET && source.EL === 1) {
    const spsrSS = (cpu.read('SPSR_EL1') & SPSR_SS) !== 0n ? 1 : 0;
    const returned = exceptionReturnSS(controls, source, execution(vcpu.pstate), spsrSS);
    vcpu.GUEST_SS_ACTIVE_PENDING = returned === 0;
    return;
  }
  if (!active) return;
  vcpu.GUEST_SS_ACTIVE_PENDING = true;
  // HVC comes back by an exception return, which makes the step one whose instruction is not known.
  vcpu.guestStepISS = isHvc(word) ? STEP_NOT_STEPPED : softwareStepIss(true, isLoadExclusive(word));
}

const VECTOR_TABLE_SIZE = 0x800n;
const PSTATE_MODE = 0xfn;
const PSTATE_EL1h = 0b0101n;

/**
 * Whether the instruction at the last entry ended with an exception to EL1: `before` it executed, or `after`,
 * as SVC does. Told by where the guest is now: at a vector, with ELR_EL1 at the instruction or behind it.
 */
export function exceptionToEL1({ vcpu, cpu }: WorldSwitch): 'before' | 'after' | undefined {
  if ((vcpu.pc & 0x7fn) !== 0n || (vcpu.pstate & PSTATE_MODE) !== PSTATE_EL1h) return undefined;
  const offset = vcpu.pc - cpu.read('VBAR_EL1');
  if (offset < 0n || offset >= VECTOR_TABLE_SIZE) return undefined;
  const ELR = cpu.read('ELR_EL1');
  if (ELR === vcpu.entryPC) return 'before';
  return ELR === BigInt.asUintN(64, vcpu.entryPC + 4n) ? 'after' : undefined;
}
