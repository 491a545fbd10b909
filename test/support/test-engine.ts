/** An engine over flat RAM with an identity translation, for tests of what the engine itself does. */
import { Engine } from '../../emulator/engine/engine.ts';
import { EngineMemory } from '../../emulator/engine/engine-memory.ts';
import type { EngineHost, RunExit } from '../../emulator/engine/engine.ts';
import { runtimeFunctions } from '../../emulator/engine/runtime-functions.ts';
import { allDefinitions } from '../../emulator/isa/definitions.ts';

export const RAM_BASE = 0x4000_0000n;
const RAM_BYTES = 0x10_0000;

export interface HostAccess {
  readonly va: bigint;
  readonly size: number;
  readonly isWrite: boolean;
}

export interface TestEngine {
  readonly engine: Engine;
  /** Accesses that reached the host instead of the fast path. */
  readonly seen: HostAccess[];
  /** Addresses that the host refuses. */
  readonly faulting: Set<bigint>;
  readonly load: (words: readonly number[], at?: bigint) => void;
  readonly run: (budget?: number) => RunExit;
  readonly word: (at: bigint) => number;
}

/** `unaligned: false` makes the memory behave as Device memory: unaligned accesses reach the host. */
export function testEngine({
  unaligned = true,
  install = true,
  features = new Set(['FEAT_CRC32']),
}: {
  readonly unaligned?: boolean;
  readonly install?: boolean;
  readonly features?: ReadonlySet<string>;
} = {}): TestEngine {
  const seen: HostAccess[] = [];
  const faulting = new Set<bigint>();
  const permissions = { read: true, write: true, unaligned };
  const host: EngineHost = {
    readMemory(va, size) {
      seen.push({ va, size, isWrite: false });
      const view = engine.ram.view(va, size);
      if (faulting.has(va) || !view) return -1;
      if (install) engine.installTlb(1, va, va, permissions);
      engine.bounceBytes(size).set(view);
      return engine.bounce;
    },
    writeMemory(va, size) {
      seen.push({ va, size, isWrite: true });
      if (faulting.has(va)) return -1;
      if (!engine.writePhysical(va, engine.storeBytes(size))) return -1;
      if (install) engine.installTlb(1, va, va, permissions);
      return 0;
    },
    fetchPage: (va) => (engine.ram.hostAddress(va) === undefined ? -1n : va & ~0xfffn),
    tableWalk: () => undefined,
    systemRegisterSlot: () => undefined,
  };
  const engine = new Engine({
    memory: new EngineMemory({
      ram: [{ base: RAM_BASE, size: RAM_BYTES }],
      definitions: allDefinitions,
      runtimeFunctions,
      features,
    }),
    host,
  });
  engine.state.EL = 1;
  engine.setRegime(1, 0);
  engine.state.PC = RAM_BASE;
  engine.state.SP = RAM_BASE + BigInt(RAM_BYTES);
  return {
    engine,
    seen,
    faulting,
    load: (words, at = RAM_BASE) => {
      const bytes = new Uint8Array(words.length * 4);
      words.forEach((word, index) => {
        new DataView(bytes.buffer).setUint32(index * 4, word, true);
      });
      engine.writePhysical(at, bytes);
    },
    run: (budget = 1000) => engine.run(budget),
    word: (at) => {
      const bytes = engine.readPhysical(at, 4);
      if (!bytes) throw new RangeError(`0x${at.toString(16)} is not RAM`);
      return new DataView(bytes.buffer).getUint32(0, true);
    },
  };
}
