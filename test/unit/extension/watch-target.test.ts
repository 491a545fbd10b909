import assert from 'node:assert/strict';
import { parseLength, parseTarget } from '../../../extension/commands/watch-target.ts';

describe('what a watchpoint is set on', () => {
  it('takes a hexadecimal number for an address and anything else for an expression', () => {
    assert.deepEqual(parseTarget(' 0x40081F00 '), { address: '0x40081f00' });
    assert.deepEqual(parseTarget('sensor.limit'), { expression: 'sensor.limit' });
    assert.deepEqual(parseTarget('*(int *)0x40081000'), { expression: '*(int *)0x40081000' });
    assert.deepEqual(parseTarget('0x12345678123456789'), { expression: '0x12345678123456789' });
    assert.equal(parseTarget('  '), undefined);
  });

  it('takes lengths in both notations and says what is wrong with others', () => {
    assert.equal(parseLength('4'), 4);
    assert.equal(parseLength(' 0x100 '), 256);
    for (const text of ['', '0', '-1', '4.5', 'four', '0x80000001']) {
      assert.match(String(parseLength(text)), /^Give a number of bytes/, text);
    }
  });
});
