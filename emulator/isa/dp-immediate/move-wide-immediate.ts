/** Arm ARM, "Move wide (immediate)": MOVN, MOVZ, MOVK. */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { and, or } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { Ones } from '../shared-functions.ts';

const MOVN = 0;
const UNALLOCATED = 1;
const MOVZ = 2;
const MOVK = 3;

interface Fields {
  readonly sf: number;
  readonly opc: number;
  readonly hw: number;
  readonly imm16: number;
}

const widthOf = (sf: number): 32 | 64 => (sf ? 64 : 32);

/** What MOVN and MOVZ write, and what MOVK inserts; unsigned. */
function moveValue({ sf, opc, hw, imm16 }: Fields): bigint {
  const shifted = BigInt(imm16) << BigInt(hw * 16);
  return BigInt.asUintN(widthOf(sf), opc === MOVN ? ~shifted : shifted);
}

/** Can MOVZ with this shift, in bits, make the value? Zero is made without a shift. */
function isMOVZ(value: bigint, shift: number): boolean {
  if (value === 0n && shift !== 0) return false;
  return (value & ~(0xffffn << BigInt(shift))) === 0n;
}

function isAnyMOVZ(value: bigint, width: 32 | 64): boolean {
  for (let shift = 0; shift < width; shift += 16) if (isMOVZ(value, shift)) return true;
  return false;
}

/** Whether one MOVZ or MOVN makes the value, so that MOV means that and not ORR. */
export function isMoveWideImmediate(value: bigint, width: 32 | 64): boolean {
  return isAnyMOVZ(value, width) || isAnyMOVZ(BigInt.asUintN(width, ~value), width);
}

function isMoveAlias(fields: Fields): boolean {
  const width = widthOf(fields.sf);
  const shift = fields.hw * 16;
  const value = moveValue(fields);
  if (fields.opc === MOVZ) return isMOVZ(value, shift);
  // A value that MOVZ can make as well is MOVZ's.
  return !isAnyMOVZ(value, width) && isMOVZ(BigInt.asUintN(width, ~value), shift);
}

export const moveWideImmediate = instruction({
  title: 'Move wide (immediate)',
  encoding: encoding('sf:1 opc:2 100101 hw:2 imm16:16 Rd:5'),

  variant({ sf, opc, hw }) {
    if (opc === UNALLOCATED || (!sf && hw >= 2)) return undefined;
    return { keep: opc === MOVK };
  },

  /** `kept` has the bits that MOVK leaves; those above a W register are not among them. */
  operands(fields) {
    const field = 0xffffn << BigInt(fields.hw * 16);
    return { Rd: fields.Rd, value: moveValue(fields), kept: Ones(widthOf(fields.sf)) & ~field };
  },

  assembly(fields) {
    const { sf, opc, hw, imm16, Rd } = fields;
    const d = xzrName(sf, Rd);
    if (opc !== MOVK && isMoveAlias(fields)) {
      return `mov ${d}, #${BigInt.asIntN(widthOf(sf), moveValue(fields))}`;
    }
    const mnemonic = opc === MOVK ? 'movk' : opc === MOVZ ? 'movz' : 'movn';
    return `${mnemonic} ${d}, #${imm16}${hw ? `, lsl #${hw * 16}` : ''}`;
  },

  semantics(e, { keep }, { Rd, value, kept }) {
    const inserted = e.imm64(value);
    e.setX(Rd, keep ? or(and(e.x(Rd), e.imm64(kept)), inserted) : inserted);
  },
});
