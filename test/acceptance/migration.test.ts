/**
 * Acceptance cases of migration: a running guest goes with its whole machine from one host to another, keeps
 * what it was promised, and is refused before it moves where that cannot be kept.
 */
import assert from 'node:assert/strict';
import type { Machine } from '../../emulator/machine.ts';
import { testMachine } from '../support/test-machine.ts';
import type { TestMachine } from '../support/test-machine.ts';
import { b, daifClr, mrs, nop, set } from '../support/a64.ts';
import { CODE, DONE, KvmGuest } from '../support/kvm-guest.ts';
import { machineFrom } from '../support/program-machine.ts';

const ACCEPTANCE = 'test/guest/acceptance/debug-exceptions.elf';

/** Runs the program of the E cases over the hosts, one move for each of its three migrations. */
function runOver(policy: string, hosts: readonly string[]): string {
  const machines = hosts.map((hostProfile) => testMachine(ACCEPTANCE, { policy, hostProfile }));
  let text = '';
  let moves = 0;
  let current = machines[0] as TestMachine;
  for (;;) {
    const point = current.machine.addBreakpoint(current.symbol('migrate_point'));
    const stop = current.run();
    current.machine.removeBreakpoint(point);
    text += current.output();
    if (stop.kind === 'exit') {
      assert.equal(stop.status, 0);
      assert.equal(moves, 3);
      return text;
    }
    assert.equal(stop.kind, 'breakpoint');
    moves += 1;
    const next = machines[moves] as TestMachine;
    assert.equal(next.machine.arrive(current.machine.depart()), undefined);
    next.machine.writeVirtual(next.symbol('migrations'), Uint8Array.of(moves));
    current = next;
  }
}

describe('Migration / running guests', function () {
  this.timeout(60_000);

  for (const { policy, hosts } of [
    { policy: 'OWNER', hosts: ['6-2-4', '6-2-4-nVHE', '6-2-4-FGT', '6-2-4-FGT-nVHE'] },
    { policy: 'REMAP_SHARED', hosts: ['6-2-4', '16-2-16', '8-4-4', '16-2-16-FGT-nVHE'] },
    { policy: 'REMAP_SHARED', hosts: ['6-2-4', '20-4-20', '8-4-4', '20-4-20-FGT-nVHE'] },
  ] as const) {
    it(`E2, E4, E6: a guest of 6/2/4 goes over ${hosts.join(', ')} under ${policy}`, () => {
      const lines = runOver(policy, hosts).split('\n').filter(Boolean);
      const failed = lines.filter((line) => !/^(E\S+ (PASS|SKIP)|DONE)/.test(line));
      assert.deepEqual(failed, []);
      for (const id of ['E1', 'E2', 'E3', 'E4', 'E5', 'E6', 'E17', 'E18']) {
        assert.ok(lines.includes(`${id} PASS`), id);
      }
    });
  }
});

const spin = b(0);

describe('Migration / refusals', () => {
  const guestOn = (hostProfile: string, policy = 'REMAP_SHARED'): Machine =>
    machineFrom([nop, spin], { hostProfile, policy });

  for (const [from, to, reason] of [
    ['6-2-4', '4-2-4', /BRPs is 0x5; the host has 0x3/],
    ['8-4-4', '16-2-16', /CTX_CMPs is 0x3; the host has 0x1/],
    ['16-2-16', '8-4-4', /BRPs is 0xf; the host has 0x7/],
    // FEAT_Debugv8p9 with more than 16: what the guest has been promised is not there.
    ['20-4-20', '16-2-16', /DebugVer is 0xb; the host has 0x/],
    ['20-4-20', '6-2-4', /DebugVer is 0xb; the host has 0x/],
  ] as const) {
    it(`M14: from ${from} to ${to} is refused before anything moves`, () => {
      const source = guestOn(from);
      source.run({ instructions: 10, pastStop: false });
      const target = guestOn(to);
      assert.match(target.arrive(source.depart()) ?? '', reason);
      assert.equal(target.retired, 0n);
      // The source goes on as if nothing had been.
      assert.equal(source.run({ instructions: 10, pastStop: false }).kind, 'slice');
    });
  }

  it('M14: under a policy of KVM another number of breakpoints is refused, and the reason names the way', () => {
    const source = guestOn('6-2-4', 'OWNER');
    assert.match(guestOn('8-4-4', 'OWNER').arrive(source.depart()) ?? '', /BRPs|REMAP/);
    assert.equal(guestOn('8-4-4', 'REMAP_TOP').arrive(source.depart()), undefined);
  });

  it('a guest that starts at EL2 owns its processor and stays', () => {
    const { machine } = testMachine('samples/el2-hypervisor/el2-hypervisor.elf', { el: 2 });
    assert.throws(() => machine.depart(), RangeError);
  });
});

describe('Migration / state', () => {
  const busy = [
    set('CONTEXTIDR_EL1', 0xabcn),
    set('DBGBVR4_EL1', 0xabcn),
    set('DBGBCR4_EL1', 0x3001e7n),
    set('DBGBVR0_EL1', 0x4008_0000n),
    set('DBGBCR0_EL1', 0x1401e7n),
    set('DBGWVR3_EL1', 0x4009_0000n),
    set('DBGWCR3_EL1', 0x141fffn),
    set('MDSCR_EL1', 0xa000n),
    spin,
  ].flat();

  for (const [from, to] of [
    ['6-2-4', '6-2-4'],
    ['6-2-4', '8-4-4'],
    ['6-2-4', '16-2-16'],
    ['6-2-4-nVHE', '16-2-16-FGT'],
    ['6-2-4', '20-4-20'],
    ['16-2-16', '20-4-20-nVHE'],
    ['20-4-20', '20-4-20-FGT'],
  ] as const) {
    it(`M21: saved on ${from}, restored on ${to} and saved again it is the same, bit by bit`, () => {
      const source = machineFrom(busy, { hostProfile: from });
      source.run({ instructions: 1000, pastStop: false });
      const saved = source.depart();
      const target = machineFrom([spin], { hostProfile: to });
      assert.equal(target.arrive(saved), undefined);
      assert.deepEqual(target.depart(), saved);
    });
  }

  it('M22: a step that is pending at the move is the first thing on the other host', () => {
    const source = new KvmGuest({ policy: 'REMAP_SHARED' });
    // MDSCR_EL1.SS and KDE set, PSTATE.D clear: the step is pending as soon as it is enabled.
    source.program(set('MDSCR_EL1', 0x2001n), daifClr(8), nop, DONE);
    const pending = CODE + 4n * BigInt(set('MDSCR_EL1', 0x2001n).length + 1);
    source.pe.machineBreakpoints.add(pending - 4n);
    assert.equal(source.run().kind, 'event');
    source.kvm.resume();
    assert.equal(source.pe.run(1, { resume: true }).kind, 'budget');
    assert.equal(source.PC, pending);
    const target = new KvmGuest({ policy: 'REMAP_SHARED', profile: '8-2-4' });
    target.program(set('MDSCR_EL1', 0x2001n), daifClr(8), nop, DONE);
    assert.ok(target.kvm.ids.restoreState(source.kvm.ids.saveState()).ok);
    target.kvm.restoreVcpu(0, source.kvm.saveVcpu(0));
    assert.deepEqual(target.run(), { kind: 'vector', offset: 0x200 });
    assert.equal(target.physical('ESR_EL1'), 0xce00_0022n);
    assert.equal(target.physical('ELR_EL1'), pending);
  });

  it('M20: from a host without the Double Lock to one with it, the guest still has none', () => {
    const source = new KvmGuest({ profile: '6-2-4-noDoubleLock' });
    const target = new KvmGuest({ profile: '6-2-4' }).program(
      set('OSDLR_EL1', 1n),
      mrs(5, 'OSDLR_EL1'),
      mrs(6, 'ID_AA64DFR0_EL1'),
      DONE,
    );
    assert.ok(target.kvm.ids.restoreState(source.kvm.ids.saveState()).ok);
    assert.deepEqual(target.run(), { kind: 'done' });
    assert.equal(target.X(5), 0n);
    assert.equal((target.X(6) >> 36n) & 0xfn, 0xfn);
    // The other way the guest would lose what it has been promised.
    const back = source.kvm.ids.restoreState(new KvmGuest().kvm.ids.saveState());
    assert.ok(!back.ok);
    assert.match(back.reason, /DoubleLock/);
  });
});
