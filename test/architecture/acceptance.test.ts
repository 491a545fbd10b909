import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { acceptanceCases } from '../../tools/acceptance-cases.ts';
import { acceptancePage } from '../../tools/generate-acceptance.ts';

/** Cases without a test, each with its reason in the page. None may join them unnoticed. */
const OPEN: readonly string[] = [];

describe('docs/acceptance.md', () => {
  it('is what npm run docs writes', async () => {
    const page = readFileSync(new URL('../../docs/acceptance.md', import.meta.url), 'utf8');
    assert.equal(page, await acceptancePage());
  });

  it('lists 163 cases, and says why the open ones are', () => {
    const cases = acceptanceCases();
    assert.equal(cases.length, 163);
    const open = cases.filter(({ tests }) => tests.length === 0);
    assert.deepEqual(
      open.map(({ id }) => id),
      OPEN,
    );
    for (const { id, note } of open) assert.ok(note !== undefined, id);
  });

  it('names files that exist', () => {
    for (const { tests } of acceptanceCases()) {
      for (const path of tests) assert.ok(existsSync(new URL(`../../${path}`, import.meta.url)));
    }
  });
});
