/** A guest with KVM_ARM_VCPU_SPE: it profiles itself, and KVM moves the unit between host and guest. */
import assert from 'node:assert/strict';
import {
  KVM_ARM_VCPU_SPE_CTRL,
  KVM_ARM_VCPU_SPE_RESUME,
  KVM_ARM_VCPU_SPE_STOP,
  KVM_ARM_VCPU_SPE_STOP_EXIT,
  KVM_ARM_VCPU_SPE_STOP_TRAP,
} from '../../../../emulator/kvm/device-attributes.ts';
import { policies } from '../../../../emulator/kvm/policies/index.ts';
import { b, hvc, mrs, nop, set } from '../../../support/a64.ts';
import { CODE, DATA, KvmGuest } from '../../../support/kvm-guest.ts';
import type { GuestOptions } from '../../../support/kvm-guest.ts';
import { decodeSamples } from '../../../support/spe-packets.ts';

const PROFILE = '6-2-4-SPE-TRBE-nVHE';
const BUFFER = DATA;
const LIMIT = DATA + 0x1000n;
const spin = b(0);
const body = [...Array.from({ length: 99 }, () => nop), b(-4 * 99)];

const startProfiling = [
  ...set('PMSIRR_EL1', 0x400n),
  ...set('PMBPTR_EL1', BUFFER),
  ...set('PMBLIMITR_EL1', LIMIT | 1n),
  ...set('PMSCR_EL1', 3n),
];

const withSpe = (options: GuestOptions = {}): KvmGuest =>
  new KvmGuest({ profile: PROFILE, spe: { irq: 21 }, ...options });

function samples(guest: KvmGuest) {
  const length = Number(
    (guest.kvm.guestSpeRegister('PMBPTR_EL1') ?? guest.physical('PMBPTR_EL1')) - BUFFER,
  );
  return decodeSamples(guest.pe.peekVirtual(BUFFER, length));
}

function stop(guest: KvmGuest, value: number): void {
  const attribute = { group: KVM_ARM_VCPU_SPE_CTRL, attr: KVM_ARM_VCPU_SPE_STOP, value };
  assert.deepEqual(guest.kvm.setDeviceAttr(0, attribute), { ok: true });
}

describe('KVM / SPE of a guest', () => {
  for (const { name: policy } of policies) {
    it(`under ${policy} the guest profiles itself without a trap, over exits and with a host that profiles too`, () => {
      const guest = withSpe({ policy }).program(startProfiling, body);
      guest.kvm.performHostActivity('hostProfiling');
      const host = ['PMBPTR_EL1', 'PMBLIMITR_EL1', 'PMSCR_EL1'].map((name) => guest.physical(name));
      for (let n = 0; n < 8; n += 1) {
        assert.deepEqual(guest.run(1024), { kind: 'budget' });
        guest.kvm.onHostTick();
      }
      guest.kvm.stop();
      const found = samples(guest);
      assert.ok(found.length >= 7);
      assert.ok(found.every(({ pc }) => pc?.EL === 1 && pc.address >= CODE));
      assert.equal(guest.traps('PMSCR_EL1'), 0);
      assert.deepEqual(
        ['PMBPTR_EL1', 'PMBLIMITR_EL1', 'PMSCR_EL1'].map((name) => guest.physical(name)),
        host,
      );
    });
  }

  it('shows PMSVer in ID_AA64DFR0_EL1 to a guest that has SPE, and to no other', () => {
    const seen = (guest: KvmGuest): bigint => {
      guest.program(mrs(1, 'ID_AA64DFR0_EL1'), spin);
      guest.run(10);
      return (guest.X(1) >> 32n) & 0xfn;
    };
    assert.equal(seen(withSpe({ policy: 'OWNER' })), 1n);
    assert.equal(seen(new KvmGuest({ profile: PROFILE, policy: 'OWNER' })), 0n);
  });

  it('asserts the interrupt while PMBSR_EL1.S of the guest is set and it runs', () => {
    const guest = withSpe().program(startProfiling, body);
    const line: boolean[] = [];
    guest.pe.spe.connect((asserted) => line.push(asserted));
    guest.run(100_000);
    assert.equal((guest.physical('PMBSR_EL1') >> 17n) & 1n, 1n);
    assert.equal(line.at(-1), true);
    guest.kvm.stop();
    assert.equal(line.at(-1), false, "the host's PMBSR_EL1 has no event");
    guest.run(1);
    assert.equal(line.at(-1), true);
  });

  it('STOP with TRAP keeps the registers in memory and profiles nothing; RESUME goes on', () => {
    const guest = withSpe({ speInterface: 'v4' });
    guest.program(startProfiling, mrs(5, 'PMBLIMITR_EL1'), mrs(6, 'PMSIDR_EL1'), hvc(1), body);
    guest.run(0);
    stop(guest, KVM_ARM_VCPU_SPE_STOP_TRAP);
    let resumed = false;
    guest.marks.set(1, () => {
      resumed = true;
      assert.equal(guest.X(5), LIMIT | 1n);
      assert.equal(guest.X(6), 0x0002_640fn);
    });
    guest.run(5000);
    assert.equal(resumed, true);
    assert.equal(guest.traps('PMBLIMITR_EL1'), 2);
    guest.kvm.stop();
    assert.equal(samples(guest).length, 0);
    stop(guest, KVM_ARM_VCPU_SPE_RESUME);
    guest.run(5000);
    guest.kvm.stop();
    assert.ok(samples(guest).length >= 4);
  });

  it('STOP with EXIT ends KVM_RUN when the guest enables profiling', () => {
    const guest = withSpe({ speInterface: 'v4' }).program(startProfiling, body);
    guest.run(0);
    stop(guest, KVM_ARM_VCPU_SPE_STOP_EXIT);
    const end = guest.run(5000);
    assert.ok(end.kind === 'exit' && end.exit.exit_reason === 'KVM_EXIT_FAIL_ENTRY');
    assert.match(end.exit.what, /enables profiling/);
  });

  it('goes with a snapshot', () => {
    const guest = withSpe().program(startProfiling, body);
    guest.run(3000);
    const saved = { processor: guest.pe.saveState(), kvm: guest.kvm.saveState() };
    guest.run(5000);
    const later = guest.physical('PMBPTR_EL1');
    guest.pe.restoreState(saved.processor);
    guest.kvm.restoreState(saved.kvm);
    guest.run(5000);
    assert.equal(guest.physical('PMBPTR_EL1'), later);
    guest.kvm.stop();
    assert.equal(guest.physical('PMBLIMITR_EL1'), 0n, 'the host has its own registers back');
  });

  it('refuses SPE where the processor has none', () => {
    assert.throws(
      () => new KvmGuest({ profile: '6-2-4', spe: { irq: 21 } }),
      /6-2-4 has no FEAT_SPE/,
    );
    assert.throws(() => new KvmGuest({ profile: PROFILE, spe: { irq: 40 } }), /40 is no PPI/);
  });
});
