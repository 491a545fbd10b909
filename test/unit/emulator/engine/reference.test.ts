/** The engine against an independent reference, on random words over random registers. */
import assert from 'node:assert/strict';
import { disassemble } from '../../../../emulator/isa/disassemble.ts';
import { integerDefinitions } from '../../../../emulator/isa/definitions.ts';
import { executeReference } from '../../../support/reference-integer.ts';
import type { ReferenceState } from '../../../support/reference-integer.ts';
import { seededRandom } from '../../../support/random.ts';
import { RAM_BASE, testEngine } from '../../../support/test-engine.ts';

const CASES = Number(process.env['REFERENCE_CASES'] ?? 60_000);
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const SANDBOX = RAM_BASE + 0x2_0000n;
const SANDBOX_BYTES = 0x4000;
const SLOT = RAM_BASE + 0x1_0000n;

class OutsideSandbox extends Error {}

const context = {
  pc: SLOT,
  label: (address: bigint): string => `0x${address.toString(16)}`,
  systemRegisterName: (): undefined => undefined,
};

describe(`Engine against the reference (SEED=${SEED}, REFERENCE_CASES=${CASES})`, function () {
  this.timeout(120_000);

  it('agrees on registers, flags, PC and memory', () => {
    const random = seededRandom(SEED);
    const bits = (n: number): number => Math.floor(random() * 2 ** n);
    const { engine, load, faulting } = testEngine();
    faulting.clear();
    const sandbox = engine.ram.view(SANDBOX, SANDBOX_BYTES);
    assert.ok(sandbox);
    const interesting = [
      0n,
      1n,
      0x7fffffffn,
      0x80000000n,
      0xffffffffn,
      2n ** 63n - 1n,
      2n ** 63n,
      2n ** 64n - 1n,
    ];
    const randomValue = (): bigint => {
      const choice = random();
      if (choice < 0.2) return interesting[bits(3)] ?? 0n;
      if (choice < 0.5)
        return SANDBOX + BigInt(0x1000 + bits(12)) - (choice < 0.45 ? BigInt(bits(12) & 15) : 0n);
      return (BigInt(bits(32)) << 32n) | BigInt(bits(32));
    };
    const randomWord = (): number => {
      const definition = integerDefinitions[Math.floor(random() * integerDefinitions.length)];
      assert.ok(definition);
      const { mask, value } = definition.encoding;
      const word = ((bits(32) & ~mask) | value) >>> 0;
      return random() < 0.02 ? (word ^ (1 << bits(5))) >>> 0 : word;
    };
    const counts = new Map<string, number>();
    for (let index = 0; index < CASES; index += 1) {
      const word = randomWord();
      for (let i = 0; i < SANDBOX_BYTES; i += 509) sandbox[i] = bits(8);
      const memoryBefore = sandbox.slice();
      const state: ReferenceState = {
        X: Array.from({ length: 31 }, randomValue),
        SP: random() < 0.9 ? SANDBOX + 0x2000n + BigInt(bits(6) << 4) : randomValue(),
        PC: SLOT,
        N: random() < 0.5,
        Z: random() < 0.5,
        C: random() < 0.5,
        V: random() < 0.5,
        Q: Array.from({ length: 32 }, () => (randomValue() << 64n) | randomValue()),
        monitor: undefined,
        read(address, size) {
          const at = Number(address - SANDBOX);
          if (!(at >= 0 && at + size <= SANDBOX_BYTES)) throw new OutsideSandbox();
          let value = 0n;
          for (let i = size - 1; i >= 0; i -= 1)
            value = (value << 8n) | BigInt(memory[at + i] ?? 0);
          return value;
        },
        write(address, size, value) {
          const at = Number(address - SANDBOX);
          if (!(at >= 0 && at + size <= SANDBOX_BYTES)) throw new OutsideSandbox();
          for (let i = 0; i < size; i += 1)
            memory[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
        },
      };
      const memory = memoryBefore.slice();
      load([word], SLOT);
      const s = engine.state;
      state.X.forEach((value, n) => {
        s.setX(n, value);
      });
      s.SP = state.SP;
      s.PC = SLOT;
      s.NZCV = (state.N ? 8 : 0) | (state.Z ? 4 : 0) | (state.C ? 2 : 0) | (state.V ? 1 : 0);
      s.clearExclusiveMonitor();
      if (random() < 0.7) {
        const Rn = (word >>> 5) & 31;
        const base = Rn === 31 ? state.SP : (state.X[Rn] ?? 0n);
        const size = (1 << (word >>> 30)) << ((word >>> 21) & 1);
        if (base % BigInt(size) === 0n) {
          state.monitor = { address: base, size };
          engine.closeExclusiveMonitor(base, size);
        }
      }
      state.Q.forEach((value, n) => {
        s.setV(n, value & (2n ** 64n - 1n), value >> 64n);
      });
      let expected;
      try {
        expected = executeReference(word, state);
      } catch (error) {
        if (!(error instanceof OutsideSandbox)) throw error;
        expected = 'outside';
      }
      counts.set(expected, (counts.get(expected) ?? 0) + 1);
      if (expected === 'outside' || expected === 'unpredictable' || expected === 'elsewhere')
        continue;
      const what = `0x${word.toString(16).padStart(8, '0')} ${disassemble(word, context)} (case ${index})`;
      const exit = engine.run(1);
      if (expected === 'undefined') {
        assert.equal(exit, 'UNDEFINED', what);
        continue;
      }
      if (expected === 'alignment fault') continue;
      // A branch out of RAM has executed; the fetch that follows is not part of the instruction.
      if (exit !== 'HOST_FAULT' || s.PC === SLOT) assert.equal(exit, 'BUDGET', what);
      assert.equal(s.PC, state.PC, `${what}: PC`);
      state.X.forEach((value, n) => {
        assert.equal(s.X(n).toString(16), value.toString(16), `${what}: X${n}`);
      });
      assert.equal(s.SP, state.SP, `${what}: SP`);
      const nzcv = (state.N ? 8 : 0) | (state.Z ? 4 : 0) | (state.C ? 2 : 0) | (state.V ? 1 : 0);
      assert.equal(s.NZCV, nzcv, `${what}: NZCV`);
      state.Q.forEach((value, n) => {
        const { lo, hi } = s.V(n);
        assert.equal((hi << 64n) | lo, value, `${what}: V${n}`);
      });
      assert.ok(Buffer.compare(sandbox, memory) === 0, `${what}: memory`);
    }
    assert.ok(
      (counts.get('executed') ?? 0) > CASES / 4,
      `too few executed: ${JSON.stringify([...counts])}`,
    );
  });
});
