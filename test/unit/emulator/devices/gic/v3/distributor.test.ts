/** Expected values: IHI 0069, "Distributor register descriptions" and "Redistributor register descriptions". */
import assert from 'node:assert/strict';
import { seededRandom } from '../../../../../support/random.ts';
import {
  GICD_CTLR,
  GICD_IIDR,
  GICD_IROUTER,
  GICD_PIDR2,
  GICD_TYPER,
  GICR_CTLR,
  GICR_TYPER,
  GICR_WAKER,
  ICENABLER,
  ICFGR,
  ICPENDR,
  IGROUPR,
  IPRIORITYR,
  ISACTIVER,
  ISENABLER,
  ISPENDR,
  SGI_BASE,
  STRIDE,
  testGic,
} from './gic.ts';

const IRM = 2 ** 31;

describe('GICv3 distributor', () => {
  it('identifies itself', () => {
    const { d } = testGic({ state: 'reset' });
    assert.equal(d(GICD_CTLR), 0x50, 'ARE and DS');
    assert.equal(d(GICD_TYPER) & 0x1f, 7, '256 INTIDs');
    assert.equal((d(GICD_TYPER) >>> 19) & 0x1f, 15, '16 INTID bits');
    assert.equal((d(GICD_TYPER) >>> 17) & 1, 1, 'LPIs');
    assert.equal((d(GICD_TYPER) >>> 10) & 1, 0, 'one Security state');
    assert.equal(d(GICD_IIDR), 0x43b);
    assert.equal(d(GICD_PIDR2) >>> 4, 3, 'GICv3');
  });

  it('is RAZ/WI for interrupts 0 to 31, legacy targets and SGIs', () => {
    const { d, setD, errors } = testGic();
    for (const offset of [
      IGROUPR,
      ISENABLER,
      ISPENDR,
      ISACTIVER,
      IPRIORITYR,
      IPRIORITYR + 28,
      ICFGR + 4,
      0x820,
      0xf00,
      GICD_IROUTER,
    ]) {
      setD(offset, 0xffff_ffff);
      assert.equal(d(offset), 0, `offset 0x${offset.toString(16)}`);
    }
    assert.deepEqual(errors, []);
  });

  it('has five priority bits', () => {
    const { d, setD } = testGic();
    setD(IPRIORITYR + 32, 0xffff_ffff);
    assert.equal(d(IPRIORITYR + 32), 0xf8f8_f8f8);
    setD(IPRIORITYR + 33, 0x47, 1);
    assert.equal(d(IPRIORITYR + 32), 0xf8f8_40f8);
    setD(IPRIORITYR + 256, 0xff, 1);
    assert.equal(d(IPRIORITYR + 256), 0);
  });

  it('sets and clears enables, pending and active states', () => {
    const { d, setD } = testGic();
    setD(ISENABLER + 4, 0b1011);
    setD(ICENABLER + 4, 0b0010);
    assert.deepEqual([d(ISENABLER + 4), d(ICENABLER + 4)], [0b1001, 0b1001]);
    setD(ISPENDR + 28, 2 ** 31);
    assert.equal(d(ICPENDR + 28), 2 ** 31);
    setD(ICPENDR + 28, 2 ** 31);
    assert.equal(d(ISPENDR + 28), 0);
    setD(ISENABLER + 32, 1);
    assert.equal(d(ISENABLER + 32), 0, 'beyond the last SPI');
  });

  it('keeps routes of 40 affinity bits', () => {
    const { d, setD } = testGic();
    const route = GICD_IROUTER + 8 * 255;
    setD(route, 0xffff_ffff);
    setD(route + 4, 0xffff_ffff);
    assert.deepEqual([d(route), d(route + 4)], [0x80ff_ffff, 0xff]);
    setD(GICD_IROUTER + 8 * 256, 1);
    assert.equal(d(GICD_IROUTER + 8 * 256), 0);
  });

  it('sends an SPI to the processor of its affinity', () => {
    const test = testGic({ cpus: 3 });
    test.enable(40, 0x80, 2);
    test.gic.spi(8).set(true);
    assert.deepEqual(test.signalled(), ['', '', 'irq']);
    test.setD(GICD_IROUTER + 8 * 40, 1);
    assert.deepEqual(test.signalled(), ['', 'irq', '']);
    test.setD(GICD_IROUTER + 8 * 40, 0x100);
    assert.deepEqual(test.signalled(), ['', '', ''], 'no processor has Aff1 = 1');
  });

  it('offers a 1 of N interrupt to one processor that takes part', () => {
    const test = testGic({ cpus: 3 });
    test.enable(40, 0x80);
    test.setD(GICD_IROUTER + 8 * 40, IRM);
    test.gic.spi(8).set(true);
    assert.deepEqual(test.signalled(), ['irq', '', '']);
    test.setIcc(0, 'ICC_PMR_EL1', 0x80);
    assert.deepEqual(test.signalled(), ['', 'irq', ''], 'one that masks it is passed over');
    test.setR(1, GICR_WAKER, 2);
    assert.deepEqual(test.signalled(), ['', '', 'irq'], 'so is one that sleeps');
    test.setR(2, GICR_CTLR, 1 << 25);
    test.setR(1, GICR_WAKER, 0);
    assert.deepEqual(test.signalled(), ['', 'irq', ''], 'and one with DPG1NS');
    assert.equal(test.icc(1, 'ICC_IAR1_EL1'), 40n);
    assert.deepEqual(test.signalled(), ['', '', '']);
  });

  it('forwards a group only while it is enabled', () => {
    const test = testGic();
    test.enable(40, 0x80);
    test.gic.spi(8).set(true);
    test.setD(GICD_CTLR, 1);
    assert.deepEqual(test.signalled(), ['']);
    test.setD(GICD_CTLR, 2);
    assert.deepEqual(test.signalled(), ['irq']);
    test.setD(IGROUPR + 4, 0);
    assert.deepEqual(test.signalled(), ['']);
    test.setD(GICD_CTLR, 3);
    assert.deepEqual(test.signalled(), ['fiq'], 'group 0');
  });

  it('latches edges and follows levels', () => {
    const test = testGic();
    test.enable(40, 0x80);
    const line = test.gic.spi(8);
    line.set(true);
    line.set(false);
    assert.equal(test.d(ISPENDR + 4), 0);
    test.setD(ICFGR + 8, 2 << 16);
    line.set(true);
    line.set(false);
    assert.equal(test.d(ISPENDR + 4), 1 << 8);
  });

  it('restores what it saved', () => {
    const test = testGic({ cpus: 2 });
    const random = seededRandom(11);
    for (let n = 0; n < 3000; n += 1) {
      const offset = 4 * Math.floor(random() * 0x2000);
      if (n % 2 === 0) test.setD(offset, Math.floor(random() * 2 ** 32));
      else test.setR(n % 4 === 1 ? 0 : 1, offset * 4, Math.floor(random() * 2 ** 32));
    }
    const saved = [test.gic.distributor.saveState(), test.gic.redistributors.saveState()];
    const copy = testGic({ cpus: 2, state: 'reset' });
    copy.gic.distributor.restoreState(saved[0]);
    copy.gic.redistributors.restoreState(saved[1]);
    assert.deepEqual(copy.gic.distributor.saveState(), saved[0]);
    assert.deepEqual(copy.gic.redistributors.saveState(), saved[1]);
    assert.deepEqual(copy.signalled(), test.signalled());
  });
});

describe('GICv3 redistributors', () => {
  it('are found by affinity, and the last one says so', () => {
    const { r } = testGic({ cpus: 3 });
    for (const cpu of [0, 1, 2]) {
      assert.equal(r(cpu, GICR_TYPER + 4), cpu);
      assert.equal((r(cpu, GICR_TYPER) >>> 8) & 0xffff, cpu, 'Processor_Number');
      assert.equal((r(cpu, GICR_TYPER) >>> 4) & 1, cpu === 2 ? 1 : 0, 'Last');
      assert.equal(r(cpu, GICR_TYPER) & 1, 1, 'PLPIS');
      assert.equal(r(cpu, 0xffe8) >>> 4, 3);
    }
    assert.equal(testGic({ cpus: 3 }).gic.redistributors.length, 3 * STRIDE);
  });

  it('have SGIs and PPIs of their own', () => {
    const test = testGic({ cpus: 2 });
    test.enable(27, 0xa0, 1);
    test.gic.ppi(0, 11).set(true);
    assert.deepEqual(test.signalled(), ['', '']);
    test.gic.ppi(1, 11).set(true);
    assert.deepEqual(test.signalled(), ['', 'irq']);
    assert.equal(test.r(0, SGI_BASE + ISENABLER), 0);
    assert.equal(test.r(1, SGI_BASE + ISPENDR), 2 ** 27);
    assert.equal(test.r(1, SGI_BASE + ICFGR), 0xaaaa_aaaa, 'SGIs are edge-triggered');
  });

  it('can be put to sleep', () => {
    const test = testGic();
    test.enable(27, 0xa0);
    test.gic.ppi(0, 11).set(true);
    test.setR(0, GICR_WAKER, 2);
    assert.equal(test.r(0, GICR_WAKER), 6, 'ChildrenAsleep follows ProcessorSleep');
    assert.deepEqual(test.signalled(), ['']);
    test.setR(0, GICR_WAKER, 0);
    assert.equal(test.r(0, GICR_WAKER), 0);
    assert.deepEqual(test.signalled(), ['irq']);
  });

  it('tell accesses to what they lack, by frame', () => {
    const test = testGic();
    test.r(0, 0x2000);
    test.setR(0, SGI_BASE + 0x2000, 1);
    test.setR(0, GICR_TYPER, 1);
    assert.deepEqual(test.errors, [
      'GIC redistributor: read of unimplemented offset 0x2000 of RD_base',
      'GIC redistributor: write of unimplemented offset 0x2000 of SGI_base',
      'GIC redistributor: write of read-only offset 0x8 of RD_base',
    ]);
  });
});
