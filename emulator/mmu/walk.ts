/** A walk of the translation tables of one stage. Arm ARM, AArch64.S1Walk() and AArch64.S2Walk(). */
import { descriptorKind, outputAddress, tableAttributes } from './descriptor.ts';
import type { TableReader } from './descriptor.ts';
import { ADDRESS_SIZE_FAULT, EXTERNAL_ABORT_ON_WALK, TRANSLATION_FAULT } from './fault.ts';
import type { TranslationFault } from './fault.ts';
import type { TableRoot } from './regime.ts';

/** The block or page descriptor that a walk ended with. */
export interface Leaf {
  readonly kind: 'leaf';
  readonly level: number;
  /** The input address's output address. */
  readonly address: number;
  /** log2 of the block's or page's bytes. */
  readonly sizeBits: number;
  /** Where the descriptor stands: the address that the tables give, and the physical address. */
  readonly descriptorAddress: number;
  readonly descriptorPA: number;
  /** The descriptor, bits 31:0 and 63:32. */
  readonly low: number;
  readonly high: number;
  /** Bits 63:59 of all table descriptors on the way, combined with OR. */
  readonly tableAttributes: number;
}

/** A fault of this walk as its FSC, or a stage 2 fault on the address of a stage 1 descriptor. */
export type WalkFault = number | TranslationFault;

/**
 * Walks for `address`, which is below 2^root.inputBits.
 *
 * The Contiguous bit is a hint that this implementation does not use; a contiguous region larger than
 * the input address, which may be a fault by choice, is none here.
 * @param tableAddress stage 2 for the addresses of stage 1 descriptors.
 */
export function walk(
  root: TableRoot,
  address: number,
  tables: TableReader,
  tableAddress?: (IPA: number) => number | TranslationFault,
): Leaf | WalkFault {
  if (root.fault !== undefined) return root.fault;
  const { granuleBits } = root;
  const stride = granuleBits - 3;
  let table = root.base;
  let top = root.inputBits;
  let attributes = 0;
  for (let level = root.startLevel; ; level += 1) {
    const bottom = (3 - level) * stride + granuleBits;
    const index = Math.floor(address / 2 ** bottom) % 2 ** (top - bottom);
    const descriptorAddress = table + 8 * index;
    let at: number | TranslationFault = descriptorAddress;
    if (tableAddress !== undefined) {
      at = tableAddress(at);
      if (typeof at !== 'number') return at;
    }
    if (!tables.read(at)) return EXTERNAL_ABORT_ON_WALK | level;
    const { low, high } = tables;
    const kind = descriptorKind(low, level, root.firstBlockLevel);
    if (kind === 'invalid') return TRANSLATION_FAULT | level;
    const output = outputAddress(low, high);
    if (output >= 2 ** root.outputBits) return ADDRESS_SIZE_FAULT | level;
    if (kind === 'leaf') {
      const size = 2 ** bottom;
      return {
        kind: 'leaf',
        level,
        address: output - (output % size) + (address % size),
        sizeBits: bottom,
        descriptorAddress,
        descriptorPA: at,
        low,
        high,
        tableAttributes: attributes,
      };
    }
    attributes |= tableAttributes(high);
    table = output - (output % 2 ** granuleBits);
    top = bottom;
  }
}
