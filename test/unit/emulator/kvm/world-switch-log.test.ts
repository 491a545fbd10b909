import assert from 'node:assert/strict';
import { WorldSwitchLog } from '../../../../emulator/kvm/world-switch-log.ts';
import { b, mrs } from '../../../support/a64.ts';
import { DONE, KvmGuest } from '../../../support/kvm-guest.ts';

const event = {
  vcpu: 0,
  pcpu: 0,
  kind: 'enter',
  guestPC: 0n,
  EL: 1,
  policy: 'OWNER',
  ownerBefore: 'FREE',
  ownerAfter: 'FREE',
  dirtyBefore: false,
  dirtyAfter: false,
  TDA: true,
  TDE: false,
  text: '',
} as const;

function filled(count: number, capacity: number): WorldSwitchLog {
  const log = new WorldSwitchLog(capacity);
  for (let n = 0; n < count; n += 1) log.append({ ...event, text: `event ${n}` });
  return log;
}

describe('World switch log', () => {
  it('numbers events from 0 and gives them back in order', () => {
    const log = filled(3, 10);
    assert.equal(log.firstSeq, 0);
    assert.equal(log.nextSeq, 3);
    assert.deepEqual(
      log.events(1, 10).map(({ seq, text }) => [seq, text]),
      [
        [1, 'event 1'],
        [2, 'event 2'],
      ],
    );
  });

  for (const count of [10, 11, 19, 20, 21, 45]) {
    it(`holds the last 10 of ${count} events`, () => {
      const log = filled(count, 10);
      assert.equal(log.firstSeq, count - 10);
      const held = log.events(0, 1000);
      assert.deepEqual(
        held.map(({ seq }) => seq),
        Array.from({ length: 10 }, (_, n) => count - 10 + n),
      );
    });
  }

  it('never has twice its capacity in memory, however long the guest runs', () => {
    const capacity = 1000;
    const log = new WorldSwitchLog(capacity);
    let most = 0;
    for (let n = 0; n < 50 * capacity; n += 1) {
      log.append(event);
      most = Math.max(most, log.eventsInMemory);
    }
    assert.ok(most < 2 * capacity, `${most} events`);
    assert.equal(log.events(0, Number.MAX_SAFE_INTEGER).length, capacity);
    assert.equal(log.nextSeq, 50 * capacity);
  });

  it('of a guest that traps for ever is bounded too, and the counters are not', () => {
    const guest = new KvmGuest({ policy: 'LAZY_DIRTY', logCapacity: 64 });
    guest.program(mrs(1, 'DBGBCR0_EL1'), b(-4)).run(2000);
    assert.ok(guest.traps('DBGBCR0_EL1') > 500);
    assert.ok(guest.kvm.log.nextSeq > 500);
    assert.ok(guest.kvm.log.eventsInMemory < 128);
    // One place in the guest, however often it traps.
    assert.ok(guest.kvm.accessCounts().length <= 1);
  });

  it('without recording there are counters and no events', () => {
    const guest = new KvmGuest({ policy: 'LAZY_DIRTY', recordsEvents: false });
    guest.program(mrs(1, 'DBGBCR0_EL1'), DONE).run();
    assert.equal(guest.traps('DBGBCR0_EL1'), 1);
    assert.equal(guest.kvm.log.counters.exits, 2);
    assert.deepEqual(guest.events(), []);
  });

  it('gives at most as many events as asked for', () => {
    assert.deepEqual(
      filled(20, 10)
        .events(12, 3)
        .map(({ seq }) => seq),
      [12, 13, 14],
    );
  });

  it('keeps counting when events are gone', () => {
    const log = filled(100, 10);
    for (let n = 0; n < 30; n += 1) log.countTrap('MDSCR_EL1');
    assert.equal(log.totalTraps, 30);
  });

  it('forgets the events of a future that is undone, and continues the numbers', () => {
    const log = filled(5, 10);
    const state = log.saveState();
    log.append({ ...event, text: 'undone' });
    log.restoreState(state);
    assert.equal(log.nextSeq, 5);
    assert.deepEqual(
      log
        .events(0, 10)
        .map(({ text }) => text)
        .at(-1),
      'event 4',
    );
    log.append({ ...event, text: 'instead' });
    assert.equal(log.events(5, 10)[0]?.text, 'instead');
  });
});
