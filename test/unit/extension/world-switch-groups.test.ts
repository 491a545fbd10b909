import assert from 'node:assert/strict';
import type { WorldSwitchRow } from '../../../debug-adapter/custom-requests.ts';
import {
  choicesOf,
  groupByEntry,
  NO_FILTER,
  passes,
} from '../../../extension/views/world-switch-groups.ts';

const kinds = ['load', 'enter', 'exit', 'trapDbg', 'enter', 'exit', 'bundleSave', 'bundleSave'];
const rows = kinds.map((kind, seq): WorldSwitchRow => ({
  seq,
  kind,
  policy: 'OWNER',
  EL: 1,
  guestPC: `0x${(0x1000 + 4 * seq).toString(16)}`,
  text: kind,
  ...(kind === 'trapDbg' && { register: 'MDSCR_EL1' }),
}));

describe('rows of the World Switch view', () => {
  it('are grouped from one entry of the guest to the next', () => {
    const groups = groupByEntry(rows, NO_FILTER);
    assert.deepEqual(
      groups.map(({ first, title, rows: inside }) => [first, title, inside.length]),
      [
        [0, 'Before the first entry', 1],
        [1, 'Entry at 0x1004', 3],
        [4, 'Entry at 0x1010', 4],
      ],
    );
    assert.equal(groups[1]?.description, 'exit · 1 trap');
    assert.equal(groups[2]?.description, 'exit · 2 saves');
  });

  it('of a kind or a register alone leave out the groups without any', () => {
    const groups = groupByEntry(rows, { kinds: [], registers: ['MDSCR_EL1'] });
    assert.deepEqual(
      groups.map((group) => group.rows.map(({ seq }) => seq)),
      [[3]],
    );
    const both = { kinds: ['exit'], registers: ['MDSCR_EL1'] };
    assert.equal(rows.filter((row) => passes(row, both)).length, 0);
  });

  it('offer the kinds and registers that occur, with how often', () => {
    const choices = choicesOf(rows);
    assert.deepEqual(choices.registers, [['MDSCR_EL1', 1]]);
    assert.deepEqual(
      choices.kinds.find(([kind]) => kind === 'enter'),
      ['enter', 2],
    );
  });
});
