/** Names of SIMD and floating-point registers in assembly text. */

const SCALAR_PREFIX = 'bhsdq';
const ELEMENT_SUFFIX = ['b', 'h', 's', 'd'] as const;

/** `b3`, `h3`, `s3`, `d3`, `q3` by log2 of the size in bytes. */
export function scalarName(size: number, register: number): string {
  return `${SCALAR_PREFIX.charAt(size)}${register}`;
}

/** `8b`, `16b`, `4h`, ... `2d`. */
export function arrangement(size: number, Q: number): string {
  return `${(Q ? 16 : 8) >> size}${allocated(ELEMENT_SUFFIX[size])}`;
}

/** `v3.4s`. */
export function vectorName(register: number, size: number, Q: number): string {
  return `v${register}.${arrangement(size, Q)}`;
}

/** `v3.s[1]`. */
export function elementName(register: number, size: number, index: number): string {
  return `v${register}.${allocated(ELEMENT_SUFFIX[size])}[${index}]`;
}

/** `{ v30.4s, v31.4s, v0.4s }`: `count` registers from `first` on, with the same suffix. */
export function registerList(first: number, count: number, suffix: string): string {
  const names = Array.from({ length: count }, (_, i) => `v${(first + i) % 32}.${suffix}`);
  return `{ ${names.join(', ')} }`;
}

/** An 8-bit floating-point immediate (Arm ARM, VFPExpandImm) as a number. */
export function floatImmediateValue(imm8: number): number {
  const sign = imm8 & 0x80 ? -1 : 1;
  const exponent = ((imm8 >> 4) & 7) ^ 4;
  return sign * (1 + (imm8 & 15) / 16) * 2 ** (exponent - 3);
}
/** `#1.00000000`. */
export function floatImmediate(imm8: number): string {
  return `#${floatImmediateValue(imm8).toFixed(8)}`;
}
/** Arm ARM, VFPExpandImm(): the bits of the value in a format of 16, 32 or 64 bits. */
export function VFPExpandImm(imm8: number, N: number): bigint {
  if (N === 16) {
    const exponent = (((imm8 >> 4) & 7) ^ 4) - 3 + 15;
    return BigInt(((imm8 & 0x80) << 8) | (exponent << 10) | ((imm8 & 15) << 6));
  }
  const view = new DataView(new ArrayBuffer(8));
  if (N === 64) {
    view.setFloat64(0, floatImmediateValue(imm8));
    return view.getBigUint64(0);
  }
  view.setFloat32(0, floatImmediateValue(imm8));
  return BigInt(view.getUint32(0));
}
import { allocated } from './allocated.ts';
