/**
 * Translation a second time, slowly: straight from register values, with 64-bit integers throughout and
 * one loop for both stages. Shares nothing with the walk under test. Arm ARM, "VMSAv8-64 address
 * translation", Armv8.0 with EL2 and without EL3.
 */

export interface ReferenceRegisters {
  readonly EL: 0 | 1 | 2;
  readonly SCTLR: bigint;
  readonly TCR: bigint;
  readonly TTBR0: bigint;
  readonly TTBR1: bigint;
  readonly MAIR: bigint;
  readonly HCR_EL2: bigint;
  readonly VTCR_EL2: bigint;
  readonly VTTBR_EL2: bigint;
  readonly physicalAddressBits: number;
}

export type ReferenceResult =
  | {
      readonly PA: bigint;
      readonly Attr: number;
      readonly SH: number;
      readonly permissions: number;
    }
  | {
      readonly FSC: number;
      readonly stage: 1 | 2;
      readonly IPA: bigint | undefined;
      readonly onWalk: boolean;
    };

type Access = 'read' | 'write' | 'execute' | 'maintain' | 'debug';
type Memory = (PA: bigint) => bigint | undefined;

interface Failure {
  readonly FSC: number;
  readonly stage: 1 | 2;
  readonly IPA: bigint | undefined;
  readonly onWalk: boolean;
}

interface Found {
  readonly address: bigint;
  readonly descriptor: bigint;
  readonly tables: bigint;
  readonly level: number;
}

const bits = (value: bigint, high: number, low: number): bigint =>
  (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
const isOne = (value: bigint, position: number): boolean => bits(value, position, position) === 1n;

function sizeOf(PS: bigint, most: number): number {
  const sizes: readonly number[] = [32, 36, 40, 42, 44, 48, 48, 48];
  return Math.min(sizes[Number(PS)] ?? 48, most);
}

/** The tables from `level` down. A number is a fault status code. */
function descend(
  memory: (address: bigint) => bigint | undefined | Failure,
  input: bigint,
  start: { level: number; width: number; granule: number; base: bigint; outputWidth: number },
): Found | Failure | number {
  let { level, base } = start;
  let tables = 0n;
  let top = start.width - 1;
  while (level <= 3) {
    const low = start.granule + (start.granule - 3) * (3 - level);
    const descriptor = memory(base | (bits(input, top, low) << 3n));
    if (descriptor === undefined) return 0x14 + level;
    if (typeof descriptor !== 'bigint') return descriptor;
    const kind = bits(descriptor, 1, 0);
    const isBlock = kind === 1n && level !== 3 && level >= (start.granule === 12 ? 1 : 2);
    if (kind !== 3n && !isBlock) return 0x04 + level;
    if (bits(descriptor, 47, 12) << 12n >= 1n << BigInt(start.outputWidth)) return level;
    if (isBlock || level === 3) {
      const address = (bits(descriptor, 47, low) << BigInt(low)) | bits(input, low - 1, 0);
      return { address, descriptor, tables, level };
    }
    tables |= bits(descriptor, 63, 59);
    base = bits(descriptor, 47, start.granule) << BigInt(start.granule);
    top = low - 1;
    level += 1;
  }
  throw new TypeError('a walk ends at level 3');
}

function needed(access: Access, EL: number): number {
  if (access === 'read') return 1;
  if (access === 'write') return 2;
  if (access === 'execute') return 4;
  return access === 'maintain' && EL === 0 ? 1 : 0;
}

const DEVICE_HIGH = 0xf0;
const isDevice = (Attr: number): boolean => (Attr & DEVICE_HIGH) === 0;
const effectiveSH = (Attr: number, SH: number): number =>
  isDevice(Attr) || Attr === 0x44 || Attr === 0x40 ? 2 : SH;

interface Output {
  readonly address: bigint;
  readonly Attr: number;
  readonly SH: number;
  readonly permissions: number;
}

function isFailure(result: object): result is Failure {
  return 'FSC' in result;
}

function secondStage(
  r: ReferenceRegisters,
  memory: Memory,
  IPA: bigint,
  access: Access,
  isUnaligned: boolean,
  onWalk: boolean,
): Output | Failure {
  const fail = (FSC: number): Failure => ({ FSC, stage: 2, IPA, onWalk });
  const { VTCR_EL2 } = r;
  const TG0 = bits(VTCR_EL2, 15, 14);
  const granule = TG0 === 1n ? 16 : TG0 === 2n ? 14 : 12;
  const width = 64 - Number(bits(VTCR_EL2, 5, 0));
  const SL0 = Number(bits(VTCR_EL2, 7, 6));
  const level = granule === 12 ? 2 - SL0 : 3 - SL0;
  const stride = granule - 3;
  const entries = width - (granule + stride * (3 - level));
  const PAMax = r.physicalAddressBits;
  if (level < 0 || (granule !== 12 && level === 0)) return fail(4);
  if (granule === 12 && level === 0 && PAMax <= 42) return fail(4);
  if (granule === 14 && level === 1 && PAMax <= 40) return fail(4);
  if (granule === 16 && level === 1 && PAMax <= 42) return fail(4);
  if (width < 25 || width > 48 || width > PAMax) return fail(4);
  if (entries < 1 || entries > stride + 4) return fail(4);
  if (IPA >> BigInt(width) !== 0n) return fail(4);
  const outputWidth = sizeOf(bits(VTCR_EL2, 18, 16), PAMax);
  const BADDR = bits(r.VTTBR_EL2, 47, 1) << 1n;
  if (BADDR >> BigInt(outputWidth) !== 0n) return fail(0);
  const alignment = BigInt(entries + 3);
  const base = (BADDR >> alignment) << alignment;
  const found = descend(memory, IPA, { level, width, granule, base, outputWidth });
  if (typeof found === 'number') return fail(found);
  if (isFailure(found)) return found;
  const { descriptor } = found;
  if (!isOne(descriptor, 10) && access !== 'debug') return fail(0x08 + found.level);
  const MemAttr = Number(bits(descriptor, 5, 2));
  let Attr: number;
  if (MemAttr < 4) Attr = MemAttr << 2;
  else if (isOne(r.HCR_EL2, access === 'execute' ? 33 : 32)) Attr = 0x44;
  else {
    const nibbles = [4, 4, 0xb, 0xf] as const;
    Attr = ((nibbles[MemAttr >> 2] ?? 0) << 4) | (nibbles[MemAttr & 3] ?? 0);
  }
  if (isUnaligned && isDevice(Attr)) return fail(0x21);
  const permissions = Number(bits(descriptor, 7, 6)) | (isOne(descriptor, 54) ? 0 : 4);
  const required = access === 'debug' ? 0 : onWalk ? 1 : needed(access, r.EL);
  if ((permissions & required) !== required) return fail(0x0c + found.level);
  const PTW = isOne(r.HCR_EL2, 2) && !isOne(r.HCR_EL2, 27);
  if (onWalk && PTW && isDevice(Attr) && access !== 'debug') return fail(0x0c + found.level);
  const SH = effectiveSH(Attr, Number(bits(descriptor, 9, 8)));
  return { address: found.address, Attr, SH, permissions };
}

/** Permissions as read 1, write 2, execute 4, worked out from the words of the tables. */
function firstStagePermissions(r: ReferenceRegisters, { descriptor, tables }: Found): number {
  const WXN = isOne(r.SCTLR, 19);
  const readOnly = isOne(descriptor, 7) || isOne(tables, 3);
  const EL0 = isOne(descriptor, 6) && !isOne(tables, 2);
  const UXN = isOne(descriptor, 54) || isOne(tables, 1);
  const PXN = isOne(descriptor, 53) || isOne(tables, 0);
  let read = true;
  let write = !readOnly;
  let execute: boolean;
  if (r.EL === 0) {
    read = EL0;
    write = EL0 && !readOnly;
    execute = !UXN;
  } else if (r.EL === 1) execute = !PXN && !(EL0 && !readOnly);
  else execute = !UXN;
  if (WXN && write) execute = false;
  return (read ? 1 : 0) + (write ? 2 : 0) + (execute ? 4 : 0);
}

function firstStage(
  r: ReferenceRegisters,
  memory: Memory,
  va: bigint,
  access: Access,
  isUnaligned: boolean,
  stage2: boolean,
): Output | Failure {
  const fail = (FSC: number): Failure => ({ FSC, stage: 1, IPA: undefined, onWalk: false });
  const isEL2 = r.EL === 2;
  const upper = isOne(va, 55);
  const TBI = isOne(r.TCR, isEL2 ? 20 : upper ? 38 : 37);
  const TGE = isOne(r.HCR_EL2, 27);
  const DC = !isEL2 && !TGE && isOne(r.HCR_EL2, 12);
  if (!isOne(r.SCTLR, 0) || (!isEL2 && (TGE || DC))) {
    const address = TBI ? bits(va, 55, 0) : va;
    if (address >> BigInt(r.physicalAddressBits) !== 0n) return fail(0);
    if (DC) return { address, Attr: 0xff, SH: 0, permissions: 7 };
    if (access === 'execute') {
      const Attr = isOne(r.SCTLR, 12) ? 0xaa : 0x44;
      return { address, Attr, SH: 2, permissions: 7 };
    }
    if (isUnaligned) return fail(0x21);
    return { address, Attr: 0, SH: 2, permissions: 7 };
  }
  if (isEL2 && upper) return fail(4);
  const TnSZ = Number(upper ? bits(r.TCR, 21, 16) : bits(r.TCR, 5, 0));
  const width = 64 - TnSZ;
  const TG = upper ? bits(r.TCR, 31, 30) : bits(r.TCR, 15, 14);
  const granules = upper ? [12, 14, 12, 16] : [12, 16, 14, 12];
  const granule = granules[Number(TG)] ?? 12;
  const disabled = !isEL2 && isOne(r.TCR, upper ? 23 : 7);
  if (width > 48 || width < 25 || disabled) return fail(4);
  const top = TBI ? 55 : 63;
  const above = bits(va, top, width);
  if (above !== (upper ? (1n << BigInt(top - width + 1)) - 1n : 0n)) return fail(4);
  const outputWidth = sizeOf(
    isEL2 ? bits(r.TCR, 18, 16) : bits(r.TCR, 34, 32),
    r.physicalAddressBits,
  );
  const BADDR = bits(upper ? r.TTBR1 : r.TTBR0, 47, 1) << 1n;
  if (BADDR >> BigInt(outputWidth) !== 0n) return fail(0);
  let level = 3;
  while (granule + (granule - 3) * (4 - level) < width) level -= 1;
  const alignment = BigInt(3 + width - (granule + (granule - 3) * (3 - level)));
  const base = (BADDR >> alignment) << alignment;
  const how = access === 'debug' ? 'debug' : 'read';
  const throughStage2 = (address: bigint): bigint | undefined | Failure => {
    if (!stage2) return memory(address);
    const output = secondStage(r, memory, address, how, false, true);
    return isFailure(output) ? output : memory(output.address);
  };
  const input = bits(va, width - 1, 0);
  const found = descend(throughStage2, input, { level, width, granule, base, outputWidth });
  if (typeof found === 'number') return fail(found);
  if (isFailure(found)) return found;
  const { descriptor } = found;
  if (!isOne(descriptor, 10) && access !== 'debug') return fail(0x08 + found.level);
  const Attr = Number(bits(r.MAIR >> (8n * bits(descriptor, 4, 2)), 7, 0));
  if (isUnaligned && isDevice(Attr)) return fail(0x21);
  const permissions = firstStagePermissions(r, found);
  const required = needed(access, r.EL);
  if ((permissions & required) !== required) return fail(0x0c + found.level);
  const SH = effectiveSH(Attr, Number(bits(descriptor, 9, 8)));
  return { address: found.address, Attr, SH, permissions };
}

export function referenceTranslate(
  r: ReferenceRegisters,
  memory: Memory,
  va: bigint,
  access: Access,
  isUnaligned: boolean,
): ReferenceResult {
  const VM = isOne(r.HCR_EL2, 0) || (isOne(r.HCR_EL2, 12) && !isOne(r.HCR_EL2, 27));
  const stage2 = r.EL !== 2 && VM;
  const first = firstStage(r, memory, va, access, isUnaligned, stage2);
  if (isFailure(first)) return first;
  if (!stage2) {
    const { address, Attr, SH, permissions } = first;
    return { PA: address, Attr, SH, permissions };
  }
  const second = secondStage(r, memory, first.address, access, isUnaligned, false);
  if (isFailure(second)) return second;
  const permissions = first.permissions & second.permissions;
  let SH = 0;
  if (first.SH === 3 || second.SH === 3) SH = 3;
  else if (first.SH === 1 || second.SH === 1) SH = 1;
  if (first.SH === 2 || second.SH === 2) SH = 2;
  let Attr: number;
  if (isDevice(first.Attr) && isDevice(second.Attr)) Attr = Math.min(first.Attr, second.Attr);
  else if (isDevice(first.Attr)) Attr = first.Attr;
  else if (isDevice(second.Attr)) Attr = second.Attr;
  else {
    const weaker = (one: number, two: number): number => {
      if (one === 4 || two === 4) return 4;
      const isWriteThrough = (nibble: number): boolean => nibble >> 2 === 0 || nibble >> 2 === 2;
      if (isWriteThrough(one)) return one;
      return isWriteThrough(two) ? 8 + (one % 4) : one;
    };
    Attr =
      weaker(first.Attr >> 4, second.Attr >> 4) * 16 + weaker(first.Attr % 16, second.Attr % 16);
  }
  return { PA: second.address, Attr, SH: effectiveSH(Attr, SH), permissions };
}
