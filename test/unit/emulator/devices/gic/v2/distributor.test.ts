/** Expected values: Arm GIC architecture specification version 2.0 (IHI 0048), and the TRM of the GIC-400 (DDI 0471). */
import assert from 'node:assert/strict';
import * as G from './gic.ts';
import { testGic } from './gic.ts';

describe('GIC distributor', () => {
  const identification = [
    { name: 'GICD_TYPER of one processor', cpus: 1, offset: G.GICD_TYPER, value: 0x08 },
    { name: 'GICD_TYPER of four processors', cpus: 4, offset: G.GICD_TYPER, value: 0x68 },
    { name: 'GICD_TYPER of eight processors', cpus: 8, offset: G.GICD_TYPER, value: 0xe8 },
    { name: 'GICD_IIDR', cpus: 1, offset: G.GICD_IIDR, value: 0x0200_143b },
    { name: 'GICD_PIDR0', cpus: 1, offset: 0xfe0, value: 0x90 },
    { name: 'GICD_PIDR1', cpus: 1, offset: 0xfe4, value: 0xb4 },
    { name: 'GICD_PIDR2, ArchRev 2', cpus: 1, offset: G.GICD_PIDR2, value: 0x2b },
    { name: 'GICD_PIDR4', cpus: 1, offset: 0xfd0, value: 0x04 },
    { name: 'GICD_CIDR0', cpus: 1, offset: 0xff0, value: 0x0d },
    { name: 'GICD_CIDR3', cpus: 1, offset: 0xffc, value: 0xb1 },
  ];
  for (const { name, cpus, offset, value } of identification) {
    it(`${name} reads 0x${value.toString(16)} and ignores writes`, () => {
      const { d, setD } = testGic({ cpus });
      assert.equal(d(offset), value);
      setD(offset, 0xffff_ffff);
      assert.equal(d(offset), value);
    });
  }

  const resets = [
    { name: 'GICD_CTLR', offset: G.GICD_CTLR, value: 0 },
    { name: 'GICD_IGROUPR0', offset: G.GICD_IGROUPR, value: 0 },
    { name: 'GICD_ISENABLER0: SGIs are always enabled', offset: G.GICD_ISENABLER, value: 0xffff },
    { name: 'GICD_ISENABLER1', offset: G.GICD_ISENABLER + 4, value: 0 },
    { name: 'GICD_IPRIORITYR0', offset: G.GICD_IPRIORITYR, value: 0 },
    { name: 'GICD_ITARGETSR0 of processor 0', offset: G.GICD_ITARGETSR, value: 0x0101_0101 },
    { name: 'GICD_ICFGR0: SGIs are edge-triggered', offset: G.GICD_ICFGR, value: 0xaaaa_aaaa },
    { name: 'GICD_ICFGR1', offset: G.GICD_ICFGR + 4, value: 0 },
  ];
  for (const { name, offset, value } of resets) {
    it(`resets ${name}`, () => {
      const { gic, d, setD } = testGic({ state: 'reset' });
      setD(offset, 0xffff_ffff);
      gic.distributor.reset();
      assert.equal(d(offset), value);
    });
  }

  const writes = [
    { name: 'GICD_CTLR', offset: G.GICD_CTLR, written: 0xffff_ffff, reads: 3 },
    { name: 'GICD_IGROUPR1', offset: 0x084, written: 0xa5a5_5a5a, reads: 0xa5a5_5a5a },
    { name: 'GICD_ISENABLER8', offset: 0x120, written: 0xffff_ffff, reads: 0xffff_ffff },
    { name: 'GICD_ISENABLER9, beyond the last', offset: 0x124, written: ~0, reads: 0 },
    { name: 'GICD_ICFGR2: even bits', offset: 0xc08, written: ~0, reads: 0xaaaa_aaaa },
    { name: 'GICD_ICFGR0: SGIs', offset: 0xc00, written: 0, reads: 0xaaaa_aaaa },
    { name: 'GICD_ICFGR1: PPIs', offset: 0xc04, written: ~0, reads: 0xaaaa_aaaa },
    { name: 'GICD_IPRIORITYR71', offset: 0x51c, written: 0x0123_4567, reads: 0x0123_4567 },
    { name: 'GICD_IPRIORITYR72, beyond the last', offset: 0x520, written: ~0, reads: 0 },
    { name: 'GICD_ITARGETSR8, targets that exist', offset: 0x820, written: ~0, reads: 0x0f0f_0f0f },
    { name: 'GICD_ITARGETSR7, read-only', offset: 0x81c, written: ~0, reads: 0x0101_0101 },
    { name: 'GICD_ITARGETSR72, beyond the last', offset: 0x920, written: ~0, reads: 0 },
    { name: 'GICD_NSACR1', offset: 0xe04, written: ~0, reads: 0 },
  ];
  for (const { name, offset, written, reads } of writes) {
    it(`${name}: 0x${(written >>> 0).toString(16)} reads back as 0x${reads.toString(16)}`, () => {
      const { d, setD, errors } = testGic({ cpus: 4 });
      setD(offset, written >>> 0);
      assert.equal(d(offset), reads);
      assert.deepEqual(errors, []);
    });
  }

  it('takes bytes of priorities and targets alone', () => {
    const { gic, d, setD, errors } = testGic({ cpus: 8 });
    setD(0x420, 0x1122_3344);
    setD(0x422, 0xee, 1);
    assert.equal(d(0x420), 0x11ee_3344);
    assert.equal(gic.distributor.read(0x421, 1), 0x33);
    setD(0x820, 0x0102_0408);
    setD(0x821, 0x80, 1);
    assert.equal(d(0x820), 0x0102_8008);
    assert.deepEqual(errors, []);
  });

  it('sets with one register and clears with the other', () => {
    const pairs = [
      [G.GICD_ISENABLER, G.GICD_ICENABLER],
      [G.GICD_ISPENDR, G.GICD_ICPENDR],
      [G.GICD_ISACTIVER, G.GICD_ICACTIVER],
    ] as const;
    for (const [set, clear] of pairs) {
      const { d, setD } = testGic();
      setD(set + 4, 0xf0f0);
      setD(set + 4, 0x0001);
      assert.equal(d(clear + 4), 0xf0f1);
      setD(clear + 4, 0x00f0);
      assert.equal(d(set + 4), 0xf001);
    }
  });

  it('makes SGIs pending by GICD_SPENDSGIR only, for each source', () => {
    const { d, setD } = testGic({ cpus: 4 });
    setD(G.GICD_ISPENDR, 0xffff);
    assert.equal(d(G.GICD_ISPENDR), 0);
    setD(G.GICD_SPENDSGIR + 3, 0b1111_1010, 1);
    assert.equal(d(G.GICD_SPENDSGIR), 0x0a00_0000, 'sources that exist');
    assert.equal(d(G.GICD_ISPENDR), 1 << 3);
    setD(G.GICD_CPENDSGIR + 3, 0b0010, 1);
    assert.equal(d(G.GICD_CPENDSGIR), 0x0800_0000);
    setD(G.GICD_ICPENDR, 0xffff);
    assert.equal(d(G.GICD_ISPENDR), 1 << 3);
    setD(G.GICD_CPENDSGIR + 3, 0xff, 1);
    assert.equal(d(G.GICD_ISPENDR), 0);
  });

  const sgis = [
    { name: 'the target list', SGIR: 0x000a_0007, from: 0, at: [1, 3] },
    { name: 'all but itself', SGIR: 0x01ff_0007, from: 2, at: [0, 1, 3] },
    { name: 'itself', SGIR: 0x0200_0007, from: 2, at: [2] },
    { name: 'nobody with a reserved filter', SGIR: 0x03ff_0007, from: 0, at: [] },
  ];
  for (const { name, SGIR, from, at } of sgis) {
    it(`GICD_SGIR 0x${SGIR.toString(16)} interrupts ${name}`, () => {
      const test = testGic({ cpus: 4 });
      test.as(from).setD(G.GICD_SGIR, SGIR);
      const signalled = [0, 1, 2, 3].map((cpu) => (at.includes(cpu) ? 'irq' : ''));
      assert.deepEqual(test.signalled(), signalled);
      for (const cpu of at) assert.equal(test.as(cpu).c(G.GICC_IAR), (from << 10) | 7);
    });
  }

  it('banks the registers of SGIs and PPIs for each processor', () => {
    const test = testGic({ cpus: 2 });
    const banked = [G.GICD_IGROUPR, G.GICD_ISENABLER, G.GICD_ISACTIVER, G.GICD_IPRIORITYR + 28];
    for (const offset of banked) {
      const before = test.as(1).d(offset);
      test.as(0).setD(offset, 0xffff_ffff);
      assert.equal(test.as(1).d(offset), before);
    }
    assert.equal(test.as(1).d(G.GICD_ITARGETSR), 0x0202_0202);
    test.as(0).setD(G.GICD_IPRIORITYR + 32, 0x1234_5678);
    assert.equal(test.as(1).d(G.GICD_IPRIORITYR + 32), 0x1234_5678);
  });

  it('shows a level-sensitive input as pending while it is asserted, whatever is cleared', () => {
    const { gic, d, setD } = testGic();
    const line = gic.spi(1);
    line.set(true);
    assert.equal(d(G.GICD_ISPENDR + 4), 2);
    setD(G.GICD_ICPENDR + 4, 2);
    assert.equal(d(G.GICD_ISPENDR + 4), 2);
    line.set(false);
    assert.equal(d(G.GICD_ISPENDR + 4), 0);
  });

  it('keeps a level-sensitive interrupt pending that GICD_ISPENDR has made so', () => {
    const { gic, d, setD } = testGic();
    const line = gic.spi(1);
    setD(G.GICD_ISPENDR + 4, 2);
    line.set(true);
    line.set(false);
    assert.equal(d(G.GICD_ISPENDR + 4), 2);
    setD(G.GICD_ICPENDR + 4, 2);
    assert.equal(d(G.GICD_ISPENDR + 4), 0);
  });

  it('keeps an edge after the input has gone low', () => {
    const { gic, d, setD } = testGic();
    setD(G.GICD_ICFGR + 8, 2 << 2);
    const line = gic.spi(1);
    line.set(true);
    line.set(false);
    assert.equal(d(G.GICD_ISPENDR + 4), 2);
    setD(G.GICD_ICPENDR + 4, 2);
    line.set(false);
    assert.equal(d(G.GICD_ISPENDR + 4), 0);
  });

  it('tells of offsets without a register and runs on', () => {
    const { gic, d, setD, errors } = testGic();
    assert.equal(d(0xd00), 0);
    setD(0xd00, 1);
    assert.equal(d(0x1000), 0);
    assert.equal(gic.distributor.peek(0xd00, 4), 0);
    assert.deepEqual(errors, [
      'GIC distributor: read of unimplemented offset 0xd00',
      'GIC distributor: write of unimplemented offset 0xd00',
      'GIC distributor: read of unimplemented offset 0x1000',
    ]);
  });

  it('has as many inputs as it says', () => {
    const { gic } = testGic();
    assert.doesNotThrow(() => gic.spi(255));
    assert.throws(() => gic.spi(256), RangeError);
    assert.throws(() => gic.ppi(0, 16), RangeError);
  });
});
