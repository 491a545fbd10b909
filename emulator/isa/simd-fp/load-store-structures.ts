/**
 * Arm ARM, "Advanced SIMD load/store multiple structures" and "... single structure", both without
 * and with post-indexing.
 */
import { allocated } from './allocated.ts';
import { xzrName, spName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import {
  V128_ZERO,
  add,
  extendS,
  extractLane,
  i32,
  replaceLane,
  shl,
  shuffle,
  simd,
  splat,
  v128,
} from '../expression.ts';
import type { Expr } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { Emitter, Operand, StoredValue } from '../instruction.ts';
import { arrangement, registerList } from './assembly.ts';
import { duplicate, element64, lowHalf } from './vector.ts';
import type { Vector } from './vector.ts';

// -- multiple structures

interface Multiple {
  /** Registers transferred. */
  readonly registers: number;
  /** Elements of one structure: 1 for LD1 and ST1. */
  readonly selem: number;
}
const MULTIPLE: Readonly<Record<number, Multiple>> = {
  0b0000: { registers: 4, selem: 4 },
  0b0010: { registers: 4, selem: 1 },
  0b0100: { registers: 3, selem: 3 },
  0b0110: { registers: 3, selem: 1 },
  0b0111: { registers: 1, selem: 1 },
  0b1000: { registers: 2, selem: 2 },
  0b1010: { registers: 2, selem: 1 },
};

/** Where byte `byte` of register `register` stands in memory. */
function memoryOffset(
  { registers, selem }: Multiple,
  size: number,
  Q: number,
  register: number,
  byte: number,
): number {
  if (selem === 1) return register * (Q ? 16 : 8) + byte;
  const element = byte >> size;
  return ((element * registers + register) << size) + (byte & ((1 << size) - 1));
}

/** Sixteen bytes gathered from several vectors; `from[i]` is 16 * source + byte, or undefined for zero. */
function gather(
  e: Emitter,
  sources: readonly Vector[],
  from: readonly (number | undefined)[],
): Vector {
  let result: Vector | undefined;
  sources.forEach((source, index) => {
    if (!from.some((at) => at !== undefined && at >> 4 === index)) return;
    const previous = result ?? V128_ZERO;
    const lanes = from.map((at, i) => (at !== undefined && at >> 4 === index ? 16 + (at & 15) : i));
    const inOrder = lanes.every((lane, i) => lane === 16 + i);
    result = inOrder ? source : e.let(shuffle(previous, source, lanes));
  });
  return result ?? V128_ZERO;
}

interface StructureAccess {
  readonly Rn: Operand;
  /** 1 where the base is SP, as an operand, so that it does not double the number of shapes. */
  readonly isSP: Operand;
  /** What is added to the base afterwards: a register (31 is zero) and a number. */
  readonly postIndex?: { readonly Rm: Operand; readonly bytes: Operand };
}

function baseAddress(e: Emitter, { Rn, isSP }: StructureAccess): Expr<'i64'> {
  e.if(e.imm32(isSP), () => {
    e.base(Rn, true);
  });
  return e.base(Rn, false);
}

function writeBack(e: Emitter, address: Expr<'i64'>, { Rn, postIndex }: StructureAccess): void {
  if (!postIndex) return;
  const { Rm, bytes } = postIndex;
  e.setXOrSp(Rn, add(address, add(e.x(Rm), extendS(e.imm32(bytes)))));
}

function transferMultiple(
  e: Emitter,
  isLoad: number,
  multiple: Multiple,
  size: number,
  Q: number,
  Rt: Operand,
  access: StructureAccess,
): void {
  const { registers } = multiple;
  const width = Q ? 16 : 8;
  const total = registers * width;
  const options = { element: 1 << size };
  const address = baseAddress(e, access);
  const chunks = Math.ceil(total / 16);
  const bytes = Array.from({ length: 16 }, (_, byte) => byte);
  if (isLoad) {
    const data = e.load(address, total, options);
    const sources = Array.from({ length: chunks }, (_, chunk) => {
      const whole = total - 16 * chunk >= 16;
      return e.let(
        whole ? data.v128(16 * chunk) : replaceLane('i64x2', V128_ZERO, 0, data.i64(16 * chunk, 8)),
      );
    });
    for (let register = 0; register < registers; register += 1) {
      const from = bytes.map((byte) =>
        byte < width ? memoryOffset(multiple, size, Q, register, byte) : undefined,
      );
      e.setVNext(Rt, register, gather(e, sources, from));
    }
  } else {
    const sources = Array.from({ length: registers }, (_, i) => e.let(e.vNext(Rt, i)));
    const origin: number[] = [];
    for (let register = 0; register < registers; register += 1) {
      for (let byte = 0; byte < width; byte += 1)
        origin[memoryOffset(multiple, size, Q, register, byte)] = 16 * register + byte;
    }
    const values = Array.from({ length: chunks }, (_, chunk): StoredValue => {
      const value = gather(
        e,
        sources,
        bytes.map((byte) => origin[16 * chunk + byte]),
      );
      const offset = 16 * chunk;
      return total - offset >= 16
        ? { offset, size: 16, value }
        : { offset, size: 8, value: element64(3, value, 0, false) };
    });
    e.store(address, total, values, options);
  }
  writeBack(e, address, access);
}

interface MultipleFields {
  readonly Q: number;
  readonly L: number;
  readonly opcode: number;
  readonly size: number;
}
function multipleIsAllocated({ Q, opcode, size }: Omit<MultipleFields, 'L'>): boolean {
  const multiple = MULTIPLE[opcode];
  return multiple !== undefined && !(multiple.selem > 1 && size === 3 && Q === 0);
}
function multipleText({ Q, L, opcode, size }: MultipleFields, Rt: number, Rn: number): string {
  const { registers, selem } = allocated(MULTIPLE[opcode]);
  const list = registerList(Rt, registers, arrangement(size, Q));
  return `${L ? 'ld' : 'st'}${selem} ${list}, [${spName(1, Rn)}]`;
}
function postIndexText(Rm: number, bytes: number): string {
  return Rm === 31 ? `#${bytes}` : xzrName(1, Rm);
}
export const loadStoreMultipleStructures = instruction({
  title: 'Advanced SIMD load/store multiple structures',
  encoding: encoding('0 Q:1 0011000 L:1 000000 opcode:4 size:2 Rn:5 Rt:5'),
  usesFP: true,
  outOfLine: true,

  variant({ Q, L, opcode, size }) {
    return multipleIsAllocated({ Q, opcode, size }) ? { Q, L, opcode, size } : undefined;
  },
  operands: ({ Rn, Rt }) => ({ isSP: Rn === 31 ? 1 : 0, Rn, Rt }),
  assembly: ({ Q, L, opcode, size, Rn, Rt }) => multipleText({ Q, L, opcode, size }, Rt, Rn),
  semantics(e, { Q, L, opcode, size }, { isSP, Rn, Rt }) {
    const access = { Rn, isSP };
    transferMultiple(e, L, allocated(MULTIPLE[opcode]), size, Q, Rt, access);
  },
});

export const loadStoreMultipleStructuresPostIndexed = instruction({
  title: 'Advanced SIMD load/store multiple structures (post-indexed)',
  encoding: encoding('0 Q:1 0011001 L:1 0 Rm:5 opcode:4 size:2 Rn:5 Rt:5'),
  usesFP: true,
  outOfLine: true,

  variant({ Q, L, opcode, size }) {
    return multipleIsAllocated({ Q, opcode, size }) ? { Q, L, opcode, size } : undefined;
  },
  operands: ({ Q, Rm, opcode, Rn, Rt }) => ({
    bytes: Rm === 31 ? allocated(MULTIPLE[opcode]).registers * (Q ? 16 : 8) : 0,
    isSP: Rn === 31 ? 1 : 0,
    Rm,
    Rn,
    Rt,
  }),
  assembly({ Q, L, Rm, opcode, size, Rn, Rt }) {
    const bytes = allocated(MULTIPLE[opcode]).registers * (Q ? 16 : 8);
    return `${multipleText({ Q, L, opcode, size }, Rt, Rn)}, ${postIndexText(Rm, bytes)}`;
  },
  semantics(e, { Q, L, opcode, size }, { bytes, isSP, Rm, Rn, Rt }) {
    const access = { Rn, isSP, postIndex: { Rm, bytes } };
    transferMultiple(e, L, allocated(MULTIPLE[opcode]), size, Q, Rt, access);
  },
});

// -- single structure

interface SingleFields {
  readonly Q: number;
  readonly L: number;
  readonly R: number;
  readonly opcode: number;
  readonly S: number;
  readonly size: number;
}
interface Single {
  readonly selem: number;
  /** log2 of the element's bytes. */
  readonly scale: number;
  /** The element that is transferred; undefined for LD1R to LD4R. */
  readonly index: number | undefined;
}

function singleOf({ Q, L, R, opcode, S, size }: SingleFields): Single | undefined {
  const selem = (((opcode & 1) << 1) | R) + 1;
  switch (opcode >> 1) {
    case 0:
      return { selem, scale: 0, index: (Q << 3) | (S << 2) | size };
    case 1:
      return size & 1 ? undefined : { selem, scale: 1, index: (Q << 2) | (S << 1) | (size >> 1) };
    case 2:
      if (size & 2) return undefined;
      if ((size & 1) === 0) return { selem, scale: 2, index: (Q << 1) | S };
      return S ? undefined : { selem, scale: 3, index: Q };
    default:
      return L === 1 && S === 0 ? { selem, scale: size, index: undefined } : undefined;
  }
}

function singleVariant(
  fields: SingleFields,
): { Q: number; L: number; selem: number; scale: number; replicate: boolean } | undefined {
  const single = singleOf(fields);
  if (!single) return undefined;
  const { selem, scale, index } = single;
  const replicate = index === undefined;
  return { Q: replicate ? fields.Q : 1, L: fields.L, selem, scale, replicate };
}

/** All ones in the element `index`. */
function elementMask(scale: number, index: Expr<'i32'>): Vector {
  const numbers = v128(Uint8Array.from({ length: 16 }, (_, byte) => byte >> scale));
  return simd('i8x16.eq', numbers, splat('i8x16', index));
}
/** The element `index`, in bits 63:0 from the bottom. */
function elementAt(scale: number, vector: Vector, index: Expr<'i32'>): Expr<'i64'> {
  const bytes = v128(Uint8Array.from({ length: 16 }, (_, byte) => byte));
  const from = simd('i8x16.add', bytes, splat('i8x16', shl(index, i32(scale))));
  return extractLane('i64x2', simd('i8x16.swizzle', vector, from), 0);
}

function transferSingle(
  e: Emitter,
  {
    L,
    selem,
    scale,
    replicate,
    Q,
  }: { [K in 'L' | 'selem' | 'scale' | 'Q']: number } & {
    replicate: boolean;
  },
  Rt: Operand,
  index: Operand,
  access: StructureAccess,
): void {
  const bytes = (1 << scale) as 1 | 2 | 4 | 8;
  const total = selem * bytes;
  const options = { element: bytes };
  const address = baseAddress(e, access);
  if (replicate) {
    const data = e.load(address, total, options);
    for (let register = 0; register < selem; register += 1) {
      const all = duplicate(scale, data.i64(register * bytes, bytes));
      e.setVNext(Rt, register, Q ? all : lowHalf(all));
    }
  } else if (L) {
    const data = e.load(address, total, options);
    const mask = e.let(elementMask(scale, e.imm32(index)));
    for (let register = 0; register < selem; register += 1) {
      const value = duplicate(scale, data.i64(register * bytes, bytes));
      const old = e.vNext(Rt, register);
      e.setVNext(Rt, register, simd('v128.bitselect', value, old, mask));
    }
  } else {
    const values = Array.from({ length: selem }, (_, register): StoredValue => ({
      offset: register * bytes,
      size: bytes,
      value: elementAt(scale, e.vNext(Rt, register), e.imm32(index)),
    }));
    e.store(address, total, values, options);
  }
  writeBack(e, address, access);
}

function singleText(fields: SingleFields, Rt: number, Rn: number): string {
  const { selem, scale, index } = allocated(singleOf(fields));
  const suffix = index === undefined ? arrangement(scale, fields.Q) : 'bhsd'.charAt(scale);
  const list = registerList(Rt, selem, suffix);
  const mnemonic = `${fields.L ? 'ld' : 'st'}${selem}${index === undefined ? 'r' : ''}`;
  return `${mnemonic} ${list}${index === undefined ? '' : `[${index}]`}, [${spName(1, Rn)}]`;
}

export const loadStoreSingleStructure = instruction({
  title: 'Advanced SIMD load/store single structure',
  encoding: encoding('0 Q:1 0011010 L:1 R:1 00000 opcode:3 S:1 size:2 Rn:5 Rt:5'),
  usesFP: true,
  outOfLine: true,

  variant: ({ Q, L, R, opcode, S, size }) => singleVariant({ Q, L, R, opcode, S, size }),
  operands: ({ Q, L, R, opcode, S, size, Rn, Rt }) => ({
    index: singleOf({ Q, L, R, opcode, S, size })?.index ?? 0,
    isSP: Rn === 31 ? 1 : 0,
    Rn,
    Rt,
  }),
  assembly: ({ Q, L, R, opcode, S, size, Rn, Rt }) =>
    singleText({ Q, L, R, opcode, S, size }, Rt, Rn),
  semantics(e, single, { index, isSP, Rn, Rt }) {
    transferSingle(e, single, Rt, index, { Rn, isSP });
  },
});

export const loadStoreSingleStructurePostIndexed = instruction({
  title: 'Advanced SIMD load/store single structure (post-indexed)',
  encoding: encoding('0 Q:1 0011011 L:1 R:1 Rm:5 opcode:3 S:1 size:2 Rn:5 Rt:5'),
  usesFP: true,
  outOfLine: true,

  variant: ({ Q, L, R, opcode, S, size }) => singleVariant({ Q, L, R, opcode, S, size }),
  operands({ Q, L, R, Rm, opcode, S, size, Rn, Rt }) {
    const { selem, scale, index } = allocated(singleOf({ Q, L, R, opcode, S, size }));
    const isSP = Rn === 31 ? 1 : 0;
    return { index: index ?? 0, bytes: Rm === 31 ? selem << scale : 0, isSP, Rm, Rn, Rt };
  },
  assembly({ Q, L, R, Rm, opcode, S, size, Rn, Rt }) {
    const fields = { Q, L, R, opcode, S, size };
    const { selem, scale } = allocated(singleOf(fields));
    return `${singleText(fields, Rt, Rn)}, ${postIndexText(Rm, selem << scale)}`;
  },
  semantics(e, single, { index, bytes, isSP, Rm, Rn, Rt }) {
    transferSingle(e, single, Rt, index, { Rn, isSP, postIndex: { Rm, bytes } });
  },
});
