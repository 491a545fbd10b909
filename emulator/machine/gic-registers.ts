/**
 * Connects the system registers of a GICv3's CPU interface to a processor. At EL1 HCR_EL2.IMO puts the
 * virtual interface in the place of the registers of group 1, FMO in that of group 0, and either in that
 * of the common ones. Arm GIC architecture specification (IHI 0069), "Virtual interrupt handling".
 */
import type { ProcessingElement } from '../cpu/pe.ts';
import { ICV_REGISTERS } from '../devices/gic/v3/cpu-interface.ts';
import type { IcvRegister } from '../devices/gic/v3/cpu-interface.ts';
import type { GicSystemRegisters } from '../devices/gic/v3/gic-v3.ts';
import type { RegisterAccess } from '../devices/gic/register-access.ts';

const HCR_FMO = 1n << 3n;
const HCR_IMO = 1n << 4n;

/** Bits of HCR_EL2 that make EL1's accesses virtual. */
function virtualisedBy(name: IcvRegister): bigint {
  switch (name) {
    case 'ICC_PMR_EL1':
    case 'ICC_RPR_EL1':
    case 'ICC_CTLR_EL1':
    case 'ICC_DIR_EL1':
      return HCR_IMO | HCR_FMO;
    default:
      return /(IAR|EOIR|HPPIR|BPR|IGRPEN)1_|AP1R/.test(name) ? HCR_IMO : HCR_FMO;
  }
}

export function connectGicRegisters(
  pe: ProcessingElement,
  { ICC, ICV, ICH }: GicSystemRegisters,
): void {
  const own = (name: string, current: () => RegisterAccess, changed?: () => void): void => {
    pe.registers.own(name, {
      read() {
        const access = current();
        return access.read?.() ?? access.peek();
      },
      peek: () => current().peek(),
      store(written) {
        const access = current();
        access.write?.(written);
        return access.peek();
      },
      ...(changed && { written: changed }),
    });
  };
  const virtual = new Map(
    ICV_REGISTERS.map((name) => [name as string, [virtualisedBy(name), ICV[name]] as const]),
  );
  for (const [name, physical] of Object.entries(ICC)) {
    const [condition, replacement] = virtual.get(name) ?? [0n, physical];
    own(name, () => {
      const isVirtual = pe.state.EL < 2 && (pe.registers.raw('HCR_EL2') & condition) !== 0n;
      return isVirtual ? replacement : physical;
    });
  }
  for (const [name, access] of Object.entries(ICH)) {
    const trapsChanged = (): void => {
      pe.traps.invalidate();
    };
    own(name, () => access, name === 'ICH_HCR_EL2' ? trapsChanged : undefined);
  }
}
