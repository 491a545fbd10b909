/** Arm ARM, "Advanced SIMD permute", "Advanced SIMD extract" and "Advanced SIMD table lookup". */
import { allocated } from './allocated.ts';
import { V128_ZERO, shuffle, simd } from '../expression.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { registerList, vectorName } from './assembly.ts';
import { chooseElements, everyElement, upperHalf, vectorLanes, writeCount } from './vector.ts';

const PERMUTATIONS = [undefined, 'uzp1', 'trn1', 'zip1', undefined, 'uzp2', 'trn2', 'zip2'];

/** Source elements of each result element; indices from `used` on name the second operand. */
function permutation(opcode: number, used: number): number[] {
  const part = opcode >> 2;
  const result = Array.from({ length: used }, (_, i) => {
    switch (opcode & 3) {
      case 1:
        return 2 * i + part;
      case 2:
        return (i & ~1) + part + (i & 1) * used;
      default:
        return (i >> 1) + (part * used) / 2 + (i & 1) * used;
    }
  });
  return result;
}

export const advancedSIMDPermute = instruction({
  title: 'Advanced SIMD permute',
  encoding: encoding('0 Q:1 001110 size:2 0 Rm:5 0 opcode:3 10 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ Q, size, opcode }) {
    if (PERMUTATIONS[opcode] === undefined || (size === 3 && Q === 0)) return undefined;
    return { Q, size, opcode };
  },
  operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),

  assembly({ Q, size, Rm, opcode, Rn, Rd }) {
    const name = (register: number): string => vectorName(register, size, Q);
    return `${allocated(PERMUTATIONS[opcode])} ${name(Rd)}, ${name(Rn)}, ${name(Rm)}`;
  },

  semantics(e, { Q, size, opcode }, { Rm, Rn, Rd }) {
    const all = 16 >> size;
    const used = Q ? all : all / 2;
    const chosen = permutation(opcode, used).map((i) => (i < used ? i : all + i - used));
    const lanes = Array.from({ length: all }, (_, i) => chosen[i] ?? 0);
    writeCount(e, Rd, Q, chooseElements(size, e.v(Rn), e.v(Rm), lanes));
  },
});

export const advancedSIMDExtract = instruction({
  title: 'Advanced SIMD extract',
  encoding: encoding('0 Q:1 101110 00 0 Rm:5 0 imm4:4 0 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ Q, imm4 }) {
    return Q === 0 && imm4 >= 8 ? undefined : { Q, imm4 };
  },
  operands: ({ Rm, Rn, Rd }) => ({ Rm, Rn, Rd }),

  assembly({ Q, Rm, imm4, Rn, Rd }) {
    const name = (register: number): string => vectorName(register, 0, Q);
    return `ext ${name(Rd)}, ${name(Rn)}, ${name(Rm)}, #${imm4}`;
  },

  semantics(e, { Q, imm4 }, { Rm, Rn, Rd }) {
    const used = Q ? 16 : 8;
    const lanes = Array.from({ length: 16 }, (_, i) => {
      const at = (i % used) + imm4;
      return at < used ? at : 16 + at - used;
    });
    writeCount(e, Rd, Q, shuffle(e.v(Rn), e.v(Rm), lanes));
  },
});

export const advancedSIMDTableLookup = instruction({
  title: 'Advanced SIMD table lookup',
  encoding: encoding('0 Q:1 001110 00 0 Rm:5 0 len:2 op:1 00 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant: ({ len, op }) => ({ len, op }),
  operands: ({ Q, Rm, Rn, Rd }) => ({ upper: upperHalf(Q), Rm, Rn, Rd }),

  assembly({ Q, Rm, len, op, Rn, Rd }) {
    const table = registerList(Rn, len + 1, '16b');
    return `${op ? 'tbx' : 'tbl'} ${vectorName(Rd, 0, Q)}, ${table}, ${vectorName(Rm, 0, Q)}`;
  },

  semantics(e, { len, op }, { upper, Rm, Rn, Rd }) {
    const indices = e.let(e.v(Rm));
    const found = e.variable(V128_ZERO);
    for (let register = 0; register <= len; register += 1) {
      // Indices below the register's own wrap to at least 192, which swizzles to zero as well.
      const own = simd('i8x16.sub', indices, everyElement(0, 16 * register));
      const bytes = simd('i8x16.swizzle', e.vNext(Rn, register), own);
      e.set(found, simd('v128.or', found.value, bytes));
    }
    const lanes = vectorLanes(e, 0, upper);
    if (op === 0) {
      lanes.write(Rd, found.value);
      return;
    }
    const inside = simd('i8x16.lt_u', indices, everyElement(0, 16 * (len + 1)));
    lanes.write(Rd, simd('v128.bitselect', found.value, e.v(Rd), inside));
  },
});
