/** Expected bytes: Devicetree Specification 0.4, "Flattened Devicetree (DTB) Format". */
import assert from 'node:assert/strict';
import { boardDeviceTree } from '../../../../emulator/board/device-tree.ts';
import { cells64, flattenDeviceTree } from '../../../../emulator/board/flattened-device-tree.ts';

function words(blob: Uint8Array, at: number, count: number): number[] {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
  return Array.from({ length: count }, (_, n) => view.getUint32(at + 4 * n));
}

describe('Flattened device tree', () => {
  it('of an empty root is a header, no reservations, and two tokens and an end', () => {
    const blob = flattenDeviceTree({ name: '', properties: {} }, 5);
    assert.equal(blob.length, 72);
    assert.deepEqual(words(blob, 0, 10), [0xd00dfeed, 72, 56, 72, 40, 17, 16, 5, 0, 16]);
    assert.deepEqual(words(blob, 40, 4), [0, 0, 0, 0]);
    assert.deepEqual(words(blob, 56, 4), [1, 0, 2, 9]);
  });

  it('pads names and values, and holds each property name once', () => {
    const blob = flattenDeviceTree({
      name: '',
      properties: { a: { cells: [0x1234_5678] }, bc: true },
      children: [{ name: 'n@1', properties: { a: 'xy', d: ['p', 'q'] } }],
    });
    const [, , structure = 0, strings = 0] = words(blob, 0, 4);
    assert.deepEqual(words(blob, structure, 22), [
      ...[1, 0],
      ...[3, 4, 0, 0x1234_5678], // a
      ...[3, 0, 2], // bc
      ...[1, 0x6e40_3100], // "n@1" and its NUL fill one word
      ...[3, 3, 0, 0x7879_0000], // a
      ...[3, 4, 5, 0x7000_7100], // d
      ...[2, 2, 9],
    ]);
    assert.equal(String.fromCharCode(...blob.subarray(strings)), 'a\0bc\0d\0');
  });

  it('is as long as its header says, for every number of processors', () => {
    for (let cpus = 1; cpus <= 8; cpus += 1) {
      const ram = [{ base: 0x4000_0000n, size: 128 << 20 }];
      const blob = flattenDeviceTree(boardDeviceTree({ cpus, ram, el: 1, gic: 2, bootargs: '' }));
      assert.equal(words(blob, 4, 1)[0], blob.length);
      assert.ok(blob.length < 1 << 20);
    }
  });

  it('splits 64-bit numbers into two cells', () => {
    assert.deepEqual(cells64(0x80_0000_0000n, 0xffff_ffffn), [0x80, 0, 0, 0xffff_ffff]);
  });
});
