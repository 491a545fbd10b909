/**
 * The virtio transport over MMIO: Virtual I/O Device (VIRTIO) 1.2, "Virtio Over MMIO", version 2, and
 * version 1 of its "Legacy interface". Register names are the specification's. A slot without a device
 * has DeviceID 0.
 */
import type { Device, DeviceAccessSize, DeviceEvents, IrqLine } from '../device.ts';
import type { DmaMemory } from '../physical-memory.ts';
import type { VirtioDevice } from './virtio-device.ts';
import { Virtqueue } from './virtqueue.ts';
import type { VirtqueueState } from './virtqueue.ts';

const MagicValue = 0x000;
const Version = 0x004;
const DeviceID = 0x008;
const VendorID = 0x00c;
const DeviceFeatures = 0x010;
const DeviceFeaturesSel = 0x014;
const DriverFeatures = 0x020;
const DriverFeaturesSel = 0x024;
const GuestPageSize = 0x028; // legacy
const QueueSel = 0x030;
const QueueNumMax = 0x034;
const QueueNum = 0x038;
const QueueAlign = 0x03c; // legacy
const QueuePFN = 0x040; // legacy
const QueueReady = 0x044;
const QueueNotify = 0x050;
const InterruptStatus = 0x060;
const InterruptACK = 0x064;
const Status = 0x070;
const QueueDescLow = 0x080;
const QueueDescHigh = 0x084;
const QueueDriverLow = 0x090;
const QueueDriverHigh = 0x094;
const QueueDeviceLow = 0x0a0;
const QueueDeviceHigh = 0x0a4;
const SHMSel = 0x0ac;
/** SHMLenLow to SHMBaseHigh: all ones say that there is no such region. */
const SHMLenLow = 0x0b0;
const SHMBaseHigh = 0x0bc;
const ConfigGeneration = 0x0fc;
const Config = 0x100;

/** "virt" and, as the vendor of QEMU's board, "QEMU". */
const MAGIC = 0x7472_6976;
const VENDOR = 0x554d_4551;

const VIRTIO_F_ANY_LAYOUT = 1n << 27n; // legacy
const VIRTIO_F_INDIRECT_DESC = 1n << 28n;
const VIRTIO_F_EVENT_IDX = 1n << 29n;
const VIRTIO_F_VERSION_1 = 1n << 32n;

const INTERRUPT_USED_BUFFER = 1;
const INTERRUPT_CONFIGURATION = 2;
const STATUS_DRIVER_OK = 4;
const STATUS_FEATURES_OK = 8;
const STATUS_DEVICE_NEEDS_RESET = 64;

export type VirtioVersion = 'legacy' | 'modern';

export interface VirtioMmioOptions {
  readonly version: VirtioVersion;
  /** What is plugged in. */
  readonly device: VirtioDevice | undefined;
  readonly memory: DmaMemory;
  readonly irq: IrqLine;
  readonly events: DeviceEvents;
}

interface VirtioMmioState {
  readonly registers: readonly number[];
  readonly driverFeatures: bigint;
  readonly queues: readonly VirtqueueState[];
  readonly device: unknown;
}

export class VirtioMmio implements Device {
  readonly name: string;
  readonly #options: VirtioMmioOptions;
  readonly #queues: readonly Virtqueue[];
  #DeviceFeaturesSel = 0;
  #DriverFeaturesSel = 0;
  #driverFeatures = 0n;
  #GuestPageSize = 0;
  #QueueSel = 0;
  #QueueAlign = 0;
  #InterruptStatus = 0;
  #Status = 0;

  constructor(options: VirtioMmioOptions) {
    this.#options = options;
    const { device, memory } = options;
    this.name = device?.name ?? 'virtio-mmio';
    this.#queues = (device?.queueSizes ?? []).map(
      (mostEntries) =>
        new Virtqueue({
          mostEntries,
          memory,
          usesEventIndex: () => (this.#driverFeatures & VIRTIO_F_EVENT_IDX) !== 0n,
          interrupt: () => {
            this.#interrupt(INTERRUPT_USED_BUFFER);
          },
          broken: (reason) => {
            this.#needsReset(reason);
          },
        }),
    );
    device?.connect?.((index) => this.#queue(index));
    this.reset();
  }

  get #isLegacy(): boolean {
    return this.#options.version === 'legacy';
  }

  #queue(index: number): Virtqueue {
    const queue = this.#queues[index];
    if (queue === undefined) throw new RangeError(`${this.name} has no queue ${index}`);
    return queue;
  }

  get #selected(): Virtqueue | undefined {
    return this.#queues[this.#QueueSel];
  }

  reset(): void {
    this.#GuestPageSize = 0;
    this.#reset();
    this.#options.device?.restart();
  }

  /** By the driver. GuestPageSize stays: drivers write it once, and Linux before it resets the device. */
  #reset(): void {
    this.#DeviceFeaturesSel = 0;
    this.#DriverFeaturesSel = 0;
    this.#driverFeatures = 0n;
    this.#QueueSel = 0;
    this.#QueueAlign = 0;
    this.#InterruptStatus = 0;
    this.#Status = 0;
    for (const queue of this.#queues) queue.reset();
    this.#updateIrq();
  }

  get #offered(): bigint {
    const { device } = this.#options;
    if (device === undefined) return 0n;
    const transport = this.#isLegacy ? VIRTIO_F_ANY_LAYOUT : VIRTIO_F_VERSION_1;
    return BigInt(device.features) | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | transport;
  }

  // -- reading

  read(offset: number, size: DeviceAccessSize): number {
    if (offset < Config && this.#register(offset & ~3) === undefined) {
      this.#guestError('read', offset);
    }
    return this.peek(offset, size);
  }

  peek(offset: number, size: DeviceAccessSize): number {
    if (offset >= Config) return this.#configuration(offset - Config, size);
    const value = (this.#register(offset & ~3) ?? 0) >>> (8 * (offset & 3));
    return size === 4 ? value : value & (2 ** (8 * size) - 1);
  }

  #configuration(offset: number, size: number): number {
    const bytes = this.#options.device?.configuration;
    let value = 0;
    for (let i = size - 1; i >= 0; i -= 1) value = value * 256 + (bytes?.[offset + i] ?? 0);
    return value;
  }

  /** Undefined where there is nothing to read. */
  #register(offset: number): number | undefined {
    const { device } = this.#options;
    switch (offset) {
      case MagicValue:
        return MAGIC;
      case Version:
        return this.#isLegacy ? 1 : 2;
      case DeviceID:
        return device?.deviceId ?? 0;
      case VendorID:
        return VENDOR;
      case DeviceFeatures:
        return Number((this.#offered >> BigInt(32 * this.#DeviceFeaturesSel)) & 0xffff_ffffn);
      case QueueNumMax:
        return this.#selected?.mostEntries ?? 0;
      case InterruptStatus:
        return this.#InterruptStatus;
      case Status:
        return this.#Status;
      default:
        return this.#isLegacy ? this.#legacyRegister(offset) : this.#modernRegister(offset);
    }
  }

  #legacyRegister(offset: number): number | undefined {
    if (offset !== QueuePFN) return undefined;
    const queue = this.#selected;
    if (queue === undefined || this.#GuestPageSize === 0) return 0;
    return Number((queue.descriptors / BigInt(this.#GuestPageSize)) & 0xffff_ffffn);
  }

  #modernRegister(offset: number): number | undefined {
    if (offset === QueueReady) return this.#selected?.ready === true ? 1 : 0;
    if (offset === ConfigGeneration) return 0;
    return offset >= SHMLenLow && offset <= SHMBaseHigh ? 0xffff_ffff : undefined;
  }

  // -- writing

  write(offset: number, size: DeviceAccessSize, value: number): void {
    if (offset >= Config) {
      this.#configure(offset - Config, size, value);
      return;
    }
    if (size !== 4 || (offset & 3) !== 0) {
      this.#guestError(`write of ${size} bytes`, offset);
      return;
    }
    switch (offset) {
      case DeviceFeaturesSel:
        this.#DeviceFeaturesSel = value & 1;
        break;
      case DriverFeaturesSel:
        this.#DriverFeaturesSel = value & 1;
        break;
      case DriverFeatures:
        this.#acceptFeatures(value);
        break;
      case QueueSel:
        this.#QueueSel = value;
        break;
      case QueueNum:
        this.#setQueueNum(value);
        break;
      case QueueNotify:
        this.#notify(value);
        break;
      case InterruptACK:
        this.#InterruptStatus &= ~value;
        this.#updateIrq();
        break;
      case Status:
        this.#setStatus(value & 0xff);
        break;
      default:
        if (this.#isLegacy) this.#writeLegacy(offset, value);
        else this.#writeModern(offset, value);
    }
  }

  #configure(offset: number, size: number, value: number): void {
    for (let i = 0; i < size; i += 1) {
      this.#options.device?.configure(offset + i, (value >>> (8 * i)) & 0xff);
    }
  }

  #acceptFeatures(value: number): void {
    // VIRTIO 1.2, "Device Initialization": not after FEATURES_OK.
    if ((this.#Status & STATUS_FEATURES_OK) !== 0) return;
    const shift = BigInt(32 * this.#DriverFeaturesSel);
    const others = this.#driverFeatures & ~(0xffff_ffffn << shift);
    this.#driverFeatures = others | ((BigInt(value) << shift) & this.#offered);
  }

  #setQueueNum(value: number): void {
    const queue = this.#selected;
    if (queue === undefined || queue.ready) return;
    const isPowerOfTwo = value > 0 && (value & (value - 1)) === 0;
    if (isPowerOfTwo && value <= queue.mostEntries) queue.size = value;
    else this.#options.events.guestError(this.name, `a queue cannot have ${value} entries`);
  }

  #notify(value: number): void {
    const queue = this.#queues[value];
    if (queue === undefined) {
      this.#options.events.guestError(this.name, `there is no queue ${value} to notify`);
      return;
    }
    // A legacy driver may use its queues before DRIVER_OK.
    const isLive = this.#isLegacy || (this.#Status & STATUS_DRIVER_OK) !== 0;
    if (isLive && (this.#Status & STATUS_DEVICE_NEEDS_RESET) === 0) {
      this.#options.device?.process(value, queue);
    }
  }

  #setStatus(value: number): void {
    if (value === 0) {
      this.#reset();
      this.#options.device?.reset?.();
      return;
    }
    let status = value | (this.#Status & STATUS_DEVICE_NEEDS_RESET);
    // VIRTIO 1.2, VIRTIO_F_VERSION_1: a driver has to accept it.
    if (!this.#isLegacy && (this.#driverFeatures & VIRTIO_F_VERSION_1) === 0n) {
      status &= ~STATUS_FEATURES_OK;
    }
    this.#Status = status;
  }

  #writeLegacy(offset: number, value: number): void {
    switch (offset) {
      case GuestPageSize:
        this.#GuestPageSize = value;
        break;
      case QueueAlign:
        this.#QueueAlign = value;
        break;
      case QueuePFN:
        this.#placeLegacyQueue(value);
        break;
      default:
        this.#guestError('write', offset);
    }
  }

  /** VIRTIO 1.2, "Legacy Interfaces: A Note on Virtqueue Layout". */
  #placeLegacyQueue(PFN: number): void {
    const queue = this.#selected;
    if (queue === undefined) return;
    const { size } = queue;
    queue.reset();
    queue.size = size;
    if (PFN === 0) return;
    const align = BigInt(this.#QueueAlign === 0 ? 4096 : this.#QueueAlign);
    queue.descriptors = BigInt(PFN) * BigInt(this.#GuestPageSize);
    queue.driver = queue.descriptors + 16n * BigInt(size);
    const end = queue.driver + 6n + 2n * BigInt(size);
    queue.device = ((end + align - 1n) / align) * align;
    queue.ready = true;
  }

  #writeModern(offset: number, value: number): void {
    const queue = this.#selected;
    const low = (old: bigint): bigint => (old & ~0xffff_ffffn) | BigInt(value);
    const high = (old: bigint): bigint => (old & 0xffff_ffffn) | (BigInt(value) << 32n);
    switch (offset) {
      case QueueReady:
        if (queue === undefined) break;
        if (value === 1) queue.ready = true;
        else {
          const { size } = queue;
          queue.reset();
          queue.size = size;
        }
        break;
      case QueueDescLow:
        if (queue) queue.descriptors = low(queue.descriptors);
        break;
      case QueueDescHigh:
        if (queue) queue.descriptors = high(queue.descriptors);
        break;
      case QueueDriverLow:
        if (queue) queue.driver = low(queue.driver);
        break;
      case QueueDriverHigh:
        if (queue) queue.driver = high(queue.driver);
        break;
      case QueueDeviceLow:
        if (queue) queue.device = low(queue.device);
        break;
      case QueueDeviceHigh:
        if (queue) queue.device = high(queue.device);
        break;
      case SHMSel: // there are no shared memory regions
        break;
      default:
        this.#guestError('write', offset);
    }
  }

  // -- interrupts and errors

  #interrupt(cause: number): void {
    this.#InterruptStatus |= cause;
    this.#updateIrq();
  }

  #updateIrq(): void {
    this.#options.irq.set(this.#InterruptStatus !== 0);
  }

  #needsReset(reason: string): void {
    if ((this.#Status & STATUS_DEVICE_NEEDS_RESET) !== 0) return;
    this.#Status |= STATUS_DEVICE_NEEDS_RESET;
    for (const queue of this.#queues) queue.ready = false;
    this.#options.events.guestError(this.name, `the device needs a reset: ${reason}`);
    if ((this.#Status & STATUS_DRIVER_OK) !== 0) this.#interrupt(INTERRUPT_CONFIGURATION);
  }

  #guestError(what: string, offset: number): void {
    const place = `0x${offset.toString(16)}`;
    this.#options.events.guestError(this.name, `${what} of unimplemented offset ${place}`);
  }

  saveState(): VirtioMmioState {
    return {
      registers: [
        this.#DeviceFeaturesSel,
        this.#DriverFeaturesSel,
        this.#GuestPageSize,
        this.#QueueSel,
        this.#QueueAlign,
        this.#InterruptStatus,
        this.#Status,
      ],
      driverFeatures: this.#driverFeatures,
      queues: this.#queues.map((queue) => queue.saveState()),
      device: this.#options.device?.saveState(),
    };
  }

  restoreState(state: unknown): void {
    const { registers, driverFeatures, queues, device } = state as VirtioMmioState;
    [
      this.#DeviceFeaturesSel = 0,
      this.#DriverFeaturesSel = 0,
      this.#GuestPageSize = 0,
      this.#QueueSel = 0,
      this.#QueueAlign = 0,
      this.#InterruptStatus = 0,
      this.#Status = 0,
    ] = registers;
    this.#driverFeatures = driverFeatures;
    queues.forEach((queue, index) => {
      this.#queue(index).restoreState(queue);
    });
    this.#options.device?.restoreState(device);
    this.#updateIrq();
  }
}
