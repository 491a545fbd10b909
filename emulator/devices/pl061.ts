/**
 * Arm PrimeCell General Purpose Input/Output (PL061), TRM DDI 0190. Register names and offsets are the
 * TRM's. Nothing is connected to the outputs; GPIOAFSEL keeps its value and does nothing.
 */
import type { Device, DeviceAccessSize, DeviceEvents, IrqLine } from './device.ts';

/** 256 words: address bits 9:2 are the mask of the pins that an access concerns. */
const GPIODATA_END = 0x400;
const GPIODIR = 0x400;
const GPIOIS = 0x404;
const GPIOIBE = 0x408;
const GPIOIEV = 0x40c;
const GPIOIE = 0x410;
const GPIORIS = 0x414;
const GPIOMIS = 0x418;
const GPIOIC = 0x41c;
const GPIOAFSEL = 0x420;
const GPIOPeriphID0 = 0xfe0;

/** GPIOPeriphID0-3 and GPIOPCellID0-3. */
const IDENTIFICATION: readonly number[] = [0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1];
const PINS = 0xff;

export interface Pl061Options {
  readonly irq: IrqLine;
  readonly events: DeviceEvents;
}

export class Pl061 implements Device {
  readonly name = 'PL061';
  readonly #options: Pl061Options;
  /** What the guest drives on output pins. */
  #output = 0;
  /** What the board drives; it is not part of the device's reset. */
  #input = 0;
  #GPIODIR = 0;
  #GPIOIS = 0;
  #GPIOIBE = 0;
  #GPIOIEV = 0;
  #GPIOIE = 0;
  /** Interrupts detected by an edge, and not cleared. */
  #edges = 0;
  #GPIOAFSEL = 0;

  constructor(options: Pl061Options) {
    this.#options = options;
    this.reset();
  }

  reset(): void {
    this.#output = 0;
    this.#GPIODIR = 0;
    this.#GPIOIS = 0;
    this.#GPIOIBE = 0;
    this.#GPIOIEV = 0;
    this.#GPIOIE = 0;
    this.#edges = 0;
    this.#GPIOAFSEL = 0;
    this.#updateIrq();
  }

  /** Drives an input pin, 0 to 7. */
  setInput(pin: number, high: boolean): void {
    const bit = 1 << pin;
    this.#drive(() => {
      this.#input = high ? this.#input | bit : this.#input & ~bit;
    });
  }

  /** The level of every pin. */
  get #pins(): number {
    return (this.#output & this.#GPIODIR) | (this.#input & ~this.#GPIODIR);
  }

  /** Changes what decides the pins' levels, and looks for the edges that follow. */
  #drive(change: () => void): void {
    const before = this.#pins;
    change();
    const rising = this.#pins & ~before;
    const falling = before & ~this.#pins;
    const wanted =
      ((rising | falling) & this.#GPIOIBE) |
      (((rising & this.#GPIOIEV) | (falling & ~this.#GPIOIEV)) & ~this.#GPIOIBE);
    this.#edges |= wanted & ~this.#GPIOIS;
    this.#updateIrq();
  }

  get #GPIORIS(): number {
    const levels = ~(this.#pins ^ this.#GPIOIEV) & PINS;
    return (this.#edges & ~this.#GPIOIS) | (levels & this.#GPIOIS);
  }

  read(offset: number, size: DeviceAccessSize): number {
    if (this.#register(offset & ~3) === undefined) this.#guestError('read', offset);
    return this.peek(offset, size);
  }

  peek(offset: number, size: DeviceAccessSize): number {
    const value = (this.#register(offset & ~3) ?? 0) >>> (8 * (offset & 3));
    return size === 4 ? value : value & (2 ** (8 * size) - 1);
  }

  #register(offset: number): number | undefined {
    if (offset < GPIODATA_END) return this.#pins & (offset >>> 2);
    switch (offset) {
      case GPIODIR:
        return this.#GPIODIR;
      case GPIOIS:
        return this.#GPIOIS;
      case GPIOIBE:
        return this.#GPIOIBE;
      case GPIOIEV:
        return this.#GPIOIEV;
      case GPIOIE:
        return this.#GPIOIE;
      case GPIORIS:
        return this.#GPIORIS;
      case GPIOMIS:
        return this.#GPIORIS & this.#GPIOIE;
      case GPIOIC:
        return 0;
      case GPIOAFSEL:
        return this.#GPIOAFSEL;
      default:
        return IDENTIFICATION[(offset - GPIOPeriphID0) / 4];
    }
  }

  write(offset: number, _size: DeviceAccessSize, written: number): void {
    const value = written & PINS;
    if (offset < GPIODATA_END) {
      const mask = offset >>> 2;
      this.#drive(() => {
        this.#output = (this.#output & ~mask) | (value & mask);
      });
      return;
    }
    switch (offset) {
      case GPIODIR:
        this.#drive(() => {
          this.#GPIODIR = value;
        });
        break;
      case GPIOIS:
        this.#GPIOIS = value;
        break;
      case GPIOIBE:
        this.#GPIOIBE = value;
        break;
      case GPIOIEV:
        this.#GPIOIEV = value;
        break;
      case GPIOIE:
        this.#GPIOIE = value;
        break;
      case GPIOIC:
        this.#edges &= ~value;
        break;
      case GPIOAFSEL:
        this.#GPIOAFSEL = value;
        break;
      default:
        this.#guestError('write', offset);
    }
    this.#updateIrq();
  }

  #updateIrq(): void {
    this.#options.irq.set((this.#GPIORIS & this.#GPIOIE) !== 0);
  }

  #guestError(what: string, offset: number): void {
    const place = `0x${offset.toString(16)}`;
    this.#options.events.guestError(this.name, `${what} of unimplemented offset ${place}`);
  }

  saveState(): readonly number[] {
    return [
      this.#output,
      this.#input,
      this.#GPIODIR,
      this.#GPIOIS,
      this.#GPIOIBE,
      this.#GPIOIEV,
      this.#GPIOIE,
      this.#edges,
      this.#GPIOAFSEL,
    ];
  }

  restoreState(state: unknown): void {
    [
      this.#output = 0,
      this.#input = 0,
      this.#GPIODIR = 0,
      this.#GPIOIS = 0,
      this.#GPIOIBE = 0,
      this.#GPIOIEV = 0,
      this.#GPIOIE = 0,
      this.#edges = 0,
      this.#GPIOAFSEL = 0,
    ] = state as readonly number[];
    this.#updateIrq();
  }
}
