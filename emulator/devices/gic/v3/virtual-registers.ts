/**
 * The system registers of the virtual CPU interface of a GICv3: ICH_* for the hypervisor, and ICV_*, which
 * a guest reaches under the names of ICC_*. Arm GIC architecture specification (IHI 0069), "AArch64
 * virtualization control System registers".
 */
import { SPURIOUS } from '../interrupt-states.ts';
import { PRIORITY_BITS } from '../priorities.ts';
import type { Group } from '../priorities.ts';
import type { RegisterAccess, RegisterAccesses } from '../register-access.ts';
import { LIST_REGISTERS } from '../virtual-interface.ts';
import type { ListRegister, VirtualInterface } from '../virtual-interface.ts';
import { ICC_CTLR_CBPR, ICC_CTLR_CONSTANT, ICC_CTLR_EOImode, isSpecial } from './cpu-interface.ts';
import type { IcvRegister } from './cpu-interface.ts';

export const ICH_REGISTERS = [
  'ICH_AP0R0_EL2',
  'ICH_AP1R0_EL2',
  'ICH_HCR_EL2',
  'ICH_VTR_EL2',
  'ICH_MISR_EL2',
  'ICH_EISR_EL2',
  'ICH_ELRSR_EL2',
  'ICH_VMCR_EL2',
  'ICH_LR0_EL2',
  'ICH_LR1_EL2',
  'ICH_LR2_EL2',
  'ICH_LR3_EL2',
] as const;
export type IchRegister = (typeof ICH_REGISTERS)[number];

/** EOIcount, TDIR, TALL1, TALL0, TC and the maintenance enables; no direct injection. */
const ICH_HCR_WRITABLE = 0xf800_5cff;
/** PRIbits, PREbits, 16 INTID bits, A3V, no GICv4, TDIR is there; the number of list registers less 1. */
const ICH_VTR =
  (((PRIORITY_BITS - 1) << 29) |
    ((PRIORITY_BITS - 1) << 26) |
    (1 << 21) |
    (1 << 20) |
    (1 << 19) |
    (LIST_REGISTERS - 1)) >>>
  0;

const LR_EOI = 1n << 41n;

function packListRegister(register: ListRegister): bigint {
  const { State, HW, Group, Priority, pINTID, EOI, vINTID } = register;
  return (
    (BigInt(State) << 62n) |
    (HW ? 1n << 61n : 0n) |
    (BigInt(Group) << 60n) |
    (BigInt(Priority) << 48n) |
    (HW ? BigInt(pINTID) << 32n : EOI ? LR_EOI : 0n) |
    BigInt(vINTID)
  );
}

function unpackListRegister(value: bigint): ListRegister {
  const field = (lsb: bigint, width: bigint): number =>
    Number((value >> lsb) & ((1n << width) - 1n));
  const HW = field(61n, 1n) === 1;
  return {
    State: field(62n, 2n),
    HW,
    Group: field(60n, 1n) as Group,
    Priority: field(48n, 8n),
    pINTID: HW ? field(32n, 13n) : 0,
    EOI: !HW && (value & LR_EOI) !== 0n,
    vINTID: field(0n, 16n),
    CPUID: 0,
  };
}

/** The layout of ICH_VMCR_EL2. VFIQEn is RES1 and VAckCtl RES0 with system registers. */
function packVMCR({ control }: VirtualInterface): number {
  const { groups, CBPR, EOIM, BPR0, BPR1, PMR } = control;
  return (
    ((PMR << 24) |
      (BPR0 << 21) |
      (BPR1 << 18) |
      (EOIM ? 1 << 9 : 0) |
      (CBPR ? 1 << 4 : 0) |
      (1 << 3) |
      groups) >>>
    0
  );
}

const word = (value: number): bigint => BigInt(value >>> 0);
const low = (value: bigint): number => Number(value & 0xffff_ffffn);

export function ichRegisters(virtual: VirtualInterface): RegisterAccesses<IchRegister> {
  const APR = (group: Group): RegisterAccess => ({
    peek: () => word(virtual.activePriorities(group)),
    write(value) {
      virtual.setActivePriorities(group, low(value));
    },
  });
  const LR = (n: number): RegisterAccess => ({
    peek: () => packListRegister(virtual.listRegister(n)),
    write(value) {
      virtual.setListRegister(n, unpackListRegister(value));
    },
  });
  return {
    ICH_AP0R0_EL2: APR(0),
    ICH_AP1R0_EL2: APR(1),
    ICH_HCR_EL2: {
      peek: () => word(virtual.HCR),
      write(value) {
        virtual.HCR = (low(value) & ICH_HCR_WRITABLE) >>> 0;
      },
    },
    ICH_VTR_EL2: { peek: () => word(ICH_VTR) },
    ICH_MISR_EL2: { peek: () => word(virtual.MISR) },
    ICH_EISR_EL2: { peek: () => word(virtual.EISR) },
    ICH_ELRSR_EL2: { peek: () => word(virtual.ELRSR) },
    ICH_VMCR_EL2: {
      peek: () => word(packVMCR(virtual)),
      write(written) {
        const value = low(written);
        virtual.change({
          groups: value & 3,
          CBPR: (value & (1 << 4)) !== 0,
          EOIM: (value & (1 << 9)) !== 0,
          BPR1: (value >>> 18) & 7,
          BPR0: (value >>> 21) & 7,
          PMR: value >>> 24,
        });
      },
    },
    ICH_LR0_EL2: LR(0),
    ICH_LR1_EL2: LR(1),
    ICH_LR2_EL2: LR(2),
    ICH_LR3_EL2: LR(3),
  };
}

export function icvRegisters(virtual: VirtualInterface): RegisterAccesses<IcvRegister> {
  const INTID = (value: bigint): number => Number(value & 0xff_ffffn);
  const IAR = (group: Group): RegisterAccess => {
    const peek = (): number => {
      const { signalled } = virtual;
      return signalled?.group === group ? signalled.INTID : SPURIOUS;
    };
    return {
      peek: () => word(peek()),
      read: () => word(peek() === SPURIOUS ? SPURIOUS : virtual.acknowledge()),
    };
  };
  const HPPIR = (group: Group): RegisterAccess => ({
    peek() {
      const { highestPending } = virtual;
      return word(highestPending?.group === group ? highestPending.INTID : SPURIOUS);
    },
  });
  const EOIR = (group: Group): RegisterAccess => ({
    peek: () => 0n,
    write(value) {
      if (!isSpecial(INTID(value))) virtual.endOfInterrupt(group, INTID(value));
    },
  });
  const APR = (group: Group): RegisterAccess => ({
    peek: () => word(virtual.activePriorities(group)),
    write(value) {
      virtual.setActivePriorities(group, low(value));
    },
  });
  const IGRPEN = (group: Group): RegisterAccess => ({
    peek: () => word((virtual.control.groups >>> group) & 1),
    write(value) {
      const { groups } = virtual.control;
      const bit = 1 << group;
      virtual.change({ groups: (value & 1n) !== 0n ? groups | bit : groups & ~bit });
    },
  });
  return {
    ICC_PMR_EL1: {
      peek: () => word(virtual.control.PMR),
      write(value) {
        virtual.change({ PMR: low(value) & 0xff });
      },
    },
    ICC_IAR0_EL1: IAR(0),
    ICC_EOIR0_EL1: EOIR(0),
    ICC_HPPIR0_EL1: HPPIR(0),
    ICC_BPR0_EL1: {
      peek: () => word(virtual.control.BPR0),
      write(value) {
        virtual.change({ BPR0: low(value) & 7 });
      },
    },
    ICC_AP0R0_EL1: APR(0),
    ICC_AP1R0_EL1: APR(1),
    ICC_DIR_EL1: {
      peek: () => 0n,
      write(value) {
        if (!isSpecial(INTID(value))) virtual.deactivateOnly(INTID(value));
      },
    },
    ICC_RPR_EL1: { peek: () => word(virtual.runningPriority) },
    ICC_IAR1_EL1: IAR(1),
    ICC_EOIR1_EL1: EOIR(1),
    ICC_HPPIR1_EL1: HPPIR(1),
    ICC_BPR1_EL1: {
      peek() {
        const { CBPR, BPR0, BPR1 } = virtual.control;
        return word(CBPR ? Math.min(7, BPR0 + 1) : BPR1);
      },
      write(value) {
        if (!virtual.control.CBPR) virtual.change({ BPR1: low(value) & 7 });
      },
    },
    ICC_CTLR_EL1: {
      peek() {
        const { CBPR, EOIM } = virtual.control;
        return word(ICC_CTLR_CONSTANT | (CBPR ? ICC_CTLR_CBPR : 0) | (EOIM ? ICC_CTLR_EOImode : 0));
      },
      write(value) {
        virtual.change({
          CBPR: (low(value) & ICC_CTLR_CBPR) !== 0,
          EOIM: (low(value) & ICC_CTLR_EOImode) !== 0,
        });
      },
    },
    ICC_IGRPEN0_EL1: IGRPEN(0),
    ICC_IGRPEN1_EL1: IGRPEN(1),
  };
}
