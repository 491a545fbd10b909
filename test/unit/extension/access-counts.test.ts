import assert from 'node:assert/strict';
import type { AccessCountRow } from '../../../debug-adapter/custom-requests.ts';
import { labelOf, rowsByLine, tooltipOf } from '../../../extension/access-counts.ts';

const row = (line: number | undefined, trapped: number, straight: number): AccessCountRow => ({
  address: '0x40080010',
  register: 'MDSCR_EL1',
  direction: 'write',
  trapped,
  straight,
  ...(line !== undefined && { path: '/guest/main.c', line }),
});

describe('counts of accesses in the source', () => {
  it('are summed over the instructions of a line', () => {
    const lines = rowsByLine([row(7, 1, 20), row(7, 2, 1_000), row(9, 0, 1), row(undefined, 5, 5)]);
    assert.deepEqual([...lines.keys()], ['/guest/main.c']);
    const rows = lines.get('/guest/main.c')?.get(7) ?? [];
    assert.equal(labelOf(rows), 'trapped 3, straight 1,020');
    assert.equal(tooltipOf(rows).match(/msr MDSCR_EL1/g)?.length, 2);
  });
});
