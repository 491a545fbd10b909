/** The catalogue as its users see it; values from the Arm ARM's pages of the registers named. */
import assert from 'node:assert/strict';
import {
  all,
  arrays,
  barrierOptions,
  byEncoding,
  byName,
  faultStatusCodes,
  prefetchOperations,
  pstateField,
  pstateFields,
  systemInstruction,
  systemInstructionByName,
} from '../../../../emulator/sysregs/catalogue.ts';
import { packEncoding } from '../../../../emulator/sysregs/sysreg.ts';

describe('The catalogue', () => {
  it('has names without duplicates and encodings that agree with op0 to op2', () => {
    assert.equal(new Set(all.map(({ name }) => name.toUpperCase())).size, all.length);
    for (const reg of all) assert.equal(packEncoding(reg), reg.encoding, reg.name);
  });

  it('has fields inside the register, highest first', () => {
    for (const { name, fields } of all) {
      let previous = 64;
      for (const { msb, lsb } of fields) {
        assert.ok(lsb >= 0 && lsb <= msb && msb < previous, name);
        previous = lsb;
      }
    }
  });

  it('finds a register by name in any case', () => {
    assert.equal(byName('currentel')?.name, 'CurrentEL');
    assert.equal(byName('NO_SUCH_EL1'), undefined);
  });

  it('finds the register of each direction where one encoding has two', () => {
    assert.equal(byEncoding(0x9828, 'read')?.name, 'DBGDTRRX_EL0');
    assert.equal(byEncoding(0x9828, 'write')?.name, 'DBGDTRTX_EL0');
  });

  it('finds a register with no accessor in the direction, so that its name can be told', () => {
    assert.equal(byEncoding(0x8084, 'read')?.name, 'OSLAR_EL1');
    assert.equal(byEncoding(0x808c, 'write')?.name, 'OSLSR_EL1');
  });

  it('prefers the register to its AArch32 alias', () => {
    assert.equal(byEncoding(0xc200, 'read')?.name, 'SPSR_EL1');
    assert.equal(byEncoding(0xe100, 'read')?.name, 'TTBR0_EL2');
  });

  it('names the register another name is a view of', () => {
    assert.equal(byName('SCTLR_EL12')?.aliasOf, 'SCTLR_EL1');
  });

  it('lists numbered families by index', () => {
    const family = arrays.get('DBGBCR<n>_EL1');
    assert.equal(family?.length, 16);
    assert.equal(family[15]?.name, 'DBGBCR15_EL1');
  });

  it('decodes ESR_EL1 by EC', () => {
    const view = byName('ESR_EL1')?.views?.find(({ when }) => when.values.includes(0x25));
    assert.equal(view?.when.field, 'EC');
    const WnR = view.fields.find(({ name }) => name === 'WnR');
    assert.deepEqual([WnR?.msb, WnR?.lsb], [6, 6]);
  });

  it('takes the stack pointers as accessible from the EL above', () => {
    assert.equal(byName('SP_EL0')?.minEL, 1);
    assert.equal(byName('SP_EL1')?.minEL, 2);
    assert.equal(byName('SP_EL2')?.minEL, 3);
  });

  it('names what the fault status codes mean', () => {
    assert.equal(faultStatusCodes.get(0b000111), 'translation fault, level 3');
    assert.equal(faultStatusCodes.get(0b100001), 'alignment fault');
  });
});

describe('Named operands', () => {
  const systemCases = [
    { kind: 'dc', name: 'CIVAC', operands: [3, 7, 14, 1], register: true },
    { kind: 'dc', name: 'ZVA', operands: [3, 7, 4, 1], register: true },
    { kind: 'ic', name: 'IALLU', operands: [0, 7, 5, 0], register: false },
    { kind: 'at', name: 'S1E1R', operands: [0, 7, 8, 0], register: true },
    { kind: 'tlbi', name: 'VAE1IS', operands: [0, 8, 3, 1], register: true },
    { kind: 'tlbi', name: 'ALLE2', operands: [4, 8, 7, 0], register: false },
  ] as const;
  for (const { kind, name, operands, register } of systemCases) {
    it(`${kind} ${name} is sys #${operands.join(', ')}`, () => {
      const [op1, CRn, CRm, op2] = operands;
      const found = systemInstruction(op1, CRn, CRm, op2);
      assert.deepEqual([found?.kind, found?.name, found?.register], [kind, name, register]);
      assert.equal(systemInstructionByName(kind.toUpperCase(), name.toLowerCase()), found);
    });
  }

  it('barrier options and prefetch operations', () => {
    assert.equal(barrierOptions.find(({ name }) => name === 'ishst')?.encoding, 0b1010);
    assert.equal(barrierOptions.find(({ name }) => name === 'sy')?.encoding, 0b1111);
    assert.equal(prefetchOperations.find(({ name }) => name === 'pstl1keep')?.encoding, 0b10000);
  });

  it('PSTATE fields of MSR (immediate)', () => {
    assert.equal(pstateField(3, 6, 15)?.name, 'DAIFSet');
    assert.equal(pstateField(3, 7, 2)?.name, 'DAIFClr');
    assert.equal(pstateField(0, 5, 1)?.name, 'SPSel');
    assert.equal(pstateField(3, 3, 0b0011)?.name, 'SVCRSM');
    assert.equal(pstateField(3, 3, 0b0110)?.name, 'SVCRSMZA');
    assert.equal(pstateField(0, 0, 0), undefined);
    assert.equal(pstateFields.length, new Set(pstateFields.map(({ name }) => name)).size);
  });
});
