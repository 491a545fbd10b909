/** The committed sample ELFs are what their sources give, and do on QEMU what their READMEs say. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gccVersion, loadSegments } from './load-segments.ts';
import { run, skipBecause, versionOf } from './tools.ts';

const SAMPLES = fileURLToPath(new URL('../../samples/', import.meta.url));
const GCC = 'aarch64-linux-gnu-gcc';
const QEMU = 'qemu-system-aarch64';

/** `deviation`: QEMU releases before 8.0 do not implement the OS Lock and print this instead. */
const samples = [
  { name: 'hello', machine: 'virt', status: 0 },
  { name: 'watchpoint', machine: 'virt', status: 1 },
  {
    name: 'self-hosted-debug',
    machine: 'virt',
    status: 0,
    deviation: { file: 'expected-output.qemu.txt', status: 1 },
  },
  { name: 'el2-hypervisor', machine: 'virt,virtualization=on', status: 0 },
] as const;

describe('Samples, rebuilt with the cross compiler', () => {
  let folder: string | undefined;

  before(function () {
    const version = versionOf(GCC);
    if (version === undefined) skipBecause(this, `${GCC} is not installed`);
    const committed = gccVersion(readFileSync(join(SAMPLES, 'hello/hello.elf')));
    assert.ok(committed, 'hello.elf names the compiler that built it');
    if (!version.includes(` ${committed}`)) {
      skipBecause(this, `the samples were built with GCC ${committed}, installed is "${version}"`);
    }
    folder = mkdtempSync(join(tmpdir(), 'trapline-samples-'));
    cpSync(SAMPLES, folder, {
      recursive: true,
      filter: (path) => basename(path) !== 'out' && !path.endsWith('.elf'),
    });
  });

  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  for (const { name } of samples) {
    it(`${name} gives the committed code and data bytes`, function () {
      this.timeout(60_000);
      assert.ok(folder);
      const make = run('make', ['-C', join(folder, name)], 60_000);
      assert.equal(make.status, 0, make.errors);
      assert.equal(make.errors, '', 'it builds without a warning');

      const rebuilt = loadSegments(readFileSync(join(folder, name, `${name}.elf`)));
      const committed = loadSegments(readFileSync(join(SAMPLES, name, `${name}.elf`)));
      assert.ok(committed.length > 0);
      assert.deepEqual(rebuilt, committed);
    });
  }
});

describe('Samples, run on QEMU', () => {
  before(function () {
    if (versionOf(QEMU) === undefined) skipBecause(this, `${QEMU} is not installed`);
  });

  for (const sample of samples) {
    const { name, machine } = sample;
    it(`${name} prints its expected output and ends with its exit status`, function () {
      this.timeout(60_000);
      const major = Number(/version (\d+)/.exec(versionOf(QEMU) ?? '')?.[1]);
      const { file, status } =
        'deviation' in sample && major < 8
          ? sample.deviation
          : { file: 'expected-output.txt', status: sample.status };
      const expected = join(SAMPLES, name, file);
      assert.ok(existsSync(expected));

      const qemu = run(
        QEMU,
        ['-M', machine, '-cpu', 'cortex-a72', '-nographic', '-semihosting', '-kernel'].concat(
          join(SAMPLES, name, `${name}.elf`),
        ),
        30_000,
      );
      assert.equal(qemu.output.replaceAll('\r\n', '\n'), readFileSync(expected, 'utf8'));
      assert.equal(qemu.status, status);
    });
  }
});
