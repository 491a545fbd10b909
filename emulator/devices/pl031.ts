/**
 * Arm PrimeCell Real Time Clock (PL031), TRM DDI 0224. Register names and offsets are the TRM's.
 *
 * Departures: the clock runs from reset on, so RTCCR reads as 1; the alarm is armed by the first write
 * to RTCMR or RTCLR, because at reset no program has chosen a time.
 */
import type { Device, DeviceAccessSize, DeviceEvents, IrqLine } from './device.ts';

const RTCDR = 0x00;
const RTCMR = 0x04;
const RTCLR = 0x08;
const RTCCR = 0x0c;
const RTCIMSC = 0x10;
const RTCRIS = 0x14;
const RTCMIS = 0x18;
const RTCICR = 0x1c;
const RTCPeriphID0 = 0xfe0;

/** RTCPeriphID0-3 and RTCPCellID0-3. */
const IDENTIFICATION: readonly number[] = [0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];
const NANOSECONDS = 1_000_000_000n;
/** The counter comes back to the same value after this. */
const PERIOD = (1n << 32n) * NANOSECONDS;

interface Pl031State {
  readonly offset: bigint;
  readonly RTCMR: number;
  readonly RTCLR: number;
  readonly RTCIMSC: number;
  readonly RTCRIS: number;
  readonly alarm: bigint | undefined;
}

export interface Pl031Options {
  /** Time since reset, in nanoseconds. */
  readonly now: () => bigint;
  /** RTCDR at reset: seconds since 1970. */
  readonly startTime: bigint;
  readonly irq: IrqLine;
  readonly events: DeviceEvents;
}

export class Pl031 implements Device {
  readonly name = 'PL031';
  readonly #options: Pl031Options;
  /** RTCDR is this plus the seconds since reset. */
  #offset = 0n;
  #RTCMR = 0;
  #RTCLR = 0;
  #RTCIMSC = 0;
  #RTCRIS = 0;
  /** When RTCDR becomes RTCMR. */
  #alarm: bigint | undefined;

  constructor(options: Pl031Options) {
    this.#options = options;
    this.reset();
  }

  reset(): void {
    this.#offset = this.#options.startTime;
    this.#RTCMR = 0;
    this.#RTCLR = 0;
    this.#RTCIMSC = 0;
    this.#RTCRIS = 0;
    this.#alarm = undefined;
    this.#updateIrq();
  }

  get #RTCDR(): number {
    return Number(BigInt.asUintN(32, this.#offset + this.#options.now() / NANOSECONDS));
  }

  /** Nanoseconds since reset at which the interrupt will be asserted; undefined when it will not. */
  get deadline(): bigint | undefined {
    return this.#RTCIMSC !== 0 && this.#RTCRIS === 0 ? this.#alarm : undefined;
  }

  /** Time has passed. */
  update(): void {
    const alarm = this.#alarm;
    const now = this.#options.now();
    if (alarm === undefined || now < alarm) return;
    this.#RTCRIS = 1;
    this.#alarm = alarm + PERIOD * ((now - alarm) / PERIOD + 1n);
    this.#updateIrq();
  }

  #setAlarm(): void {
    const seconds = this.#options.now() / NANOSECONDS;
    const wait = BigInt.asUintN(32, BigInt(this.#RTCMR) - (this.#offset + seconds));
    this.#alarm = (seconds + wait) * NANOSECONDS;
    this.update();
  }

  read(offset: number, size: DeviceAccessSize): number {
    this.update();
    if (this.#register(offset & ~3) === undefined) this.#guestError('read', offset);
    return this.peek(offset, size);
  }

  peek(offset: number, size: DeviceAccessSize): number {
    const value = (this.#register(offset & ~3) ?? 0) >>> (8 * (offset & 3));
    return size === 4 ? value : value & (2 ** (8 * size) - 1);
  }

  #register(offset: number): number | undefined {
    switch (offset) {
      case RTCDR:
        return this.#RTCDR;
      case RTCMR:
        return this.#RTCMR;
      case RTCLR:
        return this.#RTCLR;
      case RTCCR:
        return 1;
      case RTCIMSC:
        return this.#RTCIMSC;
      case RTCRIS:
        return this.#RTCRIS;
      case RTCMIS:
        return this.#RTCRIS & this.#RTCIMSC;
      case RTCICR:
        return 0;
      default:
        return IDENTIFICATION[(offset - RTCPeriphID0) / 4];
    }
  }

  write(offset: number, _size: DeviceAccessSize, value: number): void {
    this.update();
    switch (offset) {
      case RTCMR:
        this.#RTCMR = value;
        this.#setAlarm();
        break;
      case RTCLR:
        this.#RTCLR = value;
        this.#offset = BigInt(value) - this.#options.now() / NANOSECONDS;
        this.#setAlarm();
        break;
      case RTCCR: // once started, writes have no effect
        break;
      case RTCIMSC:
        this.#RTCIMSC = value & 1;
        break;
      case RTCICR:
        this.#RTCRIS &= ~value;
        break;
      default:
        this.#guestError('write', offset);
    }
    this.#updateIrq();
  }

  #updateIrq(): void {
    this.#options.irq.set((this.#RTCRIS & this.#RTCIMSC) !== 0);
  }

  #guestError(what: string, offset: number): void {
    const place = `0x${offset.toString(16)}`;
    this.#options.events.guestError(this.name, `${what} of unimplemented offset ${place}`);
  }

  saveState(): Pl031State {
    return {
      offset: this.#offset,
      RTCMR: this.#RTCMR,
      RTCLR: this.#RTCLR,
      RTCIMSC: this.#RTCIMSC,
      RTCRIS: this.#RTCRIS,
      alarm: this.#alarm,
    };
  }

  restoreState(state: unknown): void {
    const saved = state as Pl031State;
    this.#offset = saved.offset;
    this.#RTCMR = saved.RTCMR;
    this.#RTCLR = saved.RTCLR;
    this.#RTCIMSC = saved.RTCIMSC;
    this.#RTCRIS = saved.RTCRIS;
    this.#alarm = saved.alarm;
    this.#updateIrq();
  }
}
