/** Accesses of a running guest through the engine's TLBs agree with the walk of the tables. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import { dataAbortInstructionSyndrome } from '../../../../emulator/cpu/instruction-syndrome.ts';
import { DataTlb } from '../../../../emulator/engine/tlb.ts';
import { referenceTranslate } from '../../../support/reference-walker.ts';
import { CODE, eret, guest, hex, place, read64, untilException, VECTORS } from './guest.ts';

// Physical layout, all in the 128 KiB of RAM at CODE.
const TABLES = CODE + 0x1_0000n; // level 1, level 2, level 3 tables of two address spaces
const FRAMES = CODE + 0x1_8000n; // four frames
const VA_CODE = 0x4000_0000n; // where it is
const VA_PAGES = 0x4010_0000n; // eight pages under test

const AF = 1n << 10n;
const NORMAL = (1n << 2n) | (3n << 8n) | AF;
const NG = 1n << 11n;
const EL0 = 1n << 6n;
const READ_ONLY = 1n << 7n;
const PXN = 1n << 53n;
const UXN = 1n << 54n;

const LDR = 0xf9400001; // ldr x1, [x0]
const STR = 0xf9000001; // str x1, [x0]
const LDTR = 0xf8400801; // ldtr x1, [x0]
const STTR = 0xf8000801; // sttr x1, [x0]
const TLBI_VMALLE1 = 0xd508871f;
const TLBI_VAE1_X0 = 0xd5088720;
const TLBI_ASIDE1_X0 = 0xd5088740;
const INSTRUCTIONS = [LDR, STR, LDTR, STTR] as const;

function poke64(pe: ProcessingElement, pa: bigint, value: bigint): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  assert.ok(pe.engine.writePhysical(pa, bytes));
}

/** Level 3 table of an address space. */
const level3 = (space: number): bigint => TABLES + BigInt(space) * 0x3000n + 0x2000n;
const pageEntry = (space: number, page: number): bigint =>
  level3(space) + 8n * (0x100n + BigInt(page));
const root = (space: number): bigint =>
  (TABLES + BigInt(space) * 0x3000n) | (BigInt(space + 1) << 48n);

/** A guest with the MMU on: code where it is, a page of RAM read-only at its own address for the vectors. */
function translated(words: readonly number[]): ProcessingElement {
  const pe = guest(words);
  for (const space of [0, 1]) {
    const level1 = TABLES + BigInt(space) * 0x3000n;
    poke64(pe, level1 + 8n, (level1 + 0x1000n) | 3n);
    poke64(pe, level1 + 0x1000n, (level1 + 0x2000n) | 3n);
    const code = NORMAL | EL0 | READ_ONLY | 3n;
    poke64(pe, level3(space), VA_CODE | code);
    poke64(pe, level3(space) + 8n * 8n, VECTORS | NORMAL | 3n);
  }
  pe.registers.write('MAIR_EL1', 0xff00n);
  // T0SZ 25: 39 bits from level 1; no TTBR1; 40-bit output.
  pe.registers.write('TCR_EL1', 25n | (25n << 16n) | (1n << 23n) | (2n << 32n));
  pe.registers.write('TTBR0_EL1', root(0));
  pe.registers.write('SCTLR_EL1', pe.registers.read('SCTLR_EL1') | 1n);
  return pe;
}

/** Runs the one instruction at index `n` of the code with X0; the exception's ESR if there was one. */
function execute(pe: ProcessingElement, n: number, x0: bigint, EL: 0 | 1 = 1): bigint | undefined {
  pe.setPstate({ NZCV: 0, DAIF: 0xf, SS: 0, IL: false, EL, SPSel: EL });
  pe.state.PC = CODE + BigInt(4 * n);
  pe.state.setX(0, x0);
  pe.exceptionHook = () => true;
  const event = pe.run(1);
  if (event.kind !== 'exceptionTaken') return undefined;
  assert.equal(event.exception.fromEL, EL);
  return event.exception.ESR;
}

describe('a guest that changes its tables', () => {
  const step = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant('access' as const),
        instruction: fc.integer({ min: 0, max: 3 }),
        page: fc.integer({ min: 0, max: 7 }),
        offset: fc.constantFrom(0, 8, 0x123, 0xff8, 0xffc),
        EL: fc.constantFrom(0 as const, 1 as const),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('map' as const),
        space: fc.integer({ min: 0, max: 1 }),
        page: fc.integer({ min: 0, max: 7 }),
        frame: fc.integer({ min: 0, max: 3 }),
        attributes: fc.constantFrom(
          0n,
          NORMAL,
          NORMAL | EL0,
          NORMAL | EL0 | READ_ONLY,
          NORMAL | READ_ONLY,
          AF | EL0,
          NORMAL & ~AF,
        ),
        notGlobal: fc.boolean(),
        how: fc.constantFrom('VAE1', 'ASIDE1', 'VMALLE1'),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('switch' as const),
        space: fc.integer({ min: 0, max: 1 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('watch' as const),
        page: fc.integer({ min: 0, max: 7 }),
      }),
    },
  );

  it('sees them as an independent walk does once it has invalidated its TLB', () => {
    let loads = 0;
    let faults = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
        const pe = translated([...INSTRUCTIONS, TLBI_VAE1_X0, TLBI_ASIDE1_X0, TLBI_VMALLE1]);
        for (let n = 0n; n < 0x4000n; n += 8n)
          poke64(pe, FRAMES + n, 0x0101_0101_0000_0000n * (1n + n / 0x1000n) + n);
        for (const space of [0, 1]) {
          for (const page of [0, 1, 2, 3]) {
            const frame = FRAMES + BigInt(page) * 0x1000n;
            poke64(pe, pageEntry(space, page), frame | NORMAL | EL0 | 3n);
          }
        }
        const memory = (PA: bigint): bigint => read64(pe, PA);
        const translate = (va: bigint, access: 'read' | 'write', EL: 0 | 1, unaligned: boolean) =>
          referenceTranslate(
            {
              EL,
              SCTLR: pe.registers.raw('SCTLR_EL1'),
              TCR: pe.registers.raw('TCR_EL1'),
              TTBR0: pe.registers.raw('TTBR0_EL1'),
              TTBR1: 0n,
              MAIR: pe.registers.raw('MAIR_EL1'),
              HCR_EL2: 0n,
              VTCR_EL2: 0n,
              VTTBR_EL2: 0n,
              physicalAddressBits: 40,
            },
            memory,
            va,
            access,
            unaligned,
          );
        for (const step of steps) {
          switch (step.do) {
            case 'switch':
              pe.registers.write('TTBR0_EL1', root(step.space));
              break;
            case 'watch':
              // A watchpoint of the debugger beside what is accessed must change nothing.
              pe.machineWatchpoints.add({
                address: VA_PAGES + BigInt(step.page) * 0x1000n + 0x800n,
                length: 8,
                access: 'readWrite',
              });
              break;
            case 'map': {
              // Global entries are the same in both address spaces.
              const value =
                step.attributes === 0n
                  ? 0n
                  : (FRAMES + BigInt(step.frame) * 0x1000n) | step.attributes | 3n;
              const notGlobal = step.notGlobal && step.attributes !== 0n;
              for (const to of notGlobal ? [step.space] : [0, 1]) {
                poke64(pe, pageEntry(to, step.page), notGlobal ? value | NG : value);
              }
              const va = VA_PAGES + BigInt(step.page) * 0x1000n;
              // What may be global is not for one ASID to invalidate.
              const how = step.how === 'ASIDE1' ? 'VMALLE1' : step.how;
              for (const ASID of [1n, 2n]) {
                const argument = (va >> 12n) | (ASID << 48n);
                assert.equal(execute(pe, how === 'VAE1' ? 4 : 6, argument), undefined);
              }
              break;
            }
            case 'access': {
              const va = VA_PAGES + BigInt(step.page) * 0x1000n + BigInt(step.offset);
              const isWrite = step.instruction % 2 === 1;
              const unprivileged = step.instruction >= 2;
              const as = unprivileged ? 0 : step.EL;
              const access = isWrite ? 'write' : 'read';
              const unaligned = step.offset % 8 !== 0;
              const crosses = step.offset > 0xff8;
              let expected = translate(va, access, as, unaligned);
              if (!('FSC' in expected) && crosses) {
                const second = translate((va & ~0xfffn) + 0x1000n, access, as, unaligned);
                if ('FSC' in second) expected = second;
              }
              const before = 'PA' in expected ? read64(pe, expected.PA & ~7n) : 0n;
              pe.state.setX(1, 0x7777n);
              const ESR = execute(pe, step.instruction, va, step.EL);
              if ('FSC' in expected) {
                faults += 1;
                const EC = step.EL === 0 ? 0x24n : 0x25n;
                const want =
                  (EC << 26n) | (1n << 25n) | (isWrite ? 0x40n : 0n) | BigInt(expected.FSC);
                assert.equal(hex(ESR), hex(want));
              } else {
                loads += 1;
                assert.equal(hex(ESR), 'none');
                if (unaligned) break;
                if (isWrite) assert.equal(read64(pe, expected.PA), 0x7777n);
                else assert.equal(pe.state.X(1), before);
              }
              break;
            }
          }
        }
      }),
      { numRuns: 60 },
    );
    assert.ok(loads > 100 && faults > 100, `${loads} accesses, ${faults} faults`);
  });
});

describe('execution permissions', () => {
  const NOP = 0xd503201f;

  it('are those of the EL that fetches, with one address at both', () => {
    const pe = translated([NOP]);
    const va = VA_PAGES;
    place(pe, FRAMES, [NOP, NOP, NOP, NOP]);
    const run = (EL: 0 | 1): string => {
      pe.setPstate({ NZCV: 0, DAIF: 0xf, SS: 0, IL: false, EL, SPSel: EL });
      pe.state.PC = va;
      pe.exceptionHook = () => true;
      const event = pe.run(2);
      return event.kind === 'exceptionTaken' ? hex(event.exception.ESR) : event.kind;
    };
    const set = (attributes: bigint): void => {
      poke64(pe, pageEntry(0, 0), FRAMES | NORMAL | attributes | 3n);
      pe.invalidateTranslations();
    };
    set(UXN);
    assert.deepEqual([run(1), run(0), run(1)], ['budget', '0x8200000f', 'budget']);
    set(EL0 | READ_ONLY | PXN);
    assert.deepEqual([run(0), run(1), run(0)], ['budget', '0x8600000f', 'budget']);
    set(EL0);
    assert.deepEqual([run(0), run(1), run(0)], ['budget', '0x8600000f', 'budget']);
  });

  it('let a breakpoint stand at one address while the instruction runs at another', () => {
    const pe = translated([NOP]);
    place(pe, FRAMES, [NOP, NOP, NOP, NOP]);
    for (const page of [0, 1]) poke64(pe, pageEntry(0, page), FRAMES | NORMAL | 3n);
    pe.machineBreakpoints.add(VA_PAGES + 0x1004n);
    pe.state.PC = VA_PAGES;
    assert.equal(pe.run(3).kind, 'budget');
    assert.equal(pe.state.PC, VA_PAGES + 12n);
    pe.state.PC = VA_PAGES + 0x1000n;
    assert.equal(pe.run(3).kind, 'machineBreakpoint');
    assert.equal(pe.state.PC, VA_PAGES + 0x1004n);
  });
});

describe('a tagged PC', () => {
  const BR_X0 = 0xd61f0000;
  const NOP = 0xd503201f;
  const TBI0 = 1n << 37n;

  it('loses its tag where TCR_EL1.TBI0 is set, and counts as one branch', () => {
    const pe = translated([BR_X0, NOP, NOP, NOP]);
    pe.registers.write('TCR_EL1', pe.registers.read('TCR_EL1') | TBI0);
    pe.state.setX(0, (0x5an << 56n) | (CODE + 8n));
    const before = pe.state.retired;
    assert.equal(pe.run(2).kind, 'budget');
    assert.equal(hex(pe.state.PC), hex(CODE + 12n));
    assert.equal(pe.state.retired - before, 2n);
  });

  it('is a translation fault, level 0, where it is not', () => {
    const pe = translated([BR_X0]);
    pe.state.setX(0, (0x5an << 56n) | (CODE + 8n));
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x86000004');
    assert.equal(hex(taken.FAR), hex((0x5an << 56n) | (CODE + 8n)));
  });

  it('has lost its tag before its alignment is checked', () => {
    const pe = translated([BR_X0]);
    pe.registers.write('TCR_EL1', pe.registers.read('TCR_EL1') | TBI0);
    pe.state.setX(0, (0x5an << 56n) | (CODE + 6n));
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x8a000000');
    assert.equal(hex(taken.FAR), hex(CODE + 6n));
    assert.equal(hex(taken.preferredReturn), hex(CODE + 6n));
  });
});

describe('an access to two pages', () => {
  it('names the one that nothing answers for', () => {
    const pe = translated([LDR]);
    poke64(pe, pageEntry(0, 0), FRAMES | NORMAL | EL0 | 3n);
    poke64(pe, pageEntry(0, 1), 0x5000_0000n | NORMAL | EL0 | 3n);
    pe.state.setX(0, VA_PAGES + 0xffcn);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x96000010');
    assert.equal(hex(taken.FAR), hex(VA_PAGES + 0x1000n));
  });
});

describe('the debugger', () => {
  it('reads and writes what EL0 may not, and nothing that is not mapped', () => {
    const pe = translated([LDR]);
    poke64(pe, pageEntry(0, 0), FRAMES | NORMAL | READ_ONLY | 3n);
    pe.setPstate({ NZCV: 0, DAIF: 0, SS: 0, IL: false, EL: 0, SPSel: 0 });
    assert.equal(pe.pokeVirtual(VA_PAGES + 0x10n, Uint8Array.of(1, 2, 3)), true);
    assert.deepEqual([...pe.peekVirtual(VA_PAGES + 0x10n, 3)], [1, 2, 3]);
    assert.equal(pe.peekVirtual(VA_PAGES + 0x1000n, 3).length, 0);
    assert.equal(pe.peekVirtual(VA_PAGES + 0xffen, 8).length, 2);
    assert.equal(pe.pokeVirtual(VA_PAGES + 0xffen, new Uint8Array(8)), false);
  });
});

describe('ESR_EL2', () => {
  it('has no instruction syndrome for aborts of stage 1', () => {
    const pe = guest([LDR], { startEL: 2 });
    pe.registers.write('TCR_EL2', 25n | (2n << 16n));
    pe.registers.write('TTBR0_EL2', TABLES);
    poke64(pe, TABLES + 8n, (TABLES + 0x1000n) | 3n);
    poke64(pe, TABLES + 0x1000n, (TABLES + 0x2000n) | 3n);
    poke64(pe, TABLES + 0x2000n, CODE | AF | 3n);
    pe.registers.write('SCTLR_EL2', 1n);
    pe.state.setX(0, 0x4012_3008n);
    const taken = untilException(pe);
    assert.equal(hex(taken.ESR), '0x96000007');
    assert.equal(taken.FAR, 0x4012_3008n);
    assert.equal(taken.targetEL, 2);
    eret(pe);
  });

  it('has none for pairs, writeback, exclusives, FP registers and prefetches', () => {
    for (const word of [
      0xa9400000, 0xf8408400, 0xf8008c00, 0xc85f7c00, 0x3dc00000, 0x1c000000, 0xd8000000,
    ]) {
      assert.equal(dataAbortInstructionSyndrome(word), 0, word.toString(16));
    }
    assert.equal(dataAbortInstructionSyndrome(0x58000001), 0x1c18000); // ldr x1, label
    assert.equal(
      dataAbortInstructionSyndrome(0x98000001),
      0x1000000 | (2 << 22) | (1 << 21) | (1 << 16) | (1 << 15),
    ); // ldrsw x1
  });
});

describe('the data TLB', () => {
  it('forgets one half of the address space and what is for one ASID, in the regime of one EL only', () => {
    const memory = new ArrayBuffer(0x20000);
    const tlb = new DataTlb(memory, 0);
    tlb.flush();
    const all = { read: true, write: true, unaligned: true };
    tlb.install(1, 0x1000n, 0x10000, 0, all);
    tlb.install(1, 0xffff_0000_0000_2000n, 0x10000, 0, all);
    tlb.install(1, 0xffff_0000_0000_3000n, 0x10000, 0, { ...all, notGlobal: true });
    tlb.install(2, 0x4000n, 0x10000, 0, all);
    const has = (el: number, index: number): boolean =>
      new DataView(memory).getBigInt64(0x6000 + el * 0x2000 + 32 * index, true) !== -1n;
    assert.deepEqual([has(1, 1), has(1, 2), has(1, 3), has(2, 4)], [true, true, true, true]);
    tlb.flushAddressSpace(0, 1);
    assert.deepEqual([has(1, 1), has(1, 2), has(1, 3), has(2, 4)], [false, true, false, true]);
    tlb.flushAddressSpace(0, 2);
    assert.deepEqual([has(1, 2), has(2, 4)], [true, false], 'the EL2&0 regime');
  });
});
