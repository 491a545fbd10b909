/**
 * The virtual CPU interface of one processor: list registers that a hypervisor fills, and what its guest
 * acknowledges from them. Arm GIC architecture specification (IHI 0069), "Virtual interrupt handling and
 * prioritization"; a GICv2 with Virtualization Extensions (IHI 0048) works alike. The registers of both
 * are elsewhere: `v3/virtual-registers.ts`, `v2/virtual-frames.ts`.
 */
import type { DeviceEvents, IrqLine } from '../device.ts';
import { SPURIOUS } from './interrupt-states.ts';
import {
  ActivePriorities,
  groupPriority,
  LEAST_BPR0,
  LEAST_BPR1,
  PRIORITY_MASK,
} from './priorities.ts';
import type { Candidate, Group } from './priorities.ts';

export const LIST_REGISTERS = 4;

/** State of a list register. */
export const INVALID = 0b00;
export const PENDING = 0b01;
export const ACTIVE = 0b10;

export interface ListRegister {
  /** Bit 0: pending, bit 1: active. */
  State: number;
  /** Deactivation deactivates the physical interrupt `pINTID` too. */
  HW: boolean;
  Group: Group;
  Priority: number;
  pINTID: number;
  /** With HW = 0: a maintenance interrupt when the interrupt is deactivated. */
  EOI: boolean;
  vINTID: number;
  /** GICv2: the virtual processor that sent a virtual SGI. */
  CPUID: number;
}

const EMPTY: ListRegister = {
  State: INVALID,
  HW: false,
  Group: 0,
  Priority: 0,
  pINTID: 0,
  EOI: false,
  vINTID: 0,
  CPUID: 0,
};

// ICH_HCR_EL2 and GICH_HCR.
const HCR_En = 1 << 0;
const HCR_UIE = 1 << 1;
const HCR_LRENPIE = 1 << 2;
const HCR_NPIE = 1 << 3;
const HCR_VGrp0EIE = 1 << 4;
const HCR_VGrp0DIE = 1 << 5;
const HCR_VGrp1EIE = 1 << 6;
const HCR_VGrp1DIE = 1 << 7;
const EOICOUNT = 27;

// ICH_MISR_EL2 and GICH_MISR.
const MISR_EOI = 1 << 0;
const MISR_U = 1 << 1;
const MISR_LRENP = 1 << 2;
const MISR_NP = 1 << 3;
const MISR_VGrp0E = 1 << 4;
const MISR_VGrp0D = 1 << 5;
const MISR_VGrp1E = 1 << 6;
const MISR_VGrp1D = 1 << 7;

/** Deactivation has no list register to find for these. */
const FIRST_LPI = 8192;

/** What ICH_VMCR_EL2 and GICH_VMCR hold, and the guest's own registers show. */
export interface VirtualMachineControl {
  /** Bit n: group n is enabled. */
  groups: number;
  /** GICv2 only: GICV_IAR acknowledges group 1 too. */
  AckCtl: boolean;
  /** Group 0 is signalled as virtual FIQ; always so with GICv3. */
  FIQEn: boolean;
  CBPR: boolean;
  EOIM: boolean;
  BPR0: number;
  BPR1: number;
  PMR: number;
}

export interface VirtualInterfaceOptions {
  /** GICv2: one active priorities register for both groups, and FIQs only by VFIQEn. */
  readonly isGicV2: boolean;
  /** Deactivates a physical interrupt of this processor. */
  readonly deactivatePhysical: (pINTID: number) => void;
  readonly virq: IrqLine;
  readonly vfiq: IrqLine;
  /** The maintenance interrupt; level-sensitive. */
  readonly maintenance: IrqLine;
  readonly events: DeviceEvents;
}

interface SavedVirtualInterface {
  readonly HCR: number;
  readonly control: VirtualMachineControl;
  readonly active: readonly [number, number];
  readonly listRegisters: readonly ListRegister[];
}

const NAME = 'GIC virtual CPU interface';

export class VirtualInterface {
  readonly #options: VirtualInterfaceOptions;
  readonly #active = new ActivePriorities();
  readonly #listRegisters: ListRegister[] = Array.from({ length: LIST_REGISTERS }, () => ({
    ...EMPTY,
  }));
  #HCR = 0;
  #control: VirtualMachineControl;

  constructor(options: VirtualInterfaceOptions) {
    this.#options = options;
    this.#control = this.#resetControl();
  }

  #resetControl(): VirtualMachineControl {
    return {
      groups: 0,
      AckCtl: false,
      FIQEn: !this.#options.isGicV2,
      CBPR: false,
      EOIM: false,
      BPR0: LEAST_BPR0,
      BPR1: LEAST_BPR1,
      PMR: 0,
    };
  }

  reset(): void {
    this.#HCR = 0;
    this.#control = this.#resetControl();
    this.#active.reset();
    for (const register of this.#listRegisters) Object.assign(register, EMPTY);
    this.update();
  }

  // -- for the hypervisor

  /** ICH_HCR_EL2 or GICH_HCR. */
  get HCR(): number {
    return this.#HCR;
  }
  set HCR(value: number) {
    this.#HCR = value;
    this.update();
  }

  get control(): Readonly<VirtualMachineControl> {
    return this.#control;
  }
  change(changes: Partial<VirtualMachineControl>): void {
    const { BPR0 = this.#control.BPR0, BPR1 = this.#control.BPR1 } = changes;
    const { PMR = this.#control.PMR } = changes;
    this.#control = {
      ...this.#control,
      ...changes,
      BPR0: Math.max(LEAST_BPR0, BPR0),
      BPR1: Math.max(LEAST_BPR1, BPR1),
      PMR: PMR & PRIORITY_MASK,
    };
    this.update();
  }

  listRegister(n: number): Readonly<ListRegister> {
    return this.#listRegisters[n] ?? EMPTY;
  }
  setListRegister(n: number, value: ListRegister): void {
    const register = this.#listRegisters[n];
    if (register === undefined) throw new TypeError(`there is no list register ${n}`);
    Object.assign(register, value, { Priority: value.Priority & PRIORITY_MASK });
    this.update();
  }

  activePriorities(group: Group): number {
    return this.#active.get(group);
  }
  setActivePriorities(group: Group, value: number): void {
    this.#active.set(group, value);
    this.update();
  }

  #mask(has: (register: ListRegister) => boolean): number {
    let mask = 0;
    this.#listRegisters.forEach((register, n) => {
      if (has(register)) mask |= 1 << n;
    });
    return mask;
  }

  /** List registers whose interrupt has ended and that asked to be told: ICH_EISR_EL2. */
  get EISR(): number {
    return this.#mask(({ State, HW, EOI }) => State === INVALID && !HW && EOI);
  }
  /** List registers that can be filled: ICH_ELRSR_EL2. */
  get ELRSR(): number {
    return this.#mask(({ State, HW, EOI }) => State === INVALID && (HW || !EOI));
  }

  /** Why there is a maintenance interrupt: ICH_MISR_EL2. */
  get MISR(): number {
    const enabled = (bit: number): boolean => (this.#HCR & bit) !== 0;
    const valid = this.#listRegisters.filter(({ State }) => State !== INVALID).length;
    const { groups } = this.#control;
    let MISR = 0;
    if (this.EISR !== 0) MISR |= MISR_EOI;
    if (enabled(HCR_UIE) && valid <= 1) MISR |= MISR_U;
    if (enabled(HCR_LRENPIE) && this.#HCR >>> EOICOUNT !== 0) MISR |= MISR_LRENP;
    if (enabled(HCR_NPIE) && !this.#listRegisters.some(({ State }) => State === PENDING)) {
      MISR |= MISR_NP;
    }
    if (enabled(HCR_VGrp0EIE) && (groups & 1) !== 0) MISR |= MISR_VGrp0E;
    if (enabled(HCR_VGrp0DIE) && (groups & 1) === 0) MISR |= MISR_VGrp0D;
    if (enabled(HCR_VGrp1EIE) && (groups & 2) !== 0) MISR |= MISR_VGrp1E;
    if (enabled(HCR_VGrp1DIE) && (groups & 2) === 0) MISR |= MISR_VGrp1D;
    return MISR;
  }

  // -- for the guest

  get runningPriority(): number {
    return this.#active.running;
  }

  /** The pending list register of highest priority among enabled groups; of equal ones the first. */
  #highest(): ListRegister | undefined {
    if ((this.#HCR & HCR_En) === 0) return undefined;
    let best: ListRegister | undefined;
    for (const register of this.#listRegisters) {
      if (register.State !== PENDING) continue;
      if (((this.#control.groups >>> register.Group) & 1) === 0) continue;
      if (best === undefined || register.Priority < best.Priority) best = register;
    }
    return best;
  }

  /** The highest pending virtual interrupt, whether or not its priority suffices. */
  get highestPending(): (Candidate & { readonly CPUID: number }) | undefined {
    const register = this.#highest();
    return register && describe(register);
  }
  /** The virtual interrupt that is signalled to the guest. */
  get signalled(): (Candidate & { readonly CPUID: number }) | undefined {
    const register = this.#signalled();
    return register && describe(register);
  }

  #signalled(): ListRegister | undefined {
    const register = this.#highest();
    if (register === undefined || register.Priority >= this.#control.PMR) return undefined;
    const { Priority, Group } = register;
    return groupPriority(Priority, Group, this.#control) < this.#active.running
      ? register
      : undefined;
  }

  /** Drives the outputs to what they are now. */
  update(): void {
    const group = this.#signalled()?.Group;
    const asFiq = group === 0 && this.#control.FIQEn;
    this.#options.virq.set(group !== undefined && !asFiq);
    this.#options.vfiq.set(asFiq);
    this.#options.maintenance.set((this.#HCR & HCR_En) !== 0 && this.MISR !== 0);
  }

  /** The interrupt that is signalled becomes active. SPURIOUS when none is. */
  acknowledge(): number {
    const register = this.#signalled();
    if (register === undefined) return SPURIOUS;
    const { Priority, Group, vINTID } = register;
    const activeGroup = this.#options.isGicV2 ? 0 : Group;
    this.#active.activate(activeGroup, groupPriority(Priority, Group, this.#control));
    // LPIs have no active state.
    register.State = vINTID >= FIRST_LPI ? INVALID : ACTIVE;
    this.update();
    return vINTID;
  }

  /**
   * The end of an interrupt of a group; with EOImode the priority drop only. `CPUID` is of a GICv2: the
   * sender of an SGI.
   */
  endOfInterrupt(group: Group, vINTID: number, CPUID = 0): void {
    const running = this.#active.runningGroup;
    if (running === undefined || (running !== group && !this.#options.isGicV2)) {
      this.#options.events.guestError(
        NAME,
        `end of virtual interrupt ${vINTID} of group ${group}, which does not have the running priority`,
      );
      return;
    }
    this.#active.drop();
    if (!this.#control.EOIM) this.#deactivate(vINTID, CPUID);
    this.update();
  }

  /** A write of DIR; it has no effect without EOImode. */
  deactivateOnly(vINTID: number, CPUID = 0): void {
    if (!this.#control.EOIM) return;
    this.#deactivate(vINTID, CPUID);
    this.update();
  }

  #deactivate(vINTID: number, CPUID: number): void {
    if (vINTID >= FIRST_LPI) return;
    const register = this.#listRegisters.find((each) => {
      return each.vINTID === vINTID && each.CPUID === CPUID && (each.State & ACTIVE) !== 0;
    });
    if (register === undefined) {
      // EOIcount: deactivations that the hypervisor has to make.
      this.#HCR = (this.#HCR + (1 << EOICOUNT)) >>> 0;
      return;
    }
    register.State &= ~ACTIVE;
    if (register.HW) this.#options.deactivatePhysical(register.pINTID);
  }

  saveState(): unknown {
    return {
      HCR: this.#HCR,
      control: { ...this.#control },
      active: [this.#active.get(0), this.#active.get(1)],
      listRegisters: this.#listRegisters.map((register) => ({ ...register })),
    } satisfies SavedVirtualInterface;
  }
  restoreState(state: unknown): void {
    const saved = state as SavedVirtualInterface;
    this.#HCR = saved.HCR;
    this.#control = { ...saved.control };
    this.#active.set(0, saved.active[0]);
    this.#active.set(1, saved.active[1]);
    this.#listRegisters.forEach((register, n) => Object.assign(register, saved.listRegisters[n]));
    this.update();
  }
}

function describe({ vINTID, Priority, Group, CPUID }: ListRegister): Candidate & { CPUID: number } {
  return { INTID: vINTID, priority: Priority, group: Group, CPUID };
}
