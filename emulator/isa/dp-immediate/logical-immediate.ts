/** Arm ARM, "Logical (immediate)": AND, ORR, EOR, ANDS. */
import { hexImmediate, spName, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { and, or, xor } from '../expression.ts';
import { instruction } from '../instruction.ts';
import { DecodeBitMasks, X, wideImmediateOf } from '../shared-functions.ts';
import { isMoveWideImmediate } from './move-wide-immediate.ts';
import { entryOf } from '../tables.ts';

const MNEMONICS = ['and', 'orr', 'eor', 'ands'] as const;
const OPERATIONS = [and, or, xor, and] as const;
const ORR = 1;
const ANDS = 3;

function immediateMask(fields: {
  sf: number;
  N: number;
  imms: number;
  immr: number;
}): bigint | undefined {
  const { sf, N, imms, immr } = fields;
  return DecodeBitMasks(N, imms, immr, true, sf ? 64 : 32)?.wmask;
}

export const logicalImmediate = instruction({
  title: 'Logical (immediate)',
  encoding: encoding('sf:1 opc:2 100100 N:1 immr:6 imms:6 Rn:5 Rd:5'),

  unallocated: (fields) => immediateMask(fields) === undefined,
  variant: ({ sf, opc, Rn }) => ({ sf, opc, move: opc === ORR && Rn === 31 }),
  operands: (fields) => ({ Rd: fields.Rd, Rn: fields.Rn, mask: immediateMask(fields) ?? 0n }),

  assembly(fields) {
    const { sf, opc, Rn, Rd } = fields;
    const mask = immediateMask(fields) ?? 0n;
    const n = xzrName(sf, Rn);
    if (opc === ANDS && Rd === 31) return `tst ${n}, ${hexImmediate(mask)}`;
    const width = sf ? 64 : 32;
    if (opc === ORR && Rn === 31 && !isMoveWideImmediate(mask, width)) {
      return `mov ${spName(sf, Rd)}, #${BigInt.asIntN(width, mask)}`;
    }
    const d = opc === ANDS ? xzrName(sf, Rd) : spName(sf, Rd);
    return `${entryOf(MNEMONICS, opc)} ${d}, ${n}, ${hexImmediate(mask)}`;
  },

  semantics(e, { sf, opc, move }, { Rd, Rn, mask }) {
    const immediate = wideImmediateOf(e, mask, sf);
    if (move) {
      e.setXOrSp(Rd, immediate);
      return;
    }
    const result = entryOf(OPERATIONS, opc)(X(e, Rn, sf), immediate);
    if (opc !== ANDS) {
      e.setXOrSp(Rd, result);
      return;
    }
    const tested = e.let(result);
    e.flagsFromLogical(tested);
    e.setX(Rd, tested);
  },
});
