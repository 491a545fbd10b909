/**
 * The distributor of a GICv2 without the Security Extensions. Arm GIC architecture specification
 * version 2.0 (IHI 0048), "Distributor register descriptions".
 *
 * IMPLEMENTATION DEFINED here: the identification is that of a GIC-400; SGIs are always enabled. On a uniprocessor GICD_ITARGETSR<n> holds what is written,
 * where the specification has it read as zero, and does not decide anything.
 */
import { tellOffset } from '../../device.ts';
import type { Device, DeviceAccessSize, DeviceEvents } from '../../device.ts';
import {
  eachByte,
  fourBytes,
  InterruptRegisters,
  inWord,
  part,
  within,
} from '../interrupt-registers.ts';
import { SGIS } from '../interrupt-states.ts';
import { SGI_BITS } from './interrupts.ts';
import type { GicV2Interrupts } from './interrupts.ts';

const GICD_CTLR = 0x000;
const GICD_TYPER = 0x004;
const GICD_IIDR = 0x008;
const GICD_ITARGETSR = 0x800;
const GICD_NSACR = 0xe00;
const GICD_SGIR = 0xf00;
const GICD_CPENDSGIR = 0xf10;
const GICD_SPENDSGIR = 0xf20;
const GICD_PIDR4 = 0xfd0;

/** EnableGrp0 and EnableGrp1. */
const GICD_CTLR_WRITABLE = 0b11;
/** Implementer Arm, product GIC-400, r0p1. */
const GICD_IIDR_GIC400 = 0x0200_143b;
/** GICD_PIDR4-7, PIDR0-3, CIDR0-3. PIDR2.ArchRev is 2. */
const IDENTIFICATION: readonly number[] = [
  0x04, 0x00, 0x00, 0x00, 0x90, 0xb4, 0x2b, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
];
export interface DistributorOptions {
  readonly interrupts: GicV2Interrupts;
  /** The processor that makes the access. */
  readonly accessingCpu: () => number;
  /** A state that decides what is signalled has changed. */
  readonly changed: () => void;
  readonly events: DeviceEvents;
}

export class GicDistributor implements Device {
  readonly name = 'GIC distributor';
  readonly #options: DistributorOptions;
  readonly #interrupts: GicV2Interrupts;
  readonly #registers: InterruptRegisters;
  #GICD_CTLR = 0;

  constructor(options: DistributorOptions) {
    this.#options = options;
    this.#interrupts = options.interrupts;
    // Made pending by GICD_SGIR and GICD_SPENDSGIR<n> only.
    this.#registers = new InterruptRegisters(options.interrupts, SGI_BITS);
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
    const value = this.peek(offset, size);
    if (this.#register(offset & ~3) === undefined) this.#guestError('read', offset);
    return value;
  }

  peek(offset: number, size: DeviceAccessSize): number {
    return part(this.#register(offset & ~3) ?? 0, offset, size);
  }

  /** The word at an offset; undefined where there is no register that can be read. */
  #register(offset: number): number | undefined {
    const cpu = this.#options.accessingCpu();
    const interrupts = this.#interrupts;
    const common = this.#registers.read(cpu, offset);
    if (common !== undefined) return common;
    if (within(offset, GICD_ITARGETSR, 0x400)) {
      return fourBytes((n) => interrupts.targets(cpu, offset - GICD_ITARGETSR + n));
    }
    if (within(offset, GICD_NSACR, 0x100)) return 0; // Security Extensions only
    if (within(offset, GICD_CPENDSGIR, 16) || within(offset, GICD_SPENDSGIR, 16)) {
      return fourBytes((n) => interrupts.sources(cpu, (offset & 0xf) + n));
    }
    if (within(offset, GICD_PIDR4, 48)) return IDENTIFICATION[(offset - GICD_PIDR4) / 4];
    switch (offset) {
      case GICD_CTLR:
        return this.#GICD_CTLR;
      case GICD_TYPER:
        // ITLinesNumber and CPUNumber, each one less; SecurityExtn and LSPI are zero.
        return (interrupts.words - 1) | ((interrupts.cpus - 1) << 5);
      case GICD_IIDR:
        return GICD_IIDR_GIC400;
      default:
        return undefined;
    }
  }

  write(offset: number, size: DeviceAccessSize, value: number): void {
    const cpu = this.#options.accessingCpu();
    const interrupts = this.#interrupts;
    if (within(offset, GICD_ITARGETSR, 0x400)) {
      eachByte(size, value, (n, byte) => {
        interrupts.setTargets(offset - GICD_ITARGETSR + n, byte);
      });
    } else if (within(offset, GICD_CPENDSGIR, 16)) {
      this.#changeSources(cpu, size, offset - GICD_CPENDSGIR, value, (before, byte) => {
        return before & ~byte;
      });
    } else if (within(offset, GICD_SPENDSGIR, 16)) {
      this.#changeSources(cpu, size, offset - GICD_SPENDSGIR, value, (before, byte) => {
        return before | byte;
      });
    } else {
      this.#writeWord(cpu, offset, size, value);
    }
    this.#options.changed();
  }

  #changeSources(
    cpu: number,
    size: DeviceAccessSize,
    first: number,
    value: number,
    change: (before: number, byte: number) => number,
  ): void {
    const existing = (1 << this.#interrupts.cpus) - 1;
    eachByte(size, value, (n, byte) => {
      const SGI = first + n;
      if (SGI >= SGIS) return;
      const sources = change(this.#interrupts.sources(cpu, SGI), byte & existing);
      this.#interrupts.setSources(cpu, SGI, sources);
    });
  }

  /** Registers that are words: what a part of one does is UNPREDICTABLE. It does nothing. */
  #writeWord(cpu: number, offset: number, size: DeviceAccessSize, written: number): void {
    const at = offset & ~3;
    const { value, mask } = inWord(offset, size, written);
    if (size !== 4 && !this.#registers.isByteAccessible(at)) {
      this.#guestError(`${8 * size}-bit write`, offset);
      return;
    }
    if (this.#registers.write(cpu, at, value, mask)) return;
    if (at === GICD_CTLR) {
      this.#GICD_CTLR = ((this.#GICD_CTLR & ~mask) | value) & GICD_CTLR_WRITABLE;
    } else if (at === GICD_SGIR) {
      this.#generateSgi(cpu, value);
    } else if (within(at, GICD_NSACR, 0x100)) {
      // Security Extensions only: RAZ/WI.
    } else if (this.#register(at) !== undefined) {
      this.#guestError('write of read-only', offset);
    } else {
      this.#guestError('write', offset);
    }
  }

  /** GICD_SGIR. NSATT belongs to the Security Extensions. */
  #generateSgi(cpu: number, value: number): void {
    const everyone = (1 << this.#interrupts.cpus) - 1;
    const SGI = value & 0xf;
    let targets: number;
    switch ((value >>> 24) & 3) {
      case 0b00:
        targets = (value >>> 16) & everyone;
        break;
      case 0b01:
        targets = everyone & ~(1 << cpu);
        break;
      case 0b10:
        targets = 1 << cpu;
        break;
      default:
        this.#options.events.guestError(this.name, 'GICD_SGIR.TargetListFilter is reserved: 0b11');
        return;
    }
    for (let target = 0; target < this.#interrupts.cpus; target += 1) {
      if (((targets >>> target) & 1) === 0) continue;
      const sources = this.#interrupts.sources(target, SGI) | (1 << cpu);
      this.#interrupts.setSources(target, SGI, sources);
    }
  }

  #guestError(what: string, offset: number): void {
    tellOffset(this.#options.events, this.name, what, offset);
  }

  /** With the states of all interrupts. */
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
