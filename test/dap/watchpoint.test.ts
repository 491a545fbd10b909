/** The bug of samples/watchpoint, found with a data breakpoint. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DapClient } from './support/client.ts';
import { expectedOutput, markerLine, samplePath, sampleProgram } from './support/samples.ts';

const main = samplePath('watchpoint', 'main.c');
const journal = samplePath('watchpoint', 'journal.c');

describe('samples/watchpoint', () => {
  let client: DapClient;

  beforeEach(async () => {
    client = new DapClient();
    await client.start({ program: sampleProgram('watchpoint'), stopOnEntry: false }, async () => {
      await client.send('setBreakpoints', {
        source: { path: main },
        breakpoints: [{ line: markerLine(main, '#BP1') }],
      });
    });
    await client.stopped();
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  async function sensorLimit(): Promise<DebugProtocol.DataBreakpointInfoResponse['body']> {
    const globals = (await client.scopes()).get('Globals');
    const sensor = (await client.variables(globals ?? 0)).find(({ name }) => name === 'sensor');
    return client.send('dataBreakpointInfo', {
      name: 'limit',
      variablesReference: sensor?.variablesReference,
    });
  }

  it('a data breakpoint on sensor.limit stops at the store that changes it', async () => {
    const info = await sensorLimit();
    assert.match(info.description, /^sensor\.limit \(4 bytes at 0x[0-9a-f]+\)$/);
    assert.equal(info.canPersist, true);
    const { breakpoints } = await client.send<DebugProtocol.SetDataBreakpointsResponse['body']>(
      'setDataBreakpoints',
      { breakpoints: [{ dataId: info.dataId, accessType: 'write' }] },
    );
    assert.equal(breakpoints[0]?.verified, true);
    const stop = await client.resume('continue');
    assert.equal(stop.reason, 'data breakpoint');
    assert.deepEqual(stop.hitBreakpointIds, [breakpoints[0].id]);
    const [frame, caller] = await client.stack();
    assert.equal(frame?.name, 'journal_add');
    // The machine reports behind the store, a debug register before it; both are within the line or at its end.
    const bug = markerLine(journal, '#BUG');
    assert.ok(frame.line === bug || frame.line === bug + 1, `line ${frame.line}`);
    assert.equal(caller?.name, 'main');
    await client.send('setDataBreakpoints', { breakpoints: [] });
    await client.send('continue', { threadId: 1 });
    const exited = await client.event<DebugProtocol.ExitedEvent['body']>('exited');
    assert.equal(exited.exitCode, 1);
    assert.equal(client.output, expectedOutput('watchpoint'));
  });

  it('a machine watchpoint tells the value before and after', async () => {
    const row = await client.send<{ id: number; mechanism: string }>('trapline/setWatchpoint', {
      expression: 'sensor.limit',
      accessType: 'write',
      mode: 'vm',
    });
    assert.equal(row.mechanism, 'vm');
    const stop = await client.resume('continue');
    assert.match(
      stop.description ?? '',
      /^sensor\.limit changed from 750 \(0x2ee\) to \d+ \(0x30001c2\)/,
    );
    await client.send('trapline/removeWatchpoint', { id: row.id });
    await client.send('continue', { threadId: 1 });
    await client.event('exited');
  });

  it('a condition on reads is evaluated where the access is made', async () => {
    await client.send('trapline/setWatchpoint', {
      expression: 'sensor.limit',
      accessType: 'read',
      mode: 'vm',
      condition: 'tick == 500',
    });
    // sensor_sample(tick) and main() both have a "tick".
    await client.resume('continue');
    assert.equal(await client.evaluate('tick'), '500');
  });

  it('what cannot be watched says why', async () => {
    const registers = (await client.scopes()).get('Registers');
    const info = await client.send<DebugProtocol.DataBreakpointInfoResponse['body']>(
      'dataBreakpointInfo',
      { name: 'X0', variablesReference: registers },
    );
    assert.equal(info.dataId, null);
    assert.match(info.description, /X0 is a register/);
    const asAddress = await client.send<DebugProtocol.DataBreakpointInfoResponse['body']>(
      'dataBreakpointInfo',
      { name: '&sensor', bytes: 8, asAddress: true },
    );
    assert.match(asAddress.dataId ?? '', /^0x[0-9a-f]+\+8 sensor$/);
  });
});
