/** What the launch configuration plugs into the board, as the debugger reads the devices: without side effects. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DapClient } from './support/client.ts';

const NOP = 0xd503201f;
const RTC = 0x0901_0000;
const VIRTIO = 0x0a00_0000;
const TRANSPORTS = 32;

describe('The board of a launch configuration', () => {
  let folder: string;
  let client: DapClient;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'trapline-board-'));
    client = new DapClient();
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
    rmSync(folder, { recursive: true });
  });

  function file(name: string, bytes: Uint8Array): string {
    const made = path.join(folder, name);
    writeFileSync(made, bytes);
    return made;
  }

  const image = (): Uint8Array => new Uint8Array(Uint32Array.of(NOP, NOP).buffer);

  async function start(configuration: object = {}): Promise<void> {
    const program = file('image.bin', image());
    await client.start({ program, loadAddress: '0x40080000', ...configuration });
    await client.stopped();
  }

  async function bytesAt(address: number | bigint, count: number): Promise<Buffer> {
    const body = await client.send<DebugProtocol.ReadMemoryResponse['body']>('readMemory', {
      memoryReference: `0x${address.toString(16)}`,
      count,
    });
    return Buffer.from(body?.data ?? '', 'base64');
  }
  const word = async (address: number): Promise<number> =>
    (await bytesAt(address, 4)).readUInt32LE();

  /** By transport, where there is a device; DeviceID of VIRTIO 1.2, "Device Types". */
  async function virtioDevices(): Promise<[number, number][]> {
    const found: [number, number][] = [];
    for (let n = 0; n < TRANSPORTS; n += 1) {
      const id = await word(VIRTIO + 0x200 * n + 8);
      if (id !== 0) found.push([n, id]);
    }
    return found;
  }

  it('hands the address of the device tree to a raw image in X0', async () => {
    await start({ append: 'one two' });
    const tree = await bytesAt(BigInt(await client.evaluate('$X0')), 8192);
    assert.equal(tree.readUInt32BE(0), 0xd00dfeed);
    assert.ok(tree.includes('one two\0'));
    assert.equal(BigInt(await client.evaluate('$X1')), 0n);
  });

  it('takes a raw image that gzip has compressed', async () => {
    const program = file('image.bin.gz', gzipSync(image()));
    await client.start({ program, loadAddress: '0x40080000' });
    await client.stopped();
    assert.equal(await word(0x4008_0000), NOP);
  });

  it('has no virtio device and a clock at 1970 unless told otherwise', async () => {
    await start();
    assert.deepEqual(await virtioDevices(), []);
    assert.equal(await word(RTC), 0);
  });

  it('has disks, an entropy device and a console, from the last transport down', async () => {
    await start({
      disks: [file('a.img', new Uint8Array(1024)), { path: file('b.img', new Uint8Array(2048)) }],
      entropySeed: 1,
      consoleDevice: 'virtio',
    });
    assert.deepEqual(await virtioDevices(), [
      [28, 4],
      [29, 2],
      [30, 2],
      [31, 3],
    ]);
    const capacity = (n: number): Promise<number> => word(VIRTIO + 0x200 * n + 0x100);
    assert.deepEqual([await capacity(30), await capacity(29)], [2, 4], 'in sectors');
    assert.equal(await word(VIRTIO + 0x200 * 30 + 4), 1, 'of the legacy interface');
  });

  it('has modern transports when asked for', async () => {
    await start({ virtio: 'modern' });
    assert.equal(await word(VIRTIO + 4), 2);
  });

  it('has the time that is asked for', async () => {
    await start({ rtc: '2026-01-31T12:00:00Z' });
    assert.equal(await word(RTC), 1_769_860_800);
  });

  it('has the time of the host, which a restart keeps', async () => {
    client = new DapClient({ host: { secondsSince1970: () => 1_800_000_000 } });
    await start({ rtc: 'now' });
    assert.equal(await word(RTC), 1_800_000_000);
    await client.send('restart');
    await client.stopped();
    assert.equal(await word(RTC), 1_800_000_000);
  });

  describe('on a host that reads whole files only, such as a browser', () => {
    const browser = { openDisk: undefined, openFolder: undefined } as const;

    beforeEach(() => {
      // `exactOptionalPropertyTypes`: absent in a browser, here present without a value.
      client = new DapClient({ host: browser as object });
    });

    it('has disks that are copied on write', async () => {
      await start({ disks: [file('a.img', new Uint8Array(1024))] });
      assert.deepEqual(await virtioDevices(), [[31, 2]]);
    });

    it('refuses by name what it cannot do', async () => {
      const program = file('image.bin', image());
      await client.send('initialize', { adapterID: 'trapline' });
      const disk = { path: file('a.img', new Uint8Array(1024)), writable: true };
      const launch = { program, loadAddress: '0x40080000' };
      await assert.rejects(
        client.send('launch', { ...launch, disks: [disk] }),
        /"disks\[0\]\.writable".*a browser cannot write/,
      );
      await assert.rejects(
        client.send('launch', { ...launch, semihosting: { root: folder } }),
        /"semihosting\.root".*a browser has no folders/,
      );
    });
  });

  it('refuses a disk that is missing, empty or a folder by the name of its field', async () => {
    const program = file('image.bin', image());
    await client.send('initialize', { adapterID: 'trapline' });
    for (const [disk, message] of [
      [path.join(folder, 'none'), /none" does not exist. Correct "disks\[0\]\.path"/],
      [file('empty.img', new Uint8Array(0)), /it has 0 bytes.*"disks\[0\]\.path"/],
      [folder, /it is a folder.*"disks\[0\]\.path"/],
    ] as const) {
      await assert.rejects(
        client.send('launch', { program, loadAddress: '0x40080000', disks: [disk] }),
        message,
      );
    }
  });

  it('does not compare policies by writing to files again', async () => {
    const disk = { path: file('a.img', new Uint8Array(1024)), writable: true };
    await start({ disks: [disk] });
    await assert.rejects(
      client.send('trapline/comparePolicies', {}),
      /would write to your files again.*"disks\[0\]\.writable"/,
    );
  });
});
