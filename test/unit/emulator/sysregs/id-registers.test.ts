/** Values worked out from the fields on the Arm ARM's pages of the ID registers. */
import assert from 'node:assert/strict';
import {
  CCSIDR_EL1,
  idRegisters,
  idSpaceEncodings,
} from '../../../../emulator/sysregs/id-registers.ts';
import { contextAwareRange, v8_0 } from '../../../../emulator/sysregs/processor-model.ts';

const ID_AA64DFR0_EL1 = (profile: Partial<typeof v8_0>): bigint | undefined =>
  idRegisters({ ...v8_0, ...profile }).get('ID_AA64DFR0_EL1');

describe('ID registers', () => {
  const v8_0Values = [
    ['MIDR_EL1', 0x000f_0510n],
    ['MPIDR_EL1', 0x8000_0000n],
    ['ID_AA64PFR0_EL1', 0x1100_0000_0000_0111n],
    ['ID_AA64DFR0_EL1', 0x1030_5006n],
    ['ID_AA64ISAR0_EL1', 0x1_0000n],
    ['ID_AA64MMFR0_EL1', 0x0010_0022n],
    ['ID_AA64MMFR1_EL1', 0n],
    ['ID_PFR0_EL1', 0n],
    ['MVFR0_EL1', 0n],
    ['CTR_EL0', 0x8444_c004n],
    ['DCZID_EL0', 4n],
    ['CLIDR_EL1', 0x0a20_0023n],
  ] as const;
  for (const [name, value] of v8_0Values) {
    it(`${name} of v8.0 is 0x${value.toString(16)}`, () => {
      assert.equal(idRegisters(v8_0).get(name), value);
    });
  }

  it('MPIDR_EL1.Aff0 is the number of the processor', () => {
    assert.equal(idRegisters(v8_0, 3).get('MPIDR_EL1'), 0x8000_0003n);
  });

  it('cover the whole ID space, named or not', () => {
    const values = idRegisters(v8_0);
    assert.equal(idSpaceEncodings.length, 56);
    assert.equal(values.get('S3_0_C0_C3_7'), 0n);
    assert.ok(values.size >= 56);
  });

  it('ID_AA64DFR0_EL1 counts breakpoints, context-aware ones and watchpoints, minus one each', () => {
    const counts = { breakpoints: 16, contextAwareBreakpoints: 4, watchpoints: 2 };
    assert.equal(ID_AA64DFR0_EL1(counts), 0x3010_f006n);
  });

  it('ID_AA64DFR0_EL1.DoubleLock is 0xf without FEAT_DoubleLock', () => {
    assert.equal(ID_AA64DFR0_EL1({ FEAT_DoubleLock: false }), 0xf0_1030_5006n);
  });

  it('ID_AA64DFR0_EL1 tells SPE, trace filter and trace buffer', () => {
    const features = { FEAT_SPE: true, FEAT_TRF: true, FEAT_TRBE: true };
    assert.equal(ID_AA64DFR0_EL1(features), 0x1101_1030_5006n);
  });

  it('ID_AA64MMFR0_EL1.FGT is 1 with FEAT_FGT', () => {
    const value = idRegisters({ ...v8_0, FEAT_FGT: true }).get('ID_AA64MMFR0_EL1');
    assert.equal(value, 0x0100_0000_0010_0022n);
  });

  it('the context-aware breakpoints are the highest numbered', () => {
    assert.deepEqual(contextAwareRange(v8_0), [4, 5]);
  });

  // Arm ARM, ContextAwareBreakpointRange().
  for (const [breakpoints, contextAwareBreakpoints, range] of [
    [16, 2, [14, 15]],
    [16, 16, [0, 15]],
    [20, 4, [12, 15]],
    [64, 16, [0, 15]],
    [64, 20, [0, 19]],
  ] as const) {
    it(`${contextAwareBreakpoints} context-aware ones of ${breakpoints} are ${range.join(' to ')}`, () => {
      assert.deepEqual(contextAwareRange({ breakpoints, contextAwareBreakpoints }), range);
    });
  }

  it('ID_AA64DFR1_EL1 has the counts above 16', () => {
    const many = { breakpoints: 20, contextAwareBreakpoints: 4, watchpoints: 24 };
    const ids = idRegisters({ ...v8_0, debugVersion: 11, ...many });
    assert.equal(ids.get('ID_AA64DFR0_EL1'), 0x30f0_f00bn);
    assert.equal(ids.get('ID_AA64DFR1_EL1'), 0x17_1300n);
    assert.equal(idRegisters(v8_0).get('ID_AA64DFR1_EL1'), 0n);
  });

  for (const wrong of [
    { breakpoints: 1 },
    { breakpoints: 17 },
    { watchpoints: 1 },
    { contextAwareBreakpoints: 0 },
    { contextAwareBreakpoints: 7 },
    { debugVersion: 5 },
    { FEAT_TRBE: true },
  ]) {
    it(`a profile with ${JSON.stringify(wrong)} is refused`, () => {
      assert.throws(() => ID_AA64DFR0_EL1(wrong), RangeError);
    });
  }

  it('CCSIDR_EL1 describes 32 KiB, 32 KiB and 1 MiB of 64-byte lines', () => {
    const size = (CSSELR: bigint): bigint => {
      const value = CCSIDR_EL1(CSSELR);
      return (
        (((value >> 13n) & 0x7fffn) + 1n) * (((value >> 3n) & 0x3ffn) + 1n) * (16n << (value & 7n))
      );
    };
    assert.deepEqual([size(0n), size(1n), size(2n)], [0x8000n, 0x8000n, 0x10_0000n]);
    assert.equal(CCSIDR_EL1(4n), 0n);
  });
});
