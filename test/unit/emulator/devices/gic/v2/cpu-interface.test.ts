/** Expected values: Arm GIC architecture specification version 2.0 (IHI 0048). */
import assert from 'node:assert/strict';
import { seededRandom } from '../../../../../support/random.ts';
import * as G from './gic.ts';
import { testGic } from './gic.ts';

const SPURIOUS = 1023;

describe('GIC CPU interface', () => {
  const registers = [
    { name: 'GICC_CTLR without bypass signals', offset: G.GICC_CTLR, reset: 0, ones: 0x21f },
    { name: 'GICC_PMR, 8 bits', offset: G.GICC_PMR, reset: 0, ones: 0xff },
    { name: 'GICC_BPR', offset: G.GICC_BPR, reset: 0, ones: 7 },
    { name: 'GICC_ABPR', offset: G.GICC_ABPR, reset: 1, ones: 7 },
    { name: 'GICC_IIDR', offset: G.GICC_IIDR, reset: 0x0202_143b, ones: 0x0202_143b },
    { name: 'GICC_APR0', offset: G.GICC_APR0, reset: 0, ones: 0xffff_ffff },
    { name: 'GICC_NSAPR0', offset: 0xe0, reset: 0, ones: 0 },
    { name: 'GICC_RPR', offset: G.GICC_RPR, reset: 0xff, ones: 0xff },
    { name: 'GICC_HPPIR', offset: G.GICC_HPPIR, reset: SPURIOUS, ones: SPURIOUS },
  ];
  for (const { name, offset, reset, ones } of registers) {
    it(`${name} resets to 0x${reset.toString(16)} and holds 0x${ones.toString(16)}`, () => {
      const { c, setC } = testGic({ state: 'reset' });
      assert.equal(c(offset), reset);
      setC(offset, 0xffff_ffff);
      assert.equal(c(offset), ones);
    });
  }

  it('holds no ABPR below 1', () => {
    const { c, setC } = testGic();
    setC(G.GICC_ABPR, 0);
    assert.equal(c(G.GICC_ABPR), 1);
  });

  it('takes an interrupt from pending to active to inactive', () => {
    const { gic, c, setC, d, enable, signalled } = testGic();
    enable(33, 0x80);
    const line = gic.spi(1);
    line.set(true);
    assert.deepEqual(signalled(), ['irq']);
    assert.equal(c(G.GICC_HPPIR), 33);
    assert.equal(c(G.GICC_IAR), 33);
    assert.deepEqual(signalled(), [''], 'active and pending: not signalled again');
    assert.equal(c(G.GICC_RPR), 0x80);
    assert.equal(d(G.GICD_ISACTIVER + 4), 2);
    assert.equal(c(G.GICC_IAR), SPURIOUS);
    setC(G.GICC_EOIR, 33);
    assert.equal(d(G.GICD_ISACTIVER + 4), 0);
    assert.equal(c(G.GICC_RPR), 0xff);
    assert.deepEqual(signalled(), ['irq'], 'still asserted');
    line.set(false);
    assert.deepEqual(signalled(), ['']);
    assert.equal(c(G.GICC_IAR), SPURIOUS);
  });

  it('signals an edge once, and one that comes while it is active again', () => {
    const { gic, c, setC, setD, enable, signalled } = testGic();
    setD(G.GICD_ICFGR + 8, 2 << 2);
    enable(33, 0x80);
    const line = gic.spi(1);
    line.set(true);
    assert.equal(c(G.GICC_IAR), 33);
    setC(G.GICC_EOIR, 33);
    assert.deepEqual(signalled(), ['']);
    line.set(false);
    line.set(true);
    assert.equal(c(G.GICC_IAR), 33);
    line.set(false);
    line.set(true);
    assert.deepEqual(signalled(), ['']);
    setC(G.GICC_EOIR, 33);
    assert.deepEqual(signalled(), ['irq']);
  });

  const gates: readonly { name: string; close: (test: G.TestGic) => void }[] = [
    {
      name: 'GICD_CTLR.EnableGrp0',
      close: ({ setD }) => {
        setD(G.GICD_CTLR, G.EnableGrp1);
      },
    },
    {
      name: 'GICC_CTLR.EnableGrp0',
      close: ({ setC }) => {
        setC(G.GICC_CTLR, G.EnableGrp1);
      },
    },
    {
      name: 'GICD_ICENABLER',
      close: ({ setD }) => {
        setD(G.GICD_ICENABLER + 4, 2);
      },
    },
    {
      name: 'GICC_PMR equal to the priority',
      close: ({ setC }) => {
        setC(G.GICC_PMR, 0x80);
      },
    },
    {
      name: 'the active state',
      close: ({ setD }) => {
        setD(G.GICD_ISACTIVER + 4, 2);
      },
    },
    {
      name: 'another target',
      close: ({ setD }) => {
        setD(G.GICD_ITARGETSR + 33, 2, 1);
      },
    },
  ];
  for (const { name, close } of gates) {
    it(`does not signal against ${name}`, () => {
      const test = testGic({ cpus: 2 });
      test.enable(33, 0x80);
      test.gic.spi(1).set(true);
      assert.deepEqual(test.signalled()[0], 'irq');
      assert.ok(test.gic.wouldSignal(1));
      close(test);
      assert.deepEqual(test.signalled()[0], '');
      assert.equal(test.c(G.GICC_IAR), SPURIOUS);
      assert.equal(test.gic.wouldSignal(1), name === 'another target');
    });
  }

  it('chooses the highest priority, and the lowest INTID of equals', () => {
    const { gic, c, enable } = testGic();
    const priorities = [
      [40, 0x90],
      [41, 0x20],
      [63, 0x20],
      [64, 0x10],
      [287, 0x10],
    ] as const;
    for (const [INTID, priority] of priorities) {
      enable(INTID, priority);
      gic.spi(INTID - 32).set(true);
    }
    const order: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      order.push(c(G.GICC_HPPIR));
      gic.spi(c(G.GICC_HPPIR) - 32 < 0 ? 0 : Math.min(255, c(G.GICC_HPPIR) - 32)).set(false);
    }
    assert.deepEqual(order, [64, 287, 41, 63, 40, SPURIOUS]);
  });

  // "Priority grouping by binary point": the group priority is [7:BPR + 1], for group 1 with GICC_ABPR [7:ABPR].
  const preemption = [
    { BPR: 0, active: 0x82, pending: 0x81, preempts: true },
    { BPR: 0, active: 0x81, pending: 0x80, preempts: false },
    { BPR: 3, active: 0x90, pending: 0x8f, preempts: true },
    { BPR: 3, active: 0x8f, pending: 0x80, preempts: false },
    { BPR: 6, active: 0x80, pending: 0x7f, preempts: true },
    { BPR: 6, active: 0x7f, pending: 0x00, preempts: false },
    { BPR: 7, active: 0xf0, pending: 0x00, preempts: false },
  ];
  for (const group1 of [false, true]) {
    for (const { BPR, active, pending, preempts } of preemption) {
      if (group1 && BPR === 7) continue; // GICC_ABPR has no 8
      const register = group1 ? `GICC_ABPR ${BPR + 1}` : `GICC_BPR ${BPR}`;
      const verb = preempts ? 'preempts' : 'does not preempt';
      it(`0x${pending.toString(16)} ${verb} 0x${active.toString(16)} with ${register}`, () => {
        const { c, setC, setD, enable, signalled } = testGic();
        if (group1) setD(G.GICD_IGROUPR, 0xffff_ffff);
        setC(group1 ? G.GICC_ABPR : G.GICC_BPR, group1 ? BPR + 1 : BPR);
        enable(1, active);
        enable(2, pending);
        setD(G.GICD_SGIR, 0x0200_0001);
        assert.equal(c(G.GICC_IAR), 1);
        setD(G.GICD_SGIR, 0x0200_0002);
        assert.deepEqual(signalled(), [preempts ? 'irq' : '']);
        assert.equal(c(G.GICC_HPPIR), 2, 'pending, whether or not it preempts');
      });
    }
  }

  it('uses GICC_BPR for group 1 with CBPR', () => {
    const { c, setC, setD, enable, signalled } = testGic();
    setD(G.GICD_IGROUPR, 0xffff_ffff);
    setC(G.GICC_CTLR, G.EnableGrp0 | G.EnableGrp1 | G.AckCtl | G.CBPR);
    setC(G.GICC_BPR, 7);
    enable(1, 0xf0);
    enable(2, 0);
    setD(G.GICD_SGIR, 0x0200_0001);
    assert.equal(c(G.GICC_IAR), 1);
    setD(G.GICD_SGIR, 0x0200_0002);
    assert.deepEqual(signalled(), ['']);
  });

  it('nests, and drops to the priority below', () => {
    const { c, setC, setD, enable } = testGic();
    const nested = [
      [1, 0xc0],
      [2, 0x80],
      [3, 0x42],
    ] as const;
    for (const [SGI, priority] of nested) {
      enable(SGI, priority);
      setD(G.GICD_SGIR, 0x0200_0000 | SGI);
      assert.equal(c(G.GICC_IAR), SGI);
      assert.equal(c(G.GICC_RPR), priority);
    }
    assert.deepEqual(
      [0, 1, 2, 3].map((n) => c(G.GICC_APR0 + 4 * n)),
      [0, 1 << 1, 1, 1],
    );
    setC(G.GICC_EOIR, 3);
    assert.equal(c(G.GICC_RPR), 0x80);
    setC(G.GICC_EOIR, 2);
    assert.equal(c(G.GICC_RPR), 0xc0);
    setC(G.GICC_EOIR, 1);
    assert.equal(c(G.GICC_RPR), 0xff);
  });

  it('with EOImode drops by GICC_EOIR and deactivates by GICC_DIR', () => {
    const { gic, c, setC, d, enable, errors } = testGic();
    setC(G.GICC_CTLR, G.EnableGrp0 | G.EOImode);
    enable(33, 0x80);
    gic.spi(1).set(true);
    assert.equal(c(G.GICC_IAR), 33);
    setC(G.GICC_EOIR, 33);
    assert.equal(c(G.GICC_RPR), 0xff);
    assert.equal(d(G.GICD_ISACTIVER + 4), 2);
    assert.equal(c(G.GICC_IAR), SPURIOUS);
    setC(G.GICC_DIR, 33);
    assert.equal(d(G.GICD_ISACTIVER + 4), 0);
    assert.equal(c(G.GICC_IAR), 33);
    assert.deepEqual(errors, []);
  });

  it('acknowledges group 1 by GICC_IAR with AckCtl, and by GICC_AIAR always', () => {
    const { gic, c, setC, setD, enable } = testGic();
    setC(G.GICC_CTLR, G.EnableGrp0 | G.EnableGrp1);
    setD(G.GICD_IGROUPR + 4, 2);
    enable(33, 0x80);
    gic.spi(1).set(true);
    assert.equal(c(G.GICC_IAR), 1022);
    assert.equal(c(G.GICC_HPPIR), 1022);
    assert.equal(c(G.GICC_AHPPIR), 33);
    assert.equal(c(G.GICC_AIAR), 33);
    setC(G.GICC_AEOIR, 33);
    assert.equal(c(G.GICC_RPR), 0xff);
    setC(G.GICC_CTLR, G.EnableGrp0 | G.EnableGrp1 | G.AckCtl);
    assert.equal(c(G.GICC_IAR), 33);
  });

  it('does not show group 0 to the aliased registers', () => {
    const { gic, c, enable } = testGic();
    enable(33, 0x80);
    gic.spi(1).set(true);
    assert.equal(c(G.GICC_AHPPIR), SPURIOUS);
    assert.equal(c(G.GICC_AIAR), SPURIOUS);
    assert.equal(c(G.GICC_IAR), 33);
  });

  it('signals group 0 as FIQ with FIQEn, group 1 as IRQ', () => {
    const { gic, setC, setD, enable, signalled } = testGic();
    setC(G.GICC_CTLR, G.EnableGrp0 | G.EnableGrp1 | G.FIQEn);
    setD(G.GICD_IGROUPR + 4, 4);
    enable(33, 0x80);
    enable(34, 0x80);
    gic.spi(1).set(true);
    assert.deepEqual(signalled(), ['fiq']);
    gic.spi(1).set(false);
    gic.spi(2).set(true);
    assert.deepEqual(signalled(), ['irq']);
  });

  it('gives the SGIs of several processors one after the other', () => {
    const test = testGic({ cpus: 4 });
    test.as(3).setD(G.GICD_SGIR, 0x0001_0009);
    test.as(1).setD(G.GICD_SGIR, 0x0001_0009);
    test.as(0);
    assert.equal(test.c(G.GICC_IAR), (1 << 10) | 9);
    test.setC(G.GICC_EOIR, (1 << 10) | 9);
    assert.equal(test.c(G.GICC_IAR), (3 << 10) | 9);
    test.setC(G.GICC_EOIR, (3 << 10) | 9);
    assert.equal(test.c(G.GICC_IAR), SPURIOUS);
  });

  it('gives a shared interrupt to one of its targets', () => {
    const test = testGic({ cpus: 2 });
    test.setD(G.GICD_ICFGR + 8, 2 << 2);
    test.enable(33, 0x80);
    test.setD(G.GICD_ITARGETSR + 33, 3, 1);
    test.setD(G.GICD_ISPENDR + 4, 2);
    assert.deepEqual(test.signalled(), ['irq', 'irq']);
    assert.equal(test.as(1).c(G.GICC_IAR), 33);
    assert.deepEqual(test.signalled(), ['', '']);
    assert.equal(test.as(0).c(G.GICC_IAR), SPURIOUS);
  });

  it('ends nothing with special INTIDs, and tells of ends that fit nothing', () => {
    const { c, setC, errors } = testGic();
    setC(G.GICC_EOIR, 1022);
    setC(G.GICC_EOIR, SPURIOUS);
    assert.deepEqual(errors, []);
    setC(G.GICC_EOIR, 33);
    setC(G.GICC_DIR, 33);
    assert.equal(errors.length, 2);
    assert.equal(c(G.GICC_RPR), 0xff);
  });

  it('is looked at by the debugger without an acknowledgement', () => {
    const { gic, c, enable, signalled } = testGic();
    enable(33, 0x80);
    gic.spi(1).set(true);
    assert.equal(gic.cpuInterface.peek(G.GICC_IAR, 4), 33);
    assert.deepEqual(signalled(), ['irq']);
    assert.equal(c(G.GICC_RPR), 0xff);
    assert.equal(c(G.GICC_IAR), 33);
  });
});

describe('GICv2', () => {
  const OFFSETS = [0x1004, 0x1000];

  /** Random accesses to both register blocks, and inputs that change. */
  function disturb(test: G.TestGic, random: () => number, count: number): void {
    const below = (limit: number): number => Math.floor(random() * limit);
    for (let n = 0; n < count; n += 1) {
      const size = ([1, 2, 4] as const)[below(3)] ?? 4;
      const device = below(2) === 0 ? test.gic.distributor : test.gic.cpuInterface;
      const offset = below(OFFSETS[below(2)] ?? 0x1000) & ~(size - 1);
      const value = below(4) === 0 ? 2 ** (8 * size) - 1 : below(2 ** (8 * size));
      test.as(below(test.signalled().length));
      const what = below(8);
      if (what === 0) test.gic.spi(below(256)).set(below(2) === 0);
      else if (what < 3) {
        const looked = device.peek(offset, size);
        assert.equal(device.read(offset, size), looked);
        assert.ok(looked >= 0 && looked < 2 ** (8 * size));
      } else device.write(offset, size, value);
    }
  }

  for (const cpus of [1, 2, 8]) {
    it(`survives 30000 random accesses with ${cpus} processors, and peeks what it reads`, () => {
      disturb(testGic({ cpus }), seededRandom(cpus), 30_000);
    });
  }

  it('goes on from a saved state exactly as it would have', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const first = testGic({ cpus: 2 });
      disturb(first, seededRandom(seed), 500);
      const second = testGic({ cpus: 2 });
      second.gic.distributor.restoreState(structuredClone(first.gic.distributor.saveState()));
      second.gic.cpuInterface.restoreState(structuredClone(first.gic.cpuInterface.saveState()));
      assert.deepEqual(second.signalled(), first.signalled());
      disturb(first, seededRandom(seed + 100), 500);
      disturb(second, seededRandom(seed + 100), 500);
      assert.deepEqual(second.signalled(), first.signalled());
      assert.deepEqual(second.gic.distributor.saveState(), first.gic.distributor.saveState());
      assert.deepEqual(second.gic.cpuInterface.saveState(), first.gic.cpuInterface.saveState());
    }
  });

  it('has 1 to 8 processors', () => {
    assert.throws(() => testGic({ cpus: 0 }), RangeError);
    assert.throws(() => testGic({ cpus: 9 }), RangeError);
  });
});
