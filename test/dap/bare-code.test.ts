/** Raw images of a few instructions: states from which a debugger must still answer. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DapClient } from './support/client.ts';

const B_SELF = 0x14000000;
const WFI = 0xd503207f;
const NOP = 0xd503201f;
const UDF = 0x00000000;
const SVC_7 = 0xd40000e1;
/** adr x0, . */
const ADR_X0_SELF = 0x10000000;
/** msr VBAR_EL1, x0 */
const MSR_VBAR_EL1_X0 = 0xd518c000;
const ERET = 0xd69f03e0;

describe('A raw image', () => {
  let folder: string;
  let client: DapClient;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'trapline-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    client = new DapClient();
  });
  afterEach(async () => {
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  async function start(
    words: readonly number[],
    more: Record<string, unknown> = {},
  ): Promise<void> {
    const program = path.join(folder, 'image.bin');
    writeFileSync(program, Buffer.from(Uint32Array.from(words).buffer));
    await client.start({ program, loadAddress: '0x40080000', ...more });
  }

  async function pauses(): Promise<void> {
    const before = performance.now();
    const stop = await client.resume('pause');
    assert.equal(stop.reason, 'pause');
    assert.ok(performance.now() - before < 100);
  }

  it('has a caller whose return address is signed, without its pointer authentication code', async () => {
    await start([NOP, B_SELF, NOP]);
    await client.stopped();
    // A frame record: no caller of the caller, and 0x40080008 with a code in bits 63:56 and 54:48.
    const record = Buffer.alloc(16);
    record.writeBigUInt64LE(0x1423_0000_4008_0008n, 8);
    await client.send('writeMemory', {
      memoryReference: '0x41000000',
      data: record.toString('base64'),
    });
    await client.send('setExpression', { expression: '$X29', value: '0x41000000' });
    assert.deepEqual(
      (await client.stack()).map((frame) => frame.instructionPointerReference),
      ['0x0000000040080000', '0x0000000040080008'],
    );
  });

  it('stops at its first instruction, since it has no main', async () => {
    await start([NOP, B_SELF]);
    assert.equal((await client.stopped()).reason, 'entry');
    const frame = await client.topFrame();
    assert.equal(frame.instructionPointerReference, '0x0000000040080000');
    await client.resume('stepIn', { granularity: 'instruction' });
    assert.equal((await client.topFrame()).instructionPointerReference, '0x0000000040080004');
  });

  it('pauses in a tight loop within 100 ms', async () => {
    await start([B_SELF], { stopOnEntry: false });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await pauses();
  });

  it('pauses in an exception storm within 100 ms', async () => {
    const program = path.join(folder, 'storm.bin');
    writeFileSync(program, Buffer.from(Uint32Array.from([NOP, UDF]).buffer));
    await client.start({ program, loadAddress: '0x40080000', stopOnEntry: false }, async () => {
      await client.send('setExceptionBreakpoints', { filters: [] });
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await pauses();
    assert.equal((await client.topFrame()).instructionPointerReference, '0x0000000000000200');
  });

  it('refuses what needs a stopped guest while it runs, and pause while it does not', async () => {
    await start([B_SELF], { stopOnEntry: false });
    for (const command of ['stackTrace', 'scopes', 'next', 'continue', 'readMemory']) {
      const response = await client.request(command, {
        threadId: 1,
        frameId: 1,
        memoryReference: '0x40080000',
        count: 4,
      });
      assert.equal(response.success, false, command);
      assert.match(response.message ?? '', /needs a stopped guest, and it is running/);
    }
    await pauses();
    const response = await client.request('pause', { threadId: 1 });
    assert.match(response.message ?? '', /stopped already/);
  });

  it('reports WFI that nothing can end', async () => {
    await start([NOP, WFI, B_SELF], { stopOnEntry: false });
    const stop = await client.stopped();
    assert.equal(stop.reason, 'exception');
    const info = await client.send<DebugProtocol.ExceptionInfoResponse['body']>('exceptionInfo', {
      threadId: 1,
    });
    assert.match(info.description ?? '', /executed WFI at 0x40080004/);
  });

  it('stops at an exception without a handler and explains it', async () => {
    await start([NOP, UDF], { stopOnEntry: false });
    const stop = await client.stopped();
    assert.equal(stop.reason, 'exception');
    const info = await client.send<DebugProtocol.ExceptionInfoResponse['body']>('exceptionInfo', {
      threadId: 1,
    });
    assert.equal(info.exceptionId, 'Exception with no handler: UNDEFINED instruction');
    assert.match(
      info.description ?? '',
      /UNDEFINED instruction at 0x40080004, taken from EL1 to EL1/,
    );
    assert.match(info.description ?? '', /Set VBAR_EL1 to a vector table/);
    const stack = await client.stack();
    assert.deepEqual(
      stack.map(({ name }) => name),
      ['0x200', 'exception EL1←EL1 UNDEFINED instruction', '0x40080004'],
    );
  });

  it('stops at the vector of a selected exception only', async () => {
    // Vector table at 0x40080800: the entry for "current EL with SP_ELx, Synchronous" is at +0x200.
    const words = Array<number>((0x800 + 0x204) / 4).fill(NOP);
    words[0] = ADR_X0_SELF + ((0x800 >> 2) << 5);
    words[1] = MSR_VBAR_EL1_X0;
    words[2] = SVC_7;
    words[3] = SVC_7;
    words[4] = B_SELF;
    words[0xa00 / 4] = ERET;
    const program = path.join(folder, 'svc.bin');
    writeFileSync(program, Buffer.from(Uint32Array.from(words).buffer));
    await client.start({ program, loadAddress: '0x40080000', stopOnEntry: false }, async () => {
      const { breakpoints } = await client.send<{ breakpoints: DebugProtocol.Breakpoint[] }>(
        'setExceptionBreakpoints',
        {
          filters: ['noHandler'],
          filterOptions: [{ filterId: 'svc', condition: '$ELR_EL1 == 0x40080010' }],
        },
      );
      assert.ok(breakpoints.every(({ verified }) => verified));
    });
    await client.stopped();
    assert.equal(await client.evaluate('$ELR_EL1'), '0x0000000040080010');
    const names = (await client.stack()).map(({ name }) => name);
    assert.deepEqual(names, ['0x40080a00', 'exception EL1←EL1 SVC', '0x40080010']);
    await client.resume('stepOut');
    assert.equal((await client.topFrame()).instructionPointerReference, '0x0000000040080010');
  });

  it('next runs through the handler of an SVC, stepIn by instruction enters it', async () => {
    const words = Array<number>((0x800 + 0x204) / 4).fill(NOP);
    words[0] = ADR_X0_SELF + ((0x800 >> 2) << 5);
    words[1] = MSR_VBAR_EL1_X0;
    words[2] = SVC_7;
    words[3] = SVC_7;
    words[4] = B_SELF;
    words[0xa00 / 4] = ERET;
    await start(words);
    await client.stopped();
    for (let i = 0; i < 3; i++) await client.resume('next', { granularity: 'instruction' });
    assert.equal((await client.topFrame()).instructionPointerReference, '0x000000004008000c');
    await client.resume('stepIn', { granularity: 'instruction' });
    assert.equal((await client.topFrame()).instructionPointerReference, '0x0000000040080a00');
  });
});
