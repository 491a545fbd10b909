/**
 * From virtual to physical addresses. Arm ARM, AArch64.FullTranslate() and what it calls, for a regime
 * given by its register values and tables given by a reader. The only state that it changes are descriptors, by
 * hardware management of the Access flag and of dirty state (FEAT_HAFDBS), and only if the reader can.
 *
 * The order of faults within a stage is the Arm ARM's: walk, Access flag, alignment by memory type,
 * permission. Descriptors are updated where there is none of them.
 */
import {
  accessFlag,
  attributeIndex,
  dirtyBitModifier,
  guardedPage,
  notGlobal,
  shareability,
  stage2MemAttr,
  withAccessFlag,
  WRITE_PERMISSION_BIT,
} from './descriptor.ts';
import type { TableReader } from './descriptor.ts';
import {
  ACCESS_FLAG_FAULT,
  ADDRESS_SIZE_FAULT,
  ALIGNMENT_FAULT,
  PERMISSION_FAULT,
  stage1Fault,
  stage2Fault,
  TRANSLATION_FAULT,
} from './fault.ts';
import type { TranslationFault } from './fault.ts';
import {
  combineAttributes,
  DEVICE_nGnRnE,
  effectiveShareability,
  isDevice,
  NON_SHAREABLE,
  NORMAL_NON_CACHEABLE,
  NORMAL_WRITE_BACK,
  NORMAL_WRITE_THROUGH,
  OUTER_SHAREABLE,
  stage2Attr,
} from './memory-attributes.ts';
import type { MemoryAttributes } from './memory-attributes.ts';
import {
  ALL_PERMISSIONS,
  READ,
  requiredPermission,
  stage1Permissions,
  stage2Permissions,
  WRITE,
} from './permissions.ts';
import type { TranslationAccess } from './permissions.ts';
import { topByteIgnored } from './regime.ts';
import type { TranslationRegime } from './regime.ts';
import { walk } from './walk.ts';
import type { Leaf } from './walk.ts';

export type MemoryType = 'Device' | 'Normal';

export interface Mapping {
  readonly kind: 'mapped';
  readonly PA: bigint;
  readonly memory: MemoryType;
  readonly attributes: MemoryAttributes;
  /** READ, WRITE and EXECUTE for the regime's EL, by both stages. */
  readonly permissions: number;
  /** log2 of the bytes that stage 1 maps alike: what TLBI by VA has to forget. */
  readonly sizeBits: number;
  /** The stage 1 leaf is for every ASID. */
  readonly global: boolean;
  /** The stage 1 leaf has GP set: FEAT_BTI, which the processor may not have. */
  readonly guarded: boolean;
}

export type Translation = Mapping | TranslationFault;

/** What one stage says. */
interface StageOutput extends MemoryAttributes {
  readonly kind: 'output';
  readonly address: number;
  readonly permissions: number;
  readonly sizeBits: number;
  readonly global: boolean;
  readonly guarded: boolean;
}

const PAGE_BITS = 12;

/**
 * Translates `va` for an access made at the regime's EL.
 * @param isUnaligned the access is one that Device memory does not allow: unaligned, or DC ZVA.
 */
export function translate(
  regime: TranslationRegime,
  tables: TableReader,
  va: bigint,
  access: TranslationAccess,
  isUnaligned = false,
): Translation {
  const stage1 = translateStage1(regime, tables, va, access, isUnaligned);
  if (stage1.kind === 'fault') return stage1;
  if (regime.stage2 === undefined) return mapping(stage1, stage1, stage1.permissions);
  const IPA = stage1.address;
  const stage2 = translateStage2(regime, tables, IPA, access, isUnaligned, false);
  if (stage2.kind === 'fault') return stage2;
  const combined = combineAttributes(stage1, stage2);
  return mapping(
    { ...stage1, address: stage2.address },
    combined,
    stage1.permissions & stage2.permissions,
  );
}

/**
 * The first stage alone, as AT S1E1R and its kin have it: the result is an IPA where stage 2 is on.
 * Stage 2 still translates the addresses of the tables.
 */
export function translateFirstStage(
  regime: TranslationRegime,
  tables: TableReader,
  va: bigint,
  access: TranslationAccess,
): Translation {
  const stage1 = translateStage1(regime, tables, va, access, false);
  return stage1.kind === 'fault' ? stage1 : mapping(stage1, stage1, stage1.permissions);
}

function mapping(
  { address, sizeBits, global, guarded }: StageOutput,
  { Attr, SH }: MemoryAttributes,
  permissions: number,
): Mapping {
  return {
    kind: 'mapped',
    PA: BigInt(address),
    memory: isDevice(Attr) ? 'Device' : 'Normal',
    attributes: { Attr, SH },
    permissions,
    sizeBits,
    global,
    guarded,
  };
}

function translateStage1(
  regime: TranslationRegime,
  tables: TableReader,
  va: bigint,
  access: TranslationAccess,
  isUnaligned: boolean,
): StageOutput | TranslationFault {
  if (regime.stage1 === undefined) return stage1Off(regime, va, access, isUnaligned);
  const isUpper = ((va >> 55n) & 1n) === 1n;
  const root = isUpper ? regime.stage1.upper : regime.stage1.lower;
  if (root === undefined) return stage1Fault(TRANSLATION_FAULT);
  // Bits above the input address are all bit 55, but for a top byte that is ignored.
  const significant = topByteIgnored(regime, va, access === 'execute') ? 56 : 64;
  const above = BigInt.asUintN(significant, va) >> BigInt(root.inputBits);
  const expected = isUpper ? (1n << BigInt(significant - root.inputBits)) - 1n : 0n;
  if (above !== expected) return stage1Fault(TRANSLATION_FAULT);

  const address = Number(BigInt.asUintN(root.inputBits, va));
  const leaf =
    regime.stage2 === undefined
      ? walk(root, address, tables)
      : walk(root, address, tables, (IPA) => tableAddress(regime, tables, IPA, access));
  if (typeof leaf === 'number') return stage1Fault(leaf);
  if (leaf.kind === 'fault') return leaf;
  const { level, low } = leaf;
  if (!accessFlag(low) && access !== 'debug' && !regime.managesAccessFlag) {
    return stage1Fault(ACCESS_FLAG_FAULT | level);
  }
  const Attr = regime.MAIR[attributeIndex(low)] ?? DEVICE_nGnRnE;
  if (isUnaligned && isDevice(Attr)) return stage1Fault(ALIGNMENT_FAULT);
  const isReadOnly = (low & WRITE_PERMISSION_BIT) !== 0;
  const isClean = regime.managesDirtyState && isReadOnly && dirtyBitModifier(leaf.high);
  const permitting = isClean ? { ...leaf, low: low & ~WRITE_PERMISSION_BIT } : leaf;
  const permissions = stage1Permissions(permitting, regime.privilege, regime.WXN, regime.PAN);
  // CONSTRAINED UNPREDICTABLE: instructions in Device memory that is not execute-never are fetched
  // as from Normal Non-cacheable memory.
  if ((requiredPermission(access, regime.EL) & ~permissions) !== 0) {
    return stage1Fault(PERMISSION_FAULT | level);
  }
  const becomesDirty = isClean && access === 'write';
  const updated = becomesDirty ? low & ~WRITE_PERMISSION_BIT : low;
  const refused = updateStage1(
    regime,
    tables,
    leaf,
    regime.managesAccessFlag ? withAccessFlag(updated) : updated,
    access,
  );
  if (refused !== undefined) return refused;
  const SH = effectiveShareability({ Attr, SH: shareability(low) });
  return {
    kind: 'output',
    address: leaf.address,
    permissions: isClean && !becomesDirty ? permissions & ~WRITE : permissions,
    Attr,
    SH,
    sizeBits: leaf.sizeBits,
    global: regime.name === 'EL2' || !notGlobal(low),
    guarded: guardedPage(leaf.high),
  };
}

/** Writes a stage 1 leaf that hardware has changed; where stage 2 is on it has to permit the write. */
function updateStage1(
  regime: TranslationRegime,
  tables: TableReader,
  { low, descriptorAddress, descriptorPA }: Leaf,
  updated: number,
  access: TranslationAccess,
): TranslationFault | undefined {
  if (updated >>> 0 === low >>> 0 || access === 'debug' || tables.update === undefined)
    return undefined;
  if (regime.stage2 !== undefined) {
    const output = translateStage2(regime, tables, descriptorAddress, 'write', false, true);
    if (output.kind === 'fault') return output;
  }
  tables.update(descriptorPA, updated >>> 0);
  return undefined;
}

/** Arm ARM, AArch64.S1DisabledOutput(). */
function stage1Off(
  regime: TranslationRegime,
  va: bigint,
  access: TranslationAccess,
  isUnaligned: boolean,
): StageOutput | TranslationFault {
  const isTagged = topByteIgnored(regime, va, access === 'execute');
  const address = isTagged ? BigInt.asUintN(56, va) : va;
  if (address >> BigInt(regime.physicalAddressBits) !== 0n) return stage1Fault(ADDRESS_SIZE_FAULT);
  let Attr = DEVICE_nGnRnE;
  let SH = OUTER_SHAREABLE;
  if (regime.defaultCacheable) {
    Attr = NORMAL_WRITE_BACK;
    SH = NON_SHAREABLE;
  } else if (access === 'execute') {
    Attr = regime.instructionCacheable ? NORMAL_WRITE_THROUGH : NORMAL_NON_CACHEABLE;
  }
  if (isUnaligned && isDevice(Attr)) return stage1Fault(ALIGNMENT_FAULT);
  return {
    kind: 'output',
    address: Number(address),
    permissions: ALL_PERMISSIONS,
    Attr,
    SH,
    sizeBits: PAGE_BITS,
    global: true,
    guarded: false,
  };
}

/** Where a stage 1 descriptor stands: a read through stage 2, whatever the access is. */
function tableAddress(
  regime: TranslationRegime,
  tables: TableReader,
  IPA: number,
  access: TranslationAccess,
): number | TranslationFault {
  const how = access === 'debug' ? 'debug' : 'read';
  const output = translateStage2(regime, tables, IPA, how, false, true);
  return output.kind === 'fault' ? output : output.address;
}

/** `onWalk`: the address is that of a stage 1 descriptor. */
function translateStage2(
  regime: TranslationRegime,
  tables: TableReader,
  IPA: number,
  access: TranslationAccess,
  isUnaligned: boolean,
  onWalk: boolean,
): StageOutput | TranslationFault {
  const fault = (FSC: number): TranslationFault => stage2Fault(FSC, IPA, onWalk);
  const root = regime.stage2;
  if (root === undefined) throw new TypeError('stage 2 is off');
  if (IPA >= 2 ** root.inputBits) return fault(TRANSLATION_FAULT);
  const leaf = walk(root, IPA, tables);
  if (typeof leaf === 'number') return fault(leaf);
  if (leaf.kind === 'fault') throw new TypeError('no stage translates stage 2 tables');
  const { level, low } = leaf;
  if (!accessFlag(low) && access !== 'debug' && !regime.stage2ManagesAccessFlag) {
    return fault(ACCESS_FLAG_FAULT | level);
  }
  const cacheDisabled =
    access === 'execute' ? regime.instructionCacheDisabled : regime.dataCacheDisabled;
  const Attr = stage2Attr(stage2MemAttr(low), cacheDisabled);
  if (isUnaligned && isDevice(Attr)) return fault(ALIGNMENT_FAULT);
  const isReadOnly = (low & WRITE_PERMISSION_BIT) === 0;
  const isClean = regime.stage2ManagesDirtyState && isReadOnly && dirtyBitModifier(leaf.high);
  const permitting = isClean ? { ...leaf, low: low | WRITE_PERMISSION_BIT } : leaf;
  const permissions = stage2Permissions(permitting);
  const forAccess = requiredPermission(access, regime.EL);
  // A walk reads, and writes the descriptor that hardware updates.
  const required = onWalk && access !== 'debug' ? READ | (forAccess & WRITE) : forAccess;
  if ((required & ~permissions) !== 0) return fault(PERMISSION_FAULT | level);
  if (onWalk && regime.protectedWalk && isDevice(Attr) && access !== 'debug') {
    return fault(PERMISSION_FAULT | level);
  }
  const becomesDirty = isClean && access === 'write';
  const dirtied = becomesDirty ? low | WRITE_PERMISSION_BIT : low;
  const updated = (regime.stage2ManagesAccessFlag ? withAccessFlag(dirtied) : dirtied) >>> 0;
  if (updated !== low >>> 0 && access !== 'debug') tables.update?.(leaf.descriptorPA, updated);
  return {
    kind: 'output',
    address: leaf.address,
    permissions: isClean && !becomesDirty ? permissions & ~WRITE : permissions,
    Attr,
    SH: effectiveShareability({ Attr, SH: shareability(low) }),
    sizeBits: leaf.sizeBits,
    global: true,
    guarded: false,
  };
}
