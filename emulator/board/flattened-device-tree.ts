/** Device trees as data, and their flattened form, version 17. Devicetree Specification 0.4, "Flattened Devicetree (DTB) Format". */

/** 32-bit big-endian cells. */
export interface Cells {
  readonly cells: readonly number[];
}

/** `true` is a property without a value; strings end in NUL. */
export type PropertyValue = true | string | readonly string[] | Cells | Uint8Array;

export interface DeviceTreeNode {
  /** With its unit address; empty for the root. */
  readonly name: string;
  readonly properties: Readonly<Record<string, PropertyValue>>;
  readonly children?: readonly DeviceTreeNode[];
}

const MAGIC = 0xd00d_feed;
const VERSION = 17;
const LAST_COMPATIBLE_VERSION = 16;
const HEADER_BYTES = 40;
/** The memory reservation block: its terminating entry alone. */
const RESERVATIONS_BYTES = 16;
const FDT_BEGIN_NODE = 1;
const FDT_END_NODE = 2;
const FDT_PROP = 3;
const FDT_END = 9;

/** 64-bit numbers as the two cells that `#address-cells` and `#size-cells` of 2 ask for. */
export function cells64(...values: readonly bigint[]): number[] {
  return values.flatMap((value) => [Number(value >> 32n), Number(value & 0xffff_ffffn)]);
}

/** A blob that holds the tree, which boots on processor `bootCpu`. */
export function flattenDeviceTree(root: DeviceTreeNode, bootCpu = 0): Uint8Array {
  const structure: number[] = [];
  const strings: number[] = [];
  const offsets = new Map<string, number>();
  const u32 = (value: number): void => {
    structure.push(...bigEndian(value));
  };
  const aligned = (bytes: Iterable<number>): void => {
    structure.push(...bytes);
    while (structure.length % 4 !== 0) structure.push(0);
  };
  const nameOffset = (name: string): number => {
    let offset = offsets.get(name);
    if (offset === undefined) {
      offset = strings.length;
      offsets.set(name, offset);
      strings.push(...terminated(name));
    }
    return offset;
  };
  const node = ({ name, properties, children = [] }: DeviceTreeNode): void => {
    u32(FDT_BEGIN_NODE);
    aligned(terminated(name));
    for (const [property, value] of Object.entries(properties)) {
      const bytes = valueBytes(value);
      u32(FDT_PROP);
      u32(bytes.length);
      u32(nameOffset(property));
      aligned(bytes);
    }
    children.forEach(node);
    u32(FDT_END_NODE);
  };
  node(root);
  u32(FDT_END);

  const structureAt = HEADER_BYTES + RESERVATIONS_BYTES;
  const stringsAt = structureAt + structure.length;
  const header = [
    MAGIC,
    stringsAt + strings.length,
    structureAt,
    stringsAt,
    HEADER_BYTES,
    VERSION,
    LAST_COMPATIBLE_VERSION,
    bootCpu,
    strings.length,
    structure.length,
  ];
  return Uint8Array.from([
    ...header.flatMap(bigEndian),
    ...new Array<number>(RESERVATIONS_BYTES).fill(0),
    ...structure,
    ...strings,
  ]);
}

function bigEndian(value: number): number[] {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
}

/** Names and values are ASCII; other characters come as UTF-8. */
function terminated(text: string): number[] {
  const encoded = unescapeUtf8(encodeURIComponent(text));
  return [...encoded, 0];
}

function unescapeUtf8(escaped: string): number[] {
  const bytes: number[] = [];
  for (let at = 0; at < escaped.length; at += 1) {
    if (escaped[at] === '%') {
      bytes.push(Number.parseInt(escaped.slice(at + 1, at + 3), 16));
      at += 2;
    } else {
      bytes.push(escaped.charCodeAt(at));
    }
  }
  return bytes;
}

function valueBytes(value: PropertyValue): ArrayLike<number> & Iterable<number> {
  if (value === true) return [];
  if (typeof value === 'string') return terminated(value);
  if (value instanceof Uint8Array) return value;
  if ('cells' in value) return value.cells.flatMap(bigEndian);
  return value.flatMap(terminated);
}
