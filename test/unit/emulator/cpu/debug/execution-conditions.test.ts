import assert from 'node:assert/strict';
import {
  conditionsInclude,
  isReservedCombination,
} from '../../../../../emulator/cpu/debug/execution-conditions.ts';
import type { DebugImplementation } from '../../../../../emulator/cpu/debug/execution-conditions.ts';

/** Arm ARM, table of execution conditions: HMC SSC PxC, then EL3 EL2 EL1 EL0 and the Security states. */
const TABLE: readonly (readonly [number, number, number, string, 'any' | 'NS' | 'S'])[] = [
  [0, 0b00, 0b01, '--Y-', 'any'],
  [0, 0b00, 0b10, '---Y', 'any'],
  [0, 0b00, 0b11, '--YY', 'any'],
  [0, 0b01, 0b01, '--Y-', 'NS'],
  [0, 0b01, 0b10, '---Y', 'NS'],
  [0, 0b01, 0b11, '--YY', 'NS'],
  [0, 0b10, 0b01, '--Y-', 'S'],
  [0, 0b10, 0b10, '---Y', 'S'],
  [0, 0b10, 0b11, '--YY', 'S'],
  [0, 0b11, 0b00, '-Y--', 'S'],
  [0, 0b11, 0b01, '-YY-', 'S'],
  [0, 0b11, 0b11, '-YYY', 'S'],
  [1, 0b00, 0b01, 'YYY-', 'any'],
  [1, 0b00, 0b11, 'YYYY', 'any'],
  [1, 0b01, 0b00, '-Y--', 'NS'],
  [1, 0b01, 0b01, '-YY-', 'NS'],
  [1, 0b01, 0b11, '-YYY', 'NS'],
  [1, 0b10, 0b00, 'Y---', 'S'],
  [1, 0b10, 0b01, 'YYY-', 'S'],
  [1, 0b10, 0b11, 'YYYY', 'S'],
  [1, 0b11, 0b00, '-Y--', 'any'],
  [1, 0b11, 0b01, '-YY-', 'any'],
  [1, 0b11, 0b11, '-YYY', 'any'],
];

function validCodes(implementation: DebugImplementation): string[] {
  const found: string[] = [];
  for (let code = 0; code < 32; code += 1) {
    const conditions = { HMC: code >> 4, SSC: (code >> 2) & 3, PxC: code & 3 };
    if (isReservedCombination(conditions, implementation)) continue;
    const { HMC, SSC, PxC } = conditions;
    found.push(`${HMC} ${SSC.toString(2).padStart(2, '0')} ${PxC.toString(2).padStart(2, '0')}`);
  }
  return found;
}

describe('HMC, SSC and PMC or PAC', () => {
  for (const [HMC, SSC, PxC, levels, security] of TABLE) {
    it(`${HMC} ${SSC.toString(2)} ${PxC.toString(2)} selects ${levels} (${security})`, () => {
      for (const EL of [3, 2, 1, 0] as const) {
        for (const secure of [false, true]) {
          // The monitor is always Secure.
          if (EL === 3 && !secure) continue;
          const stateSelected = security === 'any' || EL === 3 || secure === (security === 'S');
          const expected = levels[3 - EL] === 'Y' && stateSelected;
          assert.equal(conditionsInclude({ HMC, SSC, PxC }, EL, secure), expected, `EL${EL}`);
        }
      }
    });
  }

  it('has six valid combinations with EL2 and without EL3 and FEAT_SEL2', () => {
    const codes = validCodes({ el2: true, el3: false, secureEL2: false });
    assert.deepEqual(codes, ['0 00 01', '0 00 10', '0 00 11', '1 00 01', '1 00 11', '1 11 00']);
  });

  it('has three valid combinations without EL2 and EL3', () => {
    const codes = validCodes({ el2: false, el3: false, secureEL2: false });
    assert.deepEqual(codes, ['0 00 01', '0 00 10', '0 00 11']);
  });

  it('has all 23 rows of the table with EL2, EL3 and FEAT_SEL2', () => {
    assert.equal(validCodes({ el2: true, el3: true, secureEL2: true }).length, TABLE.length);
  });
});
