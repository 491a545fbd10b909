/**
 * The interrupt translation service of a GICv3: a command queue in memory, and a page to which devices
 * write their events. Arm GIC architecture specification (IHI 0069), "ITS register descriptions".
 *
 * IMPLEMENTATION DEFINED here: the identification is that of a GIC-500; the tables may have two levels;
 * 16 bits of EventID, DeviceID and ICID; processors are named by their number. The queue is worked off
 * when GITS_CWRITER is written. A command that is wrong is told and passed over (no stalls).
 */
import type { Device, DeviceAccessSize, DeviceEvents } from '../../device.ts';
import { inWord, part, within } from '../interrupt-registers.ts';
import { identification, IIDR_GIC500 } from './identification.ts';
import { COMMAND_BYTES, ItsCommands } from './its-commands.ts';
import type { Command } from './its-commands.ts';
import {
  COLLECTION_ID_BITS,
  DEVICE_ID_BITS,
  ENTRY_BYTES,
  EVENT_ID_BITS,
  ItsTables,
} from './its-tables.ts';
import type { Lpis } from './lpis.ts';
import type { PhysicalMemory } from '../../physical-memory.ts';
import { half, withHalf } from './redistributor.ts';

const GITS_CTLR = 0x0000;
const GITS_IIDR = 0x0004;
const GITS_TYPER = 0x0008;
const GITS_CBASER = 0x0080;
const GITS_CWRITER = 0x0088;
const GITS_CREADR = 0x0090;
const GITS_BASER = 0x0100;
const TRANSLATER_FRAME = 0x1_0000;
const GITS_TRANSLATER = TRANSLATER_FRAME + 0x0040;

const GITS_CTLR_Enabled = 1;
const GITS_CTLR_Quiescent = 2 ** 31;
const ITS_PART = 0x494;

/** CIL, CIDbits, Devbits, ID_bits, ITT_entry_size, physical LPIs. PTA is 0. */
const GITS_TYPER_VALUE =
  (1n << 36n) |
  (BigInt(COLLECTION_ID_BITS - 1) << 32n) |
  (BigInt(DEVICE_ID_BITS - 1) << 13n) |
  (BigInt(EVENT_ID_BITS - 1) << 8n) |
  (BigInt(ENTRY_BYTES - 1) << 4n) |
  1n;

/** Valid, InnerCache, OuterCache, Physical_Address, Shareability, Size. */
const GITS_CBASER_WRITABLE = 0xb8ef_ffff_ffff_fcffn;
const GITS_CBASER_Valid = 1n << 63n;
const GITS_CBASER_ADDRESS = 0x000f_ffff_ffff_f000n;
const QUEUE_OFFSET = 0xf_ffe0n;

/** Valid, Indirect, InnerCache, OuterCache, Physical_Address, Shareability, Page_Size, Size. */
const GITS_BASER_WRITABLE = 0xf8e0_ffff_ffff_ffffn;
const PAGE_64K = 0b10n << 8n;
/** Type and Entry_Size. */
const baserType = (type: bigint): bigint => (type << 56n) | (BigInt(ENTRY_BYTES - 1) << 48n);
const DEVICES = baserType(1n);
const COLLECTIONS = baserType(4n);
const GITS_BASERS: readonly [bigint, bigint] = [DEVICES, COLLECTIONS];

export interface ItsOptions {
  readonly memory: PhysicalMemory;
  /** The LPIs of a processor by its GICR_TYPER.Processor_Number. */
  readonly LPIs: (processor: number) => Lpis | undefined;
  /** LPIs have changed. */
  readonly changed: () => void;
  readonly events: DeviceEvents;
}

interface SavedIts {
  readonly GITS_CTLR: number;
  readonly GITS_CBASER: bigint;
  readonly GITS_CWRITER: bigint;
  readonly GITS_CREADR: bigint;
  readonly GITS_BASER: readonly [bigint, bigint];
}

export class Its implements Device {
  readonly name = 'GIC ITS';
  readonly #options: ItsOptions;
  readonly #commands: ItsCommands;
  #GITS_CTLR = 0;
  #GITS_CBASER = 0n;
  #GITS_CWRITER = 0n;
  #GITS_CREADR = 0n;
  readonly #GITS_BASER: [bigint, bigint] = [DEVICES | PAGE_64K, COLLECTIONS | PAGE_64K];

  constructor(options: ItsOptions) {
    this.#options = options;
    const tables = new ItsTables(options.memory, (n) => this.#GITS_BASER[n]);
    this.#commands = new ItsCommands(tables, options.LPIs);
  }

  reset(): void {
    this.#GITS_CTLR = 0;
    this.#GITS_CBASER = 0n;
    this.#GITS_CWRITER = 0n;
    this.#GITS_CREADR = 0n;
    this.#GITS_BASER[0] = DEVICES | PAGE_64K;
    this.#GITS_BASER[1] = COLLECTIONS | PAGE_64K;
  }

  /** A device writes an event to GITS_TRANSLATER. */
  signal(DeviceID: number, EventID: number): void {
    if (this.#GITS_CTLR === 0) return;
    const error = this.#commands.translate(DeviceID, EventID);
    if (error !== undefined) this.#guestError(`an event was lost: ${error}`);
    this.#options.changed();
  }

  read(offset: number, size: DeviceAccessSize): number {
    if (this.#register(offset & ~3) === undefined) {
      this.#guestError(`read of unimplemented offset 0x${offset.toString(16)}`);
    }
    return this.peek(offset, size);
  }

  peek(offset: number, size: DeviceAccessSize): number {
    return part(this.#register(offset & ~3) ?? 0, offset, size);
  }

  #register(offset: number): number | undefined {
    if (within(offset, GITS_BASER, 64)) return half(this.#baser(offset), offset);
    switch (offset) {
      case GITS_CTLR:
        return this.#GITS_CTLR === 0 ? GITS_CTLR_Quiescent : GITS_CTLR_Enabled;
      case GITS_IIDR:
        return IIDR_GIC500;
      case GITS_TYPER:
      case GITS_TYPER + 4:
        return half(GITS_TYPER_VALUE, offset);
      case GITS_CBASER:
      case GITS_CBASER + 4:
        return half(this.#GITS_CBASER, offset);
      case GITS_CWRITER:
      case GITS_CWRITER + 4:
        return half(this.#GITS_CWRITER, offset);
      case GITS_CREADR:
      case GITS_CREADR + 4:
        return half(this.#GITS_CREADR, offset);
      default:
        return identification(ITS_PART, offset);
    }
  }

  /** The register that holds the word; those past the second table are RES0. */
  #baser(offset: number): bigint {
    const n = (offset - GITS_BASER) >>> 3;
    return this.#GITS_BASER[n] ?? 0n;
  }

  write(offset: number, size: DeviceAccessSize, written: number): void {
    if ((offset & ~3) === GITS_TRANSLATER) {
      this.#guestError('GITS_TRANSLATER is written by a processor, which has no DeviceID');
      return;
    }
    const at = offset & ~3;
    const { value, mask } = inWord(offset, size, written);
    if (size !== 4) {
      // UNPREDICTABLE: it does nothing.
      this.#guestError(`${8 * size}-bit write at offset 0x${offset.toString(16)}`);
      return;
    }
    if (within(at, GITS_BASER, 64)) {
      this.#writeBaser(at, value, mask);
      return;
    }
    switch (at) {
      case GITS_CTLR:
        this.#GITS_CTLR = ((this.#GITS_CTLR & ~mask) | value) & GITS_CTLR_Enabled;
        this.#work();
        return;
      case GITS_CBASER:
      case GITS_CBASER + 4:
        if (this.#isInUse('GITS_CBASER')) return;
        this.#GITS_CBASER = withHalf(this.#GITS_CBASER, at, value, mask) & GITS_CBASER_WRITABLE;
        this.#GITS_CREADR = 0n;
        return;
      case GITS_CWRITER:
      case GITS_CWRITER + 4:
        this.#GITS_CWRITER = withHalf(this.#GITS_CWRITER, at, value, mask) & QUEUE_OFFSET;
        if (at === GITS_CWRITER) this.#work();
        return;
      default: {
        const isReadOnly = this.#register(at) !== undefined;
        const what = isReadOnly ? 'read-only' : 'unimplemented';
        this.#guestError(`write of ${what} offset 0x${at.toString(16)}`);
      }
    }
  }

  #writeBaser(at: number, value: number, mask: number): void {
    const n = (at - GITS_BASER) >>> 3;
    const constant = GITS_BASERS[n];
    if (constant === undefined) return; // RES0
    if (this.#isInUse(`GITS_BASER${n}`)) return;
    const written = withHalf(this.#baser(at), at, value, mask) & GITS_BASER_WRITABLE;
    this.#GITS_BASER[n as 0 | 1] = written | constant;
  }

  /** UNPREDICTABLE while the ITS is enabled: the write is ignored. */
  #isInUse(register: string): boolean {
    if (this.#GITS_CTLR === 0) return false;
    this.#guestError(`write of ${register} while GITS_CTLR.Enabled is 1`);
    return true;
  }

  /** Bytes of the command queue. */
  get #queueBytes(): bigint {
    return ((this.#GITS_CBASER & 0xffn) + 1n) * 0x1000n;
  }

  #work(): void {
    if (this.#GITS_CTLR === 0 || (this.#GITS_CBASER & GITS_CBASER_Valid) === 0n) return;
    if (this.#GITS_CWRITER >= this.#queueBytes) {
      this.#guestError(`GITS_CWRITER 0x${this.#GITS_CWRITER.toString(16)} is behind the queue`);
      return;
    }
    while (this.#GITS_CREADR !== this.#GITS_CWRITER) {
      const command = this.#fetch();
      if (command === undefined) {
        this.#guestError('the command queue is not in RAM');
        break;
      }
      const error = this.#commands.execute(command);
      if (error !== undefined) this.#guestError(`command ${error}`);
      this.#GITS_CREADR = (this.#GITS_CREADR + BigInt(COMMAND_BYTES)) % this.#queueBytes;
    }
    this.#options.changed();
  }

  #fetch(): Command | undefined {
    const at = (this.#GITS_CBASER & GITS_CBASER_ADDRESS) + this.#GITS_CREADR;
    const bytes = this.#options.memory.read(at, COMMAND_BYTES);
    if (bytes === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const doubleword = (n: number): bigint => view.getBigUint64(8 * n, true);
    return [doubleword(0), doubleword(1), doubleword(2), doubleword(3)];
  }

  #guestError(message: string): void {
    this.#options.events.guestError(this.name, message);
  }

  saveState(): unknown {
    return {
      GITS_CTLR: this.#GITS_CTLR,
      GITS_CBASER: this.#GITS_CBASER,
      GITS_CWRITER: this.#GITS_CWRITER,
      GITS_CREADR: this.#GITS_CREADR,
      GITS_BASER: [...this.#GITS_BASER],
    } satisfies SavedIts;
  }
  restoreState(state: unknown): void {
    const saved = state as SavedIts;
    this.#GITS_CTLR = saved.GITS_CTLR;
    this.#GITS_CBASER = saved.GITS_CBASER;
    this.#GITS_CWRITER = saved.GITS_CWRITER;
    this.#GITS_CREADR = saved.GITS_CREADR;
    [this.#GITS_BASER[0], this.#GITS_BASER[1]] = saved.GITS_BASER;
  }
}
