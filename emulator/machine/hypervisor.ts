/** A guest at EL1 under the hypervisor: what the board supplies to it, and how its exits read as stops. */
import { isPsciFunction, NOT_SUPPORTED } from '../board/psci.ts';
import type { PsciAction, PsciCall } from '../board/psci.ts';
import type { Bus, ProcessingElement } from '../cpu/pe.ts';
import type { HostActivity } from '../kvm/host-activity.ts';
import { hostProfileByName, hostProfiles } from '../kvm/host-profile.ts';
import type { HostProfile } from '../kvm/host-profile.ts';
import { Kvm } from '../kvm/kvm.ts';
import type { Hypercall, HypercallOutcome, KvmExit } from '../kvm/kvm-exit.ts';
import type { Stage2 } from '../kvm/stage-2.ts';
import { ProcessingElementCpu } from '../kvm/processing-element.ts';
import { isUnderMdcr } from '../sysregs/access-rules.ts';
import type { GuestRegisters } from './register-view.ts';
import type { StopReason } from './stop-reason.ts';

/** @throws RangeError for a profile that does not exist */
export function requireHostProfile(name: string): HostProfile {
  const profile = hostProfileByName(name);
  if (profile) return profile;
  const known = hostProfiles.map((candidate) => candidate.name).join(', ');
  throw new RangeError(`There is no host profile '${name}'; there are ${known}.`);
}

export interface KvmInstallation {
  readonly profile: HostProfile;
  readonly policy: string;
  readonly fpPolicy: string | undefined;
  readonly hostActivity: readonly HostActivity[] | undefined;
  readonly traceScheme: string | undefined;
  readonly spe: { readonly irq: number } | undefined;
  readonly stage2: Stage2 | undefined;
  readonly checkInvariants: boolean;
  /** Told when KVM_RUN returns. */
  readonly exited: (exit: KvmExit) => void;
  /** The guest calls PSCI. */
  readonly psci: (call: PsciCall) => PsciAction;
  /** The hypervisor on another processor of the machine. */
  readonly sibling: Kvm | undefined;
  /** Of the host, in instructions of the machine's clock. */
  readonly tickInterval: bigint;
}

/** Makes the hypervisor and installs it at EL2 of the processor. */
export function installKvm(pe: ProcessingElement, installation: KvmInstallation): Kvm {
  const { profile, policy, fpPolicy, hostActivity, checkInvariants } = installation;
  const { traceScheme, spe, stage2 } = installation;
  const { exited, psci, sibling, tickInterval } = installation;
  const cpu = new ProcessingElementCpu(pe, pe.cpu);
  const kvm = new Kvm({
    cpu,
    profile,
    policy,
    ...(fpPolicy !== undefined && { fpPolicy }),
    ...(hostActivity !== undefined && { hostActivity }),
    ...(traceScheme !== undefined && { traceScheme }),
    spe,
    stage2,
    checkInvariants,
    ...(sibling !== undefined && { sibling }),
    tickInterval,
    hypercall: (call) => answerHypercall(call, psci),
  });
  pe.el2Software = cpu.el2Software(() => kvm.handleExit(), exited);
  pe.registers.observe(({ reg }) => isUnderMdcr(reg));
  pe.accessObserver = (register, direction, pc) => {
    kvm.log.accesses.count(pc, register, direction, 'straight');
  };
  return kvm;
}

/** PSCI by HVC or SMC. KVM ends KVM_RUN for the calls that stop the machine. */
function answerHypercall(call: Hypercall, psci: (call: PsciCall) => PsciAction): HypercallOutcome {
  const { functionId, imm16 } = call;
  if (imm16 !== 0 || !isPsciFunction(functionId)) return { kind: 'return', X0: NOT_SUPPORTED };
  const action = psci({ functionId, arguments: call.arguments });
  switch (action.kind) {
    case 'return':
      return { kind: 'return', X0: action.value };
    case 'suspend':
      return { kind: 'exit', exit: { exit_reason: 'KVM_EXIT_HLT' }, X0: action.value };
    case 'cpuOff':
      return { kind: 'exit', exit: { exit_reason: 'KVM_EXIT_HLT' } };
    case 'systemOff':
      return systemEvent('SHUTDOWN');
    case 'systemReset':
      return systemEvent('RESET');
  }
}

function systemEvent(type: 'SHUTDOWN' | 'RESET'): HypercallOutcome {
  return { kind: 'exit', exit: { exit_reason: 'KVM_EXIT_SYSTEM_EVENT', type } };
}

/** Returns of KVM_RUN for a device that the machine emulates. */
export type DeviceExit = Extract<
  KvmExit,
  { exit_reason: 'KVM_EXIT_MMIO' } | { exit_reason: 'KVM_EXIT_ARM_NISV' }
>;

export function isDeviceExit(exit: KvmExit): exit is DeviceExit {
  return exit.exit_reason === 'KVM_EXIT_MMIO' || exit.exit_reason === 'KVM_EXIT_ARM_NISV';
}

/** The machine as user space: does what the guest wanted of a device, and calls KVM_RUN again. */
export function emulateDevice(kvm: Kvm, bus: Bus, exit: DeviceExit): void {
  // What the syndrome does not describe ends in an external abort, as it does under QEMU.
  if (exit.exit_reason === 'KVM_EXIT_MMIO') {
    const { phys_addr, len, is_write, data = 0n } = exit;
    const value = is_write ? undefined : bus.read(phys_addr, len);
    const answered = is_write ? bus.write(phys_addr, len, data) : value !== undefined;
    if (!answered) kvm.refuseMmio();
    else if (value !== undefined) kvm.answerMmio(value);
  }
  kvm.resume();
}

/** What a return of KVM_RUN means to whoever debugs; `idle` when the guest waits for an interrupt. */
export function stopOf(exit: Exclude<KvmExit, DeviceExit>): StopReason | 'idle' {
  switch (exit.exit_reason) {
    case 'KVM_EXIT_HLT':
      return 'idle';
    case 'KVM_EXIT_SYSTEM_EVENT':
      return {
        kind: 'exit',
        status: 0,
        how: exit.type === 'SHUTDOWN' ? 'PSCI SYSTEM_OFF' : 'PSCI SYSTEM_RESET',
      };
    case 'KVM_EXIT_FAIL_ENTRY':
    case 'KVM_EXIT_UNKNOWN':
      return { kind: 'unimplemented', what: exit.what, pc: exit.pc };
    case 'KVM_EXIT_DEBUG': {
      const { cause, pc, hsr, far, slot, isWrite, imm16 } = exit;
      if (cause === 'step') return { kind: 'step' };
      if (cause === 'brk' && imm16 !== undefined) return { kind: 'brk', pc, imm: imm16 };
      if (cause === 'breakpoint' && slot !== undefined)
        return { kind: 'hwBreakpoint', pc, slot, hsr };
      if (slot !== undefined && far !== undefined && isWrite !== undefined) {
        return { kind: 'hwWatchpoint', slot, address: far, isWrite, hsr, pc };
      }
      throw new TypeError(`KVM_EXIT_DEBUG for a ${cause} without what belongs to it`);
    }
  }
}

/** Registers whose guest value the hypervisor may hold, and PSTATE without the step of a debugger. */
export function guestRegistersOf(kvm: Kvm): GuestRegisters {
  return {
    readGuestRegister: (name) =>
      name === 'PSTATE'
        ? kvm.guestPstate
        : (kvm.guestDebugRegister(name) ?? kvm.guestFpRegister(name) ?? kvm.guestSpeRegister(name)),
    writeGuestRegister: (name, value) =>
      kvm.setGuestDebugRegister(name, value) || kvm.setGuestFpRegister(name, value),
  };
}
