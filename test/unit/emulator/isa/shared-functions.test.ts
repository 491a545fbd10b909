import assert from 'node:assert/strict';
import { DecodeBitMasks, Ones, SignExtend } from '../../../../emulator/isa/shared-functions.ts';

/**
 * The logical immediates as the Arm ARM explains them in words: an element of 2 to 64 bits with a
 * run of ones, rotated right and repeated. imms names the element size by its leading ones.
 */
function logicalImmediates(width: 32 | 64): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (let size = 2; size <= width; size *= 2) {
    for (let ones = 1; ones < size; ones += 1) {
      for (let immr = 0; immr < 64; immr += 1) {
        const run = '1'.repeat(ones).padStart(size, '0');
        const rotation = immr % size;
        const element = run.slice(size - rotation) + run.slice(0, size - rotation);
        const sizeBits = size === 64 ? 0 : 0x3f & ~(2 * size - 1);
        const imms = sizeBits | (ones - 1);
        const key = `${size === 64 ? 1 : 0} ${imms} ${immr}`;
        values.set(key, BigInt(`0b${element.repeat(width / size)}`));
      }
    }
  }
  return values;
}

describe('DecodeBitMasks', () => {
  for (const width of [32, 64] as const) {
    it(`gives exactly the logical immediates of ${width} bits`, () => {
      const expected = logicalImmediates(width);
      for (let N = 0; N <= 1; N += 1) {
        for (let imms = 0; imms < 64; imms += 1) {
          for (let immr = 0; immr < 64; immr += 1) {
            const key = `${N} ${imms} ${immr}`;
            const decoded = DecodeBitMasks(N, imms, immr, true, width);
            assert.equal(decoded?.wmask, expected.get(key), `N imms immr ${key}`);
          }
        }
      }
    });

    it(`gives the masks of a bitfield move of ${width} bits`, () => {
      for (let imms = 0; imms < width; imms += 1) {
        for (let immr = 0; immr < width; immr += 1) {
          const decoded = DecodeBitMasks(width === 64 ? 1 : 0, imms, immr, false, width);
          // UBFX keeps bits imms:immr at the bottom, UBFIZ puts bits imms:0 at width - immr.
          const fieldWidth = imms >= immr ? imms - immr + 1 : imms + 1;
          const lsb = imms >= immr ? 0 : width - immr;
          const expected = BigInt(`0b${'1'.repeat(fieldWidth)}${'0'.repeat(lsb)}`);
          assert.ok(decoded);
          assert.equal(decoded.wmask & decoded.tmask, expected, `${immr} ${imms}`);
        }
      }
    });
  }
});

describe('SignExtend', () => {
  it('reads the top bit as negative', () => {
    assert.equal(SignExtend(0x7f, 7), -1);
    assert.equal(SignExtend(0x40, 7), -64);
    assert.equal(SignExtend(0x3f, 7), 63);
    assert.equal(SignExtend(0x80000000, 32), -0x80000000);
  });
});

describe('Ones', () => {
  it('counts bits from the bottom', () => {
    assert.equal(Ones(0), 0n);
    assert.equal(Ones(1), 1n);
    assert.equal(Ones(64), 0xffffffffffffffffn);
  });
});
