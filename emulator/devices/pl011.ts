/**
 * Arm PrimeCell UART (PL011), TRM DDI 0183. Register names and offsets are the TRM's.
 *
 * Departures: characters take no time to send or receive, so the transmit FIFO is always empty and
 * the receive timeout expires at once; UARTCR.UARTEN, TXE and RXE do not gate data, because many
 * bare-metal programs write UARTDR without setting the UART up; DMA is not implemented.
 */
import type { Device, DeviceAccessSize, DeviceEvents, IrqLine } from './device.ts';

const UARTDR = 0x000;
const UARTRSR = 0x004;
const UARTFR = 0x018;
const UARTILPR = 0x020;
const UARTIBRD = 0x024;
const UARTFBRD = 0x028;
const UARTLCR_H = 0x02c;
const UARTCR = 0x030;
const UARTIFLS = 0x034;
const UARTIMSC = 0x038;
const UARTRIS = 0x03c;
const UARTMIS = 0x040;
const UARTICR = 0x044;
const UARTDMACR = 0x048;
const UARTPeriphID0 = 0xfe0;

const UARTFR_RXFE = 1 << 4; // receive FIFO empty
const UARTFR_RXFF = 1 << 6; // receive FIFO full
const UARTFR_TXFE = 1 << 7; // transmit FIFO empty
const UARTLCR_H_FEN = 1 << 4; // enable FIFOs
const UARTCR_LBE = 1 << 7; // loopback enable
/** RXIC, TXIC, RTIC in UARTRIS, UARTIMSC, UARTMIS and UARTICR. */
const RX = 1 << 4;
const TX = 1 << 5;
const RT = 1 << 6;
const ALL_INTERRUPTS = 0x7ff;

const FIFO_DEPTH = 16;
/** Characters at which RXRIS is set, by UARTIFLS.RXIFLSEL: 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO. */
const RECEIVE_LEVELS: readonly number[] = [2, 4, 8, 12, 14];
/** UARTPeriphID0-3 and UARTPCellID0-3 of revision r1p4. */
const IDENTIFICATION: readonly number[] = [0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

interface Pl011State {
  readonly registers: readonly number[];
  readonly received: readonly number[];
  readonly waiting: readonly number[];
}

export interface Pl011Options {
  /** A byte that the guest sent. */
  readonly transmit: (byte: number) => void;
  readonly irq: IrqLine;
  readonly events: DeviceEvents;
}

export class Pl011 implements Device {
  readonly name = 'PL011';
  readonly #options: Pl011Options;
  /** The receive FIFO. */
  #rx: number[] = [];
  /** Characters still on the line: they enter the FIFO as it drains, so nothing overruns. */
  #waiting: number[] = [];
  #UARTILPR = 0;
  #UARTIBRD = 0;
  #UARTFBRD = 0;
  #UARTLCR_H = 0;
  #UARTCR = 0;
  #UARTIFLS = 0;
  #UARTIMSC = 0;
  #UARTRIS = 0;
  #UARTDMACR = 0;

  constructor(options: Pl011Options) {
    this.#options = options;
    this.reset();
  }

  reset(): void {
    this.#rx = [];
    this.#waiting = [];
    this.#UARTILPR = 0;
    this.#UARTIBRD = 0;
    this.#UARTFBRD = 0;
    this.#UARTLCR_H = 0;
    this.#UARTCR = 0x300; // RXE and TXE
    this.#UARTIFLS = 0x12; // both at half full
    this.#UARTIMSC = 0;
    this.#UARTRIS = 0;
    this.#UARTDMACR = 0;
    this.#updateIrq();
  }

  /** Characters from the other end of the line. */
  receive(bytes: Iterable<number>): void {
    for (const byte of bytes) this.#waiting.push(byte & 0xff);
    this.#fillFifo();
  }

  /** Whether a character that arrives interrupts. */
  get receiveInterruptEnabled(): boolean {
    return (this.#UARTIMSC & (RX | RT)) !== 0;
  }

  read(offset: number, size: DeviceAccessSize): number {
    if (offset === UARTDR) {
      const byte = this.#rx.shift() ?? 0;
      this.#characterRead();
      return byte;
    }
    return this.#readRegister(offset, size, true);
  }

  peek(offset: number, size: DeviceAccessSize): number {
    return offset === UARTDR ? (this.#rx[0] ?? 0) : this.#readRegister(offset, size, false);
  }

  #readRegister(offset: number, size: DeviceAccessSize, tell: boolean): number {
    const register = this.#registerValue(offset & ~3);
    if (register === undefined) {
      if (tell) this.#guestError('read', offset);
      return 0;
    }
    const value = register >>> (8 * (offset & 3));
    return size === 4 ? value : value & (2 ** (8 * size) - 1);
  }

  #registerValue(offset: number): number | undefined {
    switch (offset) {
      case UARTDR:
        return this.#rx[0] ?? 0;
      case UARTRSR:
        return 0; // no framing, parity, break or overrun error ever happens
      case UARTFR:
        return (
          UARTFR_TXFE |
          (this.#rx.length === 0 ? UARTFR_RXFE : 0) |
          (this.#rx.length >= this.#depth() ? UARTFR_RXFF : 0)
        );
      case UARTILPR:
        return this.#UARTILPR;
      case UARTIBRD:
        return this.#UARTIBRD;
      case UARTFBRD:
        return this.#UARTFBRD;
      case UARTLCR_H:
        return this.#UARTLCR_H;
      case UARTCR:
        return this.#UARTCR;
      case UARTIFLS:
        return this.#UARTIFLS;
      case UARTIMSC:
        return this.#UARTIMSC;
      case UARTRIS:
        return this.#UARTRIS;
      case UARTMIS:
        return this.#UARTRIS & this.#UARTIMSC;
      case UARTDMACR:
        return this.#UARTDMACR;
      default:
        return IDENTIFICATION[(offset - UARTPeriphID0) / 4];
    }
  }

  write(offset: number, _size: DeviceAccessSize, value: number): void {
    switch (offset) {
      case UARTDR:
        this.#send(value & 0xff);
        break;
      case UARTRSR: // UARTECR: clears errors, of which there are none
        break;
      case UARTILPR:
        this.#UARTILPR = value & 0xff;
        break;
      case UARTIBRD:
        this.#UARTIBRD = value & 0xffff;
        break;
      case UARTFBRD:
        this.#UARTFBRD = value & 0x3f;
        break;
      case UARTLCR_H:
        if (((this.#UARTLCR_H ^ value) & UARTLCR_H_FEN) !== 0) this.#rx = [];
        this.#UARTLCR_H = value & 0xff;
        this.#fillFifo();
        break;
      case UARTCR:
        this.#UARTCR = value & 0xff87;
        break;
      case UARTIFLS:
        this.#UARTIFLS = value & 0x3f;
        this.#receiveLevelChanged();
        break;
      case UARTIMSC:
        this.#UARTIMSC = value & ALL_INTERRUPTS;
        this.#updateIrq();
        break;
      case UARTICR:
        this.#UARTRIS &= ~value;
        this.#updateIrq();
        break;
      case UARTDMACR:
        this.#UARTDMACR = value & 7;
        if ((value & 3) !== 0) {
          this.#options.events.guestError(this.name, 'DMA is not implemented (UARTDMACR)');
        }
        break;
      default:
        this.#guestError('write', offset);
    }
  }

  #send(byte: number): void {
    if ((this.#UARTCR & UARTCR_LBE) !== 0) this.receive([byte]);
    else this.#options.transmit(byte);
    // The character left the FIFO at once: the level fell through the trigger.
    this.#UARTRIS |= TX;
    this.#updateIrq();
  }

  #depth(): number {
    return (this.#UARTLCR_H & UARTLCR_H_FEN) !== 0 ? FIFO_DEPTH : 1;
  }

  #receiveTrigger(): number {
    if (this.#depth() === 1) return 1;
    return RECEIVE_LEVELS[(this.#UARTIFLS >>> 3) & 7] ?? FIFO_DEPTH;
  }

  #fillFifo(): void {
    let arrived = false;
    while (this.#waiting.length > 0 && this.#rx.length < this.#depth()) {
      this.#rx.push(this.#waiting.shift() as number);
      arrived = true;
    }
    if (arrived) this.#UARTRIS |= RT;
    this.#receiveLevelChanged();
  }

  #characterRead(): void {
    if (this.#rx.length === 0) this.#UARTRIS &= ~RT;
    this.#receiveLevelChanged();
    this.#fillFifo();
  }

  #receiveLevelChanged(): void {
    if (this.#rx.length >= this.#receiveTrigger()) this.#UARTRIS |= RX;
    else this.#UARTRIS &= ~RX;
    this.#updateIrq();
  }

  #updateIrq(): void {
    this.#options.irq.set((this.#UARTRIS & this.#UARTIMSC) !== 0);
  }

  #guestError(what: string, offset: number): void {
    const place = `0x${offset.toString(16)}`;
    this.#options.events.guestError(this.name, `${what} of unimplemented offset ${place}`);
  }

  saveState(): Pl011State {
    return {
      registers: [
        this.#UARTILPR,
        this.#UARTIBRD,
        this.#UARTFBRD,
        this.#UARTLCR_H,
        this.#UARTCR,
        this.#UARTIFLS,
        this.#UARTIMSC,
        this.#UARTRIS,
        this.#UARTDMACR,
      ],
      received: [...this.#rx],
      waiting: [...this.#waiting],
    };
  }

  restoreState(state: unknown): void {
    const { registers, received, waiting } = state as Pl011State;
    [
      this.#UARTILPR = 0,
      this.#UARTIBRD = 0,
      this.#UARTFBRD = 0,
      this.#UARTLCR_H = 0,
      this.#UARTCR = 0,
      this.#UARTIFLS = 0,
      this.#UARTIMSC = 0,
      this.#UARTRIS = 0,
      this.#UARTDMACR = 0,
    ] = registers;
    this.#rx = [...received];
    this.#waiting = [...waiting];
    this.#updateIrq();
  }
}
