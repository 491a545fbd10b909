/** Arm ARM, "System register encoding": what an AArch64 system register is, as data. */

/** RO and WO say which of MRS and MSR has an accessor; the other direction is UNDEFINED. */
export type Access = 'RW' | 'RO' | 'WO';

/** `read` is MRS or SYSL, `write` is MSR (register) or SYS. */
export type Direction = 'read' | 'write';

export type ExceptionLevel = 0 | 1 | 2 | 3;

/** One meaning of a field. */
export interface FieldValue {
  readonly value: number;
  readonly meaning: string;
  /** The architecture's name of the encoding, such as `FEAT_FGT` or `EL1h`, when it has one. */
  readonly name?: string;
  /** `at least`: holds for this and every higher value, as in most ID fields. Default `exact`. */
  readonly match?: 'exact' | 'at least';
}

export interface Field {
  readonly name: string;
  /** Most significant bit, 0 to 63. */
  readonly msb: number;
  /** Least significant bit, 0 to 63. */
  readonly lsb: number;
  readonly text?: string;
  readonly values?: readonly FieldValue[];
}

/** A layout that holds only while some field has one of the given values, such as ESR_EL1.ISS by EC. */
export interface View {
  readonly name: string;
  readonly when: {
    /** The register whose field decides; absent when it is the register itself. */
    readonly register?: string;
    readonly field: string;
    readonly values: readonly number[];
  };
  readonly fields: readonly Field[];
}

export interface SysReg {
  readonly name: string;
  readonly op0: number;
  readonly op1: number;
  readonly CRn: number;
  readonly CRm: number;
  readonly op2: number;
  /** op0:op1:CRn:CRm:op2 packed in 16 bits: the low half of a KVM ONE_REG system register id. */
  readonly encoding: number;
  readonly access: Access;
  /** The lowest EL that may ever access it; traps and enables may raise that. */
  readonly minEL: ExceptionLevel;
  readonly group: string;
  /** The FEAT_ name (or `base`, `GICv3`, `Armv8-R`) that brings the register. */
  readonly feature: string;
  readonly summary: string;
  /** Most significant field first; empty when no layout is known. */
  readonly fields: readonly Field[];
  /** Layouts that depend on another field. */
  readonly views?: readonly View[];
  /** The register this name is another view of, such as SCTLR_EL1 for SCTLR_EL12. */
  readonly aliasOf?: string;
  /** Position in a numbered family: DBGBVR3_EL1 is `{ template: 'DBGBVR<n>_EL1', index: 3 }`. */
  readonly array?: { readonly template: string; readonly index: number };
  /** A write usually needs an ISB before its effect is relied upon (advice, not architecture). */
  readonly isbAfterWrite?: boolean;
}

export interface EncodingFields {
  readonly op0: number;
  readonly op1: number;
  readonly CRn: number;
  readonly CRm: number;
  readonly op2: number;
}

/** op0<<14 | op1<<11 | CRn<<7 | CRm<<3 | op2: 16 bits. */
export function packEncoding({ op0, op1, CRn, CRm, op2 }: EncodingFields): number {
  return (op0 << 14) | (op1 << 11) | (CRn << 7) | (CRm << 3) | op2;
}

/** The inverse of `packEncoding`. */
export function unpackEncoding(encoding: number): EncodingFields {
  return {
    op0: (encoding >> 14) & 3,
    op1: (encoding >> 11) & 7,
    CRn: (encoding >> 7) & 15,
    CRm: (encoding >> 3) & 15,
    op2: encoding & 7,
  };
}

/** The assembler's name for any encoding: `S3_0_C1_C0_0`. */
export function genericName(encoding: number): string {
  const { op0, op1, CRn, CRm, op2 } = unpackEncoding(encoding);
  return `S${op0}_${op1}_C${CRn}_C${CRm}_${op2}`;
}

/** The packed encoding of `S<op0>_<op1>_C<n>_C<m>_<op2>` in any case; undefined for another text. */
export function parseGenericName(name: string): number | undefined {
  const match = /^S([0-3])_([0-7])_C(1[0-5]|[0-9])_C(1[0-5]|[0-9])_([0-7])$/i.exec(name);
  if (match === null) return undefined;
  const [op0 = 0, op1 = 0, CRn = 0, CRm = 0, op2 = 0] = match.slice(1).map(Number);
  return packEncoding({ op0, op1, CRn, CRm, op2 });
}

/** Arm ARM, MRS: the instruction word that reads `register` into Xt. */
export function mrsOpcode(register: Pick<SysReg, 'encoding'>, Rt: number): number {
  return (0xd5200000 | (register.encoding << 5) | Rt) >>> 0;
}

/** Arm ARM, MSR (register): the instruction word that writes Xt to `register`. */
export function msrOpcode(register: Pick<SysReg, 'encoding'>, Rt: number): number {
  return (0xd5000000 | (register.encoding << 5) | Rt) >>> 0;
}

/** Arm ARM, ISS encoding for an exception from MSR, MRS, or System instruction execution (EC 0x18). */
export function sysRegTrapISS(encoding: number, direction: Direction, Rt = 0): number {
  const { op0, op1, CRn, CRm, op2 } = unpackEncoding(encoding);
  return (
    (op0 << 20) |
    (op2 << 17) |
    (op1 << 14) |
    (CRn << 10) |
    (Rt << 5) |
    (CRm << 1) |
    (direction === 'read' ? 1 : 0)
  );
}

/** The bits of a field in place. */
export function fieldMask({ msb, lsb }: Pick<Field, 'msb' | 'lsb'>): bigint {
  return ((1n << BigInt(msb - lsb + 1)) - 1n) << BigInt(lsb);
}

/** The value of a field inside a 64-bit register value. */
export function extractField(value: bigint, { msb, lsb }: Pick<Field, 'msb' | 'lsb'>): bigint {
  return (value >> BigInt(lsb)) & ((1n << BigInt(msb - lsb + 1)) - 1n);
}

/**
 * `value` with a field replaced.
 * @throws RangeError when `fieldValue` is negative or wider than the field.
 */
export function insertField(
  value: bigint,
  field: Pick<Field, 'msb' | 'lsb'>,
  fieldValue: bigint,
): bigint {
  const width = field.msb - field.lsb + 1;
  if (fieldValue < 0n || fieldValue >> BigInt(width) !== 0n) {
    throw new RangeError(`0x${fieldValue.toString(16)} does not fit a field of ${width} bits`);
  }
  return (value & ~fieldMask(field)) | (fieldValue << BigInt(field.lsb));
}

/** The listed meaning of a field's value; the highest `at least` entry counts when none is exact. */
export function fieldMeaning(field: Field, fieldValue: bigint): FieldValue | undefined {
  let best: FieldValue | undefined;
  for (const candidate of field.values ?? []) {
    if (BigInt(candidate.value) === fieldValue) return candidate;
    if (
      candidate.match === 'at least' &&
      BigInt(candidate.value) < fieldValue &&
      (best === undefined || candidate.value > best.value)
    ) {
      best = candidate;
    }
  }
  return best;
}
