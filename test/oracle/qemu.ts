/** Runs a harness on QEMU: the guest's RAM is a file that both sides write and read. */
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
import * as L from './layout.ts';

export interface QemuOptions {
  /** An ELF file in `harness/`, without its extension. */
  readonly harness: 'harness' | 'translation' | 'accesses';
  /** A processor of `qemu-system-aarch64 -cpu help`. */
  readonly cpu: string;
  /** Where the harness starts. */
  readonly EL: 1 | 2;
}

export function harnessFile(name: QemuOptions['harness']): string {
  return fileURLToPath(new URL(`harness/${name}.elf`, import.meta.url));
}

const QEMU = 'qemu-system-aarch64';
const START_LIMIT_MS = 20_000;
const BATCH_LIMIT_MS = 60_000;

export class QemuHarness {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #file: number;
  readonly #cell = new BigUint64Array(1);
  #stderr = '';

  private constructor({ harness, cpu, EL }: QemuOptions) {
    // The file is memory: where the system has one, it goes to a file system without a disk.
    this.#folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'oracle-'));
    const path = join(this.#folder, 'ram');
    this.#file = openSync(path, 'w+');
    ftruncateSync(this.#file, L.RAM_BYTES);
    const commandArguments = [
      // Without a GICv3 there are no system registers of one.
      ...[
        '-M',
        `virt,gic-version=${harness === 'accesses' ? 2 : 3},memory-backend=ram,virtualization=${EL === 2 ? 'on' : 'off'}`,
      ],
      ...['-cpu', cpu],
      ...['-m', `${L.RAM_BYTES / 1024 / 1024}M`],
      ...['-object', `memory-backend-file,id=ram,size=${L.RAM_BYTES},mem-path=${path},share=on`],
      ...['-display', 'none', '-serial', 'none', '-monitor', 'none', '-nodefaults'],
      ...['-accel', 'tcg,thread=single', '-kernel', harnessFile(harness)],
    ];
    this.#process = spawn(QEMU, commandArguments, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr?.on('data', (text: Buffer) => (this.#stderr += text.toString()));
    process.once('exit', this.#kill);
    this.#process.on('error', ({ message }) => (this.#stderr += message));
  }

  /** Starts QEMU and waits until the harness polls for work. */
  static async start(options: QemuOptions): Promise<QemuHarness> {
    const harness = new QemuHarness(options);
    try {
      await harness.#waitFor(
        () => harness.#readCell(L.CONTROL + L.CONTROL_READY) === BigInt(L.READY),
        START_LIMIT_MS,
        'the harness to start',
      );
      // Both sides have it open; without a name it ends with them, however they end.
      rmSync(harness.#folder, { recursive: true });
    } catch (error) {
      harness.close();
      throw error;
    }
    return harness;
  }

  #at(address: number): number {
    return address - L.RAM_BASE;
  }
  #readCell(address: number): bigint {
    readSync(this.#file, this.#cell, 0, 8, this.#at(address));
    return this.#cell[0] ?? 0n;
  }
  #writeCell(address: number, value: number): void {
    this.#cell[0] = BigInt(value);
    writeSync(this.#file, this.#cell, 0, 8, this.#at(address));
  }

  /** Copies to physical memory. */
  write(address: number, bytes: Uint8Array): void {
    writeSync(this.#file, bytes, 0, bytes.length, this.#at(address));
  }
  /** A copy of physical memory. */
  read(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    readSync(this.#file, bytes, 0, length, this.#at(address));
    return bytes;
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

  /** Starts the first `count` cases of the input records and returns at once; what it gives waits for them. */
  run(count: number): () => Promise<void> {
    const done = this.#readCell(L.CONTROL + L.CONTROL_DONE);
    this.#writeCell(L.CONTROL + L.CONTROL_COUNT, count);
    this.#writeCell(L.CONTROL + L.CONTROL_COMMAND, 1);
    return () =>
      this.#waitFor(
        () => this.#readCell(L.CONTROL + L.CONTROL_DONE) !== done,
        BATCH_LIMIT_MS,
        `${count} cases; one of them may not end`,
      );
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
