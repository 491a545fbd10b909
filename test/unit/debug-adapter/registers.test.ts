import assert from 'node:assert/strict';
import {
  canonicalRegisterName,
  describeRegister,
  fieldsOf,
  findField,
  formatFieldValue,
  formatRegisterValue,
  parseRegisterValue,
} from '../../../debug-adapter/registers.ts';

describe('Registers', () => {
  const names = [
    ['x0', 'X0'],
    ['FP', 'X29'],
    ['lr', 'X30'],
    ['sp', 'SP'],
    ['cpsr', 'PSTATE'],
    ['v31', 'V31'],
    ['mdscr_el1', 'MDSCR_EL1'],
    ['x31', undefined],
    ['v32', undefined],
    ['nonesuch', undefined],
  ] as const;
  for (const [given, name] of names) {
    it(`${given} is ${name ?? 'none'}`, () => {
      assert.equal(canonicalRegisterName(given), name);
    });
  }

  it('MDSCR_EL1.MDE is bit 15', () => {
    const info = describeRegister('MDSCR_EL1');
    const fields = fieldsOf(info, 0x8000n, () => undefined);
    const MDE = findField(fields, 'mde');
    assert.equal(MDE?.msb, 15);
    assert.equal(MDE.lsb, 15);
    assert.equal(formatRegisterValue(info, 0x8000n, fields), '0x0000000000008000 MDE');
  });

  it('PSTATE.M names the exception level', () => {
    const M = findField(
      fieldsOf(describeRegister('PSTATE'), 5n, () => undefined),
      'M',
    );
    assert.ok(M);
    assert.equal(formatFieldValue(M, 5n), '0x5 (EL1h)');
    assert.equal(parseRegisterValue('EL0t', 4, M), 0n);
  });

  const values = [
    ['42', 8, 42n],
    ['0xff', 8, 255n],
    ['0b1010', 4, 10n],
    ['-1', 8, 255n],
    ['1_000', 16, 1000n],
    ['256', 8, undefined],
    ['-129', 8, undefined],
    ['0x', 8, undefined],
    ['x', 8, undefined],
    ['', 8, undefined],
  ] as const;
  for (const [text, width, value] of values) {
    it(`"${text}" in ${width} bits is ${value ?? 'no value'}`, () => {
      assert.equal(parseRegisterValue(text, width), value);
    });
  }
});
