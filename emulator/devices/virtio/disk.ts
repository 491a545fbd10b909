/** What a block device keeps its sectors in. */

export const SECTOR_BYTES = 512;

/** A disk image as the host gives it; all calls are synchronous. */
export interface DiskImage {
  /** Bytes. */
  readonly size: number;
  /** Undefined when the host cannot read there. */
  read(offset: number, length: number): Uint8Array | undefined;
  /** False when the host cannot write there. Absent where nothing may be written. */
  write?(offset: number, bytes: Uint8Array): boolean;
}

/** A disk as the guest's device sees it. */
export interface Disk {
  readonly size: number;
  readonly readOnly: boolean;
  read(offset: number, length: number): Uint8Array | undefined;
  write(offset: number, bytes: Uint8Array): boolean;
  /** As it was when the machine was made, as far as that can be undone. */
  reset(): void;
  saveState(): unknown;
  restoreState(state: unknown): void;
}

const BLOCK = 4096;

/** Writes stay in memory: the image is as before when the guest ends, and a snapshot holds what was written. */
export class CopyOnWriteDisk implements Disk {
  readonly size: number;
  readonly readOnly: boolean;
  readonly #image: DiskImage;
  /** Blocks that were written, by index. */
  #written = new Map<number, Uint8Array>();

  constructor(image: DiskImage, readOnly = false) {
    this.#image = image;
    this.size = image.size;
    this.readOnly = readOnly;
  }

  read(offset: number, length: number): Uint8Array | undefined {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const { index, from, count } = place(offset + done, length - done);
      const part = this.#written.get(index)?.subarray(from, from + count);
      const found = part ?? this.#image.read(offset + done, count);
      if (found === undefined) return undefined;
      bytes.set(found, done);
      done += count;
    }
    return bytes;
  }

  write(offset: number, bytes: Uint8Array): boolean {
    for (let done = 0; done < bytes.length;) {
      const { index, from, count } = place(offset + done, bytes.length - done);
      const block = this.#block(index);
      if (block === undefined) return false;
      block.set(bytes.subarray(done, done + count), from);
      done += count;
    }
    return true;
  }

  #block(index: number): Uint8Array | undefined {
    const known = this.#written.get(index);
    if (known !== undefined) return known;
    const start = index * BLOCK;
    const original = this.#image.read(start, Math.min(BLOCK, this.size - start));
    if (original === undefined) return undefined;
    const block = new Uint8Array(BLOCK);
    block.set(original);
    this.#written.set(index, block);
    return block;
  }

  reset(): void {
    this.#written = new Map();
  }

  saveState(): ReadonlyMap<number, Uint8Array> {
    return copyOf(this.#written);
  }
  restoreState(state: unknown): void {
    this.#written = copyOf(state as ReadonlyMap<number, Uint8Array>);
  }
}

function place(offset: number, length: number): { index: number; from: number; count: number } {
  const from = offset % BLOCK;
  return { index: Math.floor(offset / BLOCK), from, count: Math.min(length, BLOCK - from) };
}

function copyOf(blocks: ReadonlyMap<number, Uint8Array>): Map<number, Uint8Array> {
  return new Map([...blocks].map(([index, bytes]) => [index, bytes.slice()]));
}

/** Writes go to the image at once. Neither a reset nor a snapshot takes them back. */
export class WriteThroughDisk implements Disk {
  readonly readOnly = false;
  readonly size: number;
  readonly #image: DiskImage;

  constructor(image: DiskImage) {
    this.#image = image;
    this.size = image.size;
  }

  read(offset: number, length: number): Uint8Array | undefined {
    return this.#image.read(offset, length);
  }
  write(offset: number, bytes: Uint8Array): boolean {
    return this.#image.write?.(offset, bytes) ?? false;
  }
  reset(): void {
    // What the guest has written stays.
  }
  saveState(): undefined {
    return undefined;
  }
  restoreState(): void {
    // The image is the only state.
  }
}
