import assert from 'node:assert/strict';
import { physicalAddressBits, translate } from '../../../../emulator/mmu/translate.ts';
import type { TranslationRegime } from '../../../../emulator/mmu/translate.ts';

const OFF: TranslationRegime = {
  name: 'EL1&0',
  stage1: false,
  stage2: false,
  defaultCacheable: false,
  TBI0: false,
  TBI1: false,
  instructionCacheable: false,
  physicalAddressBits: 40,
};

describe('translation with both stages off', () => {
  it('is identity; data is Device-nGnRnE and instructions are Normal memory', () => {
    const data = { kind: 'mapped', PA: 0x1234n, memory: 'Device-nGnRnE' };
    assert.deepEqual(translate(OFF, 0x1234n, 'read'), data);
    assert.deepEqual(translate(OFF, 0x1234n, 'write'), data);
    const fetched = { kind: 'mapped', PA: 0x1234n, memory: 'Normal' };
    assert.deepEqual(translate(OFF, 0x1234n, 'execute'), fetched);
  });

  it('is an address size fault, level 0, beyond the physical address range', () => {
    assert.equal(translate(OFF, (1n << 40n) - 1n, 'read').kind, 'mapped');
    assert.deepEqual(translate(OFF, 1n << 40n, 'read'), { kind: 'fault', FSC: 0, stage: 1 });
  });

  it('ignores the top byte where TBI says so, by bit 55', () => {
    const tagged = (0x5an << 56n) | 0x1000n;
    assert.equal(translate(OFF, tagged, 'read').kind, 'fault');
    const result = translate({ ...OFF, TBI0: true }, tagged, 'read');
    assert.equal(result.kind === 'mapped' && result.PA, 0x1000n);
    assert.equal(translate({ ...OFF, TBI1: true }, tagged, 'read').kind, 'fault');
  });
});

describe('an enabled stage', () => {
  it('is reported by name instead of being taken for identity', () => {
    const what = (regime: Partial<TranslationRegime>): string => {
      const result = translate({ ...OFF, ...regime }, 0n, 'read');
      return result.kind === 'unimplemented' ? result.what : result.kind;
    };
    assert.equal(what({ stage1: true }), 'stage 1 translation (SCTLR_EL1.M = 1)');
    assert.equal(what({ stage1: true, name: 'EL2' }), 'stage 1 translation (SCTLR_EL2.M = 1)');
    assert.equal(what({ stage2: true }), 'stage 2 translation (HCR_EL2.VM = 1)');
  });
});

describe('ID_AA64MMFR0_EL1.PARange', () => {
  it('gives 32 to 56 bits', () => {
    assert.equal(physicalAddressBits(0), 32);
    assert.equal(physicalAddressBits(2), 40);
    assert.equal(physicalAddressBits(5), 48);
    assert.throws(() => physicalAddressBits(15), RangeError);
  });
});
