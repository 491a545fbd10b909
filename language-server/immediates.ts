/** Which constants A64 instructions can hold. */

const MASK_64 = (1n << 64n) - 1n;
const maskOf = (width: 32 | 64): bigint => (1n << BigInt(width)) - 1n;

/** Whether a value, signed or not, fits a register of that width at all. */
export function fitsRegister(value: bigint, width: 32 | 64): boolean {
  return value >= -(1n << BigInt(width - 1)) && value <= maskOf(width);
}

/** Arm ARM, DecodeBitMasks(): whether some N:imms:immr gives the value. */
export function isBitmask(value: bigint, width: 32 | 64): boolean {
  if (!fitsRegister(value, width)) return false;
  let bits = value & maskOf(width);
  if (bits === 0n || bits === maskOf(width)) return false;
  let size = BigInt(width);
  while (size > 2n) {
    const half = size / 2n;
    const mask = (1n << half) - 1n;
    if ((bits & mask) !== ((bits >> half) & mask)) break;
    size = half;
    bits &= mask;
  }
  // A rotated run of ones has exactly one place where a 0 is followed by a 1.
  const rotated = ((bits >> 1n) | (bits << (size - 1n))) & ((1n << size) - 1n);
  let rises = bits & ~rotated;
  let count = 0;
  for (; rises !== 0n; rises &= rises - 1n) count += 1;
  return count === 1;
}

/** The nearest legal bitmasks below and above. */
export function nearestBitmasks(value: bigint, width: 32 | 64): bigint[] {
  const start = value & maskOf(width);
  const found: bigint[] = [];
  for (let distance = 1n; distance <= 4096n && found.length < 2; distance += 1n) {
    if (
      start - distance > 0n &&
      found.every((it) => it > start) &&
      isBitmask(start - distance, width)
    ) {
      found.unshift(start - distance);
    }
    if (found.every((it) => it < start) && isBitmask(start + distance, width)) {
      found.push(start + distance);
    }
  }
  return found;
}

/** Whether one MOVZ makes it. */
export function isMoveWide(value: bigint, width: 32 | 64): boolean {
  const bits = value & maskOf(width);
  for (let shift = 0n; shift < BigInt(width); shift += 16n) {
    if ((bits & ~(0xffffn << shift) & MASK_64) === 0n) return true;
  }
  return false;
}

/** Whether `mov` can be MOVZ, MOVN or ORR (immediate). */
export function isMovImmediate(value: bigint, width: 32 | 64): boolean {
  if (!fitsRegister(value, width)) return false;
  return (
    isMoveWide(value, width) || isMoveWide(~value & maskOf(width), width) || isBitmask(value, width)
  );
}

/** MOVZ and MOVKs that make any value. */
export function moveWideSequence(register: string, value: bigint, width: 32 | 64): string[] {
  const lines: string[] = [];
  const bits = value & maskOf(width);
  for (let shift = 0n; shift < BigInt(width); shift += 16n) {
    const part = (bits >> shift) & 0xffffn;
    if (part === 0n) continue;
    const place = shift === 0n ? '' : `, lsl #${shift}`;
    lines.push(
      `${lines.length === 0 ? 'movz' : 'movk'} ${register}, #0x${part.toString(16)}${place}`,
    );
  }
  return lines.length === 0 ? [`movz ${register}, #0`] : lines;
}

/** 0 to 4095, or a multiple of 4096 up to 0xfff000, of either sign. */
export function isAddImmediate(value: bigint): boolean {
  const size = value < 0n ? -value : value;
  return size <= 4095n || ((size & 0xfffn) === 0n && size <= 0xfff000n);
}
