/** Expected values: Virtual I/O Device (VIRTIO) 1.2. */
import assert from 'node:assert/strict';
import { VirtioBlock } from '../../../../../emulator/devices/virtio/block.ts';
import { VirtioConsole } from '../../../../../emulator/devices/virtio/console.ts';
import { CopyOnWriteDisk, WriteThroughDisk } from '../../../../../emulator/devices/virtio/disk.ts';
import type { DiskImage } from '../../../../../emulator/devices/virtio/disk.ts';
import { VirtioEntropy } from '../../../../../emulator/devices/virtio/entropy.ts';
import { seededRandom } from '../../../../support/random.ts';
import { Driver, queueAt, INDIRECT, NEXT, QUEUE_SIZE, RAM_BASE, WRITE } from './driver.ts';

const RECEIVEQ = 0;
const TRANSMITQ = 1;
const EVENT_IDX = 1n << 29n;
const NEEDS_RESET = 64;

const text = (bytes: readonly number[]): string => String.fromCharCode(...bytes);
const ascii = (words: string): Uint8Array => new TextEncoder().encode(words);

/** A console whose output is in `sent`. */
function consoleOn(version: 'legacy' | 'modern'): {
  driver: Driver;
  device: VirtioConsole;
  sent: number[];
} {
  const sent: number[] = [];
  const device = new VirtioConsole({ transmit: (bytes) => sent.push(...bytes) });
  return { driver: new Driver(version, device), device, sent };
}

/** 8 KiB in which each byte is its address's low byte. */
function image(): DiskImage & { readonly bytes: Uint8Array } {
  const bytes = Uint8Array.from({ length: 8192 }, (_, at) => at & 0xff);
  return {
    bytes,
    size: bytes.length,
    read: (offset, length) => bytes.slice(offset, offset + length),
    write: (offset, written) => {
      bytes.set(written, offset);
      return true;
    },
  };
}

/** virtio_blk_req without its data. */
function blockHeader(
  type: number,
  sector: bigint,
  data: Uint8Array = new Uint8Array(),
): Uint8Array {
  const header = new Uint8Array(16 + data.length);
  const view = new DataView(header.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, sector, true);
  header.set(data, 16);
  return header;
}

describe('virtio-mmio', () => {
  it('has no device in an empty slot', () => {
    const driver = new Driver('legacy', undefined);
    assert.equal(driver.read(0x000), 0x7472_6976);
    assert.equal(driver.read(0x004), 1);
    assert.equal(driver.read(0x008), 0);
    assert.deepEqual(driver.errors, []);
  });

  it('keeps the page size of a legacy driver that writes it before its reset, as Linux does', () => {
    const { driver } = consoleOn('legacy');
    driver.write(0x028, 4096);
    driver.write(0x070, 0);
    driver.write(0x030, TRANSMITQ);
    driver.write(0x038, 8);
    driver.write(0x03c, 4096);
    driver.write(0x040, 0x40010);
    assert.equal(driver.read(0x040), 0x40010);
    driver.transport.reset();
    driver.write(0x030, TRANSMITQ);
    driver.write(0x040, 0x40010);
    assert.equal(driver.read(0x040), 0, 'the machine starts again without it');
  });

  for (const version of ['legacy', 'modern'] as const) {
    describe(version, () => {
      it('says what it is', () => {
        const { driver } = consoleOn(version);
        assert.equal(driver.read(0x004), version === 'legacy' ? 1 : 2);
        assert.equal(driver.read(0x008), 3);
        driver.write(0x014, 1);
        assert.equal(driver.read(0x010), version === 'legacy' ? 0 : 1, 'VIRTIO_F_VERSION_1');
        driver.write(0x030, 2);
        assert.equal(driver.read(0x034), 0, 'there is no queue 2');
      });

      it('takes what the driver sends, and interrupts until that is acknowledged', () => {
        const { driver, sent } = consoleOn(version);
        driver.initialise(2);
        driver.request(TRANSMITQ, ascii('hello'), 0);
        assert.equal(text(sent), 'hello');
        assert.deepEqual(driver.used(TRANSMITQ), { index: 1, length: 0 });
        assert.equal(driver.read(0x060), 1);
        assert.equal(driver.irq, true);
        driver.write(0x064, 1);
        assert.equal(driver.irq, false);
      });

      it('keeps input until there is a buffer', () => {
        const { driver, device } = consoleOn(version);
        device.receive(ascii('key'));
        driver.initialise(2);
        assert.equal(driver.irq, false);
        device.receive(ascii('s'));
        const room = driver.request(RECEIVEQ, new Uint8Array(), 16);
        assert.equal(text([...room.subarray(0, 4)]), 's\0\0\0');
        assert.equal(
          driver.used(RECEIVEQ).length,
          1,
          'a reset by the driver drops what came before',
        );
        assert.equal(driver.irq, true);
      });

      it('follows an indirect table', () => {
        const { driver, sent } = consoleOn(version);
        driver.initialise(2);
        const table = RAM_BASE + 0x8_0000;
        const { descriptors } = queueAt(TRANSMITQ);
        driver.bytes.set(ascii('abcdef'), 0x9_0000);
        driver.describe(table, 0, {
          address: RAM_BASE + 0x9_0003,
          length: 3,
          flags: NEXT,
          next: 1,
        });
        driver.describe(table, 1, { address: RAM_BASE + 0x9_0000, length: 3, flags: 0 });
        driver.describe(descriptors, 5, { address: table, length: 32, flags: INDIRECT });
        driver.offer(TRANSMITQ, 5);
        assert.equal(text(sent), 'defabc');
      });

      it('interrupts and asks for notifications as the event indices say', () => {
        const { driver } = consoleOn(version);
        driver.initialise(2, EVENT_IDX);
        driver.setUsedEvent(TRANSMITQ, 1);
        driver.request(TRANSMITQ, ascii('a'), 0);
        assert.equal(driver.irq, false, 'the driver wants to know of the second buffer');
        assert.equal(driver.availableEvent(TRANSMITQ), 1);
        driver.request(TRANSMITQ, ascii('b'), 0);
        assert.equal(driver.irq, true);
        assert.equal(driver.availableEvent(TRANSMITQ), 2);
      });

      it('goes on after a restore as before the save', () => {
        const first = consoleOn(version);
        first.driver.initialise(2);
        first.driver.request(TRANSMITQ, ascii('a'), 0);
        first.device.receive(ascii('typed'));
        const second = consoleOn(version);
        second.driver.bytes.set(first.driver.bytes);
        second.driver.transport.restoreState(structuredClone(first.driver.transport.saveState()));
        assert.equal(second.driver.irq, true);
        assert.equal(second.driver.read(0x070), 15);
        const room = second.driver.request(RECEIVEQ, new Uint8Array(), 5);
        assert.equal(text([...room]), 'typed');
      });

      const table = queueAt(TRANSMITQ).descriptors;
      const broken: readonly { title: string; message: RegExp; break: (driver: Driver) => void }[] =
        [
          {
            title: 'a buffer outside RAM',
            message: /buffer of 16 bytes at 0x1000 is not in RAM/,
            break: (driver) => {
              driver.describe(table, 0, { address: 0x1000, length: 16, flags: 0 });
              driver.offer(TRANSMITQ, 0);
            },
          },
          {
            title: 'a chain that runs in a circle',
            message: /chain has more than 8 descriptors/,
            break: (driver) => {
              driver.describe(table, 0, { address: RAM_BASE, length: 1, flags: NEXT, next: 0 });
              driver.offer(TRANSMITQ, 0);
            },
          },
          {
            title: 'an index behind the table',
            message: /descriptor 9 is not in its table/,
            break: (driver) => {
              driver.offer(TRANSMITQ, 9);
            },
          },
          {
            title: 'an indirect table in an indirect table',
            message: /indirect descriptor is in an indirect table/,
            break: (driver) => {
              driver.describe(table, 0, { address: table, length: 16, flags: INDIRECT });
              driver.offer(TRANSMITQ, 0);
            },
          },
          {
            title: 'an address that wraps',
            message: /is not in RAM/,
            break: (driver) => {
              const address = 0xffff_ffff_ffff_fff0n;
              driver.describe(table, 0, { address, length: 0x20, flags: 0 });
              driver.offer(TRANSMITQ, 0);
            },
          },
          {
            title: 'a readable buffer behind a writable one',
            message: /readable buffer follows a writable one/,
            break: (driver) => {
              const buffer = { address: RAM_BASE, length: 1 };
              driver.describe(table, 0, { ...buffer, flags: WRITE | NEXT, next: 1 });
              driver.describe(table, 1, { ...buffer, flags: 0 });
              driver.offer(TRANSMITQ, 0);
            },
          },
        ];
      for (const { title, message, break: act } of broken) {
        it(`needs a reset after ${title}, says so once, and works again after it`, () => {
          const { driver, sent } = consoleOn(version);
          driver.initialise(2);
          act(driver);
          driver.write(0x050, TRANSMITQ);
          driver.write(0x050, TRANSMITQ);
          assert.equal(driver.errors.length, 1);
          assert.match(driver.errors[0] ?? '', message);
          assert.equal(driver.read(0x070) & NEEDS_RESET, NEEDS_RESET);
          assert.equal(driver.read(0x060), 2, 'a configuration change');
          const again = consoleOn(version);
          again.driver.initialise(2);
          again.driver.request(TRANSMITQ, ascii('x'), 0);
          assert.equal(text(again.sent), 'x');
          assert.equal(text(sent), '');
        });
      }
    });
  }

  it('does not let a modern driver go on without VIRTIO_F_VERSION_1', () => {
    const { driver } = consoleOn('modern');
    driver.write(0x070, 3);
    driver.write(0x070, 11);
    assert.equal(driver.read(0x070), 3);
  });
});

describe('virtio block device', () => {
  const OK = 0;
  const IOERR = 1;
  const UNSUPP = 2;

  it('tells its capacity in sectors', () => {
    const driver = new Driver('modern', new VirtioBlock(new CopyOnWriteDisk(image()), 'disk0'));
    assert.equal(driver.read(0x100), 16);
    assert.equal(driver.read(0x104), 0);
  });

  it('reads sectors', () => {
    const driver = new Driver('modern', new VirtioBlock(new CopyOnWriteDisk(image()), 'disk0'));
    driver.initialise(1);
    const answer = driver.request(0, blockHeader(0, 3n), 513);
    assert.deepEqual(answer.subarray(0, 512), image().bytes.subarray(1536, 2048));
    assert.equal(answer[512], OK);
    assert.equal(driver.used(0).length, 513);
  });

  it('keeps what is written in memory, where a reset drops it and a snapshot holds it', () => {
    const original = image();
    const disk = new CopyOnWriteDisk(original);
    const driver = new Driver('modern', new VirtioBlock(disk, 'disk0'));
    driver.initialise(1);
    const data = new Uint8Array(1024).fill(0xee);
    assert.deepEqual([...driver.request(0, blockHeader(1, 7n, data), 1)], [OK]);
    const read = (): Uint8Array => driver.request(0, blockHeader(0, 7n), 1025).subarray(0, 1024);
    assert.deepEqual(read(), data);
    assert.deepEqual(original.bytes, image().bytes);
    const saved = disk.saveState();
    disk.reset();
    assert.deepEqual(read(), image().bytes.slice(3584, 4608));
    disk.restoreState(saved);
    assert.deepEqual(read(), data);
  });

  it('writes through where it is asked to', () => {
    const original = image();
    const driver = new Driver('legacy', new VirtioBlock(new WriteThroughDisk(original), 'disk0'));
    driver.initialise(1);
    driver.request(0, blockHeader(1, 0n, new Uint8Array(512).fill(1)), 1);
    assert.deepEqual(original.bytes.subarray(0, 512), new Uint8Array(512).fill(1));
  });

  const refused = [
    { title: 'behind the last sector', header: blockHeader(0, 15n), room: 1025, status: IOERR },
    { title: 'far behind it', header: blockHeader(0, 1n << 60n), room: 513, status: IOERR },
    { title: 'of half a sector', header: blockHeader(0, 0n), room: 257, status: IOERR },
    { title: 'without a whole header', header: new Uint8Array(8), room: 513, status: IOERR },
    { title: 'of an unknown type', header: blockHeader(77, 0n), room: 1, status: UNSUPP },
    { title: 'to write', header: blockHeader(1, 0n, new Uint8Array(512)), room: 1, status: IOERR },
  ];
  for (const { title, header, room, status } of refused) {
    it(`refuses a request ${title} on a read-only disk`, () => {
      const driver = new Driver('modern', new VirtioBlock(new CopyOnWriteDisk(image(), true), ''));
      driver.initialise(1);
      assert.equal(driver.request(0, header, room)[room - 1], status);
      assert.deepEqual(driver.errors, []);
    });
  }
});

describe('virtio entropy device', () => {
  it('gives the same bytes for the same seed, and others for another one', () => {
    const bytes = (seed: bigint): string => {
      const driver = new Driver('modern', new VirtioEntropy(seed));
      driver.initialise(1);
      return [...driver.request(0, new Uint8Array(), 32)].join();
    };
    assert.equal(bytes(1n), bytes(1n));
    assert.notEqual(bytes(1n), bytes(2n));
  });
});

describe('virtio under random accesses', () => {
  const devices = {
    console: () => new VirtioConsole({ transmit: () => undefined }),
    block: () => new VirtioBlock(new CopyOnWriteDisk(image()), 'disk0'),
    entropy: () => new VirtioEntropy(1n),
  };
  for (const version of ['legacy', 'modern'] as const) {
    for (const [name, create] of Object.entries(devices)) {
      it(`${version} ${name} survives 20,000 register accesses and rings of random bytes`, () => {
        const seed = 0x5eed_0001;
        const random = seededRandom(seed);
        const below = (limit: number): number => Math.floor(random() * limit);
        const driver = new Driver(version, create());
        for (let i = 0; i < 20_000; i += 1) {
          if (i % 200 === 0) {
            driver.initialise(1);
            const { descriptors } = queueAt(0);
            for (let entry = 0; entry < QUEUE_SIZE; entry += 1) {
              driver.describe(descriptors, entry, {
                address:
                  below(4) === 0 ? BigInt(below(2 ** 50)) : BigInt(RAM_BASE + below(1 << 20)),
                length: below(3) === 0 ? below(0x1_0000_0000) : below(2048),
                flags: below(8),
                next: below(10),
              });
            }
          }
          const size = ([1, 2, 4] as const)[below(3)] ?? 4;
          const offset = below(0x200 / size) * size;
          const action = below(4);
          if (action === 0) driver.transport.read(offset, size);
          else if (action === 1) driver.transport.write(offset, size, below(2 ** (8 * size)));
          else if (action === 2) driver.offer(0, below(QUEUE_SIZE + 1));
          else assert.ok(driver.transport.peek(offset, size) < 2 ** 32);
        }
      });
    }
  }
});
