import assert from 'node:assert/strict';
import { Semihosting } from '../../../../emulator/board/semihosting.ts';
import type { SemihostingHost, SemihostingResult } from '../../../../emulator/board/semihosting.ts';

const BLOCK = 0x100n;
const TEXT = 0x200n;

class TestHost implements SemihostingHost {
  readonly memory = new Uint8Array(0x1000);
  readonly output: number[] = [];
  input: number[] = [];
  readonly errors: string[] = [];
  readonly ticks = 2_500_000_000n;
  readonly ticksPerSecond = 1_000_000_000n;
  readonly startTime = 1_700_000_000n;
  readonly commandLine = 'a b';
  readonly heap = { base: 0x4100_0000n, limit: 0x4800_0000n };

  readMemory(address: bigint, length: number): Uint8Array | undefined {
    const start = Number(address);
    return start + length > this.memory.length
      ? undefined
      : this.memory.slice(start, start + length);
  }
  writeMemory(address: bigint, bytes: Uint8Array): boolean {
    if (Number(address) + bytes.length > this.memory.length) return false;
    this.memory.set(bytes, Number(address));
    return true;
  }
  writeConsole(bytes: Uint8Array): void {
    this.output.push(...bytes);
  }
  readConsole(limit: number): Uint8Array {
    return Uint8Array.from(this.input.splice(0, limit));
  }
  guestError(message: string): void {
    this.errors.push(message);
  }

  block(...words: bigint[]): void {
    const view = new DataView(this.memory.buffer);
    words.forEach((word, index) => {
      view.setBigUint64(Number(BLOCK) + 8 * index, word, true);
    });
  }
  word(address: bigint): bigint {
    return new DataView(this.memory.buffer).getBigUint64(Number(address), true);
  }
  text(text: string): void {
    this.memory.set(new TextEncoder().encode(text), Number(TEXT));
  }
  get printed(): string {
    return String.fromCharCode(...this.output);
  }
}

const returned = (result: SemihostingResult): bigint | string =>
  result.kind === 'return' ? result.value : result.kind;

describe('semihosting', () => {
  let host: TestHost;
  let semihosting: Semihosting;
  const call = (operation: number, X1 = BLOCK): SemihostingResult =>
    semihosting.call(operation, X1, host);
  beforeEach(() => {
    host = new TestHost();
    semihosting = new Semihosting();
  });

  it('writes characters, strings and buffers to the console', () => {
    host.text('Hello\0');
    call(0x03, TEXT);
    call(0x04, TEXT);
    host.block(2n, TEXT, 3n);
    assert.equal(returned(call(0x05)), 0n);
    assert.equal(host.printed, 'HHelloHel');
  });

  it('exits with the status of ADP_Stopped_ApplicationExit, else with 1', () => {
    host.block(0x20026n, 42n);
    assert.deepEqual(call(0x18), { kind: 'exit', status: 42 });
    assert.deepEqual(call(0x20), { kind: 'exit', status: 42 });
    host.block(0x20024n, 0n);
    assert.deepEqual(call(0x18), { kind: 'exit', status: 1 });
    host.block(0x20026n, 0xffff_ffff_ffff_ffffn);
    assert.deepEqual(call(0x18), { kind: 'exit', status: -1 });
  });

  it('opens only the console, by the name :tt and the mode', () => {
    host.text(':tt');
    const handles = [0n, 4n, 8n].map((mode) => {
      host.block(TEXT, mode, 3n);
      return returned(call(0x01));
    });
    assert.deepEqual(handles, [1n, 2n, 3n]);
    host.text('file');
    host.block(TEXT, 0n, 4n);
    assert.equal(returned(call(0x01)), -1n);
    assert.equal(returned(call(0x13)), 2n);
    host.block(1n);
    assert.equal(returned(call(0x09)), 1n);
    assert.equal(returned(call(0x02)), 0n);
    host.block(7n);
    assert.equal(returned(call(0x02)), -1n);
  });

  it('reads what was typed and waits for it', () => {
    assert.equal(returned(call(0x07)), 'waitForInput');
    host.input = [0x61, 0x62, 0x63];
    assert.equal(returned(call(0x07)), 0x61n);
    host.block(1n, 0x300n, 8n);
    assert.equal(returned(call(0x06)), 6n);
    assert.deepEqual([...host.memory.slice(0x300, 0x302)], [0x62, 0x63]);
    assert.equal(returned(call(0x06)), 'waitForInput');
  });

  it('tells virtual time', () => {
    assert.equal(returned(call(0x10)), 250n);
    assert.equal(returned(call(0x11)), 1_700_000_002n);
    assert.equal(returned(call(0x31)), 1_000_000_000n);
    assert.equal(returned(call(0x30)), 0n);
    assert.equal(host.word(BLOCK), 2_500_000_000n);
  });

  it('gives the command line and the heap', () => {
    host.block(0x300n, 16n);
    assert.equal(returned(call(0x15)), 0n);
    assert.equal(String.fromCharCode(...host.memory.slice(0x300, 0x304)), 'a b\0');
    assert.equal(host.word(BLOCK + 8n), 3n);
    host.block(0x300n);
    call(0x16);
    assert.equal(host.word(0x300n), 0x4100_0000n);
    assert.equal(host.word(0x310n), 0x4800_0000n);
  });

  it('tells its features by a file of its own', () => {
    host.text(':semihosting-features');
    host.block(TEXT, 0n, 21n);
    const handle = returned(call(0x01)) as bigint;
    host.block(handle, 0x300n, 8n);
    assert.equal(returned(call(0x06)), 3n);
    assert.deepEqual([...host.memory.slice(0x300, 0x305)], [0x53, 0x48, 0x46, 0x42, 3]);
  });

  it('has no more than 64 open files', () => {
    host.text(':semihosting-features');
    host.block(TEXT, 0n, 21n);
    const handles = Array.from({ length: 65 }, () => returned(call(0x01)));
    assert.equal(new Set(handles.slice(0, 64)).size, 64);
    assert.equal(handles[64], -1n);
    assert.equal(returned(call(0x13)), 24n, 'EMFILE');
    semihosting.reset();
    assert.notEqual(returned(call(0x01)), -1n);
  });

  it('goes on with its files after a restore', () => {
    const content = Uint8Array.from([10, 11, 12, 13]);
    let opened = 0;
    semihosting = new Semihosting({
      open: () => {
        opened += 1;
        return {
          size: () => content.length,
          read: (offset, length) => content.slice(offset, offset + length),
          write: () => false,
          close: () => (opened -= 1),
        };
      },
      remove: () => 0,
      rename: () => 0,
    });
    host.text('file');
    host.block(TEXT, 0n, 4n);
    const handle = returned(call(0x01)) as bigint;
    host.block(handle, 0x300n, 2n);
    call(0x06);
    const saved = semihosting.saveState();
    call(0x06);
    assert.deepEqual([...host.memory.slice(0x300, 0x302)], [12, 13]);
    semihosting.restoreState(saved);
    host.memory.fill(0, 0x300, 0x302);
    call(0x06);
    assert.deepEqual([...host.memory.slice(0x300, 0x302)], [12, 13]);
    assert.equal(opened, 1);
  });

  it('fails the rest of the host, and tells about what it does not know', () => {
    for (const operation of [0x0d, 0x0e, 0x0f, 0x12]) assert.equal(returned(call(operation)), -1n);
    assert.deepEqual(host.errors, []);
    assert.equal(returned(call(0x99)), -1n);
    assert.match(host.errors.join(), /0x99/);
    assert.equal(returned(call(0x03, 0x5000n)), -1n);
  });
});
