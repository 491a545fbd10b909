/** What a guest can reach of the host, by whatever it does: its console, and what the launch configuration names. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { serveTcp } from '../../debug-adapter/hosts/tcp.ts';
import { checkingFactory } from '../support/checking-factory.ts';
import { DapClient } from './support/client.ts';

const START = 0x4008_0000n;
/** hlt #0xf000 */
const SEMIHOSTING = 0xd45e0000;
/** str w0, [x1] */
const STORE = 0xb9000020;
/** ldr w0, [x1] */
const LOAD = 0xb9400020;
const [CALL_AT, STORE_AT, LOAD_AT] = [START, START + 4n, START + 8n];

const BLOCK = 0x4100_0000n;
const NAME = 0x4100_1000n;
const OTHER_NAME = 0x4100_2000n;
const DATA = 0x4100_3000n;

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const words = (...values: readonly bigint[]): Buffer =>
  Buffer.from(BigUint64Array.from(values).buffer);

/** A guest of three instructions, each of which is executed with the registers that a test wants. */
class PuppetGuest {
  readonly client = new DapClient();
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async start(configuration: object): Promise<void> {
    const program = path.join(this.#folder, 'guest.bin');
    writeFileSync(program, Buffer.from(Uint32Array.of(SEMIHOSTING, STORE, LOAD).buffer));
    await this.client.start({ program, loadAddress: hex(START), ...configuration });
    await this.client.stopped();
  }

  async #execute(address: bigint, X0: bigint, X1: bigint): Promise<bigint> {
    for (const [name, value] of [
      ['PC', address],
      ['X0', X0],
      ['X1', X1],
    ] as const) {
      await this.client.send('setExpression', { expression: `$${name}`, value: hex(value) });
    }
    await this.client.resume('stepIn', { granularity: 'instruction' });
    return BigInt.asUintN(64, BigInt(await this.client.evaluate('$X0')));
  }

  /** Writes guest memory. */
  async put(address: bigint, bytes: Uint8Array): Promise<void> {
    const data = Buffer.from(bytes).toString('base64');
    await this.client.send('writeMemory', { memoryReference: hex(address), data });
  }

  async get(address: bigint, count: number): Promise<Buffer> {
    const body = await this.client.send<DebugProtocol.ReadMemoryResponse['body']>('readMemory', {
      memoryReference: hex(address),
      count,
    });
    return Buffer.from(body?.data ?? '', 'base64');
  }

  store(address: bigint, value: bigint): Promise<bigint> {
    return this.#execute(STORE_AT, value, address);
  }
  load(address: bigint): Promise<bigint> {
    return this.#execute(LOAD_AT, 0n, address);
  }

  /** @returns what X0 holds afterwards, signed */
  async call(operation: number, ...block: readonly bigint[]): Promise<bigint> {
    await this.put(BLOCK, words(...block));
    return BigInt.asIntN(64, await this.#execute(CALL_AT, BigInt(operation), BLOCK));
  }

  async open(name: string, mode: bigint): Promise<bigint> {
    const bytes = Buffer.from(`${name}\0`);
    await this.put(NAME, bytes);
    return this.call(0x01, NAME, mode, BigInt(bytes.length - 1));
  }

  async remove(name: string): Promise<bigint> {
    await this.put(NAME, Buffer.from(name));
    return this.call(0x0e, NAME, BigInt(Buffer.byteLength(name)));
  }

  async rename(from: string, to: string): Promise<bigint> {
    await this.put(NAME, Buffer.from(from));
    await this.put(OTHER_NAME, Buffer.from(to));
    const [fromLength, toLength] = [from, to].map((it) => BigInt(Buffer.byteLength(it)));
    return this.call(0x0f, NAME, fromLength ?? 0n, OTHER_NAME, toLength ?? 0n);
  }
}

describe('A guest reaches nothing of the host but what it is given', function () {
  this.timeout(20_000);
  let outer: string;
  let root: string;
  let guest: PuppetGuest;

  beforeEach(() => {
    outer = mkdtempSync(path.join(tmpdir(), 'trapline-contained-'));
    root = path.join(outer, 'root');
    mkdirSync(root);
    writeFileSync(path.join(outer, 'secret'), 'secret');
    writeFileSync(path.join(root, 'given'), 'given');
    guest = new PuppetGuest(outer);
  });
  afterEach(async () => {
    await guest.client.disconnect();
    assert.deepEqual(guest.client.logged, []);
    rmSync(outer, { recursive: true });
  });

  describe('by semihosting', () => {
    it('has no files without a root', async () => {
      await guest.start({});
      for (const mode of [0n, 4n, 8n]) {
        assert.equal(await guest.open(path.join(outer, 'secret'), mode), -1n);
        assert.equal(await guest.open('made', mode), -1n);
      }
      assert.equal(await guest.remove(path.join(outer, 'secret')), -1n);
      assert.equal(await guest.rename(path.join(outer, 'secret'), 'x'), -1n);
      assert.equal(await guest.open(':tt', 0n), 1n);
    });

    it('uses the files of its root', async () => {
      await guest.start({ semihosting: { root } });
      const handle = await guest.open('given', 0n);
      assert.ok(handle > 3n);
      assert.equal(await guest.call(0x0c, handle), 5n);
      // Five of the eight bytes are there.
      assert.equal(await guest.call(0x06, handle, DATA, 8n), 3n);
      assert.equal((await guest.get(DATA, 5)).toString(), 'given');
      assert.equal(await guest.call(0x09, handle), 0n);
      assert.equal(await guest.call(0x02, handle), 0n);

      const made = await guest.open('made', 4n);
      assert.equal(await guest.call(0x05, made, DATA, 5n), 0n);
      assert.equal(await guest.call(0x0a, made, 2n), 0n);
      assert.equal(await guest.call(0x05, made, DATA, 2n), 0n);
      assert.equal(await guest.call(0x02, made), 0n);
      assert.equal(readFileSync(path.join(root, 'made'), 'utf8'), 'gigin');
      assert.equal(await guest.rename('made', 'kept'), 0n);
      assert.equal(await guest.remove('given'), 0n);
      assert.deepEqual(
        ['made', 'kept', 'given'].map((name) => existsSync(path.join(root, name))),
        [false, true, false],
      );
    });

    it('gets out of its root by no name', async () => {
      symlinkSync(path.join(outer, 'secret'), path.join(root, 'link'));
      symlinkSync(outer, path.join(root, 'up'));
      await guest.start({ semihosting: { root } });
      const names = ['../secret', path.join(outer, 'secret'), 'link', 'up/secret', './../secret'];
      for (const name of names) {
        for (const mode of [0n, 2n, 4n, 6n, 8n, 10n]) {
          assert.equal(await guest.open(name, mode), -1n, name);
        }
        assert.equal(await guest.remove(name), -1n, name);
        assert.equal(await guest.rename(name, 'taken'), -1n, name);
        assert.equal(await guest.rename('given', name), -1n, name);
      }
      for (const name of ['../made', 'up/made', path.join(outer, 'made')]) {
        assert.equal(await guest.open(name, 4n), -1n, name);
      }
      assert.equal(existsSync(path.join(outer, 'made')), false);
      assert.equal(readFileSync(path.join(outer, 'secret'), 'utf8'), 'secret');
      assert.equal(readFileSync(path.join(root, 'given'), 'utf8'), 'given');
    });

    it('runs no command, and gets nowhere with absurd lengths', async () => {
      await guest.start({ semihosting: { root } });
      await guest.put(NAME, Buffer.from('touch made'));
      assert.equal(await guest.call(0x12, NAME, 10n), -1n);
      const handle = await guest.open('given', 2n);
      for (const length of [1n << 40n, (1n << 63n) - 1n, (1n << 64n) - 1n]) {
        assert.equal(await guest.call(0x01, NAME, 0n, length), -1n);
        assert.equal(await guest.call(0x0e, NAME, length), -1n);
        // From the last page of RAM on there is nothing to write.
        assert.equal(
          BigInt.asUintN(64, await guest.call(0x05, handle, 0x4800_0000n, length)),
          length,
        );
        await guest.call(0x06, handle, 0x4800_0000n, length);
        await guest.call(0x06, 1n, 0x4800_0000n, length);
      }
      assert.equal(readFileSync(path.join(root, 'given'), 'utf8'), 'given');
      assert.equal(existsSync(path.join(root, 'made')), false);
    });

    it('has its files closed by a restart', async () => {
      await guest.start({ semihosting: { root } });
      const handle = await guest.open('given', 0n);
      await guest.client.send('restart');
      await guest.client.stopped();
      assert.equal(await guest.call(0x0c, handle), -1n);
    });
  });

  describe('by a virtio disk', () => {
    /** The first device has the last transport. */
    const TRANSPORT = 0x0a00_3e00n;
    const QUEUE = 0x4200_0000n;
    const BUFFER = 0x4300_0000n;
    const STATUS = BUFFER + 0x3000n;
    let disk: string;
    let requests: number;

    beforeEach(() => {
      disk = path.join(outer, 'disk.img');
      writeFileSync(disk, new Uint8Array(4096).fill(0x11));
      requests = 0;
    });

    /** VIRTIO 1.2, "Legacy interface": one queue of eight entries. */
    async function initialise(): Promise<void> {
      for (const [offset, value] of [
        [0x70n, 0n],
        [0x70n, 3n],
        [0x28n, 4096n],
        [0x30n, 0n],
        [0x38n, 8n],
        [0x3cn, 4096n],
        [0x40n, QUEUE / 4096n],
        [0x70n, 7n],
      ] as const) {
        await guest.store(TRANSPORT + offset, value);
      }
    }

    interface Buffer_ {
      readonly address: bigint;
      readonly length: number;
      readonly writable: boolean;
    }

    async function submit(...buffers: readonly Buffer_[]): Promise<void> {
      for (const [n, { address, length, writable }] of buffers.entries()) {
        const isLast = n === buffers.length - 1;
        const descriptor = Buffer.alloc(16);
        descriptor.writeBigUInt64LE(address, 0);
        descriptor.writeUInt32LE(length, 8);
        descriptor.writeUInt16LE((isLast ? 0 : 1) | (writable ? 2 : 0), 12);
        descriptor.writeUInt16LE(isLast ? 0 : n + 1, 14);
        await guest.put(QUEUE + BigInt(16 * n), descriptor);
      }
      requests += 1;
      // flags, idx and the first entry of the ring, which is always chain 0
      const available = Buffer.alloc(4 + 16);
      available.writeUInt16LE(requests, 2);
      await guest.put(QUEUE + 128n, available);
      await guest.put(STATUS, Uint8Array.of(0xff));
      await guest.store(TRANSPORT + 0x50n, 0n);
    }

    /** @returns the status: 0 OK, 1 error */
    async function transfer(kind: 'read' | 'write', sector: bigint): Promise<number | undefined> {
      await guest.put(BUFFER, words(kind === 'read' ? 0n : 1n, sector));
      await submit(
        { address: BUFFER, length: 16, writable: false },
        { address: BUFFER + 0x1000n, length: 512, writable: kind === 'read' },
        { address: STATUS, length: 1, writable: true },
      );
      return (await guest.get(STATUS, 1))[0];
    }

    const sector = (value: number): Buffer => Buffer.alloc(512, value);

    it('leaves the file untouched unless it is asked to write', async () => {
      await guest.start({ disks: [disk] });
      await initialise();
      await guest.put(BUFFER + 0x1000n, sector(0x22));
      assert.equal(await transfer('write', 1n), 0);
      await guest.put(BUFFER + 0x1000n, sector(0));
      assert.equal(await transfer('read', 1n), 0);
      assert.deepEqual(await guest.get(BUFFER + 0x1000n, 512), sector(0x22), 'the guest has it');
      assert.deepEqual(readFileSync(disk), Buffer.alloc(4096, 0x11));
    });

    it('writes to the file where "writable" says so, and nowhere else', async () => {
      await guest.start({ disks: [{ path: disk, writable: true }] });
      await initialise();
      await guest.put(BUFFER + 0x1000n, sector(0x22));
      assert.equal(await transfer('write', 1n), 0);
      assert.equal(await transfer('write', 8n), 1, 'behind the end');
      assert.equal(await transfer('write', 1n << 55n), 1, 'far behind the end');
      const expected = Buffer.alloc(4096, 0x11);
      expected.fill(0x22, 512, 1024);
      assert.deepEqual(readFileSync(disk), expected);
    });

    it('cannot write to a disk that is read-only', async () => {
      await guest.start({ disks: [{ path: disk, readOnly: true }] });
      await initialise();
      assert.equal(await transfer('write', 1n), 1);
      assert.equal(await transfer('read', 1n), 0);
    });

    it('goes on when descriptors lie outside RAM', async () => {
      await guest.start({ disks: [{ path: disk, writable: true }] });
      await initialise();
      const outside = [0n, TRANSPORT, 0x4800_0000n, 0x47ff_fff8n, (1n << 64n) - 8n, 1n << 63n];
      for (const address of outside) {
        await guest.put(BUFFER, words(1n, 2n));
        for (const [header, data] of [
          [address, BUFFER + 0x1000n],
          [BUFFER, address],
        ] as const) {
          await submit(
            { address: header, length: 16, writable: false },
            { address: data, length: 512, writable: false },
            { address: STATUS, length: 1, writable: true },
          );
        }
        await submit(
          { address: BUFFER, length: 16, writable: false },
          { address: address, length: 0xffff_ffff, writable: true },
        );
      }
      // And a queue that is nowhere.
      for (const page of [0n, 0x48000n, 0xffff_ffffn]) {
        await guest.store(TRANSPORT + 0x40n, page);
        await guest.store(TRANSPORT + 0x50n, 0n);
      }
      assert.deepEqual(readFileSync(disk), Buffer.alloc(4096, 0x11));
      await guest.store(TRANSPORT + 0x70n, 0n);
      requests = 0;
      await initialise();
      assert.equal(await transfer('read', 0n), 0, 'the device serves again after a reset');
      assert.equal(await guest.load(TRANSPORT), 0x7472_6976n, '"virt"');
    });
  });

  it('as does the network: the server listens on 127.0.0.1 alone', async () => {
    const server = serveTcp(checkingFactory, 0);
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    try {
      assert.equal(address.address, '127.0.0.1');
      const others = Object.values(networkInterfaces())
        .flatMap((list) => list ?? [])
        .filter(({ internal, family }) => !internal && family === 'IPv4');
      for (const { address: host } of others) {
        await assert.rejects(
          new Promise((resolve, reject) => {
            connect({ host, port: address.port }, () => {
              resolve(undefined);
            }).on('error', reject);
          }),
          /ECONNREFUSED/,
        );
      }
    } finally {
      server.close();
    }
  });
});
