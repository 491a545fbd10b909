/**
 * FEAT_PAuth without FEAT_EPAC, FEAT_PAuth2 and FEAT_FPAC: Arm ARM, AddPAC(), Auth() and Strip(). How long
 * addresses are and whether their top byte is ignored stands in a word of the state (PAC_* of layout.ts).
 * `ComputePAC` is the algorithm, which is chosen here and told in ID_AA64ISAR1_EL1.
 */
import {
  add,
  and,
  call,
  eq,
  eqz,
  extendU,
  i32,
  i64,
  ne,
  not,
  or,
  select,
  shl,
  shrU,
  sub,
  wrap,
  xor,
} from '../isa/expression.ts';
import type { Expr } from '../isa/expression.ts';
import { cellI32 } from './cells.ts';
import * as L from './layout.ts';
import { qarma5 } from './qarma5.ts';
import type { RuntimeFunctionDefinition } from './runtime-function.ts';
import { declared } from './soft-float-support.ts';
import type { FunctionBuilder } from './wasm.ts';

type Bits = Expr<'i64'>;
type Int = Expr<'i32'>;

const bitAt = (value: Bits, position: number): Int => and(wrap(shrU(value, i64(position))), i32(1));
const controlBit = (position: Int): Int =>
  and(shrU(cellI32(L.POINTER_AUTHENTICATION), position), i32(1));
/** Bits below `width`, which is 0 to 63. */
const onesBelow = (width: Int): Bits => sub(shl(i64(1), extendU(width)), i64(1));
/** Bit 0 in every bit. */
const replicate = (bit: Int): Bits => sub(i64(0), extendU(bit));

/** EffectiveTBI() */
function topByteIgnored(f: FunctionBuilder, pointer: Bits, isData: Int): Int {
  const halfAndKind = add(shl(isData, i32(1)), bitAt(pointer, 55));
  return f.let(controlBit(add(halfAndKind, i32(L.PAC_TBI_LSB))));
}

/** CalculateBottomPACBit() */
function bottomPACBit(f: FunctionBuilder, isUpper: Int): Int {
  const position = add(shl(isUpper, i32(3)), i32(L.PAC_BOTTOM_LSB));
  return f.let(and(shrU(cellI32(L.POINTER_AUTHENTICATION), position), i32(63)));
}

/** The bits between the address and the top, where the extension of an address is: top_bit:bottom_PAC_bit. */
function extensionMask(f: FunctionBuilder, bottom: Int, tbi: Int): Bits {
  const top = shrU(i64(-1), select(tbi, i64(8), i64(0)));
  return f.let(and(top, not(onesBelow(bottom))));
}

/** The pointer with `extension` in the bits of `mask`. */
const extended = (pointer: Bits, mask: Bits, extension: Bits): Bits =>
  or(and(pointer, not(mask)), and(extension, mask));

const BIT_55 = i64(1n << 55n);

const addPAC = declared('AddPAC', (f) => {
  const pointer = f.parameter(0, 'i64');
  const isData = f.parameter(4, 'i32');
  const tbi = topByteIgnored(f, pointer, isData);
  const usesBit55 = controlBit(add(isData, i32(L.PAC_SELECT_LSB)));
  const isUpper = f.let(select(usesBit55, bitAt(pointer, 55), bitAt(pointer, 63)));
  const mask = extensionMask(f, bottomPACBit(f, isUpper), tbi);
  const extension = f.let(replicate(isUpper));
  const code = f.variable(
    call(
      'i64',
      'ComputePAC',
      extended(pointer, mask, extension),
      f.parameter(1, 'i64'),
      f.parameter(2, 'i64'),
      f.parameter(3, 'i64'),
    ),
  );
  // A pointer that is no address gets a wrong code: bit top_bit - 1 is inverted.
  const given = f.let(and(pointer, mask));
  f.if(and(ne(given, i64(0)), ne(given, mask)), () => {
    f.set(code, xor(code.value, select(tbi, i64(1n << 54n), i64(1n << 62n))));
  });
  const codeMask = f.let(and(mask, not(BIT_55)));
  const withCode = extended(pointer, codeMask, code.value);
  f.return(extended(withCode, BIT_55, extension));
});

/** The pointer with bit 55 in the bits of its code. */
function original(
  f: FunctionBuilder,
  pointer: Bits,
  isData: Int,
): { readonly address: Bits; readonly mask: Bits; readonly tbi: Int } {
  const tbi = topByteIgnored(f, pointer, isData);
  const isUpper = f.let(bitAt(pointer, 55));
  const mask = extensionMask(f, bottomPACBit(f, isUpper), tbi);
  return { address: f.let(extended(pointer, mask, replicate(isUpper))), mask, tbi };
}

const auth = declared('Auth', (f) => {
  const pointer = f.parameter(0, 'i64');
  const { address, mask, tbi } = original(f, pointer, f.parameter(4, 'i32'));
  const code = call(
    'i64',
    'ComputePAC',
    address,
    f.parameter(1, 'i64'),
    f.parameter(2, 'i64'),
    f.parameter(3, 'i64'),
  );
  const codeMask = and(mask, not(BIT_55));
  f.if(eq(and(xor(code, pointer), codeMask), i64(0)), () => {
    f.return(address);
  });
  // key_number:NOT(key_number) in bits 62:61, or 54:53
  const keyNumber = f.parameter(5, 'i32');
  const error = extendU(or(shl(keyNumber, i32(1)), eqz(keyNumber)));
  const lsb = f.let(select(tbi, i64(53), i64(61)));
  f.return(extended(address, shl(i64(3), lsb), shl(error, lsb)));
});

const strip = declared('Strip', (f) => {
  f.return(original(f, f.parameter(0, 'i64'), f.parameter(1, 'i32')).address);
});

export const pointerAuthenticationFunctions: readonly RuntimeFunctionDefinition[] = [
  qarma5,
  addPAC,
  auth,
  strip,
];
