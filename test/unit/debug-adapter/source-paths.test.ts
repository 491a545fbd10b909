import assert from 'node:assert/strict';
import {
  applySourceMap,
  commonSuffixLength,
  findSources,
  longestSuffixMatch,
  normalizePath,
} from '../../../debug-adapter/source-paths.ts';

describe('Source paths', () => {
  const normalized = [
    ['/a/./b//c/../d.c', '/a/b/d.c'],
    ['C:\\src\\..\\x.c', 'C:/x.c'],
    ['../common/print.c', '../common/print.c'],
    ['samples/hello/../common/print.c', 'samples/common/print.c'],
    ['/../x', '/x'],
  ] as const;
  for (const [given, result] of normalized) {
    it(`${given} is ${result}`, () => {
      assert.equal(normalizePath(given), result);
    });
  }

  it('the longest prefix of sourceMap wins, and only whole components match', () => {
    const map = new Map([
      ['/build', '/one'],
      ['/build/deep/', '/two'],
    ]);
    assert.equal(applySourceMap('/build/a.c', map), '/one/a.c');
    assert.equal(applySourceMap('/build/deep/a.c', map), '/two/a.c');
    assert.equal(applySourceMap('/builder/a.c', map), undefined);
  });

  it('a suffix match needs a winner', () => {
    assert.equal(commonSuffixLength('/x/lib/a.c', 'lib/a.c'), 2);
    assert.equal(longestSuffixMatch('/x/lib/a.c', ['/w/lib/a.c', '/w/bin/a.c']), '/w/lib/a.c');
    assert.equal(longestSuffixMatch('/x/a.c', ['/w/lib/a.c', '/w/bin/a.c']), undefined);
  });

  it('foreign paths are found beside the program, above it and in the workspace', async () => {
    const files = new Set([
      '/w/samples/hello/main.c',
      '/w/samples/common/print.c',
      '/v/drivers/uart.c',
    ]);
    const found = await findSources(
      ['samples/hello/main.c', 'samples/common/print.c', '/build/drivers/uart.c', '/build/gone.c'],
      {
        host: {
          isFile: (path) => Promise.resolve(files.has(path)),
          listFiles: () => Promise.resolve([...files]),
        },
        sourceMap: new Map(),
        program: '/w/samples/hello/hello.elf',
      },
    );
    assert.deepEqual(
      [...found],
      [
        ['samples/hello/main.c', '/w/samples/hello/main.c'],
        ['samples/common/print.c', '/w/samples/common/print.c'],
        ['/build/drivers/uart.c', '/v/drivers/uart.c'],
      ],
    );
  });
});
