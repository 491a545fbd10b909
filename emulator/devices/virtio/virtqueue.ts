/**
 * A split virtqueue, device side. Virtual I/O Device (VIRTIO) 1.2, "Split Virtqueues".
 *
 * Everything in guest memory is the guest's word: each address is checked when it is used, and a ring that
 * contradicts itself is reported by `broken` and not touched again.
 */
import type { DmaMemory } from '../physical-memory.ts';

const VIRTQ_DESC_F_NEXT = 1;
const VIRTQ_DESC_F_WRITE = 2;
const VIRTQ_DESC_F_INDIRECT = 4;
const VIRTQ_AVAIL_F_NO_INTERRUPT = 1;
const DESCRIPTOR_BYTES = 16;
/** Most bytes that a chain may describe: a device that walks gigabytes would keep the machine from running. */
const LONGEST_CHAIN = 64 << 20;

export interface VirtqueueState {
  readonly size: number;
  readonly ready: boolean;
  readonly descriptors: bigint;
  readonly driver: bigint;
  readonly device: bigint;
  readonly lastAvailable: number;
  readonly used: number;
}

interface BufferElement {
  readonly address: bigint;
  readonly length: number;
}

/** A descriptor chain: what the driver gives, and the room that it leaves for the answer. */
export class BufferChain {
  readonly head: number;
  readonly #memory: DmaMemory;
  readonly #readable: readonly BufferElement[];
  readonly #writable: readonly BufferElement[];

  constructor(
    head: number,
    memory: DmaMemory,
    readable: readonly BufferElement[],
    writable: readonly BufferElement[],
  ) {
    this.head = head;
    this.#memory = memory;
    this.#readable = readable;
    this.#writable = writable;
  }

  /** Bytes that the driver gives. */
  get readableLength(): number {
    return total(this.#readable);
  }
  /** Bytes that the device may write. */
  get writableLength(): number {
    return total(this.#writable);
  }

  /** Bytes [offset, offset + length) of what the driver gives, as far as there are any. */
  read(offset: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.readableLength - offset));
    const bytes = new Uint8Array(wanted);
    let done = 0;
    for (const { address, length: part } of slices(this.#readable, offset, wanted)) {
      bytes.set(this.#memory.read(address, part) ?? new Uint8Array(part), done);
      done += part;
    }
    return bytes;
  }

  /** Writes at `offset` of the room, as far as it goes. */
  write(offset: number, bytes: Uint8Array): void {
    let done = 0;
    for (const { address, length } of slices(this.#writable, offset, bytes.length)) {
      this.#memory.write(address, bytes.subarray(done, done + length));
      done += length;
    }
  }
}

function total(buffers: readonly BufferElement[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}

/** The parts of the buffers that hold bytes [offset, offset + length) of them. */
function* slices(
  buffers: readonly BufferElement[],
  offset: number,
  length: number,
): Generator<BufferElement> {
  let start = 0;
  const end = offset + length;
  for (const buffer of buffers) {
    const from = Math.max(offset, start);
    const to = Math.min(end, start + buffer.length);
    if (from < to) yield { address: buffer.address + BigInt(from - start), length: to - from };
    start += buffer.length;
  }
}

export interface VirtqueueOptions {
  /** Most entries, a power of two. */
  readonly mostEntries: number;
  readonly memory: DmaMemory;
  /** Whether VIRTIO_F_EVENT_IDX was negotiated. */
  readonly usesEventIndex: () => boolean;
  /** Buffers were returned and the driver wants to know. */
  readonly interrupt: () => void;
  /** The ring makes no sense; the device needs a reset. */
  readonly broken: (reason: string) => void;
}

export class Virtqueue {
  readonly #options: VirtqueueOptions;
  size = 0;
  ready = false;
  /** Physical addresses of the descriptor table, the available ring and the used ring. */
  descriptors = 0n;
  driver = 0n;
  device = 0n;
  #lastAvailable = 0;
  #used = 0;

  constructor(options: VirtqueueOptions) {
    this.#options = options;
    this.reset();
  }

  get mostEntries(): number {
    return this.#options.mostEntries;
  }

  reset(): void {
    this.size = this.#options.mostEntries;
    this.ready = false;
    this.descriptors = 0n;
    this.driver = 0n;
    this.device = 0n;
    this.#lastAvailable = 0;
    this.#used = 0;
  }

  /** The next chain that the driver has made available. */
  pop(): BufferChain | undefined {
    if (!this.ready) return undefined;
    const available = this.#read16(this.driver + 2n);
    if (available === undefined) {
      this.#break('the available ring is not in RAM');
      return undefined;
    }
    const waiting = (available - this.#lastAvailable) & 0xffff;
    if (waiting > this.size) {
      this.#break(`its available ring holds ${waiting} of ${this.size} entries`);
      return undefined;
    }
    if (waiting === 0) {
      this.#askForNotification();
      return undefined;
    }
    const entry = this.driver + 4n + 2n * BigInt(this.#lastAvailable % this.size);
    const head = this.#read16(entry);
    if (head === undefined) {
      this.#break('the available ring is not in RAM');
      return undefined;
    }
    const chain = this.#follow(head);
    if (typeof chain === 'string') {
      this.#break(chain);
      return undefined;
    }
    this.#lastAvailable = (this.#lastAvailable + 1) & 0xffff;
    if (waiting === 1) this.#askForNotification();
    return chain;
  }

  /** avail_event: the driver notifies when it has made one more entry available. */
  #askForNotification(): void {
    if (!this.#options.usesEventIndex()) return;
    this.#write16(this.device + 4n + 8n * BigInt(this.size), this.#lastAvailable);
  }

  /** Returns a chain with `written` bytes in its room. */
  push({ head }: BufferChain, written: number): void {
    if (!this.ready) return;
    const element = new Uint8Array(8);
    const view = new DataView(element.buffer);
    view.setUint32(0, head, true);
    view.setUint32(4, written, true);
    const entry = this.device + 4n + 8n * BigInt(this.#used % this.size);
    const before = this.#used;
    this.#used = (before + 1) & 0xffff;
    if (
      !this.#options.memory.write(entry, element) ||
      !this.#write16(this.device + 2n, this.#used)
    ) {
      this.#break('the used ring is not in RAM');
      return undefined;
    }
    if (this.#interruptWanted(before)) this.#options.interrupt();
  }

  #interruptWanted(before: number): boolean {
    if (this.#options.usesEventIndex()) {
      const event = this.#read16(this.driver + 4n + 2n * BigInt(this.size)) ?? 0;
      // VIRTIO 1.2, vring_need_event()
      return ((this.#used - event - 1) & 0xffff) < ((this.#used - before) & 0xffff);
    }
    return ((this.#read16(this.driver) ?? 0) & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
  }

  /** The chain, or what is wrong with it. */
  #follow(head: number): BufferChain | string {
    const readable: BufferElement[] = [];
    const writable: BufferElement[] = [];
    let table = { base: this.descriptors, entries: this.size, indirect: false };
    let index = head;
    let bytes = 0;
    for (let followed = 0; followed <= this.size;) {
      if (index >= table.entries) return `descriptor ${index} is not in its table`;
      const descriptor = this.#descriptor(table.base + BigInt(DESCRIPTOR_BYTES * index));
      if (descriptor === undefined) return 'the descriptor table is not in RAM';
      const { address, length, flags, next } = descriptor;
      if ((flags & VIRTQ_DESC_F_INDIRECT) !== 0) {
        if (table.indirect) return 'an indirect descriptor is in an indirect table';
        if ((flags & VIRTQ_DESC_F_NEXT) !== 0) return 'an indirect descriptor has a successor';
        if (length === 0 || length % DESCRIPTOR_BYTES !== 0) {
          return `an indirect table has ${length} bytes`;
        }
        table = { base: address, entries: length / DESCRIPTOR_BYTES, indirect: true };
        index = 0;
        continue;
      }
      followed += 1;
      const isWritable = (flags & VIRTQ_DESC_F_WRITE) !== 0;
      if (!isWritable && writable.length > 0) return 'a readable buffer follows a writable one';
      bytes += length;
      if (bytes > LONGEST_CHAIN) return `a chain is longer than ${LONGEST_CHAIN} bytes`;
      if (length > 0) {
        if (!this.#options.memory.contains(address, length)) {
          return `a buffer of ${length} bytes at 0x${address.toString(16)} is not in RAM`;
        }
        (isWritable ? writable : readable).push({ address, length });
      }
      if ((flags & VIRTQ_DESC_F_NEXT) === 0) {
        return new BufferChain(head, this.#options.memory, readable, writable);
      }
      index = next;
    }
    return `a chain has more than ${this.size} descriptors`;
  }

  #descriptor(
    at: bigint,
  ): { address: bigint; length: number; flags: number; next: number } | undefined {
    const bytes = this.#options.memory.read(at, DESCRIPTOR_BYTES);
    if (bytes === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, DESCRIPTOR_BYTES);
    return {
      address: view.getBigUint64(0, true),
      length: view.getUint32(8, true),
      flags: view.getUint16(12, true),
      next: view.getUint16(14, true),
    };
  }

  #read16(at: bigint): number | undefined {
    const [low, high] = this.#options.memory.read(at, 2) ?? [];
    return low === undefined || high === undefined ? undefined : low | (high << 8);
  }
  #write16(at: bigint, value: number): boolean {
    return this.#options.memory.write(at, Uint8Array.of(value & 0xff, value >> 8));
  }

  #break(reason: string): void {
    this.ready = false;
    this.#options.broken(reason);
  }

  saveState(): VirtqueueState {
    const { size, ready, descriptors, driver, device } = this;
    return {
      ...{ size, ready, descriptors, driver, device },
      lastAvailable: this.#lastAvailable,
      used: this.#used,
    };
  }

  restoreState(state: VirtqueueState): void {
    this.size = state.size;
    this.ready = state.ready;
    this.descriptors = state.descriptors;
    this.driver = state.driver;
    this.device = state.device;
    this.#lastAvailable = state.lastAvailable;
    this.#used = state.used;
  }
}
