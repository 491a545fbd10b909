/** What recorded single executions cannot show: indirect branches, exclusives, exits, literals. */
import assert from 'node:assert/strict';
import type { RunExit } from '../../../../emulator/engine/engine.ts';
import { RAM_BASE, testEngine } from '../../../support/test-engine.ts';
import type { TestEngine } from '../../../support/test-engine.ts';

const NOP = 0xd503201f;
const YIELD = 0xd503203f;
const HLT = 0xd45e0000; // hlt #0xf000
const DATA = RAM_BASE + 0x8000n;

describe('Load register (literal)', () => {
  const literal = [0x89abcdef, 0xfedcba98, 0x33333333, 0x44444444];

  function loaded(word: number): ReturnType<typeof testEngine>['engine']['state'] {
    const machine = testEngine();
    const { engine } = machine;
    machine.load([word, HLT]);
    machine.load(literal, RAM_BASE + 0x100n);
    assert.equal(machine.run(), 'HLT');
    return engine.state;
  }

  it('loads a doubleword, a word and a signed word', () => {
    assert.equal(loaded(0x58000800).X(0), 0xfedcba98_89abcdefn); // ldr x0, .+0x100
    assert.equal(loaded(0x18000801).X(1), 0x89abcdefn); // ldr w1, .+0x100
    assert.equal(loaded(0x98000802).X(2), 0xffffffff_89abcdefn); // ldrsw x2, .+0x100
  });

  it('loads a SIMD&FP register and clears what it does not load', () => {
    const q = loaded(0x9c000803).V(3); // ldr q3, .+0x100
    assert.deepEqual(q, { lo: 0xfedcba98_89abcdefn, hi: 0x44444444_33333333n });
    assert.deepEqual(loaded(0x1c000804).V(4), { lo: 0x89abcdefn, hi: 0n }); // ldr s4, .+0x100
  });

  it('prefetches without an effect', () => {
    assert.equal(loaded(0xd8000800).X(0), 0n); // prfm pldl1keep, .+0x100
  });
});

describe('Unconditional branch (register)', () => {
  function branched(word: number, register: number): { pc: bigint; link: bigint } {
    const machine = testEngine();
    const { engine } = machine;
    machine.load([word, NOP, HLT, NOP, HLT]);
    engine.state.setX(register, RAM_BASE + 0xcn);
    assert.equal(machine.run(), 'HLT');
    return { pc: engine.state.PC, link: engine.state.X(30) };
  }

  it('goes where the register says, and only BLR links', () => {
    const there = RAM_BASE + 0x10n;
    assert.deepEqual(branched(0xd61f0120, 9), { pc: there, link: 0n }); // br x9
    assert.deepEqual(branched(0xd65f0120, 9), { pc: there, link: 0n }); // ret x9
    assert.deepEqual(branched(0xd63f0120, 9), { pc: there, link: RAM_BASE + 4n }); // blr x9
  });

  it('takes the old X30 as the target of BLR X30', () => {
    const { pc, link } = branched(0xd63f03c0, 30); // blr x30
    assert.deepEqual({ pc, link }, { pc: RAM_BASE + 0x10n, link: RAM_BASE + 4n });
  });
});

describe('Load/store exclusive', () => {
  it('stores after its load and says so', () => {
    const machine = testEngine();
    const { engine } = machine;
    machine.load([0xc85f7d21, 0xc8027d23, HLT]); // ldxr x1, [x9]; stxr w2, x3, [x9]
    machine.load([7, 8], DATA);
    engine.state.setX(9, DATA);
    engine.state.setX(2, 0xffffn);
    engine.state.setX(3, 0x11111111_22222222n);
    assert.equal(machine.run(), 'HLT');
    assert.equal(engine.state.X(1), 0x8_00000007n);
    assert.equal(engine.state.X(2), 0n);
    assert.equal(machine.word(DATA), 0x22222222);
    assert.equal(machine.word(DATA + 4n), 0x11111111);
  });

  it('moves pairs of doublewords', () => {
    const machine = testEngine();
    const { engine } = machine;
    machine.load([0xc87f8921, 0xc8239524, HLT]); // ldaxp x1, x2, [x9]; stlxp w3, x4, x5, [x9]
    machine.load([1, 2, 3, 4], DATA);
    engine.state.setX(9, DATA);
    engine.state.setX(4, 5n);
    engine.state.setX(5, 6n);
    assert.equal(machine.run(), 'HLT');
    assert.equal(engine.state.X(1), 0x2_00000001n);
    assert.equal(engine.state.X(2), 0x4_00000003n);
    assert.equal(engine.state.X(3), 0n);
    assert.deepEqual(
      [0n, 4n, 8n, 12n].map((offset) => machine.word(DATA + offset)),
      [5, 0, 6, 0],
    );
  });

  it('leaves memory alone and returns 1 without a load', () => {
    const machine = testEngine();
    const { engine } = machine;
    machine.load([0xc8027d23, HLT]); // stxr w2, x3, [x9]
    engine.state.setX(9, DATA);
    engine.state.setX(3, 5n);
    assert.equal(machine.run(), 'HLT');
    assert.equal(engine.state.X(2), 1n);
    assert.equal(machine.word(DATA), 0);
  });
});

describe('DC ZVA', () => {
  it('zeroes the aligned 64 bytes around the address and no more', () => {
    const machine = testEngine();
    const { engine } = machine;
    machine.load([0xd50b7429, HLT]); // dc zva, x9
    machine.load(
      Array.from({ length: 48 }, () => 0xffffffff),
      DATA,
    );
    engine.state.setX(9, DATA + 0x7cn);
    assert.equal(machine.run(), 'HLT');
    const words = Array.from({ length: 48 }, (_, index) => machine.word(DATA + BigInt(4 * index)));
    assert.deepEqual(
      words.map((value) => value !== 0),
      words.map((_, index) => index < 16 || index >= 32),
    );
  });
});

describe('MSR DAIFSet and DAIFClr', () => {
  const DAIFSet = (masks: number): number => 0xd50340df | (masks << 8);
  const DAIFClr = (masks: number): number => 0xd50340ff | (masks << 8);
  /** At EL1 with these masks, of which a change of `watched` concerns the processor layer. */
  const machineWith = (DAIF: number, watched: number, words: readonly number[]): TestEngine => {
    const machine = testEngine();
    machine.load([...words, HLT]);
    Object.assign(machine.engine.state, { EL: 1, DAIF, watchedMasks: watched });
    return machine;
  };

  for (let masks = 0; masks < 16; masks += 1) {
    it(`set and clear exactly #${masks}`, () => {
      for (const DAIF of [0, 0b0101, 0b1010, 0b1111]) {
        const set = machineWith(DAIF, 0, [DAIFSet(masks)]);
        assert.equal(set.run(), 'HLT');
        assert.equal(set.engine.state.DAIF, DAIF | masks);
        const clear = machineWith(DAIF, 0, [DAIFClr(masks)]);
        assert.equal(clear.run(), 'HLT');
        assert.equal(clear.engine.state.DAIF, DAIF & ~masks);
      }
    });
  }

  it('leave for the processor layer where a watched mask changes, and only there', () => {
    for (let watched = 0; watched < 16; watched += 1) {
      for (let masks = 0; masks < 16; masks += 1) {
        const set = machineWith(0b0011, watched, [DAIFSet(masks)]);
        assert.equal(set.run(), (masks & ~0b0011 & watched) !== 0 ? 'MSR_IMMEDIATE' : 'HLT');
        const clear = machineWith(0b0011, watched, [DAIFClr(masks)]);
        assert.equal(clear.run(), (masks & 0b0011 & watched) !== 0 ? 'MSR_IMMEDIATE' : 'HLT');
      }
    }
  });

  it('leave at EL0, where SCTLR_EL1.UMA decides', () => {
    for (const word of [DAIFSet(2), DAIFClr(2)]) {
      const machine = machineWith(0, 0, [word]);
      machine.engine.state.EL = 0;
      assert.equal(machine.run(), 'MSR_IMMEDIATE');
    }
  });
});

describe('instructions for the processor layer', () => {
  const exits: readonly (readonly [number, string, RunExit])[] = [
    [0xd503205f, 'wfe', 'WFE'],
    [0xd503207f, 'wfi', 'WFI'],
    [0xd503209f, 'sev', 'SEV'],
    [0xd50320bf, 'sevl', 'SEVL'],
    [0xd4000021, 'svc #1', 'SVC'],
    [0xd4000022, 'hvc #1', 'HVC'],
    [0xd4000023, 'smc #1', 'SMC'],
    [0xd4200020, 'brk #1', 'BRK'],
    [0xd4400020, 'hlt #1', 'HLT'],
    [0xd4a00001, 'dcps1', 'DCPS'],
    [0xd69f03e0, 'eret', 'ERET'],
    [0xd6bf03e0, 'drps', 'DRPS'],
    [0xd50041bf, 'msr spsel, #1', 'MSR_IMMEDIATE'],
    [0xd508871f, 'tlbi vmalle1', 'SYS'],
    [0xd5287500, 'sysl x0, #0, c7, c5, #0', 'SYSL'],
    [0xd53c1100, 'mrs x0, hcr_el2', 'MRS'],
    [0xd51c1100, 'msr hcr_el2, x0', 'MSR_REGISTER'],
    [0x00000000, 'udf #0', 'UNDEFINED'],
  ];
  for (const [instruction, text, exit] of exits) {
    it(`${text} exits with ${exit}, the PC still there`, () => {
      const machine = testEngine();
      const { engine } = machine;
      machine.load([NOP, instruction]);
      assert.equal(machine.run(), exit);
      assert.equal(engine.state.PC, RAM_BASE + 4n);
      assert.equal(engine.state.retired, 1n);
    });
  }

  it('yield goes on, until the one at which the processor layer wants to hear of it', () => {
    const machine = testEngine();
    const { engine } = machine;
    machine.load([YIELD, YIELD, YIELD, HLT]);
    assert.equal(machine.run(), 'HLT');
    engine.state.PC = RAM_BASE;
    engine.state.yieldsLeft = 3;
    assert.equal(machine.run(), 'YIELD');
    assert.equal(engine.state.PC, RAM_BASE + 8n);
  });

  it('hints without a meaning here and barriers do nothing', () => {
    const machine = testEngine();
    const { engine } = machine;
    // nop; bti c; paciasp; dsb sy; dmb ish; isb; clrex
    machine.load([
      NOP,
      0xd503245f,
      0xd503233f,
      0xd5033f9f,
      0xd5033bbf,
      0xd5033fdf,
      0xd5033f5f,
      HLT,
    ]);
    assert.equal(machine.run(), 'HLT');
    assert.equal(engine.state.retired, 7n);
  });
});
