/** Expected values: TRM DDI 0224. */
import assert from 'node:assert/strict';
import { Pl031 } from '../../../../emulator/devices/pl031.ts';
import { seededRandom } from '../../../support/random.ts';

const RTCDR = 0x00;
const RTCMR = 0x04;
const RTCLR = 0x08;
const RTCCR = 0x0c;
const RTCIMSC = 0x10;
const RTCRIS = 0x14;
const RTCMIS = 0x18;
const RTCICR = 0x1c;
const SECOND = 1_000_000_000n;

function clock(startTime = 1000n): {
  rtc: Pl031;
  pass: (nanoseconds: bigint) => void;
  irq: () => boolean;
  errors: string[];
} {
  let now = 0n;
  let asserted = false;
  const errors: string[] = [];
  const rtc = new Pl031({
    now: () => now,
    startTime,
    irq: { set: (level) => (asserted = level) },
    events: { guestError: (_device, message) => errors.push(message) },
  });
  const pass = (nanoseconds: bigint): void => {
    now += nanoseconds;
    rtc.update();
  };
  return { rtc, pass, irq: () => asserted, errors };
}

describe('PL031', () => {
  it('counts seconds from the start time', () => {
    const { rtc, pass } = clock();
    assert.equal(rtc.read(RTCDR, 4), 1000);
    pass(SECOND - 1n);
    assert.equal(rtc.read(RTCDR, 4), 1000);
    pass(1n);
    assert.equal(rtc.read(RTCDR, 4), 1001);
    assert.equal(rtc.read(RTCCR, 4), 1);
  });

  it('goes on from what RTCLR is written with, and wraps', () => {
    const { rtc, pass } = clock();
    pass(5n * SECOND);
    rtc.write(RTCLR, 4, 0xffff_ffff);
    assert.equal(rtc.read(RTCLR, 4), 0xffff_ffff);
    assert.equal(rtc.read(RTCDR, 4), 0xffff_ffff);
    pass(2n * SECOND);
    assert.equal(rtc.read(RTCDR, 4), 1);
  });

  it('raises its interrupt when RTCDR becomes RTCMR, until it is cleared', () => {
    const { rtc, pass, irq } = clock();
    rtc.write(RTCIMSC, 4, 1);
    rtc.write(RTCMR, 4, 1002);
    assert.equal(rtc.deadline, 2n * SECOND);
    pass(SECOND);
    assert.equal(irq(), false);
    pass(SECOND);
    assert.equal(irq(), true);
    assert.equal(rtc.deadline, undefined);
    pass(SECOND);
    assert.equal(rtc.read(RTCMIS, 4), 1);
    rtc.write(RTCICR, 4, 1);
    assert.equal(irq(), false);
    assert.equal(rtc.read(RTCRIS, 4), 0);
  });

  it('keeps a masked interrupt in RTCRIS', () => {
    const { rtc, pass, irq } = clock();
    rtc.write(RTCMR, 4, 1001);
    assert.equal(rtc.deadline, undefined, 'nothing will be asserted');
    pass(SECOND);
    assert.deepEqual([rtc.read(RTCRIS, 4), rtc.read(RTCMIS, 4), irq()], [1, 0, false]);
    rtc.write(RTCIMSC, 4, 1);
    assert.deepEqual([rtc.read(RTCMIS, 4), irq()], [1, true]);
  });

  it('matches at once when RTCMR is written with the present second', () => {
    const { rtc, irq } = clock();
    rtc.write(RTCIMSC, 4, 1);
    rtc.write(RTCMR, 4, 1000);
    assert.equal(irq(), true);
  });

  it('matches a second that has passed when the counter comes round', () => {
    const { rtc } = clock();
    rtc.write(RTCIMSC, 4, 1);
    rtc.write(RTCMR, 4, 999);
    assert.equal(rtc.deadline, 0xffff_ffffn * SECOND);
  });

  it('has the identification of a PL031', () => {
    const { rtc } = clock();
    const bytes = Array.from({ length: 8 }, (_, n) => rtc.read(0xfe0 + 4 * n, 4));
    assert.deepEqual(bytes, [0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('survives random accesses, and goes on from a saved state', () => {
    const random = seededRandom(31);
    const below = (limit: number): number => Math.floor(random() * limit);
    const first = clock();
    const second = clock();
    for (let n = 0; n < 5000; n += 1) {
      const size = ([1, 2, 4] as const)[below(3)] ?? 4;
      const offset = below(below(2) === 0 ? 0x24 : 0x1000) & ~(size - 1);
      if (below(2) === 0) first.rtc.write(offset, size, below(2 ** (8 * size)));
      else first.rtc.read(offset, size);
      const time = BigInt(below(3)) * SECOND;
      first.pass(time);
      second.pass(time);
    }
    second.rtc.restoreState(structuredClone(first.rtc.saveState()));
    assert.deepEqual(second.rtc.saveState(), first.rtc.saveState());
    assert.equal(second.irq(), first.irq());
    assert.equal(second.rtc.read(RTCDR, 4), first.rtc.read(RTCDR, 4));
  });
});
