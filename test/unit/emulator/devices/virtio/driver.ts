/** A driver of one queue, in RAM of its own: the other side of what is tested. */
import type { DmaMemory } from '../../../../../emulator/devices/physical-memory.ts';
import type { VirtioDevice } from '../../../../../emulator/devices/virtio/virtio-device.ts';
import { VirtioMmio } from '../../../../../emulator/devices/virtio/virtio-mmio.ts';
import type { VirtioVersion } from '../../../../../emulator/devices/virtio/virtio-mmio.ts';

export const RAM_BASE = 0x4000_0000;
const RAM_BYTES = 1 << 20;
/** Entries of the queues that the driver sets up. */
export const QUEUE_SIZE = 8;
const PAGE = 4096;
const QUEUES = RAM_BASE + 0x1_0000;
const BUFFERS = RAM_BASE + 0x4_0000;

export const NEXT = 1;
export const WRITE = 2;
export const INDIRECT = 4;

export interface Descriptor {
  readonly address: number | bigint;
  readonly length: number;
  readonly flags: number;
  readonly next?: number;
}

/** Addresses of a queue's parts, laid out as both versions accept. */
export function queueAt(index: number): { descriptors: number; driver: number; device: number } {
  const descriptors = QUEUES + index * 2 * PAGE;
  return { descriptors, driver: descriptors + 16 * QUEUE_SIZE, device: descriptors + PAGE };
}

export class Driver {
  readonly transport: VirtioMmio;
  readonly errors: string[] = [];
  readonly bytes = new Uint8Array(RAM_BYTES);
  readonly #view = new DataView(this.bytes.buffer);
  irq = false;
  #available = 0;

  constructor(version: VirtioVersion, device: VirtioDevice | undefined) {
    const inside = (PA: bigint, length: number): boolean =>
      PA >= BigInt(RAM_BASE) && PA + BigInt(length) <= BigInt(RAM_BASE + RAM_BYTES);
    const offset = (PA: bigint): number => Number(PA) - RAM_BASE;
    const memory: DmaMemory = {
      contains: inside,
      read: (PA, length) =>
        inside(PA, length) ? this.bytes.slice(offset(PA), offset(PA) + length) : undefined,
      write: (PA, bytes) => {
        if (!inside(PA, bytes.length)) return false;
        this.bytes.set(bytes, offset(PA));
        return true;
      },
    };
    this.transport = new VirtioMmio({
      version,
      device,
      memory,
      irq: { set: (level) => (this.irq = level) },
      events: { guestError: (_device, message) => this.errors.push(message) },
    });
  }

  read(offset: number): number {
    return this.transport.read(offset, 4) >>> 0;
  }
  write(offset: number, value: number): void {
    this.transport.write(offset, 4, value);
  }

  /** VIRTIO 1.2, "Device Initialization"; the driver accepts `features` of what is offered. */
  initialise(queues: number, features = 0n): void {
    const isLegacy = this.read(0x004) === 1;
    this.write(0x070, 0);
    this.write(0x070, 3); // ACKNOWLEDGE, DRIVER
    const accepted = isLegacy ? features : features | (1n << 32n);
    for (const word of [0, 1]) {
      this.write(0x024, word);
      this.write(0x020, Number((accepted >> BigInt(32 * word)) & 0xffff_ffffn));
    }
    this.write(0x070, 11); // FEATURES_OK
    if (isLegacy) this.write(0x028, PAGE);
    for (let index = 0; index < queues; index += 1) {
      const { descriptors, driver, device } = queueAt(index);
      this.write(0x030, index);
      this.write(0x038, QUEUE_SIZE);
      if (isLegacy) {
        this.write(0x03c, PAGE);
        this.write(0x040, descriptors / PAGE);
      } else {
        this.write(0x080, descriptors);
        this.write(0x090, driver);
        this.write(0x0a0, device);
        this.write(0x044, 1);
      }
    }
    this.write(0x070, 15); // DRIVER_OK
  }

  describe(table: number, index: number, { address, length, flags, next = 0 }: Descriptor): void {
    const at = table - RAM_BASE + 16 * index;
    this.#view.setBigUint64(at, BigInt(address), true);
    this.#view.setUint32(at + 8, length, true);
    this.#view.setUint16(at + 12, flags, true);
    this.#view.setUint16(at + 14, next, true);
  }

  /** Makes the chain that starts at descriptor `head` available, and notifies. */
  offer(index: number, head: number): void {
    const driver = queueAt(index).driver - RAM_BASE;
    this.#view.setUint16(driver + 4 + 2 * (this.#available % QUEUE_SIZE), head, true);
    this.#available += 1;
    this.#view.setUint16(driver + 2, this.#available, true);
    this.write(0x050, index);
  }

  /** Sends `given` and leaves room for `room` bytes: what the device wrote there. */
  request(index: number, given: Uint8Array, room: number): Uint8Array {
    const { descriptors } = queueAt(index);
    const answer = BUFFERS + 0x2_0000;
    this.bytes.set(given, BUFFERS - RAM_BASE);
    const buffers = [
      ...(given.length > 0 ? [{ address: BUFFERS, length: given.length, flags: 0 }] : []),
      ...(room > 0 ? [{ address: answer, length: room, flags: WRITE }] : []),
    ];
    buffers.forEach((buffer, at) => {
      const more = at + 1 < buffers.length ? NEXT : 0;
      this.describe(descriptors, at, { ...buffer, flags: buffer.flags | more, next: at + 1 });
    });
    this.offer(index, 0);
    return this.bytes.slice(answer - RAM_BASE, answer - RAM_BASE + room);
  }

  /** The used ring's index, and the length of its newest element. */
  used(index: number): { index: number; length: number } {
    const at = queueAt(index).device - RAM_BASE;
    const used = this.#view.getUint16(at + 2, true);
    const newest = (used + QUEUE_SIZE - 1) % QUEUE_SIZE;
    return { index: used, length: this.#view.getUint32(at + 4 + 8 * newest + 4, true) };
  }

  setUsedEvent(index: number, value: number): void {
    const at = queueAt(index).driver - RAM_BASE + 4 + 2 * QUEUE_SIZE;
    this.#view.setUint16(at, value, true);
  }
  availableEvent(index: number): number {
    return this.#view.getUint16(queueAt(index).device - RAM_BASE + 4 + 8 * QUEUE_SIZE, true);
  }
}
