import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ProcessingElement } from '../../../../../emulator/cpu/pe.ts';
import { v8_0 } from '../../../../../emulator/sysregs/processor-model.ts';
import {
  addImmediate,
  b,
  bne,
  ldr,
  mov,
  nop,
  str,
  subsImmediate,
  svc,
} from '../../../../support/a64.ts';
import { decodeSamples } from '../../../../support/spe-packets.ts';
import type { DecodedSample } from '../../../../support/spe-packets.ts';

const RAM = 0x4000_0000n;
const CODE = 0x4000_1000n;
const DATA = 0x4000_8000n;
const BUFFER = 0x4001_0000n;
const LIMIT = 0x4001_1000n;

const PMSCR_EL1_TO_EL0 = 3n;
const PMSCR_CX = 1n << 3n;
const PMSCR_PA = 1n << 4n;
const PMSCR_TS = 1n << 5n;
const PMSFCR = { FE: 1n, FT: 2n, FL: 4n, B: 1n << 16n, LD: 1n << 17n, ST: 1n << 18n };
const PMBSR_S = 1n << 17n;
const PMBSR_DL = 1n << 19n;
const RND = 1n;
const EVENT = { exception: 1, retired: 2, tlbAccess: 16, tlbWalk: 32, notTaken: 64 };

interface Setup {
  readonly interval?: bigint;
  readonly PMSCR?: bigint;
  readonly PMSFCR?: bigint;
  readonly limit?: bigint;
  readonly pointer?: bigint;
}

/** A processor at EL1 whose EL1 owns the profiling buffer. */
class Profiled {
  readonly pe = new ProcessingElement({
    profile: { ...v8_0, FEAT_SPE: true },
    memory: [{ base: RAM, size: 1 << 20 }],
    bus: { read: () => undefined, write: () => false, peek: () => undefined },
    startEL: 1,
    unalignedDeviceAccess: 'allow',
  });
  readonly line: boolean[] = [];

  constructor(words: readonly number[], setup: Setup = {}) {
    const { pe } = this;
    words.forEach((word, n) => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, word, true);
      pe.engine.writePhysical(CODE + BigInt(4 * n), bytes);
    });
    pe.state.PC = CODE;
    pe.spe.connect((asserted) => this.line.push(asserted));
    pe.pokeRegister('MDCR_EL2', 3n << 12n);
    pe.pokeRegister('PMSIRR_EL1', setup.interval ?? 1024n);
    pe.pokeRegister('PMSFCR_EL1', setup.PMSFCR ?? 0n);
    pe.pokeRegister('PMBPTR_EL1', setup.pointer ?? BUFFER);
    pe.pokeRegister('PMSCR_EL1', setup.PMSCR ?? PMSCR_EL1_TO_EL0);
    pe.pokeRegister('PMBLIMITR_EL1', (setup.limit ?? LIMIT) | 1n);
  }

  run(instructions: number): this {
    assert.deepEqual(this.pe.run(instructions), { kind: 'budget' });
    return this;
  }

  get samples(): DecodedSample[] {
    const length = Number(this.pe.peekRegister('PMBPTR_EL1') - BUFFER);
    return decodeSamples(this.pe.peekVirtual(BUFFER, length));
  }
}

/** `count` instructions and a branch back to the first. */
const loop = (body: readonly number[]): number[] => [...body, b(-4 * body.length)];
const nops = Array.from({ length: 99 }, () => nop);

describe('Statistical Profiling Extension', () => {
  it('samples each 1024th operation when PMSIRR_EL1.INTERVAL says 1024', () => {
    const { samples } = new Profiled(loop(nops)).run(10_240);
    assert.equal(samples.length, 10);
    samples.forEach(({ pc }, n) => {
      const index = (1024 * (n + 1) - 1) % 100;
      assert.deepEqual(pc, { address: CODE + BigInt(4 * index), EL: 1, NS: true });
    });
  });

  it('takes the interval from PMSICR_EL1 first, and shows what is left of it there', () => {
    const { pe } = new Profiled(loop(nops));
    pe.pokeRegister('PMSICR_EL1', 5n);
    pe.run(4);
    assert.equal(pe.peekRegister('PMSICR_EL1'), 1n);
    pe.run(1);
    assert.equal(pe.peekRegister('PMSICR_EL1'), 1024n);
    assert.equal(pe.peekRegister('PMBPTR_EL1'), BUFFER + 64n);
  });

  it('varies the interval by up to 255 operations with PMSIRR_EL1.RND, the same in each run', () => {
    const samples = (): (bigint | undefined)[] =>
      new Profiled(loop(nops), { interval: 1024n | RND })
        .run(20_000)
        .samples.map(({ pc }) => pc?.address);
    const first = samples();
    assert.deepEqual(samples(), first);
    assert.ok(first.length >= 15 && first.length <= 19);
    assert.ok(new Set(first).size > 5);
  });

  it('describes a load: address, latencies, type, events, time', () => {
    const program = loop([...mov(2, DATA), ldr(1, 2), ...nops.slice(0, 7)]);
    const profiled = new Profiled(program, { PMSCR: PMSCR_EL1_TO_EL0 | PMSCR_TS | PMSCR_CX });
    profiled.pe.pokeRegister('CONTEXTIDR_EL1', 77n);
    profiled.pe.pokeRegister('PMSICR_EL1', 3n);
    profiled.run(3);
    const [sample] = profiled.samples;
    assert.deepEqual(sample, {
      pc: { address: CODE + 8n, EL: 1, NS: true },
      dataVA: DATA,
      context: 77n,
      // Two instructions of 16 that make a tick.
      timestamp: 0n,
      operation: { class: 'loadStore', subclass: 0 },
      events: EVENT.retired | EVENT.tlbAccess | EVENT.tlbWalk,
      counters: { total: 1, issue: 0, translation: 0 },
      bytes: 9 + 5 + 9 + 2 + 3 + 9 + 9,
    });
  });

  it('gives a physical address only where EL2 lets EL1 see them', () => {
    const program = [...mov(2, DATA), str(1, 2), b(0)];
    const collect = (PMSCR_EL2: bigint): bigint | undefined => {
      const profiled = new Profiled(program, { PMSCR: PMSCR_EL1_TO_EL0 | PMSCR_PA });
      profiled.pe.pokeRegister('PMSCR_EL2', PMSCR_EL2);
      profiled.pe.pokeRegister('PMSICR_EL1', 3n);
      return profiled.run(3).samples[0]?.dataPA;
    };
    assert.equal(collect(0n), undefined);
    assert.equal(collect(PMSCR_PA), (1n << 63n) | DATA);
  });

  it('tells a taken branch with its target from one that is not taken', () => {
    const program = [...mov(1, 2n), subsImmediate(1, 1, 1), bne(-4), b(0)];
    const sampled = (count: bigint): DecodedSample | undefined => {
      const profiled = new Profiled(program);
      profiled.pe.pokeRegister('PMSICR_EL1', count);
      return profiled.run(Number(count)).samples[0];
    };
    const taken = sampled(3n);
    assert.deepEqual(taken?.operation, { class: 'branch', subclass: 1 });
    assert.equal(taken.events, EVENT.retired);
    assert.equal(taken.target?.address, CODE + 4n);
    const notTaken = sampled(5n);
    assert.equal(notTaken?.events, EVENT.retired | EVENT.notTaken);
    assert.equal(notTaken.target?.address, CODE + 12n);
  });

  it('marks an operation that ends in an exception', () => {
    const profiled = new Profiled([svc(1)]);
    profiled.pe.pokeRegister('VBAR_EL1', CODE);
    profiled.pe.pokeRegister('PMSICR_EL1', 1n);
    profiled.pe.run(1);
    assert.equal(profiled.samples[0]?.events, EVENT.exception | EVENT.retired);
  });

  it('keeps only the types that PMSFCR_EL1 asks for', () => {
    const program = loop([...mov(2, DATA), ldr(1, 2), str(1, 2), addImmediate(3, 3, 1)]);
    const classes = (filter: bigint): Set<string> =>
      new Set(
        new Profiled(program, { interval: 256n | RND, PMSFCR: PMSFCR.FT | filter })
          .run(20_000)
          .samples.map(({ operation }) => `${operation?.class} ${operation?.subclass}`),
      );
    assert.deepEqual(classes(PMSFCR.LD), new Set(['loadStore 0']));
    assert.deepEqual(classes(PMSFCR.ST), new Set(['loadStore 1']));
    assert.deepEqual(classes(PMSFCR.B), new Set(['branch 0']));
    assert.deepEqual(classes(0n), new Set());
  });

  it('keeps only the events that PMSEVFR_EL1 and the latencies that PMSLATFR_EL1 asks for', () => {
    const program = loop([...mov(2, DATA), ldr(1, 2), addImmediate(3, 3, 1)]);
    const byEvents = new Profiled(program, { interval: 256n | RND, PMSFCR: PMSFCR.FE });
    byEvents.pe.pokeRegister('PMSEVFR_EL1', BigInt(EVENT.tlbAccess));
    const found = byEvents.run(20_000).samples;
    assert.ok(found.length > 3);
    assert.ok(found.every(({ dataVA }) => dataVA === DATA));
    const byLatency = new Profiled(program, { interval: 256n, PMSFCR: PMSFCR.FL });
    byLatency.pe.pokeRegister('PMSLATFR_EL1', 2n);
    assert.equal(byLatency.run(20_000).samples.length, 0);
  });

  it('stops with a management event when no record fits any more, and goes on when it is cleared', () => {
    const profiled = new Profiled(loop(nops), { interval: 256n });
    const { pe } = profiled;
    profiled.run(256 * 64);
    assert.equal(profiled.samples.length, 64);
    assert.equal(pe.peekRegister('PMBPTR_EL1'), LIMIT);
    assert.equal(pe.peekRegister('PMBSR_EL1'), PMBSR_S | 1n, 'EC 0, buffer filled, nothing lost');
    assert.deepEqual(profiled.line, [false, true]);
    profiled.run(1000);
    assert.equal(profiled.samples.length, 64);
    pe.pokeRegister('PMBPTR_EL1', BUFFER);
    pe.pokeRegister('PMBSR_EL1', 0n);
    assert.deepEqual(profiled.line, [false, true, false]);
    assert.equal(profiled.run(512).samples.length, 2);
  });

  it('reports a stage 1 fault of the buffer, with the data lost', () => {
    // With the MMU off an address is a physical address, and 40 bits are implemented.
    const beyond = 1n << 44n;
    const { pe } = new Profiled(loop(nops), { pointer: beyond, limit: beyond + 0x1000n }).run(1024);
    assert.equal(pe.peekRegister('PMBSR_EL1'), (0x24n << 26n) | PMBSR_S | PMBSR_DL);
    assert.equal(pe.peekRegister('PMBPTR_EL1'), beyond);
  });

  it('reports a stage 2 fault of the buffer', () => {
    const profiled = new Profiled(loop(nops), { pointer: 0x8000_0000n, limit: 0x8000_1000n });
    const { pe } = profiled;
    // Level 1 table of blocks of 1 GiB: only the one that holds RAM is mapped.
    const table = 0x4002_0000n;
    const block = new Uint8Array(8);
    new DataView(block.buffer).setBigUint64(0, RAM | 0x7fdn, true);
    pe.engine.writePhysical(table + 8n, block);
    pe.pokeRegister('VTCR_EL2', 25n | (1n << 6n) | (2n << 16n));
    pe.pokeRegister('VTTBR_EL2', table);
    pe.pokeRegister('HCR_EL2', pe.peekRegister('HCR_EL2') | 1n);
    profiled.run(1024);
    const TRANSLATION_FAULT_LEVEL_1 = 0b000101n;
    assert.equal(
      pe.peekRegister('PMBSR_EL1'),
      (0x25n << 26n) | PMBSR_S | PMBSR_DL | TRANSLATION_FAULT_LEVEL_1,
    );
  });

  it('samples no EL that PMSCR_EL1 leaves out, and nothing while EL2 owns the buffer and translates it', () => {
    assert.equal(new Profiled(loop(nops), { PMSCR: 1n }).run(4096).samples.length, 0);
    const owned = new Profiled(loop(nops));
    owned.pe.pokeRegister('MDCR_EL2', 0n);
    assert.equal(
      owned.run(4096).samples.length,
      4,
      'PMSCR_EL1.E1SPE counts whoever owns the buffer',
    );
  });

  it('tells EL1 in PMBIDR_EL1.P whether a higher EL owns the buffer', () => {
    const { pe } = new Profiled(loop(nops));
    assert.equal(pe.registers.read('PMBIDR_EL1'), 6n);
    pe.pokeRegister('MDCR_EL2', 0n);
    assert.equal(pe.registers.read('PMBIDR_EL1'), 6n | (1n << 4n));
  });

  it('samples the same operations however a run is cut into slices and snapshots', () => {
    const program = loop([
      ...mov(2, DATA),
      ldr(1, 2),
      str(1, 2),
      ...nops.slice(0, 20),
      bne(8),
      nop,
    ]);
    const whole = new Profiled(program, { interval: 256n | RND }).run(5000);
    const expected = whole.pe.peekVirtual(BUFFER, 0x1000);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (slices) => {
        const cut = new Profiled(program, { interval: 256n | RND });
        let left = 5000;
        for (let n = 0; left > 0; n += 1) {
          const slice = Math.min(left, slices[n % slices.length] ?? 1);
          cut.run(slice);
          left -= slice;
          if (n % 3 === 0) cut.pe.restoreState(cut.pe.saveState());
        }
        assert.deepEqual(cut.pe.peekVirtual(BUFFER, 0x1000), expected);
      }),
      { numRuns: 15 },
    );
  });

  it("samples the same operations where the debugger's watchpoint stops at a sampled store", () => {
    const program = loop([...mov(2, DATA), str(1, 2), nop, nop, nop]);
    const whole = new Profiled(program, { interval: 256n }).run(3000);
    const watched = new Profiled(program, { interval: 256n });
    watched.pe.machineWatchpoints.add({ address: DATA, length: 8, access: 'write' });
    const end = watched.pe.state.retired + 3000n;
    for (let resume = false; watched.pe.state.retired < end;) {
      const event = watched.pe.run(Number(end - watched.pe.state.retired), { resume });
      resume = event.kind === 'machineWatchpoint';
    }
    assert.deepEqual(
      watched.samples.map(({ pc, dataVA }) => [pc, dataVA]),
      whole.samples.map(({ pc, dataVA }) => [pc, dataVA]),
    );
  });
});
