/**
 * The Statistical Profiling Extension of a vCPU that has the feature KVM_ARM_VCPU_SPE: its registers go to
 * the processor at entry and come back at exit, and in between the guest owns the buffer and reaches all of
 * them without a trap. "KVM: arm64: Add Statistical Profiling Extension (SPE) support", RFC v3 and v4.
 */
import { MDCR_EL2_E2PB, MDCR_EL2_E2PB_TRAP, MDCR_EL2_TPMS } from '../control-bits.ts';
import type { WorldSwitch } from '../world-switch.ts';

/** In the order of loading: the buffer and its enable come last. */
export const speRegisters = [
  'PMSICR_EL1',
  'PMSIRR_EL1',
  'PMSFCR_EL1',
  'PMSEVFR_EL1',
  'PMSLATFR_EL1',
  'PMBPTR_EL1',
  'PMBSR_EL1',
  'PMSCR_EL1',
  'PMBLIMITR_EL1',
] as const;

export type SpeRegister = (typeof speRegisters)[number];

export function isSpeRegister(name: string): name is SpeRegister {
  return (speRegisters as readonly string[]).includes(name);
}

/** KVM_ARM_VCPU_SPE_STOP: what the VMM has asked for with TRAP, EXIT and RESUME. */
export type SpeStop = 'TRAP' | 'EXIT' | undefined;

export interface VcpuSpeState {
  readonly feature: boolean;
  readonly irq_num: number | undefined;
  readonly initialized: boolean;
  readonly stop: SpeStop;
  readonly registers: Readonly<Record<SpeRegister, bigint>>;
}

function noRegisters(): Record<SpeRegister, bigint> {
  return Object.fromEntries(speRegisters.map((name) => [name, 0n])) as Record<SpeRegister, bigint>;
}

const PMBLIMITR_E = 1n;
const PMSCR_ENABLES = 3n;

export class VcpuSpe {
  /** KVM_ARM_VCPU_SPE of KVM_ARM_VCPU_INIT. */
  feature = false;
  /** INTID of the buffer management interrupt, 16 to 31; undefined until it is set. */
  irq_num: number | undefined;
  /** KVM_ARM_VCPU_SPE_INIT was called. */
  initialized = false;
  stop: SpeStop;
  /** Not up to date while they are in the processor. */
  registers: Record<SpeRegister, bigint> = noRegisters();

  /** The guest has the registers themselves while it runs. */
  get runs(): boolean {
    return this.feature && this.initialized && this.stop === undefined;
  }

  /** The guest's accesses are emulated on the copy in memory. */
  get isStopped(): boolean {
    return this.feature && this.initialized && this.stop !== undefined;
  }

  /** The guest would be profiled if it ran. */
  get isEnabled(): boolean {
    const { PMBLIMITR_EL1, PMSCR_EL1 } = this.registers;
    return (PMBLIMITR_EL1 & PMBLIMITR_E) !== 0n && (PMSCR_EL1 & PMSCR_ENABLES) !== 0n;
  }

  /** The guest's MDCR_EL2 as the policy has it, with the guest's rights to the unit. */
  adjustMdcr(MDCR_EL2: bigint): bigint {
    if (this.runs) return (MDCR_EL2 & ~MDCR_EL2_TPMS) | MDCR_EL2_E2PB;
    if (this.isStopped) return MDCR_EL2 | MDCR_EL2_TPMS | MDCR_EL2_E2PB_TRAP;
    return MDCR_EL2;
  }

  /** KVM_ARM_VCPU_INIT: the registers; what the device attributes have set stays. */
  reset(): void {
    this.registers = noRegisters();
    this.stop = undefined;
  }

  saveState(): VcpuSpeState {
    const { feature, irq_num, initialized, stop, registers } = this;
    return { feature, irq_num, initialized, stop, registers: { ...registers } };
  }

  restoreState({ feature, irq_num, initialized, stop, registers }: VcpuSpeState): void {
    this.feature = feature;
    this.irq_num = irq_num;
    this.initialized = initialized;
    this.stop = stop;
    this.registers = { ...registers };
  }
}

/** The switch of the unit between host and guest, for vCPUs that have it. */
export class SpeSwitch {
  readonly #ws: WorldSwitch;
  #host: Record<SpeRegister, bigint> | undefined;

  constructor(ws: WorldSwitch) {
    this.#ws = ws;
  }

  /** The guest's registers are in the processor. */
  get isGuest(): boolean {
    return this.#host !== undefined;
  }

  #save(into: Record<SpeRegister, bigint>): void {
    for (const name of speRegisters) into[name] = this.#ws.cpu.read(name);
  }

  #load(from: Readonly<Record<SpeRegister, bigint>>): void {
    const { cpu } = this.#ws;
    // Neither unit nor buffer may be on while the others change.
    cpu.write('PMBLIMITR_EL1', 0n);
    for (const name of speRegisters) cpu.write(name, from[name]);
  }

  /** With the guest's translation regime and MDCR_EL2 installed. */
  enter(): void {
    const { spe } = this.#ws.vcpu;
    if (!spe.runs) return;
    const host = noRegisters();
    this.#save(host);
    this.#host = host;
    this.#load(spe.registers);
    this.#ws.event('speLoad', "load the guest's SPE registers");
  }

  /** Before the host's translation regime is installed. */
  exit(): void {
    const host = this.#host;
    if (host === undefined) return;
    this.#host = undefined;
    this.#ws.event('drain', 'SPE of the guest: ISB, PSB CSYNC, DSB NSH');
    this.#save(this.#ws.vcpu.spe.registers);
    this.#load(host);
    this.#ws.event('speSave', "save the guest's SPE registers");
  }

  saveState(): Readonly<Record<SpeRegister, bigint>> | undefined {
    return this.#host && { ...this.#host };
  }

  restoreState(host: Readonly<Record<SpeRegister, bigint>> | undefined): void {
    this.#host = host && { ...host };
  }
}
