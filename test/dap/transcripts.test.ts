/** One readable session for each of the other samples. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { WatchpointRow, WorldSwitchResponse } from '../../debug-adapter/custom-requests.ts';
import { DapClient } from './support/client.ts';
import { expectedOutput, markerLine, samplePath, sampleProgram } from './support/samples.ts';
import { Transcript } from './support/transcript.ts';

describe('Transcripts', () => {
  let client: DapClient;
  let transcript: Transcript;

  beforeEach(() => {
    client = new DapClient();
    transcript = new Transcript(client);
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  async function runToEnd(): Promise<void> {
    transcript.act('continue');
    await client.send('continue', { threadId: 1 });
    const { exitCode } = await client.event<DebugProtocol.ExitedEvent['body']>('exited');
    transcript.printed();
    transcript.say(`exit status ${exitCode}`);
  }

  it('watchpoint: a hardware watchpoint finds the bug', async () => {
    const main = samplePath('watchpoint', 'main.c');
    transcript.act('launch');
    await client.start({ program: sampleProgram('watchpoint'), stopOnEntry: false }, async () => {
      const body = await client.send<DebugProtocol.SetBreakpointsResponse['body']>(
        'setBreakpoints',
        {
          source: { path: main },
          breakpoints: [{ line: markerLine(main, '#BP1') }],
        },
      );
      transcript.breakpoints(body.breakpoints);
    });
    await transcript.stop(await client.stopped());
    transcript.act('watch sensor.limit');
    const row = await client.send<WatchpointRow>('trapline/setWatchpoint', {
      expression: 'sensor.limit',
      accessType: 'write',
    });
    transcript.say(row.message);
    await transcript.do('continue');
    for (const expression of ['next', 'entries[15],x', 'sensor', '&entries[next]']) {
      transcript.say(`${expression} = ${await client.evaluate(expression)}`);
    }
    const slots = await client.unfold('Debug registers', 'Slots');
    transcript.variables(
      'Slots',
      slots.filter(({ name }) => name.startsWith('watchpoint')),
    );
    await client.send('trapline/removeWatchpoint', { id: row.id });
    await runToEnd();
    transcript.compareWith('watchpoint');
    assert.equal(client.output, expectedOutput('watchpoint'));
  });

  it('self-hosted-debug: the guest’s exceptions, seen from outside', async () => {
    transcript.act('launch, stopping at breakpoint exceptions of the guest itself');
    await client.start(
      { program: sampleProgram('self-hosted-debug'), stopOnEntry: false },
      async () => {
        await client.send('setExceptionBreakpoints', {
          filters: ['debug-breakpoint', 'debug-watchpoint'],
        });
      },
    );
    for (let i = 0; i < 2; i++) {
      if (i > 0) transcript.act('continue');
      await transcript.stop(i === 0 ? await client.stopped() : await client.resume('continue'));
      const info = await client.send<DebugProtocol.ExceptionInfoResponse['body']>('exceptionInfo', {
        threadId: 1,
      });
      transcript.say(info.description ?? '');
    }
    await client.send('setExceptionBreakpoints', { filters: [] });
    await runToEnd();
    const { events } = await client.send<WorldSwitchResponse>('trapline/worldSwitch', {
      limit: 1000,
    });
    transcript.act('traps of debug registers');
    for (const { kind, text, symbol, line } of events) {
      if (kind === 'trapDbg') transcript.say(`${text}, in ${symbol ?? ''}, line ${line ?? 0}`);
    }
    transcript.compareWith('self-hosted-debug');
    assert.equal(client.output, expectedOutput('self-hosted-debug'));
  });

  it('fp-lazy: whose the FP registers are', async () => {
    const main = samplePath('fp-lazy', 'main.c');
    const lines = ['#BP0', '#BP2'].map((marker) => ({ line: markerLine(main, marker) }));
    transcript.act('launch under FP_KEEP, with a softirq at each interrupt of the host');
    await client.start(
      {
        program: sampleProgram('fp-lazy'),
        stopOnEntry: false,
        fpPolicy: 'FP_KEEP',
        hostActivity: [{ do: 'softirqNeon', tick: 1, every: 1 }],
      },
      async () => {
        const body = await client.send<DebugProtocol.SetBreakpointsResponse['body']>(
          'setBreakpoints',
          { source: { path: main }, breakpoints: lines },
        );
        transcript.breakpoints(body.breakpoints);
      },
    );
    const shown = ['FP policy', 'FP/SIMD', 'TIF_FOREIGN_FPSTATE', 'flags'];
    const counted = [
      'FP traps',
      "loads of the guest's FP registers",
      "saves of the guest's FP registers",
    ];
    for (let i = 0; i < 2; i++) {
      if (i > 0) transcript.act('continue');
      await transcript.stop(i === 0 ? await client.stopped() : await client.resume('continue'));
      const hypervisor = await client.unfold('Hypervisor');
      transcript.variables(
        'Hypervisor',
        hypervisor.filter(({ name }) => shown.includes(name)),
      );
      const counters = await client.unfold('Hypervisor', 'counters');
      transcript.variables(
        'Counters',
        counters.filter(({ name }) => counted.includes(name)),
      );
    }
    await client.send('setBreakpoints', { source: { path: main }, breakpoints: [] });
    await runToEnd();
    transcript.compareWith('fp-lazy');
    assert.equal(client.output, expectedOutput('fp-lazy'));
  });

  it('el2-hypervisor: a guest that is the hypervisor', async () => {
    transcript.act('launch');
    await client.start({ program: sampleProgram('el2-hypervisor'), el: 2 }, async () => {
      await client.send('setExceptionBreakpoints', {
        filters: ['noHandler', 'loop'],
        filterOptions: [{ filterId: 'hvc' }],
      });
    });
    await transcript.stop(await client.stopped());
    await transcript.do('next');
    await transcript.do('continue');
    const registers = await client.unfold('System registers', 'Exceptions');
    const shown = ['ELR_EL2', 'ESR_EL2', 'HCR_EL2', 'VBAR_EL2'];
    transcript.variables(
      'Registers',
      registers.filter(({ name }) => shown.includes(name)),
    );
    await client.send('setExceptionBreakpoints', { filters: ['noHandler', 'loop'] });
    await runToEnd();
    transcript.compareWith('el2-hypervisor');
    assert.equal(client.output, expectedOutput('el2-hypervisor'));
  });
});
