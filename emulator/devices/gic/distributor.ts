/**
 * The distributor of a GICv2 without the Security Extensions. Arm GIC architecture specification
 * version 2.0 (IHI 0048), "Distributor register descriptions".
 *
 * IMPLEMENTATION DEFINED here: the identification is that of a GIC-400; SGIs are always enabled; the
 * configuration of PPIs can be written. On a uniprocessor GICD_ITARGETSR<n> holds what is written,
 * where the specification has it read as zero, and does not decide anything.
 */
import type { Device, DeviceAccessSize, DeviceEvents } from '../device.ts';
import { SGIS, WORDS } from './interrupt-states.ts';
import type { BitState, InterruptStates } from './interrupt-states.ts';

const GICD_CTLR = 0x000;
const GICD_TYPER = 0x004;
const GICD_IIDR = 0x008;
const GICD_IGROUPR = 0x080;
const GICD_ISENABLER = 0x100;
const GICD_ICENABLER = 0x180;
const GICD_ISPENDR = 0x200;
const GICD_ICPENDR = 0x280;
const GICD_ISACTIVER = 0x300;
const GICD_ICACTIVER = 0x380;
const GICD_IPRIORITYR = 0x400;
const GICD_ITARGETSR = 0x800;
const GICD_ICFGR = 0xc00;
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
const SGI_BITS = 0xffff;

/** A block of registers with one bit for each interrupt. */
interface BitBlock {
  readonly base: number;
  readonly state: BitState;
  readonly write: 'set' | 'clear' | 'assign';
}
const BIT_BLOCKS: readonly BitBlock[] = [
  { base: GICD_IGROUPR, state: 'group1', write: 'assign' },
  { base: GICD_ISENABLER, state: 'enabled', write: 'set' },
  { base: GICD_ICENABLER, state: 'enabled', write: 'clear' },
  { base: GICD_ISPENDR, state: 'latch', write: 'set' },
  { base: GICD_ICPENDR, state: 'latch', write: 'clear' },
  { base: GICD_ISACTIVER, state: 'active', write: 'set' },
  { base: GICD_ICACTIVER, state: 'active', write: 'clear' },
];
const BIT_BLOCK_BYTES = 0x80;

export interface DistributorOptions {
  readonly interrupts: InterruptStates;
  /** The processor that makes the access. */
  readonly accessingCpu: () => number;
  /** A state that decides what is signalled has changed. */
  readonly changed: () => void;
  readonly events: DeviceEvents;
}

export class GicDistributor implements Device {
  readonly name = 'GIC distributor';
  readonly #options: DistributorOptions;
  readonly #interrupts: InterruptStates;
  #GICD_CTLR = 0;

  constructor(options: DistributorOptions) {
    this.#options = options;
    this.#interrupts = options.interrupts;
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
    const value = (this.#register(offset & ~3) ?? 0) >>> (8 * (offset & 3));
    return size === 4 ? value : value & (2 ** (8 * size) - 1);
  }

  /** The word at an offset; undefined where there is no register that can be read. */
  #register(offset: number): number | undefined {
    const cpu = this.#options.accessingCpu();
    const interrupts = this.#interrupts;
    const block = bitBlockAt(offset);
    if (block !== undefined) {
      const word = (offset - block.base) / 4;
      return block.state === 'latch'
        ? interrupts.pendingWord(cpu, word)
        : interrupts.word(block.state, cpu, word);
    }
    if (within(offset, GICD_IPRIORITYR, 0x400)) {
      return fourBytes((n) => interrupts.priority(cpu, offset - GICD_IPRIORITYR + n));
    }
    if (within(offset, GICD_ITARGETSR, 0x400)) {
      return fourBytes((n) => interrupts.targets(cpu, offset - GICD_ITARGETSR + n));
    }
    if (within(offset, GICD_ICFGR, 0x100)) return this.#GICD_ICFGR(cpu, offset - GICD_ICFGR);
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
        return (WORDS - 1) | ((interrupts.cpus - 1) << 5);
      case GICD_IIDR:
        return GICD_IIDR_GIC400;
      default:
        return undefined;
    }
  }

  /** Two bits for each of 16 interrupts: the upper one is set for edge-triggered, the lower reserved. */
  #GICD_ICFGR(cpu: number, offset: number): number {
    const edge = this.#interrupts.word('edge', cpu, offset >>> 3) >>> (offset & 4 ? 16 : 0);
    let value = 0;
    for (let n = 0; n < 16; n += 1) value |= ((edge >>> n) & 1) << (2 * n + 1);
    return value >>> 0;
  }

  write(offset: number, size: DeviceAccessSize, value: number): void {
    const cpu = this.#options.accessingCpu();
    const interrupts = this.#interrupts;
    if (within(offset, GICD_IPRIORITYR, 0x400)) {
      eachByte(size, value, (n, byte) => {
        interrupts.setPriority(cpu, offset - GICD_IPRIORITYR + n, byte);
      });
    } else if (within(offset, GICD_ITARGETSR, 0x400)) {
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

  /** Registers that the specification allows to be accessed as words only; a part leaves the rest. */
  #writeWord(cpu: number, offset: number, size: DeviceAccessSize, written: number): void {
    const at = offset & ~3;
    const shift = 8 * (offset & 3);
    const mask = size === 4 ? ~0 : (2 ** (8 * size) - 1) << shift;
    const value = (written << shift) & mask;
    if (size !== 4) this.#guestError(`${8 * size}-bit write`, offset);
    const block = bitBlockAt(at);
    if (block !== undefined) {
      this.#writeBits(cpu, block, (at - block.base) / 4, value, mask);
    } else if (within(at, GICD_ICFGR, 0x100)) {
      this.#writeConfiguration(cpu, at - GICD_ICFGR, value, mask);
    } else if (at === GICD_CTLR) {
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

  #writeBits(cpu: number, block: BitBlock, word: number, value: number, mask: number): void {
    const { state, write } = block;
    const before = this.#interrupts.word(state, cpu, word);
    let after: number;
    if (write === 'set') after = before | value;
    else if (write === 'clear') after = before & ~value;
    else after = (before & ~mask) | value;
    // SGIs: always enabled, and made pending by GICD_SGIR and GICD_SPENDSGIR<n> only.
    if (word === 0 && (state === 'enabled' || state === 'latch')) {
      after = (after & ~SGI_BITS) | (before & SGI_BITS);
    }
    this.#interrupts.setWord(state, cpu, word, after);
  }

  #writeConfiguration(cpu: number, offset: number, value: number, mask: number): void {
    const word = offset >>> 3;
    if (offset === 0) return; // SGIs
    const half = (offset & 4) !== 0 ? 16 : 0;
    let edge = this.#interrupts.word('edge', cpu, word);
    for (let n = 0; n < 16; n += 1) {
      if (((mask >>> (2 * n + 1)) & 1) === 0) continue;
      const bit = 1 << (half + n);
      edge = ((value >>> (2 * n + 1)) & 1) === 1 ? edge | bit : edge & ~bit;
    }
    this.#interrupts.setWord('edge', cpu, word, edge);
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
    const unimplemented = what === 'read' || what === 'write' ? ' of unimplemented' : ' at';
    this.#options.events.guestError(
      this.name,
      `${what}${unimplemented} offset 0x${offset.toString(16)}`,
    );
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

const within = (offset: number, base: number, length: number): boolean =>
  offset >= base && offset < base + length;

function bitBlockAt(offset: number): BitBlock | undefined {
  return BIT_BLOCKS.find(({ base }) => within(offset, base, BIT_BLOCK_BYTES));
}

function fourBytes(byte: (n: number) => number): number {
  return (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0;
}

function eachByte(
  size: DeviceAccessSize,
  value: number,
  body: (n: number, byte: number) => void,
): void {
  for (let n = 0; n < size; n += 1) body(n, (value >>> (8 * n)) & 0xff);
}
