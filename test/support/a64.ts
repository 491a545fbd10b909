/** Instruction words for guests of a few instructions. Arm ARM, "A64 instruction set encoding". */
import { byName } from '../../emulator/sysregs/catalogue.ts';
import { mrsOpcode, msrOpcode } from '../../emulator/sysregs/sysreg.ts';

function register(name: string): { readonly encoding: number } {
  const found = byName(name);
  if (found === undefined) throw new TypeError(`There is no register ${name}`);
  return found;
}

export const nop = 0xd503201f;
export const isb = 0xd5033fdf;
export const eret = 0xd69f03e0;
export const wfi = 0xd503207f;

/** `msr <name>, x<t>` */
export const msr = (name: string, t: number): number => msrOpcode(register(name), t);
/** `mrs x<t>, <name>` */
export const mrs = (t: number, name: string): number => mrsOpcode(register(name), t);

/** `movz x<d>, #imm16, lsl #shift` */
export const movz = (d: number, imm16: number, shift = 0): number =>
  (0xd2800000 | ((shift / 16) << 21) | (imm16 << 5) | d) >>> 0;
/** `movk x<d>, #imm16, lsl #shift` */
export const movk = (d: number, imm16: number, shift: number): number =>
  (0xf2800000 | ((shift / 16) << 21) | (imm16 << 5) | d) >>> 0;

/** x<d> := a value of up to 64 bits. */
export function mov(d: number, value: bigint): number[] {
  const words = [movz(d, Number(value & 0xffffn))];
  for (const shift of [16, 32, 48]) {
    const part = Number((value >> BigInt(shift)) & 0xffffn);
    if (part !== 0) words.push(movk(d, part, shift));
  }
  return words;
}

/** Writes a constant to a system register; uses x0. */
export const set = (name: string, value: bigint): number[] => [...mov(0, value), msr(name, 0)];

/** `add x<d>, x<n>, #imm` */
export const addImmediate = (d: number, n: number, imm12: number): number =>
  (0x91000000 | (imm12 << 10) | (n << 5) | d) >>> 0;
/** `subs x<d>, x<n>, #imm` */
export const subsImmediate = (d: number, n: number, imm12: number): number =>
  (0xf1000000 | (imm12 << 10) | (n << 5) | d) >>> 0;
/** `b <offset>`: bytes from the instruction itself. */
export const b = (offset: number): number => (0x14000000 | ((offset / 4) & 0x3ffffff)) >>> 0;
/** `b.ne <offset>` */
export const bne = (offset: number): number => (0x54000001 | (((offset / 4) & 0x7ffff) << 5)) >>> 0;
/** `str x<t>, [x<n>]` */
export const str = (t: number, n: number): number => (0xf9000000 | (n << 5) | t) >>> 0;
/** `ldr x<t>, [x<n>]` */
export const ldr = (t: number, n: number): number => (0xf9400000 | (n << 5) | t) >>> 0;
/** `strb w<t>, [x<n>]` */
export const strb = (t: number, n: number): number => (0x39000000 | (n << 5) | t) >>> 0;
/** `ldxr x<t>, [x<n>]` */
export const ldxr = (t: number, n: number): number => (0xc85f7c00 | (n << 5) | t) >>> 0;
/** `stxr w<s>, x<t>, [x<n>]` */
export const stxr = (s: number, t: number, n: number): number =>
  (0xc8007c00 | (s << 16) | (n << 5) | t) >>> 0;
/** `cbz w<t>, <offset>` */
export const cbz = (t: number, offset: number): number =>
  (0x34000000 | (((offset / 4) & 0x7ffff) << 5) | t) >>> 0;
/** `cbnz w<t>, <offset>` */
export const cbnz = (t: number, offset: number): number =>
  (0x35000000 | (((offset / 4) & 0x7ffff) << 5) | t) >>> 0;

export const brk = (imm16: number): number => (0xd4200000 | (imm16 << 5)) >>> 0;
export const svc = (imm16: number): number => (0xd4000001 | (imm16 << 5)) >>> 0;
export const hvc = (imm16: number): number => (0xd4000002 | (imm16 << 5)) >>> 0;
export const smc = (imm16: number): number => (0xd4000003 | (imm16 << 5)) >>> 0;
/** `msr daifset, #imm` */
export const daifSet = (imm: number): number => (0xd50340df | (imm << 8)) >>> 0;
/** `msr daifclr, #imm` */
export const daifClr = (imm: number): number => (0xd50340ff | (imm << 8)) >>> 0;
