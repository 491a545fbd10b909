/** docs/coverage.md is generated; this fails when somebody forgot to generate it again. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

describe('docs/coverage.md', function () {
  this.timeout(60_000);
  it('says what the code has: `npm run docs` changes nothing', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'tools/generate-coverage.ts', '--check'],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
  });
});
