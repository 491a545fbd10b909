/** `sourceMap` where the debug information has relative directories, as that of the samples. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { DapClient } from './support/client.ts';
import { sampleProgram } from './support/samples.ts';

describe('sourceMap', () => {
  it('leads to the sources of a sample and to those that it shares with others', async () => {
    const client = new DapClient();
    const program = sampleProgram('console');
    const samples = path.resolve(path.dirname(program), '..');
    await client.start({ program, sourceMap: { samples } });
    await client.stopped();
    const { sources } = await client.send<{ sources: { path: string }[] }>('loadedSources');
    const paths = sources.map((source) => source.path);
    for (const file of ['console/main.c', 'common/print.c', 'common/start.S']) {
      assert.ok(paths.includes(path.join(samples, file)), `${file} in ${paths.join(', ')}`);
    }
    await client.disconnect();
  });
});
