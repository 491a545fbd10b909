/** Launch configurations and requests that are wrong, or come at the wrong time. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DapClient, RequestError } from './support/client.ts';
import { sampleProgram } from './support/samples.ts';

describe('A launch that cannot work', () => {
  const hello = sampleProgram('hello');
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'trapline-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  async function refusal(configuration: Record<string, unknown>): Promise<RequestError> {
    const client = new DapClient();
    await client.send('initialize', { adapterID: 'trapline' });
    try {
      await client.send('launch', configuration);
    } catch (error) {
      assert.ok(error instanceof RequestError);
      assert.deepEqual(client.logged, []);
      return error;
    } finally {
      await client.disconnect();
    }
    throw new assert.AssertionError({ message: 'the launch succeeded' });
  }

  function file(name: string, bytes: Uint8Array): string {
    const result = path.join(folder, name);
    writeFileSync(result, bytes);
    return result;
  }

  const wrong: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{}, /has no "program"/],
    [{ program: 7 }, /"program" .* is 7; it has to be the path/],
    [{ program: hello, el: 3 }, /"el" .* is 3; it has to be 1/],
    [
      { program: hello, hostProfile: '7-7-7' },
      /"hostProfile" .* "7-7-7", which does not exist. Choose one of 6-2-4/,
    ],
    [
      { program: hello, policy: 'owner' },
      /"policy" .* Choose one of EAGER, LAZY_DIRTY, LAZY_MDSCR/,
    ],
    [{ program: hello, memory: '12 apples' }, /"memory" .* it has to be a size such as "128M"/],
    [{ program: hello, memory: 1000 }, /"memory" .* multiple of 4096/],
    [
      { program: hello, memory: '1K' },
      /"memory" .* multiple of 4096|"memory" .* between "1M" and "3G"/,
    ],
    [{ program: hello, stopOnEntry: 'yes' }, /"stopOnEntry" .* true or false/],
    [{ program: hello, sourceMap: [] }, /"sourceMap" .* has to be an object/],
    [{ program: hello, sourceMap: { '/a': 1 } }, /"sourceMap\["\/a"\]" .* path of a folder/],
    [{ program: hello, pace: 'fast' }, /"pace" .* Choose one of realtime, none/],
    [
      { program: hello, breakpointMode: 'gdb' },
      /"breakpointMode" .* Choose one of auto, hw, vm, sw/,
    ],
    [{ program: hello, args: 'x' }, /"args" .* list of strings/],
    [{ program: hello, loadAddress: '0x3' }, /"loadAddress" .* aligned to 4 bytes/],
    [{ program: '/nonexistent/guest.elf' }, /"\/nonexistent\/guest.elf" does not exist. Build it/],
  ];
  for (const [configuration, message] of wrong) {
    it(`${JSON.stringify({ ...configuration, ...(configuration['program'] === hello && { program: 'hello.elf' }) })} is refused by name`, async () => {
      const error = await refusal(configuration);
      assert.match(error.message, message);
      assert.equal(error.showUser, true);
    });
  }

  it('a folder, an empty file and a text file are told apart', async () => {
    assert.match((await refusal({ program: folder })).message, /cannot be read: it is a folder/);
    assert.match((await refusal({ program: file('empty', new Uint8Array()) })).message, /is empty/);
    const text = file('text', new TextEncoder().encode('#!/bin/sh\n'));
    assert.match((await refusal({ program: text })).message, /not an ELF file.*"loadAddress"/);
  });

  it('ELF files that are no guests say what they are', async () => {
    const elf = readFileSync(hello);
    const changed = (offset: number, value: number): string => {
      const copy = Buffer.from(elf);
      copy.writeUInt16LE(value, offset);
      return file('changed.elf', copy);
    };
    assert.match((await refusal({ program: changed(18, 62) })).message, /x86-64.*AArch64 compiler/);
    assert.match((await refusal({ program: changed(16, 1) })).message, /relocatable.*Link it/);
    assert.match((await refusal({ program: changed(16, 4) })).message, /core dump/);
    const truncated = file('truncated.elf', elf.subarray(0, 2000));
    assert.match((await refusal({ program: truncated })).message, /truncated\.elf: .*0x[0-9a-f]+/);
  });

  it('a segment on a device, and memory that ends too early', async () => {
    const image = file('image.bin', new Uint8Array(4096));
    const onDevice = await refusal({ program: image, loadAddress: '0x9000000' });
    assert.match(onDevice.message, /0x9000000-0x9000fff, where the machine has its UART/);
    const late = await refusal({ program: image, loadAddress: '0x40800000', memory: '4M' });
    assert.match(late.message, /"memory" .* is 4M, which ends before the program's segment/);
  });

  it('attach is answered with what to do instead', async () => {
    const client = new DapClient();
    await client.send('initialize', { adapterID: 'trapline' });
    await assert.rejects(client.send('attach', {}), /nothing to attach to/);
    await client.disconnect();
  });
});

describe('Requests at the wrong time or of the wrong shape', () => {
  it('before launch, twice, and after the end', async () => {
    const client = new DapClient();
    await assert.rejects(client.send('threads'), /came before the guest was launched/);
    await assert.rejects(client.send('launch', {}), /came before the guest was launched/);
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    await assert.rejects(client.send('initialize', {}), /a second time/);
    await assert.rejects(client.send('launch', {}), /a second time/);
    await assert.rejects(client.send('configurationDone'), /a second time/);
    await client.send('terminate');
    await client.event('terminated');
    await assert.rejects(client.send('stackTrace', { threadId: 1 }), /after the guest had ended/);
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });

  const shapes: readonly (readonly [string, unknown, RegExp])[] = [
    ['nonesuch', {}, /"nonesuch" is not known/],
    ['stackTrace', {}, /"threadId" must be an integer/],
    ['stackTrace', { threadId: 99 }, /no thread 99/],
    ['stackTrace', 'text', /"arguments" must be an object/],
    ['setBreakpoints', { source: 3 }, /"source" must be an object/],
    [
      'setBreakpoints',
      { source: {}, breakpoints: [{ line: 'x' }] },
      /"breakpoints\[0\]\.line" must be an integer/,
    ],
    ['variables', { variablesReference: 9999 }, /not valid any more/],
    ['scopes', { frameId: 9999 }, /not valid any more/],
    ['readMemory', { memoryReference: 'main', count: 4 }, /"main" is not a memory reference/],
    ['readMemory', { memoryReference: '0x0', count: -1 }, /"count" must be an integer from 0 up/],
    ['writeMemory', { memoryReference: '0x40080000', data: '?!' }, /"data" must be base 64/],
    ['writeMemory', { memoryReference: '0x10', data: 'AAAA' }, /Memory at 0x10 cannot be written/],
    ['evaluate', { expression: '' }, /nothing to evaluate/],
    ['evaluate', { expression: '1 +' }, /./],
    ['source', { sourceReference: 77 }, /source 77 is not known/],
    ['goto', { threadId: 1, targetId: 5 }, /not valid any more/],
    ['trapline/setWatchpoint', { accessType: 'write' }, /needs an "expression"/],
    ['trapline/removeWatchpoint', { id: 4 }, /no watchpoint 4/],
  ];
  it('each gets its own sentence, and the session goes on', async () => {
    const client = new DapClient();
    await client.start({ program: sampleProgram('hello') });
    await client.stopped();
    for (const [command, given, message] of shapes) {
      const response = await client.request(command, given);
      assert.equal(response.success, false, command);
      assert.match(response.message ?? '', message);
    }
    assert.equal((await client.topFrame()).name, 'main');
    await client.disconnect();
    assert.deepEqual(client.logged, []);
  });
});
