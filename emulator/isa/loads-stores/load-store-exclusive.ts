/**
 * Arm ARM, "Load/store exclusive register" and "Load/store exclusive pair". Acquire and release
 * add nothing where memory is sequentially consistent. The CONSTRAINED UNPREDICTABLE overlaps of
 * Rs with Rt, Rt2 or Rn use the old values; of Rt with Rt2 in LDXP, Rt2's value stays.
 */
import { spName, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { bytesOf } from './transfer.ts';
import { entryOf } from '../tables.ts';

const UNITS = ['b', 'h', '', ''] as const;

export const loadStoreExclusiveRegister = instruction({
  title: 'Load/store exclusive register',
  encoding: encoding('size:2 001000 0 L:1 0 Rs:5 o0:1 (1) (1) (1) (1) (1) Rn:5 Rt:5'),
  variant: ({ size, L, Rn }) => ({ size, L, sp: Rn === 31 }),
  operands: ({ Rs, Rn, Rt }) => ({ Rs, Rn, Rt }),

  assembly({ size, L, Rs, o0, Rn, Rt }) {
    const t = xzrName(size === 3 ? 1 : 0, Rt);
    const address = `[${spName(1, Rn)}]`;
    const unit = entryOf(UNITS, size);
    if (L) return `ld${o0 ? 'a' : ''}xr${unit} ${t}, ${address}`;
    return `st${o0 ? 'l' : ''}xr${unit} ${xzrName(0, Rs)}, ${t}, ${address}`;
  },

  semantics(e, { size, L, sp }, { Rs, Rn, Rt }) {
    const bytes = bytesOf(size);
    const address = e.base(Rn, sp);
    if (L) {
      e.setX(Rt, e.loadExclusive(address, bytes).i64(0, bytes));
      return;
    }
    const stored = [{ offset: 0, size: bytes, value: e.x(Rt) }];
    e.setX(Rs, e.storeExclusive(address, bytes, stored));
  },
});

export const loadStoreExclusivePair = instruction({
  title: 'Load/store exclusive pair',
  encoding: encoding('1 sz:1 001000 0 L:1 1 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5'),
  variant: ({ sz, L, Rn }) => ({ sz, L, sp: Rn === 31 }),
  operands: ({ Rs, Rt2, Rn, Rt }) => ({ Rs, Rt2, Rn, Rt }),

  assembly({ sz, L, Rs, o0, Rt2, Rn, Rt }) {
    const transferred = `${xzrName(sz, Rt)}, ${xzrName(sz, Rt2)}, [${spName(1, Rn)}]`;
    if (L) return `ld${o0 ? 'a' : ''}xp ${transferred}`;
    return `st${o0 ? 'l' : ''}xp ${xzrName(0, Rs)}, ${transferred}`;
  },

  semantics(e, { sz, L, sp }, { Rs, Rt2, Rn, Rt }) {
    const bytes = sz ? 8 : 4;
    const address = e.base(Rn, sp);
    if (L) {
      const data = e.loadExclusive(address, 2 * bytes);
      e.setX(Rt, data.i64(0, bytes));
      e.setX(Rt2, data.i64(bytes, bytes));
      return;
    }
    const status = e.storeExclusive(address, 2 * bytes, [
      { offset: 0, size: bytes, value: e.x(Rt) },
      { offset: bytes, size: bytes, value: e.x(Rt2) },
    ]);
    e.setX(Rs, status);
  },
});
