/** A first walk through samples/hello, as its README describes it. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DapClient } from './support/client.ts';
import { expectedOutput, markerLine, samplePath, sampleProgram } from './support/samples.ts';
import { Transcript } from './support/transcript.ts';

const main = samplePath('hello', 'main.c');
const mix = samplePath('hello', 'mix.S');

describe('samples/hello', () => {
  let client: DapClient;

  beforeEach(() => {
    client = new DapClient({ workspaceFolders: [samplePath('hello')] });
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  it('stops in main, steps over, into and out, and shows variables', async () => {
    const transcript = new Transcript(client);
    transcript.act('launch');
    await client.start({ program: sampleProgram('hello') }, async () => {
      const { breakpoints } = await client.send<DebugProtocol.SetBreakpointsResponse['body']>(
        'setBreakpoints',
        {
          source: { path: main },
          breakpoints: ['#BP1', '#BP5', '#BP6'].map((marker) => ({
            line: markerLine(main, marker),
            ...(marker === '#BP5' && { condition: 'n == 1' }),
          })),
        },
      );
      transcript.breakpoints(breakpoints);
    });
    await transcript.stop(await client.stopped());
    await transcript.do('continue');
    transcript.variables('Locals', await client.unfold('Locals'));
    transcript.variables('station', await client.unfold('Locals', 'station'));
    transcript.variables(
      'readings[0]',
      await client.unfold('Locals', 'station', 'readings', '[0]'),
    );
    await transcript.do('stepIn');
    transcript.variables('Arguments', await client.unfold('Arguments'));
    await transcript.do('next');
    await transcript.do('next');
    await transcript.do('stepOut');
    await transcript.do('continue');
    transcript.variables('Arguments', await client.unfold('Arguments'));
    await transcript.do('stepOut');
    await transcript.do('continue');
    transcript.variables('Locals', await client.unfold('Locals'));
    transcript.act('continue');
    await client.send('continue', { threadId: 1 });
    const exited = await client.event<DebugProtocol.ExitedEvent['body']>('exited');
    await client.event('terminated');
    transcript.printed();
    transcript.say(`exit status ${exited.exitCode}`);
    transcript.compareWith('hello');
    assert.equal(client.output, expectedOutput('hello'));
  });

  it('stops at an assembly function, steps it by instruction and decodes registers', async () => {
    const transcript = new Transcript(client);
    await client.start({ program: sampleProgram('hello'), stopOnEntry: false }, async () => {
      const { breakpoints } = await client.send<DebugProtocol.SetBreakpointsResponse['body']>(
        'setFunctionBreakpoints',
        { breakpoints: [{ name: 'mix' }, { name: 'nonesuch' }] },
      );
      transcript.breakpoints(breakpoints);
    });
    await transcript.stop(await client.stopped());
    await transcript.do('next', { granularity: 'instruction' });
    await transcript.do('next', { granularity: 'line' });
    const frame = await client.topFrame();
    assert.equal(frame.line, markerLine(mix, '#BP4'));
    const { instructions } = await client.send<DebugProtocol.DisassembleResponse['body'] & object>(
      'disassemble',
      {
        memoryReference: frame.instructionPointerReference,
        instructionOffset: -2,
        instructionCount: 5,
      },
    );
    transcript.act('disassemble');
    for (const { address, instruction, line } of instructions) {
      transcript.say(`${address} ${instruction}${line === undefined ? '' : `  ${line}`}`);
    }
    transcript.variables('PSTATE', await client.unfold('Registers', 'PSTATE'));
    transcript.compareWith('hello-assembly');
  });

  it('prints from logpoints, counts hits, and stops where the condition holds', async () => {
    await client.start({ program: sampleProgram('hello'), stopOnEntry: false }, async () => {
      await client.send('setBreakpoints', {
        source: { path: main },
        breakpoints: [
          { line: markerLine(main, '#LOOP'), logMessage: 'i is {i}, {{braces}}, {squares[0] + 1}' },
          { line: markerLine(main, '#BP5'), hitCondition: '>=4', condition: 'n < 4' },
          { line: markerLine(main, '#BP6') },
        ],
      });
    });
    // factorial(5) meets n = 3, 2, 1: three hits, and the fourth never comes.
    await client.stopped();
    assert.equal((await client.topFrame()).line, markerLine(main, '#BP6'));
    const lines = [0, 1, 2, 3, 4].map((i) => `i is ${i}, {braces}, 1\n`).join('');
    assert.equal(client.textOf('console'), lines);
  });

  it('changes variables, registers and fields, and writes memory', async () => {
    await client.start({ program: sampleProgram('hello'), stopOnEntry: false }, async () => {
      await client.send('setBreakpoints', {
        source: { path: main },
        breakpoints: [{ line: markerLine(main, '#BP6') }],
      });
    });
    await client.stopped();
    const scopes = await client.scopes();
    const changed = await client.send<DebugProtocol.SetVariableResponse['body']>('setVariable', {
      variablesReference: scopes.get('Globals'),
      name: 'greetings',
      value: '41 + 1',
    });
    assert.equal(changed.value, '42');
    assert.equal(await client.evaluate('greetings'), '42');

    await client.send('setExpression', { expression: '$MDSCR_EL1.MDE', value: '1' });
    assert.equal(await client.evaluate('$MDSCR_EL1'), '0x0000000000008000 MDE');
    const MDSCR_EL1 = await client.unfold('System registers', 'Debug', 'MDSCR_EL1');
    assert.equal(MDSCR_EL1.find(({ name }) => name === 'MDE')?.value, '1 (on)');

    const info = await client.send<DebugProtocol.EvaluateResponse['body']>('evaluate', {
      expression: '&fingerprint',
      context: 'watch',
    });
    await client.send('readMemory', { memoryReference: info.memoryReference, count: 4 });
    const written = await client.send<DebugProtocol.WriteMemoryResponse['body']>('writeMemory', {
      memoryReference: info.memoryReference,
      data: Buffer.from([0x78, 0x56, 0x34, 0x12]).toString('base64'),
    });
    assert.equal(written?.bytesWritten, 4);
    assert.equal(await client.evaluate('fingerprint,x'), '0x12345678');
    const memory = await client.event<DebugProtocol.MemoryEvent['body']>('memory');
    assert.deepEqual(memory, { memoryReference: info.memoryReference, offset: 0, count: 4 });
    await client.event('invalidated');

    await client.send('continue', { threadId: 1 });
    await client.event('terminated');
    assert.match(client.output, /Fingerprint 0x12345678 after 42 greeting/);
  });

  it('starts again where the user asks for it, with breakpoints and counts as new', async () => {
    await client.start({ program: sampleProgram('hello') }, async () => {
      await client.send('setBreakpoints', {
        source: { path: main },
        breakpoints: [{ line: markerLine(main, '#BP2') }],
      });
    });
    await client.stopped();
    const first = await client.resume('continue');
    await client.send('restart', {});
    assert.equal((await client.stopped()).reason, 'entry');
    assert.equal((await client.topFrame()).name, 'main');
    assert.deepEqual(await client.resume('continue'), first);
    assert.equal((await client.topFrame()).line, markerLine(main, '#BP2'));
  });

  it('moves the program counter to another line', async () => {
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    const line = markerLine(main, '#BP6');
    const { targets } = await client.send<DebugProtocol.GotoTargetsResponse['body']>(
      'gotoTargets',
      {
        source: { path: main },
        line,
      },
    );
    const stop = await client.resume('goto', { targetId: targets[0]?.id });
    assert.equal(stop.reason, 'goto');
    assert.equal((await client.topFrame()).line, line);
  });

  it('completes names, members, registers and fields', async () => {
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    const { id } = await client.topFrame();
    const complete = async (text: string): Promise<string[]> => {
      const { targets } = await client.send<DebugProtocol.CompletionsResponse['body']>(
        'completions',
        {
          text,
          column: text.length + 1,
          frameId: id,
        },
      );
      return targets.map(({ label }) => label);
    };
    assert.ok((await complete('gre')).includes('greeting'));
    assert.deepEqual(await complete('station.al'), ['altitude']);
    assert.ok((await complete('$x1')).includes('$x12'));
    assert.deepEqual(await complete('$MDSCR_EL1.MD'), ['MDE']);
    assert.deepEqual(await complete('no such thing.'), []);
  });

  it('the first function has no caller, and says so', async () => {
    await client.start({ program: sampleProgram('hello'), stopOnEntry: false }, async () => {
      await client.send('setFunctionBreakpoints', { breakpoints: [{ name: '_start' }] });
    });
    await client.stopped();
    assert.deepEqual(
      (await client.stack()).map(({ name }) => name),
      ['_start'],
    );
    await assert.rejects(client.send('stepOut', { threadId: 1 }), /has no caller to return to/);
  });
});
