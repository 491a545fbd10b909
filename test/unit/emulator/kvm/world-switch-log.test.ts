import assert from 'node:assert/strict';
import { WorldSwitchLog } from '../../../../emulator/kvm/world-switch-log.ts';

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
