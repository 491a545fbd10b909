/** Arm ARM, "Load/store ordered": LDAR, STLR, LDLAR, STLLR (FEAT_LOR) and their byte and halfword forms. */
import { spName, xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { instruction } from '../instruction.ts';
import { bytesOf } from './transfer.ts';
import { entryOf } from '../tables.ts';

const UNITS = ['b', 'h', '', ''] as const;

export const loadStoreOrdered = instruction({
  title: 'Load/store ordered',
  encoding: encoding(
    'size:2 001000 1 L:1 0 (1) (1) (1) (1) (1) o0:1 (1) (1) (1) (1) (1) Rn:5 Rt:5',
  ),
  featureOf: ({ o0 }) => (o0 ? undefined : 'FEAT_LOR'),
  variant: ({ size, L, Rn }) => ({ size, L, sp: Rn === 31 }),
  operands: ({ Rn, Rt }) => ({ Rn, Rt }),

  assembly({ size, L, o0, Rn, Rt }) {
    const t = xzrName(size === 3 ? 1 : 0, Rt);
    const mnemonic = L ? (o0 ? 'ldar' : 'ldlar') : o0 ? 'stlr' : 'stllr';
    return `${mnemonic}${entryOf(UNITS, size)} ${t}, [${spName(1, Rn)}]`;
  },

  semantics(e, { size, L, sp }, { Rn, Rt }) {
    const bytes = bytesOf(size);
    const address = e.base(Rn, sp);
    if (L) e.setX(Rt, e.load(address, bytes, { aligned: true }).i64(0, bytes));
    else e.store(address, bytes, [{ offset: 0, size: bytes, value: e.x(Rt) }], { aligned: true });
  },
});
