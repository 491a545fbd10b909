/** Random cases of a fresh seed give the same on QEMU and here. `npm run oracle` runs more of them. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Campaigns, campaignNames, repeatCommand } from '../oracle/campaigns.ts';
import type { CampaignName } from '../oracle/campaigns.ts';
import type { ModelName } from '../oracle/models.ts';
import { loadSegments } from './load-segments.ts';
import { run, skipBecause, versionOf } from './tools.ts';

const HARNESS = fileURLToPath(new URL('../oracle/harness/', import.meta.url));
const GCC = 'aarch64-linux-gnu-gcc';
const QEMU = 'qemu-system-aarch64';
/** Together 200,000 cases. */
const CAMPAIGNS: readonly (readonly [CampaignName, ModelName, number])[] = [
  ['mutated', 'cortex-a72', 25_000],
  ['llvm', 'cortex-a72', 20_000],
  ['system', 'cortex-a72', 20_000],
  ['sequence', 'cortex-a72', 20_000],
  ['encodings', 'neoverse-n1', 25_000],
  ['encodings', 'max-supported', 20_000],
  ['pointer-authentication', 'max-supported', 10_000],
  ['branch-target', 'max-supported', 5_000],
  ['float', 'max-supported', 25_000],
  ['translation', 'cortex-a72', 20_000],
  ['accesses', 'max-supported', 10_000],
];
/** On an idle machine a campaign takes some seconds. */
const CAMPAIGN_LIMIT_MS = 300_000;
const seed = Math.floor(Math.random() * 2 ** 32);

describe("The oracle's harness", () => {
  it('is what its source gives', function () {
    if (versionOf(GCC) === undefined) skipBecause(this, `${GCC} is not installed`);
    const copy = mkdtempSync(join(tmpdir(), 'oracle-harness-'));
    try {
      for (const file of ['Makefile', 'harness.S', 'translation.S', 'accesses.S', 'harness.ld']) {
        cpSync(join(HARNESS, file), join(copy, file));
      }
      const make = run('make', ['-C', copy], 60_000);
      assert.equal(make.status, 0, make.errors);
      assert.equal(make.errors, '', 'it builds without a warning');
      for (const name of ['harness.elf', 'translation.elf', 'accesses.elf']) {
        const [rebuilt, committed] = [copy, HARNESS].map((folder) =>
          loadSegments(readFileSync(join(folder, name))),
        );
        assert.deepEqual(rebuilt, committed, name);
      }
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});

describe(`The oracle (seed ${seed})`, () => {
  const campaigns = new Campaigns();
  const hasQemu = versionOf(QEMU) !== undefined;

  after(() => {
    campaigns.close();
  });

  for (const [name, model, cases] of CAMPAIGNS) {
    const processor = name === 'translation' ? '' : ` on ${model}`;
    it(`agrees with QEMU on ${cases} ${name} cases${processor}`, async function () {
      this.timeout(CAMPAIGN_LIMIT_MS);
      if (!hasQemu) skipBecause(this, `${QEMU} is not installed`);
      const options = { cases, seed, model };
      const { differences, executed, found } = await campaigns.run(name, options);
      const first = await found[0]?.describe();
      const again = repeatCommand(name, options);
      assert.equal(
        differences,
        0,
        `${differences} unexplained differences, to be seen again with\n  ${again}\nThe first: ${first}`,
      );
      assert.ok(executed > cases / 8, `only ${executed} cases executed`);
    });
  }

  it('is asked for 200,000 cases', () => {
    const sum = CAMPAIGNS.reduce((total, [, , cases]) => total + cases, 0);
    assert.equal(sum, 200_000);
    assert.deepEqual(new Set(CAMPAIGNS.map(([name]) => name)), new Set(campaignNames));
  });
});
