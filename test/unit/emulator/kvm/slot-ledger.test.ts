import assert from 'node:assert/strict';
import { b, daifClr, nop, set } from '../../../support/a64.ts';
import { CODE, DATA, DONE, KvmGuest } from '../../../support/kvm-guest.ts';

const MDSCR_MDE_KDE = 0xa000n;

function row(guest: KvmGuest, kind: 'breakpoint' | 'watchpoint', slot: number, owner: string) {
  const found = guest.kvm.guestDebug
    .slots()
    .find((each) => each.kind === kind && each.slot === slot && each.owner === owner);
  assert.ok(found, `${kind} ${slot} of ${owner}`);
  return found;
}

describe('Slot ledger', () => {
  it('gives out pairs from the lowest, and again when they are free', () => {
    const { guestDebug } = new KvmGuest({ policy: 'OWNER' }).kvm;
    assert.deepEqual(guestDebug.addBreakpoint(0x1000n), { ok: true, slot: 0 });
    assert.deepEqual(guestDebug.addBreakpoint(0x1004n), { ok: true, slot: 1 });
    guestDebug.removeBreakpoint(0);
    assert.deepEqual(guestDebug.addBreakpoint(0x1008n), { ok: true, slot: 0 });
    assert.deepEqual(guestDebug.addWatchpoint(0x2000n, 4, 'write'), { ok: true, slot: 0 });
  });

  it('is refused when all pairs are taken', () => {
    const { guestDebug } = new KvmGuest({ policy: 'OWNER', profile: '2-1-2' }).kvm;
    guestDebug.addBreakpoint(0x1000n);
    guestDebug.addBreakpoint(0x1004n);
    assert.deepEqual(guestDebug.addBreakpoint(0x1008n), {
      ok: false,
      reason: 'All 2 breakpoint register pairs are taken.',
    });
  });

  for (const policy of ['EAGER', 'LAZY_DIRTY', 'LAZY_MDSCR']) {
    it(`is refused under ${policy}, which has no KVM_SET_GUEST_DEBUG`, () => {
      const { guestDebug } = new KvmGuest({ policy }).kvm;
      const reason = `${policy} has no KVM_SET_GUEST_DEBUG, so a debugger gets no debug registers.`;
      assert.deepEqual(guestDebug.addBreakpoint(0x1000n), { ok: false, reason });
      assert.deepEqual(guestDebug.addWatchpoint(0x1000n, 1, 'read'), { ok: false, reason });
      assert.deepEqual(
        guestDebug.claimBreakpointInstructions(() => true),
        { ok: false, reason },
      );
      assert.match(guestDebug.slots()[0]?.verdict ?? '', /not for a debugger/);
    });
  }

  it('attaches with the first request and detaches with the last', () => {
    const { kvm } = new KvmGuest({ policy: 'OWNER' });
    kvm.guestDebug.addWatchpoint(DATA, 8, 'write');
    assert.equal(kvm.vcpu.guest_debug, 0x2_0001);
    kvm.guestDebug.claimBreakpointInstructions(() => false);
    assert.equal(kvm.vcpu.guest_debug, 0x3_0001);
    kvm.guestDebug.removeWatchpoint(0);
    kvm.guestDebug.claimBreakpointInstructions(undefined);
    assert.equal(kvm.vcpu.guest_debug, 0);
  });

  it('has a row for every pair, context-aware ones marked', () => {
    const rows = new KvmGuest({ policy: 'OWNER' }).kvm.guestDebug.slots();
    assert.equal(rows.length, 10);
    assert.deepEqual(
      rows.filter(({ contextAware }) => contextAware).map(({ slot }) => slot),
      [4, 5],
    );
    assert.ok(rows.every(({ owner, verdict }) => owner === 'free' && verdict === 'Free.'));
  });

  it('says what the debugger’s own pairs do', () => {
    const guest = new KvmGuest({ policy: 'OWNER' });
    guest.kvm.guestDebug.addBreakpoint(0x1000n);
    guest.kvm.guestDebug.addWatchpoint(0x2004n, 4, 'write');
    assert.match(
      row(guest, 'breakpoint', 0, 'debugger').verdict,
      /^The debugger's; fires when the guest executes 0x1000 at EL0, EL1/,
    );
    assert.equal(
      row(guest, 'watchpoint', 0, 'debugger').verdict,
      "The debugger's; fires when the guest writes 0x2004 to 0x2007 at EL0, EL1.",
    );
  });

  describe('verdicts of the guest’s breakpoints', () => {
    const target = CODE + 0x100n;
    const cases = [
      {
        name: 'fires',
        program: [set('MDSCR_EL1', MDSCR_MDE_KDE), set('DBGBCR0_EL1', 0x1e3n), [daifClr(8)]],
        verdict: "The guest's; fires when it executes 0x40001100.",
      },
      {
        name: 'PSTATE.D',
        program: [set('MDSCR_EL1', MDSCR_MDE_KDE), set('DBGBCR0_EL1', 0x1e3n)],
        verdict: "The guest's; does not fire now: PSTATE.D masks debug exceptions.",
      },
      {
        name: 'MDE',
        program: [set('DBGBCR0_EL1', 0x1e3n)],
        verdict: "The guest's; does not fire now: MDSCR_EL1.MDE is 0.",
      },
      {
        name: 'EL0 only',
        program: [set('MDSCR_EL1', MDSCR_MDE_KDE), set('DBGBCR0_EL1', 0x1e5n), [daifClr(8)]],
        verdict: "The guest's; does not fire now: HMC, SSC and PMC select EL0, not EL1.",
      },
      {
        name: 'context type on an ordinary breakpoint',
        program: [set('DBGBCR0_EL1', 0x2001e3n)],
        verdict: "The guest's; never fires by itself: breakpoint 0 is not context-aware.",
      },
      {
        name: 'OS Lock',
        program: [
          set('MDSCR_EL1', MDSCR_MDE_KDE),
          set('DBGBCR0_EL1', 0x1e3n),
          [daifClr(8)],
          set('OSLAR_EL1', 1n),
        ],
        verdict: "The guest's; does not fire now: the OS Lock is locked (OSLSR_EL1.OSLK).",
      },
    ] as const;
    for (const policy of ['EAGER', 'LAZY_DIRTY', 'IFLAGS', 'OWNER']) {
      for (const { name, program, verdict } of cases) {
        it(`${name}, under ${policy}`, () => {
          const guest = new KvmGuest({ policy }).program(
            set('DBGBVR0_EL1', target),
            ...program,
            b(0),
          );
          assert.deepEqual(guest.run(100), { kind: 'budget' });
          assert.equal(row(guest, 'breakpoint', 0, 'guest').verdict, verdict);
          guest.kvm.stop();
          assert.equal(row(guest, 'breakpoint', 0, 'guest').verdict, verdict);
        });
      }
    }

    it('names the debugger as the reason while it is attached', () => {
      const guest = new KvmGuest({ policy: 'OWNER' }).program(
        set('MDSCR_EL1', MDSCR_MDE_KDE),
        set('DBGBVR0_EL1', target),
        set('DBGBCR0_EL1', 0x1e3n),
        nop,
        DONE,
      );
      guest.kvm.guestDebug.addBreakpoint(0x5000n);
      guest.run();
      assert.equal(row(guest, 'breakpoint', 0, 'debugger').value, 0x5000n);
      assert.equal(
        row(guest, 'breakpoint', 0, 'guest').verdict,
        "The guest's; does not fire now: while a debugger is attached OWNER keeps the guest's debug registers off the processor.",
      );
    });
  });
});
