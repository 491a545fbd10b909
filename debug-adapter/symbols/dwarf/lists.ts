/** DWARF 5, 7.7.3 and 7.28, location and range lists; DWARF 4, 2.6.2 and 2.17.3, their older forms. */
import type { ByteReader } from '../byte-reader.ts';
import { DW_LLE, DW_RLE } from './constants.ts';
import type { RawAttribute } from './form.ts';
import type { Unit } from './unit.ts';

/** Half-open: `high` is the first address past it. */
export interface AddressRange {
  readonly low: bigint;
  readonly high: bigint;
}

export interface LocationListEntry extends AddressRange {
  readonly expression: Uint8Array;
  /** DW_LLE_default_location: applies where no other entry does. */
  readonly isDefault: boolean;
}

/** Most entries that one list may have. */
const MAX_ENTRIES = 1_000_000;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

export function readRangeList(unit: Unit, attribute: RawAttribute): AddressRange[] {
  const { sections } = unit.host;
  if (unit.header.version < 5) {
    const reader = sections.reader('.debug_ranges', listOffset(unit, attribute, '.debug_rnglists'));
    const ranges: AddressRange[] = [];
    walkPairs(reader, unit.baseAddress, (low, high) => ranges.push({ low, high }));
    return ranges.filter(({ low, high }) => low < high);
  }
  const reader = sections.reader('.debug_rnglists', listOffset(unit, attribute, '.debug_rnglists'));
  const ranges: AddressRange[] = [];
  let base = unit.baseAddress;
  for (let i = 0; ; i++) {
    if (i > MAX_ENTRIES) throw reader.error('range list has too many entries');
    const at = reader.offset;
    const kind = reader.u8();
    let low: bigint;
    let high: bigint;
    switch (kind) {
      case DW_RLE.end_of_list:
        return ranges.filter((range) => range.low < range.high);
      case DW_RLE.base_addressx:
        base = unit.indexedAddress(reader.uleb());
        continue;
      case DW_RLE.base_address:
        base = reader.u64();
        continue;
      case DW_RLE.startx_endx:
        low = unit.indexedAddress(reader.uleb());
        high = unit.indexedAddress(reader.uleb());
        break;
      case DW_RLE.startx_length:
        low = unit.indexedAddress(reader.uleb());
        high = low + reader.ulebBig();
        break;
      case DW_RLE.offset_pair:
        low = base + reader.ulebBig();
        high = base + reader.ulebBig();
        break;
      case DW_RLE.start_end:
        low = reader.u64();
        high = reader.u64();
        break;
      case DW_RLE.start_length:
        low = reader.u64();
        high = low + reader.ulebBig();
        break;
      default:
        throw reader.error(`unknown DW_RLE 0x${kind.toString(16)}`, at);
    }
    ranges.push({ low, high });
  }
}

export function readLocationList(unit: Unit, attribute: RawAttribute): LocationListEntry[] {
  const { sections } = unit.host;
  const entries: LocationListEntry[] = [];
  if (unit.header.version < 5) {
    const reader = sections.reader('.debug_loc', listOffset(unit, attribute, '.debug_loclists'));
    walkPairs(reader, unit.baseAddress, (low, high) => {
      entries.push({ low, high, expression: reader.block(reader.u16()), isDefault: false });
    });
    return entries;
  }
  const reader = sections.reader('.debug_loclists', listOffset(unit, attribute, '.debug_loclists'));
  let base = unit.baseAddress;
  for (let i = 0; ; i++) {
    if (i > MAX_ENTRIES) throw reader.error('location list has too many entries');
    const at = reader.offset;
    const kind = reader.u8();
    let low = 0n;
    let high = 0n;
    switch (kind) {
      case DW_LLE.end_of_list:
        return entries;
      case DW_LLE.base_addressx:
        base = unit.indexedAddress(reader.uleb());
        continue;
      case DW_LLE.base_address:
        base = reader.u64();
        continue;
      case DW_LLE.GNU_view_pair:
        reader.uleb();
        reader.uleb();
        continue;
      case DW_LLE.startx_endx:
        low = unit.indexedAddress(reader.uleb());
        high = unit.indexedAddress(reader.uleb());
        break;
      case DW_LLE.startx_length:
        low = unit.indexedAddress(reader.uleb());
        high = low + reader.ulebBig();
        break;
      case DW_LLE.offset_pair:
        low = base + reader.ulebBig();
        high = base + reader.ulebBig();
        break;
      case DW_LLE.default_location:
        break;
      case DW_LLE.start_end:
        low = reader.u64();
        high = reader.u64();
        break;
      case DW_LLE.start_length:
        low = reader.u64();
        high = low + reader.ulebBig();
        break;
      default:
        throw reader.error(`unknown DW_LLE 0x${kind.toString(16)}`, at);
    }
    const expression = reader.block(reader.uleb());
    entries.push({ low, high, expression, isDefault: kind === DW_LLE.default_location });
  }
}

/** DWARF 2 to 4: pairs of offsets from a base, ended by two zeros; all ones select a new base. */
function walkPairs(
  reader: ByteReader,
  baseAddress: bigint,
  entry: (low: bigint, high: bigint) => void,
): void {
  let base = baseAddress;
  for (let i = 0; ; i++) {
    if (i > MAX_ENTRIES) throw reader.error('list has too many entries');
    const low = reader.u64();
    const high = reader.u64();
    if (low === 0n && high === 0n) return;
    if (low === ALL_ONES) base = high;
    else entry(BigInt.asUintN(64, base + low), BigInt.asUintN(64, base + high));
  }
}

function listOffset(
  unit: Unit,
  attribute: RawAttribute,
  section: '.debug_rnglists' | '.debug_loclists',
): number {
  if (attribute.class === 'sectionOffset') return attribute.offset;
  if (attribute.class === 'constant' && unit.header.version < 4) return Number(attribute.value);
  if (attribute.class === 'listIndex') {
    const { offsetSize } = unit.header;
    const base = section === '.debug_rnglists' ? unit.bases.rnglists : unit.bases.loclists;
    const at = base + attribute.index * offsetSize;
    return base + unit.host.sections.reader(section, at).offsetOf(offsetSize);
  }
  throw unit.root.error(`an attribute of class ${attribute.class} stands where a list belongs`);
}
