/** FEAT_HAFDBS. Arm ARM, "Hardware management of the Access flag" and "of dirty state". */
import assert from 'node:assert/strict';
import type { ProcessingElement } from '../../../../emulator/cpu/pe.ts';
import { requireCpuModel } from '../../../../emulator/sysregs/cpu-model.ts';
import { v8_0 } from '../../../../emulator/sysregs/processor-model.ts';
import { CODE, guest, hex, read64, VECTORS } from './guest.ts';

const LDR = 0xf9400001; // ldr x1, [x0]
const STR = 0xf9000001; // str x1, [x0]
const AT_S1E1W_X0 = 0xd5087820;
const AT_S1E1R_X0 = 0xd5087800;

const RAM_BYTES = 0x4_0000;
const TABLES = CODE + 0x1_0000n;
const FRAMES = CODE + 0x2_0000n;
const PAGES = 0x4010_0000n;

const AF = 1n << 10n;
const DBM = 1n << 51n;
const READ_ONLY = 1n << 7n; // AP[2] of stage 1
const S2AP_READ = 1n << 6n;
const S2AP_WRITE = 1n << 7n;
const NORMAL_WRITE_BACK_STAGE2 = 0b1111n << 2n;

const ACCESS_FLAG_LEVEL3 = 0x0bn;
const PERMISSION_LEVEL3 = 0x0fn;

function poke64(pe: ProcessingElement, pa: bigint, value: bigint): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  assert.ok(pe.engine.writePhysical(pa, bytes));
}

/** Level 1, 2 and 3 tables at `root` for the GB of RAM, with the code, the vectors and the tables where they are. */
function tables(pe: ProcessingElement, root: bigint, attributes: bigint): (page: bigint) => bigint {
  poke64(pe, root + 8n, (root + 0x1000n) | 3n);
  poke64(pe, root + 0x1000n, (root + 0x2000n) | 3n);
  const entry = (va: bigint): bigint => root + 0x2000n + 8n * ((va >> 12n) & 511n);
  for (const page of [CODE, VECTORS]) poke64(pe, entry(page), page | attributes | 3n);
  for (let n = 0n; n < 16n; n += 1n) {
    const page = TABLES + 0x1000n * n;
    poke64(pe, entry(page), page | attributes | 3n);
  }
  return (page) => entry(PAGES + 0x1000n * page);
}

interface Case {
  readonly HA: boolean;
  readonly HD: boolean;
  readonly AF: boolean;
  readonly DBM: boolean;
  readonly readOnly: boolean;
  readonly isWrite: boolean;
}
const BOOLEANS = [false, true] as const;
const CASES = BOOLEANS.flatMap((HA) =>
  BOOLEANS.flatMap((HD) =>
    BOOLEANS.flatMap((flag) =>
      BOOLEANS.flatMap((modifier) =>
        BOOLEANS.flatMap((readOnly) =>
          BOOLEANS.map((isWrite): Case => ({ HA, HD, AF: flag, DBM: modifier, readOnly, isWrite })),
        ),
      ),
    ),
  ),
);

/** The fault status code, and the descriptor's flags afterwards. */
function expected(each: Case): { FSC?: bigint; AF: boolean; readOnly: boolean } {
  const before = { AF: each.AF, readOnly: each.readOnly };
  if (!each.AF && !each.HA) return { FSC: ACCESS_FLAG_LEVEL3, ...before };
  const canBeWritten = !each.readOnly || (each.HA && each.HD && each.DBM);
  if (each.isWrite && !canBeWritten) return { FSC: PERMISSION_LEVEL3, ...before };
  return { AF: true, readOnly: each.isWrite ? false : each.readOnly };
}

const nameOf = ({ HA, HD, AF: flag, DBM: modifier, readOnly, isWrite }: Case): string =>
  [
    isWrite ? 'a store' : 'a load',
    `HA ${Number(HA)} HD ${Number(HD)}`,
    `AF ${Number(flag)} DBM ${Number(modifier)} ${readOnly ? 'read-only' : 'writable'}`,
  ].join(', ');

const profile = { ...v8_0, model: requireCpuModel('max-supported') };

/** Runs the instruction at index `n` of the code with X0; ESR of the exception, if there was one. */
function execute(pe: ProcessingElement, n: number, x0: bigint): bigint | undefined {
  pe.setPstate({ NZCV: 0, DAIF: 0xf, SS: 0, IL: false, EL: 1, SPSel: 1 });
  pe.state.PC = CODE + BigInt(4 * n);
  pe.state.setX(0, x0);
  pe.exceptionHook = () => true;
  const event = pe.run(1);
  if (event.kind === 'exceptionTaken' || event.kind === 'el2') return event.exception?.ESR;
  return undefined;
}

describe('Hardware management in stage 1', () => {
  const translated = (
    HA: boolean,
    HD: boolean,
  ): { pe: ProcessingElement; entry: (page: bigint) => bigint } => {
    const pe = guest([LDR, STR, AT_S1E1R_X0, AT_S1E1W_X0], {
      profile,
      memory: [{ base: CODE, size: RAM_BYTES }],
    });
    const entry = tables(pe, TABLES, AF);
    pe.registers.write('MAIR_EL1', 0xffn);
    const managed = (HA ? 1n << 39n : 0n) | (HD ? 1n << 40n : 0n);
    pe.registers.write('TCR_EL1', 25n | (1n << 23n) | (25n << 16n) | (2n << 32n) | managed);
    pe.registers.write('TTBR0_EL1', TABLES);
    pe.registers.write('SCTLR_EL1', pe.registers.read('SCTLR_EL1') | 1n);
    return { pe, entry };
  };

  for (const each of CASES) {
    it(nameOf(each), () => {
      const { pe, entry } = translated(each.HA, each.HD);
      // The first access is the processor layer's; those behind it may be the engine's.
      poke64(pe, entry(8n), FRAMES | AF | 3n);
      assert.equal(execute(pe, 0, PAGES + 0x8000n), undefined);
      const leaf =
        FRAMES |
        (each.AF ? AF : 0n) |
        (each.DBM ? DBM : 0n) |
        (each.readOnly ? READ_ONLY : 0n) |
        3n;
      poke64(pe, entry(0n), leaf);
      const want = expected(each);
      const ESR = execute(pe, each.isWrite ? 1 : 0, PAGES);
      const got = want.FSC === undefined ? undefined : want.FSC | (each.isWrite ? 0x40n : 0n);
      assert.equal(hex(ESR === undefined ? undefined : ESR & 0xffn), hex(got));
      const flags = read64(pe, entry(0n));
      assert.equal((flags & AF) !== 0n, want.AF, 'AF');
      assert.equal((flags & READ_ONLY) !== 0n, want.readOnly, 'AP[2]');
      assert.equal(flags | AF | READ_ONLY, leaf | AF | READ_ONLY);
    });
  }

  it('a page that was only read becomes dirty with its first store', () => {
    const { pe, entry } = translated(true, true);
    poke64(pe, entry(0n), FRAMES | AF | DBM | READ_ONLY | 3n);
    for (let n = 0; n < 3; n += 1) assert.equal(execute(pe, 0, PAGES), undefined);
    assert.notEqual(read64(pe, entry(0n)) & READ_ONLY, 0n);
    assert.equal(execute(pe, 1, PAGES), undefined);
    assert.equal(read64(pe, entry(0n)) & READ_ONLY, 0n);
  });

  it('AT changes no descriptor, and sees what could be written', () => {
    const { pe, entry } = translated(true, true);
    const leaf = FRAMES | DBM | READ_ONLY | 3n;
    poke64(pe, entry(0n), leaf);
    for (const n of [2, 3]) {
      assert.equal(execute(pe, n, PAGES), undefined);
      assert.equal(pe.registers.read('PAR_EL1') & 1n, 0n);
    }
    assert.equal(read64(pe, entry(0n)), leaf);
  });

  it('the debugger’s look changes nothing', () => {
    const { pe, entry } = translated(true, true);
    const leaf = FRAMES | DBM | READ_ONLY | 3n;
    poke64(pe, entry(0n), leaf);
    assert.equal(pe.peekVirtual(PAGES, 8).length, 8);
    assert.equal(read64(pe, entry(0n)), leaf);
  });

  it('HA and HD are RES0 without the feature', () => {
    const pe = guest([LDR]);
    pe.registers.write('TCR_EL1', 3n << 39n);
    assert.equal(pe.registers.read('TCR_EL1') & (3n << 39n), 0n);
  });
});

describe('Hardware management in stage 2', () => {
  const STAGE1 = TABLES;
  const STAGE2 = TABLES + 0x4000n;

  const nested = (
    HA: boolean,
    HD: boolean,
  ): { pe: ProcessingElement; entry: (page: bigint) => bigint } => {
    const pe = guest([LDR, STR], {
      profile,
      memory: [{ base: CODE, size: RAM_BYTES }],
      startEL: 2,
      EL: 1,
    });
    const all = AF | S2AP_READ | S2AP_WRITE | NORMAL_WRITE_BACK_STAGE2;
    const entry = tables(pe, STAGE2, all);
    const managed = (HA ? 1n << 21n : 0n) | (HD ? 1n << 22n : 0n);
    // 39 bits of IPA from level 1, 40 bits of output.
    pe.registers.write('VTCR_EL2', 25n | (1n << 6n) | (2n << 16n) | managed);
    pe.registers.write('VTTBR_EL2', STAGE2);
    pe.registers.write('HCR_EL2', (1n << 31n) | 1n);
    return { pe, entry };
  };

  for (const each of CASES) {
    it(nameOf(each), () => {
      const { pe, entry } = nested(each.HA, each.HD);
      const leaf =
        FRAMES |
        NORMAL_WRITE_BACK_STAGE2 |
        S2AP_READ |
        (each.AF ? AF : 0n) |
        (each.DBM ? DBM : 0n) |
        (each.readOnly ? 0n : S2AP_WRITE) |
        3n;
      poke64(pe, entry(0n), leaf);
      const want = expected(each);
      const ESR = execute(pe, each.isWrite ? 1 : 0, PAGES);
      assert.equal(hex(ESR === undefined ? undefined : ESR & 0x3fn), hex(want.FSC));
      const flags = read64(pe, entry(0n));
      assert.equal((flags & AF) !== 0n, want.AF, 'AF');
      assert.equal((flags & S2AP_WRITE) === 0n, want.readOnly, 'S2AP[1]');
    });
  }

  for (const writable of BOOLEANS) {
    it(`${writable ? 'lets' : 'does not let'} stage 1 set an Access flag in a page that is ${writable ? 'writable' : 'read-only'}`, () => {
      const { pe, entry } = nested(false, false);
      const stage1 = tables(pe, STAGE1, AF);
      const all = AF | S2AP_READ | S2AP_WRITE | NORMAL_WRITE_BACK_STAGE2;
      poke64(pe, entry(0n), FRAMES | all | 3n);
      poke64(pe, stage1(0n), PAGES | 3n);
      const level3 = STAGE1 + 0x2000n;
      poke64(
        pe,
        STAGE2 + 0x2000n + 8n * ((level3 >> 12n) & 511n),
        level3 | (writable ? all : all & ~S2AP_WRITE) | 3n,
      );
      pe.registers.write('MAIR_EL1', 0xffn);
      pe.registers.write('TCR_EL1', 25n | (1n << 23n) | (25n << 16n) | (2n << 32n) | (1n << 39n));
      pe.registers.write('TTBR0_EL1', STAGE1);
      pe.registers.write('SCTLR_EL1', pe.registers.read('SCTLR_EL1') | 1n);
      const ESR = execute(pe, 0, PAGES);
      assert.equal((read64(pe, stage1(0n)) & AF) !== 0n, writable);
      const S1PTW = 0x80n;
      assert.equal(
        hex(ESR === undefined ? undefined : ESR & 0xbfn),
        hex(writable ? undefined : S1PTW | PERMISSION_LEVEL3),
      );
    });
  }
});
