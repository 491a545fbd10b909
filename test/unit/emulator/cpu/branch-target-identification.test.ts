/** FEAT_BTI: PSTATE.BTYPE, guarded pages and the Branch Target exception. */
import assert from 'node:assert/strict';
import type { ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import { requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { addImmediate, b, brk, nop, svc } from '../../../support/a64.ts';
import {
  CODE,
  DATA,
  eret,
  guest,
  hex,
  place,
  SPSR_D,
  SPSR_SS,
  MDSCR_KDE,
  MDSCR_SS,
  untilException,
} from './guest.ts';
import type { GuestOptions } from './guest.ts';

const profile = { ...v8_0, model: requireCpuModel('max-supported') };
const withoutBTI = { ...v8_0, model: requireCpuModel('neoverse-n1') };

const EC_BRANCH_TARGET = 0x0d;
const EC_BRK = 0x3c;
const EC_SVC = 0x15;
const EC_SOFTWARE_STEP_SAME = 0x33;

const [bti, btiC, btiJ, btiJC] = [0xd503241f, 0xd503245f, 0xd503249f, 0xd50324df];
const [paciasp, pacibsp, hlt] = [0xd503233f, 0xd503237f, 0xd4400000];
const br = (n: number): number => (0xd61f0000 | (n << 5)) >>> 0;
const blr = (n: number): number => (0xd63f0000 | (n << 5)) >>> 0;
const ret = (n: number): number => (0xd65f0000 | (n << 5)) >>> 0;
/** `braa x<n>, x<m>` with a key that SCTLR_EL1 disables. */
const braa = (n: number, m: number): number => (0xd71f0800 | (n << 5) | m) >>> 0;
const blraa = (n: number, m: number): number => (0xd73f0800 | (n << 5) | m) >>> 0;

const TABLE = DATA + 0x2000n;
const BLOCK = 0x401n; // AF, block, EL1 read/write
const READ_ONLY = 3n << 6n;
const GP = 1n << 50n;
const GiB = 1n << 30n;
/** The same memory without GP. */
const UNGUARDED = GiB;
/** Where the branches go: in the page of the branch, and in another one. */
const TARGETS = [CODE + 0x40n, CODE + 0x3040n];

/** RAM twice: guarded where it is, and not guarded 1 GiB further. */
function mapped(words: readonly number[], options: GuestOptions = {}): ProcessingElement {
  const pe = guest(words, { profile, ...options });
  const entries = [0n, CODE | BLOCK | READ_ONLY | GP, CODE | BLOCK | READ_ONLY];
  pe.engine.writePhysical(TABLE, new Uint8Array(BigUint64Array.from(entries).buffer));
  pe.registers.write('MAIR_EL1', 0xffn);
  pe.registers.write('TCR_EL1', 25n | (1n << 23n));
  pe.registers.write('TTBR0_EL1', TABLE);
  pe.registers.write('SCTLR_EL1', pe.registers.raw('SCTLR_EL1') | 1n);
  return pe;
}

const BTYPE = (SPSR: bigint): bigint => (SPSR >> 10n) & 3n;

interface BranchOptions {
  readonly from?: bigint;
  readonly to?: bigint;
  readonly EL?: 0 | 1;
  /** SCTLR_EL1.BT0 or BT1. */
  readonly BT?: bigint;
}

/** What comes of a branch to `target`, an instruction with a BRK behind it. */
function outcome(
  pe: ProcessingElement,
  branch: number,
  target: number,
  { from = CODE, to = TARGETS[0] ?? 0n, EL = 1, BT = 0n }: BranchOptions = {},
): { EC: number | undefined; ISS: number | undefined; at: bigint; BTYPE: bigint } {
  place(pe, CODE, [nop, branch]);
  place(pe, to >= CODE + UNGUARDED ? to - UNGUARDED : to, [target, brk(1)]);
  const SCTLR = pe.registers.raw('SCTLR_EL1') & ~(3n << 35n);
  pe.registers.write('SCTLR_EL1', SCTLR | BT);
  pe.setPstate({ NZCV: 0, DAIF: 0xf, SS: 0, IL: false, EL, SPSel: EL });
  for (const n of [1, 16, 17]) pe.state.setX(n, to);
  pe.state.PC = from;
  const { EC, ISS, preferredReturn } = untilException(pe);
  return { EC, ISS, at: preferredReturn, BTYPE: BTYPE(pe.registers.raw('SPSR_EL1')) };
}

describe('Branch target identification', () => {
  let shared: ProcessingElement;
  before(() => {
    shared = mapped([]);
  });
  it('lets each kind of branch come to the instructions that are for it', () => {
    const branches = [
      { name: 'BR', word: br(1), type: 3 },
      { name: 'BR X16', word: br(16), type: 1 },
      { name: 'BR X17', word: br(17), type: 1 },
      { name: 'BLR', word: blr(1), type: 2 },
      { name: 'BRAA', word: braa(1, 2), type: 3 },
      { name: 'BLRAA', word: blraa(1, 2), type: 2 },
      { name: 'RET', word: ret(1), type: 0 },
    ];
    const targets = [
      { name: 'BTI', word: bti, types: [0] },
      { name: 'BTI c', word: btiC, types: [0, 1, 2] },
      { name: 'BTI j', word: btiJ, types: [0, 1, 3] },
      { name: 'BTI jc', word: btiJC, types: [0, 1, 2, 3] },
      // SCTLR_EL1.BT1 is clear.
      { name: 'PACIASP', word: paciasp, types: [0, 1, 2, 3] },
      { name: 'PACIBSP', word: pacibsp, types: [0, 1, 2, 3] },
      { name: 'BRK', word: brk(7), types: [0, 1, 2, 3] },
      { name: 'NOP', word: nop, types: [0] },
      { name: 'ADD', word: addImmediate(1, 1, 1), types: [0] },
      { name: 'B', word: b(4), types: [0] },
    ];
    for (const branch of branches) {
      for (const target of targets) {
        for (const to of TARGETS) {
          const what = `${branch.name} to ${target.name} at ${hex(to)}`;
          const { EC, ISS, at, BTYPE } = outcome(shared, branch.word, target.word, { to });
          if (target.types.includes(branch.type)) {
            assert.equal(EC, EC_BRK, what);
            continue;
          }
          assert.equal(EC, EC_BRANCH_TARGET, what);
          assert.equal(ISS, branch.type, what);
          assert.equal(at, to, what);
          assert.equal(BTYPE, BigInt(branch.type), what);
        }
      }
    }
  });

  it('takes HLT for a target: its own exception comes', () => {
    const { EC, at } = outcome(shared, br(1), hlt);
    assert.deepEqual({ EC, at }, { EC: 0, at: TARGETS[0] });
  });

  it('SCTLR_EL1.BT1 and BT0 refuse BR to PACIASP, at EL1 and EL0', () => {
    const ec = (EL: 0 | 1, bit: bigint, branch: number): number | undefined =>
      outcome(shared, branch, paciasp, { EL, BT: 1n << bit }).EC;
    assert.equal(ec(1, 36n, br(1)), EC_BRANCH_TARGET);
    assert.equal(ec(1, 35n, br(1)), EC_BRK);
    assert.equal(ec(0, 35n, br(1)), EC_BRANCH_TARGET);
    assert.equal(ec(0, 36n, br(1)), EC_BRK);
    assert.equal(ec(1, 36n, blr(1)), EC_BRK);
    assert.equal(ec(1, 36n, br(16)), EC_BRK);
  });

  it('checks nothing in pages that are not guarded, and BR from them is as by X16', () => {
    const to = CODE + UNGUARDED + 0x40n;
    assert.equal(outcome(shared, br(1), nop, { to }).EC, EC_BRK);
    const from = CODE + UNGUARDED;
    assert.deepEqual(outcome(shared, br(1), nop, { from }).ISS, 1);
    assert.equal(outcome(shared, br(1), btiC, { from }).EC, EC_BRK);
    assert.equal(outcome(shared, blr(1), nop, { from }).ISS, 2);
  });

  it('holds for the next instruction only, and is in SPSR_ELx', () => {
    const svcAtOnce = outcome(shared, blr(1), svc(0), { to: CODE + UNGUARDED + 0x40n });
    assert.deepEqual([svcAtOnce.EC, svcAtOnce.BTYPE], [EC_SVC, 2n]);
    const later = outcome(shared, blr(1), nop, { to: CODE + UNGUARDED + 0x40n });
    assert.deepEqual([later.EC, later.BTYPE], [EC_BRK, 0n]);
  });

  it('survives an interrupt between the branch and its target, and is checked after ERET', () => {
    for (const [word, EC] of [
      [btiC, EC_BRK],
      [nop, EC_BRANCH_TARGET],
    ] as const) {
      const pe = mapped([blr(1)]);
      const [to = 0n] = TARGETS;
      place(pe, to, [word, brk(1)]);
      pe.state.setX(1, to);
      pe.run(1);
      assert.equal(pe.state.BTYPE, word === btiC || pe.state.PC === to ? 2 : 0);
      pe.pendingInterrupts.irq = true;
      assert.equal(untilException(pe).kind, 'IRQ');
      assert.equal(BTYPE(pe.registers.raw('SPSR_EL1')), 2n);
      assert.equal(pe.state.BTYPE, 0);
      pe.pendingInterrupts.irq = false;
      eret(pe);
      assert.equal(pe.state.BTYPE, 2);
      assert.equal(untilException(pe).EC, EC);
    }
  });

  it('survives every end of a run', () => {
    for (const [word, EC] of [
      [btiC, EC_BRK],
      [nop, EC_BRANCH_TARGET],
    ] as const) {
      const pe = mapped([nop, blr(1)]);
      const [, to = 0n] = TARGETS;
      place(pe, to, [word, brk(1)]);
      pe.state.setX(1, to);
      pe.exceptionHook = () => true;
      let event = pe.run(1);
      while (event.kind === 'budget') event = pe.run(1);
      assert.equal(event.kind === 'exceptionTaken' && event.exception.EC, EC);
    }
  });

  it('comes after Software Step: the step exception has BTYPE in SPSR_EL1', () => {
    const pe = mapped([blr(1)]);
    const [to = 0n] = TARGETS;
    place(pe, to, [nop]);
    pe.state.setX(1, to);
    pe.registers.write('MDSCR_EL1', MDSCR_SS | MDSCR_KDE);
    pe.registers.setRaw('SPSR_EL1', 0x5n | SPSR_SS);
    pe.registers.setRaw('ELR_EL1', CODE);
    pe.setPstate({ NZCV: 0, DAIF: 0xf, SS: 0, IL: false, EL: 1, SPSel: 1 });
    eret(pe, { SPSR: (value) => value & ~SPSR_D });
    const { EC, preferredReturn } = untilException(pe);
    assert.deepEqual([EC, preferredReturn], [EC_SOFTWARE_STEP_SAME, to]);
    assert.equal(BTYPE(pe.registers.raw('SPSR_EL1')), 2n);
  });

  it('does not exist without the feature', () => {
    const { EC, BTYPE } = outcome(mapped([], { profile: withoutBTI }), br(1), nop);
    assert.deepEqual([EC, BTYPE], [EC_BRK, 0n]);
    const pe = guest([], { profile: withoutBTI });
    pe.registers.write('SPSR_EL1', 0xfffn);
    assert.equal(pe.registers.raw('SPSR_EL1') & 0xc00n, 0n);
  });
});
