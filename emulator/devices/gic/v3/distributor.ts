/**
 * The distributor of a GICv3 with affinity routing and one Security state. Arm GIC architecture
 * specification (IHI 0069), "Distributor register descriptions".
 *
 * IMPLEMENTATION DEFINED here: the identification is that of a GIC-500; there are no message-based SPIs
 * and no extended SPI range; 1 of N routing is there. What belongs to interrupts 0 to 31 or to legacy
 * operation is RAZ/WI.
 */
import { tellOffset } from '../../device.ts';
import type { Device, DeviceAccessSize, DeviceEvents } from '../../device.ts';
import { InterruptRegisters, inWord, part, within } from '../interrupt-registers.ts';
import { identification, IIDR_GIC500 } from './identification.ts';
import type { GicV3Interrupts } from './interrupts.ts';

const GICD_CTLR = 0x0000;
const GICD_TYPER = 0x0004;
const GICD_IIDR = 0x0008;
const GICD_TYPER2 = 0x000c;
const GICD_STATUSR = 0x0010;
const GICD_ITARGETSR = 0x0800;
const GICD_IGRPMODR = 0x0d00;
const GICD_NSACR = 0x0e00;
const GICD_SGIR = 0x0f00;
const GICD_CPENDSGIR = 0x0f10;
const GICD_IROUTER = 0x6000;

const GICD_CTLR_WRITABLE = 0b11; // EnableGrp0, EnableGrp1
const GICD_CTLR_ARE = 1 << 4; // affinity routing, always
const GICD_CTLR_DS = 1 << 6; // one Security state, always
const GICD_TYPER_LPIS = 1 << 17;
const GICD_TYPER_IDBITS = (16 - 1) << 19;
const GICD_TYPER_A3V = 1 << 24;
const DISTRIBUTOR_PART = 0x492;
const IROUTERS = 1020;

export interface DistributorV3Options {
  readonly interrupts: GicV3Interrupts;
  /** A state that decides what is signalled has changed. */
  readonly changed: () => void;
  readonly events: DeviceEvents;
}

export class GicV3Distributor implements Device {
  readonly name = 'GIC distributor';
  readonly #options: DistributorV3Options;
  readonly #interrupts: GicV3Interrupts;
  readonly #registers: InterruptRegisters;
  #GICD_CTLR = 0;

  constructor(options: DistributorV3Options) {
    this.#options = options;
    this.#interrupts = options.interrupts;
    this.#registers = new InterruptRegisters(options.interrupts, 0);
  }

  /** Bit n: interrupts of group n are forwarded to the CPU interfaces. */
  get forwardedGroups(): number {
    return this.#GICD_CTLR;
  }

  reset(): void {
    this.#GICD_CTLR = 0;
    this.#interrupts.reset();
    this.#options.changed();
  }

  read(offset: number, size: DeviceAccessSize): number {
    if (this.#register(offset & ~3) === undefined) this.#guestError('read', offset);
    return this.peek(offset, size);
  }

  peek(offset: number, size: DeviceAccessSize): number {
    return part(this.#register(offset & ~3) ?? 0, offset, size);
  }

  #register(offset: number): number | undefined {
    if (isReserved(offset)) return 0;
    const common = this.#registers.read(0, offset);
    if (common !== undefined) return common;
    if (within(offset, GICD_IROUTER, 8 * IROUTERS)) {
      return this.#interrupts.route((offset - GICD_IROUTER) >>> 3, (offset & 4) !== 0);
    }
    switch (offset) {
      case GICD_CTLR:
        return this.#GICD_CTLR | GICD_CTLR_ARE | GICD_CTLR_DS;
      case GICD_TYPER:
        // CPUNumber is 0 with affinity routing.
        return (this.#interrupts.words - 1) | GICD_TYPER_LPIS | GICD_TYPER_IDBITS | GICD_TYPER_A3V;
      case GICD_IIDR:
        return IIDR_GIC500;
      case GICD_TYPER2:
      case GICD_STATUSR:
        return 0;
      default:
        return identification(DISTRIBUTOR_PART, offset);
    }
  }

  write(offset: number, size: DeviceAccessSize, written: number): void {
    const at = offset & ~3;
    if (isReserved(at) || at === GICD_STATUSR) return;
    const { value, mask } = inWord(offset, size, written);
    if (size !== 4 && !this.#registers.isByteAccessible(at)) {
      // UNPREDICTABLE: it does nothing.
      this.#guestError(`${8 * size}-bit write`, offset);
      return;
    }
    if (this.#registers.write(0, at, value, mask)) {
      this.#options.changed();
    } else if (within(at, GICD_IROUTER, 8 * IROUTERS)) {
      const INTID = (at - GICD_IROUTER) >>> 3;
      const upper = (at & 4) !== 0;
      this.#interrupts.setRoute(
        INTID,
        upper,
        (this.#interrupts.route(INTID, upper) & ~mask) | value,
      );
      this.#options.changed();
    } else if (at === GICD_CTLR) {
      this.#GICD_CTLR = ((this.#GICD_CTLR & ~mask) | value) & GICD_CTLR_WRITABLE;
      this.#options.changed();
    } else {
      const isReadOnly = this.#register(at) !== undefined;
      this.#guestError(isReadOnly ? 'write of read-only' : 'write', offset);
    }
  }

  #guestError(what: string, offset: number): void {
    tellOffset(this.#options.events, this.name, what, offset);
  }

  /** With the states of all interrupts but LPIs. */
  saveState(): unknown {
    return { GICD_CTLR: this.#GICD_CTLR, interrupts: this.#interrupts.saveState() };
  }
  restoreState(state: unknown): void {
    const saved = state as { GICD_CTLR: number; interrupts: unknown };
    this.#GICD_CTLR = saved.GICD_CTLR;
    this.#interrupts.restoreState(saved.interrupts);
    this.#options.changed();
  }
}

/** RAZ/WI with affinity routing and one Security state. */
function isReserved(offset: number): boolean {
  return (
    (within(offset, 0x080, 0x380) && (offset & 0x7f) === 0) || // of interrupts 0 to 31
    within(offset, 0x400, 32) || // GICD_IPRIORITYR0-7
    within(offset, 0xc00, 8) || // GICD_ICFGR0-1
    within(offset, GICD_ITARGETSR, 0x400) ||
    within(offset, GICD_IGRPMODR, 0x80) ||
    within(offset, GICD_NSACR, 0x100) ||
    offset === GICD_SGIR ||
    within(offset, GICD_CPENDSGIR, 32) ||
    within(offset, GICD_IROUTER, 8 * 32)
  );
}
