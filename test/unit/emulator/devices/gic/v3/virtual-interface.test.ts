/** Expected values: IHI 0069, "Virtual interrupt handling and prioritization" and the pages of ICH_* and ICV_*. */
import assert from 'node:assert/strict';
import { ISACTIVER, ISPENDR, MAINTENANCE, SGI_BASE, testGic } from './gic.ts';
import type { TestGic } from './gic.ts';

const En = 1;
const UIE = 1 << 1;
const LRENPIE = 1 << 2;
const NPIE = 1 << 3;
const VGrp1DIE = 1 << 7;
/** VPMR 0xf8, group 1 enabled. */
const VMCR = 0xf800_0002;
const VCBPR = 1 << 4;
const VEOIM = 1 << 9;

const PENDING = 1n << 62n;
const ACTIVE = 2n << 62n;
const GROUP1 = 1n << 60n;

function LR(fields: {
  state?: bigint;
  vINTID: number;
  priority?: number;
  group?: 0 | 1;
  pINTID?: number;
  EOI?: true;
}): bigint {
  const { state = PENDING, vINTID, priority = 0x80, group = 1, pINTID, EOI } = fields;
  return (
    state |
    (group === 1 ? GROUP1 : 0n) |
    (BigInt(priority) << 48n) |
    (pINTID === undefined ? 0n : (1n << 61n) | (BigInt(pINTID) << 32n)) |
    (EOI === true ? 1n << 41n : 0n) |
    BigInt(vINTID)
  );
}

function withLists(...registers: readonly bigint[]): TestGic {
  const test = testGic();
  test.setIch('ICH_VMCR_EL2', VMCR);
  test.setIch('ICH_HCR_EL2', En);
  registers.forEach((value, n) => {
    test.setIch(`ICH_LR${n}_EL2` as 'ICH_LR0_EL2', value);
  });
  return test;
}

/** Whether PPI 25 is asserted. */
const maintenance = (test: TestGic): boolean =>
  ((test.r(0, SGI_BASE + ISPENDR) >>> MAINTENANCE) & 1) === 1;

describe('GICv3 virtual CPU interface', () => {
  it('describes itself', () => {
    const test = testGic({ state: 'reset' });
    const VTR = Number(test.ich('ICH_VTR_EL2'));
    assert.equal(VTR & 0x1f, 3, 'four list registers');
    assert.equal(VTR >>> 29, 4, 'five priority bits');
    assert.equal((VTR >>> 26) & 7, 4, 'five preemption bits');
    assert.equal((VTR >>> 23) & 7, 0, '16 INTID bits');
    assert.equal(test.ich('ICH_ELRSR_EL2'), 0xfn);
    assert.equal(test.ich('ICH_MISR_EL2'), 0n);
  });

  it('registers keep what they have', () => {
    const test = testGic();
    for (const name of ['ICH_LR0_EL2', 'ICH_LR3_EL2'] as const) {
      test.setIch(name, 0xffff_ffff_ffff_ffffn);
      assert.equal(test.ich(name), 0xf0f8_1fff_0000_ffffn, 'HW: pINTID');
      test.setIch(name, 0xdfff_ffff_ffff_ffffn);
      assert.equal(test.ich(name), 0xd0f8_0200_0000_ffffn, 'not HW: EOI');
    }
    test.setIch('ICH_HCR_EL2', 0xffff_ffffn);
    assert.equal(test.ich('ICH_HCR_EL2'), 0xf800_5cffn);
    test.setIch('ICH_VMCR_EL2', 0n);
    assert.equal(test.ich('ICH_VMCR_EL2'), 0x004c_0008n, 'least binary points, VFIQEn');
    test.setIch('ICH_VMCR_EL2', 0xffff_ffffn);
    assert.equal(test.ich('ICH_VMCR_EL2'), 0xf8fc_021bn);
  });

  it('signals a pending list register while it is enabled', () => {
    const test = withLists(LR({ vINTID: 42 }));
    assert.deepEqual(test.signalled(), ['virq']);
    test.setIch('ICH_HCR_EL2', 0);
    assert.deepEqual(test.signalled(), ['']);
    test.setIch('ICH_HCR_EL2', En);
    test.setIcv('ICC_PMR_EL1', 0x80);
    assert.deepEqual(test.signalled(), [''], 'not above the mask');
    test.setIcv('ICC_PMR_EL1', 0x88);
    test.setIcv('ICC_IGRPEN1_EL1', 0);
    assert.deepEqual(test.signalled(), ['']);
    assert.equal(test.ich('ICH_VMCR_EL2') & 3n, 0n, 'the guest changes ICH_VMCR_EL2');
  });

  it('group 0 is a virtual FIQ', () => {
    const test = withLists(LR({ vINTID: 42, group: 0 }));
    assert.deepEqual(test.signalled(), ['']);
    test.setIcv('ICC_IGRPEN0_EL1', 1);
    assert.deepEqual(test.signalled(), ['vfiq']);
    assert.equal(test.icv('ICC_IAR1_EL1'), 1023n);
    assert.equal(test.icv('ICC_HPPIR1_EL1'), 1023n);
    assert.equal(test.icv('ICC_HPPIR0_EL1'), 42n);
    assert.equal(test.icv('ICC_IAR0_EL1'), 42n);
    assert.equal(test.ich('ICH_AP0R0_EL2'), 1n << 16n);
  });

  it('the guest acknowledges and ends by priority', () => {
    const test = withLists(LR({ vINTID: 42 }), LR({ vINTID: 43, priority: 0x40 }));
    assert.equal(test.icv('ICC_IAR1_EL1'), 43n);
    assert.equal(test.ich('ICH_LR1_EL2') & (3n << 62n), ACTIVE);
    assert.deepEqual(test.signalled(), ['']);
    assert.equal(test.icv('ICC_IAR1_EL1'), 1023n);
    assert.equal(test.icv('ICC_RPR_EL1'), 0x40n);
    assert.equal(test.ich('ICH_AP1R0_EL2'), 1n << 8n);
    test.setIcv('ICC_EOIR1_EL1', 43);
    assert.equal(test.ich('ICH_LR1_EL2') & (3n << 62n), 0n);
    assert.equal(test.ich('ICH_ELRSR_EL2'), 0b1110n);
    assert.deepEqual(test.signalled(), ['virq']);
    assert.equal(test.icc(0, 'ICC_RPR_EL1'), 0xffn, 'the physical interface is another');
  });

  it('ICC_BPR1_EL1 of the guest groups its priorities', () => {
    const test = withLists(LR({ vINTID: 42, priority: 0x88 }));
    test.setIcv('ICC_BPR1_EL1', 5);
    assert.equal((test.ich('ICH_VMCR_EL2') >> 18n) & 7n, 5n);
    test.icv('ICC_IAR1_EL1');
    test.setIch('ICH_LR1_EL2', LR({ vINTID: 43, priority: 0x80 }));
    assert.deepEqual(test.signalled(), ['']);
    test.setIch('ICH_VMCR_EL2', VMCR | VCBPR);
    assert.equal(test.icv('ICC_BPR1_EL1'), 3n, 'one more than BPR0');
    assert.equal(test.icv('ICC_CTLR_EL1') & 3n, 1n);
  });

  it('ending an interrupt of hardware deactivates it there', () => {
    const test = withLists(LR({ vINTID: 42, pINTID: 27 }));
    test.enable(27, 0x80);
    test.gic.ppi(0, 11).set(true);
    test.setIcc(0, 'ICC_CTLR_EL1', 2);
    test.icc(0, 'ICC_IAR1_EL1');
    test.setIcc(0, 'ICC_EOIR1_EL1', 27);
    assert.deepEqual(test.signalled(), ['virq'], 'the physical interrupt is still active');
    test.icv('ICC_IAR1_EL1');
    test.setIcv('ICC_EOIR1_EL1', 42);
    assert.equal(test.r(0, SGI_BASE + ISACTIVER), 0);
    assert.deepEqual(test.signalled(), ['irq']);
  });

  it('EOImode of the guest leaves deactivation to ICC_DIR_EL1', () => {
    const test = withLists(LR({ vINTID: 42, EOI: true }));
    test.setIch('ICH_VMCR_EL2', VMCR | VEOIM);
    test.icv('ICC_IAR1_EL1');
    test.setIcv('ICC_EOIR1_EL1', 42);
    assert.equal(test.icv('ICC_RPR_EL1'), 0xffn);
    assert.equal(test.ich('ICH_LR0_EL2') & (3n << 62n), ACTIVE);
    test.setIcv('ICC_DIR_EL1', 42);
    assert.equal(test.ich('ICH_EISR_EL2'), 1n);
  });

  it('an active and pending interrupt is pending after its end', () => {
    const test = withLists(LR({ vINTID: 42 }));
    test.icv('ICC_IAR1_EL1');
    test.setIch('ICH_LR0_EL2', LR({ vINTID: 42, state: PENDING | ACTIVE }));
    assert.deepEqual(test.signalled(), ['']);
    test.setIcv('ICC_EOIR1_EL1', 42);
    assert.deepEqual(test.signalled(), ['virq']);
  });

  it('a virtual LPI has no active state', () => {
    const test = withLists(LR({ vINTID: 8192 }));
    assert.equal(test.icv('ICC_IAR1_EL1'), 8192n);
    assert.equal(test.ich('ICH_LR0_EL2') & (3n << 62n), 0n);
    test.setIcv('ICC_EOIR1_EL1', 8192);
    assert.equal(test.ich('ICH_HCR_EL2') >> 27n, 0n);
    assert.equal(test.icv('ICC_RPR_EL1'), 0xffn);
  });

  describe('asks for maintenance', () => {
    it('when an interrupt with EOI set has ended', () => {
      const test = withLists(LR({ vINTID: 42, EOI: true }));
      test.icv('ICC_IAR1_EL1');
      assert.equal(maintenance(test), false);
      test.setIcv('ICC_EOIR1_EL1', 42);
      assert.equal(test.ich('ICH_MISR_EL2'), 1n);
      assert.equal(test.ich('ICH_EISR_EL2'), 1n);
      assert.equal(test.ich('ICH_ELRSR_EL2'), 0b1110n);
      assert.equal(maintenance(test), true);
      test.setIch('ICH_LR0_EL2', 0n);
      assert.equal(maintenance(test), false);
    });

    it('with one or no list register in use and UIE', () => {
      const test = withLists(LR({ vINTID: 42 }), LR({ vINTID: 43 }));
      test.setIch('ICH_HCR_EL2', En | UIE);
      assert.equal(maintenance(test), false);
      test.setIch('ICH_LR1_EL2', 0n);
      assert.equal(test.ich('ICH_MISR_EL2'), 2n);
      assert.equal(maintenance(test), true);
      test.setIch('ICH_HCR_EL2', UIE);
      assert.equal(maintenance(test), false, 'not while the interface is off');
    });

    it('when an interrupt ended that is in no list register, and LRENPIE', () => {
      const test = withLists();
      test.setIch('ICH_HCR_EL2', En | LRENPIE);
      test.setIch('ICH_AP1R0_EL2', 1n << 16n);
      test.setIcv('ICC_EOIR1_EL1', 50);
      assert.equal(test.ich('ICH_HCR_EL2') >> 27n, 1n, 'EOIcount');
      assert.equal(test.ich('ICH_MISR_EL2'), 4n);
      assert.equal(maintenance(test), true);
    });

    it('when nothing is pending and NPIE', () => {
      const test = withLists(LR({ vINTID: 42 }));
      test.setIch('ICH_HCR_EL2', En | NPIE);
      assert.equal(maintenance(test), false);
      test.icv('ICC_IAR1_EL1');
      assert.equal(test.ich('ICH_MISR_EL2'), 8n);
      assert.equal(maintenance(test), true);
    });

    it('when the guest disables a group', () => {
      const test = withLists();
      test.setIch('ICH_HCR_EL2', En | VGrp1DIE);
      assert.equal(maintenance(test), false);
      test.setIcv('ICC_IGRPEN1_EL1', 0);
      assert.equal(test.ich('ICH_MISR_EL2'), 0x80n);
      assert.equal(maintenance(test), true);
    });
  });
});
