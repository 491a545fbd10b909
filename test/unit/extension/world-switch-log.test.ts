import assert from 'node:assert/strict';
import type {
  WorldSwitchResponse,
  WorldSwitchRow,
} from '../../../debug-adapter/custom-requests.ts';
import { WorldSwitchLog } from '../../../extension/views/world-switch-log.ts';

const event = (seq: number): WorldSwitchRow => ({
  seq,
  kind: 'trapDbg',
  policy: 'EAGER',
  EL: 1,
  guestPC: '0x40080000',
  text: `event ${seq}`,
});

/** What the adapter answers when its ring holds the events [first, next). */
function answer(first: number, next: number, since: number, limit = 1000): WorldSwitchResponse {
  const from = Math.max(first, since);
  const to = Math.min(next, from + limit);
  const events = Array.from({ length: Math.max(0, to - from) }, (_, i) => event(from + i));
  return { events, nextSeq: events.length === 0 ? next : to, firstSeq: first, totals: [] };
}

const numbers = (log: WorldSwitchLog): number[] => log.events.map(({ seq }) => seq);
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

describe('World Switch log', () => {
  it('equals the log of the adapter while that fits', () => {
    const log = new WorldSwitchLog(100);
    for (const next of [3, 10, 40]) {
      while (log.isBehind(next)) log.append(answer(0, next, log.since(next), 7));
    }
    assert.deepEqual(numbers(log), range(0, 40));
    assert.equal(log.dropped, 0);
  });

  it('keeps the newest events and says how many are gone', () => {
    const log = new WorldSwitchLog(10);
    for (const next of [8, 16, 25]) log.append(answer(0, next, log.since(next)));
    assert.deepEqual(numbers(log), range(15, 25));
    assert.equal(log.dropped, 15);
  });

  it('asks for no more than it can keep', () => {
    const log = new WorldSwitchLog(10);
    assert.equal(log.since(5), 0);
    assert.equal(log.since(1_000_000), 999_990);
  });

  it('has no gap when the ring of the adapter has moved on', () => {
    const log = new WorldSwitchLog(100);
    log.append(answer(0, 5, 0));
    log.append(answer(50, 60, log.since(60)));
    assert.deepEqual(numbers(log), range(50, 60));
    assert.equal(log.dropped, 50);
  });

  it('takes an answer twice as once', () => {
    const log = new WorldSwitchLog(100);
    log.append(answer(0, 5, 0));
    log.append(answer(0, 8, 2));
    assert.deepEqual(numbers(log), range(0, 8));
  });

  it('shows after a clearing what came after it', () => {
    const log = new WorldSwitchLog(100);
    log.append(answer(0, 5, 0));
    log.clear();
    assert.deepEqual(numbers(log), []);
    assert.equal(log.dropped, 0);
    log.append(answer(0, 7, log.since(7)));
    assert.deepEqual(numbers(log), [5, 6]);
    assert.equal(log.dropped, 0);
  });

  it('begins again when the guest does', () => {
    const log = new WorldSwitchLog(100);
    log.append(answer(0, 50, 0));
    log.restart();
    log.append(answer(0, 3, log.since(3)));
    assert.deepEqual(numbers(log), [0, 1, 2]);
    assert.equal(log.dropped, 0);
  });

  it('has another revision after every change, and the totals of the last answer', () => {
    const log = new WorldSwitchLog(100);
    const totals = [{ register: 'MDSCR_EL1', traps: 1, reads: 2, writes: 3 }];
    const revisions = new Set([log.revision]);
    log.append({ ...answer(0, 1, 0), totals });
    revisions.add(log.revision);
    log.clear();
    revisions.add(log.revision);
    assert.deepEqual(log.totals, totals);
    log.restart();
    revisions.add(log.revision);
    assert.equal(revisions.size, 4);
    assert.deepEqual(log.totals, []);
  });
});
