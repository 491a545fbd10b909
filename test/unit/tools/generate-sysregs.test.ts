import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { catalogueSource } from '../../../tools/generate-sysregs.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

describe('tools/generate-sysregs.ts', () => {
  it('makes the committed catalogue from the committed facts', () => {
    const isCurrent =
      catalogueSource(read('../../../tools/data/sysregs.jsonl')) ===
      read('../../../emulator/sysregs/catalogue.generated.ts');
    assert.ok(isCurrent, 'run node --import tsx tools/generate-sysregs.ts');
  });
});
