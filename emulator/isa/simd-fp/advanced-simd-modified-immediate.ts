/** Arm ARM, "Advanced SIMD modified immediate". */
import { allocated } from './allocated.ts';
import { encoding } from '../encoding.ts';
import { simd, splat } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { VFPExpandImm, floatImmediate, scalarName, vectorName } from './assembly.ts';
import { upperHalf, vectorLanes } from './vector.ts';

interface Fields {
  readonly Q: number;
  readonly op: number;
  readonly abc: number;
  readonly cmode: number;
  readonly defgh: number;
}

/** Repeats an element of `width` bits to 64. */
function replicate(value: bigint, width: number): bigint {
  let result = 0n;
  for (let at = 0; at < 64; at += width) result |= value << BigInt(at);
  return result;
}

/** Arm ARM, AdvSIMDExpandImm(). */
function AdvSIMDExpandImm({ op, abc, cmode, defgh }: Omit<Fields, 'Q'>): bigint {
  const imm8 = (abc << 5) | defgh;
  const wide = BigInt(imm8);
  if (cmode < 8) return replicate(wide << BigInt(8 * (cmode >> 1)), 32);
  if (cmode < 12) return replicate(wide << BigInt(8 * ((cmode >> 1) & 1)), 16);
  if (cmode < 14) {
    const shift = cmode === 12 ? 8n : 16n;
    return replicate((wide << shift) | ((1n << shift) - 1n), 32);
  }
  if (cmode === 14) {
    if (op === 0) return replicate(wide, 8);
    let result = 0n;
    for (let bit = 0; bit < 8; bit += 1) {
      if (imm8 & (1 << bit)) result |= 0xffn << BigInt(8 * bit);
    }
    return result;
  }
  return op ? VFPExpandImm(imm8, 64) : replicate(VFPExpandImm(imm8, 32), 32);
}

const MOVE = 0;
const MOVE_NOT = 1;
const OR = 2;
const CLEAR = 3;

function operationOf(op: number, cmode: number): number {
  const accumulates = cmode < 12 && (cmode & 1) === 1;
  if (accumulates) return op ? CLEAR : OR;
  return op === 1 && cmode < 14 ? MOVE_NOT : MOVE;
}

function hex16(value: bigint): string {
  return value === 0n ? '0'.repeat(16) : `0x${value.toString(16).padStart(14, '0')}`;
}

export const advancedSIMDModifiedImmediate = instruction({
  title: 'Advanced SIMD modified immediate',
  encoding: encoding('0 Q:1 op:1 0111100000 abc:3 cmode:4 01 defgh:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ Q, op, cmode }) {
    if (cmode === 15 && op === 1 && Q === 0) return undefined;
    return { operation: operationOf(op, cmode) };
  },
  operands({ Q, op, abc, cmode, defgh, Rd }) {
    return { upper: upperHalf(Q), imm: AdvSIMDExpandImm({ op, abc, cmode, defgh }), Rd };
  },

  assembly({ Q, op, abc, cmode, defgh, Rd }) {
    const imm8 = (abc << 5) | defgh;
    if (cmode === 15) return `fmov ${vectorName(Rd, op ? 3 : 2, Q)}, ${floatImmediate(imm8)}`;
    if (cmode === 14) {
      if (op === 0) return `movi ${vectorName(Rd, 0, Q)}, #${imm8}`;
      const value = AdvSIMDExpandImm({ op, abc, cmode, defgh });
      return `movi ${Q ? vectorName(Rd, 3, 1) : scalarName(3, Rd)}, #${hex16(value)}`;
    }
    const mnemonic = allocated(['movi', 'mvni', 'orr', 'bic'][operationOf(op, cmode)]);
    const size = cmode >= 8 && cmode < 12 ? 1 : 2;
    const amount = 8 * ((cmode >> 1) & (size === 1 ? 1 : 3));
    const shift =
      cmode >= 12 ? `, msl #${cmode === 12 ? 8 : 16}` : amount === 0 ? '' : `, lsl #${amount}`;
    return `${mnemonic} ${vectorName(Rd, size, Q)}, #${imm8}${shift}`;
  },

  semantics(e, { operation }, { upper, imm, Rd }) {
    const lanes = vectorLanes(e, 3, upper);
    const value = splat('i64x2', e.imm64(imm));
    switch (operation) {
      case MOVE:
        lanes.write(Rd, value);
        break;
      case MOVE_NOT:
        lanes.write(Rd, simd('v128.not', value));
        break;
      case OR:
        lanes.write(Rd, simd('v128.or', e.v(Rd), value));
        break;
      default:
        lanes.write(Rd, simd('v128.andnot', e.v(Rd), value));
    }
  },
});
