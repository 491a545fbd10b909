/** The committed recordings of gdb on QEMU are what gdb says today. UPDATE_GOLDEN=1 writes them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import {
  OPTIMISED_PROGRAMS,
  optimisedElf,
  optimisedFolder,
  readRecording,
  writeRecording,
  type GdbRecording,
  type OptimisedProgram,
} from '../../dap/support/gdb-recording.ts';
import { skipBecause, versionOf } from '../tools.ts';

const GDB = 'gdb-multiarch';
const QEMU = 'qemu-system-aarch64';
const HITS = 3;

const script = path.join(import.meta.dirname, 'record.py');

/** Runs a program to its end under gdb on QEMU. */
function record(program: OptimisedProgram, output: string): GdbRecording {
  const elf = optimisedElf(program);
  const qemu = `${QEMU} -M virt -cpu cortex-a72 -display none -serial null -monitor none -semihosting -S -gdb stdio`;
  const commands = [
    'set confirm off',
    'set backtrace past-main on',
    'set breakpoint pending off',
    `target remote | exec ${qemu} -kernel "${elf}"`,
    `source ${script}`,
  ].flatMap((command) => ['-ex', command]);
  const { stdout, stderr, error } = spawnSync(GDB, ['-nx', '-batch', ...commands, elf], {
    cwd: optimisedFolder,
    timeout: 60_000,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
    env: { ...process.env, SOURCE: `${program}.c`, HITS: `${HITS}`, OUTPUT: output },
  });
  assert.equal(error, undefined);
  assert.doesNotMatch(stderr, /Traceback|Error/, `${stdout.slice(-1000)}\n${stderr}`);
  return JSON.parse(readFileSync(output, 'utf8')) as GdbRecording;
}

describe('Recordings of gdb on QEMU', () => {
  let folder = '';
  before(function () {
    for (const command of [GDB, QEMU]) {
      if (versionOf(command) === undefined) skipBecause(this, `${command} is not installed`);
    }
    folder = mkdtempSync(path.join(tmpdir(), 'trapline-gdb-'));
  });
  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  for (const program of OPTIMISED_PROGRAMS) {
    it(`${program}: locations, frames and variables are those of the fixture`, function () {
      this.timeout(90_000);
      const recorded = record(program, path.join(folder, `${program}.json`));
      if (process.env['UPDATE_GOLDEN'] === '1') {
        writeRecording(program, recorded);
        return;
      }
      const committed = readRecording(program);
      if (recorded.gdb.split('.')[0] !== committed.gdb.split('.')[0]) {
        skipBecause(this, `recorded with gdb ${committed.gdb}, installed is ${recorded.gdb}`);
      }
      assert.equal(recorded.hits, committed.hits);
      assert.deepEqual(recorded.locations, committed.locations);
      assert.deepEqual(recorded.stops, committed.stops);
    });
  }
});
