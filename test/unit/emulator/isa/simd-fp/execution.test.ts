/** Advanced SIMD and floating-point semantics against executions recorded on QEMU. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Engine } from '../../../../../emulator/engine/engine.ts';
import { EngineMemory } from '../../../../../emulator/engine/engine-memory.ts';
import type { EngineHost } from '../../../../../emulator/engine/engine.ts';
import * as L from '../../../../../emulator/engine/layout.ts';
import { runtimeFunctions } from '../../../../../emulator/engine/runtime-functions.ts';
import { createDecoder } from '../../../../../emulator/isa/decode.ts';
import {
  cryptographicDefinitions,
  simdFpDefinitions,
} from '../../../../../emulator/isa/simd-fp/definitions.ts';
import { distanceContext } from '../../../../support/disassembly-words.ts';

type Halves = readonly [string, string];

interface Execution {
  readonly word: string;
  readonly before: {
    readonly x?: Readonly<Record<string, string>>;
    readonly sp?: string;
    readonly seed?: string;
    readonly nzcv: number;
    readonly fpcr: string;
    readonly fpsr: string;
    readonly v: Readonly<Record<string, Halves>>;
  };
  readonly outcome: 'done' | 'abort';
  readonly after?: {
    readonly x?: Readonly<Record<string, string>>;
    readonly sp?: string;
    readonly memory?: string;
    readonly nzcv: number;
    readonly fpsr: string;
    readonly v: Readonly<Record<string, Halves>>;
  };
}

const definitions = [...simdFpDefinitions, ...cryptographicDefinitions];

const executions = ['executions', 'cryptography'].flatMap((name) => {
  const folder = path.resolve(import.meta.dirname, '../../../../fixtures/simd-fp');
  const lines = gunzipSync(readFileSync(path.join(folder, `${name}.jsonl.gz`))).toString();
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Execution);
});

const CODE = 0x4600_0000n;
const MEMORY = 0x4700_1000n;
const MEMORY_BYTES = 0x2000;
const WINDOW = 0xf00;
const WINDOW_WORDS = 64;

const number = (text: string): bigint => BigInt(`0x${text}`);
const hex = (value: bigint): string => value.toString(16);
const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);

function seededMemory(seed: bigint): Uint8Array {
  const bytes = new Uint8Array(MEMORY_BYTES);
  const view = new DataView(bytes.buffer);
  let state = seed;
  for (let word = 0; word < WINDOW_WORDS; word += 1) {
    state ^= wrap(state << 13n);
    state ^= state >> 7n;
    state ^= wrap(state << 17n);
    view.setBigUint64(WINDOW + 8 * word, state, true);
  }
  return bytes;
}

function checksum(memory: Uint8Array): bigint {
  const view = new DataView(memory.buffer, memory.byteOffset);
  let sum = 0n;
  for (let word = 0; word < WINDOW_WORDS; word += 1) {
    sum = wrap((sum ^ view.getBigUint64(WINDOW + 8 * word, true)) * 0x9e37_4f2f_6a3b_9ae1n);
    sum = (sum >> 29n) | wrap(sum << 35n);
  }
  return sum;
}

function makeEngine(): Engine {
  const inside = (va: bigint, size: number): boolean =>
    va >= MEMORY && va + BigInt(size) <= MEMORY + BigInt(MEMORY_BYTES);
  const host: EngineHost = {
    readMemory(va, size) {
      const view = inside(va, size) ? engine.ram.view(va, size) : undefined;
      if (!view) return -1;
      engine.bounceBytes(size).set(view);
      return engine.bounce;
    },
    writeMemory: (va, size) =>
      inside(va, size) && engine.writePhysical(va, engine.storeBytes(size)) ? 0 : -1,
    fetchPage: (va) => (engine.ram.hostAddress(va) === undefined ? -1n : va & ~0xfffn),
    tableWalk: () => undefined,
    systemRegisterSlot: () => undefined,
  };
  const engine = new Engine({
    memory: new EngineMemory({
      ram: [
        { base: CODE, size: 0x1000 },
        { base: MEMORY, size: MEMORY_BYTES },
      ],
      definitions,
      runtimeFunctions,
      features: new Set(['FEAT_AES', 'FEAT_PMULL', 'FEAT_SHA1', 'FEAT_SHA256']),
    }),
    host,
  });
  engine.setRegime(0, 0);
  return engine;
}

describe('Advanced SIMD and floating-point semantics', () => {
  const engine = makeEngine();
  const decoder = createDecoder(definitions);
  const { state } = engine;
  const classes = new Map<string, Execution[]>();
  for (const execution of executions) {
    const decoded = decoder.decode(Number(number(execution.word)));
    const title = decoded?.definition.title ?? 'not decoded';
    classes.set(title, [...(classes.get(title) ?? []), execution]);
  }

  function execute({ word, before, outcome, after }: Execution): void {
    const decoded = decoder.decode(Number(number(word)));
    assert.ok(decoded, `0x${word} is not decoded`);
    const text = `${word} ${decoded.definition.assembly(decoded.fields, distanceContext)}`;
    for (let n = 0; n < 31; n += 1) state.setX(n, number(before.x?.[n] ?? '0'));
    for (let n = 0; n < 32; n += 1) {
      const [lo, hi] = before.v[n] ?? ['0', '0'];
      state.setV(n, number(lo), number(hi));
    }
    state.SP = number(before.sp ?? '0');
    state.NZCV = before.nzcv;
    state.setSysreg(L.FPCR_SLOT, number(before.fpcr));
    state.setSysreg(L.FPSR_SLOT, number(before.fpsr));
    if (before.seed !== undefined) engine.writePhysical(MEMORY, seededMemory(number(before.seed)));
    const code = new Uint8Array(4);
    new DataView(code.buffer).setUint32(0, Number(number(word)), true);
    engine.writePhysical(CODE, code);
    state.PC = CODE;

    const exit = engine.run(1);
    assert.equal(exit, outcome === 'done' ? 'BUDGET' : 'HOST_FAULT', text);
    const context = `${text} with FPCR ${before.fpcr}, ${JSON.stringify(before.v)}`;
    for (let n = 0; n < 31; n += 1) {
      const wanted = after?.x?.[n] ?? before.x?.[n] ?? '0';
      assert.equal(hex(state.X(n)), wanted, `X${n} after ${context}`);
    }
    for (let n = 0; n < 32; n += 1) {
      const { lo, hi } = state.V(n);
      const wanted = after?.v[n] ?? before.v[n] ?? ['0', '0'];
      assert.deepEqual([hex(lo), hex(hi)], wanted, `V${n} after ${context}`);
    }
    assert.equal(state.NZCV, after?.nzcv ?? before.nzcv, `NZCV after ${context}`);
    assert.equal(
      hex(state.sysreg(L.FPSR_SLOT)),
      after?.fpsr ?? before.fpsr,
      `FPSR after ${context}`,
    );
    if (after?.sp !== undefined) assert.equal(hex(state.SP), after.sp, `SP after ${context}`);
    if (after?.memory !== undefined) {
      const memory = engine.readPhysical(MEMORY, MEMORY_BYTES);
      assert.ok(memory);
      assert.equal(hex(checksum(memory)), after.memory, `memory after ${context}`);
    }
  }

  it('has recorded executions of every encoding class', () => {
    const titles = definitions.map(({ title }) => title).sort();
    assert.deepEqual([...classes.keys()].sort(), titles);
  });

  for (const [title, list] of classes) {
    it(`${title}: ${list.length} executions end as on QEMU`, () => {
      for (const execution of list) execute(execution);
    });
  }
});
