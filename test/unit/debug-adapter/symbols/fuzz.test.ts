/** Damaged files: every part of the reader either answers or throws SymbolError, and always ends. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DebugInfo } from '../../../../debug-adapter/symbols/debug-info.ts';
import { parseElf, type ElfImage } from '../../../../debug-adapter/symbols/elf.ts';
import { evaluateLocation } from '../../../../debug-adapter/symbols/location.ts';
import { SymbolError } from '../../../../debug-adapter/symbols/symbol-error.ts';
import { sizeOf, stripTypedefs, typeName } from '../../../../debug-adapter/symbols/types.ts';
import { fixtureBytes } from './fixtures.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 10_000);
const SOURCES = ['sample-gcc-O2-dwarf5', 'sample-clang-O2-dwarf5', 'sample-gcc-Os-dwarf4'].map(
  fixtureBytes,
);
/** Longest that one file may take; a run takes about a millisecond. */
const LIMIT_MS = 3000;

const memory = new Uint8Array(64).fill(0x41);

function exercise(bytes: Uint8Array): void {
  const image: ElfImage = parseElf(bytes, 'fuzz.elf');
  const info = new DebugInfo(image);
  const pcs = [0x4008_0000n, 0x4008_0040n, 0x4008_0090n, 0x4008_0130n, 0x4008_0200n];
  info.sourceFiles();
  info.addressesFor('sample.c', 62);
  info.breakpointLocations('sample.c', 1, 200);
  info.breakpointAddresses('square');
  info.findType('struct packet');
  info.rowsInRange(0x4008_0000n, 0x4008_0400n);
  for (const pc of pcs) {
    const context = {
      pc,
      register: (n: number) => BigInt(n) * 16n,
      readMemory: (_address: bigint, length: number) =>
        length <= 64 ? memory.subarray(0, length) : undefined,
      cfa: () => 0x1000n,
    };
    info.lineFor(pc);
    info.stepRange(pc);
    info.unwind(pc, context);
    for (const [depth] of info.functionAt(pc).entries()) {
      for (const { type, location } of info.variablesAt(pc, depth)) {
        typeName(type);
        sizeOf(type);
        const actual = stripTypedefs(type);
        if (actual.kind === 'record') for (const member of actual.members) typeName(member.type);
        evaluateLocation(location, context);
      }
    }
  }
  for (const { type } of info.globals()) typeName(type);
}

function survives(bytes: Uint8Array): void {
  const start = performance.now();
  try {
    exercise(bytes);
  } catch (error) {
    if (!(error instanceof SymbolError)) throw error;
    assert.equal(error.fileName, 'fuzz.elf');
    assert.ok(Number.isSafeInteger(error.offset));
  }
  const elapsed = performance.now() - start;
  assert.ok(elapsed < LIMIT_MS, `took ${elapsed} ms`);
}

describe('a damaged ELF file', () => {
  const source = fc
    .integer({ min: 0, max: SOURCES.length - 1 })
    .map((i) => SOURCES[i] ?? new Uint8Array());
  /** Of a file, from 0 to less than 1, every part as likely as any other (fc.double prefers the very small). */
  const fraction = fc.noBias(fc.nat({ max: 0xffffff })).map((n) => n / 0x1000000);

  it('that was cut anywhere is answered or refused in bounded time', function () {
    this.timeout(120_000);
    fc.assert(
      fc.property(source, fraction, (bytes, part) => {
        survives(bytes.slice(0, Math.floor(bytes.length * part)));
      }),
      { numRuns: Math.ceil(RUNS / 5) },
    );
  });

  it('in which bytes changed is answered or refused in bounded time', function () {
    this.timeout(600_000);
    const change = fc.tuple(fraction, fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(source, fc.array(change, { minLength: 1, maxLength: 12 }), (bytes, changes) => {
        const copy = bytes.slice();
        // Past the ELF header and the code, where damage does more than refuse the file.
        for (const [part, value] of changes) {
          copy[0x1000 + Math.floor((copy.length - 0x1000) * part)] = value;
        }
        survives(copy);
      }),
      { numRuns: RUNS },
    );
  });
});
