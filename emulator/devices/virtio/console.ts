/** The virtio console, port 0 alone. Virtual I/O Device (VIRTIO) 1.2, "Console Device". */
import type { VirtioDevice } from './virtio-device.ts';
import type { Virtqueue } from './virtqueue.ts';

const RECEIVEQ = 0;
const TRANSMITQ = 1;
/** Bytes that are taken from a buffer at a time. */
const PART = 4096;

export interface VirtioConsoleOptions {
  readonly transmit: (bytes: Uint8Array) => void;
}

export class VirtioConsole implements VirtioDevice {
  readonly name = 'virtio console';
  readonly deviceId = 3;
  readonly features = 0;
  readonly queueSizes = [128, 128];
  /** cols, rows, max_nr_ports and emerg_wr, none of which is offered. */
  readonly configuration = new Uint8Array(12);
  readonly #options: VirtioConsoleOptions;
  /** Characters for which the driver has given no buffer yet. */
  #waiting: number[] = [];
  #queue: ((index: number) => Virtqueue) | undefined;

  constructor(options: VirtioConsoleOptions) {
    this.#options = options;
  }

  connect(queue: (index: number) => Virtqueue): void {
    this.#queue = queue;
  }

  /** Whether the driver has set up the queue on which characters arrive. */
  get isReady(): boolean {
    return this.#queue?.(RECEIVEQ).ready === true;
  }

  configure(): void {
    // emerg_wr is not offered, and the rest is read-only.
  }

  /** Characters for the guest. */
  receive(bytes: Iterable<number>): void {
    for (const byte of bytes) this.#waiting.push(byte & 0xff);
    const queue = this.#queue?.(RECEIVEQ);
    if (queue !== undefined) this.#fill(queue);
  }

  process(index: number, queue: Virtqueue): void {
    if (index === RECEIVEQ) {
      this.#fill(queue);
    } else if (index === TRANSMITQ) {
      for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
        for (let at = 0; at < chain.readableLength; at += PART) {
          this.#options.transmit(chain.read(at, PART));
        }
        queue.push(chain, 0);
      }
    }
  }

  #fill(queue: Virtqueue): void {
    while (this.#waiting.length > 0) {
      const chain = queue.pop();
      if (chain === undefined) return;
      const bytes = Uint8Array.from(this.#waiting.splice(0, chain.writableLength));
      chain.write(0, bytes);
      queue.push(chain, bytes.length);
    }
  }

  reset(): void {
    this.#waiting = [];
  }
  restart(): void {
    this.reset();
  }

  saveState(): readonly number[] {
    return [...this.#waiting];
  }
  restoreState(state: unknown): void {
    this.#waiting = [...(state as readonly number[])];
  }
}
