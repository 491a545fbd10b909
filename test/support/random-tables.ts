/** Random translation controls, and tables that exist only as a function of their address. */
import type { ReferenceRegisters } from './reference-walker.ts';

/** A generator of 32-bit numbers from a seed (a counter through a mixing function). */
function numbers(seed: number): () => number {
  let counter = seed | 0;
  return () => {
    counter = (counter + 0x9e3779b9) | 0;
    let value = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
    value = Math.imul(value ^ (value >>> 15), 0x735a2d97);
    return (value ^ (value >>> 15)) >>> 0;
  };
}

const KINDS_OF_MEMORY = [0x00, 0x04, 0x0c, 0x44, 0xaa, 0xff, 0xbb, 0x4f] as const;

/** Mostly values that let a walk start, and an address that mostly is in the range of its half. */
export function randomRegisters(seed: number): { registers: ReferenceRegisters; va: bigint } {
  const next = numbers(seed);
  const below = (limit: number): number => next() % limit;
  const chance = (percent: number): boolean => below(100) < percent;
  const EL = below(3) as 0 | 1 | 2;
  const TnSZ = (): bigint => BigInt(chance(92) ? 16 + below(24) : below(64));
  const wide = (): bigint => (BigInt(next()) << 32n) | BigInt(next());
  const PS = BigInt(chance(80) ? 2 : below(8));
  const T0SZ = TnSZ();
  const T1SZ = TnSZ();
  let TCR = T0SZ | (BigInt(below(4)) << 14n);
  if (EL === 2) TCR |= (PS << 16n) | (BigInt(below(2)) << 20n);
  else {
    TCR |= (T1SZ << 16n) | (BigInt(below(4)) << 30n) | (PS << 32n) | (BigInt(below(4)) << 37n);
    if (chance(4)) TCR |= 1n << 7n;
    if (chance(4)) TCR |= 1n << 23n;
  }
  const upper = EL === 2 ? chance(5) : chance(50);
  const width = BigInt(64 - Number(upper ? T1SZ : T0SZ));
  let va = BigInt.asUintN(Number(width), wide());
  if (upper) va = BigInt.asUintN(64, va - (1n << width));
  if (chance(20)) va = BigInt.asUintN(56, va) | (BigInt(below(256)) << 56n);
  if (chance(5)) va = wide();

  // Start levels that fit: 25 to 40 bits of IPA, 4 KB at level 1 or 2, the others at level 2 or 3.
  const S2T0SZ = chance(85) ? 24 + below(10) : below(64);
  const VTCR_EL2 =
    BigInt(S2T0SZ) |
    (BigInt(chance(85) ? 1 : below(4)) << 6n) |
    (BigInt(below(3)) << 14n) |
    (BigInt(chance(85) ? 2 : below(8)) << 16n);
  const flag = (percent: number, position: number): bigint =>
    chance(percent) ? 1n << BigInt(position) : 0n;
  const base = (): bigint => (chance(95) ? BigInt(next() % 2 ** 28) << 10n : wide());
  return {
    registers: {
      EL,
      SCTLR: flag(90, 0) | flag(30, 19) | flag(50, 12),
      TCR,
      TTBR0: base(),
      TTBR1: base(),
      MAIR: KINDS_OF_MEMORY.reduce((sum, kind, n) => sum | (BigInt(kind) << BigInt(8 * n)), 0n),
      HCR_EL2: flag(40, 0) | flag(20, 2) | flag(5, 12) | flag(5, 27) | flag(20, 32) | flag(20, 33),
      VTCR_EL2,
      VTTBR_EL2: base(),
      physicalAddressBits: chance(80) ? 40 : 48,
    },
    va,
  };
}

/** The descriptor at an address: the same whenever it is asked for, mostly valid and mostly a table. */
export function randomTables(
  seed: number,
  { physicalAddressBits }: ReferenceRegisters,
): (PA: bigint) => bigint | undefined {
  return (PA) => {
    if (PA >> BigInt(physicalAddressBits) !== 0n) {
      throw new RangeError(`a walk reads 0x${PA.toString(16)}, beyond the physical addresses`);
    }
    const next = numbers(
      seed ^ Number(PA & 0xffff_ffffn) ^ Math.imul(Number(PA >> 32n), 0x9e3779b1),
    );
    next();
    const chance = (percent: number): boolean => next() % 100 < percent;
    if (chance(1)) return undefined;
    const kind = chance(85) ? 3n : BigInt(next() % 4);
    const address = chance(96) ? BigInt(next() % 2 ** 20) << 12n : BigInt(next()) << 16n;
    let attributes = BigInt(next() & 0xffc);
    if (chance(90)) attributes |= 1n << 10n;
    // Stage 2 tables would seldom be readable otherwise.
    if (chance(60)) attributes |= 0x40n;
    let upper = 0n;
    for (const position of [52, 53, 54, 59, 60, 61, 62]) {
      if (chance(10)) upper |= 1n << BigInt(position);
    }
    return upper | address | attributes | kind;
  };
}
