import assert from 'node:assert/strict';
import { stage1Fault, stage2Fault } from '../../../../emulator/mmu/fault.ts';
import { encodePar } from '../../../../emulator/mmu/par-el1.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

describe('PAR_EL1', () => {
  it('holds ATTR, PA and SH of a mapped address', () => {
    const par = encodePar({
      kind: 'mapped',
      PA: 0x4012_3456n,
      memory: 'Normal',
      attributes: { Attr: 0xff, SH: 3 },
      permissions: 7,
      sizeBits: 12,
      global: true,
      guarded: false,
    });
    assert.equal(hex(par), '0xff00000040123b80');
  });
  it('holds F and FST of a stage 1 fault, with S and PTW of a stage 2 fault', () => {
    assert.equal(hex(encodePar(stage1Fault(0x07))), '0x80f');
    assert.equal(hex(encodePar(stage2Fault(0x06, 0x1000, false))), '0xa0d');
    assert.equal(hex(encodePar(stage2Fault(0x0d, 0x1000, true))), '0xb1b');
  });
});
