/**
 * The redistributors of a GICv3, two 64 KiB frames for each processor: RD_base with the controls and
 * LPIs, SGI_base with SGIs and PPIs. Arm GIC architecture specification (IHI 0069), "Redistributor
 * register descriptions".
 *
 * IMPLEMENTATION DEFINED here: the identification is that of a GIC-500; GICR_CTLR.EnableLPIs can be
 * cleared again; there is no DirectLPI. Redistributors are awake after reset, as firmware leaves them.
 */
import type { Device, DeviceAccessSize, DeviceEvents } from '../../device.ts';
import { InterruptRegisters, inWord, part, within } from '../interrupt-registers.ts';
import type { Group } from '../priorities.ts';
import { identification, IIDR_GIC500 } from './identification.ts';
import { affinityOf } from './interrupts.ts';
import type { GicV3Interrupts } from './interrupts.ts';
import { Lpis } from './lpis.ts';
import type { PhysicalMemory } from '../../physical-memory.ts';

/** Bytes for each processor. */
export const REDISTRIBUTOR_STRIDE = 0x2_0000;
const SGI_BASE = 0x1_0000;

const GICR_CTLR = 0x0000;
const GICR_IIDR = 0x0004;
const GICR_TYPER = 0x0008;
const GICR_STATUSR = 0x0010;
const GICR_WAKER = 0x0014;
const GICR_PROPBASER = 0x0070;
const GICR_PENDBASER = 0x0078;
const GICR_IGRPMODR0 = 0x0d00;
const GICR_NSACR = 0x0e00;

const GICR_CTLR_EnableLPIs = 1 << 0;
const GICR_CTLR_CES = 1 << 1; // EnableLPIs can be cleared
const GICR_CTLR_DPG0 = 1 << 24; // group 0 SPIs of the 1 of N kind go elsewhere
const GICR_CTLR_DPG1NS = 1 << 25;
const GICR_CTLR_WRITABLE = GICR_CTLR_EnableLPIs | GICR_CTLR_DPG0 | GICR_CTLR_DPG1NS;
const GICR_TYPER_PLPIS = 1 << 0;
const GICR_TYPER_Last = 1 << 4;
const GICR_TYPER_DPGS = 1 << 5;
const GICR_WAKER_ProcessorSleep = 1 << 1;
const GICR_WAKER_ChildrenAsleep = 1 << 2;
const REDISTRIBUTOR_PART = 0x493;

/** OuterCache, Physical_Address, Shareability, InnerCache, IDbits. */
const PROPBASER_WRITABLE = 0x070f_ffff_ffff_ff9fn;
/** OuterCache, Physical_Address, Shareability, InnerCache. */
const PENDBASER_WRITABLE = 0x070f_ffff_ffff_0f80n;
const PENDBASER_PTZ = 1n << 62n;

export interface RedistributorOptions {
  readonly cpu: number;
  readonly isLast: boolean;
  readonly interrupts: GicV3Interrupts;
  readonly memory: PhysicalMemory;
  readonly changed: () => void;
  readonly events: DeviceEvents;
}

interface SavedRedistributor {
  readonly GICR_CTLR: number;
  readonly GICR_WAKER: number;
  readonly GICR_PROPBASER: bigint;
  readonly GICR_PENDBASER: bigint;
  readonly pendingTableZero: boolean;
  readonly LPIs: unknown;
}

const NAME = 'GIC redistributor';

export class Redistributor {
  readonly cpu: number;
  readonly LPIs: Lpis;
  readonly #options: RedistributorOptions;
  readonly #registers: InterruptRegisters;
  #GICR_CTLR = 0;
  #GICR_WAKER = 0;
  #GICR_PROPBASER = 0n;
  #GICR_PENDBASER = 0n;
  /** GICR_PENDBASER.PTZ as it was written. */
  #pendingTableZero = false;

  constructor(options: RedistributorOptions) {
    this.#options = options;
    this.cpu = options.cpu;
    this.#registers = new InterruptRegisters(options.interrupts, 0);
    this.LPIs = new Lpis(options.memory, options.events);
  }

  /** Interrupts are forwarded to the CPU interface. */
  get isAwake(): boolean {
    return (this.#GICR_WAKER & GICR_WAKER_ProcessorSleep) === 0;
  }

  /** Whether interrupts of the 1 of N kind may come here. */
  participates(group: Group): boolean {
    return (this.#GICR_CTLR & (group === 0 ? GICR_CTLR_DPG0 : GICR_CTLR_DPG1NS)) === 0;
  }

  reset(): void {
    this.#GICR_CTLR = 0;
    this.#GICR_WAKER = 0;
    this.#GICR_PROPBASER = 0n;
    this.#GICR_PENDBASER = 0n;
    this.#pendingTableZero = false;
    this.LPIs.reset();
  }

  /** The word at an offset of both frames; undefined where there is no register. */
  peek(offset: number): number | undefined {
    return offset < SGI_BASE ? this.#control(offset) : this.#private(offset - SGI_BASE);
  }

  #control(offset: number): number | undefined {
    switch (offset) {
      case GICR_CTLR:
        return this.#GICR_CTLR | GICR_CTLR_CES;
      case GICR_IIDR:
        return IIDR_GIC500;
      case GICR_TYPER: {
        const last = this.#options.isLast ? GICR_TYPER_Last : 0;
        return GICR_TYPER_PLPIS | GICR_TYPER_DPGS | last | (this.cpu << 8);
      }
      case GICR_TYPER + 4:
        return affinityOf(this.cpu);
      case GICR_STATUSR:
        return 0;
      case GICR_WAKER:
        return this.#GICR_WAKER;
      case GICR_PROPBASER:
      case GICR_PROPBASER + 4:
        return half(this.#GICR_PROPBASER, offset);
      case GICR_PENDBASER:
      case GICR_PENDBASER + 4:
        return half(this.#GICR_PENDBASER, offset);
      default:
        return identification(REDISTRIBUTOR_PART, offset);
    }
  }

  #private(offset: number): number | undefined {
    if (isPrivate(offset)) return this.#registers.read(this.cpu, offset);
    if (offset === GICR_IGRPMODR0 || offset === GICR_NSACR) return 0; // one Security state
    return undefined;
  }

  /** False where there is no register that can be written. */
  write(offset: number, value: number, mask: number): boolean {
    if (offset < SGI_BASE) return this.#writeControl(offset, value, mask);
    const at = offset - SGI_BASE;
    if (at === GICR_IGRPMODR0 || at === GICR_NSACR) return true;
    if (!isPrivate(at)) return false;
    this.#registers.write(this.cpu, at, value, mask);
    this.#options.changed();
    return true;
  }

  isByteAccessible(offset: number): boolean {
    return offset >= SGI_BASE && this.#registers.isByteAccessible(offset - SGI_BASE);
  }

  #writeControl(offset: number, value: number, mask: number): boolean {
    switch (offset) {
      case GICR_CTLR:
        this.#writeCTLR(((this.#GICR_CTLR & ~mask) | value) & GICR_CTLR_WRITABLE);
        break;
      case GICR_STATUSR:
        break;
      case GICR_WAKER: {
        const sleeps = ((this.#GICR_WAKER & ~mask) | value) & GICR_WAKER_ProcessorSleep;
        // The CPU interface falls asleep at once.
        this.#GICR_WAKER = sleeps === 0 ? 0 : sleeps | GICR_WAKER_ChildrenAsleep;
        break;
      }
      case GICR_PROPBASER:
      case GICR_PROPBASER + 4:
        if (this.#tablesAreInUse('GICR_PROPBASER')) break;
        this.#GICR_PROPBASER =
          withHalf(this.#GICR_PROPBASER, offset, value, mask) & PROPBASER_WRITABLE;
        break;
      case GICR_PENDBASER:
      case GICR_PENDBASER + 4: {
        if (this.#tablesAreInUse('GICR_PENDBASER')) break;
        const kept = this.#GICR_PENDBASER | (this.#pendingTableZero ? PENDBASER_PTZ : 0n);
        const written = withHalf(kept, offset, value, mask);
        this.#GICR_PENDBASER = written & PENDBASER_WRITABLE;
        this.#pendingTableZero = (written & PENDBASER_PTZ) !== 0n;
        break;
      }
      default:
        return false;
    }
    this.#options.changed();
    return true;
  }

  /** UNPREDICTABLE while LPIs are enabled: the write is ignored. */
  #tablesAreInUse(register: string): boolean {
    if (!this.LPIs.areEnabled) return false;
    this.#options.events.guestError(
      NAME,
      `write of ${register} of processor ${this.cpu} while GICR_CTLR.EnableLPIs is 1`,
    );
    return true;
  }

  #writeCTLR(value: number): void {
    const enable = (value & GICR_CTLR_EnableLPIs) !== 0;
    this.#GICR_CTLR = value;
    if (enable && !this.LPIs.areEnabled) {
      this.LPIs.enable(this.#GICR_PROPBASER, this.#GICR_PENDBASER, this.#pendingTableZero);
    } else if (!enable) {
      this.LPIs.disable();
    }
  }

  saveState(): unknown {
    return {
      GICR_CTLR: this.#GICR_CTLR,
      GICR_WAKER: this.#GICR_WAKER,
      GICR_PROPBASER: this.#GICR_PROPBASER,
      GICR_PENDBASER: this.#GICR_PENDBASER,
      pendingTableZero: this.#pendingTableZero,
      LPIs: this.LPIs.saveState(),
    } satisfies SavedRedistributor;
  }
  restoreState(state: unknown): void {
    const saved = state as SavedRedistributor;
    this.#GICR_CTLR = saved.GICR_CTLR;
    this.#GICR_WAKER = saved.GICR_WAKER;
    this.#GICR_PROPBASER = saved.GICR_PROPBASER;
    this.#GICR_PENDBASER = saved.GICR_PENDBASER;
    this.#pendingTableZero = saved.pendingTableZero;
    const { GICR_PROPBASER, GICR_PENDBASER } = saved;
    const isEnabled = (saved.GICR_CTLR & GICR_CTLR_EnableLPIs) !== 0;
    this.LPIs.restoreState(saved.LPIs, isEnabled ? { GICR_PROPBASER, GICR_PENDBASER } : undefined);
  }
}

/** A register of interrupts 0 to 31. */
function isPrivate(offset: number): boolean {
  return (
    (within(offset, 0x080, 0x380) && (offset & 0x7f) === 0) ||
    within(offset, 0x400, 32) ||
    within(offset, 0xc00, 8)
  );
}

export const half = (register: bigint, offset: number): number =>
  Number((register >> ((offset & 4) !== 0 ? 32n : 0n)) & 0xffff_ffffn);

/** The register with bits of one of its words replaced. */
export function withHalf(register: bigint, offset: number, value: number, mask: number): bigint {
  const shift = (offset & 4) !== 0 ? 32n : 0n;
  const bits = BigInt(mask >>> 0) << shift;
  return (register & ~bits) | ((BigInt(value >>> 0) << shift) & bits);
}

/** What goes with a redistributor: its CPU interface is not on the bus. */
interface Stateful {
  reset(): void;
  saveState(): unknown;
  restoreState(state: unknown): void;
}

/** The frames of all processors, one behind the other; with the state of the CPU interfaces. */
export class RedistributorFrames implements Device {
  readonly name = NAME;
  readonly #redistributors: readonly Redistributor[];
  /** Physical and virtual ones. */
  readonly #cpuInterfaces: readonly Stateful[];
  readonly #events: DeviceEvents;
  readonly #changed: () => void;

  constructor(
    redistributors: readonly Redistributor[],
    cpuInterfaces: readonly Stateful[],
    events: DeviceEvents,
    changed: () => void,
  ) {
    this.#redistributors = redistributors;
    this.#cpuInterfaces = cpuInterfaces;
    this.#events = events;
    this.#changed = changed;
  }

  /** In bytes. */
  get length(): number {
    return REDISTRIBUTOR_STRIDE * this.#redistributors.length;
  }

  #at(offset: number): Redistributor | undefined {
    return this.#redistributors[Math.floor(offset / REDISTRIBUTOR_STRIDE)];
  }

  reset(): void {
    for (const each of [...this.#redistributors, ...this.#cpuInterfaces]) each.reset();
    this.#changed();
  }

  read(offset: number, size: DeviceAccessSize): number {
    const at = (offset % REDISTRIBUTOR_STRIDE) & ~3;
    if (this.#at(offset)?.peek(at) === undefined) this.#guestError('read of unimplemented', at);
    return this.peek(offset, size);
  }

  peek(offset: number, size: DeviceAccessSize): number {
    const word = this.#at(offset)?.peek((offset % REDISTRIBUTOR_STRIDE) & ~3);
    return part(word ?? 0, offset, size);
  }

  write(offset: number, size: DeviceAccessSize, written: number): void {
    const redistributor = this.#at(offset);
    const at = (offset % REDISTRIBUTOR_STRIDE) & ~3;
    const { value, mask } = inWord(offset, size, written);
    if (size !== 4 && redistributor?.isByteAccessible(at) !== true) {
      // UNPREDICTABLE: it does nothing.
      this.#guestError(`${8 * size}-bit write at`, at);
      return;
    }
    if (redistributor?.write(at, value, mask) === true) return;
    const isReadOnly = redistributor?.peek(at) !== undefined;
    this.#guestError(isReadOnly ? 'write of read-only' : 'write of unimplemented', at);
  }

  #guestError(what: string, offset: number): void {
    const [frame, at] = offset < SGI_BASE ? ['RD_base', offset] : ['SGI_base', offset - SGI_BASE];
    this.#events.guestError(this.name, `${what} offset 0x${at.toString(16)} of ${frame}`);
  }

  saveState(): unknown {
    return {
      redistributors: this.#redistributors.map((each) => each.saveState()),
      cpuInterfaces: this.#cpuInterfaces.map((each) => each.saveState()),
    };
  }
  restoreState(state: unknown): void {
    const saved = state as {
      readonly redistributors: readonly unknown[];
      readonly cpuInterfaces: readonly unknown[];
    };
    this.#redistributors.forEach((each, cpu) => {
      each.restoreState(saved.redistributors[cpu]);
    });
    this.#cpuInterfaces.forEach((each, n) => {
      each.restoreState(saved.cpuInterfaces[n]);
    });
    this.#changed();
  }
}
