/** Arm ARM, "Floating-point compare", "conditional compare", "conditional select" and "immediate". */
import { allocated } from './allocated.ts';
import { conditionName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { select, wrap } from '../expression.ts';
import type { Expr } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { VFPExpandImm, floatImmediate, scalarName } from './assembly.ts';
import { SIZE_OF_PTYPE, featureOfPtype } from './floating-point-data-processing.ts';
import { FPCompare, constantBits } from './shared-functions.ts';
import { readScalar, writeScalar } from './vector.ts';

export const floatingPointCompare = instruction({
  title: 'Floating-point compare',
  encoding: encoding('00011110 ptype:2 1 Rm:5 001000 Rn:5 signals:1 zero:1 000'),
  usesFP: true,
  featureOf: featureOfPtype,

  variant({ ptype, signals, zero }) {
    return SIZE_OF_PTYPE[ptype] !== undefined ? { ptype, signals, zero } : undefined;
  },
  operands: ({ Rm, Rn }) => ({ Rm, Rn }),

  assembly({ ptype, Rm, Rn, signals, zero }) {
    const size = allocated(SIZE_OF_PTYPE[ptype]);
    const second = zero ? '#0.0' : scalarName(size, Rm);
    return `fcmp${signals ? 'e' : ''} ${scalarName(size, Rn)}, ${second}`;
  },

  semantics(e, { ptype, signals, zero }, { Rm, Rn }) {
    const size = allocated(SIZE_OF_PTYPE[ptype]);
    const N = 8 << size;
    const second = zero ? constantBits(N, 0n) : readScalar(e, size, Rm);
    e.setNZCV(FPCompare(e, N, readScalar(e, size, Rn), second, signals));
  },
});

export const floatingPointConditionalCompare = instruction({
  title: 'Floating-point conditional compare',
  encoding: encoding('00011110 ptype:2 1 Rm:5 cond:4 01 Rn:5 signals:1 nzcv:4'),
  usesFP: true,
  outOfLine: true,
  featureOf: featureOfPtype,

  variant({ ptype, cond, signals }) {
    return SIZE_OF_PTYPE[ptype] !== undefined ? { ptype, cond, signals } : undefined;
  },
  operands: ({ Rm, Rn, nzcv }) => ({ Rm, Rn, nzcv }),

  assembly({ ptype, Rm, cond, Rn, signals, nzcv }) {
    const name = (register: number): string =>
      scalarName(allocated(SIZE_OF_PTYPE[ptype]), register);
    const mnemonic = signals ? 'fccmpe' : 'fccmp';
    return `${mnemonic} ${name(Rn)}, ${name(Rm)}, #${nzcv}, ${conditionName(cond)}`;
  },

  semantics(e, { ptype, cond, signals }, { Rm, Rn, nzcv }) {
    const size = allocated(SIZE_OF_PTYPE[ptype]);
    e.if(
      e.conditionHolds(cond),
      () => {
        const a = readScalar(e, size, Rn);
        const b = readScalar(e, size, Rm);
        e.setNZCV(FPCompare(e, 8 << size, a, b, signals));
      },
      () => {
        e.setNZCV(e.imm32(nzcv));
      },
    );
  },
});

export const floatingPointConditionalSelect = instruction({
  title: 'Floating-point conditional select',
  encoding: encoding('00011110 ptype:2 1 Rm:5 cond:4 11 Rn:5 Rd:5'),
  usesFP: true,
  featureOf: featureOfPtype,

  variant({ ptype, cond }) {
    return SIZE_OF_PTYPE[ptype] !== undefined ? { ptype, cond } : undefined;
  },
  operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),

  assembly({ ptype, Rm, cond, Rn, Rd }) {
    const name = (register: number): string =>
      scalarName(allocated(SIZE_OF_PTYPE[ptype]), register);
    return `fcsel ${name(Rd)}, ${name(Rn)}, ${name(Rm)}, ${conditionName(cond)}`;
  },

  semantics(e, { ptype, cond }, { Rm, Rn, Rd }) {
    const size = allocated(SIZE_OF_PTYPE[ptype]);
    const holds = e.conditionHolds(cond);
    writeScalar(e, size, Rd, select(holds, readScalar(e, size, Rn), readScalar(e, size, Rm)));
  },
});

const widthOf = (ptype: number): number => 8 << allocated(SIZE_OF_PTYPE[ptype]);

export const floatingPointImmediate = instruction({
  title: 'Floating-point immediate',
  encoding: encoding('00011110 ptype:2 1 imm8:8 100 00000 Rd:5'),
  usesFP: true,
  featureOf: featureOfPtype,

  variant({ ptype }) {
    return SIZE_OF_PTYPE[ptype] !== undefined ? { ptype } : undefined;
  },
  operands: ({ ptype, imm8, Rd }) => ({ bits: VFPExpandImm(imm8, widthOf(ptype)), Rd }),

  assembly({ ptype, imm8, Rd }) {
    return `fmov ${scalarName(allocated(SIZE_OF_PTYPE[ptype]), Rd)}, ${floatImmediate(imm8)}`;
  },

  semantics(e, { ptype }, { bits, Rd }) {
    const value: Expr<'i64'> = e.imm64(bits);
    writeScalar(
      e,
      allocated(SIZE_OF_PTYPE[ptype]),
      Rd,
      widthOf(ptype) === 64 ? value : wrap(value),
    );
  },
});
