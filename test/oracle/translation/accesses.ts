/** The accesses of `harness/translation.S`, in its order. */

export interface Access {
  readonly text: string;
  readonly kind: 'read' | 'write' | 'none';
  /** Bytes; of DC ZVA the block. */
  readonly size: number;
  /** Of one element: what alignment is about. */
  readonly element: number;
  /** LDTR and STTR: made as EL0 makes them when executed at EL1. */
  readonly isUnprivileged?: boolean;
  /** AT: the EL it asks about. */
  readonly EL?: 0 | 1 | 2;
}

export const accesses: readonly Access[] = [
  { text: 'ldr x0, [x1]', kind: 'read', size: 8, element: 8 },
  { text: 'ldrb w0, [x1]', kind: 'read', size: 1, element: 1 },
  { text: 'ldtr x0, [x1]', kind: 'read', size: 8, element: 8, isUnprivileged: true },
  { text: 'ldar w0, [x1]', kind: 'read', size: 4, element: 4 },
  { text: 'ldxr x0, [x1]', kind: 'read', size: 8, element: 8 },
  { text: 'ldp x0, x2, [x1]', kind: 'read', size: 16, element: 8 },
  { text: 'str x0, [x1]', kind: 'write', size: 8, element: 8 },
  { text: 'strb w0, [x1]', kind: 'write', size: 1, element: 1 },
  { text: 'sttr w0, [x1]', kind: 'write', size: 4, element: 4, isUnprivileged: true },
  { text: 'stlr x0, [x1]', kind: 'write', size: 8, element: 8 },
  { text: 'stp x0, x2, [x1]', kind: 'write', size: 16, element: 8 },
  { text: 'ldxr w2, [x1]; stxr w2, w0, [x1]', kind: 'write', size: 4, element: 4 },
  { text: 'dc zva, x1', kind: 'write', size: 64, element: 1 },
  { text: 'prfm pldl1keep, [x1]', kind: 'none', size: 0, element: 1 },
  { text: 'at s1e1r, x1', kind: 'none', size: 0, element: 1, EL: 1 },
  { text: 'at s1e1w, x1', kind: 'none', size: 0, element: 1, EL: 1 },
  { text: 'at s1e0r, x1', kind: 'none', size: 0, element: 1, EL: 0 },
  { text: 'at s1e0w, x1', kind: 'none', size: 0, element: 1, EL: 0 },
  { text: 'at s12e1r, x1', kind: 'none', size: 0, element: 1, EL: 1 },
  { text: 'at s12e1w, x1', kind: 'none', size: 0, element: 1, EL: 1 },
  { text: 'at s12e0r, x1', kind: 'none', size: 0, element: 1, EL: 0 },
  { text: 'at s12e0w, x1', kind: 'none', size: 0, element: 1, EL: 0 },
  { text: 'at s1e2r, x1', kind: 'none', size: 0, element: 1, EL: 2 },
  { text: 'at s1e2w, x1', kind: 'none', size: 0, element: 1, EL: 2 },
];

/** The first of AT, and the first that EL1 does not have. */
export const FIRST_AT = 14;
export const FIRST_EL2_AT = 18;
