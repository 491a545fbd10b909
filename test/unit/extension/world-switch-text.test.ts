import assert from 'node:assert/strict';
import type { WorldSwitchRow } from '../../../debug-adapter/custom-requests.ts';
import {
  count,
  documentOf,
  fieldsOf,
  iconOf,
  lineOf,
  placeOf,
  totalsOf,
} from '../../../extension/views/world-switch-text.ts';

const row: WorldSwitchRow = {
  seq: 7,
  kind: 'trapDbg',
  register: 'MDSCR_EL1',
  direction: 'write',
  old: '0x0',
  new: '0x8000',
  policy: 'OWNER',
  owner: 'GUEST',
  EL: 1,
  guestPC: '0x40080124',
  symbol: 'check_breakpoint+24',
  path: '/guest/main.c',
  line: 68,
  text: 'trap: write MDSCR_EL1 0x0 -> 0x8000',
};

describe('an event of the hypervisor as text', () => {
  it('names register, guest PC and source line in one line', () => {
    const line = lineOf(row);
    for (const part of [
      '7',
      'EL1',
      'MDSCR_EL1',
      '0x40080124',
      'check_breakpoint+24',
      'main.c:68',
    ]) {
      assert.ok(line.includes(part), `${part} in ${line}`);
    }
  });

  it('puts all events into a document with a title, in columns', () => {
    const later: WorldSwitchRow = { ...row, seq: 12, text: 'enter' };
    const [title = '', blank, first = '', second = '', ...rest] = documentOf('guest.elf', [
      row,
      later,
    ]).split('\n');
    assert.equal(title, 'World Switch of guest.elf: 2 events; 7 older events dropped');
    assert.equal(blank, '');
    assert.ok(
      first.startsWith(' 7  EL1  trap: write MDSCR_EL1') && second.startsWith('12  EL1  enter'),
    );
    assert.equal(first.indexOf('main.c:68'), second.indexOf('main.c:68'));
    assert.deepEqual(rest, ['']);
    assert.match(documentOf('guest.elf', []), /: 0 events\n/);
  });

  it('gives the address where there is no source and no symbol', () => {
    const { symbol, path, line, ...bare } = row;
    assert.equal(placeOf({ ...bare }), '0x40080124');
    assert.equal(placeOf({ ...bare, symbol: symbol ?? '' }), '0x40080124 <check_breakpoint+24>');
    assert.equal(path !== undefined && line !== undefined, true);
  });

  it('lists the fields that the event has, and no others', () => {
    const names = fieldsOf(row).map(([name]) => name);
    assert.deepEqual(names, [
      ...['event', 'register', 'access', 'old value', 'new value', 'guest PC'],
      ...['exception level', 'source', 'policy', 'owner'],
    ]);
    const enter: WorldSwitchRow = {
      seq: 0,
      kind: 'enter',
      policy: 'OWNER',
      EL: 1,
      guestPC: '0x0',
      text: 'enter',
    };
    assert.deepEqual(
      fieldsOf(enter).map(([name]) => name),
      ['event', 'guest PC', 'exception level', 'policy'],
    );
  });

  it('tells families of events apart by their icons', () => {
    const icons = ['trapDbg', 'enter', 'exit', 'bundleSave', 'bundleLoad', 'put', 'inject'].map(
      iconOf,
    );
    assert.equal(new Set(icons).size, icons.length);
    for (const kind of [
      'fpSave',
      'speLoad',
      'drain',
      'hostActivity',
      'deviceAttribute',
      'remap',
      'evict',
    ]) {
      assert.notEqual(iconOf(kind), 'circle-small-filled', kind);
    }
    assert.equal(iconOf('something new'), 'circle-small-filled');
  });

  it('counts in words', () => {
    assert.equal(count(1, 'trap'), '1 trap');
    assert.equal(count(2000, 'trap'), '2,000 traps');
    assert.equal(
      totalsOf({ register: 'OSLAR_EL1', traps: 1, reads: 0, writes: 12 }),
      '1 trap · 0 reads · 12 writes',
    );
  });
});
