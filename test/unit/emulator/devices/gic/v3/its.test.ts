/** Expected behaviour: IHI 0069, "LPIs" and "ITS commands". */
import assert from 'node:assert/strict';
import { GICR_CTLR, GICR_PENDBASER, GICR_PROPBASER, RAM_BASE, testGic } from './gic.ts';
import type { TestGic } from './gic.ts';

const GITS_CTLR = 0x0000;
const GITS_TYPER = 0x0008;
const GITS_CBASER = 0x0080;
const GITS_CWRITER = 0x0088;
const GITS_CREADR = 0x0090;
const GITS_BASER0 = 0x0100;
const GITS_BASER1 = 0x0108;
const GITS_TRANSLATER = 0x1_0040;
const VALID = 1n << 63n;
const INDIRECT = 1n << 62n;
const PTZ = 1n << 62n;
const EnableLPIs = 1;

// Physical addresses of the tables.
const CONFIGURATION = RAM_BASE;
const PENDING = (cpu: number): bigint => RAM_BASE + 0x1_0000n * BigInt(1 + cpu);
const DEVICES = RAM_BASE + 0x6_0000n;
const COLLECTIONS = RAM_BASE + 0x7_0000n;
const QUEUE = RAM_BASE + 0x8_0000n;
const ITT = RAM_BASE + 0x9_0000n;

const enabled = (priority: number): number => priority | 1;

class TestIts {
  readonly test: TestGic;
  #written = 0n;

  constructor(options: { cpus?: number; PTZ?: boolean } = {}) {
    this.test = testGic({ cpus: options.cpus ?? 1 });
    for (let cpu = 0; cpu < (options.cpus ?? 1); cpu += 1) {
      this.test.setR64(cpu, GICR_PROPBASER, CONFIGURATION | 13n);
      this.test.setR64(cpu, GICR_PENDBASER, PENDING(cpu) | (options.PTZ === false ? 0n : PTZ));
      this.test.setR(cpu, GICR_CTLR, EnableLPIs);
    }
    this.set(GITS_BASER0, VALID | DEVICES);
    this.set(GITS_BASER1, VALID | COLLECTIONS);
    this.set(GITS_CBASER, VALID | QUEUE);
    this.test.gic.its.write(GITS_CTLR, 4, 1);
  }

  set(offset: number, value: bigint): void {
    this.test.gic.its.write(offset, 4, Number(value & 0xffff_ffffn));
    this.test.gic.its.write(offset + 4, 4, Number(value >> 32n));
  }
  get(offset: number): bigint {
    const word = (at: number): bigint => BigInt(this.test.gic.its.read(at, 4));
    return word(offset) | (word(offset + 4) << 32n);
  }

  configure(INTID: number, byte: number): void {
    this.test.ram[Number(CONFIGURATION - RAM_BASE) + INTID - 8192] = byte;
  }

  #command(dw0: bigint, dw1 = 0n, dw2 = 0n, dw3 = 0n): void {
    const view = new DataView(this.test.ram.buffer);
    const at = Number(QUEUE - RAM_BASE + this.#written);
    [dw0, dw1, dw2, dw3].forEach((value, n) => {
      view.setBigUint64(at + 8 * n, value, true);
    });
    this.#written = (this.#written + 32n) % 0x1000n;
    this.set(GITS_CWRITER, this.#written);
  }

  MAPD(device: number, valid = true, bits = 8): void {
    this.#command(
      (BigInt(device) << 32n) | 0x08n,
      BigInt(bits - 1),
      (valid ? VALID : 0n) | (ITT + 0x800n * BigInt(device)),
    );
  }
  MAPC(collection: number, processor: number, valid = true): void {
    const target = BigInt(processor) << 16n;
    this.#command(0x09n, 0n, (valid ? VALID : 0n) | target | BigInt(collection));
  }
  MAPTI(device: number, event: number, INTID: number, collection: number): void {
    this.#command(
      (BigInt(device) << 32n) | 0x0an,
      (BigInt(INTID) << 32n) | BigInt(event),
      BigInt(collection),
    );
  }
  MAPI(device: number, event: number, collection: number): void {
    this.#command((BigInt(device) << 32n) | 0x0bn, BigInt(event), BigInt(collection));
  }
  MOVI(device: number, event: number, collection: number): void {
    this.#command((BigInt(device) << 32n) | 0x01n, BigInt(event), BigInt(collection));
  }
  MOVALL(from: number, to: number): void {
    this.#command(0x0en, 0n, BigInt(from) << 16n, BigInt(to) << 16n);
  }
  INVALL(collection: number): void {
    this.#command(0x0dn, 0n, BigInt(collection));
  }
  SYNC(processor: number): void {
    this.#command(0x05n, 0n, BigInt(processor) << 16n);
  }
  /** INT 3, CLEAR 4, INV 0xc, DISCARD 0xf. */
  event(number: 0x03 | 0x04 | 0x0c | 0x0f, device: number, event: number): void {
    this.#command((BigInt(device) << 32n) | BigInt(number), BigInt(event));
  }
  unknown(): void {
    this.#command(0x77n);
  }
}

const INT = 0x03;
const CLEAR = 0x04;
const INV = 0x0c;
const DISCARD = 0x0f;

/** Device 2, event 20 is LPI 8195 in collection 3 on processor 1, with priority 0xa0. */
function mapped(options: { cpus?: number } = { cpus: 2 }): TestIts {
  const its = new TestIts(options);
  its.configure(8195, enabled(0xa0));
  its.MAPD(2);
  its.MAPC(3, 1);
  its.MAPTI(2, 20, 8195, 3);
  return its;
}

describe('GICv3 ITS', () => {
  it('says what it has', () => {
    const its = new TestIts();
    const TYPER = its.get(GITS_TYPER);
    assert.equal(TYPER & 3n, 1n, 'physical LPIs only');
    assert.equal((TYPER >> 19n) & 1n, 0n, 'PTA: processors by number');
    assert.equal((TYPER >> 4n) & 0xfn, 7n, '8 bytes for a translation');
    const BASER0 = testGic().gic.its.read(GITS_BASER0 + 4, 4);
    assert.equal((BASER0 >>> 24) & 7, 1, 'devices');
    assert.equal((its.test.gic.its.read(GITS_BASER1 + 4, 4) >>> 24) & 7, 4, 'collections');
    assert.equal(its.get(0x110), 0n);
  });

  it('INT raises the LPI on the processor of its collection', () => {
    const its = mapped();
    const { test } = its;
    its.event(INT, 2, 20);
    assert.deepEqual(test.signalled(), ['', 'irq']);
    assert.equal(test.icc(1, 'ICC_IAR1_EL1'), 8195n);
    assert.equal(test.icc(1, 'ICC_RPR_EL1'), 0xa0n);
    assert.deepEqual(test.signalled(), ['', '']);
    test.setIcc(1, 'ICC_EOIR1_EL1', 8195);
    assert.equal(test.icc(1, 'ICC_RPR_EL1'), 0xffn);
    assert.equal(its.get(GITS_CREADR), its.get(GITS_CWRITER));
    assert.deepEqual(test.errors, []);
  });

  it('an event of a device does the same', () => {
    const its = mapped();
    its.test.gic.its.signal(2, 20);
    assert.deepEqual(its.test.signalled(), ['', 'irq']);
    its.event(CLEAR, 2, 20);
    assert.deepEqual(its.test.signalled(), ['', '']);
  });

  it('a configuration is looked at again after INV or INVALL', () => {
    const its = mapped();
    its.event(INT, 2, 20);
    its.test.icc(1, 'ICC_IAR1_EL1');
    its.test.setIcc(1, 'ICC_EOIR1_EL1', 8195);
    its.configure(8195, 0xa0);
    its.event(INV, 2, 20);
    its.event(INT, 2, 20);
    assert.deepEqual(its.test.signalled(), ['', ''], 'disabled');
    its.configure(8195, enabled(0x20));
    its.SYNC(1);
    assert.deepEqual(its.test.signalled(), ['', ''], 'the redistributor has the old copy');
    its.INVALL(3);
    assert.deepEqual(its.test.signalled(), ['', 'irq']);
    its.test.icc(1, 'ICC_IAR1_EL1');
    assert.equal(its.test.icc(1, 'ICC_RPR_EL1'), 0x20n);
  });

  it('MAPI takes the EventID as INTID', () => {
    const its = new TestIts();
    its.configure(8200, enabled(0x80));
    its.MAPD(1, true, 16);
    its.MAPC(0, 0);
    its.MAPI(1, 8200, 0);
    its.event(INT, 1, 8200);
    assert.equal(its.test.icc(0, 'ICC_IAR1_EL1'), 8200n);
  });

  it('a pending LPI moves with MOVI and MOVALL', () => {
    const its = mapped();
    its.MAPC(0, 0);
    its.event(INT, 2, 20);
    its.MOVI(2, 20, 0);
    assert.deepEqual(its.test.signalled(), ['irq', '']);
    its.event(INT, 2, 20);
    its.MOVALL(0, 1);
    assert.deepEqual(its.test.signalled(), ['', 'irq']);
  });

  it('nothing comes of a device or an event that is unmapped again', () => {
    const its = mapped();
    its.event(DISCARD, 2, 20);
    its.event(INT, 2, 20);
    its.MAPTI(2, 20, 8195, 3);
    its.MAPD(2, false);
    its.event(INT, 2, 20);
    assert.deepEqual(its.test.signalled(), ['', '']);
    assert.deepEqual(its.test.errors, [
      'GIC ITS: command INT: event 20 of device 2 is not mapped',
      'GIC ITS: command INT: device 2 is not mapped',
    ]);
  });

  it('an interrupt may be mapped before its collection', () => {
    const its = new TestIts({ cpus: 2 });
    its.configure(8192, enabled(0xa0));
    its.MAPD(2);
    its.MAPTI(2, 0, 8192, 7);
    assert.deepEqual(its.test.errors, []);
    its.event(INT, 2, 0);
    assert.deepEqual(its.test.errors, ['GIC ITS: command INT: collection 7 is not mapped']);
    its.MAPC(7, 1);
    its.event(INT, 2, 0);
    assert.deepEqual(its.test.signalled(), ['', 'irq']);
  });

  it('tells every command that is wrong, and goes on', () => {
    const its = mapped();
    const { errors } = its.test;
    its.MAPD(0x1_0000);
    its.MAPD(3, true, 20);
    its.MAPC(3, 9);
    its.MAPTI(5, 0, 8192, 3);
    its.MAPTI(2, 256, 8192, 3);
    its.MAPTI(2, 0, 100, 3);
    its.INVALL(9);
    its.SYNC(4);
    its.MOVALL(0, 4);
    its.unknown();
    assert.deepEqual(
      errors.map((error) => error.replace('GIC ITS: command ', '')),
      [
        'MAPD: device 65536 is out of range of the device table',
        'MAPD: the table of device 3 is for 20 bits of EventID',
        'MAPC: there is no processor 9',
        'MAPTI: device 5 is not mapped',
        'MAPTI: event 256 is out of range for device 2',
        'MAPTI: 100 is not the INTID of an LPI',
        'INVALL: collection 9 is not mapped',
        'SYNC: there is no processor 4',
        'MOVALL: there is no processor 4',
        '0x77 does not exist',
      ],
    );
    its.event(INT, 2, 20);
    assert.deepEqual(its.test.signalled(), ['', 'irq']);
  });

  it('the queue is a ring', () => {
    const its = mapped();
    for (let n = 0; n < 300; n += 1) its.SYNC(0);
    its.event(INT, 2, 20);
    assert.deepEqual(its.test.signalled(), ['', 'irq']);
    assert.deepEqual(its.test.errors, []);
    its.set(GITS_CWRITER, 0x2000n);
    assert.equal(its.test.errors.length, 1, 'behind the queue');
  });

  it('the device table may have two levels', () => {
    const its = new TestIts();
    its.test.gic.its.write(GITS_CTLR, 4, 0);
    its.set(GITS_BASER0, VALID | INDIRECT | DEVICES);
    its.test.gic.its.write(GITS_CTLR, 4, 1);
    its.configure(8192, enabled(0xa0));
    its.MAPD(0x301);
    assert.equal(its.test.errors.length, 1, 'there is no second level yet');
    const view = new DataView(its.test.ram.buffer);
    const level2 = RAM_BASE + 0xa000n;
    // With pages of 4 KiB an entry of the first level is for 512 devices.
    view.setBigUint64(Number(DEVICES - RAM_BASE) + 8, VALID | level2, true);
    its.MAPC(0, 0);
    its.MAPD(0x301);
    its.MAPTI(0x301, 0, 8192, 0);
    assert.equal(view.getBigUint64(0xa000 + 8 * 0x101, true) >> 63n, 1n);
  });

  it('its writes are refused while it is enabled, and a processor has no DeviceID', () => {
    const its = new TestIts();
    its.set(GITS_BASER0, 0n);
    its.set(GITS_CBASER, 0n);
    its.test.gic.its.write(GITS_TRANSLATER, 4, 20);
    assert.equal(its.get(GITS_CBASER), VALID | QUEUE);
    assert.equal(its.test.errors.length, 5);
  });

  it('tables outside RAM are told', () => {
    const test = testGic();
    test.setR64(0, GICR_PROPBASER, 0xff_0000_0000n | 13n);
    test.setR64(0, GICR_PENDBASER, 0xff_0000_0000n);
    test.setR(0, GICR_CTLR, EnableLPIs);
    assert.equal(test.errors.length, 1);
  });

  it('restores what it saved', () => {
    const its = mapped();
    its.event(INT, 2, 20);
    const { gic } = its.test;
    const copy = testGic({ cpus: 2 });
    copy.ram.set(its.test.ram);
    copy.gic.distributor.restoreState(gic.distributor.saveState());
    copy.gic.redistributors.restoreState(gic.redistributors.saveState());
    copy.gic.its.restoreState(gic.its.saveState());
    assert.deepEqual(copy.gic.its.saveState(), gic.its.saveState());
    assert.deepEqual(copy.signalled(), ['', 'irq']);
    copy.icc(1, 'ICC_IAR1_EL1');
    copy.setIcc(1, 'ICC_EOIR1_EL1', 8195);
    copy.gic.its.signal(2, 20);
    assert.deepEqual(copy.signalled(), ['', 'irq']);
  });
});

describe('LPIs', () => {
  const bit = (test: TestGic, cpu: number, INTID: number): number =>
    ((test.ram[Number(PENDING(cpu) - RAM_BASE) + (INTID >>> 3)] ?? 0) >>> (INTID & 7)) & 1;

  it('pending ones are in memory while LPIs are disabled', () => {
    const its = mapped();
    const { test } = its;
    its.event(INT, 2, 20);
    test.setR(1, GICR_CTLR, 0);
    assert.equal(bit(test, 1, 8195), 1);
    assert.deepEqual(test.signalled(), ['', '']);
    its.event(INT, 2, 20);
    test.setR64(1, GICR_PENDBASER, PENDING(1));
    test.setR(1, GICR_CTLR, EnableLPIs);
    assert.deepEqual(test.signalled(), ['', 'irq'], 'loaded from the table');
    test.icc(1, 'ICC_IAR1_EL1');
    test.setR(1, GICR_CTLR, 0);
    assert.equal(bit(test, 1, 8195), 0);
  });

  it('PTZ says that the table is zero', () => {
    const its = mapped();
    const { test } = its;
    its.event(INT, 2, 20);
    test.setR(1, GICR_CTLR, 0);
    test.setR64(1, GICR_PENDBASER, PENDING(1) | PTZ);
    assert.equal(test.r(1, GICR_PENDBASER + 4), 0, 'PTZ reads as zero');
    test.setR(1, GICR_CTLR, EnableLPIs);
    assert.deepEqual(test.signalled(), ['', '']);
  });

  it('compete with other interrupts by priority, then by INTID', () => {
    const its = mapped({ cpus: 2 });
    const { test } = its;
    its.configure(8196, enabled(0xa0));
    its.MAPTI(2, 21, 8196, 3);
    test.enable(40, 0xa0, 1);
    test.enable(41, 0xa8, 1);
    its.event(INT, 2, 21);
    its.event(INT, 2, 20);
    test.gic.spi(8).set(true);
    test.gic.spi(9).set(true);
    const order: bigint[] = [];
    for (let n = 0; n < 4; n += 1) {
      order.push(test.icc(1, 'ICC_HPPIR1_EL1'));
      const INTID = test.icc(1, 'ICC_IAR1_EL1');
      if (INTID < 1020n) test.gic.spi(Number(INTID) - 32).set(false);
      test.setIcc(1, 'ICC_EOIR1_EL1', INTID);
    }
    assert.deepEqual(order, [40n, 8195n, 8196n, 41n]);
  });

  it('beyond the tables do not exist', () => {
    const its = mapped();
    its.MAPTI(2, 1, 0x8000, 3);
    its.event(INT, 2, 1);
    assert.deepEqual(its.test.signalled(), ['', '']);
  });
});
