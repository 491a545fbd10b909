/**
 * Effects of the registers that are views of PSTATE, of identification values and of controls that
 * other parts of the processor have to hear about.
 */
import type { CpuState } from '../engine/cpu-state.ts';
import { CCSIDR_EL1 } from '../sysregs/id-registers.ts';
import { elIsInHost, HCR_E2H } from '../sysregs/virtualization-host.ts';
import { interruptStatus } from './exceptions.ts';
import type { InterruptLines } from './exceptions.ts';
import { PSTATE_DIT, PSTATE_PAN, PSTATE_SSBS, PSTATE_UAO } from './pstate.ts';
import type { SystemRegisters } from './system-registers.ts';
import { HCR_TRANSLATION, systemControl } from './regime-controls.ts';
import { trapControlRegisters } from './traps.ts';

export interface RegisterEffectsHost {
  readonly state: CpuState;
  readonly interruptLines: InterruptLines;
  /** What MRS and MSR may do has changed. */
  trapsChanged(): void;
  /** Which debug exceptions are armed or where they go has changed. */
  debugChanged(): void;
  /** Anything that translations depend on has changed. */
  translationChanged(): void;
  /**
   * TTBR0_ELx (0) or TTBR1_ELx (1) has changed: the tables of a half of the address space, or the ASID, in the
   * regime of EL0 and EL1, or of EL0 and EL2.
   */
  addressSpaceChanged(upper: 0 | 1, EL: 1 | 2): void;
  /** For the performance monitors: TTBR0_EL1 or TTBR1_EL1, and CONTEXTIDR_EL1. */
  translationTableBaseWritten(): void;
  contextIdWritten(): void;
  /** SCTLR_ELx has changed. */
  systemControlChanged(): void;
  /** PSTATE.{PAN, UAO, DIT, SSBS} := these, as in SPSR_ELx. */
  setExtensions(extensions: number): void;
  /** PSTATE.SP := SPSel. */
  selectStackPointer(SPSel: 0 | 1): void;
  /** Told once for each text. */
  unimplemented(what: string): void;
}

const DCZID_DZP = 1n << 4n;
const SCTLR_DZE = 1n << 14n;
const HCR_TDZ = 1n << 28n;
const SCTLR_EE = 1n << 25n;
const SCTLR_E0E = 1n << 24n;

export function ownProcessorRegisters(registers: SystemRegisters, host: RegisterEffectsHost): void {
  const { state } = host;

  registers.own('NZCV', {
    read: () => BigInt(state.NZCV) << 28n,
    store(written) {
      state.NZCV = Number((written >> 28n) & 0xfn);
      return 0n;
    },
  });
  registers.own('DAIF', {
    read: () => BigInt(state.DAIF) << 6n,
    store(written) {
      state.DAIF = Number((written >> 6n) & 0xfn);
      return 0n;
    },
  });
  registers.own('CurrentEL', { read: () => BigInt(state.EL) << 2n });
  registers.own('SPSel', {
    read: () => BigInt(state.SPSel),
    store(written) {
      host.selectStackPointer((written & 1n) === 1n ? 1 : 0);
      return 0n;
    },
  });

  for (const [name, bit] of [
    ['PAN', PSTATE_PAN],
    ['UAO', PSTATE_UAO],
    ['DIT', PSTATE_DIT],
    ['SSBS', PSTATE_SSBS],
  ] as const) {
    registers.own(name, {
      read: () => BigInt(state.extensions & bit),
      store(written) {
        host.setExtensions((state.extensions & ~bit) | (Number(written & 0xffff_ffffn) & bit));
        return 0n;
      },
    });
  }

  // The current stack pointer is SP; its register holds an old value meanwhile.
  const stackPointer = (name: string, isCurrent: () => boolean): void => {
    registers.own(name, {
      direct: true,
      read: () => (isCurrent() ? state.SP : registers.raw(name)),
      store(written, current) {
        if (!isCurrent()) return written;
        state.SP = written;
        return current;
      },
    });
  };
  stackPointer('SP_EL0', () => state.EL === 0 || state.SPSel === 0);
  stackPointer('SP_EL1', () => state.EL === 1 && state.SPSel === 1);

  registers.own('MIDR_EL1', {
    read: () => registers.raw(state.EL === 1 ? 'VPIDR_EL2' : 'MIDR_EL1'),
    peek: () => registers.raw('MIDR_EL1'),
  });
  registers.own('MPIDR_EL1', {
    read: () => registers.raw(state.EL === 1 ? 'VMPIDR_EL2' : 'MPIDR_EL1'),
    peek: () => registers.raw('MPIDR_EL1'),
  });
  registers.own('CCSIDR_EL1', { read: () => CCSIDR_EL1(registers.raw('CSSELR_EL1')) });
  registers.own('DCZID_EL0', {
    read() {
      const HCR_EL2 = registers.raw('HCR_EL2');
      const disabled = state.EL === 0 && (systemControl(registers, 0) & SCTLR_DZE) === 0n;
      const trapped = state.EL < 2 && !elIsInHost(HCR_EL2, state.EL) && (HCR_EL2 & HCR_TDZ) !== 0n;
      return registers.raw('DCZID_EL0') | (disabled || trapped ? DCZID_DZP : 0n);
    },
  });
  registers.own('ISR_EL1', {
    read: () => interruptStatus(host.interruptLines, registers.raw('HCR_EL2'), state.EL),
  });

  // Runtime functions read FPCR where an operation depends on it.
  registers.own('FPCR', {});

  const traps = new Set(trapControlRegisters);
  const debug = new Set(['HCR_EL2', 'MDCR_EL2']);
  const translation = new Set([
    'SCTLR_EL1',
    'SCTLR_EL2',
    'HCR_EL2',
    'TCR_EL1',
    'TCR_EL2',
    'VTTBR_EL2',
    'VTCR_EL2',
    'MAIR_EL1',
    'MAIR_EL2',
  ]);
  // MDSCR_EL1 belongs to the debug registers.
  const controls = new Set([...traps, ...debug, ...translation]);
  controls.delete('MDSCR_EL1');
  for (const name of controls) {
    registers.own(name, {
      written(value, previous) {
        if (value === previous) return;
        if (traps.has(name)) host.trapsChanged();
        if (debug.has(name)) host.debugChanged();
        if (name === 'HCR_EL2') {
          if (((value ^ previous) & HCR_TRANSLATION) !== 0n) host.translationChanged();
        } else if (translation.has(name)) host.translationChanged();
        if (name.startsWith('SCTLR_')) {
          host.systemControlChanged();
          if ((value & (SCTLR_EE | SCTLR_E0E)) !== 0n) {
            host.unimplemented(`big-endian data accesses (${name}.EE or E0E)`);
          }
        }
      },
    });
  }
  for (const upper of [0, 1] as const) {
    registers.own(`TTBR${upper}_EL1`, {
      written(value, previous) {
        host.translationTableBaseWritten();
        if (value !== previous) host.addressSpaceChanged(upper, 1);
      },
    });
    registers.own(`TTBR${upper}_EL2`, {
      written(value, previous) {
        if (value === previous) return;
        if ((registers.raw('HCR_EL2') & HCR_E2H) !== 0n) host.addressSpaceChanged(upper, 2);
        else host.translationChanged();
      },
    });
  }
  // A context change may make an unlinked context breakpoint fire for the next instruction.
  for (const name of ['CONTEXTIDR_EL1', 'CONTEXTIDR_EL2']) {
    registers.own(name, {
      written: () => {
        host.contextIdWritten();
      },
    });
  }
}
