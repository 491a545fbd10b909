/** Random cases of a fresh seed give the same on QEMU and here. `npm run oracle` runs more of them. */
import assert from 'node:assert/strict';
import { generatorNames } from '../oracle/generators.ts';
import { Oracle } from '../oracle/oracle.ts';
import { describe as describeDisagreement } from '../oracle/report.ts';
import { shrink } from '../oracle/shrink.ts';
import { skipBecause, versionOf } from './tools.ts';

const QEMU = 'qemu-system-aarch64';
const CASES = 20_000;
const seed = Math.floor(Math.random() * 2 ** 32);

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
