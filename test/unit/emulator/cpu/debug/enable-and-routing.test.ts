import assert from 'node:assert/strict';
import {
  breakpointInstructionTarget,
  debugExceptionsEnabled,
  debugTarget,
  isDoubleLocked,
  MDSCR_KDE,
  MDSCR_MDE,
  MDSCR_SS,
  monitorDisabledReason,
} from '../../../../../emulator/cpu/debug/enable-and-routing.ts';
import type { DebugControls } from '../../../../../emulator/cpu/debug/enable-and-routing.ts';
import {
  exceptionReturnSS,
  isLoadExclusive,
  softwareStepState,
} from '../../../../../emulator/cpu/debug/software-step.ts';

const OPEN: DebugControls = {
  el2: true,
  TDE: false,
  TGE: false,
  OSLK: false,
  doubleLocked: false,
  MDSCR_EL1: 0n,
};

describe('routing of debug exceptions', () => {
  it('goes to EL2 with MDCR_EL2.TDE or HCR_EL2.TGE', () => {
    assert.equal(debugTarget(OPEN), 1);
    assert.equal(debugTarget({ ...OPEN, TDE: true }), 2);
    assert.equal(debugTarget({ ...OPEN, TGE: true }), 2);
    assert.equal(debugTarget({ ...OPEN, TDE: true, el2: false }), 1);
  });

  it('takes BRK to EL_D or the current EL, whichever is higher', () => {
    assert.equal(breakpointInstructionTarget(OPEN, 0), 1);
    assert.equal(breakpointInstructionTarget(OPEN, 2), 2);
    assert.equal(breakpointInstructionTarget({ ...OPEN, TDE: true }, 1), 2);
  });
});

describe('enabling of debug exceptions', () => {
  const enabled = (changes: Partial<DebugControls>, EL: 0 | 1 | 2, D: boolean): boolean =>
    debugExceptionsEnabled({ ...OPEN, ...changes }, EL, D);

  it('needs neither KDE nor PSTATE.D below EL_D', () => {
    assert.ok(enabled({}, 0, true));
    assert.ok(enabled({ TDE: true }, 1, true));
    assert.ok(enabled({ TDE: true }, 0, true));
  });

  it('needs KDE and PSTATE.D = 0 at EL_D', () => {
    assert.ok(!enabled({}, 1, false));
    assert.ok(!enabled({ MDSCR_EL1: MDSCR_KDE }, 1, true));
    assert.ok(enabled({ MDSCR_EL1: MDSCR_KDE }, 1, false));
    assert.ok(enabled({ MDSCR_EL1: MDSCR_KDE, TDE: true }, 2, false));
  });

  it('is off above EL_D', () => {
    assert.ok(!enabled({ MDSCR_EL1: MDSCR_KDE }, 2, false));
  });

  it('is off from every EL while a lock is locked', () => {
    for (const lock of [{ OSLK: true }, { doubleLocked: true }]) {
      for (const EL of [0, 1, 2] as const) {
        assert.ok(!enabled({ ...lock, MDSCR_EL1: MDSCR_KDE }, EL, false));
        assert.ok(!enabled({ ...lock, MDSCR_EL1: MDSCR_KDE, TDE: true }, EL, false));
      }
    }
  });

  it('asks for MDE for breakpoints and watchpoints only', () => {
    assert.notEqual(monitorDisabledReason(OPEN, 0, false), undefined);
    assert.equal(monitorDisabledReason({ ...OPEN, MDSCR_EL1: MDSCR_MDE }, 0, false), undefined);
  });

  it('makes the Double Lock effective only with the feature and without CORENPDRQ', () => {
    assert.ok(isDoubleLocked(true, 1n, 0n));
    assert.ok(!isDoubleLocked(true, 1n, 1n));
    assert.ok(!isDoubleLocked(false, 1n, 0n));
    assert.ok(!isDoubleLocked(true, 0n, 0n));
  });
});

describe('the software step state machine', () => {
  const stepping = { ...OPEN, MDSCR_EL1: MDSCR_SS | MDSCR_KDE };

  it('is inactive, active-not-pending or active-pending by PSTATE.SS', () => {
    assert.equal(softwareStepState(OPEN, { EL: 0, D: false, SS: 1 }), 'inactive');
    assert.equal(softwareStepState(stepping, { EL: 1, D: true, SS: 1 }), 'inactive');
    assert.equal(softwareStepState(stepping, { EL: 1, D: false, SS: 1 }), 'active-not-pending');
    assert.equal(softwareStepState(stepping, { EL: 1, D: false, SS: 0 }), 'active-pending');
    assert.equal(softwareStepState(stepping, { EL: 0, D: true, SS: 0 }), 'active-pending');
  });

  it('restores SS on a return from where it is disabled to where it is enabled', () => {
    const masked = { EL: 1, D: true } as const;
    const unmasked = { EL: 1, D: false } as const;
    assert.equal(exceptionReturnSS(stepping, masked, unmasked, 1), 1);
    assert.equal(exceptionReturnSS(stepping, masked, unmasked, 0), 0);
    assert.equal(exceptionReturnSS(stepping, unmasked, unmasked, 1), 0, 'enabled at the source');
    assert.equal(exceptionReturnSS(stepping, masked, masked, 1), 0, 'disabled at the destination');
    assert.equal(exceptionReturnSS(OPEN, masked, unmasked, 1), 0, 'MDSCR_EL1.SS is 0');
    assert.equal(exceptionReturnSS(stepping, masked, { EL: 0, D: true }, 1), 1);
  });

  it('knows the Load-Exclusive instructions', () => {
    const words: readonly (readonly [number, boolean])[] = [
      [0xc85f7c20, true], // ldxr x0, [x1]
      [0x885ffc20, true], // ldaxr w0, [x1]
      [0x085f7c20, true], // ldxrb w0, [x1]
      [0x485ffc20, true], // ldaxrh w0, [x1]
      [0xc87f0440, true], // ldxp x0, x1, [x2]
      [0x887f8440, true], // ldaxp w0, w1, [x2]
      [0xc8027c20, false], // stxr w2, x0, [x1]
      [0xc8dffc20, false], // ldar x0, [x1]
      [0xc8df7c20, false], // ldlar x0, [x1]
      [0xf9400020, false], // ldr x0, [x1]
      [0x48607c82, false], // casp x0, x1, x2, x3, [x4], acquire form
    ];
    for (const [word, expected] of words) {
      assert.equal(isLoadExclusive(word), expected, word.toString(16));
    }
  });
});
