/** A GICv3 with RAM, what its outputs show, and its registers by name. */
import { GicV3 } from '../../../../../../emulator/devices/gic/v3/gic-v3.ts';
import type { IccRegister } from '../../../../../../emulator/devices/gic/v3/cpu-interface.ts';
import type { IcvRegister } from '../../../../../../emulator/devices/gic/v3/cpu-interface.ts';
import type { IchRegister } from '../../../../../../emulator/devices/gic/v3/virtual-registers.ts';
import type { RegisterAccess } from '../../../../../../emulator/devices/gic/register-access.ts';

export const GICD_CTLR = 0x0000;
export const GICD_TYPER = 0x0004;
export const GICD_IIDR = 0x0008;
export const GICD_IROUTER = 0x6000;
export const GICD_PIDR2 = 0xffe8;
export const IGROUPR = 0x080;
export const ISENABLER = 0x100;
export const ICENABLER = 0x180;
export const ISPENDR = 0x200;
export const ICPENDR = 0x280;
export const ISACTIVER = 0x300;
export const ICACTIVER = 0x380;
export const IPRIORITYR = 0x400;
export const ICFGR = 0xc00;
export const GICR_CTLR = 0x0000;
export const GICR_TYPER = 0x0008;
export const GICR_WAKER = 0x0014;
export const GICR_PROPBASER = 0x0070;
export const GICR_PENDBASER = 0x0078;
export const SGI_BASE = 0x1_0000;

export const RAM_BASE = 0x4000_0000n;
export const RAM_BYTES = 1 << 20;
export const STRIDE = 0x2_0000;
export const MAINTENANCE = 25;

export interface TestGic {
  readonly gic: GicV3;
  readonly errors: string[];
  readonly ram: Uint8Array;
  /** `irq`, `fiq`, `virq` and `vfiq` that are asserted, for each processor. */
  readonly signalled: () => string[];
  readonly d: (offset: number) => number;
  readonly setD: (offset: number, value: number, size?: 1 | 2 | 4) => void;
  /** A processor's redistributor. */
  readonly r: (cpu: number, offset: number) => number;
  readonly setR: (cpu: number, offset: number, value: number, size?: 1 | 2 | 4) => void;
  /** A 64-bit register of it. */
  readonly setR64: (cpu: number, offset: number, value: bigint) => void;
  readonly icc: (cpu: number, name: IccRegister) => bigint;
  readonly setIcc: (cpu: number, name: IccRegister, value: bigint | number) => void;
  readonly icv: (name: IcvRegister) => bigint;
  readonly setIcv: (name: IcvRegister, value: bigint | number) => void;
  readonly ich: (name: IchRegister) => bigint;
  readonly setIch: (name: IchRegister, value: bigint | number) => void;
  /** Enables an interrupt of group 1, an SPI for `cpu`. */
  readonly enable: (INTID: number, priority: number, cpu?: number) => void;
}

/** Both groups are enabled everywhere and every priority passes, unless `reset` is asked for. */
export function testGic(options: { cpus?: number; state?: 'reset' } = {}): TestGic {
  const errors: string[] = [];
  const ram = new Uint8Array(RAM_BYTES);
  const names = ['irq', 'fiq', 'virq', 'vfiq'] as const;
  const levels = Array.from({ length: options.cpus ?? 1 }, () => new Set<string>());
  const inside = (PA: bigint, length: number): boolean =>
    PA >= RAM_BASE && PA + BigInt(length) <= RAM_BASE + BigInt(RAM_BYTES);
  const gic = new GicV3({
    outputs: levels.map((level) => {
      const line = (name: string): { set: (asserted: boolean) => void } => ({
        set(asserted) {
          if (asserted) level.add(name);
          else level.delete(name);
        },
      });
      return { irq: line('irq'), fiq: line('fiq'), virq: line('virq'), vfiq: line('vfiq') };
    }),
    memory: {
      read(PA, length) {
        const at = Number(PA - RAM_BASE);
        return inside(PA, length) ? ram.slice(at, at + length) : undefined;
      },
      write(PA, bytes) {
        if (!inside(PA, bytes.length)) return false;
        ram.set(bytes, Number(PA - RAM_BASE));
        return true;
      },
    },
    maintenancePPI: MAINTENANCE - 16,
    events: { guestError: (device, message) => errors.push(`${device}: ${message}`) },
  });
  const value = (access: RegisterAccess): bigint => access.read?.() ?? access.peek();
  const { ICV, ICH } = gic.systemRegisters(0);
  const test: TestGic = {
    gic,
    errors,
    ram,
    signalled: () => levels.map((level) => names.filter((name) => level.has(name)).join(' ')),
    d: (offset) => gic.distributor.read(offset, 4),
    setD: (offset, written, size = 4) => {
      gic.distributor.write(offset, size, written);
    },
    r: (cpu, offset) => gic.redistributors.read(STRIDE * cpu + offset, 4),
    setR: (cpu, offset, written, size = 4) => {
      gic.redistributors.write(STRIDE * cpu + offset, size, written);
    },
    setR64: (cpu, offset, written) => {
      test.setR(cpu, offset, Number(written & 0xffff_ffffn));
      test.setR(cpu, offset + 4, Number(written >> 32n));
    },
    icc: (cpu, name) => value(gic.systemRegisters(cpu).ICC[name]),
    setIcc: (cpu, name, written) => {
      gic.systemRegisters(cpu).ICC[name].write?.(BigInt(written));
    },
    icv: (name) => value(ICV[name]),
    setIcv: (name, written) => ICV[name].write?.(BigInt(written)),
    ich: (name) => value(ICH[name]),
    setIch: (name, written) => ICH[name].write?.(BigInt(written)),
    enable(INTID, priority, cpu = 0) {
      const word = 4 * (INTID >>> 5);
      const bit = 2 ** (INTID & 31);
      if (INTID < 32) {
        test.setR(cpu, SGI_BASE + IPRIORITYR + INTID, priority, 1);
        test.setR(cpu, SGI_BASE + IGROUPR, (test.r(cpu, SGI_BASE + IGROUPR) | bit) >>> 0);
        test.setR(cpu, SGI_BASE + ISENABLER, bit);
      } else {
        test.setD(IPRIORITYR + INTID, priority, 1);
        test.setD(IGROUPR + word, (test.d(IGROUPR + word) | bit) >>> 0);
        test.setD(GICD_IROUTER + 8 * INTID, cpu);
        test.setD(ISENABLER + word, bit);
      }
    },
  };
  if (options.state !== 'reset') {
    test.setD(GICD_CTLR, 3);
    levels.forEach((_, cpu) => {
      test.setIcc(cpu, 'ICC_PMR_EL1', 0xff);
      test.setIcc(cpu, 'ICC_IGRPEN0_EL1', 1);
      test.setIcc(cpu, 'ICC_IGRPEN1_EL1', 1);
    });
  }
  return test;
}
