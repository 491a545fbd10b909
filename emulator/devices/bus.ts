/**
 * The system bus: finds the device at a physical address and gives it the offset.
 *
 * Where nothing answers the access ends in an external abort, which the caller sees as `undefined`
 * or `false`.
 */
import type { Device, DeviceAccessSize } from './device.ts';

interface Attachment {
  readonly base: bigint;
  readonly end: bigint;
  readonly device: Device;
}

export class SystemBus {
  readonly #attachments: Attachment[] = [];

  /**
   * `length` is in bytes.
   * @throws TypeError when the range overlaps another device's.
   */
  attach(base: bigint, length: number, device: Device): void {
    const end = base + BigInt(length);
    const clash = this.#attachments.find((other) => base < other.end && other.base < end);
    if (clash !== undefined) {
      throw new TypeError(`${device.name} at 0x${base.toString(16)} overlaps ${clash.device.name}`);
    }
    this.#attachments.push({ base, end, device });
  }

  get devices(): readonly Device[] {
    return this.#attachments.map(({ device }) => device);
  }

  #find(PA: bigint, size: number): Attachment | undefined {
    return this.#attachments.find(({ base, end }) => PA >= base && PA + BigInt(size) <= end);
  }

  /** The zero-extended value, or undefined for an external abort. */
  read(PA: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
    const found = this.#find(PA, size);
    if (found === undefined) return undefined;
    const { device } = found;
    return gather(PA - found.base, size, (offset, part) => device.read(offset, part));
  }

  /** As `read`, without side effects on the device. */
  peek(PA: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
    const found = this.#find(PA, size);
    if (found === undefined) return undefined;
    const { device } = found;
    return gather(PA - found.base, size, (offset, part) => device.peek(offset, part));
  }

  /** False for an external abort. */
  write(PA: bigint, size: 1 | 2 | 4 | 8, value: bigint): boolean {
    const found = this.#find(PA, size);
    if (found === undefined) return false;
    const offset = Number(PA - found.base);
    if (size === 8) {
      found.device.write(offset, 4, Number(value & 0xffff_ffffn));
      found.device.write(offset + 4, 4, Number((value >> 32n) & 0xffff_ffffn));
    } else {
      found.device.write(offset, size, Number(BigInt.asUintN(8 * size, value)));
    }
    return true;
  }

  reset(): void {
    for (const { device } of this.#attachments) device.reset();
  }

  saveState(): unknown {
    return this.#attachments.map(({ device }) => device.saveState());
  }

  restoreState(state: unknown): void {
    if (!Array.isArray(state) || state.length !== this.#attachments.length) {
      throw new TypeError('the bus state does not have one entry for each device');
    }
    this.#attachments.forEach(({ device }, index) => {
      device.restoreState(state[index]);
    });
  }
}

function gather(
  offset: bigint,
  size: 1 | 2 | 4 | 8,
  read: (offset: number, size: DeviceAccessSize) => number,
): bigint {
  const at = Number(offset);
  if (size !== 8) return BigInt(read(at, size) >>> 0);
  const low = BigInt(read(at, 4) >>> 0);
  return low | (BigInt(read(at + 4, 4) >>> 0) << 32n);
}
