import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fromBase64, toBase64 } from '../../../debug-adapter/base64.ts';

describe('Base 64', () => {
  it('agrees with Node both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        assert.equal(toBase64(bytes), text);
        assert.deepEqual([...(fromBase64(text) ?? [])], [...bytes]);
      }),
    );
  });

  it('refuses other characters and impossible lengths', () => {
    assert.equal(fromBase64('a*=='), undefined);
    assert.equal(fromBase64('abcde'), undefined);
  });
});
