/** QEMU TCG, alone and under gdb, as the yardstick of the benchmarks. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Guest } from './elf-guest.ts';

const MACHINE = [
  '-M',
  'virt',
  '-cpu',
  'cortex-a72',
  '-display',
  'none',
  '-monitor',
  'none',
  '-semihosting',
];

export function hasQemu(): boolean {
  return spawnSync('qemu-system-aarch64', ['--version']).status === 0;
}
export function hasGdb(): boolean {
  return spawnSync('gdb-multiarch', ['--version']).status === 0;
}

/** The guest as a file for as long as `dispose` has not been called. */
function writeGuest(guest: Guest): { readonly path: string; dispose(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'trapline-bench-'));
  const path = join(folder, `${guest.name}.elf`);
  writeFileSync(path, guest.bytes);
  return {
    path,
    dispose() {
      rmSync(folder, { recursive: true });
    },
  };
}

export interface QemuRun {
  readonly milliseconds: number;
  readonly output: string;
}

/** Wall time of a whole QEMU process, start-up included. */
export function runOnQemu(guest: Guest): QemuRun {
  const file = writeGuest(guest);
  const start = performance.now();
  const { stdout, status } = spawnSync(
    'qemu-system-aarch64',
    [...MACHINE, '-serial', 'stdio', '-kernel', file.path],
    { encoding: 'utf8', timeout: 120_000 },
  );
  const milliseconds = performance.now() - start;
  file.dispose();
  if (status !== 0) throw new Error(`QEMU ended with status ${status} on ${guest.name}`);
  return { milliseconds, output: stdout.trim() };
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  });
}

/**
 * Wall time between two `echo` commands of gdb around `commands`, attached to QEMU with the guest
 * stopped at its entry.
 */
export async function timeUnderGdb(guest: Guest, commands: readonly string[]): Promise<number> {
  const file = writeGuest(guest);
  const port = await freePort();
  const qemu = spawn(
    'qemu-system-aarch64',
    [...MACHINE, '-serial', 'null', '-kernel', file.path, '-S', '-gdb', `tcp:127.0.0.1:${port}`],
    { stdio: 'ignore' },
  );
  try {
    const script = [
      'set pagination off',
      'set confirm off',
      'set remotetimeout 60',
      `target remote 127.0.0.1:${port}`,
      'python import time; t0 = time.time()',
      ...commands,
      'python print("SECONDS", time.time() - t0)',
      'kill',
    ];
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { stdout, stderr } = spawnSync(
      'gdb-multiarch',
      ['-batch', '-nx', file.path, ...script.flatMap((line) => ['-ex', line])],
      { encoding: 'utf8', timeout: 120_000 },
    );
    const seconds = /SECONDS ([\d.e-]+)/.exec(stdout)?.[1];
    if (seconds === undefined) throw new Error(`gdb did not finish: ${stdout}${stderr}`);
    return Number(seconds) * 1000;
  } finally {
    qemu.kill('SIGKILL');
    file.dispose();
  }
}
