import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { gunzip } from '../../../../debug-adapter/hosts/gunzip.ts';

describe('gunzip', () => {
  const data = new Uint8Array(300_000).map((_, i) => (i * i) >> 5);

  it('gives back what gzip has compressed', async () => {
    assert.deepEqual(await gunzip(gzipSync(data), data.length), data);
  });

  it('refuses more than was asked for, before all of it is there', async () => {
    await assert.rejects(gunzip(gzipSync(data), data.length - 1), /more than 299999 bytes/);
  });

  it('refuses what is no gzip, cut off or damaged', async () => {
    const compressed = gzipSync(data);
    await assert.rejects(gunzip(Uint8Array.of(1, 2, 3), 100));
    await assert.rejects(gunzip(compressed.subarray(0, 1000), data.length));
    const damaged = Uint8Array.from(compressed);
    damaged[damaged.length - 6] = (damaged[damaged.length - 6] ?? 0) ^ 1; // CRC32
    await assert.rejects(gunzip(damaged, data.length));
  });
});
