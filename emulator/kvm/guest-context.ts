/**
 * The registers of the guest that stay on the processor as long as its vCPU is the only one, and are moved
 * when another vCPU gets the processor. (KVM with VHE moves them at each vcpu_load and vcpu_put; the host
 * of this machine has no EL1 or EL0 of its own that would need them.)
 */
import type { ImplementedRegisters } from '../sysregs/definitions.ts';
import type { CountedCpu, PhysicalCpu } from './physical-cpu.ts';
import type { GuestContext } from './vcpu.ts';

/** EL1 and EL0 registers of a vCPU; MDSCR_EL1, the debug registers and the FP registers apart. */
export const guestContextRegisters = [
  'CSSELR_EL1',
  'SCTLR_EL1',
  'ACTLR_EL1',
  'CPACR_EL1',
  'TTBR0_EL1',
  'TTBR1_EL1',
  'TCR_EL1',
  'ESR_EL1',
  'AFSR0_EL1',
  'AFSR1_EL1',
  'FAR_EL1',
  'MAIR_EL1',
  'AMAIR_EL1',
  'VBAR_EL1',
  'CONTEXTIDR_EL1',
  'TPIDR_EL0',
  'TPIDRRO_EL0',
  'TPIDR_EL1',
  'PAR_EL1',
  'SP_EL0',
  'SP_EL1',
  'ELR_EL1',
  'SPSR_EL1',
  'CNTKCTL_EL1',
  'CNTV_CTL_EL0',
  'CNTV_CVAL_EL0',
  'CNTP_CTL_EL0',
  'CNTP_CVAL_EL0',
] as const;

/** With the processor at EL2. */
export function saveGuestContext(cpu: CountedCpu): GuestContext {
  return {
    general: cpu.cpu.saveGeneralRegisters(),
    sysregs: Object.fromEntries(guestContextRegisters.map((name) => [name, cpu.read(name)])),
  };
}

/** As `saveGuestContext`, for a snapshot: nothing is counted. */
export function peekGuestContext(cpu: PhysicalCpu): GuestContext {
  return {
    general: cpu.saveGeneralRegisters(),
    sysregs: Object.fromEntries(
      guestContextRegisters.map((name) => [name, cpu.peekRegister(name)]),
    ),
  };
}

/** With the processor at EL2. */
export function loadGuestContext(cpu: CountedCpu, context: GuestContext): void {
  cpu.cpu.restoreGeneralRegisters(context.general);
  for (const name of guestContextRegisters) {
    const value = context.sysregs[name];
    if (value === undefined) throw new TypeError(`The context of the guest has no ${name}`);
    cpu.write(name, value);
  }
}

/** After KVM_ARM_VCPU_INIT. */
export function resetGuestContext(implemented: ImplementedRegisters): GuestContext {
  return {
    general: {
      X: Array.from({ length: 31 }, () => 0n),
    },
    sysregs: Object.fromEntries(
      guestContextRegisters.map((name) => [name, implemented.byName(name)?.reset ?? 0n]),
    ),
  };
}
