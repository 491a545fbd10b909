/** Arm ARM, "Advanced SIMD copy" and "Advanced SIMD scalar copy". */
import { allocated } from './allocated.ts';
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { extendU, signExtend, wrap } from '../expression.ts';
import type { Expr } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { Emitter, Operand } from '../instruction.ts';
import { elementName, scalarName, vectorName } from './assembly.ts';
import { duplicate, upperHalf, vectorLanes, writeScalar } from './vector.ts';

/** The lowest bit set in imm5 gives the element size, the bits above it the index. */
function sizeOf(imm5: number): number | undefined {
  return (imm5 & 15) === 0 ? undefined : 31 - Math.clz32(imm5 & -imm5);
}
function indexOf(imm5: number): number {
  return imm5 >> (allocated(sizeOf(imm5)) + 1);
}

const DUP_ELEMENT = 0;
const DUP_GENERAL = 1;
const INS_GENERAL = 3;
const SMOV = 5;
const UMOV = 7;
/** Stands for INS (element), whose imm4 is the source index. */
const INS_ELEMENT = 16;

function lane(e: Emitter, Rn: Operand, size: number, index: Operand): Expr<'i64'> {
  return e.vLane(Rn, (1 << size) as 1 | 2 | 4 | 8, e.imm32(index));
}

function operationOf(op: number, imm4: number): number {
  return op ? INS_ELEMENT : imm4;
}

export const advancedSIMDCopy = instruction({
  title: 'Advanced SIMD copy',
  encoding: encoding('0 Q:1 op:1 01110000 imm5:5 0 imm4:4 1 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ Q, op, imm5, imm4 }) {
    const size = sizeOf(imm5);
    if (size === undefined) return undefined;
    if (op === 1) return Q === 1 ? { operation: INS_ELEMENT, size, Q: 1 } : undefined;
    switch (imm4) {
      case DUP_ELEMENT:
      case DUP_GENERAL:
        return size === 3 && Q === 0 ? undefined : { operation: imm4, size, Q: 1 };
      case INS_GENERAL:
        return Q === 1 ? { operation: imm4, size, Q: 1 } : undefined;
      case SMOV:
        return size < (Q ? 3 : 2) ? { operation: imm4, size, Q } : undefined;
      case UMOV:
        return (size === 3) === (Q === 1) ? { operation: imm4, size, Q: 1 } : undefined;
      default:
        return undefined;
    }
  },
  operands: ({ Q, op, imm5, imm4, Rn, Rd }) => ({
    upper: upperHalf(Q),
    index: indexOf(imm5),
    sourceIndex: op === 1 ? imm4 >> allocated(sizeOf(imm5)) : 0,
    Rn,
    Rd,
  }),

  assembly({ Q, op, imm5, imm4, Rn, Rd }) {
    const size = allocated(sizeOf(imm5));
    const index = indexOf(imm5);
    const x = xzrName(size === 3 ? 1 : 0, Rn);
    switch (operationOf(op, imm4)) {
      case INS_ELEMENT:
        return `mov ${elementName(Rd, size, index)}, ${elementName(Rn, size, imm4 >> size)}`;
      case DUP_ELEMENT:
        return `dup ${vectorName(Rd, size, Q)}, ${elementName(Rn, size, index)}`;
      case DUP_GENERAL:
        return `dup ${vectorName(Rd, size, Q)}, ${x}`;
      case INS_GENERAL:
        return `mov ${elementName(Rd, size, index)}, ${x}`;
      case SMOV:
        return `smov ${xzrName(Q, Rd)}, ${elementName(Rn, size, index)}`;
      default:
        return `${size < 2 ? 'umov' : 'mov'} ${xzrName(Q, Rd)}, ${elementName(Rn, size, index)}`;
    }
  },

  semantics(e, { operation, size, Q }, { upper, index, sourceIndex, Rn, Rd }) {
    const general = (): Expr<'i64'> => (size === 3 ? e.x(Rn) : extendU(e.w(Rn)));
    const bytes = (1 << size) as 1 | 2 | 4 | 8;
    switch (operation) {
      case INS_ELEMENT:
        e.setVLane(Rd, bytes, e.imm32(index), e.let(lane(e, Rn, size, sourceIndex)));
        break;
      case DUP_ELEMENT:
        vectorLanes(e, size, upper).write(Rd, duplicate(size, lane(e, Rn, size, index)));
        break;
      case DUP_GENERAL:
        vectorLanes(e, size, upper).write(Rd, duplicate(size, general()));
        break;
      case INS_GENERAL:
        e.setVLane(Rd, bytes, e.imm32(index), general());
        break;
      case SMOV: {
        const value = signExtend(lane(e, Rn, size, index), (8 << size) as 8 | 16 | 32);
        e.setX(Rd, Q ? value : wrap(value));
        break;
      }
      default:
        e.setX(Rd, lane(e, Rn, size, index));
    }
  },
});

export const advancedSIMDScalarCopy = instruction({
  title: 'Advanced SIMD scalar copy',
  encoding: encoding('01 0 11110000 imm5:5 0 0000 1 Rn:5 Rd:5'),
  usesFP: true,
  outOfLine: true,

  variant({ imm5 }) {
    const size = sizeOf(imm5);
    return size === undefined ? undefined : { size };
  },
  operands: ({ imm5, Rn, Rd }) => ({ index: indexOf(imm5), Rn, Rd }),

  assembly({ imm5, Rn, Rd }) {
    const size = allocated(sizeOf(imm5));
    return `mov ${scalarName(size, Rd)}, ${elementName(Rn, size, indexOf(imm5))}`;
  },

  semantics(e, { size }, { index, Rn, Rd }) {
    const value = lane(e, Rn, size, index);
    writeScalar(e, size, Rd, size === 3 ? value : wrap(value));
  },
});
