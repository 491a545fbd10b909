/** The virtio transports of the board and what is plugged into them. */
import { VIRTIO_MMIO, VIRTIO_TRANSPORTS } from '../board/virt-map.ts';
import type { SystemBus } from '../devices/bus.ts';
import type { DeviceEvents, IrqLine } from '../devices/device.ts';
import type { DmaMemory } from '../devices/physical-memory.ts';
import { VirtioBlock } from '../devices/virtio/block.ts';
import { VirtioConsole } from '../devices/virtio/console.ts';
import { CopyOnWriteDisk, WriteThroughDisk } from '../devices/virtio/disk.ts';
import type { DiskImage } from '../devices/virtio/disk.ts';
import { VirtioEntropy } from '../devices/virtio/entropy.ts';
import type { VirtioDevice } from '../devices/virtio/virtio-device.ts';
import { VirtioMmio } from '../devices/virtio/virtio-mmio.ts';
import type { VirtioVersion } from '../devices/virtio/virtio-mmio.ts';

export interface DiskOptions {
  readonly image: DiskImage;
  /** `copyOnWrite` keeps what the guest writes in memory, `writeThrough` writes it to the image. */
  readonly writes: 'copyOnWrite' | 'writeThrough' | 'refused';
  /** What the guest reads as the serial number; 20 characters of ASCII at most. */
  readonly id: string;
}

export interface VirtioOptions {
  /** Of the transports. Default: `legacy`, as on QEMU's board. */
  readonly version?: VirtioVersion;
  /**
   * A console: `terminal` shows what the guest writes where the UART's output is shown, and takes what is
   * typed once the guest has set it up; `exit` takes the commands of chr-testdev, with which a test ends.
   */
  readonly console?: 'terminal' | 'exit' | undefined;
  readonly disks?: readonly DiskOptions[];
  /** Seed of the entropy device, 64 bits; without one there is no such device. */
  readonly rngSeed?: bigint | undefined;
}

export interface VirtioSlotsOptions {
  readonly plugged: VirtioOptions;
  readonly bus: SystemBus;
  readonly memory: DmaMemory;
  readonly spi: (SPI: number) => IrqLine;
  readonly events: DeviceEvents;
  /** What the guest writes to its console. */
  readonly transmit: (byte: number) => void;
  /** The guest ends by chr-testdev. */
  readonly exit: (status: number) => void;
}

export class VirtioSlots {
  /** The console that takes what is typed. */
  readonly console: VirtioConsole | undefined;
  /** SPI of that console. */
  readonly consoleSPI: number = VIRTIO_MMIO.SPI + VIRTIO_TRANSPORTS - 1;

  constructor({ plugged, bus, memory, spi, events, transmit, exit }: VirtioSlotsOptions) {
    const devices: VirtioDevice[] = [];
    if (plugged.console !== undefined) {
      const isTerminal = plugged.console === 'terminal';
      const commands = new ChrTestdev(exit);
      const device = new VirtioConsole({
        transmit: (bytes) => {
          for (const byte of bytes) {
            if (isTerminal) transmit(byte);
            else commands.receive(byte);
          }
        },
      });
      if (isTerminal) this.console = device;
      devices.push(device);
    }
    for (const { image, writes, id } of plugged.disks ?? []) {
      const disk =
        writes === 'writeThrough'
          ? new WriteThroughDisk(image)
          : new CopyOnWriteDisk(image, writes === 'refused');
      devices.push(new VirtioBlock(disk, id));
    }
    if (plugged.rngSeed !== undefined) devices.push(new VirtioEntropy(plugged.rngSeed));
    if (devices.length > VIRTIO_TRANSPORTS) {
      throw new RangeError(
        `The board has ${VIRTIO_TRANSPORTS} virtio transports, too few for ${devices.length} devices.`,
      );
    }
    for (let n = 0; n < VIRTIO_TRANSPORTS; n += 1) {
      const transport = new VirtioMmio({
        version: plugged.version ?? 'legacy',
        // As on QEMU's board: the first device has the last transport.
        device: devices[VIRTIO_TRANSPORTS - 1 - n],
        memory,
        irq: spi(VIRTIO_MMIO.SPI + n),
        events,
      });
      const base = VIRTIO_MMIO.base + BigInt(n * VIRTIO_MMIO.length);
      bus.attach(base, VIRTIO_MMIO.length, transport);
    }
  }
}

/** QEMU's chr-testdev: a decimal number and a letter for each command, of which `q` is the only one. */
class ChrTestdev {
  readonly #exit: (status: number) => void;
  #number = 0;

  constructor(exit: (status: number) => void) {
    this.#exit = exit;
  }

  receive(byte: number): void {
    const character = String.fromCharCode(byte);
    if (/\d/.test(character)) this.#number = (this.#number * 10 + Number(character)) % 1000;
    else if (/[a-z]/i.test(character)) {
      if (character === 'q') this.#exit((this.#number << 1) | 1);
      this.#number = 0;
    }
  }
}
