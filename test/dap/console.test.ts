/** The guest's serial console as a client of the protocol has it. */
import assert from 'node:assert/strict';
import type { TerminalOutputBody } from '../../debug-adapter/custom-requests.ts';
import { DapClient } from './support/client.ts';
import { sampleProgram } from './support/samples.ts';

describe('The serial console', () => {
  let client: DapClient;

  beforeEach(() => {
    client = new DapClient();
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  async function start(configuration: object, terminal = false): Promise<void> {
    await client.start(
      { program: sampleProgram('console'), stopOnEntry: false, ...configuration },
      async () => {
        if (terminal) await client.send('trapline/terminal', { exists: true });
      },
    );
  }

  /** Everything of one kind until it ends so. */
  async function until(kind: 'terminal' | 'stdout', end: string): Promise<string> {
    let text = '';
    while (!text.endsWith(end)) {
      if (kind === 'terminal') {
        text += (await client.event<TerminalOutputBody>('trapline/terminalOutput')).text;
      } else {
        const { output } = await client.event<{ category: string; output: string }>(
          'output',
          ({ category }) => category === 'stdout',
        );
        text += output;
      }
    }
    return text;
  }

  const type = (text: string): Promise<unknown> => client.send('trapline/consoleInput', { text });
  const printed = (): number =>
    client.events.filter(
      ({ event, body }) =>
        event === 'output' && (body as { category: string }).category === 'stdout',
    ).length;
  const PROMPT = '\x1b[1;36m> \x1b[0m';

  it('answers what is typed, in a terminal with its escape sequences, elsewhere without', async () => {
    await start({}, true);
    await until('terminal', PROMPT);
    await type('clear\r');
    assert.equal(await until('terminal', PROMPT), `clear\n\x1b[2J\x1b[H${PROMPT}`);
    await until('stdout', `clear\n${PROMPT}`);
    await type('exit 3\r');
    assert.deepEqual(await client.event('exited'), { exitCode: 3 });
  });

  it('is the terminal\'s alone with "console": "terminal", while there is one', async () => {
    await start({ console: 'terminal' }, true);
    await until('terminal', PROMPT);
    assert.equal(printed(), 0);
    await client.send('trapline/terminal', { exists: false });
    await type('echo hi\r');
    await until('stdout', `echo hi\nhi\n${PROMPT}`);
  });

  it('is in the Debug Console of a client that has no terminal', async () => {
    await start({ console: 'terminal' });
    await until('stdout', PROMPT);
    assert.ok(!client.events.some(({ event }) => event === 'trapline/terminalOutput'));
  });

  it('keeps what is typed while the guest is stopped', async () => {
    await start({}, true);
    await until('terminal', PROMPT);
    await client.resume('pause');
    await type('echo later\r');
    await client.send('continue', { threadId: 1 });
    await until('terminal', `echo later\nlater\n${PROMPT}`);
  });

  it('keeps its terminal over a restart', async () => {
    await start({}, true);
    await until('terminal', PROMPT);
    await client.send('restart');
    assert.equal(await until('terminal', PROMPT), `Hello. Type "help".\n${PROMPT}`);
  });

  it('takes a whole page at once, more than the UART holds', async () => {
    await start({}, true);
    await until('terminal', PROMPT);
    const line = 'x'.repeat(70);
    await type(`echo ${line}\r`.repeat(30));
    let seen = '';
    while (seen.split(`\n${line}\n`).length <= 30) seen += await until('terminal', PROMPT);
  });
});
