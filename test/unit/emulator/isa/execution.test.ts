/** The semantics of the integer definitions against executions recorded on QEMU. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Engine } from '../../../../emulator/engine/engine.ts';
import { EngineMemory } from '../../../../emulator/engine/engine-memory.ts';
import { runtimeFunctions } from '../../../../emulator/engine/runtime-functions.ts';
import type { EngineHost } from '../../../../emulator/engine/engine.ts';
import * as L from '../../../../emulator/engine/layout.ts';
import { createDecoder } from '../../../../emulator/isa/decode.ts';
import { integerDefinitions } from '../../../../emulator/isa/definitions.ts';
import { disassemble } from '../../../../emulator/isa/disassemble.ts';
import { distanceContext } from '../../../support/disassembly-words.ts';

interface Registers {
  readonly x: Readonly<Record<string, string>>;
  readonly sp?: string;
  readonly nzcv: number;
  readonly v?: Readonly<Record<string, readonly [string, string]>>;
}

interface Execution {
  readonly word: string;
  readonly at: string;
  readonly before: Registers & { readonly sp: string; readonly seed?: string };
  readonly outcome: 'done' | 'abort';
  readonly after: Registers & { readonly pc: string; readonly memory?: string };
}

const file = path.resolve(import.meta.dirname, '../../../fixtures/execution/integer.jsonl.gz');
const executions = gunzipSync(readFileSync(file))
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Execution);

const CODE = 0x4600_0000n;
const CODE_BYTES = 0x20_0000;
const MEMORY = 0x4700_1000n;
const MEMORY_BYTES = 0x2000;
const WINDOW = 0xf00; // offset in the memory
const WINDOW_WORDS = 64;

const number = (text: string): bigint => BigInt(`0x${text}`);
const hex = (value: bigint): string => value.toString(16);
const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);

function filledMemory(seed: string | undefined): Uint8Array {
  const bytes = new Uint8Array(MEMORY_BYTES);
  const view = new DataView(bytes.buffer);
  let state = seed === undefined ? 0n : number(seed);
  for (let word = 0; word < WINDOW_WORDS; word += 1) {
    state ^= unsigned(state << 13n);
    state ^= state >> 7n;
    state ^= unsigned(state << 17n);
    view.setBigUint64(WINDOW + 8 * word, state, true);
  }
  return bytes;
}

function checksum(memory: Uint8Array): bigint {
  const view = new DataView(memory.buffer, memory.byteOffset);
  let hash = 0n;
  for (let word = 0; word < WINDOW_WORDS; word += 1) {
    hash = unsigned((hash ^ view.getBigUint64(WINDOW + 8 * word, true)) * 0x9e374f2f6a3b9ae1n);
    hash = unsigned((hash >> 29n) | (hash << 35n));
  }
  return hash;
}

/** An engine at EL0 whose memory is the window's two pages; everything else is refused. */
function recordingMachine(): Engine {
  const isMemory = (va: bigint, size: number): boolean =>
    va >= MEMORY && va + BigInt(size) <= MEMORY + BigInt(MEMORY_BYTES);
  const isAllowed = (va: bigint, size: number, flags: number, element: number): boolean =>
    isMemory(va, size) && ((flags & L.ACCESS_ALIGNED) === 0 || va % BigInt(element) === 0n);
  const permissions = { read: true, write: true, unaligned: true };
  const host: EngineHost = {
    readMemory(va, size, flags, element) {
      const bytes = engine.readPhysical(va, size);
      if (!isAllowed(va, size, flags, element) || !bytes) return -1;
      engine.bounceBytes(size).set(bytes);
      engine.installTlb(0, va, va, permissions);
      return engine.bounce;
    },
    writeMemory(va, size, flags, element) {
      if (!isAllowed(va, size, flags, element)) return -1;
      return engine.writePhysical(va, engine.storeBytes(size)) ? 0 : -1;
    },
    fetchPage: (va) => (va >= CODE && va < CODE + BigInt(CODE_BYTES) ? va & ~0xfffn : -1n),
    tableWalk: () => undefined,
    systemRegisterSlot: () => undefined,
  };
  const engine = new Engine({
    memory: new EngineMemory({
      ram: [
        { base: CODE, size: CODE_BYTES },
        { base: MEMORY, size: MEMORY_BYTES },
      ],
      definitions: integerDefinitions,
      runtimeFunctions,
      features: new Set(['FEAT_CRC32']),
    }),
    host,
  });
  engine.state.EL = 0;
  engine.setRegime(0, 0);
  engine.setSpAlignmentCheck(true);
  return engine;
}

function execute(engine: Engine, { word, at, before }: Execution): string {
  const instruction = new Uint8Array(4);
  new DataView(instruction.buffer).setUint32(0, Number.parseInt(word, 16), true);
  engine.writePhysical(number(at), instruction);
  engine.writePhysical(MEMORY, filledMemory(before.seed));
  const { state } = engine;
  for (let n = 0; n <= 30; n += 1) state.setX(n, number(before.x[n] ?? '0'));
  for (let n = 0; n <= 31; n += 1) {
    const [low, high] = before.v?.[n] ?? ['0', '0'];
    state.setV(n, number(low), number(high));
  }
  state.SP = number(before.sp);
  state.NZCV = before.nzcv;
  state.PC = number(at);
  state.clearExclusiveMonitor();
  const exit = engine.run(1);
  return exit === 'BUDGET' ? 'done' : exit === 'HOST_FAULT' ? 'abort' : exit;
}

/** What `after` says, for the registers that it says something about or that changed. */
function observed(engine: Engine, { before, after }: Execution): Execution['after'] {
  const { state } = engine;
  const x: Record<string, string> = {};
  const v: Record<string, readonly [string, string]> = {};
  for (let n = 0; n <= 30; n += 1) {
    const value = hex(state.X(n));
    if (value !== (before.x[n] ?? '0') || after.x[n] !== undefined) x[n] = value;
  }
  for (let n = 0; n <= 31; n += 1) {
    const { lo, hi } = state.V(n);
    const [low, high] = before.v?.[n] ?? ['0', '0'];
    if (hex(lo) !== low || hex(hi) !== high) v[n] = [hex(lo), hex(hi)];
  }
  const memory = engine.readPhysical(MEMORY, MEMORY_BYTES);
  return {
    x,
    ...(hex(state.SP) === before.sp ? {} : { sp: hex(state.SP) }),
    nzcv: state.NZCV,
    pc: hex(state.PC),
    ...(Object.keys(v).length > 0 ? { v } : {}),
    ...(after.memory === undefined || !memory ? {} : { memory: hex(checksum(memory)) }),
  };
}

describe('recorded executions', () => {
  const decoder = createDecoder(integerDefinitions);
  const engine = recordingMachine();
  const classes = new Map<string, Execution[]>();
  for (const each of executions) {
    const title = decoder.decode(Number.parseInt(each.word, 16))?.definition.title ?? 'UNDEFINED';
    classes.set(title, [...(classes.get(title) ?? []), each]);
  }

  for (const [title, cases] of classes) {
    it(`${title}: ${cases.length} instructions do what QEMU's did`, () => {
      for (const each of cases) {
        const text = disassemble(Number.parseInt(each.word, 16), distanceContext);
        const outcome = execute(engine, each);
        assert.equal(outcome, each.outcome, `${each.word} ${text}`);
        assert.deepEqual(observed(engine, each), each.after, `${each.word} ${text}`);
      }
    });
  }
});
