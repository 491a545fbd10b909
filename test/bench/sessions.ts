/** How long a user waits: from F5 to the stop in `main`, and for a step. The adapter runs in this process. */
import { DapClient } from '../dap/support/client.ts';
import { sampleProgram } from '../dap/support/samples.ts';
import type { Result } from './report.ts';

const RUNS = 5;
const STEPS = 20;

/** Milliseconds from initialize to the stopped event; the session is left open. */
async function start(): Promise<{ client: DapClient; milliseconds: number }> {
  const begin = performance.now();
  const client = new DapClient();
  await client.start({ program: sampleProgram('hello'), stopOnEntry: true });
  await client.stopped();
  return { client, milliseconds: performance.now() - begin };
}

/** Has to come first: a session in a process that has made no interpreter yet. */
export async function measureColdStart(): Promise<Result> {
  const { client, milliseconds } = await start();
  await client.disconnect();
  return {
    name: 'F5 to stopped, first session of a process',
    unit: 'ms',
    ours: milliseconds,
    target: { kind: 'ours', below: 1000 },
    note: 'loading of the sources not counted',
  };
}

export async function measureSessions(): Promise<Result[]> {
  const starts: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const { client, milliseconds } = await start();
    starts.push(milliseconds);
    await client.disconnect();
  }
  const { client } = await start();
  const steps: number[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    const begin = performance.now();
    await client.resume('next');
    steps.push(performance.now() - begin);
  }
  await client.disconnect();
  steps.sort((a, b) => a - b);
  return [
    {
      name: 'F5 to stopped, later sessions',
      unit: 'ms',
      ours: Math.min(...starts),
      target: { kind: 'ours', below: 1000 },
    },
    {
      name: 'step by line, request to stopped',
      unit: 'ms',
      ours: steps[STEPS / 2] ?? NaN,
      target: { kind: 'ours', below: 5 },
      note: `the slowest of ${STEPS}: ${(steps.at(-1) ?? NaN).toFixed(1)} ms`,
    },
  ];
}
