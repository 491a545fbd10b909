/** samples/smp: each processor is a thread with a stack, registers and steps of its own. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DapClient } from './support/client.ts';
import { expectedOutput, markerLine, samplePath, sampleProgram } from './support/samples.ts';

const main = samplePath('smp', 'main.c');
const CPU0 = 1;
const CPU1 = 2;
/** Instructions; more than a processor needs from any place to the store of its next count. */
const A_ROUND = 100;

describe('The processors of samples/smp', () => {
  let client: DapClient;

  beforeEach(async () => {
    client = new DapClient();
    await client.start({ program: sampleProgram('smp'), cpus: 2, stopOnEntry: false }, () =>
      breakAt('#SECONDARY'),
    );
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  async function breakAt(...markers: string[]): Promise<void> {
    await client.send('setBreakpoints', {
      source: { path: main },
      breakpoints: markers.map((marker) => ({ line: markerLine(main, marker) })),
    });
  }

  async function stackOf(threadId: number): Promise<DebugProtocol.StackFrame[]> {
    const body = await client.send<DebugProtocol.StackTraceResponse['body']>('stackTrace', {
      threadId,
    });
    return body.stackFrames;
  }

  /** In the innermost frame of that thread. */
  async function evaluate(threadId: number, expression: string): Promise<string> {
    const [frame] = await stackOf(threadId);
    const body = await client.send<DebugProtocol.EvaluateResponse['body']>('evaluate', {
      expression,
      frameId: frame?.id,
      context: 'watch',
    });
    return body.result;
  }

  it('are threads, and a breakpoint that CPU1 hits stops with its thread', async () => {
    const stop = await client.stopped();
    assert.equal(stop.reason, 'breakpoint');
    assert.equal(stop.threadId, CPU1);
    assert.equal(stop.allThreadsStopped, true);
    const { threads } = await client.send<DebugProtocol.ThreadsResponse['body']>('threads');
    assert.deepEqual(threads, [
      { id: CPU0, name: 'CPU0' },
      { id: CPU1, name: 'CPU1' },
    ]);
  });

  it('have stacks and registers of their own', async () => {
    await client.stopped();
    const outermost = async (threadId: number): Promise<string | undefined> =>
      (await stackOf(threadId)).at(-1)?.name;
    assert.equal((await stackOf(CPU1))[0]?.name, 'secondary_main');
    assert.equal(await outermost(CPU1), 'secondary_start');
    assert.equal(await outermost(CPU0), '_start');
    // MPIDR_EL1.Aff0 is the number of the processor.
    assert.equal(await evaluate(CPU0, '$MPIDR_EL1 & 0xff'), '0');
    assert.equal(await evaluate(CPU1, '$MPIDR_EL1 & 0xff'), '1');
    assert.notEqual(await evaluate(CPU0, '$SP'), await evaluate(CPU1, '$SP'));
  });

  for (const [stepped, other] of [
    [CPU0, CPU1],
    [CPU1, CPU0],
  ] as const) {
    it(`stepping thread ${stepped} leaves thread ${other} where it is`, async () => {
      await client.stopped();
      const before = [await evaluate(stepped, '$PC'), await evaluate(other, '$PC')];
      const stop = await client.resume('stepIn', {
        threadId: stepped,
        granularity: 'instruction',
      });
      assert.equal(stop.reason, 'step');
      assert.equal(stop.threadId, stepped);
      assert.notEqual(await evaluate(stepped, '$PC'), before[0]);
      assert.equal(await evaluate(other, '$PC'), before[1]);
    });
  }

  it('a count is lost when one is stepped through its own between load and store of the other', async () => {
    await client.stopped();
    await breakAt('#RACE');
    const { threadId: slow } = await client.resume('continue');
    assert.ok(slow);
    await breakAt();
    const quick = slow === CPU0 ? CPU1 : CPU0;
    const counter = async (): Promise<number> => Number(await evaluate(slow, 'unlocked_counter'));
    const step = async (threadId: number): Promise<void> => {
      await client.resume('stepIn', { threadId, granularity: 'instruction' });
    };
    const loaded = await counter();
    // ADRP, ADD, LDR
    for (let i = 0; i < 3; i += 1) await step(slow);
    const between = await evaluate(slow, '$PC');
    for (let i = 0; i < A_ROUND && (await counter()) === loaded; i += 1) await step(quick);
    assert.equal(await counter(), loaded + 1, 'the quick one has stored its count');
    assert.equal(await evaluate(slow, '$PC'), between);
    // ADD, ADRP, ADD, STR
    for (let i = 0; i < 4; i += 1) await step(slow);
    assert.equal(await counter(), loaded + 1, 'two have counted, and it is one more');
  });

  it('count to the end once the breakpoint is gone', async () => {
    await client.stopped();
    await breakAt();
    await client.send('continue', { threadId: CPU1 });
    const { exitCode } = await client.event<DebugProtocol.ExitedEvent['body']>('exited');
    assert.equal(exitCode, 0);
    assert.equal(client.output, expectedOutput('smp'));
  });
});
