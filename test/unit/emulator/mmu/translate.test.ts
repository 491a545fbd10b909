import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TableReader } from '../../../../emulator/mmu/descriptor.ts';
import { translationRegime } from '../../../../emulator/mmu/regime.ts';
import type { RegimeRegisters } from '../../../../emulator/mmu/regime.ts';
import { translate, translateFirstStage } from '../../../../emulator/mmu/translate.ts';
import type { Translation } from '../../../../emulator/mmu/translate.ts';
import { referenceTranslate } from '../../../support/reference-walker.ts';
import type { ReferenceResult } from '../../../support/reference-walker.ts';
import { randomRegisters, randomTables } from '../../../support/random-tables.ts';

const OFF: RegimeRegisters = {
  EL: 1,
  SCTLR: 0n,
  TCR: 0n,
  TTBR0: 0n,
  TTBR1: 0n,
  MAIR: 0n,
  HCR_EL2: 0n,
  VTCR_EL2: 0n,
  VTTBR_EL2: 0n,
  physicalAddressBits: 40,
};
const MAIR = 0x44_0400_ff00n; // 0 nGnRnE, 1 Write-Back, 2 nGnRnE, 3 nGnRE, 4 Non-cacheable
const HCR_VM = 1n;
const HCR_PTW = 1n << 2n;
const HCR_DC = 1n << 12n;
const HCR_TGE = 1n << 27n;

/** Tables in a map from address to descriptor; what is not in it reads as zero, negative as an abort. */
function reader(tables: Readonly<Record<number, bigint>>): TableReader {
  const found = { low: 0, high: 0 };
  return Object.assign(found, {
    read(PA: number): boolean {
      const descriptor = tables[PA] ?? 0n;
      if (descriptor < 0n) return false;
      found.low = Number(descriptor & 0xffff_ffffn);
      found.high = Number(descriptor >> 32n);
      return true;
    },
  });
}

const NOTHING = reader({});

function output(result: Translation): string {
  if (result.kind === 'fault') {
    const { FSC, stage, IPA, onWalk } = result;
    const where = stage === 1 ? 'stage 1' : `stage 2 at 0x${(IPA ?? -1n).toString(16)}`;
    return `0x${FSC.toString(16)}, ${where}${onWalk ? ', on a walk' : ''}`;
  }
  return `0x${result.PA.toString(16)} ${result.memory}`;
}

describe('translation with both stages off', () => {
  const regime = translationRegime(OFF);

  it('is identity; data is Device-nGnRnE and instructions are Normal memory', () => {
    assert.equal(output(translate(regime, NOTHING, 0x1234n, 'read')), '0x1234 Device');
    assert.equal(output(translate(regime, NOTHING, 0x1234n, 'write')), '0x1234 Device');
    assert.equal(output(translate(regime, NOTHING, 0x1234n, 'execute')), '0x1234 Normal');
  });

  it('refuses unaligned data accesses, as Device memory does', () => {
    assert.equal(output(translate(regime, NOTHING, 0x1234n, 'read', true)), '0x21, stage 1');
  });

  it('is an address size fault, level 0, beyond the physical address range', () => {
    assert.equal(translate(regime, NOTHING, (1n << 40n) - 1n, 'read').kind, 'mapped');
    assert.equal(output(translate(regime, NOTHING, 1n << 40n, 'read')), '0x0, stage 1');
  });

  it('ignores the top byte where TBI says so, by bit 55', () => {
    const tagged = (0x5an << 56n) | 0x1000n;
    const with_ = (TCR: bigint): string =>
      output(translate(translationRegime({ ...OFF, TCR }), NOTHING, tagged, 'read'));
    assert.equal(with_(0n), '0x0, stage 1');
    assert.equal(with_(1n << 37n), '0x1000 Device');
    assert.equal(with_(1n << 38n), '0x0, stage 1');
  });

  it('is Normal memory for data too with HCR_EL2.DC, unless TGE is set', () => {
    const S2: Partial<RegimeRegisters> = { VTCR_EL2: VTCR, VTTBR_EL2: 0x8000n };
    const tables = reader({ 0x8000: 0x4000_0000n | 0x7fdn });
    const at = (HCR_EL2: bigint): string =>
      output(translate(translationRegime({ ...OFF, ...S2, HCR_EL2 }), tables, 0x10n, 'read', true));
    assert.equal(at(HCR_DC), '0x40000010 Normal');
    assert.equal(at(HCR_DC | HCR_TGE), '0x21, stage 1');
  });
});

/** T0SZ 16, 4 KB, 40-bit output; T1SZ 16. */
const TCR_4K = 16n | (16n << 16n) | (2n << 30n) | (2n << 32n);
const S1: RegimeRegisters = {
  ...OFF,
  SCTLR: 1n,
  TCR: TCR_4K,
  TTBR0: 0x1000n,
  TTBR1: 0x9000n,
  MAIR,
};
/** T0SZ 24 (40 bits), SL0 1, 4 KB, 40-bit output. */
const VTCR = 24n | (1n << 6n) | (2n << 16n);

const AF = 1n << 10n;
const PAGE = AF | 3n;
const NORMAL = 1n << 2n;
const AP_EL0 = 1n << 6n;
const AP_RO = 1n << 7n;
const PXN = 1n << 53n;
const UXN = 1n << 54n;

/** VA 0x1234 goes through the first entry of tables at 0x1000, 0x2000, 0x3000 and entry 1 of 0x4000. */
function chain(page: bigint, tables: Record<number, bigint> = {}): TableReader {
  return reader({
    0x1000: 0x2003n,
    0x2000: 0x3003n,
    0x3000: 0x4003n,
    0x4008: page,
    ...tables,
  });
}

describe('stage 1', () => {
  const cases: readonly (readonly [title: string, TableReader, expected: string])[] = [
    ['a page', chain(0x4000_0000n | PAGE | NORMAL), '0x40000234 Normal'],
    ['Device memory', chain(0x900_0000n | PAGE), '0x9000234 Device'],
    ['a 2 MB block', chain(0n, { 0x3000: 0x4020_0000n | AF | NORMAL | 1n }), '0x40201234 Normal'],
    ['a 1 GB block', chain(0n, { 0x2000: 0x4000_0000n | AF | NORMAL | 1n }), '0x40001234 Normal'],
    [
      'a block at level 0, which 4 KB tables do not have',
      chain(0n, { 0x1000: 1n }),
      '0x4, stage 1',
    ],
    ['nothing at level 0', chain(0n, { 0x1000: 0n }), '0x4, stage 1'],
    ['nothing at level 1', chain(0n, { 0x2000: 2n }), '0x5, stage 1'],
    ['nothing at level 2', chain(0n, { 0x3000: 0n }), '0x6, stage 1'],
    ['nothing at level 3', chain(0n), '0x7, stage 1'],
    ['bits 0b01 at level 3', chain(0x4000_0000n | AF | 1n), '0x7, stage 1'],
    ['a table beyond 40 bits', chain(0n, { 0x2000: (1n << 40n) | 3n }), '0x1, stage 1'],
    ['a page beyond 40 bits', chain((1n << 40n) | PAGE), '0x3, stage 1'],
    ['a page without its Access flag', chain(0x4000_0003n), '0xb, stage 1'],
    ['a block without its Access flag', chain(0n, { 0x3000: 1n }), '0xa, stage 1'],
    ['a table that cannot be read, level 0', chain(0n, { 0x1000: -1n }), '0x14, stage 1'],
    ['a table that cannot be read, level 3', chain(-1n), '0x17, stage 1'],
  ];
  for (const [title, tables, expected] of cases) {
    it(`finds ${title}: ${expected}`, () => {
      assert.equal(output(translate(translationRegime(S1), tables, 0x1234n, 'read')), expected);
    });
  }

  it('starts where TnSZ and the granule say, and takes TTBR1_EL1 for bit 55', () => {
    const root = (TCR: bigint, upper = false): string => {
      const { stage1 } = translationRegime({ ...S1, TCR });
      const { startLevel, granuleBits, inputBits, fault } = (
        upper ? stage1?.upper : stage1?.lower
      ) as NonNullable<typeof stage1>['lower'];
      return fault === undefined ? `${granuleBits} ${inputBits} ${startLevel}` : `fault ${fault}`;
    };
    assert.equal(root(16n), '12 48 0');
    assert.equal(root(25n), '12 39 1');
    assert.equal(root(39n), '12 25 2');
    assert.equal(root(40n), 'fault 4');
    assert.equal(root(15n), 'fault 4');
    assert.equal(root(16n | (1n << 14n)), '16 48 1');
    assert.equal(root(22n | (1n << 14n)), '16 42 2');
    assert.equal(root(16n | (2n << 14n)), '14 48 0');
    assert.equal(root(17n | (2n << 14n)), '14 47 1');
    assert.equal(root(16n | (1n << 7n)), 'fault 4');
    assert.equal(root((25n << 16n) | (1n << 30n), true), '14 39 1');
    assert.equal(root((25n << 16n) | (3n << 30n), true), '16 39 2');
    assert.equal(root((25n << 16n) | (2n << 30n) | (1n << 23n), true), 'fault 4');
    const tables = reader({ [0x9000 + 8 * 511]: 0n });
    const va = 0xffff_ff80_0000_0000n;
    assert.equal(output(translate(translationRegime(S1), tables, va, 'read')), '0x4, stage 1');
  });

  it('is a translation fault, level 0, for addresses in neither half', () => {
    const regime = translationRegime(S1);
    for (const va of [1n << 48n, 0xfffe_ffff_ffff_ffffn, 1n << 55n, 0xff00_0000_0000_1000n]) {
      assert.equal(output(translate(regime, chain(0n), va, 'read')), '0x4, stage 1');
    }
  });

  it('is an address size fault, level 0, for a TTBR beyond the output size', () => {
    const regime = translationRegime({ ...S1, TTBR0: 1n << 40n });
    assert.equal(output(translate(regime, chain(0n), 0x1234n, 'read')), '0x0, stage 1');
  });

  const permissions: readonly (readonly [
    page: bigint,
    table: bigint,
    SCTLR: bigint,
    EL0: string,
    EL1: string,
  ])[] = [
    [0n, 0n, 1n, '--x', 'rwx'],
    [AP_EL0, 0n, 1n, 'rwx', 'rw-'],
    [AP_RO, 0n, 1n, '--x', 'r-x'],
    [AP_EL0 | AP_RO, 0n, 1n, 'r-x', 'r-x'],
    [AP_EL0 | UXN, 0n, 1n, 'rw-', 'rw-'],
    [AP_EL0 | AP_RO | PXN, 0n, 1n, 'r-x', 'r--'],
    [UXN, 0n, 1n, '---', 'rwx'],
    [0n, 0n, 1n | (1n << 19n), '--x', 'rw-'],
    [AP_EL0, 0n, 1n | (1n << 19n), 'rw-', 'rw-'],
    [AP_EL0 | AP_RO, 0n, 1n | (1n << 19n), 'r-x', 'r-x'],
    [AP_EL0, 1n << 61n, 1n, '--x', 'rwx'], // APTable[0]: no EL0
    [AP_EL0, 1n << 62n, 1n, 'r-x', 'r-x'], // APTable[1]: no writes
    [AP_EL0, 1n << 60n, 1n, 'rw-', 'rw-'], // UXNTable
    [AP_RO, 1n << 59n, 1n, '--x', 'r--'], // PXNTable
  ];
  for (const [page, table, SCTLR, EL0, EL1] of permissions) {
    it(`gives EL0 ${EL0} and EL1 ${EL1} for page 0x${page.toString(16)}, table 0x${table.toString(16)}, SCTLR_EL1 0x${SCTLR.toString(16)}`, () => {
      const tables = chain(0x4000_0000n | PAGE | NORMAL | page, { 0x2000: table | 0x3003n });
      for (const [EL, expected] of [
        [0, EL0],
        [1, EL1],
      ] as const) {
        const regime = translationRegime({ ...S1, SCTLR, EL });
        const allowed = (['read', 'write', 'execute'] as const).map((access, index) => {
          const result = translate(regime, tables, 0x1234n, access);
          if (result.kind === 'fault') assert.equal(output(result), '0xf, stage 1');
          return result.kind === 'mapped' ? 'rwx'[index] : '-';
        });
        assert.equal(allowed.join(''), expected, `EL${EL}`);
      }
    });
  }

  it('lets the debugger look where permission and Access flag are missing', () => {
    const regime = translationRegime({ ...S1, EL: 0 });
    assert.equal(
      output(translate(regime, chain(0x4000_0007n), 0x1234n, 'debug')),
      '0x40000234 Normal',
    );
  });

  it('needs permission to read for cache maintenance at EL0 only', () => {
    const tables = chain(0x4000_0000n | PAGE);
    assert.equal(translate(translationRegime(S1), tables, 0x1234n, 'maintain').kind, 'mapped');
    const EL0 = translationRegime({ ...S1, EL: 0 });
    assert.equal(output(translate(EL0, tables, 0x1234n, 'maintain')), '0xf, stage 1');
  });

  it('puts alignment by memory type before permission', () => {
    const regime = translationRegime({ ...S1, EL: 0 });
    const unaligned = output(translate(regime, chain(0x4000_0000n | PAGE), 0x1234n, 'write', true));
    assert.equal(unaligned, '0x21, stage 1');
  });

  it('has one half and one privilege in the EL2 regime', () => {
    const TCR = 16n | (2n << 16n);
    const regime = translationRegime({ ...S1, EL: 2, TCR });
    assert.equal(
      output(translate(regime, chain(0x4000_0000n | PAGE | PXN), 0x1234n, 'execute')),
      '0x40000234 Device',
    );
    assert.equal(
      output(translate(regime, chain(0x4000_0000n | PAGE | UXN), 0x1234n, 'execute')),
      '0xf, stage 1',
    );
    assert.equal(
      output(translate(regime, chain(0n), 0xffff_ffff_ffff_0000n, 'read')),
      '0x4, stage 1',
    );
    const ignoring = translationRegime({ ...S1, EL: 2, TCR: TCR | (1n << 20n) });
    const upper = 0xffff_0000_0000_1234n;
    assert.equal(output(translate(ignoring, chain(PAGE), upper, 'read')), '0x4, stage 1');
    assert.equal(
      output(translate(ignoring, chain(PAGE), 0x7f00_0000_0000_1234n, 'read')),
      '0x234 Device',
    );
  });
});

describe('stage 2', () => {
  const both: RegimeRegisters = { ...S1, HCR_EL2: HCR_VM, VTCR_EL2: VTCR, VTTBR_EL2: 0x8000n };
  const identity = 0x7fdn; // 1 GB block: AF, SH 3, S2AP 3, MemAttr 15

  it('translates the tables of stage 1 and its output', () => {
    const tables = chain(0x4000_0000n | PAGE | NORMAL, {
      0x8000: identity,
      0x8008: 0x8000_0000n | identity,
    });
    assert.equal(
      output(translate(translationRegime(both), tables, 0x1234n, 'read')),
      '0x80000234 Normal',
    );
    assert.equal(
      output(translateFirstStage(translationRegime(both), tables, 0x1234n, 'read')),
      '0x40000234 Normal',
    );
  });

  it('names the IPA, and says when it was that of a descriptor', () => {
    const regime = translationRegime(both);
    const page = 0x4000_0000n | PAGE | NORMAL;
    assert.equal(
      output(translate(regime, chain(page, { 0x8000: identity }), 0x1234n, 'read')),
      '0x5, stage 2 at 0x40000234',
    );
    assert.equal(
      output(translate(regime, chain(page), 0x1234n, 'read')),
      '0x5, stage 2 at 0x1000, on a walk',
    );
    const noAF = chain(page, { 0x8000: identity & ~AF });
    assert.equal(
      output(translate(regime, noAF, 0x1234n, 'read')),
      '0x9, stage 2 at 0x1000, on a walk',
    );
    const noRead = chain(page, { 0x8000: identity & ~0x40n });
    assert.equal(
      output(translate(regime, noRead, 0x1234n, 'write')),
      '0xd, stage 2 at 0x1000, on a walk',
    );
  });

  it('has permissions of its own', () => {
    const with_ = (S2: bigint, access: 'read' | 'write' | 'execute'): string =>
      output(
        translate(
          translationRegime(both),
          chain(0x4000_0000n | PAGE | NORMAL, { 0x8000: identity, 0x8008: S2 }),
          0x1234n,
          access,
        ),
      );
    const readOnly = 0x8000_0000n | (identity & ~0x80n);
    assert.equal(with_(readOnly, 'read'), '0x80000234 Normal');
    assert.equal(with_(readOnly, 'write'), '0xd, stage 2 at 0x40000234');
    const executeNever = 0x8000_0000n | identity | UXN;
    assert.equal(with_(executeNever, 'execute'), '0xd, stage 2 at 0x40000234');
    const device = 0x8000_0000n | (identity & ~0x3cn);
    assert.equal(with_(device, 'read'), '0x80000234 Device');
  });

  it('refuses tables in Device memory with HCR_EL2.PTW', () => {
    const tables = chain(0x4000_0000n | PAGE | NORMAL, { 0x8000: identity & ~0x3cn });
    const regime = translationRegime({ ...both, HCR_EL2: HCR_VM | HCR_PTW });
    assert.equal(
      output(translate(regime, tables, 0x1234n, 'read')),
      '0xd, stage 2 at 0x1000, on a walk',
    );
  });

  it('starts only where SL0, T0SZ, the granule and the PA range agree', () => {
    const root = (T0SZ: number, SL0: number, TG0: number, PARange = 40): string => {
      const VTCR_EL2 = BigInt(T0SZ | (SL0 << 6) | (TG0 << 14)) | (2n << 16n);
      const registers = { ...both, VTCR_EL2, physicalAddressBits: PARange };
      const { stage2 } = translationRegime(registers);
      return stage2?.fault === undefined ? `level ${stage2?.startLevel}` : 'fault';
    };
    assert.equal(root(24, 1, 0), 'level 1'); // two concatenated tables
    assert.equal(root(25, 1, 0), 'level 1');
    assert.equal(root(24, 0, 0), 'fault'); // 1024 concatenated entries would be 512 tables
    assert.equal(root(30, 0, 0), 'level 2'); // 16 concatenated tables
    assert.equal(root(29, 0, 0), 'fault');
    assert.equal(root(24, 2, 0), 'fault'); // level 0 needs more than 42 bits
    assert.equal(root(20, 2, 0, 44), 'level 0');
    assert.equal(root(23, 1, 0), 'fault'); // an IPA beyond the PA range
    assert.equal(root(24, 1, 1), 'level 2');
    assert.equal(root(24, 2, 1), 'fault');
    assert.equal(root(24, 1, 2), 'level 2');
    assert.equal(root(25, 3, 0), 'fault');
  });
});

describe('random tables', () => {
  const describeResult = (result: Translation): ReferenceResult =>
    result.kind === 'fault'
      ? {
          FSC: result.FSC,
          stage: result.stage,
          IPA: result.stage === 2 ? (result.IPA ?? -1n) : undefined,
          onWalk: result.onWalk,
        }
      : { PA: result.PA, ...result.attributes, permissions: result.permissions };

  it('translate as an independent walk over the register values does', () => {
    const seen = new Set<number>();
    let mapped = 0;
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom('read', 'write', 'execute', 'maintain', 'debug'),
        fc.boolean(),
        (seed, access, isUnaligned) => {
          const { registers, va } = randomRegisters(seed);
          const descriptorAt = randomTables(seed, registers);
          const found = { low: 0, high: 0 };
          const tables: TableReader = Object.assign(found, {
            read(PA: number): boolean {
              const descriptor = descriptorAt(BigInt(PA));
              if (descriptor === undefined) return false;
              found.low = Number(descriptor & 0xffff_ffffn);
              found.high = Number(descriptor >> 32n);
              return true;
            },
          });
          const result = translate(translationRegime(registers), tables, va, access, isUnaligned);
          const expected = referenceTranslate(registers, descriptorAt, va, access, isUnaligned);
          assert.deepEqual(describeResult(result), expected);
          if (result.kind === 'fault') seen.add(result.FSC);
          else mapped += 1;
        },
      ),
      { numRuns: 6000 },
    );
    assert.ok(mapped > 600, `${mapped} were mapped`);
    assert.ok(seen.size > 15, `fault status codes seen: ${[...seen].sort((a, b) => a - b).join()}`);
  });
});
