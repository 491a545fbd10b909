/** The columns of the trap table, register by register. KVM, sys_regs.c; Arm ARM, the registers' pages. */
import assert from 'node:assert/strict';
import { LAZY_DIRTY } from '../../../../emulator/kvm/policies/lazy-dirty.ts';
import { OWNER } from '../../../../emulator/kvm/policies/owner.ts';
import { emulateAccess, sanitisedIdRegisters } from '../../../../emulator/kvm/sys-regs.ts';
import type { AccessOutcome, RegisterEmulation } from '../../../../emulator/kvm/sys-regs.ts';
import { byName } from '../../../../emulator/sysregs/catalogue.ts';
import { idRegisters } from '../../../../emulator/sysregs/id-registers.ts';
import { KvmGuest } from '../../../support/kvm-guest.ts';

const policies = { G1: LAZY_DIRTY, G4: OWNER };

function table(generation: 'G1' | 'G4', emulation: RegisterEmulation) {
  const policy = policies[generation];
  const { kvm } = new KvmGuest({ policy: policy.name, registerEmulation: emulation });
  const context = {
    ws: kvm.ws,
    policy,
    emulation,
    implemented: kvm.implemented,
    idRegisters: sanitisedIdRegisters(idRegisters(kvm.profile.processor)),
    reload: () => undefined,
  };
  const access = (name: string, direction: 'read' | 'write', value = 0n): AccessOutcome => {
    const register = byName(name);
    assert.ok(register, name);
    return emulateAccess(context, { encoding: register.encoding, direction, value });
  };
  return {
    kvm,
    read: (name: string): bigint | 'UNDEFINED' => {
      const outcome = access(name, 'read');
      return outcome.kind === 'done' ? outcome.value : 'UNDEFINED';
    },
    write: (name: string, value: bigint): 'done' | 'UNDEFINED' => {
      const outcome = access(name, 'write', value);
      return outcome.kind === 'done' ? 'done' : 'UNDEFINED';
    },
    access,
  };
}

describe('Trap table', () => {
  const wrongDirection = [
    { generation: 'G1', name: 'OSLAR_EL1', direction: 'read', result: 0n },
    { generation: 'G1', name: 'OSLSR_EL1', direction: 'write', result: 'done' },
    { generation: 'G4', name: 'OSLAR_EL1', direction: 'read', result: 'UNDEFINED' },
    { generation: 'G4', name: 'OSLSR_EL1', direction: 'write', result: 'UNDEFINED' },
  ] as const;
  for (const { generation, name, direction, result } of wrongDirection) {
    it(`P19: ${generation}, ${direction} of ${name} that traps all the same: ${String(result)}`, () => {
      const { read, write, kvm } = table(generation, 'KVM');
      const before = kvm.vcpu.sys_regs.OSLSR_EL1;
      assert.equal(direction === 'read' ? read(name) : write(name, 0xan), result);
      assert.equal(kvm.vcpu.sys_regs.OSLSR_EL1, before);
    });
  }

  it('tells what KVM would log about a wrong direction', () => {
    const outcome = table('G4', 'KVM').access('OSLAR_EL1', 'read');
    assert.deepEqual(outcome, {
      kind: 'undefined',
      warning: 'read from a write-only register: MRS from OSLAR_EL1 is UNDEFINED for the guest',
    });
  });

  it('G1: OSLSR_EL1 is a constant and OSLAR_EL1 does nothing', () => {
    const { read, write } = table('G1', 'KVM');
    assert.equal(write('OSLAR_EL1', 1n), 'done');
    assert.equal(read('OSLSR_EL1'), 0x8n);
  });

  it('G4: OSLAR_EL1 locks and unlocks', () => {
    const { read, write } = table('G4', 'KVM');
    write('OSLAR_EL1', 1n);
    assert.equal(read('OSLSR_EL1'), 0xan);
    write('OSLAR_EL1', 2n);
    assert.equal(read('OSLSR_EL1'), 0x8n);
  });

  it('KVM keeps comparator values unmasked, and for indices the processor does not have', () => {
    const { read, write } = table('G4', 'KVM');
    write('DBGBCR0_EL1', 0x1fe3n);
    assert.equal(read('DBGBCR0_EL1'), 0x1fe3n);
    write('DBGBVR15_EL1', 0x1234_5678n);
    assert.equal(read('DBGBVR15_EL1'), 0x1234_5678n);
  });

  it('architecture: reserved bits of comparators are dropped', () => {
    const { read, write } = table('G4', 'architecture');
    write('DBGBCR0_EL1', 0x1fe3n); // bits 12:9
    assert.equal(read('DBGBCR0_EL1'), 0x1e3n);
    write('DBGBVR0_EL1', 0x1003n);
    assert.equal(read('DBGBVR0_EL1'), 0x1000n);
    write('DBGWVR0_EL1', 0x1007n);
    assert.equal(read('DBGWVR0_EL1'), 0x1004n);
  });

  it('architecture: an index beyond the processor is UNDEFINED', () => {
    const { read, write } = table('G4', 'architecture');
    assert.equal(read('DBGBVR6_EL1'), 'UNDEFINED');
    assert.equal(write('DBGWCR4_EL1', 0n), 'UNDEFINED');
    assert.equal(read('DBGBVR5_EL1'), 0n);
  });

  it('architecture: MDSCR_EL1 keeps the views of EDSCR read-only while the OS Lock is unlocked', () => {
    const { read, write } = table('G4', 'architecture');
    const ALL = 0xffff_ffff_ffff_ffffn;
    const always = (1n << 15n) | (1n << 13n) | (1n << 12n) | 1n; // MDE, KDE, TDCC, SS
    write('MDSCR_EL1', ALL);
    assert.equal(read('MDSCR_EL1'), always);
    write('OSLAR_EL1', 1n);
    write('MDSCR_EL1', ALL);
    assert.notEqual(Number(read('MDSCR_EL1')) & (1 << 14), 0); // HDE
  });

  it('architecture: OSECCR_EL1 is there only while the OS Lock is locked', () => {
    const { read, write } = table('G4', 'architecture');
    write('OSECCR_EL1', 0x55n);
    assert.equal(read('OSECCR_EL1'), 0n);
    write('OSLAR_EL1', 1n);
    write('OSECCR_EL1', 0x55n);
    assert.equal(read('OSECCR_EL1'), 0x55n);
  });

  it('KVM: OSECCR_EL1 is UNDEFINED', () => {
    assert.equal(table('G1', 'KVM').read('OSECCR_EL1'), 'UNDEFINED');
    assert.equal(table('G4', 'KVM').write('OSECCR_EL1', 1n), 'UNDEFINED');
  });

  it('architecture: the claim tags are set and cleared bit by bit', () => {
    const { read, write } = table('G4', 'architecture');
    write('DBGCLAIMSET_EL1', 0x0fn);
    write('DBGCLAIMCLR_EL1', 0x05n);
    assert.equal(read('DBGCLAIMCLR_EL1'), 0x0an);
    assert.equal(read('DBGCLAIMSET_EL1'), 0xffn);
  });

  it('architecture: OSDLR_EL1 and DBGPRCR_EL1 keep their one bit', () => {
    const { read, write } = table('G4', 'architecture');
    write('OSDLR_EL1', 0xffn);
    write('DBGPRCR_EL1', 0xffn);
    assert.equal(read('OSDLR_EL1'), 1n);
    assert.equal(read('DBGPRCR_EL1'), 1n);
  });

  it('KVM: OSDLR_EL1 reads as zero although the processor has FEAT_DoubleLock', () => {
    const { read, write } = table('G4', 'KVM');
    write('OSDLR_EL1', 1n);
    assert.equal(read('OSDLR_EL1'), 0n);
  });

  it('answers identification registers with the guest’s values', () => {
    // DebugVer 6, 6 breakpoints, 4 watchpoints, 2 context-aware breakpoints.
    assert.equal(table('G4', 'KVM').read('ID_AA64DFR0_EL1'), 0x1030_5006n);
  });

  it('G1: writes set DIRTY and reads do not', () => {
    const { kvm, read, write } = table('G1', 'KVM');
    read('MDSCR_EL1');
    assert.equal(kvm.vcpu.debug_dirty, false);
    write('MDCCINT_EL1', 0n);
    assert.equal(kvm.vcpu.debug_dirty, true);
  });

  it('G4: reads take the registers as well', () => {
    const { kvm, read } = table('G4', 'KVM');
    read('MDCCINT_EL1');
    assert.equal(kvm.vcpu.debug_owner, 'GUEST');
  });
});
