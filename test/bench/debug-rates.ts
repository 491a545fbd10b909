/**
 * What debugging costs a guest that runs: conditions that never hold, steps, and breakpoints and
 * watchpoints that are never hit but lie beside what is hot. Ours are whole debug sessions in this
 * process; theirs are gdb attached to QEMU.
 */
import { DapClient } from '../dap/support/client.ts';
import { loadGuest } from './elf-guest.ts';
import type { Guest } from './elf-guest.ts';
import { createMachine } from './our-machine.ts';
import { timeUnderGdb } from './qemu.ts';
import type { Result } from './report.ts';

const GUEST = 'debug-loop';
const NEVER = '4294967295'; // no iteration has this number
const RUNS = 3;

type Arm = (client: DapClient, guest: Guest) => Promise<unknown>;

const nothing: Arm = () => Promise.resolve();

/** Milliseconds from configurationDone to the end of the guest, `arm` done before: the best of some runs. */
async function timeSession(iterations: number, arm: Arm): Promise<number> {
  const guest = loadGuest(GUEST, { iterations });
  let shortest = Infinity;
  for (let run = 0; run < RUNS; run += 1) {
    const client = new DapClient({ host: { readFile: () => Promise.resolve(guest.bytes) } });
    let start = 0;
    await client.start({ program: `/${GUEST}.elf`, stopOnEntry: false }, async () => {
      await arm(client, guest);
      start = performance.now();
    });
    await client.event('exited');
    shortest = Math.min(shortest, performance.now() - start);
    await client.disconnect();
  }
  return shortest;
}

/** The best of some runs on gdb and QEMU, without what gdb and QEMU need for themselves. */
async function timeGdb(iterations: number, commands: readonly string[]): Promise<number> {
  const whole = await shortestUnderGdb(iterations, commands);
  return whole - (await shortestUnderGdb(1, ['continue']));
}
async function shortestUnderGdb(iterations: number, commands: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 2; run += 1) {
    times.push(await timeUnderGdb(loadGuest(GUEST, { iterations }), commands));
  }
  return Math.min(...times);
}

const breakIf =
  (name: string, condition?: string): Arm =>
  (client) =>
    client.send('setFunctionBreakpoints', {
      breakpoints: [{ name, ...(condition !== undefined && { condition }) }],
    });
const watch =
  (name: string, mode: 'vm' | 'hw', condition?: string): Arm =>
  (client, guest) =>
    client.send('trapline/setWatchpoint', {
      address: `0x${guest.symbol(name).toString(16)}`,
      length: 4,
      accessType: 'write',
      mode,
      ...(condition !== undefined && { condition }),
    });

async function evaluations(
  name: string,
  arm: Arm,
  options: {
    readonly iterations: number;
    readonly gdb?: { readonly iterations: number; readonly commands: readonly string[] };
    readonly atLeast?: number;
  },
): Promise<Result> {
  const { iterations, gdb, atLeast } = options;
  const ours = iterations / (await timeSession(iterations, arm));
  const theirs = gdb && gdb.iterations / (await timeGdb(gdb.iterations, gdb.commands));
  return {
    name,
    unit: '1/s',
    ours: ours * 1000,
    theirs: theirs === undefined ? undefined : theirs * 1000,
    ...(atLeast !== undefined && { target: { kind: 'ours', atLeast } }),
  };
}

async function instructionSteps(withGdb: boolean): Promise<Result> {
  const machine = createMachine(loadGuest(GUEST, { iterations: 1_000_000 }));
  let shortest = Infinity;
  const steps = 100_000;
  for (let run = 0; run < RUNS; run += 1) {
    const start = performance.now();
    for (let step = 0; step < steps; step += 1) machine.stepInstruction();
    shortest = Math.min(shortest, performance.now() - start);
  }
  const gdbSteps = 2000;
  return {
    name: 'instruction steps',
    unit: '1/s',
    ours: (steps / shortest) * 1000,
    theirs: withGdb
      ? (gdbSteps /
          (await timeUnderGdb(loadGuest(GUEST, { iterations: 1_000_000 }), [
            `stepi ${gdbSteps}`,
          ]))) *
        1000
      : undefined,
  };
}

async function slowDowns(withGdb: boolean): Promise<Result[]> {
  const iterations = 20_000_000;
  const armed: readonly { name: string; arm: Arm; command: string }[] = [
    {
      name: 'breakpoint in the hot code page, never hit',
      arm: breakIf('never_called'),
      command: 'break never_called',
    },
    {
      name: 'watchpoint in the hot data page, never hit',
      arm: watch('untouched', 'vm'),
      command: 'watch untouched',
    },
  ];
  const ours = await timeSession(iterations, nothing);
  const theirs = withGdb ? await timeGdb(iterations, ['continue']) : undefined;
  const results: Result[] = [];
  for (const { name, arm, command } of armed) {
    results.push({
      name,
      unit: 'times slower',
      ours: (await timeSession(iterations, arm)) / ours,
      theirs:
        theirs === undefined
          ? undefined
          : (await timeGdb(iterations, [command, 'continue'])) / theirs,
    });
  }
  return results;
}

export async function measureDebugging(withGdb: boolean): Promise<Result[]> {
  const gdb = (breakpoint: string): { gdb?: { iterations: number; commands: string[] } } =>
    withGdb ? { gdb: { iterations: 2000, commands: [breakpoint, 'continue'] } } : {};
  return [
    await evaluations('breakpoint conditions evaluated', breakIf('tick', `n == ${NEVER}`), {
      iterations: 300_000,
      atLeast: 200_000,
      ...gdb(`break tick if n == ${NEVER}`),
    }),
    await evaluations(
      'watchpoint conditions evaluated',
      watch('counter', 'vm', `counter == ${NEVER}`),
      { iterations: 50_000, ...gdb(`watch counter if counter == ${NEVER}`) },
    ),
    await evaluations(
      'watchpoint conditions evaluated, hardware slot',
      watch('counter', 'hw', `counter == ${NEVER}`),
      { iterations: 10_000, ...gdb(`watch counter if counter == ${NEVER}`) },
    ),
    await instructionSteps(withGdb),
    ...(await slowDowns(withGdb)),
  ];
}
