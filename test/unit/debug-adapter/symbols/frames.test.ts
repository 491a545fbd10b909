import assert from 'node:assert/strict';
import { compareFrames } from './compare-readelf.ts';
import { expectedText, FIXTURES, fixtureInfo } from './fixtures.ts';

describe('call frame information', () => {
  for (const name of FIXTURES) {
    it(`of ${name} gives the rules that readelf interprets`, () => {
      const compared = compareFrames(fixtureInfo(name), expectedText(name, 'frames'));
      assert.ok(compared >= 2);
    });
  }
});
