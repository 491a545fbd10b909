import assert from 'node:assert/strict';
import { physicalAddressBits } from '../../../../emulator/mmu/regime.ts';

describe('ID_AA64MMFR0_EL1.PARange', () => {
  it('gives 32 to 56 bits', () => {
    assert.equal(physicalAddressBits(0), 32);
    assert.equal(physicalAddressBits(2), 40);
    assert.equal(physicalAddressBits(5), 48);
    assert.throws(() => physicalAddressBits(15), RangeError);
  });
});
