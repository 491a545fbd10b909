/** What two output records of one translation case disagree about. */
import type { Difference } from '../compare.ts';
import * as L from './layout.ts';

const EC_VALID_FAR = new Set([0x20n, 0x21n, 0x22n, 0x24n, 0x25n]);
const EC_LOWER_EL_ABORTS = new Set([0x20n, 0x24n]);

/** The fields of an output record by name: the registers, the vector and the hash of the data. */
export function fieldOf(record: BigUint64Array, name: L.OutputRegister): bigint {
  return record[L.OUTPUT_REGISTERS[name] / 8] ?? 0n;
}

/** Not compared, since UNKNOWN: FAR_ELx and HPFAR_EL2 of an exception that does not set them. */
export function compareTranslations(qemu: BigUint64Array, ours: BigUint64Array): Difference[] {
  const differences: Difference[] = [];
  const compare = (what: string, theirs: bigint, own: bigint): void => {
    if (theirs !== own) differences.push({ what, qemu: theirs, ours: own });
  };
  const isIn = (classes: ReadonlySet<bigint>, register: 'ESR_EL1' | 'ESR_EL2'): boolean =>
    [qemu, ours].every((record) => classes.has(fieldOf(record, register) >> 26n));
  for (const name of Object.keys(L.OUTPUT_REGISTERS) as L.OutputRegister[]) {
    if (name === 'FAR_EL1' && !isIn(EC_VALID_FAR, 'ESR_EL1')) continue;
    if (name === 'FAR_EL2' && !isIn(EC_VALID_FAR, 'ESR_EL2')) continue;
    if (name === 'HPFAR_EL2' && !isIn(EC_LOWER_EL_ABORTS, 'ESR_EL2')) continue;
    compare(name, fieldOf(qemu, name), fieldOf(ours, name));
  }
  compare('vector', qemu[L.VECTOR / 8] ?? 0n, ours[L.VECTOR / 8] ?? 0n);
  const hash = (record: BigUint64Array): bigint =>
    (record[L.HASH / 8] ?? 0n) | ((record[L.HASH / 8 + 1] ?? 0n) << 64n);
  compare('memory', hash(qemu), hash(ours));
  return differences;
}
