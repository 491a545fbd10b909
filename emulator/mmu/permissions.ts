/** Who may do what with a page. Arm ARM, "Access permissions" and AArch64.CheckPermission(). */
import {
  accessPermissions,
  APTABLE_NO_EL0,
  APTABLE_READ_ONLY,
  executeNever,
  privilegedExecuteNever,
  PXNTABLE,
  UXNTABLE,
} from './descriptor.ts';
import type { TranslationRegime } from './regime.ts';
import type { Leaf } from './walk.ts';

/** Permissions are a sum of these. */
export const READ = 1;
export const WRITE = 2;
export const EXECUTE = 4;
export const ALL_PERMISSIONS = READ | WRITE | EXECUTE;

/**
 * `maintain` is a DC or IC instruction by VA other than DC IVAC, which is a write. `debug` is the
 * debugger's look: it needs no permission and no Access flag.
 */
export type TranslationAccess = 'read' | 'write' | 'execute' | 'maintain' | 'debug';

/** The permission that an access made at `EL` needs, or 0. */
export function requiredPermission(access: TranslationAccess, EL: 0 | 1 | 2): number {
  switch (access) {
    case 'read':
      return READ;
    case 'write':
      return WRITE;
    case 'execute':
      return EXECUTE;
    case 'maintain':
      // Only at EL0 does maintenance need permission to read.
      return EL === 0 ? READ : 0;
    case 'debug':
      return 0;
  }
}

function permissions(readable: boolean, writable: boolean, executable: boolean): number {
  return (readable ? READ : 0) | (writable ? WRITE : 0) | (executable ? EXECUTE : 0);
}

/** Of a stage 1 leaf. `WXN` is SCTLR_ELx.WXN, `PAN` PSTATE.PAN. */
export function stage1Permissions(
  { low, high, tableAttributes }: Pick<Leaf, 'low' | 'high' | 'tableAttributes'>,
  privilege: TranslationRegime['privilege'],
  WXN: boolean,
  PAN = false,
): number {
  const AP = accessPermissions(low);
  const readOnly = (AP & 2) !== 0 || (tableAttributes & APTABLE_READ_ONLY) !== 0;
  const XN = executeNever(high) || (tableAttributes & UXNTABLE) !== 0;
  if (privilege === 'alone') {
    const writable = !readOnly;
    return permissions(true, writable, !XN && !(writable && WXN));
  }
  const EL0accessible = (AP & 1) !== 0 && (tableAttributes & APTABLE_NO_EL0) === 0;
  const EL0writable = EL0accessible && !readOnly;
  if (privilege === 'EL0') {
    return permissions(EL0accessible, EL0writable, !XN && !(EL0writable && WXN));
  }
  const PXN = privilegedExecuteNever(high) || (tableAttributes & PXNTABLE) !== 0;
  const writable = !readOnly;
  const isPrivate = !(PAN && EL0accessible);
  // What EL0 can write, EL1 and EL2 never execute.
  return permissions(isPrivate, isPrivate && writable, !PXN && !EL0writable && !(writable && WXN));
}

/** Of a stage 2 leaf: S2AP[0] allows reads, S2AP[1] writes; fetches need only XN clear. */
export function stage2Permissions({ low, high }: Pick<Leaf, 'low' | 'high'>): number {
  const S2AP = accessPermissions(low);
  return permissions((S2AP & 1) !== 0, (S2AP & 2) !== 0, !executeNever(high));
}
