/** Arm ARM, "Conversion between floating-point and fixed-point" and "... and integer". */
import { allocated } from './allocated.ts';
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { call, i32, i64, shl, shrU, wrap } from '../expression.ts';
import type { Expr } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { Emitter, Operand } from '../instruction.ts';
import { scalarName } from './assembly.ts';
import { HALF_PTYPE, SIZE_OF_PTYPE, featureOfPtype } from './floating-point-data-processing.ts';
import { FPToFixed, FixedToFP } from './shared-functions.ts';
import type { Rounding } from './shared-functions.ts';
import { readScalar, writeScalar } from './vector.ts';

const SCVTF = 2;
const UCVTF = 3;
const FCVTZS = 0;
const FCVTZU = 1;

function general(e: Emitter, sf: number, register: Operand): Expr {
  return sf ? e.x(register) : e.w(register);
}

export const conversionBetweenFloatingPointAndFixedPoint = instruction({
  title: 'Conversion between floating-point and fixed-point',
  encoding: encoding('sf:1 0011110 ptype:2 0 rmode:2 opcode:3 scale:6 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  featureOf: featureOfPtype,

  unallocated: ({ sf, scale }) => !sf && scale < 32,
  variant({ sf, ptype, rmode, opcode }) {
    if (SIZE_OF_PTYPE[ptype] === undefined) return undefined;
    const toFloat = rmode === 0 && (opcode === SCVTF || opcode === UCVTF);
    const toFixed = rmode === 3 && (opcode === FCVTZS || opcode === FCVTZU);
    return toFloat || toFixed ? { sf, ptype, opcode } : undefined;
  },
  operands: ({ scale, Rn, Rd }) => ({ fbits: 64 - scale, Rn, Rd }),

  assembly({ sf, ptype, opcode, scale, Rn, Rd }) {
    const mnemonic = allocated(['fcvtzs', 'fcvtzu', 'scvtf', 'ucvtf'][opcode]);
    const size = allocated(SIZE_OF_PTYPE[ptype]);
    const [d, n] =
      opcode >= SCVTF
        ? [scalarName(size, Rd), xzrName(sf, Rn)]
        : [xzrName(sf, Rd), scalarName(size, Rn)];
    return `${mnemonic} ${d}, ${n}, #${64 - scale}`;
  },

  semantics(e, { sf, ptype, opcode }, { fbits, Rn, Rd }) {
    const size = allocated(SIZE_OF_PTYPE[ptype]);
    const N = 8 << size;
    const unsigned = (opcode & 1) === 1;
    if (opcode >= SCVTF) {
      const value = FixedToFP(e, N, general(e, sf, Rn), e.imm32(fbits), unsigned);
      writeScalar(e, size, Rd, value);
      return;
    }
    const value = readScalar(e, size, Rn);
    const width = sf ? 64 : 32;
    const fixed = FPToFixed(e, N, value, e.imm32(fbits), unsigned, 'ZERO', width);
    e.setX(Rd, fixed as Expr<'i32' | 'i64'>);
  },
});

export const floatingPointJavascriptConvert = instruction({
  title: 'Floating-point Javascript convert to signed fixed-point',
  feature: 'FEAT_JSCVT',
  encoding: encoding('00011110 01 1 11 110 000000 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,
  variant: () => ({}),
  operands: ({ Rn, Rd }) => ({ Rn, Rd }),
  assembly: ({ Rn, Rd }) => `fjcvtzs ${xzrName(0, Rd)}, ${scalarName(3, Rn)}`,
  semantics(e, _variant, { Rn, Rd }) {
    const result = e.let(call('i64', 'FPToFixedJS', e.d(Rn)));
    e.setX(Rd, wrap(result));
    // Bit 32 is PSTATE.Z: the conversion was exact.
    e.setNZCV(shl(wrap(shrU(result, i64(32))), i32(2)));
  },
});

const ROUNDING_OF_RMODE: readonly Rounding[] = ['TIEEVEN', 'POSINF', 'NEGINF', 'ZERO'];
const RMODE_LETTER = ['n', 'p', 'm', 'z'] as const;
const FCVTAS = 4;
const FCVTAU = 5;
const FMOV_TO_GENERAL = 6;
const FMOV_FROM_GENERAL = 7;
const TOP_HALF = 2; // ptype of FMOV (top half, 64-bit)

export const conversionBetweenFloatingPointAndInteger = instruction({
  title: 'Conversion between floating-point and integer',
  encoding: encoding('sf:1 0011110 ptype:2 1 rmode:2 opcode:3 000000 Rn:5 Rd:5'),
  usesFP: true,
  featureOf: featureOfPtype,

  variant({ sf, ptype, rmode, opcode }) {
    if (opcode >= FMOV_TO_GENERAL) {
      const whole = rmode === 0 && (ptype === sf || ptype === HALF_PTYPE);
      const top = rmode === 1 && ptype === TOP_HALF && sf === 1;
      return whole || top ? { sf, ptype, rmode, opcode } : undefined;
    }
    if (SIZE_OF_PTYPE[ptype] === undefined) return undefined;
    return opcode < SCVTF || rmode === 0 ? { sf, ptype, rmode, opcode } : undefined;
  },
  operands: ({ Rn, Rd }) => ({ Rn, Rd, top: 1 }),

  assembly({ sf, ptype, rmode, opcode, Rn, Rd }) {
    const x = (register: number): string => xzrName(sf, register);
    if (opcode >= FMOV_TO_GENERAL) {
      const v = (register: number): string =>
        rmode === 1 ? `v${register}.d[1]` : scalarName(allocated(SIZE_OF_PTYPE[ptype]), register);
      return opcode === FMOV_TO_GENERAL ? `fmov ${x(Rd)}, ${v(Rn)}` : `fmov ${v(Rd)}, ${x(Rn)}`;
    }
    const v = (register: number): string => scalarName(allocated(SIZE_OF_PTYPE[ptype]), register);
    if (opcode === SCVTF || opcode === UCVTF) {
      return `${opcode === SCVTF ? 'scvtf' : 'ucvtf'} ${v(Rd)}, ${x(Rn)}`;
    }
    const letter = opcode >= FCVTAS ? 'a' : allocated(RMODE_LETTER[rmode]);
    return `fcvt${letter}${opcode & 1 ? 'u' : 's'} ${x(Rd)}, ${v(Rn)}`;
  },

  semantics(e, { sf, ptype, rmode, opcode }, { Rn, Rd, top }) {
    if (opcode >= FMOV_TO_GENERAL) {
      const size = ptype === HALF_PTYPE ? 1 : 2 + sf;
      if (rmode === 1) {
        if (opcode === FMOV_TO_GENERAL) e.setX(Rd, e.vLane(Rn, 8, e.imm32(top)));
        else e.setVLane(Rd, 8, e.imm32(top), e.x(Rn));
      } else if (opcode === FMOV_FROM_GENERAL) {
        const value = e.let(general(e, sf, Rn));
        writeScalar(e, size, Rd, size < 3 && sf ? wrap(value as Expr<'i64'>) : value);
      } else {
        e.setX(Rd, readScalar(e, size, Rn) as Expr<'i32' | 'i64'>);
      }
      return;
    }
    const size = allocated(SIZE_OF_PTYPE[ptype]);
    const N = 8 << size;
    const unsigned = (opcode & 1) === 1;
    if (opcode === SCVTF || opcode === UCVTF) {
      writeScalar(e, size, Rd, FixedToFP(e, N, general(e, sf, Rn), i32(0), unsigned));
      return;
    }
    const rounding =
      opcode === FCVTAS || opcode === FCVTAU ? 'TIEAWAY' : allocated(ROUNDING_OF_RMODE[rmode]);
    const value = readScalar(e, size, Rn);
    const result = FPToFixed(e, N, value, i32(0), unsigned, rounding, sf ? 64 : 32);
    e.setX(Rd, result as Expr<'i32' | 'i64'>);
  },
});
