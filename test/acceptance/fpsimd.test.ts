/** Acceptance cases F: who has V0 to V31, FPSR and FPCR under each FP policy. README.md lists what is covered. */
import assert from 'node:assert/strict';
import { FP_KEEP_TIF } from '../../emulator/kvm/fpsimd/fp-keep-tif.ts';
import { fpPolicies } from '../../emulator/kvm/fpsimd/index.ts';
import { sameFpsimdState } from '../../emulator/kvm/fpsimd/state.ts';
import type { FpsimdState } from '../../emulator/kvm/fpsimd/state.ts';
import { b, eret, hvc, mov, msr, nop, set } from '../support/a64.ts';
import {
  checkVectors,
  enableFp,
  faddD,
  filledVector,
  fillVectors,
  watchVectors,
} from '../support/fp-guest.ts';
import { CODE, DONE, KvmGuest } from '../support/kvm-guest.ts';
import type { GuestOptions } from '../support/kvm-guest.ts';

const ALL = fpPolicies.map(({ name }) => name);
/** KVM since 4.18: the guest's registers stay over exits. */
const KEEPING = ['FP_KEEP', 'FP_OWNER', 'FP_OWNER_EAGER_HOST'];
const LAZY = ['FP_TRAP', ...KEEPING];
const CPTR_TFP = 1n << 10n;
/** With HCR_EL2.E2H CPTR_EL2 has FPEN as CPACR_EL1 has it. */
const CPTR_FPEN = 3n << 20n;
const HCR_E2H = 1n << 34n;
const PATTERN = 0x1234_5678_9abc_0000n;
const FAIL = hvc(2);
const spin = b(0);

/** Whether CPTR_EL2 traps FP instructions at EL1: a host with VHE has E2H set. */
function tfp(guest: KvmGuest): boolean {
  const CPTR_EL2 = guest.physical('CPTR_EL2');
  const VHE = (guest.physical('HCR_EL2') & HCR_E2H) !== 0n;
  assert.equal(VHE, guest.kvm.profile.VHE);
  if (!VHE) return (CPTR_EL2 & CPTR_TFP) !== 0n;
  assert.ok([0n, CPTR_FPEN].includes(CPTR_EL2 & CPTR_FPEN));
  return (CPTR_EL2 & CPTR_FPEN) === 0n;
}

/** The V registers of the processor. */
function registers(guest: KvmGuest): FpsimdState {
  return {
    V: Array.from({ length: 32 }, (_, n) => guest.pe.state.V(n)).flatMap(({ lo, hi }) => [lo, hi]),
    FPSR: guest.physical('FPSR'),
    FPCR: guest.physical('FPCR'),
  };
}

function untilSpinning(guest: KvmGuest): void {
  assert.deepEqual(guest.run(2000), { kind: 'budget' });
}

function ticks(guest: KvmGuest, count: number, instructions = 10): void {
  for (let n = 0; n < count; n += 1) {
    assert.deepEqual(guest.run(instructions), { kind: 'budget' });
    guest.kvm.onHostTick();
  }
}

/** Of the cases that run: a host at EL2 or at EL1. */
let profile = '';

function fpGuest(fpPolicy: string, options: GuestOptions = {}): KvmGuest {
  return new KvmGuest({ profile, fpPolicy, ...options });
}

/** A guest that has filled its registers and spins. */
function filled(fpPolicy: string): KvmGuest {
  const guest = fpGuest(fpPolicy).program(enableFp, fillVectors(PATTERN), spin);
  untilSpinning(guest);
  return guest;
}

/** A guest that fills its registers, and checks them after each return to `loop`. */
function checking(fpPolicy: string, options: GuestOptions = {}): KvmGuest {
  const guest = fpGuest(fpPolicy, options).program(enableFp, watchVectors(PATTERN, FAIL));
  guest.marks.set(2, () => {
    throw new Error('the guest has found registers that are not its own');
  });
  return guest;
}

const kinds = (guest: KvmGuest, since: number): string[] =>
  guest
    .events()
    .filter(({ seq, kind }) => seq >= since && (kind.startsWith('fp') || kind === 'trapFp'))
    .map(({ kind }) => kind);

for (const hostProfile of ['6-2-4', '6-2-4-nVHE']) {
  describe(`FPSIMD / the lazy switch on ${hostProfile}`, () => {
    before(() => {
      profile = hostProfile;
    });

    for (const policy of LAZY) {
      it(`F1: under ${policy} a guest without FP costs nothing in 100 exits, and FP traps`, () => {
        const guest = fpGuest(policy).program(enableFp, spin);
        untilSpinning(guest);
        const before = structuredClone(guest.kvm.fp.counters);
        ticks(guest, 100);
        assert.deepEqual(guest.kvm.fp.counters, before);
        assert.equal(before.traps, 0);
        assert.deepEqual(before.loads, { host: 0, guest: 0 });
        // FP_OWNER_EAGER_HOST saves the host's registers at vcpu_load: F7.
        assert.deepEqual(before.saves, {
          host: policy === 'FP_OWNER_EAGER_HOST' ? 1 : 0,
          guest: 0,
        });
        guest.run(1);
        assert.equal(tfp(guest), true);
      });
    }

    for (const policy of ['FP_TRAP', 'FP_KEEP', 'FP_OWNER']) {
      it(`F2: under ${policy} the first FP instruction traps once, saves the host's registers and gets the guest's`, () => {
        const guest = fpGuest(policy).program(enableFp, faddD, spin);
        const host = registers(guest);
        assert.equal(guest.kvm.fp.letter, 'a');
        const exits = guest.kvm.log.counters.exits;
        const since = guest.kvm.nextSeq;
        untilSpinning(guest);
        assert.equal(guest.kvm.fp.counters.traps, 1);
        assert.equal(guest.kvm.log.counters.exits, exits, 'no exit to the host');
        assert.equal(guest.kvm.log.exitsByClass.get(0x07), 1);
        assert.deepEqual(kinds(guest, since), ['trapFp', 'fpSave', 'fpLoad']);
        assert.equal(guest.kvm.fp.letter, 'b');
        assert.equal(tfp(guest), false);
        assert.ok(registers(guest).V.every((half) => half === 0n));
        if (policy !== 'FP_TRAP') assert.ok(sameFpsimdState(guest.kvm.fp.vmm.fpsimd_state, host));
        guest.kvm.stop();
        assert.ok(sameFpsimdState(registers(guest), host));
      });
    }

    for (const policy of KEEPING) {
      it(`F3: under ${policy} ten exits without kernel-mode NEON cost no further trap and no save`, () => {
        const guest = checking(policy);
        untilSpinning(guest);
        const before = structuredClone(guest.kvm.fp.counters);
        assert.equal(before.traps, 1);
        ticks(guest, 10, 400);
        assert.deepEqual(guest.kvm.fp.counters, before);
      });
    }

    it('F3: under FP_TRAP each exit costs one trap and two switches', () => {
      const guest = checking('FP_TRAP');
      untilSpinning(guest);
      const before = structuredClone(guest.kvm.fp.counters);
      ticks(guest, 10, 400);
      const { traps, saves, loads } = guest.kvm.fp.counters;
      // The first of the ten exits ends the switch that was under way.
      guest.run(400);
      assert.equal(guest.kvm.fp.counters.traps - before.traps, 10);
      assert.equal(traps - before.traps, 9);
      assert.equal(saves.guest - before.saves.guest, 10);
      assert.equal(loads.host - before.loads.host, 10);
    });

    for (const policy of KEEPING) {
      it(`F4: under ${policy} kernel-mode NEON saves the guest where it is bound, and the next FP instruction traps without a save`, () => {
        const guest = filled(policy);
        guest.kvm.performHostActivity('softirqNeon');
        const { fp, vcpu } = guest.kvm;
        assert.equal(fp.TIF_FOREIGN_FPSTATE, true);
        assert.equal(fp.letter, 'c');
        assert.equal(tfp(guest), true);
        for (let n = 0; n < 32; n += 1) {
          const low = vcpu.fpsimd_state.V[2 * n] ?? 0n;
          const high = vcpu.fpsimd_state.V[2 * n + 1] ?? 0n;
          assert.equal((high << 64n) | low, filledVector(PATTERN, n));
        }
        const { traps, saves } = structuredClone(fp.counters);
        const since = guest.kvm.nextSeq;
        const check = checkVectors(4);
        guest.place(CODE + 0x4000n, [...check, DONE, FAIL]);
        guest.pe.state.PC = CODE + 0x4000n;
        assert.deepEqual(guest.run(), { kind: 'done' });
        assert.equal(fp.counters.traps, traps + 1);
        assert.equal(fp.counters.saves.host, saves.host);
        assert.deepEqual(kinds(guest, since).slice(0, 2), ['trapFp', 'fpLoad']);
      });
    }

    for (const policy of ALL) {
      it(`F5: under ${policy} another thread's registers are junk to the guest, and its memory stays intact`, () => {
        const guest = checking(policy);
        untilSpinning(guest);
        const { fp } = guest.kvm;
        for (let n = 0; n < 3; n += 1) {
          guest.kvm.performHostActivity('fpTask');
          assert.ok(sameFpsimdState(fp.other.fpsimd_state, fp.other.expected));
          const { saves } = structuredClone(fp.counters);
          assert.deepEqual(guest.run(2000), { kind: 'budget' });
          if (policy !== 'FP_EAGER' && policy !== 'FP_TRAP') {
            assert.equal(fp.counters.saves.host, saves.host, '(d) is (c): nothing to save');
          }
          assert.ok(sameFpsimdState(fp.other.fpsimd_state, fp.other.expected));
        }
        assert.ok(guest.events('hostActivity').some(({ fp: letter }) => letter === 'd'));
        assert.equal(fp.counters.corruptions, 0);
      });
    }

    for (const policy of KEEPING) {
      it(`F6: under ${policy} vcpu_put leaves the guest's memory up to date and the processor to nobody`, () => {
        const guest = filled(policy);
        const seen: { readonly TIF: boolean; readonly letter: string; readonly V31: bigint }[] = [];
        const { fp } = guest.kvm;
        const returnToUser = fp.returnToUser.bind(fp);
        fp.returnToUser = () => {
          const V31 = fp.readGuest('V31', guest.kvm.vcpu);
          seen.push({ TIF: fp.TIF_FOREIGN_FPSTATE, letter: fp.letter, V31: V31 ?? 0n });
          returnToUser();
        };
        guest.kvm.stop();
        assert.deepEqual(seen, [{ TIF: true, letter: 'c', V31: filledVector(PATTERN, 31) }]);
      });
    }

    it("F7: under FP_OWNER_EAGER_HOST the host's registers are saved once, at vcpu_load, and by no trap", () => {
      const guest = fpGuest('FP_OWNER_EAGER_HOST').program(enableFp, faddD, spin);
      const host = registers(guest);
      guest.run(0);
      assert.equal(guest.kvm.fp.counters.saves.host, 1);
      assert.ok(sameFpsimdState(guest.kvm.fp.vmm.fpsimd_state, host));
      const since = guest.kvm.nextSeq;
      untilSpinning(guest);
      assert.deepEqual(kinds(guest, since), ['trapFp', 'fpLoad']);
      guest.kvm.performHostActivity('softirqNeon');
      guest.place(CODE, [faddD, spin]);
      guest.pe.state.PC = CODE;
      untilSpinning(guest);
      assert.equal(guest.kvm.fp.counters.traps, 2);
      assert.equal(guest.kvm.fp.counters.saves.host, 1);
    });

    describe('F8: without FP_HOST a second trap before the host has synchronised', () => {
      function secondTrap(checkInvariants: boolean): KvmGuest {
        const guest = fpGuest('FP_KEEP', { checkInvariants });
        guest.kvm.fp.policy = FP_KEEP_TIF;
        guest.program(enableFp, fillVectors(PATTERN), faddD, spin);
        // Up to the last FP instruction; then something turns the trap on again.
        guest.run(enableFp.length + fillVectors(PATTERN).length + 1);
        const CPTR_EL2 = guest.physical('CPTR_EL2');
        const trapping = guest.kvm.profile.VHE ? CPTR_EL2 & ~CPTR_FPEN : CPTR_EL2 | CPTR_TFP;
        guest.pe.writeRegister('CPTR_EL2', trapping);
        assert.equal(tfp(guest), true);
        guest.kvm.fp.trapping = true;
        return guest;
      }

      it("saves the guest's registers as the host's", () => {
        const guest = secondTrap(false);
        const { vmm } = guest.kvm.fp;
        assert.ok(sameFpsimdState(vmm.fpsimd_state, vmm.expected));
        untilSpinning(guest);
        assert.ok(!sameFpsimdState(vmm.fpsimd_state, vmm.expected));
        assert.equal(vmm.fpsimd_state.V[0], PATTERN);
      });

      it('is seen by the invariant that each context has one fresh copy', () => {
        const guest = secondTrap(true);
        assert.throws(
          () => guest.run(),
          /I4: the registers of vCPU 0 are saved as those of thread vmm/,
        );
      });
    });

    for (const policy of ALL) {
      it(`F9: under ${policy} a softirq that overwrites V0 to V31 at each tick harms nobody`, () => {
        const guest = checking(policy, {
          hostActivity: [{ do: 'softirqNeon', tick: 1, every: 1 }],
        });
        // Ten seconds of the host's 4 ms ticks.
        ticks(guest, 2500, 300);
        const { fp } = guest.kvm;
        assert.equal(fp.counters.softirqs, 2500);
        guest.kvm.stop();
        fp.compute();
        assert.equal(fp.counters.corruptions, 0);
      });
    }

    for (const policy of ALL) {
      it(`F10: under ${policy} CPACR_EL1.FPEN = 0 sends EL0's FP instruction to EL1, not to EL2`, () => {
        const toEL0 = [...mov(0, CODE + 0x100n), msr('ELR_EL1', 0), ...set('SPSR_EL1', 0n), eret];
        const guest = fpGuest(policy).program(set('CPACR_EL1', 0n), toEL0);
        guest.place(CODE + 0x100n, [faddD, nop]);
        const stop = guest.run();
        assert.deepEqual(stop, { kind: 'vector', offset: 0x400 });
        assert.equal(guest.physical('ESR_EL1'), 0x1fe00000n);
        assert.equal(guest.kvm.fp.counters.traps, 0);
        assert.equal(guest.kvm.log.exitsByClass.get(0x07), undefined);
      });
    }

    for (const policy of ALL) {
      it(`F11: under ${policy} a processor without FP makes each access UNDEFINED, and no flag is set`, () => {
        const accesses = [faddD, 0xd53b4400 /* mrs x0, fpcr */, 0x3dc00000 /* ldr q0, [x0] */];
        for (const word of accesses) {
          const guest = fpGuest(policy, { features: { FEAT_FP: false } });
          guest.program(enableFp, word);
          assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
          assert.equal(guest.physical('ESR_EL1'), 0x02000000n);
          assert.equal(guest.physical('ELR_EL1'), CODE + 4n * BigInt(enableFp.length));
          const { FP_ENABLED, FP_HOST, fp_state } = guest.kvm.vcpu;
          assert.deepEqual(
            { FP_ENABLED, FP_HOST, fp_state },
            { FP_ENABLED: false, FP_HOST: false, fp_state: 'FREE' },
          );
          assert.deepEqual(guest.kvm.fp.counters.loads, { host: 0, guest: 0 });
        }
      });
    }

    it('F12: FP_HOST is 0 at the entry after a vcpu_load with TIF_FOREIGN_FPSTATE set', () => {
      const guest = fpGuest('FP_KEEP').program(enableFp, faddD, spin);
      // The thread goes into the kernel, where a softirq takes its registers, and on to KVM_RUN.
      guest.kvm.fp.softirqNeon();
      assert.equal(guest.kvm.fp.TIF_FOREIGN_FPSTATE, true);
      guest.run(0);
      assert.equal(guest.kvm.vcpu.FP_HOST, false);
      const { saves } = structuredClone(guest.kvm.fp.counters);
      untilSpinning(guest);
      assert.equal(guest.kvm.fp.counters.traps, 1);
      assert.deepEqual(guest.kvm.fp.counters.saves, saves);
    });
  });
}
