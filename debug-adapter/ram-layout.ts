/** Which RAM a machine gets so that an image fits: the default block, enlarged, and blocks of their own elsewhere. */
import { memoryTooSmall, segmentOnDevice, segmentsTooFarApart } from './errors.ts';
import { formatMemorySize } from './launch-arguments.ts';
import type { ImageSegment, PhysicalRange } from './machine.ts';

export interface RamBlock {
  readonly base: bigint;
  /** Bytes, a multiple of 4096. */
  readonly size: number;
}

const PAGE = 4096n;
/** Blocks end on this boundary, so that a stack set right behind the image has somewhere to be. */
const BLOCK = 0x10_0000n;
const LARGEST_TOTAL = 3 * 1024 ** 3;

/**
 * @param memory the size that the launch configuration asks for; undefined: as much as it takes
 * @throws UserError when a segment lies on a device, or behind the end of the memory that was asked for
 */
export function layOutRam(
  program: string,
  segments: readonly ImageSegment[],
  machine: { readonly defaultRam: RamBlock; readonly devices: readonly PhysicalRange[] },
  memory: number | undefined,
): RamBlock[] {
  for (const segment of segments) {
    const device = machine.devices.find(
      ({ base, size }) => segment.paddr < base + size && base < endOf(segment),
    );
    if (device !== undefined) throw segmentOnDevice(program, describe(segment), device.name);
  }

  const { base } = machine.defaultRam;
  const limit = firstDeviceAfter(base, machine.devices);
  let end = base + BigInt(memory ?? machine.defaultRam.size);
  const elsewhere: { base: bigint; end: bigint }[] = [];
  for (const segment of [...segments].sort((a, b) => (a.paddr < b.paddr ? -1 : 1))) {
    if (segment.memSize === 0) continue;
    const inMainBlock =
      segment.paddr >= base &&
      (limit === undefined || endOf(segment) <= limit) &&
      endOf(segment) - base <= BigInt(LARGEST_TOTAL);
    if (!inMainBlock) {
      addBlock(elsewhere, segment, machine.devices);
    } else if (endOf(segment) > end) {
      if (memory !== undefined) throw memoryTooSmall(formatMemorySize(memory), describe(segment));
      end = roundUp(endOf(segment), BLOCK) + BLOCK;
    }
  }
  const blocks = [...elsewhere, { base, end }]
    .map((block) => ({ base: block.base, size: Number(block.end - block.base) }))
    .sort((a, b) => (a.base < b.base ? -1 : 1));
  const total = blocks.reduce((sum, { size }) => sum + size, 0);
  if (total > LARGEST_TOTAL) {
    const last = segments.reduce((a, b) => (endOf(a) > endOf(b) ? a : b));
    throw segmentsTooFarApart(program, describe(last), formatMemorySize(LARGEST_TOTAL));
  }
  return blocks;
}

function addBlock(
  blocks: { base: bigint; end: bigint }[],
  segment: ImageSegment,
  devices: readonly PhysicalRange[],
): void {
  const base = segment.paddr - (segment.paddr % PAGE);
  let end = roundUp(endOf(segment), BLOCK);
  const device = firstDeviceAfter(base, devices);
  if (device !== undefined && end > device) end = roundUp(endOf(segment), PAGE);
  const last = blocks.at(-1);
  if (last !== undefined && base <= last.end) last.end = end > last.end ? end : last.end;
  else blocks.push({ base, end });
}

function firstDeviceAfter(address: bigint, devices: readonly PhysicalRange[]): bigint | undefined {
  let first: bigint | undefined;
  for (const { base } of devices) {
    if (base >= address && (first === undefined || base < first)) first = base;
  }
  return first;
}

function endOf({ paddr, memSize }: ImageSegment): bigint {
  return paddr + BigInt(memSize);
}

function roundUp(value: bigint, unit: bigint): bigint {
  return ((value + unit - 1n) / unit) * unit;
}

function describe(segment: ImageSegment): string {
  return `0x${segment.paddr.toString(16)}-0x${(endOf(segment) - 1n).toString(16)}`;
}
