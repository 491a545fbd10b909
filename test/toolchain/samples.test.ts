/** The committed guest ELFs are what their sources give, and do on QEMU what their READMEs say. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gccVersion, loadSegments } from './load-segments.ts';
import { CONSOLE_SESSION } from '../support/console-session.ts';
import { run, skipBecause, versionOf } from './tools.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GCC = 'aarch64-linux-gnu-gcc';
const QEMU = 'qemu-system-aarch64';

interface Outcome {
  readonly file: string;
  readonly status: number;
}

interface Guest {
  readonly folder: string;
  readonly elf: string;
  readonly machine: string;
  /** QEMU's -cpu. Default: cortex-a72. */
  readonly cpu?: string;
  /** How many processors. Default: 1. */
  readonly cpus?: number;
  /** What is typed at its serial console. */
  readonly typed?: string;
  /** What it does on a processor that follows the Arm ARM, where that is written down as a file. */
  readonly architectural?: Outcome;
  /** What it does on QEMU before 8.0, whose OS Lock silences nothing, where that differs. */
  readonly beforeQemu8?: Outcome;
}

const guests: readonly Guest[] = [
  {
    folder: 'samples/hello',
    elf: 'hello.elf',
    machine: 'virt',
    architectural: { file: 'expected-output.txt', status: 0 },
  },
  {
    folder: 'samples/watchpoint',
    elf: 'watchpoint.elf',
    machine: 'virt',
    architectural: { file: 'expected-output.txt', status: 1 },
  },
  {
    folder: 'samples/self-hosted-debug',
    elf: 'self-hosted-debug.elf',
    machine: 'virt',
    architectural: { file: 'expected-output.txt', status: 0 },
    beforeQemu8: { file: 'expected-output.qemu.txt', status: 1 },
  },
  {
    folder: 'samples/el2-hypervisor',
    elf: 'el2-hypervisor.elf',
    machine: 'virt,virtualization=on',
    architectural: { file: 'expected-output.txt', status: 0 },
  },
  {
    folder: 'samples/lazy-switching',
    elf: 'lazy-switching.elf',
    machine: 'virt',
    architectural: { file: 'expected-output.txt', status: 0 },
  },
  {
    folder: 'samples/shared-breakpoints',
    elf: 'shared-breakpoints.elf',
    machine: 'virt',
    architectural: { file: 'expected-output.txt', status: 0 },
  },
  {
    folder: 'samples/migration',
    elf: 'migration.elf',
    machine: 'virt',
    architectural: { file: 'expected-output.txt', status: 0 },
  },
  {
    folder: 'samples/smp',
    elf: 'smp.elf',
    machine: 'virt',
    cpus: 2,
    architectural: { file: 'expected-output.txt', status: 0 },
  },
  {
    folder: 'samples/console',
    elf: 'console.elf',
    machine: 'virt',
    typed: CONSOLE_SESSION,
    architectural: { file: 'expected-output.txt', status: 3 },
  },
  {
    folder: 'samples/fp-lazy',
    elf: 'fp-lazy.elf',
    machine: 'virt',
    architectural: { file: 'expected-output.txt', status: 0 },
  },
  {
    folder: 'samples/spe-profile',
    elf: 'spe-profile.elf',
    machine: 'virt',
    // QEMU has no SPE.
    architectural: { file: 'expected-output.qemu.txt', status: 1 },
  },
  {
    folder: 'test/guest/acceptance',
    elf: 'debug-exceptions.elf',
    machine: 'virt',
    beforeQemu8: { file: 'expected-output.qemu.txt', status: 1 },
  },
  {
    folder: 'test/guest/interrupts',
    elf: 'interrupts.elf',
    machine: 'virt',
    beforeQemu8: { file: 'expected-output.qemu.txt', status: 0 },
  },
  {
    folder: 'test/guest/translation',
    elf: 'translation.elf',
    machine: 'virt',
    cpu: 'max',
    beforeQemu8: { file: 'expected-output.qemu.txt', status: 1 },
  },
  {
    folder: 'test/guest/stage2',
    elf: 'stage2.elf',
    machine: 'virt,virtualization=on',
    cpu: 'max',
    architectural: { file: 'expected-output.txt', status: 0 },
  },
];

/** Those beside the samples, which are copied as a whole. */
const guestFolders = guests
  .map(({ folder }) => folder)
  .filter((path) => !path.startsWith('samples/'));

describe('Guests, rebuilt with the cross compiler', () => {
  let copy: string | undefined;

  before(function () {
    const version = versionOf(GCC);
    if (version === undefined) skipBecause(this, `${GCC} is not installed`);
    const committed = gccVersion(readFileSync(join(ROOT, 'samples/hello/hello.elf')));
    assert.ok(committed, 'hello.elf names the compiler that built it');
    if (!version.includes(` ${committed}`)) {
      skipBecause(this, `the guests were built with GCC ${committed}, installed is "${version}"`);
    }
    copy = mkdtempSync(join(tmpdir(), 'trapline-guests-'));
    for (const folder of ['samples', ...guestFolders]) {
      cpSync(join(ROOT, folder), join(copy, folder), {
        recursive: true,
        filter: (path) => basename(path) !== 'out' && !path.endsWith('.elf'),
      });
    }
  });

  after(() => {
    if (copy !== undefined) rmSync(copy, { recursive: true });
  });

  for (const { folder, elf } of guests) {
    it(`${elf} has the committed code and data bytes`, function () {
      this.timeout(60_000);
      assert.ok(copy);
      const make = run('make', ['-C', join(copy, folder)], 60_000);
      assert.equal(make.status, 0, make.errors);
      assert.equal(make.errors, '', 'it builds without a warning');

      const rebuilt = loadSegments(readFileSync(join(copy, folder, elf)));
      const committed = loadSegments(readFileSync(join(ROOT, folder, elf)));
      assert.ok(committed.length > 0);
      assert.deepEqual(rebuilt, committed);
    });
  }
});

describe('Guests, run on QEMU', () => {
  let major = 0;

  before(function () {
    const version = versionOf(QEMU);
    if (version === undefined) skipBecause(this, `${QEMU} is not installed`);
    major = Number(/version (\d+)/.exec(version)?.[1]);
  });

  for (const guest of guests) {
    const { folder, elf, machine, cpu = 'cortex-a72', cpus = 1 } = guest;
    it(`${elf} prints its expected output and ends with its exit status`, function () {
      this.timeout(60_000);
      const outcome = (major < 8 ? guest.beforeQemu8 : undefined) ?? guest.architectural;
      if (outcome === undefined) {
        skipBecause(this, `its output on QEMU ${major} has not been recorded`);
      }

      const path = join(ROOT, folder, elf);
      const options = ['-M', machine, '-cpu', cpu, '-smp', `${cpus}`, '-nographic', '-semihosting'];
      const qemu = run(QEMU, [...options, '-kernel', path], 30_000, guest.typed);
      const expected = readFileSync(join(ROOT, folder, outcome.file), 'utf8');
      assert.equal(qemu.output.replaceAll('\r\n', '\n'), expected);
      assert.equal(qemu.status, outcome.status);
    });
  }
});
