import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HostFileError } from '../../../../debug-adapter/host.ts';
import { openDisk } from '../../../../debug-adapter/hosts/node-disk.ts';
import { CopyOnWriteDisk, WriteThroughDisk } from '../../../../emulator/devices/virtio/disk.ts';

describe('A file as a disk', () => {
  let folder: string;
  let file: string;
  const original = Uint8Array.from({ length: 8192 }, (_, i) => i % 251);

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'trapline-disk-'));
    file = path.join(folder, 'disk.img');
    writeFileSync(file, original);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('that is copied on write stays as it is', () => {
    const image = openDisk(file, 'read');
    const disk = new CopyOnWriteDisk(image);
    assert.ok(disk.write(512, new Uint8Array(1024).fill(0xee)));
    assert.equal(disk.read(1024, 1)?.[0], 0xee);
    image.close();
    assert.deepEqual(new Uint8Array(readFileSync(file)), original);
    assert.ok(!('write' in image), 'there is no way to write to it');
  });

  it('that is written through has what the guest wrote, and no more', () => {
    const image = openDisk(file, 'readWrite');
    const disk = new WriteThroughDisk(image);
    assert.ok(disk.write(512, Uint8Array.of(1, 2, 3)));
    image.close();
    const expected = original.slice();
    expected.set([1, 2, 3], 512);
    assert.deepEqual(new Uint8Array(readFileSync(file)), expected);
  });

  it('that becomes shorter fails as a disk does', () => {
    const image = openDisk(file, 'read');
    truncateSync(file, 100);
    assert.equal(image.read(512, 512), undefined);
    image.close();
    assert.equal(image.read(0, 1), undefined, 'it is closed');
  });

  it('is a regular file', () => {
    const missing = (error: unknown): boolean =>
      error instanceof HostFileError && error.kind === 'missing';
    assert.throws(() => openDisk(path.join(folder, 'none'), 'read'), missing);
    assert.throws(() => openDisk(folder, 'read'), /it is a folder/);
    if (process.platform === 'win32') return;
    const pipe = path.join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    assert.throws(() => openDisk(pipe, 'read'), /no regular file/);
    assert.throws(() => openDisk('/dev/zero', 'read'), /no regular file/);
  });
});
