import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  flagsOf,
  includeFoldersOf,
  meaningfulFlags,
} from '../../../language-server/compile-commands.ts';

describe('compile_commands.json', () => {
  it('gives what the source means, and not what is written or run', () => {
    assert.deepEqual(
      meaningfulFlags({
        directory: '/w',
        command:
          'evil -Iinclude -I /abs -DA=1 -D "B=x y" -march=armv8.2-a -O2 -c -o out.o -MF dep.d -x assembler-with-cpp a.S',
      }),
      [
        '-I',
        '/w/include',
        '-I',
        '/abs',
        '-DA=1',
        '-D',
        'B=x y',
        '-march=armv8.2-a',
        '-x',
        'assembler-with-cpp',
      ],
    );
  });

  it('is found for the file that it names, and is none for others', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'commands-'));
    try {
      writeFileSync(
        path.join(folder, 'compile_commands.json'),
        JSON.stringify([
          { file: 'a.S', directory: folder, arguments: ['cc', '-DX', '-Iinc', 'a.S'] },
        ]),
      );
      assert.deepEqual(flagsOf([folder], path.join(folder, 'a.S')), [
        '-DX',
        '-I',
        path.join(folder, 'inc'),
      ]);
      assert.equal(flagsOf([folder], path.join(folder, 'b.S')), undefined);
      assert.ok(includeFoldersOf(folder).some((it) => it.endsWith('/inc/')));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
