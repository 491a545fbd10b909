/** The data half of a load or store: which bytes move between memory and which registers. */
import { spName, xzrName } from '../assembly-text.ts';
import { add, extendS, wrap } from '../expression.ts';
import type { Expr } from '../expression.ts';
import type { Emitter, LoadedData, MemoryOptions, Operand, StoredValue } from '../instruction.ts';

type ByteCount = 1 | 2 | 4 | 8;

/** Bytes of a `size` or `scale` field. */
export function bytesOf(size: number): ByteCount {
  return (1 << size) as ByteCount;
}

// -- general-purpose registers, as size:opc of the single-register classes encode them

const STORE = 0;
const LOAD = 1;
const LOAD_SIGNED_64 = 2;
const LOAD_SIGNED_32 = 3;

export interface GeneralTransfer {
  readonly size: number;
  readonly opc: number;
}

export function isPrefetch({ size, opc }: GeneralTransfer): boolean {
  return size === 3 && opc === LOAD_SIGNED_64;
}

/** Neither a prefetch nor unallocated. */
export function isGeneralTransfer({ size, opc }: GeneralTransfer): boolean {
  return opc <= LOAD || (opc === LOAD_SIGNED_64 ? size < 3 : size < 2);
}

/** `ldrsb` from `ldr`, `sturh` from `stur`; `stem` is what follows `ld` or `st`. */
export function generalMnemonic({ size, opc }: GeneralTransfer, stem: string): string {
  const direction = opc === STORE ? 'st' : 'ld';
  const signed = opc >= LOAD_SIGNED_64 ? 's' : '';
  const unit = size === 0 ? 'b' : size === 1 ? 'h' : signed ? 'w' : '';
  return `${direction}${stem}${signed}${unit}`;
}

export function generalRegisterName({ size, opc }: GeneralTransfer, Rt: number): string {
  return xzrName(size === 3 || opc === LOAD_SIGNED_64 ? 1 : 0, Rt);
}

/**
 * The access of one general-purpose register. Writeback comes after the access and after the
 * register was written: where Rt is the base of a load, the base's new value stays. That is the
 * UNKNOWN that the Arm ARM's CONSTRAINED UNPREDICTABLE choice gives Rt; a store of its own base
 * stores the old value.
 */
export function transferGeneral(
  e: Emitter,
  { size, opc }: GeneralTransfer,
  address: Expr<'i64'>,
  Rt: Operand,
  options: MemoryOptions = {},
): void {
  const bytes = bytesOf(size);
  if (opc === STORE) {
    e.store(address, bytes, [{ offset: 0, size: bytes, value: e.x(Rt) }], options);
    return;
  }
  const data = e.load(address, bytes, options);
  const value = data.i64(0, bytes, opc !== LOAD);
  e.setX(Rt, opc === LOAD_SIGNED_32 ? wrap(value) : value);
}

// -- SIMD and floating-point registers: scale is B 0, H 1, S 2, D 3, Q 4

export const Q_SCALE = 4;

/** Scale from size:opc<1> of the single-register classes; undefined where unallocated. */
export function vectorScale(size: number, opc: number): number | undefined {
  const scale = ((opc & 2) << 1) | size;
  return scale > Q_SCALE ? undefined : scale;
}

export function vectorRegisterName(scale: number, Rt: number): string {
  return `${'bhsdq'.charAt(scale)}${Rt}`;
}

export function setVectorRegister(
  e: Emitter,
  scale: number,
  Rt: Operand,
  data: LoadedData,
  offset: number,
): void {
  switch (scale) {
    case 0:
      e.setB(Rt, wrap(data.i64(offset, 1)));
      break;
    case 1:
      e.setH(Rt, wrap(data.i64(offset, 2)));
      break;
    case 2:
      e.setS(Rt, wrap(data.i64(offset, 4)));
      break;
    case 3:
      e.setD(Rt, data.i64(offset, 8));
      break;
    default:
      e.setV(Rt, data.v128(offset));
  }
}

export function storedVectorRegister(
  e: Emitter,
  scale: number,
  Rt: Operand,
  offset: number,
): StoredValue {
  return scale === Q_SCALE
    ? { offset, size: 16, value: e.v(Rt) }
    : { offset, size: bytesOf(scale), value: e.d(Rt) };
}

/** The access of one SIMD and floating-point register. */
export function transferVector(
  e: Emitter,
  { scale, L }: { readonly scale: number; readonly L: number },
  address: Expr<'i64'>,
  Rt: Operand,
): void {
  const bytes = 1 << scale;
  if (L) setVectorRegister(e, scale, Rt, e.load(address, bytes), 0);
  else e.store(address, bytes, [storedVectorRegister(e, scale, Rt, 0)]);
}

// -- addresses

/** Addressing modes of an immediate offset in the pair classes and, as 1 and 3, in the others. */
export const POST_INDEXED = 1;
export const OFFSET = 2;
export const PRE_INDEXED = 3;

/** Base register plus a 32-bit immediate operand, without writeback. */
export function offsetAddress(e: Emitter, Rn: Operand, sp: boolean, offset: Operand): Expr<'i64'> {
  return add(e.base(Rn, sp), extendS(e.imm32(offset)));
}

/** Runs `access` with the address of an indexed access, then writes the base back. */
export function withWriteback(
  e: Emitter,
  mode: number,
  { Rn, sp, offset }: { readonly Rn: Operand; readonly sp: boolean; readonly offset: Operand },
  access: (address: Expr<'i64'>) => void,
): void {
  const base = e.let(e.base(Rn, sp));
  const indexed = e.let(add(base, extendS(e.imm32(offset))));
  access(mode === POST_INDEXED ? base : indexed);
  e.setXOrSp(Rn, indexed);
}

/** `[x1, #8]`, `[x1, #8]!` or `[x1], #8`. */
export function addressText(mode: number, Rn: number, offset: number): string {
  const base = spName(1, Rn);
  if (mode === POST_INDEXED) return `[${base}], #${offset}`;
  if (mode === PRE_INDEXED) return `[${base}, #${offset}]!`;
  return offset === 0 ? `[${base}]` : `[${base}, #${offset}]`;
}

/** `pldl1keep` and its relatives, or the number of an operation without a name. */
export function prefetchOperation(Rt: number): string {
  const type = ['pld', 'pli', 'pst'][Rt >> 3];
  const target = (Rt >> 1) & 3;
  if (type === undefined || target === 3) return `#${Rt}`;
  return `${type}l${target + 1}${Rt & 1 ? 'strm' : 'keep'}`;
}
