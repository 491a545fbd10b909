/**
 * The registers of the guest that stay on the processor as long as its vCPU is the only one, and are moved
 * when another vCPU gets the processor. (KVM with VHE moves them at each vcpu_load and vcpu_put; the host
 * of this machine has no EL1 or EL0 of its own that would need them.)
 */
import { pointerKeyRegisters } from '../sysregs/definitions.ts';
import type { ImplementedRegisters } from '../sysregs/definitions.ts';
import type { CpuModel } from '../sysregs/cpu-model.ts';
import type { CountedCpu, PhysicalCpu } from './physical-cpu.ts';
import type { GuestContext } from './vcpu.ts';

const guestRegisters = [
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

/**
 * EL1 and EL0 registers of a vCPU; MDSCR_EL1, the debug registers and the FP registers apart. Every vCPU has
 * KVM_ARM_VCPU_PTRAUTH_ADDRESS and KVM_ARM_VCPU_PTRAUTH_GENERIC where the processor has FEAT_PAuth.
 */
export function guestContextRegisters({ features }: CpuModel): readonly string[] {
  return features.has('FEAT_PAuth') ? [...guestRegisters, ...pointerKeyRegisters] : guestRegisters;
}

/** Of a processor with every feature. */
export const everyGuestContextRegister: readonly string[] = [
  ...guestRegisters,
  ...pointerKeyRegisters,
];

/** With the processor at EL2. */
export function saveGuestContext(cpu: CountedCpu, model: CpuModel): GuestContext {
  return {
    general: cpu.cpu.saveGeneralRegisters(),
    sysregs: Object.fromEntries(guestContextRegisters(model).map((name) => [name, cpu.read(name)])),
  };
}

/** As `saveGuestContext`, for a snapshot: nothing is counted. */
export function peekGuestContext(cpu: PhysicalCpu, model: CpuModel): GuestContext {
  return {
    general: cpu.saveGeneralRegisters(),
    sysregs: Object.fromEntries(
      guestContextRegisters(model).map((name) => [name, cpu.peekRegister(name)]),
    ),
  };
}

/** With the processor at EL2. */
export function loadGuestContext(cpu: CountedCpu, context: GuestContext, model: CpuModel): void {
  cpu.cpu.restoreGeneralRegisters(context.general);
  for (const name of guestContextRegisters(model)) {
    const value = context.sysregs[name];
    if (value === undefined) throw new TypeError(`The context of the guest has no ${name}`);
    cpu.write(name, value);
  }
}

/** After KVM_ARM_VCPU_INIT. */
export function resetGuestContext(
  implemented: ImplementedRegisters,
  model: CpuModel,
): GuestContext {
  return {
    general: {
      X: Array.from({ length: 31 }, () => 0n),
    },
    sysregs: Object.fromEntries(
      guestContextRegisters(model).map((name) => [name, implemented.byName(name)?.reset ?? 0n]),
    ),
  };
}
