/** The host beside the guest: FP policies, its own activity, and the device attributes of a vCPU. */
import assert from 'node:assert/strict';
import type { DeviceAttributeResponse, StateBody } from '../../debug-adapter/custom-requests.ts';
import { DapClient } from './support/client.ts';
import { sampleProgram } from './support/samples.ts';

describe('The host of a guest', () => {
  let client: DapClient;

  beforeEach(() => {
    client = new DapClient();
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  async function launch(arguments_: object = {}): Promise<void> {
    await client.start({ program: sampleProgram('hello'), ...arguments_ });
    await client.stopped();
  }

  const valueOf = (state: StateBody, name: string): string | undefined =>
    state.state.find((row) => row.name === name)?.value;

  it('has FP registers of its own, and says in which state they are', async () => {
    await launch({ fpPolicy: 'FP_KEEP' });
    const state = await client.send<StateBody>('trapline/state');
    assert.equal(state.fpPolicy, 'FP_KEEP');
    assert.match(
      valueOf(state, 'FP/SIMD') ?? '',
      /^HOST \(a\): the registers are those of thread vmm/,
    );
    assert.match(state.modelledCost?.source ?? '', /^Modelled cycles, not measured here/);
    assert.ok((state.modelledCost?.parts.at(-1)?.cycles ?? 0) > 0);
    const after = await client.send<StateBody>('trapline/hostActivity', {
      activity: 'softirqNeon',
    });
    assert.equal(after.counters.find(({ name }) => name.startsWith('softirqs'))?.value, 1);
    const other = await client.send<StateBody>('trapline/switchFpPolicy', { policy: 'FP_EAGER' });
    assert.equal(other.fpPolicy, 'FP_EAGER');
    assert.equal(other.traceScheme, 'HOST_DATA');
    const saving = await client.send<StateBody>('trapline/switchTraceScheme', {
      scheme: 'SAVE_MASK',
    });
    assert.equal(saving.traceScheme, 'SAVE_MASK');
    await assert.rejects(
      client.send('trapline/switchTraceScheme', { scheme: 'NONE' }),
      /There is no trace scheme "NONE". Choose one of SAVE_FLAGS, /,
    );
    await assert.rejects(
      client.send('trapline/hostActivity', { activity: 'sleep' }),
      /does not know the activity "sleep". Choose one of fpTask, /,
    );
    await assert.rejects(
      client.send('trapline/switchFpPolicy', { policy: 'FP_NONE' }),
      /There is no FP policy "FP_NONE"/,
    );
  });

  it('does on a schedule what the launch configuration says', async () => {
    await client.start({
      program: sampleProgram('self-hosted-debug'),
      stopOnEntry: false,
      hostActivity: [{ do: 'fpTask', tick: 1, every: 1 }],
    });
    await client.event('exited');
    const state = await client.send<StateBody>('trapline/state');
    const switches = state.counters.find(({ name }) => name === 'switches of host threads');
    assert.ok((switches?.value ?? 0) >= 2);
  });

  const attribute = (
    call: 'set' | 'get' | 'has',
    attr: number,
    value?: number,
  ): Promise<DeviceAttributeResponse> =>
    client.send('trapline/deviceAttribute', { call, group: 3, attribute: attr, value });

  it('answers SPE attribute calls with the check that failed', async () => {
    await launch({ hostProfile: '6-2-4-SPE-TRBE', spe: { irq: 21 } });
    assert.deepEqual(await attribute('get', 0, 0), { result: '0', value: 21 });
    assert.deepEqual(await attribute('has', 1), { result: '0' });
    assert.deepEqual(await attribute('set', 0, 21), {
      result: 'EBUSY',
      reason: 'The interrupt is set already: 21.',
    });
    assert.equal((await attribute('set', 0, 5)).result, 'EINVAL');
    const state = await client.send<StateBody>('trapline/state');
    assert.equal(valueOf(state, 'SPE of the guest'), 'interrupt 21, initialised');
    assert.match(valueOf(state, 'host_data.flags') ?? '', /^0x00/);
  });

  it('refuses SPE on a processor that has none, before the guest runs', async () => {
    await client.send('initialize', { adapterID: 'trapline' });
    await assert.rejects(
      client.send('launch', { program: sampleProgram('hello'), spe: { irq: 21 } }),
      /6-2-4 has no FEAT_SPE/,
    );
  });
});
