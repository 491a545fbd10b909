/** The committed optimised programs are what their sources give. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OPTIMISED_PROGRAMS, optimisedElf } from '../../dap/support/gdb-recording.ts';
import { gccVersion, loadSegments } from '../load-segments.ts';
import { run, skipBecause, versionOf } from '../tools.ts';

const root = path.resolve(import.meta.dirname, '../../..');

describe('Optimised programs, rebuilt', () => {
  let copy: string | undefined;

  before(function () {
    const gcc = versionOf('aarch64-linux-gnu-gcc');
    if (gcc === undefined) skipBecause(this, 'aarch64-linux-gnu-gcc is not installed');
    const committed = gccVersion(readFileSync(optimisedElf('inventory')));
    assert.ok(committed, 'inventory.elf names the compiler that built it');
    if (!gcc.includes(` ${committed}`)) {
      skipBecause(this, `built with GCC ${committed}, installed is "${gcc}"`);
    }
    for (const command of ['clang-19', 'ld.lld-19']) {
      if (versionOf(command) === undefined) skipBecause(this, `${command} is not installed`);
    }
    copy = mkdtempSync(path.join(tmpdir(), 'trapline-optimised-'));
    for (const folder of ['samples/common', 'test/guest/optimised']) {
      cpSync(path.join(root, folder), path.join(copy, folder), {
        recursive: true,
        filter: (file) => !file.endsWith('.elf'),
      });
    }
    const make = run('make', ['-C', path.join(copy, 'test/guest/optimised')], 60_000);
    assert.equal(make.status, 0, make.errors);
    assert.equal(make.errors, '', 'it builds without a warning');
  });
  after(() => {
    if (copy !== undefined) rmSync(copy, { recursive: true });
  });

  for (const program of OPTIMISED_PROGRAMS) {
    it(`${program}.elf has the committed code and data bytes`, () => {
      assert.ok(copy);
      const rebuilt = readFileSync(path.join(copy, 'test/guest/optimised', `${program}.elf`));
      assert.deepEqual(loadSegments(rebuilt), loadSegments(readFileSync(optimisedElf(program))));
    });
  }
});
