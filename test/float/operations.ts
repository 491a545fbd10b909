/**
 * The scalar floating-point instructions that TestFloat has a function for, each as a word and as the
 * reference computes it.
 */
import type { ReferenceFloat, ReferenceRounding } from '../support/reference-float.ts';
import type { FloatWidth, IntegerWidth } from './operands.ts';

export type Operand =
  | { readonly kind: 'float'; readonly N: FloatWidth }
  | { readonly kind: 'integer'; readonly N: IntegerWidth };

export interface Operation {
  readonly name: string;
  /** In the order of Rn, Rm, Ra; V registers for floats, X registers for integers. */
  readonly operands: readonly Operand[];
  /** What Rd is: a V register, an X register, or NZCV. */
  readonly result: 'V' | 'X' | 'NZCV';
  /** Bits of the result; of NZCV 4. */
  readonly resultBits: number;
  /** With all registers 0. */
  readonly word: number;
  /** Any of its formats is half precision, which needs FEAT_FP16 unless it is converted only. */
  readonly needsFP16: boolean;
  reference(float: ReferenceFloat, ...operands: readonly bigint[]): bigint;
}

/** Where the registers of an operation go into its word. */
export function withRegisters(
  word: number,
  { Rd = 0, Rn = 0, Rm = 0, Ra = 0 }: { Rd?: number; Rn?: number; Rm?: number; Ra?: number },
): number {
  return (word | Rd | (Rn << 5) | (Ra << 10) | (Rm << 16)) >>> 0;
}

const WIDTHS: readonly FloatWidth[] = [16, 32, 64];
const FTYPE: Readonly<Record<FloatWidth, number>> = { 16: 3, 32: 0, 64: 1 };
const float = (N: FloatWidth): Operand => ({ kind: 'float', N });
const letter: Readonly<Record<FloatWidth, string>> = { 16: 'h', 32: 's', 64: 'd' };
const sign = (N: FloatWidth): bigint => 1n << BigInt(N - 1);

function arithmetic(N: FloatWidth): readonly Operation[] {
  const common = { result: 'V', resultBits: N, needsFP16: N === 16 } as const;
  const ftype = FTYPE[N] << 22;
  const two = (name: string, opcode: number, reference: Operation['reference']): Operation => ({
    ...common,
    name: `${name} ${letter[N]}`,
    operands: [float(N), float(N)],
    word: (0x1e200800 | ftype | (opcode << 12)) >>> 0,
    reference,
  });
  const one = (name: string, opcode: number, reference: Operation['reference']): Operation => ({
    ...common,
    name: `${name} ${letter[N]}`,
    operands: [float(N)],
    word: (0x1e204000 | ftype | (opcode << 15)) >>> 0,
    reference,
  });
  const three = (name: string, o1: 0 | 1, o0: 0 | 1): Operation => ({
    ...common,
    name: `${name} ${letter[N]}`,
    operands: [float(N), float(N), float(N)],
    word: (0x1f000000 | ftype | (o1 << 21) | (o0 << 15)) >>> 0,
    // FMSUB and its kin negate operands, NaNs too, before anything else is done with them.
    reference: (r, n = 0n, m = 0n, a = 0n) =>
      r.FPMulAdd(N, o1 === 1 ? a ^ sign(N) : a, o1 === o0 ? n : n ^ sign(N), m),
  });
  const roundings: readonly (readonly [string, number, ReferenceRounding])[] = [
    ['frintn', 8, 'TIEEVEN'],
    ['frintp', 9, 'POSINF'],
    ['frintm', 10, 'NEGINF'],
    ['frintz', 11, 'ZERO'],
    ['frinta', 12, 'TIEAWAY'],
  ];
  return [
    two('fmul', 0, (r, n = 0n, m = 0n) => r.FPMul(N, n, m)),
    two('fdiv', 1, (r, n = 0n, m = 0n) => r.FPDiv(N, n, m)),
    two('fadd', 2, (r, n = 0n, m = 0n) => r.FPAdd(N, n, m)),
    two('fsub', 3, (r, n = 0n, m = 0n) => r.FPAdd(N, n, m, true)),
    two('fmax', 4, (r, n = 0n, m = 0n) => r.FPMax(N, n, m)),
    two('fmin', 5, (r, n = 0n, m = 0n) => r.FPMax(N, n, m, true)),
    two('fmaxnm', 6, (r, n = 0n, m = 0n) => r.FPMaxNum(N, n, m)),
    two('fminnm', 7, (r, n = 0n, m = 0n) => r.FPMaxNum(N, n, m, true)),
    // The product is negated, a NaN too.
    two('fnmul', 8, (r, n = 0n, m = 0n) => r.FPMul(N, n, m) ^ sign(N)),
    one('fsqrt', 3, (r, n = 0n) => r.FPSqrt(N, n)),
    ...roundings.map(([name, opcode, rounding]) =>
      one(name, opcode, (r, n = 0n) => r.FPRoundInt(N, n, rounding, false)),
    ),
    one('frintx', 14, (r, n = 0n) => r.FPRoundInt(N, n, r.rounding, true)),
    one('frinti', 15, (r, n = 0n) => r.FPRoundInt(N, n, r.rounding, false)),
    three('fmadd', 0, 0),
    three('fmsub', 0, 1),
    three('fnmadd', 1, 0),
    three('fnmsub', 1, 1),
    ...([false, true] as const).map((signals): Operation => ({
      ...common,
      name: `fcmp${signals ? 'e' : ''} ${letter[N]}`,
      operands: [float(N), float(N)],
      result: 'NZCV',
      resultBits: 4,
      word: (0x1e202000 | ftype | (signals ? 0x10 : 0)) >>> 0,
      reference: (r, n = 0n, m = 0n) => BigInt(r.FPCompare(N, n, m, signals)),
    })),
  ];
}

/** FCVTXN rounds to odd, which no mode of FPCR does. */
const FCVTXN: Operation = {
  name: 'fcvtxn s d',
  operands: [float(64)],
  result: 'V',
  resultBits: 32,
  word: 0x7e616800,
  needsFP16: false,
  reference: (r, n = 0n) => r.FPConvert(64, 32, n, 'ODD'),
};

function betweenFormats(): readonly Operation[] {
  const opc: Readonly<Record<FloatWidth, number>> = { 16: 7, 32: 4, 64: 5 };
  return WIDTHS.flatMap((from) =>
    WIDTHS.filter((to) => to !== from).map((to): Operation => ({
      name: `fcvt ${letter[to]} ${letter[from]}`,
      operands: [float(from)],
      result: 'V',
      resultBits: to,
      word: (0x1e204000 | (FTYPE[from] << 22) | (opc[to] << 15)) >>> 0,
      needsFP16: false,
      reference: (r, n = 0n) => r.FPConvert(from, to, n),
    })),
  );
}

const DIRECTED: readonly (readonly [string, number, 0 | 4, ReferenceRounding])[] = [
  ['n', 0, 0, 'TIEEVEN'],
  ['p', 1, 0, 'POSINF'],
  ['m', 2, 0, 'NEGINF'],
  ['z', 3, 0, 'ZERO'],
  ['a', 0, 4, 'TIEAWAY'],
];
/** Fraction bits of the fixed-point forms, beside 0. */
const FRACTIONS = [1, 7, 16, 31, 32, 33, 63, 64] as const;

function withIntegers(N: FloatWidth, M: IntegerWidth): readonly Operation[] {
  const sf = M === 64 ? 0x80000000 : 0;
  const ftype = FTYPE[N] << 22;
  const common = { needsFP16: N === 16 } as const;
  const x = M === 64 ? 'x' : 'w';
  const list: Operation[] = [];
  for (const unsigned of [false, true]) {
    const u = unsigned ? 'u' : 's';
    for (const [suffix, rmode, high, rounding] of DIRECTED) {
      list.push({
        ...common,
        name: `fcvt${suffix}${u} ${x} ${letter[N]}`,
        operands: [float(N)],
        result: 'X',
        resultBits: 64,
        word: (0x1e200000 | sf | ftype | (rmode << 19) | ((high | (unsigned ? 1 : 0)) << 16)) >>> 0,
        reference: (r, n = 0n) => r.FPToFixed(N, n, 0, unsigned, rounding, M),
      });
    }
    const extended = (value: bigint): bigint =>
      unsigned ? BigInt.asUintN(M, value) : BigInt.asUintN(64, BigInt.asIntN(M, value));
    list.push({
      ...common,
      name: `${u}cvtf ${letter[N]} ${x}`,
      operands: [{ kind: 'integer', N: M }],
      result: 'V',
      resultBits: N,
      word: (0x1e220000 | sf | ftype | (unsigned ? 1 << 16 : 0)) >>> 0,
      reference: (r, n = 0n) => r.FixedToFP(N, extended(n), 0, unsigned),
    });
    for (const fbits of FRACTIONS.filter((fbits) => fbits <= M)) {
      const scale = (64 - fbits) << 10;
      list.push({
        ...common,
        name: `fcvtz${u} ${x} ${letter[N]} #${fbits}`,
        operands: [float(N)],
        result: 'X',
        resultBits: 64,
        word: (0x1e180000 | sf | ftype | (unsigned ? 1 << 16 : 0) | scale) >>> 0,
        reference: (r, n = 0n) => r.FPToFixed(N, n, fbits, unsigned, 'ZERO', M),
      });
      list.push({
        ...common,
        name: `${u}cvtf ${letter[N]} ${x} #${fbits}`,
        operands: [{ kind: 'integer', N: M }],
        result: 'V',
        resultBits: N,
        word: (0x1e020000 | sf | ftype | (unsigned ? 1 << 16 : 0) | scale) >>> 0,
        reference: (r, n = 0n) => r.FixedToFP(N, extended(n), fbits, unsigned),
      });
    }
  }
  return list;
}

export const operations: readonly Operation[] = [
  ...WIDTHS.flatMap(arithmetic),
  ...betweenFormats(),
  FCVTXN,
  ...WIDTHS.flatMap((N) => [...withIntegers(N, 32), ...withIntegers(N, 64)]),
];
