import assert from 'node:assert/strict';
import {
  branchAddress,
  physicalAddressBits,
  translationRegime,
} from '../../../../emulator/mmu/regime.ts';

describe('ID_AA64MMFR0_EL1.PARange', () => {
  it('gives 32 to 56 bits', () => {
    assert.equal(physicalAddressBits(0), 32);
    assert.equal(physicalAddressBits(2), 40);
    assert.equal(physicalAddressBits(5), 48);
    assert.throws(() => physicalAddressBits(15), RangeError);
  });
});

describe('A branch to a tagged address', () => {
  const regime = (EL: 0 | 1 | 2, TCR: bigint) =>
    translationRegime({
      EL,
      SCTLR: 0n,
      TCR,
      TTBR0: 0n,
      TTBR1: 0n,
      MAIR: 0n,
      HCR_EL2: 0n,
      VTCR_EL2: 0n,
      VTTBR_EL2: 0n,
      physicalAddressBits: 40,
    });
  const TBI0 = 1n << 37n;
  const TBI1 = 1n << 38n;
  it('goes to the address without its tag, which is bit 55 at EL0 and EL1', () => {
    assert.equal(branchAddress(regime(0, TBI0), 0x5a00_0000_4000_0000n), 0x4000_0000n);
    assert.equal(branchAddress(regime(1, TBI1), 0x5aff_0000_4000_0000n), 0xffff_0000_4000_0000n);
    assert.equal(branchAddress(regime(2, 1n << 20n), 0x5aff_0000_4000_0000n), 0xff_0000_4000_0000n);
  });
  it('keeps the tag where the top byte counts', () => {
    assert.equal(branchAddress(regime(0, TBI1), 0x5a00_0000_4000_0000n), 0x5a00_0000_4000_0000n);
    assert.equal(branchAddress(regime(1, TBI0), 0x5aff_0000_4000_0000n), 0x5aff_0000_4000_0000n);
  });
});
