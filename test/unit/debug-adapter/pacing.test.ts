import assert from 'node:assert/strict';
import { Pacing } from '../../../debug-adapter/pacing.ts';

/** Nanoseconds of a millisecond. */
const MS = 1_000_000n;

describe('Pacing', () => {
  it('a wait of the guest takes as long for the host', () => {
    const pacing = new Pacing();
    pacing.begin(100, 7n * MS);
    assert.equal(pacing.delay(100, 7n * MS, 17n * MS), 10);
    assert.equal(pacing.delay(104, 7n * MS, 17n * MS), 6, 'of which four have passed');
    assert.equal(pacing.virtualAt(104), 11n * MS);
  });

  it('a guest that was faster than the clock waits longer', () => {
    const pacing = new Pacing();
    pacing.begin(0, 0n);
    assert.equal(pacing.delay(10, 30n * MS, 40n * MS), 30);
  });

  it('a guest that was slower sleeps its ten seconds all the same', () => {
    const pacing = new Pacing();
    pacing.begin(0, 0n);
    // A minute of work that took the guest's clock two seconds.
    const delay = pacing.delay(60_000, 2000n * MS, 12_000n * MS);
    assert.ok(delay >= 9700 && delay <= 10_000, String(delay));
  });

  it('timers that come late do not add up', () => {
    const pacing = new Pacing();
    pacing.begin(0, 0n);
    let now = 0;
    for (let tick = 1n; tick <= 1000n; tick += 1n) {
      // A tick of 4 ms; each timer comes 0.7 ms late.
      now += pacing.delay(now, (tick - 1n) * 4n * MS, tick * 4n * MS) + 0.7;
    }
    assert.ok(now >= 4000 && now < 4002, String(now));
  });

  it('what is due already takes no time', () => {
    const pacing = new Pacing();
    pacing.begin(0, 0n);
    assert.equal(pacing.delay(20, 5n * MS, 6n * MS), 0);
  });
});
