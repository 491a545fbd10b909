/** Expected values: IHI 0069, "Interrupt prioritization" and the pages of ICC_*. */
import assert from 'node:assert/strict';
import { ICACTIVER, ISACTIVER, ISPENDR, SGI_BASE, testGic } from './gic.ts';
import type { TestGic } from './gic.ts';

const CBPR = 1;
const EOImode = 2;

/** Makes SPIs pending, given by INTID. */
function pend(test: TestGic, ...INTIDs: readonly number[]): void {
  for (const INTID of INTIDs) {
    test.setD(ISPENDR + 4 * (INTID >>> 5), 2 ** (INTID & 31));
  }
}

function withSpis(priorities: Readonly<Record<number, number>>): TestGic {
  const test = testGic();
  for (const [INTID, priority] of Object.entries(priorities)) test.enable(Number(INTID), priority);
  return test;
}

describe('GICv3 CPU interface', () => {
  it('reset: nothing is enabled, and the binary points are the least', () => {
    const { icc } = testGic({ state: 'reset' });
    assert.equal(icc(0, 'ICC_PMR_EL1'), 0n);
    assert.equal(icc(0, 'ICC_BPR0_EL1'), 2n);
    assert.equal(icc(0, 'ICC_BPR1_EL1'), 3n);
    assert.equal(icc(0, 'ICC_RPR_EL1'), 0xffn);
    assert.equal(icc(0, 'ICC_IAR1_EL1'), 1023n);
    assert.equal(icc(0, 'ICC_HPPIR0_EL1'), 1023n);
    const CTLR = Number(icc(0, 'ICC_CTLR_EL1'));
    assert.equal((CTLR >>> 8) & 7, 4, 'five priority bits');
    assert.equal((CTLR >>> 11) & 7, 0, '16 INTID bits');
  });

  it('acknowledges the highest, then a higher one, and ends them in turn', () => {
    const test = withSpis({ 40: 0x80, 41: 0x40, 42: 0x40 });
    pend(test, 40);
    assert.equal(test.icc(0, 'ICC_IAR1_EL1'), 40n);
    assert.equal(test.icc(0, 'ICC_RPR_EL1'), 0x80n);
    assert.equal(test.icc(0, 'ICC_AP1R0_EL1'), 1n << 16n);
    assert.equal(test.d(ISACTIVER + 4), 1 << 8);
    pend(test, 42, 41);
    assert.equal(test.icc(0, 'ICC_IAR1_EL1'), 41n, 'of equal ones the lowest INTID');
    assert.deepEqual(test.signalled(), [''], 'an equal priority does not preempt');
    test.setIcc(0, 'ICC_EOIR1_EL1', 41);
    assert.equal(test.icc(0, 'ICC_RPR_EL1'), 0x80n);
    assert.equal(test.icc(0, 'ICC_HPPIR1_EL1'), 42n);
    assert.equal(test.icc(0, 'ICC_IAR1_EL1'), 42n);
    test.setIcc(0, 'ICC_EOIR1_EL1', 42);
    test.setIcc(0, 'ICC_EOIR1_EL1', 40);
    assert.equal(test.icc(0, 'ICC_RPR_EL1'), 0xffn);
    assert.equal(test.d(ISACTIVER + 4), 0);
    assert.deepEqual(test.errors, []);
  });

  it('a priority has to be higher than ICC_PMR_EL1, of which five bits exist', () => {
    const test = withSpis({ 40: 0x80 });
    pend(test, 40);
    test.setIcc(0, 'ICC_PMR_EL1', 0x87);
    assert.equal(test.icc(0, 'ICC_PMR_EL1'), 0x80n);
    assert.deepEqual(test.signalled(), ['']);
    assert.equal(test.icc(0, 'ICC_IAR1_EL1'), 1023n);
    assert.equal(test.icc(0, 'ICC_HPPIR1_EL1'), 40n, 'whatever its priority');
    test.setIcc(0, 'ICC_PMR_EL1', 0x88);
    assert.deepEqual(test.signalled(), ['irq']);
  });

  // [ICC_BPR1_EL1, running priority, new priority, whether it preempts]
  const grouping = [
    [3, 0x88, 0x80, true],
    [4, 0x88, 0x80, false],
    [4, 0x90, 0x88, true],
    [5, 0x98, 0x80, false],
    [5, 0xa0, 0x98, true],
    [7, 0x80, 0x78, true],
    [7, 0xf0, 0x80, false],
  ] as const;
  for (const [BPR1, running, priority, preempts] of grouping) {
    it(`ICC_BPR1_EL1 = ${BPR1}: ${priority} ${preempts ? 'preempts' : 'waits for'} ${running}`, () => {
      const test = withSpis({ 40: running, 41: priority });
      test.setIcc(0, 'ICC_BPR1_EL1', BPR1);
      pend(test, 40);
      test.icc(0, 'ICC_IAR1_EL1');
      pend(test, 41);
      assert.deepEqual(test.signalled(), [preempts ? 'irq' : '']);
    });
  }

  it('ICC_CTLR_EL1.CBPR makes BPR0 serve group 1, and BPR1 read one more', () => {
    const test = withSpis({ 40: 0x88, 41: 0x80 });
    test.setIcc(0, 'ICC_BPR0_EL1', 4);
    test.setIcc(0, 'ICC_CTLR_EL1', CBPR);
    assert.equal(test.icc(0, 'ICC_BPR1_EL1'), 5n);
    test.setIcc(0, 'ICC_BPR1_EL1', 3);
    pend(test, 40);
    test.icc(0, 'ICC_IAR1_EL1');
    pend(test, 41);
    assert.deepEqual(test.signalled(), ['']);
    test.setIcc(0, 'ICC_CTLR_EL1', 0);
    assert.equal(test.icc(0, 'ICC_BPR1_EL1'), 3n, 'writes under CBPR were ignored');
    assert.equal(test.icc(0, 'ICC_RPR_EL1'), 0x80n, 'the running priority was grouped by BPR0');
  });

  it('group 0 is an FIQ with registers of its own', () => {
    const test = withSpis({ 40: 0x80, 41: 0xc0 });
    test.setD(0x084, 1 << 9);
    pend(test, 40, 41);
    assert.deepEqual(test.signalled(), ['fiq']);
    assert.equal(test.icc(0, 'ICC_IAR1_EL1'), 1023n);
    assert.equal(test.icc(0, 'ICC_HPPIR1_EL1'), 1023n);
    assert.equal(test.icc(0, 'ICC_IAR0_EL1'), 40n);
    assert.equal(test.icc(0, 'ICC_AP0R0_EL1'), 1n << 16n);
    test.setIcc(0, 'ICC_EOIR1_EL1', 40);
    assert.equal(test.icc(0, 'ICC_RPR_EL1'), 0x80n, 'the wrong register ends nothing');
    assert.equal(test.errors.length, 1);
    test.setIcc(0, 'ICC_EOIR0_EL1', 40);
    assert.deepEqual(test.signalled(), ['irq']);
    test.setIcc(0, 'ICC_IGRPEN1_EL1', 0);
    assert.deepEqual(test.signalled(), ['']);
    assert.equal(test.icc(0, 'ICC_HPPIR1_EL1'), 1023n);
  });

  it('EOImode parts the priority drop from the deactivation', () => {
    const test = withSpis({ 40: 0x80 });
    pend(test, 40);
    test.setIcc(0, 'ICC_CTLR_EL1', EOImode);
    test.icc(0, 'ICC_IAR1_EL1');
    test.setIcc(0, 'ICC_EOIR1_EL1', 40);
    assert.equal(test.icc(0, 'ICC_RPR_EL1'), 0xffn);
    assert.equal(test.d(ISACTIVER + 4), 1 << 8);
    pend(test, 40);
    assert.deepEqual(test.signalled(), [''], 'active and pending');
    test.setIcc(0, 'ICC_DIR_EL1', 40);
    assert.deepEqual(test.signalled(), ['irq']);
    test.setIcc(0, 'ICC_CTLR_EL1', 0);
    test.setIcc(0, 'ICC_DIR_EL1', 40);
    assert.equal(test.errors.length, 1, 'DIR without EOImode');
  });

  it('special INTIDs end nothing', () => {
    const test = withSpis({ 40: 0x80 });
    pend(test, 40);
    test.icc(0, 'ICC_IAR1_EL1');
    for (const INTID of [1020, 1021, 1022, 1023]) test.setIcc(0, 'ICC_EOIR1_EL1', INTID);
    assert.equal(test.icc(0, 'ICC_RPR_EL1'), 0x80n);
    assert.deepEqual(test.errors, []);
  });

  it('an active state that software clears lets the interrupt come again', () => {
    const test = withSpis({ 40: 0x80 });
    test.gic.spi(8).set(true);
    test.icc(0, 'ICC_IAR1_EL1');
    test.setD(ICACTIVER + 4, 1 << 8);
    test.setIcc(0, 'ICC_AP1R0_EL1', 0);
    assert.deepEqual(test.signalled(), ['irq']);
  });

  it('reading without side effects acknowledges nothing', () => {
    const test = withSpis({ 40: 0x80 });
    pend(test, 40);
    const { ICC } = test.gic.systemRegisters(0);
    assert.equal(ICC.ICC_IAR1_EL1.peek(), 40n);
    assert.equal(ICC.ICC_IAR1_EL1.peek(), 40n);
    assert.deepEqual(test.signalled(), ['irq']);
  });

  it('tells the board whether an SPI would be signalled', () => {
    const test = withSpis({ 40: 0x80 });
    assert.ok(test.gic.wouldSignal(8));
    test.setIcc(0, 'ICC_PMR_EL1', 0x80);
    assert.ok(!test.gic.wouldSignal(8));
    assert.ok(!test.gic.wouldSignal(9), 'not enabled');
  });
});

describe('SGIs of a GICv3', () => {
  const SGI = (fields: {
    INTID: number;
    list?: number;
    Aff1?: number;
    RS?: number;
    IRM?: 1;
  }): bigint =>
    (BigInt(fields.IRM ?? 0) << 40n) |
    (BigInt(fields.RS ?? 0) << 44n) |
    (BigInt(fields.INTID) << 24n) |
    (BigInt(fields.Aff1 ?? 0) << 16n) |
    BigInt(fields.list ?? 0);

  function four(): TestGic {
    const test = testGic({ cpus: 4 });
    for (const cpu of [0, 1, 2, 3]) test.enable(5, 0xa0, cpu);
    return test;
  }

  it('go to a target list, the sender among them', () => {
    const test = four();
    test.setIcc(1, 'ICC_SGI1R_EL1', SGI({ INTID: 5, list: 0b1010 }));
    assert.deepEqual(test.signalled(), ['', 'irq', '', 'irq']);
    assert.equal(test.icc(3, 'ICC_IAR1_EL1'), 5n);
    assert.deepEqual(test.signalled(), ['', 'irq', '', '']);
    assert.equal(test.r(3, SGI_BASE + ISACTIVER), 1 << 5);
  });

  it('go to everyone else with IRM', () => {
    const test = four();
    test.setIcc(2, 'ICC_SGI1R_EL1', SGI({ INTID: 5, IRM: 1 }));
    assert.deepEqual(test.signalled(), ['irq', 'irq', '', 'irq']);
  });

  it('reach a target only in its group', () => {
    const test = four();
    test.setR(1, SGI_BASE + 0x80, 0);
    test.setIcc(0, 'ICC_SGI1R_EL1', SGI({ INTID: 5, list: 0b0110 }));
    assert.deepEqual(test.signalled(), ['', '', 'irq', '']);
    test.setIcc(0, 'ICC_SGI0R_EL1', SGI({ INTID: 5, list: 0b0110 }));
    assert.deepEqual(test.signalled(), ['', 'fiq', 'irq', '']);
  });

  it('to an affinity that does not exist are told', () => {
    const test = four();
    test.setIcc(0, 'ICC_SGI1R_EL1', SGI({ INTID: 5, list: 1, Aff1: 1 }));
    test.setIcc(0, 'ICC_SGI1R_EL1', SGI({ INTID: 5, list: 1, RS: 1 }));
    assert.deepEqual(test.signalled(), ['', '', '', '']);
    assert.equal(test.errors.length, 2);
  });
});
