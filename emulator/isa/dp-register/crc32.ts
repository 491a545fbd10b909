/** Arm ARM, "Data-processing (2 source)": CRC32B, CRC32H, CRC32W, CRC32X and the CRC32C family. */
import { xzrName } from '../assembly-text.ts';
import { encoding } from '../encoding.ts';
import { and, i32, i64, negate, shrU, wrap, xor, zeroExtend } from '../expression.ts';
import { instruction } from '../instruction.ts';

/** The polynomials 0x04C11DB7 and 0x1EDC6F41 with their bits reversed, as the checksum's are. */
const CRC32_POLYNOMIAL = 0xedb88320;
const CRC32C_POLYNOMIAL = 0x82f63b78;

export const crc32 = instruction({
  title: 'Data-processing (2 source), CRC32',
  feature: 'FEAT_CRC32',
  encoding: encoding('sf:1 0 0 11010110 Rm:5 010 C:1 sz:2 Rn:5 Rd:5'),
  outOfLine: true,

  variant: ({ sf, C, sz }) => ((sf === 1) === (sz === 3) ? { C, sz } : undefined),
  operands: ({ Rm, Rn, Rd }) => ({ Rd, Rn, Rm }),

  assembly({ sf, Rm, C, sz, Rn, Rd }) {
    const mnemonic = `crc32${C ? 'c' : ''}${'bhwx'.charAt(sz)}`;
    return `${mnemonic} ${xzrName(0, Rd)}, ${xzrName(0, Rn)}, ${xzrName(sf, Rm)}`;
  },

  semantics(e, { C, sz }, { Rd, Rn, Rm }) {
    const polynomial = i32(C ? CRC32C_POLYNOMIAL : CRC32_POLYNOMIAL);
    const accumulator = e.variable(e.w(Rn));
    const addBits = (count: number): void => {
      for (let bit = 0; bit < count; bit += 1) {
        const value = accumulator.value;
        const taken = and(negate(and(value, i32(1))), polynomial);
        e.set(accumulator, xor(shrU(value, i32(1)), taken));
      }
    };
    if (sz === 3) {
      const value = e.let(e.x(Rm));
      e.set(accumulator, xor(accumulator.value, wrap(value)));
      addBits(32);
      e.set(accumulator, xor(accumulator.value, wrap(shrU(value, i64(32)))));
      addBits(32);
    } else {
      const value = e.w(Rm);
      const taken = sz === 2 ? value : zeroExtend(value, sz === 1 ? 16 : 8);
      e.set(accumulator, xor(accumulator.value, taken));
      addBits(8 << sz);
    }
    e.setX(Rd, accumulator.value);
  },
});
