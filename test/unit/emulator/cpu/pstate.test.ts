import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  illegalReturnReason,
  modeName,
  packSpsr,
  unpackSpsr,
} from '../../../../emulator/cpu/pstate.ts';
import type { Pstate } from '../../../../emulator/cpu/pstate.ts';

describe('SPSR_ELx', () => {
  it('has the reset states of EL1h and EL2h with all interrupts masked', () => {
    const reset = { NZCV: 4, DAIF: 0xf, SS: 0, IL: false, SPSel: 1 } as const;
    assert.equal(packSpsr({ ...reset, EL: 1 }), 0x400003c5n);
    assert.equal(packSpsr({ ...reset, EL: 2 }), 0x400003c9n);
  });

  it('keeps every field through packing and unpacking', () => {
    const pstate = fc.record({
      NZCV: fc.integer({ min: 0, max: 15 }),
      DAIF: fc.integer({ min: 0, max: 15 }),
      SS: fc.constantFrom<0 | 1>(0, 1),
      IL: fc.boolean(),
      EL: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
      SPSel: fc.constantFrom<0 | 1>(0, 1),
      // SSBS, PAN, UAO and DIT.
      extensions: fc.integer({ min: 0, max: 2 ** 25 - 1 }).map((bits) => bits & 0x1c0_1000),
    });
    fc.assert(
      fc.property(pstate, (value: Pstate) => {
        assert.deepEqual(unpackSpsr(packSpsr(value)), { ...value });
      }),
    );
  });

  it('puts D, A, I, F in bits 9 to 6, SS in 21 and IL in 20', () => {
    const clear = { NZCV: 0, DAIF: 0, SS: 0, IL: false, EL: 0, SPSel: 0 } as const;
    assert.equal(packSpsr({ ...clear, DAIF: 8 }), 1n << 9n);
    assert.equal(packSpsr({ ...clear, DAIF: 1 }), 1n << 6n);
    assert.equal(packSpsr({ ...clear, SS: 1 }), 1n << 21n);
    assert.equal(packSpsr({ ...clear, IL: true }), 1n << 20n);
    assert.equal(packSpsr({ ...clear, NZCV: 8 }), 1n << 31n);
  });

  it('names the states an exception return cannot reach', () => {
    const from = (M: bigint, currentEL: 1 | 2, TGE = false): boolean =>
      illegalReturnReason(M, currentEL, { el2Implemented: true, TGE }) !== undefined;
    const EL0t = 0b0000n;
    const EL0h = 0b0001n;
    const EL1t = 0b0100n;
    const EL1h = 0b0101n;
    const EL2h = 0b1001n;
    const EL3h = 0b1101n;
    assert.ok(!from(EL0t, 1));
    assert.ok(!from(EL1t, 1));
    assert.ok(!from(EL1h, 1));
    assert.ok(!from(EL2h, 2));
    assert.ok(from(EL0h, 1), 'EL0 with SP_ELx');
    assert.ok(from(EL2h, 1), 'a higher EL');
    assert.ok(from(EL3h, 2), 'EL3');
    assert.ok(from(0b10000n, 1), 'AArch32');
    assert.ok(from(0b0110n, 1), 'M[1]');
    assert.ok(from(EL1h, 2, true), 'EL1 with TGE');
    assert.equal(modeName({ EL: 1, SPSel: 1 }), 'EL1h');
  });
});
