import assert from 'node:assert/strict';
import { describeClient, fromClient, toClient } from '../../../debug-adapter/client.ts';

describe('Client coordinates', () => {
  const zeroBased = describeClient({
    adapterID: '',
    linesStartAt1: false,
    columnsStartAt1: false,
    pathFormat: 'uri',
  });

  it('lines, columns and URIs of a client are turned into ours and back', () => {
    const given = {
      source: { path: 'file:///a%20b/c.c' },
      breakpoints: [{ line: 4, column: 0 }],
      lines: [4],
    };
    const ours = {
      source: { path: '/a b/c.c' },
      breakpoints: [{ line: 5, column: 1 }],
      lines: [5],
    };
    assert.deepEqual(fromClient(zeroBased, given), ours);
    assert.deepEqual(toClient(zeroBased, ours), given);
  });

  it('a client that counts from 1 gets the same object', () => {
    const client = describeClient({ adapterID: '' });
    const given = { line: 1 };
    assert.equal(fromClient(client, given), given);
  });
});
