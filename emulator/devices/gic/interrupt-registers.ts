/**
 * The registers that GICv2 and GICv3 share, for SPIs in the distributor and for SGIs and PPIs in the
 * distributor or the redistributor: one bit, two bits or a byte for each interrupt. Arm GIC
 * architecture specifications, "Distributor register descriptions".
 *
 * IMPLEMENTATION DEFINED here: the configuration of PPIs can be written.
 */
import type { DeviceAccessSize } from '../device.ts';
import type { BitState, InterruptStates } from './interrupt-states.ts';

const IGROUPR = 0x080;
const ISENABLER = 0x100;
const ICENABLER = 0x180;
const ISPENDR = 0x200;
const ICPENDR = 0x280;
const ISACTIVER = 0x300;
const ICACTIVER = 0x380;
const IPRIORITYR = 0x400;
const ICFGR = 0xc00;

/** A block of registers with one bit for each interrupt. */
interface BitBlock {
  readonly base: number;
  readonly state: BitState;
  readonly write: 'set' | 'clear' | 'assign';
}
const BIT_BLOCKS: readonly BitBlock[] = [
  { base: IGROUPR, state: 'group1', write: 'assign' },
  { base: ISENABLER, state: 'enabled', write: 'set' },
  { base: ICENABLER, state: 'enabled', write: 'clear' },
  { base: ISPENDR, state: 'latch', write: 'set' },
  { base: ICPENDR, state: 'latch', write: 'clear' },
  { base: ISACTIVER, state: 'active', write: 'set' },
  { base: ICACTIVER, state: 'active', write: 'clear' },
];
const BIT_BLOCK_BYTES = 0x80;

export const within = (offset: number, base: number, length: number): boolean =>
  offset >= base && offset < base + length;

function bitBlockAt(offset: number): BitBlock | undefined {
  // IGROUPR to ICACTIVER follow each other.
  return within(offset, IGROUPR, BIT_BLOCK_BYTES * BIT_BLOCKS.length)
    ? BIT_BLOCKS[(offset - IGROUPR) >>> 7]
    : undefined;
}

export class InterruptRegisters {
  readonly #interrupts: InterruptStates;
  readonly #fixedSGIs: number;

  /** `fixedSGIs`: bits of ISENABLER0 and ISPENDR0 that cannot be written. */
  constructor(interrupts: InterruptStates, fixedSGIs: number) {
    this.#interrupts = interrupts;
    this.#fixedSGIs = fixedSGIs;
  }

  /** The aligned word at an offset, as `cpu` sees it; undefined where none of these registers is. */
  read(cpu: number, offset: number): number | undefined {
    const block = bitBlockAt(offset);
    const interrupts = this.#interrupts;
    if (block !== undefined) {
      const word = (offset - block.base) / 4;
      return block.state === 'latch'
        ? interrupts.pendingWord(cpu, word)
        : interrupts.word(block.state, cpu, word);
    }
    if (within(offset, IPRIORITYR, 0x400)) {
      return fourBytes((n) => interrupts.priority(cpu, offset - IPRIORITYR + n));
    }
    return within(offset, ICFGR, 0x100) ? this.#configuration(cpu, offset - ICFGR) : undefined;
  }

  /** Whether `read` knows the word and its registers can be accessed as bytes. */
  isByteAccessible(offset: number): boolean {
    return within(offset, IPRIORITYR, 0x400);
  }

  /**
   * Bits of the aligned word at an offset; those outside `mask` keep their values. False where none of
   * these registers is.
   */
  write(cpu: number, offset: number, value: number, mask: number): boolean {
    const block = bitBlockAt(offset);
    if (block !== undefined) {
      this.#writeBits(cpu, block, (offset - block.base) / 4, value & mask, mask);
    } else if (within(offset, IPRIORITYR, 0x400)) {
      for (let n = 0; n < 4; n += 1) {
        if (((mask >>> (8 * n)) & 0xff) === 0) continue;
        this.#interrupts.setPriority(cpu, offset - IPRIORITYR + n, (value >>> (8 * n)) & 0xff);
      }
    } else if (within(offset, ICFGR, 0x100)) {
      this.#writeConfiguration(cpu, offset - ICFGR, value, mask);
    } else {
      return false;
    }
    return true;
  }

  #writeBits(cpu: number, block: BitBlock, word: number, value: number, mask: number): void {
    const { state, write } = block;
    const before = this.#interrupts.word(state, cpu, word);
    let after: number;
    if (write === 'set') after = before | value;
    else if (write === 'clear') after = before & ~value;
    else after = (before & ~mask) | value;
    if (word === 0 && (state === 'enabled' || state === 'latch')) {
      after = (after & ~this.#fixedSGIs) | (before & this.#fixedSGIs);
    }
    this.#interrupts.setWord(state, cpu, word, after);
  }

  /** Two bits for each of 16 interrupts: the upper one is set for edge-triggered, the lower reserved. */
  #configuration(cpu: number, offset: number): number {
    const edge = this.#interrupts.word('edge', cpu, offset >>> 3) >>> ((offset & 4) !== 0 ? 16 : 0);
    let value = 0;
    for (let n = 0; n < 16; n += 1) value |= ((edge >>> n) & 1) << (2 * n + 1);
    return value >>> 0;
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
}

export function fourBytes(byte: (n: number) => number): number {
  return (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0;
}

export function eachByte(
  size: DeviceAccessSize,
  value: number,
  body: (n: number, byte: number) => void,
): void {
  for (let n = 0; n < size; n += 1) body(n, (value >>> (8 * n)) & 0xff);
}

/** A part of a word, as the bus wants it. */
export function part(word: number, offset: number, size: DeviceAccessSize): number {
  const shifted = word >>> (8 * (offset & 3));
  return size === 4 ? shifted : shifted & (2 ** (8 * size) - 1);
}

/** Which bits of the aligned word an access touches, and the value in place. */
export function inWord(
  offset: number,
  size: DeviceAccessSize,
  value: number,
): { mask: number; value: number } {
  const shift = 8 * (offset & 3);
  const mask = size === 4 ? ~0 : (2 ** (8 * size) - 1) << shift;
  return { mask, value: (value << shift) & mask };
}
