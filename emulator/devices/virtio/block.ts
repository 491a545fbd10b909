/** The virtio block device. Virtual I/O Device (VIRTIO) 1.2, "Block Device". */
import { SECTOR_BYTES } from './disk.ts';
import type { Disk } from './disk.ts';
import type { VirtioDevice } from './virtio-device.ts';
import type { BufferChain, Virtqueue } from './virtqueue.ts';

const VIRTIO_BLK_F_SEG_MAX = 1 << 2;
const VIRTIO_BLK_F_RO = 1 << 5;
const VIRTIO_BLK_F_BLK_SIZE = 1 << 6;
const VIRTIO_BLK_F_FLUSH = 1 << 9;

const VIRTIO_BLK_T_IN = 0;
const VIRTIO_BLK_T_OUT = 1;
const VIRTIO_BLK_T_FLUSH = 4;
const VIRTIO_BLK_T_GET_ID = 8;

const VIRTIO_BLK_S_OK = 0;
const VIRTIO_BLK_S_IOERR = 1;
const VIRTIO_BLK_S_UNSUPP = 2;

/** type, reserved and sector, before the data. */
const HEADER_BYTES = 16;
/** Length of the answer to VIRTIO_BLK_T_GET_ID, padded with NULs. */
const ID_BYTES = 20;
const QUEUE_SIZE = 128;
/** Bytes that are copied at a time. */
const PART = 64 << 10;

export class VirtioBlock implements VirtioDevice {
  readonly name = 'virtio block device';
  readonly deviceId = 2;
  readonly features: number;
  readonly queueSizes = [QUEUE_SIZE];
  readonly configuration = new Uint8Array(24);
  readonly #disk: Disk;
  readonly #id: Uint8Array;

  /** @param id what VIRTIO_BLK_T_GET_ID answers; 20 characters of ASCII at most */
  constructor(disk: Disk, id: string) {
    this.#disk = disk;
    this.#id = Uint8Array.from({ length: ID_BYTES }, (_, i) => id.charCodeAt(i) & 0x7f);
    this.features =
      VIRTIO_BLK_F_SEG_MAX |
      VIRTIO_BLK_F_BLK_SIZE |
      VIRTIO_BLK_F_FLUSH |
      (disk.readOnly ? VIRTIO_BLK_F_RO : 0);
    const view = new DataView(this.configuration.buffer);
    view.setBigUint64(0, BigInt(Math.floor(disk.size / SECTOR_BYTES)), true);
    // seg_max: the header and the status byte take a descriptor each.
    view.setUint32(12, QUEUE_SIZE - 2, true);
    view.setUint32(20, SECTOR_BYTES, true);
  }

  configure(): void {
    // Nothing of the configuration can be written with the features that are offered.
  }

  process(_index: number, queue: Virtqueue): void {
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      queue.push(chain, this.#request(chain));
    }
  }

  /** @returns bytes written to the chain */
  #request(chain: BufferChain): number {
    const room = chain.writableLength;
    // Without a place for the status there is nothing to say.
    if (room === 0) return 0;
    const status = this.#serve(chain, room - 1);
    chain.write(room - 1, Uint8Array.of(status));
    return room;
  }

  #serve(chain: BufferChain, room: number): number {
    const header = chain.read(0, HEADER_BYTES);
    if (header.length < HEADER_BYTES) return VIRTIO_BLK_S_IOERR;
    const view = new DataView(header.buffer);
    const start = view.getBigUint64(8, true) * BigInt(SECTOR_BYTES);
    switch (view.getUint32(0, true)) {
      case VIRTIO_BLK_T_IN:
        return this.#read(chain, start, room);
      case VIRTIO_BLK_T_OUT:
        return this.#write(chain, start, chain.readableLength - HEADER_BYTES);
      case VIRTIO_BLK_T_FLUSH:
        return VIRTIO_BLK_S_OK;
      case VIRTIO_BLK_T_GET_ID:
        chain.write(0, this.#id.subarray(0, room));
        return VIRTIO_BLK_S_OK;
      default:
        return VIRTIO_BLK_S_UNSUPP;
    }
  }

  #isInside(start: bigint, length: number): boolean {
    const sectors = BigInt(Math.floor(this.#disk.size / SECTOR_BYTES));
    const end = start + BigInt(length);
    return length % SECTOR_BYTES === 0 && end <= sectors * BigInt(SECTOR_BYTES);
  }

  #read(chain: BufferChain, start: bigint, length: number): number {
    if (!this.#isInside(start, length)) return VIRTIO_BLK_S_IOERR;
    for (let at = 0; at < length; at += PART) {
      const bytes = this.#disk.read(Number(start) + at, Math.min(PART, length - at));
      if (bytes === undefined) return VIRTIO_BLK_S_IOERR;
      chain.write(at, bytes);
    }
    return VIRTIO_BLK_S_OK;
  }

  #write(chain: BufferChain, start: bigint, length: number): number {
    if (this.#disk.readOnly || !this.#isInside(start, length)) return VIRTIO_BLK_S_IOERR;
    for (let at = 0; at < length; at += PART) {
      const bytes = chain.read(HEADER_BYTES + at, Math.min(PART, length - at));
      if (!this.#disk.write(Number(start) + at, bytes)) return VIRTIO_BLK_S_IOERR;
    }
    return VIRTIO_BLK_S_OK;
  }

  restart(): void {
    this.#disk.reset();
  }

  saveState(): unknown {
    return this.#disk.saveState();
  }
  restoreState(state: unknown): void {
    this.#disk.restoreState(state);
  }
}
