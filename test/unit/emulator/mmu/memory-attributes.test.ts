import assert from 'node:assert/strict';
import {
  combineAttributes,
  effectiveShareability,
  stage2Attr,
} from '../../../../emulator/mmu/memory-attributes.ts';

describe('stage 2 MemAttr', () => {
  const cases: readonly (readonly [MemAttr: number, Attr: number])[] = [
    [0b0000, 0x00], // Device-nGnRnE
    [0b0001, 0x04], // Device-nGnRE
    [0b0011, 0x0c], // Device-GRE
    [0b0101, 0x44], // Non-cacheable
    [0b1010, 0xbb], // Write-Through
    [0b1111, 0xff], // Write-Back
    [0b0111, 0x4f],
  ];
  for (const [MemAttr, Attr] of cases) {
    it(`0b${MemAttr.toString(2).padStart(4, '0')} is 0x${Attr.toString(16)}`, () => {
      assert.equal(stage2Attr(MemAttr, false), Attr);
    });
  }
  it('is Non-cacheable with HCR_EL2.CD, but Device stays Device', () => {
    assert.equal(stage2Attr(0b1111, true), 0x44);
    assert.equal(stage2Attr(0b0001, true), 0x04);
  });
});

describe('combining both stages', () => {
  const combined = (one: number, two: number, SH1 = 3, SH2 = 3): string => {
    const { Attr, SH } = combineAttributes({ Attr: one, SH: SH1 }, { Attr: two, SH: SH2 });
    return `0x${Attr.toString(16)} ${SH}`;
  };
  it('takes Device from either stage, the stricter of two', () => {
    assert.equal(combined(0xff, 0x0c), '0xc 2');
    assert.equal(combined(0x04, 0xff), '0x4 2');
    assert.equal(combined(0x0c, 0x04), '0x4 2');
  });
  it('takes the weaker cacheability, with the allocation hints of stage 1', () => {
    assert.equal(combined(0xff, 0xff), '0xff 3');
    assert.equal(combined(0xff, 0x44), '0x44 2');
    assert.equal(combined(0xee, 0xbb), '0xaa 3');
    assert.equal(combined(0xaa, 0xff), '0xaa 3');
    assert.equal(combined(0x4f, 0xff), '0x4f 3');
  });
  it('takes the wider shareability', () => {
    assert.equal(combined(0xff, 0xff, 0, 0), '0xff 0');
    assert.equal(combined(0xff, 0xff, 0, 3), '0xff 3');
    assert.equal(combined(0xff, 0xff, 2, 3), '0xff 2');
  });
  it('makes Device and Non-cacheable memory Outer Shareable', () => {
    assert.equal(effectiveShareability({ Attr: 0x04, SH: 0 }), 2);
    assert.equal(effectiveShareability({ Attr: 0x44, SH: 3 }), 2);
    assert.equal(effectiveShareability({ Attr: 0xff, SH: 3 }), 3);
  });
});
