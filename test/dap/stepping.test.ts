/** Steps, conditions, hit counts, logpoints and data breakpoints where compilers make them hard: -O2 and recursion. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DapClient } from './support/client.ts';
import { optimisedElf, optimisedFolder, optimisedSource } from './support/gdb-recording.ts';
import { expectedOutput, markerLine, samplePath, sampleProgram } from './support/samples.ts';
import { lineOf } from './support/source-lines.ts';
import { stoppedOrExited } from './support/stopped-or-exited.ts';

const inventory = optimisedSource('inventory');

interface Place {
  readonly line: number;
  readonly condition?: string;
  readonly hitCondition?: string;
  readonly logMessage?: string;
}

/** A session that is stopped at its first breakpoint. */
async function startAt(
  client: DapClient,
  file: string,
  program: string,
  ...places: Place[]
): Promise<void> {
  await client.start({ program, stopOnEntry: false }, async () => {
    const { breakpoints } = await client.send<DebugProtocol.SetBreakpointsResponse['body']>(
      'setBreakpoints',
      { source: { path: file }, breakpoints: places },
    );
    assert.ok(breakpoints.every(({ verified }) => verified));
  });
}

async function clearBreakpoints(client: DapClient, file: string): Promise<void> {
  await client.send('setBreakpoints', { source: { path: file }, breakpoints: [] });
}

async function names(client: DapClient): Promise<string[]> {
  return (await client.stack()).map(({ name }) => name);
}

async function count(client: DapClient, name: string): Promise<number> {
  return (await names(client)).filter((it) => it === name).length;
}

async function pc(client: DapClient): Promise<bigint> {
  return BigInt((await client.topFrame()).instructionPointerReference ?? '0');
}

/** Continues to the end and counts the stops on the way, the present one included. */
async function countStops(client: DapClient, each?: () => Promise<void>): Promise<number> {
  let stops = 0;
  while ((await stoppedOrExited(client)) === 'stopped') {
    stops++;
    await each?.();
    await client.send('continue', { threadId: 1 });
  }
  return stops;
}

describe('Steps in optimised code', () => {
  let client: DapClient;
  beforeEach(() => {
    client = new DapClient({ workspaceFolders: [optimisedFolder] });
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  for (const program of ['inventory', 'orbit', 'calculator'] as const) {
    it(`${program}: next stays in main from its first line to its last`, async () => {
      await client.start({ program: optimisedElf(program) });
      const lines = new Set<number>();
      for (;;) {
        assert.equal(await stoppedOrExited(client), 'stopped');
        const [top, caller] = await client.stack();
        if (top?.name === '_start') break;
        assert.equal(top?.name, 'main');
        assert.equal(caller?.name, '_start');
        lines.add(top.line);
        await client.send('next', { threadId: 1 });
      }
      assert.ok(lines.size > 5, [...lines].join(' '));
      // The line behind main's call, then the exit.
      await client.send('continue', { threadId: 1 });
      assert.equal(await stoppedOrExited(client), 'exited');
    });
  }

  it('stepIn enters a function, then the copy inlined in it; next runs through the copy; stepOut leaves both', async () => {
    const call = lineOf(inventory, 'items[i] = make_item(&state);');
    await startAt(client, inventory, optimisedElf('inventory'), { line: call });
    await client.stopped();
    await clearBreakpoints(client, inventory);
    for (let i = 0; (await client.topFrame()).name === 'main'; i++) {
      assert.ok(i < 5, 'stepIn goes into make_item');
      await client.resume('stepIn');
    }
    assert.deepEqual(await names(client), ['make_item', 'main', '_start']);
    for (let i = 0; (await client.topFrame()).name === 'make_item'; i++) {
      assert.ok(i < 5, 'stepIn goes into the inlined next_random');
      await client.resume('stepIn');
    }
    assert.deepEqual(await names(client), ['next_random', 'make_item', 'main', '_start']);
    await client.resume('stepOut');
    assert.deepEqual(await names(client), ['make_item', 'main', '_start']);
    await client.resume('stepOut');
    assert.deepEqual(await names(client), ['main', '_start']);
  });

  it('next in a function with inlined copies never shows one', async () => {
    await startAt(client, inventory, optimisedElf('inventory'), {
      line: lineOf(inventory, 'uint32_t random = next_random(state);'),
    });
    await client.stopped();
    await clearBreakpoints(client, inventory);
    const first = await client.topFrame();
    assert.equal(first.name, 'make_item');
    for (let i = 0; (await client.topFrame()).name !== 'main'; i++) {
      assert.ok(i < 30);
      assert.equal((await client.topFrame()).name, 'make_item');
      await client.resume('next');
    }
    assert.deepEqual(await names(client), ['main', '_start']);
  });

  it('next and stepOut in a recursion come back to the activation that they began in', async () => {
    const line = lineOf(inventory, 'unsigned left = depth(tree->left);');
    await startAt(client, inventory, optimisedElf('inventory'), { line });
    await client.stopped();
    for (let i = 0; (await count(client, 'depth')) < 3; i++) {
      assert.ok(i < 10, 'the tree has three levels');
      await client.resume('continue');
    }
    const level = await count(client, 'depth');
    await clearBreakpoints(client, inventory);
    // Over the call, which recurses further.
    await client.resume('next');
    assert.equal(await count(client, 'depth'), level);
    for (let left = level; left > 0; left--) {
      assert.equal(await count(client, 'depth'), left);
      await client.resume('stepOut');
    }
    assert.deepEqual(await names(client), ['main', '_start']);
  });

  it('a breakpoint inside what next runs through still stops', async () => {
    const call = lineOf(inventory, 'unsigned levels = depth(tree);');
    const inside = lineOf(inventory, 'unsigned right = depth(tree->right);');
    await startAt(client, inventory, optimisedElf('inventory'), { line: call }, { line: inside });
    await client.stopped();
    for (let i = 0; (await client.topFrame()).name === 'main'; i++) {
      assert.ok(i < 5);
      const stop = await client.resume('next');
      if ((await client.topFrame()).name !== 'main') assert.equal(stop.reason, 'breakpoint');
    }
    assert.equal((await client.topFrame()).line, inside);
  });

  it('by instruction: stepIn follows every branch, next runs through calls', async () => {
    await startAt(client, inventory, optimisedElf('inventory'), {
      line: lineOf(inventory, 'unsigned levels = depth(tree);'),
    });
    await client.stopped();
    await clearBreakpoints(client, inventory);
    const instruction = async (): Promise<string> => {
      const { instructions } = await client.send<
        DebugProtocol.DisassembleResponse['body'] & object
      >('disassemble', {
        memoryReference: `0x${(await pc(client)).toString(16)}`,
        instructionCount: 1,
      });
      // Behind its place in the function.
      return (instructions[0]?.instruction ?? '').replace(/^<[^>]*>\s*/, '');
    };
    let calls = 0;
    for (let i = 0; i < 60; i++) {
      const before = await pc(client);
      const text = await instruction();
      const { name } = await client.topFrame();
      const isCall = /^blr?\b/.test(text);
      if (isCall && ++calls % 2 === 1) {
        await client.resume('next', { granularity: 'instruction' });
        assert.equal(await pc(client), before + 4n, text);
        assert.equal((await client.topFrame()).name, name);
        continue;
      }
      await client.resume('stepIn', { granularity: 'instruction' });
      const target = /^(?:b|bl)\s+0x([0-9a-f]+)/.exec(text)?.[1];
      if (target !== undefined) assert.equal(await pc(client), BigInt(`0x${target}`), text);
      else if (!/^(b\.|cbn?z|tbn?z|ret|blr|br)/.test(text))
        assert.equal(await pc(client), before + 4n, text);
    }
    assert.ok(calls >= 2, 'the run had calls in it');
  });
});

describe('Breakpoints in optimised code', () => {
  let client: DapClient;
  beforeEach(() => {
    client = new DapClient({ workspaceFolders: [optimisedFolder] });
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  // Each of the seven items ends in a new node once.
  const fresh = lineOf(inventory, 'struct node *fresh = &pool[pool_used++];');
  const cases: readonly (readonly [string, Omit<Place, 'line'>, number])[] = [
    ['without a condition', {}, 7],
    ['with a hit count of 7', { hitCondition: '7' }, 1],
    ['with a hit count of >= 3', { hitCondition: '>= 3' }, 5],
    ['at every third hit', { hitCondition: '% 3' }, 2],
    ['with a condition on a global', { condition: 'pool_used == 4' }, 1],
    ['with a condition on a register', { condition: '$x0 == 0' }, 7],
    [
      'with a condition and a hit count of what fulfils it',
      { condition: 'pool_used > 2', hitCondition: '== 2' },
      1,
    ],
    ['with a condition that never holds', { condition: 'journal == 1' }, 0],
  ];
  for (const [title, conditions, stops] of cases) {
    it(`${title}: stops ${stops} times`, async () => {
      await startAt(client, inventory, optimisedElf('inventory'), { line: fresh, ...conditions });
      assert.equal(await countStops(client), stops);
    });
  }

  it('a condition without a value stops and says so', async () => {
    await startAt(client, inventory, optimisedElf('inventory'), {
      line: fresh,
      condition: '*(int *)0xdead0000 == 1',
    });
    const stop = await client.stopped();
    assert.match(stop.description ?? '', /condition has no value here/);
  });

  it('a logpoint prints at each of its hits and stops at none', async () => {
    await startAt(client, inventory, optimisedElf('inventory'), {
      line: fresh,
      logMessage: 'node {pool_used} of {sizeof pool / sizeof pool[0]}',
    });
    assert.equal(await countStops(client), 0);
    const lines = [0, 1, 2, 3, 4, 5, 6].map((i) => `node ${i} of 7\n`).join('');
    const ended = 'The guest has ended with status 0 (semihosting).\n';
    assert.equal(client.textOf('console'), lines + ended);
  });

  it('a logpoint with a hit count prints from that hit on', async () => {
    await startAt(client, inventory, optimisedElf('inventory'), {
      line: fresh,
      logMessage: '{pool_used}',
      hitCondition: '>5',
    });
    assert.equal(await countStops(client), 0);
    assert.match(client.textOf('console'), /^5\n6\nThe guest has ended/);
  });

  it('a data breakpoint stops at every store, in the function that makes it', async () => {
    await client.start({ program: optimisedElf('inventory') });
    assert.equal(await stoppedOrExited(client), 'stopped');
    const dataId = async (name: string): Promise<string> => {
      const info = await client.send<DebugProtocol.DataBreakpointInfoResponse['body']>(
        'dataBreakpointInfo',
        { name, variablesReference: (await client.scopes()).get('Globals') },
      );
      assert.ok(info.dataId, info.description);
      return info.dataId;
    };
    const { breakpoints } = await client.send<DebugProtocol.SetDataBreakpointsResponse['body']>(
      'setDataBreakpoints',
      {
        breakpoints: [
          { dataId: await dataId('pool_used'), accessType: 'write' },
          { dataId: await dataId('journal'), accessType: 'write', hitCondition: '>=9' },
        ],
      },
    );
    assert.deepEqual(
      breakpoints.map(({ verified }) => verified),
      [true, true],
    );
    const writers: string[] = [];
    await client.send('continue', { threadId: 1 });
    await countStops(client, async () => {
      writers.push((await client.topFrame()).name);
    });
    // Seven nodes, and the last of nine notes.
    const inserts = Array<string>(7).fill('insert');
    assert.deepEqual(writers, [...inserts, writers.at(-1)]);
    assert.ok(['note', 'rotate'].includes(writers.at(-1) ?? ''), writers.at(-1));
  });
});

describe('Steps in samples/hello', () => {
  const main = samplePath('hello', 'main.c');
  let client: DapClient;
  beforeEach(() => {
    client = new DapClient({ workspaceFolders: [samplePath('hello')] });
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  it('stepIn descends a recursion, stepOut climbs it, next does not leave its level', async () => {
    const call = lineOf(main, 'uint64_t permutations = factorial(5);');
    await startAt(client, main, sampleProgram('hello'), { line: call });
    await client.stopped();
    for (let i = 0; (await count(client, 'factorial')) < 5; i++) {
      assert.ok(i < 20);
      await client.resume('stepIn');
    }
    assert.equal(await client.evaluate('n'), '1');
    for (let n = 2; n <= 5; n++) {
      await client.resume('stepOut');
      assert.equal(await count(client, 'factorial'), 6 - n);
      assert.equal(await client.evaluate('n'), String(n));
    }
    await client.resume('next');
    const level = await count(client, 'factorial');
    assert.ok(level <= 1, 'next ends in this call or in its caller');
  });

  it('by statement, the parts of a for line are places to stop; by line they are one', async () => {
    const loop = markerLine(main, '#LOOP');
    const stepsToLeave = async (granularity: string): Promise<number> => {
      const session = new DapClient({ workspaceFolders: [samplePath('hello')] });
      await startAt(session, main, sampleProgram('hello'), { line: loop });
      await session.stopped();
      await clearBreakpoints(session, main);
      let steps = 0;
      for (; [loop, loop - 1].includes((await session.topFrame()).line); steps++) {
        assert.ok(steps < 100);
        await session.resume('next', { granularity });
      }
      await session.disconnect();
      assert.deepEqual(session.logged, []);
      return steps;
    };
    const byLine = await stepsToLeave('line');
    const byStatement = await stepsToLeave('statement');
    // Five rounds: body and header, and the way out.
    assert.equal(byLine, 10);
    assert.ok(byStatement > byLine, `${byStatement} statements, ${byLine} lines`);
  });

  it('next through the whole program prints what the program prints', async () => {
    await client.start({ program: sampleProgram('hello') });
    while ((await stoppedOrExited(client)) === 'stopped') {
      const { name } = await client.topFrame();
      await client.send(name === 'main' ? 'next' : 'continue', { threadId: 1 });
    }
    assert.equal(client.output, expectedOutput('hello'));
  });
});
