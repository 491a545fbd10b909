/** Fresh builds of the fixture with many flags, against readelf and nm. Runs only where the tools are. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { DebugInfo } from '../../../debug-adapter/symbols/debug-info.ts';
import { parseElf } from '../../../debug-adapter/symbols/elf.ts';
import { compareFrames, compareLines } from '../../unit/debug-adapter/symbols/compare-readelf.ts';
import { fixturePath } from '../../unit/debug-adapter/symbols/fixtures.ts';

const GCC = 'aarch64-linux-gnu-gcc';
const CLANG = 'clang-19';
const READELF = 'aarch64-linux-gnu-readelf';
const NM = 'aarch64-linux-gnu-nm';

const COMMON = ['-g', '-ffreestanding', '-nostdlib', '-static', '-Wl,-Ttext=0x40080000'];
const COMPILERS = [
  { command: GCC, flags: ['-no-pie', '-fasynchronous-unwind-tables', '-fno-stack-protector'] },
  { command: CLANG, flags: ['--target=aarch64-none-elf', '-fuse-ld=lld-19'] },
];
const LEVELS = ['-O0', '-Og', '-O1', '-O2', '-O3', '-Os'];
const VARIANTS = [
  ['-gdwarf-4'],
  ['-gdwarf-5'],
  ['-gdwarf-5', '-gz=zlib'],
  ['-gdwarf-4', '-fdebug-types-section'],
  ['-gdwarf-5', '-fdebug-types-section'],
  ['-gdwarf-5', '-mbranch-protection=pac-ret', '-march=armv8.3-a'],
  ['-gdwarf-4', '-ffunction-sections', '-Wl,--gc-sections'],
];

function isInstalled(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0;
}

describe('fresh builds of sample.c', () => {
  const missing = [GCC, CLANG, READELF, NM].filter((command) => !isInstalled(command));
  if (missing.length > 0) {
    it(`SKIPPED: ${missing.join(', ')} not installed`, function () {
      this.skip();
    });
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'symbols-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  for (const { command, flags } of COMPILERS) {
    for (const level of LEVELS) {
      for (const variant of VARIANTS) {
        it(`${command} ${level} ${variant.join(' ')}: lines, frames and functions agree`, function () {
          this.timeout(20_000);
          const elf = join(folder, 'sample.elf');
          const source = fixturePath('sample.c');
          execFileSync(command, [...COMMON, ...flags, level, ...variant, source, '-o', elf], {
            stdio: 'pipe',
          });
          const image = parseElf(new Uint8Array(readFileSync(elf)), elf, {
            inflate: (data) => new Uint8Array(inflateSync(data)),
          });
          const info = new DebugInfo(image);
          compareLines(info, decodedLines(elf));
          assert.ok(compareFrames(info, interpretedFrames(elf)) >= 2);
          compareFunctions(info, elf);
        });
      }
    }
  }
});

function decodedLines(elf: string): string[] {
  const text = execFileSync(READELF, ['-wL', elf], { encoding: 'utf8' });
  const rows: string[] = [];
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    if (words[2]?.startsWith('0x') !== true) continue;
    // Rows of code that the linker discarded start near 0; we drop those on purpose.
    if (BigInt(words[2]) < 0x4008_0000n) continue;
    rows.push(`${words[1] ?? ''} ${words[2]} ${words.at(-1) === 'x' ? 'stmt' : ''}`);
  }
  return rows;
}

function interpretedFrames(elf: string): string[] {
  const text = execFileSync(READELF, ['-wF', elf], { encoding: 'utf8', stdio: 'pipe' });
  return text.split('\n').filter((line) => /FDE|^ *LOC|^[0-9a-f]{16} /.test(line));
}

function compareFunctions(info: DebugInfo, elf: string): void {
  const text = execFileSync(NM, ['-S', '--defined-only', elf], { encoding: 'utf8' });
  let compared = 0;
  for (const line of text.split('\n')) {
    const [, address, size, name] = /^([0-9a-f]+) ([0-9a-f]+) [Tt] (\S+)$/.exec(line) ?? [];
    if (address === undefined || size === undefined || name === undefined || name === '_start')
      continue;
    const [found] = info.findFunction(name);
    const low = BigInt(`0x${address}`);
    assert.ok(found, `no function ${name}`);
    assert.equal(found.lowPc, low, name);
    assert.equal(found.highPc, low + BigInt(`0x${size}`), name);
    assert.equal(info.functionAt(low).at(-1)?.name, name);
    compared++;
  }
  assert.ok(compared >= 4);
}
