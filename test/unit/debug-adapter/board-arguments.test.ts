import assert from 'node:assert/strict';
import {
  diskArguments,
  entropySeedArgument,
  rtcArgument,
  semihostingArgument,
} from '../../../debug-adapter/board-arguments.ts';

describe('Disks of a launch configuration', () => {
  it('are not written to unless that is asked for', () => {
    const disks = diskArguments([
      'a.img',
      { path: 'b.img' },
      { path: 'c.img', writable: true },
      { path: 'd.img', readOnly: true, id: 'backup' },
    ]);
    assert.deepEqual(disks, [
      { path: 'a.img', writes: 'copyOnWrite', id: 'disk0' },
      { path: 'b.img', writes: 'copyOnWrite', id: 'disk1' },
      { path: 'c.img', writes: 'writeThrough', id: 'disk2' },
      { path: 'd.img', writes: 'refused', id: 'backup' },
    ]);
  });

  const wrong = [
    [[{ path: 'a', writeable: true }], /"disks\[0\]\.writeable".*"writable"/],
    [['a', { writable: true }], /"disks\[1\]\.path"/],
    [[{ path: 'a', writable: true, readOnly: true }], /"disks\[0\]\.writable".*choose one/],
    [[{ path: 'a', id: 'a serial number too long' }], /"disks\[0\]\.id".*20 characters/],
  ] as const;
  for (const [given, message] of wrong) {
    it(`${JSON.stringify(given)} is refused by the name of its field`, () => {
      assert.throws(() => diskArguments(given), message);
    });
  }
});

describe('The clock of a launch configuration', () => {
  // The expected numbers are those of date -u -d ... +%s.
  const times = [
    [undefined, 0],
    ['now', 'now'],
    [1_700_000_000, 1_700_000_000],
    ['2026-01-31', 1_769_817_600],
    ['2026-01-31T12:00:00Z', 1_769_860_800],
    ['2026-01-31 12:00', 1_769_860_800],
    ['2026-01-31T12:00:00+02:00', 1_769_853_600],
  ] as const;
  for (const [given, seconds] of times) {
    it(`${given ?? 'nothing'} is ${seconds}`, () => {
      assert.equal(rtcArgument(given), seconds);
    });
  }

  it('has 32 bits', () => {
    assert.throws(() => rtcArgument('2106-02-07T06:28:16Z'), /"rtc".*32 bits/);
    assert.equal(rtcArgument('2106-02-07T06:28:15Z'), 2 ** 32 - 1);
  });
});

describe('Entropy and semihosting of a launch configuration', () => {
  it('a seed has up to 64 bits', () => {
    assert.equal(entropySeedArgument(undefined), undefined);
    assert.equal(entropySeedArgument(7), 7n);
    assert.equal(entropySeedArgument('0xffffffffffffffff'), 2n ** 64n - 1n);
    assert.throws(() => entropySeedArgument('0x10000000000000000'), /"entropySeed".*64 bits/);
  });

  it('without a root there are no files', () => {
    assert.deepEqual(semihostingArgument(undefined), {});
    assert.deepEqual(semihostingArgument({}), {});
    assert.deepEqual(semihostingArgument({ root: '/files' }), { root: '/files' });
    assert.throws(() => semihostingArgument({ folder: '/files' }), /"semihosting\.folder"/);
  });
});
