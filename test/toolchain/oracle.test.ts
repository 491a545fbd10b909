/** Random cases of a fresh seed give the same on QEMU and here. `npm run oracle` runs more of them. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatorNames } from '../oracle/generators.ts';
import { Oracle } from '../oracle/oracle.ts';
import { describe as describeDisagreement } from '../oracle/report.ts';
import { shrink } from '../oracle/shrink.ts';
import { loadSegments } from './load-segments.ts';
import { run, skipBecause, versionOf } from './tools.ts';

const HARNESS = fileURLToPath(new URL('../oracle/harness/', import.meta.url));
const GCC = 'aarch64-linux-gnu-gcc';
const QEMU = 'qemu-system-aarch64';
const CASES = 20_000;
const seed = Math.floor(Math.random() * 2 ** 32);

describe("The oracle's harness", () => {
  it('is what its source gives', function () {
    if (versionOf(GCC) === undefined) skipBecause(this, `${GCC} is not installed`);
    const copy = mkdtempSync(join(tmpdir(), 'oracle-harness-'));
    try {
      for (const file of ['Makefile', 'harness.S', 'harness.ld']) {
        cpSync(join(HARNESS, file), join(copy, file));
      }
      const make = run('make', ['-C', copy], 60_000);
      assert.equal(make.status, 0, make.errors);
      assert.equal(make.errors, '', 'it builds without a warning');
      const [rebuilt, committed] = [copy, HARNESS].map((folder) =>
        loadSegments(readFileSync(join(folder, 'harness.elf'))),
      );
      assert.deepEqual(rebuilt, committed);
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});

describe(`The oracle (seed ${seed})`, () => {
  let oracle: Oracle | undefined;

  before(async () => {
    if (versionOf(QEMU) !== undefined) oracle = await Oracle.start();
  });
  after(() => {
    oracle?.close();
  });

  for (const generator of generatorNames) {
    it(`agrees with QEMU on ${CASES} ${generator} cases`, async function () {
      if (oracle === undefined) skipBecause(this, `${QEMU} is not installed`);
      const { differences, executed, kept } = await oracle.run({ generator, cases: CASES, seed });
      const [first] = kept;
      if (first !== undefined) {
        const smallest = await shrink(oracle, first);
        assert.fail(`${differences} differences; the first:\n${describeDisagreement(smallest)}`);
      }
      assert.ok(executed > CASES / 8, `only ${executed} cases executed`);
    });
  }
});
