/**
 * FEAT_Debugv8p9: more than 16 breakpoints and watchpoints, in banks that MDSELR_EL1 selects. Not among the 163
 * cases; the expected values are those of the Arm ARM, EffectiveMDSELR_EL1_BANK(), IsBreakpointEnabled() and
 * ContextAwareBreakpointRange().
 */
import assert from 'node:assert/strict';
import { policies } from '../../emulator/kvm/policies/index.ts';
import { b, daifClr, mov, mrs, nop, set, str } from '../support/a64.ts';
import { CODE, DATA, DONE, KvmGuest } from '../support/kvm-guest.ts';
import type { GuestOptions } from '../support/kvm-guest.ts';

const PROFILE = '20-4-20';
const KDE_MDE = 0xa000n;
const EMBWE = 1n << 32n;
const bank = (n: number): number[] => set('MDSELR_EL1', BigInt(n) << 4n);
/** All bytes, EL1, enabled. */
const BCR = 0x1e3n;
const WCR_STORE = 0x1ff3n;
const linkTo = (n: bigint): bigint => (1n << 20n) | (n << 16n);
const target = CODE + 0x200n;

/** Runs `words`, then from `target` on. */
function guestThat(
  words: readonly (number | readonly number[])[],
  options: GuestOptions,
): KvmGuest {
  const all = words.flat();
  const guest = new KvmGuest({ profile: PROFILE, ...options });
  guest.program(all, b(0x200 - 4 * all.length));
  guest.place(target, [nop, nop, DONE]);
  return guest;
}

for (const { name: policy } of policies) {
  describe(`Debug banks / ${policy}`, () => {
    const at = { policy };

    it('breakpoint 17 fires where the guest has set it', () => {
      const guest = guestThat(
        [
          set('MDSCR_EL1', KDE_MDE | EMBWE),
          bank(1),
          set('DBGBVR1_EL1', target),
          set('DBGBCR1_EL1', BCR),
          daifClr(8),
        ],
        at,
      );
      assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
      assert.equal(guest.physical('ESR_EL1'), 0xc600_0022n);
      assert.equal(guest.physical('ELR_EL1'), target);
      guest.kvm.stop();
      assert.equal(guest.guest('DBGBVR17_EL1'), target);
      assert.equal(guest.guest('DBGBVR1_EL1'), 0n);
      assert.equal(guest.guest('MDSELR_EL1'), 0x10n);
    });

    it('it is silent while MDSCR_EL1.EMBWE is 0, and the names reach bank 0', () => {
      const guest = guestThat(
        [
          set('MDSCR_EL1', KDE_MDE | EMBWE),
          bank(1),
          set('DBGBVR1_EL1', target),
          set('DBGBCR1_EL1', BCR),
          set('MDSCR_EL1', KDE_MDE),
          mrs(5, 'DBGBVR1_EL1'),
          daifClr(8),
        ],
        at,
      );
      guest.pe.state.setX(5, 1n);
      assert.deepEqual(guest.run(), { kind: 'done' });
      assert.equal(guest.X(5), 0n);
    });

    it('breakpoint 18 fires by a link to 14, where software of 16 breakpoints has its comparators', () => {
      for (const [contextId, stop] of [
        [0xabcn, { kind: 'vector', offset: 0x200 }],
        [0xabdn, { kind: 'done' }],
      ] as const) {
        const guest = guestThat(
          [
            set('MDSCR_EL1', KDE_MDE | EMBWE),
            set('CONTEXTIDR_EL1', contextId),
            bank(0),
            set('DBGBVR14_EL1', 0xabcn),
            set('DBGBCR14_EL1', BCR | (3n << 20n)),
            bank(1),
            set('DBGBVR2_EL1', target),
            set('DBGBCR2_EL1', BCR | linkTo(14n)),
            daifClr(8),
          ],
          at,
        );
        assert.deepEqual(guest.run(), stop, `CONTEXTIDR_EL1 ${contextId}`);
      }
    });

    it('watchpoint 19 fires, and its number is told', () => {
      const guest = guestThat(
        [
          set('MDSCR_EL1', KDE_MDE | EMBWE),
          bank(1),
          set('DBGWVR3_EL1', DATA),
          set('DBGWCR3_EL1', WCR_STORE),
          daifClr(8),
          mov(1, DATA),
          str(2, 1),
        ],
        at,
      );
      assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
      // WPTV and WPT = 19 beside WnR.
      assert.equal(guest.physical('ESR_EL1'), 0xd600_0062n | (1n << 17n) | (19n << 18n));
      assert.equal(guest.physical('FAR_EL1'), DATA);
    });

    it('a name beyond the last register of its bank is UNDEFINED', () => {
      const guest = guestThat(
        [set('MDSCR_EL1', EMBWE), mrs(5, 'DBGBVR4_EL1'), bank(1), mrs(5, 'DBGBVR4_EL1')],
        at,
      );
      assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
      assert.equal(guest.physical('ESR_EL1'), 0x0200_0000n);
    });

    it('the host finds its registers of both banks again at every exit', () => {
      const guest = guestThat(
        [
          set('MDSCR_EL1', KDE_MDE | EMBWE),
          bank(1),
          set('DBGBVR1_EL1', 0x4444n),
          set('DBGBCR1_EL1', BCR),
          b(0),
        ],
        at,
      );
      guest.pe.pokeRegister('DBGBVR17_EL1', 0x9990n);
      guest.pe.pokeRegister('DBGBVR1_EL1', 0x7770n);
      assert.deepEqual(guest.run(200), { kind: 'budget' });
      for (let n = 0; n < 3; n += 1) guest.kvm.onHostTick();
      guest.kvm.stop();
      assert.equal(guest.physical('DBGBVR17_EL1'), 0x9990n);
      assert.equal(guest.physical('DBGBVR1_EL1'), 0x7770n);
      assert.equal(guest.physical('MDSELR_EL1'), 0n);
      assert.equal(guest.guest('DBGBVR17_EL1'), 0x4444n);
    });
  });
}

describe('Debug banks / a guest of 16 or fewer on them', () => {
  it('KVM promises 16, and leaves the second bank alone', () => {
    const guest = new KvmGuest({ profile: PROFILE, policy: 'OWNER', registerEmulation: 'KVM' });
    guest.program(
      mrs(5, 'ID_AA64DFR0_EL1'),
      mrs(6, 'ID_AA64DFR1_EL1'),
      set('MDSCR_EL1', KDE_MDE),
      DONE,
    );
    assert.deepEqual(guest.run(), { kind: 'done' });
    assert.equal(guest.X(5) & 0xf0f0_f00fn, 0x30f0_f00an);
    assert.equal(guest.X(6), 0n);
    assert.equal(guest.kvm.checkExtension('GUEST_DEBUG_HW_BPS'), 16);
    assert.deepEqual(
      guest.kvm.ws.cpu.total((name) => name === 'MDSELR_EL1'),
      { reads: 0, writes: 0 },
    );
  });

  it('MDSELR_EL1 is UNDEFINED for a guest without FEAT_Debugv8p9', () => {
    const guest = new KvmGuest({ profile: PROFILE, policy: 'OWNER', registerEmulation: 'KVM' });
    guest.program(mrs(5, 'MDSELR_EL1'), DONE);
    assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
    assert.equal(guest.physical('ESR_EL1'), 0x0200_0000n);
  });

  it('a round trip moves 65 registers twice each way with one bank, 81 with two', () => {
    const trip = (options: GuestOptions): number => {
      const guest = new KvmGuest({ profile: PROFILE, policy: 'EAGER', ...options });
      guest.program(b(0)).run(10);
      const moved = () => guest.kvm.ws.cpu.total((name) => /^(DBG|MDCCINT)/.test(name));
      const before = moved();
      guest.kvm.onHostTick();
      const after = moved();
      assert.equal(after.reads - before.reads, after.writes - before.writes);
      return after.reads - before.reads;
    };
    const guestProfile = { breakpoints: 16, contextAware: 4, watchpoints: 16 };
    assert.equal(trip({ guestProfile, policy: 'REMAP_TOP' }), 0);
    assert.equal(trip({ registerEmulation: 'KVM' }), 2 * 65);
    assert.equal(trip({}), 2 * 81);
  });

  it('a debugger gets more than 16 breakpoints under REMAP_SHARED', () => {
    const guestProfile = { breakpoints: 6, contextAware: 2, watchpoints: 4 };
    const guest = guestThat(
      [
        set('DBGBVR0_EL1', target + 4n),
        set('DBGBCR0_EL1', BCR),
        set('MDSCR_EL1', KDE_MDE),
        daifClr(8),
      ],
      { policy: 'REMAP_SHARED', guestProfile },
    );
    for (let n = 0; n < 19; n += 1) {
      assert.ok(
        guest.kvm.guestDebug.addBreakpoint(n === 18 ? target : 0xffff_0000n + BigInt(4 * n)).ok,
      );
    }
    const stop = guest.run();
    assert.ok(stop.kind === 'exit' && stop.exit.exit_reason === 'KVM_EXIT_DEBUG');
    assert.equal(stop.exit.pc, target);
    // The guest's own has the one slot that is left.
    assert.deepEqual(guest.run(1000, { pastStop: true }), { kind: 'vector', offset: 0x200 });
    assert.equal(guest.physical('ELR_EL1'), target + 4n);
    const rows = guest.kvm.guestDebug.slots().filter(({ kind }) => kind === 'breakpoint');
    assert.equal(rows.filter(({ owner }) => owner === 'debugger').length, 19);
    assert.equal(Math.max(...rows.map(({ slot }) => slot)), 19);
  });
});

describe('Debug banks / identification registers', () => {
  const DFR0 = 'ID_AA64DFR0_EL1';
  const DFR1 = 'ID_AA64DFR1_EL1';

  it('ID_AA64DFR1_EL1 can promise less, and more than 16 or nothing', () => {
    const { ids } = new KvmGuest({ profile: PROFILE }).kvm;
    assert.equal(ids.values.get(DFR1), 0x13_1300n);
    assert.deepEqual(ids.counts, { breakpoints: 20, contextAware: 4, watchpoints: 20 });
    assert.deepEqual(ids.set(DFR1, 0x10_1100n), { ok: true });
    assert.deepEqual(ids.counts, { breakpoints: 18, contextAware: 4, watchpoints: 17 });
    for (const wrong of [0x13_1400n, 0x13_0f00n, 0x100_0000_0000n]) {
      const result = ids.set(DFR1, wrong);
      assert.equal(result.ok ? '' : result.errno, 'EINVAL', wrong.toString(16));
    }
    assert.deepEqual(ids.counts, { breakpoints: 18, contextAware: 4, watchpoints: 17 });
  });

  it('fewer than 16 in ID_AA64DFR0_EL1 leave nothing to ID_AA64DFR1_EL1', () => {
    const { ids } = new KvmGuest({ profile: PROFILE }).kvm;
    const value = ids.values.get(DFR0) ?? 0n;
    assert.deepEqual(ids.set(DFR0, (value & ~0xf000n & ~0xf000_0000n) | 0x5000n | 0x1000_0000n), {
      ok: true,
    });
    assert.equal(ids.values.get(DFR1), 0x13_0000n);
    assert.deepEqual(ids.counts, { breakpoints: 6, contextAware: 2, watchpoints: 20 });
    const result = ids.set(DFR1, 0x13_1300n);
    assert.equal(result.ok ? '' : result.errno, 'EINVAL');
  });
});
