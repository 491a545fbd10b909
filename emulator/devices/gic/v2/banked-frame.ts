/** Registers of which each processor finds its own at one address. */
import { tellOffset } from '../../device.ts';
import type { Device, DeviceAccessSize, DeviceEvents } from '../../device.ts';
import { part } from '../interrupt-registers.ts';

/** The registers of one processor: words at multiples of 4. */
export interface RegisterFrame {
  /** The word at an offset, without side effects; undefined where nothing can be read. */
  peek(offset: number): number | undefined;
  read(offset: number): number | undefined;
  /** False where there is no register that can be written. */
  write(offset: number, value: number): boolean;
  reset(): void;
  saveState(): unknown;
  restoreState(state: unknown): void;
}

export class BankedFrame implements Device {
  readonly name: string;
  readonly #frames: readonly RegisterFrame[];
  readonly #accessingCpu: () => number;
  readonly #events: DeviceEvents;

  /** `accessingCpu` is the processor that makes the access. */
  constructor(
    name: string,
    frames: readonly RegisterFrame[],
    accessingCpu: () => number,
    events: DeviceEvents,
  ) {
    this.name = name;
    this.#frames = frames;
    this.#accessingCpu = accessingCpu;
    this.#events = events;
  }

  get #own(): RegisterFrame {
    const cpu = this.#accessingCpu();
    const own = this.#frames[cpu];
    if (own === undefined) throw new TypeError(`processor ${cpu} has no ${this.name}`);
    return own;
  }

  reset(): void {
    for (const each of this.#frames) each.reset();
  }

  read(offset: number, size: DeviceAccessSize): number {
    const value = this.#own.read(offset & ~3);
    if (value === undefined) this.#guestError('read', offset);
    return part(value ?? 0, offset, size);
  }

  peek(offset: number, size: DeviceAccessSize): number {
    return part(this.#own.peek(offset & ~3) ?? 0, offset, size);
  }

  write(offset: number, size: DeviceAccessSize, value: number): void {
    // Registers are words: what a part of one does is UNPREDICTABLE. It does nothing.
    if (size !== 4 || (offset & 3) !== 0) this.#guestError(`${8 * size}-bit write`, offset);
    else if (!this.#own.write(offset, value)) this.#guestError('write', offset);
  }

  #guestError(what: string, offset: number): void {
    tellOffset(this.#events, this.name, what, offset);
  }

  saveState(): unknown {
    return this.#frames.map((each) => each.saveState());
  }
  restoreState(state: unknown): void {
    const saved = state as readonly unknown[];
    this.#frames.forEach((each, cpu) => {
      each.restoreState(saved[cpu]);
    });
  }
}
