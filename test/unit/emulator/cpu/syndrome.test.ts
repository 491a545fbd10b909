import assert from 'node:assert/strict';
import {
  dataAbortIss,
  decodeSystemRegisterIss,
  describeESR,
  EC_BREAKPOINT_SAME,
  EC_BRK64,
  EC_DATA_ABORT_SAME,
  EC_FP_ACCESS,
  EC_SOFTWARE_STEP_LOWER,
  EC_SOFTWARE_STEP_SAME,
  EC_SVC64,
  EC_SYSTEM_REGISTER,
  EC_UNKNOWN,
  EC_WATCHPOINT_LOWER,
  EC_WATCHPOINT_SAME,
  FSC_ALIGNMENT,
  FSC_DEBUG,
  ISS_FP_ACCESS,
  makeESR,
  softwareStepIss,
  systemRegisterIss,
  watchpointIss,
} from '../../../../emulator/cpu/syndrome.ts';

describe('ESR_ELx', () => {
  const cases: readonly (readonly [string, bigint, bigint])[] = [
    ['UNDEFINED', makeESR(EC_UNKNOWN), 0x02000000n],
    ['FP access trap', makeESR(EC_FP_ACCESS, ISS_FP_ACCESS), 0x1fe00000n],
    ['SVC #5', makeESR(EC_SVC64, 5), 0x56000005n],
    ['breakpoint, same EL', makeESR(EC_BREAKPOINT_SAME, FSC_DEBUG), 0xc6000022n],
    [
      'step, lower EL, ISV=0',
      makeESR(EC_SOFTWARE_STEP_LOWER, softwareStepIss(false, true)),
      0xca000022n,
    ],
    [
      'step, same EL, ISV=0',
      makeESR(EC_SOFTWARE_STEP_SAME, softwareStepIss(false, false)),
      0xce000022n,
    ],
    [
      'step, same EL, ISV=1',
      makeESR(EC_SOFTWARE_STEP_SAME, softwareStepIss(true, false)),
      0xcf000022n,
    ],
    ['step of LDXR', makeESR(EC_SOFTWARE_STEP_SAME, softwareStepIss(true, true)), 0xcf000062n],
    ['watchpoint on a load', makeESR(EC_WATCHPOINT_LOWER, watchpointIss(false)), 0xd2000022n],
    ['watchpoint on a store', makeESR(EC_WATCHPOINT_SAME, watchpointIss(true)), 0xd6000062n],
    ['BRK #7', makeESR(EC_BRK64, 7), 0xf2000007n],
    [
      'alignment fault on a store',
      makeESR(EC_DATA_ABORT_SAME, dataAbortIss({ FSC: FSC_ALIGNMENT, isWrite: true })),
      0x96000061n,
    ],
  ];
  for (const [what, actual, expected] of cases) {
    it(`is 0x${expected.toString(16)} for ${what}`, () => {
      assert.equal(actual, expected);
    });
  }

  it('encodes a trapped MRS and MSR as the table of debug registers says', () => {
    // MDSCR_EL1 0x8012, DBGBVR0_EL1 0x8004, OSLAR_EL1 0x8084, MDCCSR_EL0 0x9808
    assert.equal(systemRegisterIss(0x8012, 0, 'read'), 0x240005);
    assert.equal(systemRegisterIss(0x8004, 0, 'read'), 0x280001);
    assert.equal(systemRegisterIss(0x8084, 3, 'write'), 0x280400 | (3 << 5));
    assert.equal(systemRegisterIss(0x9808, 0, 'read'), 0x20c003);
    assert.equal(makeESR(EC_SYSTEM_REGISTER, 0x240005), 0x62240005n);
  });

  it('decodes the ISS of a trapped access', () => {
    assert.deepEqual(decodeSystemRegisterIss(0x2c1c11 | (5 << 5)), {
      op0: 2,
      op1: 0,
      CRn: 7,
      CRm: 8,
      op2: 6,
      Rt: 5,
      direction: 'read',
    });
  });

  it('reads in prose', () => {
    const { title, fields } = describeESR(0xd6000062n);
    assert.match(title, /Watchpoint exception without a change of Exception level/);
    assert.equal(fields.find(({ name }) => name === 'WnR')?.meaning, 'write');
    assert.equal(fields.find(({ name }) => name === 'DFSC')?.meaning, 'Debug exception');
    assert.match(
      describeESR(0x96000004n).fields.at(-1)?.meaning ?? '',
      /Translation fault, level 0/,
    );
  });
});
