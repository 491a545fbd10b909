/** The engine's own walk of the tables gives what the whole walk gives, and leaves the rest to it. */
import assert from 'node:assert/strict';
import type { ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import { PSTATE_PAN } from '../../../../emulator/cpu/pstate.ts';
import { requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { seededRandom } from '../../../support/random.ts';
import { CODE, guest, hex, place, VECTORS } from './guest.ts';

const RAM_BYTES = 0x8_0000;
const TABLES = CODE + 0x1_0000n;
const TABLE_PAGES = 24;
const FRAMES = CODE + 0x4_0000n;
const FRAME_PAGES = 64;

const NORMAL = 0b00n << 2n;
const DEVICE = 0b01n << 2n;
const profile = { ...v8_0, model: requireCpuModel('max-supported') };

const AF = 1n << 10n;
const NG = 1n << 11n;

const INSTRUCTIONS = {
  LDR: 0xf9400001, // ldr x1, [x0]
  STR: 0xf9000001, // str x1, [x0]
  LDTR: 0xf8400801, // ldtr x1, [x0]
  STTR: 0xf8000801, // sttr x1, [x0]
  LDAR: 0xc8dffc01, // ldar x1, [x0]
  LDP: 0xa9400801, // ldp x1, x2, [x0]
} as const;
const WORDS = Object.values(INSTRUCTIONS);
const TLBI_VMALLE1 = 0xd508871f;
const TLBI_VAE1_X0 = 0xd5088720;

function poke64(pe: ProcessingElement, pa: bigint, value: bigint): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  assert.ok(pe.engine.writePhysical(pa, bytes));
}

type Random = (below: number) => number;

function randomOf(seed: number): Random {
  const next = seededRandom(seed);
  return (below) => Math.floor(next() * below);
}

/** A descriptor that mostly leads on, to a table or a frame of the test. */
function descriptor(random: Random, level: number): bigint {
  const chance = (percent: number): boolean => random(100) < percent;
  if (chance(3)) return BigInt(random(2 ** 30)) << 1n;
  const table = TABLES + 0x1000n * BigInt(random(TABLE_PAGES));
  const upper = (bit: number, percent: number): bigint =>
    chance(percent) ? 1n << BigInt(bit) : 0n;
  const forTable = upper(59, 10) | upper(60, 10) | upper(61, 2) | upper(62, 2);
  if (level < 3 && chance(75)) return table | 3n | forTable;
  const frame = chance(90) ? FRAMES + 0x1000n * BigInt(random(FRAME_PAGES)) : 0x9_0000_0000n;
  const leaf =
    frame |
    (chance(92) ? NORMAL : chance(50) ? DEVICE : BigInt(random(8)) << 2n) |
    (BigInt(random(4)) << 6n) |
    (BigInt(random(4)) << 8n) |
    (chance(96) ? AF : 0n) |
    (BigInt(random(2)) << 11n) |
    upper(51, 30) |
    upper(52, 20) |
    upper(53, 20) |
    upper(54, 20);
  return leaf | (level === 3 ? 3n : 1n);
}

interface World {
  readonly pe: ProcessingElement;
  readonly hostAccesses: () => number;
  /** Widths of the lower and the upper range. */
  readonly inputBits: readonly [number, number];
}

const LEVEL_BITS = 9;
const startLevelOf = (inputBits: number): number => 4 - Math.ceil((inputBits - 12) / LEVEL_BITS);

/** A processor with random tables; its code runs at EL1 and EL0 where it is, in the lower range. */
function world(seed: number): World {
  const random = randomOf(seed);
  const pe = guest([...WORDS, TLBI_VMALLE1, TLBI_VAE1_X0], {
    profile,
    memory: [{ base: CODE, size: RAM_BYTES }],
    EL: 1,
  });
  const [T0SZ, T1SZ] = [16 + random(17), 16 + random(24)];
  const startLevels = [startLevelOf(64 - T0SZ), startLevelOf(64 - T1SZ)];
  // Each table page belongs to one level, so that its entries suit it.
  const levelOf = (page: number): number => page % 4;
  for (let page = 0; page < TABLE_PAGES; page += 1) {
    for (const index of [...Array(8).keys(), 256, 511]) {
      const level = levelOf(page);
      let value = descriptor(random, level);
      // A table descriptor leads to a page of the next level, mostly.
      if (level < 3 && (value & 3n) === 3n && random(100) < 95) {
        const next = level + 1 + 4 * random(TABLE_PAGES / 4);
        value = (value & ~0xffff_ffff_f000n) | (TABLES + 0x1000n * BigInt(next));
      }
      poke64(pe, TABLES + 0x1000n * BigInt(page) + 8n * BigInt(index), value);
    }
  }
  const rootPage = (range: 0 | 1): bigint =>
    TABLES + 0x1000n * BigInt((startLevels[range] ?? 0) + 4 * random(TABLE_PAGES / 4));
  const lowerRoot = rootPage(0);
  mapCode(pe, lowerRoot, startLevels[0] ?? 0);
  pe.registers.write('MAIR_EL1', 0x00_04_0c_44_bb_4f_00_ffn);
  const TBI = BigInt(random(4)) << 37n;
  const managed = BigInt(random(4)) << 39n; // HA, HD
  pe.registers.write(
    'TCR_EL1',
    BigInt(T0SZ) | (BigInt(T1SZ) << 16n) | (2n << 30n) | (2n << 32n) | TBI | managed,
  );
  pe.registers.write('TTBR0_EL1', lowerRoot);
  pe.registers.write('TTBR1_EL1', rootPage(1));
  pe.registers.write('SCTLR_EL1', pe.registers.read('SCTLR_EL1') | 1n);
  let hostAccesses = 0;
  for (const name of ['read', 'write'] as const) {
    const original = pe.memory[name].bind(pe.memory);
    pe.memory[name] = (...access) => {
      hostAccesses += 1;
      return original(...access);
    };
  }
  return { pe, hostAccesses: () => hostAccesses, inputBits: [64 - T0SZ, 64 - T1SZ] };
}

/** Maps the code and the vectors where they are, by tables of their own behind the root's entry. */
function mapCode(pe: ProcessingElement, root: bigint, startLevel: number): void {
  let table = root;
  for (let level = startLevel; level < 3; level += 1) {
    const next = CODE + 0x9000n + 0x1000n * BigInt(level);
    poke64(pe, table + 8n * index(CODE, level), next | 3n);
    table = next;
  }
  for (const page of [CODE, VECTORS]) poke64(pe, table + 8n * index(page, 3), page | AF | 0xc3n);
}
const index = (va: bigint, level: number): bigint => (va >> BigInt(39 - LEVEL_BITS * level)) & 511n;

/** An address whose indices have entries, mostly; of either range, with or without a tag. */
function address(random: Random, { inputBits }: World): bigint {
  const range = random(2);
  const bits = inputBits[range] ?? 0;
  let va = 0n;
  for (let level = startLevelOf(bits); level < 4; level += 1) {
    const entry = random(100) < 90 ? random(8) : random(2) === 0 ? 256 : 511;
    va = (va << BigInt(LEVEL_BITS)) | BigInt(entry);
  }
  va = (va << 12n) | BigInt(8 * random(512));
  if (random(100) < 10) va += BigInt(random(8));
  if (random(100) < 95) va = BigInt.asUintN(bits, va);
  if (range === 1) va = BigInt.asUintN(64, va - (1n << BigInt(bits)));
  if (random(100) < 8) va ^= 1n << BigInt(bits + random(56 - bits));
  if (random(100) < 15) va = BigInt.asUintN(56, va) | (BigInt(random(256)) << 56n);
  return va;
}

/** What an instruction at index `n` of the code did. */
function execute(pe: ProcessingElement, n: number, x0: bigint, EL: 0 | 1, extensions = 0): string {
  pe.setPstate({ NZCV: 0, DAIF: 0xf, SS: 0, IL: false, EL, SPSel: EL, extensions });
  pe.state.PC = CODE + BigInt(4 * n);
  pe.state.setX(0, x0);
  pe.state.setX(1, 0x1111_2222_3333_4444n);
  pe.state.setX(2, 0n);
  pe.exceptionHook = () => true;
  const event = pe.run(1);
  if (event.kind !== 'exceptionTaken') return `X1 ${hex(pe.state.X(1))} X2 ${hex(pe.state.X(2))}`;
  return `ESR ${hex(event.exception.ESR)} FAR ${hex(event.exception.FAR)}`;
}

describe('The engine’s table walk', () => {
  it('loads, stores and faults as the walk of the processor layer does, with random tables', () => {
    let alone = 0;
    let accesses = 0;
    let faults = 0;
    for (let seed = 1; seed <= 12; seed += 1) {
      const own = world(seed);
      const whole = world(seed);
      // The debugger's watch on an address that nothing accesses leaves every miss to the processor layer.
      whole.pe.machineWatchpoints.add({ address: 0x10n, length: 1, access: 'readWrite' });
      const random = randomOf(-seed);
      for (let step = 0; step < 200; step += 1) {
        const n = random(WORDS.length);
        const va = address(random, own);
        const EL = random(3) === 0 ? 0 : 1;
        const extensions = random(4) === 0 ? PSTATE_PAN : 0;
        const before = own.hostAccesses();
        const result = execute(own.pe, n, va, EL, extensions);
        const expected = execute(whole.pe, n, va, EL, extensions);
        assert.equal(
          result,
          expected,
          `seed ${seed}, step ${step}: ${Object.keys(INSTRUCTIONS)[n]} ${hex(va)} at EL${EL}`,
        );
        accesses += 1;
        if (own.hostAccesses() === before) alone += 1;
        if (result.startsWith('ESR')) faults += 1;
        if (random(20) === 0) {
          for (const { pe } of [own, whole]) execute(pe, WORDS.length, 0n, 1);
        }
      }
      assert.deepEqual(
        own.pe.engine.readPhysical(CODE, RAM_BYTES),
        whole.pe.engine.readPhysical(CODE, RAM_BYTES),
      );
    }
    assert.ok(
      alone > accesses / 10 && faults > accesses / 10,
      `${accesses}: ${alone} alone, ${faults} faults`,
    );
  });

  /** Lower range of 39 bits from level 1: code at level 3, and 0x8000_0000 for the test. */
  function blocks(): ProcessingElement {
    const pe = guest([...WORDS, TLBI_VMALLE1, TLBI_VAE1_X0], {
      memory: [{ base: CODE, size: RAM_BYTES }],
      EL: 1,
    });
    mapCode(pe, TABLES, 1);
    pe.registers.write('MAIR_EL1', 0xffn);
    pe.registers.write('TCR_EL1', 25n | (25n << 16n) | (1n << 23n) | (2n << 32n));
    pe.registers.write('TTBR0_EL1', TABLES);
    pe.registers.write('SCTLR_EL1', pe.registers.read('SCTLR_EL1') | 1n);
    return pe;
  }

  for (const [what, level, shift] of [
    ['2 MB block', 2, 21n],
    ['1 GB block', 1, 30n],
  ] as const) {
    it(`forgets all of a ${what} when TLBI names one address in it`, () => {
      const pe = blocks();
      const va = 0x8000_0000n;
      const level2 = TABLES + 0x1000n;
      const entry = level === 1 ? TABLES + 8n * 2n : level2;
      poke64(pe, TABLES + 8n * 2n, level2 | 3n);
      poke64(pe, entry, CODE | AF | NORMAL | 1n);
      const load = (offset: bigint): string => execute(pe, 0, va + offset, 1);
      // The first goes by the processor layer, the others by the engine.
      for (const offset of [0x4_0000n, 0x4_1000n, 0x4_2000n]) assert.match(load(offset), /^X1/);
      poke64(pe, entry, 0n);
      const other = va + (1n << shift) - 0x1000n;
      execute(pe, WORDS.length + 1, other >> 12n, 1);
      for (const offset of [0x4_0000n, 0x4_1000n, 0x4_2000n]) assert.match(load(offset), /^ESR/);
    });
  }

  it('keeps what is not global for one ASID, in the upper range too', () => {
    const pe = blocks();
    pe.registers.write('TCR_EL1', 25n | (25n << 16n) | (2n << 30n) | (2n << 32n));
    pe.registers.write('TTBR1_EL1', TABLES + 0x2000n);
    const level3 = TABLES + 0x4000n;
    poke64(pe, TABLES + 0x2000n, (TABLES + 0x3000n) | 3n);
    poke64(pe, TABLES + 0x3000n, level3 | 3n);
    const map = (frame: bigint): void => {
      for (const page of [0n, 1n, 2n]) {
        poke64(pe, level3 + 8n * page, (FRAMES + 0x1000n * (page + frame)) | AF | NG | NORMAL | 3n);
      }
    };
    const frames = [0n, 1n, 2n, 3n, 4n, 5n];
    for (const frame of frames) poke64(pe, FRAMES + 0x1000n * frame, 0x100n + frame);
    const load = (page: bigint): string =>
      execute(pe, 0, 0xffff_ff80_0000_0000n + 0x1000n * page, 1);
    map(0n);
    assert.deepEqual([0n, 1n, 2n].map(load), [
      'X1 0x100 X2 0x0',
      'X1 0x101 X2 0x0',
      'X1 0x102 X2 0x0',
    ]);
    map(3n);
    pe.registers.write('TTBR0_EL1', TABLES | (1n << 48n));
    assert.deepEqual([0n, 1n, 2n].map(load), [
      'X1 0x103 X2 0x0',
      'X1 0x104 X2 0x0',
      'X1 0x105 X2 0x0',
    ]);
  });

  it('gives a page with code to the processor layer, which sees it rewritten', () => {
    const pe = blocks();
    poke64(pe, TABLES + 8n * 2n, (TABLES + 0x1000n) | 3n);
    poke64(pe, TABLES + 0x1000n, CODE | AF | NORMAL | 1n);
    const MOV_X1_7 = 0xd28000e1;
    place(pe, CODE + 0x200n, [0xd2800061]); // mov x1, #3
    const runs = (): bigint => {
      pe.state.PC = CODE + 0x200n;
      pe.run(1);
      return pe.state.X(1);
    };
    execute(pe, 0, 0x8004_0000n, 1);
    assert.equal(runs(), 3n);
    pe.setPstate({ NZCV: 0, DAIF: 0xf, SS: 0, IL: false, EL: 1, SPSel: 1 });
    pe.state.PC = CODE + 4n;
    pe.state.setX(0, 0x8000_0200n);
    pe.state.setX(1, BigInt(MOV_X1_7));
    pe.run(1);
    assert.equal(runs(), 7n);
  });
});
