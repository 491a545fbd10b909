/** The same adapter as a TCP server, over standard input and output, and in a worker thread. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { build } from 'esbuild';
import { serveTcp } from '../../debug-adapter/hosts/tcp.ts';
import { checkingFactory } from '../support/checking-factory.ts';
import { expectedOutput, markerLine, samplePath, sampleProgram } from './support/samples.ts';

const program = path.resolve(import.meta.dirname, '../../debug-adapter/hosts/program.ts');
const main = samplePath('hello', 'main.c');
const folder = mkdtempSync(path.join(tmpdir(), 'trapline-'));
/** The program as it is shipped: processes and workers do not run TypeScript. */
const bundle = path.join(folder, 'debug-adapter.cjs');

describe('The adapter', () => {
  before(async () => {
    await build({
      entryPoints: [program],
      outfile: bundle,
      bundle: true,
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      keepNames: true,
      logLevel: 'error',
    });
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  describe('over TCP', () => {
    let server: Server;
    let client: DebugClient;

    beforeEach(async () => {
      server = serveTcp(checkingFactory, 0);
      await once(server, 'listening');
      client = new DebugClient('node', program, 'trapline');
      await client.start((server.address() as AddressInfo).port);
    });
    afterEach(async () => {
      await client.stop();
      server.close();
    });

    it('listens on the loopback interface only', () => {
      assert.equal((server.address() as AddressInfo).address, '127.0.0.1');
    });

    it('hits a breakpoint with its condition, and ends with the guest', async () => {
      const line = markerLine(main, '#BP5');
      let output = '';
      client.on('output', ({ body }: DebugProtocol.OutputEvent) => {
        if (body.category === 'stdout') output += body.output;
      });
      await client.hitBreakpoint(
        { program: sampleProgram('hello'), stopOnEntry: false, pace: 'none' },
        { path: main, line },
        { path: main, line },
      );
      const { body } = await client.stackTraceRequest({ threadId: 1 });
      assert.equal(body.stackFrames[0]?.name, 'factorial');
      await client.setBreakpointsRequest({ source: { path: main }, breakpoints: [] });
      await Promise.all([
        client.waitForEvent('terminated'),
        client.continueRequest({ threadId: 1 }),
      ]);
      assert.equal(output, expectedOutput('hello'));
    });

    it('serves two sessions at once', async () => {
      const other = new DebugClient('node', program, 'trapline');
      await other.start((server.address() as AddressInfo).port);
      const configuration = { program: sampleProgram('hello'), pace: 'none' };
      await Promise.all(
        [client, other].map((it) =>
          Promise.all([
            it.configurationSequence(),
            it.launch(configuration),
            it.waitForEvent('stopped'),
          ]),
        ),
      );
      await other.disconnectRequest();
      assert.equal((await client.threadsRequest()).body.threads.length, 1);
    });
  });

  describe('over standard input and output', () => {
    it('stops in main and exits with the client', async () => {
      const client = new DebugClient('node', bundle, 'trapline');
      await client.start();
      const [, , stopped] = await Promise.all([
        client.configurationSequence(),
        client.launch({ program: sampleProgram('hello'), pace: 'none' }),
        client.waitForEvent('stopped', 15_000),
      ]);
      assert.equal((stopped as DebugProtocol.StoppedEvent).body.reason, 'entry');
      await client.stop();
    }).timeout(30_000);
  });

  describe('in a worker thread', () => {
    it('takes messages as objects, and its thread ends with the session', async () => {
      const worker = new Worker(bundle, {
        workerData: { workspaceFolders: [samplePath('hello')] },
      });
      const messages: DebugProtocol.ProtocolMessage[] = [];
      const waiting: { name: string; resolve: () => void }[] = [];
      worker.on('message', (message: DebugProtocol.ProtocolMessage) => {
        messages.push(message);
        const { event } = message as DebugProtocol.Event;
        for (const waiter of waiting) if (waiter.name === event) waiter.resolve();
      });
      const event = (name: string): Promise<void> =>
        new Promise((resolve) => {
          waiting.push({ name, resolve });
        });
      let seq = 1;
      const send = (command: string, args: object = {}): void => {
        worker.postMessage({ seq: seq++, type: 'request', command, arguments: args });
      };
      const initialized = event('initialized');
      const stopped = event('stopped');
      send('initialize', { adapterID: 'trapline' });
      send('launch', { program: sampleProgram('hello'), pace: 'none' });
      await initialized;
      send('configurationDone');
      await stopped;
      send('disconnect');
      await once(worker, 'exit');
      const last = messages.at(-1) as DebugProtocol.Response;
      assert.equal(last.command, 'disconnect');
      assert.equal(last.success, true);
    }).timeout(30_000);
  });
});
