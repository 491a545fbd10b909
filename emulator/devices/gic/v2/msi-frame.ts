/**
 * The GICv2m MSI frame: a write of an interrupt number raises that SPI. Arm Server Base System
 * Architecture, "GICv2m Architecture".
 */
import type { Device, DeviceAccessSize, DeviceEvents, IrqLine } from '../../device.ts';
import { part, within } from '../interrupt-registers.ts';
import { FIRST_SPI } from '../interrupt-states.ts';

const V2M_MSI_TYPER = 0x008;
const V2M_MSI_SETSPI_NS = 0x040;
const V2M_MSI_IIDR = 0xfcc;
const V2M_ID = 0xfd0;
const V2M_ID_LENGTH = 0x30;

/** Implementer Arm; the product is IMPLEMENTATION DEFINED. */
const IIDR_ARM = 0x0000_043b;

export interface MsiFrameOptions {
  /** The SPIs that can be raised: the first, and how many. */
  readonly firstSPI: number;
  readonly SPIs: number;
  readonly spi: (SPI: number) => IrqLine;
  readonly events: DeviceEvents;
}

export class GicV2MsiFrame implements Device {
  readonly name = 'GICv2m frame';
  readonly #firstINTID: number;
  readonly #lines: readonly IrqLine[];
  readonly #events: DeviceEvents;

  constructor({ firstSPI, SPIs, spi, events }: MsiFrameOptions) {
    this.#firstINTID = FIRST_SPI + firstSPI;
    this.#lines = Array.from({ length: SPIs }, (_, n) => spi(firstSPI + n));
    this.#events = events;
  }

  reset(): void {
    // An MSI is an edge: nothing is kept.
  }

  peek(offset: number, size: DeviceAccessSize): number {
    return part(this.#register(offset & ~3) ?? 0, offset, size);
  }

  read(offset: number, size: DeviceAccessSize): number {
    if (this.#register(offset & ~3) === undefined) this.#guestError('read', offset);
    return this.peek(offset, size);
  }

  #register(offset: number): number | undefined {
    switch (offset) {
      case V2M_MSI_TYPER:
        return (this.#firstINTID << 16) | this.#lines.length;
      case V2M_MSI_SETSPI_NS:
        return 0;
      case V2M_MSI_IIDR:
        return IIDR_ARM;
      default:
        return within(offset, V2M_ID, V2M_ID_LENGTH) ? 0 : undefined;
    }
  }

  write(offset: number, _size: DeviceAccessSize, value: number): void {
    if (offset !== V2M_MSI_SETSPI_NS) {
      this.#guestError('write', offset);
      return;
    }
    const line = this.#lines[(value & 0x3ff) - this.#firstINTID];
    if (line === undefined) {
      this.#events.guestError(this.name, `interrupt ${value} is not one of this frame's`);
      return;
    }
    line.set(true);
    line.set(false);
  }

  #guestError(what: string, offset: number): void {
    this.#events.guestError(this.name, `${what} at unimplemented offset 0x${offset.toString(16)}`);
  }

  saveState(): unknown {
    return undefined;
  }
  restoreState(): void {
    // There is none.
  }
}
