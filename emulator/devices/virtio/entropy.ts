/**
 * The virtio entropy device. Virtual I/O Device (VIRTIO) 1.2, "Entropy Device".
 *
 * Its bytes are those of a generator whose seed is part of the launch configuration: a run repeats exactly,
 * and nothing that the guest keeps secret with them is secret.
 */
import type { VirtioDevice } from './virtio-device.ts';
import type { Virtqueue } from './virtqueue.ts';

/** Bytes that one request gets at most; the driver asks again. */
const MOST_BYTES = 64 << 10;

export class VirtioEntropy implements VirtioDevice {
  readonly name = 'virtio entropy device';
  readonly deviceId = 4;
  readonly features = 0;
  readonly queueSizes = [8];
  readonly configuration = new Uint8Array(0);
  readonly #seed: bigint;
  #state: bigint;

  /** @param seed 64 bits */
  constructor(seed: bigint) {
    this.#seed = BigInt.asUintN(64, seed);
    this.#state = this.#seed;
  }

  configure(): void {
    // It has no configuration.
  }

  process(_index: number, queue: Virtqueue): void {
    for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
      const bytes = this.#bytes(Math.min(chain.writableLength, MOST_BYTES));
      chain.write(0, bytes);
      queue.push(chain, bytes.length);
    }
  }

  #bytes(count: number): Uint8Array {
    const words = new BigUint64Array(Math.ceil(count / 8));
    words.forEach((_, index) => {
      words[index] = this.#next();
    });
    return new Uint8Array(words.buffer, 0, count);
  }

  /** SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
  #next(): bigint {
    const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
    this.#state = wrap(this.#state + 0x9e37_79b9_7f4a_7c15n);
    let mixed = this.#state;
    mixed = wrap((mixed ^ (mixed >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
    mixed = wrap((mixed ^ (mixed >> 27n)) * 0x94d0_49bb_1331_11ebn);
    return mixed ^ (mixed >> 31n);
  }

  restart(): void {
    this.#state = this.#seed;
  }

  saveState(): bigint {
    return this.#state;
  }
  restoreState(state: unknown): void {
    this.#state = state as bigint;
  }
}
