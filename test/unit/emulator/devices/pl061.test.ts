/** Expected values: TRM DDI 0190. */
import assert from 'node:assert/strict';
import { Pl061 } from '../../../../emulator/devices/pl061.ts';
import { seededRandom } from '../../../support/random.ts';

const GPIODIR = 0x400;
const GPIOIS = 0x404;
const GPIOIBE = 0x408;
const GPIOIEV = 0x40c;
const GPIOIE = 0x410;
const GPIORIS = 0x414;
const GPIOMIS = 0x418;
const GPIOIC = 0x41c;
/** GPIODATA with the mask in the address. */
const data = (mask: number): number => 4 * mask;

function gpio(): { device: Pl061; irq: () => boolean; errors: string[] } {
  let asserted = false;
  const errors: string[] = [];
  const device = new Pl061({
    irq: { set: (level) => (asserted = level) },
    events: { guestError: (_device, message) => errors.push(message) },
  });
  return { device, irq: () => asserted, errors };
}

describe('PL061', () => {
  it('reads and writes the pins that the address selects', () => {
    const { device } = gpio();
    device.write(GPIODIR, 4, 0x0f);
    device.write(data(0xff), 4, 0xa5);
    assert.equal(device.read(data(0xff), 4), 0x05, 'outputs only');
    device.write(data(0x03), 4, 0xff);
    assert.equal(device.read(data(0xff), 4), 0x07);
    assert.equal(device.read(data(0x02), 4), 0x02);
    device.setInput(6, true);
    assert.equal(device.read(data(0xff), 4), 0x47);
    assert.equal(device.read(data(0x40), 4), 0x40);
  });

  const edges = [
    { name: 'a rising edge', IBE: 0, IEV: 8, rise: true, fall: false },
    { name: 'a falling edge', IBE: 0, IEV: 0, rise: false, fall: true },
    { name: 'both edges', IBE: 8, IEV: 0, rise: true, fall: true },
  ];
  for (const { name, IBE, IEV, rise, fall } of edges) {
    it(`interrupts at ${name} until it is cleared`, () => {
      const { device, irq } = gpio();
      device.write(GPIOIBE, 4, IBE);
      device.write(GPIOIEV, 4, IEV);
      device.write(GPIOIE, 4, 8);
      device.setInput(3, true);
      assert.equal(irq(), rise);
      device.write(GPIOIC, 4, 8);
      assert.equal(irq(), false);
      device.setInput(3, false);
      assert.equal(irq(), fall);
      device.write(GPIOIC, 4, 0xff);
      assert.equal(device.read(GPIORIS, 4), 0);
    });
  }

  for (const high of [true, false]) {
    it(`interrupts while a level-sensitive pin is ${high ? 'high' : 'low'}`, () => {
      const { device, irq } = gpio();
      device.setInput(3, !high);
      device.write(GPIOIS, 4, 8);
      device.write(GPIOIEV, 4, high ? 8 : 0);
      device.write(GPIOIE, 4, 8);
      assert.equal(irq(), false);
      device.setInput(3, high);
      assert.equal(irq(), true);
      device.write(GPIOIC, 4, 8);
      assert.equal(irq(), true, 'GPIOIC clears edges only');
      device.setInput(3, !high);
      assert.equal(irq(), false);
    });
  }

  it('keeps masked interrupts in GPIORIS', () => {
    const { device, irq } = gpio();
    device.write(GPIOIEV, 4, 8);
    device.setInput(3, true);
    assert.deepEqual([device.read(GPIORIS, 4), device.read(GPIOMIS, 4), irq()], [8, 0, false]);
    device.write(GPIOIE, 4, 8);
    assert.deepEqual([device.read(GPIOMIS, 4), irq()], [8, true]);
  });

  it('has the identification of a PL061', () => {
    const { device } = gpio();
    const bytes = Array.from({ length: 8 }, (_, n) => device.read(0xfe0 + 4 * n, 4));
    assert.deepEqual(bytes, [0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('survives random accesses, and goes on from a saved state', () => {
    const random = seededRandom(61);
    const below = (limit: number): number => Math.floor(random() * limit);
    const first = gpio();
    for (let n = 0; n < 5000; n += 1) {
      const size = ([1, 2, 4] as const)[below(3)] ?? 4;
      const offset = below(below(2) === 0 ? 0x424 : 0x1000) & ~(size - 1);
      if (below(4) === 0) first.device.setInput(below(8), below(2) === 0);
      if (below(2) === 0) first.device.write(offset, size, below(2 ** (8 * size)));
      else assert.equal(first.device.read(offset, size), first.device.peek(offset, size));
    }
    const second = gpio();
    second.device.restoreState(structuredClone(first.device.saveState()));
    assert.equal(second.irq(), first.irq());
    assert.deepEqual(second.device.saveState(), first.device.saveState());
  });
});
