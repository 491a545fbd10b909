/**
 * The commands of an ITS. Arm GIC architecture specification (IHI 0069), "ITS commands". A command that
 * is wrong does nothing; its error is returned in the architecture's terms.
 */
import { FIRST_LPI, INTID_BITS } from './lpis.ts';
import type { Lpis } from './lpis.ts';
import { COLLECTION_ID_BITS, DEVICE_ID_BITS, EVENT_ID_BITS } from './its-tables.ts';
import type { DeviceEntry, ItsTables, TranslationEntry } from './its-tables.ts';

export const COMMAND_BYTES = 32;

const MOVI = 0x01;
const INT = 0x03;
const CLEAR = 0x04;
const SYNC = 0x05;
const MAPD = 0x08;
const MAPC = 0x09;
const MAPTI = 0x0a;
const MAPI = 0x0b;
const INV = 0x0c;
const INVALL = 0x0d;
const MOVALL = 0x0e;
const DISCARD = 0x0f;

const NAMES: Readonly<Record<number, string>> = {
  [MOVI]: 'MOVI',
  [INT]: 'INT',
  [CLEAR]: 'CLEAR',
  [SYNC]: 'SYNC',
  [MAPD]: 'MAPD',
  [MAPC]: 'MAPC',
  [MAPTI]: 'MAPTI',
  [MAPI]: 'MAPI',
  [INV]: 'INV',
  [INVALL]: 'INVALL',
  [MOVALL]: 'MOVALL',
  [DISCARD]: 'DISCARD',
};

/** A command's doublewords. */
export type Command = readonly [bigint, bigint, bigint, bigint];

function field(doubleword: bigint, lsb: number, width: number): number {
  return Number((doubleword >> BigInt(lsb)) & ((1n << BigInt(width)) - 1n));
}

/** A mapped interrupt and where it is. */
interface Mapping {
  readonly device: DeviceEntry;
  readonly EventID: number;
  readonly translation: TranslationEntry;
}

export class ItsCommands {
  readonly #tables: ItsTables;
  /** The LPIs of a processor by its GICR_TYPER.Processor_Number. */
  readonly #LPIs: (processor: number) => Lpis | undefined;

  constructor(tables: ItsTables, LPIs: (processor: number) => Lpis | undefined) {
    this.#tables = tables;
    this.#LPIs = LPIs;
  }

  /** What is wrong with the command, to follow the word `command`; undefined when it was executed. */
  execute(command: Command): string | undefined {
    const number = field(command[0], 0, 8);
    const name = NAMES[number];
    if (name === undefined) return `0x${number.toString(16)} does not exist`;
    const error = this.#execute(number, command);
    return error === undefined ? undefined : `${name}: ${error}`;
  }

  #execute(number: number, [dw0, dw1, dw2, dw3]: Command): string | undefined {
    const DeviceID = field(dw0, 32, 32);
    const EventID = field(dw1, 0, 32);
    const ICID = field(dw2, 0, 16);
    const RDbase = field(dw2, 16, 35);
    const valid = field(dw2, 63, 1) === 1;
    switch (number) {
      case MAPD:
        return this.#mapDevice(DeviceID, valid, {
          ITT: dw2 & 0x000f_ffff_ffff_ff00n,
          bits: field(dw1, 0, 5) + 1,
        });
      case MAPC:
        return this.#mapCollection(ICID, valid ? RDbase : undefined);
      case MAPTI:
        return this.#mapInterrupt(DeviceID, EventID, { INTID: field(dw1, 32, 32), ICID });
      case MAPI:
        return this.#mapInterrupt(DeviceID, EventID, { INTID: EventID, ICID });
      case MOVI:
        return this.#move(DeviceID, EventID, ICID);
      case MOVALL:
        return this.#moveAll(RDbase, field(dw3, 16, 35));
      case INVALL: {
        const processor = this.#tables.collection(ICID);
        if (processor === undefined) return `collection ${ICID} is not mapped`;
        this.#LPIs(processor)?.invalidate();
        return undefined;
      }
      case SYNC:
        // Every command is complete before the next one.
        return this.#LPIs(RDbase) === undefined ? `there is no processor ${RDbase}` : undefined;
      default:
        return this.#mapped(DeviceID, EventID, (mapping) => this.#onMapped(number, mapping));
    }
  }

  #mapDevice(DeviceID: number, valid: boolean, device: DeviceEntry): string | undefined {
    if (DeviceID >= 2 ** DEVICE_ID_BITS || !this.#tables.hasDevice(DeviceID)) {
      return `device ${DeviceID} is out of range of the device table`;
    }
    if (valid && device.bits > EVENT_ID_BITS) {
      return `the table of device ${DeviceID} is for ${device.bits} bits of EventID`;
    }
    return this.#tables.setDevice(DeviceID, valid ? device : undefined)
      ? undefined
      : 'the device table is not in RAM';
  }

  #mapCollection(ICID: number, processor: number | undefined): string | undefined {
    if (ICID >= 2 ** COLLECTION_ID_BITS || !this.#tables.hasCollection(ICID)) {
      return `collection ${ICID} is out of range of the collection table`;
    }
    if (processor !== undefined && this.#LPIs(processor) === undefined) {
      return `there is no processor ${processor}`;
    }
    return this.#tables.setCollection(ICID, processor)
      ? undefined
      : 'the collection table is not in RAM';
  }

  #device(DeviceID: number, EventID: number): DeviceEntry | string {
    const device = this.#tables.device(DeviceID);
    if (device === undefined) return `device ${DeviceID} is not mapped`;
    if (EventID >= 2 ** device.bits) {
      return `event ${EventID} is out of range for device ${DeviceID}`;
    }
    return device;
  }

  /** MAPTI and MAPI. The collection may be mapped later. */
  #mapInterrupt(
    DeviceID: number,
    EventID: number,
    translation: TranslationEntry,
  ): string | undefined {
    const device = this.#device(DeviceID, EventID);
    if (typeof device === 'string') return device;
    const { INTID, ICID } = translation;
    if (INTID < FIRST_LPI || INTID >= 2 ** INTID_BITS) return `${INTID} is not the INTID of an LPI`;
    if (!this.#tables.hasCollection(ICID)) {
      return `collection ${ICID} is out of range of the collection table`;
    }
    if (!this.#tables.setTranslation(device, EventID, translation)) {
      return `the table of device ${DeviceID} is not in RAM`;
    }
    const processor = this.#tables.collection(ICID);
    if (processor !== undefined) this.#LPIs(processor)?.invalidate(INTID);
    return undefined;
  }

  #mapped(
    DeviceID: number,
    EventID: number,
    body: (mapping: Mapping) => string | undefined,
  ): string | undefined {
    const device = this.#device(DeviceID, EventID);
    if (typeof device === 'string') return device;
    const translation = this.#tables.translation(device, EventID);
    if (translation === undefined) return `event ${EventID} of device ${DeviceID} is not mapped`;
    return body({ device, EventID, translation });
  }

  #onMapped(number: number, { device, EventID, translation }: Mapping): string | undefined {
    const { INTID, ICID } = translation;
    const processor = this.#tables.collection(ICID);
    const LPIs = processor === undefined ? undefined : this.#LPIs(processor);
    if (number === DISCARD) {
      LPIs?.setPending(INTID, false);
      this.#tables.setTranslation(device, EventID, undefined);
      return undefined;
    }
    if (LPIs === undefined) return `collection ${ICID} is not mapped`;
    if (number === INT) LPIs.setPending(INTID, true);
    else if (number === CLEAR) LPIs.setPending(INTID, false);
    else LPIs.invalidate(INTID);
    return undefined;
  }

  /** A pending interrupt moves with its collection. */
  #move(DeviceID: number, EventID: number, ICID: number): string | undefined {
    return this.#mapped(DeviceID, EventID, ({ device, translation }) => {
      const processor = this.#tables.collection(ICID);
      const to = processor === undefined ? undefined : this.#LPIs(processor);
      if (to === undefined) return `collection ${ICID} is not mapped`;
      const { INTID } = translation;
      const previous = this.#tables.collection(translation.ICID);
      const from = previous === undefined ? undefined : this.#LPIs(previous);
      this.#tables.setTranslation(device, EventID, { INTID, ICID });
      to.invalidate(INTID);
      if (from !== undefined && from !== to && from.isPending(INTID)) {
        from.setPending(INTID, false);
        to.setPending(INTID, true);
      }
      return undefined;
    });
  }

  #moveAll(RDbase1: number, RDbase2: number): string | undefined {
    const [from, to] = [this.#LPIs(RDbase1), this.#LPIs(RDbase2)];
    if (from === undefined || to === undefined) {
      return `there is no processor ${from === undefined ? RDbase1 : RDbase2}`;
    }
    if (from === to) return undefined;
    for (const INTID of from.pending) {
      from.setPending(INTID, false);
      to.setPending(INTID, true);
    }
    return undefined;
  }

  /** An event of a device: the write to GITS_TRANSLATER. */
  translate(DeviceID: number, EventID: number): string | undefined {
    return this.#mapped(DeviceID, EventID, (mapping) => this.#onMapped(INT, mapping));
  }
}
