/** Acceptance cases M1 to M10, M13 and M20: identification registers that userspace writes before the guest runs. */
import assert from 'node:assert/strict';
import { coreId, sysregId } from '../../emulator/kvm/one-reg.ts';
import { checkDebugFeatures, writableMask } from '../../emulator/kvm/vm-id-registers.ts';
import type { IdRegisterPeriod } from '../../emulator/kvm/vm-id-registers.ts';
import { byName } from '../../emulator/sysregs/catalogue.ts';
import { b, daifClr, mrs, nop, set } from '../support/a64.ts';
import { CODE, DATA, DONE, KvmGuest } from '../support/kvm-guest.ts';

function id(name: string): bigint {
  const register = byName(name);
  if (register === undefined) throw new TypeError(name);
  return sysregId(register.encoding);
}

const DFR0 = id('ID_AA64DFR0_EL1');
const SHIFTS = {
  DebugVer: 0n,
  PMUVer: 8n,
  BRPs: 12n,
  WRPs: 20n,
  CTX_CMPs: 28n,
  DoubleLock: 36n,
} as const;
type Field = keyof typeof SHIFTS;

const field = (value: bigint, name: Field): bigint => (value >> SHIFTS[name]) & 0xfn;
const withField = (value: bigint, name: Field, bits: bigint): bigint =>
  (value & ~(0xfn << SHIFTS[name])) | (bits << SHIFTS[name]);

function read(guest: KvmGuest, vcpu = 0): bigint {
  const result = guest.kvm.getOneReg(vcpu, DFR0);
  assert.ok(result.ok);
  return result.value;
}

/** Writes one field. @returns the errno, or 0 */
function write(guest: KvmGuest, name: Field, bits: bigint): string | 0 {
  const result = guest.kvm.setOneReg(0, DFR0, withField(read(guest), name, bits));
  return result.ok ? 0 : result.errno;
}

const kvm613 = (profile = '6-2-4'): KvmGuest =>
  new KvmGuest({ policy: 'OWNER', profile, idRegisterPeriod: '6.13' });

describe('Identification registers / KVM 6.13', () => {
  it('M1: DoubleLock 0xf is accepted where the host has the lock, and 0 is not where it has none', () => {
    const guest = kvm613();
    assert.equal(field(read(guest), 'DoubleLock'), 0n);
    assert.equal(write(guest, 'DoubleLock', 0xfn), 0);
    assert.equal(field(read(guest), 'DoubleLock'), 0xfn);
    const without = kvm613('6-2-4-noDoubleLock');
    assert.equal(field(read(without), 'DoubleLock'), 0xfn);
    assert.equal(write(without, 'DoubleLock', 0n), 'EINVAL');
    assert.equal(field(read(without), 'DoubleLock'), 0xfn);
  });

  it('M2: WRPs can be lowered, and not raised above the host’s', () => {
    const guest = kvm613();
    assert.equal(write(guest, 'WRPs', 2n), 0);
    assert.equal(field(read(guest), 'WRPs'), 2n);
    assert.equal(write(guest, 'WRPs', 4n), 'EINVAL');
    assert.equal(field(read(guest), 'WRPs'), 2n);
  });

  it('M3: DebugVer lies between 6 and the host’s', () => {
    const guest = kvm613();
    const host = field(read(guest), 'DebugVer');
    assert.equal(write(guest, 'DebugVer', 5n), 'EINVAL');
    assert.equal(write(guest, 'DebugVer', host + 1n), 'EINVAL');
    // A host of Armv8.8, whose guest can have less.
    const v8_8 = withField(read(guest), 'DebugVer', 10n);
    assert.equal(checkDebugFeatures(withField(v8_8, 'DebugVer', 9n), v8_8, '6.13'), v8_8 - 1n);
    assert.equal(
      typeof checkDebugFeatures(withField(v8_8, 'DebugVer', 5n), v8_8, '6.13'),
      'string',
    );
    assert.equal(
      typeof checkDebugFeatures(withField(v8_8, 'DebugVer', 11n), v8_8, '6.13'),
      'string',
    );
  });

  it('M4: PMUVer can be lowered, and 0xf is stored as 0', () => {
    const host = withField(read(kvm613()), 'PMUVer', 6n);
    const set5 = withField(host, 'PMUVer', 5n);
    for (const period of ['6.2', '6.7', '6.13', 'architecture'] as const) {
      assert.equal(checkDebugFeatures(set5, host, period), set5, period);
      assert.equal(
        checkDebugFeatures(withField(host, 'PMUVer', 0xfn), host, period),
        withField(host, 'PMUVer', 0n),
        period,
      );
      assert.equal(
        typeof checkDebugFeatures(withField(host, 'PMUVer', 7n), host, period),
        'string',
      );
    }
  });

  for (const name of ['BRPs', 'CTX_CMPs'] as const) {
    it(`M5: ${name} cannot be lowered in KVM, and can be here`, () => {
      const guest = kvm613();
      const value = field(read(guest), name);
      assert.equal(write(guest, name, value - 1n), 'EINVAL');
      assert.equal(field(read(guest), name), value);
      const ours = new KvmGuest();
      assert.equal(write(ours, name, value - 1n), 0);
      assert.equal(field(read(ours), name), value - 1n);
    });
  }

  for (const name of ['WRPs', 'BRPs'] as const) {
    it(`M6: ${name} of 0 is EINVAL`, () => {
      const guest = new KvmGuest({ profile: '8-1-4' });
      const before = read(guest);
      assert.equal(write(guest, name, 0n), 'EINVAL');
      assert.equal(read(guest), before);
    });
  }

  it('M6: CTX_CMPs above BRPs is EINVAL', () => {
    const guest = new KvmGuest({ profile: '8-8-4' });
    const before = read(guest);
    assert.equal(write(guest, 'BRPs', 5n), 'EINVAL');
    assert.equal(read(guest), before);
    assert.equal(write(guest, 'CTX_CMPs', 5n), 0);
    assert.equal(write(guest, 'BRPs', 5n), 0);
  });

  it('M7: every vCPU’s ID_AA64DFR0_EL1 is what userspace has written through one of them', () => {
    for (const policy of ['IFLAGS', 'OWNER', 'REMAP_STATIC', 'REMAP_TOP', 'REMAP_SHARED']) {
      const guest = new KvmGuest({ policy, vcpus: 2 });
      guest.program(mrs(1, 'ID_AA64DFR0_EL1'), DONE);
      assert.equal(write(guest, 'WRPs', 2n), 0);
      assert.equal(write(guest, 'DoubleLock', 0xfn), 0);
      const value = read(guest);
      for (const vcpu of [0, 1]) {
        assert.equal(read(guest, vcpu), value);
        guest.kvm.select(vcpu);
        assert.ok(guest.kvm.setOneReg(vcpu, coreId(64), CODE).ok);
        assert.deepEqual(guest.run(), { kind: 'done' }, `${policy}, vCPU ${vcpu}`);
        assert.equal(guest.X(1), value, `${policy}, vCPU ${vcpu}`);
      }
    }
  });

  it('M8: after KVM_RUN the same value is accepted, and another is EBUSY', () => {
    const guest = kvm613().program(nop, DONE);
    assert.equal(write(guest, 'WRPs', 2n), 0);
    assert.deepEqual(guest.run(), { kind: 'done' });
    assert.equal(write(guest, 'WRPs', 2n), 0);
    assert.equal(write(guest, 'WRPs', 1n), 'EBUSY');
    assert.equal(field(read(guest), 'WRPs'), 2n);
  });

  it('M9: KVM_ARM_VCPU_INIT keeps the value', () => {
    const guest = kvm613().program(nop, DONE);
    assert.equal(write(guest, 'WRPs', 2n), 0);
    guest.run();
    guest.kvm.reset(CODE);
    assert.equal(field(read(guest), 'WRPs'), 2n);
  });

  for (const [period, fields] of [
    ['6.1', []],
    ['6.2', ['PMUVer']],
    ['6.7', ['DebugVer', 'PMUVer']],
    ['6.13', ['DebugVer', 'PMUVer', 'WRPs', 'DoubleLock']],
    ['architecture', ['DebugVer', 'PMUVer', 'WRPs', 'DoubleLock', 'BRPs', 'CTX_CMPs']],
  ] as const satisfies readonly (readonly [IdRegisterPeriod, readonly Field[]])[]) {
    it(`M10: the mask of ${period} is ${fields.length === 0 ? 'empty' : fields.join(', ')}`, () => {
      const mask = (fields as readonly Field[]).reduce(
        (sum, name) => sum | (0xfn << SHIFTS[name]),
        0n,
      );
      const guest = new KvmGuest({ idRegisterPeriod: period });
      const result = guest.kvm.ids.masks();
      assert.ok(result.ok && 'masks' in result);
      assert.equal(result.masks.get('ID_AA64DFR0_EL1'), mask);
      assert.equal(result.masks.get('ID_AA64PFR0_EL1'), 0n);
      assert.equal(writableMask(period), mask);
      // Whatever is not in the mask cannot be changed.
      for (const name of Object.keys(SHIFTS) as Field[]) {
        if ((fields as readonly Field[]).includes(name)) continue;
        assert.equal(write(guest, name, field(read(guest), name) ^ 1n), 'EINVAL', name);
      }
    });
  }

  it('M10: a reserved word that is not zero is EINVAL', () => {
    const result = kvm613().kvm.ids.masks([0, 1, 0]);
    assert.ok(!result.ok);
    assert.equal(result.errno, 'EINVAL');
  });

  it('before 6.7 the guest is told Armv8.0, whatever the host has', () => {
    const guest = new KvmGuest({ idRegisterPeriod: '6.1' });
    assert.equal(field(read(guest), 'DebugVer'), 6n);
  });
});

describe('Identification registers / field values bite', () => {
  it('M20: a guest that is told there is no Double Lock finds OSDLR_EL1 RAZ/WI', () => {
    const guest = new KvmGuest();
    assert.equal(write(guest, 'DoubleLock', 0xfn), 0);
    guest.place(CODE + 0x200n, [nop, DONE]);
    guest.place(CODE, programTo(CODE + 0x200n));
    assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
    assert.equal(guest.physical('ESR_EL1'), 0xc6000022n, 'the breakpoint fires');
    assert.equal(guest.X(5), 0n);
  });

  /** Locks the Double Lock, reads it back, and goes to a breakpoint at `target`. */
  function programTo(target: bigint): number[] {
    const words = [
      set('OSDLR_EL1', 1n),
      mrs(5, 'OSDLR_EL1'),
      set('MDSCR_EL1', 0xa000n),
      set('DBGBVR0_EL1', target),
      set('DBGBCR0_EL1', 0x1e3n),
      daifClr(8),
    ].flat();
    return [...words, b(Number(target - CODE) - 4 * words.length)];
  }

  it('E50: a guest with the Double Lock has its breakpoints silenced by it', () => {
    const guest = new KvmGuest();
    guest.place(CODE + 0x200n, [nop, DONE]);
    guest.place(CODE, programTo(CODE + 0x200n));
    assert.deepEqual(guest.run(), { kind: 'done' });
    assert.equal(guest.X(5), 1n);
  });

  for (const policy of ['REMAP_STATIC', 'REMAP_TOP', 'REMAP_SHARED']) {
    for (const [name, index] of [
      ['DBGBVR4_EL1', 'BRPs'],
      ['DBGWCR3_EL1', 'WRPs'],
    ] as const) {
      it(`with ${index} lowered ${name} is UNDEFINED under ${policy}`, () => {
        const guest = new KvmGuest({ policy, strict: true }).program(
          mrs(1, 'DBGBVR0_EL1'),
          mrs(1, name),
          DONE,
        );
        assert.equal(write(guest, index, index === 'BRPs' ? 3n : 2n), 0);
        assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
        assert.equal(guest.physical('ESR_EL1'), 0x0200_0000n);
      });
    }
  }

  /** A guest of 5/1 on 6/4 links breakpoint 0 to 3, which is context-aware on the processor only. */
  function linkedToPhysicalOnly(strict: boolean): KvmGuest {
    const target = CODE + 0x200n;
    const guest = new KvmGuest({
      policy: 'REMAP_TOP',
      profile: '6-4-4',
      strict,
      guestProfile: { breakpoints: 5, contextAware: 1, watchpoints: 4 },
    });
    const words = [
      set('CONTEXTIDR_EL1', 0xabcn),
      set('DBGBVR3_EL1', 0xabcn),
      set('DBGBCR3_EL1', 0x3001e7n),
      set('DBGBVR0_EL1', target),
      set('DBGBCR0_EL1', 0x1301e7n),
      set('MDSCR_EL1', 0xa000n),
      mrs(5, 'DBGBCR0_EL1'),
      daifClr(8),
    ].flat();
    guest.place(CODE, [...words, b(0x200 - 4 * words.length)]);
    guest.place(target, [nop, DONE]);
    return guest;
  }

  it('M13: strict, a link that only the processor would follow gives no event', () => {
    const guest = linkedToPhysicalOnly(true);
    assert.deepEqual(guest.run(), { kind: 'done' });
    assert.equal(guest.X(5), 0x1301e7n);
  });

  it('M13: not strict, the processor follows it, one of the outcomes that are allowed', () => {
    const guest = linkedToPhysicalOnly(false);
    assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
    assert.equal(guest.physical('ESR_EL1'), 0xc6000022n);
    assert.equal(guest.X(5), 0x1301e7n);
  });
});

describe('KVM_GET_ONE_REG and KVM_SET_ONE_REG', () => {
  it('every register of the list reads, and writes back what it reads', () => {
    const guest = new KvmGuest().program(nop, DONE);
    const { registerList } = guest.kvm;
    assert.ok(registerList.length > 150, `${registerList.length} registers`);
    for (const register of registerList) {
      const result = guest.kvm.getOneReg(0, register);
      assert.ok(result.ok, register.toString(16));
      assert.deepEqual(
        guest.kvm.setOneReg(0, register, result.value),
        { ok: true },
        register.toString(16),
      );
      assert.deepEqual(guest.kvm.getOneReg(0, register), result);
    }
    assert.deepEqual(guest.run(), { kind: 'done' });
  });

  for (const vcpu of [0, 1]) {
    it(`general-purpose and system registers reach the guest on vCPU ${vcpu}`, () => {
      const guest = new KvmGuest({ vcpus: 2 }).program(
        mrs(6, 'TPIDR_EL0'),
        mrs(7, 'FAR_EL1'),
        DONE,
      );
      const sets = [
        [coreId(2 * 5), 0x1234_5678_9abc_def0n],
        [coreId(64), CODE],
        [coreId(66), 0x3c5n],
        [id('TPIDR_EL0'), 0x55n],
        [id('FAR_EL1'), DATA],
      ] as const;
      for (const [register, value] of sets) {
        assert.deepEqual(guest.kvm.setOneReg(vcpu, register, value), { ok: true });
        assert.deepEqual(guest.kvm.getOneReg(vcpu, register), { ok: true, value });
      }
      guest.kvm.select(vcpu);
      assert.deepEqual(guest.run(), { kind: 'done' });
      assert.equal(guest.X(5), 0x1234_5678_9abc_def0n);
      assert.equal(guest.X(6), 0x55n);
      assert.equal(guest.X(7), DATA);
    });
  }

  it('an unknown id is ENOENT, another size EINVAL, PSTATE of AArch32 or EL2 EINVAL', () => {
    const { kvm } = new KvmGuest();
    const errno = (result: { ok: boolean; errno?: string }): string | undefined => result.errno;
    assert.equal(errno(kvm.getOneReg(0, 0x6030_0000_0013_ffffn)), 'ENOENT');
    assert.equal(errno(kvm.getOneReg(0, 0x4030_0000_0013_8004n)), 'ENOENT');
    assert.equal(errno(kvm.getOneReg(0, coreId(1))), 'ENOENT');
    assert.equal(errno(kvm.getOneReg(0, 0x6020_0000_0013_8004n)), 'EINVAL');
    for (const mode of [0x10n, 0x8n, 0x9n, 0xdn]) {
      assert.equal(errno(kvm.setOneReg(0, coreId(66), mode)), 'EINVAL');
    }
    assert.equal(errno(kvm.setOneReg(0, id('FAR_EL1'), 1n << 64n)), 'EINVAL');
  });

  it('bits that a register does not have are dropped', () => {
    const { kvm } = new KvmGuest();
    assert.ok(kvm.setOneReg(0, id('DBGBCR0_EL1'), 0x1fe3n).ok);
    assert.deepEqual(kvm.getOneReg(0, id('DBGBCR0_EL1')), { ok: true, value: 0x1e3n });
    assert.ok(kvm.setOneReg(0, id('DBGWVR0_EL1'), 0x1237n).ok);
    assert.deepEqual(kvm.getOneReg(0, id('DBGWVR0_EL1')), { ok: true, value: 0x1234n });
  });
});
