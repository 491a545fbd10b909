import assert from 'node:assert/strict';
import * as L from '../../../../emulator/engine/layout.ts';
import { RAM_BASE, testEngine } from '../../../support/test-engine.ts';

const ADD_X0_1 = 0x91000400; // add x0, x0, #1
const HLT = 0xd45e0000; // hlt #0xf000
const NOP = 0xd503201f;
const LDR_X3_X4 = 0xf9400083; // ldr x3, [x4]
const STR_X3_X4 = 0xf9000083; // str x3, [x4]
const LDRB_W3_X4 = 0x39400083; // ldrb w3, [x4]
const STR_W3_X4 = 0xb9000083; // str w3, [x4]
const DC_ZVA_X4 = 0xd50b7424; // dc zva, x4
const STRB_W3_X4 = 0x39000083; // strb w3, [x4]
const LDP_X5_X6_X4 = 0xa9401885; // ldp x5, x6, [x4]

const DATA = RAM_BASE + 0x8000n;

describe('Engine.run', () => {
  it('executes exactly the budget and counts what it retired', () => {
    const { engine, load } = testEngine();
    load([ADD_X0_1, ADD_X0_1, 0x17fffffe]); // b .-8
    for (const budget of [1, 2, 3, 4, 5, 100, 1001]) {
      const before = engine.state.retired;
      assert.equal(engine.run(budget), 'BUDGET');
      assert.equal(engine.state.retired - before, BigInt(budget));
    }
    assert.equal(engine.state.retired, 1116n);
    assert.equal(engine.state.X(0), 744n, 'two of every three instructions add');
    assert.equal(engine.state.PC, RAM_BASE);
  });

  it('gives the same state however a run is sliced', () => {
    const program = [ADD_X0_1, STR_X3_X4, LDR_X3_X4, 0x91000463, 0x17fffffc]; // add x3, x3, #1; b .-16
    const states = [1000, 7, 1].map((slice) => {
      const { engine, load } = testEngine();
      load(program);
      engine.state.setX(4, DATA);
      for (let left = 1000; left > 0; left -= slice) engine.run(Math.min(slice, left));
      return engine.state.saveBlock().slice(0x100, L.SAVED_END);
    });
    assert.deepEqual(states[1], states[0]);
    assert.deepEqual(states[2], states[0]);
  });

  it('exits with the PC at an instruction that it does not execute', () => {
    const { engine, load, run } = testEngine();
    load([NOP, HLT]);
    assert.equal(run(), 'HLT');
    assert.equal(engine.state.PC, RAM_BASE + 4n);
    assert.equal(engine.state.retired, 1n);
    assert.equal(engine.instructionWord(), HLT);
  });

  it('exits with UNDEFINED on an unallocated word', () => {
    const { load, run } = testEngine();
    load([0x00000000]); // udf #0
    assert.equal(run(), 'UNDEFINED');
  });

  it('falls through to the next page and branches across pages', () => {
    const { engine, load, run } = testEngine();
    load([ADD_X0_1, 0x94000400], RAM_BASE + 0xff8n); // bl .+0x1000
    load([ADD_X0_1, HLT], RAM_BASE + 0x1000n);
    load([ADD_X0_1, 0xd65f03c0], RAM_BASE + 0x1ffcn); // add; ret
    engine.state.PC = RAM_BASE + 0xff8n;
    assert.equal(run(), 'HLT');
    assert.equal(engine.state.PC, RAM_BASE + 0x1004n);
    assert.equal(engine.state.X(0), 3n);
    assert.equal(engine.state.X(30), RAM_BASE + 0x1000n);
  });

  it('reports a branch to an unaligned address with the PC there and the branch retired', () => {
    const { engine, load, run } = testEngine();
    load([0xd61f0120]); // br x9
    engine.state.setX(9, RAM_BASE + 2n);
    assert.equal(run(), 'PC_ALIGNMENT');
    assert.equal(engine.state.PC, RAM_BASE + 2n);
    assert.equal(engine.state.retired, 1n);
  });

  it('reports a fetch that the host refuses with the PC at the target', () => {
    const { engine, load, run } = testEngine();
    load([0xd61f0120]); // br x9
    engine.state.setX(9, 0x1234_5000n);
    assert.equal(run(), 'HOST_FAULT');
    assert.equal(engine.state.PC, 0x1234_5000n);
    assert.equal(engine.state.retired, 1n);
  });
});

describe('Engine data accesses', () => {
  it('reach the host once for a page and then take the fast path', () => {
    const { engine, seen, load, run } = testEngine();
    load([STR_X3_X4, LDR_X3_X4, STR_X3_X4, LDR_X3_X4, HLT]);
    engine.state.setX(4, DATA);
    assert.equal(run(), 'HLT');
    assert.deepEqual(seen, [{ va: DATA, size: 8, isWrite: true }]);
  });

  it('reach the host every time while the page has no tag', () => {
    const { engine, seen, load, run } = testEngine({ install: false });
    load([STR_X3_X4, LDR_X3_X4, LDR_X3_X4, HLT]);
    engine.state.setX(4, DATA);
    engine.state.setX(3, 0x1122334455667788n);
    assert.equal(run(), 'HLT');
    assert.equal(seen.length, 3);
    assert.equal(engine.state.X(3), 0x1122334455667788n);
  });

  it('leave the registers alone when the host refuses, writeback included', () => {
    const { engine, faulting, load, run } = testEngine();
    load([0xf8408483]); // ldr x3, [x4], #8
    engine.state.setX(4, DATA);
    engine.state.setX(3, 7n);
    faulting.add(DATA);
    assert.equal(run(), 'HOST_FAULT');
    assert.equal(engine.state.PC, RAM_BASE);
    assert.equal(engine.state.X(4), DATA);
    assert.equal(engine.state.X(3), 7n);
  });

  it('are made unaligned inside a page of Normal memory without the host, across pages with it', () => {
    const { engine, seen, load, run } = testEngine();
    load([LDR_X3_X4, LDR_X3_X4, HLT]);
    engine.writePhysical(DATA, Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    engine.state.setX(4, DATA);
    run(1);
    seen.length = 0;
    engine.state.setX(4, DATA + 1n);
    run(1);
    assert.equal(engine.state.X(3), 0x0807060504030201n);
    assert.deepEqual(seen, []);
    engine.state.PC = RAM_BASE;
    engine.state.setX(4, DATA + 0xffcn);
    run(1);
    assert.deepEqual(seen, [{ va: DATA + 0xffcn, size: 8, isWrite: false }]);
  });

  it('reach the host when they are unaligned in Device memory', () => {
    const { engine, seen, load, run } = testEngine({ unaligned: false });
    load([LDR_X3_X4, LDR_X3_X4, LDP_X5_X6_X4, HLT]);
    engine.state.setX(4, DATA);
    run(1);
    seen.length = 0;
    engine.state.setX(4, DATA + 4n);
    run(1);
    assert.equal(seen.length, 1);
    engine.state.setX(4, DATA + 8n);
    run(1);
    assert.equal(seen.length, 1, 'a pair is aligned when its elements are');
  });

  it('read a pair through one access', () => {
    const { engine, seen, load, run } = testEngine({ install: false });
    load([LDP_X5_X6_X4, HLT]);
    engine.state.setX(4, DATA);
    run();
    assert.deepEqual(seen, [{ va: DATA, size: 16, isWrite: false }]);
  });
});

describe('A page with watched bytes', () => {
  const WATCHED = { low: 0x10, high: 0x14 };
  const cases = [
    { title: 'a load that ends where the watched bytes begin', offset: 0x8, word: LDR_X3_X4 },
    { title: 'a load that begins where they end', offset: 0x14, word: LDRB_W3_X4 },
    { title: 'a store that ends where they begin', offset: 0x8, word: STR_X3_X4 },
    { title: 'a store that begins where they end', offset: 0x14, word: STRB_W3_X4 },
    { title: 'a load over them', offset: 0x10, word: LDR_X3_X4, reachesHost: true },
    { title: 'a load of their last byte', offset: 0x13, word: LDRB_W3_X4, reachesHost: true },
    { title: 'a store of their last byte', offset: 0x13, word: STRB_W3_X4, reachesHost: true },
    { title: 'a pair that begins before them', offset: 0x8, word: LDP_X5_X6_X4, reachesHost: true },
    { title: 'an unaligned load beside them', offset: 0x21, word: LDR_X3_X4, reachesHost: true },
    { title: 'an unaligned store beside them', offset: 0x21, word: STR_X3_X4, reachesHost: true },
    { title: 'DC ZVA beside them', offset: 0x40, word: DC_ZVA_X4, reachesHost: true },
  ];
  for (const { title, offset, word, reachesHost = false } of cases) {
    it(`${reachesHost ? 'asks the host about' : 'takes without the host'} ${title}`, () => {
      const { engine, seen, load, run } = testEngine({ install: false });
      const permissions = { read: false, write: false, unaligned: true, watched: WATCHED };
      engine.installTlb(1, DATA, DATA, permissions);
      load([word, HLT]);
      engine.state.setX(4, DATA + BigInt(offset));
      assert.equal(run(), 'HLT');
      assert.equal(seen.length, reachesHost ? 1 : 0);
    });
  }

  it('lets the direction that is not watched take the fast path, over the watched bytes too', () => {
    const { engine, seen, load, run } = testEngine({ install: false });
    const permissions = { read: true, write: false, unaligned: true, watched: WATCHED };
    engine.installTlb(1, DATA, DATA, permissions);
    load([LDR_X3_X4, STR_X3_X4, HLT]);
    engine.state.setX(4, DATA + 0x10n);
    assert.equal(run(), 'HLT');
    assert.deepEqual(seen, [{ va: DATA + 0x10n, size: 8, isWrite: true }]);
  });

  it('notices stores to code beside the watched bytes', () => {
    const { engine, seen, load, run } = testEngine({ install: false });
    const permissions = { read: false, write: false, unaligned: true, watched: WATCHED };
    load([STR_W3_X4, NOP, HLT, HLT, HLT, HLT, ADD_X0_1, HLT]);
    engine.state.PC = RAM_BASE + 0x18n;
    assert.equal(run(), 'HLT');
    engine.installTlb(1, RAM_BASE, RAM_BASE, permissions);
    engine.state.setX(3, BigInt(NOP));
    engine.state.setX(4, RAM_BASE + 0x18n);
    engine.state.PC = RAM_BASE;
    assert.equal(run(), 'HLT');
    assert.equal(seen.length, 1);
    engine.state.PC = RAM_BASE + 0x18n;
    assert.equal(run(), 'HLT');
    assert.equal(engine.state.X(0), 1n);
  });
});

describe('Engine and code that changes', () => {
  it('executes a word that was stored over one that had executed', () => {
    const { engine, load, run } = testEngine();
    // add x0, x0, #1; str w1, [x2] over the first word; b .-8
    load([ADD_X0_1, 0xb9000041, 0x17fffffe]);
    engine.state.setX(1, BigInt(HLT));
    engine.state.setX(2, RAM_BASE);
    assert.equal(run(), 'HLT');
    assert.equal(engine.state.X(0), 1n);
    assert.equal(engine.state.PC, RAM_BASE);
  });

  it('notices a store to code through a tag that was installed before the page held code', () => {
    const { engine, load, run } = testEngine();
    const code = DATA;
    load([STR_X3_X4, 0xd63f0120, 0xb9000041, 0xd63f0120, HLT]); // str; blr x9; str w1,[x2]; blr x9
    load([ADD_X0_1, 0xd65f03c0], code); // add; ret
    engine.state.setX(4, code + 0x800n);
    engine.state.setX(9, code);
    engine.state.setX(1, 0x91000c00n); // add x0, x0, #3
    engine.state.setX(2, code);
    assert.equal(run(), 'HLT');
    assert.equal(engine.state.X(0), 4n);
  });

  it('keeps stores beside code in the same page on the fast path', () => {
    const { engine, seen, load, run } = testEngine();
    load([STRB_W3_X4, STRB_W3_X4, STRB_W3_X4, HLT]);
    engine.state.setX(4, RAM_BASE + 0x800n);
    assert.equal(run(), 'HLT');
    assert.equal(seen.length, 1);
  });

  it('notices what the debugger writes', () => {
    const { engine, load, run } = testEngine();
    load([ADD_X0_1, HLT]);
    run();
    load([0x91000c00]); // add x0, x0, #3
    engine.state.PC = RAM_BASE;
    run();
    assert.equal(engine.state.X(0), 4n);
  });
});

describe('Engine breakpoints', () => {
  it('stop before the instruction, and runOne executes it', () => {
    const { engine, load, run } = testEngine();
    load([ADD_X0_1, ADD_X0_1, HLT]);
    engine.setBreakpoint(RAM_BASE + 4n);
    assert.equal(run(), 'BREAKPOINT');
    assert.equal(engine.state.X(0), 1n);
    assert.equal(run(), 'BREAKPOINT', 'still there');
    assert.equal(engine.runOne(), 'BUDGET');
    assert.equal(engine.state.X(0), 2n);
    assert.equal(run(), 'HLT');
  });

  it('survive a store over them and go away when cleared', () => {
    const { engine, load, run } = testEngine();
    load([ADD_X0_1, ADD_X0_1, HLT]);
    engine.setBreakpoint(RAM_BASE + 4n);
    run();
    load([0x91000c00], RAM_BASE + 4n); // add x0, x0, #3
    assert.equal(run(), 'BREAKPOINT');
    engine.clearBreakpoint(RAM_BASE + 4n);
    assert.equal(run(), 'HLT');
    assert.equal(engine.state.X(0), 4n);
  });

  it('take hold when they are set before the page is first fetched', () => {
    const { engine, load, run } = testEngine();
    engine.setBreakpoint(RAM_BASE + 0x1000n);
    load([ADD_X0_1], RAM_BASE + 0xffcn);
    load([HLT], RAM_BASE + 0x1000n);
    engine.state.PC = RAM_BASE + 0xffcn;
    assert.equal(run(), 'BREAKPOINT');
    assert.equal(engine.state.PC, RAM_BASE + 0x1000n);
  });
});

describe('Exclusive accesses', () => {
  const LDXR = 0xc85f7c87; // ldxr x7, [x4]
  const STXR = 0xc8087c83; // stxr w8, x3, [x4]
  const CLREX = 0xd5033f5f;

  it('store when the monitor is still closed', () => {
    const { engine, load, run } = testEngine();
    load([LDXR, STXR, HLT]);
    engine.state.setX(4, DATA);
    engine.state.setX(3, 9n);
    run();
    assert.equal(engine.state.X(8), 0n);
    assert.equal(engine.readPhysical(DATA, 1)?.[0], 9);
  });

  it('fail after CLREX, and a second time', () => {
    const { engine, load, run } = testEngine();
    load([LDXR, CLREX, STXR, HLT]);
    engine.state.setX(4, DATA);
    engine.state.setX(3, 9n);
    run();
    assert.equal(engine.state.X(8), 1n);
    assert.equal(engine.readPhysical(DATA, 1)?.[0], 0);
  });
});

describe('SP alignment', () => {
  it('is checked for SP as a base register while the regime asks for it', () => {
    const { engine, load, run } = testEngine();
    load([0xf90003e3, HLT]); // str x3, [sp]
    engine.state.SP = DATA + 8n;
    engine.setSpAlignmentCheck(true);
    assert.equal(run(), 'SP_ALIGNMENT');
    engine.setSpAlignmentCheck(false);
    assert.equal(run(), 'HLT');
  });
});
