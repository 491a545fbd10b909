import assert from 'node:assert/strict';
import { Pl011 } from '../../../../emulator/devices/pl011.ts';

const UARTDR = 0x000;
const UARTFR = 0x018;
const UARTLCR_H = 0x02c;
const UARTCR = 0x030;
const UARTIFLS = 0x034;
const UARTIMSC = 0x038;
const UARTRIS = 0x03c;
const UARTMIS = 0x040;
const UARTICR = 0x044;
const FR_RXFE = 1 << 4;
const FR_RXFF = 1 << 6;
const FR_TXFE = 1 << 7;
const RX = 1 << 4;
const TX = 1 << 5;
const RT = 1 << 6;
const FEN = 1 << 4;

function uart(): { uart: Pl011; sent: number[]; errors: string[]; irq: () => boolean } {
  const sent: number[] = [];
  const errors: string[] = [];
  let asserted = false;
  const device = new Pl011({
    transmit: (byte) => sent.push(byte),
    irq: {
      set(level) {
        asserted = level;
      },
    },
    events: { guestError: (_device, message) => errors.push(message) },
  });
  return { uart: device, sent, errors, irq: () => asserted };
}

describe('PL011', () => {
  it('transmits what is written to UARTDR, also before it is set up', () => {
    const { uart: device, sent } = uart();
    device.write(UARTDR, 1, 0x41);
    device.write(UARTDR, 4, 0x142);
    assert.deepEqual(sent, [0x41, 0x42]);
    assert.equal(device.read(UARTFR, 4), FR_TXFE | FR_RXFE);
  });

  it('receives in order, one character without FIFOs and sixteen with', () => {
    const { uart: device } = uart();
    device.receive([1, 2, 3]);
    assert.equal(device.read(UARTFR, 4), FR_TXFE | FR_RXFF);
    assert.deepEqual(
      [1, 2, 3].map(() => device.read(UARTDR, 4)),
      [1, 2, 3],
    );
    assert.equal(device.read(UARTFR, 4), FR_TXFE | FR_RXFE);
    device.write(UARTLCR_H, 4, FEN);
    device.receive(Array.from({ length: 17 }, (_, n) => n));
    assert.ok(device.read(UARTFR, 4) & FR_RXFF);
    for (let n = 0; n < 17; n += 1) assert.equal(device.read(UARTDR, 1), n);
  });

  it('does not consume a character when a debugger looks', () => {
    const { uart: device } = uart();
    device.receive([0x61]);
    assert.equal(device.peek(UARTDR, 4), 0x61);
    assert.equal(device.peek(UARTDR, 4), 0x61);
    assert.equal(device.read(UARTDR, 4), 0x61);
    assert.equal(device.peek(UARTDR, 4), 0);
  });

  it('interrupts for received characters by level and by timeout', () => {
    const { uart: device, irq } = uart();
    device.write(UARTLCR_H, 4, FEN);
    device.write(UARTIFLS, 4, 0); // 1/8: two characters
    device.write(UARTIMSC, 4, RX | RT);
    device.receive([1]);
    assert.equal(device.read(UARTRIS, 4), RT);
    assert.ok(irq());
    device.receive([2]);
    assert.equal(device.read(UARTMIS, 4), RX | RT);
    device.read(UARTDR, 4);
    assert.equal(device.read(UARTMIS, 4), RT);
    device.read(UARTDR, 4);
    assert.equal(device.read(UARTMIS, 4), 0);
    assert.ok(!irq());
  });

  it('interrupts for transmission once something was sent, until it is cleared', () => {
    const { uart: device, irq } = uart();
    device.write(UARTIMSC, 4, TX);
    assert.ok(!irq());
    device.write(UARTDR, 4, 0x41);
    assert.ok(irq());
    device.write(UARTICR, 4, TX);
    assert.ok(!irq());
    assert.equal(device.read(UARTRIS, 4), 0);
  });

  it('loops back with UARTCR.LBE', () => {
    const { uart: device, sent } = uart();
    device.write(UARTCR, 4, 0x381);
    device.write(UARTDR, 4, 0x55);
    assert.deepEqual(sent, []);
    assert.equal(device.read(UARTDR, 4), 0x55);
  });

  it('identifies itself as a PL011 of revision r1p4', () => {
    const { uart: device } = uart();
    const ids = Array.from({ length: 8 }, (_, n) => device.read(0xfe0 + 4 * n, 4));
    assert.deepEqual(ids, [0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('tells about offsets it does not have', () => {
    const { uart: device, errors } = uart();
    assert.equal(device.read(0x100, 4), 0);
    device.write(0x104, 4, 1);
    assert.deepEqual(errors, [
      'read of unimplemented offset 0x100',
      'write of unimplemented offset 0x104',
    ]);
  });

  it('saves and restores its own state, the interrupt line included', () => {
    const { uart: device } = uart();
    device.write(UARTLCR_H, 4, FEN);
    device.write(UARTIMSC, 4, RT);
    device.receive([7, 8]);
    const other = uart();
    other.uart.restoreState(structuredClone(device.saveState()));
    assert.ok(other.irq());
    assert.equal(other.uart.read(UARTDR, 4), 7);
    assert.equal(other.uart.read(UARTDR, 4), 8);
  });
});
