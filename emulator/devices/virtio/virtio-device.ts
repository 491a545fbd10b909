/** What stands behind a virtio transport: features, configuration space and what happens to buffers. */
import type { Virtqueue } from './virtqueue.ts';

export interface VirtioDevice {
  readonly name: string;
  /** Virtual I/O Device (VIRTIO) 1.2, "Device Types". */
  readonly deviceId: number;
  /** Device-specific feature bits, 0 to 23. */
  readonly features: number;
  /** Most entries of each queue; a power of two. */
  readonly queueSizes: readonly number[];
  /** Bytes of the configuration space. */
  readonly configuration: Uint8Array;
  /** A byte of the configuration space is written. */
  configure(offset: number, value: number): void;
  /** The driver has made buffers available. */
  process(index: number, queue: Virtqueue): void;
  /** What interrupts the driver while it waits, such as input: the transport gives the queue on which to answer. */
  connect?(queue: (index: number) => Virtqueue): void;
  /** The driver resets the device. */
  reset?(): void;
  /** The machine starts again. */
  restart(): void;
  saveState(): unknown;
  restoreState(state: unknown): void;
}
