import assert from 'node:assert/strict';
import { layOutRam } from '../../../debug-adapter/ram-layout.ts';

const MiB = 1024 * 1024;
const machine = {
  defaultRam: { base: 0x4000_0000n, size: 128 * MiB },
  devices: [{ name: 'UART', base: 0x900_0000n, size: 0x1000n }],
};
const segment = (paddr: bigint, memSize: number): Parameters<typeof layOutRam>[1][number] => ({
  paddr,
  memSize,
  bytes: new Uint8Array(),
});

describe('RAM layout', () => {
  it('an image inside the default block leaves it as it is', () => {
    const blocks = layOutRam('a', [segment(0x4008_0000n, 0x1000)], machine, undefined);
    assert.deepEqual(blocks, [{ base: 0x4000_0000n, size: 128 * MiB }]);
  });

  it('an image past the end of the default block enlarges it', () => {
    const [block] = layOutRam('a', [segment(0x4c00_0000n, 2 * MiB)], machine, undefined);
    assert.ok(block !== undefined && 0x4000_0000n + BigInt(block.size) > 0x4c20_0000n);
  });

  it('a segment elsewhere gets a block of its own, page-aligned and in order', () => {
    const blocks = layOutRam('a', [segment(0x10_0040n, 0x100)], machine, undefined);
    assert.equal(blocks[0]?.base, 0x10_0000n);
    assert.equal(blocks[1]?.base, 0x4000_0000n);
  });

  it('two segments next to each other share a block', () => {
    const segments = [segment(0x10_0000n, 0x100), segment(0x10_2000n, 0x100)];
    assert.equal(layOutRam('a', segments, machine, undefined).length, 2);
  });

  it('a block ends before the next device', () => {
    const [block] = layOutRam('a', [segment(0x8ff_f000n, 0x800)], machine, undefined);
    assert.deepEqual(block, { base: 0x8ff_f000n, size: 0x1000 });
  });

  it('a segment that touches a device is refused with both places', () => {
    assert.throws(
      () => layOutRam('a.elf', [segment(0x8ff_f000n, 0x2000)], machine, undefined),
      /"a\.elf" wants to be loaded at 0x8fff000-0x9000fff, where the machine has its UART/,
    );
  });

  it('memory that the user has limited is not enlarged behind their back', () => {
    assert.throws(
      () => layOutRam('a', [segment(0x4100_0000n, 16)], machine, 16 * MiB),
      /"memory" .* is 16M, which ends before the program's segment at 0x41000000-0x4100000f/,
    );
  });

  it('more than a machine can have is refused', () => {
    assert.throws(
      () => layOutRam('a', [segment(0x8000_0000_0000n, 4096 * MiB)], machine, undefined),
      /3G/,
    );
  });
});
