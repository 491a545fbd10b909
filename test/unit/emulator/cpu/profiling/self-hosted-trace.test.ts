import assert from 'node:assert/strict';
import { ProcessingElement } from '../../../../../emulator/cpu/pe.ts';
import { v8_0 } from '../../../../../emulator/sysregs/processor-model.ts';

function processor(features: { readonly FEAT_TRF: boolean; readonly FEAT_TRBE: boolean }) {
  return new ProcessingElement({
    profile: { ...v8_0, ...features },
    memory: [{ base: 0x4000_0000n, size: 1 << 20 }],
    bus: { read: () => undefined, write: () => false, peek: () => undefined },
    startEL: 1,
  });
}

const traced = (pe: ProcessingElement): boolean[] =>
  ([0, 1, 2] as const).map((EL) => pe.trace.allowedAt(EL));

describe('Self-hosted trace', () => {
  it('is allowed at the levels that TRFCR_EL1 and TRFCR_EL2 name', () => {
    const pe = processor({ FEAT_TRF: true, FEAT_TRBE: false });
    assert.deepEqual(traced(pe), [false, false, false]);
    pe.pokeRegister('TRFCR_EL1', 1n);
    assert.deepEqual(traced(pe), [true, false, false]);
    pe.pokeRegister('TRFCR_EL1', 2n);
    assert.deepEqual(traced(pe), [false, true, false]);
    pe.pokeRegister('TRFCR_EL2', 3n);
    assert.deepEqual(traced(pe), [false, true, true]);
    pe.pokeRegister('HCR_EL2', pe.peekRegister('HCR_EL2') | (1n << 27n));
    assert.deepEqual(traced(pe), [true, true, true], 'HCR_EL2.TGE gives EL0 to TRFCR_EL2');
  });

  it('is never allowed without FEAT_TRF', () => {
    assert.deepEqual(traced(processor({ FEAT_TRF: false, FEAT_TRBE: false })), [
      false,
      false,
      false,
    ]);
  });

  it('has a buffer that is on while TRBLIMITR_EL1.E is set and no event is pending', () => {
    const pe = processor({ FEAT_TRF: true, FEAT_TRBE: true });
    assert.equal(pe.trace.bufferEnabled, false);
    pe.pokeRegister('TRBLIMITR_EL1', 0x4001_1001n);
    assert.equal(pe.trace.bufferEnabled, true);
    pe.pokeRegister('TRBSR_EL1', 1n << 17n);
    assert.equal(pe.trace.bufferEnabled, false);
  });

  it('says by name that nothing fills the buffer', () => {
    const pe = processor({ FEAT_TRF: true, FEAT_TRBE: true });
    pe.pokeRegister('TRBLIMITR_EL1', 1n);
    const event = pe.takeEvent();
    assert.ok(event?.kind === 'unimplemented');
    assert.match(event.what, /FEAT_ETE/);
  });

  it('tells in TRBIDR_EL1.P whether a higher EL owns the buffer', () => {
    const pe = processor({ FEAT_TRF: true, FEAT_TRBE: true });
    assert.equal(pe.trace.bufferOwner, 2);
    assert.equal(pe.registers.read('TRBIDR_EL1'), 1n << 4n);
    pe.pokeRegister('MDCR_EL2', 3n << 24n);
    assert.equal(pe.trace.bufferOwner, 1);
    assert.equal(pe.registers.read('TRBIDR_EL1'), 0n);
  });
});
