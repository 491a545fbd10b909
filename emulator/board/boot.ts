/**
 * How images start: where they are loaded, and what is handed over to them. The addresses are those of
 * QEMU's `virt` board. Source of the Linux protocol: Linux, Documentation/arm64/booting.rst.
 */
import { RAM_BASE } from './virt-map.ts';

export interface BootSegment {
  /** Physical address of the first byte. */
  readonly paddr: bigint;
  readonly bytes: Uint8Array;
  /** Bytes in memory; those past `bytes` are zero. */
  readonly memSize: number;
}

export interface BootImage {
  readonly segments: readonly BootSegment[];
  readonly entry: bigint;
  /**
   * `deviceTree`: X0 is the address of the device tree, as Linux asks for it. `bare`: X0 is 0, and the
   * tree is at the start of RAM where the image leaves it room. Default `bare`.
   */
  readonly handover?: 'deviceTree' | 'bare';
}

/** Where a raw image goes that says nothing of itself. */
export const RAW_IMAGE_BASE = RAM_BASE + 0x8_0000n;
/** Linux wants its `text_offset` counted from a multiple of 2 MiB. */
const LINUX_BASE = RAM_BASE + 0x20_0000n;

const HEADER_BYTES = 64;
const TEXT_OFFSET = 8;
const IMAGE_SIZE = 16;
const FLAGS = 24;
const MAGIC = 0x38;
/** "ARM\x64", little-endian. */
const LINUX_MAGIC = 0x644d_5241;
const FLAG_BIG_ENDIAN = 1n;

/** Whether the bytes begin with the header of an arm64 Linux `Image`. */
export function isLinuxImage(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && viewOf(bytes).getUint32(MAGIC, true) === LINUX_MAGIC;
}

/** @throws RangeError for a header that describes no image that this board could start */
export function linuxImage(bytes: Uint8Array): BootImage {
  const view = viewOf(bytes);
  const size = view.getBigUint64(IMAGE_SIZE, true);
  if ((view.getBigUint64(FLAGS, true) & FLAG_BIG_ENDIAN) !== 0n) {
    throw new RangeError('The Linux Image is big-endian, and this board is not.');
  }
  if (size < BigInt(bytes.length) || size >= 1n << 31n) {
    throw new RangeError(
      `The header of the Linux Image gives image_size 0x${size.toString(16)} for a file of 0x${bytes.length.toString(16)} bytes.`,
    );
  }
  const paddr = LINUX_BASE + (view.getBigUint64(TEXT_OFFSET, true) & 0x1f_ffffn);
  return {
    segments: [{ paddr, bytes, memSize: Number(size) }],
    entry: paddr,
    handover: 'deviceTree',
  };
}

/** An image without a header, entered at its first byte. */
export function rawImage(bytes: Uint8Array, paddr = RAW_IMAGE_BASE): BootImage {
  return {
    segments: [{ paddr, bytes, memSize: bytes.length }],
    entry: paddr,
    handover: 'deviceTree',
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What QEMU sets aside for the device tree of its board. */
export const DEVICE_TREE_BYTES = 1 << 20;
const INITRD_OFFSET = 128 * 2 ** 20;
const ALIGNMENT = 0x20_0000n;
/** The kernel may be relocated by less than this, and needs room behind it. */
const align = (address: bigint): bigint => (address + ALIGNMENT - 1n) & ~(ALIGNMENT - 1n);

export interface Placement {
  /** Physical address of the device tree; undefined where there is no room for it. */
  readonly deviceTree: bigint | undefined;
  readonly initrd: { readonly start: bigint; readonly end: bigint } | undefined;
}

/**
 * Where the initial RAM disk and the device tree go: behind half of RAM or 128 MiB, or behind the image
 * where that reaches further.
 * @throws RangeError when they do not fit into RAM
 */
export function placeBootData(
  { segments, handover = 'bare' }: BootImage,
  ram: readonly { readonly base: bigint; readonly size: number }[],
  initrdBytes: number | undefined,
): Placement {
  const main = ram.find(({ base }) => base === RAM_BASE);
  if (main === undefined) return { deviceTree: undefined, initrd: undefined };
  const end = RAM_BASE + BigInt(main.size);
  const isTaken = (from: bigint, to: bigint): boolean =>
    segments.some(({ paddr, memSize }) => paddr < to && paddr + BigInt(memSize) > from);
  if (handover === 'bare' && initrdBytes === undefined) {
    const top = RAM_BASE + BigInt(DEVICE_TREE_BYTES);
    return {
      deviceTree: top > end || isTaken(RAM_BASE, top) ? undefined : RAM_BASE,
      initrd: undefined,
    };
  }
  const imageEnd = segments
    .map(({ paddr, memSize }) => paddr + BigInt(memSize))
    .filter((address) => address <= end)
    .reduce((most, address) => (address > most ? address : most), RAM_BASE);
  const preferred = RAM_BASE + BigInt(Math.min(main.size / 2, INITRD_OFFSET));
  const start = preferred > imageEnd ? preferred : align(imageEnd);
  const initrd =
    initrdBytes === undefined ? undefined : { start, end: start + BigInt(initrdBytes) };
  const deviceTree = initrd === undefined ? start : align(initrd.end);
  if (deviceTree + BigInt(DEVICE_TREE_BYTES) > end) {
    const needed = Number(deviceTree - RAM_BASE) + DEVICE_TREE_BYTES;
    throw new RangeError(
      `The image, its initrd and the device tree take ${Math.ceil(needed / 2 ** 20)} MiB, and there are ${main.size / 2 ** 20} MiB of RAM: set "memory" to a larger size.`,
    );
  }
  return { deviceTree, initrd };
}
