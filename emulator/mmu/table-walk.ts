/** What of a regime the engine's own table walk can do. */
import type { TableWalk, WalkRange } from '../engine/engine.ts';
import { isDevice } from './memory-attributes.ts';
import { READ, stage1Permissions, WRITE } from './permissions.ts';
import type { TableRoot, TranslationRegime } from './regime.ts';

const AP_SHIFT = 6;
const GRANULE_BITS = 12;

/** Undefined where it can do nothing: stage 1 is off, or stage 2 is on. */
export function tableWalk(regime: TranslationRegime): TableWalk | undefined {
  const { stage1, stage2 } = regime;
  if (stage1 === undefined || stage2 !== undefined) return undefined;
  const lower = walkRange(stage1.lower, regime.TBI0);
  const upper = stage1.upper && walkRange(stage1.upper, regime.TBI1);
  if (lower === undefined && upper === undefined) return undefined;
  const permitted = (AP: number): number => {
    const leaf = { low: AP << AP_SHIFT, high: 0, tableAttributes: 0 };
    return stage1Permissions(leaf, regime.privilege, regime.WXN, regime.PAN) & (READ | WRITE);
  };
  return {
    lower,
    upper,
    permissions: [permitted(0), permitted(1), permitted(2), permitted(3)],
    normal: regime.MAIR.map((Attr) => !isDevice(Attr)),
    hasASIDs: regime.name !== 'EL2',
  };
}

function walkRange(root: TableRoot, ignoresTopByte: boolean): WalkRange | undefined {
  if (root.granuleBits !== GRANULE_BITS || root.fault !== undefined) return undefined;
  const { base, startLevel, inputBits, outputBits } = root;
  return { table: base, startLevel, inputBits, outputBits, ignoresTopByte };
}
