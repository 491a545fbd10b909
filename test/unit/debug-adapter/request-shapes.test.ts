import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { UserError } from '../../../debug-adapter/errors.ts';
import { checkRequest, KNOWN_REQUESTS } from '../../../debug-adapter/request-shapes.ts';

describe('Request shapes', () => {
  it('name the part that is wrong', () => {
    assert.throws(() => {
      checkRequest('setBreakpoints', { source: {}, breakpoints: [{ line: 1 }, { line: '2' }] });
    }, /"setBreakpoints" has a wrong argument: "breakpoints\[1\]\.line" must be an integer\./);
  });

  it('accept absent arguments where all are optional', () => {
    checkRequest('threads', undefined);
    checkRequest('disconnect', undefined);
  });

  it('refuse anything else with a UserError, whatever it is', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KNOWN_REQUESTS), fc.jsonValue(), (command, given) => {
        try {
          checkRequest(command, given);
        } catch (error) {
          assert.ok(error instanceof UserError);
        }
      }),
    );
  });

  it('exist for every request that has a file', () => {
    const folder = path.resolve(import.meta.dirname, '../../../debug-adapter/requests');
    const notRequests = new Set(['memory-reference']);
    for (const file of readdirSync(folder)) {
      const name = path.basename(file, '.ts');
      if (notRequests.has(name)) continue;
      const command = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const isKnown = [command, `trapline/${command}`].some((it) => KNOWN_REQUESTS.includes(it));
      assert.ok(isKnown, name);
    }
  });
});
