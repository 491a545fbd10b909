/** Runs batches on QEMU: the guest's RAM is a file that both sides write and read. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Batch } from './batch.ts';
import * as L from './layout.ts';

const HARNESS = fileURLToPath(new URL('harness/harness.elf', import.meta.url));
const START_LIMIT_MS = 20_000;
const BATCH_LIMIT_MS = 60_000;

export class QemuOracle {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #file: number;
  readonly #word = new BigUint64Array(1);
  #stderr = '';

  private constructor(qemu: string) {
    // The file is memory: where the system has one, it goes to a file system without a disk.
    this.#folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'oracle-'));
    const path = join(this.#folder, 'ram');
    this.#file = openSync(path, 'w+');
    ftruncateSync(this.#file, L.RAM_BYTES);
    const commandArguments = [
      ...['-M', 'virt,gic-version=3,memory-backend=ram', '-cpu', 'cortex-a72'],
      ...['-m', `${L.RAM_BYTES / 1024 / 1024}M`],
      ...['-object', `memory-backend-file,id=ram,size=${L.RAM_BYTES},mem-path=${path},share=on`],
      ...['-display', 'none', '-serial', 'none', '-monitor', 'none', '-nodefaults'],
      ...['-accel', 'tcg,thread=single', '-kernel', HARNESS],
    ];
    this.#process = spawn(qemu, commandArguments, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr?.on('data', (text: Buffer) => (this.#stderr += text.toString()));
    process.once('exit', this.#kill);
    this.#process.on('error', ({ message }) => (this.#stderr += message));
  }

  /** Starts QEMU and waits until the harness polls for work. */
  static async start(qemu = 'qemu-system-aarch64'): Promise<QemuOracle> {
    const oracle = new QemuOracle(qemu);
    try {
      await oracle.#waitFor(
        () => oracle.#read(L.CONTROL + L.CONTROL_READY) === BigInt(L.READY),
        START_LIMIT_MS,
        'the harness to start',
      );
      // Both sides have it open; without a name it ends with them, however they end.
      rmSync(oracle.#folder, { recursive: true });
    } catch (error) {
      oracle.close();
      throw error;
    }
    return oracle;
  }

  #at(address: number): number {
    return address - L.RAM_BASE;
  }
  #read(address: number): bigint {
    readSync(this.#file, this.#word, 0, 8, this.#at(address));
    return this.#word[0] ?? 0n;
  }
  #write(address: number, value: number): void {
    this.#word[0] = BigInt(value);
    writeSync(this.#file, this.#word, 0, 8, this.#at(address));
  }

  async #waitFor(condition: () => boolean, limit: number, what: string): Promise<void> {
    const end = performance.now() + limit;
    for (let pause = 1; !condition(); pause = Math.min(2 * pause, 16)) {
      if (this.#process.exitCode !== null || performance.now() > end) {
        throw new Error(`QEMU: waited in vain for ${what}. ${this.#stderr}`);
      }
      await sleep(pause);
    }
  }

  /**
   * Starts the cases `first` to `first + count - 1` of a batch and returns at once; what it gives
   * resolves to their output records.
   */
  run(batch: Batch, first: number, count: number): () => Promise<Uint8Array> {
    writeSync(this.#file, batch.code, 0, L.CODE_BYTES, this.#at(L.STAGED_CODE));
    writeSync(
      this.#file,
      batch.inputs,
      first * L.RECORD_BYTES,
      count * L.RECORD_BYTES,
      this.#at(L.INPUTS),
    );
    const done = this.#read(L.CONTROL + L.CONTROL_DONE);
    this.#write(L.CONTROL + L.CONTROL_COUNT, count);
    this.#write(L.CONTROL + L.CONTROL_COMMAND, 1);
    return async () => {
      await this.#waitFor(
        () => this.#read(L.CONTROL + L.CONTROL_DONE) !== done,
        BATCH_LIMIT_MS,
        `${count} cases; one of them may not end`,
      );
      const outputs = new Uint8Array(count * L.RECORD_BYTES);
      readSync(this.#file, outputs, 0, outputs.length, this.#at(L.OUTPUTS));
      return outputs;
    };
  }

  /** The sandbox as the last case of the last run left it. */
  sandbox(): Uint8Array {
    const bytes = new Uint8Array(L.SANDBOX_BYTES);
    readSync(this.#file, bytes, 0, bytes.length, this.#at(L.SANDBOX));
    return bytes;
  }

  readonly #kill = (): void => {
    this.#process.kill('SIGKILL');
  };

  close(): void {
    process.off('exit', this.#kill);
    this.#kill();
    closeSync(this.#file);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
