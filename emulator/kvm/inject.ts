/**
 * Exceptions that the hypervisor gives to the guest's EL1. Arm ARM, AArch64.TakeException(), written from
 * EL2: the guest finds itself at its vector when it runs next.
 */
import { makeESR } from '../cpu/syndrome.ts';
import { SPSR_BTYPE, SPSR_IL, SPSR_SS } from '../cpu/pstate.ts';
import type { WorldSwitch } from './world-switch.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

const EC_UNKNOWN = 0;
const PSTATE_NZCV = 0xf000_0000n;
const PSTATE_DAIF = 0x3c0n;
const PSTATE_EL1h = 0b0101n;
const VECTOR_CURRENT_SPx = 0x200n;
const VECTOR_LOWER_AARCH64 = 0x400n;

export interface InjectedException {
  readonly EC: number;
  readonly ISS: number;
  readonly FAR?: bigint;
}

/** Takes a synchronous exception to EL1 from where the guest is. The vCPU must be loaded and not running. */
export function injectException(ws: WorldSwitch, { EC, ISS, FAR }: InjectedException): void {
  const { vcpu, cpu } = ws;
  const ESR = makeESR(EC, ISS);
  const { pc, pstate } = vcpu;
  // While the debugger steps, PSTATE.SS is the debugger's; the guest's own is kept aside.
  const { stepStolen } = vcpu;
  const SS = stepStolen ? !vcpu.GUEST_SS_ACTIVE_PENDING : (pstate & SPSR_SS) !== 0n;
  const VBAR = cpu.read('VBAR_EL1');
  cpu.write('ESR_EL1', ESR);
  if (FAR !== undefined) cpu.write('FAR_EL1', FAR);
  cpu.write('ELR_EL1', pc);
  cpu.write('SPSR_EL1', (pstate & ~SPSR_SS) | (SS ? SPSR_SS : 0n));
  const fromEL = ((pstate >> 2n) & 3n) === 1n ? 1 : 0;
  const offset =
    fromEL === 1 ? ((pstate & 1n) === 1n ? VECTOR_CURRENT_SPx : 0n) : VECTOR_LOWER_AARCH64;
  vcpu.pc = BigInt.asUintN(64, VBAR + offset);
  vcpu.pstate = (pstate & PSTATE_NZCV & ~SPSR_IL) | PSTATE_DAIF | PSTATE_EL1h;
  if (stepStolen) vcpu.GUEST_SS_ACTIVE_PENDING = true;
  if (vcpu.debug_owner === 'SHARED') vcpu.HOST_SS_ACTIVE_PENDING = ws.hostSteps;
  ws.injected?.({
    kind: 'Synchronous',
    targetEL: 1,
    EC,
    ISS,
    ...(FAR !== undefined && { FAR }),
    preferredReturn: pc,
    ESR,
    fromEL,
    vector: vcpu.pc,
  });
  ws.log.counters.injections += 1;
  ws.event('inject', `inject EC 0x${EC.toString(16)} from ${hex(pc)}, ESR_EL1 ${hex(ESR)}`, {
    EC,
    new: ESR,
  });
}

/**
 * Where there are two exception classes, `EC` is that of an exception from a lower EL; the guest's EL1 sees the next
 * one when the exception does not change EL.
 */
export function injectFromLower(ws: WorldSwitch, { EC, ISS, FAR }: InjectedException): void {
  const fromEL1 = ((ws.vcpu.pstate >> 2n) & 3n) === 1n;
  injectException(ws, { EC: EC + (fromEL1 ? 1 : 0), ISS, ...(FAR !== undefined && { FAR }) });
}

/** kvm_inject_undefined: EC 0x00. */
export function injectUndefined(ws: WorldSwitch): void {
  injectException(ws, { EC: EC_UNKNOWN, ISS: 0 });
}

/** kvm_incr_pc: the trapped instruction is done; a step in progress has had its instruction. */
export function skipInstruction(ws: WorldSwitch): void {
  const { vcpu } = ws;
  vcpu.pc = BigInt.asUintN(64, vcpu.pc + 4n);
  vcpu.pstate &= ~(SPSR_SS | SPSR_BTYPE);
  // Here PSTATE.SS is the guest's own; the debugger's step has had its instruction as well.
  if (vcpu.debug_owner === 'SHARED') vcpu.HOST_SS_ACTIVE_PENDING = ws.hostSteps;
}
