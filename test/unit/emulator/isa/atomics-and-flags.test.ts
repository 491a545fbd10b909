/**
 * FEAT_LSE and FEAT_FlagM against their pseudocode on BigInt, over random values. Words are put together here
 * from the Arm ARM's encoding diagrams.
 */
import assert from 'node:assert/strict';
import { seededRandom } from '../../../support/random.ts';
import { RAM_BASE, testEngine } from '../../../support/test-engine.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const ROUNDS = 40;
const DATA = RAM_BASE + 0x8000n;
const INTERESTING = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0x7fff_ffffn, 0x8000_0000n];

describe(`Atomics and flag manipulation (SEED=${SEED})`, () => {
  const random = seededRandom(SEED);
  const below = (n: number): number => Math.floor(random() * n);
  const value64 = (): bigint => {
    const low =
      random() < 0.4 ? (INTERESTING[below(INTERESTING.length)] ?? 0n) : BigInt(below(2 ** 32));
    const high = random() < 0.3 ? (random() < 0.5 ? 0n : 0xffff_ffffn) : BigInt(below(2 ** 32));
    return (high << 32n) | low;
  };
  const test = testEngine({ features: new Set(['FEAT_LSE', 'FEAT_FlagM']) });
  const { engine, load } = test;
  const { state } = engine;

  function execute(word: number): void {
    load([word]);
    state.PC = RAM_BASE;
    assert.equal(test.run(1), 'BUDGET', `0x${word.toString(16)}`);
  }
  const memory = (bytes: number): bigint => {
    const view = engine.ram.view(DATA, bytes);
    assert.ok(view);
    return view.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  };
  function store(value: bigint): void {
    engine.writePhysical(DATA, new Uint8Array(BigUint64Array.of(value, ~value).buffer));
  }

  /** Arm ARM, MemAtomic(): what is stored, from the old value and the operand, both of `n` bits. */
  const operations: Readonly<
    Record<
      string,
      { opc: number; o3?: 1; apply: (old: bigint, operand: bigint, n: number) => bigint }
    >
  > = {
    LDADD: { opc: 0, apply: (old, operand) => old + operand },
    LDCLR: { opc: 1, apply: (old, operand) => old & ~operand },
    LDEOR: { opc: 2, apply: (old, operand) => old ^ operand },
    LDSET: { opc: 3, apply: (old, operand) => old | operand },
    LDSMAX: { opc: 4, apply: (a, b, n) => (BigInt.asIntN(n, a) > BigInt.asIntN(n, b) ? a : b) },
    LDSMIN: { opc: 5, apply: (a, b, n) => (BigInt.asIntN(n, a) < BigInt.asIntN(n, b) ? a : b) },
    LDUMAX: { opc: 6, apply: (a, b) => (a > b ? a : b) },
    LDUMIN: { opc: 7, apply: (a, b) => (a < b ? a : b) },
    SWP: { opc: 0, o3: 1, apply: (_old, operand) => operand },
  };

  for (const [name, { opc, o3 = 0, apply }] of Object.entries(operations)) {
    it(`${name} of every size returns the old value and stores the new one`, () => {
      for (let round = 0; round < 4 * ROUNDS; round += 1) {
        const size = below(4);
        const n = 8 << size;
        const old = value64();
        const operand = value64();
        store(old);
        state.setX(1, DATA);
        state.setX(2, operand);
        state.setX(3, ~0n & 0xffff_ffff_ffff_ffffn);
        const Rs = 2;
        const Rt = random() < 0.2 ? 31 : random() < 0.2 ? Rs : 3;
        const ordering = below(4) << 22;
        execute(
          ((size << 30) |
            0x38200000 |
            ordering |
            (Rs << 16) |
            (o3 << 15) |
            (opc << 12) |
            (1 << 5) |
            Rt) >>>
            0,
        );
        const before = BigInt.asUintN(n, old);
        const expected = BigInt.asUintN(n, apply(before, BigInt.asUintN(n, operand), n));
        const where = `${n} bits, ${old.toString(16)} and ${operand.toString(16)}`;
        assert.equal(memory(n / 8), expected, where);
        assert.equal(memory(8) >> BigInt(n), old >> BigInt(n), `beside: ${where}`);
        if (Rt !== 31) assert.equal(state.X(Rt), before, where);
        if (Rt !== Rs) assert.equal(state.X(Rs), operand, where);
      }
    });
  }

  it('CAS of every size compares, and stores where the values are the same', () => {
    for (let round = 0; round < 6 * ROUNDS; round += 1) {
      const size = below(4);
      const n = 8 << size;
      const old = value64();
      const comparison = random() < 0.5 ? old ^ (value64() << BigInt(n)) : value64();
      const compared = BigInt.asUintN(64, comparison);
      const replacement = value64();
      store(old);
      state.setX(1, DATA);
      state.setX(2, compared);
      state.setX(3, replacement);
      const ordering = (below(2) << 22) | (below(2) << 15);
      execute(((size << 30) | 0x08a07c00 | ordering | (2 << 16) | (1 << 5) | 3) >>> 0);
      const before = BigInt.asUintN(n, old);
      const isSame = before === BigInt.asUintN(n, compared);
      assert.equal(memory(n / 8), isSame ? BigInt.asUintN(n, replacement) : before);
      assert.equal(state.X(2), before);
      assert.equal(state.X(3), replacement);
    }
  });

  it('CASP compares and stores a pair', () => {
    for (let round = 0; round < 4 * ROUNDS; round += 1) {
      const sz = below(2);
      const n = 32 << sz;
      const old = value64();
      const oldPair = old | (BigInt.asUintN(64, ~old) << 64n);
      const part = (index: number): bigint => BigInt.asUintN(n, oldPair >> BigInt(n * index));
      const compared = [0, 1].map((index) => (random() < 0.8 ? part(index) : value64()));
      const replacement = [value64(), value64()];
      store(old);
      state.setX(1, DATA);
      for (const index of [0, 1]) {
        state.setX(2 + index, compared[index] ?? 0n);
        state.setX(4 + index, replacement[index] ?? 0n);
      }
      const ordering = (below(2) << 22) | (below(2) << 15);
      execute(((sz << 30) | 0x08207c00 | ordering | (2 << 16) | (1 << 5) | 4) >>> 0);
      const isSame = [0, 1].every(
        (index) => BigInt.asUintN(n, compared[index] ?? 0n) === part(index),
      );
      const pair = [0, 1].map((index) => BigInt.asUintN(n, replacement[index] ?? 0n));
      const expected = isSame
        ? (pair[0] ?? 0n) | ((pair[1] ?? 0n) << BigInt(n))
        : BigInt.asUintN(2 * n, oldPair);
      assert.equal(memory(n / 4), expected);
      assert.deepEqual([state.X(2), state.X(3)], [part(0), part(1)]);
    }
  });

  it('RMIF puts rotated bits into the flags of its mask', () => {
    for (let round = 0; round < 4 * ROUNDS; round += 1) {
      const value = value64();
      const flags = below(16);
      const [imm6, mask] = [below(64), below(16)];
      state.setX(1, value);
      state.NZCV = flags;
      execute((0xba000400 | (imm6 << 15) | (1 << 5) | mask) >>> 0);
      const rotated = (value >> BigInt(imm6)) | (value << BigInt(64 - imm6));
      const bits = Number(rotated & 15n);
      assert.equal(state.NZCV, (flags & ~mask) | (bits & mask));
    }
  });

  it('SETF8 and SETF16 judge the low bits and leave C alone', () => {
    for (let round = 0; round < 4 * ROUNDS; round += 1) {
      const value = value64();
      const flags = below(16);
      const sz = below(2);
      const msb = sz === 1 ? 15 : 7;
      state.setX(1, value);
      state.NZCV = flags;
      execute((0x3a00080d | (sz << 14) | (1 << 5)) >>> 0);
      const bit = (n: number): number => Number((value >> BigInt(n)) & 1n);
      const Z = BigInt.asUintN(msb + 1, value) === 0n ? 1 : 0;
      const V = bit(msb + 1) ^ bit(msb);
      assert.equal(state.NZCV, (bit(msb) << 3) | (Z << 2) | (flags & 2) | V);
    }
  });

  it('CFINV inverts C', () => {
    for (let flags = 0; flags < 16; flags += 1) {
      state.NZCV = flags;
      execute(0xd500401f);
      assert.equal(state.NZCV, flags ^ 2);
    }
  });
});
