import assert from 'node:assert/strict';
import { compareLines } from './compare-readelf.ts';
import { expectedText, FIXTURES, fixtureInfo } from './fixtures.ts';

describe('line tables', () => {
  for (const name of FIXTURES) {
    it(`of ${name} have the rows that readelf decodes`, () => {
      compareLines(fixtureInfo(name), expectedText(name, 'lines'));
    });
  }
});

describe('lineFor', () => {
  it('gives the position of an instruction inside a line and nothing outside the code', () => {
    const info = fixtureInfo('sample-gcc-O0-dwarf5');
    const [function_] = info.findFunction('factorial');
    assert.ok(function_);
    assert.deepEqual(info.lineFor(function_.lowPc + 4n), {
      file: '/fixture/sample.c',
      line: 67,
      column: 50,
      isStmt: true,
    });
    assert.equal(info.lineFor(0x1000n), undefined);
  });

  it('prefers the exact path and else agrees on the longest common suffix', () => {
    const info = fixtureInfo('sample-gcc-O0-dwarf5');
    assert.deepEqual(info.matchSource('/fixture/sample.c'), ['/fixture/sample.c']);
    assert.deepEqual(info.matchSource('C:\\work\\sample.c'), ['/fixture/sample.c']);
    assert.deepEqual(info.matchSource('/fixture/other.c'), []);
  });
});

describe('breakpoints', () => {
  // `break square` and the others in gdb 13.1 on the same file.
  it('of functions stop where gdb stops: past the prologue, and in each inlined copy', () => {
    const info = fixtureInfo('sample-gcc-O0-dwarf5');
    const entry = (name: string): bigint => info.findFunction(name)[0]?.lowPc ?? 0n;
    assert.deepEqual(info.breakpointAddresses('square'), [0x4008_0368n, 0x4008_0394n]);
    assert.deepEqual(info.breakpointAddresses('factorial'), [entry('factorial') + 12n]);
    assert.deepEqual(info.breakpointAddresses('main'), [entry('main') + 12n]);
  });

  it('of a line come once per inlined copy', () => {
    const info = fixtureInfo('sample-gcc-O0-dwarf5');
    const at = info.addressesFor('sample.c', 44).map(({ address }) => address);
    assert.deepEqual(at, [0x4008_0368n, 0x4008_0394n]);
  });

  it('of a line without code move to the next one that has some', () => {
    const info = fixtureInfo('sample-gcc-O0-dwarf5');
    const [location] = info.addressesFor('sample.c', 66);
    assert.equal(location?.line, 67);
    assert.deepEqual(info.addressesFor('sample.c', 9999), []);
    assert.deepEqual(info.addressesFor('missing.c', 1), []);
  });
});
