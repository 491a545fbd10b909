/**
 * Arm ARM, "Atomic memory operations" and "Compare and swap" (FEAT_LSE), LDAPR (FEAT_LRCPC).
 *
 * The load comes first, so a fault that a read would have is reported as one of a read, then the store; the
 * destination is written last, so that a fault of either leaves the registers as they were. CAS and CASP write what
 * was there where the comparison fails: they need write permission either way. Acquire and release add nothing where
 * memory is sequentially consistent.
 */
import { spName, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import {
  add,
  and,
  eq,
  gtS,
  gtU,
  ltS,
  ltU,
  not,
  or,
  select,
  signExtend,
  xor,
  zeroExtend,
} from '../expression.ts';
import type { Expr } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { LoadedData } from '../instruction.ts';
import { entryOf } from '../tables.ts';
import { bytesOf } from './transfer.ts';

const UNITS = ['b', 'h', '', ''] as const;
const OPERATIONS = ['add', 'clr', 'eor', 'set', 'smax', 'smin', 'umax', 'umin'] as const;
const SWP = 0;
const NO_DESTINATION = 31;

type Value = Expr<'i64'>;

/** The new value of the location; `signed` says whether the operands are to be sign-extended. */
const COMPUTE: Readonly<Record<number, (data: Value, value: Value) => Value>> = {
  0: (data, value) => add(data, value),
  1: (data, value) => and(data, not(value)),
  2: (data, value) => xor(data, value),
  3: (data, value) => or(data, value),
  4: (data, value) => select(gtS(data, value), data, value),
  5: (data, value) => select(ltS(data, value), data, value),
  6: (data, value) => select(gtU(data, value), data, value),
  7: (data, value) => select(ltU(data, value), data, value),
};
const isSigned = (opc: number): boolean => opc === 4 || opc === 5;

/** `a`, `l` or `al`, as the mnemonics of atomic instructions end before the size. */
const ordering = (acquire: number, release: number): string =>
  `${acquire ? 'a' : ''}${release ? 'l' : ''}`;

/** The low `bytes` bytes of a register, extended as the comparison asks. */
function low(value: Value, bytes: 1 | 2 | 4 | 8, signed: boolean): Value {
  if (bytes === 8) return value;
  const bits = (8 * bytes) as 8 | 16 | 32;
  return signed ? signExtend(value, bits) : zeroExtend(value, bits);
}

export const atomicMemoryOperations = instruction({
  title: 'Atomic memory operations',
  feature: 'FEAT_LSE',
  encoding: encoding('size:2 111000 A:1 R:1 1 Rs:5 o3:1 opc:3 00 Rn:5 Rt:5'),
  outOfLine: true,

  variant: ({ size, o3, opc, Rn }) =>
    o3 === 1 && opc !== SWP ? undefined : { size, o3, opc, sp: Rn === 31 },
  operands: ({ Rs, Rn, Rt }) => ({ Rs, Rn, Rt }),

  assembly({ size, A, R, Rs, o3, opc, Rn, Rt }) {
    const wide = size === 3 ? 1 : 0;
    const unit = entryOf(UNITS, size);
    const address = `[${spName(1, Rn)}]`;
    const s = xzrName(wide, Rs);
    if (o3) return `swp${ordering(A, R)}${unit} ${s}, ${xzrName(wide, Rt)}, ${address}`;
    const operation = entryOf(OPERATIONS, opc);
    if (Rt === NO_DESTINATION && !A)
      return `st${operation}${ordering(0, R)}${unit} ${s}, ${address}`;
    return `ld${operation}${ordering(A, R)}${unit} ${s}, ${xzrName(wide, Rt)}, ${address}`;
  },

  semantics(e, { size, o3, opc, sp }, { Rs, Rn, Rt }) {
    const bytes = bytesOf(size);
    const address = e.let(e.base(Rn, sp));
    const value = e.let(e.x(Rs));
    const loaded = e.load(address, bytes, { aligned: true });
    const data = e.let(loaded.i64(0, bytes));
    const compute = COMPUTE[opc];
    const signed = isSigned(opc);
    const stored =
      o3 || compute === undefined
        ? value
        : e.let(compute(low(data, bytes, signed), low(value, bytes, signed)));
    e.store(address, bytes, [{ offset: 0, size: bytes, value: stored }], { aligned: true });
    e.setX(Rt, data);
  },
});

export const loadAcquireRCpc = instruction({
  title: 'Load-acquire RCpc Register',
  feature: 'FEAT_LRCPC',
  encoding: encoding('size:2 111000 1 0 1 (1) (1) (1) (1) (1) 1 100 00 Rn:5 Rt:5'),
  variant: ({ size, Rn }) => ({ size, sp: Rn === 31 }),
  operands: ({ Rn, Rt }) => ({ Rn, Rt }),
  assembly: ({ size, Rn, Rt }) =>
    `ldapr${entryOf(UNITS, size)} ${xzrName(size === 3 ? 1 : 0, Rt)}, [${spName(1, Rn)}]`,
  semantics(e, { size, sp }, { Rn, Rt }) {
    const bytes = bytesOf(size);
    e.setX(Rt, e.load(e.base(Rn, sp), bytes, { aligned: true }).i64(0, bytes));
  },
});

export const compareAndSwap = instruction({
  title: 'Compare and swap',
  feature: 'FEAT_LSE',
  encoding: encoding('size:2 0010001 L:1 1 Rs:5 o0:1 11111 Rn:5 Rt:5'),
  outOfLine: true,
  variant: ({ size, Rn }) => ({ size, sp: Rn === 31 }),
  operands: ({ Rs, Rn, Rt }) => ({ Rs, Rn, Rt }),

  assembly({ size, L, Rs, o0, Rn, Rt }) {
    const wide = size === 3 ? 1 : 0;
    const mnemonic = `cas${ordering(L, o0)}${entryOf(UNITS, size)}`;
    return `${mnemonic} ${xzrName(wide, Rs)}, ${xzrName(wide, Rt)}, [${spName(1, Rn)}]`;
  },

  semantics(e, { size, sp }, { Rs, Rn, Rt }) {
    const bytes = bytesOf(size);
    const address = e.let(e.base(Rn, sp));
    const expected = e.let(low(e.x(Rs), bytes, false));
    const replacement = e.let(e.x(Rt));
    const loaded = e.load(address, bytes, { aligned: true });
    const data = e.let(loaded.i64(0, bytes));
    const value = e.let(select(eq(data, expected), replacement, data));
    e.store(address, bytes, [{ offset: 0, size: bytes, value }], { aligned: true });
    e.setX(Rs, data);
  },
});

export const compareAndSwapPair = instruction({
  title: 'Compare and swap pair',
  feature: 'FEAT_LSE',
  encoding: encoding('0 sz:1 0010000 L:1 1 Rs:5 o0:1 11111 Rn:5 Rt:5'),
  outOfLine: true,
  unallocated: ({ Rs, Rt }) => ((Rs | Rt) & 1) === 1,
  variant: ({ sz, Rn }) => ({ sz, sp: Rn === 31 }),
  operands: ({ Rs, Rn, Rt }) => ({ Rs, Rs2: Rs + 1, Rn, Rt, Rt2: Rt + 1 }),

  assembly({ sz, L, Rs, o0, Rn, Rt }) {
    const pair = (register: number): string =>
      `${xzrName(sz, register)}, ${xzrName(sz, register + 1)}`;
    return `casp${ordering(L, o0)} ${pair(Rs)}, ${pair(Rt)}, [${spName(1, Rn)}]`;
  },

  semantics(e, { sz, sp }, { Rs, Rs2, Rn, Rt, Rt2 }) {
    // Rs and Rt are even, so neither is 31: read as the stack pointer would be, they take less of the record.
    const bytes = sz ? 8 : 4;
    const address = e.let(e.base(Rn, sp));
    const expected = [
      e.let(low(e.xOrSp(Rs), bytes, false)),
      e.let(low(e.x(Rs2), bytes, false)),
    ] as const;
    const replacement = [e.let(e.xOrSp(Rt)), e.let(e.x(Rt2))] as const;
    const loaded: LoadedData = e.load(address, 2 * bytes, { aligned: true });
    const data = [e.let(loaded.i64(0, bytes)), e.let(loaded.i64(bytes, bytes))] as const;
    const matches = e.let(and(eq(data[0], expected[0]), eq(data[1], expected[1])));
    e.store(
      address,
      2 * bytes,
      [
        { offset: 0, size: bytes, value: e.let(select(matches, replacement[0], data[0])) },
        { offset: bytes, size: bytes, value: e.let(select(matches, replacement[1], data[1])) },
      ],
      { aligned: true },
    );
    e.setXOrSp(Rs, data[0]);
    e.setX(Rs2, data[1]);
  },
});
