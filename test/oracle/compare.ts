/** What two output records of one case disagree about. */
import * as L from './layout.ts';

export interface Difference {
  /** `X0` to `X30`, `V0` to `V31`, `SP`, `NZCV`, `SPSR`, `FPSR`, `FPCR`, `ESR`, `ELR`, `FAR`, `vector`, `memory` */
  readonly what: string;
  readonly qemu: bigint;
  readonly ours: bigint;
}

const NZCV_MASK = 0xf000_0000n;
const EC_VALID_FAR = new Set([0x20, 0x21, 0x22, 0x24, 0x25, 0x34, 0x35]);

const quad = (record: BigUint64Array, offset: number): bigint => record[offset / 8] ?? 0n;

/** ESR_EL1.EC of an output record. */
export function exceptionClass(record: BigUint64Array): number {
  return Number(quad(record, L.ESR) >> 26n);
}

/** Architecturally UNKNOWN and so not compared: FAR_EL1 of an exception that does not set it. */
export function compareRecords(qemu: BigUint64Array, ours: BigUint64Array): Difference[] {
  const differences: Difference[] = [];
  const compare = (what: string, theirs: bigint, own: bigint): void => {
    if (theirs !== own) differences.push({ what, qemu: theirs, ours: own });
  };
  const field = (what: string, offset: number): void => {
    compare(what, quad(qemu, offset), quad(ours, offset));
  };
  for (let n = 0; n < 31; n += 1) field(`X${n}`, 8 * n);
  field('SP', L.SP);
  compare('NZCV', quad(qemu, L.SPSR) & NZCV_MASK, quad(ours, L.SPSR) & NZCV_MASK);
  compare('SPSR', quad(qemu, L.SPSR) & ~NZCV_MASK, quad(ours, L.SPSR) & ~NZCV_MASK);
  field('FPSR', L.FPSR);
  field('FPCR', L.FPCR);
  field('ESR', L.ESR);
  field('ELR', L.ELR);
  field('vector', L.VECTOR);
  if (EC_VALID_FAR.has(exceptionClass(qemu)) && EC_VALID_FAR.has(exceptionClass(ours))) {
    field('FAR', L.FAR);
  }
  const wide = (record: BigUint64Array, offset: number): bigint =>
    quad(record, offset) | (quad(record, offset + 8) << 64n);
  for (let n = 0; n < 32; n += 1) {
    const offset = L.V + 16 * n;
    if (
      quad(qemu, offset) !== quad(ours, offset) ||
      quad(qemu, offset + 8) !== quad(ours, offset + 8)
    ) {
      compare(`V${n}`, wide(qemu, offset), wide(ours, offset));
    }
  }
  compare('memory', wide(qemu, L.HASH), wide(ours, L.HASH));
  return differences;
}
