/** What two output records of one access case disagree about. */
import { byEncoding } from '../../../emulator/sysregs/catalogue.ts';
import type { ImplementedRegisters } from '../../../emulator/sysregs/definitions.ts';
import type { Difference } from '../compare.ts';
import type { ModelName } from '../models.ts';
import type { AccessCase } from './cases.ts';
import * as L from './layout.ts';

export interface AccessDisagreement {
  readonly model: ModelName;
  readonly case: AccessCase;
  readonly qemu: BigUint64Array;
  readonly ours: BigUint64Array;
  readonly differences: readonly Difference[];
}

/** A register of an output record. */
export function registerOf(record: BigUint64Array, name: string): bigint {
  return record[L.FIRST_REGISTER / 8 + L.REGISTERS.indexOf(name)] ?? 0n;
}

/** ESR_ELx of the exception that ended the case. */
export function syndromeOf(record: BigUint64Array): bigint {
  const isEL1 = (record[L.VECTOR / 8] ?? 0n) < 16n;
  return registerOf(record, isEL1 ? 'ESR_EL1' : 'ESR_EL2');
}
export const exceptionClassOf = (record: BigUint64Array): number =>
  Number(syndromeOf(record) >> 26n);

/** Reads that have one right answer: what the harness has set, and the processor's state. */
const COMPARABLE = new Set([...L.REGISTERS, ...L.ZEROED, 'CurrentEL', 'SPSel', 'DAIF', 'NZCV']);
const isRead = (word: number): boolean => (word & 0xfff00000) >>> 0 === 0xd5300000;

/** Bits that nobody can write are left out: QEMU does not know all of them. */
export function compareAccesses(
  { word }: AccessCase,
  registers: ImplementedRegisters,
  qemu: BigUint64Array,
  ours: BigUint64Array,
): Difference[] {
  const differences: Difference[] = [];
  const compare = (what: string, theirs: bigint, own: bigint): void => {
    if (theirs !== own) differences.push({ what, qemu: theirs, ours: own });
  };
  compare('vector', qemu[L.VECTOR / 8] ?? 0n, ours[L.VECTOR / 8] ?? 0n);
  const register = isRead(word) ? byEncoding((word >>> 5) & 0xffff, 'read') : undefined;
  const name = register?.aliasOf ?? register?.name;
  if (!isRead(word) || (name !== undefined && COMPARABLE.has(name))) {
    const mask = name === undefined ? undefined : registers.byName(name)?.writable;
    const significant = mask === undefined || mask === 0n ? 0xffff_ffff_ffff_ffffn : mask;
    compare('X0', (qemu[0] ?? 0n) & significant, (ours[0] ?? 0n) & significant);
  }
  for (const each of L.REGISTERS) {
    const mask = registers.byName(each)?.writable ?? 0n;
    compare(each, registerOf(qemu, each) & mask, registerOf(ours, each) & mask);
  }
  return differences;
}
