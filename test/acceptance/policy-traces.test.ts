/** Acceptance cases P: what each debug policy traps, switches and counts. README.md lists what is covered. */
import assert from 'node:assert/strict';
import { isBundleRegister } from '../../emulator/kvm/debug-state.ts';
import { sysregId } from '../../emulator/kvm/one-reg.ts';
import { policies } from '../../emulator/kvm/policies/index.ts';
import { byName } from '../../emulator/sysregs/catalogue.ts';
import { b, mov, mrs, msr, nop, set } from '../support/a64.ts';
import { CODE, DONE, KvmGuest, RAM_BASE } from '../support/kvm-guest.ts';

const POLICIES = policies.map(({ name }) => name);
const MDCR_TDA = 1n << 9n;
const MDSCR_MDE = 1n << 15n;
/** Does something several times. */
function times(count: number, body: () => void): void {
  for (let n = 0; n < count; n += 1) body();
}
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const spin = b(0);

const tda = (guest: KvmGuest): boolean => (guest.physical('MDCR_EL2') & MDCR_TDA) !== 0n;

/** Runs into the final `b .` of a program. */
function untilSpinning(guest: KvmGuest): void {
  assert.deepEqual(guest.run(1000), { kind: 'budget' });
}

/** What happens while `body` runs. */
function during(guest: KvmGuest, body: () => void) {
  const sample = () => ({
    traps: guest.kvm.log.totalTraps,
    bundle: guest.kvm.ws.cpu.total(isBundleRegister),
    MDSCR_EL1: guest.kvm.ws.cpu.total((name) => name === 'MDSCR_EL1'),
    MDCR_EL2: guest.kvm.ws.cpu.total((name) => name === 'MDCR_EL2'),
    ID: guest.kvm.ws.cpu.total((name) => name === 'ID_AA64DFR0_EL1'),
    saves: { ...guest.kvm.log.counters.bundleSaves },
    loads: { ...guest.kvm.log.counters.bundleLoads },
  });
  const before = sample();
  body();
  const after = sample();
  const accesses = (name: 'bundle' | 'MDSCR_EL1' | 'MDCR_EL2' | 'ID') => ({
    reads: after[name].reads - before[name].reads,
    writes: after[name].writes - before[name].writes,
  });
  return {
    traps: after.traps - before.traps,
    bundle: accesses('bundle'),
    MDSCR_EL1: accesses('MDSCR_EL1'),
    MDCR_EL2: accesses('MDCR_EL2'),
    ID: accesses('ID'),
    saves: {
      G: after.saves.G - before.saves.G,
      H: after.saves.H - before.saves.H,
    },
    loads: {
      G: after.loads.G - before.loads.G,
      H: after.loads.H - before.loads.H,
    },
  };
}

const writesOfAllBreakpoints = [
  ...range(6).flatMap((n) => set(`DBGBVR${n}_EL1`, 0x1000n * BigInt(n + 1))),
  ...range(6).flatMap((n) => set(`DBGBCR${n}_EL1`, 0x1e0n)),
];

function guestWithMde(policy: string): KvmGuest {
  const guest = new KvmGuest({ policy }).program(set('MDSCR_EL1', MDSCR_MDE), spin);
  untilSpinning(guest);
  return guest;
}

describe('Policy traces / LAZY_DIRTY', () => {
  const policy = 'LAZY_DIRTY';

  it('P1: ten reads of DBGBCR0_EL1 are ten traps, and DIRTY stays clear', () => {
    const reads = range(10).map(() => mrs(1, 'DBGBCR0_EL1'));
    const guest = new KvmGuest({ policy }).program(reads, DONE);
    assert.deepEqual(guest.run(), { kind: 'done' });
    assert.equal(guest.traps('DBGBCR0_EL1'), 10);
    const traps = guest.events('trapDbg');
    assert.ok(traps.every(({ direction }) => direction === 'read'));
    const syndromes = guest.events('exit').filter(({ EC }) => EC === 0x18);
    assert.ok(syndromes.every(({ new: ESR = 0n }) => (ESR & 1n) === 1n));
    assert.ok(guest.events().every(({ dirtyAfter }) => !dirtyAfter));
    assert.deepEqual(guest.kvm.log.counters.bundleSaves, { G: 0, X: 0, H: 0, S: 0 });
    assert.deepEqual(guest.kvm.log.counters.bundleLoads, { G: 0, X: 0, H: 0, S: 0 });
  });

  it('P2: a burst of twelve writes is one trap, and eleven go straight through', () => {
    const guest = new KvmGuest({ policy }).program(writesOfAllBreakpoints, spin);
    untilSpinning(guest);
    assert.equal(guest.kvm.log.totalTraps, 1);
    assert.equal(guest.kvm.owner, 'DIRTY');
    assert.equal(tda(guest), false);
    assert.equal(guest.kvm.log.counters.bundleSaves.H, 1);
    assert.equal(guest.kvm.log.counters.bundleLoads.G, 1);
    for (const n of range(6)) {
      assert.equal(guest.physical(`DBGBVR${n}_EL1`), 0x1000n * BigInt(n + 1));
    }
  });

  it('P3: the next exit saves what was written, clears DIRTY, and the next write traps', () => {
    const again = CODE + 4n * BigInt(writesOfAllBreakpoints.length + 1);
    const guest = new KvmGuest({ policy }).program(
      writesOfAllBreakpoints,
      spin,
      set('DBGBVR0_EL1', 0x5678n),
      spin,
    );
    untilSpinning(guest);
    const seen = during(guest, () => {
      guest.kvm.onHostTick();
    });
    assert.deepEqual(seen.saves, { G: 1, H: 0 });
    assert.deepEqual(seen.loads, { G: 0, H: 1 });
    for (const n of range(6)) {
      assert.equal(guest.guest(`DBGBVR${n}_EL1`), 0x1000n * BigInt(n + 1));
      assert.equal(guest.guest(`DBGBCR${n}_EL1`), 0x1e0n);
    }
    assert.equal(guest.kvm.owner, 'clean');
    assert.equal(tda(guest), true);
    guest.pe.state.PC = again;
    const later = during(guest, () => {
      untilSpinning(guest);
    });
    assert.equal(later.traps, 1);
    assert.equal(guest.guest('DBGBVR0_EL1'), 0x5678n);
  });

  it('P4: with MDE set, five exits are five full switches without a trap', () => {
    const guest = guestWithMde(policy);
    const start = guest.kvm.nextSeq;
    const seen = during(guest, () => {
      times(5, () => {
        guest.kvm.onHostTick();
      });
    });
    assert.equal(seen.traps, 0);
    assert.deepEqual(seen.saves, { G: 5, H: 5 });
    assert.deepEqual(seen.loads, { G: 5, H: 5 });
    const entries = guest.kvm.events(start, 1000).filter(({ kind }) => kind === 'enter');
    assert.equal(entries.length, 5);
    assert.ok(entries.every(({ TDA, dirtyAfter }) => !TDA && dirtyAfter));
  });

  it('P5: clearing MDE does not trap; that exit still saves, the following entry is clean', () => {
    const clear = set('MDSCR_EL1', 0n);
    const guest = new KvmGuest({ policy }).program(set('MDSCR_EL1', MDSCR_MDE), spin, clear, spin);
    untilSpinning(guest);
    guest.kvm.onHostTick();
    guest.pe.state.PC = CODE + 4n * 3n;
    const write = during(guest, () => {
      untilSpinning(guest);
    });
    assert.equal(write.traps, 0);
    const exit = during(guest, () => {
      guest.kvm.onHostTick();
    });
    assert.deepEqual(exit.saves, { G: 1, H: 0 });
    assert.equal(guest.kvm.owner, 'clean');
    assert.equal(tda(guest), true);
  });
});

describe('Policy traces / LAZY_MDSCR', () => {
  const policy = 'LAZY_MDSCR';
  const MDSCR_TDCC = 1n << 12n;

  it('P11: a hundred writes that enable nothing are a hundred traps, and DIRTY stays clear', () => {
    const guest = new KvmGuest({ policy }).program(
      mov(0, MDSCR_TDCC),
      range(100).map(() => msr('MDSCR_EL1', 0)),
      spin,
    );
    untilSpinning(guest);
    assert.equal(guest.traps('MDSCR_EL1'), 100);
    assert.ok(guest.events().every(({ dirtyAfter }) => !dirtyAfter));
    assert.equal(guest.guest('MDSCR_EL1'), MDSCR_TDCC);
  });

  it('P11: writing MDE sets DIRTY, and what follows does not trap', () => {
    const guest = guestWithMde(policy);
    assert.equal(guest.kvm.owner, 'DIRTY');
    assert.equal(tda(guest), false);
    guest.program(set('DBGBVR0_EL1', 0x1110n), spin);
    guest.pe.state.PC = CODE;
    const seen = during(guest, () => {
      untilSpinning(guest);
    });
    assert.equal(seen.traps, 0);
  });

  it('P11: registers that are written while debugging is off are never switched', () => {
    const guest = new KvmGuest({ policy }).program(writesOfAllBreakpoints, spin);
    untilSpinning(guest);
    assert.equal(guest.kvm.log.totalTraps, 12);
    assert.deepEqual(guest.kvm.log.counters.bundleLoads, { G: 0, X: 0, H: 0, S: 0 });
  });
});

for (const policy of ['DEBUG_PTR', 'IFLAGS']) {
  describe(`Policy traces / ${policy}`, () => {
    it('P6: with MDE set five exits are five full switches, and TDA is set all the same', () => {
      const guest = guestWithMde(policy);
      guest.kvm.onHostTick();
      const start = guest.kvm.nextSeq;
      const seen = during(guest, () => {
        times(5, () => {
          guest.kvm.onHostTick();
        });
      });
      assert.deepEqual(seen.saves, { G: 5, H: 5 });
      assert.deepEqual(seen.loads, { G: 5, H: 5 });
      const entries = guest.kvm.events(start, 1000).filter(({ kind }) => kind === 'enter');
      assert.equal(entries.length, 5);
      assert.ok(entries.every(({ TDA, dirtyAfter }) => TDA && dirtyAfter));
    });

    it('P6: the first write after an exit traps and the next goes through', () => {
      const guest = guestWithMde(policy);
      guest.kvm.onHostTick();
      guest.program(set('DBGBVR0_EL1', 0x1110n), set('DBGBVR1_EL1', 0x2220n), spin);
      times(2, () => {
        guest.pe.state.PC = CODE;
        const seen = during(guest, () => {
          untilSpinning(guest);
        });
        assert.equal(seen.traps, 1);
        guest.kvm.onHostTick();
      });
      assert.equal(guest.guest('DBGBVR0_EL1'), 0x1110n);
      assert.equal(guest.guest('DBGBVR1_EL1'), 0x2220n);
    });

    it('P6: after an exit every read traps', () => {
      const guest = guestWithMde(policy);
      guest.kvm.onHostTick();
      guest.program(
        range(10).map(() => mrs(1, 'DBGBVR0_EL1')),
        spin,
      );
      guest.pe.state.PC = CODE;
      const seen = during(guest, () => {
        untilSpinning(guest);
      });
      assert.equal(seen.traps, 10);
    });
  });
}

describe('Policy traces / IFLAGS', () => {
  const word = (guest: KvmGuest, name: string): string | undefined =>
    guest.kvm.state().find((row) => row.name === name)?.value;

  it('the flags are words of 8 bits with their own names', () => {
    const guest = guestWithMde('IFLAGS');
    assert.equal(word(guest, 'iflags'), '0x10 (DEBUG_DIRTY)');
    guest.kvm.stop();
    assert.equal(word(guest, 'iflags'), '0x00');
    assert.equal(word(guest, 'sflags'), '0x00');
  });

  it('a locked OS Lock clears MDE on the processor, sets TDA and leaves the guest’s MDSCR_EL1', () => {
    const guest = new KvmGuest({ policy: 'IFLAGS' }).program(
      set('MDSCR_EL1', MDSCR_MDE),
      set('OSLAR_EL1', 1n),
      spin,
    );
    untilSpinning(guest);
    assert.equal(tda(guest), true);
    assert.equal(guest.physical('MDSCR_EL1') & MDSCR_MDE, 0n);
    assert.equal(guest.physical('OSLSR_EL1'), 0x8n);
    assert.equal(guest.guest('MDSCR_EL1'), MDSCR_MDE);
  });
});

describe('Policy traces / OWNER', () => {
  const policy = 'OWNER';

  it('P7: with MDE set the guest owns the registers at vcpu_load and nothing traps', () => {
    const guest = guestWithMde(policy);
    guest.kvm.stop();
    const start = guest.kvm.nextSeq;
    guest.kvm.resume();
    const [load] = guest.kvm.events(start, 100).filter(({ kind }) => kind === 'load');
    assert.equal(load?.ownerAfter, 'GUEST');
    const seen = during(guest, () => {
      times(5, () => {
        guest.kvm.onHostTick();
      });
    });
    assert.equal(seen.traps, 0);
    assert.equal(tda(guest), false);
  });

  for (const profile of ['6-2-4', '6-2-4-nVHE']) {
    it(`P8: a read hands free registers to the guest, and the next does not trap (${profile})`, () => {
      const guest = new KvmGuest({ policy, profile }).program(
        mrs(1, 'DBGBVR0_EL1'),
        mrs(1, 'DBGBVR0_EL1'),
        spin,
      );
      untilSpinning(guest);
      assert.equal(guest.kvm.log.totalTraps, 1);
      assert.equal(guest.kvm.owner, 'GUEST');
      assert.equal(tda(guest), false);
    });
  }

  it('P8: with VHE MDCR_EL2.TDA is cleared while the trap is handled', () => {
    const guest = new KvmGuest({ policy }).program(mrs(1, 'DBGBVR0_EL1'), spin);
    untilSpinning(guest);
    const [trap] = guest.events('trapDbg');
    const owned = guest.events('mdcrWrite').find(({ seq }) => seq > 3);
    assert.ok(trap !== undefined && owned !== undefined);
    assert.ok(owned.seq < trap.seq);
    assert.equal(owned.TDA, false);
    assert.equal(trap.ownerBefore, 'FREE');
    assert.equal(trap.ownerAfter, 'GUEST');
  });

  it('P9: ownership survives exits and ends at vcpu_put with MDE and KDE clear', () => {
    const guest = new KvmGuest({ policy }).program(mrs(1, 'DBGBVR0_EL1'), spin);
    untilSpinning(guest);
    const seen = during(guest, () => {
      times(3, () => {
        guest.kvm.onHostTick();
      });
    });
    assert.equal(guest.kvm.owner, 'GUEST');
    assert.deepEqual(seen.saves, { G: 3, H: 3 });
    assert.deepEqual(seen.loads, { G: 3, H: 3 });
    guest.kvm.stop();
    guest.kvm.resume();
    assert.equal(guest.kvm.owner, 'FREE');
  });

  it('P22: OSLAR_EL1 gives the registers to the host and back, and MDSCR_EL1 stays the guest’s', () => {
    const guest = new KvmGuest({ policy }).program(
      set('MDSCR_EL1', MDSCR_MDE),
      set('OSLAR_EL1', 1n),
      spin,
      set('OSLAR_EL1', 0n),
      spin,
    );
    untilSpinning(guest);
    assert.equal(guest.kvm.owner, 'HOST');
    assert.equal(tda(guest), true);
    assert.equal(guest.physical('MDSCR_EL1') & MDSCR_MDE, 0n);
    assert.equal(guest.guest('MDSCR_EL1'), MDSCR_MDE);
    guest.pe.state.PC += 4n;
    untilSpinning(guest);
    assert.equal(guest.kvm.owner, 'GUEST');
    assert.equal(tda(guest), false);
    assert.equal(guest.guest('MDSCR_EL1'), MDSCR_MDE);
  });
});

describe('Policy traces / all policies', () => {
  for (const policy of POLICIES) {
    it(`P10: ${policy} always traps OSLSR, OSLAR, OSDLR, DBGPRCR and MDRAR`, () => {
      const guest = new KvmGuest({ policy }).program(
        set('MDSCR_EL1', MDSCR_MDE),
        mrs(1, 'OSLSR_EL1'),
        mrs(1, 'OSDLR_EL1'),
        mrs(1, 'DBGPRCR_EL1'),
        mrs(1, 'MDRAR_EL1'),
        set('OSLAR_EL1', 0n),
        DONE,
      );
      assert.deepEqual(guest.run(), { kind: 'done' });
      for (const name of ['OSLSR_EL1', 'OSDLR_EL1', 'DBGPRCR_EL1', 'MDRAR_EL1', 'OSLAR_EL1']) {
        assert.equal(guest.traps(name), 1, name);
      }
      for (const event of guest.events('trapDbg')) {
        if (event.reg === 'OSLAR_EL1' || event.reg === 'MDSCR_EL1') continue;
        assert.equal(event.ownerAfter, event.ownerBefore, event.reg);
        assert.equal(event.dirtyAfter, event.dirtyBefore, event.reg);
      }
    });

    it(`P12: under ${policy} two vCPUs on one processor see their own registers only`, () => {
      const guest = new KvmGuest({ policy, vcpus: 2 });
      const other = CODE + 0x400n;
      guest.program(set('MDSCR_EL1', MDSCR_MDE), set('DBGBVR0_EL1', 0x1110n), spin);
      guest.place(other, [...set('MDSCR_EL1', MDSCR_MDE), ...set('DBGBVR0_EL1', 0x2220n), spin]);
      guest.kvm.reset(CODE, other);
      guest.pe.pokeRegister('DBGBVR0_EL1', 0x9990n);
      const turns = range(4).flatMap(() => [[0, 0x1110n] as const, [1, 0x2220n] as const]);
      for (const [id, value] of turns) {
        guest.kvm.select(id);
        untilSpinning(guest);
        assert.equal(guest.physical('DBGBVR0_EL1'), value);
        guest.kvm.stop();
        assert.equal(guest.physical('DBGBVR0_EL1'), 0x9990n);
      }
    });

    it(`P13: ${policy} gives the host its own breakpoint back at every exit`, () => {
      const guest = new KvmGuest({ policy }).program(
        set('MDSCR_EL1', MDSCR_MDE),
        set('DBGBVR0_EL1', 0x1110n),
        set('DBGBCR0_EL1', 0x1e1n),
        spin,
      );
      guest.pe.pokeRegister('DBGBVR0_EL1', 0x9990n);
      guest.pe.pokeRegister('DBGBCR0_EL1', 0x1e4n);
      times(3, () => {
        untilSpinning(guest);
        guest.kvm.onHostTick();
        guest.kvm.stop();
        assert.equal(guest.physical('DBGBVR0_EL1'), 0x9990n);
        assert.equal(guest.physical('DBGBCR0_EL1'), 0x1e4n);
        assert.equal(guest.guest('DBGBVR0_EL1'), 0x1110n);
      });
    });
  }
});

/**
 * Guests with an AArch32 EL1, as registers: the processor switches to them and executes nothing of theirs. What their
 * code would do to DBGVCR32_EL2 meanwhile is done from outside.
 */
describe('Policy traces / a guest whose EL1 is AArch32', () => {
  const DBGVCR32_EL2 = sysregId(0xa038);
  const MDSCR_EL1 = sysregId(0x8012);
  const CATCH_UNDEFINED = 2n;
  const CATCH_SUPERVISOR_CALL = 4n;

  function start(policy: string, enables: bigint, EL1_32BIT = true): KvmGuest {
    const guest = new KvmGuest({ policy, profile: '6-2-4-AArch32' });
    const { kvm } = guest;
    assert.deepEqual(kvm.initVcpu(0, { EL1_32BIT }), { ok: true });
    assert.deepEqual(kvm.setOneReg(0, MDSCR_EL1, enables), { ok: true });
    assert.deepEqual(kvm.setOneReg(0, DBGVCR32_EL2, CATCH_UNDEFINED), { ok: true });
    if (EL1_32BIT) assert.equal(kvm.resume().ok, true);
    else guest.program(spin).run(10);
    return guest;
  }
  const accesses = (guest: KvmGuest) => guest.kvm.ws.cpu.total((name) => name === 'DBGVCR32_EL2');
  const inMemory = (guest: KvmGuest) => guest.kvm.getOneReg(0, DBGVCR32_EL2);

  for (const policy of POLICIES) {
    it(`P16: ${policy} loads DBGVCR32_EL2 with the guest's registers and saves it with them`, () => {
      const guest = start(policy, MDSCR_MDE);
      assert.equal(guest.physical('DBGVCR32_EL2'), CATCH_UNDEFINED);
      assert.deepEqual(accesses(guest), { reads: 0, writes: 1 });
      guest.pe.pokeRegister('DBGVCR32_EL2', CATCH_SUPERVISOR_CALL);
      guest.kvm.onHostTick();
      assert.deepEqual(accesses(guest), { reads: 1, writes: 2 });
      assert.equal(guest.physical('DBGVCR32_EL2'), CATCH_SUPERVISOR_CALL);
      guest.kvm.stop();
      assert.deepEqual(accesses(guest), { reads: 2, writes: 2 });
      assert.deepEqual(inMemory(guest), { ok: true, value: CATCH_SUPERVISOR_CALL });
    });

    it(`P16: ${policy} has nothing to switch for a guest whose EL1 is AArch64`, () => {
      const guest = start(policy, MDSCR_MDE, false);
      guest.kvm.onHostTick();
      assert.deepEqual(accesses(guest), { reads: 0, writes: 0 });
      assert.deepEqual(inMemory(guest), { ok: true, value: CATCH_UNDEFINED });
    });
  }

  for (const policy of POLICIES.filter((name) => name !== 'EAGER')) {
    it(`P16: ${policy} leaves DBGVCR32_EL2 alone while the guest debugs nothing`, () => {
      const guest = start(policy, 0n);
      guest.kvm.onHostTick();
      assert.deepEqual(accesses(guest), { reads: 0, writes: 0 });
      assert.equal(guest.physical('DBGVCR32_EL2'), 0n);
      assert.deepEqual(inMemory(guest), { ok: true, value: CATCH_UNDEFINED });
    });
  }

  it('enters it with HCR_EL2.RW = 0, in Supervisor mode, and stops by name', () => {
    const guest = start('OWNER', 0n);
    assert.equal(guest.physical('HCR_EL2') & (1n << 31n), 0n);
    assert.equal(guest.physical('SPSR_EL2'), 0x1d3n);
    const what = 'execution in AArch32 state';
    assert.deepEqual(guest.run(10), {
      kind: 'event',
      event: { kind: 'unimplemented', what, pc: CODE, resumable: false },
    });
    guest.kvm.stop();
    assert.equal(guest.physical('HCR_EL2') & (1n << 31n), 1n << 31n);
  });

  it('is refused by a processor whose EL1 is AArch64 only', () => {
    const result = new KvmGuest().kvm.initVcpu(0, { EL1_32BIT: true });
    assert.equal(result.ok ? '0' : result.errno, 'EINVAL');
  });
});

describe('Policy traces / cost of a round trip', () => {
  const nothing = { reads: 0, writes: 0 };
  const full = { reads: 42, writes: 42 };
  const huge = { reads: 130, writes: 130 };
  const both = { reads: 2, writes: 2 };
  const cases = [
    {
      id: '2.7',
      policy: 'EAGER',
      profile: '6-2-4',
      owned: false,
      bundle: full,
      ID: 0,
      MDCR: nothing,
    },
    {
      id: '2.7',
      policy: 'LAZY_DIRTY',
      profile: '6-2-4',
      owned: false,
      bundle: nothing,
      ID: 0,
      MDCR: both,
    },
    {
      id: 'P14',
      policy: 'LAZY_DIRTY',
      profile: '6-2-4',
      owned: true,
      bundle: full,
      ID: 4,
      MDCR: both,
    },
    {
      id: '2.7',
      policy: 'DEBUG_PTR',
      profile: '6-2-4-nVHE',
      owned: false,
      bundle: nothing,
      ID: 0,
      MDCR: { reads: 1, writes: 2 },
    },
    {
      id: 'P14',
      policy: 'DEBUG_PTR',
      profile: '6-2-4-nVHE',
      owned: true,
      bundle: full,
      ID: 4,
      MDCR: { reads: 1, writes: 2 },
    },
    {
      id: 'P14',
      policy: 'IFLAGS',
      profile: '6-2-4-nVHE',
      owned: true,
      bundle: full,
      ID: 4,
      MDCR: { reads: 1, writes: 2 },
    },
    {
      id: '2.7',
      policy: 'IFLAGS',
      profile: '6-2-4',
      owned: false,
      bundle: nothing,
      ID: 0,
      MDCR: nothing,
    },
    {
      id: '2.7',
      policy: 'OWNER',
      profile: '6-2-4',
      owned: false,
      bundle: nothing,
      ID: 0,
      MDCR: nothing,
    },
    {
      id: 'P14',
      policy: 'OWNER',
      profile: '6-2-4',
      owned: true,
      bundle: full,
      ID: 0,
      MDCR: nothing,
    },
    {
      id: '2.7',
      policy: 'OWNER',
      profile: '6-2-4-nVHE',
      owned: true,
      bundle: full,
      ID: 0,
      MDCR: { reads: 1, writes: 2 },
    },
    {
      id: 'P15',
      policy: 'OWNER',
      profile: '16-2-16',
      owned: true,
      bundle: huge,
      ID: 0,
      MDCR: nothing,
    },
    {
      id: '2.7',
      policy: 'OWNER',
      profile: '2-1-2',
      owned: true,
      bundle: { reads: 18, writes: 18 },
      ID: 0,
      MDCR: nothing,
    },
  ] as const;
  for (const { id, policy, profile, owned, bundle, ID, MDCR } of cases) {
    it(`${id}: ${policy} on ${profile}, ${owned ? 'in use' : 'not in use'}: ${bundle.reads} reads and ${bundle.writes} writes`, () => {
      const start = owned ? set('MDSCR_EL1', MDSCR_MDE) : [nop];
      const guest = new KvmGuest({ policy, profile }).program(start, spin);
      untilSpinning(guest);
      const seen = during(guest, () => {
        guest.kvm.onHostTick();
      });
      assert.deepEqual(seen.bundle, bundle);
      assert.deepEqual(seen.MDSCR_EL1, { reads: 2, writes: 2 });
      assert.deepEqual(seen.MDCR_EL2, MDCR);
      assert.deepEqual(seen.ID, { reads: ID, writes: 0 });
    });
  }
});

describe('Policy traces / registers as KVM has them', () => {
  it('P18: OSECCR_EL1 is UNDEFINED, and the log says so once', () => {
    const guest = new KvmGuest({ policy: 'OWNER', registerEmulation: 'KVM' }).program(
      mrs(1, 'OSECCR_EL1'),
    );
    times(2, () => {
      guest.pe.state.PC = CODE;
      assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
      assert.equal(guest.physical('ESR_EL1'), 0x02000000n);
      assert.equal(guest.physical('ELR_EL1'), CODE);
    });
    assert.equal(guest.kvm.log.counters.warnings, 1);
  });

  for (const [what, word] of [
    ['MRS from OSLAR_EL1', 0xd5301080],
    ['MSR to OSLSR_EL1', 0xd5101180],
  ] as const) {
    it(`P19: ${what} is UNDEFINED on the processor, before any trap`, () => {
      const guest = new KvmGuest({ policy: 'OWNER' }).program(word);
      assert.deepEqual(guest.run(), { kind: 'vector', offset: 0x200 });
      assert.equal(guest.physical('ESR_EL1'), 0x02000000n);
      assert.equal(guest.kvm.log.totalTraps, 0);
    });
  }

  const readOnly = ['MDRAR_EL1', 'MDCCSR_EL0'];
  const readWrite = ['DBGCLAIMSET_EL1', 'DBGCLAIMCLR_EL1', 'DBGPRCR_EL1', 'DBGDTR_EL0'];
  for (const policy of ['LAZY_DIRTY', 'OWNER']) {
    for (const name of [...readOnly, ...readWrite]) {
      it(`P20: ${name} reads as zero${readOnly.includes(name) ? '' : ' and ignores writes'} under ${policy}`, () => {
        const guest = new KvmGuest({ policy, registerEmulation: 'KVM' }).program(
          readOnly.includes(name) ? [nop] : set(name, 0xffn),
          mov(1, 0x5555n),
          mrs(1, name),
          DONE,
        );
        assert.deepEqual(guest.run(), { kind: 'done' });
        assert.equal(guest.X(1), 0n);
      });
    }
  }

  it('P21: DBGAUTHSTATUS_EL1 is the host’s', () => {
    const guest = new KvmGuest({ policy: 'OWNER', registerEmulation: 'KVM' });
    guest.program(mrs(1, 'DBGAUTHSTATUS_EL1'), DONE);
    assert.deepEqual(guest.run(), { kind: 'done' });
    assert.equal(guest.X(1), 0x0an);
  });
});

describe('Policy traces / registers from userspace', () => {
  const id = (name: string): bigint => {
    const register = byName(name);
    if (register === undefined) throw new TypeError(name);
    return sysregId(register.encoding);
  };

  for (const { value, errno } of [
    { value: 0xan, errno: undefined },
    { value: 0x8n, errno: undefined },
    { value: 0x0n, errno: 'EINVAL' },
    { value: 0x9n, errno: 'EINVAL' },
  ]) {
    it(`P23: OSLSR_EL1 set to 0x${value.toString(16)}: ${errno ?? 'accepted'}`, () => {
      const guest = new KvmGuest({ policy: 'OWNER' });
      const result = guest.kvm.setOneReg(0, id('OSLSR_EL1'), value);
      assert.equal(result.ok ? undefined : result.errno, errno);
    });
  }

  const groups = (count: number): string[] =>
    ['DBGBVR', 'DBGWVR'].flatMap((family) => range(count).map((n) => `${family}${n}_EL1`));

  for (const policy of POLICIES) {
    it(`P24: under ${policy} the registers read as the guest wrote them, running and stopped`, () => {
      const names = groups(16);
      const guest = new KvmGuest({ policy, profile: '16-2-16' }).program(
        names.flatMap((name, n) => set(name, 0x4000n + 8n * BigInt(n))),
        range(16).flatMap((n) => set(`DBGBCR${n}_EL1`, 0x1e0n | BigInt(n << 16))),
        range(16).flatMap((n) => set(`DBGWCR${n}_EL1`, 0x1ff8n | BigInt(n << 16))),
        spin,
      );
      untilSpinning(guest);
      const expected: [string, bigint][] = [
        ...names.map((name, n): [string, bigint] => [name, 0x4000n + 8n * BigInt(n)]),
        ...range(16).map((n): [string, bigint] => [`DBGBCR${n}_EL1`, 0x1e0n | BigInt(n << 16)]),
        ...range(16).map((n): [string, bigint] => [`DBGWCR${n}_EL1`, 0x1ff8n | BigInt(n << 16)]),
      ];
      for (const stopped of [false, true]) {
        if (stopped) guest.kvm.stop();
        for (const [name, value] of expected) {
          assert.deepEqual(guest.kvm.getOneReg(0, id(name)), { ok: true, value }, name);
        }
      }
    });

    it(`P25: under ${policy} values of userspace reach the guest, before and after its first run`, () => {
      const B = 6;
      const values = (base: bigint): [string, bigint][] => [
        ...range(B).map((n): [string, bigint] => [`DBGBVR${n}_EL1`, base + 4n * BigInt(n)]),
        ...range(B).map((n): [string, bigint] => [
          `DBGBCR${n}_EL1`,
          0x1e0n | BigInt(((n + 1) % B) << 16),
        ]),
        ...range(4).map((n): [string, bigint] => [`DBGWVR${n}_EL1`, base + 8n * BigInt(n)]),
        ...range(4).map((n): [string, bigint] => [
          `DBGWCR${n}_EL1`,
          0x1018n | BigInt(((n + 1) % B) << 16),
        ]),
      ];
      const guest = new KvmGuest({ policy });
      const results = RAM_BASE + 0x2_0000n;
      const names = values(0n).map(([name]) => name);
      // Reads every register and stores it.
      guest.program(
        mov(9, results),
        names.flatMap((name, n) => [mrs(1, name), 0xf9000121 | (n << 10)]),
        DONE,
      );
      for (const base of [0x1000n, 0x8000n]) {
        for (const [name, value] of values(base)) {
          assert.deepEqual(guest.kvm.setOneReg(0, id(name), value), { ok: true });
        }
        guest.pe.state.PC = CODE;
        assert.deepEqual(guest.run(), { kind: 'done' });
        values(base).forEach(([name, value], n) => {
          assert.equal(guest.readMemory(results + 8n * BigInt(n)), value, name);
          assert.deepEqual(guest.kvm.getOneReg(0, id(name)), { ok: true, value }, name);
        });
      }
    });
  }
});
