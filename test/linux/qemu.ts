/** Linux on QEMU TCG. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMAND_LINE, RAM_BYTES } from './configurations.ts';
import type { Configuration } from './configurations.ts';
import type { LinuxImages } from './images.ts';
import { ending, plain } from './session.ts';
import type { LinuxSession } from './session.ts';

const QEMU = 'qemu-system-aarch64';
/** Milliseconds that whatever is waited for takes at most. */
const PATIENCE = 600_000;

/** The first line of `--version`, or undefined where it is not installed. */
export function qemuVersion(): string | undefined {
  const { status, stdout } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0] : undefined;
}

export class QemuSession implements LinuxSession {
  readonly #folder: string;
  readonly #child: ChildProcessWithoutNullStreams;
  #output = '';
  #ended = false;
  /** Something was printed, or QEMU has ended. */
  #wake: () => void = () => undefined;

  constructor({ el, gic, cpus, cpu }: Configuration, { kernel, initrd }: LinuxImages) {
    this.#folder = mkdtempSync(join(tmpdir(), 'trapline-linux-'));
    const kernelPath = join(this.#folder, 'Image');
    const initrdPath = join(this.#folder, 'initrd.cpio');
    writeFileSync(kernelPath, kernel);
    writeFileSync(initrdPath, initrd);
    const machine = `virt,gic-version=${gic}${el === 2 ? ',virtualization=on' : ''}`;
    this.#child = spawn(QEMU, [
      ...['-machine', machine, '-accel', 'tcg', '-cpu', cpu === 'max-supported' ? 'max' : cpu],
      ...['-smp', `${cpus}`, '-m', `${RAM_BYTES >> 20}`, '-nodefaults', '-display', 'none'],
      ...['-serial', 'stdio', '-kernel', kernelPath, '-initrd', initrdPath],
      ...['-append', COMMAND_LINE],
    ]);
    this.#child.stdout.on('data', (data: Buffer) => {
      this.#output += data.toString('latin1');
      this.#wake();
    });
    this.#child.once('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  get output(): string {
    return this.#output;
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  async waitFor(pattern: RegExp, from = 0): Promise<string> {
    let text = '';
    await this.#until(`/${pattern.source}/`, () => {
      text = plain(this.#output.slice(from));
      if (pattern.test(text)) return true;
      if (this.#ended) throw new Error(`QEMU ended without it:\n${ending(this.#output)}`);
      return false;
    });
    return text;
  }

  async waitForPowerOff(): Promise<void> {
    await this.#until('the power off', () => this.#ended);
  }

  async #until(what: string, isDone: () => boolean): Promise<void> {
    const end = performance.now() + PATIENCE;
    while (!isDone()) {
      if (performance.now() > end) {
        throw new Error(`Linux runs on QEMU without ${what}:\n${ending(this.#output)}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  dispose(): void {
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
