/** Expected values: IHI 0048, "GIC support for virtualization". */
import assert from 'node:assert/strict';
import { GICD_ISACTIVER, GICD_ISPENDR, testGic } from './gic.ts';
import type { TestGic } from './gic.ts';

const GICH_HCR = 0x00;
const GICH_VTR = 0x04;
const GICH_VMCR = 0x08;
const GICH_MISR = 0x10;
const GICH_EISR0 = 0x20;
const GICH_ELRSR0 = 0x30;
const GICH_APR = 0xf0;
const GICH_LR0 = 0x100;
const GICV_CTLR = 0x00;
const GICV_PMR = 0x04;
const GICV_ABPR = 0x1c;
const GICV_IAR = 0x0c;
const GICV_EOIR = 0x10;
const GICV_RPR = 0x14;
const GICV_HPPIR = 0x18;
const GICV_AIAR = 0x20;
const GICV_AEOIR = 0x24;
const GICV_DIR = 0x1000;

const En = 1;
const UIE = 2;
const EnableGrp0 = 1;
const EnableGrp1 = 2;
const AckCtl = 4;
const FIQEn = 8;
const EOImode = 1 << 9;
const PENDING = 1 << 28;
const GROUP1 = 1 << 30;
const EOI = 1 << 19;
const priority = (value: number): number => (value >>> 3) << 23;

function withLists(...registers: readonly number[]): TestGic {
  const test = testGic();
  test.setH(GICH_HCR, En);
  test.setV(GICV_PMR, 0xf0);
  test.setV(GICV_CTLR, EnableGrp0 | EnableGrp1);
  registers.forEach((value, n) => {
    test.setH(GICH_LR0 + 4 * n, value);
  });
  return test;
}

describe('GICv2 virtual CPU interface', () => {
  it('describes itself and keeps what it has', () => {
    const test = testGic();
    assert.equal(test.h(GICH_VTR), 0x9000_0003);
    assert.equal(test.h(GICH_ELRSR0), 0xf);
    test.setH(GICH_LR0, 0xffff_ffff);
    assert.equal(test.h(GICH_LR0), 0xff8f_ffff, 'HW: PhysicalID');
    test.setH(GICH_LR0, 0x7fff_ffff);
    assert.equal(test.h(GICH_LR0), 0x7f88_1fff, 'not HW: EOI and CPUID');
    test.setH(GICH_VMCR, 0xffff_ffff);
    assert.equal(test.h(GICH_VMCR), 0xf8fc_021f);
    assert.equal(test.v(GICV_CTLR), 0x21f);
    test.setH(GICH_HCR, 0xffff_ffff);
    assert.equal(test.h(GICH_HCR), 0xf800_00ff);
  });

  it('group 0 is a virtual IRQ, or a virtual FIQ with FIQEn', () => {
    const test = withLists(PENDING | priority(0x80) | 40);
    assert.deepEqual(test.signalled(), ['virq']);
    test.setV(GICV_CTLR, EnableGrp0 | FIQEn);
    assert.deepEqual(test.signalled(), ['vfiq']);
    assert.equal(test.v(GICV_IAR), 40);
    assert.equal(test.v(GICV_RPR), 0x80);
    assert.equal(test.h(GICH_APR), 1 << 16);
    test.setV(GICV_EOIR, 40);
    assert.equal(test.h(GICH_ELRSR0), 0xf);
  });

  it('group 1 is acknowledged by the aliased register, or with AckCtl', () => {
    const test = withLists(PENDING | GROUP1 | priority(0x80) | 40);
    assert.equal(test.v(GICV_IAR), 1022);
    assert.equal(test.v(GICV_HPPIR), 1022);
    assert.equal(test.v(GICV_AIAR), 40);
    test.setV(GICV_AEOIR, 40);
    test.setH(GICH_LR0, (PENDING | GROUP1 | priority(0x80) | 41) >>> 0);
    test.setV(GICV_CTLR, EnableGrp0 | EnableGrp1 | AckCtl);
    assert.equal(test.v(GICV_IAR), 41);
  });

  it('an SGI has its sender, and is ended with it', () => {
    const test = withLists(
      PENDING | priority(0x80) | (2 << 10) | 5,
      PENDING | priority(0x80) | (3 << 10) | 5,
    );
    assert.equal(test.v(GICV_IAR), (2 << 10) | 5);
    test.setV(GICV_EOIR, (2 << 10) | 5);
    assert.equal(test.v(GICV_IAR), (3 << 10) | 5);
    test.setV(GICV_EOIR, (3 << 10) | 5);
    assert.equal(test.h(GICH_ELRSR0), 0xf);
    assert.equal(test.h(GICH_HCR) >>> 27, 0);
  });

  it('GICV_ABPR groups the priorities of group 1', () => {
    const test = withLists((PENDING | GROUP1 | priority(0x88) | 40) >>> 0);
    test.setV(GICV_ABPR, 5);
    test.v(GICV_AIAR);
    test.setH(GICH_LR0 + 4, (PENDING | GROUP1 | priority(0x80) | 41) >>> 0);
    assert.deepEqual(test.signalled(), ['']);
  });

  it('ending an interrupt of hardware deactivates it there', () => {
    const test = withLists(((2 ** 31) | PENDING | priority(0x80) | (27 << 10) | 27) >>> 0);
    test.setD(GICD_ISACTIVER, 2 ** 27);
    test.setV(GICV_CTLR, EnableGrp0 | EOImode);
    assert.equal(test.v(GICV_IAR), 27);
    test.setV(GICV_EOIR, 27);
    assert.equal(test.d(GICD_ISACTIVER), 2 ** 27);
    test.setV(GICV_DIR, 27);
    assert.equal(test.d(GICD_ISACTIVER), 0);
  });

  it('asks for maintenance by PPI 25, to each processor its own', () => {
    const test = withLists(PENDING | EOI | priority(0x80) | 40, PENDING | 41, PENDING | 42);
    const asserted = (): number => (test.d(GICD_ISPENDR) >>> 25) & 1;
    test.setH(GICH_HCR, En | UIE);
    assert.equal(asserted(), 0);
    for (const INTID of [41, 42]) {
      assert.equal(test.v(GICV_IAR), INTID);
      test.setV(GICV_EOIR, INTID);
    }
    assert.equal(asserted(), 1);
    assert.equal(test.h(GICH_MISR), 2, 'one list register is in use');
    test.setH(GICH_HCR, En);
    assert.equal(asserted(), 0);
    assert.equal(test.v(GICV_IAR), 40);
    test.setV(GICV_EOIR, 40);
    assert.equal(test.h(GICH_EISR0), 1);
    assert.equal(test.h(GICH_ELRSR0), 0b1110);
    assert.equal(asserted(), 1);
  });

  it('restores what it saved', () => {
    const test = withLists(PENDING | priority(0x80) | 40);
    const saved = test.gic.hypervisorFrame.saveState();
    const copy = testGic();
    copy.gic.hypervisorFrame.restoreState(saved);
    assert.deepEqual(copy.gic.hypervisorFrame.saveState(), saved);
    assert.deepEqual(copy.signalled(), ['virq']);
  });
});
