/**
 * Effects of the debug registers. Arm ARM, "Debug registers" and "The OS Lock".
 *
 * There is no external debugger and no Debug Communications Channel behind DBGDTR: nobody reads what
 * is written and nothing arrives, so the flags read as zero and the data registers as zero.
 */
import { mdscrAlwaysWritable, MDSCR_EL1_WRITABLE_WHILE_LOCKED } from '../../sysregs/definitions.ts';
import type { ProcessorProfile } from '../../sysregs/processor-model.ts';
import type { SystemRegisters } from '../system-registers.ts';

const OSLSR_OSLK = 2n;
const CLAIM_TAGS = 0xffn;

export interface DebugRegisterOwner {
  /** What is armed may have changed. */
  debugChanged(): void;
  /** What traps may have changed. */
  trapsChanged(): void;
}

export function ownDebugRegisters(
  registers: SystemRegisters,
  profile: ProcessorProfile,
  owner: DebugRegisterOwner,
): void {
  const debugChanged = (): void => {
    owner.debugChanged();
  };
  const isLocked = (): boolean => (registers.raw('OSLSR_EL1') & OSLSR_OSLK) !== 0n;

  for (let n = 0; n < profile.breakpoints; n += 1) {
    registers.own(`DBGBVR${n}_EL1`, { written: debugChanged });
    registers.own(`DBGBCR${n}_EL1`, { written: debugChanged });
  }
  for (let n = 0; n < profile.watchpoints; n += 1) {
    registers.own(`DBGWVR${n}_EL1`, { written: debugChanged });
    registers.own(`DBGWCR${n}_EL1`, { written: debugChanged });
  }

  registers.own('MDSCR_EL1', {
    store(written, current) {
      const writable =
        mdscrAlwaysWritable(profile) | (isLocked() ? MDSCR_EL1_WRITABLE_WHILE_LOCKED : 0n);
      return (current & ~writable) | (written & writable);
    },
    written() {
      owner.debugChanged();
      owner.trapsChanged(); // TDCC, EMBWE
    },
  });

  // Which registers the names of breakpoints and watchpoints reach: see SystemRegisters.
  registers.own('MDSELR_EL1', {});

  registers.own('OSLAR_EL1', {
    store(written) {
      const OSLSR = registers.raw('OSLSR_EL1') & ~OSLSR_OSLK;
      registers.setRaw('OSLSR_EL1', OSLSR | ((written & 1n) === 1n ? OSLSR_OSLK : 0n));
      return 0n; // write-only
    },
    written: debugChanged,
  });
  registers.own('OSLSR_EL1', {});
  registers.own('OSDLR_EL1', { written: debugChanged });

  // Views of the external debugger's registers: accessible only while the OS Lock is locked, RAZ/WI
  // here otherwise (Arm ARM: UNKNOWN on a read, ignored on a write).
  for (const name of ['OSDTRRX_EL1', 'OSDTRTX_EL1', 'OSECCR_EL1']) {
    registers.own(name, {
      read: () => (isLocked() ? registers.raw(name) : 0n),
      store: (written, current) => (isLocked() ? written & 0xffff_ffffn : current),
    });
  }

  // The tags are kept in DBGCLAIMCLR_EL1. DBGCLAIMSET_EL1 reads as ones: the tags that exist.
  registers.own('DBGCLAIMSET_EL1', {
    read: () => CLAIM_TAGS,
    store(written, current) {
      const tags = registers.raw('DBGCLAIMCLR_EL1');
      registers.setRaw('DBGCLAIMCLR_EL1', tags | (written & CLAIM_TAGS));
      return current;
    },
  });
  registers.own('DBGCLAIMCLR_EL1', {
    store: (written, current) => current & ~written,
  });

  registers.own('MDCCSR_EL0', { read: () => 0n });
  registers.own('DBGDTR_EL0', { read: () => 0n, store: () => 0n });
  registers.own('DBGDTRRX_EL0', { read: () => 0n });
  registers.own('DBGDTRTX_EL0', { store: () => 0n });
}
