/**
 * Arm ARM, "Load/store no-allocate pair (offset)" and "Load/store register pair (post-indexed)",
 * "(offset)" and "(pre-indexed)": LDP, STP, LDPSW, LDNP, STNP. Where the two registers of a load are
 * the same one (CONSTRAINED UNPREDICTABLE), the first value stays in a general-purpose register and
 * the second in a SIMD&FP register; where one of them is the base that is written back, the base's
 * new value stays.
 */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import type { Expr } from '../expression.ts';
import { instruction } from '../instruction.ts';
import type { Emitter, Operand } from '../instruction.ts';
import { SignExtend } from '../shared-functions.ts';
import {
  OFFSET,
  addressText,
  offsetAddress,
  setVectorRegister,
  storedVectorRegister,
  vectorRegisterName,
  withWriteback,
} from './transfer.ts';

const NO_ALLOCATE = 0;
const LDPSW = 1;
const UNALLOCATED = 3;

const offsetOf = (imm7: number, scale: number): number => SignExtend(imm7, 7) * (1 << scale);
const mnemonicOf = (L: number, index: number): string =>
  `${L ? 'ld' : 'st'}${index === NO_ALLOCATE ? 'n' : ''}p`;

/** A hint about allocation is no difference here. */
const modeOf = (index: number): number => (index === NO_ALLOCATE ? OFFSET : index);

function atPairAddress(
  e: Emitter,
  { mode, sp }: { readonly mode: number; readonly sp: boolean },
  { Rn, offset }: { readonly Rn: Operand; readonly offset: Operand },
  access: (address: Expr<'i64'>) => void,
): void {
  if (mode === OFFSET) access(offsetAddress(e, Rn, sp, offset));
  else withWriteback(e, mode, { Rn, sp, offset }, access);
}

const generalScale = (opc: number): number => (opc === 2 ? 3 : 2);

export const loadStoreRegisterPair = instruction({
  title: 'Load/store register pair',
  encoding: encoding('opc:2 101 0 0 index:2 L:1 imm7:7 Rt2:5 Rn:5 Rt:5'),

  variant({ opc, index, L, Rn }) {
    if (opc === UNALLOCATED) return undefined;
    if (opc === LDPSW && (!L || index === NO_ALLOCATE)) return undefined;
    return { opc, mode: modeOf(index), L, sp: Rn === 31 };
  },
  operands: ({ opc, imm7, Rt2, Rn, Rt }) => ({
    Rt,
    Rt2,
    Rn,
    offset: offsetOf(imm7, generalScale(opc)),
  }),

  assembly({ opc, index, L, imm7, Rt2, Rn, Rt }) {
    const mnemonic = opc === LDPSW ? 'ldpsw' : mnemonicOf(L, index);
    const sf = opc === 0 ? 0 : 1;
    const address = addressText(modeOf(index), Rn, offsetOf(imm7, generalScale(opc)));
    return `${mnemonic} ${xzrName(sf, Rt)}, ${xzrName(sf, Rt2)}, ${address}`;
  },

  semantics(e, { opc, mode, L, sp }, { Rt, Rt2, Rn, offset }) {
    const bytes = opc === 2 ? 8 : 4;
    atPairAddress(e, { mode, sp }, { Rn, offset }, (address) => {
      if (L) {
        const data = e.load(address, 2 * bytes, { element: bytes });
        e.setX(Rt2, data.i64(bytes, bytes, opc === LDPSW));
        e.setX(Rt, data.i64(0, bytes, opc === LDPSW));
      } else {
        e.store(
          address,
          2 * bytes,
          [
            { offset: 0, size: bytes, value: e.x(Rt) },
            { offset: bytes, size: bytes, value: e.x(Rt2) },
          ],
          { element: bytes },
        );
      }
    });
  },
});

export const loadStoreRegisterPairSIMD = instruction({
  title: 'Load/store register pair, SIMD&FP',
  encoding: encoding('opc:2 101 1 0 index:2 L:1 imm7:7 Rt2:5 Rn:5 Rt:5'),
  usesFP: true,

  variant({ opc, index, L, Rn }) {
    if (opc === UNALLOCATED) return undefined;
    return { scale: opc + 2, mode: modeOf(index), L, sp: Rn === 31 };
  },
  operands: ({ opc, imm7, Rt2, Rn, Rt }) => ({ Rt, Rt2, Rn, offset: offsetOf(imm7, opc + 2) }),

  assembly({ opc, index, L, imm7, Rt2, Rn, Rt }) {
    const scale = opc + 2;
    const registers = `${vectorRegisterName(scale, Rt)}, ${vectorRegisterName(scale, Rt2)}`;
    const address = addressText(modeOf(index), Rn, offsetOf(imm7, scale));
    return `${mnemonicOf(L, index)} ${registers}, ${address}`;
  },

  semantics(e, { scale, mode, L, sp }, { Rt, Rt2, Rn, offset }) {
    const bytes = 1 << scale;
    atPairAddress(e, { mode, sp }, { Rn, offset }, (address) => {
      if (L) {
        const data = e.load(address, 2 * bytes, { element: bytes });
        setVectorRegister(e, scale, Rt, data, 0);
        setVectorRegister(e, scale, Rt2, data, bytes);
      } else {
        e.store(
          address,
          2 * bytes,
          [storedVectorRegister(e, scale, Rt, 0), storedVectorRegister(e, scale, Rt2, bytes)],
          { element: bytes },
        );
      }
    });
  },
});
