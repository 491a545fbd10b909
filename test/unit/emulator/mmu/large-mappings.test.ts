import assert from 'node:assert/strict';
import { LargeMappings } from '../../../../emulator/mmu/large-mappings.ts';

describe('What TLBI by VA stands for', () => {
  it('is a page unless a larger mapping holds the address', () => {
    const mappings = new LargeMappings();
    mappings.add(0x1000n, 12);
    mappings.add(0x4012_3000n, 21);
    assert.equal(mappings.has(0x1000n), false);
    assert.equal(mappings.has(0x4000_0000n), true);
    assert.equal(mappings.has(0x401f_f000n), true);
    assert.equal(mappings.has(0x4020_0000n), false);
    mappings.clear();
    assert.equal(mappings.has(0x4000_0000n), false);
  });
  it('does not depend on the top byte', () => {
    const mappings = new LargeMappings();
    mappings.add(0xffff_8000_0020_0000n, 21);
    assert.equal(mappings.has(0x00ff_8000_0020_1000n), true);
  });
  it('is everything once there were too many large mappings to remember', () => {
    const mappings = new LargeMappings();
    for (let n = 0n; n < 600n; n += 1n) mappings.add(n << 21n, 21);
    assert.equal(mappings.has(0xffff_0000_0000_0000n), true);
  });
});
