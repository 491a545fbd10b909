/** samples/shared-breakpoints: the user's slots beside those of a guest that uses all there are. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DebugResourcesResponse, WatchpointRow } from '../../debug-adapter/custom-requests.ts';
import { DapClient } from './support/client.ts';
import { expectedOutput, sampleProgram } from './support/samples.ts';

type Breakpoints = DebugProtocol.SetFunctionBreakpointsResponse['body'];

describe('A guest and a debugger that share the breakpoints', () => {
  let client: DapClient;

  beforeEach(() => {
    client = new DapClient();
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  async function start(policy: string): Promise<void> {
    await client.start({
      program: sampleProgram('shared-breakpoints'),
      policy,
      breakpointMode: 'hw',
    });
    await client.stopped();
  }

  async function breakOn(name: string): Promise<DebugProtocol.Breakpoint> {
    const { breakpoints } = await client.send<Breakpoints>('setFunctionBreakpoints', {
      breakpoints: [{ name }],
    });
    const [breakpoint] = breakpoints;
    assert.ok(breakpoint);
    return breakpoint;
  }

  it('both see all of theirs under REMAP_SHARED, and nothing twice', async () => {
    await start('REMAP_SHARED');
    const { verified, message } = await breakOn('station_2');
    assert.ok(verified, message);
    const row = await client.send<WatchpointRow>('trapline/setWatchpoint', {
      expression: 'counter',
      accessType: 'write',
      mode: 'hw',
    });
    assert.ok(row.verified, row.message);
    const stops: string[] = [];
    for (let i = 0; i < 10; i += 1) {
      const stop = await client.resume('continue');
      stops.push(stop.reason);
    }
    const round = ['function breakpoint', 'data breakpoint'];
    assert.deepEqual(stops, [...round, ...round, ...round, ...round, ...round]);
    await client.send('setFunctionBreakpoints', { breakpoints: [] });
    await client.send('trapline/removeWatchpoint', { id: row.id });
    await client.send('continue', { threadId: 1 });
    await client.event('exited');
    assert.equal(client.output, expectedOutput('shared-breakpoints'));
  });

  it('the resources tell which of the guest’s has lost its slot', async () => {
    await start('REMAP_SHARED');
    await breakOn('station_2');
    await client.resume('continue');
    const { slots, guest } = await client.send<DebugResourcesResponse>(
      'trapline/debugResources',
      undefined,
    );
    const used = guest.filter(({ kind }) => kind === 'breakpoint');
    assert.equal(used.length, 6);
    const homeless = used.filter(({ slot }) => slot === undefined);
    assert.equal(homeless.length, 1, JSON.stringify(used));
    assert.match(homeless[0]?.verdict ?? '', /compared in software/);
    assert.equal(slots.filter(({ owner }) => owner === 'debugger').length, 1);
    // The link of breakpoint 0 goes to the comparator by the guest's own number.
    assert.equal(used.find(({ index }) => index === 0)?.linkedTo, 5);
  });

  it('under OWNER the debugger has them alone, as in KVM', async () => {
    await start('OWNER');
    await breakOn('station_2');
    await client.resume('continue');
    await client.resume('continue');
    await client.send('setFunctionBreakpoints', { breakpoints: [] });
    await client.send('continue', { threadId: 1 });
    await client.event('exited');
    assert.match(client.output, /round 1: 0 breakpoints and 0 watchpoint hit/);
  });
});
