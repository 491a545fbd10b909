/** Acceptance cases M: guests whose processor has fewer breakpoints than the one they run on. */
import assert from 'node:assert/strict';
import { sysregId } from '../../emulator/kvm/one-reg.ts';
import { byName } from '../../emulator/sysregs/catalogue.ts';
import { b, daifClr, mov, mrs, nop, set } from '../support/a64.ts';
import { CODE, DONE, KvmGuest } from '../support/kvm-guest.ts';

const MDCR_TDA = 1n << 9n;
const MDSCR_KDE = 1n << 13n;
const MDSCR_MDE = 1n << 15n;
const spin = b(0);
const guest42 = { breakpoints: 4, contextAware: 2, watchpoints: 4 };
const guest62 = { breakpoints: 6, contextAware: 2, watchpoints: 4 };
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Enabled, EL1 and EL0, all bytes; BT and LBN as given. */
const bcr = (BT: bigint, LBN: bigint): bigint => 0x1e7n | (BT << 20n) | (LBN << 16n);
/** Enabled, EL1 and EL0, loads and stores, all bytes, linked to LBN. */
const linkedWcr = (LBN: bigint): bigint => 0x1fffn | (1n << 20n) | (LBN << 16n);

function untilSpinning(guest: KvmGuest): void {
  assert.deepEqual(guest.run(1000), { kind: 'budget' });
}

function id(name: string): bigint {
  const register = byName(name);
  if (register === undefined) throw new TypeError(name);
  return sysregId(register.encoding);
}

for (const policy of ['REMAP_TOP', 'REMAP_STATIC']) {
  describe(`Remapping / ${policy}`, () => {
    const on52 = (): KvmGuest => new KvmGuest({ policy, profile: '5-2-4', guestProfile: guest42 });

    it('M7: the guest’s ID_AA64DFR0_EL1 has the guest’s counts', () => {
      const guest = on52().program(mrs(1, 'ID_AA64DFR0_EL1'), DONE);
      assert.deepEqual(guest.run(), { kind: 'done' });
      assert.equal((guest.X(1) >> 12n) & 0xfn, 3n);
      assert.equal((guest.X(1) >> 20n) & 0xfn, 3n);
      assert.equal((guest.X(1) >> 28n) & 0xfn, 1n);
    });

    it('M15, M16: LBN 2 is 3 on the processor, and the guest and userspace read 2', () => {
      const guest = on52().program(
        set('DBGBVR2_EL1', 0xabcn),
        set('DBGBCR2_EL1', bcr(3n, 0n)),
        set('DBGBVR0_EL1', 0x4000_0040n),
        set('DBGBCR0_EL1', bcr(1n, 2n)),
        set('DBGWVR1_EL1', 0x4001_0000n),
        set('DBGWCR1_EL1', linkedWcr(2n)),
        set('MDSCR_EL1', MDSCR_MDE),
        mrs(1, 'DBGBCR0_EL1'),
        mrs(2, 'DBGWCR1_EL1'),
        mrs(3, 'DBGBVR2_EL1'),
        spin,
      );
      untilSpinning(guest);
      assert.equal(guest.physical('DBGBCR0_EL1'), bcr(1n, 3n));
      assert.equal(guest.physical('DBGBCR3_EL1'), bcr(3n, 0n));
      assert.equal(guest.physical('DBGBVR3_EL1'), 0xabcn);
      assert.equal(guest.physical('DBGWCR1_EL1'), linkedWcr(3n));
      assert.equal(guest.X(1), bcr(1n, 2n));
      assert.equal(guest.X(2), linkedWcr(2n));
      assert.equal(guest.X(3), 0xabcn);
      assert.deepEqual(guest.kvm.getOneReg(0, id('DBGBCR0_EL1')), { ok: true, value: bcr(1n, 2n) });
      assert.deepEqual(guest.kvm.getOneReg(0, id('DBGWCR1_EL1')), {
        ok: true,
        value: linkedWcr(2n),
      });
    });

    it('M17: a link to a breakpoint that the guest does not have never fires', () => {
      const target = CODE + 0x100n;
      const guest = on52().program(
        set('CONTEXTIDR_EL1', 0xabcn),
        range(4).flatMap((n) => [
          ...set(`DBGBVR${n}_EL1`, 0xabcn),
          ...set(`DBGBCR${n}_EL1`, bcr(3n, 0n)),
        ]),
        set('DBGBVR0_EL1', target),
        set('DBGBCR0_EL1', bcr(1n, 9n)),
        set('MDSCR_EL1', MDSCR_MDE | MDSCR_KDE),
        mrs(1, 'DBGBCR0_EL1'),
        mov(3, target),
        daifClr(8),
        0xd61f0060, // br x3
      );
      guest.place(target, [nop, DONE]);
      assert.deepEqual(guest.run(), { kind: 'done' });
      // The proposal of 2022 loses the number; here it reads back.
      assert.equal(guest.X(1), bcr(1n, policy === 'REMAP_STATIC' ? 0n : 9n));
    });

    it('M18: the first breakpoint that the guest does not have is UNDEFINED', () => {
      const guest = on52().program(mrs(1, 'DBGBCR4_EL1'), DONE);
      assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
      assert.equal(guest.physical('ESR_EL1'), 0x0200_0000n);
    });

    for (const profile of ['6-4-4', '8-4-4']) {
      it(`M12: a guest of 6/2 on ${profile} keeps its numbers and is not trapped`, () => {
        const guest = new KvmGuest({ policy, profile, guestProfile: guest62 }).program(
          set('MDSCR_EL1', MDSCR_MDE),
          set('DBGBVR5_EL1', 0x1230n),
          set('DBGBCR5_EL1', bcr(1n, 4n)),
          spin,
        );
        untilSpinning(guest);
        assert.equal(guest.physical('DBGBVR5_EL1'), 0x1230n);
        assert.equal(guest.physical('DBGBCR5_EL1'), bcr(1n, 4n));
        assert.equal(guest.physical('MDCR_EL2') & MDCR_TDA, 0n);
        assert.equal(guest.kvm.log.totalTraps, 1);
      });
    }

    it('M13: a link that is context-aware on the processor only changes no number', () => {
      const guest = new KvmGuest({
        policy,
        profile: '6-4-4',
        guestProfile: { breakpoints: 5, contextAware: 1, watchpoints: 4 },
      }).program(set('DBGBCR0_EL1', bcr(1n, 3n)), set('MDSCR_EL1', MDSCR_MDE), spin);
      untilSpinning(guest);
      assert.equal(guest.physical('DBGBCR0_EL1'), bcr(1n, 3n));
    });

    it('M14: more than the processor has is refused before the guest runs', () => {
      for (const guestProfile of [
        { ...guest62, breakpoints: 7 },
        { ...guest62, contextAware: 3 },
        { ...guest62, watchpoints: 5 },
      ]) {
        assert.throws(() => new KvmGuest({ policy, guestProfile }), RangeError);
      }
    });

    it('P13: the host has its own breakpoints back after each exit', () => {
      const guest = on52().program(set('MDSCR_EL1', MDSCR_MDE), set('DBGBVR2_EL1', 0x1110n), spin);
      guest.pe.pokeRegister('DBGBVR3_EL1', 0x9990n);
      untilSpinning(guest);
      assert.equal(guest.physical('DBGBVR3_EL1'), 0x1110n);
      guest.kvm.onHostTick();
      guest.kvm.stop();
      assert.equal(guest.physical('DBGBVR3_EL1'), 0x9990n);
      assert.equal(guest.guest('DBGBVR2_EL1'), 0x1110n);
    });
  });
}

describe('Remapping / what traps', () => {
  const program = (guest: KvmGuest): KvmGuest =>
    guest.program(
      set('MDSCR_EL1', MDSCR_MDE),
      set('MDSCR_EL1', MDSCR_MDE | MDSCR_KDE),
      range(4).flatMap((n) => [...set(`DBGBVR${n}_EL1`, 0n), ...set(`DBGBCR${n}_EL1`, 0n)]),
      range(4).flatMap((n) => [...set(`DBGWVR${n}_EL1`, 0n), ...set(`DBGWCR${n}_EL1`, 0n)]),
      spin,
    );
  const guestProfile = guest42;

  it('M19: without FEAT_FGT each debug register access traps', () => {
    const guest = program(new KvmGuest({ policy: 'REMAP_TOP', profile: '5-2-4', guestProfile }));
    untilSpinning(guest);
    assert.equal(guest.traps('MDSCR_EL1'), 2);
    assert.equal(guest.kvm.log.totalTraps, 2 + 16);
  });

  it('M19: with FEAT_FGT the four groups trap and MDSCR_EL1 does not', () => {
    const guest = program(
      new KvmGuest({ policy: 'REMAP_TOP', profile: '5-2-4-FGT', guestProfile }),
    );
    untilSpinning(guest);
    // The first access finds the registers nobody's.
    assert.equal(guest.traps('MDSCR_EL1'), 1);
    assert.equal(guest.kvm.log.totalTraps, 1 + 16);
    assert.equal(guest.physical('HDFGRTR_EL2'), 0xfn);
    assert.equal(guest.physical('HDFGWTR_EL2'), 0xfn);
    assert.equal(guest.guest('MDSCR_EL1'), MDSCR_MDE | MDSCR_KDE);
  });

  it('M14: a vCPU with other counts is refused when it arrives', () => {
    const from = new KvmGuest({ policy: 'REMAP_TOP' });
    const to = new KvmGuest({ policy: 'REMAP_TOP', profile: '5-2-4', guestProfile });
    assert.throws(() => {
      to.kvm.restoreVcpu(0, from.kvm.saveVcpu(0));
    }, /6 breakpoints \(2 context-aware\) and 4 watchpoints, and the guest has 4/);
  });

  it('M14: a policy that cannot run the guest is refused with the reason', () => {
    const guest = new KvmGuest({ policy: 'REMAP_TOP', profile: '5-2-4', guestProfile });
    assert.match(guest.kvm.setPolicy('OWNER') ?? '', /only a REMAP policy/);
    assert.equal(guest.kvm.setPolicy('REMAP_STATIC'), undefined);
  });
});
