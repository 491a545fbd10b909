import assert from 'node:assert/strict';
import { ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';

const RAM = 0x4000_0000n;
const STR_X1_X0 = 0xf9000001; // str x1, [x0]
const DC_ZVA_X0 = 0xd50b7420; // dc zva, x0

function processor(words: readonly number[]): ProcessingElement {
  const pe = new ProcessingElement({
    profile: v8_0,
    memory: [{ base: RAM, size: 0x10000 }],
    bus: { read: () => undefined, write: () => false, peek: () => undefined },
    startEL: 1,
  });
  const bytes = new Uint8Array(words.length * 4);
  words.forEach((word, n) => {
    new DataView(bytes.buffer).setUint32(4 * n, word, true);
  });
  pe.engine.writePhysical(RAM, bytes);
  pe.state.PC = RAM;
  pe.state.setX(0, RAM + 0x1000n);
  return pe;
}

describe('DC ZVA', () => {
  it('takes an alignment fault on Device memory, whether or not the page was stored to before', () => {
    // Arm ARM, DC ZVA: to any type of Device memory an Alignment fault is generated.
    const pe = processor([STR_X1_X0, DC_ZVA_X0]);
    pe.run(2);
    assert.equal(pe.peekRegister('ESR_EL1') >> 26n, 0x25n, 'Data Abort from the same EL');
    assert.equal(pe.peekRegister('ESR_EL1') & 0x3fn, 0x21n, 'Alignment fault');
    assert.equal(pe.peekRegister('ELR_EL1'), RAM + 4n);
  });

  it('gives FAR the address in its register, not the start of the block', () => {
    // Arm ARM, AArch64.MemZero(): AArch64.Abort(regval, fault).
    const pe = processor([DC_ZVA_X0]);
    pe.state.setX(0, RAM + 0x1039n);
    pe.run(1);
    assert.equal(pe.peekRegister('ESR_EL1') & 0x3fn, 0x21n, 'Alignment fault');
    assert.equal(pe.peekRegister('FAR_EL1'), RAM + 0x1039n);
  });

  it('traps to EL1 from EL0 while SCTLR_EL1.DZE is 0', () => {
    const pe = processor([DC_ZVA_X0]);
    pe.pokeRegister('PSTATE', 0n);
    pe.run(1);
    assert.equal(pe.peekRegister('ESR_EL1') >> 26n, 0x18n);
  });
});
