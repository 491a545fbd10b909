/**
 * The registers of the virtual CPU interface of a GICv2: GICH_* for the hypervisor, and GICV_*, which it
 * maps for its guest in the place of GICC_*. Arm GIC architecture specification version 2.0 (IHI 0048),
 * "GIC support for virtualization".
 */
import { SGIS, SPURIOUS } from '../interrupt-states.ts';
import { PRIORITY_BITS } from '../priorities.ts';
import type { Group } from '../priorities.ts';
import { LIST_REGISTERS } from '../virtual-interface.ts';
import type { ListRegister, VirtualInterface } from '../virtual-interface.ts';
import type { RegisterFrame } from './banked-frame.ts';

const GICH_HCR = 0x000;
const GICH_VTR = 0x004;
const GICH_VMCR = 0x008;
const GICH_MISR = 0x010;
const GICH_EISR0 = 0x020;
const GICH_EISR1 = 0x024;
const GICH_ELRSR0 = 0x030;
const GICH_ELRSR1 = 0x034;
const GICH_APR = 0x0f0;
const GICH_LR0 = 0x100;

/** EOICount and the maintenance enables. */
const GICH_HCR_WRITABLE = 0xf800_00ff;
/** PRIbits, PREbits, the number of list registers less 1. */
const GICH_VTR_VALUE =
  (((PRIORITY_BITS - 1) << 29) | ((PRIORITY_BITS - 1) << 26) | (LIST_REGISTERS - 1)) >>> 0;

const GICV_CTLR = 0x0000;
const GICV_PMR = 0x0004;
const GICV_BPR = 0x0008;
const GICV_IAR = 0x000c;
const GICV_EOIR = 0x0010;
const GICV_RPR = 0x0014;
const GICV_HPPIR = 0x0018;
const GICV_ABPR = 0x001c;
const GICV_AIAR = 0x0020;
const GICV_AEOIR = 0x0024;
const GICV_AHPPIR = 0x0028;
const GICV_APR0 = 0x00d0;
const GICV_IIDR = 0x00fc;
const GICV_DIR = 0x1000;

/** Implementer Arm, product GIC-400, GICv2, r0p1. */
const GICV_IIDR_GIC400 = 0x0202_143b;
/** Of group 1, and this register does not acknowledge it. */
const GROUP1_PENDING = 1022;

const CTLR_AckCtl = 1 << 2;
const CTLR_FIQEn = 1 << 3;
const CTLR_CBPR = 1 << 4;
const CTLR_EOImode = 1 << 9;

const field = (value: number, lsb: number, width: number): number =>
  (value >>> lsb) & (2 ** width - 1);

function packListRegister(register: ListRegister): number {
  const { State, HW, Group, Priority, pINTID, EOI, vINTID, CPUID } = register;
  return (
    ((HW ? 2 ** 31 : 0) |
      (Group << 30) |
      (State << 28) |
      ((Priority >>> 3) << 23) |
      (HW ? pINTID << 10 : (EOI ? 1 << 19 : 0) | (CPUID << 10)) |
      vINTID) >>>
    0
  );
}

function unpackListRegister(value: number): ListRegister {
  const HW = field(value, 31, 1) === 1;
  return {
    State: field(value, 28, 2),
    HW,
    Group: field(value, 30, 1) as Group,
    Priority: field(value, 23, 5) << 3,
    pINTID: HW ? field(value, 10, 10) : 0,
    EOI: !HW && field(value, 19, 1) === 1,
    vINTID: field(value, 0, 10),
    CPUID: HW ? 0 : field(value, 10, 3),
  };
}

/** The low half of GICH_VMCR has the layout of GICV_CTLR. */
function packControl({ control }: VirtualInterface): number {
  const { groups, AckCtl, FIQEn, CBPR, EOIM } = control;
  return (
    groups |
    (AckCtl ? CTLR_AckCtl : 0) |
    (FIQEn ? CTLR_FIQEn : 0) |
    (CBPR ? CTLR_CBPR : 0) |
    (EOIM ? CTLR_EOImode : 0)
  );
}

function unpackControl(value: number): {
  groups: number;
  AckCtl: boolean;
  FIQEn: boolean;
  CBPR: boolean;
  EOIM: boolean;
} {
  return {
    groups: value & 3,
    AckCtl: (value & CTLR_AckCtl) !== 0,
    FIQEn: (value & CTLR_FIQEn) !== 0,
    CBPR: (value & CTLR_CBPR) !== 0,
    EOIM: (value & CTLR_EOImode) !== 0,
  };
}

/** GICH_*, with the state of the virtual interface. */
export class HypervisorFrame implements RegisterFrame {
  readonly #virtual: VirtualInterface;

  constructor(virtual: VirtualInterface) {
    this.#virtual = virtual;
  }

  peek(offset: number): number | undefined {
    const virtual = this.#virtual;
    switch (offset) {
      case GICH_HCR:
        return virtual.HCR;
      case GICH_VTR:
        return GICH_VTR_VALUE;
      case GICH_VMCR: {
        const { BPR0, BPR1, PMR } = virtual.control;
        return (packControl(virtual) | (BPR1 << 18) | (BPR0 << 21) | (PMR << 24)) >>> 0;
      }
      case GICH_MISR:
        return virtual.MISR;
      case GICH_EISR0:
        return virtual.EISR;
      case GICH_ELRSR0:
        return virtual.ELRSR;
      case GICH_EISR1:
      case GICH_ELRSR1:
        return 0;
      case GICH_APR:
        return virtual.activePriorities(0);
      default: {
        const n = listRegisterAt(offset);
        return n === undefined ? undefined : packListRegister(virtual.listRegister(n));
      }
    }
  }

  read(offset: number): number | undefined {
    return this.peek(offset);
  }

  write(offset: number, value: number): boolean {
    const virtual = this.#virtual;
    switch (offset) {
      case GICH_HCR:
        virtual.HCR = (value & GICH_HCR_WRITABLE) >>> 0;
        return true;
      case GICH_VMCR:
        virtual.change({
          ...unpackControl(value),
          BPR1: field(value, 18, 3),
          BPR0: field(value, 21, 3),
          PMR: value >>> 24,
        });
        return true;
      case GICH_APR:
        virtual.setActivePriorities(0, value);
        return true;
      default: {
        const n = listRegisterAt(offset);
        if (n === undefined) return false;
        virtual.setListRegister(n, unpackListRegister(value));
        return true;
      }
    }
  }

  reset(): void {
    this.#virtual.reset();
  }
  saveState(): unknown {
    return this.#virtual.saveState();
  }
  restoreState(state: unknown): void {
    this.#virtual.restoreState(state);
  }
}

function listRegisterAt(offset: number): number | undefined {
  const n = (offset - GICH_LR0) / 4;
  return n >= 0 && n < LIST_REGISTERS ? n : undefined;
}

/** GICV_*: as GICC_*, over the list registers. */
export class VirtualFrame implements RegisterFrame {
  readonly #virtual: VirtualInterface;

  constructor(virtual: VirtualInterface) {
    this.#virtual = virtual;
  }

  peek(offset: number): number | undefined {
    const virtual = this.#virtual;
    switch (offset) {
      case GICV_CTLR:
        return packControl(virtual);
      case GICV_PMR:
        return virtual.control.PMR;
      case GICV_BPR:
        return virtual.control.BPR0;
      case GICV_ABPR:
        return virtual.control.BPR1;
      case GICV_IAR:
        return this.#visible('signalled', false);
      case GICV_AIAR:
        return this.#visible('signalled', true);
      case GICV_HPPIR:
        return this.#visible('highestPending', false);
      case GICV_AHPPIR:
        return this.#visible('highestPending', true);
      case GICV_RPR:
        return virtual.runningPriority;
      case GICV_IIDR:
        return GICV_IIDR_GIC400;
      case GICV_APR0:
        return virtual.activePriorities(0);
      default:
        return undefined;
    }
  }

  /** What IAR and HPPIR, or the aliased registers, show; with the sender of an SGI. */
  #visible(which: 'signalled' | 'highestPending', aliased: boolean): number {
    const { [which]: found, control } = this.#virtual;
    if (found === undefined) return SPURIOUS;
    const { INTID, group, CPUID } = found;
    if (aliased && group === 0) return SPURIOUS;
    if (!aliased && group === 1 && !control.AckCtl) return GROUP1_PENDING;
    return INTID < SGIS ? INTID | (CPUID << 10) : INTID;
  }

  read(offset: number): number | undefined {
    const value = this.peek(offset);
    if (value === undefined || (offset !== GICV_IAR && offset !== GICV_AIAR)) return value;
    if (value !== SPURIOUS && value !== GROUP1_PENDING) this.#virtual.acknowledge();
    return value;
  }

  write(offset: number, value: number): boolean {
    const virtual = this.#virtual;
    switch (offset) {
      case GICV_CTLR:
        virtual.change(unpackControl(value));
        return true;
      case GICV_PMR:
        virtual.change({ PMR: value & 0xff });
        return true;
      case GICV_BPR:
        virtual.change({ BPR0: value & 7 });
        return true;
      case GICV_ABPR:
        virtual.change({ BPR1: value & 7 });
        return true;
      case GICV_EOIR:
      case GICV_AEOIR: {
        const INTID = field(value, 0, 10);
        const group = offset === GICV_EOIR ? 0 : 1;
        if (INTID < 1020) virtual.endOfInterrupt(group, INTID, field(value, 10, 3));
        return true;
      }
      case GICV_DIR: {
        const INTID = field(value, 0, 10);
        if (INTID < 1020) virtual.deactivateOnly(INTID, field(value, 10, 3));
        return true;
      }
      case GICV_APR0:
        virtual.setActivePriorities(0, value);
        return true;
      default:
        return false;
    }
  }

  // The state is the hypervisor frame's.
  reset(): void {
    this.#virtual.update();
  }
  saveState(): unknown {
    return undefined;
  }
  restoreState(): void {
    this.#virtual.update();
  }
}
