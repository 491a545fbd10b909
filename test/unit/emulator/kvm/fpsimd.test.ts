/** Random schedules of host activity and guest FP use, under every FP policy. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fpPolicies } from '../../../../emulator/kvm/fpsimd/index.ts';
import { fpsimdPattern, sameFpsimdState } from '../../../../emulator/kvm/fpsimd/state.ts';
import { b, hvc } from '../../../support/a64.ts';
import { enableFp, filledVector, watchVectors } from '../../../support/fp-guest.ts';
import { KvmGuest } from '../../../support/kvm-guest.ts';

const PATTERN = 0x0fed_cba9_8765_0000n;
const FAIL = hvc(2);

const steps = [
  'run',
  'tick',
  'softirqNeon',
  'fpTask',
  'stop',
  'compute',
  'policy',
  'snapshot',
] as const;
type Step = { readonly what: (typeof steps)[number]; readonly amount: number };

const anyStep: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(...steps),
  amount: fc.integer({ min: 1, max: 300 }),
});

/** The snapshot of a machine is the processor's and the hypervisor's. */
function saveAndRestore(guest: KvmGuest): void {
  const processor = guest.pe.saveState();
  const kvm = guest.kvm.saveState();
  guest.run(50);
  guest.kvm.performHostActivity('fpTask');
  guest.pe.restoreState(processor);
  guest.kvm.restoreState(kvm);
}

function perform(guest: KvmGuest, { what, amount }: Step): void {
  switch (what) {
    case 'run':
      assert.deepEqual(guest.run(amount), { kind: 'budget' });
      break;
    case 'tick':
      guest.kvm.onHostTick();
      break;
    case 'softirqNeon':
    case 'fpTask':
      guest.kvm.performHostActivity(what);
      break;
    case 'stop':
      guest.kvm.stop();
      break;
    case 'compute':
      guest.kvm.stop();
      guest.kvm.fp.compute();
      break;
    case 'policy':
      guest.kvm.setFpPolicy(fpPolicies[amount % fpPolicies.length]?.name ?? '');
      break;
    case 'snapshot':
      saveAndRestore(guest);
      break;
  }
}

describe('FPSIMD', () => {
  for (const { name } of fpPolicies) {
    it(`${name}: no schedule of host and guest loses a register of any context`, () => {
      fc.assert(
        fc.property(fc.array(anyStep, { maxLength: 60 }), (schedule) => {
          const guest = new KvmGuest({ fpPolicy: name });
          guest.program(enableFp, watchVectors(PATTERN, FAIL));
          guest.marks.set(2, () => {
            throw new Error('the guest has found registers that are not its own');
          });
          for (const step of schedule) perform(guest, step);
          assert.deepEqual(guest.run(2000), { kind: 'budget' });
          for (let n = 0; n < 32; n += 1) {
            assert.equal(guest.kvm.guestFpRegister(`V${n}`), filledVector(PATTERN, n));
          }
          guest.kvm.stop();
          const { fp } = guest.kvm;
          for (let n = 0; n < 32; n += 1) {
            assert.equal(guest.kvm.guestFpRegister(`V${n}`), filledVector(PATTERN, n));
          }
          fp.compute();
          guest.kvm.performHostActivity('fpTask');
          assert.equal(fp.counters.corruptions, 0);
        }),
        { numRuns: 30 },
      );
    });
  }

  it('shows and takes the registers of the guest wherever they are', () => {
    const guest = new KvmGuest().program(enableFp, b(0));
    guest.kvm.setGuestFpRegister('V3', (7n << 64n) | 5n);
    guest.kvm.setGuestFpRegister('FPCR', 0xffff_ffffn);
    assert.equal(guest.kvm.guestFpRegister('V3'), (7n << 64n) | 5n);
    assert.equal(guest.kvm.guestFpRegister('FPCR'), 0x07c0_0000n);
    guest.place(0x4000_2000n, [0x4ea31c64 /* mov v4.16b, v3.16b */, b(0)]);
    guest.run(10);
    guest.pe.state.PC = 0x4000_2000n;
    guest.run(10);
    assert.equal(guest.kvm.fp.letter, 'b');
    assert.equal(guest.kvm.guestFpRegister('V4'), (7n << 64n) | 5n);
    guest.kvm.setGuestFpRegister('V4', 9n);
    assert.deepEqual(guest.pe.state.V(4), { lo: 9n, hi: 0n });
    assert.equal(guest.kvm.guestFpRegister('X0'), undefined);
  });

  it('refuses a policy that does not exist, with the list of those that do', () => {
    assert.throws(
      () => new KvmGuest({ fpPolicy: 'FP_LAZY' }),
      /There is no FP policy 'FP_LAZY'; there are FP_EAGER, /,
    );
  });
});

describe('FPSIMD patterns', () => {
  it('tell contexts, rounds and registers apart', () => {
    const host = fpsimdPattern('Host', 1, 1);
    assert.equal(host.V[0], 0x486f_7374_0000_0100n);
    assert.equal(host.V[63], 0xb790_8c8b_ffff_fee0n);
    assert.ok(!sameFpsimdState(host, fpsimdPattern('Host', 2, 1)));
    assert.ok(!sameFpsimdState(host, fpsimdPattern('Task', 1, 1)));
    assert.ok(sameFpsimdState(host, fpsimdPattern('Host', 1, 1)));
  });
});
