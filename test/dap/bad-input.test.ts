/** Damaged programs, launch arguments of every wrong kind, and every request at every wrong moment: a sentence each. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { DebugProtocol } from '@vscode/debugprotocol';
import fc from 'fast-check';
import { createNodeHost } from '../../debug-adapter/hosts/node-host.ts';
import {
  LAUNCH_ARGUMENT_NAMES,
  type LaunchArgumentName,
} from '../../debug-adapter/launch-arguments.ts';
import { KNOWN_REQUESTS } from '../../debug-adapter/request-shapes.ts';
import { DapClient } from './support/client.ts';
import { optimisedElf } from './support/gdb-recording.ts';
import { sampleProgram } from './support/samples.ts';

/** Longest that an answer may take, in milliseconds. */
const PATIENCE = 4000;

/** A message for people: it begins like a sentence, a quotation or a path, and ends like a sentence. */
const SENTENCE = /^["(A-Z/$\w].*[^\s][.?!)]$/su;

async function answered(
  client: DapClient,
  command: string,
  given?: unknown,
): Promise<DebugProtocol.Response> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`"${command}" with ${JSON.stringify(given)} was not answered`));
    }, PATIENCE);
  });
  try {
    return await Promise.race([client.request(command, given), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A failed response says why in a sentence, and blames nobody's bug. */
function checkResponse(response: DebugProtocol.Response, given: unknown): void {
  if (response.success) return;
  const what = `${response.command} ${JSON.stringify(given)}: "${response.message}"`;
  const { error } = response.body as { error: DebugProtocol.Message };
  assert.ok(error.id >= 2000 && error.id !== 2199, what);
  assert.match(response.message ?? '', SENTENCE, what);
}

describe('A damaged program', () => {
  const RUNS = Number(process.env['FUZZ_LAUNCHES'] ?? 120);
  const programs = [sampleProgram('hello'), optimisedElf('inventory'), optimisedElf('calculator')];
  const contents = new Map(programs.map((file) => [file, new Uint8Array(readFileSync(file))]));
  /** A copy to damage; properties are given names, which are shorter to report. */
  const copyOf = (file: string): Uint8Array => (contents.get(file) ?? new Uint8Array()).slice();
  const source = fc.constantFrom(...programs);
  /** Of a file, from 0 to less than 1, every part as likely as any other. */
  const fraction = fc.noBias(fc.nat({ max: 0xffffff })).map((n) => n / 0x1000000);
  const outcomes = { launched: 0, refused: 0 };
  after(() => {
    // Both roads have been taken, or the damage was of the wrong size.
    assert.ok(outcomes.launched > 20 && outcomes.refused > 20, JSON.stringify(outcomes));
  });

  /** Launches bytes as a file, and asks what an editor asks at its first stop. */
  async function survives(bytes: Uint8Array): Promise<void> {
    const host = createNodeHost({ workspaceFolders: [], log: () => undefined });
    const client = new DapClient({
      host: {
        readFile: (path) =>
          path === '/damaged.elf' ? Promise.resolve(bytes) : host.readFile(path),
      },
    });
    const ask = async (command: string, given: unknown): Promise<unknown> => {
      const response = await answered(client, command, given);
      checkResponse(response, given);
      return response.success ? response.body : undefined;
    };
    await ask('initialize', { adapterID: 'trapline' });
    const launch = await answered(client, 'launch', {
      program: '/damaged.elf',
      pace: 'none',
      memory: bytes.length % 2 === 0 ? '2M' : undefined,
    });
    checkResponse(launch, undefined);
    if (launch.success) {
      await ask('setFunctionBreakpoints', { breakpoints: [{ name: 'main' }, { name: 'report' }] });
      await ask('setBreakpoints', {
        source: { path: '/samples/hello/main.c' },
        breakpoints: [{ line: 30 }],
      });
      await ask('configurationDone', {});
      await ask('loadedSources', {});
      // The guest may have stopped, ended, or be running wherever its damaged code leads.
      await new Promise((resolve) => setTimeout(resolve, 2));
      await ask('pause', { threadId: 1 });
      await new Promise((resolve) => setTimeout(resolve, 2));
      await inspect(ask);
    } else {
      const { error } = launch.body as { error: DebugProtocol.Message };
      assert.ok(error.id < 2100, launch.message);
      assert.match(launch.message ?? '', /\/damaged\.elf|"memory"/);
      // What is wrong inside the file is named by its place there.
      if (error.id === 2007) assert.match(launch.message ?? '', /0x[0-9a-f]+/);
    }
    await ask('disconnect', {});
    assert.deepEqual(client.logged, []);
    outcomes[launch.success ? 'launched' : 'refused']++;
  }

  async function inspect(
    ask: (command: string, given: unknown) => Promise<unknown>,
  ): Promise<void> {
    const stack = (await ask('stackTrace', { threadId: 1 })) as
      DebugProtocol.StackTraceResponse['body'] | undefined;
    for (const { id, instructionPointerReference } of stack?.stackFrames.slice(0, 3) ?? []) {
      const found = (await ask('scopes', { frameId: id })) as
        DebugProtocol.ScopesResponse['body'] | undefined;
      for (const { variablesReference, name } of found?.scopes ?? []) {
        if (!['Locals', 'Arguments', 'Globals'].includes(name)) continue;
        await ask('variables', { variablesReference });
      }
      await ask('disassemble', {
        memoryReference: instructionPointerReference,
        instructionOffset: -8,
        instructionCount: 16,
      });
    }
    for (const command of ['next', 'stepIn']) {
      await ask(command, { threadId: 1 });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  it('that was cut anywhere is launched or refused by name and offset', async function () {
    this.timeout(600_000);
    await fc.assert(
      fc.asyncProperty(source, fraction, (file, part) => {
        const bytes = copyOf(file);
        return survives(bytes.slice(0, Math.floor(bytes.length * part)));
      }),
      { numRuns: Math.ceil(RUNS / 3) },
    );
  });

  it('in which bytes changed is launched or refused', async function () {
    this.timeout(600_000);
    const change = fc.tuple(fraction, fc.integer({ min: 0, max: 255 }));
    const changes = fc.array(change, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(source, changes, fc.boolean(), (file, list, inHeaders) => {
        const copy = copyOf(file);
        // ELF and program headers, or anything.
        const length = inHeaders ? 0x40 + 3 * 0x38 : copy.length;
        for (const [part, value] of list) copy[Math.floor(length * part)] = value;
        return survives(copy);
      }),
      { numRuns: RUNS },
    );
  });

  it('in which the section headers changed is launched or refused', async function () {
    this.timeout(600_000);
    const change = fc.tuple(fc.nat({ max: 63 }), fc.nat({ max: 255 }), fc.nat({ max: 19 }));
    await fc.assert(
      fc.asyncProperty(source, fc.array(change, { minLength: 1, maxLength: 4 }), (file, list) => {
        const copy = copyOf(file);
        const headers = Number(new DataView(copy.buffer).getBigUint64(0x28, true));
        for (const [offset, value, section] of list) copy[headers + section * 64 + offset] = value;
        return survives(copy);
      }),
      { numRuns: Math.ceil(RUNS / 3) },
    );
  });
});

describe('A wrong launch argument', () => {
  /** null stands for "not given", except for what has to be given. */
  const wrong: Readonly<Record<LaunchArgumentName, readonly unknown[]>> = {
    program: [null, 0, true, [], {}, ''],
    args: ['text', 1, {}, [1], [null], [['x']]],
    el: [0, 3, 1.5, '1', true, [], {}],
    cpus: [0, 9, -1, 1.5, 'two', [], {}],
    initrd: ['', 1, [], {}, '/nowhere/initrd'],
    append: ['', 1, [], {}],
    symbols: ['', 1, [], {}, '/nowhere/vmlinux'],
    disks: [
      ...[1, '', true, {}, [1], [''], [{}], [{ path: 1 }], [{ path: '/nowhere/disk' }], ['/']],
      ...[[{ path: 'a', writable: 1 }], [{ path: 'a', readOnly: 'x' }], [{ path: 'a', id: 1 }]],
      ...[[{ path: 'a', id: 'ä' }], [{ path: 'a', format: 'qcow2' }], Array(31).fill('a')],
      [{ path: 'a', writable: true, readOnly: true }],
    ],
    virtio: [1, '', 'old', [], {}],
    entropySeed: [-1, 1.5, '', 'x', '0x', '0x10000000000000000', [], {}],
    rtc: [-1, 1.5, '', 'today', '2026-13-01', '2026-02-01T25:00', '2200-01-01', 2 ** 32, [], {}],
    semihosting: [1, '', true, [], { root: 1 }, { root: '' }, { file: 'a' }, { root: '/nowhere' }],
    consoleDevice: [1, '', 'ttyS0', [], {}],
    console: [1, '', 'integratedTerminal', [], {}],
    gic: [0, 1, 4, '3', true, [], {}],
    cpu: ['', 'z80', 72, [], {}],
    idRegisters: [
      0,
      [],
      { ID_AA64PFR0_EL1: {} },
      { ID_AA64DFR0_EL1: 3 },
      { ID_AA64DFR0_EL1: { BRPs: 16 } },
      { ID_AA64DFR0_EL1: { BRPs: '3' } },
    ],
    hostProfile: [0, '', '6-2-5', 'constructor', [], {}],
    policy: [1, '', 'NONE', '__proto__', [], {}],
    fpPolicy: [1, '', 'FP_NONE', '__proto__', [], {}],
    traceScheme: [1, '', 'NONE', 'constructor', [], {}],
    hostActivity: [
      ...[1, '', true, {}, [1], ['fpTask'], [{}], [{ do: 'sleep', tick: 1 }]],
      ...[[{ do: 'fpTask' }], [{ do: 'fpTask', tick: 0 }], [{ do: 'fpTask', tick: 1, every: 0.5 }]],
    ],
    spe: [true, 1, '', 'on', [], {}, { irq: 15 }, { irq: 32 }, { irq: '21' }],
    memory: [-1, 0, 1.5, 1e300, '', 'M', '-1M', '1.5G', '4G', '999999G', [], {}],
    loadAddress: [-1, 1.5, 1e300, '', '0x', '0xzz', '-0x10', '4 0', `0x1${'0'.repeat(16)}`, [], {}],
    stage2: [0, 1, 'true', '', [], {}],
    stopOnEntry: [0, 1, 'true', '', [], {}],
    sourceMap: [1, 'text', true, ['x'], { a: 1 }, { a: {} }],
    pace: [0, '', 'fast', 'toString', [], {}],
    breakpointMode: [0, '', 'HW', 'gdb', [], {}],
  };

  for (const name of LAUNCH_ARGUMENT_NAMES) {
    it(`${name}: each wrong value is refused by name`, async () => {
      const client = new DapClient();
      await client.send('initialize', { adapterID: 'trapline' });
      for (const value of wrong[name]) {
        const given = { program: sampleProgram('hello'), [name]: value };
        const response = await answered(client, 'launch', given);
        assert.equal(response.success, false, JSON.stringify(value));
        checkResponse(response, given);
        assert.match(response.message ?? '', new RegExp(`"${name}`), JSON.stringify(value));
      }
      // None of that has left anything behind.
      await client.send('launch', { program: sampleProgram('hello'), pace: 'none' });
      await client.disconnect();
      assert.deepEqual(client.logged, []);
    });
  }

  it('of any JSON is refused by a sentence, or has no effect', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...LAUNCH_ARGUMENT_NAMES), fc.jsonValue()),
        async (given) => {
          const client = new DapClient();
          await client.send('initialize', { adapterID: 'trapline' });
          const response = await answered(client, 'launch', given);
          assert.equal(response.success, false);
          checkResponse(response, given);
          await client.disconnect();
          assert.deepEqual(client.logged, []);
        },
      ),
      { numRuns: 100 },
    );
  });
});

/** Requests of DAP 1.68 that this adapter does not claim, and names that nobody knows. */
const FOREIGN = [
  ...['reverseContinue', 'stepBack', 'restartFrame', 'terminateThreads', 'stepInTargets'],
  ...['locations', 'runInTerminal', 'startDebugging', 'constructor', '__proto__', '', 'trapline/'],
];

describe('Every request', () => {
  const inspections = [...KNOWN_REQUESTS, ...FOREIGN].filter(
    (command) => !['initialize', 'disconnect', 'terminate', 'restart', 'launch'].includes(command),
  );

  /** Arguments of the right shape for most requests, so that the moment is what is wrong. */
  const plausible = {
    threadId: 1,
    frameId: 1000,
    variablesReference: 1000,
    source: { path: '/samples/hello/main.c' },
    line: 30,
    column: 1,
    text: 'x',
    name: 'x',
    value: '1',
    expression: '1 + 1',
    memoryReference: '0x40080000',
    count: 4,
    data: 'AAAA',
    instructionCount: 4,
    targetId: 1,
    sourceReference: 1,
    breakpoints: [],
    filters: [],
    policy: 'EAGER',
    accessType: 'write',
    address: '0x40080000',
    length: 4,
    id: 1,
  };

  async function askEverything(client: DapClient, given: unknown): Promise<Map<string, boolean>> {
    const succeeded = new Map<string, boolean>();
    for (const command of inspections) {
      const response = await answered(client, command, given);
      checkResponse(response, given);
      succeeded.set(command, response.success);
    }
    return succeeded;
  }

  it('before initialize and before launch is refused', async () => {
    const client = new DapClient();
    for (let i = 0; i < 2; i++) {
      const succeeded = await askEverything(client, plausible);
      const good = [...succeeded].filter(([, success]) => success).map(([command]) => command);
      assert.deepEqual(good, ['cancel']);
      if (i === 0) await client.send('initialize', { adapterID: 'trapline' });
    }
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  it('while the guest runs is answered, and does not stop it', async () => {
    const client = new DapClient();
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    // "b ." in place of the next instruction.
    const { instructionPointerReference: memoryReference } = await client.topFrame();
    await client.send('writeMemory', { memoryReference, data: 'AAAAFA==' });
    await client.send('continue', { threadId: 1 });
    for (const command of inspections) {
      if (command === 'pause') continue;
      checkResponse(await answered(client, command, plausible), plausible);
    }
    const stop = await client.resume('pause');
    assert.equal(stop.reason, 'pause');
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  it('after terminate is refused or answered', async () => {
    const client = new DapClient();
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    await client.send('terminate');
    await client.event('terminated');
    const succeeded = await askEverything(client, plausible);
    for (const command of ['continue', 'next', 'stepIn', 'stepOut', 'pause', 'stackTrace']) {
      assert.equal(succeeded.get(command), false, command);
    }
    checkResponse(await answered(client, 'terminate', {}), {});
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  it('with arguments that make no sense is answered, and the session goes on', async function () {
    this.timeout(60_000);
    const client = new DapClient();
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    const calm = inspections.filter(
      (command) =>
        ![
          ...['continue', 'next', 'stepIn', 'stepOut', 'goto', 'writeMemory', 'setVariable'],
          // These two make machines, which takes its time.
          ...['trapline/comparePolicies', 'trapline/migrate'],
        ].includes(command),
    );
    const odd = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        -1,
        0,
        1,
        2 ** 53,
        1e300,
        '',
        '0x',
        '\u0000',
        '$',
        '*0',
        '((((',
        [],
        {},
      ),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const fields = fc.dictionary(fc.constantFrom(...Object.keys(plausible)), odd, { maxKeys: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...calm),
        fields,
        fc.boolean(),
        async (command, some, whole) => {
          const given = whole ? { ...plausible, ...some } : some;
          checkResponse(await answered(client, command, given), given);
        },
      ),
      { numRuns: Number(process.env['FUZZ_REQUESTS'] ?? 1500) },
    );
    for (const given of [null, 1, 'text', true, [], [1]]) {
      for (const command of inspections) {
        const response = await answered(client, command, given);
        checkResponse(response, given);
        // Requests without arguments of their own take nothing as nothing.
        if (given !== null) assert.equal(response.success, false, `${command} ${String(given)}`);
      }
    }
    assert.ok((await client.stack()).length > 0);
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });
});
