/** Arm ARM, "Bitfield": SBFM, BFM, UBFM. */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { and, not, or, rotr, shl, shrS, shrU, signExtend } from '../expression.ts';
import type { Expr, IntegerType } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { Ones, X, immediateOf, wideImmediateOf } from '../shared-functions.ts';

const SBFM = 0;
const BFM = 1;
const UBFM = 2;

/** What a bitfield move comes down to, by its aliases. */
const FORM = {
  SXTB: 0,
  SXTH: 1,
  SXTW: 2,
  ASR: 3,
  /** SBFX and SBFIZ: left, then arithmetically right. */
  SIGNED_FIELD: 4,
  LSL: 5,
  LSR: 6,
  /** UXTB, UXTH and UBFX from bit 0. */
  MASK: 7,
  UBFX: 8,
  UBFIZ: 9,
  /** BFI and BFXIL. */
  INSERT: 10,
} as const;

interface Fields {
  readonly sf: number;
  readonly opc: number;
  readonly immr: number;
  readonly imms: number;
}

function formOf({ sf, opc, immr, imms }: Fields): number {
  const top = sf ? 63 : 31;
  if (opc === BFM) return FORM.INSERT;
  if (opc === SBFM) {
    if (imms === top) return FORM.ASR;
    if (immr === 0 && imms === 7) return FORM.SXTB;
    if (immr === 0 && imms === 15) return FORM.SXTH;
    if (immr === 0 && imms === 31) return FORM.SXTW;
    return FORM.SIGNED_FIELD;
  }
  if (imms === top) return FORM.LSR;
  if (imms + 1 === immr) return FORM.LSL;
  if (immr === 0) return FORM.MASK;
  return imms >= immr ? FORM.UBFX : FORM.UBFIZ;
}

function mnemonicOf(opc: number, extract: boolean): string {
  if (opc === BFM) return extract ? 'bfxil' : 'bfi';
  return `${opc === SBFM ? 's' : 'u'}bf${extract ? 'x' : 'iz'}`;
}

/** Amounts of the shifts left and right, and the field's mask before it is placed. */
function fieldOperands({ sf, opc, immr, imms }: Fields): {
  left: number;
  right: number;
  mask: bigint;
} {
  const width = sf ? 64 : 32;
  const extract = imms >= immr;
  const fieldWidth = extract ? imms - immr + 1 : imms + 1;
  const placedAt = extract ? 0 : width - immr;
  if (opc === UBFM) return { left: placedAt, right: immr, mask: Ones(fieldWidth) };
  if (opc === BFM) return { left: 0, right: immr, mask: Ones(fieldWidth) << BigInt(placedAt) };
  const left = width - 1 - imms;
  if (imms === width - 1) return { left: 0, right: immr, mask: 0n };
  return { left, right: extract ? left + immr : left - placedAt, mask: 0n };
}

export const bitfield = instruction({
  title: 'Bitfield',
  encoding: encoding('sf:1 opc:2 100110 N:1 immr:6 imms:6 Rn:5 Rd:5'),

  variant(fields) {
    const { sf, opc, N, immr, imms } = fields;
    if (opc === 3 || N !== sf || (!sf && (immr >= 32 || imms >= 32))) return undefined;
    return { sf, form: formOf(fields) };
  },
  operands: (fields) => ({ Rd: fields.Rd, Rn: fields.Rn, ...fieldOperands(fields) }),

  assembly(fields) {
    const { sf, opc, immr, imms, Rn, Rd } = fields;
    const width = sf ? 64 : 32;
    const d = xzrName(sf, Rd);
    const n = xzrName(sf, Rn);
    switch (formOf(fields)) {
      case FORM.SXTB:
        return `sxtb ${d}, ${xzrName(0, Rn)}`;
      case FORM.SXTH:
        return `sxth ${d}, ${xzrName(0, Rn)}`;
      case FORM.SXTW:
        return `sxtw ${d}, ${xzrName(0, Rn)}`;
      case FORM.ASR:
        return `asr ${d}, ${n}, #${immr}`;
      case FORM.LSL:
        return `lsl ${d}, ${n}, #${width - immr}`;
      case FORM.LSR:
        return `lsr ${d}, ${n}, #${immr}`;
    }
    if (opc === UBFM && !sf && immr === 0 && imms === 7) return `uxtb ${d}, ${n}`;
    if (opc === UBFM && !sf && immr === 0 && imms === 15) return `uxth ${d}, ${n}`;
    const extract = imms >= immr;
    const lsb = extract ? immr : width - immr;
    const fieldWidth = extract ? imms - immr + 1 : imms + 1;
    if (opc === BFM && Rn === 31 && (immr === 0 || !extract)) {
      return `bfc ${d}, #${lsb}, #${fieldWidth}`;
    }
    return `${mnemonicOf(opc, extract)} ${d}, ${n}, #${lsb}, #${fieldWidth}`;
  },

  semantics(e, { sf, form }, { Rd, Rn, left, right, mask }) {
    const source = (): Expr<IntegerType> => X(e, Rn, sf);
    const fieldMask = (): Expr<IntegerType> => wideImmediateOf(e, mask, sf);
    const leftAmount = (): Expr<IntegerType> => immediateOf(e, left, sf);
    const rightAmount = (): Expr<IntegerType> => immediateOf(e, right, sf);
    switch (form) {
      case FORM.SXTB:
        e.setX(Rd, signExtend(source(), 8));
        return;
      case FORM.SXTH:
        e.setX(Rd, signExtend(source(), 16));
        return;
      case FORM.SXTW:
        e.setX(Rd, signExtend(source(), 32));
        return;
      case FORM.ASR:
        e.setX(Rd, shrS(source(), rightAmount()));
        return;
      case FORM.SIGNED_FIELD:
        e.setX(Rd, shrS(shl(source(), leftAmount()), rightAmount()));
        return;
      case FORM.LSL:
        e.setX(Rd, shl(source(), leftAmount()));
        return;
      case FORM.LSR:
        e.setX(Rd, shrU(source(), rightAmount()));
        return;
      case FORM.MASK:
        e.setX(Rd, and(source(), fieldMask()));
        return;
      case FORM.UBFX:
        e.setX(Rd, and(shrU(source(), rightAmount()), fieldMask()));
        return;
      case FORM.UBFIZ:
        e.setX(Rd, shl(and(source(), fieldMask()), leftAmount()));
        return;
      default: {
        const taken = e.let(fieldMask());
        const kept = and(X(e, Rd, sf), not(taken));
        e.setX(Rd, or(and(rotr(source(), rightAmount()), taken), kept));
      }
    }
  },
});
