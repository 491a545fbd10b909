import assert from 'node:assert/strict';
import { SystemBus } from '../../../../emulator/devices/bus.ts';
import type { Device } from '../../../../emulator/devices/device.ts';

function registers(name: string): Device & { readonly log: string[] } {
  const log: string[] = [];
  return {
    name,
    log,
    read(offset, size) {
      log.push(`read ${offset}/${size}`);
      return 0x8000_0000 + offset;
    },
    write(offset, size, value) {
      log.push(`write ${offset}/${size} ${value.toString(16)}`);
    },
    peek: (offset) => offset,
    reset: () => log.push('reset'),
    saveState: () => log.length,
    restoreState: () => undefined,
  };
}

describe('the system bus', () => {
  it('gives a device offsets, and splits doublewords into words', () => {
    const bus = new SystemBus();
    const device = registers('first');
    bus.attach(0x1000n, 0x100, device);
    assert.equal(bus.read(0x1004n, 4), 0x8000_0004n);
    assert.equal(bus.read(0x1008n, 8), 0x8000_000c_8000_0008n);
    assert.ok(bus.write(0x1010n, 8, 0x1122_3344_5566_7788n));
    assert.ok(bus.write(0x1018n, 1, 0x1ffn));
    assert.deepEqual(device.log, [
      'read 4/4',
      'read 8/4',
      'read 12/4',
      'write 16/4 55667788',
      'write 20/4 11223344',
      'write 24/1 ff',
    ]);
  });

  it('ends in an external abort where no device answers', () => {
    const bus = new SystemBus();
    bus.attach(0x1000n, 0x100, registers('first'));
    assert.equal(bus.read(0xfffn, 4), undefined);
    assert.equal(bus.read(0x10fen, 4), undefined);
    assert.equal(bus.write(0x1100n, 4, 0n), false);
    assert.equal(bus.peek(0x2000n, 1), undefined);
  });

  it('peeks without touching the device', () => {
    const bus = new SystemBus();
    const device = registers('first');
    bus.attach(0x1000n, 0x100, device);
    assert.equal(bus.peek(0x1020n, 4), 0x20n);
    assert.deepEqual(device.log, []);
  });

  it('refuses overlapping devices', () => {
    const bus = new SystemBus();
    bus.attach(0x1000n, 0x100, registers('first'));
    assert.throws(() => {
      bus.attach(0x10ffn, 1, registers('second'));
    }, TypeError);
  });
});
