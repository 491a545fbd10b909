/** A GICv2 with what its outputs show, and its registers by name. */
import { GicV2 } from '../../../../../../emulator/devices/gic/v2/gic-v2.ts';

export const GICD_CTLR = 0x000;
export const GICD_TYPER = 0x004;
export const GICD_IIDR = 0x008;
export const GICD_IGROUPR = 0x080;
export const GICD_ISENABLER = 0x100;
export const GICD_ICENABLER = 0x180;
export const GICD_ISPENDR = 0x200;
export const GICD_ICPENDR = 0x280;
export const GICD_ISACTIVER = 0x300;
export const GICD_ICACTIVER = 0x380;
export const GICD_IPRIORITYR = 0x400;
export const GICD_ITARGETSR = 0x800;
export const GICD_ICFGR = 0xc00;
export const GICD_SGIR = 0xf00;
export const GICD_CPENDSGIR = 0xf10;
export const GICD_SPENDSGIR = 0xf20;
export const GICD_PIDR2 = 0xfe8;

export const GICC_CTLR = 0x00;
export const GICC_PMR = 0x04;
export const GICC_BPR = 0x08;
export const GICC_IAR = 0x0c;
export const GICC_EOIR = 0x10;
export const GICC_RPR = 0x14;
export const GICC_HPPIR = 0x18;
export const GICC_ABPR = 0x1c;
export const GICC_AIAR = 0x20;
export const GICC_AEOIR = 0x24;
export const GICC_AHPPIR = 0x28;
export const GICC_APR0 = 0xd0;
export const GICC_IIDR = 0xfc;
export const GICC_DIR = 0x1000;

export const EnableGrp0 = 1;
export const EnableGrp1 = 2;
export const AckCtl = 4;
export const FIQEn = 8;
export const CBPR = 16;
export const EOImode = 1 << 9;

const NAMES = ['irq', 'fiq', 'virq', 'vfiq'] as const;

export interface TestGic {
  readonly gic: GicV2;
  readonly errors: string[];
  /** `irq`, `fiq`, `virq`, `vfiq`, or an empty string, for each processor. */
  readonly signalled: () => string[];
  /** The processor whose registers are accessed from now on. */
  readonly as: (cpu: number) => TestGic;
  readonly d: (offset: number) => number;
  readonly setD: (offset: number, value: number, size?: 1 | 2 | 4) => void;
  readonly c: (offset: number) => number;
  readonly setC: (offset: number, value: number) => void;
  /** GICH_* and GICV_*. */
  readonly h: (offset: number) => number;
  readonly setH: (offset: number, value: number) => void;
  readonly v: (offset: number) => number;
  readonly setV: (offset: number, value: number) => void;
  /** Enables an interrupt, an SPI for processor 0. */
  readonly enable: (INTID: number, priority: number) => void;
}

/** Both groups are enabled and every priority but 0xff passes, unless `reset` is asked for. */
export function testGic(options: { cpus?: number; state?: 'reset' } = {}): TestGic {
  const errors: string[] = [];
  const levels = Array.from({ length: options.cpus ?? 1 }, () => ({
    irq: false,
    fiq: false,
    virq: false,
    vfiq: false,
  }));
  let cpu = 0;
  const gic = new GicV2({
    outputs: levels.map((level) => ({
      irq: { set: (asserted: boolean) => (level.irq = asserted) },
      fiq: { set: (asserted: boolean) => (level.fiq = asserted) },
      virq: { set: (asserted: boolean) => (level.virq = asserted) },
      vfiq: { set: (asserted: boolean) => (level.vfiq = asserted) },
    })),
    accessingCpu: () => cpu,
    maintenancePPI: 9,
    events: { guestError: (device, message) => errors.push(`${device}: ${message}`) },
  });
  const test: TestGic = {
    gic,
    errors,
    signalled: () => levels.map((level) => NAMES.filter((name) => level[name]).join('')),
    as(other) {
      cpu = other;
      return test;
    },
    d: (offset) => gic.distributor.read(offset, 4),
    setD: (offset, value, size = 4) => {
      gic.distributor.write(offset, size, value);
    },
    c: (offset) => gic.cpuInterface.read(offset, 4),
    setC: (offset, value) => {
      gic.cpuInterface.write(offset, 4, value);
    },
    h: (offset) => gic.hypervisorFrame.read(offset, 4),
    setH: (offset, value) => {
      gic.hypervisorFrame.write(offset, 4, value);
    },
    v: (offset) => gic.virtualFrame.read(offset, 4),
    setV: (offset, value) => {
      gic.virtualFrame.write(offset, 4, value);
    },
    enable(INTID, priority) {
      test.setD(GICD_IPRIORITYR + INTID, priority, 1);
      if (INTID >= 32) test.setD(GICD_ITARGETSR + INTID, 1, 1);
      test.setD(GICD_ISENABLER + 4 * (INTID >>> 5), 2 ** (INTID & 31));
    },
  };
  if (options.state !== 'reset') {
    test.setD(GICD_CTLR, EnableGrp0 | EnableGrp1);
    for (cpu = levels.length - 1; ; cpu -= 1) {
      test.setC(GICC_PMR, 0xff);
      test.setC(GICC_CTLR, EnableGrp0 | EnableGrp1 | AckCtl);
      if (cpu === 0) break;
    }
  }
  return test;
}
